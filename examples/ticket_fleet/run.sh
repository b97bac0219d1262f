#!/usr/bin/env bash
# A fleet of servers that share their ticket keys through Redis, seen to work: run.sh [SERVERS]
#
# Starts a Redis of its own on loopback, makes a key every three seconds, and lets a client go from server to
# server over several rotations. Needs the release build of the library, redis-server, redis-cli and hiredis.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/scripts/patience.sh"
build=$root/target/ticket_fleet
pki=$root/target/pki
servers=${1:-3}
period=3
rotations=4

mkdir -p "$build"
"$root/tests/pki/make.sh" "$pki"
for program in server client rotate; do
    parts=("$here/$program.c" "$here/talk.c" "$here/keys.c" "$root/examples/net.c")
    cc -std=c11 -O1 -g -Wall -Wextra -Werror -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -I "$root/include" \
        "${parts[@]}" -L "$root/target/release" -ltlsbio -Wl,-rpath,"$root/target/release" -lhiredis \
        -o "$build/$program"
done

scratch=$(mktemp -d)
children=()
finish() {
    if [ "${#children[@]}" -gt 0 ]; then
        kill "${children[@]}" 2>/dev/null || true
        wait "${children[@]}" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT

# A port is free until somebody takes it: if Redis finds it taken it ends, and the next one is tried.
start_redis() {
    local try
    for try in 1 2 3 4 5 6 7 8; do
        redis_port=$((20000 + (RANDOM + try) % 20000))
        redis-server --bind 127.0.0.1 --port "$redis_port" --save '' --appendonly no --dir "$scratch" \
            >"$scratch/redis.log" 2>&1 &
        redis=$!
        for _ in $(seq "$(patience 1200)"); do
            kill -0 "$redis" 2>/dev/null || break
            # Another Redis may have the port: ours knows its process.
            if grep -qx "process_id:$redis" <<<"$(redis-cli -p "$redis_port" info server 2>/dev/null | tr -d '\r')"; then
                children+=("$redis")
                return 0
            fi
            sleep 0.05
        done
        kill "$redis" 2>/dev/null || true
        wait "$redis" 2>/dev/null || true
    done
    echo "run.sh: Redis did not start:" >&2
    cat "$scratch/redis.log" >&2
    return 1
}
start_redis

start=$(($(date +%s) + 2))
"$build/rotate" "$redis_port" "$start" "$period" &
rotate=$!
children+=("$rotate")
for _ in $(seq "$(patience 1200)"); do
    [ "$(redis-cli -p "$redis_port" llen ticket_fleet:keys)" -gt 0 ] && break
    sleep 0.05
done

ports=()
server_pids=()
for i in $(seq "$servers"); do
    "$build/server" "$pki/ecdsa/server-chain.pem" "$pki/ecdsa/server.key" "$redis_port" >"$scratch/server.$i" &
    server_pids+=($!)
    children+=($!)
done
for i in $(seq "$servers"); do
    for _ in $(seq "$(patience 1200)"); do
        [ -s "$scratch/server.$i" ] && break
        sleep 0.05
    done
    ports+=("$(head -n 1 "$scratch/server.$i")")
done

failed=0
now=$(date +%s)
end=$(((now > start ? now : start) + (rotations + 1) * period))
"$build/client" "$pki/trust/all.pem" "$start" "$period" "$end" "$((end + $(patience 120)))" "${ports[@]}" || failed=1

kill "${server_pids[@]}"
for pid in "${server_pids[@]}"; do
    wait "$pid" || failed=1
done
for i in $(seq "$servers"); do
    tail -n 1 "$scratch/server.$i"
    swaps=$(sed -n 's/.* swaps \([0-9]*\)$/\1/p' "$scratch/server.$i")
    # The first keys, and two rotations at least, on the live context.
    [ "${swaps:-0}" -ge 3 ] || failed=1
done
if [ "$failed" -ne 0 ]; then
    echo "ticket fleet: FAILED" >&2
    exit 1
fi
echo "ticket fleet: passed"
