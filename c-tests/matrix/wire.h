/* The transport between two connections of this process. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include <tlsbio.h>

/* Feeds what is queued at `from` to `to`, without the first *ahead bytes. Returns the bytes that
 * were drained. */
size_t wire_move(tls_conn_t *from, tls_conn_t *to, size_t *ahead);

/* Feeds all of it, as far as `to` takes it. */
bool wire_feed(tls_conn_t *to, const void *bytes, size_t len);

/* Moves and advances both ways until nothing is queued. `ahead` belongs to the way from right to
 * left. */
void wire_settle(tls_conn_t *left, tls_conn_t *right, size_t *ahead);

/* Writes a message at `from` and reads at `to` until it ends with that message. Other plain bytes
 * before it are allowed: they are those of an earlier call. */
bool wire_says(tls_conn_t *from, tls_conn_t *to, size_t *ahead, const char *message);

#endif
