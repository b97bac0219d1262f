//go:build go1.27

package tls

import "crypto/tls"

// Those that crypto/tls has since Go 1.27.
const (
	MLDSA44   = tls.MLDSA44
	MLDSA65   = tls.MLDSA65
	MLDSA87   = tls.MLDSA87
	MLKEM1024 = tls.MLKEM1024
)
