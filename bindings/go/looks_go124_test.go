//go:build !go1.25

package tls

const httpLooks = false
