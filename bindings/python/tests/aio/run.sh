#!/usr/bin/env bash
# The tests of tlsbio.aio, in an environment of their own: run.sh [PYTEST-ARGUMENTS ...]
# PYTHON says which Python, TLSBIO_PACKAGE a wheel that was built already.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../../.." && pwd)
. "$root/scripts/patience.sh"

python=${PYTHON:-python3}
venv=$root/target/python/aio-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# One that was begun and not finished has no pip yet.
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "${TLSBIO_PACKAGE:-$root/bindings/python}"
"$root/tests/pki/make.sh" "$root/target/pki"

cd "$here"
# One that hangs is ended, and says where it was.
timeout --signal=ABRT "$(patience 900)" "$venv/bin/python" -X dev -m pytest -q -rs -p no:cacheprovider "$@"
