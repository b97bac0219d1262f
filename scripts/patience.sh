# Source this: TLSBIO_PATIENCE says how many times as long as on an idle machine a test may seem to hang before it is
# taken to do so. Every limit of time in the tests is that of a hang, and is multiplied by it.
: "${TLSBIO_PATIENCE:=$(awk -v cores="$(nproc)" '{ printf "%d", 2 + $1 / cores }' /proc/loadavg)}"
export TLSBIO_PATIENCE

patience() { # SECONDS
    echo $(($1 * TLSBIO_PATIENCE))
}
