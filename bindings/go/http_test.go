package tls

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serveHTTP runs net/http's server over this package and gives its address.
func serveHTTP(t *testing.T, protocols ...string) string {
	t.Helper()
	config := &Config{Certificates: []Certificate{testPKI().ecdsa}, NextProtos: protocols}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := NewListener(inner, config)
	if httpLooks && !httpTakesAny {
		// It asks for the state before it reads.
		listener = NewHandshakeListener(inner, config, 0)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		version := "none"
		if r.TLS != nil {
			version = VersionName(r.TLS.Version)
		}
		fmt.Fprintf(w, "%s %d bytes over %s, %s", r.Proto, len(body), version, r.URL.Path)
		io.WriteString(w, strings.Repeat(".", 100000))
	})}
	// The log of the process is another test's by the time that a connection is given up.
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// requestTLS is what the handler says of Request.TLS, which Go 1.24's net/http leaves empty in HTTP/1.1.
func requestTLS(proto string) string {
	if httpTakesAny || httpLooks || proto == "HTTP/2.0" {
		return "TLS 1.3"
	}
	return "none"
}

// TestHTTP has net/http's server and client over this package, in HTTP/1.1 and HTTP/2.
func TestHTTP(t *testing.T) {
	for _, protocol := range []struct{ alpn, proto string }{{"http/1.1", "HTTP/1.1"}, {"h2", "HTTP/2.0"}} {
		t.Run(protocol.alpn, func(t *testing.T) {
			if protocol.alpn == "h2" && !httpTakesAny {
				t.Skip("this Go's net/http speaks HTTP/2 over crypto/tls's connections only")
			}
			address := serveHTTP(t, "h2", "http/1.1")
			config := &Config{RootCAs: testPKI().pool, ServerName: "server.test", NextProtos: []string{protocol.alpn}}
			transport := &http.Transport{
				ForceAttemptHTTP2: true,
				DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
					return DialContext(ctx, network, addr, config)
				},
			}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport, Timeout: patience(20 * time.Second)}
			for i := range 5 {
				response, err := client.Post("https://"+address+"/path", "text/plain", strings.NewReader(strings.Repeat("x", i*50000)))
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				wanted := fmt.Sprintf("%s %d bytes over %s, /path", protocol.proto, i*50000, requestTLS(protocol.proto))
				if err != nil || len(body) != len(wanted)+100000 || !strings.HasPrefix(string(body), wanted) {
					t.Fatalf("%q, %v", body[:min(len(body), 100)], err)
				}
				if response.Proto != protocol.proto || httpTakesAny && (response.TLS == nil || response.TLS.NegotiatedProtocol != protocol.alpn) {
					t.Errorf("%s, %+v", response.Proto, response.TLS)
				}
			}
		})
	}
}

// TestCurl has curl as the client.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl here")
	}
	versions := map[string]string{"--http1.1": "HTTP/1.1", "--http2": "HTTP/2.0"}
	protocols := []string{"h2", "http/1.1"}
	if httpLooks && !httpTakesAny {
		// It takes HTTP/2 for encrypted, and speaks it over crypto/tls's connections only.
		delete(versions, "--http2")
		protocols = protocols[1:]
	}
	address := serveHTTP(t, protocols...)
	_, port, _ := net.SplitHostPort(address)
	roots := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(roots, testPKI().rootPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, proto := range versions {
		command := exec.Command(curl, "--silent", "--show-error", "--cacert", roots, "--resolve", "server.test:"+port+":127.0.0.1",
			flag, "--data-binary", strings.Repeat("x", 70000), "https://server.test:"+port+"/curl")
		command.Env = append(os.Environ(), "NO_PROXY=*")
		out, err := command.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), proto+" 70000 bytes over "+requestTLS(proto)+", /curl") {
			t.Errorf("%s: %v, %q", flag, err, out[:min(len(out), 200)])
		}
	}
}

// TestPlainHTTP asks an HTTPS server without TLS: net/http tells the client so.
func TestPlainHTTP(t *testing.T) {
	if !httpTakesAny {
		t.Skip("this Go's net/http answers so over crypto/tls's connections only")
	}
	address := serveHTTP(t)
	response, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("%s", response.Status)
	}
}
