#!/usr/bin/env bash
# Puts faults into src/connection and src/ffi, one at a time, and says which of them no Rust test notices: docs/mutants.md.
#   scripts/mutants.sh [FILE...]    only in these files
# What an earlier run noticed is not run again, as long as target/mutants stays. JOBS faults are tried at a time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VERSION=27.1.0
tools=$PWD/target/tools
if ! grep -qF " $VERSION" <<<"$("$tools/bin/cargo-mutants" mutants --version 2>/dev/null)"; then
    cargo install --quiet --locked --root "$tools" cargo-mutants --version "$VERSION"
fi

[ $# -gt 0 ] || set -- 'src/connection/**' 'src/ffi/**'
files=()
for file; do
    files+=(--file "$file")
done
# A fault that makes a loop endless is noticed by its limit of time; that of a build is for a machine with other work.
PATH=$tools/bin:$PATH cargo mutants --package tlsbio "${files[@]}" --output target/mutants --iterate --jobs "${JOBS:-1}" \
    --minimum-test-timeout 120 --build-timeout 900 --no-shuffle
