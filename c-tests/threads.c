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
    RUN(a_second_thread_is_told_that_it_is_one_too_many);
    RUN(a_freed_connection_is_nobody_elses);
    RUN(a_connection_is_freed_once_however_many_try);
    RUN(what_is_no_handle_is_recognised);
    return 0;
}
