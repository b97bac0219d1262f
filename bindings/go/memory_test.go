//go:build linux

package tls

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"

	"tlsbio.example/go/internal/malloc"
)

// TestNoAllocations measures Read and Write in the steady state.
func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget buffers")
	}
	// A collection empties the pools.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, transport := range transports {
		for _, size := range answerSizes {
			client, server := ourPair(t, transport.pair, clientConfig(), serverConfig())
			go serveAnswers(server)
			request, into := make([]byte, requestSize), make([]byte, size.size)
			// The steady state is there once every processor has its buffers.
			objects, bytes := uint64(1), uint64(1)
			for round := 0; round < 10 && objects+bytes > 0; round++ {
				objects, bytes = allocated(500, func() { readAt(t, client, request, into) })
			}
			if objects != 0 || bytes != 0 {
				t.Errorf("%s, %s: %d allocations and %d bytes for each", transport.name, size.name, objects, bytes)
			}
		}
	}
}

// allocated is what one call of f costs on Go's heap, in all goroutines, rounded down as benchmarks do it.
func allocated(calls uint64, f func()) (objects, bytes uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / calls, (after.TotalAlloc - before.TotalAlloc) / calls
}

// TestForgottenConnections opens connections in many goroutines and forgets them: collections free them.
func TestForgottenConnections(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) { forget(t, transport.pair) })
	}
}

func forget(t *testing.T, pair func(testing.TB) (client, server net.Conn)) {
	const goroutines = 1000
	handles := make(chan handle, 2*goroutines)
	serverSide, clientSide := serverConfig(), clientConfig()
	var group sync.WaitGroup
	limit := make(chan struct{}, 50)
	for range goroutines {
		group.Add(1)
		go func() {
			defer group.Done()
			limit <- struct{}{}
			defer func() { <-limit }()
			a, b := pair(t)
			client, server := Client(a, clientSide), Server(b, serverSide)
			done := make(chan error, 1)
			go func() {
				_, err := io.ReadFull(server, make([]byte, 100))
				done <- err
			}()
			if _, err := client.Write(make([]byte, 100)); err != nil {
				t.Error(err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			handles <- client.handle
			handles <- server.handle
		}()
	}
	group.Wait()
	close(handles)
	// Cleanups run on goroutines of their own. What a goroutine has that is about to end, one collection more may have.
	for h := range handles {
		waitFor(t, "a connection that nobody has to be freed", func() bool {
			// The library's own answer: a handle that was freed is known no more.
			if h.advance() == errHandle {
				return true
			}
			runtime.GC()
			return false
		})
	}
}

// TestCollectedAfterClose frees connections, opens others, which get their places in the library, and lets the collector have
// the first ones: what frees the forgotten does nothing to who came after them.
func TestCollectedAfterClose(t *testing.T) {
	const count, indexBits = 40, 26
	collected := make(chan struct{}, count)
	places := make(map[handle]bool)
	var freed []handle
	for range count {
		closed := Client(nil, clientConfig())
		if err := closed.open(); err != nil {
			t.Fatal(err)
		}
		places[closed.handle%(1<<indexBits)] = true
		freed = append(freed, closed.handle)
		runtime.AddCleanup(closed, func(collected chan struct{}) { collected <- struct{}{} }, collected)
		closed.release()
	}
	var later [count / 2][2]*Conn
	reused := 0
	for i := range later {
		client, server := ourPair(t, tcpPair, clientConfig(), serverConfig())
		later[i] = [2]*Conn{client, server}
		for _, end := range later[i] {
			if places[end.handle%(1<<indexBits)] {
				reused++
			}
		}
	}
	if reused == 0 {
		t.Error("no place was used again: this tests nothing")
	}
	waitFor(t, "closed connections to be collected", func() bool {
		runtime.GC()
		return len(collected) == count
	})
	// Cleanups run beside each other: the one that frees may come later than the one that has told of it.
	for _, h := range freed {
		h.free()
	}
	for _, pair := range later {
		exchange(t, pair[0], pair[1])
	}
}

// asking notes how many bytes Read is asked for.
type asking struct {
	net.Conn
	asked []int
}

func (a *asking) Read(b []byte) (int, error) {
	a.asked = append(a.asked, len(b))
	return a.Conn.Read(b)
}

// TestWaitsWithLittle looks at what Read waits with where the transport cannot say that it is readable, and feeds records
// there that are cut at any place: once while there are spare buffers to wait with, and once while there are none.
func TestWaitsWithLittle(t *testing.T) {
	waitFor(t, "others' Reads to end", func() bool { return spares.Load() == 0 })
	defer spares.Store(0)
	client, server := ourPair(t, pipePair, clientConfig(), serverConfig())
	transport := &asking{Conn: client.conn}
	client.conn = transport
	raw := server.conn
	for _, taken := range []int32{0, mostSpares} {
		spares.Store(taken)
		large := recordBuffer
		if taken == mostSpares {
			large = recordHeader
		}
		for _, test := range []struct{ size, waits int }{{16000, 0}, {16000, large}, {10, large}, {1000, smallBuffer}, {16000, smallBuffer}} {
			for cut := range 12 {
				var records bytes.Buffer
				server.conn = &recording{Conn: raw, to: &records}
				message := bytes.Repeat([]byte{byte(cut + 1)}, test.size)
				if _, err := server.Write(message); err != nil {
					t.Fatal(err)
				}
				go func() {
					raw.Write(records.Bytes()[:cut])
					raw.Write(records.Bytes()[cut:])
				}()
				transport.asked = nil
				got := make([]byte, test.size)
				if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, message) {
					t.Fatalf("%d bytes cut after %d: %v", test.size, cut, err)
				}
				// It goes by the record before, which at first is one of the handshake's.
				if cut == 0 && test.waits > 0 && transport.asked[0] != test.waits {
					t.Errorf("%d bytes: waits for %d, not %d", test.size, transport.asked[0], test.waits)
				}
				if held := client.in.buffer; held != nil && (len(held.bytes) > smallBuffer || test.size > smallBuffer) {
					t.Errorf("a buffer of %d is held between records of %d", len(held.bytes), test.size)
				}
				if spares.Load() != taken {
					t.Fatalf("%d spare buffers are taken while nobody reads", spares.Load()-taken)
				}
			}
		}
	}
}

// TestSparesComeBack looks at the spare buffers of connections whose Read ends in another way than with bytes.
func TestSparesComeBack(t *testing.T) {
	waitFor(t, "others' Reads to end", func() bool { return spares.Load() == 0 })
	for _, end := range []struct {
		name string
		with func(client *Conn)
	}{
		{"deadline", func(client *Conn) { client.SetReadDeadline(time.Now()) }},
		{"close", func(client *Conn) { client.Close() }},
		{"end of the transport", func(client *Conn) { client.conn.Close() }},
	} {
		client, server := ourPair(t, pipePair, clientConfig(), serverConfig())
		message := make([]byte, 5000)
		for range 2 {
			go server.Write(message)
			if _, err := io.ReadFull(client, message); err != nil {
				t.Fatal(err)
			}
		}
		over := make(chan error)
		go func() {
			_, err := client.Read(message)
			over <- err
		}()
		waitFor(t, "a spare buffer to be waited with", func() bool { return spares.Load() != 0 })
		end.with(client)
		if err := <-over; err == nil {
			t.Errorf("%s: Read answers nothing", end.name)
		}
		if spares.Load() != 0 {
			t.Errorf("%s: %d spare buffers are taken when Read has ended", end.name, spares.Load())
		}
		spares.Store(0)
		// Nobody reads the last words.
		server.conn.Close()
	}
}

// idleFigures are of one end of an idle connection, in bytes.
type idleFigures struct{ heap, native, stacks, objects int64 }

// measureIdle opens connections, sends 16 KiB each way, leaves a goroutine blocked in Read at each end, and says what one end
// costs.
func measureIdle(t testing.TB, connections int, transport func(testing.TB) (net.Conn, net.Conn), pair func(client, server net.Conn) (conn, conn)) idleFigures {
	message, answer := make([]byte, 16<<10), make([]byte, 16<<10)
	open := func(a, b net.Conn) (client, server conn) {
		client, server = pair(a, b)
		done := make(chan error, 1)
		go func() {
			if _, err := io.ReadFull(server, answer); err != nil {
				done <- err
				return
			}
			_, err := server.Write(answer)
			done <- err
		}()
		if _, err := client.Write(message); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client, message); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return client, server
	}
	// What connections share, and what allocators and the library keep with each thread, is there before.
	for range 500 {
		client, server := open(transport(t))
		defer end(client, server)
	}
	raw := make([][2]net.Conn, connections)
	for i := range raw {
		raw[i][0], raw[i][1] = transport(t)
	}
	before := memoryNow()
	ends := make([]conn, 0, 2*connections)
	for _, r := range raw {
		client, server := open(r[0], r[1])
		ends = append(ends, client, server)
	}
	var reading sync.WaitGroup
	for _, end := range ends {
		reading.Add(1)
		go func() {
			defer reading.Done()
			var b [1]byte
			end.Read(b[:])
		}()
	}
	waitFor(t, "all ends to be blocked in Read", func() bool { return waiting("measureIdle") == len(ends) })
	after := memoryNow()
	end(ends...)
	// They give back what is shared, and the next test may count it.
	reading.Wait()
	n := int64(2 * connections)
	return idleFigures{(after.heap - before.heap) / n, (after.native - before.native) / n, (after.stacks - before.stacks) / n, (after.objects - before.objects) / n}
}

// end closes without a word to the peer, which nobody would read.
func end(ends ...conn) {
	for _, end := range ends {
		end.NetConn().Close()
		end.Close()
	}
}

func memoryNow() idleFigures {
	for range 3 {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return idleFigures{int64(stats.HeapAlloc), malloc.InUse(), int64(stats.StackInuse), int64(stats.HeapObjects)}
}

// TestIdleMemory compares idle connections with crypto/tls's. TLSBIO_IDLE=9900 measures more of them; each takes two file
// descriptors.
func TestIdleMemory(t *testing.T) {
	connections := 2000
	if text := os.Getenv("TLSBIO_IDLE"); text != "" {
		connections, _ = strconv.Atoi(text)
	}
	if raceEnabled {
		t.Skip("the race detector's own memory is counted")
	}
	theirs := func(client, server net.Conn) (conn, conn) {
		return tls.Client(client, theirIdleClient), tls.Server(server, theirIdleServer)
	}
	ours := func(client, server net.Conn) (conn, conn) {
		return Client(client, benchClientConfig), Server(server, benchServerConfig)
	}
	for _, transport := range transports {
		plain := func(t testing.TB) (net.Conn, net.Conn) {
			if transport.name == "pipe" {
				return net.Pipe()
			}
			return tcpPair(t)
		}
		a, b := measureIdle(t, connections, plain, theirs), measureIdle(t, connections, plain, ours)
		t.Logf("%s, %d connections, bytes for each end: crypto/tls %d heap (%d objects) + %d native + %d stack; this package %d heap (%d objects) + %d native + %d stack",
			transport.name, connections, a.heap, a.objects, a.native, a.stacks, b.heap, b.objects, b.native, b.stacks)
		if 3*(b.heap+b.native) > a.heap+a.native {
			t.Errorf("%s: %d bytes are more than a third of %d", transport.name, b.heap+b.native, a.heap+a.native)
		}
	}
}

var (
	theirIdleClient = &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test"}
	theirIdleServer = &tls.Config{Certificates: []Certificate{testPKI().ecdsa}}
)
