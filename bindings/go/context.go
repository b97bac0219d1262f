//go:build cgo

package tls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// Most wire bytes that a connection queues: what fills the largest buffer.
const outboundLimit = bulkBuffer + 4096

// sharedContext is a context of the library, and what Go has to know of how it was built.
type sharedContext struct {
	handle handle
	// Keys that Go signs with.
	signers []signer
	// RootsPEM or ClientCAsPEM, for what crypto/x509 has to judge.
	roots *x509.CertPool
	// The private keys of the certificates, in their order: who has the same certificates has to have the same keys.
	keys []crypto.PrivateKey
	// What stands in the digest by its address: as long as the context is known, nothing else gets that address.
	kept []any
	// A session of it was refused: who comes next starts anew.
	stale atomic.Bool
	// Of clients: until when the roots count that servers were verified with, in Unix nanoseconds; 0 if that is not known.
	until atomic.Int64
	// Of servers: whether they have no tickets, and by which names of roots those of others are told: the first one for new ones.
	noTickets    bool
	verifiedWith []digest
}

// ended tells whether some of its sessions are known not to be accepted any more.
func (s *sharedContext) ended(now time.Time) bool {
	until := s.until.Load()
	return s.stale.Load() || until != 0 && now.UnixNano() > until
}

// endWith notes until when what was verified now would be accepted, of what the peer has not shown: the library sees to the rest.
func (s *sharedContext) endWith(chains [][]*x509.Certificate) {
	var last int64
	for _, chain := range chains {
		last = max(last, chain[len(chain)-1].NotAfter.UnixNano())
	}
	for until := s.until.Load(); until == 0 || last < until; until = s.until.Load() {
		if s.until.CompareAndSwap(until, last) {
			return
		}
	}
}

// signer is a key, and the certificate that it is of.
type signer struct {
	certificate []byte
	key         crypto.Signer
}

// build makes a context of settings that were checked.
func (s *settings) build(server bool, certificates []Certificate) (*sharedContext, error) {
	b := newBuilder()
	defer b.free()
	shared := &sharedContext{kept: s.kept()}

	b.set("MinVersion, MaxVersion", setVersions, uint(s.least), uint(s.most))
	b.set("", setLimits, 0, outboundLimit)
	if protocols, err := protocolList(s.protocols); err != nil {
		return nil, err
	} else if len(protocols) > 0 {
		b.bytes("NextProtos", bytesALPN, protocols, nil)
	}
	if s.suites != nil {
		suites, err := suiteList(s.suites)
		if err != nil {
			return nil, err
		}
		b.numbers("CipherSuites", numbersSuites, suites)
	}
	if len(s.groups) > 0 {
		groups := make([]uint16, len(s.groups))
		for i, id := range s.groups {
			groups[i] = uint16(id)
		}
		// Groups that nobody knows stay, to be named in an error.
		slices.SortStableFunc(groups, func(a, b uint16) int { return slices.Index(groupOrder, a) - slices.Index(groupOrder, b) })
		b.numbers("CurvePreferences", numbersGroups, groups)
	}
	if s.keyLog {
		b.set("KeyLogWriter", setKeyLog, 1, 0)
	}
	if server && s.auth == NoClientCert {
		// Where clients prove nothing, this is about the server's own keys alone.
		if schemes := restrictedSchemes(certificates); schemes != nil {
			b.numbers("Certificates", numbersSchemes, schemes)
		}
	}
	for i := range certificates {
		if err := shared.addIdentity(b, i, &certificates[i]); err != nil {
			return nil, err
		}
	}
	if server {
		s.setClientAuth(b, shared)
		if shared.noTickets = s.noTickets; s.noTickets {
			b.set("SessionTicketsDisabled", setTickets, 0, 0)
			b.set("SessionTicketsDisabled", setSessions, 0, 0)
		}
	} else {
		s.setServerVerification(b, shared)
		b.set("ClientSessionCache", setSessions, uint(s.sessions), 0)
		if s.asksIdentity {
			b.set("GetClientCertificate", setAskIdentity, 1, 0)
		}
	}
	return shared.finish(b, server)
}

func (s *sharedContext) finish(b *builder, server bool) (*sharedContext, error) {
	context, err := b.context(server)
	if err != nil {
		return nil, err
	}
	s.handle = context
	runtime.AddCleanup(s, freeContext, context)
	return s, nil
}

// groupOrder is crypto/tls's order of preference.
var groupOrder = []uint16{
	0x11ec, 0x11eb, 0x11ed, 0x0202, // X25519MLKEM768, SecP256r1MLKEM768, SecP384r1MLKEM1024, MLKEM1024
	uint16(tls.X25519), uint16(tls.CurveP256), uint16(tls.CurveP384), uint16(tls.CurveP521),
}

// buildIdentity makes a context that is of use as an answer to which certificate a client shows.
func buildIdentity(certificate *Certificate) (*sharedContext, error) {
	b := newBuilder()
	defer b.free()
	shared := new(sharedContext)
	b.set("", setVerify, verifyNone, 0)
	b.set("", setSessions, 0, 0)
	if schemes := restrictedSchemes([]Certificate{*certificate}); schemes != nil {
		b.numbers("GetClientCertificate", numbersSchemes, schemes)
	}
	if err := shared.addIdentity(b, 0, certificate); err != nil {
		return nil, err
	}
	return shared.finish(b, false)
}

func (s *settings) setServerVerification(b *builder, shared *sharedContext) {
	if s.rootsPEM != nil {
		shared.trust(b, "RootsPEM", s.rootsPEM)
	}
	// Where the library verifies it asks all the same: of a chain that it has refused nobody would know. Where nobody verifies the
	// certificates still have to be some.
	b.set("", setVerify, verifyAsk, 0)
}

func (s *settings) setClientAuth(b *builder, shared *sharedContext) {
	auth := uint(clientAuthNone)
	switch s.auth {
	case RequestClientCert, VerifyClientCertIfGiven:
		auth = clientAuthOptional
	case RequireAnyClientCert, RequireAndVerifyClientCert:
		auth = clientAuthRequired
	}
	if s.auth >= VerifyClientCertIfGiven && s.rootsPEM != nil {
		shared.trust(b, "ClientCAsPEM", s.rootsPEM)
	}
	if auth == clientAuthNone {
		return
	}
	b.set("ClientAuth", setClientAuth, auth, 0)
	b.set("ClientAuth", setVerify, verifyAsk, 0)
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
	s.keys = append(s.keys, certificate.PrivateKey)
	// What crypto/tls sends unseen and the library cannot read is not sent; SCTs the library cannot send.
	if len(certificate.OCSPStaple) > 0 {
		b.try(bytesOCSP, certificate.OCSPStaple)
	}
	return nil
}

// restrictedSchemes are the signature schemes that the keys may be used for, if some may not be used for all that exist
// here: those that a key is restricted to, and of other keys all.
func restrictedSchemes(certificates []Certificate) []uint16 {
	restricted := false
	var schemes []uint16
	for _, certificate := range certificates {
		allowed := certificate.SupportedSignatureAlgorithms
		if allowed == nil {
			allowed = signatureSchemes
		} else {
			restricted = true
		}
		for _, scheme := range signatureSchemes {
			if slices.Contains(allowed, scheme) && !slices.Contains(schemes, uint16(scheme)) {
				schemes = append(schemes, uint16(scheme))
			}
		}
	}
	if !restricted || len(schemes) == 0 {
		return nil
	}
	return schemes
}

// The signature schemes that exist here and in crypto/tls.
var signatureSchemes = []SignatureScheme{
	tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512, tls.Ed25519,
	tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512, tls.PKCS1WithSHA256, tls.PKCS1WithSHA384, tls.PKCS1WithSHA512,
}

const (
	ticketsAreOurs   = "tickets, and what stands in their place, are made inside the library: servers share sessions by SetSessionTicketKeys"
	serversTakeNoECH = "servers do not take ECH"
)

// check finds what cannot be honoured.
func (c *Config) check() error {
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
	case c.WrapSession != nil:
		return refuse("WrapSession", ticketsAreOurs)
	case c.UnwrapSession != nil:
		return refuse("UnwrapSession", ticketsAreOurs)
	case c.Renegotiation != RenegotiateNever:
		return refuse("Renegotiation", "it does not exist here")
	case c.EncryptedClientHelloRejectionVerify != nil:
		return refuse("EncryptedClientHelloRejectionVerify", "a rejection is verified by the same rules as a server")
	case c.GetEncryptedClientHelloKeys != nil:
		return refuse("GetEncryptedClientHelloKeys", serversTakeNoECH)
	case len(c.EncryptedClientHelloKeys) > 0:
		return refuse("EncryptedClientHelloKeys", serversTakeNoECH)
	case c.RootCAs != nil && c.RootsPEM != nil:
		return refuse("RootsPEM", "set either this or RootCAs")
	case c.ClientCAs != nil && c.ClientCAsPEM != nil:
		return refuse("ClientCAsPEM", "set either this or ClientCAs")
	}
	if c.ClientAuth > RequireAndVerifyClientCert || c.ClientAuth < NoClientCert {
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
