# Source this: TLSBIO_PATIENCE says how many times as long as on an idle machine a test may seem to hang before it is
# taken to do so. Every limit of time in the tests is that of a hang, and is multiplied by it. Four times are what the tests
# take from each other, of which some run side by side; what others take may begin later than this is read.
: "${TLSBIO_PATIENCE:=$(awk -v cores="$(nproc)" '{ printf "%d", 4 + $1 / cores }' /proc/loadavg)}"
export TLSBIO_PATIENCE

patience() { # SECONDS
    echo $(($1 * TLSBIO_PATIENCE))
}
