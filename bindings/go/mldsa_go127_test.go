//go:build go1.27

package tls

import (
	"crypto/mldsa"
	"crypto/tls"
	"testing"
)

// TestMLDSA has keys of ML-DSA, on servers and clients, with crypto/tls at the other end.
func TestMLDSA(t *testing.T) {
	p := testPKI()
	for _, parameters := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		server := p.authority.issue(must(mldsa.GenerateKey(parameters)), "server.test", false, p.authority.certificate.NotAfter)
		client := p.authority.issue(must(mldsa.GenerateKey(parameters)), "client.test", true, p.authority.certificate.NotAfter)
		a, b := tcpPair(t)
		c := Client(a, &Config{RootCAs: p.pool, ServerName: "server.test", Certificates: []Certificate{client}})
		s := tls.Server(b, &tls.Config{Certificates: []Certificate{server}, ClientAuth: RequireAndVerifyClientCert, ClientCAs: p.pool})
		handshakeBoth(t, c, s)
		exchange(t, c, s)
		a, b = tcpPair(t)
		c2 := tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test", Certificates: []Certificate{client}})
		s2 := Server(b, &Config{Certificates: []Certificate{server}, ClientAuth: RequireAndVerifyClientCert, ClientCAs: p.pool})
		handshakeBoth(t, c2, s2)
		exchange(t, c2, s2)
	}
}
