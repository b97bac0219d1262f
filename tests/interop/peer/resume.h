/* Ticket keys of a server, and sessions that a client carries from one connection to the next. */
#ifndef PEER_RESUME_H
#define PEER_RESUME_H

#include <stdbool.h>

#include "options.h"
#include "tlsbio.h"

/* False with a message on stderr. */
bool resume_set_key(tls_context_t *context, const struct options *options);

/* A client that resumes the session carried, if there is one; ends that session. */
tls_conn_t *resume_connect(const tls_context_t *context, const struct options *options,
                           tls_session_t **carried, tls_error_t *error);

/* Carries the newest session of a connection on. */
void resume_keep(tls_conn_t *conn, tls_session_t **carried);

#endif
