package tls

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// elsewhere is a key that Go can sign with and nobody can see.
type elsewhere struct {
	crypto.Signer
	signed atomic.Int32
	wrong  bool
}

func (e *elsewhere) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	e.signed.Add(1)
	if e.wrong {
		return []byte("no signature"), nil
	}
	return e.Signer.Sign(random, digest, options)
}

// TestSigner has keys of all kinds as a crypto.Signer, on servers and clients.
func TestSigner(t *testing.T) {
	p := testPKI()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for name, certificate := range map[string]Certificate{"ecdsa": p.ecdsa, "rsa": p.rsa, "ed25519": p.ed25519} {
			t.Run(VersionName(version)+"/"+name, func(t *testing.T) {
				a, b := tcpPair(t)
				serverKey := &elsewhere{Signer: certificate.PrivateKey.(crypto.Signer)}
				clientKey := &elsewhere{Signer: p.client.PrivateKey.(crypto.Signer)}
				// A second key of another kind, which is not the one that is meant.
				decoy := &elsewhere{Signer: p.other.PrivateKey.(crypto.Signer)}
				client := Client(a, &Config{RootCAs: p.pool, ServerName: "server.test", MaxVersion: version, Certificates: []Certificate{
					{Certificate: p.client.Certificate, PrivateKey: clientKey}}})
				server := Server(b, &Config{ClientAuth: RequireAndVerifyClientCert, ClientCAs: p.pool, Certificates: []Certificate{
					{Certificate: p.other.Certificate, PrivateKey: decoy}, {Certificate: certificate.Certificate, PrivateKey: serverKey}}})
				handshakeBoth(t, client, server)
				exchange(t, client, server)
				if serverKey.signed.Load() == 0 || clientKey.signed.Load() == 0 {
					t.Error("a key was not asked to sign")
				}
			})
		}
	}
	t.Run("wrong", func(t *testing.T) {
		a, b := tcpPair(t)
		key := &elsewhere{Signer: p.ecdsa.PrivateKey.(crypto.Signer), wrong: true}
		server := Server(b, &Config{Certificates: []Certificate{{Certificate: p.ecdsa.Certificate, PrivateKey: key}}})
		go Client(a, clientConfig()).Handshake()
		if err := server.Handshake(); err == nil || !strings.Contains(err.Error(), "signature") {
			t.Errorf("the server answers %v", err)
		}
	})
}

// TestChoosing has servers that choose by what the ClientHello says.
func TestChoosing(t *testing.T) {
	p := testPKI()
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "value")
	for _, own := range []bool{false, true} {
		t.Run(fmt.Sprintf("own=%v", own), func(t *testing.T) {
			a, b := tcpPair(t)
			protocols := []string{"seen", "two"}
			var client conn
			if own {
				client = Client(a, &Config{RootCAs: p.pool, ServerName: "server.test", NextProtos: protocols})
			} else {
				client = tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test", NextProtos: protocols})
			}
			var calls []string
			chosen := &Config{
				NextProtos: []string{"two"},
				GetCertificate: func(hello *ClientHelloInfo) (*Certificate, error) {
					calls = append(calls, "certificate")
					if err := hello.SupportsCertificate(&p.ecdsa); err != nil {
						t.Error(err)
					}
					return &p.ecdsa, nil
				},
			}
			server := Server(b, &Config{GetConfigForClient: func(hello *ClientHelloInfo) (*Config, error) {
				calls = append(calls, "config")
				if hello.ServerName != "server.test" || !slices.Equal(hello.SupportedProtos, protocols) || hello.Conn != b ||
					!slices.Contains(hello.SupportedVersions, uint16(VersionTLS13)) || len(hello.CipherSuites) == 0 ||
					!slices.Contains(hello.SupportedCurves, X25519) || len(hello.SignatureSchemes) == 0 ||
					!slices.Contains(hello.Extensions, 0) || hello.Context().Value(key{}) != "value" {
					t.Errorf("%+v", hello)
				}
				return chosen, nil
			}})
			done := make(chan error, 1)
			go func() { done <- server.HandshakeContext(ctx) }()
			if err := client.Handshake(); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(calls, []string{"config", "certificate"}) || server.ConnectionState().NegotiatedProtocol != "two" {
				t.Errorf("%v, %+v", calls, server.ConnectionState())
			}
			exchange(t, client, server)
		})
	}
	mine := errors.New("mine")
	for name, config := range map[string]*Config{
		"config":      {GetConfigForClient: func(*ClientHelloInfo) (*Config, error) { return nil, mine }},
		"certificate": {GetCertificate: func(*ClientHelloInfo) (*Certificate, error) { return nil, mine }},
	} {
		a, b := tcpPair(t)
		server := Server(b, config)
		go Client(a, clientConfig()).Handshake()
		if err := server.Handshake(); !errors.Is(err, mine) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestProgramVerifies has the two functions that judge a connection, on both sides.
func TestProgramVerifies(t *testing.T) {
	p := testPKI()
	mine := errors.New("mine")
	for _, pem := range []bool{false, true} {
		for _, refuses := range []string{"", "VerifyPeerCertificate", "VerifyConnection"} {
			t.Run(fmt.Sprintf("pem=%v/%s", pem, refuses), func(t *testing.T) {
				var peers, connections atomic.Int32
				judging := func(config *Config) *Config {
					config.VerifyPeerCertificate = func(raw [][]byte, chains [][]*x509.Certificate) error {
						if len(raw) != 1 || (len(chains) == 1) == pem {
							t.Errorf("%d certificates, %d chains", len(raw), len(chains))
						}
						if peers.Add(1); refuses == "VerifyPeerCertificate" {
							return mine
						}
						return nil
					}
					config.VerifyConnection = func(state ConnectionState) error {
						if state.HandshakeComplete || len(state.PeerCertificates) != 1 {
							t.Errorf("%+v", state)
						}
						if connections.Add(1); refuses == "VerifyConnection" {
							return mine
						}
						return nil
					}
					return config
				}
				clientSide := &Config{ServerName: "server.test", Certificates: []Certificate{p.client}}
				serverSide := &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: RequireAndVerifyClientCert}
				if pem {
					clientSide.RootsPEM, serverSide.ClientCAsPEM = p.rootPEM, p.rootPEM
				} else {
					clientSide.RootCAs, serverSide.ClientCAs = p.pool, p.pool
				}
				a, b := tcpPair(t)
				if refuses == "" {
					handshakeBoth(t, Client(a, judging(clientSide)), Server(b, judging(serverSide)))
					if peers.Load() != 2 || connections.Load() != 2 {
						t.Errorf("asked %d and %d times", peers.Load(), connections.Load())
					}
					return
				}
				server := Server(b, serverSide)
				answer := make(chan error, 1)
				go func() {
					err := Client(a, judging(clientSide)).Handshake()
					a.Close()
					answer <- err
				}()
				if err := server.Handshake(); err == nil {
					t.Error("the server is content")
				}
				if err := <-answer; !errors.Is(err, mine) {
					t.Errorf("the client answers %v", err)
				}
			})
		}
	}
}

// TestResumption has sessions resumed between the packages, with client certificates, and turned off.
func TestResumption(t *testing.T) {
	p := testPKI()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, who := range []string{"client", "server", "both", "disabled", "no cache", "keys"} {
			t.Run(VersionName(version)+"/"+who, func(t *testing.T) {
				clientSide := &Config{RootCAs: p.pool, ServerName: "server.test", MaxVersion: version, Certificates: []Certificate{p.client}, ClientSessionCache: NewLRUClientSessionCache(4)}
				serverSide := &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: VerifyClientCertIfGiven, ClientCAs: p.pool}
				other := serverSide
				theirClient := &tls.Config{RootCAs: p.pool, ServerName: "server.test", MaxVersion: version, Certificates: []Certificate{p.client}, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
				theirServer := &tls.Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: VerifyClientCertIfGiven, ClientCAs: p.pool}
				switch who {
				case "disabled":
					serverSide.SessionTicketsDisabled = true
				case "no cache":
					clientSide.ClientSessionCache = nil
				case "keys":
					serverSide.SessionTicketKey = [32]byte{1, 2, 3}
					other = serverSide.Clone()
					other.SessionTicketKey = [32]byte{}
					other.SetSessionTicketKeys([][32]byte{{9}, {1, 2, 3}})
				}
				for round := range 3 {
					a, b := tcpPair(t)
					var client, server conn = Client(a, clientSide), Server(b, serverSide)
					if round > 0 {
						server = Server(b, other)
					}
					if who == "client" {
						server = tls.Server(b, theirServer)
					} else if who == "server" {
						client = tls.Client(a, theirClient)
					}
					handshakeBoth(t, client, server)
					// Tickets come with the first bytes.
					go server.Write([]byte("hello"))
					if _, err := io.ReadFull(client, make([]byte, 5)); err != nil {
						t.Fatal(err)
					}
					wanted := round > 0 && who != "disabled" && who != "no cache"
					for side, c := range map[string]conn{"client": client, "server": server} {
						state := c.ConnectionState()
						if state.DidResume != wanted || len(state.PeerCertificates) != 1 || len(state.VerifiedChains) != 1 {
							t.Errorf("round %d, %s: resumed %v, %d certificates, %d chains", round, side, state.DidResume, len(state.PeerCertificates), len(state.VerifiedChains))
						}
					}
					client.Close()
					server.Close()
				}
			})
		}
	}
}

// TestResumedSessionsAreJudgedAgain lets the certificates expire before a session is resumed.
func TestResumedSessionsAreJudgedAgain(t *testing.T) {
	p := testPKI()
	var later atomic.Bool
	clientSide := &Config{RootCAs: p.pool, ServerName: "server.test", ClientSessionCache: NewLRUClientSessionCache(4), MaxVersion: VersionTLS12}
	clientSide.Time = func() time.Time {
		if later.Load() {
			return time.Now().Add(30 * time.Hour)
		}
		return time.Now()
	}
	serverSide := serverConfig()
	ourPair(t, tcpPair, clientSide, serverSide)
	later.Store(true)
	a, b := tcpPair(t)
	go Server(b, serverSide).Handshake()
	if err := Client(a, clientSide).Handshake(); !isA[x509.CertificateInvalidError](err) {
		t.Errorf("%v", err)
	}
}

// TestKeyLog compares the lines of both ends, one of them crypto/tls.
func TestKeyLog(t *testing.T) {
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		a, b := tcpPair(t)
		var ours, theirs bytes.Buffer
		config := clientConfig()
		config.MaxVersion, config.KeyLogWriter = version, &ours
		server := tls.Server(b, &tls.Config{Certificates: []Certificate{testPKI().ecdsa}, KeyLogWriter: &theirs})
		handshakeBoth(t, Client(a, config), server)
		lines := func(text string) []string {
			found := strings.Split(strings.TrimSpace(text), "\n")
			slices.Sort(found)
			return found
		}
		for _, line := range lines(theirs.String()) {
			if !slices.Contains(lines(ours.String()), line) {
				t.Errorf("%s: our log lacks %q", VersionName(version), line)
			}
		}
	}
}

// TestKeyingMaterial compares exported secrets with crypto/tls, also by the method of ConnectionState.
func TestKeyingMaterial(t *testing.T) {
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		a, b := tcpPair(t)
		config := clientConfig()
		config.MaxVersion = version
		client, server := Client(a, config), tls.Server(b, &tls.Config{Certificates: []Certificate{testPKI().ecdsa}})
		handshakeBoth(t, client, server)
		state := server.ConnectionState()
		wanted, err := state.ExportKeyingMaterial("EXPERIMENTAL-label", []byte("context"), 42)
		if err != nil {
			t.Fatal(err)
		}
		mine, err := client.ExportKeyingMaterial("EXPERIMENTAL-label", []byte("context"), 42)
		if err != nil || !bytes.Equal(mine, wanted) {
			t.Errorf("%s and %s, %v", hex.EncodeToString(mine), hex.EncodeToString(wanted), err)
		}
		own := client.ConnectionState()
		if mine, err = own.ExportKeyingMaterial("EXPERIMENTAL-label", []byte("context"), 42); err != nil || !bytes.Equal(mine, wanted) {
			t.Errorf("by the state: %v", err)
		}
		if wanted, err = state.ExportKeyingMaterial("", nil, 42); err != nil {
			t.Fatal(err)
		}
		if mine, err = client.ExportKeyingMaterial("", nil, 42); err != nil || !bytes.Equal(mine, wanted) {
			t.Errorf("with an empty label: %s and %s, %v", hex.EncodeToString(mine), hex.EncodeToString(wanted), err)
		}
		if _, err := client.ExportKeyingMaterial(strings.Repeat("x", 1000), nil, 42); err == nil {
			t.Error("a label of 1000 bytes is taken")
		}
	}
}

// TestKeyingMaterialOfAState has the function of ConnectionState where crypto/tls has it: in a TLS 1.3 server's VerifyConnection, and when
// the connection is closed.
func TestKeyingMaterialOfAState(t *testing.T) {
	const label, length = "EXPERIMENTAL-label", 42
	export := func(state ConnectionState) []byte {
		return must(state.ExportKeyingMaterial(label, nil, length))
	}
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		a, b := tcpPair(t)
		var judged []byte
		config := serverConfig()
		config.VerifyConnection = func(state ConnectionState) error {
			var err error
			judged, err = state.ExportKeyingMaterial(label, nil, length)
			return err
		}
		client, server := tls.Client(a, &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test", MaxVersion: version}), Server(b, config)
		handshakeBoth(t, client, server)
		wanted := export(client.ConnectionState())
		if !bytes.Equal(judged, wanted) {
			t.Errorf("%s: in VerifyConnection: %x and %x", VersionName(version), judged, wanted)
		}
		state := server.ConnectionState()
		server.Close()
		if got := export(state); !bytes.Equal(got, wanted) {
			t.Errorf("%s: after Close: %x and %x", VersionName(version), got, wanted)
		}
		if got, err := server.ExportKeyingMaterial(label, nil, length); err != nil || !bytes.Equal(got, wanted) {
			t.Errorf("%s: after Close, of Conn: %x and %x, %v", VersionName(version), got, wanted, err)
		}
	}
}

// TestNothingIsIgnored has everything that a Config cannot have here, and the names of what is refused.
func TestNothingIsIgnored(t *testing.T) {
	p := testPKI()
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Config){
		"MinVersion":             func(c *Config) { c.MinVersion = VersionTLS10 },
		"MaxVersion":             func(c *Config) { c.MaxVersion = VersionTLS11 },
		"MinVersion, MaxVersion": func(c *Config) { c.MinVersion, c.MaxVersion = VersionTLS13, VersionTLS12 },
		"Rand":                   func(c *Config) { c.Rand = rand.Reader },
		"CipherSuites[1]": func(c *Config) {
			c.CipherSuites = []uint16{TLS_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA}
		},
		"CurvePreferences": func(c *Config) { c.CurvePreferences = []CurveID{X25519, 4242} },
		"NextProtos[1]":    func(c *Config) { c.NextProtos = []string{"h2", ""} },
		"Renegotiation":    func(c *Config) { c.Renegotiation = tls.RenegotiateOnceAsClient },
		"WrapSession": func(c *Config) {
			c.WrapSession = func(ConnectionState, *tls.SessionState) ([]byte, error) { return nil, nil }
		},
		"UnwrapSession": func(c *Config) {
			c.UnwrapSession = func([]byte, ConnectionState) (*tls.SessionState, error) { return nil, nil }
		},
		"GetEncryptedClientHelloKeys": func(c *Config) {
			c.GetEncryptedClientHelloKeys = func(*ClientHelloInfo) ([]tls.EncryptedClientHelloKey, error) { return nil, nil }
		},
		"EncryptedClientHelloKeys": func(c *Config) { c.EncryptedClientHelloKeys = []tls.EncryptedClientHelloKey{{}} },
		"EncryptedClientHelloRejectionVerify": func(c *Config) {
			c.EncryptedClientHelloRejectionVerify = func(ConnectionState) error { return nil }
		},
		"RootsPEM":        func(c *Config) { c.RootsPEM = p.rootPEM },
		"ClientCAsPEM":    func(c *Config) { c.ClientCAs, c.ClientCAsPEM = p.pool, p.rootPEM },
		"Certificates[0]": func(c *Config) { c.Certificates = []Certificate{{Certificate: p.ecdsa.Certificate, PrivateKey: p224}} },
	} {
		t.Run(field, func(t *testing.T) {
			for _, role := range []string{"client", "server"} {
				a, b := pipePair(t)
				config := &Config{RootCAs: p.pool, ServerName: "server.test", Certificates: []Certificate{p.ecdsa}}
				change(config)
				c := Client(a, config)
				if role == "server" {
					c = Server(b, config)
					go Client(a, clientConfig()).Handshake()
				}
				var refused *ConfigError
				if err := c.Handshake(); !errors.As(err, &refused) || refused.Field != field || refused.Message == "" {
					t.Errorf("%s: %v", role, err)
				}
			}
		})
	}
	a, _ := pipePair(t)
	if err := Client(a, &Config{}).Handshake(); err == nil || !strings.Contains(err.Error(), "ServerName or InsecureSkipVerify") {
		t.Errorf("without a name: %v", err)
	}
	if _, err := Listen("tcp", "127.0.0.1:0", &Config{}); err == nil {
		t.Error("a listener without certificates")
	}
}

// TestInsecure accepts any certificate where that is asked for, with and without a name.
func TestInsecure(t *testing.T) {
	for _, name := range []string{"", "server.test", "127.0.0.1", "[::1]"} {
		a, b := tcpPair(t)
		client := Client(a, &Config{InsecureSkipVerify: true, ServerName: name})
		handshakeBoth(t, client, Server(b, &Config{Certificates: []Certificate{testPKI().stranger}}))
		if state := client.ConnectionState(); len(state.PeerCertificates) != 1 || len(state.VerifiedChains) != 0 {
			t.Errorf("%q: %+v", name, state)
		}
		if err := client.VerifyHostname("server.test"); err == nil {
			t.Error("a name was verified without a chain")
		}
	}
}

// TestAddresses verifies names that are IP addresses.
func TestAddresses(t *testing.T) {
	for _, pem := range []bool{false, true} {
		for _, name := range []string{"127.0.0.1", "::1", "[::1]", "server.test."} {
			a, b := tcpPair(t)
			config := &Config{RootCAs: testPKI().pool, ServerName: name}
			if pem {
				config = &Config{RootsPEM: testPKI().rootPEM, ServerName: name}
			}
			handshakeBoth(t, Client(a, config), Server(b, serverConfig()))
		}
	}
}

// TestContext ends a handshake that waits, and one that a deadline ends, before it waits or then.
func TestContext(t *testing.T) {
	a, b := tcpPair(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- Client(a, clientConfig()).HandshakeContext(ctx) }()
	// It goes on: its first flight is here.
	if _, err := io.ReadFull(b, make([]byte, recordHeader)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	a, _ = tcpPair(t)
	ctx, cancel = context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	if err := Client(a, clientConfig()).HandshakeContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// TestECH has crypto/tls's server, with the right key and with another one, from whose rejection the second try learns.
func TestECH(t *testing.T) {
	p := testPKI()
	config, key := newECHKey(t, 1)
	wrong, _ := newECHKey(t, 2)
	public := p.authority.issue(p.ecdsa.PrivateKey.(crypto.Signer), "public.test", false, time.Now().Add(time.Hour))
	server := &tls.Config{
		Certificates:             []Certificate{p.ecdsa, public},
		EncryptedClientHelloKeys: []tls.EncryptedClientHelloKey{{Config: config, PrivateKey: key, SendAsRetry: true}},
	}
	try := func(list []byte) (*Conn, error) {
		a, b := tcpPair(t)
		go tls.Server(b, server).Handshake()
		client := Client(a, &Config{RootCAs: p.pool, ServerName: "server.test", EncryptedClientHelloConfigList: list})
		return client, client.Handshake()
	}
	_, err := try(echList(wrong))
	var rejected *ECHRejectionError
	if !errors.As(err, &rejected) || len(rejected.RetryConfigList) == 0 {
		t.Fatalf("with another key: %v", err)
	}
	client, err := try(rejected.RetryConfigList)
	if err != nil || !client.ConnectionState().ECHAccepted {
		t.Fatalf("with what the server gave: %v", err)
	}
	if _, err := try([]byte("no list")); !isA[*ConfigError](err) {
		t.Errorf("something that is no list: %v", err)
	}
}

// newECHKey makes an ECHConfig of the public name public.test (RFC 9849, 4), for X25519 and AES-128-GCM.
func newECHKey(t *testing.T, id byte) (config, private []byte) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	contents := []byte{id, 0, 0x20, 0, 32}
	contents = append(contents, key.PublicKey().Bytes()...)
	contents = append(contents, 0, 4, 0, 1, 0, 1, 0, byte(len("public.test")))
	contents = append(contents, "public.test"...)
	contents = append(contents, 0, 0)
	return append([]byte{0xfe, 0x0d, 0, byte(len(contents))}, contents...), key.Bytes()
}

func echList(config []byte) []byte { return append([]byte{0, byte(len(config))}, config...) }

// TestOCSP staples a response and finds it at the other end, with crypto/tls in both roles. Nobody looks into it.
func TestOCSP(t *testing.T) {
	// An OCSPResponse of status successful with a BasicOCSPResponse that says nothing of use (RFC 6960, 4.2.1).
	staple := ocspResponse(t)
	certificate := testPKI().ecdsa
	certificate.OCSPStaple = staple
	for _, own := range []string{"client", "server"} {
		a, b := tcpPair(t)
		var client, server conn = Client(a, clientConfig()), tls.Server(b, &tls.Config{Certificates: []Certificate{certificate}})
		if own == "server" {
			client = tls.Client(a, &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test"})
			server = Server(b, &Config{Certificates: []Certificate{certificate}})
		}
		handshakeBoth(t, client, server)
		if got := client.ConnectionState().OCSPResponse; !bytes.Equal(got, staple) {
			t.Errorf("our %s: %d bytes of %d", own, len(got), len(staple))
		}
	}
}

func ocspResponse(t *testing.T) []byte {
	type responseData struct {
		Responder []byte    `asn1:"tag:2,explicit"`
		Produced  time.Time `asn1:"generalized"`
		Responses []asn1.RawValue
	}
	type basic struct {
		Data      responseData
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	inner, err := asn1.Marshal(basic{
		responseData{make([]byte, 20), time.Now().UTC().Truncate(time.Second), nil},
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
		asn1.BitString{Bytes: make([]byte, 64), BitLength: 512},
	})
	if err != nil {
		t.Fatal(err)
	}
	type responseBytes struct {
		Type     asn1.ObjectIdentifier
		Response []byte
	}
	outer, err := asn1.Marshal(struct {
		Status asn1.Enumerated
		Bytes  responseBytes `asn1:"tag:0,explicit"`
	}{0, responseBytes{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}, inner}})
	if err != nil {
		t.Fatal(err)
	}
	return outer
}

// TestExtensionsOf cuts a ClientHello at every byte: what is not whole has no extensions, and nothing is read behind its end.
func TestExtensionsOf(t *testing.T) {
	hello := append([]byte{1, 0, 0, 60, 3, 3}, make([]byte, 32)...)
	hello = append(hello, 1, 0xaa)                    // session id
	hello = append(hello, 0, 2, 0x13, 0x01)           // suites
	hello = append(hello, 1, 0)                       // compression
	hello = append(hello, 0, 13)                      // extensions
	hello = append(hello, 0, 43, 0, 3, 2, 3, 4)       // supported_versions
	hello = append(hello, 0x44, 0x69, 0, 2, 0xf, 0xf) // another one
	if got := extensionsOf(hello); !slices.Equal(got, []uint16{43, 0x4469}) {
		t.Errorf("%v", got)
	}
	for cut := range hello {
		got := extensionsOf(slices.Clip(hello[:cut]))
		if len(got) > 1 {
			t.Errorf("cut at %d: %v", cut, got)
		}
	}
}

// TestCipherSuites negotiates each suite that exists here, with crypto/tls as the server, and finds it in the list.
func TestCipherSuites(t *testing.T) {
	p := testPKI()
	if len(CipherSuites()) != len(suites12)+len(suites13) {
		t.Errorf("%d suites are listed", len(CipherSuites()))
	}
	for _, suite := range CipherSuites() {
		a, b := tcpPair(t)
		version := suite.SupportedVersions[len(suite.SupportedVersions)-1]
		// A list with one of TLS 1.3 only, or of TLS 1.2 only with that version.
		client := Client(a, &Config{RootCAs: p.pool, ServerName: "server.test", MinVersion: version, MaxVersion: version, CipherSuites: []uint16{suite.ID}})
		server := tls.Server(b, &tls.Config{Certificates: []Certificate{p.ecdsa, p.rsa}})
		handshakeBoth(t, client, server)
		if got := client.ConnectionState().CipherSuite; got != suite.ID {
			t.Errorf("%s was negotiated, not %s", CipherSuiteName(got), suite.Name)
		}
		exchange(t, client, server)
	}
}
