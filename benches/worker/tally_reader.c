#include "tally.h"

#include <stddef.h>

/* tally.so has it. */
extern void tally_counts(uint64_t *allocations, uint64_t *allocated, uint64_t *copied)
    __attribute__((weak));

int tally_is_on(void)
{
    return tally_counts != NULL;
}

void tally_read(uint64_t *allocations, uint64_t *allocated, uint64_t *copied)
{
    if (tally_counts != NULL)
        tally_counts(allocations, allocated, copied);
}
