package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// No connection has more bytes on their way than this.
const inFlight = 8 << 10

// How many handshakes are under way at once: the server's queue for new ones is not long.
const atOnce = 16

// runCrowd keeps many connections to an echo server busy until a line comes on stdin, and checks every byte. It says
// when each of them has had an answer.
func runCrowd(o options, config *tls.Config) error {
	var answered, done sync.WaitGroup
	stop := make(chan struct{})
	failures := make(chan error, o.count)
	tickets := make(chan struct{}, atOnce)
	var total int64
	var lock sync.Mutex
	for index := range o.count {
		answered.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			tickets <- struct{}{}
			once := sync.OnceFunc(func() { <-tickets; answered.Done() })
			defer once()
			bytes, err := member(o, config, index, stop, once)
			if err != nil {
				failures <- fmt.Errorf("connection %d, after %d bytes: %w", index, bytes, err)
			}
			lock.Lock()
			total += bytes
			lock.Unlock()
		}()
	}
	answered.Wait()
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	close(stop)
	done.Wait()
	select {
	case err := <-failures:
		return err
	default:
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]int64{"connections": int64(o.count), "bytes": total})
}

// What stands at each place of the stream of a connection.
func expected(index int, place int64) byte {
	return byte(place) ^ byte(place>>8)*31 ^ byte(index)*7
}

// Every other connection has TLS 1.2, if both versions are allowed.
func version(config *tls.Config, index int) *tls.Config {
	if index%2 == 0 || config.MinVersion != tls.VersionTLS12 {
		return config
	}
	older := config.Clone()
	older.MaxVersion = tls.VersionTLS12
	return older
}

// member is one connection: how many bytes came back, all of which were right unless there is an error.
func member(o options, config *tls.Config, index int, stop <-chan struct{}, answered func()) (int64, error) {
	conn, err := tls.Dial("tcp", o.address, version(config, index))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var sent, received int64
	var lock sync.Mutex
	room := sync.NewCond(&lock)
	written := make(chan error, 1)
	go func() {
		for size := 1 + index%1000; ; size = 1 + (size*37+11)%3000 {
			select {
			case <-stop:
				written <- conn.CloseWrite()
				return
			default:
			}
			chunk := make([]byte, size)
			for at := range chunk {
				chunk[at] = expected(index, sent+int64(at))
			}
			lock.Lock()
			for sent+int64(size)-received > inFlight {
				room.Wait()
			}
			sent += int64(size)
			lock.Unlock()
			if _, err := conn.Write(chunk); err != nil {
				written <- err
				return
			}
		}
	}()
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		for at, got := range buffer[:n] {
			if want := expected(index, received+int64(at)); got != want {
				return received, fmt.Errorf("byte %d is %#x instead of %#x", received+int64(at), got, want)
			}
		}
		lock.Lock()
		received += int64(n)
		room.Signal()
		lock.Unlock()
		if n > 0 {
			answered()
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return received, err
		}
	}
	if err := <-written; err != nil {
		return received, err
	}
	if received != sent {
		return received, fmt.Errorf("%d bytes came back of %d", received, sent)
	}
	return received, nil
}
