#!/usr/bin/env bash
# Tests the Go binding: test.sh [BENCHMARKS]. With an argument, the benchmarks that match it are run as well. The longer suites of
# others are suites/run.py's.
# Needs the static library: make lib.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/scripts/patience.sh"
target=$root/target

if [ ! -e "$target/release/libtlsbio.a" ]; then
    echo "test.sh: no library in target/release: build it first, by make lib" >&2
    exit 1
fi

go=$("$root/scripts/find-go.sh")
# Whatever is cached goes under target, and nothing is downloaded: there is no dependency.
PATH=$(dirname "$go"):$PATH
export GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-buildvcs=false GOCACHE=$target/go/cache CGO_ENABLED=1
cd "$here"

step() { # WHAT COMMAND...
    local what=$1 start=$SECONDS
    shift
    printf '\n=== Go: %s\n' "$what"
    "$@"
    printf '=== Go: %s: passed in %d s\n' "$what" $((SECONDS - start))
}

formatted() {
    local gofmt unformatted
    gofmt=$("$go" env GOROOT)/bin/gofmt
    unformatted=$("$gofmt" -l .)
    if [ -n "$unformatted" ]; then
        printf 'not formatted:\n%s\n' "$unformatted" >&2
        return 1
    fi
}

# golang.org/x/net's connection suite is in every Go distribution, where only its own packages may import it.
nettest() {
    rm -rf "$target/go/x-net"
    mkdir -p "$target/go/x-net"
    cp -r "$("$go" env GOROOT)/src/vendor/golang.org/x/net/nettest" "$target/go/x-net/"
    printf 'module golang.org/x/net\n' >"$target/go/x-net/go.mod"
    (cd nettest && "$go" test -timeout "$(patience 300)s" "$@" .)
}

matrix() { # VERSION
    local go
    go=$("$root/scripts/find-go.sh" "$1")
    PATH=$(dirname "$go"):$PATH GOEXPERIMENT=cgocheck2 "$go" test -count 1 -race -short -timeout "$(patience 300)s" ./...
}

# The pkg-config way of linking, against the shared library as it would be installed.
by_pkg_config() {
    local installed=$target/go/installed
    mkdir -p "$installed"
    printf '%s\n' "Name: tlsbio" "Description: the build tree" "Version: 0" "Cflags: -I$root/include" \
        "Libs: -L$target/release -ltlsbio" >"$installed/tlsbio.pc"
    PKG_CONFIG_PATH=$installed LD_LIBRARY_PATH=$target/release "$go" test -tags tlsbio_system -short -timeout "$(patience 300)s" -run 'TestWithCryptoTLS|TestHTTP' .
}

step "format" formatted
step "vet" "$go" vet ./...
step "tests" "$go" test -count 1 -timeout "$(patience 300)s" ./...
# Each version of Go that is supported, with the race detector and every write of a Go pointer into C memory looked at.
for version in 1.24 1.25 1.26 1.27; do
    step "tests with Go $version, its race detector and cgocheck2" matrix "$version"
done
step "the connection suite of golang.org/x/net" nettest -count 1
step "crypto/tls's own tests" "$here/suites/run.py" "$("$root/scripts/find-go.sh" 1.27)" crypto/tls
if command -v pkg-config >/dev/null; then
    step "linked by pkg-config" by_pkg_config
else
    echo "test.sh: skipped: linking by pkg-config, which is not here"
fi
if [ -n "${1:-}" ]; then
    step "benchmarks" "$go" test -run '^$' -bench "$1" -benchtime 300ms .
fi
