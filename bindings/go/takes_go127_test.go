//go:build go1.27

package tls

// net/http speaks HTTP/2 over connections of other packages, fills in Request.TLS and answers who speaks no TLS.
const httpTakesAny = true
