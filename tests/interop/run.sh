#!/usr/bin/env bash
# Sets up and runs the interop tests: run.sh [PEER...], PEER one of openssl gnutls curl pyssl go tlslite hsm (default:
# all).
# Needs the release build of the library.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/scripts/patience.sh"
target=$root/target
build=$target/interop
library=$target/release/libtlsbio.so

if [ ! -e "$library" ] || [ ! -e "$target/release/libtlsbio.so.0" ]; then
    echo "run.sh: no library in target/release: build it first" >&2
    exit 1
fi
mkdir -p "$build"
"$root/tests/pki/make.sh" "$target/pki"

cc -std=c11 -O1 -g -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200809L \
    -I "$root/include" "$here/peer.c" "$here"/peer/*.c \
    -L "$target/release" -ltlsbio -Wl,-rpath,"$target/release" -o "$build/peer"

cc -std=c11 -O1 -g -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200809L \
    -I "$root/include" "$root/examples/hsm_signer/server.c" \
    -L "$target/release" -ltlsbio -Wl,-rpath,"$target/release" -o "$build/hsm_server"

cc -std=c11 -O1 -g -Wall -Wextra -Werror -pedantic -D_GNU_SOURCE -I "$root/include" \
    "$root"/examples/hot_restart/*.c "$root/examples/net.c" \
    -L "$target/release" -ltlsbio -Wl,-rpath,"$target/release" -o "$build/hot_restart"

# The one peer with compressed certificates: Debian's OpenSSL and GnuTLS are built without. They came after the last
# release, 0.8.2.
find_tlslite() {
    if ! "$target/venv/bin/python" -c 'import tlslite, brotli' 2>/dev/null; then
        python3 -m venv "$target/venv" >&2
        "$target/venv/bin/pip" install --quiet tlslite-ng==0.9.0b2 brotli==1.2.1 >&2
    fi
    echo "$target/venv/bin/python"
}

named=no
with_go=no
with_tlslite=no
for argument in "$@"; do
    case $argument in
    openssl | gnutls | curl | pyssl | hsm) named=yes ;;
    go) named=yes with_go=yes ;;
    tlslite) named=yes with_tlslite=yes ;;
    esac
done

go_peer=()
if [ "$named" = no ] || [ "$with_go" = yes ]; then
    go=$("$root/scripts/find-go.sh")
    # Whatever is cached goes under target, and nothing is to be downloaded: there is no dependency.
    (
        export GOTOOLCHAIN=local GOPROXY=off GOCACHE=$build/go-cache CGO_ENABLED=0
        cd "$here/go" && "$go" build -buildvcs=false -o "$build/gopeer" .
    )
    go_peer=(--go-peer "$build/gopeer")
fi

tlslite=()
if [ "$named" = no ] || [ "$with_tlslite" = yes ]; then
    tlslite=(--tlslite-python "$(find_tlslite)")
fi

PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/run.py" \
    --pki "$target/pki" --peer "$build/peer" --library "$library" "${go_peer[@]}" "${tlslite[@]}" "$@"
