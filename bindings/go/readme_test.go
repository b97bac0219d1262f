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

// TestReadme compiles and runs the program in README.md.
func TestReadme(t *testing.T) {
	if !httpTakesAny {
		t.Skip("this Go's net/http speaks HTTP/2 over crypto/tls's connections only")
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```go\n")
	program, _, ended := strings.Cut(rest, "```\n")
	if !found || !ended {
		t.Fatal("there is no program in README.md")
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
		"go.mod":    []byte("module program\n\ngo 1.24\n\nrequire tlsbio/bindings/go v0.0.0\n\nreplace tlsbio/bindings/go => " + here + "\n"),
		"chain.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate[0]}),
		"key.pem":   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"roots.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.certificate.Raw}),
	} {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("go", "run", ".", "chain.pem", "key.pem", "roots.pem")
	command.Dir = directory
	out, err := command.CombinedOutput()
	if err != nil || string(out) != "hello over HTTP/2.0 and TLS 1.3\n" {
		t.Errorf("%v, %q", err, out)
	}
}
