//go:build !go1.27 && cgo

package tls

import "crypto"

// signsWhole tells whether a key of a kind that signs messages without a hash of its own is one for the scheme.
func signsWhole(crypto.Signer, SignatureScheme) bool { return false }
