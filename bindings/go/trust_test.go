package tls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// judged is what one side of a connection was asked, and how it went; crypto/tls and this package have to agree on it.
type judged struct {
	// The calls of the two functions, in their order, and what they were given.
	calls string
	// Whether the side that judges accepts the other one.
	accepts bool
	// What the peer is told, by an alert.
	alert   string
	resumed bool
}

var errMine = errors.New("mine")

// judge is a program that verifies. Of refuses it refuses what the name says.
type judge struct {
	refuses string
	chains  bool // whether chains are given
	calls   []string
}

func (j *judge) peer(raw [][]byte, chains [][]*x509.Certificate) error {
	call := fmt.Sprintf("peer %d", len(raw))
	if j.chains {
		call += fmt.Sprintf(" chains %d", len(chains))
	}
	j.calls = append(j.calls, call)
	if j.refuses == "all" || j.refuses == "none" && len(raw) == 0 {
		return errMine
	}
	if j.refuses == "authority" {
		return x509.UnknownAuthorityError{}
	}
	return nil
}

func (j *judge) connection(state ConnectionState) error {
	j.calls = append(j.calls, fmt.Sprintf("connection %d %x %v", len(state.PeerCertificates), state.Version, state.DidResume))
	if j.refuses == "connection" || j.refuses == "resumed" && state.DidResume {
		return errMine
	}
	return nil
}

// meet lets a judging side meet its peer.
func (j *judge) meet(t *testing.T, judging, peer conn) judged {
	t.Helper()
	j.calls = nil
	done := make(chan error, 1)
	go func() {
		// A peer that is done before it was judged learns with its first bytes what came of it.
		err := peer.Handshake()
		if err == nil {
			if _, err = io.ReadFull(peer, make([]byte, 5)); err == nil {
				_, err = peer.Write([]byte("hello"))
			}
		}
		done <- err
	}()
	err := judging.Handshake()
	result := judged{accepts: err == nil}
	if err == nil {
		judging.Write([]byte("hello"))
		// Tickets come first.
		if _, err := io.ReadFull(judging, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
	}
	if err != nil {
		// A peer that is told nothing does not wait for ever.
		judging.(interface{ NetConn() net.Conn }).NetConn().(*net.TCPConn).CloseWrite()
	}
	told := <-done
	if result.accepts && told != nil {
		t.Fatalf("accepted, and the peer says %v", told)
	}
	if !result.accepts && told == nil {
		t.Fatalf("refused (%v), and the peer can read", err)
	}
	if remote := (*net.OpError)(nil); errors.As(told, &remote) && remote.Op == "remote error" {
		result.alert = remote.Err.Error()
	}
	result.calls = strings.Join(j.calls, ", ")
	result.resumed = result.accepts && judging.ConnectionState().DidResume
	if !result.accepts {
		// It stays so.
		if again := judging.Handshake(); again == nil {
			t.Fatal("who was refused is let in the second time")
		}
		if n, again := judging.Read(make([]byte, 1)); n != 0 || again == nil {
			t.Fatal("who was refused is read from")
		}
	}
	judging.Close()
	peer.Close()
	return result
}

// twice lets them meet, and once more if that could resume.
func (j *judge) twice(t *testing.T, judging, peer func(net.Conn) conn, client bool) []judged {
	t.Helper()
	var results []judged
	for range 2 {
		a, b := tcpPair(t)
		if !client {
			a, b = b, a
		}
		result := j.meet(t, judging(a), peer(b))
		results = append(results, result)
		if !result.accepts {
			break
		}
	}
	return results
}

func compare(t *testing.T, theirs, ours []judged) {
	t.Helper()
	if fmt.Sprint(theirs) != fmt.Sprint(ours) {
		t.Errorf("crypto/tls: %+v\nhere:       %+v", theirs, ours)
	}
}

// forgiveOrder: where the library verifies, it does so after the program, which crypto/tls does not ask any more.
func forgiveOrder(pem bool, theirs, ours []judged) {
	if pem && !theirs[0].accepts && theirs[0].calls == "" && ours[0].calls == "peer 1" {
		ours[0].calls = ""
	}
}

var refusals = []string{"", "all", "none", "authority", "connection", "resumed"}

// TestServersJudgeAsCryptoTLS compares what servers make of clients, and of what these have for a certificate.
func TestServersJudgeAsCryptoTLS(t *testing.T) {
	p := testPKI()
	certificates := map[string]*Certificate{"no certificate": {}, "good": &p.client, "bad": &p.stranger}
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for auth := NoClientCert; auth <= RequireAndVerifyClientCert; auth++ {
			for name, certificate := range certificates {
				for _, refuses := range refusals {
					for mode := range 4 {
						pem, chosen := mode&1 != 0, mode&2 != 0
						t.Run(fmt.Sprintf("%s/%v/%s/refuses=%s/pem=%v/chosen=%v", VersionName(version), auth, name, refuses, pem, chosen), func(t *testing.T) {
							newPeer := func() func(net.Conn) conn {
								config := &tls.Config{
									RootCAs: p.pool, ServerName: "server.test", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4),
									GetClientCertificate: func(*tls.CertificateRequestInfo) (*Certificate, error) { return certificate, nil },
								}
								return func(c net.Conn) conn { return tls.Client(c, config) }
							}
							their, our := &judge{refuses: refuses, chains: !pem}, &judge{refuses: refuses, chains: !pem}
							theirs := &tls.Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: auth, ClientCAs: p.pool,
								VerifyPeerCertificate: their.peer, VerifyConnection: their.connection}
							ours := &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: auth,
								VerifyPeerCertificate: our.peer, VerifyConnection: our.connection}
							if pem {
								ours.ClientCAsPEM = p.rootPEM
							} else {
								ours.ClientCAs = p.pool
							}
							if chosen {
								// The Config that is chosen decides; what it is chosen by would refuse everybody, or nobody.
								their, our := theirs, ours
								theirs = &tls.Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: RequireAndVerifyClientCert - auth,
									GetConfigForClient: func(*ClientHelloInfo) (*tls.Config, error) { return their, nil }}
								ours = &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: RequireAndVerifyClientCert - auth,
									GetConfigForClient: func(*ClientHelloInfo) (*Config, error) { return our.Clone(), nil }}
							}
							left := their.twice(t, func(c net.Conn) conn { return tls.Server(c, theirs) }, newPeer(), false)
							right := our.twice(t, func(c net.Conn) conn { return Server(c, ours) }, newPeer(), false)
							forgiveOrder(pem, left, right)
							for i := range min(len(left), len(right)) {
								// What the library refuses itself has the alerts of its rules.
								if !right[i].accepts && right[i].alert != "" && (pem || name == "no certificate") && left[i].calls == "" {
									right[i].alert = left[i].alert
								}
							}
							compare(t, left, right)
						})
					}
				}
			}
		}
	}
}

// TestClientsJudgeAsCryptoTLS compares what clients make of servers.
func TestClientsJudgeAsCryptoTLS(t *testing.T) {
	p := testPKI()
	certificates := map[string]Certificate{"good": p.ecdsa, "bad": p.stranger, "of another": p.other, "expired": p.expired}
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, insecure := range []bool{false, true} {
			for name, certificate := range certificates {
				for _, refuses := range refusals {
					for mode := range 4 {
						pem, kept := mode&1 != 0, mode&2 != 0
						t.Run(fmt.Sprintf("%s/insecure=%v/%s/refuses=%s/pem=%v/kept=%v", VersionName(version), insecure, name, refuses, pem, kept), func(t *testing.T) {
							newPeer := func() func(net.Conn) conn {
								config := &tls.Config{Certificates: []Certificate{certificate}, MaxVersion: version}
								return func(c net.Conn) conn { return tls.Server(c, config) }
							}
							their, our := &judge{refuses: refuses, chains: !pem}, &judge{refuses: refuses, chains: !pem}
							theirs := &tls.Config{RootCAs: p.pool, ServerName: "server.test", InsecureSkipVerify: insecure, ClientSessionCache: tls.NewLRUClientSessionCache(4),
								VerifyPeerCertificate: their.peer, VerifyConnection: their.connection}
							ours := &Config{ServerName: "server.test", InsecureSkipVerify: insecure, ClientSessionCache: NewLRUClientSessionCache(4),
								VerifyPeerCertificate: our.peer, VerifyConnection: our.connection}
							if pem {
								ours.RootsPEM = p.rootPEM
							} else {
								ours.RootCAs = p.pool
							}
							if kept {
								ours.ClientSessionCache = tls.NewLRUClientSessionCache(4)
							}
							left := their.twice(t, func(c net.Conn) conn { return tls.Client(c, theirs) }, newPeer(), true)
							right := our.twice(t, func(c net.Conn) conn { return Client(c, ours) }, newPeer(), true)
							forgiveOrder(pem, left, right)
							for i := range min(len(left), len(right)) {
								// crypto/tls's own has one alert for all that is wrong with a certificate.
								verifies := right[i].calls == "" || pem && strings.Contains(right[i].calls, "peer")
								if !right[i].accepts && verifies && right[i].alert != "" && left[i].alert == AlertError(alertBadCertificate).Error() {
									right[i].alert = left[i].alert
								}
							}
							if insecure && name == "expired" {
								// Where any certificate is accepted, crypto/tls still lets no session outlive it.
								left, right = left[:1], right[:1]
							}
							compare(t, left, right)
						})
					}
				}
			}
		}
	}
}

// TestResumedCertificatesExpire has sessions that are older than the certificates they stand for, whoever verifies these.
func TestResumedCertificatesExpire(t *testing.T) {
	certificatesEnd(t, 0)
}

// TestCertificatesExpireInAHandshake has certificates that end after the library was told the time, and before a resumed peer is judged:
// the library has nothing more to say then, and where it verifies it would accept them in a full handshake.
func TestCertificatesExpireInAHandshake(t *testing.T) {
	certificatesEnd(t, 1)
}

// certificatesEnd has three handshakes of which the second one is resumed, and the third one finds all certificates expired when it has looked
// that often at the time.
func certificatesEnd(t *testing.T, looks int32) {
	p := testPKI()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, pem := range []bool{false, true} {
			for _, side := range []string{"client", "server"} {
				t.Run(fmt.Sprintf("%s/pem=%v/%s", VersionName(version), pem, side), func(t *testing.T) {
					var last atomic.Bool
					var looked atomic.Int32
					clock := func() time.Time {
						if last.Load() && looked.Add(1) > looks {
							return time.Now().Add(36 * time.Hour)
						}
						return time.Now()
					}
					clientSide := &Config{ServerName: "server.test", MaxVersion: version, Certificates: []Certificate{p.client}, ClientSessionCache: NewLRUClientSessionCache(4)}
					serverSide := &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: RequireAndVerifyClientCert}
					if pem {
						clientSide.RootsPEM, serverSide.ClientCAsPEM = p.rootPEM, p.rootPEM
					} else {
						clientSide.RootCAs, serverSide.ClientCAs = p.pool, p.pool
					}
					if side == "client" {
						clientSide.Time = clock
					} else {
						serverSide.Time = clock
					}
					for round := range 3 {
						last.Store(round == 2)
						a, b := tcpPair(t)
						judging, peer := conn(Client(a, clientSide)), conn(Server(b, serverSide))
						if side == "server" {
							judging, peer = peer, judging
						}
						got := new(judge).meet(t, judging, peer)
						if got.accepts != (round < 2) || got.resumed != (round == 1) {
							t.Errorf("round %d: %+v", round, got)
						}
					}
				})
			}
		}
	}
}

// TestRefusalsStay has a program whose refusal looks like a deadline that passed, which could be gone on with.
func TestRefusalsStay(t *testing.T) {
	p := testPKI()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		a, b := tcpPair(t)
		server := &Config{Certificates: []Certificate{p.ecdsa}, MaxVersion: version, ClientAuth: RequestClientCert,
			VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
				return &net.OpError{Op: "verify", Err: os.ErrDeadlineExceeded}
			}}
		got := new(judge).meet(t, Server(b, server), tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test"}))
		if got.accepts {
			t.Error("accepted")
		}
	}
}

// TestARefusalIsEnough has a library that does not take a refusal: a handshake that Go has refused is none all the same.
func TestARefusalIsEnough(t *testing.T) {
	p := testPKI()
	a, b := tcpPair(t)
	server := Server(b, &Config{Certificates: []Certificate{p.ecdsa}})
	server.more().refusal = errors.New("refused")
	go tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test"}).Handshake()
	if err := server.Handshake(); err == nil || err.Error() != "refused" {
		t.Errorf("Handshake: %v", err)
	}
}
