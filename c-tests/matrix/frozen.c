#include "frozen.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

/* The worker may be stopped outside of a call, or while it holds a lock that the prober needs (the
 * allocator's, say): both are chance and worth another try, the second one once it is clear that
 * the prober waits. */
enum { TRIES = 20000, LATE_TRIES = 10, LATE_AFTER_MS = 5000 };

struct pipe {
    int read_end, write_end;
};

static struct pipe stopped, release, go, done;
static atomic_bool finished;
static atomic_uint turns; /* of the worker */
static atomic_bool ended; /* the worker takes no more of them */

static void open_pipe(struct pipe *made)
{
    int ends[2];
    if (pipe(ends) != 0)
        give_up("pipe: %s", strerror(errno));
    made->read_end = ends[0];
    made->write_end = ends[1];
}

static void close_pipe(struct pipe *used)
{
    close(used->read_end);
    close(used->write_end);
}

static void put(struct pipe *to, char byte)
{
    while (write(to->write_end, &byte, 1) < 0 && errno == EINTR)
        ;
}

static char take(struct pipe *from)
{
    char byte = 0;
    while (read(from->read_end, &byte, 1) < 0 && errno == EINTR)
        ;
    return byte;
}

static void stand_still(int signal_number)
{
    int saved = errno;
    (void)signal_number;
    put(&stopped, 's');
    take(&release);
    errno = saved;
}

static void *worker(void *argument)
{
    const struct frozen_plan *plan = argument;
    while (!atomic_load(&finished) && plan->work(plan->subject))
        atomic_fetch_add(&turns, 1);
    atomic_store(&ended, true);
    /* The thread must still exist for a signal that is on its way. */
    while (!atomic_load(&finished))
        sched_yield();
    return NULL;
}

static void *prober(void *argument)
{
    const struct frozen_plan *plan = argument;
    while (take(&go) == 'g')
        put(&done, plan->probe(plan->subject) ? 'y' : 'n');
    return NULL;
}

static enum frozen_result try_once(pthread_t working, unsigned *late)
{
    struct pollfd answer = {.fd = done.read_end, .events = POLLIN};
    pthread_kill(working, SIGUSR1);
    take(&stopped);
    put(&go, 'g');
    bool in_time = poll(&answer, 1, (int)report_patience(LATE_AFTER_MS)) == 1;
    put(&release, 'r');
    bool complete = take(&done) == 'y';
    *late += !in_time;
    if (!complete)
        return FROZEN_NEVER;
    return in_time ? FROZEN_COMPLETE : FROZEN_LATE;
}

/* Or the next signal would find the worker where the last one did: it comes before a step of its
 * own, as long as this thread is the faster one. */
static void let_work(void)
{
    unsigned before = atomic_load(&turns);
    while (atomic_load(&turns) == before && !atomic_load(&ended))
        sched_yield();
}

enum frozen_result frozen_run(const struct frozen_plan *plan)
{
    pthread_t working, probing;
    struct sigaction action, before;
    unsigned late = 0;
    enum frozen_result result = FROZEN_NEVER;

    memset(&action, 0, sizeof(action));
    action.sa_handler = stand_still;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, &before);
    open_pipe(&stopped);
    open_pipe(&release);
    open_pipe(&go);
    open_pipe(&done);
    atomic_store(&finished, false);
    atomic_store(&ended, false);
    if (pthread_create(&working, NULL, worker, (void *)plan) != 0 ||
        pthread_create(&probing, NULL, prober, (void *)plan) != 0)
        give_up("cannot start two threads");

    for (int i = 0; i < TRIES && late < LATE_TRIES && result == FROZEN_NEVER; i++) {
        let_work();
        result = try_once(working, &late);
    }

    atomic_store(&finished, true);
    put(&go, 'e');
    pthread_join(working, NULL);
    pthread_join(probing, NULL);
    sigaction(SIGUSR1, &before, NULL);
    close_pipe(&stopped);
    close_pipe(&release);
    close_pipe(&go);
    close_pipe(&done);
    return result;
}
