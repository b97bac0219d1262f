#!/usr/bin/env bash
# Loads the example on Node.js, which runs with the koffi that npm has: loop_node.sh LOAD.PY PKI ECHO.JS MOST KILLED
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
modules=$("$source/scripts/koffi.sh" "$source/target/node")
NODE_PATH=$modules exec python3 "$@"
