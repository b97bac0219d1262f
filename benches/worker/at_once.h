/* What threads do at once, and what of it was seen. */
#ifndef BENCHES_AT_ONCE_H
#define BENCHES_AT_ONCE_H

#include <stddef.h>

#include "driver.h"

/* What each thread does, with a state of its own. */
struct work {
    void *(*begin)(const struct work *work);
    void (*unit)(void *state);
    void (*end)(void *state);
    /* For begin(). */
    const struct way *way;
    size_t len;
    int resume;
};

struct at_once {
    int cores; /* that the process has, no more than threads were asked for; fewer: nothing was done
                */
    int quiet; /* rounds that count; of these the medians: */
    double ns; /* for one unit of one thread that works alone */
    double gain; /* how many times as much all do at once as one of them alone */
};

struct at_once work_at_once(const struct work *work, int threads, int rounds);

#endif
