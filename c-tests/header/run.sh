#!/usr/bin/env bash
# Runs the tests of the header without CMake, after `cargo build --release`: run.sh [INCLUDE_DIR [LIBRARY_DIR]]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
include=${1:-$root/include}
library=${2:-$root/target/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/tests/pki/make.sh" "$root/target/pki"

flags=(-std=c11 -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200809L -I "$include")
link=(-L "$library" -ltlsbio "-Wl,-rpath,$library")
failed=

run() {
    echo "== $(printf '%s ' "${@##*/}")"
    "$@" || failed=yes
}

run "$here/compiles.sh" "$include"
run python3 "$here/abi.py" "$include/tlsbio.h"
run python3 "$here/checks_test.py" "$include/tlsbio.h"
run python3 "$here/manual.py" "$root"

python3 "$here/constants.py" "$include/tlsbio.h" "$work/constants.c"
cc "${flags[@]}" "$work/constants.c" -o "$work/constants" "${link[@]}"
run "$work/constants"

python3 "$here/example.py" "$include/tlsbio.h" "$work/example.c"
cc "${flags[@]}" "$work/example.c" "$here/fetch_main.c" -o "$work/fetch" "${link[@]}"
run "$here/example.sh" "$work/fetch" "$root/target/pki"

[ -z "$failed" ]
