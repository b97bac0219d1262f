package tls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand"
	"net"
	"testing"
)

// conn is what both packages' connections can do.
type conn interface {
	net.Conn
	Handshake() error
	ConnectionState() tls.ConnectionState
	CloseWrite() error
	NetConn() net.Conn
}

// TestWithCryptoTLS moves bytes of all sizes between this package and crypto/tls, in both roles and both versions.
func TestWithCryptoTLS(t *testing.T) {
	p := testPKI()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, transport := range transports {
			for _, role := range []string{"client", "server", "both"} {
				for name, certificate := range map[string]Certificate{"ecdsa": p.ecdsa, "rsa": p.rsa, "ed25519": p.ed25519} {
					t.Run(fmt.Sprintf("%s/%s/%s/%s", VersionName(version), transport.name, role, name), func(t *testing.T) {
						t.Parallel()
						a, b := transport.pair(t)
						var client, server conn
						if role == "server" {
							client = tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test", MaxVersion: version, NextProtos: []string{"one", "two"}})
						} else {
							config := clientConfig()
							config.MaxVersion, config.NextProtos = version, []string{"one", "two"}
							client = Client(a, config)
						}
						if role == "client" {
							server = tls.Server(b, &tls.Config{Certificates: []Certificate{certificate}, NextProtos: []string{"two"}})
						} else {
							server = Server(b, &Config{Certificates: []Certificate{certificate}, NextProtos: []string{"two"}})
						}
						handshakeBoth(t, client, server)
						for side, c := range map[string]conn{"client": client, "server": server} {
							state := c.ConnectionState()
							if state.Version != version || state.NegotiatedProtocol != "two" || !state.HandshakeComplete ||
								state.ServerName != "server.test" || state.CipherSuite == 0 || state.DidResume {
								t.Errorf("%s: unexpected state %+v", side, state)
							}
						}
						if chains := client.ConnectionState().VerifiedChains; len(chains) != 1 || len(chains[0]) != 2 {
							t.Errorf("the client has not one chain of two but %v", chains)
						}
						exchange(t, client, server)
						exchange(t, server, client)
						endBoth(t, client, server)
					})
				}
			}
		}
	}
}

// exchange sends messages of many sizes from one to the other while the other one sends as many back.
func exchange(t *testing.T, from, to net.Conn) {
	t.Helper()
	random := rand.New(rand.NewSource(1))
	done := make(chan error, 1)
	go func() {
		_, err := io.CopyN(to, to, total)
		done <- err
	}()
	for _, size := range sizes {
		message := make([]byte, size)
		random.Read(message)
		written := make(chan error, 1)
		go func() {
			n, err := from.Write(message)
			if err == nil && n != size {
				err = fmt.Errorf("%d bytes were written", n)
			}
			written <- err
		}()
		answer := make([]byte, size)
		if _, err := io.ReadFull(from, answer); err != nil {
			t.Fatalf("after %d bytes: %v", size, err)
		}
		if !bytes.Equal(message, answer) {
			t.Fatalf("%d bytes came back otherwise", size)
		}
		// All of it has come back, but who writes may not know yet: Close says nothing to the peer while somebody writes.
		if err := <-written; err != nil {
			t.Fatalf("Write of %d bytes: %v", size, err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

var sizes = []int{1, 5, 1000, 1200, 16383, 16384, 16385, 65536, 200000, 1 << 20}

var total = func() (sum int64) {
	for _, size := range sizes {
		sum += int64(size)
	}
	return sum
}()

// endBoth half-closes one way, sends the other way, and closes.
func endBoth(t *testing.T, client, server conn) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- client.CloseWrite() }()
	if rest, err := io.ReadAll(server); len(rest) != 0 || err != nil {
		t.Fatalf("the server reads %d bytes and %v after the client has closed", len(rest), err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	go func() {
		server.Write([]byte("last words"))
		done <- server.Close()
	}()
	if rest, err := io.ReadAll(client); string(rest) != "last words" || err != nil {
		t.Fatalf("the client reads %q and %v", rest, err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestClientCertificates has crypto/tls's five ways of asking for them, with the peer in either package.
func TestClientCertificates(t *testing.T) {
	p := testPKI()
	strangerPool := x509.NewCertPool()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, test := range []struct {
			auth     ClientAuthType
			shows    bool
			pool     *x509.CertPool
			accepted bool
			chains   int
		}{
			{NoClientCert, true, p.pool, true, 0},
			{RequestClientCert, true, strangerPool, true, 0},
			{RequestClientCert, false, p.pool, true, 0},
			{RequireAnyClientCert, true, strangerPool, true, 0},
			{RequireAnyClientCert, false, p.pool, false, 0},
			{VerifyClientCertIfGiven, true, p.pool, true, 1},
			{VerifyClientCertIfGiven, false, p.pool, true, 0},
			{VerifyClientCertIfGiven, true, strangerPool, false, 0},
			{RequireAndVerifyClientCert, true, p.pool, true, 1},
			{RequireAndVerifyClientCert, false, p.pool, false, 0},
			{RequireAndVerifyClientCert, true, strangerPool, false, 0},
		} {
			for _, own := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%v/shows=%v/accepted=%v/own=%v", VersionName(version), test.auth, test.shows, test.accepted, own), func(t *testing.T) {
					t.Parallel()
					a, b := tcpPair(t)
					var certificates []Certificate
					if test.shows {
						certificates = []Certificate{p.client}
					}
					var client conn
					if own {
						client = Client(a, &Config{RootCAs: p.pool, ServerName: "server.test", Certificates: certificates, MaxVersion: version})
					} else {
						client = tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test", Certificates: certificates, MaxVersion: version})
					}
					server := Server(b, &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: test.auth, ClientCAs: test.pool})
					go func() {
						client.Handshake()
						io.Copy(io.Discard, client)
					}()
					err := server.Handshake()
					if (err == nil) != test.accepted {
						t.Fatalf("the server answers %v", err)
					}
					if err != nil {
						return
					}
					state := server.ConnectionState()
					presented := test.shows && test.auth != NoClientCert
					if (len(state.PeerCertificates) == 1) != presented || len(state.VerifiedChains) != test.chains {
						t.Errorf("%d certificates and %d chains", len(state.PeerCertificates), len(state.VerifiedChains))
					}
				})
			}
		}
	}
}
