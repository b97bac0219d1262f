//go:build !unix && cgo

package tls

import "syscall"

// source is not needed where sockets cannot be waited for.
type source struct {
	raw   syscall.RawConn
	ready func(fd uintptr) bool
}

func newSource(*Conn) *source { return nil }

// cameFromSource is not called.
func (c *Conn) cameFromSource(err error) error { return err }
