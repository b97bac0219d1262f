/* Contexts of the library, made from the command line. */
#ifndef PEER_CONTEXT_H
#define PEER_CONTEXT_H

#include <stdbool.h>

#include "options.h"
#include "tlsbio.h"

struct contexts {
    tls_context_t *main;
    tls_context_t *other;   /* NULL unless a second identity was given */
    tls_session_t *carried; /* for the next connection */
};

/* False with a message on stderr. */
bool contexts_make(struct contexts *contexts, const struct options *options);
void contexts_free(struct contexts *contexts);

#endif
