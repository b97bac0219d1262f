//go:build unix && cgo

package tls

import (
	"io"
	"net"
	"os"
	"syscall"
)

// source reads wire bytes. Where the transport is a socket of package net it waits until there is something to read and
// takes a buffer only then, so that connections without traffic have none.
//
// Only sockets themselves are read in this way: something around one may have a Read of its own.
type source struct {
	raw   syscall.RawConn
	ready func(fd uintptr) bool
	// What ready has found, for who called.
	count int
	err   error
}

// newSource gives nil where the transport is no socket.
func newSource(c *Conn) *source {
	var raw syscall.RawConn
	var err error
	switch conn := c.conn.(type) {
	case *net.TCPConn:
		raw, err = conn.SyscallConn()
	case *net.UnixConn:
		if address := conn.LocalAddr(); address == nil || address.Network() != "unix" {
			return nil
		}
		raw, err = conn.SyscallConn()
	default:
		return nil
	}
	if err != nil {
		return nil
	}
	return &source{raw: raw, ready: c.readSocket}
}

// readSocket reads once from a socket that may be readable; false if it has to be waited for.
func (c *Conn) readSocket(fd uintptr) bool {
	in, s := &c.in, c.source
	room := in.reserve()
	for {
		n, err := syscall.Read(int(fd), room)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			in.shrink()
			return false
		case err != nil:
			s.count, s.err = 0, os.NewSyscallError("read", err)
		case n == 0:
			s.count, s.err = 0, io.EOF
		default:
			s.count, s.err = n, nil
		}
		return true
	}
}

// read reads once into the room behind the wire bytes, and says how many came. The caller has the lock of in.
func (c *Conn) read() (int, error) {
	s := c.source
	if s == nil {
		return c.readPlainly()
	}
	if err := s.raw.Read(s.ready); err != nil {
		return 0, err
	}
	if s.err != nil && s.err != io.EOF {
		return 0, &net.OpError{
			Op: "read", Net: c.conn.LocalAddr().Network(), Source: c.conn.LocalAddr(), Addr: c.conn.RemoteAddr(), Err: s.err,
		}
	}
	return s.count, s.err
}
