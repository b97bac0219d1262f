/* The command line of the interop peer. */
#ifndef PEER_OPTIONS_H
#define PEER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "control.h"
#include "verification.h"
#include "wishes.h"

enum job_kind { JOB_ECHO, JOB_EXCHANGE, JOB_HTTP };
enum way_in { IN_FEED, IN_WINDOW, IN_PLACE, IN_VECTORED };
enum way_out { OUT_PEEK, OUT_COPY, OUT_DIRECT, OUT_VECTORED };

struct options {
    bool server;
    const char *host;
    const char *port;
    long count; /* connections, one after the other */

    const char *chain;
    const char *key;
    const char *more_chain; /* a further identity of the same context */
    const char *more_key;
    const char *other_name; /* a server name for which the second identity is chosen */
    const char *other_chain;
    const char *other_key;
    const char *trust;
    const char *alpn; /* names, comma separated */
    uint16_t min_version;
    uint16_t max_version;
    int32_t client_auth;
    int32_t verify;
    const char *name;
    struct verification verification;
    struct wishes wishes;
    struct control control;

    long events;      /* kinds to report, as tls_builder_events takes them */
    bool key_log;     /* report the lines of a key-log file */
    bool ask_context; /* a server that starts without a context */
    long refuse;      /* alert that answers the context question, -1: choose a context */
    int32_t verdict;  /* answer to the verify question, as tls_answer_verify takes it */

    long ticket_key;   /* of a server: the byte that a shared ticket key is made of, 0: keys of its
                          own */
    long ticket_until; /* Unix seconds at which that key ends, 0: never */
    long tickets;      /* how many a server sends, -1: the default */
    long early_limit;  /* the most early data that is taken, or not 0 for a client: early data is on
                        */
    long budget;       /* wire bytes that a handshake may take, 0: the default */
    long deadline;     /* receipts from the socket after which a handshake is late, 0: never */
    const char *early; /* what a client sends as early data if it can */
    bool carry;        /* of a client: carry a session from each connection to the next */

    enum way_in way_in;
    enum way_out way_out;
    bool cork;        /* write pieces of 100 bytes, which are put together */
    long record_size; /* as tls_builder_record_size takes it */
    long ramp_size;   /* both as tls_builder_record_ramp takes them */
    long ramp_bytes;
    long padding; /* as tls_builder_padding takes it */

    enum job_kind job;
    const char *send; /* file */
    const char *save; /* file */
    long expect;      /* bytes after which an exchange is over, -1: until the peer closes */
    bool half_close;  /* close our direction as soon as everything is sent */
};

/* Ends the program with a message if the command line cannot be understood. */
struct options options_parse(int argc, char **argv);

#endif
