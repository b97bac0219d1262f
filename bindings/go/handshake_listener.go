//go:build cgo

package tls

import (
	"context"
	"errors"
	"log"
	"net"
	"runtime/debug"
	"sync"
	"time"
)

// NewHandshakeListener is NewListener for servers that look at ConnectionState before they read: net/http does so in Go 1.25
// and 1.26, and takes what it finds for Request.TLS. Accept hands over connections whose handshake is done. Handshakes go on beside
// each other, none holds up another one; one that has failed, or is not done after timeout (ten seconds if that is 0), is
// closed, and nobody else hears of it.
//
// An error of inner's Accept, a deadline that has passed included, is the answer of one Accept here; the next one asks inner again,
// unless the error is net.ErrClosed. A panic in a function of config ends that connection, and is logged, as net/http does it.
func NewHandshakeListener(inner net.Listener, config *Config, timeout time.Duration) net.Listener {
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithCancel(background)
	l := &handshakeListener{Listener: inner, config: config, timeout: timeout, ready: make(chan *Conn), failed: make(chan error),
		wanted: make(chan asker), ctx: ctx, cancel: cancel}
	return l
}

type handshakeListener struct {
	net.Listener
	config  *Config
	timeout time.Duration
	start   sync.Once
	ready   chan *Conn
	failed  chan error
	// Who is in Accept says so here to run, where that waits for it.
	wanted chan asker
	// It ends with Close, or when the listener below is closed; why is in err.
	ctx    context.Context
	cancel context.CancelFunc
	mutex  sync.Mutex
	err    error
}

// asker is a call of Accept.
type asker struct {
	answer chan error
	gone   chan struct{}
}

// Accept waits for the next connection whose handshake is done.
func (l *handshakeListener) Accept() (net.Conn, error) {
	l.start.Do(func() { go l.run() })
	here := asker{make(chan error), make(chan struct{})}
	defer close(here.gone)
	for {
		select {
		case conn := <-l.ready:
			return conn, nil
		case err := <-l.failed:
			return nil, err
		case err := <-here.answer:
			return nil, err
		case l.wanted <- here:
		case <-l.ctx.Done():
			l.mutex.Lock()
			defer l.mutex.Unlock()
			return nil, l.err
		}
	}
}

// Close closes the listener, and the connections that nobody has accepted.
func (l *handshakeListener) Close() error {
	err := l.Listener.Close()
	l.end(net.ErrClosed)
	return err
}

func (l *handshakeListener) end(err error) {
	l.mutex.Lock()
	if l.err == nil {
		l.err = err
	}
	l.mutex.Unlock()
	l.cancel()
}

func (l *handshakeListener) run() {
	// Nobody is known to have asked before the first error.
	last := asker{gone: make(chan struct{})}
	close(last.gone)
	for {
		raw, err := l.Listener.Accept()
		if err == nil {
			go l.shake(Server(raw, l.config))
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			l.end(err)
			return
		}
		var open bool
		if last, open = l.tell(err, last); !open {
			return
		}
	}
}

// tell hands an error of the listener below to an Accept here, and answers the next one that asks: for that the listener below is
// asked again, so that it may fail as long as it likes and nobody is busy with it. It answers false when this listener is closed.
func (l *handshakeListener) tell(err error, to asker) (asker, bool) {
	if endures(err) {
		// A deadline counts for who asked before it was found to have passed: for others it may be another one.
		select {
		case to.answer <- err:
		case <-to.gone:
		}
	} else {
		select {
		case l.failed <- err:
		case <-l.ctx.Done():
			return to, false
		}
	}
	select {
	case next := <-l.wanted:
		return next, true
	case <-l.ctx.Done():
		return to, false
	}
}

// shake does the handshake of a connection. What the program is asked on the way may panic, or end the goroutine.
func (l *handshakeListener) shake(conn *Conn) {
	accepted := false
	defer func() {
		if failure := recover(); failure != nil {
			log.Printf("tls: panic in the handshake with %v: %v\n%s", conn.RemoteAddr(), failure, debug.Stack())
		}
		if !accepted {
			conn.NetConn().Close()
			conn.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(l.ctx, l.timeout)
	defer cancel()
	if conn.HandshakeContext(ctx) == nil {
		select {
		case l.ready <- conn:
			accepted = true
		case <-l.ctx.Done():
		}
	}
}
