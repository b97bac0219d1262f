//go:build cgo

package tls

import (
	"crypto/rand"
	"crypto/tls"
	"runtime"
	"sync"
)

// A ClientSessionCache of the program keeps what crypto/tls has for sessions, ClientSessionStates. The library's sessions cannot be
// in there: what is, is a name for one, which lives as long as the state does. In another process, and for crypto/tls, it is
// the name of nothing, and the handshake is a full one.

// sessionMark begins the names.
const sessionMark = "tlsbio session "

// keptSessions are the library's sessions, by their names.
var keptSessions sync.Map // string to *keptSession

// keptSession is a session of the library.
type keptSession struct{ handle handle }

// stateOf makes what a cache keeps of a session; nil if it cannot.
func stateOf(session handle) *ClientSessionState {
	var random [16]byte
	rand.Read(random[:])
	name := sessionMark + string(random[:])
	state := &tls.SessionState{Extra: [][]byte{[]byte(name)}}
	made, err := tls.NewResumptionState([]byte(name), state)
	if err != nil {
		freeSession(session)
		return nil
	}
	keptSessions.Store(name, &keptSession{session})
	runtime.AddCleanup(state, func(name string) {
		if kept, ok := keptSessions.LoadAndDelete(name); ok {
			freeSession(kept.(*keptSession).handle)
		}
	}, name)
	return made
}

// sessionOf finds the session of what a cache has kept; 0 if there is none.
func sessionOf(kept *ClientSessionState) handle {
	if kept == nil {
		return 0
	}
	_, state, err := kept.ResumptionState()
	if err != nil || state == nil {
		return 0
	}
	for _, extra := range state.Extra {
		if session, ok := keptSessions.Load(string(extra)); ok {
			return session.(*keptSession).handle
		}
	}
	return 0
}

// sessionsCache is the cache that the program keeps sessions in; nil if the library keeps them, or nobody does.
func (c *Conn) sessionsCache() ClientSessionCache {
	if !c.isClient || c.config.SessionTicketsDisabled {
		return nil
	}
	if _, own := c.config.ClientSessionCache.(*sessionCache); own {
		return nil
	}
	return c.config.ClientSessionCache
}

// sessionsKey is the key for the server's sessions, as in crypto/tls.
func (c *Conn) sessionsKey() string {
	if name := c.serverName(); name != "" {
		return name
	}
	if address := c.conn.RemoteAddr(); address != nil {
		return address.String()
	}
	return ""
}

// newClientHandle makes the library's connection, with a session of the program's cache if that has one.
func (c *Conn) newClientHandle(name string) (handle, report) {
	cache := c.sessionsCache()
	c.ownSessions = cache != nil && c.sessionsKey() != ""
	if c.ownSessions {
		state, _ := cache.Get(c.sessionsKey())
		if session := sessionOf(state); session != 0 {
			made, _ := newClient(c.context.handle, name, c.config.EncryptedClientHelloConfigList, session, true)
			runtime.KeepAlive(state)
			if made != 0 {
				return made, report{}
			}
			// It was used, or belongs to other settings.
		}
	}
	return newClient(c.context.handle, name, c.config.EncryptedClientHelloConfigList, 0, c.ownSessions)
}

// keepSessions gives the program's cache what the server has sent.
func (c *Conn) keepSessions() {
	var sessions []handle
	c.ask(func(h handle) {
		for session := h.takeSession(); session != 0; session = h.takeSession() {
			sessions = append(sessions, session)
		}
	})
	// The newest was taken first.
	for i := len(sessions) - 1; i >= 0; i-- {
		if state := stateOf(sessions[i]); state != nil {
			c.sessionsCache().Put(c.sessionsKey(), state)
		}
	}
}
