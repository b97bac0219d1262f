//go:build cgo

package tls

import (
	"context"
	"errors"
	"reflect"
	"unsafe"
)

// facts is what a handshake settled.
type facts struct {
	settled
	protocol, name string
	chain          [][]byte
}

// collectFacts asks the library. The caller has the lock of engine.
func (c *Conn) collectFacts() *facts {
	h := c.handle
	return &facts{
		settled:  h.facts(),
		protocol: string(h.blob(blobALPN, 0)),
		name:     string(h.blob(blobSNI, 0)),
		chain:    h.peerChain(),
	}
}

// ConnectionState tells what was negotiated. It is asked for from the library each time, so that connections do not keep
// it; after Close it is what it was. SignedCertificateTimestamps, TLSUnique and LocalCertificate are empty, and
// VerifiedChains where the library has verified.
func (c *Conn) ConnectionState() ConnectionState {
	c.handshakeMutex.Lock()
	defer c.handshakeMutex.Unlock()
	state := ConnectionState{ServerName: c.config.ServerName}
	if !c.isClient {
		state.ServerName = ""
	}
	if !c.handshakeDone.Load() {
		return state
	}
	return c.liveState()
}

// liveState is ConnectionState without its locks.
func (c *Conn) liveState() ConnectionState {
	c.engine.Lock()
	f := c.facts
	if c.handle != 0 {
		f = c.collectFacts()
	}
	c.engine.Unlock()
	if f == nil {
		return ConnectionState{}
	}
	state := ConnectionState{
		Version:                    f.version,
		HandshakeComplete:          true,
		DidResume:                  f.resumed,
		CipherSuite:                f.suite,
		NegotiatedProtocol:         f.protocol,
		NegotiatedProtocolIsMutual: true,
		ServerName:                 f.name,
		PeerCertificates:           parseChain(f.chain),
		ECHAccepted:                f.ech,
	}
	if c.isClient {
		state.ServerName = c.serverName()
	}
	if c.extra != nil {
		state.VerifiedChains = c.extra.chains
		state.OCSPResponse = c.extra.ocsp
	}
	// Members that crypto/tls has had only since 1.25, and those that it keeps to itself.
	setMember(&state, "CurveID", CurveID(f.group))
	setMember(&state, "HelloRetryRequest", f.retried)
	setMember(&state, "ekm", c.exportKeyingMaterial)
	c.exports.Store(true)
	return state
}

// setMember sets a member of one of crypto/tls's structs, if it has one of that name and type. Some of its methods use
// members that only crypto/tls can set, and panic without: ExportKeyingMaterial of ConnectionState, Context of
// ClientHelloInfo. Programs call these on what they are given.
func setMember[S, T any](s *S, name string, value T) {
	member := reflect.ValueOf(s).Elem().FieldByName(name)
	if member.IsValid() && member.Type() == reflect.TypeFor[T]() {
		*(*T)(unsafe.Pointer(member.UnsafeAddr())) = value
	}
}

func setContext(hello *ClientHelloInfo, ctx context.Context) { setMember(hello, "ctx", ctx) }

// ExportKeyingMaterial derives secrets that the peer can derive as well (RFC 5705).
func (c *Conn) ExportKeyingMaterial(label string, context []byte, length int) ([]byte, error) {
	if !c.handshakeDone.Load() {
		return nil, errors.New("tls: ExportKeyingMaterial before the handshake is done")
	}
	return c.exportKeyingMaterial(label, context, length)
}

// exportKeyingMaterial is of use as soon as the library is done, for who is shown the state to judge it, and as long as anybody has that.
func (c *Conn) exportKeyingMaterial(label string, context []byte, length int) ([]byte, error) {
	out := make([]byte, length)
	c.engine.Lock()
	defer c.engine.Unlock()
	h := c.handle
	if h == 0 {
		h = c.exporter
	}
	if h == 0 {
		return nil, errClosed
	}
	if h.export(label, context, out) != length {
		return nil, errors.New("tls: ExportKeyingMaterial: the label, the context or the length cannot be used")
	}
	return out, nil
}

// OCSPResponse gives what the server stapled to its certificate, where crypto/x509 verifies; nil if nothing.
func (c *Conn) OCSPResponse() []byte {
	c.handshakeMutex.Lock()
	defer c.handshakeMutex.Unlock()
	if !c.isClient || c.extra == nil {
		return nil
	}
	return c.extra.ocsp
}

// VerifyHostname checks that the server's certificate is for host, as in crypto/tls.
func (c *Conn) VerifyHostname(host string) error {
	if !c.isClient {
		return errors.New("tls: VerifyHostname called on TLS server connection")
	}
	if !c.handshakeDone.Load() {
		return errors.New("tls: handshake has not yet been performed")
	}
	if c.config.InsecureSkipVerify {
		return errors.New("tls: handshake did not verify certificate chain")
	}
	certificates := c.ConnectionState().PeerCertificates
	if len(certificates) == 0 {
		return errors.New("tls: handshake did not verify certificate chain")
	}
	return certificates[0].VerifyHostname(host)
}
