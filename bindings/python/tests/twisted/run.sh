#!/usr/bin/env bash
# The tests of tlsbio.twisted, in an environment of their own: run.sh [ours|theirs [TEXT ...]]
# Without an argument both: our tests, then Twisted's own with our connections on one side.
# PYTHON says which Python, TLSBIO_PACKAGE a wheel that was built already.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../../.." && pwd)
. "$root/scripts/patience.sh"

python=${PYTHON:-python3}
venv=$root/target/python/twisted-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# One that was begun and not finished has no pip yet.
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "${TLSBIO_PACKAGE:-$root/bindings/python}"
"$root/tests/pki/make.sh" "$root/target/pki"

cd "$here"
what=${1:-all}
case $what in
ours | all)
    timeout "$(patience 900)" "$venv/bin/python" -m twisted.trial --temp-directory "$root/target/python/trial" \
        test_connection test_threads test_options test_monkey test_reactor test_web test_programs
    ;;&
theirs | all)
    "$venv/bin/python" theirs.py "${@:2}"
    ;;
ours) ;;
*)
    echo "usage: run.sh [ours|theirs [TEXT ...]]" >&2
    exit 2
    ;;
esac
