#!/usr/bin/env bash
# Puts what examples/loops/echo.js needs into a directory, by npm, and says where Node.js finds it: koffi.sh DIRECTORY
#
# The package-lock.json beside it says which version, and what is in it. Ends with 77, and the reason, where there is no Node.js or npm, or
# none of npm's packages can be fetched; what is not what the lock says is a failure.
set -euo pipefail

loops=$(cd "$(dirname "${BASH_SOURCE[0]}")/../examples/loops" && pwd)
mkdir -p "$1"
room=$(cd "$1" && pwd)
for program in node npm; do
    command -v "$program" >/dev/null || {
        echo "skipped: echo.js: $program is not installed" >&2
        exit 77
    }
done
exec 9>"$room/lock"
flock 9
if ! cmp -s "$loops/package-lock.json" "$room/fetched"; then
    cp "$loops/package.json" "$loops/package-lock.json" "$room/"
    # No package runs anything: koffi comes compiled, and is checked like the rest.
    npm ci --prefix "$room" --ignore-scripts --no-audit --no-fund --fetch-retries 1 >"$room/log" 2>&1 || {
        if reason=$(grep -m 1 -E "code (E(NOTFOUND|AI_AGAIN|CONN[A-Z]+|[A-Z]*TIMEDOUT|NETWORK|[45][0-9]+)|ERR_SOCKET_TIMEOUT)" "$room/log"); then
            echo "skipped: echo.js: koffi cannot be fetched: $reason" >&2
            exit 77
        fi
        cat "$room/log" >&2
        exit 1
    }
    # Of what is compiled npm takes what is for this processor, and passes over what it cannot take.
    NODE_PATH=$room/node_modules node -e 'require("koffi")' || exit 1
    cp "$room/package-lock.json" "$room/fetched"
fi
echo "$room/node_modules"
