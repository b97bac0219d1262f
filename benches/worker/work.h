/* The work that is measured, the same for every library. */
#ifndef BENCHES_WORK_H
#define BENCHES_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "at_once.h"
#include "driver.h"

/* What the units of one slice cost together. */
struct cost {
    double cpu_ns;                           /* processor time of the process */
    double wall_ns;                          /* time on the clock */
    uint64_t allocations, allocated, copied; /* 0 unless the program runs under tally.so */
};

struct pair {
    void *client, *server;
};

/* What a handshake must have agreed on. */
void expect(const struct setting *setting);

/* Opens both ends, finishes the handshake, and fails unless it is what was asked for. */
struct pair connect_pair(void);
void close_pair(struct pair pair);

/* len bytes each way, by the first of the ways. */
void talk(struct pair pair, size_t len);

const struct way *way_named(const char *name);

/* count times: len bytes from client to server. More than LARGEST_WRITE are written in pieces. */
struct cost work_move(const struct way *way, struct pair pair, size_t len, long count);
/* count times: a request from client to server, a response back. */
struct cost work_exchange(const struct way *way, struct pair pair, size_t request, size_t response,
                          long count);
/* count times: both ends opened, handshake, both ends closed. With resume: a ticket kept as well.
 */
struct cost work_handshake(int resume, long count);
/* The same as work_move and work_handshake, on threads at once, each with connections of its own of
 * the same contexts. */
struct at_once work_threads(const struct way *way, size_t len, int threads, int rounds);
struct at_once work_handshake_threads(int resume, int threads, int rounds);

#endif
