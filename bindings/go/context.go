package tls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math"
	"runtime"
	"slices"
)

// Most wire bytes that a connection queues: what fills the largest buffer.
const outboundLimit = bulkBuffer + 4096

// Most contexts that GetCertificate's answers make for one Config; then they are made anew.
const mostChosen = 1024

// sharedContext is a context of the library, and what Go has to know of how it was built.
type sharedContext struct {
	handle handle
	// Whether Go is asked about the peer's certificate.
	asksVerify bool
	// Keys that Go signs with.
	signers []signer
	// RootsPEM or ClientCAsPEM, for what crypto/x509 has to judge.
	roots *x509.CertPool
}

// signer is a key, and the certificate that it is of.
type signer struct {
	certificate []byte
	key         crypto.Signer
}

func (s *sharedContext) setTicketKeys(keys [][32]byte) error {
	list := make([]ticketKey, 0, len(keys))
	for i, key := range keys {
		if slices.Contains(keys[:i], key) {
			continue
		}
		// The library wants a name for each key that tells it without betraying it, and 32 to 64 secret bytes.
		name := sha256.Sum256(append([]byte("tlsbio ticket key name"), key[:]...))
		more := sha256.Sum256(append([]byte("tlsbio ticket key secret"), key[:]...))
		// Of the keys whose time it is the newest encrypts: the first.
		made := ticketKey{from: uint64(len(keys) - i), until: math.MaxInt64}
		copy(made.name[:], name[:])
		copy(made.secret[:], key[:])
		copy(made.secret[len(key):], more[:])
		list = append(list, made)
	}
	err := s.handle.setTicketKeys(list)
	clear(list)
	return err
}

// disableTickets gives the context a key whose time never comes: without one that may encrypt no ticket is issued.
func (s *sharedContext) disableTickets() error {
	never := ticketKey{from: math.MaxInt64 - 1, until: math.MaxInt64}
	for i := range never.secret {
		never.secret[i] = byte(i + 1)
	}
	return s.handle.setTicketKeys([]ticketKey{never})
}

// clientContext gives the context for clients, built by the first connection.
func (c *Config) clientContext() (*sharedContext, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.clients == nil {
		built, err := c.build(false, c.Certificates)
		if err != nil {
			return nil, err
		}
		c.clients = built
	}
	return c.clients, nil
}

// serverContext gives the context for servers that show Certificates.
func (c *Config) serverContext() (*sharedContext, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.servers == nil {
		built, err := c.build(true, c.Certificates)
		if err != nil {
			return nil, err
		}
		c.servers = built
	}
	return c.servers, nil
}

// chosenContext gives the context for servers that show what GetCertificate answered.
func (c *Config) chosenContext(certificate *Certificate) (*sharedContext, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if known := c.chosen[certificate]; known != nil {
		return known, nil
	}
	built, err := c.build(true, []Certificate{*certificate})
	if err != nil {
		return nil, err
	}
	if c.chosen == nil || len(c.chosen) >= mostChosen {
		c.chosen = make(map[*Certificate]*sharedContext)
	}
	c.chosen[certificate] = built
	return built, nil
}

// build makes a context. The caller has the mutex.
func (c *Config) build(server bool, certificates []Certificate) (*sharedContext, error) {
	if err := c.check(server); err != nil {
		return nil, err
	}
	b := newBuilder()
	defer b.free()
	shared := new(sharedContext)

	least, most := c.MinVersion, c.MaxVersion
	if least == 0 {
		least = VersionTLS12
	}
	if most == 0 {
		most = VersionTLS13
	}
	if !server && c.EncryptedClientHelloConfigList != nil {
		least = VersionTLS13
	}
	b.set("MinVersion, MaxVersion", setVersions, uint(least), uint(most))
	b.set("", setLimits, 0, outboundLimit)
	if protocols, err := protocolList(c.NextProtos); err != nil {
		return nil, err
	} else if len(protocols) > 0 {
		b.bytes("NextProtos", bytesALPN, protocols, nil)
	}
	if c.CipherSuites != nil {
		suites, err := suiteList(c.CipherSuites)
		if err != nil {
			return nil, err
		}
		b.numbers("CipherSuites", numbersSuites, suites)
	}
	if len(c.CurvePreferences) > 0 {
		groups := make([]uint16, len(c.CurvePreferences))
		for i, id := range c.CurvePreferences {
			groups[i] = uint16(id)
		}
		b.numbers("CurvePreferences", numbersGroups, groups)
	}
	if c.KeyLogWriter != nil {
		b.set("KeyLogWriter", setKeyLog, 1, 0)
	}
	for i := range certificates {
		if err := shared.addIdentity(b, i, &certificates[i]); err != nil {
			return nil, err
		}
	}
	if server {
		c.setClientAuth(b, shared)
	} else {
		c.setServerVerification(b, shared)
		sessions := 0
		if cache, ok := c.ClientSessionCache.(*sessionCache); ok && !c.SessionTicketsDisabled {
			// The library counts eight sessions for each server.
			sessions = min(8*cache.capacity, 1<<20)
		}
		b.set("ClientSessionCache", setSessions, uint(sessions), 0)
	}

	context, err := b.context(server)
	if err != nil {
		return nil, err
	}
	shared.handle = context
	runtime.AddCleanup(shared, freeContext, context)
	if !server {
		return shared, nil
	}
	keys := c.ticketKeys
	if keys == nil && c.SessionTicketKey != [32]byte{} {
		keys = [][32]byte{c.SessionTicketKey}
	}
	switch {
	case c.SessionTicketsDisabled:
		err = shared.disableTickets()
	case keys != nil:
		err = shared.setTicketKeys(keys)
	}
	return shared, err
}

func (c *Config) setServerVerification(b *builder, shared *sharedContext) {
	mode := uint(verifyAsk)
	switch {
	case c.InsecureSkipVerify && c.VerifyPeerCertificate == nil:
		mode = verifyNone
	case c.RootsPEM != nil && c.VerifyPeerCertificate == nil:
		mode = verifyPeer
	}
	if c.RootsPEM != nil {
		shared.trust(b, "RootsPEM", c.RootsPEM)
	}
	shared.asksVerify = mode == verifyAsk
	b.set("", setVerify, mode, 0)
}

func (c *Config) setClientAuth(b *builder, shared *sharedContext) {
	auth, mode := uint(clientAuthNone), uint(verifyAsk)
	switch c.ClientAuth {
	case RequestClientCert, VerifyClientCertIfGiven:
		auth = clientAuthOptional
	case RequireAnyClientCert, RequireAndVerifyClientCert:
		auth = clientAuthRequired
	}
	verifies := c.ClientAuth >= VerifyClientCertIfGiven
	if verifies && c.ClientCAsPEM != nil {
		shared.trust(b, "ClientCAsPEM", c.ClientCAsPEM)
		if c.VerifyPeerCertificate == nil {
			mode = verifyPeer
		}
	}
	if auth == clientAuthNone {
		return
	}
	shared.asksVerify = mode == verifyAsk
	b.set("ClientAuth", setClientAuth, auth, 0)
	b.set("ClientAuth", setVerify, mode, 0)
}

// trust gives the builder roots.
func (s *sharedContext) trust(b *builder, field string, roots []byte) {
	b.bytes(field, bytesTrust, roots, nil)
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(roots)
}

// addIdentity gives the builder a certificate and its key; a key that Go has to sign with stays here.
func (s *sharedContext) addIdentity(b *builder, index int, certificate *Certificate) error {
	field := fmt.Sprintf("Certificates[%d]", index)
	if len(certificate.Certificate) == 0 {
		return &ConfigError{Field: field, Message: "there is no certificate in it"}
	}
	var chain []byte
	for _, der := range certificate.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	switch key := certificate.PrivateKey.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return &ConfigError{Field: field, Message: "the private key cannot be used: " + err.Error()}
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		b.bytes(field, bytesIdentity, chain, text)
		clear(der)
		clear(text)
	case crypto.Signer:
		s.signers = append(s.signers, signer{certificate.Certificate[0], key})
		b.bytes(field, bytesExternalIdentity, chain, nil)
	case nil:
		return &ConfigError{Field: field, Message: "there is no private key"}
	default:
		return &ConfigError{Field: field, Message: fmt.Sprintf("a private key of type %T cannot sign: it is no crypto.Signer", key)}
	}
	if len(certificate.OCSPStaple) > 0 {
		b.bytes(field+".OCSPStaple", bytesOCSP, certificate.OCSPStaple, nil)
	}
	if len(certificate.SignedCertificateTimestamps) > 0 {
		return &ConfigError{Field: field, Message: "SignedCertificateTimestamps cannot be sent: put them into the certificate"}
	}
	if certificate.SupportedSignatureAlgorithms != nil {
		return &ConfigError{Field: field, Message: "SupportedSignatureAlgorithms cannot be restricted"}
	}
	return nil
}

// check finds what cannot be honoured.
func (c *Config) check(server bool) error {
	refuse := func(field, message string) error { return &ConfigError{Field: field, Message: message} }
	for _, limit := range []struct {
		field   string
		version uint16
	}{{"MinVersion", c.MinVersion}, {"MaxVersion", c.MaxVersion}} {
		if limit.version != 0 && limit.version != VersionTLS12 && limit.version != VersionTLS13 {
			return refuse(limit.field, fmt.Sprintf("%s does not exist here: TLS 1.2 and TLS 1.3 do", VersionName(limit.version)))
		}
	}
	switch {
	case c.Rand != nil:
		return refuse("Rand", "random bytes come from the system")
	case c.GetClientCertificate != nil:
		return refuse("GetClientCertificate", "clients are not asked which certificate to show: use Certificates")
	case c.UnwrapSession != nil || c.WrapSession != nil:
		return refuse("WrapSession", "tickets are made inside the library: use SetSessionTicketKeys to share them")
	case c.Renegotiation != RenegotiateNever:
		return refuse("Renegotiation", "it does not exist here")
	case c.EncryptedClientHelloRejectionVerify != nil:
		return refuse("EncryptedClientHelloRejectionVerify", "a rejection is verified by the same rules as a server")
	case c.GetEncryptedClientHelloKeys != nil || len(c.EncryptedClientHelloKeys) > 0:
		return refuse("EncryptedClientHelloKeys", "servers do not take ECH")
	case c.RootCAs != nil && c.RootsPEM != nil:
		return refuse("RootsPEM", "set either this or RootCAs")
	case c.ClientCAs != nil && c.ClientCAsPEM != nil:
		return refuse("ClientCAsPEM", "set either this or ClientCAs")
	}
	if c.ClientSessionCache != nil {
		if _, ok := c.ClientSessionCache.(*sessionCache); !ok {
			return refuse("ClientSessionCache", "sessions stay inside the library: use NewLRUClientSessionCache of this package")
		}
	}
	if server && c.ClientAuth > RequireAndVerifyClientCert || c.ClientAuth < NoClientCert {
		return refuse("ClientAuth", fmt.Sprintf("%d is none of crypto/tls's", c.ClientAuth))
	}
	return nil
}

func protocolList(names []string) ([]byte, error) {
	var list []byte
	for i, name := range names {
		if len(name) == 0 || len(name) > 255 {
			return nil, &ConfigError{Field: fmt.Sprintf("NextProtos[%d]", i), Message: "a protocol has a name of 1 to 255 bytes"}
		}
		list = append(list, byte(len(name)))
		list = append(list, name...)
	}
	return list, nil
}

// The cipher suites that exist here.
var (
	suites13 = []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256}
	suites12 = []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
)

// suiteList adds what crypto/tls adds: all suites of TLS 1.3 where none of them is named.
func suiteList(wanted []uint16) ([]uint16, error) {
	has13 := false
	for i, suite := range wanted {
		if slices.Contains(suites13, suite) {
			has13 = true
		} else if !slices.Contains(suites12, suite) {
			return nil, &ConfigError{
				Field:   fmt.Sprintf("CipherSuites[%d]", i),
				Message: fmt.Sprintf("%s does not exist here", CipherSuiteName(suite)),
			}
		}
	}
	if has13 {
		return wanted, nil
	}
	return slices.Concat(suites13, wanted), nil
}
