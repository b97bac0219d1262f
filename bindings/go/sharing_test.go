package tls

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// resumes counts how many of some connections resume a session; the server is given anew for each.
func resumes(t *testing.T, rounds int, client func(net.Conn) conn, server func(net.Conn) conn) int {
	t.Helper()
	resumed := 0
	for range rounds {
		a, b := tcpPair(t)
		c, s := client(a), server(b)
		handshakeBoth(t, c, s)
		go s.Write([]byte("hello"))
		if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		if c.ConnectionState().DidResume {
			resumed++
		}
		c.Close()
		s.Close()
	}
	return resumed
}

// theirClient is a client of crypto/tls that remembers sessions.
func theirClient(version uint16) func(net.Conn) conn {
	config := &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	return func(c net.Conn) conn { return tls.Client(c, config) }
}

// TestTicketsAreTheConfigs has servers whose certificates, Configs and clones are new for each connection: the keys of tickets
// are not.
func TestTicketsAreTheConfigs(t *testing.T) {
	p := testPKI()
	const rounds = 20
	fresh := func() *Certificate {
		return &Certificate{Certificate: slices.Clone(p.ecdsa.Certificate), PrivateKey: p.ecdsa.PrivateKey}
	}
	base := &Config{Certificates: []Certificate{p.ecdsa}}
	always := func(config *Config) func() *Config { return func() *Config { return config } }
	keys := [][32]byte{{1}, {2}}
	for name, config := range map[string]func() *Config{
		"certificates": always(&Config{GetCertificate: func(*ClientHelloInfo) (*Certificate, error) { return fresh(), nil }}),
		"configurations": always(&Config{GetConfigForClient: func(*ClientHelloInfo) (*Config, error) {
			return &Config{Certificates: []Certificate{*fresh()}}, nil
		}}),
		"both": always(&Config{GetConfigForClient: func(*ClientHelloInfo) (*Config, error) {
			return &Config{GetCertificate: func(*ClientHelloInfo) (*Certificate, error) { return fresh(), nil }}, nil
		}}),
		"clones":           base.Clone,
		"clones of clones": func() *Config { return base.Clone().Clone() },
		"keys": func() *Config {
			config := &Config{Certificates: []Certificate{p.ecdsa}}
			config.SetSessionTicketKeys(keys)
			return config
		},
		"configurations with keys": always(&Config{GetConfigForClient: func(*ClientHelloInfo) (*Config, error) {
			config := &Config{Certificates: []Certificate{p.ecdsa}}
			config.SetSessionTicketKeys(keys)
			return config, nil
		}}),
	} {
		for _, version := range []uint16{VersionTLS12, VersionTLS13} {
			t.Run(name+"/"+VersionName(version), func(t *testing.T) {
				got := resumes(t, rounds, theirClient(version), func(c net.Conn) conn { return Server(c, config()) })
				if got != rounds-1 {
					t.Errorf("%d of %d handshakes resumed a session", got, rounds)
				}
			})
		}
	}
}

// TestContextsAreShared builds one context for what says the same.
func TestContextsAreShared(t *testing.T) {
	p := testPKI()
	config := &Config{GetConfigForClient: func(*ClientHelloInfo) (*Config, error) {
		return &Config{Certificates: []Certificate{p.ecdsa}, NextProtos: []string{"a"}}, nil
	}}
	built := make(map[*sharedContext]bool)
	for range 5 {
		a, b := tcpPair(t)
		handshakeBoth(t, Client(a, clientConfig()), Server(b, config))
		for _, context := range config.family.automatic.contexts {
			built[context] = true
		}
	}
	if len(built) != 1 {
		t.Errorf("%d contexts", len(built))
	}
}

// TestTicketKeysRotate goes through the days of a server whose keys nobody sets.
func TestTicketKeysRotate(t *testing.T) {
	start := time.Now()
	var keys ticketKeys
	at := func(d time.Duration) [][32]byte {
		keys.rotate(start.Add(d))
		return slices.Clone(keys.all())
	}
	first := at(0)
	if again := at(23 * time.Hour); !slices.Equal(first, again) || len(first) != 1 {
		t.Error("a key changes within a day")
	}
	second := at(25 * time.Hour)
	if len(second) != 2 || second[0] == first[0] || second[1] != first[0] {
		t.Error("a second day does not begin with a new key, in front of the old one")
	}
	if last := at(8 * 24 * time.Hour); len(last) != 2 || slices.Contains(last, first[0]) || last[1] != second[0] {
		t.Errorf("after eight days there are %d keys", len(last))
	}
	// A day later a session is still resumed, and then under the new key.
	var later atomic.Bool
	config := serverConfig()
	config.Time = func() time.Time {
		if later.Load() {
			return time.Now().Add(23 * time.Hour)
		}
		return time.Now().Add(-2 * time.Hour)
	}
	client := theirClient(VersionTLS13)
	server := func(c net.Conn) conn { return Server(c, config) }
	resumes(t, 1, client, server)
	later.Store(true)
	if got := resumes(t, 2, client, server); got != 2 {
		t.Errorf("%d of 2 handshakes resumed a session after a day", got)
	}
}

// TestTicketsOfOtherRoots has two servers with the same keys that verify clients with other roots: a session of one is none for
// the other.
func TestTicketsOfOtherRoots(t *testing.T) {
	p := testPKI()
	other := x509.NewCertPool()
	other.AddCert(newAuthority("others").certificate)
	other.AddCert(p.authority.certificate)
	client := &tls.Config{RootCAs: p.pool, ServerName: "server.test", Certificates: []Certificate{p.client}, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	first := &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: RequireAndVerifyClientCert, ClientCAs: p.pool}
	second := first.Clone()
	second.ClientCAs = other
	for i, wanted := range []int{0, 1, 0, 1} {
		config := first
		if i >= 2 {
			config = second
		}
		if got := resumes(t, 1, func(c net.Conn) conn { return tls.Client(c, client) }, func(c net.Conn) conn { return Server(c, config) }); got != wanted {
			t.Errorf("handshake %d: resumed %d", i, got)
		}
	}
}

// TestClientsShareSessions has clients whose Config is a clone each time, as net/http's transport does it.
func TestClientsShareSessions(t *testing.T) {
	p := testPKI()
	base := &Config{RootCAs: p.pool, ServerName: "server.test", ClientSessionCache: NewLRUClientSessionCache(4)}
	server := serverConfig()
	got := resumes(t, 10, func(c net.Conn) conn { return Client(c, base.Clone()) }, func(c net.Conn) conn { return Server(c, server) })
	if got != 9 {
		t.Errorf("%d of 10 handshakes resumed a session", got)
	}
	// A Config that trusts others does not go on with what this one has accepted.
	strict := base.Clone()
	strict.RootCAs = x509.NewCertPool()
	a, b := tcpPair(t)
	go Server(b, server).Handshake()
	if err := Client(a, strict).Handshake(); !isA[x509.UnknownAuthorityError](err) {
		t.Errorf("%v", err)
	}
}

// TestChangesAreHonoured changes a Config after its first use.
func TestChangesAreHonoured(t *testing.T) {
	p := testPKI()
	server, client := serverConfig(), clientConfig()
	server.NextProtos, client.NextProtos = []string{"one", "two"}, []string{"one", "two"}
	meet := func() (ConnectionState, error) {
		a, b := tcpPair(t)
		c := Client(a, client)
		over := make(chan struct{})
		go func() {
			Server(b, server).Handshake()
			close(over)
		}()
		err := c.Handshake()
		state := c.ConnectionState()
		// The Config is changed when nobody goes by it.
		a.Close()
		<-over
		return state, err
	}
	for _, test := range []struct {
		change string
		do     func()
		is     func(ConnectionState, error) bool
	}{
		{"nothing", func() {}, func(s ConnectionState, err error) bool {
			return err == nil && s.NegotiatedProtocol == "one" && s.Version == VersionTLS13
		}},
		{"an element of NextProtos", func() { server.NextProtos[0] = "three" }, func(s ConnectionState, err error) bool { return err == nil && s.NegotiatedProtocol == "two" }},
		{"MaxVersion of the client", func() { client.MaxVersion = VersionTLS12 }, func(s ConnectionState, err error) bool { return err == nil && s.Version == VersionTLS12 }},
		{"an element of Certificates", func() { server.Certificates[0] = p.rsa }, func(s ConnectionState, err error) bool {
			return err == nil && s.PeerCertificates[0].PublicKeyAlgorithm == x509.RSA
		}},
		{"RootCAs", func() { client.RootCAs = x509.NewCertPool() }, func(_ ConnectionState, err error) bool { return isA[x509.UnknownAuthorityError](err) }},
		{"RootsPEM instead", func() { client.RootCAs, client.RootsPEM = nil, p.rootPEM }, func(_ ConnectionState, err error) bool { return err == nil }},
		{"ServerName", func() { client.ServerName = "other.test" }, func(_ ConnectionState, err error) bool { return isA[x509.HostnameError](err) }},
		{"MinVersion of the server", func() { client.ServerName, server.MinVersion = "server.test", VersionTLS13 }, func(_ ConnectionState, err error) bool { return err != nil }},
		{"to what cannot be", func() { client.MaxVersion = VersionTLS11 }, func(_ ConnectionState, err error) bool { return isA[*ConfigError](err) }},
	} {
		test.do()
		if state, err := meet(); !test.is(state, err) {
			t.Errorf("%s: %v, %+v", test.change, err, state)
		}
	}
}

// TestPoolsThatGrow adds a root to a pool that is in use: with the same pool set, who is judged from then on is judged by all of it.
func TestPoolsThatGrow(t *testing.T) {
	p := testPKI()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		client := &Config{RootCAs: x509.NewCertPool(), ServerName: "server.test", Certificates: []Certificate{p.client}, MaxVersion: version,
			ClientSessionCache: NewLRUClientSessionCache(4)}
		server := &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
		meet := func() (ofClient, ofServer error) {
			a, b := tcpPair(t)
			said := make(chan error, 1)
			go func() {
				s := Server(b, server)
				err := s.Handshake()
				if err == nil {
					_, err = s.Write([]byte("hello"))
				}
				said <- err
			}()
			c := Client(a, client)
			if ofClient = c.Handshake(); ofClient == nil {
				_, ofClient = io.ReadFull(c, make([]byte, 5))
			}
			c.Close()
			return ofClient, <-said
		}
		if err, _ := meet(); !isA[x509.UnknownAuthorityError](err) {
			t.Errorf("%s, no roots: the client answers %v", VersionName(version), err)
		}
		client.RootCAs.AddCert(p.authority.certificate)
		if _, err := meet(); !isA[x509.UnknownAuthorityError](err) {
			t.Errorf("%s, no roots for clients: the server answers %v", VersionName(version), err)
		}
		server.ClientCAs.AddCert(p.authority.certificate)
		if ofClient, ofServer := meet(); ofClient != nil || ofServer != nil {
			t.Errorf("%s, roots that were added: %v, %v", VersionName(version), ofClient, ofServer)
		}
		// A session that was begun under fewer roots is good under more.
		server.ClientCAs.AddCert(newAuthority("another").certificate)
		got := resumes(t, 2, func(c net.Conn) conn { return Client(c, client) }, func(c net.Conn) conn { return Server(c, server) })
		if got != 2 {
			t.Errorf("%s: %d of 2 handshakes resumed a session", VersionName(version), got)
		}
	}
}

// TestWhatCryptoTLSPassesOver has certificates with additions that are not for the library.
func TestWhatCryptoTLSPassesOver(t *testing.T) {
	p := testPKI()
	for name, change := range map[string]func(*Certificate){
		"SCTs":            func(c *Certificate) { c.SignedCertificateTimestamps = [][]byte{{1, 2, 3}} },
		"odd OCSP staple": func(c *Certificate) { c.OCSPStaple = []byte("no OCSP response") },
		"schemes": func(c *Certificate) {
			c.SupportedSignatureAlgorithms = []SignatureScheme{PKCS1WithSHA256, PSSWithSHA512}
		},
		"schemes and more": func(c *Certificate) {
			c.SupportedSignatureAlgorithms = []SignatureScheme{tls.PKCS1WithSHA1, PSSWithSHA384}
		},
	} {
		for _, auth := range []ClientAuthType{NoClientCert, RequestClientCert} {
			t.Run(fmt.Sprintf("%s/%v", name, auth), func(t *testing.T) {
				certificate := p.rsa
				change(&certificate)
				a, b := tcpPair(t)
				client := tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test"})
				handshakeBoth(t, client, Server(b, &Config{Certificates: []Certificate{certificate}, ClientAuth: auth}))
			})
		}
	}
	// A key that may sign in some schemes only is asked for no other.
	certificate := p.rsa
	key := &pickyKey{Signer: p.rsa.PrivateKey.(crypto.Signer)}
	certificate.PrivateKey, certificate.SupportedSignatureAlgorithms = key, []SignatureScheme{PSSWithSHA512}
	a, b := tcpPair(t)
	handshakeBoth(t, tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test"}), Server(b, &Config{Certificates: []Certificate{certificate}}))
	if key.hash != crypto.SHA512 {
		t.Errorf("a key for SHA-512 signs with %v", key.hash)
	}
}

// pickyKey notes what it is asked for.
type pickyKey struct {
	crypto.Signer
	hash crypto.Hash
}

func (k *pickyKey) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	k.hash = options.HashFunc()
	return k.Signer.Sign(random, digest, options)
}
