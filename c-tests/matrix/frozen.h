/* Stops a thread in the middle of whatever it is doing, and lets another one look at what it left
 * behind.
 *
 * The worker loops inside library calls and is interrupted by a signal, whose handler blocks on a
 * pipe: for as long as that takes, the worker is where it was, most often inside a call. The prober
 * then makes its calls; its first one tells whether the worker really was inside. If not, the
 * worker goes on and is interrupted again. */
#ifndef FROZEN_H
#define FROZEN_H

#include <stdbool.h>

struct frozen_plan {
    /* One round of library calls. False ends the worker. */
    bool (*work)(void *subject);
    /* True if the worker was inside and all probing was done; called while the worker stands still.
     */
    bool (*probe)(void *subject);
    void *subject;
};

enum frozen_result {
    FROZEN_COMPLETE,
    FROZEN_LATE, /* complete, but only after the worker went on: the prober had to wait for
                    something */
    FROZEN_NEVER
};

/* The worker and the prober have ended in any case. */
enum frozen_result frozen_run(const struct frozen_plan *plan);

#endif
