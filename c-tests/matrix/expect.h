/* Holds an answer against what the tables allow. */
#ifndef EXPECT_H
#define EXPECT_H

#include "matrix.h"

/* The alternative that the answer matches, or NULL after a report. `usual` is the answer to the
 * usable arguments. */
const struct expected *expect_answer(const struct cell *cell, const struct scene *scene,
                                     struct answer got, struct answer usual);

/* A call that moved nothing, or less than the buffer holds, must leave the rest of the buffer
 * alone. */
void expect_untouched(const struct cell *cell, const struct scene *scene, struct answer got);

#endif
