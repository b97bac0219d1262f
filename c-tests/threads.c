/* What threads may share, and what becomes of handles that are no more. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define THREADS 4
#define ROUNDS 6

struct shared {
    tls_context_t *client, *server;
};

static void exchange(struct pair *pair, uint32_t seed)
{
    unsigned char plain[5000], received[5000];

    fill_bytes(plain, sizeof(plain), seed);
    CHECK_EQ(tls_write_from(pair->client, plain, sizeof(plain)), sizeof(plain));
    carry(pair->client, pair->server);
    CHECK_EQ(tls_read_into(pair->server, received, sizeof(received)), sizeof(received));
    CHECK_BYTES(received, plain, sizeof(plain));
}

static void *many_connections(void *argument)
{
    const struct shared *shared = argument;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct pair pair = new_pair_of(shared->client, shared->server, NULL);

        finish_handshake(&pair);
        for (uint32_t j = 0; j < 5; j++)
            exchange(&pair, i * 5 + j);
        free_pair(&pair);
    }
    return NULL;
}

static void run_threads(void *(*work)(void *), void *argument)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, work, argument), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void contexts_are_shared(void)
{
    struct shared shared = {make_client_context(&plain_client), make_server_context(&plain_server)};

    run_threads(many_connections, &shared);
    tls_context_free(shared.client);
    tls_context_free(shared.server);
}

static void *finish_elsewhere(void *argument)
{
    struct pair *pair = argument;

    finish_handshake(pair);
    exchange(pair, 1);
    return NULL;
}

/* By one thread at a time, but not always by the same. */
static void a_connection_may_move_to_another_thread(void)
{
    struct pair pair = new_pair(&plain_client, &plain_server, NULL);
    pthread_t thread;

    tls_advance(pair.client);
    carry(pair.client, pair.server);
    CHECK_EQ(pthread_create(&thread, NULL, finish_elsewhere, &pair), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    exchange(&pair, 2);
    free_pair(&pair);
}

/* A pair that every thread of a ring works at, one after the other: what one borrows the next one
 * returns. */
struct ring {
    struct pair pair;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint32_t turn;
    unsigned char wire[70000];
    size_t wire_len, plain_len;
};

#define STEPS 4
#define TURNS (40 * STEPS)

static void step_of(struct ring *ring)
{
    static const size_t lengths[] = {1, 64, 5000, 16384, 60000};
    static unsigned char plain[60000], received[60000];
    uint32_t message = ring->turn / STEPS;
    tls_conn_t *from = message % 2 ? ring->pair.client : ring->pair.server;
    tls_conn_t *to = message % 2 ? ring->pair.server : ring->pair.client;
    size_t got = 0;

    switch (ring->turn % STEPS) {
    case 0:
        ring->plain_len = lengths[message % 5];
        fill_bytes(plain, ring->plain_len, message);
        CHECK_EQ(tls_write_from(from, plain, ring->plain_len), ring->plain_len);
        break;
    case 1:
        ring->wire_len = (size_t)tls_drain_into(from, ring->wire, sizeof(ring->wire));
        break;
    case 2:
        CHECK_EQ(tls_feed(to, ring->wire, ring->wire_len), ring->wire_len);
        break;
    default:
        while (got < ring->plain_len) {
            ptrdiff_t n = tls_read_into(to, received + got, sizeof(received) - got);

            CHECK(n > 0);
            got += (size_t)n;
        }
        CHECK_BYTES(received, plain, got);
    }
}

static void *take_turns(void *argument)
{
    struct ring *ring = argument;
    uint32_t last = UINT32_MAX;

    CHECK_EQ(pthread_mutex_lock(&ring->lock), 0);
    while (ring->turn < TURNS) {
        if (last + 1 == ring->turn && last != UINT32_MAX) {
            pthread_cond_wait(&ring->moved, &ring->lock);
            continue;
        }
        step_of(ring);
        last = ring->turn++;
        pthread_cond_broadcast(&ring->moved);
    }
    pthread_cond_broadcast(&ring->moved);
    CHECK_EQ(pthread_mutex_unlock(&ring->lock), 0);
    return NULL;
}

/* [R-230] */
static void a_buffer_may_be_returned_on_another_thread(void)
{
    static struct ring ring = {.lock = PTHREAD_MUTEX_INITIALIZER,
                               .moved = PTHREAD_COND_INITIALIZER};

    ring.pair = connected_pair(TLS_VERSION_1_3);
    run_threads(take_turns, &ring);
    CHECK_EQ(ring.turn, TURNS);
    check_alive(&ring.pair);
    free_pair(&ring.pair);
}

/* More of them than have their keys expanded, so that threads let each other's connections rest. */
#define WANDERERS 60
#define MEETINGS 4000

static struct {
    pthread_mutex_t lock;
    struct pair pair;
} wanderers[WANDERERS];

static void *use_whichever_is_free(void *argument)
{
    uint32_t choice = (uint32_t)(size_t)argument + 1;

    for (uint32_t i = 0; i < MEETINGS; i++) {
        size_t which;

        choice = choice * 1664525u + 1013904223u;
        which = (choice >> 16) % WANDERERS;
        if (pthread_mutex_trylock(&wanderers[which].lock) != 0)
            continue;
        exchange(&wanderers[which].pair, i);
        CHECK_EQ(pthread_mutex_unlock(&wanderers[which].lock), 0);
    }
    return NULL;
}

/* [R-273]: one that rests because of another thread is busy for nobody. */
static void connections_that_wander_rest_unnoticed(void)
{
    pthread_t threads[THREADS];

    for (size_t i = 0; i < WANDERERS; i++) {
        CHECK_EQ(pthread_mutex_init(&wanderers[i].lock, NULL), 0);
        wanderers[i].pair = connected_pair(i % 2 == 0 ? TLS_VERSION_1_3 : TLS_VERSION_1_2);
    }
    for (size_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, use_whichever_is_free, (void *)i), 0);
    for (size_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < WANDERERS; i++)
        free_pair(&wanderers[i].pair);
}

static tls_context_t *context_with_pool(size_t bytes, int is_client)
{
    /* pki_path() is for one thread at a time. */
    static pthread_mutex_t files = PTHREAD_MUTEX_INITIALIZER;
    tls_builder_t *builder;
    tls_context_t *context;

    CHECK_EQ(pthread_mutex_lock(&files), 0);
    builder = make_builder(is_client ? &plain_client : &plain_server);
    CHECK_EQ(pthread_mutex_unlock(&files), 0);
    CHECK_EQ(tls_builder_pool(builder, bytes), TLS_OK);
    context = is_client ? tls_context_client(builder, NULL) : tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

/* [R-230] [R-231] Connections of contexts that are no more, and of contexts that keep nothing, in
 * turn on each thread. */
static void *use_contexts_of_every_kind(void *unused)
{
    static const size_t pools[] = {TLS_DEFAULT_POOL, 0, 2 * 84 * 1024, 2 * 84 * 1024 - 1};
    struct pair pairs[4];

    (void)unused;
    for (uint32_t i = 0; i < 4; i++) {
        tls_context_t *client = context_with_pool(pools[i], 1),
                      *server = context_with_pool(pools[i], 0);

        pairs[i] = new_pair_of(client, server, NULL);
        tls_context_free(client);
        tls_context_free(server);
        finish_handshake(&pairs[i]);
    }
    for (uint32_t i = 0; i < 32; i++)
        exchange(&pairs[i % 4], i);
    for (uint32_t i = 0; i < 4; i++)
        free_pair(&pairs[i]);
    return NULL;
}

static void contexts_may_end_before_what_stays_with_threads(void)
{
    for (int round = 0; round < 3; round++)
        run_threads(use_contexts_of_every_kind, NULL);
}

static pthread_key_t at_end;

static void use_a_connection(void *argument)
{
    struct pair *pair = argument;

    exchange(pair, 7);
    free_pair(pair);
    free(pair);
}

static void *leave_work_to_the_end(void *unused)
{
    struct pair *pair = malloc(sizeof(*pair));

    (void)unused;
    CHECK(pair != NULL);
    *pair = connected_pair(TLS_VERSION_1_3);
    exchange(pair, 6);
    CHECK_EQ(pthread_setspecific(at_end, pair), 0);
    return NULL;
}

/* [R-230] glibc runs destructors of keys after those of thread-local variables, of which the
 * library has some. */
static void a_thread_that_ends_may_use_the_library_to_the_end(void)
{
    CHECK_EQ(pthread_key_create(&at_end, use_a_connection), 0);
    for (int round = 0; round < 5; round++) {
        pthread_t thread;

        CHECK_EQ(pthread_create(&thread, NULL, leave_work_to_the_end, NULL), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    CHECK_EQ(pthread_key_delete(at_end), 0);
}

struct visit {
    const struct shared *shared;
    int resumed;
};

static void *visit(void *argument)
{
    struct visit *visit = argument;
    struct pair pair = new_pair_of(visit->shared->client, visit->shared->server, NULL);

    finish_handshake(&pair);
    exchange(&pair, 1);
    visit->resumed = tls_resumed(pair.client);
    CHECK_EQ(tls_resumed(pair.server), visit->resumed);
    free_pair(&pair);
    return NULL;
}

/* A session belongs to no thread, although the one to which it came uses it first. */
static void a_session_is_resumed_on_any_thread(void)
{
    for (EACH_VERSION) {
        struct recipe client = with_version(plain_client, version);
        struct shared shared = {make_client_context(&client), make_server_context(&plain_server)};
        struct visit visits[THREADS + 1] = {{&shared, -1}};
        pthread_t threads[THREADS];

        visit(&visits[0]);
        CHECK_EQ(visits[0].resumed, 0);
        for (int i = 0; i < THREADS; i++) {
            visits[i + 1].shared = &shared;
            CHECK_EQ(pthread_create(&threads[i], NULL, visit, &visits[i + 1]), 0);
            /* One after the other: a session of TLS 1.3 is used once. */
            CHECK_EQ(pthread_join(threads[i], NULL), 0);
            CHECK_EQ(visits[i + 1].resumed, 1);
        }
        visit(&visits[0]);
        CHECK_EQ(visits[0].resumed, 1);
        tls_context_free(shared.client);
        tls_context_free(shared.server);
    }
}

static void *poke(void *argument)
{
    struct pair *pair = argument;

    for (int i = 0; i < 2000; i++) {
        tls_status_t status = tls_advance(pair->client);
        ptrdiff_t pending = tls_drain_pending(pair->client);

        CHECK(status == TLS_OK || status == TLS_ERR_BUSY);
        CHECK(pending == 0 || pending == TLS_ERR_BUSY);
    }
    return NULL;
}

static void a_second_thread_is_told_that_it_is_one_too_many(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);

    run_threads(poke, &pair);
    check_alive(&pair);
    free_pair(&pair);
}

static void *free_it(void *argument)
{
    tls_free(argument);
    return NULL;
}

static void check_no_connection(tls_conn_t *conn)
{
    char buffer[16] = "###############";
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_advance(conn), TLS_ERR_HANDLE);
    CHECK_EQ(tls_feed(conn, buffer, 1), TLS_ERR_HANDLE);
    CHECK_EQ(tls_read_into(conn, buffer, sizeof(buffer)), TLS_ERR_HANDLE);
    CHECK_EQ(tls_write_from(conn, buffer, 1), TLS_ERR_HANDLE);
    CHECK_EQ(tls_drain_into(conn, buffer, sizeof(buffer)), TLS_ERR_HANDLE);
    CHECK_EQ(tls_alpn(conn, buffer, sizeof(buffer)), TLS_ERR_HANDLE);
    CHECK_EQ(tls_conn_error(conn, &error), TLS_ERR_HANDLE);
    CHECK_EQ(tls_state(conn), 0);
    CHECK_EQ(tls_protocol_version(conn), 0);
    CHECK_EQ(strcmp(buffer, "###############"), 0);
}

/* [R-01] */
static void a_freed_connection_is_nobody_elses(void)
{
    tls_context_t *context = make_server_context(&plain_server);
    tls_conn_t *freed[64], *living[64];

    for (size_t i = 0; i < 64; i++) {
        freed[i] = tls_server_new(context, NULL);
        CHECK(freed[i] != NULL);
    }
    for (size_t i = 0; i < 64; i++)
        tls_free(freed[i]);
    for (size_t i = 0; i < 64; i++)
        living[i] = tls_server_new(context, NULL);
    for (size_t i = 0; i < 64; i++) {
        check_no_connection(freed[i]);
        tls_free(freed[i]);
    }
    for (size_t i = 0; i < 64; i++) {
        CHECK_EQ(tls_advance(living[i]), TLS_WANT_FEED);
        tls_free(living[i]);
    }
    tls_context_free(context);
}

static void a_connection_is_freed_once_however_many_try(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);

    run_threads(free_it, pair.client);
    check_no_connection(pair.client);
    tls_free(pair.server);
    tls_free(NULL);
}

/* [R-01] */
static void what_is_no_handle_is_recognised(void)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context = make_server_context(&plain_server);
    tls_conn_t *conn = tls_server_new(context, NULL);
    tls_error_t error = {.size = sizeof(error)};
    int local = 0;

    check_no_connection((tls_conn_t *)builder);
    check_no_connection((tls_conn_t *)context);
    check_no_connection((tls_conn_t *)&local);
    check_no_connection((tls_conn_t *)(uintptr_t)1);
    check_no_connection((tls_conn_t *)UINTPTR_MAX);
    CHECK_EQ(tls_builder_trust_system((tls_builder_t *)conn), TLS_ERR_HANDLE);
    CHECK(tls_server_new((tls_context_t *)conn, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_HANDLE);
    CHECK(tls_context_server((tls_builder_t *)context, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_HANDLE);

    /* Freeing by the wrong name frees nothing. */
    tls_free((tls_conn_t *)context);
    tls_context_free((tls_context_t *)builder);
    tls_builder_free((tls_builder_t *)conn);
    CHECK_EQ(tls_advance(conn), TLS_WANT_FEED);
    CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_PEER), TLS_OK);
    tls_free(conn);
    conn = tls_server_new(context, NULL);
    CHECK(conn != NULL);
    tls_free(conn);
    tls_context_free(context);
    tls_context_free(context);
    tls_builder_free(builder);
    tls_builder_free(builder);
    CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_PEER), TLS_ERR_HANDLE);
    CHECK(tls_server_new(context, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_HANDLE);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(contexts_are_shared);
    RUN(a_connection_may_move_to_another_thread);
    RUN(a_buffer_may_be_returned_on_another_thread);
    RUN(connections_that_wander_rest_unnoticed);
    RUN(contexts_may_end_before_what_stays_with_threads);
    RUN(a_thread_that_ends_may_use_the_library_to_the_end);
    RUN(a_session_is_resumed_on_any_thread);
    RUN(a_second_thread_is_told_that_it_is_one_too_many);
    RUN(a_freed_connection_is_nobody_elses);
    RUN(a_connection_is_freed_once_however_many_try);
    RUN(what_is_no_handle_is_recognised);
    return 0;
}
