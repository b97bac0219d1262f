//go:build cgo

package tls

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	_ "crypto/sha256" // hashes of signatures
	_ "crypto/sha512"
)

// One line at a time, whatever number of Configs have the same writer.
var keyLogMutex sync.Mutex

// Alerts for what Go decides.
const (
	alertHandshakeFailure = 40
	alertBadCertificate   = 42
	alertInternalError    = 80
	alertUnrecognizedName = 112
)

// extra is what few connections have. Only the handshake writes it.
type extra struct {
	// Why Go has refused the peer, and whether a function of the program has.
	refusal   error
	byProgram bool
	// The library asked about the peer, which was accepted; nothing was found against the connection either.
	judged, confirmed bool
	// What crypto/x509 made of the peer's certificates.
	chains [][]*x509.Certificate
	// Stapled to the server's certificate.
	ocsp []byte
	// There was a record of the handshake that is protected as TLS 1.3 does it.
	protected bool
	// What GetClientCertificate has answered.
	identity *sharedContext
	// What the peer has presented, until the library has judged it.
	shown [][]byte
}

func (c *Conn) more() *extra {
	if c.extra == nil {
		c.extra = new(extra)
	}
	return c.extra
}

// ask calls f with the library's connection.
func (c *Conn) ask(f func(h handle)) error {
	if !c.enter() {
		return errClosed
	}
	defer c.leave()
	f(c.handle)
	return nil
}

// chooseContext answers TLS_ASK_CONTEXT by the Config's functions.
func (c *Conn) chooseContext(ctx *handshakeContext) error {
	hello, err := c.clientHello(ctx.get())
	if err != nil {
		return err
	}
	chosen, err := c.contextFor(hello)
	if err != nil {
		return c.refuse(err, alertOfServer(err))
	}
	c.context = chosen
	withoutALPN := c.config.forgoesALPNFor(hello.SupportedProtos)
	status := 0
	if err := c.ask(func(h handle) { status = h.answerContext(chosen.handle, withoutALPN) }); err != nil {
		return err
	}
	if status != statusOK {
		return c.refuse(c.explain(status, c.in.wire()), alertInternalError)
	}
	return nil
}

var errNoCertificates = errors.New("tls: no certificates configured")

// alertOfServer is what a client hears of a server that cannot be one, as in crypto/tls.
func alertOfServer(err error) uint8 {
	if err == errNoCertificates {
		return alertUnrecognizedName
	}
	return alertInternalError
}

func (c *Conn) contextFor(hello *ClientHelloInfo) (*sharedContext, error) {
	origin := c.config
	if choose := c.config.GetConfigForClient; choose != nil {
		config, err := choose(hello)
		if err != nil {
			return nil, err
		}
		if config != nil {
			c.config = config
		}
	}
	if choose := c.config.GetCertificate; choose != nil && (len(c.config.Certificates) == 0 || hello.ServerName != "") {
		certificate, err := choose(hello)
		if err != nil {
			return nil, err
		}
		if certificate != nil {
			return c.config.serverContext(origin, []Certificate{*certificate})
		}
	}
	if certificate := c.config.byName(hello.ServerName); certificate != nil {
		return c.config.serverContext(origin, []Certificate{*certificate})
	}
	if len(c.config.Certificates) == 0 {
		return nil, errNoCertificates
	}
	return c.config.serverContext(origin, c.config.Certificates)
}

// choosesIdentity tells whether a client chooses its certificate here: the program does, or there are keys that may not sign in
// all schemes, of which the library chooses as if they might.
func (c *Config) choosesIdentity() bool {
	return c.GetClientCertificate != nil || slices.ContainsFunc(c.Certificates, func(certificate Certificate) bool {
		return certificate.SupportedSignatureAlgorithms != nil
	})
}

// chooseIdentity chooses a client's certificate as crypto/tls does.
func (c *Config) chooseIdentity(request *CertificateRequestInfo) (*Certificate, error) {
	if c.GetClientCertificate != nil {
		return c.GetClientCertificate(request)
	}
	for i := range c.Certificates {
		if request.SupportsCertificate(&c.Certificates[i]) == nil {
			return &c.Certificates[i], nil
		}
	}
	return new(Certificate), nil
}

// chooseIdentity answers TLS_ASK_IDENTITY by GetClientCertificate.
func (c *Conn) chooseIdentity(ctx *handshakeContext) error {
	request := &CertificateRequestInfo{}
	err := c.ask(func(h handle) {
		request.SignatureSchemes = numbers[SignatureScheme](h.blob(blobIdentitySchemes, 0))
		for {
			name := h.blob(blobIdentityAuthority, len(request.AcceptableCAs))
			if name == nil {
				break
			}
			request.AcceptableCAs = append(request.AcceptableCAs, name)
		}
	})
	if err != nil {
		return err
	}
	// The library does not tell it before the handshake is done.
	request.Version = VersionTLS12
	if c.extra != nil && c.extra.protected {
		request.Version = VersionTLS13
	}
	setMember(request, "ctx", ctx.get())
	certificate, err := c.config.chooseIdentity(request)
	if err == nil && certificate == nil {
		err = errors.New("tls: GetClientCertificate has answered neither a certificate nor an error")
	}
	if err != nil {
		return c.refuse(err, alertBadCertificate)
	}
	var answer handle
	if len(certificate.Certificate) > 0 {
		identity, err := c.config.identityContext(certificate)
		if err != nil {
			return c.refuse(err, alertBadCertificate)
		}
		c.more().identity = identity
		answer = identity.handle
	}
	status := 0
	if err := c.ask(func(h handle) { status = h.answerIdentity(answer) }); err != nil {
		return err
	}
	switch status {
	case statusOK, wantDrain:
		// What is queued goes first; then it is asked again.
		return nil
	case errConfig:
		return c.refuse(errors.New("tls: the certificate of GetClientCertificate fits no signature scheme of the server"), alertHandshakeFailure)
	}
	return c.refuse(c.explain(status, c.in.wire()), alertHandshakeFailure)
}

// noteProtected looks for records of TLS 1.3 among the wire bytes: in TLS 1.2 none of application data comes in a handshake.
func (c *Conn) noteProtected() {
	const applicationData = 23
	in := &c.in
	for at := in.start; at+recordHeader <= in.end; at += recordHeader + int(binary.BigEndian.Uint16(in.buffer.bytes[at+3:])) {
		if in.buffer.bytes[at] == applicationData {
			c.more().protected = true
		}
	}
}

// refuse ends the handshake with an alert; err is what Handshake answers.
func (c *Conn) refuse(err error, alert uint8) error {
	c.more().refusal = err
	return c.ask(func(h handle) { h.answerRefuse(alert) })
}

// clientHello puts together what a ClientHello says.
func (c *Conn) clientHello(ctx context.Context) (*ClientHelloInfo, error) {
	hello := &ClientHelloInfo{Conn: c.conn, SupportedPoints: []uint8{0}}
	err := c.ask(func(h handle) {
		hello.ServerName = string(h.blob(blobSNI, 0))
		hello.CipherSuites = numbers[uint16](h.blob(blobHelloSuites, 0))
		hello.SupportedCurves = numbers[CurveID](h.blob(blobHelloGroups, 0))
		hello.SignatureSchemes = numbers[SignatureScheme](h.blob(blobHelloSchemes, 0))
		hello.SupportedVersions = numbers[uint16](h.blob(blobHelloVersions, 0))
		for list := h.blob(blobHelloALPN, 0); len(list) > 0 && int(list[0]) < len(list); list = list[1+list[0]:] {
			hello.SupportedProtos = append(hello.SupportedProtos, string(list[1:1+list[0]]))
		}
		hello.Extensions = extensionsOf(h.blob(blobHelloRaw, 0))
	})
	setContext(hello, ctx)
	return hello, err
}

func numbers[T ~uint16](list []byte) []T {
	var found []T
	for ; len(list) >= 2; list = list[2:] {
		found = append(found, T(binary.BigEndian.Uint16(list)))
	}
	return found
}

// extensionsOf gives the types of a ClientHello's extensions, in its order (RFC 8446, 4.1.2). The library has parsed it:
// something that cannot be parsed has none.
func extensionsOf(hello []byte) []uint16 {
	skip := func(lengthBytes int) bool {
		if len(hello) < lengthBytes {
			return false
		}
		length := 0
		for _, b := range hello[:lengthBytes] {
			length = length<<8 | int(b)
		}
		if len(hello) < lengthBytes+length {
			return false
		}
		hello = hello[lengthBytes+length:]
		return true
	}
	const headerVersionRandom = 4 + 2 + 32
	if len(hello) < headerVersionRandom {
		return nil
	}
	hello = hello[headerVersionRandom:]
	if !skip(1) || !skip(2) || !skip(1) || len(hello) < 2 {
		return nil
	}
	hello = hello[2:]
	var found []uint16
	for len(hello) >= 4 {
		found = append(found, binary.BigEndian.Uint16(hello))
		hello = hello[2:]
		if !skip(2) {
			return nil
		}
	}
	return found
}

// peerChain is what the peer presented, in DER.
func (c *Conn) peerChain() [][]byte {
	var chain [][]byte
	c.ask(func(h handle) { chain = h.peerChain() })
	return chain
}

func (h handle) peerChain() [][]byte {
	var chain [][]byte
	for {
		der := h.blob(blobPeerCertificate, len(chain))
		if der == nil {
			return chain
		}
		chain = append(chain, der)
	}
}

// verifyPeer answers TLS_ASK_VERIFY.
func (c *Conn) verifyPeer() error {
	const accept, byRules = 0, -1
	var raw [][]byte
	var name string
	rejectedECH := false
	err := c.ask(func(h handle) {
		raw = h.peerChain()
		name = string(h.blob(blobVerifyName, 0))
		rejectedECH = h.rejectedECH()
		if staple := h.blob(blobOCSP, 0); staple != nil {
			c.more().ocsp = staple
		}
	})
	if err != nil {
		return err
	}
	verdict := accept
	if c.libraryVerifies() {
		verdict = byRules
		c.more().shown = raw
	}
	if len(raw) == 0 {
		err = errors.New("tls: the peer shows a key without a certificate")
	} else {
		err = c.judge(raw, name, false, rejectedECH)
	}
	if err != nil {
		c.more().refusal = err
		verdict = c.alertFor(err)
	} else {
		c.more().judged = true
	}
	status := 0
	if err := c.ask(func(h handle) { status = h.answerVerify(verdict) }); err != nil {
		return err
	}
	if status != statusOK {
		return c.explain(status, c.in.wire())
	}
	return nil
}

// sign answers TLS_ASK_SIGN with the key, of those that Go has, that belongs to the certificate which is shown. Whether
// the signature is right the library sees; a wrong one ends the handshake.
func (c *Conn) sign() error {
	signers := c.context.signers
	if c.extra != nil && c.extra.identity != nil {
		signers = c.extra.identity.signers
	}
	var scheme SignatureScheme
	var message, certificate []byte
	err := c.ask(func(h handle) {
		scheme = SignatureScheme(h.signScheme())
		message = h.blob(blobSignMessage, 0)
		certificate = h.blob(blobSignCertificate, 0)
	})
	if err != nil {
		return err
	}
	problem := fmt.Errorf("tls: no private key can sign with %v", scheme)
	for _, of := range signers {
		if !bytes.Equal(of.certificate, certificate) {
			continue
		}
		signature, err := signWith(of.key, scheme, message)
		if err != nil {
			problem = err
			break
		}
		if signature == nil {
			continue
		}
		status := 0
		if err := c.ask(func(h handle) { status = h.answerSign(signature) }); err != nil {
			return err
		}
		if status != statusOK {
			return c.explain(status, c.in.wire())
		}
		return nil
	}
	return c.refuse(problem, alertHandshakeFailure)
}

// messageSigner is crypto.MessageSigner of Go 1.25: a key that wants the message and not its digest.
type messageSigner interface {
	SignMessage(random io.Reader, message []byte, options crypto.SignerOpts) ([]byte, error)
}

// signWith signs; no signature and no error if it is no key for the scheme.
func signWith(key crypto.Signer, scheme SignatureScheme, message []byte) ([]byte, error) {
	var hash crypto.Hash
	var options crypto.SignerOpts
	fits := false
	switch key.Public().(type) {
	case *rsa.PublicKey:
		switch scheme {
		case tls.PKCS1WithSHA256, tls.PSSWithSHA256:
			hash, fits = crypto.SHA256, true
		case tls.PKCS1WithSHA384, tls.PSSWithSHA384:
			hash, fits = crypto.SHA384, true
		case tls.PKCS1WithSHA512, tls.PSSWithSHA512:
			hash, fits = crypto.SHA512, true
		}
		options = hash
		switch scheme {
		case tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512:
			options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		}
	case *ecdsa.PublicKey:
		switch scheme {
		case tls.ECDSAWithP256AndSHA256:
			hash, fits = crypto.SHA256, true
		case tls.ECDSAWithP384AndSHA384:
			hash, fits = crypto.SHA384, true
		case tls.ECDSAWithP521AndSHA512:
			hash, fits = crypto.SHA512, true
		}
		options = hash
	case ed25519.PublicKey:
		fits = scheme == tls.Ed25519
		options = crypto.Hash(0)
	default:
		fits = signsWhole(key, scheme)
		options = crypto.Hash(0)
	}
	if !fits {
		return nil, nil
	}
	if key, ok := key.(messageSigner); ok {
		return key.SignMessage(rand.Reader, message, options)
	}
	if hash != 0 {
		digest := hash.New()
		digest.Write(message)
		message = digest.Sum(nil)
	}
	return key.Sign(rand.Reader, message, options)
}
