#!/usr/bin/env bash
# Shows in about ten seconds that the library works, with real software on the other side: curl fetches
# from the example HTTPS server, and the example client fetches from OpenSSL. Everything that is shown
# was checked: bytes by their SHA-256, chains by who verified them, refusals by the alert that came.
# Run it by `make demo`, which builds the library first.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
library=$root/target/release
bin=$root/target/examples
work=$root/target/demo
pki=$work/pki
bulk=50000000
rows=0
server_pid= openssl_pid=

stop() { # PID
    if [ -n "$1" ] && kill "$1" 2>/dev/null; then
        wait "$1" 2>/dev/null || true
    fi
}
clean_up() {
    stop "$openssl_pid"
    stop "$server_pid"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
    printf '\nFAILED: %s\n' "$1" >&2
    shift
    for log in "$@"; do
        [ -s "$log" ] && sed "s|^|    ${log##*/}: |" "$log" | tail -n 15 >&2
    done
    exit 1
}

for tool in "${CC:-cc}" curl openssl sha256sum; do
    command -v "$tool" >/dev/null || fail "$tool is not installed (scripts/setup.sh installs what is needed)"
done
[ -e "$library/libtlsbio.so" ] || fail "target/release/libtlsbio.so is missing: run make demo"

step() {
    printf '  %-11s %s\n' "$1" "$2"
}

wait_for() { # PATTERN FILE PID: prints the first line that matches
    local i
    for i in $(seq 1200); do
        grep -m1 -E -e "$1" "$2" 2>/dev/null && return
        kill -0 "$3" 2>/dev/null || break
        sleep 0.05
    done
    fail "no line '$1' in ${2##*/}" "$2"
}

same_bytes() { # EXPECTED_SHA256 FILE WHAT
    local got
    got=$(sha256sum <"$2")
    [ "${got%% *}" = "$1" ] || fail "$3: SHA-256 ${got%% *} instead of $1"
}

fact() { # NAME LINE
    local value=" $2"
    value=${value##*" $1="}
    echo "${value%% *}"
}

columns='  %-24s %-7s %-30s %-14s %-8s %-7s %8s %5s  %s\n'
row() { # WHAT LINE BYTES_IN BYTES_OUT WHO_VERIFIED
    local suite
    suite=$(fact suite "$2")
    suite=${suite#TLS_}
    if [ "$rows" = 0 ]; then
        # shellcheck disable=SC2059
        printf "\n$columns" 'who fetched what' version 'suite (TLS_...)' group ALPN resumed 'bytes in' out 'chain verified by'
    fi
    rows=$((rows + 1))
    # shellcheck disable=SC2059
    printf "$columns" "$1" "$(fact version "$2")" "${suite/WITH_/}" "$(fact group "$2")" "$(fact alpn "$2")" \
        "$(fact resumed "$2")" "$3" "$4" "$5"
}

expect() { # NAME WANTED LINE WHAT
    [ "$(fact "$1" "$3")" = "$2" ] || fail "$4: $1 is $(fact "$1" "$3") instead of $2"
}

printf 'libtlsbio, TLS through memory: no socket, no thread and no callback in the library\n\n'

rm -rf "$work"
mkdir -p "$work" "$bin"
"$root/tests/pki/make.sh" "$pki"
ca=$pki/ecdsa/ca.pem
step 'test CA' "fresh: root, intermediate and server certificate (ECDSA P-256)"

flags=(-std=c11 -O2 -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200809L -I "$root/include")
link=(-L "$library" -ltlsbio "-Wl,-rpath,$library")
cd "$root/examples"
"${CC:-cc}" "${flags[@]}" https_server.c peer.c http.c facts.c net.c -o "$bin/https_server" "${link[@]}"
"${CC:-cc}" "${flags[@]}" https_client.c facts.c net.c -o "$bin/https_client" "${link[@]}"
step examples 'target/examples/https_server and https_client, C and poll(2)'

# --- The example server, and curl as its client ------------------------------------------------

server_log=$work/https_server.log
"$bin/https_server" --cert "$pki/ecdsa/server-chain.pem" --key "$pki/ecdsa/server.key" \
    >"$work/https_server.out" 2>"$server_log" &
server_pid=$!
address=$(wait_for '^listening on ' "$work/https_server.out" "$server_pid")
port=${address##*:}
step server "example server, $address"

fetch() { # OUTPUT PATH CURL_OPTIONS...: prints what curl says about the transfer
    local output=$1 path=$2
    shift 2
    curl -q --silent --show-error --fail --noproxy '*' --max-time 300 --cacert "$ca" \
        --connect-to "localhost:443:127.0.0.1:$port" --output "$output" \
        --write-out '%{http_code} %{ssl_verify_result} %{http_version}\n' "$@" "https://localhost$path"
}

connections=0
next_connection() { # prints the server's line about the next connection in the log
    wait_for "^connection $1:" "$server_log" "$server_pid"
}

curl_row() { # WHAT VERSION LINE
    expect version "$2" "$3" "$1"
    expect alpn http/1.1 "$3" "$1"
    expect end closed "$3" "$1" # ... by peer, or by the server after a last response
    row "$1" "$3" "$(fact out "$3")" "$(fact in "$3")" curl
}

page_sum=$(printf '<!doctype html><title>libtlsbio</title><p>This page came through memory.\n' | sha256sum)
# The server numbers its 16-byte lines, so that the same bytes can be made without it.
bulk_sum=$(seq -f '%015.0f' 0 $(((bulk + 15) / 16)) 2>/dev/null | head -c $bulk | sha256sum) || true

for version in 1.3 1.2; do
    options=("--tlsv$version" --tls-max "$version")
    for what in page bulk; do
        if [ $what = page ]; then path=/ sum=${page_sum%% *} name="curl, page"; else
            path=/bytes/$bulk sum=${bulk_sum%% *} name="curl, $((bulk / 1000000)) MB"
        fi
        said=$(fetch "$work/$what" "$path" "${options[@]}" 2>"$work/curl.log") ||
            fail "curl could not fetch $path by TLS $version" "$work/curl.log" "$server_log"
        [ "$said" = '200 0 1.1' ] || fail "curl fetched $path with '$said' instead of '200 0 1.1'"
        same_bytes "$sum" "$work/$what" "$path by TLS $version"
        connections=$((connections + 1))
        line=$(next_connection $connections)
        [ $what = page ] || [ "$(fact out "$line")" -gt $bulk ] || fail "fewer wire bytes than plain bytes: $line"
        curl_row "$name" "TLSv$version" "$line"
    done
done

# curl keeps the session of the first connection and offers it for the second one.
fetch "$work/first" / -H 'Connection: close' --output "$work/again" https://localhost/ >/dev/null 2>"$work/curl.log" ||
    fail 'curl could not come back' "$work/curl.log" "$server_log"
same_bytes "${page_sum%% *}" "$work/again" 'the page again'
line=$(next_connection $((connections + 2)))
expect resumed yes "$line" 'the second of two connections'
curl_row 'curl, page, coming back' TLSv1.3 "$line"

# --- The example client, and OpenSSL as its server -----------------------------------------------

serve_openssl() { # OPTIONS...
    stop "$openssl_pid"
    : >"$work/s_server.log"
    openssl s_server -accept 127.0.0.1:0 -cert "$pki/ecdsa/server.pem" -cert_chain "$pki/ecdsa/inter.pem" \
        -key "$pki/ecdsa/server.key" -alpn http/1.1 "$@" </dev/null >"$work/s_server.log" 2>&1 &
    openssl_pid=$!
    openssl_port=$(wait_for '^ACCEPT ' "$work/s_server.log" "$openssl_pid")
    openssl_port=${openssl_port##*:}
}

client() { # CA PATH: body to target/demo/response, facts to target/demo/https_client.log
    "$bin/https_client" --ca "$1" "https://localhost:$openssl_port$2" >"$work/response" 2>"$work/https_client.log"
}

client_row() { # WHAT VERSION
    line=$(tr '\n' ' ' <"$work/https_client.log")
    expect version "$2" "$line" "$1"
    expect alpn http/1.1 "$line" "$1"
    [ "$(fact in "$line")" -gt "$(fact plain "$line")" ] || fail "$1: fewer wire bytes than plain bytes: $line"
    row "$1" "$line" "$(fact in "$line")" "$(fact out "$line")" libtlsbio
}

serve_openssl -www
client "$ca" / || fail 'the example client could not fetch from s_server -www' "$work/https_client.log" "$work/s_server.log"
grep -q 'TLSv1.3, Cipher is' "$work/response" && grep -qi '</html>' <<<"$(tail -n 3 "$work/response")" ||
    fail 'the page of s_server -www is not whole' "$work/response"
client_row 'https_client, page' TLSv1.3

head -c $((bulk / 10)) /dev/urandom >"$work/random"
random_sum=$(sha256sum <"$work/random")
cd "$work"
serve_openssl -WWW -tls1_2
client "$ca" /random || fail 'the example client could not fetch a file from s_server' "$work/https_client.log" "$work/s_server.log"
sed '1,/^\r$/d' "$work/response" >"$work/body"
same_bytes "${random_sum%% *}" "$work/body" 'the file from s_server'
client_row "https_client, $((bulk / 10000000)) MB" TLSv1.2

# --- What must not work --------------------------------------------------------------------------

printf '\n'
other=$pki/rsa/ca.pem
if "$bin/https_client" --ca "$other" "https://localhost:$openssl_port/" >/dev/null 2>"$work/https_client.log"; then
    fail 'the example client trusted a chain of another CA'
fi
grep -q TLS_ERR_CERTIFICATE "$work/https_client.log" || fail 'the refusal has another reason' "$work/https_client.log"
step refused "https_client with another CA: $(grep TLS_ERR_CERTIFICATE "$work/https_client.log" | cut -c 1-90)..."

ca=$other
if fetch /dev/null / >/dev/null 2>"$work/curl.log"; then
    fail 'curl trusted a chain of another CA'
fi
line=$(next_connection $((connections + 3)))
[[ $line == *TLS_ERR_ALERT* ]] || fail 'the example server did not see that curl refused' "$server_log"
step refused "curl with another CA; the server saw: ${line##*end=}"

kill -TERM "$server_pid"
wait "$server_pid" || fail 'the example server did not end cleanly' "$server_log"
server_pid=
printf '\nAll of it was checked: %s transfers by SHA-256 or to their last line, 2 refusals. It works.\n' "$rows"
