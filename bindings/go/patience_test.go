package tls

import (
	"os"
	"strconv"
	"time"
)

// patience is how long nothing may happen before it is taken for a hang: TLSBIO_PATIENCE times as long on a busy machine
// (scripts/patience.sh).
func patience(idle time.Duration) time.Duration {
	if factor, err := strconv.Atoi(os.Getenv("TLSBIO_PATIENCE")); err == nil && factor > 0 {
		return idle * time.Duration(factor)
	}
	return idle
}
