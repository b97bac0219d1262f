#!/usr/bin/env bash
# Measures all that docs/python-figures.md has, and writes that page with its plots: run.sh [--rounds N]
# Takes some 15 minutes. PYTHON names the interpreter, TLSBIO_PREBUILT=1 takes target/release/libtlsbio.so as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=${PYTHON:-python3}
venv=$root/target/python/benches-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$root/bindings/python"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'cffi>=1.17' 'cryptography>=42'
figures=$root/docs/python-figures/figures.json
"$venv/bin/python" "$here/figures.py" "$figures" "$@"
"$venv/bin/python" "$here/plots.py" "$figures"
