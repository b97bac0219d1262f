/* The certificates and keys of tests/pki/make.sh that the cells use, read once. */
#ifndef PKI_H
#define PKI_H

#include <stddef.h>

struct file {
    char path[4096];
    char *text;
    size_t len;
};

struct pki {
    struct file roots, server_chain, server_key, client_chain, client_key, crl, ocsp, public_key;
};

extern struct pki pki;

void pki_load(const char *directory);
void pki_unload(void);

#endif
