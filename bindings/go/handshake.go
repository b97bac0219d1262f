//go:build cgo

package tls

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
)

var (
	errEarlyCloseWrite = errors.New("tls: CloseWrite called before handshake complete")
	errNoServerName    = errors.New("tls: either ServerName or InsecureSkipVerify must be specified in the tls.Config")
)

func itoa(n int) string { return strconv.Itoa(n) }

// Handshake does the handshake, unless it is done. Read and Write call it. A deadline that passes meanwhile can be set
// anew, and the handshake gone on with.
func (c *Conn) Handshake() error {
	if c.handshakeDone.Load() {
		return nil
	}
	return c.HandshakeContext(background)
}

// HandshakeContext is Handshake with a context. If that ends before the handshake is done, the connection is closed. Later
// it has no effect.
func (c *Conn) HandshakeContext(ctx context.Context) (err error) {
	if c.handshakeDone.Load() {
		return nil
	}
	if err := ctx.Err(); err != nil {
		c.conn.Close()
		return err
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { c.conn.Close() })
		// What the program is asked on the way may panic: the context has no effect on what is left, either.
		defer func() {
			if !stop() {
				// What came of it has to do with the context, even if it was done at the last moment.
				err = ctx.Err()
			}
		}()
	}
	return c.handshake(ctx)
}

func (c *Conn) handshake(ctx context.Context) error {
	c.handshakeMutex.Lock()
	defer c.handshakeMutex.Unlock()
	if c.handshakeDone.Load() {
		return nil
	}
	c.in.mutex.Lock()
	defer c.in.mutex.Unlock()
	if c.in.err != nil {
		return c.in.err
	}
	asking := handshakeContext{parent: ctx}
	defer asking.end()
	err := c.open()
	if err == nil {
		err = c.driveHandshake(&asking)
	} else if !c.isClient && err != errClosed {
		c.apologise(alertOfServer(err))
	}
	if err != nil {
		if c.closed.Load() {
			err = errClosed
		}
		// What the program refuses stays refused, whatever its error looks like.
		if !endures(err) || c.extra != nil && c.extra.refusal != nil {
			c.in.err = err
			c.in.drop()
			c.forgetHandshake()
		}
	}
	return err
}

// handshakeContext is the context of what the program is asked in a call of Handshake; it ends with that.
type handshakeContext struct {
	parent context.Context
	own    context.Context
	cancel context.CancelFunc
}

func (h *handshakeContext) get() context.Context {
	if h.own == nil {
		h.own, h.cancel = context.WithCancel(h.parent)
	}
	return h.own
}

func (h *handshakeContext) end() {
	if h.cancel != nil {
		h.cancel()
	}
}

// forgetHandshake drops what only the handshake needs.
func (c *Conn) forgetHandshake() {
	c.context = nil
	if e := c.extra; e != nil {
		e.identity, e.shown = nil, nil
		if e.refusal == nil && e.chains == nil && e.ocsp == nil {
			c.extra = nil
		}
	}
}

// apologise tells a client that this server cannot be one when its first record is in: a transport that
// is closed with bytes unread may lose the alert.
func (c *Conn) apologise(alert uint8) {
	in := &c.in
	for in.end-in.start < recordHeader || in.end-in.start < min(in.recordLength(), maxRecord) {
		if c.fill() != nil {
			return
		}
	}
	c.boundFarewell()
	c.conn.Write(plainAlert(alert))
}

// plainAlert is a record with a fatal alert that is not encrypted.
func plainAlert(alert uint8) []byte {
	const alertRecord, fatal = 21, 2
	return []byte{alertRecord, 3, 3, 0, 2, fatal, alert}
}

// driveHandshake goes on until the handshake is done or fails. What it needs to go on after a deadline is in c.in, c.out and
// the library. The caller has the locks of handshakeMutex and in.
func (c *Conn) driveHandshake(ctx *handshakeContext) error {
	in := &c.in
	for {
		if c.isClient && c.config.choosesIdentity() {
			c.noteProtected()
		}
		s, failed := c.process()
		if c.closed.Load() {
			return errClosed
		}
		c.writeKeyLog()
		status := s.answer
		// A failure that Go knows more about is told instead, and that Go has refused is enough.
		if c.extra != nil && c.extra.refusal != nil {
			failed = c.extra.refusal
		}
		done := failed == nil && s.state&(stateHandshaking|stateFailed) == 0
		if done {
			if err := c.confirm(); err != nil {
				return err
			}
			if c.closed.Load() {
				// While the program was asked.
				return errClosed
			}
		}
		if foreign, ok := failed.(RecordHeaderError); ok && foreign.Conn != nil {
			// Who speaks another protocol is not told in TLS: net/http answers in HTTP.
			return failed
		}
		if failed != nil {
			c.boundFarewell()
			if c.extra == nil || !c.extra.confirmed {
				// What ended it may have come with the client's last flight, and nobody has judged the client.
				if alert := AlertError(0); c.withholdTickets() && errors.As(failed, &alert) {
					c.conn.Write(plainAlert(uint8(alert)))
				}
			}
		}
		if s.state&canDrain != 0 && (failed != nil || !c.mayWait(done)) {
			if err := c.sendAll(); failed == nil && err != nil {
				return c.flushError(err)
			}
		} else if c.hasUnsent() {
			if err := c.sendRest(); err != nil {
				return c.flushError(err)
			}
		}
		switch {
		case failed == io.EOF:
			return io.ErrUnexpectedEOF
		case failed != nil:
			return failed
		case done:
			c.handshakeDone.Store(true)
			c.forgetHandshake()
			if c.ownSessions {
				c.keepSessions()
			}
			in.releaseIfIdle()
			return nil
		}
		var err error
		switch status {
		case askContext:
			err = c.chooseContext(ctx)
		case askVerify:
			err = c.verifyPeer()
		case askSign:
			err = c.sign()
		case askIdentity:
			err = c.chooseIdentity(ctx)
		case wantDrain:
		default:
			if s.consumed == 0 || in.start == in.end {
				in.releaseIfIdle()
				err = c.fill()
			}
		}
		if err != nil {
			return err
		}
	}
}

// mayWait tells whether what is queued is better sent later. A transport such as net.Pipe takes bytes only as the peer reads
// them, and then it must not be waited for while the peer is sending itself.
func (c *Conn) mayWait(done bool) bool {
	if done {
		// Tickets of a TLS 1.3 server: they go with what it writes first. To a client that closes without having read them
		// they would cost what it wrote: TCP resets a connection that is closed with bytes unread.
		tickets := false
		c.ask(func(h handle) { tickets = !c.isClient && h.facts().version == VersionTLS13 })
		c.tickets.Store(tickets)
		return tickets
	}
	// The ChangeCipherSpec that a TLS 1.3 client sends for middleboxes (RFC 8446, D.4), in the middle of the server's flight.
	const changeCipherSpec = 6
	queued := 0
	c.ask(func(h handle) { queued = h.queued() })
	return c.isClient && queued == changeCipherSpec
}

// sendAll is flush with its lock, whatever the transport does.
func (c *Conn) sendAll() error {
	c.out.mutex.Lock()
	defer c.out.mutex.Unlock()
	return c.flush()
}

// sendRest is send with its lock.
func (c *Conn) sendRest() error {
	c.out.mutex.Lock()
	defer c.out.mutex.Unlock()
	return c.send()
}

// flushError prefers what the peer says about why it takes no more. Nothing is waited for.
func (c *Conn) flushError(err error) error {
	var op *net.OpError
	if c.closed.Load() && errors.As(err, &op) {
		return errClosed
	}
	return err
}

// hasUnsent tells whether the transport was interrupted by a deadline.
func (c *Conn) hasUnsent() bool {
	c.out.mutex.Lock()
	defer c.out.mutex.Unlock()
	return len(c.out.wire) > 0
}

// serverName is the name that the server's certificate must be for; "" if there is none.
func (c *Conn) serverName() string {
	if c.name != "" {
		return c.name
	}
	return c.config.ServerName
}

// nameForEngine is the server name in the form that the library takes; "" if there is none, and none is verified.
func (c *Conn) nameForEngine() (string, error) {
	name := c.serverName()
	if name == "" {
		if !c.config.InsecureSkipVerify {
			return "", errNoServerName
		}
		return "", nil
	}
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		name = name[1 : len(name)-1]
	}
	if zone := strings.LastIndex(name, "%"); zone > 0 && strings.Contains(name, ":") {
		name = name[:zone]
	}
	return strings.TrimSuffix(name, "."), nil
}

// writeKeyLog writes the lines that wait to the KeyLogWriter.
func (c *Conn) writeKeyLog() {
	if c.config.KeyLogWriter == nil || !c.enter() {
		return
	}
	var lines []string
	for {
		line := c.handle.keyLogLine()
		if line == "" {
			break
		}
		lines = append(lines, line)
	}
	c.leave()
	keyLogMutex.Lock()
	defer keyLogMutex.Unlock()
	for _, line := range lines {
		io.WriteString(c.config.KeyLogWriter, line+"\n")
	}
}
