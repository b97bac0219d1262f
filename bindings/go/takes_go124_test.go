//go:build !go1.27

package tls

const httpTakesAny = false
