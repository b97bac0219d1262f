//go:build !unix && cgo

package tls

// source is not needed where sockets cannot be waited for.
type source struct{}

func newSource(*Conn) *source { return nil }

// read reads once into the room behind the wire bytes, and says how many came. The caller has the lock of in.
func (c *Conn) read() (int, error) { return c.readPlainly() }
