"""How long nothing may happen before it is taken for a hang: scripts/patience.sh."""

import os

FACTOR = int(os.environ.get("TLSBIO_PATIENCE") or 1)
# For one step of a peer, and for one command.
SECONDS = 60 * FACTOR
