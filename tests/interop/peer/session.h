/* One connection from the first byte to the last: the library on one side, a socket on the other,
 * poll(2) between. */
#ifndef PEER_SESSION_H
#define PEER_SESSION_H

#include <stdbool.h>

#include "context.h"
#include "job.h"
#include "options.h"
#include "retry_watch.h"
#include "tlsbio.h"

/* Bytes of our own between the socket and the library; more than one record of any kind. */
struct held {
    unsigned char data[40000];
    size_t at;
    size_t len;
};

struct session {
    const struct options *options;
    const struct contexts *contexts;
    struct job *job;
    tls_conn_t *conn;
    int fd;

    struct held in;
    bool in_needs_more; /* `in` holds no whole record: only the socket can help */
    struct held out;

    struct retry_watch retry;
    uint64_t receipts; /* the clock of the deadline */
    size_t wire_in;
    size_t wire_out;
    bool corked;
    bool has_new_keys;
    bool transport_ended; /* EOF was fed */
    bool transport_reset;
    bool unsendable; /* the peer takes no more bytes */
    bool we_closed;
    bool asked_context;
    bool asked_verify;
    struct stapled stapled; /* while the verify question was open */
    char asked_name[256];   /* SNI as it was known while the context question was open */
    char early[256];        /* early data that came */
    tls_status_t status;    /* what tls_advance said last */
    const char *broken;     /* a promise of the library that did not hold, or a stall */
};

/* `session` is zeroed but for options, contexts, job, conn and fd; `conn` and `fd` stay the
 * caller's. */
void session_run(struct session *session);

#endif
