#!/usr/bin/env bash
# README's programs and the examples, from a fresh directory that has only the installed package: fresh.sh CMAKE SOURCE BUILD PKI PYTHON
#
# README's are taken out of it, as are the lines that build them: by CMake and by pkg-config, shared and static. The examples are copied,
# and built as a project of their own. All of it runs.
set -euo pipefail

cmake=$1 source=$2 build=$3 pki=$4 python=$5
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

fail() { # WHAT
    echo "FAILED: $1" >&2
    [ ! -s "$work/log" ] || cat "$work/log" >&2
    exit 1
}

quietly() { # COMMAND...
    "$@" >"$work/log" 2>&1 || fail "$*"
}

quietly "$cmake" --install "$build" --prefix "$work/prefix"
library=$(dirname "$(find "$work/prefix" -name libtlsbio.a)")
export PKG_CONFIG_PATH=$library/pkgconfig LD_LIBRARY_PATH=$library

# The examples, thrice: each way that Asio's, which compiles for long, is not linked is one that the others are.
cp -r "$source/examples" "$work/examples"
examples() { # DIRECTORY LIBRARY CMAKE_OPTIONS...
    quietly "$cmake" -S "$work/examples" -B "$work/$1" -DCMAKE_PREFIX_PATH="$work/prefix" -DTLSBIO_EXAMPLES_WITH="$2" "${@:3}"
    quietly "$cmake" --build "$work/$1" -j 2
}
examples shared tlsbio::tlsbio
examples static tlsbio::tlsbio_static -Dboost_asio=OFF
examples pkg-config PkgConfig::tlsbio -Dboost_asio=OFF

# What is linked is what was to be.
for program in "$work"/{shared,pkg-config}/{https_*,h*_*,loop_*}; do
    linked=$(ldd "$program" | awk '$1 == "libtlsbio.so.0" { print $3 }')
    [ "$linked" -ef "$library/libtlsbio.so.0" ] || fail "$program is linked with '$linked'"
done
for program in "$work"/static/{https_*,h*_*,loop_*}; do
    grep -q libtlsbio <<<"$(ldd "$program")" && fail "$program is not static"
    true
done

# README's: what they say hello to is the examples.
mkdir "$work/readme"
"$python" "$here/readme.py" "$source/README.md" "$work/readme"
(cd "$work/readme" && quietly sh -eu build.sh)
quietly "$cmake" -S "$work/readme" -B "$work/readme/cmake" -DCMAKE_PREFIX_PATH="$work/prefix"
quietly "$cmake" --build "$work/readme/cmake"

says_hello() { # PROGRAM
    local said
    said=$("$1" localhost "$port" "$pki/trust/all.pem" 2>&1) && [ "$said" = hello ] || fail "$1 said: $said"
}

serve() { # PROGRAM: answers 77 if this kernel has no such loop
    local code=0
    : >"$work/server"
    "$1" 0 "$pki/ecdsa/server-chain.pem" "$pki/ecdsa/server.key" >"$work/server" 2>"$work/log" &
    server=$!
    until grep -q '^listening on [0-9]' "$work/server"; do
        if ! kill -0 "$server" 2>/dev/null; then
            wait "$server" || code=$?
            server=
            [ "$code" -eq 77 ] || fail "$1 ended with $code"
            return 77
        fi
        sleep 0.02
    done
    port=$(awk '{ print $3 }' "$work/server")
}

stop() {
    kill -TERM "$server"
    wait "$server" || fail "the echo server ended with $?"
    server=
}

programs=0
serve "$work/static/loop_epoll"
for program in "$work"/readme/{,cmake/}hello{,++}{,-static}; do
    says_hello "$program"
    # One that trusts everybody would be a bad one to copy.
    said=$("$program" localhost "$port" "$pki/rsa/ca.pem" 2>&1) && fail "$program trusts everybody"
    [ "$(wc -l <<<"$said")" -eq 1 ] && [ -n "$said" ] || fail "$program said: $said"
    programs=$((programs + 1))
done
stop

loops=("$work"/{shared,static,pkg-config}/loop_*)
if command -v luajit >/dev/null; then
    loops+=("$work/examples/loops/echo.lua")
else
    echo "skipped: echo.lua: LuaJIT is not installed"
fi
if modules=$("$source/scripts/koffi.sh" "$source/target/node"); then
    export NODE_PATH=$modules
    loops+=("$work/examples/loops/echo.js")
elif [ $? -ne 77 ]; then
    fail "koffi.sh"
fi
for loop in "${loops[@]}"; do
    if serve "$loop"; then
        says_hello "$work/readme/hello"
        stop
    else
        cat "$work/log"
    fi
done
for directory in shared static pkg-config; do
    quietly "$source/c-tests/examples.sh" "$work/$directory/https_server" "$work/$directory/https_client" "$pki"
done
echo "README: $programs programs; examples: ${#loops[@]} loops, and $(find "$work/shared" -maxdepth 1 -type f -executable | wc -l) programs by CMake, statically, by pkg-config"
