//go:build tlsbio_system && !tlsbio_flags

package tls

// The library that is installed, as pkg-config knows it: go build -tags tlsbio_system

// #cgo pkg-config: tlsbio
import "C"
