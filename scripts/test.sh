#!/usr/bin/env bash
# All tests: what `make test` runs after scripts/setup.sh. Each step says how long it took.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/patience.sh

step() { # WHAT COMMAND...
    local what=$1 start=$SECONDS
    shift
    printf '\n=== %s\n' "$what"
    "$@"
    printf '=== %s: passed in %d s\n' "$what" $((SECONDS - start))
}

step "rules of the house" scripts/check.sh
step "the library" make --no-print-directory lib
step "Rust tests" cargo test --quiet
step "C tests" cmake --workflow --preset release
# ctest says that something was skipped, the test says why.
grep "skipped:" target/cmake/release/Testing/Temporary/LastTest.log || true
step "C tests under AddressSanitizer, LeakSanitizer and UBSan, Rust included" cmake --workflow --preset asan
step "C tests under valgrind" cmake --workflow --preset valgrind
step "what the comparison refuses to report" python3 -m unittest discover benches/tests
step "instructions of the core paths" env PYTHONDONTWRITEBYTECODE=1 python3 benches/instructions.py
step "servers that share ticket keys through Redis" examples/ticket_fleet/run.sh
step "tests with other people's software" tests/interop/run.sh
step "the Go package" bindings/go/test.sh
step "the Python package" env TLSBIO_PREBUILT=1 bindings/python/test.sh
printf '\nall tests passed in %d s\n' "$SECONDS"
