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

// TestMalformedCertificates has peers that show bytes which are no certificate, behind one that is or in its place. No handshake
// comes of it, whoever verifies, as with crypto/tls, and the program is shown nothing.
func TestMalformedCertificates(t *testing.T) {
	p := testPKI()
	behind := func(c Certificate) Certificate {
		c.Certificate = [][]byte{c.Certificate[0], {1, 2, 3, 4}}
		return c
	}
	changed := func(c Certificate) Certificate {
		// A version that does not exist: the key can still be read.
		der := bytes.Clone(c.Certificate[0])
		at := bytes.Index(der, []byte{0xa0, 3, 2, 1, 2})
		der[at+4] = 99
		c.Certificate = [][]byte{der}
		return c
	}
	for name, spoil := range map[string]func(Certificate) Certificate{"behind": behind, "changed": changed} {
		for _, version := range []uint16{VersionTLS12, VersionTLS13} {
			for _, pem := range []bool{false, true} {
				shown := 0
				connection := func(ConnectionState) error { shown++; return nil }
				peer := func([][]byte, [][]*x509.Certificate) error { shown++; return nil }
				refused := func(t *testing.T, judging func(net.Conn) conn, client bool, theirs func(net.Conn) conn) {
					t.Helper()
					shown = 0
					a, b := tcpPair(t)
					if !client {
						a, b = b, a
					}
					got := new(judge).meet(t, judging(a), theirs(b))
					if got.accepts || shown != 0 {
						t.Errorf("accepted: %v; the program was asked %d times", got.accepts, shown)
					}
				}
				for _, asks := range []bool{false, true} {
					for _, insecure := range []bool{false, true} {
						t.Run(fmt.Sprintf("%s/%s/pem=%v/client/asks=%v/insecure=%v", name, VersionName(version), pem, asks, insecure), func(t *testing.T) {
							config := &Config{ServerName: "server.test", MaxVersion: version, InsecureSkipVerify: insecure, VerifyConnection: connection}
							if asks {
								config.VerifyPeerCertificate = peer
							}
							if pem {
								config.RootsPEM = p.rootPEM
							} else {
								config.RootCAs = p.pool
							}
							server := &tls.Config{Certificates: []Certificate{spoil(p.ecdsa)}}
							refused(t, func(c net.Conn) conn { return Client(c, config) }, true, func(c net.Conn) conn { return tls.Server(c, server) })
						})
					}
					for _, auth := range []ClientAuthType{RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert} {
						t.Run(fmt.Sprintf("%s/%s/pem=%v/server/asks=%v/%v", name, VersionName(version), pem, asks, auth), func(t *testing.T) {
							config := &Config{Certificates: []Certificate{p.ecdsa}, MaxVersion: version, ClientAuth: auth, VerifyConnection: connection}
							if asks {
								config.VerifyPeerCertificate = peer
							}
							if pem {
								config.ClientCAsPEM = p.rootPEM
							} else {
								config.ClientCAs = p.pool
							}
							certificate := spoil(p.client)
							client := &tls.Config{RootCAs: p.pool, ServerName: "server.test",
								GetClientCertificate: func(*CertificateRequestInfo) (*Certificate, error) { return &certificate, nil }}
							refused(t, func(c net.Conn) conn { return Server(c, config) }, false, func(c net.Conn) conn { return tls.Client(c, client) })
						})
					}
				}
			}
		}
	}
}
