#!/usr/bin/env bash
# tlsbio.hpp compiles without a warning and does its work, as C++17 and C++20, with exceptions and without, by two compilers:
# plus_plus.sh INCLUDE_DIR LIBRARY_DIR PKI_DIR
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
include=$1 library=$2 pki=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

try() { # COMPILER OPTIONS...
    if ! "$@" -Wall -Wextra -Wpedantic -Werror -I "$include" "$here/plus_plus.cpp" -o "$work/program" -L "$library" -ltlsbio \
        -pthread "-Wl,-rpath,$library" || ! "$work/program" "$pki"; then
        echo "FAIL $*" >&2
        failures=$((failures + 1))
    fi
}

for compiler in g++ clang++; do
    for standard in 17 20; do
        try $compiler -std=c++$standard
        try $compiler -std=c++$standard -fno-exceptions
    done
done
echo "tlsbio.hpp: $failures failures"
[ "$failures" -eq 0 ]
