/* The wrong values that cells put in the place of a handle. */
#ifndef VALUES_H
#define VALUES_H

#include "matrix.h"

enum { SPARES = 4 };

/* Objects that a wrong value needs alive, and that the call must leave working. */
struct spares {
    enum parameter_kind kind;
    void *handles[SPARES];
    size_t count;
};

void *values_handle(enum value value, enum parameter_kind kind, struct spares *spares);
void values_check_and_free(struct spares *spares);

#endif
