/* Threads that are inside the library nearly all of the time, each with other locks of it. */
#ifndef C_TESTS_FORK_BUSY_H
#define C_TESTS_FORK_BUSY_H

#include <pthread.h>

#include "pair.h"

/* What the threads and children share. Contexts are for TLS 1.2 and 1.3. */
struct shared {
    tls_context_t *client[2], *server;
    struct pair moving;   /* records go through it all the time */
    pthread_mutex_t held; /* by a thread while it is inside the library */
};

struct shared *shared_new(void);
void shared_free(struct shared *shared);

/* Starts the threads, and ends them. */
void busy_start(struct shared *shared);
void busy_stop(void);

/* What the threads do, once. */
void shake_hands(const struct shared *shared);
void make_contexts(void);
void resume(const struct shared *shared);

#endif
