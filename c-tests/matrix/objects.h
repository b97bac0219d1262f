/* Objects of the library that stand for nothing in particular, and a list of all live handles. */
#ifndef OBJECTS_H
#define OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "matrix.h"

/* A builder, a server context, a fresh server connection or a session that can be used often. */
void *object_new(enum parameter_kind kind);
/* Frees it; a handle that is no longer valid is only forgotten. */
void object_free(enum parameter_kind kind, void *handle);
/* Whether the library still knows it and it does its work. */
bool object_works(enum parameter_kind kind, void *handle);

/* Handles made elsewhere are listed too, so that a made-up number can be told from a real one. */
void *object_list(void *handle);
void object_unlist(void *handle);
bool object_is_listed(const void *handle);

/* A server's connection, sealed under `key`, made by the first call. */
const unsigned char *object_moved(const unsigned char *key, size_t *len);

enum context_wish { CONTEXT_PLAIN, CONTEXT_ASKS_VERIFY };

/* A builder with identity, trust and ALPN, usable for both roles. */
tls_builder_t *object_builder(enum role role, enum context_wish wish, uint16_t version);
/* One without identity, for the calls that give it one. */
tls_builder_t *object_builder_without_identity(uint16_t version);
tls_context_t *object_context(enum role role, enum context_wish wish, uint16_t version);

/* The one client context under which all sessions are made, until it is freed at the end. */
tls_context_t *object_session_context(void);
void object_session_context_free(void);

#endif
