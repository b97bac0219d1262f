#!/usr/bin/env bash
# Runs the header's example, already built, against openssl s_server: example.sh FETCH_PROGRAM PKI_DIR
set -euo pipefail

fetch=$1
pki=$2
work=$(mktemp -d)
server=
cleanup() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT
failures=0

start_server() { # S_SERVER_OPTIONS...
    : >"$work/server.log"
    # Port 0 lets the system choose; s_server prints which one it got.
    openssl s_server -www -accept 127.0.0.1:0 -cert "$pki/ecdsa/server.pem" -cert_chain "$pki/ecdsa/inter.pem" \
        -key "$pki/ecdsa/server.key" "$@" >"$work/server.log" 2>&1 </dev/null &
    server=$!
    port=
    while [ -z "$port" ]; do
        if ! kill -0 "$server" 2>/dev/null; then
            cat "$work/server.log" >&2
            echo "FAIL openssl s_server did not start" >&2
            exit 1
        fi
        port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$work/server.log")
        [ -n "$port" ] || sleep 0.05
    done
}

stop_server() {
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}

fails() { # WHAT
    echo "FAIL $1" >&2
    cat "$work/out" "$work/err" >&2
    failures=$((failures + 1))
}

fetch_page() { # HOST CA_FILE
    "$fetch" 127.0.0.1 "$port" "$1" "$2" >"$work/out" 2>"$work/err" </dev/null
}

for version in tls1_2 tls1_3; do
    start_server -$version
    # s_server's own page says what was negotiated: it was really that server that answered.
    if ! fetch_page server.test "$pki/ecdsa/ca.pem"; then
        fails "$version: fetch failed"
    elif ! grep -q '^HTTP/1.0 200' "$work/out" || ! grep -qi '</html>' "$work/out"; then
        fails "$version: the page is not whole"
    elif ! grep -q "Protocol *: ${version/tls1_/TLSv1.}" "$work/out"; then
        fails "$version: the page does not name the version"
    else
        echo "$version: fetched $(wc -c <"$work/out") bytes"
    fi
    # An example that accepts everybody would be a bad one to copy.
    if fetch_page server.test "$pki/rsa/ca.pem"; then
        fails "$version: a server of an unknown CA was accepted"
    fi
    if fetch_page other.test "$pki/ecdsa/ca.pem"; then
        fails "$version: a server of another name was accepted"
    fi
    stop_server
done
echo "the header's example: $failures failures"
[ "$failures" -eq 0 ]
