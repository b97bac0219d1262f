#!/usr/bin/env bash
# Draws what was measured: plot.sh PROGRAM RESULTS.json DIRECTORY, PROGRAM a file beside this one. Matplotlib comes from PyPI, into an environment of
# its own.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$(cd "$here/.." && pwd)/target/benches/plots-venv
# Pinned, so that a plot changes only when its figures do.
matplotlib=matplotlib==3.10.8

if ! "$venv/bin/python" -c 'import matplotlib' 2>/dev/null; then
    mkdir -p "$(dirname "$venv")"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$matplotlib"
fi
"$venv/bin/python" "$here/$1" "${@:2}"
