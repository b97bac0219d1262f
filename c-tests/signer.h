/* A signer that is elsewhere: the openssl program, which alone sees the key. */
#ifndef C_TESTS_SIGNER_H
#define C_TESTS_SIGNER_H

#include <stddef.h>

#include <tlsbio.h>

/* Signs what the connection asks for, by a key of the test PKI. Returns the signature's length. */
size_t sign_outside(tls_conn_t *conn, const char *key, unsigned char *signature, size_t room);

#endif
