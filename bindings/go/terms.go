//go:build cgo

package tls

import (
	"regexp"
	"strings"
)

var (
	// What names a function or a number of C, in brackets, or as the last clause of a sentence.
	aside  = regexp.MustCompile(`\s*\([^()]*(?:tls|TLS)_\w+[^()]*(?:\(\))?[^()]*\)`)
	clause = regexp.MustCompile(`\s*[:;,]\s[^:;,]*\b(?:tls|TLS)_\w+.*$`)
	other  = regexp.MustCompile(`\b(?:tls|TLS)_\w+(?:\(\))?`)
)

// inGoTerms leaves out of a message of the library what it says to programs in C.
func inGoTerms(message string) string {
	if !strings.Contains(message, "tls_") && !strings.Contains(message, "TLS_") {
		return message
	}
	for _, names := range []*regexp.Regexp{aside, clause} {
		message = names.ReplaceAllString(message, "")
	}
	return strings.TrimSpace(other.ReplaceAllString(message, "the library"))
}
