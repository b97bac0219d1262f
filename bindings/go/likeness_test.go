package tls

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
)

// TestProtocolsOfOldServers has servers of HTTP/2 whose clients know HTTP/1.1 alone: as in crypto/tls, these come in without ALPN.
func TestProtocolsOfOldServers(t *testing.T) {
	type met struct {
		refused  bool
		protocol string
	}
	p := testPKI()
	for _, protocols := range []struct{ server, client []string }{
		{[]string{"h2"}, []string{"http/1.1"}},
		{[]string{"h2", "x"}, []string{"y", "http/1.1"}},
		{[]string{"h2", "x"}, []string{"http/1.1", "x"}},
		{[]string{"h2"}, []string{"http/1.1", "h2"}},
		{[]string{"h2"}, []string{"y"}},
		{[]string{"h2"}, nil},
		{[]string{"x"}, []string{"http/1.1"}},
		{[]string{"http/1.1"}, []string{"h2"}},
		{nil, []string{"http/1.1"}},
	} {
		for _, version := range []uint16{VersionTLS12, VersionTLS13} {
			for _, chooses := range []bool{false, true} {
				meet := func(server func(net.Conn) conn) met {
					a, b := tcpPair(t)
					client, at := tls.Client(a, &tls.Config{RootCAs: p.pool, ServerName: "server.test", NextProtos: protocols.client, MaxVersion: version}), server(b)
					done := make(chan error, 1)
					go func() { done <- at.Handshake() }()
					failed := client.Handshake() != nil
					if err := <-done; (err != nil) != failed {
						t.Errorf("%v: the server says %v, and the client does not", protocols, err)
					}
					if protocol := at.ConnectionState().NegotiatedProtocol; protocol != client.ConnectionState().NegotiatedProtocol {
						t.Errorf("%v: the server has agreed to %q", protocols, protocol)
					}
					return met{failed, client.ConnectionState().NegotiatedProtocol}
				}
				theirs := meet(func(b net.Conn) conn {
					return tls.Server(b, &tls.Config{Certificates: []Certificate{p.ecdsa}, NextProtos: protocols.server})
				})
				ours := meet(func(b net.Conn) conn {
					config := &Config{Certificates: []Certificate{p.ecdsa}, NextProtos: protocols.server}
					if chooses {
						return Server(b, &Config{GetConfigForClient: func(*ClientHelloInfo) (*Config, error) { return config, nil }})
					}
					return Server(b, config)
				})
				if ours != theirs {
					t.Errorf("%v, %#x, chosen %v: %+v, and in crypto/tls %+v", protocols, version, chooses, ours, theirs)
				}
			}
		}
	}
}

// TestNamesThatAreNone has clients whose server has a name that is none of DNS: who verifies nothing connects, as in crypto/tls, and who
// verifies does not.
func TestNamesThatAreNone(t *testing.T) {
	p := testPKI()
	for _, name := range []string{"a..b", "1.2.3", "my service", "bücher.example", "server.test:443", "\x00", "server.test\x00.other", strings.Repeat("x", 64) + ".test"} {
		for _, cache := range []func() ClientSessionCache{func() ClientSessionCache { return nil },
			func() ClientSessionCache { return NewLRUClientSessionCache(2) }, func() ClientSessionCache { return tls.NewLRUClientSessionCache(2) }} {
			seen := []string{"-"}
			server := &Config{Certificates: []Certificate{p.ecdsa}, GetConfigForClient: func(hello *ClientHelloInfo) (*Config, error) {
				seen = append(seen, hello.ServerName)
				return nil, nil
			}}
			client := &Config{InsecureSkipVerify: true, ServerName: name, ClientSessionCache: cache()}
			for range 3 {
				ours, theirs := ourPair(t, tcpPair, client, server)
				if _, err := theirs.Write([]byte{1}); err != nil {
					t.Error(err)
				}
				if _, err := ours.Read(make([]byte, 1)); err != nil {
					t.Error(err)
				}
				if state := ours.ConnectionState(); state.ServerName != name {
					t.Errorf("%q: the state says %q", name, state.ServerName)
				}
				ours.Close()
				theirs.Close()
			}
			if !slices.Equal(seen, []string{"-", "", "", ""}) {
				t.Errorf("%q: servers see %q", name, seen)
			}
		}
		a, _ := tcpPair(t)
		err := Client(a, &Config{RootsPEM: p.rootPEM, ServerName: name}).Handshake()
		if !isA[*ConfigError](err) || strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
