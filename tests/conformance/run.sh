#!/usr/bin/env bash
# Lets BoringSSL's test runner examine the library: run.sh [TEST], by the runner's patterns; all without. Needs
# scripts/setup.sh conformance, and the release build of the library. run.sh --left-out runs what is left out too, and
# says what of it passes.
#
# The runner is in the crate boring-sys, which the comparison pins. Its private keys are not: they are made. What it imports of
# golang.org/x comes from Debian and from the Go toolchain.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
room=$root/target/conformance
library=$root/target/release

if [ ! -e "$library/libtlsbio.so.0" ]; then
    echo "run.sh: no library in target/release: make lib" >&2
    exit 1
fi
mkdir -p "$room"

go=$("$root/scripts/find-go.sh" 1.27)
toolchain=$(GOTOOLCHAIN=local "$go" env GOROOT)
cargo fetch --quiet --locked --manifest-path "$root/benches/peers/Cargo.toml"
boringssl=$(cargo metadata --format-version 1 --locked --offline --manifest-path "$root/benches/peers/Cargo.toml" |
    python3 -c 'import json, sys; print(next(one["manifest_path"] for one in json.load(sys.stdin)["packages"] if one["name"] == "boring-sys"))')
boringssl=$(dirname "$boringssl")/deps/boringssl

# The other library's own program is not built: only what examines.
if [ ! -x "$room/runner" ]; then
    rm -rf "$room/source"
    mkdir -p "$room/source/boringssl/ssl/test" "$room/source/boringssl/util" "$room/source/x"
    cp -r "$boringssl/ssl/test/runner" "$room/source/boringssl/ssl/test/"
    cp -r "$boringssl/util/testresult" "$room/source/boringssl/util/"
    chmod -R u+w "$room/source"
    # Where both have a package, the toolchain's is newer.
    for module in crypto sys term; do
        mkdir -p "$room/source/x/$module"
        for package in "$toolchain/src/vendor/golang.org/x/$module"/* "/usr/share/gocode/src/golang.org/x/$module"/*; do
            [ -e "$room/source/x/$module/${package##*/}" ] || [ ! -e "$package" ] || cp -r "$package" "$room/source/x/$module/"
        done
        printf 'module golang.org/x/%s\n\ngo 1.25\n' "$module" >"$room/source/x/$module/go.mod"
    done
    {
        printf 'module boringssl.googlesource.com/boringssl.git\n\ngo 1.27\n'
        for module in crypto sys term; do
            printf 'require golang.org/x/%s v0.0.0\nreplace golang.org/x/%s => ../x/%s\n' "$module" "$module" "$module"
        done
    } >"$room/source/boringssl/go.mod"
    (
        cd "$room/source/boringssl/ssl/test/runner"
        for bits in 1024 2048; do
            openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:$bits" -out "rsa_${bits}_key.pem"
        done
        for curve in 256 384 521; do
            openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-$curve" -out "ecdsa_p${curve}_key.pem"
        done
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out channel_id_key.pem
        openssl genpkey -algorithm ED25519 -out ed25519_key.pem
        GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOCACHE="$room/cache" "$go" test -c -o "$room/runner" .
    )
fi
cc -std=c11 -O1 -g -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -I "$root/include" \
    "$here"/*.c -L "$library" -ltlsbio -Wl,-rpath,"$library" -o "$room/shim"

run() { # NAME FLAG...
    local name=$1
    shift
    # The errors of the other library are not compared, but the alerts are.
    (cd "$room/source/boringssl/ssl/test/runner" && "$room/runner" -shim-path "$room/shim" -shim-config "$here/left_out.json" \
        -loose-errors -allow-unimplemented -pipe -json-output "$room/$name.json" "$@") >"$room/$name.log" 2>&1
}

examine() { # NAME VARIABLE=VALUE...
    local name=$1
    shift
    echo "$name"
    (export "$@" && run "$name" -test "${only:-}" -skip "${skipped:-}") || {
        grep -A 20 '^FAILED' "$room/$name.log" | head -200
        echo "$name: see $room/$name.log" >&2
        exit 1
    }
    python3 - "$room/$name.json" <<'PYTHON'
import collections, json, sys
seen = collections.Counter(one["actual"] for one in json.load(open(sys.argv[1]))["tests"].values())
print("  ", ", ".join(f"{count} {what}" for what, count in sorted(seen.items())))
sys.exit(seen["PASS"] == 0)
PYTHON
}

if [ "${1:-}" = --left-out ]; then
    run all -include-disabled || true
    exec python3 "$here/left_out.py" "$here/left_out.json" "$room/all.json"
fi

only=${1:-}
examine copies CONFORMANCE_WAY=copies
examine window CONFORMANCE_WAY=window
examine in-place CONFORMANCE_WAY=in-place
examine buffers CONFORMANCE_WAY=buffers
examine byte-by-byte CONFORMANCE_MOST=1
# A client that asks its host about the server sends no early data, and asks for an OCSP response.
skipped='*EarlyData*;SendUnsolicitedOCSP*' examine asked CONFORMANCE_ASK=1
