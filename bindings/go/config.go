//go:build cgo

package tls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is what connections share. Its fields mean what those of crypto/tls.Config mean. A Config is used by any number
// of connections at once, and must not be modified while one of them is made. What it describes is built by the first of
// them; what was changed afterwards is built anew by the next one. Of certificates and PEM texts the bytes are not compared:
// set other slices.
type Config struct {
	// Rand has to be nil: the library takes random bytes from the system.
	Rand io.Reader

	// Time is the clock by which certificates are judged; nil for time.Now.
	Time func() time.Time

	// Certificates are shown to the peer: see tls_builder_identity_pem in tlsbio.h for which of several. A private key that
	// is neither *rsa.PrivateKey, *ecdsa.PrivateKey nor ed25519.PrivateKey is asked to sign, as a crypto.Signer.
	Certificates []Certificate

	// NameToCertificate are certificates of a server by the names that clients ask for, as in crypto/tls.
	//
	// Deprecated: Certificates are chosen from by their names.
	NameToCertificate map[string]*Certificate

	// GetCertificate chooses a server's certificate, as in crypto/tls.
	GetCertificate func(*ClientHelloInfo) (*Certificate, error)

	// GetClientCertificate chooses a client's certificate, as in crypto/tls: it is called when a server asks for one, unless
	// a session is resumed.
	GetClientCertificate func(*tls.CertificateRequestInfo) (*Certificate, error)

	// GetConfigForClient chooses a server's configuration, as in crypto/tls. One that says the same as another one costs
	// little, also if it is a new one each time.
	GetConfigForClient func(*ClientHelloInfo) (*Config, error)

	// VerifyPeerCertificate is called as in crypto/tls: not for resumed sessions, and by a server that requests certificates
	// also for a client that has none, with an empty list. With RootsPEM and ClientCAsPEM, where the library verifies, it
	// is called before that and without chains.
	VerifyPeerCertificate func(rawCerts [][]byte, verifiedChains [][]*x509.Certificate) error

	// VerifyConnection is called for every connection when the handshake is done, before Handshake returns and before
	// anything is read or written. An error ends the connection, with an alert; so does a resumed session whose certificates
	// are no longer good.
	VerifyConnection func(ConnectionState) error

	// RootCAs verify servers, by crypto/x509; nil for the roots of the system, unless RootsPEM is set.
	RootCAs *x509.CertPool

	// RootsPEM are roots that verify servers, by the library itself, which is faster. Not together with RootCAs.
	RootsPEM []byte

	// NextProtos are protocols for ALPN in order of preference.
	NextProtos []string

	// ServerName is the name that a server's certificate must be for; Dial takes it from the address.
	ServerName string

	// ClientAuth says whether and how a server asks for client certificates.
	ClientAuth ClientAuthType

	// ClientCAs verify clients, by crypto/x509; nil for the roots of the system, unless ClientCAsPEM is set. Their names are
	// not sent to clients, since a CertPool does not tell them.
	ClientCAs *x509.CertPool

	// ClientCAsPEM are roots that verify clients, by the library itself; their names are sent. Not together with ClientCAs.
	ClientCAsPEM []byte

	// InsecureSkipVerify accepts any certificate, as in crypto/tls: for tests, or with VerifyPeerCertificate.
	InsecureSkipVerify bool

	// CipherSuites are those that may be negotiated. As in crypto/tls, those of TLS 1.3 are all allowed if none is named.
	CipherSuites []uint16

	// PreferServerCipherSuites does nothing, as in crypto/tls.
	PreferServerCipherSuites bool

	// SessionTicketsDisabled turns tickets and resumption off.
	SessionTicketsDisabled bool

	// SessionTicketKey is the key of a server's tickets, as in crypto/tls; see also SetSessionTicketKeys. It is for processes
	// that share sessions, all of them with this package. Zero for keys of the Config's own, which rotate.
	SessionTicketKey [32]byte

	// ClientSessionCache turns resumption on for clients. With one that NewLRUClientSessionCache of this package made sessions
	// stay inside the library, which costs least. Any other one works as in crypto/tls, but what it keeps is of use in
	// this process only, to Configs that say the same about servers.
	ClientSessionCache ClientSessionCache

	// UnwrapSession and WrapSession have to be nil: what stands in a ticket, or in its place, the library makes itself.
	UnwrapSession func(identity []byte, cs ConnectionState) (*tls.SessionState, error)
	WrapSession   func(ConnectionState, *tls.SessionState) ([]byte, error)

	// MinVersion and MaxVersion are VersionTLS12 or VersionTLS13; 0 for 1.2 and 1.3.
	MinVersion uint16
	MaxVersion uint16

	// CurvePreferences are the key exchange groups that may be negotiated; nil for the library's. As in crypto/tls their order
	// does not count: those that withstand quantum computers come first.
	CurvePreferences []CurveID

	// DynamicRecordSizingDisabled is how it is here in any case: records are as large as what is written.
	DynamicRecordSizingDisabled bool

	// Renegotiation has to be RenegotiateNever: it does not exist here.
	Renegotiation RenegotiationSupport

	// KeyLogWriter gets a line for each secret (RFC 9850). Whoever has them can read the traffic: for debugging only.
	KeyLogWriter io.Writer

	// EncryptedClientHelloConfigList makes a client offer ECH (RFC 9849), with TLS 1.3 only.
	EncryptedClientHelloConfigList []byte

	// These have to be nil: they do not exist here.
	EncryptedClientHelloRejectionVerify func(ConnectionState) error
	GetEncryptedClientHelloKeys         func(*ClientHelloInfo) ([]tls.EncryptedClientHelloKey, error)
	EncryptedClientHelloKeys            []tls.EncryptedClientHelloKey

	mutex      sync.Mutex
	family     *family
	clients    remembered
	servers    remembered
	ticketKeys [][32]byte
}

// Clone gives a copy that can be modified. The two have the keys of a server's tickets in common, and what was built, as far
// as they stay alike.
func (c *Config) Clone() *Config {
	if c == nil {
		return nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return &Config{
		Rand:                                c.Rand,
		Time:                                c.Time,
		Certificates:                        c.Certificates,
		NameToCertificate:                   c.NameToCertificate,
		GetCertificate:                      c.GetCertificate,
		GetClientCertificate:                c.GetClientCertificate,
		GetConfigForClient:                  c.GetConfigForClient,
		VerifyPeerCertificate:               c.VerifyPeerCertificate,
		VerifyConnection:                    c.VerifyConnection,
		RootCAs:                             c.RootCAs,
		RootsPEM:                            c.RootsPEM,
		NextProtos:                          c.NextProtos,
		ServerName:                          c.ServerName,
		ClientAuth:                          c.ClientAuth,
		ClientCAs:                           c.ClientCAs,
		ClientCAsPEM:                        c.ClientCAsPEM,
		InsecureSkipVerify:                  c.InsecureSkipVerify,
		CipherSuites:                        c.CipherSuites,
		PreferServerCipherSuites:            c.PreferServerCipherSuites,
		SessionTicketsDisabled:              c.SessionTicketsDisabled,
		SessionTicketKey:                    c.SessionTicketKey,
		ClientSessionCache:                  c.ClientSessionCache,
		UnwrapSession:                       c.UnwrapSession,
		WrapSession:                         c.WrapSession,
		MinVersion:                          c.MinVersion,
		MaxVersion:                          c.MaxVersion,
		CurvePreferences:                    c.CurvePreferences,
		DynamicRecordSizingDisabled:         c.DynamicRecordSizingDisabled,
		Renegotiation:                       c.Renegotiation,
		KeyLogWriter:                        c.KeyLogWriter,
		EncryptedClientHelloConfigList:      c.EncryptedClientHelloConfigList,
		EncryptedClientHelloRejectionVerify: c.EncryptedClientHelloRejectionVerify,
		GetEncryptedClientHelloKeys:         c.GetEncryptedClientHelloKeys,
		EncryptedClientHelloKeys:            c.EncryptedClientHelloKeys,
		family:                              c.familyLocked(),
		clients:                             c.clients,
		servers:                             c.servers,
		ticketKeys:                          c.ticketKeys,
	}
}

// SetSessionTicketKeys sets the keys of a server's tickets, as in crypto/tls: the first encrypts, all decrypt. It may be
// called while the Config is in use.
func (c *Config) SetSessionTicketKeys(keys [][32]byte) {
	if len(keys) == 0 {
		panic("tls: keys must have at least one key")
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.ticketKeys = append([][32]byte(nil), keys...)
}

// BuildNameToCertificate fills in NameToCertificate, as in crypto/tls.
//
// Deprecated: Certificates are chosen from by their names.
func (c *Config) BuildNameToCertificate() {
	std := &tls.Config{Certificates: c.Certificates}
	std.BuildNameToCertificate()
	c.NameToCertificate = std.NameToCertificate
}

// DecryptTicket and the like do not exist: tickets stay inside the library.

func (c *Config) now() time.Time {
	if c.Time != nil {
		return c.Time()
	}
	return time.Now()
}

// byName is the certificate that NameToCertificate has for a name; nil if it is not used.
func (c *Config) byName(name string) *Certificate {
	if len(c.Certificates) == 1 || c.NameToCertificate == nil {
		return nil
	}
	name = strings.ToLower(name)
	if certificate := c.NameToCertificate[name]; certificate != nil {
		return certificate
	}
	_, rest, _ := strings.Cut(name, ".")
	return c.NameToCertificate["*."+rest]
}

// asksForServer tells whether a server with this Config has to be asked which certificate or configuration to use.
func (c *Config) asksForServer() bool {
	return c.GetConfigForClient != nil || c.GetCertificate != nil || c.NameToCertificate != nil
}

// forgoesALPN tells whether there may be clients whom a server with this Config takes in without a protocol: it has to be asked.
func (c *Config) forgoesALPN() bool {
	return slices.Contains(c.NextProtos, "h2") && !slices.Contains(c.NextProtos, "http/1.1")
}

// forgoesALPNFor tells whether a client is to be taken in without a protocol. crypto/tls does so with clients of HTTP/1.1 that come to
// servers of HTTP/2: many servers were set up as that alone when nobody looked.
func (c *Config) forgoesALPNFor(offered []string) bool {
	return c.forgoesALPN() && slices.Contains(offered, "http/1.1") &&
		!slices.ContainsFunc(offered, func(protocol string) bool { return slices.Contains(c.NextProtos, protocol) })
}

// sessionCache says for how many servers to remember sessions, and keeps the contexts that remember them. What a program puts
// into it itself is in a cache of crypto/tls.
type sessionCache struct {
	ClientSessionCache
	capacity int
	contexts registry
}

// NewLRUClientSessionCache makes a Config resume sessions, of up to capacity servers; less than 1 for 64. Sessions stay inside
// the library, which takes less than one that a program keeps: Get knows none of them. Configs that share the cache, and say the
// same about servers, share its sessions.
func NewLRUClientSessionCache(capacity int) ClientSessionCache {
	if capacity < 1 {
		capacity = 64
	}
	return &sessionCache{ClientSessionCache: tls.NewLRUClientSessionCache(capacity), capacity: capacity}
}

var background = context.Background()
