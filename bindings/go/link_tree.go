//go:build !tlsbio_system

package tls

// The static library that `make lib` leaves in the build tree.

// #cgo CFLAGS: -I${SRCDIR}/../../include
// #cgo LDFLAGS: ${SRCDIR}/../../target/release/libtlsbio.a -lgcc_s -lpthread -lm -ldl
import "C"
