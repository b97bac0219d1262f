package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"os"
)

func runClient(o options, config *tls.Config) error {
	var content []byte
	var err error
	if o.send != "" {
		if content, err = os.ReadFile(o.send); err != nil {
			return err
		}
	}
	for range o.count {
		if err := connectOnce(o, config, content); err != nil {
			return err
		}
	}
	return nil
}

// A TLS failure is what many cases are about: it goes into the report and is no error of the program.
func connectOnce(o options, config *tls.Config, content []byte) error {
	conn, err := tls.Dial("tcp", o.address, config)
	if err != nil {
		return report{Certificates: []string{}}.print(err)
	}
	defer conn.Close()
	got, clean, err := converse(o, conn, content)
	r := newReport(conn)
	r.Received = int64(len(got))
	r.CleanEnd = clean
	if o.save != "" {
		if err := os.WriteFile(o.save, got, 0o600); err != nil {
			return err
		}
	}
	return r.print(err)
}

func converse(o options, conn *tls.Conn, content []byte) (got []byte, clean bool, err error) {
	sent := make(chan error, 1)
	go func() {
		_, err := io.Copy(conn, bytes.NewReader(content))
		if err == nil && o.finish == "half-close" {
			err = conn.CloseWrite()
		}
		sent <- err
	}()
	if o.finish != "half-close" {
		got = make([]byte, len(content))
		if n, err := io.ReadFull(conn, got); err != nil {
			return got[:n], false, err
		}
	}
	if err := <-sent; err != nil {
		return got, false, err
	}
	switch o.finish {
	case "abrupt":
		return got, false, conn.NetConn().Close()
	case "close":
		if err := conn.CloseWrite(); err != nil {
			return got, false, err
		}
	}
	rest, err := io.ReadAll(conn)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return append(got, rest...), false, nil
	}
	return append(got, rest...), err == nil, err
}
