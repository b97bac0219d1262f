/* Finds a HelloRetryRequest in the wire bytes, as a witness that asks neither the library nor the
 * peer. */
#ifndef PEER_RETRY_WATCH_H
#define PEER_RETRY_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct retry_watch {
    size_t matched;
    bool seen;
};

void retry_watch_look(struct retry_watch *watch, const void *wire, size_t len);

#endif
