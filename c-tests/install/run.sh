#!/usr/bin/env bash
# Installs to places of its own and builds against those: run.sh CMAKE SOURCE_DIRECTORY BUILD_DIRECTORY
#
# A program in C, one in C++ and the header's own example are built by CMake and by pkg-config, shared and static, with nothing but what
# was installed: to a prefix; below DESTDIR, and then moved to where it belongs; with a library directory that has a place of its
# own; by components.
set -euo pipefail

cmake=$1 source=$2 build=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { # WHAT
    echo "FAILED: $1" >&2
    [ ! -s "$work/log" ] || cat "$work/log" >&2
    exit 1
}

check() { # PROGRAM
    [ "$("$1")" = TLS_OK ] || fail "${1##*/} does not run"
}

quietly() { # COMMAND...
    "$@" >"$work/log" 2>&1 || fail "$*"
}

check_layout() { # PREFIX
    library=$(dirname "$(find "$1" -name libtlsbio.a)")
    [ "$(readlink "$library/libtlsbio.so")" = libtlsbio.so.0 ] || fail "the link for the linker"
    [ -f "$library/$(readlink "$library/libtlsbio.so.0")" ] || fail "the link for the loader"
    [ ! -L "$library/$(readlink "$library/libtlsbio.so.0")" ] || fail "the library is a link"
    [ "$(find "$1" -name THIRD-PARTY-NOTICES -o -name 'LICENSE-*' | wc -l)" -eq 4 ] || fail "the terms are not installed"
    ! grep -q '//' "$library/pkgconfig/tlsbio.pc" || fail "tlsbio.pc has a path with an empty part"
}

# What all programs in one library have as their own is called by no other's name.
check_names() { # LIBRARY
    local strays
    strays=$(nm "$1" 2>/dev/null | awk 'NF == 3 && $2 ~ /[A-TV-Z]/ { print $3 } NF == 2 && $1 == "w" { print $2 }' | sort -u |
        grep -vE '^(tls_|tlsbio_|aws_lc_|_?R|_ZN|_rust|rust_|__rust|__rdl|__rg|DW\.ref\.|anon\.|__[a-z])' |
        grep -vE '^(_ITM_|_GLOBAL_OFFSET_TABLE_|getrandom$|gettid$|statx$|gnu_get_libc_version$)' || true)
    [ -z "$strays" ] || fail "names in the static library that others may have: $strays"
}

by_cmake() { # PREFIX NAME
    python3 "$source/c-tests/header/example.py" "$(find "$1" -name tlsbio.h)" "$work/example.c" >"$work/log" || fail "the example"
    quietly "$cmake" -S "$here/consumer" -B "$work/$2" -DCMAKE_PREFIX_PATH="$1${3:+;$3}" -DEXAMPLE="$work/example.c" \
        -DFETCH_MAIN="$source/c-tests/header/fetch_main.c"
    quietly "$cmake" --build "$work/$2"
    local program
    for program in c cpp c_static cpp_static; do
        check "$work/$2/$program"
    done
}

by_pkg_config() { # LIBRARY_DIRECTORY
    export PKG_CONFIG_PATH=$1/pkgconfig
    local shared static flags
    read -ra shared < <(pkg-config --cflags --libs tlsbio)
    read -ra static < <(pkg-config --static --libs tlsbio)
    read -ra flags < <(pkg-config --cflags tlsbio)
    quietly cc "$here/consumer/consumer.c" -o "$work/c-shared" "${shared[@]}" "-Wl,-rpath,$1"
    quietly c++ -std=c++17 "$here/consumer/consumer.cpp" -o "$work/cpp-shared" "${shared[@]}" "-Wl,-rpath,$1"
    # Static throughout, libc too, with what pkg-config says and nothing else.
    quietly cc -static "$here/consumer/consumer.c" -o "$work/c-static" "${flags[@]}" "${static[@]}"
    quietly c++ -static -std=c++17 "$here/consumer/consumer.cpp" -o "$work/cpp-static" "${flags[@]}" "${static[@]}"
    local program
    for program in c-shared cpp-shared c-static cpp-static; do
        check "$work/$program"
    done
    grep -q NEEDED <<<"$(readelf -d "$work/c-static" 2>/dev/null)" && fail "c-static needs a shared library"
    return 0
}

quietly "$cmake" --install "$build" --prefix "$work/prefix"
check_layout "$work/prefix"
check_names "$library/libtlsbio.a"
nm -D "$library/libtlsbio.so" | grep OPENSSL_ && fail "the shared library calls what a program may define"
by_cmake "$work/prefix" plain
by_pkg_config "$library"

# It finds itself wherever it is moved.
mv "$work/prefix" "$work/moved"
library=${library/#$work\/prefix/$work\/moved}
by_pkg_config "$library"

# As packages are made: below another root, and with a library directory that is elsewhere. Configured anew, built with what is there,
# outside of the source.
elsewhere=$work/elsewhere
quietly "$cmake" -S "$source" -B "$elsewhere" -DCMAKE_INSTALL_PREFIX=/opt/tlsbio -DCMAKE_INSTALL_LIBDIR=/opt/libraries/lib \
    -DTLSBIO_BUILD_TESTS=OFF -DTLSBIO_BUILD_EXAMPLES=OFF
grep -q "^cargo_target_dir\|$source/target" "$elsewhere"/CMakeFiles/*/build.make 2>"$work/log" && fail "a build outside of the source writes into it"
mkdir -p "$elsewhere/cargo/release"
cp "$(find "$work/moved" -name 'libtlsbio.so.0.*' -type f)" "$elsewhere/cargo/release/libtlsbio.so"
cp "$library/libtlsbio.a" "$elsewhere/libtlsbio.a"
DESTDIR=$work/root quietly "$cmake" --install "$elsewhere"
[ -f "$work/root/opt/libraries/lib/libtlsbio.a" ] && [ -f "$work/root/opt/tlsbio/include/tlsbio.hpp" ] || fail "DESTDIR"
grep -qx 'libdir=/opt/libraries/lib' "$work/root/opt/libraries/lib/pkgconfig/tlsbio.pc" || fail "libdir in tlsbio.pc"
check_layout "$work/root"

quietly "$cmake" --install "$build" --prefix "$work/part" --component tlsbio_runtime
[ -z "$(find "$work/part" -name '*.h' -o -name '*.a' -o -name libtlsbio.so)" ] || fail "the runtime has what only builds need"
[ -n "$(find "$work/part" -name 'libtlsbio.so.0')" ] || fail "the runtime has no library"
echo "the installation: whole"
