#!/usr/bin/env bash
# All tests: what `make test` runs after scripts/setup.sh. Each step says how long it took. From the point on at which
# all is built, two rows of steps run side by side, and what a step of theirs prints comes in one piece when it has ended.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/patience.sh
# What programs say is compared with what they say in English.
export LC_ALL=C.UTF-8
# Certificates that would be too old within this run are made anew before it: nobody's change under who uses them.
[ -z "$(find target/pki/.done -mmin +27360 2>/dev/null)" ] || rm -f target/pki/.done

room=$(mktemp -d)
rows=()
# The rows are groups of processes: whoever stops this script, and a row that failed, end the other with all that it runs.
trap 'for row in "${rows[@]}"; do kill -- "-$row" 2>/dev/null || true; done; rm -rf "$room"' EXIT
trap 'exit 130' INT TERM

step() { # WHAT COMMAND...
    local what=$1 start=$SECONDS
    shift
    printf '\n=== %s\n' "$what"
    "$@"
    printf '=== %s: passed in %d s\n' "$what" $((SECONDS - start))
}

aside() { # WHAT COMMAND...
    local what=$1 start=$SECONDS output outcome=passed
    shift
    output=$(mktemp -p "$room")
    "$@" >"$output" 2>&1 </dev/null || outcome=failed
    (
        flock 9
        printf '\n=== %s\n' "$what"
        cat "$output"
        printf '=== %s: %s in %d s\n' "$what" "$outcome" $((SECONDS - start))
    ) 9>"$room/printing"
    [ "$outcome" = passed ]
}

other_builds() {
    aside "C tests under AddressSanitizer, LeakSanitizer and UBSan, Rust included" cmake --workflow --preset asan
    aside "C tests under valgrind" cmake --workflow --preset valgrind
    aside "the oldest Rust that is promised, here and on 64-bit Arm" scripts/cross.sh
}

others() {
    aside "what the comparison refuses to report" python3 -m unittest discover benches/tests
    aside "instructions of the core paths" env PYTHONDONTWRITEBYTECODE=1 python3 benches/instructions.py
    aside "servers that share ticket keys through Redis" examples/ticket_fleet/run.sh
    aside "tests with other people's software" tests/interop/run.sh
    aside "the Go package" bindings/go/test.sh
    aside "the Python package" env TLSBIO_PREBUILT=1 bindings/python/test.sh
}

step "rules of the house" scripts/check.sh
step "the library" make --no-print-directory lib
step "Rust tests" cargo test --quiet
step "C tests" cmake --workflow --preset release
# ctest says that something was skipped, the test says why.
grep "skipped:" target/cmake/release/Testing/Temporary/LastTest.log || true

set -m
for row in other_builds others; do
    (set -e; "$row") &
    rows+=($!)
done
set +m
for row in "${rows[@]}"; do
    wait -n
done
rows=()
printf '\nall tests passed in %d s\n' "$SECONDS"
