#!/usr/bin/env bash
# Measures all that docs/python-figures.md has, and writes that page with its plots: run.sh [--rounds N] [--short]
# Takes some 20 minutes. --short takes 5, shows that every line works, and writes a page that is for nobody into target/.
# PYTHON names the interpreter, TLSBIO_PREBUILT=1 takes target/release/libtlsbio.so as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=${PYTHON:-python3}
venv=$root/target/python/benches-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$root/bindings/python"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'cffi>=1.17' 'cryptography>=42'
docs=$root/docs
case " $* " in
*" --short "*) docs=$root/target/python-figures-short ;;
esac
figures=$docs/python-figures/figures.json
mkdir -p "$docs/python-figures"
"$venv/bin/python" "$here/figures.py" "$figures" "$@"
"$venv/bin/python" "$here/plots.py" "$figures" --docs "$docs"
