//go:build cgo

package tls

import (
	"crypto/tls"
	"slices"
)

// What is crypto/tls's own: programs that change an import find the same types, and code of others goes on taking them.
type (
	AlertError                   = tls.AlertError
	Certificate                  = tls.Certificate
	CertificateRequestInfo       = tls.CertificateRequestInfo
	CertificateVerificationError = tls.CertificateVerificationError
	CipherSuite                  = tls.CipherSuite
	ClientAuthType               = tls.ClientAuthType
	ClientHelloInfo              = tls.ClientHelloInfo
	ClientSessionCache           = tls.ClientSessionCache
	ClientSessionState           = tls.ClientSessionState
	ConnectionState              = tls.ConnectionState
	CurveID                      = tls.CurveID
	ECHRejectionError            = tls.ECHRejectionError
	EncryptedClientHelloKey      = tls.EncryptedClientHelloKey
	RecordHeaderError            = tls.RecordHeaderError
	RenegotiationSupport         = tls.RenegotiationSupport
	SessionState                 = tls.SessionState
	SignatureScheme              = tls.SignatureScheme
)

const (
	VersionTLS10 = tls.VersionTLS10
	VersionTLS11 = tls.VersionTLS11
	VersionTLS12 = tls.VersionTLS12
	VersionTLS13 = tls.VersionTLS13

	NoClientCert               = tls.NoClientCert
	RequestClientCert          = tls.RequestClientCert
	RequireAnyClientCert       = tls.RequireAnyClientCert
	VerifyClientCertIfGiven    = tls.VerifyClientCertIfGiven
	RequireAndVerifyClientCert = tls.RequireAndVerifyClientCert

	CurveP256      = tls.CurveP256
	CurveP384      = tls.CurveP384
	CurveP521      = tls.CurveP521
	X25519         = tls.X25519
	X25519MLKEM768 = tls.X25519MLKEM768

	RenegotiateNever          = tls.RenegotiateNever
	RenegotiateOnceAsClient   = tls.RenegotiateOnceAsClient
	RenegotiateFreelyAsClient = tls.RenegotiateFreelyAsClient

	PKCS1WithSHA256        = tls.PKCS1WithSHA256
	PKCS1WithSHA384        = tls.PKCS1WithSHA384
	PKCS1WithSHA512        = tls.PKCS1WithSHA512
	PSSWithSHA256          = tls.PSSWithSHA256
	PSSWithSHA384          = tls.PSSWithSHA384
	PSSWithSHA512          = tls.PSSWithSHA512
	ECDSAWithP256AndSHA256 = tls.ECDSAWithP256AndSHA256
	ECDSAWithP384AndSHA384 = tls.ECDSAWithP384AndSHA384
	ECDSAWithP521AndSHA512 = tls.ECDSAWithP521AndSHA512
	Ed25519                = tls.Ed25519

	// These do not exist here: a Config that names one is refused.
	ECDSAWithSHA1                           = tls.ECDSAWithSHA1
	PKCS1WithSHA1                           = tls.PKCS1WithSHA1
	VersionSSL30                            = tls.VersionSSL30
	TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA    = tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
	TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 = tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
	TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA    = tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA
	TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305  = tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305
	TLS_ECDHE_ECDSA_WITH_RC4_128_SHA        = tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA
	TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA     = tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA
	TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA      = tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
	TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256   = tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256
	TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA      = tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA
	TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305    = tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305
	TLS_ECDHE_RSA_WITH_RC4_128_SHA          = tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA
	TLS_FALLBACK_SCSV                       = tls.TLS_FALLBACK_SCSV
	TLS_RSA_WITH_3DES_EDE_CBC_SHA           = tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA
	TLS_RSA_WITH_AES_128_CBC_SHA            = tls.TLS_RSA_WITH_AES_128_CBC_SHA
	TLS_RSA_WITH_AES_128_CBC_SHA256         = tls.TLS_RSA_WITH_AES_128_CBC_SHA256
	TLS_RSA_WITH_AES_128_GCM_SHA256         = tls.TLS_RSA_WITH_AES_128_GCM_SHA256
	TLS_RSA_WITH_AES_256_CBC_SHA            = tls.TLS_RSA_WITH_AES_256_CBC_SHA
	TLS_RSA_WITH_AES_256_GCM_SHA384         = tls.TLS_RSA_WITH_AES_256_GCM_SHA384
	TLS_RSA_WITH_RC4_128_SHA                = tls.TLS_RSA_WITH_RC4_128_SHA

	TLS_AES_128_GCM_SHA256                        = tls.TLS_AES_128_GCM_SHA256
	TLS_AES_256_GCM_SHA384                        = tls.TLS_AES_256_GCM_SHA384
	TLS_CHACHA20_POLY1305_SHA256                  = tls.TLS_CHACHA20_POLY1305_SHA256
	TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256       = tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384       = tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
	TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 = tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
	TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256         = tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384         = tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
	TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256   = tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
)

// X509KeyPair is crypto/tls's.
func X509KeyPair(certPEMBlock, keyPEMBlock []byte) (Certificate, error) {
	return tls.X509KeyPair(certPEMBlock, keyPEMBlock)
}

// LoadX509KeyPair is crypto/tls's.
func LoadX509KeyPair(certFile, keyFile string) (Certificate, error) {
	return tls.LoadX509KeyPair(certFile, keyFile)
}

// NewResumptionState is crypto/tls's.
func NewResumptionState(ticket []byte, state *SessionState) (*ClientSessionState, error) {
	return tls.NewResumptionState(ticket, state)
}

// ParseSessionState is crypto/tls's.
func ParseSessionState(data []byte) (*SessionState, error) { return tls.ParseSessionState(data) }

// CipherSuiteName is crypto/tls's.
func CipherSuiteName(id uint16) string { return tls.CipherSuiteName(id) }

// VersionName is crypto/tls's.
func VersionName(version uint16) string { return tls.VersionName(version) }

// CipherSuites gives those of crypto/tls's list that exist here.
func CipherSuites() []*CipherSuite {
	var found []*CipherSuite
	for _, suite := range tls.CipherSuites() {
		if slices.Contains(suites13, suite.ID) || slices.Contains(suites12, suite.ID) {
			found = append(found, suite)
		}
	}
	return found
}

// InsecureCipherSuites gives none: they do not exist here.
func InsecureCipherSuites() []*CipherSuite { return nil }
