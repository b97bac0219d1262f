package tls

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReadme compiles and runs the programs in README.md, of this package and of the whole tree.
func TestReadme(t *testing.T) {
	t.Run("package", func(t *testing.T) {
		if !httpTakesAny {
			t.Skip("this Go's net/http speaks HTTP/2 over crypto/tls's connections only")
		}
		runProgram(t, "README.md", "hello over HTTP/2.0 and TLS 1.3\n")
	})
	t.Run("tree", func(t *testing.T) {
		runProgram(t, filepath.Join("..", "..", "README.md"), "hello from the server\nover TLS 1.3\n")
	})
}

// runProgram compiles the one program in a document and runs it with certificates.
func runProgram(t *testing.T, document, wanted string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```go\n")
	program, rest, ended := strings.Cut(rest, "```\n")
	if !found || !ended || strings.Contains(rest, "```go\n") {
		t.Fatalf("there is not one program in %s", document)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root := newAuthority("README's root")
	server := root.issue(testPKI().ecdsa.PrivateKey.(crypto.Signer), "localhost", false, time.Now().Add(time.Hour))
	key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	for name, content := range map[string][]byte{
		"main.go":   []byte(program),
		"chain.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate[0]}),
		"key.pem":   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"roots.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.certificate.Raw}),
	} {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, arguments := range [][]string{
		{"mod", "init", "program"},
		{"mod", "edit", "-require=tlsbio/bindings/go@v0.0.0", "-replace=tlsbio/bindings/go=" + here},
		{"vet", "."},
	} {
		command := exec.Command("go", arguments...)
		command.Dir = directory
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v, %s", arguments, err, out)
		}
	}
	command := exec.Command("go", "run", ".", "chain.pem", "key.pem", "roots.pem")
	command.Dir = directory
	out, err := command.CombinedOutput()
	if err != nil || string(out) != wanted {
		t.Errorf("%v, %q", err, out)
	}
}
