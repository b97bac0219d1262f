#!/usr/bin/env bash
# The header compiles alone and without a warning, in every language that the contract names, with gcc and clang.
# compiles.sh [INCLUDE_DIR]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
include=${1:-$here/../../include}
failures=0
checks=0

# Included twice: the second time must add nothing.
alone='#include <tlsbio.h>
#include <tlsbio.h>'

check() { # COMPILER LANGUAGE STANDARD
    checks=$((checks + 1))
    if ! command -v "$1" >/dev/null; then
        echo "FAIL $1 is not installed: scripts/setup.sh installs it" >&2
        failures=$((failures + 1))
    elif ! "$1" -x "$2" -std="$3" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$include" - <<<"$alone"; then
        echo "FAIL $1 -std=$3" >&2
        failures=$((failures + 1))
    fi
}

for standard in c99 c11 c17; do
    check gcc c $standard
    check clang c $standard
done
for standard in c++11 c++20; do
    check g++ c++ $standard
    check clang++ c++ $standard
done
echo "$checks compilations of the header, $failures failures"
[ "$failures" -eq 0 ]
