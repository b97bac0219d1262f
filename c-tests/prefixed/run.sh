#!/usr/bin/env bash
# run.sh OUTDIR: makes a prefixed static library from the one in target/release, and links it beside a
# tls_free of somebody else's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$1

"$here/../../scripts/static-prefixed.sh" mine_ "$out"
if nm -g --defined-only "$out/libmine_tlsbio.a" 2>/dev/null | grep -E ' T tls_'; then
    echo "these functions have no prefix" >&2
    exit 1
fi
"${CC:-cc}" -std=c11 -Wall -Wextra -Werror -I"$out" "$here/beside.c" "$out/libmine_tlsbio.a" \
    -lgcc_s -lutil -lrt -lpthread -lm -ldl -o "$out/beside"
"$out/beside"
