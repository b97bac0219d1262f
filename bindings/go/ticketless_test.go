//go:build cgo

package tls

import (
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"testing"
)

// TestNoTicketIsTaken has servers without tickets, and tickets that were made elsewhere under keys that anybody can guess, or that
// the server itself would make if it had tickets. None is sent, none is taken, and no session is resumed in another way.
func TestNoTicketIsTaken(t *testing.T) {
	p := testPKI()
	numbered, ones := [64]byte{}, [64]byte{}
	for i := range numbered {
		numbered[i], ones[i] = byte(i+1), 1
	}
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for name, secret := range map[string]*[64]byte{"numbered": &numbered, "ones": &ones, "shared": nil} {
			t.Run(fmt.Sprintf("%s/%s", VersionName(version), name), func(t *testing.T) {
				config := func() *Config {
					c := &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: RequireAndVerifyClientCert, ClientCAs: p.pool, MaxVersion: version}
					if secret == nil {
						c.SetSessionTicketKeys([][32]byte{{1}})
					}
					return c
				}
				forger, victim := config(), config()
				victim.SessionTicketsDisabled = true
				if secret != nil {
					context := must(forger.serverContext(forger, forger.Certificates))
					if err := context.handle.setTicketKeys([]ticketKey{{secret: *secret, from: 1, until: math.MaxInt64}}); err != nil {
						t.Fatal(err)
					}
				}
				shown := p.client
				client := &tls.Config{RootCAs: p.pool, ServerName: "server.test", ClientSessionCache: tls.NewLRUClientSessionCache(3),
					GetClientCertificate: func(*CertificateRequestInfo) (*Certificate, error) { return &shown, nil }}
				meet := func(config *Config) (*Conn, error) {
					a, b := tcpPair(t)
					c, s := tls.Client(a, client), Server(b, config)
					done := make(chan struct{})
					go func() {
						defer close(done)
						io.ReadFull(c, make([]byte, 5))
						c.Close()
					}()
					err := s.Handshake()
					if err == nil {
						s.Write([]byte("hello"))
					} else {
						s.Close()
					}
					<-done
					return s, err
				}
				for range 2 {
					if _, err := meet(forger); err != nil {
						t.Fatal(err)
					}
					// The client is the one that has the key: what is resumed is seen by the state alone.
					if s, err := meet(victim); err != nil || s.ConnectionState().DidResume {
						t.Errorf("a client with a certificate: %v, resumed %v", err, s.ConnectionState().DidResume)
					}
					if s, err := meet(victim); err != nil || s.ConnectionState().DidResume {
						t.Errorf("a second time: %v, resumed %v", err, s.ConnectionState().DidResume)
					}
				}
				if _, err := meet(forger); err != nil {
					t.Fatal(err)
				}
				shown = Certificate{}
				if _, err := meet(victim); err == nil {
					t.Error("a client without a certificate is admitted by a ticket")
				}
			})
		}
	}
}
