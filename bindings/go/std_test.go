package tls

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestFromStd takes over Configs of crypto/tls as programs have them.
func TestFromStd(t *testing.T) {
	p := testPKI()
	server := &tls.Config{Certificates: []Certificate{p.ecdsa}, NextProtos: []string{"h2"}, ClientAuth: RequireAndVerifyClientCert, ClientCAs: p.pool}
	client := &tls.Config{RootCAs: p.pool, ServerName: "server.test", NextProtos: []string{"h2"}, Certificates: []Certificate{p.client}, MaxVersion: VersionTLS12}
	a, b := tcpPair(t)
	c, s := Client(a, must(FromStd(client))), Server(b, must(FromStd(server)))
	handshakeBoth(t, c, s)
	if state := s.ConnectionState(); state.NegotiatedProtocol != "h2" || state.Version != VersionTLS12 || len(state.VerifiedChains) != 1 {
		t.Errorf("%+v", state)
	}
	// Of every exported field: it is taken over, or an error names it.
	own := reflect.TypeFor[Config]()
	for _, field := range reflect.VisibleFields(reflect.TypeFor[tls.Config]()) {
		if !field.IsExported() || field.Name == "GetConfigForClient" {
			continue
		}
		config := &tls.Config{}
		value := reflect.ValueOf(config).Elem().FieldByIndex(field.Index)
		set := someValue(t, field.Name, value.Type())
		value.Set(set)
		made, err := FromStd(config)
		if err != nil {
			var refused *ConfigError
			if !errors.As(err, &refused) || !strings.Contains(refused.Field, field.Name) {
				t.Errorf("%s: %v", field.Name, err)
			}
			t.Logf("%v", err)
			continue
		}
		if _, ok := own.FieldByName(field.Name); !ok {
			t.Errorf("%s is ignored", field.Name)
			continue
		}
		if got := reflect.ValueOf(made).Elem().FieldByName(field.Name); got.IsZero() {
			t.Errorf("%s is not taken over", field.Name)
		}
	}
	if made, err := FromStd(nil); made != nil || err != nil {
		t.Errorf("%v, %v", made, err)
	}
	var refused *ConfigError
	if _, err := FromStd(&tls.Config{CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}); !errors.As(err, &refused) || refused.Field != "CipherSuites[0]" {
		t.Errorf("%v", err)
	}
}

// someValue is one that is not zero, and that can be used where there is such a one.
func someValue(t *testing.T, name string, kind reflect.Type) reflect.Value {
	p := testPKI()
	for _, value := range []any{rand.Reader, p.pool, p.ecdsa, NewLRUClientSessionCache(1), new(strings.Builder)} {
		if reflect.TypeOf(value).AssignableTo(kind) {
			return reflect.ValueOf(value)
		}
		if kind.Kind() == reflect.Slice && reflect.TypeOf(value) == kind.Elem() {
			return reflect.Append(reflect.Zero(kind), reflect.ValueOf(value))
		}
	}
	numbers := map[string]any{"MinVersion": uint16(VersionTLS13), "MaxVersion": uint16(VersionTLS12), "ClientAuth": RequestClientCert,
		"CipherSuites": []uint16{TLS_AES_128_GCM_SHA256}, "CurvePreferences": []CurveID{X25519}, "NextProtos": []string{"h2"},
		"Renegotiation": RenegotiateOnceAsClient, "SessionTicketKey": [32]byte{1}}
	if value, ok := numbers[name]; ok {
		return reflect.ValueOf(value)
	}
	switch kind.Kind() {
	case reflect.Map:
		return reflect.MakeMap(kind)
	case reflect.Func:
		return reflect.MakeFunc(kind, func([]reflect.Value) []reflect.Value { panic("called") })
	case reflect.Bool:
		return reflect.ValueOf(true)
	case reflect.String:
		return reflect.ValueOf("text")
	case reflect.Slice:
		return reflect.MakeSlice(kind, 1, 1)
	}
	t.Fatalf("no value for %s, %v", name, kind)
	return reflect.Value{}
}

// TestFromStdChooses has a server's functions, and what crypto/tls chooses by names.
func TestFromStdChooses(t *testing.T) {
	p := testPKI()
	keys := [][32]byte{{7}}
	for name, config := range map[string]*tls.Config{
		"GetConfigForClient": {GetConfigForClient: func(*ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{Certificates: []Certificate{p.ecdsa}}, nil
		}},
		"NameToCertificate": {Certificates: []Certificate{p.other, p.rsa}, NameToCertificate: map[string]*Certificate{"server.test": &p.ecdsa}},
		"a star":            {Certificates: []Certificate{p.other, p.rsa}, NameToCertificate: map[string]*Certificate{"*.test": &p.ecdsa}},
		"neither":           {Certificates: []Certificate{p.other, p.ecdsa}, NameToCertificate: map[string]*Certificate{"another.test": &p.rsa}},
		"nothing":           {GetConfigForClient: func(*ClientHelloInfo) (*tls.Config, error) { return nil, nil }, Certificates: []Certificate{p.ecdsa}},
	} {
		t.Run(name, func(t *testing.T) {
			config.SetSessionTicketKeys(keys)
			made := must(FromStd(config))
			if len(made.ticketKeys) != 1 || made.ticketKeys[0] == [32]byte{} {
				t.Errorf("%d ticket keys", len(made.ticketKeys))
			}
			a, b := tcpPair(t)
			client := Client(a, clientConfig())
			handshakeBoth(t, client, Server(b, made))
			if der := client.ConnectionState().PeerCertificates[0].Raw; !slices.Equal(der, p.ecdsa.Certificate[0]) {
				t.Error("another certificate is shown")
			}
		})
	}
	// The same keys in two values of crypto/tls are the same keys here.
	first, second := &tls.Config{Certificates: []Certificate{p.ecdsa}}, &tls.Config{Certificates: []Certificate{p.ecdsa}}
	first.SetSessionTicketKeys(keys)
	second.SetSessionTicketKeys([][32]byte{{8}, {7}})
	servers := []*Config{must(FromStd(first)), must(FromStd(second))}
	round := 0
	got := resumes(t, 2, theirClient(VersionTLS13), func(c net.Conn) conn { round++; return Server(c, servers[round-1]) })
	if got != 1 {
		t.Errorf("%d sessions were resumed", got)
	}
	// A used one has keys of its own, which are nobody's here.
	used := &tls.Config{Certificates: []Certificate{p.ecdsa}}
	resumes(t, 1, theirClient(VersionTLS13), func(c net.Conn) conn { return tls.Server(c, used) })
	if made := must(FromStd(used)); made.SessionTicketKey != [32]byte{} || made.ticketKeys != nil {
		t.Error("a key that crypto/tls does not use is taken over")
	}
}

// TestStd gives what is set back.
func TestStd(t *testing.T) {
	p := testPKI()
	config := &Config{Certificates: []Certificate{p.ecdsa}, ClientCAsPEM: p.rootPEM, ClientAuth: RequireAndVerifyClientCert, NextProtos: []string{"h2"},
		GetConfigForClient: func(*ClientHelloInfo) (*Config, error) { return nil, nil }}
	a, b := tcpPair(t)
	client := &Config{RootsPEM: p.rootPEM, ServerName: "server.test", Certificates: []Certificate{p.client}, NextProtos: []string{"h2"}, ClientSessionCache: NewLRUClientSessionCache(2)}
	c, s := tls.Client(a, client.Std()), tls.Server(b, config.Std())
	handshakeBoth(t, c, s)
	if s.ConnectionState().NegotiatedProtocol != "h2" || len(s.ConnectionState().VerifiedChains) != 1 {
		t.Errorf("%+v", s.ConnectionState())
	}
	if (*Config)(nil).Std() != nil {
		t.Error("something is made of nothing")
	}
}

// programCache is a program's own cache of sessions.
type programCache struct {
	mutex    sync.Mutex
	sessions map[string]*ClientSessionState
	puts     int
	removals int
}

func (p *programCache) Get(key string) (*ClientSessionState, bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	state, ok := p.sessions[key]
	return state, ok
}

func (p *programCache) Put(key string, state *ClientSessionState) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.puts++; state == nil {
		p.removals++
		delete(p.sessions, key)
		return
	}
	p.sessions[key] = state
}

// TestProgramsCache has sessions in caches that are not of this package.
func TestProgramsCache(t *testing.T) {
	p := testPKI()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, own := range []bool{false, true} {
			for name, cache := range map[string]ClientSessionCache{
				"program":    &programCache{sessions: make(map[string]*ClientSessionState)},
				"crypto/tls": tls.NewLRUClientSessionCache(4),
			} {
				config := &Config{RootCAs: p.pool, ServerName: "server.test", MaxVersion: version, ClientSessionCache: cache}
				theirs := &tls.Config{Certificates: []Certificate{p.ecdsa}}
				ours := serverConfig()
				server := func(c net.Conn) conn {
					if own {
						return Server(c, ours)
					}
					return tls.Server(c, theirs)
				}
				// A clone each time, which says the same.
				if got := resumes(t, 5, func(c net.Conn) conn { return Client(c, config.Clone()) }, server); got != 4 {
					t.Errorf("%s, %s, own=%v: %d of 5 handshakes resumed a session", VersionName(version), name, own, got)
				}
				if state, ok := cache.Get("server.test"); !ok || state == nil {
					t.Error("there is nothing under the server's name")
				}
				// crypto/tls can do nothing with it, and does a full handshake.
				if foreign, ok := cache.(*programCache); ok {
					if foreign.puts < 5 {
						t.Errorf("%d sessions were put", foreign.puts)
					}
					ticket, state, err := foreign.sessions["server.test"].ResumptionState()
					if err != nil || len(ticket) == 0 {
						t.Fatalf("%v", err)
					}
					// What went through the program's store is found again while it lives.
					foreign.sessions["server.test"] = must(tls.NewResumptionState(ticket, state))
					if got := resumes(t, 1, func(c net.Conn) conn { return Client(c, config) }, server); got != 1 {
						t.Error("a session that was taken apart and put together is lost")
					}
					foreign.sessions["server.test"] = new(ClientSessionState)
					if got := resumes(t, 1, func(c net.Conn) conn { return Client(c, config) }, server); got != 0 {
						t.Error("nothing is resumed")
					}
				}
			}
		}
	}
}

// TestGetClientCertificate has clients that choose when they are asked.
func TestGetClientCertificate(t *testing.T) {
	p := testPKI()
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, own := range []bool{false, true} {
			for _, external := range []bool{false, true} {
				var asked []*CertificateRequestInfo
				mine := errors.New("mine")
				chosen := p.client
				if external {
					chosen.PrivateKey = &messageKey{Signer: p.client.PrivateKey.(crypto.Signer)}
				}
				var answer func(*CertificateRequestInfo) (*Certificate, error)
				client := &Config{RootCAs: p.pool, ServerName: "server.test", MaxVersion: version, Certificates: []Certificate{p.other},
					GetClientCertificate: func(request *CertificateRequestInfo) (*Certificate, error) {
						asked = append(asked, request)
						return answer(request)
					}}
				meet := func(auth ClientAuthType) (ConnectionState, error, error) {
					a, b := tcpPair(t)
					var server conn
					if own {
						server = Server(b, &Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: auth, ClientCAsPEM: p.rootPEM})
					} else {
						server = tls.Server(b, &tls.Config{Certificates: []Certificate{p.ecdsa}, ClientAuth: auth, ClientCAs: p.pool})
					}
					c := Client(a, client)
					done := make(chan error, 1)
					go func() { done <- c.Handshake(); a.(*net.TCPConn).CloseWrite() }()
					theirs := server.Handshake()
					return server.ConnectionState(), <-done, theirs
				}
				answer = func(request *CertificateRequestInfo) (*Certificate, error) {
					if err := request.SupportsCertificate(&chosen); err != nil || request.Version != version || request.Context().Err() != nil {
						t.Errorf("%v, %+v", err, request)
					}
					if len(request.AcceptableCAs) != 1 || !slices.Equal(request.AcceptableCAs[0], p.authority.certificate.RawSubject) {
						t.Errorf("%d authorities", len(request.AcceptableCAs))
					}
					return &chosen, nil
				}
				state, ours, theirs := meet(RequireAndVerifyClientCert)
				if ours != nil || theirs != nil || len(state.PeerCertificates) != 1 || state.PeerCertificates[0].Subject.CommonName != "client.test" {
					t.Fatalf("%v, %v, %+v", ours, theirs, state)
				}
				if len(asked) != 1 || asked[0].Context().Err() == nil {
					t.Errorf("asked %d times", len(asked))
				}
				// It shows nothing.
				answer = func(*CertificateRequestInfo) (*Certificate, error) { return new(Certificate), nil }
				if state, ours, theirs = meet(VerifyClientCertIfGiven); ours != nil || theirs != nil || len(state.PeerCertificates) != 0 {
					t.Errorf("%v, %v, %+v", ours, theirs, state)
				}
				// It is not asked.
				asked = nil
				if _, ours, theirs = meet(NoClientCert); ours != nil || theirs != nil || asked != nil {
					t.Errorf("%v, %v, asked %d times", ours, theirs, len(asked))
				}
				// It refuses, or answers nothing at all.
				answer = func(*CertificateRequestInfo) (*Certificate, error) { return nil, mine }
				if _, ours, theirs = meet(RequireAndVerifyClientCert); !errors.Is(ours, mine) || theirs == nil {
					t.Errorf("%v, %v", ours, theirs)
				}
				answer = func(*CertificateRequestInfo) (*Certificate, error) { return nil, nil }
				if _, ours, theirs = meet(RequireAndVerifyClientCert); ours == nil || theirs == nil {
					t.Errorf("%v, %v", ours, theirs)
				}
			}
		}
	}
}

// TestRequestTLS has net/http look at connections whose handshake is done, in every Go that looks.
func TestRequestTLS(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan uint16, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			seen <- 0
			return
		}
		seen <- r.TLS.Version
	}))
	server.Listener.Close()
	server.Listener = NewHandshakeListener(inner, serverConfig(), 0)
	server.Start()
	defer server.Close()
	address := inner.Addr().String()
	// Who says nothing, and who speaks something else, holds up nobody.
	silent := must(net.Dial("tcp", address))
	defer silent.Close()
	other := must(net.Dial("tcp", address))
	other.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test"}}, Timeout: patience(20 * time.Second)}
	response, err := client.Get("https://" + address)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	client.CloseIdleConnections()
	wanted := uint16(VersionTLS13)
	if !httpLooks {
		wanted = 0
	}
	if got := <-seen; got != wanted {
		t.Errorf("Request.TLS is of version %#x", got)
	}
	// It was told, and is closed.
	other.SetReadDeadline(time.Now().Add(patience(20 * time.Second)))
	if n, err := other.Read(make([]byte, 100)); err == nil && n == 0 {
		t.Error("nothing is said to who speaks no TLS")
	}
	if err := server.Listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := server.Listener.Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}
