//go:build go1.26

package tls

import "crypto/tls"

// Those that crypto/tls has since Go 1.26.
const (
	SecP256r1MLKEM768  = tls.SecP256r1MLKEM768
	SecP384r1MLKEM1024 = tls.SecP384r1MLKEM1024
)
