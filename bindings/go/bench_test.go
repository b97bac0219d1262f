package tls

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
)

// The shape of a ReadAt of a network file system: a request of 16 bytes, an answer of n bytes into the caller's buffer.
// Server and client are of the same package; the answer is made before, so that only the connections are measured.

const requestSize = 16

var answerSizes = []struct {
	name string
	size int
}{{"1KB", 1 << 10}, {"64KB", 64 << 10}, {"1MB", 1 << 20}}

// serveAnswers answers requests until the connection ends.
func serveAnswers(conn net.Conn) {
	defer conn.Close()
	answer := make([]byte, 1<<20)
	request := make([]byte, requestSize)
	for {
		if _, err := io.ReadFull(conn, request); err != nil {
			return
		}
		if _, err := conn.Write(answer[:binary.BigEndian.Uint32(request)]); err != nil {
			return
		}
	}
}

func readAt(b testing.TB, conn net.Conn, request, into []byte) {
	binary.BigEndian.PutUint32(request, uint32(len(into)))
	if _, err := conn.Write(request); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(conn, into); err != nil {
		b.Fatal(err)
	}
}

var implementations = []struct {
	name string
	pair func(client, server net.Conn) (conn, conn)
}{
	{"crypto", func(client, server net.Conn) (conn, conn) {
		suite := &tls.Config{RootCAs: testPKI().pool, ServerName: "server.test"}
		return tls.Client(client, suite), tls.Server(server, &tls.Config{Certificates: []Certificate{testPKI().ecdsa}})
	}},
	{"tlsbio", func(client, server net.Conn) (conn, conn) {
		return Client(client, benchClientConfig), Server(server, benchServerConfig)
	}},
	{"tlsbio-pool", func(client, server net.Conn) (conn, conn) {
		return Client(client, benchPoolConfig), Server(server, benchServerConfig)
	}},
}

var (
	// Roots that the library verifies with.
	benchClientConfig = &Config{RootsPEM: testPKI().rootPEM, ServerName: "server.test", CipherSuites: []uint16{TLS_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
	// Roots that crypto/x509 verifies with.
	benchPoolConfig   = &Config{RootCAs: testPKI().pool, ServerName: "server.test", CipherSuites: []uint16{TLS_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
	benchServerConfig = serverConfig()
)

func BenchmarkReadAt(b *testing.B) {
	for _, transport := range transports {
		for _, size := range answerSizes {
			for _, implementation := range implementations {
				b.Run(fmt.Sprintf("%s/%s/%s", transport.name, size.name, implementation.name), func(b *testing.B) {
					rawClient, rawServer := transport.pair(b)
					client, server := implementation.pair(rawClient, rawServer)
					go serveAnswers(server)
					request, into := make([]byte, requestSize), make([]byte, size.size)
					// crypto/tls makes its first records small; this package's pools fill.
					for range 300 {
						readAt(b, client, request, into)
					}
					b.SetBytes(int64(size.size))
					b.ReportAllocs()
					for b.Loop() {
						readAt(b, client, request, into)
					}
				})
			}
		}
	}
}

// BenchmarkHandshake is full handshakes over net.Pipe, both ends.
func BenchmarkHandshake(b *testing.B) {
	for _, implementation := range implementations {
		b.Run(implementation.name, func(b *testing.B) {
			handshake := func() {
				rawClient, rawServer := net.Pipe()
				client, server := implementation.pair(rawClient, rawServer)
				handshakeBoth(b, client, server)
				rawClient.Close()
				rawServer.Close()
				client.Close()
				server.Close()
			}
			// Contexts are built, and random numbers seeded: 40 ms.
			handshake()
			b.ReportAllocs()
			for b.Loop() {
				handshake()
			}
		})
	}
}
