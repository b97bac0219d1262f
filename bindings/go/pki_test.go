package tls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// pki are the certificates of the tests, made once.
type pki struct {
	rootPEM                []byte
	pool                   *x509.CertPool
	ecdsa, rsa, ed25519    Certificate
	client, other, expired Certificate
	stranger               Certificate // of a root that nobody trusts
	authority              *authority
}

var testPKI = sync.OnceValue(func() *pki {
	root := newAuthority("libtlsbio Go tests root")
	unknown := newAuthority("a root that nobody trusts")
	p := &pki{pool: x509.NewCertPool(), authority: root}
	p.rootPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.certificate.Raw})
	p.pool.AddCert(root.certificate)
	now := time.Now()
	later := now.Add(24 * time.Hour)
	p.ecdsa = root.issue(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), "server.test", false, later)
	p.rsa = root.issue(must(rsa.GenerateKey(rand.Reader, 2048)), "server.test", false, later)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	p.ed25519 = root.issue(must(edKey, err), "server.test", false, later)
	p.client = root.issue(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), "client.test", true, later)
	p.other = root.issue(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), "other.test", false, later)
	p.expired = root.issue(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), "server.test", false, now.Add(-time.Hour))
	p.stranger = unknown.issue(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), "server.test", false, later)
	return p
})

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

var serial int64

func newAuthority(name string) *authority { return newAuthorityUntil(name, 48*time.Hour, nil) }

// newAuthorityUntil makes a root, or what its issuer lets issue.
func newAuthorityUntil(name string, lasts time.Duration, issuer *authority) *authority {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	serial++
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(serial),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-48 * time.Hour),
		NotAfter:              time.Now().Add(lasts),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	parent, signer := template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.key
	}
	der := must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer))
	return &authority{must(x509.ParseCertificate(der)), key}
}

func (a *authority) issue(key crypto.Signer, name string, client bool, until time.Time) Certificate {
	usage := x509.ExtKeyUsageServerAuth
	if client {
		usage = x509.ExtKeyUsageClientAuth
	}
	serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     until,
		DNSNames:     []string{name},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{usage},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key))
	return Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// tcpPair is two ends of a TCP connection over loopback.
func tcpPair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}()
	client, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server = <-accepted
	closeBoth(t, client, server)
	return client, server
}

// closeBoth closes both ends with the test, and long before if it hangs.
func closeBoth(t testing.TB, client, server net.Conn) {
	long := patience(time.Minute)
	stuck := time.AfterFunc(long, func() {
		// Nobody hangs at a connection that the test has closed, and it may take long over others.
		if client.SetDeadline(time.Time{}) != nil && server.SetDeadline(time.Time{}) != nil {
			return
		}
		t.Errorf("a connection is still open after %v", long)
		client.Close()
		server.Close()
	})
	t.Cleanup(func() {
		stuck.Stop()
		client.Close()
		server.Close()
	})
}

// pipePair is two ends of net.Pipe.
func pipePair(t testing.TB) (client, server net.Conn) {
	client, server = net.Pipe()
	closeBoth(t, client, server)
	return client, server
}

var transports = []struct {
	name string
	pair func(testing.TB) (client, server net.Conn)
}{{"tcp", tcpPair}, {"pipe", pipePair}}

func serverConfig() *Config { return &Config{Certificates: []Certificate{testPKI().ecdsa}} }

func clientConfig() *Config { return &Config{RootCAs: testPKI().pool, ServerName: "server.test"} }

// ourPair is a connection with this package at both ends, the handshake done.
func ourPair(t testing.TB, pair func(testing.TB) (client, server net.Conn), clientSide, serverSide *Config) (client, server *Conn) {
	t.Helper()
	a, b := pair(t)
	client, server = Client(a, clientSide), Server(b, serverSide)
	handshakeBoth(t, client, server)
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

type handshaker interface{ Handshake() error }

func handshakeBoth(t testing.TB, client, server handshaker) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatalf("client: %v", err)
	}
	if err := <-done; err != nil {
		t.Fatalf("server: %v", err)
	}
}
