//go:build cgo

package tls

import "sync"

// Sizes of the buffers that connections share. A connection has one only while there are bytes in it.
const (
	// A record of some 70 bytes: what every connection has, for short messages.
	tinyBuffer = 160
	// A record of 1 KiB with room to spare: what a transport that cannot say when it is readable waits with.
	smallBuffer = 1280
	// Any one record (TLS_MAX_RECORD is 18436 bytes).
	recordBuffer = 18944
	// Two of them: what io.Copy's 32 KiB fit into, and what WriteTo waits with for a writer.
	pairBuffer = 2 * recordBuffer
	// Records enough that a system call and a call into C cost little for each.
	bulkBuffer = 128 << 10
)

// Most records that one call decrypts.
const maxSpans = 16

// buffer is memory for wire bytes, and where in it the plain bytes of decrypted records are.
type buffer struct {
	spans [maxSpans]span
	bytes []byte
	// What is in front of it may be plain, and is wiped before anybody else has the buffer.
	used int
	pool *sync.Pool
}

var (
	smallBuffers  = bufferPool(smallBuffer)
	recordBuffers = bufferPool(recordBuffer)
	pairBuffers   = bufferPool(pairBuffer)
	bulkBuffers   = bufferPool(bulkBuffer)
)

func bufferPool(size int) *sync.Pool {
	pool := new(sync.Pool)
	pool.New = func() any { return &buffer{bytes: make([]byte, size), pool: pool} }
	return pool
}

// takeBuffer gives a buffer of at least size bytes; of the largest size if there is no such.
func takeBuffer(size int) *buffer {
	switch {
	case size <= smallBuffer:
		return smallBuffers.Get().(*buffer)
	case size <= recordBuffer:
		return recordBuffers.Get().(*buffer)
	case size <= pairBuffer:
		return pairBuffers.Get().(*buffer)
	default:
		return bulkBuffers.Get().(*buffer)
	}
}

// giveBack returns a buffer.
func (b *buffer) giveBack() {
	clear(b.bytes[:b.used])
	b.used = 0
	b.pool.Put(b)
}
