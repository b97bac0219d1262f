package tls

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestRenewedCertificates resumes until a peer's certificate ends, and goes on with its new one by a full handshake: whoever verifies
// it, and with nothing else changed, so that the session is there that must not be resumed.
func TestRenewedCertificates(t *testing.T) {
	p := testPKI()
	issue := func(name string, client bool, until time.Duration) Certificate {
		return p.authority.issue(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), name, client, time.Now().Add(until))
	}
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, pem := range []bool{false, true} {
			for _, side := range []string{"client", "server"} {
				t.Run(fmt.Sprintf("%s/pem=%v/%s", VersionName(version), pem, side), func(t *testing.T) {
					var later atomic.Bool
					clock := func() time.Time {
						if later.Load() {
							return time.Now().Add(2 * time.Hour)
						}
						return time.Now()
					}
					clientSide := &Config{ServerName: "server.test", MaxVersion: version, ClientSessionCache: NewLRUClientSessionCache(4), Time: clock}
					serverSide := &Config{Certificates: []Certificate{issue("server.test", false, time.Hour)}}
					client := func(c net.Conn) conn { return Client(c, clientSide) }
					renew := func() { serverSide.Certificates = []Certificate{issue("server.test", false, 40*time.Hour)} }
					if side == "server" {
						// A client of crypto/tls keeps its sessions when it has another certificate.
						shown := issue("client.test", true, time.Hour)
						theirs := &tls.Config{RootCAs: p.pool, ServerName: "server.test", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4),
							GetClientCertificate: func(*CertificateRequestInfo) (*Certificate, error) { return &shown, nil }}
						client = func(c net.Conn) conn { return tls.Client(c, theirs) }
						serverSide = &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: RequireAndVerifyClientCert, Time: clock}
						renew = func() { shown = issue("client.test", true, 40*time.Hour) }
					}
					if pem {
						clientSide.RootsPEM, serverSide.ClientCAsPEM = p.rootPEM, p.rootPEM
					} else {
						clientSide.RootCAs, serverSide.ClientCAs = p.pool, p.pool
					}
					for round, wanted := range []int{0, 1, 0, 1} {
						if round == 2 {
							later.Store(true)
							renew()
						}
						got := resumes(t, 1, client, func(c net.Conn) conn { return Server(c, serverSide) })
						if got != wanted {
							t.Errorf("round %d: resumed %d", round, got)
						}
					}
				})
			}
		}
	}
}

// TestARefusedSessionIsNotOfferedAgain has a client that refuses what it would resume, for a reason that the library does not
// know of: the root has ended, in the place of which the pool has another one with the same key.
func TestARefusedSessionIsNotOfferedAgain(t *testing.T) {
	p := testPKI()
	var later atomic.Bool
	key := p.authority.key
	root := func(from, until time.Duration) *x509.Certificate {
		template := *p.authority.certificate
		template.NotBefore, template.NotAfter = time.Now().Add(from), time.Now().Add(until)
		return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key))))
	}
	old := x509.NewCertPool()
	old.AddCert(root(-48*time.Hour, 2*time.Hour))
	config := &Config{RootCAs: old, ServerName: "server.test", MaxVersion: VersionTLS12, ClientSessionCache: NewLRUClientSessionCache(4)}
	config.Time = func() time.Time {
		if later.Load() {
			return time.Now().Add(4 * time.Hour)
		}
		return time.Now()
	}
	client := func(c net.Conn) conn { return Client(c, config) }
	serverSide := serverConfig()
	server := func(c net.Conn) conn { return Server(c, serverSide) }
	if got := resumes(t, 2, client, server); got != 1 {
		t.Fatalf("%d sessions were resumed", got)
	}
	later.Store(true)
	a, b := tcpPair(t)
	go Server(b, serverSide).Handshake()
	if err := Client(a, config).Handshake(); !isA[*CertificateVerificationError](err) {
		t.Fatalf("%v", err)
	}
	// The same pool comes to have what is needed.
	old.AddCert(root(-48*time.Hour, 47*time.Hour))
	if got := resumes(t, 2, client, server); got != 1 {
		t.Errorf("%d sessions were resumed", got)
	}
}

// TestJudgedOnce lets a deadline pass between the judgement of the peer and the end of the handshake.
func TestJudgedOnce(t *testing.T) {
	p := testPKI()
	for _, refuses := range []bool{false, true} {
		var peers, connections int
		a, b := tcpPair(t)
		transport := &faulty{Conn: a, writeLeft: -1}
		config := clientConfig()
		config.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { peers++; return nil }
		config.VerifyConnection = func(ConnectionState) error {
			connections++
			transport.mutex.Lock()
			transport.writeLeft = 10
			transport.mutex.Unlock()
			if refuses {
				return errMine
			}
			return nil
		}
		client, server := Client(transport, config), Server(b, &Config{Certificates: []Certificate{p.ecdsa}})
		done := make(chan error, 1)
		go func() { done <- server.Handshake() }()
		err := client.Handshake()
		if refuses {
			if !errors.Is(err, errMine) {
				t.Errorf("%v", err)
			}
		} else if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("no deadline has passed: %v", err)
		}
		transport.mutex.Lock()
		transport.writeLeft = -1
		transport.mutex.Unlock()
		err = client.Handshake()
		if refuses != errors.Is(err, errMine) || !refuses && err != nil {
			t.Errorf("the second time: %v", err)
		}
		if peers != 1 || connections != 1 {
			t.Errorf("asked %d and %d times", peers, connections)
		}
		if refuses {
			a.Close()
		}
		if err := <-done; (err == nil) == refuses {
			t.Errorf("the server: %v", err)
		}
	}
}

// TestUnreadBytes looks at what a connection holds whose program reads slowly, and in pieces of any size.
func TestUnreadBytes(t *testing.T) {
	for _, transport := range transports {
		for _, piece := range []int{1, 100, 4096, 16384, 32768, 100000} {
			for _, size := range []int{64, 1024, 16384} {
				t.Run(fmt.Sprintf("%s/%d/%d", transport.name, piece, size), func(t *testing.T) {
					client, server := ourPair(t, transport.pair, clientConfig(), serverConfig())
					// Nobody reads what Close would say.
					defer end(client, server)
					const total = 600_000
					go func() {
						message := make([]byte, size)
						for left := total; left > 0; left -= size {
							if _, err := server.Write(message[:min(left, size)]); err != nil {
								return
							}
						}
					}()
					b := make([]byte, piece)
					for left := total; left > 0; {
						n, err := client.Read(b)
						if err != nil {
							t.Fatal(err)
						}
						left -= n
						if client.in.buffer != nil && len(client.in.buffer.bytes) > 20_000 {
							t.Fatalf("%d bytes are held", len(client.in.buffer.bytes))
						}
						if piece == 1 && left < total-1000 {
							break
						}
					}
				})
			}
		}
	}
}

// stuckWriter is a writer that waits.
type stuckWriter struct{ entered, leave chan struct{} }

func (s *stuckWriter) Write(b []byte) (int, error) {
	s.entered <- struct{}{}
	<-s.leave
	return 0, io.ErrClosedPipe
}

// TestUnreadBytesInACopy looks at what WriteTo holds while its writer waits.
func TestUnreadBytesInACopy(t *testing.T) {
	client, server := ourPair(t, tcpPair, clientConfig(), serverConfig())
	go server.Write(make([]byte, 500_000))
	writer := &stuckWriter{make(chan struct{}), make(chan struct{})}
	done := make(chan struct{})
	go func() {
		client.WriteTo(writer)
		close(done)
	}()
	<-writer.entered
	if held := len(client.in.buffer.bytes); held > 40_000 {
		t.Errorf("%d bytes are held", held)
	}
	close(writer.leave)
	<-done
}

// TestCloseWriteDoesNotWait has a peer that takes nothing: CloseWrite sets the deadline that crypto/tls sets.
func TestCloseWriteDoesNotWait(t *testing.T) {
	a, b := tcpPair(t)
	transport := &faulty{Conn: a, writeLeft: -1}
	client, server := Client(transport, clientConfig()), Server(b, serverConfig())
	handshakeBoth(t, client, server)
	before := time.Now()
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	transport.mutex.Lock()
	defer transport.mutex.Unlock()
	if transport.deadline.Before(before) || transport.deadline.After(time.Now().Add(6*time.Second)) {
		t.Errorf("the deadline is %v, now it is %v", transport.deadline, before)
	}
}

// TestBrokenServers has servers whose Config cannot be used: their clients are told.
func TestBrokenServers(t *testing.T) {
	p := testPKI()
	bad := &Config{Certificates: []Certificate{{Certificate: p.ecdsa.Certificate}}}
	for name, config := range map[string]*Config{
		"no key":             bad,
		"no certificate":     {},
		"nothing":            {Certificates: []Certificate{p.ecdsa}, MinVersion: VersionTLS10},
		"GetCertificate":     {GetCertificate: func(*ClientHelloInfo) (*Certificate, error) { return &bad.Certificates[0], nil }},
		"GetConfigForClient": {GetConfigForClient: func(*ClientHelloInfo) (*Config, error) { return bad, nil }},
	} {
		for _, transport := range transports {
			t.Run(name+"/"+transport.name, func(t *testing.T) {
				a, b := transport.pair(t)
				told := make(chan error, 1)
				go func() {
					told <- tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test"}).Handshake()
					a.Close()
				}()
				server := Server(b, config)
				if err := server.Handshake(); err == nil {
					t.Error("the server is content")
				} else if again := server.Handshake(); again == nil || again.Error() != err.Error() {
					t.Errorf("%v, and then %v", err, again)
				}
				server.Close()
				wanted := AlertError(alertInternalError)
				if len(config.Certificates) == 0 && !config.asksForServer() {
					wanted = alertUnrecognizedName
				}
				if err := <-told; err == nil || err.Error() != "remote error: "+wanted.Error() {
					t.Errorf("the client is told %v", err)
				}
			})
		}
	}
}

// messageKey signs messages, as crypto.MessageSigner of Go 1.25.
type messageKey struct {
	crypto.Signer
	messages int
}

func (k *messageKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("this key has to see the message")
}

func (k *messageKey) SignMessage(random io.Reader, message []byte, options crypto.SignerOpts) ([]byte, error) {
	k.messages++
	if options.HashFunc() != 0 {
		digest := options.HashFunc().New()
		digest.Write(message)
		message = digest.Sum(nil)
	}
	return k.Signer.Sign(random, message, options)
}

func TestMessageSigner(t *testing.T) {
	p := testPKI()
	for name, certificate := range map[string]Certificate{"ecdsa": p.ecdsa, "rsa": p.rsa, "ed25519": p.ed25519} {
		key := &messageKey{Signer: certificate.PrivateKey.(crypto.Signer)}
		certificate.PrivateKey = key
		a, b := tcpPair(t)
		handshakeBoth(t, Client(a, clientConfig()), Server(b, &Config{Certificates: []Certificate{certificate}}))
		if key.messages != 1 {
			t.Errorf("%s: asked %d times", name, key.messages)
		}
	}
}

// TestHelloContextEnds keeps the context of a ClientHelloInfo beyond the handshake.
func TestHelloContextEnds(t *testing.T) {
	var kept context.Context
	config := &Config{GetCertificate: func(hello *ClientHelloInfo) (*Certificate, error) {
		kept = hello.Context()
		if err := kept.Err(); err != nil {
			t.Error(err)
		}
		return &testPKI().ecdsa, nil
	}}
	a, b := tcpPair(t)
	handshakeBoth(t, Client(a, clientConfig()), Server(b, config))
	if kept.Err() == nil {
		t.Error("it goes on after the handshake")
	}
}

// TestEndWithTheLastBytes has the end in the transport when the last bytes are read: in TLS 1.2 crypto/tls tells both at once.
func TestEndWithTheLastBytes(t *testing.T) {
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, room := range []int{5, 100} {
			for _, own := range []bool{false, true} {
				a, b := tcpPair(t)
				config := clientConfig()
				config.MaxVersion = version
				var client conn = Client(a, config)
				if !own {
					client = tls.Client(a, &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test", MaxVersion: version})
				}
				server := Server(b, serverConfig())
				handshakeBoth(t, client, server)
				// One write of the transport has both.
				held := &holding{Conn: b}
				server.conn = held
				server.Write([]byte("hello"))
				server.CloseWrite()
				b.Write(held.written)
				n, err := client.Read(make([]byte, room))
				if n != 5 || version == VersionTLS12 && err != io.EOF || err != nil && err != io.EOF {
					t.Errorf("%s, own=%v, room for %d: %d, %v", VersionName(version), own, room, n, err)
				}
				if n, err := client.Read(make([]byte, room)); n != 0 || err != io.EOF {
					t.Errorf("then %d, %v", n, err)
				}
			}
		}
	}
}

// holding keeps what is written, and has no deadlines.
type holding struct {
	net.Conn
	written []byte
}

func (h *holding) Write(b []byte) (int, error) {
	h.written = append(h.written, b...)
	return len(b), nil
}

// TestMessagesAreForGo looks through all texts of the library that name functions or numbers of C.
func TestMessagesAreForGo(t *testing.T) {
	literal := regexp.MustCompile(`"(?:[^"\\\n]|\\[^\n])*"`)
	looked := 0
	err := filepath.WalkDir(filepath.Join("..", "..", "src"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".rs") || strings.HasSuffix(path, "status.rs") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, message := range literal.FindAllString(string(text), -1) {
			message = strings.Trim(message, `"`)
			if !strings.Contains(message, " ") || !strings.Contains(strings.ToLower(message), "tls_") {
				continue
			}
			looked++
			if got := inGoTerms(message); strings.Contains(strings.ToLower(got), "tls_") || strings.Contains(got, "  ") {
				t.Errorf("%q", got)
			}
		}
		return err
	})
	if err != nil || looked < 10 {
		t.Errorf("%d messages, %v", looked, err)
	}
	for message, wanted := range map[string]string{
		"no group in common with the peer (tls_builder_groups)":           "no group in common with the peer",
		"a server needs a certificate: tls_builder_identity_pem or other": "a server needs a certificate",
		"refused by tls_feed()":           "refused by the library",
		"nothing of C: all (of it) stays": "nothing of C: all (of it) stays",
	} {
		if got := inGoTerms(message); got != wanted {
			t.Errorf("%q, not %q", got, wanted)
		}
	}
	// As a program sees it.
	a, b := tcpPair(t)
	client := clientConfig()
	client.CurvePreferences = []CurveID{CurveP384}
	server := serverConfig()
	server.CurvePreferences = []CurveID{X25519}
	go Client(a, client).Handshake()
	if err := Server(b, server).Handshake(); err == nil || strings.Contains(err.Error(), "tls_") {
		t.Errorf("%v", err)
	}
}
