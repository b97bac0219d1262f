/* Counts what a program and all its libraries do with the heap, by standing in for malloc. */
#ifndef C_TESTS_HEAP_H
#define C_TESTS_HEAP_H

#include <stddef.h>

struct heap {
    size_t calls; /* of malloc and its kin, so far */
    size_t live;  /* bytes that are allocated now, as the callers asked for them */
    size_t peak;  /* the most that ever were since heap_forget_peak() */
};

struct heap heap_now(void);
void heap_forget_peak(void);

#endif
