/* The plain side of one connection: what is said inside TLS. */
#ifndef PEER_JOB_H
#define PEER_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "options.h"

struct bytes {
    char *data;
    size_t len;
};

struct job {
    enum job_kind kind;
    struct bytes out; /* everything to be sent so far */
    size_t sent;
    struct bytes in; /* what an HTTP request holds so far */
    FILE *save;
    const struct bytes *file; /* what an exchange sends and a GET answers */
    long expect;
    size_t received;
    bool peer_closed;
    bool answered; /* HTTP: the response is in `out` */
};

bool job_read_file(const char *path, struct bytes *content);

bool job_start(struct job *job, const struct options *options, const struct bytes *file);
void job_end(struct job *job);

/* How many plain bytes the job can take now: an echo takes no more than it can give back soon. */
size_t job_room(const struct job *job);
bool job_take(struct job *job, const char *plain, size_t len);

size_t job_offer(const struct job *job, const char **plain);
void job_sent(struct job *job, size_t len);

/* Nothing more will be sent, whatever still arrives. */
bool job_said_all(const struct job *job, const struct options *options);

#endif
