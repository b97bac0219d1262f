//go:build !cgo

package tls

// Without cgo there is nothing but this sentence, which the compiler says.
var _ = this_package_needs_cgo_set_CGO_ENABLED_to_1_and_have_a_C_compiler
