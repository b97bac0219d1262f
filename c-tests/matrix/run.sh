#!/usr/bin/env bash
# Runs the matrix without CMake, after `cargo build --release`: run.sh [plain|asan|valgrind] [INCLUDE_DIR [LIBRARY_DIR]]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
mode=${1:-plain}
include=${2:-$root/include}
library=${3:-$root/target/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/tests/pki/make.sh" "$root/target/pki"

extra=()
runner=()
case $mode in
plain) ;;
asan) extra=(-fsanitize=address,undefined -fno-sanitize-recover=all) ;;
valgrind) runner=(valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect) ;;
*)
    echo "usage: run.sh [plain|asan|valgrind] [INCLUDE_DIR [LIBRARY_DIR]]" >&2
    exit 2
    ;;
esac

python3 "$here/generator_test.py" "$include/tlsbio.h"
python3 "$here/exports.py" "$include/tlsbio.h" "$library/libtlsbio.so"
python3 "$here/generate.py" "$include/tlsbio.h" "$work/cells.c"
cc -std=c11 -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200809L -g "${extra[@]}" -I "$include" -I "$here" \
    "$work/cells.c" "$here"/*.c -o "$work/matrix" -L "$library" -ltlsbio -lpthread "-Wl,-rpath,$library"
"${runner[@]}" "$work/matrix" "$root/target/pki"
