#!/usr/bin/env bash
# Looks for games (tests/sequence/game) that break a promise, led by coverage: docs/testing.md.
#   scripts/fuzz.sh [SECONDS]      plays on from the corpus; what it found to be new stays in target/fuzz/sequence
#   scripts/fuzz.sh minimise       makes the committed corpus anew: the smallest set that reaches all that was reached
#   scripts/fuzz.sh play FILE...   plays games that were found
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

corpus=$PWD/fuzz/corpus/sequence found=$PWD/target/fuzz/sequence failed=$PWD/target/fuzz/failed/
mkdir -p "$found" "$failed"
RUSTC_WRAPPER=$PWD/scripts/with-coverage cargo build --quiet --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz
program=target/fuzz/debug/sequence

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
    "$program" "$found" "$corpus" -max_len=400 -timeout=60 -artifact_prefix="$failed" -max_total_time="${1:-900}"
    ;;
esac
