/* One connection of the example server: a socket, its TLS and its HTTP. */
#ifndef EXAMPLES_PEER_H
#define EXAMPLES_PEER_H

#include <stdint.h>

#include <tlsbio.h>

#include "http.h"

enum peer_phase {
    PEER_HANDSHAKE,
    PEER_SERVING,
    PEER_FLUSHING,  /* our last bytes are queued: close_notify, or the alert after a failure */
    PEER_LINGERING, /* all was sent and our side is shut: discard until the peer is gone too */
    PEER_GONE,      /* nothing is left to do but peer_free */
};

struct peer {
    unsigned id;
    int fd;
    tls_conn_t *tls;
    enum peer_phase phase;
    int patience;               /* how many times as long as usual is waited for it */
    int64_t deadline;           /* on the clock of net_now_ms */
    uint64_t wire_in, wire_out; /* bytes received and sent */
    char outcome[320];          /* how it ended, for the log */
    struct http http;
};

/* Takes over a non-blocking socket, whose peer may be so many times as slow as usual; NULL if there
 * is no memory, and the socket is closed. */
struct peer *peer_new(const tls_context_t *context, int fd, int patience);

/* Prints how the connection ended, and ends it. */
void peer_free(struct peer *peer);

/* What poll is to wait for. */
short peer_events(struct peer *peer);

/* Does what can be done after poll has reported revents. */
void peer_turn(struct peer *peer, int revents);

/* Ends the connection if its time is up. */
void peer_check_deadline(struct peer *peer, int64_t now);

#endif
