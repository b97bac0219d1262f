package tls

import (
	"context"
	"crypto/tls"
	"io"
	"math/rand"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestEverythingAtOnce has goroutines that do with both ends of a connection whatever can be done, in any order and at any time.
// All of them come back when both are closed, nothing that the peer has not sent is read, and no goroutine is left.
func TestEverythingAtOnce(t *testing.T) {
	p := testPKI()
	rounds, seed := 40, time.Now().UnixNano()
	if testing.Short() {
		rounds = 12
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	for round := range rounds {
		a, b := transports[round%2].pair(t)
		clientSide, serverSide := clientConfig(), serverConfig()
		clientSide.MaxVersion = []uint16{VersionTLS12, VersionTLS13}[round/2%2]
		clientSide.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		clientSide.Certificates, serverSide.ClientAuth, serverSide.ClientCAs = []Certificate{p.client}, RequireAndVerifyClientCert, p.pool
		serverSide.VerifyConnection = func(state ConnectionState) error {
			runtime.Gosched()
			return nil
		}
		ends := []*Conn{Client(a, clientSide), Server(b, serverSide)}
		var all sync.WaitGroup
		for i := range 12 {
			own := rand.New(rand.NewSource(random.Int63()))
			c := ends[i%2]
			all.Add(1)
			go func() {
				defer all.Done()
				for range 8 {
					doSomething(t, c, own)
				}
			}()
		}
		over := make(chan struct{})
		go func() { all.Wait(); close(over) }()
		ending := time.After(time.Duration(random.Intn(30)) * time.Millisecond)
		select {
		case <-over:
		case <-ending:
		}
		for _, end := range ends {
			end.Close()
		}
		select {
		case <-over:
		case <-time.After(patience(20 * time.Second)):
			t.Fatalf("round %d: somebody does not come back\n%s", round, stacks())
		}
	}
	waitFor(t, "the end of all goroutines", func() bool { return !strings.Contains(stacks(), "(*Conn).") })
}

// The only bytes that are ever written.
var ones = strings.Repeat("1", 70000)

// doSomething does one thing with a connection. Whatever comes of it, it is no panic.
func doSomething(t *testing.T, c *Conn, random *rand.Rand) {
	sizes := []int{0, 1, 100, 5000, len(ones)}
	size := sizes[random.Intn(len(sizes))]
	check := func(read []byte) {
		if strings.Trim(string(read), "1") != "" {
			t.Error("bytes are read that nobody has written")
		}
	}
	switch random.Intn(14) {
	case 0:
		c.Handshake()
	case 1:
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.Intn(20))*time.Millisecond)
		c.HandshakeContext(ctx)
		cancel()
	case 2, 3, 4:
		room := make([]byte, size)
		n, _ := c.Read(room)
		check(room[:n])
	case 5, 6, 7:
		c.Write([]byte(ones[:size]))
	case 8:
		c.SetDeadline(time.Now().Add(time.Duration(random.Intn(5)) * time.Millisecond))
	case 9:
		c.SetDeadline(time.Time{})
	case 10:
		if state := c.ConnectionState(); state.HandshakeComplete {
			state.ExportKeyingMaterial("label", nil, 20)
			if len(state.PeerCertificates) == 0 {
				t.Error("a state without certificates")
			}
		}
	case 11:
		c.WriteBuffers(&net.Buffers{[]byte(ones[:100]), []byte(ones[:size])})
	case 12:
		c.ReadFrom(strings.NewReader(ones[:size]))
	case 13:
		switch random.Intn(6) {
		case 0:
			c.CloseWrite()
		case 1:
			c.Close()
		case 2:
			written := new(strings.Builder)
			io.CopyN(written, c, int64(size))
			check([]byte(written.String()))
		}
	}
}
