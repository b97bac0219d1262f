//go:build cgo

package tls

import (
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is a TLS connection. It is a net.Conn: one goroutine may read while another one writes, and Close ends both.
//
// Locks are taken in this order: handshakeMutex, in, out, engine.
type Conn struct {
	conn   net.Conn
	config *Config
	name   string  // of the server, where it is not the Config's
	source *source // nil for transports that cannot say when they are readable

	// What the library knows of this connection; 0 before it is made and after it was freed. One goroutine at a time may be
	// inside, never for longer than a call takes.
	engine sync.Mutex
	handle handle
	// What the handshake settled, once the library has freed the connection, or keeps it for who has its state alone.
	facts    *facts
	exporter handle

	handshakeMutex sync.Mutex
	in             inbound
	out            outbound

	extra *extra
	// What the handshake goes by; nil when that is over.
	context *sharedContext

	// The deadline as the program has set it, in Unix nanoseconds; 0 for none. That of reading is for the transport alone: what
	// was read before is given, as in crypto/tls.
	writeDeadline atomic.Int64

	isClient      bool
	ownSessions   bool // which go to the program's cache
	handshakeDone atomic.Bool
	closed        atomic.Bool
	// The library has wire bytes that nobody is about to send.
	needsFlush atomic.Bool
	// These are tickets, which wait for the first write.
	tickets atomic.Bool
	// Somebody has a state, by which keying material can be exported, also when the connection is closed.
	exports atomic.Bool
}

func newConn(conn net.Conn, config *Config, isClient bool) *Conn {
	c := &Conn{conn: conn, config: orDefault(config), isClient: isClient}
	c.source = newSource(c)
	c.in.waits = c.source == nil
	return c
}

// open makes the connection of the library, once. The caller has handshakeMutex.
func (c *Conn) open() error {
	if c.closed.Load() {
		return errClosed
	}
	if c.isOpen() {
		return nil
	}
	// The program is asked here, for the time and for a session: Close does not wait for its answer.
	made, err := c.newHandle()
	if err != nil {
		return err
	}
	c.engine.Lock()
	defer c.engine.Unlock()
	if c.closed.Load() {
		made.free()
		return errClosed
	}
	c.handle = made
	// For programs that forget Close. A handle that was freed is known no more, so that to free it again does nothing.
	runtime.AddCleanup(c, handle.free, made)
	return nil
}

// isOpen tells whether there is a connection of the library.
func (c *Conn) isOpen() bool {
	c.engine.Lock()
	defer c.engine.Unlock()
	return c.handle != 0
}

// newHandle makes a connection of the library. The caller has handshakeMutex.
func (c *Conn) newHandle() (handle, error) {
	var (
		made    handle
		problem report
	)
	if c.isClient {
		context, err := c.config.clientContext()
		if err != nil {
			return 0, err
		}
		name, err := c.nameForEngine()
		if err != nil {
			return 0, err
		}
		c.context = context
		made, problem = c.newClientHandle(name)
		if made == 0 && problem.reason == reasonNoName && c.config.InsecureSkipVerify {
			// crypto/tls takes any name where none is verified. One that cannot be of DNS is of no use to the server.
			made, problem = c.newClientHandle("")
		}
	} else if c.config.asksForServer() {
		made, problem = newServer(0)
	} else {
		if len(c.config.Certificates) == 0 {
			return 0, errNoCertificates
		}
		context, err := c.config.serverContext(c.config, c.config.Certificates)
		if err != nil {
			return 0, err
		}
		c.context = context
		of := context.handle
		if c.config.forgoesALPN() {
			of = 0
		}
		made, problem = newServer(of)
	}
	if made == 0 {
		return 0, &ConfigError{Message: problem.message}
	}
	return made, nil
}

// enter locks the engine; false, and nothing is locked, if the connection was closed.
func (c *Conn) enter() bool {
	c.engine.Lock()
	if c.handle == 0 {
		c.engine.Unlock()
		return false
	}
	return true
}

func (c *Conn) leave() { c.engine.Unlock() }

// LocalAddr gives the address of this side.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr gives the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// NetConn gives what this connection was made of. Reading or writing there breaks the connection.
func (c *Conn) NetConn() net.Conn { return c.conn }

// SetDeadline sets the deadlines of reading and writing; a zero time is none. What was interrupted can be gone on with
// under a new deadline: nothing is lost.
func (c *Conn) SetDeadline(t time.Time) error {
	c.writeDeadline.Store(deadlineNumber(t))
	return c.conn.SetDeadline(t)
}

// SetReadDeadline sets the deadline of reading; a zero time is none.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.conn.SetReadDeadline(t)
}

// SetWriteDeadline sets the deadline of writing; a zero time is none. Write counts what was encrypted: that is sent before
// anything else, as soon as there is time again.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.writeDeadline.Store(deadlineNumber(t))
	return c.conn.SetWriteDeadline(t)
}

func deadlineNumber(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	// Before 1970 is as much in the past as any other.
	return max(t.UnixNano(), 1)
}

func hasPassed(deadline *atomic.Int64) bool {
	at := deadline.Load()
	return at != 0 && time.Now().UnixNano() >= at
}

// Close ends the connection: it tells the peer, unless somebody is writing, unblocks Read and Write, closes what is below
// and frees what the library holds.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return errClosed
	}
	var unsent error
	if c.handshakeDone.Load() && c.out.mutex.TryLock() {
		c.boundFarewell()
		waits := len(c.out.wire) > 0
		// A peer that is gone needs no close_notify, but what was written should have reached it.
		if err := c.closeNotify(); err != nil && waits {
			unsent = fmt.Errorf("tls: what was written before a deadline could not be sent: %w", err)
		}
		c.out.mutex.Unlock()
	}
	err := c.conn.Close()
	c.release()
	if err != nil {
		return err
	}
	return unsent
}

// boundFarewell sees to it that the last words, an alert or a close_notify, are not waited for if the peer takes nothing.
func (c *Conn) boundFarewell() {
	c.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
}

// release frees what the library and the buffers hold. Who is in Read or Write gives its own back. What a state may be used for is freed
// with the last of who has it.
func (c *Conn) release() {
	c.engine.Lock()
	if c.handle != 0 {
		if c.handshakeDone.Load() {
			c.facts = c.collectFacts()
		}
		if c.exports.Load() && c.handshakeDone.Load() {
			c.exporter = c.handle
		} else {
			c.handle.free()
		}
		c.handle = 0
	}
	c.engine.Unlock()
	if c.in.mutex.TryLock() {
		c.in.drop()
		c.in.mutex.Unlock()
	}
	if c.out.mutex.TryLock() {
		c.out.drop()
		c.out.mutex.Unlock()
	}
}

// CloseWrite tells the peer that nothing more will be written, and waits for five seconds at most until the transport takes
// that, as crypto/tls does. What the peer still sends can be read.
func (c *Conn) CloseWrite() error {
	if !c.handshakeDone.Load() {
		return errEarlyCloseWrite
	}
	c.out.mutex.Lock()
	defer c.unlockOut()
	if c.closed.Load() {
		return errClosed
	}
	c.boundFarewell()
	return c.closeNotify()
}

// closeNotify seals a close_notify and sends all that is queued. The caller has the lock of out.
func (c *Conn) closeNotify() error {
	if c.out.err != nil {
		return c.out.err
	}
	c.out.shut = true
	if !c.enter() {
		return errClosed
	}
	status := c.handle.closeNotify()
	c.leave()
	if status <= firstFatal {
		return nil
	}
	return c.flush()
}
