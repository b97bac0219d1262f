//go:build go1.27

package tls

// net/http speaks HTTP/2 over connections of other packages.
const httpTakesAny = true
