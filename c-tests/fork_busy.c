#include "fork_busy.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pki.h"

#define THREADS 6

static pthread_t threads[THREADS];
static atomic_int ending;

/* pki_path() is for one thread: contexts of the other ones are made from memory. */
static struct {
    char *chain, *key, *trust;
    size_t chain_len, key_len, trust_len;
} texts;

struct shared *shared_new(void)
{
    struct shared *shared = calloc(1, sizeof(*shared));

    CHECK(shared != NULL);
    for (int i = 0; i < 2; i++) {
        struct recipe recipe = with_version(plain_client, (uint16_t)(TLS_VERSION_1_2 + i));

        shared->client[i] = make_client_context(&recipe);
    }
    shared->server = make_server_context(&plain_server);
    shared->moving = connected_pair(TLS_VERSION_1_3);
    CHECK_EQ(pthread_mutex_init(&shared->held, NULL), 0);
    texts.chain = pki_read("ecdsa/server-chain.pem", &texts.chain_len);
    texts.key = pki_read("ecdsa/server.key", &texts.key_len);
    texts.trust = pki_read("trust/all.pem", &texts.trust_len);
    return shared;
}

void shared_free(struct shared *shared)
{
    tls_context_free(shared->client[0]);
    tls_context_free(shared->client[1]);
    tls_context_free(shared->server);
    free_pair(&shared->moving);
    CHECK_EQ(pthread_mutex_destroy(&shared->held), 0);
    free(shared);
    free(texts.chain);
    free(texts.key);
    free(texts.trust);
}

void shake_hands(const struct shared *shared)
{
    for (int i = 0; i < 2; i++) {
        struct pair pair = new_pair_of(shared->client[i], shared->server, NULL);

        finish_handshake(&pair);
        check_alive(&pair);
        free_pair(&pair);
    }
}

void make_contexts(void)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *client, *server;
    struct pair pair;

    CHECK_EQ(
        tls_builder_identity_pem(builder, texts.chain, texts.chain_len, texts.key, texts.key_len),
        TLS_OK);
    CHECK_EQ(tls_builder_trust_pem(builder, texts.trust, texts.trust_len), TLS_OK);
    client = tls_context_client(builder, NULL);
    server = tls_context_server(builder, NULL);
    CHECK(client != NULL && server != NULL);
    tls_builder_free(builder);
    pair = new_pair_of(client, server, NULL);
    tls_context_free(client);
    tls_context_free(server);
    finish_handshake(&pair);
    free_pair(&pair);
    CHECK_EQ(strcmp(tls_status_name(TLS_WANT_FEED), "TLS_WANT_FEED"), 0);
}

/* A session of one connection, resumed by the next one. */
static void resume_with(const tls_context_t *client, const tls_context_t *server)
{
    tls_session_t *session = NULL;

    for (int round = 0; round < 2; round++) {
        struct pair pair = {NULL, NULL, TLS_OK, TLS_OK};

        pair.client = tls_client_new_resuming(client, "localhost", session, NULL);
        pair.server = tls_server_new(server, NULL);
        CHECK(pair.client != NULL && pair.server != NULL);
        finish_handshake(&pair);
        check_alive(&pair);
        CHECK_EQ(tls_resumed(pair.client), round);
        tls_session_free(session);
        session = tls_session_take(pair.client, NULL);
        CHECK(session != NULL);
        free_pair(&pair);
    }
    tls_session_free(session);
}

void resume(const struct shared *shared)
{
    resume_with(shared->client[0], shared->server);
    resume_with(shared->client[1], shared->server);
}

static void *shake_hands_again(void *shared)
{
    while (!atomic_load(&ending))
        shake_hands(shared);
    return NULL;
}

static void move(tls_conn_t *from, tls_conn_t *to, uint32_t seed)
{
    unsigned char plain[3000], received[3000];

    fill_bytes(plain, sizeof(plain), seed);
    CHECK_EQ(tls_write_from(from, plain, sizeof(plain)), sizeof(plain));
    carry(from, to);
    CHECK_EQ(tls_read_into(to, received, sizeof(received)), sizeof(received));
    CHECK_BYTES(received, plain, sizeof(plain));
}

static void *move_records(void *argument)
{
    const struct shared *shared = argument;

    for (uint32_t i = 0; !atomic_load(&ending); i += 2) {
        move(shared->moving.client, shared->moving.server, i);
        move(shared->moving.server, shared->moving.client, i + 1);
    }
    return NULL;
}

static void *make_contexts_again(void *unused)
{
    (void)unused;
    while (!atomic_load(&ending))
        make_contexts();
    return NULL;
}

static void *resume_again(void *shared)
{
    while (!atomic_load(&ending))
        resume(shared);
    return NULL;
}

static void *begin_and_end(void *argument)
{
    const struct shared *shared = argument;
    struct pair pair = new_pair_of(shared->client[1], shared->server, NULL);

    tls_advance(pair.client);
    free_pair(&pair);
    return NULL;
}

/* The cryptographic library has locks for threads that come and go. */
static void *come_and_go(void *shared)
{
    while (!atomic_load(&ending)) {
        pthread_t thread;

        CHECK_EQ(pthread_create(&thread, NULL, begin_and_end, shared), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    return NULL;
}

/* A host's fork handlers may wait for this one. */
static void *use_under_a_lock(void *argument)
{
    struct shared *shared = argument;

    while (!atomic_load(&ending)) {
        CHECK_EQ(pthread_mutex_lock(&shared->held), 0);
        begin_and_end(shared);
        CHECK_EQ(pthread_mutex_unlock(&shared->held), 0);
    }
    return NULL;
}

void busy_start(struct shared *shared)
{
    void *(*const work[THREADS])(void *) = {shake_hands_again, move_records, make_contexts_again,
                                            resume_again,      come_and_go,  use_under_a_lock};

    atomic_store(&ending, 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, work[i], shared), 0);
}

void busy_stop(void)
{
    atomic_store(&ending, 1);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
}
