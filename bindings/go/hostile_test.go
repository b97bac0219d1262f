package tls

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestRejectedECH has servers that do not take a client's ECH: what they give to try again with is only worth something if
// they prove to be the public name, whatever else is verified, and the program is asked about nobody (RFC 9849, 6.1.7).
func TestRejectedECH(t *testing.T) {
	p := testPKI()
	config, key := newECHKey(t, 1)
	wrong, _ := newECHKey(t, 2)
	newcomer := newAuthority("another")
	for name, certificate := range map[string]Certificate{
		"the public name":                 p.authority.issue(p.ecdsa.PrivateKey.(crypto.Signer), "public.test", false, time.Now().Add(time.Hour)),
		"the public name, of nobody's CA": newcomer.issue(p.ecdsa.PrivateKey.(crypto.Signer), "public.test", false, time.Now().Add(time.Hour)),
		"another name":                    p.ecdsa,
	} {
		for _, insecure := range []bool{false, true} {
			for _, pem := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/insecure=%v/pem=%v", name, insecure, pem), func(t *testing.T) {
					server := &tls.Config{Certificates: []Certificate{certificate},
						EncryptedClientHelloKeys: []tls.EncryptedClientHelloKey{{Config: config, PrivateKey: key, SendAsRetry: true}}}
					calls := 0
					ours := &Config{ServerName: "server.test", InsecureSkipVerify: insecure, EncryptedClientHelloConfigList: echList(wrong),
						VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { calls++; return nil },
						VerifyConnection:      func(ConnectionState) error { calls++; return nil }}
					theirs := ours.Std()
					theirs.RootCAs = p.pool
					if pem {
						ours.RootsPEM = p.rootPEM
					} else {
						ours.RootCAs = p.pool
					}
					answer := func(client func(net.Conn) conn) string {
						a, b := tcpPair(t)
						calls = 0
						go tls.Server(b, server).Handshake()
						err := client(a).Handshake()
						return fmt.Sprint(isA[*ECHRejectionError](err), isA[*CertificateVerificationError](err), calls)
					}
					wanted := answer(func(c net.Conn) conn { return tls.Client(c, theirs) })
					if got := answer(func(c net.Conn) conn { return Client(c, ours) }); got != wanted {
						t.Errorf("rejected, not verified, calls: %s; crypto/tls: %s", got, wanted)
					}
				})
			}
		}
	}
}

// TestSessionsOfUnverifiedPeers has peers whose certificates only the program looks at: when these have ended it looks again.
func TestSessionsOfUnverifiedPeers(t *testing.T) {
	p := testPKI()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, side := range []string{"client", "server"} {
			t.Run(fmt.Sprintf("%s/%s", VersionName(version), side), func(t *testing.T) {
				run := func(ours bool) []judged {
					var later atomic.Bool
					clock := func() time.Time {
						if later.Load() {
							return time.Now().Add(36 * time.Hour)
						}
						return time.Now()
					}
					looks := new(judge)
					clientSide := &tls.Config{InsecureSkipVerify: true, ServerName: "server.test", MaxVersion: version, Certificates: []Certificate{p.stranger},
						ClientSessionCache: tls.NewLRUClientSessionCache(4)}
					serverSide := &tls.Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: RequireAnyClientCert}
					judging := serverSide
					if side == "client" {
						judging = clientSide
					}
					judging.Time, judging.VerifyPeerCertificate, judging.VerifyConnection = clock, looks.peer, looks.connection
					var client func(net.Conn) conn = func(c net.Conn) conn { return tls.Client(c, clientSide) }
					var server func(net.Conn) conn = func(c net.Conn) conn { return tls.Server(c, serverSide) }
					if ours && side == "client" {
						config := must(FromStd(clientSide))
						config.ClientSessionCache = NewLRUClientSessionCache(4)
						client = func(c net.Conn) conn { return Client(c, config) }
					} else if ours {
						config := must(FromStd(serverSide))
						server = func(c net.Conn) conn { return Server(c, config) }
					}
					var results []judged
					for round := range 4 {
						later.Store(round >= 2)
						a, b := tcpPair(t)
						c, s := client(a), server(b)
						if side == "client" {
							results = append(results, looks.meet(t, c, s))
						} else {
							results = append(results, looks.meet(t, s, c))
						}
					}
					return results
				}
				compare(t, run(false), run(true))
			})
		}
	}
}

// gate is a function of the program that does not return until it may.
type gate struct {
	entered, opened chan struct{}
	once            sync.Once
}

func newGate() *gate { return &gate{entered: make(chan struct{}), opened: make(chan struct{})} }

func (g *gate) pass() {
	g.once.Do(func() { close(g.entered) })
	<-g.opened
}

func (g *gate) Write(b []byte) (int, error) { g.pass(); return len(b), nil }

func (g *gate) Get(string) (*ClientSessionState, bool) { g.pass(); return nil, false }

func (g *gate) Put(string, *ClientSessionState) {}

// slowKey is a key that signs behind a gate.
type slowKey struct {
	crypto.Signer
	gate *gate
}

func (k slowKey) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	k.gate.pass()
	return k.Signer.Sign(random, digest, options)
}

// TestCloseInCallbacks closes connections while the program is asked something: Close does not wait for the answer, with which the
// handshake is none.
func TestCloseInCallbacks(t *testing.T) {
	p := testPKI()
	certificate := func(g *gate) Certificate {
		return Certificate{Certificate: p.ecdsa.Certificate, PrivateKey: slowKey{p.ecdsa.PrivateKey.(crypto.Signer), g}}
	}
	for name, set := range map[string]struct {
		client bool
		do     func(*Config, *gate)
	}{
		"GetConfigForClient": {false, func(c *Config, g *gate) {
			c.GetConfigForClient = func(*ClientHelloInfo) (*Config, error) { g.pass(); return nil, nil }
		}},
		"GetCertificate": {false, func(c *Config, g *gate) {
			c.GetCertificate = func(*ClientHelloInfo) (*Certificate, error) { g.pass(); return nil, nil }
		}},
		"Sign":         {false, func(c *Config, g *gate) { c.Certificates = []Certificate{certificate(g)} }},
		"KeyLogWriter": {false, func(c *Config, g *gate) { c.KeyLogWriter = g }},
		"Time":         {false, func(c *Config, g *gate) { c.Time = func() time.Time { g.pass(); return time.Now() } }},
		"VerifyConnection": {false, func(c *Config, g *gate) {
			c.VerifyConnection = func(ConnectionState) error { g.pass(); return nil }
		}},
		"VerifyPeerCertificate of a client": {true, func(c *Config, g *gate) {
			c.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { g.pass(); return nil }
		}},
		"VerifyConnection of a client": {true, func(c *Config, g *gate) {
			c.VerifyConnection = func(ConnectionState) error { g.pass(); return nil }
		}},
		"GetClientCertificate": {true, func(c *Config, g *gate) {
			c.GetClientCertificate = func(*CertificateRequestInfo) (*Certificate, error) { g.pass(); return &Certificate{}, nil }
		}},
		"ClientSessionCache": {true, func(c *Config, g *gate) { c.ClientSessionCache = g }},
		"Time of a client":   {true, func(c *Config, g *gate) { c.Time = func() time.Time { g.pass(); return time.Now() } }},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := tcpPair(t)
			g := newGate()
			config := serverConfig()
			if set.client {
				config = clientConfig()
			}
			set.do(config, g)
			var ours *Conn
			var theirs conn
			if set.client {
				ours, theirs = Client(a, config), tls.Server(b, &tls.Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: RequestClientCert})
			} else {
				ours, theirs = Server(b, config), tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test"})
			}
			go theirs.Handshake()
			shaken := make(chan error, 1)
			go func() { shaken <- ours.Handshake() }()
			<-g.entered
			closed := make(chan struct{})
			go func() { ours.Close(); close(closed) }()
			select {
			case <-closed:
			case <-time.After(patience(10 * time.Second)):
				t.Error("Close waits")
			}
			close(g.opened)
			if err := <-shaken; err == nil {
				t.Error("the handshake of a closed connection is done")
			}
			<-closed
		})
	}
}

// TestContextThatHasEnded is what crypto/tls does with one: the transport is closed.
func TestContextThatHasEnded(t *testing.T) {
	a, b := tcpPair(t)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Client(a, clientConfig()).HandshakeContext(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n, err := b.Read(make([]byte, 1)); n != 0 && err == nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the transport: %v", err)
	}
}

// TestContextOfPanics is what crypto/tls does: a context that ends behind a handshake that panicked does not close the transport.
func TestContextOfPanics(t *testing.T) {
	for range 20 {
		a, b := tcpPair(t)
		go tls.Client(b, &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test"}).Handshake()
		config := &Config{GetCertificate: func(*ClientHelloInfo) (*Certificate, error) { panic("the program") }}
		ctx, cancel := context.WithCancel(context.Background())
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			Server(a, config).HandshakeContext(ctx)
		}()
		cancel()
		for range 1000 {
			runtime.Gosched()
		}
		if err := a.SetDeadline(time.Time{}); err != nil {
			t.Fatalf("the transport: %v", err)
		}
	}
}

// TestTransportsThatPanic has one that does so in the midst of a handshake: what was locked is not for ever.
func TestTransportsThatPanic(t *testing.T) {
	a, _ := tcpPair(t)
	client := Client(panicking{a}, clientConfig())
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		client.Handshake()
	}()
	closed := make(chan struct{})
	go func() {
		client.CloseWrite()
		client.Close()
		// It would take the lock that was left.
		client.out.mutex.Lock()
		client.out.mutex.Unlock()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(patience(10 * time.Second)):
		t.Error("a lock was left")
	}
}

type panicking struct{ net.Conn }

func (panicking) Write([]byte) (int, error) { panic("the transport") }

// TestPanicsAreNoAnswers has functions of the program that panic, and are asked once more by who goes on: nobody is accepted for a panic.
func TestPanicsAreNoAnswers(t *testing.T) {
	p := testPKI()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, shows := range []bool{false, true} {
			for _, isClient := range []bool{false, true} {
				for _, function := range []string{"VerifyPeerCertificate", "VerifyConnection"} {
					t.Run(fmt.Sprintf("%s/%s/client=%v/certificate=%v", VersionName(version), function, isClient, shows), func(t *testing.T) {
						asked := 0
						answer := func() error {
							if asked++; asked == 1 {
								panic("the program")
							}
							return errMine
						}
						judges := clientConfig()
						theirs := &tls.Config{RootCAs: p.pool, ServerName: "server.test", MaxVersion: version}
						if shows {
							theirs.Certificates = []Certificate{p.client}
						}
						if !isClient {
							judges = serverConfig()
							judges.ClientAuth = RequestClientCert
						}
						judges.MaxVersion = version
						if function == "VerifyConnection" {
							judges.VerifyConnection = func(ConnectionState) error { return answer() }
						} else {
							judges.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { return answer() }
						}
						a, b := tcpPair(t)
						judging, peer := Server(b, judges), tls.Client(a, theirs)
						if isClient {
							judging, peer = Client(a, judges), tls.Server(b, &tls.Config{Certificates: []Certificate{p.ecdsa}})
						}
						go func() {
							peer.Write([]byte("hello"))
							io.Copy(io.Discard, peer)
						}()
						func() {
							defer func() {
								if recover() == nil {
									t.Error("no panic")
								}
							}()
							judging.Handshake()
						}()
						if judging.ConnectionState().HandshakeComplete {
							t.Error("complete")
						}
						for range 2 {
							if n, err := judging.Read(make([]byte, 5)); n != 0 || !errors.Is(err, errMine) {
								t.Errorf("%d bytes are read, %v", n, err)
							}
							if n, err := judging.Write([]byte("hello")); n != 0 || !errors.Is(err, errMine) {
								t.Errorf("%d bytes are written, %v", n, err)
							}
						}
						if asked != 2 {
							t.Errorf("asked %d times", asked)
						}
						judging.Close()
					})
				}
			}
		}
	}
}

// TestAlertsOfServers compares what a client is told by servers that cannot go on with it.
func TestAlertsOfServers(t *testing.T) {
	p := testPKI()
	for name, test := range map[string]struct {
		client, server func(*tls.Config)
	}{
		"no certificate": {func(*tls.Config) {}, func(c *tls.Config) {
			c.Certificates, c.GetCertificate = nil, func(*ClientHelloInfo) (*Certificate, error) { return nil, nil }
		}},
		"nothing at all": {func(*tls.Config) {}, func(c *tls.Config) { c.Certificates = nil }},
		"an error of GetCertificate": {func(*tls.Config) {}, func(c *tls.Config) {
			c.GetCertificate = func(*ClientHelloInfo) (*Certificate, error) { return nil, errMine }
		}},
		"an error of GetConfigForClient": {func(*tls.Config) {}, func(c *tls.Config) {
			c.GetConfigForClient = func(*ClientHelloInfo) (*tls.Config, error) { return nil, errMine }
		}},
		"a Config without a certificate": {func(*tls.Config) {}, func(c *tls.Config) {
			c.GetConfigForClient = func(*ClientHelloInfo) (*tls.Config, error) { return &tls.Config{}, nil }
		}},
		"no protocol":        {func(c *tls.Config) { c.NextProtos = []string{"a"} }, func(c *tls.Config) { c.NextProtos = []string{"b"} }},
		"an old client":      {func(c *tls.Config) { c.MaxVersion = VersionTLS12 }, func(c *tls.Config) { c.MinVersion = VersionTLS13 }},
		"an old server":      {func(c *tls.Config) { c.MinVersion = VersionTLS13 }, func(c *tls.Config) { c.MaxVersion = VersionTLS12 }},
		"no group in common": {func(c *tls.Config) { c.CurvePreferences = []CurveID{tls.CurveP256} }, func(c *tls.Config) { c.CurvePreferences = []CurveID{tls.X25519} }},
		"no suite in common": {func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		}, func(c *tls.Config) {
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
		}},
	} {
		for _, version := range []uint16{VersionTLS12, VersionTLS13} {
			t.Run(fmt.Sprintf("%s/%s", VersionName(version), name), func(t *testing.T) {
				told := func(ours bool) string {
					client := &tls.Config{RootCAs: p.pool, ServerName: "server.test", MaxVersion: version}
					server := &tls.Config{Certificates: []Certificate{p.ecdsa}}
					test.client(client)
					test.server(server)
					if client.MinVersion > client.MaxVersion {
						return ""
					}
					a, b := tcpPair(t)
					var judging conn = tls.Server(b, server)
					if ours {
						judging = Server(b, must(FromStd(server)))
					}
					go judging.Handshake()
					err := tls.Client(a, client).Handshake()
					if err == nil {
						t.Error("the handshake is done")
					}
					return fmt.Sprint(err)
				}
				if theirs, ours := told(false), told(true); ours != theirs {
					t.Errorf("crypto/tls: %s; here: %s", theirs, ours)
				}
			})
		}
	}
}
