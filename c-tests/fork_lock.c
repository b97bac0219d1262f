/* A thread that ends leaves the cryptographic library's list of threads, which has a lock. A child
 * that was made while it is held could not end, and could start no thread that uses the library. So
 * the library leaves that list inside of a call, which fork() waits for. Here a thread is stopped
 * where it holds exactly that lock, until a fork either waits for it or has not waited. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static tls_context_t *client, *server;
static _Thread_local int is_ending;
static atomic_int holds, has_forked;
static int state_of_main; /* /proc/self/task/TID/stat, which is open */

static void shake_hands(void)
{
    struct pair pair = new_pair_of(client, server, NULL);

    finish_handshake(&pair);
    check_alive(&pair);
    free_pair(&pair);
}

/* Whether the main thread sleeps. It does that only where it waits within fork(). */
static int main_sleeps(void)
{
    char stat[200] = {0}, *behind_name;

    CHECK(pread(state_of_main, stat, sizeof(stat) - 1, 0) > 0);
    behind_name = strrchr(stat, ')');
    CHECK(behind_name != NULL);
    return behind_name[2] == 'S';
}

/* Stands in front of the system's, for the library too. */
int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    static int (*of_the_system)(pthread_rwlock_t *);
    int result;

    if (of_the_system == NULL) {
        void *found = dlsym(RTLD_NEXT, "pthread_rwlock_wrlock");

        memcpy(&of_the_system, &found, sizeof(found));
    }
    result = of_the_system(lock);
    if (is_ending && result == 0) {
        is_ending = 0;
        atomic_store(&holds, 1);
        while (!atomic_load(&has_forked) && !main_sleeps())
            sched_yield();
    }
    return result;
}

static void *use_and_end(void *unused)
{
    (void)unused;
    shake_hands();
    is_ending = 1;
    return NULL;
}

static void *use(void *unused)
{
    (void)unused;
    shake_hands();
    return NULL;
}

/* */
static void a_fork_waits_for_a_thread_that_leaves(void)
{
    pthread_t thread, another;
    pid_t child;
    int status;

    CHECK_EQ(pthread_create(&thread, NULL, use_and_end, NULL), 0);
    alarm(check_patience(60));
    while (!atomic_load(&holds))
        sched_yield();
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(check_patience(20));
        CHECK_EQ(pthread_create(&another, NULL, use, NULL), 0);
        CHECK_EQ(pthread_join(another, NULL), 0);
        exit(0);
    }
    atomic_store(&has_forked, 1);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    alarm(0);
}

int main(int argc, char **argv)
{
    char path[64];

    pki_set(argc, argv);
    client = make_client_context(&plain_client);
    server = make_server_context(&plain_server);
    shake_hands();
    snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", (long)getpid());
    state_of_main = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(state_of_main >= 0);
    RUN(a_fork_waits_for_a_thread_that_leaves);
    close(state_of_main);
    tls_context_free(client);
    tls_context_free(server);
    return 0;
}
