#!/usr/bin/env bash
# Builds and runs resumption.c with the release build of the library: resumption.sh [BATCHES [VERSION GROUP]].
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
library=$root/target/release
build=$root/target/benches

[ -e "$library/libtlsbio.so.0" ] || {
    echo "resumption.sh: no library in target/release: make lib" >&2
    exit 1
}
"$root/tests/pki/make.sh" "$root/target/pki"
mkdir -p "$build"
cc -std=c11 -O2 -g -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L -I "$root/include" -I "$root/c-tests" \
    "$here/resumption.c" "$root"/c-tests/{check,pair,pki}.c \
    -L "$library" -ltlsbio -Wl,-rpath,"$library" -o "$build/resumption"
exec "$build/resumption" "$root/target/pki" "$@"
