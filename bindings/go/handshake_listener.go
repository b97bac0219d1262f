//go:build cgo

package tls

import (
	"context"
	"net"
	"sync"
	"time"
)

// NewHandshakeListener is NewListener for servers that look at ConnectionState before they read: net/http does so in Go 1.25
// and 1.26, and takes what it finds for Request.TLS. Accept hands over connections whose handshake is done. Handshakes go on beside
// each other, none holds up another one; one that has failed, or is not done after timeout (ten seconds if that is 0), is
// closed, and nobody else hears of it.
func NewHandshakeListener(inner net.Listener, config *Config, timeout time.Duration) net.Listener {
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithCancel(background)
	l := &handshakeListener{Listener: inner, config: config, timeout: timeout, ready: make(chan *Conn), ctx: ctx, cancel: cancel}
	return l
}

type handshakeListener struct {
	net.Listener
	config  *Config
	timeout time.Duration
	start   sync.Once
	ready   chan *Conn
	// It ends with Close, or with the first error of the listener below, which is then in err.
	ctx    context.Context
	cancel context.CancelFunc
	mutex  sync.Mutex
	err    error
}

// Accept waits for the next connection whose handshake is done.
func (l *handshakeListener) Accept() (net.Conn, error) {
	l.start.Do(func() { go l.run() })
	select {
	case conn := <-l.ready:
		return conn, nil
	case <-l.ctx.Done():
		l.mutex.Lock()
		defer l.mutex.Unlock()
		return nil, l.err
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
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				continue
			}
			l.end(err)
			return
		}
		go l.shake(Server(raw, l.config))
	}
}

func (l *handshakeListener) shake(conn *Conn) {
	ctx, cancel := context.WithTimeout(l.ctx, l.timeout)
	defer cancel()
	if conn.HandshakeContext(ctx) == nil {
		select {
		case l.ready <- conn:
			return
		case <-l.ctx.Done():
		}
	}
	conn.NetConn().Close()
	conn.Close()
}
