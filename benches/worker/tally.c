/*
 * Loaded with LD_PRELOAD, counts what a program and all its libraries allocate and copy. Timings
 * are never taken with it.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* glibc's own names for what this file stands in for. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Atomic uint64_t calls, bytes, moved;

void tally_counts(uint64_t *allocations, uint64_t *allocated, uint64_t *copied)
{
    *allocations = calls;
    *allocated = bytes;
    *copied = moved;
}

static void count(size_t size)
{
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&bytes, size, memory_order_relaxed);
}

void *malloc(size_t size)
{
    count(size);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count(number * size);
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size)
{
    count(size);
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size)
{
    count(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = memalign(alignment, size);
    return *block == NULL ? ENOMEM : 0;
}

/* Byte by byte is slow and right. It is built with -fno-builtin, or the compiler would make a call
 * of itself of it. */
void *memmove(void *to, const void *from, size_t len)
{
    unsigned char *target = to;
    const unsigned char *source = from;

    atomic_fetch_add_explicit(&moved, len, memory_order_relaxed);
    if (target <= source || target >= source + len)
        while (len-- > 0)
            *target++ = *source++;
    else
        while (len-- > 0)
            target[len] = source[len];
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    return memmove(to, from, len);
}

void *__memcpy_chk(void *to, const void *from, size_t len, size_t room)
{
    (void)room;
    return memmove(to, from, len);
}

void *__memmove_chk(void *to, const void *from, size_t len, size_t room)
{
    (void)room;
    return memmove(to, from, len);
}
