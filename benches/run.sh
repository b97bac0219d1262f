#!/usr/bin/env bash
# Compares libtlsbio with other libraries: run.sh [--quick] [--only LIBRARY,...] [--publish]. README.md says more.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
"$root/scripts/setup.sh" bench
make --no-print-directory -C "$root" lib
cd "$here"
exec env PYTHONDONTWRITEBYTECODE=1 python3 -m compare "$@"
