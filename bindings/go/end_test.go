package tls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// faulty lets tests cut, stop and delay what a transport carries.
type faulty struct {
	net.Conn
	mutex     sync.Mutex
	readOnce  int // most bytes that one Read gives; 0 for any number
	writeLeft int // bytes that Write takes before it waits for its deadline; negative for any number
	deadline  time.Time
}

func (f *faulty) Read(b []byte) (int, error) {
	if f.readOnce > 0 && len(b) > f.readOnce {
		b = b[:f.readOnce]
	}
	return f.Conn.Read(b)
}

func (f *faulty) SetWriteDeadline(t time.Time) error {
	f.mutex.Lock()
	f.deadline = t
	f.mutex.Unlock()
	return f.Conn.SetWriteDeadline(t)
}

func (f *faulty) Write(b []byte) (int, error) {
	f.mutex.Lock()
	left := f.writeLeft
	f.mutex.Unlock()
	if left < 0 || left >= len(b) {
		return f.Conn.Write(b)
	}
	n, err := f.Conn.Write(b[:left])
	f.mutex.Lock()
	f.writeLeft = 0
	f.mutex.Unlock()
	if err == nil {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// TestEnds says which error each end of a connection is.
func TestEnds(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) {
			client, server := ourPair(t, transport.pair, clientConfig(), serverConfig())
			// Without a close_notify it is a truncation.
			server.NetConn().Close()
			for range 2 {
				if n, err := client.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("after the transport's end: %d, %v", n, err)
				}
			}
			if err := client.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if err := client.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Close a second time: %v", err)
			}
			for name, do := range map[string]func() error{
				"Read":       func() error { _, err := client.Read(make([]byte, 1)); return err },
				"Write":      func() error { _, err := client.Write(make([]byte, 1)); return err },
				"CloseWrite": client.CloseWrite,
				"WriteTo":    func() error { _, err := client.WriteTo(io.Discard); return err },
				"ReadFrom":   func() error { _, err := client.ReadFrom(bytes.NewReader([]byte("x"))); return err },
				"WriteBuffers": func() error {
					_, err := client.WriteBuffers(&net.Buffers{[]byte("x")})
					return err
				},
			} {
				if err := do(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s after Close: %v", name, err)
				}
			}
			if state := client.ConnectionState(); state.Version != VersionTLS13 || len(state.PeerCertificates) != 1 {
				t.Errorf("the state after Close is %+v", state)
			}
		})
	}
}

// TestTruncationInRecord cuts a connection at every place of a record.
func TestTruncationInRecord(t *testing.T) {
	for _, cut := range []int{1, 4, 5, 6, 20, 100} {
		client, server := ourPair(t, tcpPair, clientConfig(), serverConfig())
		var records bytes.Buffer
		server.conn = &recording{Conn: server.conn, to: &records}
		if _, err := server.Write(make([]byte, 200)); err != nil {
			t.Fatal(err)
		}
		raw := server.NetConn().(*recording).Conn
		raw.Write(records.Bytes()[:cut])
		raw.(*net.TCPConn).CloseWrite()
		if n, err := client.Read(make([]byte, 1000)); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d bytes: %d, %v", cut, n, err)
		}
	}
}

// recording keeps what is written.
type recording struct {
	net.Conn
	to *bytes.Buffer
}

func (r *recording) Write(b []byte) (int, error) { return r.to.Write(b) }

// TestCloseUnblocks closes under a Read and a Write that wait.
func TestCloseUnblocks(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) {
			client, _ := ourPair(t, transport.pair, clientConfig(), serverConfig())
			failed := make(chan error, 2)
			go func() {
				_, err := client.Read(make([]byte, 1))
				failed <- err
			}()
			go func() {
				chunk := make([]byte, 1<<20)
				for {
					if _, err := client.Write(chunk); err != nil {
						failed <- err
						return
					}
				}
			}()
			waitFor(t, "a Read and a Write that wait", func() bool { return waiting("TestCloseUnblocks") == 2 })
			if err := client.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			for range 2 {
				if err := <-failed; !errors.Is(err, net.ErrClosed) {
					t.Errorf("a waiting call answers %v", err)
				}
			}
			if client.in.buffer != nil || client.out.buffer != nil || client.handle != 0 {
				t.Error("something is held after Close")
			}
		})
	}
}

// TestReadDeadlineInRecord lets deadlines pass at every byte of a record, header included.
func TestReadDeadlineInRecord(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) {
			client, server := ourPair(t, transport.pair, clientConfig(), serverConfig())
			raw := server.conn
			var records bytes.Buffer
			server.conn = &recording{Conn: raw, to: &records}
			message := []byte("in pieces")
			server.Write(message)
			server.conn = raw
			got := make([]byte, 100)
			held := 0
			for i, piece := range records.Bytes() {
				client.SetReadDeadline(time.Now().Add(time.Millisecond))
				if n, err := client.Read(got); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("%d, %v", n, err)
				}
				var timeout net.Error
				if _, err := client.Read(got); !errors.As(err, &timeout) || !timeout.Timeout() {
					t.Fatalf("%v is no timeout", err)
				}
				sent := make(chan struct{})
				go func() {
					raw.Write([]byte{piece})
					close(sent)
				}()
				if held++; wholeRecord(records.Bytes()[:i+1]) {
					held = 0
				}
				// Somebody has to take it: a Read under a deadline that is long enough for one byte only now and then.
				for client.in.end-client.in.start != held || i == records.Len()-1 {
					client.SetReadDeadline(time.Now().Add(time.Millisecond))
					n, err := client.Read(got)
					if err == nil {
						if i < records.Len()-1 || !bytes.Equal(got[:n], message) {
							t.Fatalf("%q after %d bytes of %d", got[:n], i+1, records.Len())
						}
						return
					} else if !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Fatal(err)
					}
				}
				<-sent
			}
		})
	}
}

// wholeRecord tells whether bytes end with a record.
func wholeRecord(wire []byte) bool {
	for len(wire) >= recordHeader {
		length := recordHeader + int(binary.BigEndian.Uint16(wire[3:]))
		if len(wire) < length {
			return false
		}
		wire = wire[length:]
	}
	return len(wire) == 0
}

// TestWriteDeadlineInRecord lets a deadline pass in the middle of what is written: it goes on where it stopped.
func TestWriteDeadlineInRecord(t *testing.T) {
	a, b := tcpPair(t)
	transport := &faulty{Conn: a, writeLeft: -1}
	client, server := Client(transport, clientConfig()), Server(b, serverConfig())
	handshakeBoth(t, client, server)
	message := make([]byte, 300000)
	for i := range message {
		message[i] = byte(i * 7)
	}
	written := 0
	for left := 0; written < len(message); left += 20011 {
		transport.mutex.Lock()
		transport.writeLeft = left
		transport.mutex.Unlock()
		n, err := client.Write(message[written:])
		written += n
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	transport.mutex.Lock()
	transport.writeLeft = -1
	transport.mutex.Unlock()
	go client.CloseWrite()
	got, err := io.ReadAll(server)
	if err != nil || !bytes.Equal(got, message) {
		t.Fatalf("%d of %d bytes came, %v", len(got), len(message), err)
	}
}

// TestHandshakeDeadline interrupts a handshake and goes on with it.
func TestHandshakeDeadline(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) {
			a, b := transport.pair(t)
			server := Server(b, serverConfig())
			for range 3 {
				server.SetDeadline(time.Now().Add(time.Millisecond))
				if err := server.Handshake(); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatal(err)
				}
			}
			server.SetDeadline(time.Time{})
			client := Client(a, clientConfig())
			handshakeBoth(t, client, server)
			exchange(t, client, server)
		})
	}
}

// TestRefusals has the errors of refused certificates and connections, on both sides, as crypto/tls types them.
func TestRefusals(t *testing.T) {
	p := testPKI()
	for _, test := range []struct {
		name   string
		server Certificate
		pem    bool
		is     func(error) bool
		alert  AlertError
	}{
		{"unknown authority", p.stranger, false, isA[x509.UnknownAuthorityError], 48},
		{"unknown authority, by the library", p.stranger, true, isA[x509.UnknownAuthorityError], 48},
		{"wrong name", p.other, false, isA[x509.HostnameError], 42},
		{"wrong name, by the library", p.other, true, isA[x509.HostnameError], 42},
		{"expired", p.expired, false, isA[x509.CertificateInvalidError], 45},
		{"expired, by the library", p.expired, true, isA[x509.CertificateInvalidError], 45},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := tcpPair(t)
			config := clientConfig()
			if test.pem {
				config.RootCAs, config.RootsPEM = nil, p.rootPEM
			}
			client := Client(a, config)
			server := tls.Server(b, &tls.Config{Certificates: []Certificate{test.server}})
			answer := make(chan error, 1)
			go func() {
				err := server.Handshake()
				if err == nil {
					_, err = server.Read(make([]byte, 1))
				}
				answer <- err
			}()
			err := client.Handshake()
			var refused *CertificateVerificationError
			if !errors.As(err, &refused) || len(refused.UnverifiedCertificates) != 1 || !test.is(err) {
				t.Errorf("the client answers %T %v", err, err)
			}
			if again := client.Handshake(); again == nil || again.Error() != err.Error() {
				t.Errorf("and then %v", again)
			}
			if err := <-answer; err == nil || err.Error() != "remote error: "+test.alert.Error() {
				t.Errorf("the server answers %v, not %v", err, test.alert)
			}
		})
	}
}

func isA[T error](err error) bool {
	var as T
	return errors.As(err, &as)
}

// TestAlertFromPeer has crypto/tls refuse us.
func TestAlertFromPeer(t *testing.T) {
	a, b := tcpPair(t)
	client := tls.Client(a, &tls.Config{ServerName: "server.test", RootCAs: x509.NewCertPool()})
	server := Server(b, serverConfig())
	go client.Handshake()
	err := server.Handshake()
	var alert AlertError
	var operation *net.OpError
	if !errors.As(err, &alert) || alert != 42 && alert != 48 || !errors.As(err, &operation) || operation.Op != "remote error" {
		t.Errorf("%T %v", err, err)
	}
}

// TestNotTLS has a peer that speaks HTTP, and one that speaks nothing.
func TestNotTLS(t *testing.T) {
	for _, text := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x00\x01\x02\x03\x04\x05\x06\x07\x08"} {
		a, b := tcpPair(t)
		a.Write([]byte(text))
		err := Server(b, serverConfig()).Handshake()
		record, ok := err.(RecordHeaderError)
		if !ok || record.Conn != b || string(record.RecordHeader[:]) != text[:5] {
			t.Errorf("%q: %T %v", text[:5], err, err)
		}
	}
}

// TestTampering flips each bit of a record's first bytes and some of the rest.
func TestTampering(t *testing.T) {
	for _, at := range []int{0, 1, 3, 5, 30, 120} {
		client, server := ourPair(t, tcpPair, clientConfig(), serverConfig())
		var records bytes.Buffer
		raw := server.conn
		server.conn = &recording{Conn: raw, to: &records}
		server.Write(make([]byte, 200))
		server.conn = raw
		records.Bytes()[at] ^= 0x40
		raw.Write(records.Bytes())
		raw.(*net.TCPConn).CloseWrite()
		n, err := client.Read(make([]byte, 1000))
		if n != 0 || err == nil || errors.Is(err, io.EOF) {
			t.Errorf("byte %d: %d, %v", at, n, err)
		}
		if _, err := client.Write([]byte("x")); err == nil && at > 4 {
			t.Errorf("byte %d: the connection goes on", at)
		}
	}
}

// TestGoodBytesBeforeAnEnd has data and what ends it in one read.
func TestGoodBytesBeforeAnEnd(t *testing.T) {
	for _, size := range []int{1, 1000, 100000} {
		for _, end := range []string{"close", "tampered"} {
			t.Run(fmt.Sprint(size, end), func(t *testing.T) {
				client, server := ourPair(t, tcpPair, clientConfig(), serverConfig())
				var records bytes.Buffer
				raw := server.conn
				server.conn = &recording{Conn: raw, to: &records}
				server.Write(make([]byte, size))
				if end == "close" {
					server.CloseWrite()
				} else {
					server.Write([]byte("x"))
					records.Bytes()[records.Len()-1] ^= 1
				}
				server.conn = raw
				go raw.Write(records.Bytes())
				n, err := io.Copy(io.Discard, client)
				if n != int64(size) || (err == nil) != (end == "close") {
					t.Errorf("%d bytes, %v", n, err)
				}
				if end == "tampered" && !isA[*Error](err) {
					t.Errorf("%T", err)
				}
			})
		}
	}
}

// TestCuts gives the bytes of whole connections in pieces of every small size.
func TestCuts(t *testing.T) {
	for _, size := range []int{1, 2, 3, 5, 7, 100, 1281} {
		a, b := tcpPair(t)
		client, server := Client(&faulty{Conn: a, readOnce: size, writeLeft: -1}, clientConfig()), Server(&faulty{Conn: b, readOnce: size, writeLeft: -1}, serverConfig())
		handshakeBoth(t, client, server)
		message := bytes.Repeat([]byte("piece"), 5000)
		go client.Write(message)
		got := make([]byte, len(message))
		if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, message) {
			t.Errorf("pieces of %d: %v", size, err)
		}
	}
}

// TestBadRecordWhileWriting has one goroutine write and one read when the peer sends what is no record of its: each is told, and
// neither looks at what belongs to the other one, which the race detector sees.
func TestBadRecordWhileWriting(t *testing.T) {
	for range 30 {
		a, b := tcpPair(t)
		client, server := tls.Client(a, &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test"}), Server(b, serverConfig())
		handshakeBoth(t, client, server)
		go io.Copy(io.Discard, a)
		told := make(chan error, 2)
		go func() {
			for {
				if _, err := server.Write([]byte("x")); err != nil {
					told <- err
					return
				}
			}
		}()
		go func() {
			_, err := io.Copy(io.Discard, struct{ io.Reader }{server})
			told <- err
		}()
		for range 5 {
			if _, err := client.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
		}
		a.Write(append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...))
		for range 2 {
			if err := <-told; !isA[*Error](err) {
				t.Errorf("%v", err)
			}
		}
		server.Close()
		a.Close()
	}
}
