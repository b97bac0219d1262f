//go:build cgo

package tls

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"reflect"
	"slices"
	"sync"
	"time"
	"unsafe"
)

// trustedRoots are what peers are verified with: the certificates of one pool, one PEM text or the system. They have a name, which
// changes when one of those that had counted does not count any more: its time is over, it was taken out, or the pool was overwritten. The
// name is in the digests of contexts and in the names of ticket keys, so that sessions from before are not resumed then, and the handshake is
// a full one. What was verified without a root that comes to count still is: a client's have the same name then, and a server's
// their former one beside the new one.
type trustedRoots struct {
	mutex  sync.Mutex
	server bool
	pool   *x509.CertPool // the program's; nil for others, which do not change
	read   func(*x509.CertPool) ([]root, bool)
	then   *x509.CertPool // a copy of it, by which changes are seen
	all    []root
	known  bool // whether all is what is in there
	namedRoots
	// A client's name has come to stand for more than it was made of, and is not to be had again.
	wider bool
	// Names of a server's of which all roots still count, the oldest first.
	former []namedRoots
	// Which of all count is the same between these two.
	from, until time.Time
}

// namedRoots are a name and the sums of the roots that it stands for, sorted.
type namedRoots struct {
	name digest
	sums []string
}

// within tells whether all of them are among others.
func (n *namedRoots) within(sums []string) bool {
	return !slices.ContainsFunc(n.sums, func(sum string) bool {
		_, found := slices.BinarySearch(sums, sum)
		return !found
	})
}

// Most former names of a server's roots.
const mostFormer = 16

// root is a trusted certificate: something that tells it from others, and when it counts; always, if there is no time.
type root struct {
	sum         string
	first, last time.Time
}

func (r root) counts(now time.Time) bool {
	return r.last.IsZero() || !now.Before(r.first) && !now.After(r.last)
}

func rootOf(certificate *x509.Certificate) root {
	sum := sha256.Sum256(certificate.Raw)
	return root{string(sum[:]), certificate.NotBefore, certificate.NotAfter}
}

// Most pools and PEM texts of which a registry knows the names.
const mostRoots = 64

// nameRoots puts into the settings what their roots are called now, if peers are verified.
func (r *registry) nameRoots(s *settings, last *remembered, server bool, now time.Time) {
	if server && s.auth < VerifyClientCertIfGiven || !server && (s.insecure || s.pool == nil && s.rootsPEM == nil) {
		// A client's contexts note by themselves until when the system's roots count: to look at all of them would cost some
		// milliseconds, and their memory.
		last.roots = nil
		return
	}
	if last.roots == nil || last.settings.pool != s.pool || !samePlace(last.settings.rootsPEM, s.rootsPEM) {
		last.roots = r.rootsOf(s, server)
	}
	names := last.roots.namesAt(now)
	s.roots, s.formerRoots = names[0], names[1:]
}

func (r *registry) rootsOf(s *settings, server bool) *trustedRoots {
	var key any = s.pool
	if s.rootsPEM != nil {
		key = sha256.Sum256(s.rootsPEM)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if known := r.roots[key]; known != nil {
		return known
	}
	// Of the roots in a client's pool it is not looked at when they end: its contexts see to that, too.
	made := &trustedRoots{server: server, pool: s.pool, read: sumsOfPool}
	if server {
		made.read = rootsOfPool
	}
	switch {
	case s.rootsPEM != nil:
		made.all, made.known = rootsOfPEM(s.rootsPEM), true
	case s.pool == nil:
		if system, err := x509.SystemCertPool(); err == nil {
			made.all, made.known = rootsOfPool(system)
		}
	}
	keep(&r.roots, mostRoots, key, made)
	return made
}

// namesAt gives the name at that time, and after it others by which sessions are still good.
func (t *trustedRoots) namesAt(now time.Time) []digest {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.look(now)
	names := []digest{t.name}
	for _, former := range t.former {
		names = append(names, former.name)
	}
	return names
}

// look sees to it that the names are right at that time.
func (t *trustedRoots) look(now time.Time) {
	changed := t.pool != nil && (t.then == nil || !t.pool.Equal(t.then))
	if changed {
		t.then = t.pool.Clone()
		t.all, t.known = t.read(t.then)
	}
	unnamed := t.name == digest{}
	if !t.known {
		if changed || unnamed {
			// Of this content of this pool in this process, and of nothing else ever.
			t.name = newName()
		}
		return
	}
	if !changed && !unnamed && !now.Before(t.from) && now.Before(t.until) {
		return
	}
	count := t.counting(now)
	if !unnamed && slices.Equal(t.sums, count) {
		return
	}
	if !unnamed && !t.server && t.within(count) {
		t.sums, t.wider = count, true
		return
	}
	if !unnamed {
		t.former = append(t.former, t.namedRoots)
	}
	t.namedRoots = namedRoots{nameOf(count), count}
	if t.wider {
		t.name = newName()
	}
	t.former = slices.DeleteFunc(t.former, func(former namedRoots) bool {
		return !t.server || former.name == t.name || !former.within(count)
	})
	t.former = t.former[max(0, len(t.former)-mostFormer):]
}

func nameOf(sums []string) (name digest) {
	hash := sha256.New()
	for _, sum := range sums {
		hash.Write([]byte(sum))
	}
	hash.Sum(name[:0])
	return name
}

// counting gives the sums of the roots that count, sorted, and notes how long it will be these.
func (t *trustedRoots) counting(now time.Time) []string {
	t.from, t.until = time.Time{}, time.Unix(1<<40, 0)
	var count []string
	for _, root := range t.all {
		if root.counts(now) {
			count = append(count, root.sum)
		}
		if root.last.IsZero() {
			continue
		}
		for _, change := range []time.Time{root.first, root.last.Add(1)} {
			if change.After(now) {
				t.until = earlier(t.until, change)
			} else if change.After(t.from) {
				t.from = change
			}
		}
	}
	slices.Sort(count)
	return slices.Compact(count)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// newName gives a name that nothing has had.
func newName() (name digest) {
	rand.Read(name[:])
	return name
}

// rootsOfPEM reads as CertPool.AppendCertsFromPEM does.
func rootsOfPEM(text []byte) []root {
	var roots []root
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" || len(block.Headers) != 0 {
			continue
		}
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			roots = append(roots, rootOf(certificate))
		}
	}
	return roots
}

// crypto/x509 shows nobody more of a pool than the subjects, and another key under the same name is another root. In a Go that keeps
// pools otherwise the following two answer false.

// sumsOfPool gives the roots of a pool without their times, for which crypto/x509 would have to parse them all.
func sumsOfPool(pool *x509.CertPool) ([]root, bool) {
	sums := reflect.ValueOf(pool).Elem().FieldByName("haveSum")
	if sums.Kind() != reflect.Map || sums.Type().Key().Kind() != reflect.Array || sums.Type().Key().Elem().Kind() != reflect.Uint8 ||
		sums.Type().Key().Len() < sha256.Size224 || sums.Len() != len(pool.Subjects()) {
		return nil, false
	}
	roots := make([]root, 0, sums.Len())
	for each := sums.MapRange(); each.Next(); {
		var sum bytes.Buffer
		for i := range each.Key().Len() {
			sum.WriteByte(byte(each.Key().Index(i).Uint()))
		}
		roots = append(roots, root{sum: sum.String()})
	}
	return roots, true
}

// rootsOfPool gives the roots of a pool.
func rootsOfPool(pool *x509.CertPool) ([]root, bool) {
	list := reflect.ValueOf(pool).Elem().FieldByName("lazyCerts")
	if list.Kind() != reflect.Slice || list.Type().Elem().Kind() != reflect.Struct || list.Len() != len(pool.Subjects()) {
		return nil, false
	}
	roots := make([]root, 0, list.Len())
	for i := range list.Len() {
		get := list.Index(i).FieldByName("getCert")
		if !get.IsValid() || get.Type() != reflect.TypeFor[func() (*x509.Certificate, error)]() {
			return nil, false
		}
		certificate, err := (*(*func() (*x509.Certificate, error))(unsafe.Pointer(get.UnsafeAddr())))()
		if err != nil {
			return nil, false
		}
		roots = append(roots, rootOf(certificate))
	}
	return roots, true
}
