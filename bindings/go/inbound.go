//go:build cgo

package tls

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// inbound is the way of bytes from the peer. All of it is guarded by mutex.
type inbound struct {
	mutex sync.Mutex
	// Nil while there is nothing: connections without traffic have no buffer.
	buffer *buffer
	// Wire bytes are buffer.bytes[start:end]. What is in front of start may be plain.
	start, end int
	// Plain bytes are in buffer.spans[span:spans].
	span, spans int
	// How many plain bytes who reads, or has read last, has room for.
	wanted int
	// Where a transport that cannot say when it is readable is waited for, if large.
	header [recordHeader]byte
	// The last record was too large for a small buffer.
	large bool
	// The transport cannot say when it is readable: a small buffer that it is waited with stays.
	waits bool
	// This connection waits with one of the large buffers that there are for that.
	spare bool
	// Nothing of use can come: the next call says why.
	ended bool
	// How it ended, or how the handshake failed.
	err error
}

// recordHeader is the length of a record's header: type, version and the length of what follows (RFC 8446, 5.1).
const recordHeader = 5

// hasPlain tells whether plain bytes wait.
func (in *inbound) hasPlain() bool { return in.span < in.spans }

// wire gives the wire bytes that are here.
func (in *inbound) wire() []byte {
	if in.buffer == nil {
		return nil
	}
	return in.buffer.bytes[in.start:in.end]
}

// drop gives the buffer back, whatever is in it.
func (in *inbound) drop() {
	in.returnSpare()
	if in.buffer != nil {
		in.buffer.giveBack()
		in.buffer = nil
	}
	in.start, in.end, in.span, in.spans = 0, 0, 0, 0
}

// releaseIfIdle gives the buffer back if nothing is in it, and nothing will be waited for with it.
func (in *inbound) releaseIfIdle() {
	if in.buffer != nil && in.start == in.end && !in.hasPlain() {
		in.rest()
	}
}

// rest is what becomes of a buffer with nothing in it.
func (in *inbound) rest() {
	if in.waits && !in.large && len(in.buffer.bytes) == smallBuffer {
		in.start, in.end, in.span, in.spans = 0, 0, 0, 0
	} else {
		in.drop()
	}
}

// moveTo puts the wire bytes to the front of another buffer. There are no plain bytes.
func (in *inbound) moveTo(other *buffer) {
	n := 0
	if in.buffer != nil {
		n = copy(other.bytes, in.buffer.bytes[in.start:in.end])
		in.buffer.giveBack()
	}
	in.buffer, in.start, in.end = other, 0, n
	other.used = n
}

// reserve makes room to read into behind the wire bytes, and gives it. It is for a record, or for as many plain bytes as
// somebody wants: what nobody reads stays with the peer and in the transport, and not here.
func (in *inbound) reserve() []byte {
	limit := min(max(wireSize(in.wanted), recordBuffer), bulkBuffer)
	if in.end-in.start >= limit {
		// A message of the handshake that lies in many records.
		limit = bulkBuffer
	}
	if in.buffer == nil || len(in.buffer.bytes) < limit {
		in.moveTo(takeBuffer(limit))
	} else {
		in.toFront()
	}
	return in.buffer.bytes[in.end:limit]
}

// settle keeps what is here, plain bytes and wire bytes, in no more memory than it needs, while nobody reads.
func (in *inbound) settle() {
	if in.buffer == nil {
		return
	}
	from := in.start
	if in.hasPlain() {
		from = int(in.buffer.spans[in.span].offset)
	}
	held := in.end - from
	switch {
	case held == 0:
		in.rest()
		return
	case len(in.buffer.bytes) <= recordBuffer || held > recordBuffer:
		return
	}
	smaller := takeBuffer(held)
	copy(smaller.bytes, in.buffer.bytes[from:in.end])
	smaller.used = held
	kept := copy(smaller.spans[:], in.buffer.spans[in.span:in.spans])
	for i := range smaller.spans[:kept] {
		smaller.spans[i].offset -= uintptr(from)
	}
	in.buffer.giveBack()
	in.buffer, in.start, in.end, in.span, in.spans = smaller, in.start-from, held, 0, kept
}

// toFront moves the wire bytes to the front of their buffer.
func (in *inbound) toFront() {
	if in.start > 0 {
		in.end = copy(in.buffer.bytes, in.buffer.bytes[in.start:in.end])
		in.start = 0
	}
}

// shrink makes the wire bytes wait for more in as little memory as they need.
func (in *inbound) shrink() {
	held := in.end - in.start
	if held == 0 {
		in.drop()
	} else if wanted := max(held, in.recordLength()); wanted <= recordBuffer && len(in.buffer.bytes) > recordBuffer {
		in.moveTo(takeBuffer(wanted))
	}
}

// recordLength is how long the record at the front is, header included; a header's length if that is not here.
func (in *inbound) recordLength() int {
	if in.end-in.start < recordHeader {
		return recordHeader
	}
	return recordHeader + int(binary.BigEndian.Uint16(in.buffer.bytes[in.start+3:]))
}

// isPartial tells whether the wire bytes are the beginning of a record of application data, of which the library could only
// say that it wants more. Whatever else they are is for the library to say.
func (in *inbound) isPartial() bool {
	const applicationData, versionMajor = 23, 3
	if in.end-in.start < recordHeader {
		return false
	}
	wire := in.buffer.bytes[in.start:in.end]
	length := in.recordLength()
	return wire[0] == applicationData && wire[1] == versionMajor && len(wire) < length && length <= maxRecord
}

// hasWhole tells whether the record at the front is here as a whole.
func (in *inbound) hasWhole() bool { return in.end-in.start >= in.recordLength() }

// isAlert tells whether the record at the front, which is here, is an alert and shows it (TLS 1.2).
func (in *inbound) isAlert() bool {
	const alert = 21
	return in.buffer.bytes[in.start] == alert
}

// isFull tells whether there is no room for more in the largest buffer.
func (in *inbound) isFull() bool {
	return in.buffer != nil && in.end-in.start >= bulkBuffer
}

// spares are the large buffers that connections may wait with whose transport cannot say when it is readable: some for all of them,
// so that those that nothing comes to hold little.
var spares atomic.Int32

const mostSpares = 32

// takeSpare tells whether a large buffer may be waited with.
func (in *inbound) takeSpare() bool {
	if wireSize(in.wanted) > recordBuffer {
		// It is in vain: what follows the header goes into a larger one.
		return false
	}
	if spares.Add(1) > mostSpares {
		spares.Add(-1)
		return false
	}
	in.spare = true
	return true
}

func (in *inbound) returnSpare() {
	if in.spare {
		in.spare = false
		spares.Add(-1)
	}
}

// roomToWait gives the room to read into from a transport that cannot say when it is readable. It is waited for with a small buffer; where
// the next record would not fit into that one, with one of the spare ones or with room for a header alone. What follows is
// read with a large one.
func (in *inbound) roomToWait(established bool) []byte {
	if in.buffer == nil {
		switch {
		case !in.large:
			in.moveTo(takeBuffer(smallBuffer))
		case in.takeSpare():
			in.moveTo(takeBuffer(recordBuffer))
		default:
			return in.header[:]
		}
		return in.buffer.bytes
	}
	var room []byte
	switch {
	case in.end == 0 && !in.large:
		return in.buffer.bytes
	case in.end < len(in.buffer.bytes) && in.recordLength() <= len(in.buffer.bytes):
		// All that came is here, and what is wanted has room.
		in.toFront()
		room = in.buffer.bytes[in.end:]
	case in.recordLength() > smallBuffer && !established && in.end-in.start < recordBuffer:
		// A peer that nobody knows yet gets no more than it needs.
		in.moveTo(takeBuffer(recordBuffer))
		room = in.buffer.bytes[in.end:]
	default:
		room = in.reserve()
	}
	if in.end-in.start >= recordHeader {
		in.large = in.recordLength() > smallBuffer
	}
	return room
}

// came notes what was read into roomToWait.
func (in *inbound) came(n int) {
	in.returnSpare()
	if in.buffer == nil {
		in.moveTo(takeBuffer(smallBuffer))
		copy(in.buffer.bytes, in.header[:n])
	}
	in.end += n
	in.buffer.used = max(in.buffer.used, in.end)
	if in.large && in.end-in.start >= recordHeader {
		in.large = in.recordLength() > smallBuffer
	}
}

// fill reads more wire bytes. The caller has the lock of in.
func (c *Conn) fill() error {
	in := &c.in
	if in.isFull() {
		return errHandshakeTooLarge
	}
	if s := c.source; s != nil {
		return c.cameFromSource(s.raw.Read(s.ready))
	}
	room := in.roomToWait(c.handshakeDone.Load())
	n, err := c.conn.Read(room)
	return c.came(room, n, err)
}

// came notes what the transport's Read has answered.
func (c *Conn) came(room []byte, n int, err error) error {
	const patience = 100
	in := &c.in
	for range patience {
		if n < 0 || n > len(room) {
			panic("tls: the transport's Read answers an impossible count")
		}
		if n > 0 {
			// An error beside bytes comes again with the next call.
			in.came(n)
			return nil
		}
		if err != nil {
			break
		}
		n, err = c.conn.Read(room)
	}
	in.returnSpare()
	if err == nil {
		err = io.ErrNoProgress
	}
	return c.unreadable(err)
}

// unreadable answers what it means that nothing could be read.
func (c *Conn) unreadable(err error) error {
	if c.closed.Load() {
		return errClosed
	}
	c.in.releaseIfIdle()
	if err == io.EOF {
		// Truncation: only a close_notify ends a connection.
		return io.ErrUnexpectedEOF
	}
	return err
}

// endures tells whether an error of the transport is one after which it can be tried again.
func endures(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// decrypt processes wire bytes that are here. Without plain bytes afterwards it answers nil if more wire bytes are needed.
// The caller has the lock of in.
func (c *Conn) decrypt() error {
	in := &c.in
	if (in.start == in.end || in.isPartial()) && !in.ended {
		return nil
	}
	if in.buffer == nil {
		in.moveTo(takeBuffer(smallBuffer))
	}
	// Once the connection is closed the handle is 0, which explain knows.
	c.engine.Lock()
	s := c.handle.readInPlace(in.buffer.bytes[in.start:in.end], &in.buffer.spans)
	c.engine.Unlock()
	if s.answer == 1 && s.state == 0 {
		in.buffer.spans[0].offset += uintptr(in.start)
		in.start += s.consumed
		in.span, in.spans = 0, 1
		return nil
	}
	in.ended = s.state&stateEnded != 0
	c.heed(s.state)
	return c.took(s)
}

// heed sees to what the library says besides.
func (c *Conn) heed(state uint32) {
	if state&canDrain != 0 && !c.tickets.Load() {
		if state&stateFailed != 0 {
			c.boundFarewell()
		}
		c.needsFlush.Store(true)
		c.flushIfNeeded()
	}
	if c.ownSessions {
		c.keepSessions()
	}
}

// process lets the library run over the wire bytes that are here, and says what ended the connection, if it has ended. The caller
// has the lock of in.
func (c *Conn) process() (step, error) {
	in := &c.in
	if in.buffer == nil {
		in.moveTo(takeBuffer(smallBuffer))
	}
	// Plain bytes that the peer has sent behind its last flight are there, and wait: a deadline has passed since.
	waiting := in.hasPlain()
	if !c.enter() {
		return step{}, errClosed
	}
	var s step
	if waiting {
		s = c.handle.stand()
	} else {
		s = c.handle.readInPlace(in.buffer.bytes[in.start:in.end], &in.buffer.spans)
	}
	c.leave()
	in.ended = s.state&stateEnded != 0
	if waiting {
		return s, c.meaning(s.answer)
	}
	return s, c.took(s)
}

// took notes what a call has done with the wire bytes.
func (c *Conn) took(s step) error {
	in := &c.in
	in.span, in.spans = 0, 0
	in.start += s.consumed
	if s.answer > 0 {
		// The spans are counted from where the wire bytes began.
		in.spans = s.answer
		for i := range in.buffer.spans[:in.spans] {
			in.buffer.spans[i].offset += uintptr(in.start - s.consumed)
		}
		return nil
	}
	return c.meaning(s.answer)
}

// meaning makes an error of a status, if it is that of an end.
func (c *Conn) meaning(status int) error {
	switch status {
	case wantFeed, statusOK, wantDrain, askContext, askVerify, askSign, askIdentity:
		return nil
	case peerClosed:
		return io.EOF
	case truncated:
		return io.ErrUnexpectedEOF
	}
	return c.explain(status, c.in.wire())
}

// explain makes an error of a status that ended the connection. wire is what the peer sent and nobody has taken, for an error
// that shows how it begins. That is guarded by the lock of in: who does not have it gives nil.
func (c *Conn) explain(status int, wire []byte) error {
	if !c.enter() {
		return errClosed
	}
	r := c.handle.lastError()
	c.leave()
	if r.status == statusOK {
		// A mistake of this package, or another thread inside.
		r.status, r.alertSent, r.message = status, -1, "the library refused a call with status "+itoa(status)
	}
	return c.fatalError(r, wire)
}

// look makes plain bytes of what is here, or answers why none will come. If nothing waits afterwards more is to be read. The
// caller has the lock of in.
func (c *Conn) look() error {
	in := &c.in
	if in.err != nil {
		return in.err
	}
	if in.start != in.end || in.ended {
		if err := c.decrypt(); err != nil {
			return c.over(err)
		}
		if in.hasPlain() {
			return nil
		}
	}
	if in.isFull() {
		return c.over(errHandshakeTooLarge)
	}
	in.releaseIfIdle()
	return nil
}

// over notes that no plain bytes will come, unless it is a deadline that has passed.
func (c *Conn) over(err error) error {
	if c.closed.Load() {
		err = errClosed
	}
	if !endures(err) {
		c.in.err = err
		c.in.drop()
	}
	return err
}

// next makes sure that plain bytes wait, or answers why none will. The caller has the lock of in.
func (c *Conn) next() error {
	for !c.in.hasPlain() {
		if err := c.look(); err != nil {
			return err
		}
		if c.in.hasPlain() {
			break
		}
		if err := c.fill(); err != nil {
			return c.over(err)
		}
	}
	return nil
}

// Read reads plain bytes. At the end of what the peer sends it answers io.EOF, if the peer has said that it is the end, and
// io.ErrUnexpectedEOF if it was cut off.
func (c *Conn) Read(b []byte) (int, error) {
	if !c.handshakeDone.Load() {
		if err := c.Handshake(); err != nil {
			return 0, err
		}
	}
	if len(b) == 0 {
		return 0, nil
	}
	in := &c.in
	in.mutex.Lock()
	defer in.mutex.Unlock()
	if c.closed.Load() {
		in.drop()
		return 0, errClosed
	}
	var err error
	in.wanted = len(b)
	for !in.hasPlain() {
		if err = c.look(); err != nil {
			return 0, err
		}
		if in.hasPlain() {
			break
		}
		// next and fill, which are not called: with each function less that a goroutine returns from after it had to wait, the processor
		// foresees one return more. With next and write called, messages of 64 bytes and 1 KiB took 1.01 times as long, in
		// medians of six interleaved runs of 61 to 101 turns; the same code twice took 1.00.
		if s := c.source; s != nil {
			err = c.cameFromSource(s.raw.Read(s.ready))
		} else {
			room := in.roomToWait(true)
			n, failed := c.conn.Read(room)
			if 0 < n && n <= len(room) && in.buffer != nil && !in.large {
				in.end += n
				in.buffer.used = max(in.buffer.used, in.end)
			} else {
				err = c.came(room, n, failed)
			}
		}
		if err != nil {
			return 0, c.over(err)
		}
	}
	in.wanted = 0
	n := in.copyTo(b)
	// What is here and whole is given at once. So is the end, if it is known, as crypto/tls does it in TLS 1.2: net/http then
	// does not use such a connection again.
	for in.err == nil && !in.hasPlain() && (in.ended || in.hasWhole() && (n < len(b) || in.isAlert())) {
		if err = c.decrypt(); err != nil {
			in.err = err
		}
		n += in.copyTo(b[n:])
	}
	if c.closed.Load() {
		// Close has left the buffer to who is in here.
		in.drop()
		return n, nil
	}
	if in.start == in.end && in.waits && !in.hasPlain() && in.err == nil {
		in.rest()
		return n, nil
	}
	if in.err != nil && !in.hasPlain() {
		in.drop()
		if err == io.EOF {
			return n, err
		}
		return n, nil
	}
	in.settle()
	return n, nil
}

// plain gives the plain bytes at the front; some wait.
func (in *inbound) plain() []byte {
	at := in.buffer.spans[in.span]
	return in.buffer.bytes[at.offset : at.offset+at.length]
}

// consume removes the first n plain bytes, which are of the front span.
func (in *inbound) consume(n int) {
	at := &in.buffer.spans[in.span]
	at.offset += uintptr(n)
	if at.length -= uintptr(n); at.length == 0 {
		in.span++
	}
}

// copyTo moves plain bytes to b.
func (in *inbound) copyTo(b []byte) int {
	n := 0
	for in.hasPlain() && n < len(b) {
		moved := copy(b[n:], in.plain())
		in.consume(moved)
		n += moved
	}
	return n
}

// WriteTo reads plain bytes until the end and writes them to w from where they were decrypted, so that io.Copy needs no
// buffer. The end is no error.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	if err := c.Handshake(); err != nil {
		return 0, err
	}
	in := &c.in
	in.mutex.Lock()
	defer in.mutex.Unlock()
	var total int64
	for {
		if c.closed.Load() {
			in.drop()
			return total, errClosed
		}
		in.wanted = 2 * recordPlain
		err := c.next()
		in.wanted = 0
		if err == io.EOF {
			return total, nil
		} else if err != nil {
			return total, err
		}
		for in.hasPlain() {
			plain := in.plain()
			n, err := w.Write(plain)
			if n < 0 || n > len(plain) {
				panic("tls: a writer answers an impossible count")
			}
			total += int64(n)
			in.consume(n)
			if err == nil && n < len(plain) {
				err = io.ErrShortWrite
			}
			if err != nil {
				in.settle()
				return total, err
			}
		}
		in.releaseIfIdle()
	}
}
