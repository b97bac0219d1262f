/* Keying material and channel bindings: both ends derive the same, and nothing else does. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define LABEL "EXPERIMENTAL-tlsbio"

static ptrdiff_t export_of(tls_conn_t *conn, const char *label, const char *context,
                           unsigned char *out, size_t len)
{
    return tls_export(conn, label, strlen(label), context, context != NULL ? strlen(context) : 0,
                      context != NULL, out, len);
}

static void check_same_export(struct pair *pair, const char *context, size_t len,
                              unsigned char *out)
{
    unsigned char other[TLS_MAX_EXPORT];

    CHECK_EQ(export_of(pair->client, LABEL, context, out, len), len);
    CHECK_EQ(export_of(pair->server, LABEL, context, other, len), len);
    CHECK_BYTES(out, other, len);
}

/* label, context and length all count, and the two ends agree. */
static void both_ends_derive_the_same(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);
        unsigned char out[33], other[33], large[TLS_MAX_EXPORT];

        out[32] = 0xA5;
        check_same_export(&pair, NULL, 32, out);
        CHECK_EQ(out[32], 0xA5);
        check_same_export(&pair, NULL, 32, other);
        CHECK_BYTES(out, other, 32);
        check_same_export(&pair, "some", 32, other);
        CHECK(memcmp(out, other, 32) != 0);
        check_same_export(&pair, "", 32, other);
        CHECK_EQ(memcmp(out, other, 32) == 0, version == TLS_VERSION_1_3);
        /* an empty label is one of its own, and may be NULL. */
        CHECK_EQ(export_of(pair.client, "", NULL, other, 32), 32);
        CHECK(memcmp(out, other, 32) != 0);
        CHECK_EQ(tls_export(pair.server, NULL, 0, NULL, 0, 0, large, 32), 32);
        CHECK_BYTES(large, other, 32);
        CHECK_EQ(export_of(pair.client, LABEL "2", NULL, other, 32), 32);
        CHECK(memcmp(out, other, 32) != 0);
        check_same_export(&pair, NULL, 1, other);
        check_same_export(&pair, NULL, TLS_MAX_EXPORT, large);
        check_alive(&pair);
        check_same_export(&pair, NULL, 32, other);
        CHECK_BYTES(out, other, 32);
        free_pair(&pair);
    }
}

static void no_two_connections_share_a_secret(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *server = make_server_context(&plain_server);
        tls_context_t *client = make_client_context(&recipe);
        unsigned char seen[3][32];

        /* The second and third resume the session of the first. */
        for (int i = 0; i < 3; i++) {
            struct pair pair = new_pair_of(client, server, NULL);

            finish_handshake(&pair);
            CHECK_EQ(tls_resumed(pair.client), i > 0);
            check_same_export(&pair, NULL, 32, seen[i]);
            for (int j = 0; j < i; j++)
                CHECK(memcmp(seen[i], seen[j], 32) != 0);
            free_pair(&pair);
        }
        tls_context_free(client);
        tls_context_free(server);
    }
}

static void bad_arguments_leave_the_buffer_alone(void)
{
    static char text[70000];
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char out[TLS_MAX_EXPORT + 1];
    size_t i;

    memset(out, 0xA5, sizeof(out));
    memset(text, 'a', sizeof(text));
    CHECK_EQ(tls_export(pair.client, text, TLS_MAX_EXPORT_LABEL + 1, NULL, 0, 0, out, 32),
             TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_export(pair.client, text, 5, text, 65536, 1, out, 32), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_export(pair.client, text, 5, NULL, 5, 1, out, 32), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_export(pair.client, text, 5, text, 5, 2, out, 32), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_export(pair.client, text, 5, text, 5, -1, out, 32), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_export(pair.client, text, 5, NULL, 0, 0, out, 0), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_export(pair.client, text, 5, NULL, 0, 0, out, sizeof(out)), TLS_ERR_ARGUMENT);
    for (i = 0; i < sizeof(out); i++)
        CHECK_EQ(out[i], 0xA5);
    CHECK_EQ(tls_export(pair.client, text, TLS_MAX_EXPORT_LABEL, text, 65535, 1, out, 32), 32);
    CHECK_EQ(tls_channel_binding(pair.client, 0, out, 32), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_channel_binding(pair.client, 3, out, 32), TLS_ERR_ARGUMENT);
    check_alive(&pair);
    free_pair(&pair);
}

static void check_binding(struct pair *pair, int32_t kind, ptrdiff_t len)
{
    unsigned char client[65], server[65];

    memset(client, 0xA5, sizeof(client));
    CHECK_EQ(tls_channel_binding(pair->client, kind, NULL, 0), len);
    CHECK_EQ(tls_channel_binding(pair->client, kind, client, 1), len);
    CHECK_EQ(client[1], 0xA5);
    CHECK_EQ(tls_channel_binding(pair->client, kind, client, sizeof(client)), len);
    CHECK_EQ(tls_channel_binding(pair->server, kind, server, sizeof(server)), len);
    CHECK_BYTES(client, server, (size_t)len);
    CHECK_EQ(client[len], 0xA5);
}

/* in both forms of the engine: with questions and without. */
static void bindings_are_the_same_on_both_ends(void)
{
    static const struct {
        struct recipe server;
        ptrdiff_t end_point;
    } cases[] = {
        {{.chain = "rsa/server-chain.pem", .key = "rsa/server.key"}, 32},
        {{.chain = "ecdsa/server-chain.pem", .key = "ecdsa/server.key"}, 32},
        {{.chain = "ed25519/server-chain.pem", .key = "ed25519/server.key"}, 0},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < 6; i++) {
            struct recipe client = with_version(plain_client, version);
            struct pair pair;
            unsigned char binding[32], exported[32];

            client.verify = i < 3 ? TLS_VERIFY_PEER : TLS_VERIFY_ASK;
            pair = new_pair(&client, &cases[i % 3].server, NULL);
            CHECK_EQ(tls_channel_binding(pair.client, TLS_BINDING_EXPORTER, binding, 32),
                     TLS_ERR_STATE);
            CHECK_EQ(export_of(pair.client, LABEL, NULL, exported, 32), TLS_ERR_STATE);
            pump(&pair);
            if (client.verify == TLS_VERIFY_ASK) {
                CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
                CHECK_EQ(export_of(pair.client, LABEL, NULL, exported, 32), TLS_ERR_STATE);
                CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
            }
            finish_handshake(&pair);
            check_binding(&pair, TLS_BINDING_EXPORTER, 32);
            check_binding(&pair, TLS_BINDING_SERVER_END_POINT, cases[i % 3].end_point);
            CHECK_EQ(tls_channel_binding(pair.client, TLS_BINDING_EXPORTER, binding, 32), 32);
            CHECK_EQ(export_of(pair.client, "EXPORTER-Channel-Binding", "", exported, 32), 32);
            CHECK_BYTES(binding, exported, 32);
            check_alive(&pair);
            free_pair(&pair);
        }
    }
}

/* the certificate that was presented, also after resumption. */
static void a_server_with_several_identities_binds_to_the_one_it_presents(void)
{
    static const struct {
        const char *name, *leaf;
    } cases[] = {{"server.test", "rsa/server.pem"}, {"other.test", "bad/wronghost.pem"}};

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_builder_t *builder = tls_builder_new();
        tls_context_t *server, *client = make_client_context(&recipe);

        CHECK_EQ(tls_builder_identity_file(builder, pki_path("rsa/server-chain.pem"),
                                           pki_path("rsa/server.key")),
                 TLS_OK);
        CHECK_EQ(tls_builder_identity_file(builder, pki_path("bad/wronghost.pem"),
                                           pki_path("bad/wronghost.key")),
                 TLS_OK);
        server = tls_context_server(builder, NULL);
        CHECK(server != NULL);
        tls_builder_free(builder);
        for (int i = 0; i < 8; i++) {
            static unsigned char other[64];
            struct pair pair = new_pair_of(client, server, cases[i % 2].name);
            unsigned char der[4096], own[64];
            size_t len;
            unsigned char *leaf = pki_der(cases[i % 2].leaf, &len);

            if (i >= 4) {
                /* The same for a server that is given its context later. */
                tls_free(pair.server);
                pair.server = tls_server_new(NULL, NULL);
                pump(&pair);
                CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
            }
            finish_handshake(&pair);
            CHECK_EQ(tls_resumed(pair.server), i >= 2);
            CHECK_EQ(tls_peer_certificate(pair.client, 0, der, sizeof(der)), (ptrdiff_t)len);
            CHECK_BYTES(der, leaf, len);
            check_binding(&pair, TLS_BINDING_SERVER_END_POINT, 32);
            CHECK_EQ(tls_channel_binding(pair.server, TLS_BINDING_SERVER_END_POINT, own, 64), 32);
            if (i % 2 == 1)
                CHECK(memcmp(own, other, 32) != 0);
            memcpy(other, own, 32);
            free(leaf);
            free_pair(&pair);
        }
        tls_context_free(client);
        tls_context_free(server);
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(both_ends_derive_the_same);
    RUN(no_two_connections_share_a_secret);
    RUN(bad_arguments_leave_the_buffer_alone);
    RUN(bindings_are_the_same_on_both_ends);
    RUN(a_server_with_several_identities_binds_to_the_one_it_presents);
    return 0;
}
