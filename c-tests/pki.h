/* Certificates and keys of the test PKI, which is argv[1] of every test. */
#ifndef C_TESTS_PKI_H
#define C_TESTS_PKI_H

#include <stddef.h>

/* Fails the test with an explanation unless argv names the directory. */
void pki_set(int argc, char **argv);

/* The whole name of a file, valid until the fourth next call. */
const char *pki_path(const char *name);

/* The content of a file, NUL-terminated; the caller frees it. */
char *pki_read(const char *name, size_t *len);

/* The first certificate of a file as DER; the caller frees it. */
unsigned char *pki_der(const char *name, size_t *len);

#endif
