//go:build cgo

package tls

import (
	"crypto/rand"
	"crypto/sha256"
	"math"
	"slices"
	"sync"
	"time"
)

// Most contexts that are known at a time: of one Config and its clones, those that GetConfigForClient answers, and one for
// each certificate that GetCertificate answers.
const mostContexts = 1024

// registry knows contexts by what they were built of.
type registry struct {
	mutex    sync.Mutex
	contexts map[digest]*sharedContext
	// What peers are verified with, by the program's pools and the digests of PEM texts.
	roots map[any]*trustedRoots
	// Of the tickets of servers.
	keys ticketKeys
}

// get gives the context of that digest and with the keys of those certificates, built if there is none that may go on. One that may
// not is what build is told of.
func (r *registry) get(key digest, certificates []Certificate, now time.Time, build func(former *sharedContext) (*sharedContext, error)) (*sharedContext, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	former := r.contexts[key]
	if former != nil && !former.ended(now) {
		if former.hasKeys(certificates) {
			return former, nil
		}
		former = nil
	}
	built, err := build(former)
	if err != nil {
		return nil, err
	}
	keep(&r.contexts, mostContexts, key, built)
	return built, nil
}

// family is what a Config has in common with its clones, and what those have for contexts that GetConfigForClient answers.
type family struct {
	clients    registry
	identities registry
	// Servers without tickets, those whose ticket keys are made here, and those that have keys of the program, by the digest
	// of these.
	ticketless registry
	automatic  registry
	mutex      sync.Mutex
	explicit   map[digest]*registry
}

// Most sets of ticket keys of the program that are known at a time.
const mostKeySets = 16

// servers gives the registry for servers with ticket keys of the program; for no keys that of those that are made here.
func (f *family) servers(keys [][32]byte) *registry {
	if len(keys) == 0 {
		return &f.automatic
	}
	name := sha256.New()
	for i := range keys {
		name.Write(keys[i][:])
	}
	key := digest(name.Sum(nil))
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if known := f.explicit[key]; known != nil {
		return known
	}
	made := &registry{keys: ticketKeys{given: slices.Clone(keys)}}
	keep(&f.explicit, mostKeySets, key, made)
	return made
}

// ticketKeys are keys for the tickets of servers: those of the program, or some that are made here as crypto/tls makes them.
type ticketKeys struct {
	given [][32]byte
	made  []madeKey // the newest first
}

type madeKey struct {
	key [32]byte
	at  time.Time
}

// As in crypto/tls: how long a key that is made here encrypts, and how long it decrypts.
const (
	keyRotation = 24 * time.Hour
	keyLifetime = 7 * keyRotation
)

// rotate makes a new key if it is time to; then contexts have to be told.
func (k *ticketKeys) rotate(now time.Time) bool {
	if k.given != nil || len(k.made) > 0 && now.Sub(k.made[0].at) < keyRotation {
		return false
	}
	fresh := madeKey{at: now}
	rand.Read(fresh.key[:])
	valid := []madeKey{fresh}
	for _, old := range k.made {
		if now.Sub(old.at) < keyLifetime {
			valid = append(valid, old)
		}
	}
	clear(k.made)
	k.made = valid
	return true
}

func (k *ticketKeys) all() [][32]byte {
	if k.given != nil {
		return k.given
	}
	keys := make([][32]byte, len(k.made))
	for i := range k.made {
		keys[i] = k.made[i].key
	}
	return keys
}

// refresh gives all contexts new keys if it is time to.
func (r *registry) refresh(now time.Time) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if !r.keys.rotate(now) {
		return nil
	}
	for _, context := range r.contexts {
		if err := context.setTicketKeys(r.keys.all()); err != nil {
			return err
		}
	}
	return nil
}

// setTicketKeys gives a server's context the keys of its tickets: the first encrypts, all decrypt.
func (s *sharedContext) setTicketKeys(keys [][32]byte) error {
	if s.noTickets {
		// It takes none, whatever they are sealed with. A key would decrypt, even one that never encrypts.
		return nil
	}
	list := make([]ticketKey, 0, len(keys)*len(s.verifiedWith))
	for i, key := range keys {
		if slices.Contains(keys[:i], key) {
			continue
		}
		for former, roots := range s.verifiedWith {
			// The library wants a name for each key that tells it without betraying it, and 32 to 64 secret bytes. A session says
			// what its client was verified with, so one of other roots is none here.
			var with []byte
			if roots != (digest{}) {
				with = roots[:]
			}
			name := sha256.Sum256(slices.Concat([]byte("tlsbio ticket key name"), with, key[:]))
			more := sha256.Sum256(slices.Concat([]byte("tlsbio ticket key secret"), with, key[:]))
			made := ticketKey{until: math.MaxInt64}
			if former == 0 {
				// Of the keys whose time it is the newest encrypts: the first.
				made.from = uint64(len(keys) - i)
			}
			copy(made.name[:], name[:])
			copy(made.secret[:], key[:])
			copy(made.secret[len(key):], more[:])
			list = append(list, made)
		}
	}
	err := s.handle.setTicketKeys(list)
	clear(list)
	return err
}

// remembered is the context that a Config had last, and what was set then.
type remembered struct {
	settings     settings
	base         digest
	certificates []Certificate
	registry     *registry
	context      *sharedContext
	// What is verified with, of settings.pool or settings.rootsPEM.
	roots *trustedRoots
}

// baseOf gives the digest of settings; nothing is digested if they are the same as the last time.
func (m *remembered) baseOf(s *settings) digest {
	if m.settings.least == 0 || !m.settings.same(s) {
		*m = remembered{settings: s.copied(), base: s.digest(), roots: m.roots}
	}
	return m.base
}

// has tells whether the last context is the one for these certificates. The settings are the last ones.
func (m *remembered) has(r *registry, certificates []Certificate, now time.Time) bool {
	return m.context != nil && m.registry == r && !m.context.ended(now) && sameCertificates(m.certificates, certificates)
}

func (m *remembered) remember(r *registry, certificates []Certificate, context *sharedContext) {
	m.registry, m.certificates, m.context = r, copyCertificates(certificates), context
}

// familyLocked gives the Config's family. The caller has the mutex.
func (c *Config) familyLocked() *family {
	if c.family == nil {
		c.family = new(family)
	}
	return c.family
}

// tell gives the library the clock of the Config, where it is the library that judges.
func (c *Config) tell(context *sharedContext, now time.Time) *sharedContext {
	if c.Time != nil {
		context.handle.setTime(now.Unix())
	}
	return context
}

// clientContext gives the context for clients, which has been told the time.
func (c *Config) clientContext() (*sharedContext, error) {
	now := c.now()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	s, err := c.settings(false)
	if err != nil {
		return nil, err
	}
	certificates := c.Certificates
	if s.asksIdentity {
		certificates = nil
	}
	// Sessions are with the contexts: who has the same cache and settings has the same sessions.
	where := &c.familyLocked().clients
	if cache, ok := c.ClientSessionCache.(*sessionCache); ok {
		where = &cache.contexts
	}
	where.nameRoots(&s, &c.clients, false, now)
	base := c.clients.baseOf(&s)
	if c.clients.has(where, certificates, now) {
		return c.tell(c.clients.context, now), nil
	}
	built, err := where.get(base.with(certificates), certificates, now, func(*sharedContext) (*sharedContext, error) { return s.build(false, certificates) })
	if err != nil {
		return nil, err
	}
	c.clients.remember(where, certificates, built)
	return c.tell(built, now), nil
}

// identityContext gives a context with what GetClientCertificate answered.
func (c *Config) identityContext(certificate *Certificate) (*sharedContext, error) {
	c.mutex.Lock()
	where := &c.familyLocked().identities
	c.mutex.Unlock()
	certificates := []Certificate{*certificate}
	return where.get(digest{}.with(certificates), certificates, time.Time{}, func(*sharedContext) (*sharedContext, error) { return buildIdentity(certificate) })
}

// serverContext gives the context for servers that show these certificates, which has been told the time. Tickets are those of origin, the Config itself or
// one whose GetConfigForClient has answered it, unless it has keys of its own.
func (c *Config) serverContext(origin *Config, certificates []Certificate) (*sharedContext, error) {
	now := c.now()
	// Never both locked: either may be the other's origin.
	origin.mutex.Lock()
	of, keys, disabled := origin.familyLocked(), origin.explicitKeys(), origin.SessionTicketsDisabled
	origin.mutex.Unlock()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	s, err := c.settings(true)
	if err != nil {
		return nil, err
	}
	own := c.explicitKeys()
	if own != nil {
		keys = own
	}
	where := of.servers(keys)
	s.noTickets = c.SessionTicketsDisabled || own == nil && disabled
	if s.noTickets {
		where = &of.ticketless
	}
	if err := where.refresh(now); err != nil {
		return nil, err
	}
	where.nameRoots(&s, &c.servers, true, now)
	base := c.servers.baseOf(&s)
	if c.servers.has(where, certificates, now) {
		return c.tell(c.servers.context, now), nil
	}
	built, err := where.get(base.with(certificates), certificates, now, func(former *sharedContext) (*sharedContext, error) {
		built, err := s.build(true, certificates)
		if err != nil {
			return nil, err
		}
		if s.auth >= VerifyClientCertIfGiven {
			built.verifiedWith = append([]digest{s.roots}, s.formerRoots...)
			if former != nil {
				// A session under its keys was refused, for what is not seen of the roots. The client would come with it again.
				built.verifiedWith = []digest{newName()}
			}
		} else {
			built.verifiedWith = []digest{{}}
		}
		return built, built.setTicketKeys(where.keys.all())
	})
	if err != nil {
		return nil, err
	}
	c.servers.remember(where, certificates, built)
	return c.tell(built, now), nil
}

// explicitKeys are the ticket keys that the program has set; nil if it has not. The caller has the mutex.
func (c *Config) explicitKeys() [][32]byte {
	if c.ticketKeys == nil && c.SessionTicketKey != [32]byte{} {
		return [][32]byte{c.SessionTicketKey}
	}
	return c.ticketKeys
}
