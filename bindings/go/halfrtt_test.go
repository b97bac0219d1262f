package tls

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"testing"
)

// hasty is the transport of a crypto/tls server that says something behind its first flight, before it has heard of the client again
// (0.5-RTT data; RFC 8446, 4.6.1), which crypto/tls itself does not.
type hasty struct {
	net.Conn
	// The server's key log, which it writes before it sends that flight.
	log bytes.Buffer
	// What it says, until it was said.
	says string
}

func (h *hasty) Write(b []byte) (int, error) {
	_, line, known := bytes.Cut(h.log.Bytes(), []byte("SERVER_TRAFFIC_SECRET_0 "))
	if !known || h.says == "" {
		return h.Conn.Write(b)
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	_, secret, _ := bytes.Cut(line, []byte(" "))
	record := firstRecord(must(hex.DecodeString(string(secret))), h.says)
	h.says = ""
	_, err := h.Conn.Write(append(bytes.Clone(b), record...))
	return len(b), err
}

// firstRecord is the first record of application data under a traffic secret of TLS_AES_128_GCM_SHA256 (RFC 8446, 5.2 and 7.3).
func firstRecord(secret []byte, plain string) []byte {
	expand := func(label string, length int) []byte {
		label = "tls13 " + label
		info := append([]byte{0, byte(length), byte(len(label))}, label...)
		return must(hkdf.Expand(sha256.New, secret, string(append(info, 0)), length))
	}
	const applicationData, tag = 23, 16
	inner := append([]byte(plain), applicationData)
	header := []byte{applicationData, 3, 3, 0, byte(len(inner) + tag)}
	return must(cipher.NewGCM(must(aes.NewCipher(expand("key", 16))))).Seal(header, expand("iv", 12), inner, header)
}

// TestHalfRTT has a server that speaks before the client's last flight is there, and a deadline that passes while that is sent.
func TestHalfRTT(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		a, b := tcpPair(t)
		transport, server := &faulty{Conn: a, writeLeft: -1}, &hasty{Conn: b, says: "early"}
		config := clientConfig()
		config.VerifyConnection = func(ConnectionState) error {
			if interrupted {
				transport.mutex.Lock()
				defer transport.mutex.Unlock()
				transport.writeLeft = 0
			}
			return nil
		}
		client := Client(transport, config)
		// There is no ticket, which would have the number of what was said.
		done := make(chan error, 1)
		go func() {
			done <- tls.Server(server, &tls.Config{Certificates: []Certificate{testPKI().ecdsa}, MinVersion: VersionTLS13,
				SessionTicketsDisabled: true, KeyLogWriter: &server.log}).Handshake()
		}()
		err := client.Handshake()
		if interrupted {
			for range 2 {
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("no deadline has passed: %v", err)
				}
				err = client.Handshake()
			}
			transport.mutex.Lock()
			transport.writeLeft = -1
			transport.mutex.Unlock()
			err = client.Handshake()
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(client, got); err != nil || string(got) != "early" {
			t.Errorf("interrupted %v: %q and %v are read", interrupted, got, err)
		}
		client.Close()
	}
}
