// Package nettest passes the connection suite of golang.org/x/net. It is a module of its own so that the other one depends
// on nothing.
package nettest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	tls "tlsbio.example/go"
)

func TestConn(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{"server.test"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	serverSide := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}

	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		clientSide := &tls.Config{RootCAs: roots, ServerName: "server.test", MaxVersion: version}
		for name, pair := range map[string]func() (net.Conn, net.Conn, error){"tcp": tcpPair, "pipe": pipePair} {
			t.Run(tls.VersionName(version)+"/"+name, func(t *testing.T) {
				nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
					a, b, err := pair()
					if err != nil {
						return nil, nil, nil, err
					}
					client, server := tls.Client(a, clientSide), tls.Server(b, serverSide)
					done := make(chan error, 1)
					go func() { done <- server.Handshake() }()
					if err := client.Handshake(); err != nil {
						return nil, nil, nil, err
					}
					if err := <-done; err != nil {
						return nil, nil, nil, err
					}
					return client, server, func() {
						client.Close()
						server.Close()
					}, nil
				})
			})
		}
	}
}

func tcpPair() (client, server net.Conn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		return nil, nil, err
	}
	server, err = listener.Accept()
	return client, server, err
}

func pipePair() (client, server net.Conn, err error) {
	client, server = net.Pipe()
	return client, server, nil
}
