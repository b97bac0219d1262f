#!/usr/bin/env bash
# The example server and client as programs: examples.sh SERVER CLIENT PKI_DIRECTORY [EMULATOR...]
# Both are run under EMULATOR (valgrind), and the server must end with 0: under a sanitizer or valgrind
# that says that nothing leaked.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/../scripts/patience.sh"
server=$1 client=$2 pki=$3
shift 3
emulator=("$@")
ca=$pki/trust/all.pem
curl_options=(-q --silent --show-error --noproxy '*' --max-time "$(patience 120)" --cacert "$ca")
work=$(mktemp -d)
server_pid= slow_pid=
connections=0

clean_up() {
    local pid
    for pid in $server_pid $slow_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap clean_up EXIT

fail() {
    echo "FAILED: $1" >&2
    tail -n 20 "$work/log" >&2
    exit 1
}

wait_for() { # PATTERN FILE: prints the first line that matches
    local i
    for i in $(seq "$(patience 1200)"); do
        grep -m1 -E -e "$1" "$2" && return
        kill -0 "$server_pid" 2>/dev/null || break
        sleep 0.05
    done
    fail "no line '$1' in ${2##*/}"
}

start() { # SERVER_OPTIONS...
    : >"$work/log"
    "${emulator[@]}" "$server" --cert "$pki/ecdsa/server-chain.pem" --key "$pki/ecdsa/server.key" \
        --patience "$TLSBIO_PATIENCE" "$@" >"$work/out" 2>"$work/log" &
    server_pid=$!
    connections=0
    port=$(wait_for '^listening on ' "$work/out")
    port=${port##*:}
}

stop() {
    kill -TERM "$server_pid"
    wait "$server_pid" || fail "the server ended with $?"
    server_pid=
}

# What the server said about the next connection to end.
check_log() { # PATTERN
    connections=$((connections + 1))
    local line
    line=$(wait_for "^connection $connections:" "$work/log")
    [[ $line == *$1* ]] || fail "'$line' has no '$1'"
}

pattern() { # LENGTH
    seq -f '%015.0f' 0 $((($1 + 15) / 16)) 2>/dev/null | head -c "$1" || true
}

get() { # PATH OPTIONS...
    "${emulator[@]}" "$client" --timeout "$(patience 30)" --ca "$ca" "${@:2}" "https://localhost:$port$1" 2>"$work/client.log"
}

fetch() { # PATH CURL_OPTIONS...
    curl "${curl_options[@]}" --connect-to "localhost:443:127.0.0.1:$port" "${@:2}" "https://localhost$1"
}

start

get / >"$work/page"
grep -q 'came through memory' "$work/page" || fail 'no page'
check_log 'end=closed'

get /info >"$work/info"
for fact in 'version: TLSv1.3' 'alpn: http/1.1' 'server name: localhost' 'resumed: no' 'peer certificate: none'; do
    grep -q "^$fact" "$work/info" || fail "/info has no '$fact'"
done
check_log 'version=TLSv1.3'

for length in 0 1 16 16383 1000003; do
    get /bytes/$length | sed '1,/^\r$/d' | cmp - <(pattern $length) || fail "/bytes/$length"
    check_log 'end=closed'
done

# Many at once, and each gets its own.
pids=()
for i in $(seq 20); do
    fetch /bytes/$((300000 + i)) --output "$work/parallel.$i" &
    pids+=($!)
done
for i in $(seq 20); do
    wait "${pids[i - 1]}" || fail "parallel transfer $i"
    cmp "$work/parallel.$i" <(pattern $((300000 + i))) || fail "parallel bytes $i"
    check_log 'end=closed'
done

# One connection, many requests, TLS 1.2.
[ "$(fetch /nothing --tls-max 1.2 --head --output /dev/null --output /dev/null \
    --write-out '%{http_code} %{num_connects}\n' https://localhost/ | tr '\n' ' ')" = '200 1 404 0 ' ] ||
    fail 'HEAD and 404 on one connection'
check_log 'version=TLSv1.2'

# Several requests in one record, the last of which ends the connection.
printf 'GET /bytes/5 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nGET /bytes/70000 HTTP/1.1\r\nConnection: close\r\n\r\n' |
    openssl s_client -quiet -ign_eof -connect "127.0.0.1:$port" -servername localhost >"$work/pipelined" 2>/dev/null
[ "$(grep -ao 'HTTP/1.1 200 OK' "$work/pipelined" | wc -l)" = 3 ] || fail 'three requests in one record'
tail -c 70000 "$work/pipelined" | cmp - <(pattern 70000) || fail 'bytes of the third response'
check_log 'end=closed'

# What is refused.
for request in 'POST / HTTP/1.1' 'GET /' 'GET / HTTP/2.0' $'GET / HTTP/1.1\r\nContent-Length: 5' \
    "GET /$(printf 'x%.0s' $(seq 300)) HTTP/1.1" "GET / HTTP/1.1"$'\r\n'"X: $(printf 'x%.0s' $(seq 9000))"; do
    printf '%s\r\n\r\n' "$request" |
        openssl s_client -quiet -ign_eof -connect "127.0.0.1:$port" >"$work/refused" 2>/dev/null
    grep -aqE '^HTTP/1.1 [45]' "$work/refused" || fail "'${request:0:40}' was not refused"
    check_log 'end=closed'
done

# A transport that ends without close_notify, before and after the handshake.
exec 3<>"/dev/tcp/127.0.0.1/$port"
exec 3>&-
check_log 'end=truncated'
if ! fetch /bytes/100 --http1.1 --output /dev/null; then fail 'the server is gone'; fi
check_log 'end=closed'

# HTTP without TLS, and a client that does not trust.
if curl -q --silent --noproxy '*' --max-time "$(patience 60)" "http://127.0.0.1:$port/" --output /dev/null; then
    fail 'plain HTTP was answered'
fi
check_log 'TLS_ERR_PEER'
if "${emulator[@]}" "$client" --ca "$pki/bad/otherca.pem" "https://localhost:$port/" >/dev/null 2>"$work/client.log"; then
    fail 'the client trusted another CA'
fi
grep -q TLS_ERR_CERTIFICATE "$work/client.log" || fail 'the client gave no reason'
check_log 'TLS_ERR_ALERT'
"${emulator[@]}" "$client" --dangerous-no-verify "https://127.0.0.1:$port/" >"$work/page" 2>"$work/client.log"
grep -q 'came through memory' "$work/page" || fail 'no page without verification'
check_log 'end=closed'
if get / --alpn no-such-protocol >/dev/null; then
    fail 'a protocol was agreed that nobody speaks'
fi
check_log 'TLS_ERR_NO_COMMON'

# A reader that stops reading holds up nobody, and one that leaves is noticed.
: >"$work/slow"
curl "${curl_options[@]}" --connect-to "localhost:443:127.0.0.1:$port" --limit-rate 1 --output /dev/null \
    --dump-header "$work/slow" https://localhost/bytes/1000000000 &
slow_pid=$!
wait_for '^HTTP/1.1 200' "$work/slow" >/dev/null
get /bytes/100000 | sed '1,/^\r$/d' | cmp - <(pattern 100000) || fail 'behind a slow reader'
kill "$slow_pid"
wait "$slow_pid" 2>/dev/null || true
slow_pid=
wait_for 'out=[0-9]* end=(Connection reset|Broken pipe|reset by peer)' "$work/log" >/dev/null

stop

# Client certificates.
start --client-ca "$ca"
if fetch / --output /dev/null 2>/dev/null; then
    fail 'a client without a certificate was served'
fi
check_log 'TLS_ERR_CERTIFICATE'
fetch /info --cert "$pki/rsa/client-chain.pem" --key "$pki/rsa/client.key" >"$work/info"
grep -q '^peer certificate 1: ' "$work/info" || fail 'no client chain in /info'
check_log 'end=closed'

# Stopped with a connection open. It was accepted before another one that comes later.
exec 3<>"/dev/tcp/127.0.0.1/$port"
connections=$((connections + 1))
fetch /info --cert "$pki/rsa/client-chain.pem" --key "$pki/rsa/client.key" --output /dev/null
check_log 'end=closed'
stop
connections=$((connections - 2))
check_log 'end=server stopped'
exec 3>&-
