package tls

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// accepting counts what it is asked for, and answers some errors first.
type accepting struct {
	*net.TCPListener
	asked  atomic.Int32
	errors []error
	failed chan error
}

func newAccepting(t *testing.T, errors ...error) *accepting {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &accepting{TCPListener: inner.(*net.TCPListener), errors: errors, failed: make(chan error, 100)}
}

func (a *accepting) Accept() (net.Conn, error) {
	if n := int(a.asked.Add(1)); n <= len(a.errors) {
		return nil, a.errors[n-1]
	}
	conn, err := a.TCPListener.Accept()
	if err != nil {
		a.failed <- err
	}
	return conn, err
}

// accept is Accept that does not wait for ever.
func accept(t *testing.T, listener net.Listener) (net.Conn, error) {
	t.Helper()
	type answer struct {
		conn net.Conn
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		conn, err := listener.Accept()
		answers <- answer{conn, err}
	}()
	select {
	case a := <-answers:
		if a.conn != nil {
			t.Cleanup(func() { a.conn.Close() })
		}
		return a.conn, a.err
	case <-time.After(patience(20 * time.Second)):
		t.Fatal("Accept does not answer")
		return nil, nil
	}
}

// greet does a handshake with what listens at an address.
func greet(t *testing.T, address net.Addr, name string) error {
	raw, err := net.Dial("tcp", address.String())
	if err != nil {
		return err
	}
	t.Cleanup(func() { raw.Close() })
	raw.SetDeadline(time.Now().Add(patience(20 * time.Second)))
	return tls.Client(raw, &tls.Config{RootCAs: testPKI().pool, ServerName: name}).Handshake()
}

// logged is what the log says, for several goroutines.
type logged struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// TestListenerOfPanics has functions of the program that do not return: the connection ends, and nothing else does.
func TestListenerOfPanics(t *testing.T) {
	for _, of := range []struct {
		name  string
		leave func()
	}{{"panic", func() { panic("not this name") }}, {"Goexit", runtime.Goexit}} {
		t.Run(of.name, func(t *testing.T) {
			said := new(logged)
			defer log.SetOutput(log.Writer())
			log.SetOutput(said)
			inner := newAccepting(t)
			config := &Config{GetCertificate: func(hello *ClientHelloInfo) (*Certificate, error) {
				if hello.ServerName != "server.test" {
					of.leave()
				}
				return &testPKI().ecdsa, nil
			}}
			// The connection is not closed by a timeout.
			listener := NewHandshakeListener(inner, config, time.Hour)
			defer listener.Close()
			answers := make(chan error, 1)
			go func() {
				conn, err := listener.Accept()
				if err == nil {
					defer conn.Close()
				}
				answers <- err
			}()
			err := greet(t, inner.Addr(), "other.test")
			if err == nil || endures(err) {
				t.Errorf("a client whose server has lost its goroutine: %v", err)
			}
			if err := greet(t, inner.Addr(), "server.test"); err != nil {
				t.Errorf("the next client: %v", err)
			}
			if err := <-answers; err != nil {
				t.Errorf("Accept: %v", err)
			}
			text := said.String()
			if of.name == "panic" {
				for _, wanted := range []string{"127.0.0.1:", "not this name", "TestListenerOfPanics"} {
					if !strings.Contains(text, wanted) {
						t.Errorf("the log does not say %q: %q", wanted, text)
					}
				}
			} else if text != "" {
				t.Errorf("the log says %q", text)
			}
		})
	}
}

// TestListenerGoesOn has the listener below fail for a while: net/http tries again after an error that calls itself temporary.
func TestListenerGoesOn(t *testing.T) {
	full := &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	other := errors.New("not now")
	inner := newAccepting(t, full, other, full)
	listener := NewHandshakeListener(inner, serverConfig(), 0)
	defer listener.Close()
	for _, wanted := range inner.errors {
		if _, err := accept(t, listener); err != wanted {
			t.Fatalf("%v instead of %v", err, wanted)
		}
	}
	done := make(chan error, 1)
	go func() { done <- greet(t, inner.Addr(), "server.test") }()
	if _, err := accept(t, listener); err != nil {
		t.Errorf("Accept after errors: %v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("a client after errors: %v", err)
	}
	// What is closed below is closed for good.
	inner.Close()
	for range 2 {
		if _, err := accept(t, listener); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed listener: %v", err)
		}
	}
}

// TestListenerDeadline sets a deadline on the listener below: Accept tells of it, as long as it holds.
func TestListenerDeadline(t *testing.T) {
	inner := newAccepting(t)
	listener := NewHandshakeListener(inner, serverConfig(), 0)
	defer listener.Close()
	past := time.Unix(1, 0)
	inner.SetDeadline(past)
	for range 3 {
		if conn, err := accept(t, listener); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%v, %v", conn, err)
		}
		// Nobody asks, and the listener below is not asked.
		asked := inner.asked.Load()
		for range 1000 {
			runtime.Gosched()
		}
		if more := inner.asked.Load() - asked; more != 0 {
			t.Errorf("asked %d times for nobody", more)
		}
	}
	meet := func() {
		t.Helper()
		done := make(chan error, 1)
		go func() { done <- greet(t, inner.Addr(), "server.test") }()
		if _, err := accept(t, listener); err != nil {
			t.Errorf("Accept without a deadline: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("a client without a deadline: %v", err)
		}
	}
	inner.SetDeadline(time.Time{})
	meet()
	// One that has passed while nobody asked, and holds no more, is not told of.
	for len(inner.failed) > 0 {
		<-inner.failed
	}
	inner.SetDeadline(past)
	<-inner.failed
	inner.SetDeadline(time.Time{})
	meet()
}
