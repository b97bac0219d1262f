package tls

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestNoClockJitter looks at the library in this tree for the collector of randomness that measures the clock: it costs the first
// handshake of a process 30 ms of the processor. A switch of the library's build leaves it out (.cargo/config.toml).
func TestNoClockJitter(t *testing.T) {
	library, err := os.ReadFile(filepath.Join("..", "..", "target", "release", "libtlsbio.a"))
	if err != nil {
		t.Skip("the library is not in this tree")
	}
	// That names are found at all.
	if !bytes.Contains(library, []byte("tls_read_in_place")) {
		t.Fatal("there are no names in the library")
	}
	if bytes.Contains(library, []byte("jent_read_entropy")) {
		t.Error("the library measures the jitter of the clock")
	}
}
