//go:build cgo

package tls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"testing"
)

// withholding is a transport that sends what was written when something is read, the last flight of a client with what follows it.
type withholding struct {
	net.Conn
	held []byte
	// What is added to the last flight of a TLS 1.3 client, which is encrypted.
	more []byte
}

func (w *withholding) Write(b []byte) (int, error) {
	w.held = append(w.held, b...)
	return len(b), nil
}

func (w *withholding) Read(b []byte) (int, error) {
	if err := w.flush(); err != nil {
		return 0, err
	}
	return w.Conn.Read(b)
}

func (w *withholding) flush() error {
	if len(w.held) > 0 {
		if bytes.HasPrefix(w.held, []byte{23}) || bytes.HasPrefix(w.held, []byte{20, 3, 3, 0, 1, 1, 23}) {
			w.held, w.more = append(w.held, w.more...), nil
		}
		if _, err := w.Conn.Write(w.held); err != nil {
			return err
		}
		w.held = nil
	}
	return nil
}

// TestNoTicketOfARefusedHandshake has clients that come again and again with the sessions that they were given: who is refused has
// been given none, for in a resumed session VerifyPeerCertificate is not asked.
func TestNoTicketOfARefusedHandshake(t *testing.T) {
	p := testPKI()
	peer := func([][]byte, [][]*x509.Certificate) error { return errMine }
	connection := func(ConnectionState) error { return errMine }
	newcomer := func(state ConnectionState) error {
		if state.DidResume {
			return nil
		}
		return errMine
	}
	rules := map[string]func(*Config){
		"VerifyPeerCertificate":          func(c *Config) { c.VerifyPeerCertificate = peer },
		"VerifyConnection":               func(c *Config) { c.VerifyConnection = connection },
		"VerifyConnection of full ones":  func(c *Config) { c.VerifyConnection = newcomer },
		"VerifyConnection, other config": func(c *Config) { c.GetConfigForClient = refusing(c, newcomer) },
	}
	endings := map[string]func(*withholding, *tls.Conn){
		"reads": func(*withholding, *tls.Conn) {},
		"breaks": func(w *withholding, _ *tls.Conn) {
			w.more = append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...)
		},
		"breaks TLS": func(w *withholding, _ *tls.Conn) { w.more = []byte("GET / HTTP/1.1\r\n\r\n") },
		"closes":     func(_ *withholding, c *tls.Conn) { c.CloseWrite() },
	}
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for rule, set := range rules {
			for _, auth := range []ClientAuthType{RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert} {
				for _, shows := range []bool{false, true} {
					for ending, ends := range endings {
						if ending != "reads" && auth > RequireAnyClientCert {
							continue
						}
						t.Run(fmt.Sprintf("%s/%s/%v/certificate=%v/%s", VersionName(version), rule, auth, shows, ending), func(t *testing.T) {
							server := &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: auth, ClientCAs: p.pool, MaxVersion: version}
							set(server)
							client := &tls.Config{RootCAs: p.pool, ServerName: "server.test", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
							if shows {
								client.Certificates = []Certificate{p.client}
							}
							for round := range 3 {
								a, b := tcpPair(t)
								transport := &withholding{Conn: a}
								s, c := Server(b, server), tls.Client(transport, client)
								done := make(chan error, 1)
								go func() {
									err := s.Handshake()
									s.Close()
									done <- err
								}()
								if round == 0 {
									// In the first round more comes behind the last flight.
									if c.Handshake() == nil {
										ends(transport, c)
									}
								}
								n, told := c.Read(make([]byte, 1))
								transport.flush()
								a.Close()
								if err := <-done; err == nil || n != 0 || told == nil {
									t.Errorf("round %d: the server says %v, the client reads %d bytes and %v", round, err, n, told)
								}
								if c.ConnectionState().DidResume {
									t.Errorf("round %d: the client has resumed a session", round)
								}
								c.Close()
							}
						})
					}
				}
			}
		}
	}
}

// refusing answers another Config, which has the ticket keys of c.
func refusing(c *Config, verify func(ConnectionState) error) func(*ClientHelloInfo) (*Config, error) {
	other := c.Clone()
	other.VerifyConnection = verify
	return func(*ClientHelloInfo) (*Config, error) { return other, nil }
}
