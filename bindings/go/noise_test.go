package tls

import (
	"bytes"
	"io"
	"math/rand"
	"net"
	"testing"
)

// noisy turns one bit over, at some byte of what is read.
type noisy struct {
	net.Conn
	at  int
	bit byte
}

func (n *noisy) Read(b []byte) (int, error) {
	got, err := n.Conn.Read(b)
	if n.at >= 0 && n.at < got {
		b[n.at] ^= n.bit
	}
	n.at -= got
	return got, err
}

// TestNoise turns over one bit anywhere in a connection, handshake included: the program never sees other bytes than were
// sent, nothing hangs once the transport has ended, and other connections of the same Configs go on.
func TestNoise(t *testing.T) {
	random := rand.New(rand.NewSource(4))
	clientSide, serverSide := clientConfig(), serverConfig()
	bystander, other := ourPair(t, tcpPair, clientSide, serverSide)
	message := make([]byte, 3000)
	random.Read(message)
	refused := 0
	for round := range 400 {
		a, b := tcpPair(t)
		at, bit := random.Intn(5500), byte(1)<<random.Intn(8)
		var rawClient, rawServer net.Conn = a, b
		if round%2 == 0 {
			rawClient = &noisy{a, at, bit}
		} else {
			rawServer = &noisy{b, at, bit}
		}
		client, server := Client(rawClient, clientSide), Server(rawServer, serverSide)
		failed := make(chan error, 2)
		for _, side := range []*Conn{client, server} {
			go func() {
				got := make([]byte, len(message))
				var err error
				if side == client {
					if _, err = side.Write(message); err == nil {
						_, err = io.ReadFull(side, got)
					}
				} else if _, err = io.ReadFull(side, got); err == nil {
					if !bytes.Equal(got, message) {
						t.Error("the server reads other bytes than were sent")
					}
					_, err = side.Write(message)
				}
				if err == nil && !bytes.Equal(got, message) {
					t.Error("other bytes than were sent")
				}
				if err != nil {
					// What a program does; it also ends what waits at the other side.
					side.Close()
				}
				failed <- err
			}()
		}
		first := <-failed
		if first == nil {
			first = <-failed
		} else {
			<-failed
		}
		if first != nil {
			refused++
		}
		client.Close()
		server.Close()
	}
	if refused < 200 {
		t.Errorf("%d of 400 connections were refused", refused)
	}
	exchange(t, bystander, other)
}
