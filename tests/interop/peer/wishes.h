/* What the first flight says: protocols of one connection, ECH, compression of certificates. */
#ifndef PEER_WISHES_H
#define PEER_WISHES_H

#include <stdbool.h>

#include "tlsbio.h"

struct options;

struct wishes {
    const char *own_alpn;  /* of the connection, names, comma separated */
    const char *compress;  /* zlib, brotli, comma separated */
    const char *ech;       /* a file with an ECHConfigList, or "grease" */
    const char *ech_first; /* how many connections offer it, before others do not */
};

bool wishes_option(struct wishes *w, const char *name, const char *value);
bool wishes_configure(tls_builder_t *builder, const struct wishes *w);
/* Whether a client must be made, or a server's context be chosen, with options. */
bool wishes_any(const struct wishes *w);
tls_conn_t *wishes_client(const tls_context_t *context, const struct options *o,
                          tls_error_t *error);
tls_status_t wishes_answer(tls_conn_t *conn, const tls_context_t *context, const struct wishes *w);
void wishes_print(tls_conn_t *conn);

#endif
