package tls

import (
	"io"
	"net"
	"testing"
)

// loop is a transport that takes what one end writes and gives it to the other end's next Read, on one goroutine.
type loop struct {
	net.Conn
	to, from *[]byte
}

func (l *loop) Write(b []byte) (int, error) {
	*l.to = append(*l.to, b...)
	return len(b), nil
}

func (l *loop) Read(b []byte) (int, error) {
	n := copy(b, *l.from)
	*l.from = (*l.from)[:copy(*l.from, (*l.from)[n:])]
	return n, nil
}

// BenchmarkRecord is what one record costs without a transport and without a scheduler: Write at one end, Read at the other.
func BenchmarkRecord(b *testing.B) {
	for _, size := range []struct {
		name string
		size int
	}{{"64B", 64}, {"1KB", 1 << 10}, {"4KB", 4 << 10}, {"16KB", 16000}} {
		for _, implementation := range implementations[:2] {
			b.Run(size.name+"/"+implementation.name, func(b *testing.B) {
				rawClient, rawServer := pipePair(b)
				there, back := new([]byte), new([]byte)
				clientEnd, serverEnd := &swapped{rawClient}, &swapped{rawServer}
				client, server := implementation.pair(clientEnd, serverEnd)
				handshakeBoth(b, client, server)
				clientEnd.Conn, serverEnd.Conn = &loop{rawClient, there, back}, &loop{rawServer, back, there}
				message := make([]byte, size.size)
				once := func() {
					if _, err := server.Write(message); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(client, message); err != nil {
						b.Fatal(err)
					}
				}
				for range 2000 {
					once()
				}
				b.SetBytes(int64(size.size))
				b.ReportAllocs()
				for b.Loop() {
					once()
				}
			})
		}
	}
}

// swapped is a transport that can be exchanged.
type swapped struct{ net.Conn }
