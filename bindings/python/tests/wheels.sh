#!/usr/bin/env bash
# The package as people get it, in empty environments: wheels.sh WHEEL
# The wheel goes into every CPython at hand from 3.11 on; for 3.10, which it is not for, another one is built. There is no
# compiler within reach, and the READMEs' programs run. Then the sdist is installed, with nothing within reach but cargo, a
# compiler and what every system has.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$(dirname "$here")
root=$(cd "$here/../../.." && pwd)
. "$root/scripts/patience.sh"
wheel=$(realpath "$1")
work=$root/target/python-wheels
mkdir -p "$work"
"$root/tests/pki/make.sh" "$root/target/pki"
export PYTHONDONTWRITEBYTECODE=1
quiet=(--quiet --disable-pip-version-check)

# One path for each CPython from 3.10 on that can make environments.
pythons() {
    local found=() path
    for minor in 10 11 12 13 14 15; do
        mapfile -t -O "${#found[@]}" found < <(type -aP "python3.$minor" || true)
    done
    found+=(/usr/bin/python3)
    if command -v pyenv >/dev/null; then
        found+=("$(pyenv root)"/versions/*/bin/python3)
    fi
    for path in "${found[@]}"; do
        "$path" -c 'import ensurepip, os, sys; v = sys.version_info
if sys.implementation.name == "cpython" and v >= (3, 10) and not v.releaselevel == "alpha":
    print("%d.%d.%d" % v[:3], os.path.realpath(sys.executable))' 2>/dev/null || true
    done | sort -u -V
}

new_environment() { # NAME PYTHON
    rm -rf "${work:?}/$1"
    "$2" -m venv "$work/$1"
}

# A wheel of this Python's own, as pip makes one of the checkout.
own_wheel() { # NAME PYTHON
    new_environment "$1-build" "$2"
    rm -rf "$work/$1-wheel" "$package/build"
    TLSBIO_PREBUILT=1 "$work/$1-build/bin/python" -m pip wheel "${quiet[@]}" --no-deps --wheel-dir "$work/$1-wheel" "$package" >&2
    rm -rf "$package/build"
    echo "$work/$1-wheel"/tlsbio-*.whl
}

programs() { # PYTHON
    local limited=(timeout --signal=ABRT "$(patience 300)" "$1" -m)
    (cd "$here" && "${limited[@]}" pytest -q -rs -p no:cacheprovider test_programs.py test_interpreters.py)
    (cd "$here/aio" && "${limited[@]}" pytest -q -p no:cacheprovider test_programs.py)
    (cd "$here/twisted" && "${limited[@]}" twisted.trial --temp-directory "$work/trial" test_programs.Example)
}

on_every_python() {
    local version python fits
    while read -r version python <&3; do
        echo "--- CPython $version"
        fits=$wheel
        case $version in
        3.10.*) fits=$(own_wheel "$version" "$python") ;;
        esac
        new_environment "$version" "$python"
        PATH=/nonexistent "$work/$version/bin/python" -m pip install "${quiet[@]}" --only-binary :all: \
            "tlsbio[twisted] @ file://$fits" "$(grep ^pytest== "$here/requirements.txt")"
        echo "$(basename "$fits")"
        programs "$work/$version/bin/python"
    done 3< <(pythons)
}

from_source() {
    local tools=$work/tools python=$work/source/bin/python name
    echo "--- from source"
    new_environment source-build "${PYTHON:-python3}"
    "$work/source-build/bin/python" -m pip install "${quiet[@]}" "$(grep ^build== "$here/requirements.txt")"
    rm -rf "$work/sdist" "$tools"
    (cd "$work" && "$work/source-build/bin/python" -m build --sdist --outdir "$work/sdist" "$package" >/dev/null)
    mkdir "$tools"
    # A Python names the tools that it was built with: Debian's has them with the machine in front.
    for name in cargo rustc cc gcc c++ g++ as ld ar env sh sed grep mv tr $("${PYTHON:-python3}" -c '
import sysconfig
print(*(sysconfig.get_config_var(name).split()[0] for name in ("CC", "CXX", "LDSHARED", "AR")))'); do
        ln -sf "$(command -v "$name")" "$tools/${name##*/}"
    done
    new_environment source "${PYTHON:-python3}"
    # Not optimised, which is a matter of minutes; what others have built it with is kept.
    (
        cd "$work"
        PATH=$tools CARGO_TARGET_DIR=$work/source-target CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
            CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 "$python" -m pip install "${quiet[@]}" "$work"/sdist/tlsbio-*.tar.gz
        PATH=/nonexistent "$python" -m tlsbio
    )
}

on_every_python
from_source
