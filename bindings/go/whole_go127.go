//go:build go1.27 && cgo

package tls

import (
	"crypto"
	"crypto/mldsa"
	"crypto/tls"
)

// signsWhole tells whether a key of a kind that signs messages without a hash of its own is one for the scheme.
func signsWhole(key crypto.Signer, scheme SignatureScheme) bool {
	public, ok := key.Public().(*mldsa.PublicKey)
	if !ok {
		return false
	}
	switch public.Parameters() {
	case mldsa.MLDSA44():
		return scheme == tls.MLDSA44
	case mldsa.MLDSA65():
		return scheme == tls.MLDSA65
	case mldsa.MLDSA87():
		return scheme == tls.MLDSA87
	}
	return false
}

func init() { signatureSchemes = append(signatureSchemes, tls.MLDSA44, tls.MLDSA65, tls.MLDSA87) }
