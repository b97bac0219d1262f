/* After the call: is everything that was not to change as it was? */
#ifndef UNHARMED_H
#define UNHARMED_H

#include "matrix.h"

/* `changes` is what the call was allowed to change, in the notation of struct expected. */
void unharmed_conn(struct scene *scene, uint32_t changes);
void unharmed_object(enum parameter_kind kind, void *handle, uint32_t changes);

#endif
