//go:build !unix

package tls

// source is not needed where sockets cannot be waited for.
type source struct{}

func (*source) init(*Conn) {}

// buffers tells whether the transport surely takes some bytes although the peer does not read.
func (*source) buffers() bool { return false }

// read reads once into the room behind the wire bytes, and says how many came. The caller has the lock of in.
func (c *Conn) read() (int, error) { return c.readPlainly() }
