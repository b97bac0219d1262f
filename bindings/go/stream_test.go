package tls

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand"
	"net"
	"strings"
	"sync"
	"testing"
)

// counting counts the calls of Write: each is a write of the transport.
type counting struct {
	net.Conn
	mutex  sync.Mutex
	writes [][]byte
}

func (c *counting) Write(b []byte) (int, error) {
	c.mutex.Lock()
	c.writes = append(c.writes, bytes.Clone(b))
	c.mutex.Unlock()
	return c.Conn.Write(b)
}

// TestBuffersAreOneRecord writes many pieces and finds one record.
func TestBuffersAreOneRecord(t *testing.T) {
	a, b := tcpPair(t)
	transport := &counting{Conn: a}
	client, server := Client(transport, clientConfig()), Server(b, serverConfig())
	handshakeBoth(t, client, server)
	transport.writes = nil
	pieces := net.Buffers{[]byte("a "), nil, []byte("few "), []byte("small "), []byte("pieces")}
	n, err := client.WriteBuffers(&pieces)
	if err != nil || n != 18 || len(pieces) != 0 {
		t.Fatalf("%d, %v, %v left", n, err, pieces)
	}
	const header, tagAndType = 5, 17
	if len(transport.writes) != 1 || len(transport.writes[0]) != header+18+tagAndType {
		t.Errorf("%d writes, the first of %d bytes", len(transport.writes), len(transport.writes[0]))
	}
	got := make([]byte, 18)
	if _, err := io.ReadFull(server, got); err != nil || string(got) != "a few small pieces" {
		t.Errorf("%q, %v", got, err)
	}
	// Large and small ones, in order and whole.
	var all []byte
	random := rand.New(rand.NewSource(2))
	for _, size := range []int{0, 1, 100000, 5, 16384, 16385, 3, 40000, 0, 7} {
		piece := make([]byte, size)
		random.Read(piece)
		pieces = append(pieces, piece)
		all = append(all, piece...)
	}
	done := make(chan error, 1)
	go func() {
		n, err := client.WriteBuffers(&pieces)
		if err == nil && n != int64(len(all)) {
			err = fmt.Errorf("%d of %d bytes", n, len(all))
		}
		done <- err
	}()
	got = make([]byte, len(all))
	if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, all) {
		t.Errorf("%v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestCopy has io.Copy go through WriteTo and ReadFrom, a proxy in the middle.
func TestCopy(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) {
			client, front := ourPair(t, transport.pair, clientConfig(), serverConfig())
			back, server := ourPair(t, transport.pair, clientConfig(), serverConfig())
			message := make([]byte, 3_000_000)
			rand.New(rand.NewSource(3)).Read(message)
			failed := make(chan error, 3)
			go func() {
				// Neither has what io.Copy could use but ReadFrom.
				n, err := io.Copy(client, struct{ io.Reader }{bytes.NewReader(message)})
				if err == nil && n != int64(len(message)) {
					err = fmt.Errorf("%d bytes were written", n)
				}
				if err == nil {
					err = client.CloseWrite()
				}
				failed <- err
			}()
			go func() {
				n, err := io.Copy(back, front)
				if err == nil && n != int64(len(message)) {
					err = fmt.Errorf("%d bytes were copied", n)
				}
				if err == nil {
					err = back.CloseWrite()
				}
				failed <- err
			}()
			var got bytes.Buffer
			go func() {
				_, err := io.Copy(&got, server)
				failed <- err
			}()
			for range 3 {
				if err := <-failed; err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(got.Bytes(), message) {
				t.Error("it came otherwise")
			}
		})
	}
}

// TestWriteToStops keeps what a failing writer has not taken.
func TestWriteToStops(t *testing.T) {
	client, server := ourPair(t, tcpPair, clientConfig(), serverConfig())
	go server.Write([]byte("0123456789"))
	if n, err := client.WriteTo(&short{4}); n != 4 || err != io.ErrShortWrite {
		t.Fatalf("%d, %v", n, err)
	}
	got := make([]byte, 6)
	if _, err := io.ReadFull(client, got); err != nil || string(got) != "456789" {
		t.Errorf("%q, %v", got, err)
	}
}

type short struct{ takes int }

func (s *short) Write(b []byte) (int, error) { return min(s.takes, len(b)), nil }

// TestManyWritersAndReaders has several goroutines at each direction: every Write stays together.
func TestManyWritersAndReaders(t *testing.T) {
	client, server := ourPair(t, tcpPair, clientConfig(), serverConfig())
	const writers, messages, size = 4, 50, 1000
	var group sync.WaitGroup
	for writer := range writers {
		for _, end := range []*Conn{client, server} {
			group.Add(1)
			go func() {
				defer group.Done()
				message := bytes.Repeat([]byte{byte('a' + writer)}, size)
				for range messages {
					if _, err := end.Write(message); err != nil {
						t.Error(err)
					}
				}
			}()
		}
	}
	for _, end := range []*Conn{client, server} {
		group.Add(1)
		go func() {
			defer group.Done()
			message := make([]byte, size)
			for range writers * messages {
				if _, err := io.ReadFull(end, message); err != nil {
					t.Error(err)
					return
				}
				if strings.Trim(string(message), string(message[:1])) != "" {
					t.Error("messages are mixed")
					return
				}
			}
		}()
	}
	group.Wait()
}

// TestKeyUpdate has a client that updates its keys and asks for the same, with a server that only reads.
func TestKeyUpdate(t *testing.T) {
	for _, transport := range transports {
		client, server := ourPair(t, transport.pair, clientConfig(), serverConfig())
		done := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, server)
			done <- err
		}()
		go io.Copy(io.Discard, client)
		for range 200 {
			status := 0
			if err := client.ask(func(h handle) { status = h.keyUpdate() }); err != nil || status != statusOK {
				t.Fatalf("%v, status %d", err, status)
			}
			client.needsFlush.Store(true)
			client.flushIfNeeded()
			if _, err := client.Write(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// TestDialAndListen goes through the functions that programs begin with, crypto/tls at the other end.
func TestDialAndListen(t *testing.T) {
	listener, err := Listen("tcp", "127.0.0.1:0", serverConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	address := listener.Addr().String()
	config := &Config{RootCAs: testPKI().pool}
	dialers := map[string]func() (net.Conn, error){
		"Dial":           func() (net.Conn, error) { return Dial("tcp", address, config) },
		"DialWithDialer": func() (net.Conn, error) { return DialWithDialer(new(net.Dialer), "tcp", address, config) },
		"DialContext":    func() (net.Conn, error) { return DialContext(t.Context(), "tcp", address, config) },
		"Dialer":         func() (net.Conn, error) { return (&Dialer{Config: config}).Dial("tcp", address) },
		"crypto/tls":     func() (net.Conn, error) { return tls.Dial("tcp", address, &tls.Config{RootCAs: testPKI().pool}) },
	}
	for name, dial := range dialers {
		conn, err := dial()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		conn.Write([]byte("hello"))
		got := make([]byte, 5)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		conn.Close()
	}
	if _, err := Dial("tcp", address, &Config{}); !isA[*CertificateVerificationError](err) {
		t.Errorf("with the roots of the system: %v", err)
	}
}
