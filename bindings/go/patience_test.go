package tls

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long nothing may happen before it is taken for a hang: TLSBIO_PATIENCE times as long on a busy machine
// (scripts/patience.sh).
func patience(idle time.Duration) time.Duration {
	if factor, err := strconv.Atoi(os.Getenv("TLSBIO_PATIENCE")); err == nil && factor > 0 {
		return idle * time.Duration(factor)
	}
	return idle
}

// waitFor waits until something is so.
func waitFor(t testing.TB, what string, isSo func() bool) {
	t.Helper()
	for end := time.Now().Add(patience(20 * time.Second)); !isSo(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s\n%s", what, stacks())
		}
	}
}

// stacks are those of all goroutines.
func stacks() string {
	for size := 1 << 20; ; size *= 2 {
		text := make([]byte, size)
		if n := runtime.Stack(text, true); n < size {
			return string(text[:n])
		}
	}
}

// waiting counts the goroutines that were begun in a function, and wait for a socket or for the other end of a net.Pipe.
func waiting(function string) int {
	count := 0
	for _, stack := range strings.Split(stacks(), "\n\n") {
		state, _, _ := strings.Cut(stack, "\n")
		_, begun, _ := strings.Cut(stack, "\ncreated by ")
		if strings.Contains(begun, "."+function) && (strings.Contains(state, "[IO wait") || strings.Contains(state, "[select")) {
			count++
		}
	}
	return count
}
