#!/usr/bin/env bash
# Instructions of a full handshake without questions, now and in the library as it was before questions could be
# answered: handshake_cost.sh [REVISION [COUNT]]. Ends with an error if a handshake has become more than 2 % dearer.
# Needs the release build of the library, valgrind, and for the old library a build of some minutes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
# The last commit before TLS_ASK_SIGN, facts of the ClientHello, tickets, verification as data, events.
revision=${1:-a0dcfbf9cc43}
count=${2:-41}
build=$root/target/benches
now=$root/target/release
work=$(mktemp -d)

clean_up() {
    git -C "$root" worktree remove --force "$work/then" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

[ -e "$now/libtlsbio.so.0" ] || {
    echo "handshake_cost.sh: no library in target/release: make lib" >&2
    exit 1
}
"$root/tests/pki/make.sh" "$root/target/pki"
mkdir -p "$build"

# The old library is kept: it does not change.
then=$build/$(git -C "$root" rev-parse "$revision^{commit}")
if [ ! -e "$then/libtlsbio.so.0" ]; then
    git -C "$root" worktree add --quiet --detach "$work/then" "$revision"
    (cd "$work/then" && CARGO_TARGET_DIR=$work/then/target make --no-print-directory lib)
    mkdir -p "$then"
    cp "$work/then/target/release/libtlsbio.so" "$then/libtlsbio.so.0"
fi

cc -std=c11 -O2 -g -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L -I "$root/include" -I "$root/c-tests" \
    "$here/handshake_cost.c" "$root"/c-tests/{check,pair,pki}.c \
    -L "$now" -ltlsbio -o "$build/handshake_cost"

for version in 1.2 1.3; do
    for age in then now; do
        mkdir -p "$work/$age-$version"
        LD_LIBRARY_PATH=${!age} valgrind --quiet --tool=callgrind --collect-atstart=no --compress-strings=no \
            --compress-pos=no --callgrind-out-file="$work/$age-$version/out" \
            "$build/handshake_cost" "$root/target/pki" "$version" "$count"
    done
done
python3 "$here/handshake_cost.py" "$work" then now
