/*
 * Threads that work at once, each on a core of its own, in windows of some milliseconds. A window
 * counts only if all threads began it at one time and had their cores to themselves: otherwise it
 * would show what else the machine did.
 */
#include "at_once.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_NS 3e6
/* Of which all threads have to begin within this time, and to have the processor for this part. */
#define TOGETHER_NS 1e5
#define PART_OF_PROCESSOR 0.98
/* Between two readings of the clock. */
#define READING_NS 2e4
/* Between two windows: a thread that always works is taken from its core sooner or later. */
#define PAUSE_US 500
#define MOST_THREADS 16

struct window {
    double begun, took, worked;
    long units;
};

struct hand {
    const struct work *work;
    int core, windows;
    pthread_barrier_t *together;
    struct window *seen;
};

static double clock_ns(clockid_t clock)
{
    struct timespec time;

    if (clock_gettime(clock, &time) != 0)
        fail("the clock cannot be read");
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* How many units are done between two readings of the clock. */
static long units_a_reading(const struct work *work, void *state)
{
    double begun = clock_ns(CLOCK_MONOTONIC), each;
    int i;

    for (i = 0; i < 8; i++)
        work->unit(state);
    each = (clock_ns(CLOCK_MONOTONIC) - begun) / 8;
    return each < READING_NS ? (long)(READING_NS / each) : 1;
}

static struct window look(const struct work *work, void *state, long at_a_time)
{
    struct window window = {clock_ns(CLOCK_MONOTONIC), 0, 0, 0};
    double worked = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    long i;

    do {
        for (i = 0; i < at_a_time; i++)
            work->unit(state);
        window.units += at_a_time;
        window.took = clock_ns(CLOCK_MONOTONIC) - window.begun;
    } while (window.took < WINDOW_NS);
    window.worked = clock_ns(CLOCK_THREAD_CPUTIME_ID) - worked;
    return window;
}

static void *work_in_windows(void *argument)
{
    struct hand *hand = argument;
    cpu_set_t core;
    void *state;
    long at_a_time;
    int i;

    CPU_ZERO(&core);
    CPU_SET(hand->core, &core);
    if (pthread_setaffinity_np(pthread_self(), sizeof(core), &core) != 0)
        fail("core %d cannot be had", hand->core);
    state = hand->work->begin(hand->work);
    at_a_time = units_a_reading(hand->work, state);
    for (i = 0; i < hand->windows; i++) {
        usleep(PAUSE_US);
        pthread_barrier_wait(hand->together);
        hand->seen[i] = look(hand->work, state, at_a_time);
    }
    hand->work->end(state);
    return NULL;
}

/* Nanoseconds for one unit of whichever thread; 0 if the window does not count. */
static double ns_of(struct window *const *seen, int threads, int index)
{
    const struct window *first = &seen[0][index];
    double per_ns = 0;
    int i;

    for (i = 0; i < threads; i++) {
        const struct window *window = &seen[i][index];
        double apart = window->begun - first->begun;

        if (window->worked < PART_OF_PROCESSOR * window->took || apart > TOGETHER_NS ||
            apart < -TOGETHER_NS)
            return 0;
        per_ns += (double)window->units / window->took;
    }
    return 1 / per_ns;
}

static int by_size(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

/* The cores that this process may use, in their order; answers how many there are. */
static int cores_given(int *cores, int most)
{
    cpu_set_t given;
    int core, count = 0;

    if (sched_getaffinity(0, sizeof(given), &given) != 0)
        fail("the cores of this process cannot be told");
    for (core = 0; core < CPU_SETSIZE && count < most; core++)
        if (CPU_ISSET(core, &given))
            cores[count++] = core;
    return count;
}

struct at_once work_at_once(const struct work *work, int threads, int windows)
{
    struct at_once result = {0, 0, 0};
    pthread_t running[MOST_THREADS];
    struct hand hands[MOST_THREADS];
    struct window *seen[MOST_THREADS];
    double *times = calloc((size_t)windows, sizeof(*times));
    pthread_barrier_t together;
    int cores[MOST_THREADS], i;

    if (threads < 1 || threads > MOST_THREADS || windows < 1 || times == NULL)
        fail("%d threads, %d windows", threads, windows);
    result.cores = cores_given(cores, threads);
    if (result.cores < threads || pthread_barrier_init(&together, NULL, (unsigned)threads) != 0) {
        free(times);
        return result;
    }
    for (i = 0; i < threads; i++) {
        seen[i] = calloc((size_t)windows, sizeof(*seen[i]));
        hands[i] = (struct hand){work, cores[i], windows, &together, seen[i]};
        if (seen[i] == NULL || pthread_create(&running[i], NULL, work_in_windows, &hands[i]) != 0)
            fail("no thread");
    }
    for (i = 0; i < threads; i++)
        pthread_join(running[i], NULL);
    pthread_barrier_destroy(&together);
    for (i = 0; i < windows; i++) {
        times[result.quiet] = ns_of(seen, threads, i);
        if (times[result.quiet] > 0)
            result.quiet++;
    }
    qsort(times, (size_t)result.quiet, sizeof(*times), by_size);
    if (result.quiet > 0)
        result.ns = times[result.quiet / 2];
    for (i = 0; i < threads; i++)
        free(seen[i]);
    free(times);
    return result;
}
