// Package tls is crypto/tls's interface over libtlsbio: TLS 1.3 and 1.2 by rustls, in Go's own shape.
//
// Config, Conn, Client, Server, Dial, Listen and NewListener have the names, the argument order and the error behaviour
// of crypto/tls, and the types that programs share with it (ConnectionState, Certificate, ClientHelloInfo) are
// crypto/tls's own, so that a program changes an import. What is different:
//
//   - A Config that asks for something that does not exist here (TLS 1.1, a CBC suite, WrapSession) is refused
//     with a *ConfigError when it is first used. Nothing is ignored that crypto/tls honours, but SCTs.
//   - A transport that ends without a close_notify is io.ErrUnexpectedEOF, also between two records.
//   - A deadline that passes in the middle of a record leaves the connection usable, for Read, Write and Handshake.
//   - An idle connection holds no record buffer.
//   - Session tickets of crypto/tls and of this package are not understood by each other.
//
// # Trust
//
// With RootCAs, or with nothing (the system's roots), chains are verified by crypto/x509 as in crypto/tls. With RootsPEM
// they are verified by the library, which is faster; VerifiedChains is empty then.
//
// # How it works
//
// The library does no I/O and calls nobody. Questions in a handshake (which configuration, is this certificate good, sign
// this) stop it, and are answered on the goroutine that drives it. No pointer of Go's is kept in C, no C code calls Go,
// and a connection in C is a number to Go, not an address.
package tls
