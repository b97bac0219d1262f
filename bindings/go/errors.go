//go:build cgo

package tls

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// ConfigError says what of a Config cannot be used.
type ConfigError struct {
	Field   string // of Config; empty if it is about several
	Message string
}

func (e *ConfigError) Error() string {
	if e.Field == "" {
		return "tls: " + e.Message
	}
	return "tls: Config." + e.Field + ": " + e.Message
}

// Error is what ended a connection, as the library tells it. errors.As finds an AlertError in it if this side sent an
// alert.
type Error struct {
	Status  int    // TLS_ERR_*: the class
	Reason  int    // TLS_REASON_*: for logs; 0 if none fits
	Alert   int    // the alert that was sent to the peer (RFC 8446, 6); -1 if none
	Message string // a sentence for people
}

func (e *Error) Error() string { return "tls: " + e.Message }

// Unwrap gives the alert that was sent.
func (e *Error) Unwrap() error {
	if e.Alert < 0 {
		return nil
	}
	return AlertError(e.Alert)
}

// What calls after Close answer.
var errClosed = net.ErrClosed

var errShutdown = errors.New("tls: protocol is shutdown")

var errHandshakeTooLarge = &Error{Status: firstFatal, Alert: -1, Message: "a handshake message of the peer is too large"}

// fatalError makes an error of what the library says ended the connection. start is what the peer's first bytes were.
func (c *Conn) fatalError(r report, start []byte) error {
	plain := &Error{Status: r.status, Reason: r.reason, Alert: r.alertSent, Message: r.message}
	switch {
	case r.status == errAlert && r.alertReceived >= 0:
		return &net.OpError{Op: "remote error", Err: AlertError(r.alertReceived)}
	case r.reason == reasonECHRejected:
		var retry []byte
		c.ask(func(h handle) { retry = h.blob(blobECHRetry, 0) })
		return &ECHRejectionError{RetryConfigList: retry}
	case r.status == errCertificate:
		chain := parseChain(c.shownChain())
		return &CertificateVerificationError{
			UnverifiedCertificates: chain,
			Err:                    certificateCause(r, c.serverName(), chain, plain),
		}
	case r.reason == reasonNotTLS && len(start) >= 5:
		e := RecordHeaderError{Msg: r.message}
		copy(e.RecordHeader[:], start)
		if !c.isClient {
			e.Conn = c.conn
		}
		return e
	}
	return plain
}

// shownChain is what the peer has presented; the library does not show a chain that it has refused.
func (c *Conn) shownChain() [][]byte {
	if c.extra != nil && c.extra.shown != nil {
		return c.extra.shown
	}
	return c.peerChain()
}

// certificateCause finds crypto/x509's error for a reason, where it has one.
func certificateCause(r report, name string, chain []*x509.Certificate, otherwise error) error {
	var leaf *x509.Certificate
	if len(chain) > 0 {
		leaf = chain[0]
	}
	switch {
	case r.reason == reasonExpired || r.reason == reasonNotYetValid:
		return x509.CertificateInvalidError{Cert: leaf, Reason: x509.Expired, Detail: r.message}
	case r.reason == reasonWrongUsage:
		return x509.CertificateInvalidError{Cert: leaf, Reason: x509.IncompatibleUsage, Detail: r.message}
	case r.reason == reasonUnknownIssuer:
		return x509.UnknownAuthorityError{Cert: leaf}
	case r.reason == reasonWrongName && leaf != nil:
		return x509.HostnameError{Certificate: leaf, Host: name}
	}
	return otherwise
}

// alertFor is the alert that tells the peer why its certificate was refused.
func alertFor(err error) int {
	const badCertificate, certificateExpired, unknownCA = 42, 45, 48
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return unknownCA
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return certificateExpired
	}
	return badCertificate
}

func parseChain(chain [][]byte) []*x509.Certificate {
	parsed, err := parseCertificates(chain)
	if err != nil {
		return nil
	}
	return parsed
}

func parseCertificates(chain [][]byte) ([]*x509.Certificate, error) {
	parsed := make([]*x509.Certificate, 0, len(chain))
	for i, der := range chain {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("tls: failed to parse certificate %d of the peer: %w", i+1, err)
		}
		parsed = append(parsed, certificate)
	}
	return parsed, nil
}
