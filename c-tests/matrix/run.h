/* Runs the cells of one thread. */
#ifndef RUN_H
#define RUN_H

#include "matrix.h"

void run_cell(const struct cell *cell, uint16_t version);

/* What a usable call of this function needs in its scene. */
unsigned run_needs(const struct function *function);

#endif
