#!/usr/bin/env bash
# Builds the library for 64-bit Arm with the oldest Rust that is promised, and lets handshakes and data run there, under qemu: cross.sh
# With that Rust alone, for this machine, and only as far as the compiler's checks: cross.sh check. This is what `make test` does; all of it
# takes some ten minutes.
#
# The Rust is Debian's 1.85 (rustc-web), with its library for arm64. The packages are unpacked into target/cross, so no other Rust is
# touched; the C compiler and qemu are installed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
room=$root/target/cross
rust=$room/rust
target=aarch64-unknown-linux-gnu
version='1.85.*'

only_check=no
[ "${1:-}" != check ] || only_check=yes
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
if [ ! -e "$rust/unpacked" ]; then
    own_apt update
    rm -rf "$rust"
    unpack "rustc-web=$version" "cargo-web=$version" "libstd-rust-web-1.85=$version" "libstd-rust-web-dev=$version" libllvm19 \
        libhttp-parser2.9 libz3-4 libedit2 libbsd0 libmd0 libpcre3 libssh2-1
    touch "$rust/unpacked"
fi
export LD_LIBRARY_PATH=$rust/usr/lib/x86_64-linux-gnu:$rust/lib/x86_64-linux-gnu RUSTC=$rust/usr/bin/rustc CARGO=$rust/usr/bin/cargo
"$RUSTC" --version
if [ "$only_check" = yes ]; then
    cd "$root"
    exec "$CARGO" check --quiet --locked --lib --target-dir "$room/check"
fi

"$root/scripts/setup.sh" cross
if [ ! -e "$rust/unpacked-arm64" ]; then
    unpack "libstd-rust-web-dev:arm64=$version"
    touch "$rust/unpacked-arm64"
fi

# What the presets would say, for the other processor.
cmake -S "$root" -B "$room/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DTLSBIO_RUST_TARGET=$target -DTLSBIO_CARGO="$CARGO" -DTLSBIO_BUILD_TESTS=OFF >"$room/log"
cmake --build "$room/build" --target tlsbio_cargo
library=$root/target/$target/release
unset LD_LIBRARY_PATH

"$root/tests/pki/make.sh" "$root/target/pki"
for test in handshake data; do
    aarch64-linux-gnu-gcc -std=c11 -O1 -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200809L -I"$root/include" "$root/c-tests/$test.c" \
        "$root"/c-tests/{check,pair,pki,signer}.c -L"$library" -ltlsbio -o "$room/$test"
    qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$library" "$room/$test" "$root/target/pki"
    echo "aarch64, Rust 1.85: $test passed"
done
aarch64-linux-gnu-readelf --dyn-syms --wide "$library/libtlsbio.so" | grep -q 'tls_free@@TLSBIO_0.1' ||
    { echo "aarch64: symbols have no version" >&2; exit 1; }
