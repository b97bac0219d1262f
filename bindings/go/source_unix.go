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

// cameFromSource notes what ready has found, if the waiting for it did not fail. The caller has the lock of in.
func (c *Conn) cameFromSource(err error) error {
	s, in := c.source, &c.in
	if err == nil && s.err == nil {
		in.end += s.count
		in.buffer.used = max(in.buffer.used, in.end)
		return nil
	}
	if err != nil {
		return c.unreadable(err)
	}
	err = s.err
	if err != io.EOF {
		err = &net.OpError{
			Op: "read", Net: c.conn.LocalAddr().Network(), Source: c.conn.LocalAddr(), Addr: c.conn.RemoteAddr(), Err: err,
		}
	}
	return c.unreadable(err)
}
