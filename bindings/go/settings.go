//go:build cgo

package tls

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"reflect"
	"slices"
	"unsafe"
)

// settings are what a context is built of, but for its certificates: what a Config said when they were taken. Two that are
// the same make contexts that do the same, whatever Configs they come from.
type settings struct {
	least, most  uint16
	protocols    []string
	suites       []uint16
	groups       []CurveID
	keyLog       bool
	rootsPEM     []byte
	pool         *x509.CertPool // that crypto/x509 verifies with
	roots        digest         // which of them count; see trustedRoots
	formerRoots  []digest       // names that are good beside it
	clock        unsafe.Pointer // of Config.Time
	auth         ClientAuthType // of a server
	noTickets    bool           // nor other sessions of a server
	insecure     bool           // the rest is of a client
	verifiesPeer bool
	asksIdentity bool
	sessions     int
}

// settings takes what is set, after a look at whether it can be honoured.
func (c *Config) settings(server bool) (settings, error) {
	if err := c.check(); err != nil {
		return settings{}, err
	}
	s := settings{
		least: c.MinVersion, most: c.MaxVersion, protocols: c.NextProtos, suites: c.CipherSuites, groups: c.CurvePreferences,
		keyLog: c.KeyLogWriter != nil, clock: identityOf(c.Time),
	}
	if s.least == 0 {
		s.least = VersionTLS12
	}
	if s.most == 0 {
		s.most = VersionTLS13
	}
	if server {
		s.rootsPEM, s.pool, s.auth = c.ClientCAsPEM, c.ClientCAs, c.ClientAuth
		return s, nil
	}
	if c.EncryptedClientHelloConfigList != nil {
		s.least = VersionTLS13
	}
	s.rootsPEM, s.pool, s.insecure = c.RootsPEM, c.RootCAs, c.InsecureSkipVerify
	s.verifiesPeer, s.asksIdentity = c.VerifyPeerCertificate != nil, c.choosesIdentity()
	if cache, ok := c.ClientSessionCache.(*sessionCache); ok && !c.SessionTicketsDisabled {
		// The library counts eight sessions for each server.
		s.sessions = min(8*cache.capacity, 1<<20)
	}
	return s, nil
}

// identityOf tells functions apart: the same closure has the same.
func identityOf[F any](function F) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&function))
}

// same tells whether nothing was changed, the elements of lists included; PEM texts by where they are.
func (s *settings) same(other *settings) bool {
	return s.least == other.least && s.most == other.most && s.keyLog == other.keyLog && s.pool == other.pool && s.roots == other.roots &&
		s.clock == other.clock && s.auth == other.auth && s.noTickets == other.noTickets && s.insecure == other.insecure && s.verifiesPeer == other.verifiesPeer &&
		s.asksIdentity == other.asksIdentity && s.sessions == other.sessions && samePlace(s.rootsPEM, other.rootsPEM) &&
		slices.Equal(s.protocols, other.protocols) && sameList(s.suites, other.suites) && sameList(s.groups, other.groups)
}

func samePlace[E any](a, b []E) bool {
	return len(a) == len(b) && unsafe.SliceData(a) == unsafe.SliceData(b)
}

func sameList[E comparable](a, b []E) bool { return slices.Equal(a, b) && (a == nil) == (b == nil) }

// copied has lists of its own, so that same sees changes of elements.
func (s settings) copied() settings {
	s.protocols, s.suites, s.groups = slices.Clone(s.protocols), slices.Clone(s.suites), slices.Clone(s.groups)
	return s
}

// kept are what the digest has by address.
func (s *settings) kept() []any { return []any{s.pool, s.clock} }

// digest is a digest of a context's contents.
type digest [sha256.Size]byte

// digest tells settings apart.
func (s *settings) digest() digest {
	var text []byte
	number := func(n uint64) { text = binary.BigEndian.AppendUint64(text, n) }
	flag := func(b bool) {
		if b {
			number(1)
		} else {
			number(0)
		}
	}
	number(uint64(s.least))
	number(uint64(s.most))
	number(uint64(len(s.protocols)))
	for _, protocol := range s.protocols {
		number(uint64(len(protocol)))
		text = append(text, protocol...)
	}
	flag(s.suites != nil)
	number(uint64(len(s.suites)))
	for _, suite := range s.suites {
		number(uint64(suite))
	}
	number(uint64(len(s.groups)))
	for _, group := range s.groups {
		number(uint64(group))
	}
	flag(s.keyLog)
	flag(s.rootsPEM != nil)
	number(uint64(len(s.rootsPEM)))
	text = append(text, s.rootsPEM...)
	number(uint64(uintptr(unsafe.Pointer(s.pool))))
	text = append(text, s.roots[:]...)
	number(uint64(uintptr(s.clock)))
	number(uint64(s.auth))
	flag(s.noTickets)
	flag(s.insecure)
	flag(s.verifiesPeer)
	flag(s.asksIdentity)
	number(uint64(s.sessions))
	return sha256.Sum256(text)
}

// with adds what is shown to the peer.
func (d digest) with(certificates []Certificate) digest {
	text := slices.Clone(d[:])
	part := func(b []byte) {
		text = binary.BigEndian.AppendUint64(text, uint64(len(b)))
		text = append(text, b...)
	}
	for _, certificate := range certificates {
		text = binary.BigEndian.AppendUint64(text, uint64(len(certificate.Certificate)))
		for _, der := range certificate.Certificate {
			part(der)
		}
		part(certificate.OCSPStaple)
		text = binary.BigEndian.AppendUint64(text, uint64(len(certificate.SupportedSignatureAlgorithms)))
		for _, scheme := range certificate.SupportedSignatureAlgorithms {
			text = binary.BigEndian.AppendUint16(text, uint16(scheme))
		}
	}
	return sha256.Sum256(text)
}

// sameCertificates tells whether nothing was changed, by where things are.
func sameCertificates(a, b []Certificate) bool {
	return slices.EqualFunc(a, b, func(a, b Certificate) bool {
		return slices.EqualFunc(a.Certificate, b.Certificate, samePlace[byte]) && samePlace(a.OCSPStaple, b.OCSPStaple) &&
			samePlace(a.SupportedSignatureAlgorithms, b.SupportedSignatureAlgorithms) && sameKey(a.PrivateKey, b.PrivateKey)
	})
}

// copyCertificates copies as much as sameCertificates looks at.
func copyCertificates(certificates []Certificate) []Certificate {
	copied := slices.Clone(certificates)
	for i := range copied {
		copied[i].Certificate = slices.Clone(copied[i].Certificate)
	}
	return copied
}

// sameKey tells whether two private keys are the same one, or equal.
func sameKey(a, b crypto.PrivateKey) bool {
	// The zero Value cannot be compared.
	if left, right := reflect.ValueOf(a), reflect.ValueOf(b); left.IsValid() && right.IsValid() && left.Comparable() &&
		right.Comparable() && left.Equal(right) {
		return true
	}
	if a, ok := a.(interface{ Equal(crypto.PrivateKey) bool }); ok {
		return a.Equal(b)
	}
	return false
}

// hasKeys tells whether the context signs with the keys of these certificates.
func (s *sharedContext) hasKeys(certificates []Certificate) bool {
	return slices.EqualFunc(s.keys, certificates, func(key crypto.PrivateKey, certificate Certificate) bool {
		return sameKey(key, certificate.PrivateKey)
	})
}
