//go:build cgo

package tls

import (
	"crypto/x509"
	"errors"
)

// judge decides about the peer: the one place that does, once in every handshake. It is entered when the library asks, or,
// where there is nothing for the library to ask about (a client without a certificate, a resumed session, a chain that
// the library has verified), when the handshake is done. raw is what the peer has presented; for a resumed session, when
// that began. name is the one that a server has to prove, which with ECH is not always the one that was asked for.
//
// A server that rejects ECH proves the public name, and that alone, for what it gives to try again with. The connection ends, and the
// program is not asked about it (RFC 9849, 6.1.7).
func (c *Conn) judge(raw [][]byte, name string, resumed, rejectedECH bool) error {
	// Whoever verifies, and if nobody does: the program is shown no chain that is none.
	chain, err := parseCertificates(raw)
	if err != nil {
		return err
	}
	if len(raw) == 0 {
		if err := c.acceptsNone(); err != nil {
			return err
		}
	} else if rejectedECH || c.verifies() && (resumed || !c.libraryVerifies()) {
		if err := c.verifyChain(chain, name); err != nil {
			return err
		}
	}
	if rejectedECH {
		return nil
	}
	if verify := c.config.VerifyPeerCertificate; verify != nil && !resumed && c.requestsCertificate() {
		return c.byProgram(verify(raw, c.verifiedChains()))
	}
	return nil
}

// byProgram notes that a refusal is the program's, whatever its error looks like: the peer hears bad_certificate then.
func (c *Conn) byProgram(err error) error {
	if err != nil {
		c.more().byProgram = true
	}
	return err
}

// alertFor is the alert that tells the peer why it was refused.
func (c *Conn) alertFor(err error) int {
	if c.extra != nil && c.extra.byProgram {
		return alertBadCertificate
	}
	return alertFor(err)
}

// requestsCertificate tells whether the peer has to say which certificate it has, if any.
func (c *Conn) requestsCertificate() bool {
	return c.isClient || c.config.ClientAuth >= RequestClientCert
}

// verifies tells whether a chain has to lead to a root.
func (c *Conn) verifies() bool {
	if c.isClient {
		return !c.config.InsecureSkipVerify
	}
	return c.config.ClientAuth >= VerifyClientCertIfGiven
}

// libraryVerifies tells whether chains are verified by the library's rules, and not by crypto/x509. It does not look again
// at those of resumed sessions.
func (c *Conn) libraryVerifies() bool {
	if c.isClient {
		return c.config.RootsPEM != nil && c.verifies()
	}
	return c.config.ClientCAsPEM != nil && c.verifies()
}

// acceptsNone tells whether a peer may be without a certificate. The library has seen to it that none comes so far that
// may not.
func (c *Conn) acceptsNone() error {
	if c.isClient && c.verifies() {
		return errors.New("tls: the server has no certificate")
	}
	if !c.isClient && (c.config.ClientAuth == RequireAnyClientCert || c.config.ClientAuth == RequireAndVerifyClientCert) {
		return errors.New("tls: client didn't provide a certificate")
	}
	return nil
}

// verifyChain verifies by crypto/x509.
func (c *Conn) verifyChain(chain []*x509.Certificate, name string) error {
	options := x509.VerifyOptions{
		Roots:         c.config.RootCAs,
		CurrentTime:   c.config.now(),
		Intermediates: x509.NewCertPool(),
		DNSName:       name,
	}
	if !c.isClient {
		options.Roots, options.DNSName = c.config.ClientCAs, ""
		options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	if c.context.roots != nil {
		// For crypto/x509 no pool is the system's.
		options.Roots = c.context.roots
	}
	for _, intermediate := range chain[1:] {
		options.Intermediates.AddCert(intermediate)
	}
	verified, err := chain[0].Verify(options)
	if err != nil {
		return &CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	c.more().chains = verified
	if c.isClient {
		c.context.endWith(verified)
	}
	return nil
}

func (c *Conn) verifiedChains() [][]*x509.Certificate {
	if c.extra == nil {
		return nil
	}
	return c.extra.chains
}

// confirm is called when the handshake is done, and before this side's last flight is sent.
func (c *Conn) confirm() error {
	if c.extra != nil && c.extra.confirmed {
		// A deadline has passed since, while the last flight was sent.
		return nil
	}
	if c.extra == nil || !c.extra.judged {
		if err := c.judgeAfterwards(); err != nil {
			return c.dismiss(err)
		}
	}
	if verify := c.config.VerifyConnection; verify != nil {
		state := c.liveState()
		// As crypto/tls says it here: the peer is not done.
		state.HandshakeComplete = false
		if err := c.byProgram(verify(state)); err != nil {
			return c.dismiss(err)
		}
	}
	if c.extra != nil || c.config.VerifyConnection != nil || c.config.VerifyPeerCertificate != nil {
		c.more().confirmed = true
	}
	return nil
}

// judgeAfterwards judges a peer that the library did not ask about.
func (c *Conn) judgeAfterwards() error {
	if !c.requestsCertificate() {
		return nil
	}
	var raw [][]byte
	resumed := false
	err := c.ask(func(h handle) {
		resumed = h.facts().resumed
		raw = h.peerChain()
	})
	if err != nil {
		return err
	}
	name := ""
	if c.isClient {
		name, _ = c.nameForEngine()
	}
	err = c.judge(raw, name, resumed, false)
	if err != nil && resumed {
		// Nothing of what the library and the names of roots go by has changed. Other sessions are no better: the next handshake is a
		// full one.
		if c.ownSessions {
			c.sessionsCache().Put(c.sessionsKey(), nil)
		}
		c.context.stale.Store(true)
	}
	return err
}

// dismiss ends a connection whose handshake the library has done, and tells the peer by an alert. err is what Handshake
// answers from now on.
func (c *Conn) dismiss(err error) error {
	c.more().refusal = err
	alert, inFront := uint8(c.alertFor(err)), 0
	var settled settled
	if c.ask(func(h handle) { settled, inFront = h.facts(), h.refuse(alert) }) != nil {
		return err
	}
	c.boundFarewell()
	c.out.mutex.Lock()
	defer c.out.mutex.Unlock()
	// With this side's last flight the peer would be done as well, and have what is in it, a client's certificate say. So
	// that is not sent. In TLS 1.3 the alert has its place, if nothing of it has left; until it is sent, alerts of TLS 1.2 are not
	// encrypted. Nor are tickets sent that could not be taken back: who has one resumes without being judged as who has none is.
	lastWord := c.isClient == settled.resumed
	if settled.version == VersionTLS13 {
		lastWord = inFront != 0
	}
	if lastWord {
		c.conn.Write(plainAlert(alert))
		return err
	}
	c.flush()
	return err
}

// withholdTickets drops what a TLS 1.3 server has queued when the client's last flight came in and something that ended the connection,
// and tells whether that was something: tickets, for nobody whom the program has not accepted. Nothing else can be sent then: records count, and
// those of the tickets are missing.
func (c *Conn) withholdTickets() bool {
	withheld := false
	c.ask(func(h handle) {
		if f := h.facts(); c.isClient || f.version != VersionTLS13 || !f.known {
			return
		}
		buffer := takeBuffer(recordBuffer)
		for h.queued() > 0 && h.drainInto(buffer.bytes).answer > 0 {
			withheld = true
		}
		buffer.giveBack()
	})
	return withheld
}
