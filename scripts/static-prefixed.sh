#!/usr/bin/env bash
# Makes a static library whose functions have a prefix, and the header that belongs to it, for programs that
# link LibreSSL's libtls or OpenSSL 3.2's static libssl too: both define tls_free.
#
#     static-prefixed.sh PREFIX OUTDIR
#
# reads target/release/libtlsbio.a and writes OUTDIR/libPREFIXtlsbio.a and OUTDIR/PREFIXtlsbio.h, in which
# tls_free is PREFIXtls_free. Types and macros keep their names.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ "$#" -ne 2 ] || ! [[ $1 =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]]; then
    echo "usage: static-prefixed.sh PREFIX OUTDIR (the prefix begins a C name)" >&2
    exit 2
fi
prefix=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)

names=$(sed -nE 's/^[a-z].*[ *](tls_[a-z0-9_]+)\(.*$/\1/p' "$root/include/tlsbio.h" | sort -u)
map=$(mktemp)
trap 'rm -f "$map"' EXIT
for name in $names; do
    echo "$name $prefix$name"
done >"$map"

"${OBJCOPY:-objcopy}" --redefine-syms="$map" "$root/target/release/libtlsbio.a" "$out/lib${prefix}tlsbio.a"
expression=
for name in $names; do
    expression+="s/\\b$name\\b(?=\\()/$prefix$name/g;"
done
perl -pe "$expression" "$root/include/tlsbio.h" >"$out/${prefix}tlsbio.h"
