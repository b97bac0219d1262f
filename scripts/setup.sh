#!/usr/bin/env bash
# Installs the Debian packages that something needs: setup.sh demo|test|bench|conformance|cross. Does nothing, and asks
# for no rights, if they are all there.
set -euo pipefail

# A C compiler for Arm, and what runs its programs.
cross=()
if [ "$(dpkg --print-architecture)" = amd64 ]; then
    cross=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)
fi
# Who has them from elsewhere keeps those.
node=()
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    node=(nodejs npm)
fi

case ${1:-} in
demo) packages=(ca-certificates curl openssl) ;;
test)
    packages=(
        ca-certificates curl openssl gnutls-bin python3 python3-venv # the peers, and what drives them
        git                                                          # rules of the house, which ask what belongs to it
        python3-dev libpython3.11-testsuite                          # the Python package, and suites that it is run with
        libuv1-dev libevent-dev liburing-dev libboost-dev luajit     # loops of examples
        "${node[@]}"                                                 # which Node.js is one of
        wrk                                                          # and what loads them
        abigail-tools                                                # what would break compiled programs
        softhsm2 opensc                                              # keys in a security module
        cmake clang clang-format g++ binutils pkg-config             # C and C++
        libclang-rt-14-dev valgrind                                  # the sanitizers
        libssl-dev python3-cryptography                              # what docs/migration.md is held against; records by others
        redis-server redis-tools libhiredis-dev                      # where the ticket fleet keeps its keys, and databases
        postgresql-15                                                # whose clients are run over the Python package
        "${cross[@]}"                                                # the library on Arm
    )
    ;;
bench)
    packages=(
        ca-certificates openssl python3 python3-venv pkg-config git  # what makes certificates, runs it, and finds it
        libssl-dev libgnutls28-dev                                   # libraries that are compared
        cmake g++ clang libclang-dev                                 # what the others are built with
        make perl autoconf automake libtool                          # and OpenSSL 4.0 and wolfSSL
        valgrind                                                     # instructions
    )
    ;;
conformance) # what the runner imports, and what makes its keys
    packages=(ca-certificates openssl python3 python3-venv golang-golang-x-crypto-dev golang-golang-x-sys-dev golang-golang-x-term-dev)
    ;;
cross) packages=(cmake openssl "${cross[@]}") ;; # what builds, and what makes certificates
*)
    echo "usage: setup.sh demo|test|bench|conformance|cross" >&2
    exit 2
    ;;
esac

missing=()
for package in "${packages[@]}"; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
        missing+=("$package")
    fi
done

if [ "${#missing[@]}" -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    # Another one may be at work just now, as after a machine has started.
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

command -v cargo >/dev/null || {
    echo "setup.sh: cargo is not on the PATH; install Rust 1.85 or newer" >&2
    exit 1
}
