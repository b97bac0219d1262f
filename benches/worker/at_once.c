/*
 * Threads that work, each on a core of its own, in windows of some milliseconds: in each round
 * first every one alone, while the others sleep, and then all at once. No two cores need be equally
 * fast, and who else is on the machine changes how fast they are; so what all do is compared with
 * what the same threads did alone on the same cores a moment before. A round counts only if its
 * threads began at one time and had their cores to themselves: otherwise it would show what else
 * the machine did.
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
    int core, index, threads, rounds;
    pthread_barrier_t *together;
    /* [rounds], and in each of them [ALONE, TOGETHER]. */
    struct window (*seen)[2];
};

enum { ALONE, TOGETHER };

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
    int i, turn;

    CPU_ZERO(&core);
    CPU_SET(hand->core, &core);
    if (pthread_setaffinity_np(pthread_self(), sizeof(core), &core) != 0)
        fail("core %d cannot be had", hand->core);
    state = hand->work->begin(hand->work);
    at_a_time = units_a_reading(hand->work, state);
    for (i = 0; i < hand->rounds; i++)
        for (turn = 0; turn <= hand->threads; turn++) {
            usleep(PAUSE_US);
            pthread_barrier_wait(hand->together);
            if (turn == hand->threads)
                hand->seen[i][TOGETHER] = look(hand->work, state, at_a_time);
            else if (turn == hand->index)
                hand->seen[i][ALONE] = look(hand->work, state, at_a_time);
        }
    hand->work->end(state);
    return NULL;
}

static int had_its_core(const struct window *window)
{
    return window->worked >= PART_OF_PROCESSOR * window->took;
}

/* Units in a nanosecond of a thread alone, and of all together; 0 if the round does not count. */
static int rates_of(const struct hand *hands, int threads, int round, double *alone,
                    double *together)
{
    const struct window *first = &hands[0].seen[round][TOGETHER];
    int i;

    *alone = *together = 0;
    for (i = 0; i < threads; i++) {
        const struct window *own = &hands[i].seen[round][ALONE];
        const struct window *shared = &hands[i].seen[round][TOGETHER];
        double apart = shared->begun - first->begun;

        if (!had_its_core(own) || !had_its_core(shared) || apart > TOGETHER_NS ||
            apart < -TOGETHER_NS)
            return 0;
        *alone += (double)own->units / own->took / threads;
        *together += (double)shared->units / shared->took;
    }
    return 1;
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

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), by_size);
    return values[count / 2];
}

static double *numbers(int count)
{
    double *all = calloc((size_t)count, sizeof(*all));

    if (all == NULL)
        fail("no memory");
    return all;
}

static struct at_once count(const struct hand *hands, int threads, int rounds)
{
    struct at_once result = {threads, 0, 0, 0};
    double *times = numbers(rounds), *gains = numbers(rounds), alone, together;
    int i;

    for (i = 0; i < rounds; i++)
        if (rates_of(hands, threads, i, &alone, &together)) {
            times[result.quiet] = 1 / alone;
            gains[result.quiet++] = together / alone;
        }
    if (result.quiet > 0) {
        result.ns = median(times, result.quiet);
        result.gain = median(gains, result.quiet);
    }
    free(times);
    free(gains);
    return result;
}

struct at_once work_at_once(const struct work *work, int threads, int rounds)
{
    struct at_once result = {0, 0, 0, 0};
    pthread_t running[MOST_THREADS];
    struct hand hands[MOST_THREADS];
    pthread_barrier_t together;
    int cores[MOST_THREADS], i;

    if (threads < 1 || threads > MOST_THREADS || rounds < 1)
        fail("%d threads, %d rounds", threads, rounds);
    result.cores = cores_given(cores, threads);
    if (result.cores < threads || pthread_barrier_init(&together, NULL, (unsigned)threads) != 0)
        return result;
    for (i = 0; i < threads; i++) {
        hands[i] = (struct hand){work, cores[i], i, threads, rounds, &together, NULL};
        hands[i].seen = calloc((size_t)rounds, sizeof(*hands[i].seen));
        if (hands[i].seen == NULL ||
            pthread_create(&running[i], NULL, work_in_windows, &hands[i]) != 0)
            fail("no thread");
    }
    for (i = 0; i < threads; i++)
        pthread_join(running[i], NULL);
    pthread_barrier_destroy(&together);
    result = count(hands, threads, rounds);
    for (i = 0; i < threads; i++)
        free(hands[i].seen);
    return result;
}
