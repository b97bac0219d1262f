/* The cells in which a second thread is inside the object. */
#ifndef BUSY_H
#define BUSY_H

#include <stddef.h>

#include "matrix.h"

/* Both return the number of cells that were run. */
size_t busy_run_conn(enum role role);
size_t busy_run_builder(void);

#endif
