//go:build cgo

package tls

import (
	"io"
	"net"
	"os"
	"sync"
)

// outbound is the way of bytes to the peer. All of it is guarded by mutex.
type outbound struct {
	mutex sync.Mutex
	// Wire bytes that the transport has not taken, in tiny or in the buffer; empty if it took all.
	wire   []byte
	buffer *buffer
	// For the record of a short message, which is sent without a look at the pools.
	tiny [tinyBuffer]byte
	// A close_notify was sent.
	shut bool
	// How it ended.
	err error
}

func (out *outbound) drop() {
	if out.buffer != nil {
		out.buffer.giveBack()
		out.buffer = nil
	}
	out.wire = nil
}

// unlockOut unlocks out and sees to what others wanted to be sent meanwhile.
func (c *Conn) unlockOut() {
	if c.closed.Load() {
		c.out.drop()
	}
	c.out.mutex.Unlock()
	c.flushIfNeeded()
}

// flushIfNeeded sends what the library has queued by itself (an answer to a KeyUpdate, an alert), unless somebody is
// writing, who will do so.
func (c *Conn) flushIfNeeded() {
	for c.needsFlush.Load() && c.out.mutex.TryLock() {
		func() {
			defer c.out.mutex.Unlock()
			c.needsFlush.Store(false)
			// What cannot be sent is told to who writes next.
			c.flush()
		}()
	}
}

// send gives the transport what it has not taken. After an error that passes the rest waits. The caller has the lock of out.
func (c *Conn) send() error {
	out := &c.out
	for len(out.wire) > 0 {
		n, err := c.conn.Write(out.wire)
		if err = c.sent(n, err); err != nil {
			return err
		}
	}
	return nil
}

// sent notes what the transport has taken of what waits.
func (c *Conn) sent(n int, err error) error {
	out := &c.out
	if n < 0 || n > len(out.wire) {
		panic("tls: the transport's Write answers an impossible count")
	}
	if out.wire = out.wire[n:]; len(out.wire) == 0 {
		// Whatever else is wrong comes again with the next call.
		out.drop()
		return nil
	}
	if err == nil && n == 0 {
		err = io.ErrShortWrite
	}
	if err != nil && !endures(err) {
		if c.closed.Load() {
			err = errClosed
		}
		out.err = err
		out.drop()
	}
	return err
}

// flush sends what waits, and what the library has queued. The caller has the lock of out.
func (c *Conn) flush() error {
	out := &c.out
	if out.err != nil {
		return out.err
	}
	for {
		if err := c.send(); err != nil {
			return err
		}
		if !c.enter() {
			return errClosed
		}
		c.tickets.Store(false)
		buffer := takeBuffer(recordBuffer)
		s := c.handle.drainInto(buffer.bytes)
		c.leave()
		if s.answer > 0 {
			out.buffer, out.wire = buffer, buffer.bytes[:s.answer]
		} else {
			buffer.giveBack()
		}
		if err := c.send(); err != nil || s.queued <= 0 {
			return err
		}
	}
}

// Write encrypts b and sends it. If a deadline passes on the way, the answer counts what was encrypted: it is sent before
// anything else once there is time again.
func (c *Conn) Write(b []byte) (int, error) {
	if !c.handshakeDone.Load() {
		if err := c.Handshake(); err != nil {
			return 0, err
		}
	}
	out := &c.out
	out.mutex.Lock()
	defer c.unlockOut()
	if err := c.mayWrite(); err != nil || len(b) == 0 {
		return 0, err
	}
	// This is write, which is not called for the reason that Read has not to call next.
	written := 0
	for written < len(b) || len(out.wire) > 0 {
		if len(out.wire) == 0 {
			n, err := c.seal(b[written:])
			if err != nil {
				return written, err
			}
			written += n
		}
		n, err := c.conn.Write(out.wire)
		if n == len(out.wire) && out.buffer == nil {
			out.wire = nil
		} else if err = c.sent(n, err); err != nil {
			return written, err
		}
	}
	return written, nil
}

// mayWrite answers why nothing can be written, if it is so. The caller has the lock of out.
func (c *Conn) mayWrite() error {
	switch {
	case c.closed.Load():
		return errClosed
	case c.out.err != nil:
		return c.out.err
	case c.out.shut:
		return errShutdown
	case hasPassed(&c.writeDeadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// write is Write with the lock of out.
func (c *Conn) write(b []byte) (int, error) {
	if err := c.mayWrite(); err != nil {
		return 0, err
	}
	written := 0
	for written < len(b) {
		if err := c.send(); err != nil {
			return written, err
		}
		n, err := c.seal(b[written:])
		if err != nil {
			return written, err
		}
		written += n
		if err := c.send(); err != nil {
			return written, err
		}
	}
	return written, nil
}

// seal encrypts as many bytes of b as one call takes, and says how many. Afterwards they wait to be sent, before which nothing has waited.
// The caller has the lock of out.
func (c *Conn) seal(b []byte) (int, error) {
	out := &c.out
	for {
		room := out.tiny[:]
		if size := wireSize(len(b)); size > len(room) {
			out.buffer = takeBuffer(size)
			room = out.buffer.bytes
		}
		// Once the connection is closed the handle is 0, which explain knows.
		c.engine.Lock()
		s := c.handle.writeInto(b, room)
		c.engine.Unlock()
		if s.answer > 0 {
			out.wire = room[:s.answer]
			return s.consumed, nil
		}
		out.drop()
		if s.answer != wantDrain {
			// Who reads may be changing what the peer sent.
			out.err = c.explain(s.answer, nil)
			return 0, out.err
		}
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
}

// wireSize is how large a buffer should be for the wire form of some plain bytes.
func wireSize(plain int) int {
	const perRecord, keyUpdate = 29, 64
	if plain >= bulkBuffer {
		return bulkBuffer
	}
	return plain + (plain/16000+1)*perRecord + keyUpdate
}

// ReadFrom writes what r gives until its end, which is no error.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if err := c.Handshake(); err != nil {
		return 0, err
	}
	// Bytes come into a small buffer, and into a large one as long as they fill it: who waits for them holds little.
	plain, room := takeBuffer(recordBuffer), recordPlain
	defer func() { plain.giveBack() }()
	var total int64
	for {
		plain.used = room
		n, err := r.Read(plain.bytes[:room])
		if n > 0 {
			written, err := c.Write(plain.bytes[:n])
			total += int64(written)
			if err != nil {
				return total, err
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		switch {
		case n == room && room < bulkPlain:
			plain.giveBack()
			plain, room = takeBuffer(bulkBuffer), bulkPlain
		case n < recordPlain && room == bulkPlain:
			plain.giveBack()
			plain, room = takeBuffer(recordBuffer), recordPlain
		}
	}
}

// Plain bytes of the largest record, and of as many as fill a large buffer.
const (
	recordPlain = 16384
	bulkPlain   = 7 * recordPlain
)

// WriteBuffers writes the buffers one after the other, as if they were one: small ones go together into one record. Like
// WriteTo of net.Buffers it removes what was written from *buffers.
func (c *Conn) WriteBuffers(buffers *net.Buffers) (int64, error) {
	if err := c.Handshake(); err != nil {
		return 0, err
	}
	c.out.mutex.Lock()
	defer c.unlockOut()
	var gathered *buffer
	defer func() {
		if gathered != nil {
			gathered.giveBack()
		}
	}()
	var total int64
	for len(*buffers) > 0 {
		first := (*buffers)[0]
		if len(*buffers) > 1 && len(first) < recordPlain {
			if gathered == nil {
				gathered = takeBuffer(recordBuffer)
				gathered.used = recordPlain
			}
			n := 0
			for _, b := range *buffers {
				n += copy(gathered.bytes[n:recordPlain], b)
			}
			first = gathered.bytes[:n]
		}
		n, err := c.write(first)
		total += int64(n)
		consume(buffers, n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// consume removes the first n bytes, and the empty buffers in front.
func consume(buffers *net.Buffers, n int) {
	for len(*buffers) > 0 {
		length := len((*buffers)[0])
		if length > n {
			(*buffers)[0] = (*buffers)[0][n:]
			return
		}
		n -= length
		(*buffers)[0] = nil
		*buffers = (*buffers)[1:]
	}
}
