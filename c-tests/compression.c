/* Compressed certificates (RFC 8879). */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

struct algorithms {
    uint16_t numbers[2];
    size_t count;
};

static const struct algorithms none = {{0, 0}, 0}, zlib = {{TLS_COMPRESSION_ZLIB, 0}, 1},
                               brotli = {{TLS_COMPRESSION_BROTLI, 0}, 1},
                               both = {{TLS_COMPRESSION_ZLIB, TLS_COMPRESSION_BROTLI}, 2};

static void set(tls_builder_t *builder, const struct algorithms *algorithms)
{
    CHECK_EQ(tls_builder_certificate_compression(builder, algorithms->numbers, algorithms->count),
             TLS_OK);
}

struct contexts {
    tls_context_t *client, *server;
};

/* Both show certificates. */
static struct contexts contexts_of(const struct algorithms *client, const struct algorithms *server,
                                   uint16_t version, int32_t verify)
{
    struct recipe recipes[2] = {with_version(plain_client, version), plain_server};
    tls_builder_t *builders[2];
    struct contexts contexts;

    recipes[0].chain = "rsa/client-chain.pem";
    recipes[0].key = "rsa/client.key";
    recipes[1].chain = "rsa/server-chain.pem";
    recipes[1].key = "rsa/server.key";
    recipes[1].trust = "rsa/ca.pem";
    recipes[1].client_auth = TLS_CLIENT_AUTH_REQUIRED;
    for (int i = 0; i < 2; i++) {
        recipes[i].verify = verify;
        builders[i] = make_builder(&recipes[i]);
        /* No resumption: each connection shows its certificates. */
        CHECK_EQ(tls_builder_sessions(builders[i], 0), TLS_OK);
        set(builders[i], i == 0 ? client : server);
    }
    contexts.client = tls_context_client(builders[0], NULL);
    contexts.server = tls_context_server(builders[1], NULL);
    CHECK(contexts.client != NULL && contexts.server != NULL);
    tls_builder_free(builders[0]);
    tls_builder_free(builders[1]);
    return contexts;
}

static void free_contexts(struct contexts *contexts)
{
    tls_context_free(contexts->client);
    tls_context_free(contexts->server);
}

static void answer(tls_conn_t *conn, tls_status_t status)
{
    if (status == TLS_ASK_VERIFY)
        CHECK_EQ(tls_answer_verify(conn, -1), TLS_OK);
}

static void check_chain(tls_conn_t *conn, const char *name)
{
    size_t len;
    unsigned char *certificate = pki_der(name, &len), seen[4096];

    CHECK_EQ(tls_peer_certificate(conn, 0, seen, sizeof(seen)), len);
    CHECK_BYTES(seen, certificate, len);
    free(certificate);
}

struct sizes {
    uint64_t from_client, from_server;
};

static struct sizes sizes_of(struct contexts *contexts)
{
    struct pair pair = new_pair_of(contexts->client, contexts->server, NULL);
    tls_counters_t counters = {.size = sizeof(counters)};
    struct sizes sizes;

    for (int i = 0; i < 3; i++) {
        pump(&pair);
        answer(pair.client, pair.client_status);
        answer(pair.server, pair.server_status);
    }
    finish_handshake(&pair);
    check_chain(pair.client, "rsa/server.pem");
    check_chain(pair.server, "rsa/client.pem");
    check_alive(&pair);
    CHECK_EQ(tls_counters(pair.client, &counters), TLS_OK);
    sizes = (struct sizes){counters.wire_out, counters.wire_in};
    free_pair(&pair);
    return sizes;
}

/* Less than what is saved of a chain of two RSA certificates, which have some 1600 bytes. */
enum { SAVED = 150 };

static void chains_shrink_in_both_directions(void)
{
    static const struct algorithms *const algorithms[] = {&zlib, &brotli, &both};

    for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
        struct contexts plain = contexts_of(&none, &none, TLS_VERSION_1_3, verify);
        struct sizes without = sizes_of(&plain);

        free_contexts(&plain);
        for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
            struct contexts contexts =
                contexts_of(algorithms[i], algorithms[i], TLS_VERSION_1_3, verify);

            /* The second one finds what the first one compressed. */
            for (int again = 0; again < 2; again++) {
                struct sizes with = sizes_of(&contexts);

                CHECK(with.from_client + SAVED < without.from_client);
                CHECK(with.from_server + SAVED < without.from_server);
            }
            free_contexts(&contexts);
        }
    }
}

/* One side's wish, or different ones, or TLS 1.2: nothing is compressed, and nothing fails. */
static void without_a_common_algorithm_nothing_is_compressed(void)
{
    static const struct {
        const struct algorithms *client, *server;
        uint16_t version;
    } cases[] = {
        {&none, &both, TLS_VERSION_1_3},   {&both, &none, TLS_VERSION_1_3},
        {&zlib, &brotli, TLS_VERSION_1_3}, {&brotli, &zlib, TLS_VERSION_1_3},
        {&both, &both, TLS_VERSION_1_2},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct contexts plain = contexts_of(&none, &none, cases[i].version, TLS_VERIFY_PEER);
        struct contexts contexts =
            contexts_of(cases[i].client, cases[i].server, cases[i].version, TLS_VERIFY_PEER);
        struct sizes without = sizes_of(&plain), with = sizes_of(&contexts);

        CHECK(with.from_client + SAVED > without.from_client);
        CHECK(with.from_server + SAVED > without.from_server);
        free_contexts(&plain);
        free_contexts(&contexts);
    }
}

/* The extension, and nothing of it by default. */
static void what_is_offered_is_what_was_set(void)
{
    static const struct algorithms *const algorithms[] = {&none, &zlib, &both};

    for (size_t i = 0; i < 3; i++) {
        tls_builder_t *builder = make_builder(&plain_client);
        tls_context_t *context;
        unsigned char hello[8192], wanted[] = {0, 27, 0, 3, 2, 0, 1, 0, 2};
        struct pair pair;
        ptrdiff_t len;
        size_t found = 0, size = 5 + 2 * algorithms[i]->count;

        if (i > 0)
            set(builder, algorithms[i]);
        context = tls_context_client(builder, NULL);
        pair = new_pair_of(context, NULL, NULL);
        pump(&pair);
        len = tls_hello_raw(pair.server, hello, sizeof(hello));
        wanted[3] = (unsigned char)(size - 4);
        wanted[4] = (unsigned char)(size - 5);
        for (ptrdiff_t at = 0; at + (ptrdiff_t)size <= len; at++)
            found += memcmp(hello + at, wanted, size) == 0;
        if (i > 0)
            CHECK_EQ(found, 1);
        else
            CHECK_EQ(found, 0);
        free_pair(&pair);
        tls_context_free(context);
        tls_builder_free(builder);
    }
}

static void unknown_algorithms_are_named(void)
{
    static const uint16_t zstd[] = {1, 3}, twice[] = {2, 1, 2};
    tls_builder_t *builder = make_builder(&plain_client);
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_builder_certificate_compression(builder, zstd, 2), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.reason, TLS_REASON_COMPRESSION_UNSUPPORTED);
    CHECK(strstr(error.message, "algorithm 2 of the list, 0x0003, does not exist here") != NULL);
    CHECK_EQ(tls_builder_certificate_compression(builder, twice, 3), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK(strstr(error.message, "algorithm 3 of the list, 0x0002, stands twice") != NULL);
    CHECK_EQ(tls_builder_certificate_compression(builder, NULL, 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_certificate_compression(builder, NULL, 0), TLS_OK);
    tls_builder_free(builder);
}

/* The server's certificate, and then an intermediate some hundred times: some 2 KiB on the wire. */
static char *repeated_chain(size_t times, size_t *len)
{
    size_t leaf_len, inter_len;
    char *leaf = pki_read("rsa/server.pem", &leaf_len);
    char *inter = pki_read("rsa/inter.pem", &inter_len);
    char *chain = malloc(leaf_len + times * inter_len);

    CHECK(chain != NULL);
    memcpy(chain, leaf, leaf_len);
    for (size_t i = 0; i < times; i++)
        memcpy(chain + leaf_len + i * inter_len, inter, inter_len);
    *len = leaf_len + times * inter_len;
    free(leaf);
    free(inter);
    return chain;
}

/* */
static void a_chain_that_would_be_too_long_is_refused(void)
{
    static const struct algorithms *const algorithms[] = {&zlib, &brotli};
    size_t key_len, len;
    char *key = pki_read("rsa/server.key", &key_len);
    char *chain = repeated_chain(120, &len);

    for (size_t i = 0; i < 2; i++) {
        tls_builder_t *builders[2] = {make_builder(&plain_client), tls_builder_new()};
        tls_context_t *contexts[2];
        tls_counters_t counters = {.size = sizeof(counters)};
        struct pair pair;

        CHECK_EQ(tls_builder_identity_pem(builders[1], chain, len, key, key_len), TLS_OK);
        CHECK_EQ(tls_builder_limits(builders[1], 0, 1 << 20), TLS_OK);
        set(builders[0], algorithms[i]);
        set(builders[1], algorithms[i]);
        contexts[0] = tls_context_client(builders[0], NULL);
        contexts[1] = tls_context_server(builders[1], NULL);
        CHECK(contexts[0] != NULL && contexts[1] != NULL);
        pair = new_pair_of(contexts[0], contexts[1], NULL);
        pump(&pair);
        CHECK_EQ(error_of(pair.client).status, TLS_ERR_PEER);
        CHECK_EQ(error_of(pair.client).reason, TLS_REASON_HANDSHAKE_TOO_LARGE);
        CHECK_EQ(tls_counters(pair.client, &counters), TLS_OK);
        CHECK(counters.wire_in < 16 * 1024);
        free_pair(&pair);
        tls_context_free(contexts[0]);
        tls_context_free(contexts[1]);
        tls_builder_free(builders[0]);
        tls_builder_free(builders[1]);
    }
    free(chain);
    free(key);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(chains_shrink_in_both_directions);
    RUN(without_a_common_algorithm_nothing_is_compressed);
    RUN(what_is_offered_is_what_was_set);
    RUN(unknown_algorithms_are_named);
    RUN(a_chain_that_would_be_too_long_is_refused);
    return 0;
}
