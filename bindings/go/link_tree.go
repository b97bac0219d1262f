//go:build !tlsbio_system && !tlsbio_flags

package tls

// The static library that `make lib` leaves in the build tree.

/*
#if !__has_include("../../target/release/libtlsbio.a")
#error "libtlsbio is not there: run make lib in the root of its tree, or build with -tags tlsbio_system for an installed one"
#endif
#cgo LDFLAGS: ${SRCDIR}/../../target/release/libtlsbio.a -lgcc_s -lpthread -lm -ldl
*/
import "C"
