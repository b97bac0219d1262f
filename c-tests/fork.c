/* What a child made by fork() can do while threads of its parent are inside the library: fork
 * PKI_DIR [FORKS] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "fork_busy.h"
#include "pki.h"

#define RANDOM_LEN 32
#define MOST_LOST 3
#define AT_ONCE 8
#ifdef WATCHED
#define FEW 2
#else
#define FEW 30
#endif

static struct shared *shared;
static struct pair own; /* of the main thread */

static struct {
    unsigned forks, lost, longest;
    unsigned long long total;
} figures; /* microseconds */

/* What a new client chooses first: the random bytes of its ClientHello (RFC 8446, 4.1.2). */
static void take_random(unsigned char *random)
{
    enum { RECORD_HEADER = 5, HANDSHAKE_HEADER = 4, VERSION = 2 };
    tls_conn_t *conn = tls_client_new(shared->client[1], "localhost", NULL);
    unsigned char hello[RECORD_HEADER + HANDSHAKE_HEADER + VERSION + RANDOM_LEN];

    CHECK(conn != NULL);
    tls_advance(conn);
    CHECK_EQ(tls_drain_into(conn, hello, sizeof(hello)), sizeof(hello));
    memcpy(random, hello + sizeof(hello) - RANDOM_LEN, RANDOM_LEN);
    tls_free(conn);
}

static void *work_of_a_thread(void *unused)
{
    (void)unused;
    shake_hands(shared);
    return NULL;
}

/* Whoever was inside at the fork had left: nothing is half done. */
static void check_whole(tls_conn_t *conn)
{
    CHECK(tls_state(conn) != 0);
    CHECK_EQ(tls_state(conn) & TLS_FAILED, 0);
    CHECK_EQ(tls_advance(conn), TLS_OK);
    CHECK_EQ(tls_write_from(conn, "whole", 5), 5);
    tls_free(conn);
}

/* What every child does, and what is left to one in ten. */
static void live(void)
{
    pthread_t thread;

    shake_hands(shared);
    if (figures.forks % 10 != 0)
        return;
    resume(shared);
    make_contexts();
    check_alive(&own);
    check_whole(shared->moving.client);
    check_whole(shared->moving.server);
    CHECK_EQ(pthread_create(&thread, NULL, work_of_a_thread, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* Without what is done at exit(). Those who watch for leaks would find what the stacks of the
 * parent's threads held: a child has not got them. */
static void end_at_once(void)
{
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}

static void end_of_child(void)
{
#ifdef WATCHED
    end_at_once();
#else
    exit(0);
#endif
}

static void be_a_child(int report)
{
    unsigned char random[RANDOM_LEN];

    alarm(check_patience(60));
    take_random(random);
    live();
    CHECK_EQ(write(report, random, sizeof(random)), sizeof(random));
    end_of_child();
}

static pid_t timed_fork(void)
{
    struct timespec before, after;
    pid_t child;
    unsigned took;

    clock_gettime(CLOCK_MONOTONIC, &before);
    child = fork();
    clock_gettime(CLOCK_MONOTONIC, &after);
    took = (unsigned)((after.tv_sec - before.tv_sec) * 1000000 +
                      (after.tv_nsec - before.tv_nsec) / 1000);
    figures.forks++;
    figures.total += took;
    figures.longest = took > figures.longest ? took : figures.longest;
    CHECK(child >= 0);
    return child;
}

struct child {
    pid_t pid;
    unsigned number;
    int report;                          /* where its random bytes come from */
    unsigned char of_parent[RANDOM_LEN]; /* what its parent drew after it was made */
};

static struct child have_a_child(void)
{
    struct child child = {0};
    int ends[2];

    CHECK_EQ(pipe(ends), 0);
    child.pid = timed_fork();
    if (child.pid == 0)
        be_a_child(ends[1]);
    close(ends[1]);
    child.number = figures.forks;
    child.report = ends[0];
    take_random(child.of_parent);
    return child;
}

/* */
static void check_different(const unsigned char *one, const unsigned char *other)
{
    CHECK(memcmp(one, other, RANDOM_LEN) != 0);
}

static void bury(const struct child *child)
{
    static unsigned char of_another[RANDOM_LEN];
    unsigned char random[RANDOM_LEN];
    ssize_t len = read(child->report, random, sizeof(random));
    int status;

    CHECK_EQ(waitpid(child->pid, &status, 0), child->pid);
    close(child->report);
    if (len == RANDOM_LEN && status == 0) {
        check_different(random, child->of_parent);
        check_different(random, of_another);
        memcpy(of_another, random, RANDOM_LEN);
        return;
    }
    fprintf(stderr, "child %u: %s %d\n", child->number,
            WIFSIGNALED(status) ? "ended by signal" : "exit status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    figures.lost++;
    CHECK(figures.lost < MOST_LOST);
}

static void children_of_a_busy_parent_are_whole(unsigned forks)
{
    struct child children[AT_ONCE];
    unsigned buried = 0;

    busy_start(shared);
    while (buried < forks) {
        while (figures.forks < forks && figures.forks - buried < AT_ONCE) {
            struct child child = have_a_child();

            children[(figures.forks - 1) % AT_ONCE] = child;
        }
        bury(&children[buried++ % AT_ONCE]);
    }
    busy_stop();
    check_alive(&own);
    printf("%u forks, %u children that did not come to their end; fork() took %llu us, %u us at "
           "most\n",
           figures.forks, figures.lost, figures.total / figures.forks, figures.longest);
    CHECK_EQ(figures.lost, 0);
}

static void check_ended_well(pid_t child)
{
    int status;

    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

static void lock_held(void)
{
    CHECK_EQ(pthread_mutex_lock(&shared->held), 0);
}

static void unlock_held(void)
{
    CHECK_EQ(pthread_mutex_unlock(&shared->held), 0);
}

/* A handler that waits for a thread which uses the library: in the wrong order each waits
 * for the other one. */
static void handlers_of_the_host_come_first(void)
{
    CHECK_EQ(pthread_atfork(lock_held, unlock_held, unlock_held), 0);
    busy_start(shared);
    for (int i = 0; i < FEW; i++) {
        pid_t child;

        alarm(check_patience(15));
        child = fork();
        CHECK(child >= 0);
        if (child == 0)
            end_at_once();
        check_ended_well(child);
    }
    alarm(0);
    busy_stop();
}

/* Two threads that fork wait for each other no more than for others. */
static void *fork_again(void *unused)
{
    (void)unused;
    for (int i = 0; i < FEW; i++) {
        pid_t child = fork();

        CHECK(child >= 0);
        if (child == 0) {
            alarm(check_patience(60));
            shake_hands(shared);
            end_at_once();
        }
        check_ended_well(child);
    }
    return NULL;
}

static void two_threads_fork(void)
{
    pthread_t thread;

    alarm(check_patience(120));
    busy_start(shared);
    CHECK_EQ(pthread_create(&thread, NULL, fork_again, NULL), 0);
    fork_again(NULL);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    busy_stop();
    alarm(0);
}

static unsigned forks_wanted(int argc, char **argv)
{
    if (argc > 2)
        return (unsigned)strtoul(argv[2], NULL, 10);
#ifdef WATCHED
    printf("5 forks instead of 500: each copies the memory of what watches this program, too\n");
    return 5;
#else
    return 500;
#endif
}

int main(int argc, char **argv)
{
    unsigned forks = forks_wanted(argc, argv);

    pki_set(argc < 2 ? argc : 2, argv);
    shared = shared_new();
    own = connected_pair(TLS_VERSION_1_3);
    printf("children_of_a_busy_parent_are_whole\n");
    fflush(NULL);
    children_of_a_busy_parent_are_whole(forks);
    RUN(two_threads_fork);
    RUN(handlers_of_the_host_come_first);
    free_pair(&own);
    shared_free(shared);
    return 0;
}
