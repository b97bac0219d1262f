#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pki.h"

const struct recipe plain_server = {.chain = "ecdsa/server-chain.pem", .key = "ecdsa/server.key"};
const struct recipe plain_client = {.trust = "trust/all.pem"};

struct recipe with_version(struct recipe recipe, uint16_t version)
{
    recipe.min_version = version;
    recipe.max_version = version;
    return recipe;
}

tls_builder_t *make_builder(const struct recipe *recipe)
{
    tls_builder_t *builder = tls_builder_new();

    CHECK(builder != NULL);
    if (recipe->chain != NULL)
        CHECK_EQ(tls_builder_identity_file(builder, pki_path(recipe->chain), pki_path(recipe->key)),
                 TLS_OK);
    if (recipe->trust != NULL)
        CHECK_EQ(tls_builder_trust_file(builder, pki_path(recipe->trust)), TLS_OK);
    if (recipe->alpn != NULL)
        CHECK_EQ(tls_builder_alpn(builder, recipe->alpn, strlen(recipe->alpn)), TLS_OK);
    if (recipe->min_version != 0)
        CHECK_EQ(tls_builder_versions(builder, recipe->min_version, recipe->max_version), TLS_OK);
    CHECK_EQ(tls_builder_client_auth(builder, recipe->client_auth), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, recipe->verify), TLS_OK);
    CHECK_EQ(tls_builder_limits(builder, recipe->inbound, recipe->outbound), TLS_OK);
    return builder;
}

static tls_context_t *checked(tls_context_t *context, const tls_error_t *error)
{
    if (context == NULL)
        fprintf(stderr, "%s: %s\n", tls_status_name(error->status), error->message);
    CHECK(context != NULL);
    return context;
}

tls_context_t *make_server_context(const struct recipe *recipe)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = make_builder(recipe);
    tls_context_t *context = checked(tls_context_server(builder, &error), &error);

    tls_builder_free(builder);
    return context;
}

tls_context_t *make_client_context(const struct recipe *recipe)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = make_builder(recipe);
    tls_context_t *context = checked(tls_context_client(builder, &error), &error);

    tls_builder_free(builder);
    return context;
}

struct pair new_pair_of(const tls_context_t *client, const tls_context_t *server, const char *name)
{
    struct pair pair = {NULL, NULL, TLS_OK, TLS_OK};
    tls_error_t error = {.size = sizeof(error)};

    pair.client = tls_client_new(client, name != NULL ? name : "localhost", &error);
    if (pair.client == NULL)
        fprintf(stderr, "%s: %s\n", tls_status_name(error.status), error.message);
    CHECK(pair.client != NULL);
    pair.server = tls_server_new(server, &error);
    CHECK(pair.server != NULL);
    return pair;
}

/* The contexts may go at once: connections keep what they need. */
struct pair new_pair(const struct recipe *client, const struct recipe *server, const char *name)
{
    tls_context_t *client_context = make_client_context(client);
    tls_context_t *server_context = make_server_context(server);
    struct pair pair = new_pair_of(client_context, server_context, name);

    tls_context_free(client_context);
    tls_context_free(server_context);
    return pair;
}

struct pair connected_pair(uint16_t version)
{
    struct recipe client = with_version(plain_client, version);
    struct pair pair = new_pair(&client, &plain_server, NULL);

    finish_handshake(&pair);
    CHECK_EQ(tls_protocol_version(pair.client), version);
    return pair;
}

void free_pair(struct pair *pair)
{
    tls_free(pair->client);
    tls_free(pair->server);
    pair->client = NULL;
    pair->server = NULL;
}

size_t carry(tls_conn_t *from, tls_conn_t *to)
{
    const void *wire;
    size_t len, total = 0;

    for (;;) {
        ptrdiff_t taken;

        CHECK_EQ(tls_drain_peek(from, &wire, &len), TLS_OK);
        if (len == 0)
            return total;
        taken = tls_feed(to, wire, len);
        if (taken < 0) {
            CHECK((tls_state(to) & (TLS_FAILED | TLS_EOF)) != 0);
            CHECK_EQ(tls_drain_consume(from, len), TLS_OK);
            return total;
        }
        CHECK_EQ(tls_drain_consume(from, (size_t)taken), TLS_OK);
        total += (size_t)taken;
        if (taken == 0)
            return total;
    }
}

void pump(struct pair *pair)
{
    size_t moved;

    do {
        pair->client_status = tls_advance(pair->client);
        pair->server_status = tls_advance(pair->server);
        moved = carry(pair->client, pair->server) + carry(pair->server, pair->client);
    } while (moved > 0);
}

void check_healthy(tls_conn_t *conn)
{
    tls_error_t error = error_of(conn);

    if (error.status != TLS_OK)
        fprintf(stderr, "%s: %s\n", tls_status_name(error.status), error.message);
    CHECK_EQ(error.status, TLS_OK);
}

void finish_handshake(struct pair *pair)
{
    pump(pair);
    check_healthy(pair->client);
    check_healthy(pair->server);
    CHECK_EQ(pair->client_status, TLS_OK);
    CHECK_EQ(pair->server_status, TLS_OK);
}

static void check_one_way(tls_conn_t *from, tls_conn_t *to)
{
    char plain[8];

    CHECK_EQ(tls_write_from(from, "alive", 5), 5);
    CHECK(carry(from, to) > 0);
    CHECK_EQ(tls_read_into(to, plain, sizeof(plain)), 5);
    CHECK_BYTES(plain, "alive", 5);
}

void check_alive(struct pair *pair)
{
    check_one_way(pair->client, pair->server);
    check_one_way(pair->server, pair->client);
}

tls_error_t error_of(tls_conn_t *conn)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_conn_error(conn, &error), TLS_OK);
    CHECK(memchr(error.message, '\0', sizeof(error.message)) != NULL);
    return error;
}

void fill_bytes(unsigned char *bytes, size_t len, uint32_t seed)
{
    size_t i;

    seed = seed * 2654435761u + 1;
    for (i = 0; i < len; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(seed >> 24);
    }
}
