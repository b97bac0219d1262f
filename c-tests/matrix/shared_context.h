/* A context is never busy: two threads make connections from the same ones at once. */
#ifndef SHARED_CONTEXT_H
#define SHARED_CONTEXT_H

void shared_context_run(void);

#endif
