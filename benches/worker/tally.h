/* What the process allocated and copied so far, if tally.so is loaded before everything else. */
#ifndef BENCHES_TALLY_H
#define BENCHES_TALLY_H

#include <stdint.h>

/* Counts stay 0 without tally.so. Copies are those that call memcpy or memmove; small ones of a
 * known size, which compilers write out, are not seen. */
void tally_read(uint64_t *allocations, uint64_t *allocated, uint64_t *copied);
/* Answers whether it is loaded. */
int tally_is_on(void);

#endif
