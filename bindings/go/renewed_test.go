package tls

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"testing"
)

// comings are what a server answers to a client that comes again and again, with the sessions that it has. What the client shows and
// the server's Config are said anew each time.
func comings(t *testing.T, version uint16, server []*Config, shows []*Certificate) []judged {
	t.Helper()
	var shown *Certificate
	client := &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4),
		GetClientCertificate: func(*CertificateRequestInfo) (*Certificate, error) { return shown, nil }}
	var results []judged
	for i := range server {
		shown = shows[i]
		a, b := tcpPair(t)
		results = append(results, new(judge).meet(t, Server(b, server[i]), tls.Client(a, client)))
	}
	return results
}

// TestRenewedClientCAs has servers with the same ticket keys that come to verify clients otherwise: what does not verify as things
// are now is a full handshake, in which the client can show what does, and neither an error nor accepted.
func TestRenewedClientCAs(t *testing.T) {
	p := testPKI()
	renewed := newAuthority(p.authority.certificate.Subject.CommonName)
	pool := poolWith
	fresh := renewed.issue(p.client.PrivateKey.(crypto.Signer), "client.test", true, p.authority.certificate.NotAfter)
	config := func(auth ClientAuthType, roots *x509.CertPool) *Config {
		made := &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: auth, ClientCAs: roots}
		made.SetSessionTicketKeys([][32]byte{{1}})
		return made
	}
	const need, ifGiven, some, request = RequireAndVerifyClientCert, VerifyClientCertIfGiven, RequireAnyClientCert, RequestClientCert
	for name, test := range map[string]struct {
		server           []*Config
		shows            []*Certificate
		accepts, resumed bool
	}{
		"another key, the client has a new certificate": {
			[]*Config{config(need, pool(p.authority)), config(need, pool(renewed))}, []*Certificate{&p.client, &fresh}, true, false},
		"another key, the client has the old one": {
			[]*Config{config(need, pool(p.authority)), config(need, pool(renewed))}, []*Certificate{&p.client, &p.client}, false, false},
		"another key, no certificate": {
			[]*Config{config(ifGiven, pool(p.authority)), config(ifGiven, pool(renewed))}, []*Certificate{&p.client, {}}, true, false},
		"the same in another pool": {
			[]*Config{config(need, pool(p.authority, renewed)), config(need, pool(renewed, p.authority))}, []*Certificate{&p.client, &p.client}, true, true},
		"unverified, then roots": {
			[]*Config{config(some, nil), config(need, pool(p.authority))}, []*Certificate{&p.stranger, &p.client}, true, false},
		"unverified, then the system's roots": {
			[]*Config{config(request, nil), config(ifGiven, nil)}, []*Certificate{&p.stranger, {}}, true, false},
		"unverified, then the system's roots, and still shown": {
			[]*Config{config(some, nil), config(need, nil)}, []*Certificate{&p.stranger, &p.stranger}, false, false},
	} {
		for _, version := range []uint16{VersionTLS12, VersionTLS13} {
			t.Run(fmt.Sprintf("%s/%s", VersionName(version), name), func(t *testing.T) {
				got := comings(t, version, test.server, test.shows)
				if !got[0].accepts || got[0].resumed || got[1].accepts != test.accepts || got[1].resumed != test.resumed {
					t.Errorf("%+v", got)
				}
			})
		}
	}
}
