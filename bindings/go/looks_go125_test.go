//go:build go1.25

package tls

// net/http asks connections of other packages for their state.
const httpLooks = true
