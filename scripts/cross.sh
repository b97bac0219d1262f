#!/usr/bin/env bash
# Compiles the library with the oldest Rust that is promised, for this machine and for 64-bit Arm, and lets handshakes and data run there,
# under qemu: cross.sh. This is part of `make test`, and so the library is hardly optimised. With the profile that users build, for which
# it takes some ten minutes: cross.sh full.
#
# The Rust is Debian's 1.85 (rustc-web), with its library for arm64. The packages are unpacked into target/cross, so no other Rust is
# touched; the C compiler and qemu are installed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
room=$root/target/cross
rust=$room/rust
target=aarch64-unknown-linux-gnu
version='1.85.*'

if [ "$(dpkg --print-architecture)" != amd64 ]; then
    echo "cross.sh: skipped: it is for Debian on amd64"
    exit 0
fi
mkdir -p "$room/packages" "$room/apt/lists/partial" "$room/apt/archives/partial"

# apt with a room of its own, which knows arm64 as well.
own_apt() {
    apt-get -qq -o APT::Architectures=amd64,arm64 -o Dir::State::Lists="$room/apt/lists" -o Dir::Cache="$room/apt" "$@"
}
unpack() { # PACKAGES...
    rm -rf "$room/packages"
    mkdir -p "$room/packages"
    (cd "$room/packages" && own_apt download "$@")
    for package in "$room"/packages/*.deb; do
        dpkg -x "$package" "$rust"
    done
}
# Lists of an earlier run name packages that may have gone.
if [ ! -e "$rust/unpacked" ] || [ ! -e "$rust/unpacked-arm64" ]; then
    own_apt update
fi
if [ ! -e "$rust/unpacked" ]; then
    rm -rf "$rust"
    unpack "rustc-web=$version" "cargo-web=$version" "libstd-rust-web-1.85=$version" "libstd-rust-web-dev=$version" libllvm19 \
        libhttp-parser2.9 libz3-4 libedit2 libbsd0 libmd0 libpcre3 libssh2-1
    touch "$rust/unpacked"
fi
if [ ! -e "$rust/unpacked-arm64" ]; then
    unpack "libstd-rust-web-dev:arm64=$version"
    touch "$rust/unpacked-arm64"
fi
export LD_LIBRARY_PATH=$rust/usr/lib/x86_64-linux-gnu:$rust/lib/x86_64-linux-gnu RUSTC=$rust/usr/bin/rustc CARGO=$rust/usr/bin/cargo
"$RUSTC" --version
if [ "${1:-}" != full ]; then
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1
fi

# What the presets would say, for the other processor.
cmake -S "$root" -B "$room/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DTLSBIO_RUST_TARGET=$target -DTLSBIO_CARGO="$CARGO" -DTLSBIO_BUILD_TESTS=OFF >"$room/log"
cmake --build "$room/build" --target tlsbio_cargo
library=$root/target/$target/release

# For this machine only as far as the compiler's checks: another Rust tests it.
"$CARGO" check --quiet --locked --release --lib --manifest-path "$root/Cargo.toml" --target-dir "$room/check"
unset LD_LIBRARY_PATH

"$root/tests/pki/make.sh" "$root/target/pki"
compile() { # TEST OUTPUT LIBRARY...
    aarch64-linux-gnu-gcc -std=c11 -O1 -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200809L -I"$root/include" "$root/c-tests/$1.c" \
        "$root"/c-tests/{check,pair,pki,signer}.c -o "$room/$2" "${@:3}"
}
for test in handshake data; do
    compile "$test" "$test" -L"$library" -ltlsbio
    qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$library" "$room/$test" "$root/target/pki"
    echo "aarch64, Rust 1.85: $test passed"
done
compile handshake handshake-static -static "$room/build/libtlsbio.a" -lpthread -lm -ldl
qemu-aarch64 "$room/handshake-static" "$root/target/pki"
echo "aarch64, Rust 1.85: handshake passed, linked statically"
grep -q 'tls_free@@TLSBIO_0.1' <<<"$(aarch64-linux-gnu-readelf --dyn-syms --wide "$library/libtlsbio.so")" ||
    { echo "aarch64: symbols have no version" >&2; exit 1; }
