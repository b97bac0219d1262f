#!/usr/bin/env bash
# What can be seen without running the library: formats, lints, generated files, and the rules of the house.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=0
check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then
        echo "ok    $what"
    else
        echo "FAIL  $what"
        failed=1
    fi
}

# Prints what PATTERN finds in the files, and fails if that is anything, if there are no such files, or if it cannot look.
none() { # PATTERN FILES...
    local pattern=$1 status=0
    shift
    [ -n "$(git ls-files -- "$@")" ] || return 1
    git grep -nE "$pattern" -- "$@" || status=$?
    [ "$status" -eq 1 ]
}

c_format() {
    git ls-files -co --exclude-standard '*.c' '*.h' | grep -v -e '^include/' -e '^tools/' -e '^bindings/go/tlsbio.h' | xargs clang-format --dry-run --Werror
}

# Every package that is linked into the library may be used under terms that ours allow.
licences() {
    local allowed='^(MIT|Apache-2\.0|ISC|BSD-3-Clause|OpenSSL|Unicode-3\.0|Zlib|0BSD|CC0-1\.0)$'
    cargo tree -p tlsbio -e normal --prefix none --no-dedupe --format '{p}|{l}' | sort -u | while IFS='|' read -r package terms; do
        # "A OR B" needs one that is allowed, "A AND B" needs both.
        echo "$terms" | sed 's/[()]//g; s/ WITH [A-Za-z-]*//g; s| */ *| OR |g' | awk -v allowed="$allowed" -v package="$package" '
            {
                all = split($0, needed, / AND /)
                for (i = 1; i <= all; i++) {
                    fine = 0
                    any = split(needed[i], choice, / OR /)
                    for (j = 1; j <= any; j++) if (choice[j] ~ allowed) fine = 1
                    if (!fine) { print package ": " $0; exit 1 }
                }
            }' || return 1
    done
}

# What the documents call by a name of ours is in the header.
names_in_documents() {
    local names name failed=0
    names=$(git grep -hoE '`(tls|TLS)_[A-Za-z0-9_]+' -- '*.md' | tr -d '`' | sort -u) || return 1
    for name in $names; do
        if ! grep -qw -e "$name" include/tlsbio.h; then
            echo "$name does not exist"
            failed=1
        fi
    done
    return "$failed"
}

# One at a time: bash parses the first file alone.
scripts_parse() {
    git ls-files '*.sh' .ci/run | xargs -n 1 bash -n
}

check "Rust is formatted" cargo fmt --all --check
check "clippy has no warnings" cargo clippy --quiet --workspace --all-targets -- -D warnings
check "C is formatted" c_format
check "the header and docs/status.md are as generated" cargo run --quiet -p header -- --check
# Besides the boundary, the switch of stacks and memory that nobody has written to need it; their files say why it is sound.
check "unsafe stays in src/ffi, src/coroutine.rs and src/uninitialised.rs" none '\bunsafe\b' 'src/*.rs' ':!src/ffi' ':!src/coroutine.rs' ':!src/uninitialised*' ':!src/lib.rs'
check "every room but these forbids unsafe" test "$(grep -c '^#\[forbid(unsafe_code)\]$' src/lib.rs)" -eq "$(grep -cE '^(pub )?mod ' src/lib.rs | awk '{ print $1 - 3 }')"
check "rustls is named in src/engine only" none '\brustls(_aws_lc_rs)?::' 'src/*.rs' ':!src/engine'
check "every call is known to forks: panics are caught in src/ffi/boundary.rs only" none 'quiet::catch' 'src/ffi/*.rs' ':!src/ffi/boundary.rs'
check "names in the documents exist" names_in_documents
check "the documents name every call of OpenSSL that is replaced" tests/migration/openssl_names.py
check "the documents name every call of rustls-ffi" tests/migration/rustls_ffi_names.py
check "shell scripts parse" scripts_parse
check "no circle of files is larger than six" scripts/circles.py
check "licences of the dependencies fit" licences
check "THIRD-PARTY-NOTICES are of what is linked" scripts/notices.py --check

exit "$failed"
