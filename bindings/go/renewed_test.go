package tls

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"testing"
)

// comings are what a server answers to a client that comes again and again, with the sessions that it has. What the client shows and
// the server's Config are said anew each time.
func comings(t *testing.T, version uint16, ours bool, server []func() *tls.Config, shows []*Certificate) []judged {
	t.Helper()
	var shown *Certificate
	client := &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4),
		GetClientCertificate: func(*CertificateRequestInfo) (*Certificate, error) { return shown, nil }}
	var results []judged
	for i := range server {
		shown = shows[i]
		a, b := tcpPair(t)
		config := server[i]()
		var judging conn = tls.Server(b, config)
		if ours {
			judging = Server(b, must(FromStd(config)))
		}
		got := new(judge).meet(t, judging, tls.Client(a, client))
		results = append(results, got)
	}
	return results
}

// TestRenewedClientCAs has servers with the same ticket keys that come to verify clients otherwise: what does not verify as things
// are now is a full handshake, in which the client can show what does, and neither an error nor accepted.
func TestRenewedClientCAs(t *testing.T) {
	p := testPKI()
	renewed := newAuthority(p.authority.certificate.Subject.CommonName)
	pool := func(authorities ...*authority) *x509.CertPool {
		pool := x509.NewCertPool()
		for _, a := range authorities {
			pool.AddCert(a.certificate)
		}
		return pool
	}
	fresh := renewed.issue(p.client.PrivateKey.(crypto.Signer), "client.test", true, p.authority.certificate.NotAfter)
	config := func(auth ClientAuthType, roots *x509.CertPool) func() *tls.Config {
		return func() *tls.Config {
			made := &tls.Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: auth, ClientCAs: roots}
			made.SetSessionTicketKeys([][32]byte{{1}})
			return made
		}
	}
	const need, ifGiven, any, request = RequireAndVerifyClientCert, VerifyClientCertIfGiven, RequireAnyClientCert, RequestClientCert
	for name, test := range map[string]struct {
		server []func() *tls.Config
		shows  []*Certificate
	}{
		"another key, the client has a new certificate": {
			[]func() *tls.Config{config(need, pool(p.authority)), config(need, pool(renewed))}, []*Certificate{&p.client, &fresh}},
		"another key, the client has the old one": {
			[]func() *tls.Config{config(need, pool(p.authority)), config(need, pool(renewed))}, []*Certificate{&p.client, &p.client}},
		"another key, no certificate": {
			[]func() *tls.Config{config(ifGiven, pool(p.authority)), config(ifGiven, pool(renewed))}, []*Certificate{&p.client, {}}},
		"the same in another pool": {
			[]func() *tls.Config{config(need, pool(p.authority, renewed)), config(need, pool(renewed, p.authority))}, []*Certificate{&p.client, &p.client}},
		"unverified, then roots": {
			[]func() *tls.Config{config(any, nil), config(need, pool(p.authority))}, []*Certificate{&p.stranger, &p.client}},
		"unverified, then the system's roots": {
			[]func() *tls.Config{config(request, nil), config(ifGiven, nil)}, []*Certificate{&p.stranger, {}}},
		"unverified, then the system's roots, and still shown": {
			[]func() *tls.Config{config(any, nil), config(need, nil)}, []*Certificate{&p.stranger, &p.stranger}},
	} {
		for _, version := range []uint16{VersionTLS12, VersionTLS13} {
			t.Run(fmt.Sprintf("%s/%s", VersionName(version), name), func(t *testing.T) {
				compare(t, comings(t, version, false, test.server, test.shows), comings(t, version, true, test.server, test.shows))
			})
		}
	}
}

// TestPoolsAreKnownByTheirCertificates is about what crypto/x509 shows nobody: a Go in which it fails has changed that.
func TestPoolsAreKnownByTheirCertificates(t *testing.T) {
	one, same := newAuthority("name"), newAuthority("name")
	pool := func(authorities ...*authority) *x509.CertPool {
		pool := x509.NewCertPool()
		for _, a := range authorities {
			pool.AddCert(a.certificate)
		}
		return pool
	}
	if sums, ok := certificateSums(pool(one, same, one)); !ok || len(sums) != 2 {
		t.Fatalf("%d certificates, %v", len(sums), ok)
	}
	if !bytes.Equal(poolName(pool(one, same)), poolName(pool(same, one))) {
		t.Error("the order makes another pool")
	}
	names := map[string]bool{}
	for _, pool := range []*x509.CertPool{nil, pool(), pool(one), pool(same), pool(one, same)} {
		names[string(poolName(pool))] = true
	}
	if len(names) != 5 {
		t.Errorf("5 pools have %d names", len(names))
	}
}
