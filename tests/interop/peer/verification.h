/* Verification as data: the options for it, and what a server stapled. */
#ifndef PEER_VERIFICATION_H
#define PEER_VERIFICATION_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsbio.h"

struct options;

struct verification {
    const char *crl; /* files */
    const char *intermediates;
    const char *ocsp;
    const char *pin;
    const char *raw_key;   /* identity without a certificate */
    const char *raw_trust; /* public keys of peers without one */
    long revocation;       /* -1: the default */
    long verify_time;      /* Unix seconds, 0: now */
    const char *sni;       /* a name to send that is not the one to verify; "none" for none */
};

/* What was stapled, as long as it fits. */
struct stapled {
    unsigned char der[4096];
    ptrdiff_t len;
};

bool verification_option(struct verification *v, const char *name, const char *value);
bool verification_configure(tls_builder_t *builder, const struct verification *v);
tls_conn_t *verification_client(const tls_context_t *context, const struct options *o,
                                tls_error_t *error);

void raw_key_print(tls_conn_t *conn);

void stapled_take(struct stapled *stapled, tls_conn_t *conn);
void stapled_print(const struct stapled *stapled);

#endif
