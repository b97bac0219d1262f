/* Which unused buffers stay with threads, how many bytes of them, and until when. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "heap.h"
#include "pair.h"
#include "pki.h"

#define KIB 1024
/* What a connection borrows for a small message, and for the largest one that threads keep buffers
 * of. */
#define SMALL (8 * KIB)
#define LARGE (84 * KIB)
#define LARGEST_MESSAGE (64 * KIB)
/* A context with less than this leaves nothing with threads. */
#define LEAST_POOL (2 * LARGE)
/* All threads together. */
#define MOST_WITH_THREADS (8 * KIB * KIB)
#define CROWD 80
#define WAITING 40
/* Of marks, of lists, and of what malloc's callers round up. */
#define SLACK 4096

struct contexts {
    tls_context_t *client, *server;
};

static struct contexts contexts_with_pool(size_t bytes)
{
    tls_builder_t *client = make_builder(&plain_client), *server = make_builder(&plain_server);
    struct contexts made;

    CHECK_EQ(tls_builder_pool(client, bytes), TLS_OK);
    CHECK_EQ(tls_builder_pool(server, bytes), TLS_OK);
    made.client = tls_context_client(client, NULL);
    made.server = tls_context_server(server, NULL);
    CHECK(made.client != NULL && made.server != NULL);
    tls_builder_free(client);
    tls_builder_free(server);
    return made;
}

static void free_contexts(struct contexts *contexts)
{
    tls_context_free(contexts->client);
    tls_context_free(contexts->server);
}

static struct pair pair_of(const struct contexts *contexts)
{
    struct pair pair = new_pair_of(contexts->client, contexts->server, NULL);

    finish_handshake(&pair);
    return pair;
}

static void move(struct pair *pair, size_t len)
{
    /* Not one of a thread's own: there are many, and their stacks are small. */
    unsigned char *plain = malloc(2 * LARGEST_MESSAGE), *received = plain + LARGEST_MESSAGE;
    size_t got = 0;

    CHECK(plain != NULL);
    fill_bytes(plain, len, (uint32_t)len);
    CHECK_EQ(tls_write_from(pair->client, plain, len), len);
    carry(pair->client, pair->server);
    while (got < len) {
        ptrdiff_t n = tls_read_into(pair->server, received + got, len - got);

        CHECK(n > 0);
        got += (size_t)n;
    }
    CHECK_BYTES(received, plain, len);
    free(plain);
}

static void on_a_thread(void *(*work)(void *), void *argument)
{
    pthread_t thread;

    CHECK_EQ(pthread_create(&thread, NULL, work, argument), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* What the heap holds once everything is freed, less what it held before. */
struct job {
    size_t pool, len;
    size_t left;
};

static void *count_what_is_left(void *argument)
{
    struct job *job = argument;
    size_t before = heap_now().live;
    struct contexts contexts = contexts_with_pool(job->pool);
    struct pair pair = pair_of(&contexts);

    move(&pair, job->len);
    free_contexts(&contexts);
    free_pair(&pair);
    job->left = heap_now().live - before;
    return NULL;
}

static size_t left_on_a_thread(size_t pool, size_t len)
{
    struct job job = {pool, len, 0};

    on_a_thread(count_what_is_left, &job);
    return job.left;
}

/* Of the context nothing is left; one buffer of each direction and size stays with the
 * thread. */
static void a_buffer_of_each_direction_outlives_its_context(void)
{
    size_t small = left_on_a_thread(TLS_DEFAULT_POOL, 64);
    size_t large = left_on_a_thread(TLS_DEFAULT_POOL, LARGEST_MESSAGE);

    CHECK(small >= 2 * SMALL && small <= 2 * SMALL + SLACK);
    /* The handshake had the small ones. */
    CHECK(large >= 2 * (SMALL + LARGE) && large <= 2 * (SMALL + LARGE) + SLACK);
}

/* */
static void a_context_with_a_small_pool_leaves_nothing(void)
{
    static const size_t pools[] = {0, 1, SMALL, LEAST_POOL - 1};

    for (size_t i = 0; i < sizeof(pools) / sizeof(*pools); i++) {
        CHECK(left_on_a_thread(pools[i], 64) <= SLACK);
        CHECK(left_on_a_thread(pools[i], LARGEST_MESSAGE) <= SLACK);
    }
    CHECK(left_on_a_thread(LEAST_POOL, 64) >= 2 * SMALL);
}

/* */
static void a_thread_that_ends_leaves_nothing(void)
{
    size_t before;

    left_on_a_thread(TLS_DEFAULT_POOL, 64);
    before = heap_now().live;
    for (int i = 0; i < 20; i++)
        left_on_a_thread(TLS_DEFAULT_POOL, i % 2 == 0 ? 64 : LARGEST_MESSAGE);
    CHECK(heap_now().live <= before + SLACK);
}

static void *use_buffers_of_another_context(void *unused)
{
    struct contexts first = contexts_with_pool(TLS_DEFAULT_POOL);
    struct pair pair = pair_of(&first);
    struct heap before;

    (void)unused;
    move(&pair, LARGEST_MESSAGE);
    free_pair(&pair);
    free_contexts(&first);

    first = contexts_with_pool(LEAST_POOL);
    pair = pair_of(&first);
    /* Keys are expanded with the first record. */
    move(&pair, 1);
    before = heap_now();
    move(&pair, LARGEST_MESSAGE);
    CHECK_EQ(heap_now().calls, before.calls + 1); /* move()'s own */
    free_pair(&pair);
    free_contexts(&first);
    return NULL;
}

static void *count_what_waits(void *unused)
{
    struct contexts contexts = contexts_with_pool(TLS_DEFAULT_POOL);
    struct pair busy = pair_of(&contexts), waiting[WAITING];
    const unsigned char first_byte = 23;
    size_t before;

    (void)unused;
    for (int i = 0; i < WAITING; i++) {
        waiting[i] = pair_of(&contexts);
        move(&waiting[i], 1);
    }
    before = heap_now().live;
    for (int i = 0; i < WAITING; i++) {
        move(&busy, LARGEST_MESSAGE);
        CHECK_EQ(tls_feed(waiting[i].server, &first_byte, 1), 1);
        move(&busy, LARGEST_MESSAGE);
        CHECK_EQ(tls_close_notify(waiting[i].server), TLS_OK);
    }
    /* What the busy one uses is there once, on either side. */
    CHECK(heap_now().live - before <= 2 * LARGE + WAITING * (2 * SMALL + SLACK));
    for (int i = 0; i < WAITING; i++)
        free_pair(&waiting[i]);
    free_pair(&busy);
    free_contexts(&contexts);
    return NULL;
}

/* Whoever waits with a few bytes has a small buffer, also where large messages are moved
 * meanwhile. */
static void no_large_buffer_is_lent_for_a_byte(void)
{
    on_a_thread(count_what_waits, NULL);
}

/* No buffer knows whose it was. */
static void connections_of_any_context_use_them(void)
{
    on_a_thread(use_buffers_of_another_context, NULL);
}

static struct {
    pthread_barrier_t moved, looked;
    struct pair pairs[CROWD];
} crowd;

static void *move_and_stay(void *pair)
{
    move(pair, LARGEST_MESSAGE);
    pthread_barrier_wait(&crowd.moved);
    pthread_barrier_wait(&crowd.looked);
    return NULL;
}

/* In a child the other threads are no more, and what was granted to them can be granted again. */
static void check_child(void)
{
    pid_t child = fork();
    int status;

    CHECK(child >= 0);
    if (child == 0) {
        alarm(check_patience(60));
        CHECK(left_on_a_thread(TLS_DEFAULT_POOL, LARGEST_MESSAGE) >= 2 * LARGE);
        _exit(0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

/* */
static void all_threads_together_keep_no_more_than_said(void)
{
    struct contexts contexts = contexts_with_pool(LEAST_POOL);
    pthread_t threads[CROWD];
    size_t before, kept;

    for (int i = 0; i < CROWD; i++)
        crowd.pairs[i] = pair_of(&contexts);
    CHECK_EQ(pthread_barrier_init(&crowd.moved, NULL, CROWD + 1), 0);
    CHECK_EQ(pthread_barrier_init(&crowd.looked, NULL, CROWD + 1), 0);
    before = heap_now().live;
    for (int i = 0; i < CROWD; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, move_and_stay, &crowd.pairs[i]), 0);
    pthread_barrier_wait(&crowd.moved);
    kept = heap_now().live - before;
    CHECK(kept <= MOST_WITH_THREADS + 2 * LEAST_POOL + CROWD * SLACK);
    CHECK(kept >= MOST_WITH_THREADS - LARGE);
    /* One thread more finds no room for a large one, let alone for two. */
    CHECK(left_on_a_thread(TLS_DEFAULT_POOL, LARGEST_MESSAGE) < LARGE);
    check_child();
    pthread_barrier_wait(&crowd.looked);
    for (int i = 0; i < CROWD; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    /* On the shelves of either context. */
    CHECK(heap_now().live <= before + 2 * LEAST_POOL + CROWD * SLACK);
    for (int i = 0; i < CROWD; i++)
        free_pair(&crowd.pairs[i]);
    free_contexts(&contexts);
    CHECK(left_on_a_thread(TLS_DEFAULT_POOL, LARGEST_MESSAGE) >= 2 * LARGE);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    /* What is made once in a process, and once in the thread that reads files. */
    left_on_a_thread(TLS_DEFAULT_POOL, LARGEST_MESSAGE);
    RUN(a_buffer_of_each_direction_outlives_its_context);
    RUN(a_context_with_a_small_pool_leaves_nothing);
    RUN(a_thread_that_ends_leaves_nothing);
    RUN(no_large_buffer_is_lent_for_a_byte);
    RUN(connections_of_any_context_use_them);
    RUN(all_threads_together_keep_no_more_than_said);
    return 0;
}
