package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
)

func runServer(o options, config *tls.Config) error {
	listener, err := net.Listen("tcp", o.address)
	if err != nil {
		return err
	}
	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
	for range o.count {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		if err := serveOnce(tls.Server(conn, config)); err != nil {
			return err
		}
	}
	return nil
}

// An echo until the client closes its direction.
func serveOnce(conn *tls.Conn) error {
	defer conn.Close()
	if err := conn.Handshake(); err != nil {
		return report{Certificates: []string{}}.print(err)
	}
	received, err := io.Copy(conn, onlyReader{conn})
	r := newReport(conn)
	r.Received = received
	r.CleanEnd = err == nil
	return r.print(err)
}

// Hides everything but Read, so that io.Copy goes record by record.
type onlyReader struct{ io.Reader }
