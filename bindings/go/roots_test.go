//go:build cgo

package tls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func poolWith(authorities ...*authority) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, a := range authorities {
		pool.AddCert(a.certificate)
	}
	return pool
}

func pemOf(authorities ...*authority) []byte {
	var text []byte
	for _, a := range authorities {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})...)
	}
	return text
}

// beginning is a side that judges, with the sessions and tickets of its peers, and what these show it.
type beginning struct {
	config *Config
	client bool
	later  time.Duration
	shown  *Certificate
	peer   func(net.Conn) conn
}

// newBeginning has no roots yet. The peer is crypto/tls, and so are its sessions.
func newBeginning(version uint16, client bool) *beginning {
	b := &beginning{client: client}
	b.config = &Config{MaxVersion: version, Time: func() time.Time { return time.Now().Add(b.later) }}
	if client {
		b.config.ServerName, b.config.ClientSessionCache = "server.test", NewLRUClientSessionCache(4)
		config := &tls.Config{GetCertificate: func(*ClientHelloInfo) (*Certificate, error) { return b.shown, nil }}
		b.peer = func(c net.Conn) conn { return tls.Server(c, config) }
		return b
	}
	p := testPKI()
	b.config.Certificates, b.config.ClientAuth = []Certificate{p.ecdsa}, RequireAndVerifyClientCert
	config := &tls.Config{RootCAs: p.pool, ServerName: "server.test", ClientSessionCache: tls.NewLRUClientSessionCache(4),
		GetClientCertificate: func(*CertificateRequestInfo) (*Certificate, error) { return b.shown, nil }}
	b.peer = func(c net.Conn) conn { return tls.Client(c, config) }
	return b
}

func (b *beginning) trusts(pool *x509.CertPool, text []byte) {
	if b.client {
		b.config.RootCAs, b.config.RootsPEM = pool, text
	} else {
		b.config.ClientCAs, b.config.ClientCAsPEM = pool, text
	}
}

func (b *beginning) shows(issuer *authority, lasts time.Duration, above ...*authority) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	certificate := issuer.issue(key, "server.test", !b.client, time.Now().Add(lasts))
	for _, a := range above {
		certificate.Certificate = append(certificate.Certificate, a.certificate.Raw)
	}
	b.shown = &certificate
}

func (b *beginning) meets(t *testing.T) judged {
	t.Helper()
	x, y := tcpPair(t)
	if b.client {
		return new(judge).meet(t, Client(x, b.config), b.peer(y))
	}
	return new(judge).meet(t, Server(y, b.config), b.peer(x))
}

// begins has a full handshake and a resumed one.
func (b *beginning) begins(t *testing.T) {
	t.Helper()
	for _, resumed := range []bool{false, true} {
		if got := b.meets(t); !got.accepts || got.resumed != resumed {
			t.Fatalf("%+v", got)
		}
	}
}

// goesOn shows what does not verify now, and then what does: neither is a session of before, and no error stays.
func (b *beginning) goesOn(t *testing.T, show func()) {
	t.Helper()
	if got := b.meets(t); got.accepts {
		t.Fatalf("what does not verify any more is accepted: %+v", got)
	}
	show()
	b.begins(t)
}

// directly is goesOn where the peer shows at once what verifies.
func (b *beginning) directly(t *testing.T, show func()) {
	t.Helper()
	show()
	b.begins(t)
}

// changes are what can come between a session and its resumption. What they answer is how the peer comes to show what verifies.
var changes = map[string]func(b *beginning, trusts func(...*authority)) (meanwhile func(), show func()){
	"the peer's certificate ends": func(b *beginning, trusts func(...*authority)) (func(), func()) {
		root := newAuthority("root")
		trusts(root)
		b.shows(root, 2*time.Hour)
		return func() { b.later = 4 * time.Hour }, func() { b.shows(root, 24*time.Hour) }
	},
	"an intermediate ends": func(b *beginning, trusts func(...*authority)) (func(), func()) {
		root := newAuthority("root")
		between := newAuthorityUntil("between", 2*time.Hour, root)
		trusts(root)
		b.shows(between, 24*time.Hour, between)
		return func() { b.later = 4 * time.Hour }, func() { b.shows(root, 24*time.Hour) }
	},
	"a root ends": func(b *beginning, trusts func(...*authority)) (func(), func()) {
		old, fresh := newAuthorityUntil("old", 2*time.Hour, nil), newAuthority("fresh")
		trusts(old, fresh)
		b.shows(old, 24*time.Hour)
		return func() { b.later = 4 * time.Hour }, func() { b.shows(fresh, 24*time.Hour) }
	},
	"a root is taken out": func(b *beginning, trusts func(...*authority)) (func(), func()) {
		out, stays := newAuthority("out"), newAuthority("stays")
		trusts(out, stays)
		b.shows(out, 24*time.Hour)
		return func() { trusts(stays) }, func() { b.shows(stays, 24*time.Hour) }
	},
	"a root is renewed with another key": func(b *beginning, trusts func(...*authority)) (func(), func()) {
		old, fresh := newAuthority("root"), newAuthority("root")
		trusts(old)
		b.shows(old, 24*time.Hour)
		return func() { trusts(fresh) }, func() { b.shows(fresh, 24*time.Hour) }
	},
}

// TestWhatDoesNotVerifyAnyMore has sessions that would not be accepted if they were begun now: the handshake is a full one, whatever
// changed, in which the peer can show what verifies.
func TestWhatDoesNotVerifyAnyMore(t *testing.T) {
	sources := map[string]func(*beginning) func(...*authority){
		"another pool": func(b *beginning) func(...*authority) {
			return func(a ...*authority) { b.trusts(poolWith(a...), nil) }
		},
		"the pool, overwritten": func(b *beginning) func(...*authority) {
			pool := x509.NewCertPool()
			return func(a ...*authority) { *pool = *poolWith(a...); b.trusts(pool, nil) }
		},
		"a pool, and a cache of the program's": func(b *beginning) func(...*authority) {
			if b.client {
				b.config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
			}
			pool := x509.NewCertPool()
			return func(a ...*authority) { *pool = *poolWith(a...); b.trusts(pool, nil) }
		},
		"PEM": func(b *beginning) func(...*authority) {
			return func(a ...*authority) { b.trusts(nil, pemOf(a...)) }
		},
		"another Config of GetConfigForClient": func(b *beginning) func(...*authority) {
			chosen := b.config
			if !b.client {
				b.config = &Config{Certificates: chosen.Certificates, GetConfigForClient: func(*ClientHelloInfo) (*Config, error) { return chosen.Clone(), nil }}
			}
			pool := x509.NewCertPool()
			return func(a ...*authority) {
				*pool = *poolWith(a...)
				if b.client {
					b.config = chosen.Clone()
					b.config.RootCAs = pool
				} else {
					chosen.ClientCAs = pool
				}
			}
		},
	}
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, client := range []bool{true, false} {
			for source, trusting := range sources {
				for change, prepare := range changes {
					for at, after := range map[string]func(*beginning, *testing.T, func()){"at once": (*beginning).directly, "late": (*beginning).goesOn} {
						t.Run(fmt.Sprintf("%s/client=%v/%s/%s/%s", VersionName(version), client, source, change, at), func(t *testing.T) {
							b := newBeginning(version, client)
							meanwhile, show := prepare(b, trusting(b))
							b.begins(t)
							meanwhile()
							after(b, t, show)
						})
					}
				}
			}
		}
	}
}

// TestSystemRootsEnd is the same of the system's roots, which a process reads once: it needs one of its own.
func TestSystemRootsEnd(t *testing.T) {
	const here = "TLSBIO_SYSTEM_ROOTS"
	if os.Getenv(here) == "" {
		child := exec.Command(must(os.Executable()), "-test.run=^TestSystemRootsEnd$", "-test.v")
		child.Env = append(os.Environ(), here+"=1", "SSL_CERT_FILE="+filepath.Join(t.TempDir(), "roots.pem"), "SSL_CERT_DIR=/nonexistent")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	old, fresh := newAuthorityUntil("old", 2*time.Hour, nil), newAuthority("fresh")
	if err := os.WriteFile(os.Getenv("SSL_CERT_FILE"), pemOf(old, fresh), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, client := range []bool{true, false} {
			for at, after := range map[string]func(*beginning, *testing.T, func()){"at once": (*beginning).directly, "late": (*beginning).goesOn} {
				t.Run(fmt.Sprintf("%s/client=%v/%s", VersionName(version), client, at), func(t *testing.T) {
					b := newBeginning(version, client)
					b.shows(old, 24*time.Hour)
					b.begins(t)
					b.later = 4 * time.Hour
					after(b, t, func() { b.shows(fresh, 24*time.Hour) })
				})
			}
		}
	}
}

// TestWhatIsNotSeenOfARoot has a root that comes to be refused by a rule of the program's, of which nobody knows but crypto/x509. A session is
// judged when it was resumed then: that is one error, which does not stay.
func TestWhatIsNotSeenOfARoot(t *testing.T) {
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, client := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/client=%v", VersionName(version), client), func(t *testing.T) {
				b := newBeginning(version, client)
				old, fresh := newAuthority("old"), newAuthority("fresh")
				distrusted := false
				pool := poolWith(fresh)
				pool.AddCertWithConstraint(old.certificate, func([]*x509.Certificate) error {
					if distrusted {
						return errors.New("not any more")
					}
					return nil
				})
				b.trusts(pool, nil)
				b.shows(old, 24*time.Hour)
				b.begins(t)
				distrusted = true
				b.goesOn(t, func() { b.shows(fresh, 24*time.Hour) })
			})
		}
	}
}

// TestAnotherName has a client that wants another server, with the sessions of a first one under the same name in the program's cache.
func TestAnotherName(t *testing.T) {
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		b := newBeginning(version, true)
		root := newAuthority("root")
		b.trusts(poolWith(root), nil)
		b.config.ClientSessionCache = &oneSession{}
		b.shows(root, 24*time.Hour)
		b.begins(t)
		b.config = b.config.Clone()
		b.config.ServerName = "other.test"
		if got := b.meets(t); got.accepts {
			t.Fatalf("%s: %+v", VersionName(version), got)
		}
		other := root.issue(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), "other.test", false, time.Now().Add(24*time.Hour))
		b.shown = &other
		b.begins(t)
	}
}

// oneSession is a cache that has one session for all servers.
type oneSession struct{ state *ClientSessionState }

func (o *oneSession) Get(string) (*ClientSessionState, bool)  { return o.state, o.state != nil }
func (o *oneSession) Put(_ string, state *ClientSessionState) { o.state = state }

// TestRootsHaveNames is about what crypto/x509 shows nobody: a Go in which it fails has changed that.
func TestRootsHaveNames(t *testing.T) {
	now := time.Now()
	one, same, short := newAuthority("name"), newAuthority("name"), newAuthorityUntil("short", time.Hour, nil)
	for _, server := range []bool{false, true} {
		read := map[bool]func(*x509.CertPool) ([]root, bool){false: sumsOfPool, true: rootsOfPool}[server]
		rootsOf := func(pool *x509.CertPool) *trustedRoots { return &trustedRoots{server: server, pool: pool, read: read} }
		nameOf := func(pool *x509.CertPool) digest { return rootsOf(pool).namesAt(now)[0] }
		if nameOf(poolWith(one, same, one)) != nameOf(poolWith(same, one)) {
			t.Error("the order makes another pool")
		}
		names := map[digest]bool{}
		for _, pool := range []*x509.CertPool{poolWith(), poolWith(one), poolWith(same), poolWith(one, same)} {
			names[nameOf(pool)] = true
		}
		if len(names) != 4 {
			t.Errorf("4 pools have %d names", len(names))
		}
		pool := poolWith(one)
		roots := rootsOf(pool)
		name := roots.namesAt(now)[0]
		pool.AddCert(same.certificate)
		if !roots.known || !slices.Contains(roots.namesAt(now), name) {
			t.Error("a root that is added makes sessions worthless")
		}
		both := roots.namesAt(now)[0]
		*pool = *poolWith(one)
		if slices.Contains(roots.namesAt(now), both) {
			t.Error("a root that was added and taken out leaves the name")
		}
		before := roots.namesAt(now)
		*pool = *poolWith(same)
		if after := roots.namesAt(now); slices.ContainsFunc(after, func(name digest) bool { return slices.Contains(before, name) }) {
			t.Error("a pool that was overwritten keeps a name")
		}
		if !slices.Equal(roots.namesAt(now.Add(time.Hour)), roots.namesAt(now)) {
			t.Error("time that ends nothing makes another name")
		}
	}
	roots := &trustedRoots{server: true, pool: poolWith(one, short), read: rootsOfPool}
	both := roots.namesAt(now)[0]
	if slices.Contains(roots.namesAt(now.Add(2*time.Hour)), both) {
		t.Error("a root that has ended is in the name")
	}
	early := &trustedRoots{server: true, pool: poolWith(one, short), read: rootsOfPool}
	if early.namesAt(now.Add(-30 * 24 * time.Hour))[0] == both {
		t.Error("a root that does not count yet is in the name")
	}
}

// TestPoolsOfAnotherGo has pools of which nothing can be read: no name is had twice, and a change is seen all the same.
func TestPoolsOfAnotherGo(t *testing.T) {
	unreadable := func(*x509.CertPool) ([]root, bool) { return nil, false }
	names := map[digest]bool{}
	for range 2 {
		pool := poolWith(newAuthority("name"))
		roots := &trustedRoots{pool: pool, read: unreadable}
		for range 2 {
			name := roots.namesAt(time.Now())[0]
			if names[name] || roots.namesAt(time.Now())[0] != name {
				t.Error("a name is had twice, or another one without a change")
			}
			names[name] = true
			*pool = *poolWith(newAuthority("name"))
		}
	}
}

// TestARootThatWasAddedAndTakenOut has a pool that comes to have one root more, without which a session that was begun with it is none.
func TestARootThatWasAddedAndTakenOut(t *testing.T) {
	for _, version := range []uint16{VersionTLS12, VersionTLS13} {
		for _, client := range []bool{true, false} {
			for _, inPlace := range []bool{true, false} {
				for at, after := range map[string]func(*beginning, *testing.T, func()){"at once": (*beginning).directly, "late": (*beginning).goesOn} {
					t.Run(fmt.Sprintf("%s/client=%v/in place=%v/%s", VersionName(version), client, inPlace, at), func(t *testing.T) {
						b := newBeginning(version, client)
						stays, added, stranger := newAuthority("stays"), newAuthority("added"), newAuthority("stranger")
						pool := poolWith(stays)
						b.trusts(pool, nil)
						b.shows(stranger, 24*time.Hour)
						if got := b.meets(t); got.accepts {
							t.Fatalf("%+v", got)
						}
						pool.AddCert(added.certificate)
						b.shows(added, 24*time.Hour)
						b.begins(t)
						if inPlace {
							*pool = *poolWith(stays)
						} else {
							b.trusts(poolWith(stays), nil)
						}
						after(b, t, func() { b.shows(stays, 24*time.Hour) })
					})
				}
			}
		}
	}
}
