#!/usr/bin/env bash
# Installs to a place of its own and builds against that: run.sh CMAKE BUILD_DIRECTORY
set -euo pipefail

cmake=$1 build=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

check() { # PROGRAM
    [ "$("$1")" = TLS_OK ] || {
        echo "FAILED: ${1##*/} does not run" >&2
        exit 1
    }
}

"$cmake" --install "$build" --prefix "$prefix" >"$work/log" || {
    cat "$work/log" >&2
    exit 1
}
library=$(dirname "$(find "$prefix" -name libtlsbio.a)")
[ "$(readlink "$library/libtlsbio.so")" = libtlsbio.so.0 ]
[ -f "$library/$(readlink "$library/libtlsbio.so.0")" ]
[ ! -L "$library/$(readlink "$library/libtlsbio.so.0")" ]

"$cmake" -S "$here/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" &&
    "$cmake" --build "$work/consumer" >>"$work/log" || {
    cat "$work/log" >&2
    exit 1
}
check "$work/consumer/shared"
check "$work/consumer/static"

if ! command -v pkg-config >/dev/null; then
    echo 'pkg-config is not installed: tlsbio.pc was not tried'
    exit 0
fi
# The file names the prefix of the configuration; an installation elsewhere is told its own.
config=(pkg-config --define-variable=prefix="$prefix")
export PKG_CONFIG_PATH=$library/pkgconfig
read -ra shared < <("${config[@]}" --cflags --libs tlsbio)
cc "$here/consumer/consumer.c" -o "$work/by-pkg-config" "${shared[@]}" "-Wl,-rpath,$library"
check "$work/by-pkg-config"
read -ra static < <("${config[@]}" --static --libs-only-l tlsbio | sed 's/-ltlsbio//g')
read -ra flags < <("${config[@]}" --cflags tlsbio)
cc "$here/consumer/consumer.c" -o "$work/by-pkg-config-static" "${flags[@]}" "$library/libtlsbio.a" \
    "${static[@]}" 2>"$work/log" || {
    cat "$work/log" >&2
    exit 1
}
check "$work/by-pkg-config-static"
