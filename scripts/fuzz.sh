#!/usr/bin/env bash
# Looks for games (tests/sequence/game) that break a promise, led by coverage: docs/testing.md.
#   scripts/fuzz.sh [SECONDS]      plays on from the corpus; what it found to be new stays in target/fuzz/sequence
#   scripts/fuzz.sh minimise       makes the committed corpus anew: the smallest set that reaches all that was reached
#   scripts/fuzz.sh play FILE...   plays games that were found
# TARGET=moved scripts/fuzz.sh ...    the same with blobs of connections that move (fuzz/targets/moved.rs)
# TARGET=records scripts/fuzz.sh ...  the same with records for rustls's receiver and ours (src/engine/differential)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=${TARGET:-sequence}
corpus=$PWD/fuzz/corpus/$target found=$PWD/target/fuzz/$target failed=$PWD/target/fuzz/failed/
case $target in
sequence) longest=400 ;;
records) longest=1000 ;;
*) longest=4000 ;;
esac
mkdir -p "$corpus" "$found" "$failed"
RUSTC_WRAPPER=$PWD/scripts/with-coverage cargo build --quiet --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz --bin "$target"
program=target/fuzz/debug/$target

case ${1:-900} in
minimise)
    smallest=$(mktemp -d)
    trap 'rm -rf "$smallest"' EXIT
    "$program" -set_cover_merge=1 -use_counters=0 "$smallest" "$found" "$corpus"
    rm -f "$corpus"/*
    for input in "$smallest"/*; do
        cp "$input" "$corpus/$(basename "$input" | cut -c1-16)"
    done
    ;;
play)
    shift
    "$program" "$@"
    ;;
*)
    "$program" "$found" "$corpus" -max_len="$longest" -timeout=60 -artifact_prefix="$failed" -max_total_time="${1:-900}"
    ;;
esac
