/* What a connection negotiated, as text for people. */
#ifndef EXAMPLES_FACTS_H
#define EXAMPLES_FACTS_H

#include <stddef.h>

#include <tlsbio.h>

/* One line: "version=TLSv1.3 suite=... group=... alpn=... resumed=no". Returns text. */
const char *facts_line(tls_conn_t *conn, char *text, size_t capacity);

/* Several lines, one fact each, with the server name and the peer's certificates. Returns the
 * length. */
size_t facts_page(tls_conn_t *conn, char *text, size_t capacity);

#endif
