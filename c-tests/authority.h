/* Certificates of any shape, made by OpenSSL while a test runs. */
#ifndef C_TESTS_AUTHORITY_H
#define C_TESTS_AUTHORITY_H

#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <tlsbio.h>

/* A certificate and its key. */
struct made {
    X509 *certificate;
    EVP_PKEY *key;
};

/* What is wanted. What is NULL or 0 is: version 3, valid from yesterday for a month, SHA-256, a new
 * P-256 key, no extension. */
struct wish {
    const char *subject;
    const char *issuer; /* a name other than that of who signs */
    int version;
    long from, until; /* days from now; both 0 for the default */
    long minutes;     /* from now until the end, in place of until */
    EVP_PKEY *key;
    const char *extensions[8]; /* "name=value", as in a configuration of OpenSSL's */
    int unknown_critical;      /* an extension that nobody knows, and that must be known */
};

EVP_PKEY *new_key(const char *curve);

/* Signed by issuer, or by itself if that is NULL. The caller frees it by free_made(). */
struct made make_certificate(struct wish wish, const struct made *issuer);
void free_made(struct made *made);

/* Texts that grow. */
struct text {
    char *bytes;
    size_t len;
};

void add_certificate(struct text *pem, const struct made *made);
void add_key(struct text *pem, const struct made *made);
void free_text(struct text *text);

/* One certificate as a trust anchor, and a chain with the key of its first as an identity. */
tls_status_t trust_made(tls_builder_t *builder, const struct made *anchor);
void identify_made(tls_builder_t *builder, const struct made *chain, size_t count);

#endif
