#!/usr/bin/env bash
# Makes a static library in which all names are this library's own: static-own-names.sh LIBRARY OUTPUT
#
# Some of what is linked into it has names that other libraries have, too (parts of ML-DSA and of SHA-3 come from projects that are
# compiled into several), and functions that a program may define and would then be called from here (OPENSSL_memory_alloc, sdallocx).
# They get a prefix. OBJCOPY and NM are those of the library's target, if that is not this machine. Does nothing if OUTPUT is newer.
set -euo pipefail

if [ "$#" -ne 2 ]; then
    echo "usage: static-own-names.sh LIBRARY OUTPUT" >&2
    exit 2
fi
if [ "$2" -nt "$1" ] && [ "$2" -nt "$0" ]; then
    exit 0
fi
objcopy=${OBJCOPY:-objcopy} nm=${NM:-nm}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$nm" "$1" 2>/dev/null | awk '
    NF == 3 && $2 ~ /[A-Z]/ && $3 ~ /^(mldsa_|mlkem_|sha3_|keccak|stack_(init|call)_trampoline)/ { print $3, "tlsbio_" $3 }
    NF == 2 && $1 ~ /[wv]/ && $2 ~ /^(OPENSSL_memory_|sdallocx$)/ { print $2, "tlsbio_" $2 }' | sort -u >"$work/names"
"$objcopy" --redefine-syms="$work/names" "$1" "$work/libtlsbio.a"
# objcopy takes objects for another processor as they are, and succeeds.
if "$nm" "$work/libtlsbio.a" 2>/dev/null | awk '{ print $NF }' | grep -xF -f <(cut -d ' ' -f 1 "$work/names") >"$work/left"; then
    echo "static-own-names.sh: $objcopy left $(head -n 1 "$work/left") as it was: set OBJCOPY to that of the library's target" >&2
    exit 1
fi
mv "$work/libtlsbio.a" "$2"
