/* Keys that are elsewhere: the connection asks, another process signs. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"
#include "signer.h"

enum { HANDSHAKE_FAILURE = 40 };

static void add_external(tls_builder_t *builder, const char *chain)
{
    size_t len;
    char *pem = pki_read(chain, &len);

    CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
    free(pem);
}

static tls_context_t *external_server(const char *chain)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;

    add_external(builder, chain);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static struct pair external_pair(uint16_t version, const char *chain)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_context_t *client = make_client_context(&recipe), *server = external_server(chain);
    struct pair pair = new_pair_of(client, server, NULL);

    tls_context_free(client);
    tls_context_free(server);
    return pair;
}

/* A client whose key is elsewhere, and a server that demands a certificate. */
static struct pair external_client_pair(uint16_t version, int32_t verify)
{
    struct recipe recipe = with_version(plain_server, version);
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *client, *server;
    struct pair pair;

    recipe.client_auth = TLS_CLIENT_AUTH_REQUIRED;
    recipe.trust = "trust/all.pem";
    add_external(builder, "ecdsa/client-chain.pem");
    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, verify), TLS_OK);
    client = tls_context_client(builder, NULL);
    server = make_server_context(&recipe);
    pair = new_pair_of(client, server, NULL);
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(builder);
    return pair;
}

static void check_asking(tls_conn_t *conn)
{
    char byte;

    CHECK_EQ(tls_advance(conn), TLS_ASK_SIGN);
    CHECK_EQ(tls_state(conn) & (TLS_ASKING | TLS_HANDSHAKING), TLS_ASKING | TLS_HANDSHAKING);
    CHECK_EQ(tls_read_into(conn, &byte, 1), TLS_ASK_SIGN);
    CHECK_EQ(tls_write_from(conn, "x", 1), TLS_ASK_SIGN);
    CHECK_EQ(tls_drain_pending(conn), 0);
}

static void answer_and_finish(struct pair *pair, tls_conn_t *asking, const char *key)
{
    unsigned char signature[1024];
    size_t len = sign_outside(asking, key, signature, sizeof(signature));

    CHECK_EQ(tls_answer_sign(asking, signature, len), TLS_OK);
    CHECK_EQ(tls_sign_scheme(asking), 0);
    CHECK_EQ(tls_sign_certificate(asking, NULL, 0), 0);
    finish_handshake(pair);
    {
        /* Which identity was presented is known, although another thread presented it. */
        unsigned char client[64], server[64];
        ptrdiff_t binding =
            tls_channel_binding(pair->client, TLS_BINDING_SERVER_END_POINT, client, 64);

        CHECK(binding >= 0);
        CHECK_EQ(tls_channel_binding(pair->server, TLS_BINDING_SERVER_END_POINT, server, 64),
                 binding);
        CHECK_BYTES(client, server, (size_t)binding);
    }
    check_alive(pair);
}

static void a_server_signs_elsewhere_with_every_kind_of_key(void)
{
    static const char *const kinds[][2] = {
        {"rsa/server-chain.pem", "rsa/server.key"},
        {"ecdsa/server-chain.pem", "ecdsa/server.key"},
        {"ed25519/server-chain.pem", "ed25519/server.key"},
    };
    size_t i;

    for (EACH_VERSION) {
        for (i = 0; i < 3; i++) {
            struct pair pair = external_pair(version, kinds[i][0]);

            CHECK_EQ(tls_sign_scheme(pair.server), 0);
            CHECK_EQ(tls_sign_message(pair.server, NULL, 0), 0);
            pump(&pair);
            check_asking(pair.server);
            answer_and_finish(&pair, pair.server, kinds[i][1]);
            free_pair(&pair);
        }
    }
}

static void a_client_signs_elsewhere(void)
{
    for (EACH_VERSION) {
        struct pair pair = external_client_pair(version, TLS_VERIFY_PEER);

        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ASK_SIGN);
        answer_and_finish(&pair, pair.client, "ecdsa/client.key");
        CHECK(tls_peer_certificate(pair.server, 0, NULL, 0) > 0);
        free_pair(&pair);
    }
}

/* A key of another certificate, a bit in the signature, something else, nothing, too much. */
static size_t make_wrong(size_t which, tls_conn_t *conn, unsigned char *signature, size_t room)
{
    size_t len =
        sign_outside(conn, which == 0 ? "keys/mismatch.key" : "ecdsa/server.key", signature, room);

    if (which == 1)
        signature[len - 1] ^= 1;
    if (which == 2)
        memcpy(signature, "nonsense", len = 8);
    if (which == 3)
        len = 0;
    if (which == 4)
        signature[len++] = 0;
    return len;
}

/* A wrong signature could betray the key: it is not sent. The peer is told by an alert, the
 * host by a sentence, and the connection is over. */
static void a_wrong_signature_fails_the_handshake(void)
{
    for (EACH_VERSION) {
        for (size_t which = 0; which < 5; which++) {
            struct pair pair = external_pair(version, "ecdsa/server-chain.pem");
            unsigned char signature[1024];
            tls_error_t error;
            size_t len;

            pump(&pair);
            check_asking(pair.server);
            len = make_wrong(which, pair.server, signature, sizeof(signature) - 1);
            CHECK_EQ(tls_answer_sign(pair.server, NULL, 5), TLS_ERR_ARGUMENT);
            CHECK_EQ(tls_answer_verify(pair.server, 0), TLS_ERR_STATE);
            check_asking(pair.server);
            CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_OK);
            CHECK_EQ(tls_advance(pair.server), TLS_ERR_INTERNAL);
            CHECK_EQ(tls_state(pair.server), TLS_FAILED | TLS_CAN_DRAIN);
            CHECK_EQ(tls_sign_scheme(pair.server), 0);
            CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_ERR_STATE);
            error = error_of(pair.server);
            CHECK_EQ(error.status, TLS_ERR_INTERNAL);
            CHECK_EQ(error.reason, TLS_REASON_SIGNATURE_WRONG);
            CHECK_EQ(error.alert_sent, HANDSHAKE_FAILURE);
            CHECK(strstr(error.message, "0x0403") != NULL);
            pump(&pair);
            CHECK_EQ(pair.client_status, TLS_ERR_ALERT);
            CHECK_EQ(error_of(pair.client).alert_received, HANDSHAKE_FAILURE);
            free_pair(&pair);
        }
    }
}

/* The client's step can begin with an answer to another question. */
static void a_wrong_signature_of_a_client_fails_the_handshake(void)
{
    for (EACH_VERSION) {
        struct pair pair = external_client_pair(version, TLS_VERIFY_ASK);

        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
        CHECK_EQ(tls_answer_verify(pair.client, 0), TLS_OK);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ASK_SIGN);
        CHECK_EQ(tls_answer_sign(pair.client, "nonsense", 8), TLS_OK);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ERR_INTERNAL);
        CHECK_EQ(error_of(pair.client).reason, TLS_REASON_SIGNATURE_WRONG);
        CHECK_EQ(pair.server_status, TLS_ERR_ALERT);
        CHECK_EQ(error_of(pair.server).alert_received, HANDSHAKE_FAILURE);
        free_pair(&pair);
    }
}

/* Of several identities the host learns which one is shown, and so which key is to sign. */
static void the_certificate_says_which_key_is_meant(void)
{
    static const struct {
        const char *name, *leaf, *key;
    } hosts[] = {
        {"one.wild.test", "ecdsa/exact.pem", "ecdsa/exact.key"},
        {"server.test", "rsa/server.pem", "rsa/server.key"},
    };
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *server;

    add_external(builder, "ecdsa/exact.pem");
    add_external(builder, "rsa/server-chain.pem");
    server = tls_context_server(builder, NULL);
    for (EACH_VERSION) {
        for (size_t i = 0; i < 2; i++) {
            struct recipe recipe = with_version(plain_client, version);
            tls_context_t *client = make_client_context(&recipe);
            struct pair pair = new_pair_of(client, server, hosts[i].name);
            size_t len;
            unsigned char *leaf = pki_der(hosts[i].leaf, &len), *seen = malloc(len + 1);

            CHECK_EQ(tls_sign_certificate(pair.server, seen, len), 0);
            pump(&pair);
            check_asking(pair.server);
            seen[len] = 0xa5;
            CHECK_EQ(tls_sign_certificate(pair.server, NULL, 0), len);
            CHECK_EQ(tls_sign_certificate(pair.server, seen, len + 1), len);
            CHECK_BYTES(seen, leaf, len);
            CHECK_EQ(seen[len], 0xa5);
            answer_and_finish(&pair, pair.server, hosts[i].key);
            free(leaf);
            free(seen);
            free_pair(&pair);
            tls_context_free(client);
        }
    }
    tls_context_free(server);
    tls_builder_free(builder);
}

static void a_refused_signature_ends_the_handshake_with_an_alert(void)
{
    for (EACH_VERSION) {
        struct pair pair = external_pair(version, "rsa/server-chain.pem");

        pump(&pair);
        check_asking(pair.server);
        CHECK_EQ(tls_answer_refuse(pair.server, 200), TLS_ERR_ARGUMENT);
        check_asking(pair.server);
        CHECK_EQ(tls_answer_refuse(pair.server, 40), TLS_OK);
        pump(&pair);
        CHECK((tls_state(pair.server) & TLS_FAILED) != 0);
        CHECK_EQ(error_of(pair.server).alert_sent, 40);
        CHECK_EQ(pair.client_status, TLS_ERR_ALERT);
        CHECK_EQ(error_of(pair.client).alert_received, 40);
        free_pair(&pair);
    }
}

/* Its thread ends with the connection; valgrind and the sanitizers would see what it left. */
static void an_open_question_can_be_left(void)
{
    for (EACH_VERSION) {
        int i;

        for (i = 0; i < 20; i++) {
            struct pair pair = external_pair(version, "ecdsa/server-chain.pem");

            pump(&pair);
            check_asking(pair.server);
            free_pair(&pair);
        }
    }
}

static void all_three_questions_can_follow_each_other(void)
{
    struct recipe client = plain_client;
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *client_context, *server_context;
    size_t len;
    char *pem = pki_read("ecdsa/server-chain.pem", &len);
    struct pair pair;
    unsigned char signature[1024];

    client.chain = "rsa/client-chain.pem";
    client.key = "rsa/client.key";
    client_context = make_client_context(&client);
    CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
    CHECK_EQ(tls_builder_client_auth(builder, TLS_CLIENT_AUTH_REQUIRED), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_ASK), TLS_OK);
    server_context = tls_context_server(builder, NULL);
    CHECK(server_context != NULL);

    pair = new_pair_of(client_context, NULL, NULL);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ASK_CONTEXT);
    CHECK_EQ(tls_answer_context(pair.server, server_context), TLS_OK);
    pump(&pair);
    check_asking(pair.server);
    len = sign_outside(pair.server, "ecdsa/server.key", signature, sizeof(signature));
    CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_OK);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ASK_VERIFY);
    CHECK_EQ(tls_answer_verify(pair.server, 0), TLS_OK);
    finish_handshake(&pair);
    check_alive(&pair);

    free_pair(&pair);
    tls_context_free(client_context);
    tls_context_free(server_context);
    tls_builder_free(builder);
    free(pem);
}

/* The step is the same however its bytes come, and in the host's own buffer too. */
static void an_in_place_host_gives_its_bytes_again(void)
{
    for (EACH_VERSION) {
        struct pair pair = external_pair(version, "ecdsa/server-chain.pem");
        unsigned char wire[4096], signature[1024];
        size_t len, consumed, sent;
        tls_span_t spans[2];
        ptrdiff_t n = tls_drain_into(pair.client, wire, sizeof(wire));

        CHECK(n > 0);
        for (sent = 1; sent < (size_t)n; sent++) {
            CHECK_EQ(tls_read_in_place(pair.server, wire, sent, spans, 2, &consumed),
                     TLS_WANT_FEED);
            CHECK_EQ(consumed, 0);
        }
        CHECK_EQ(tls_read_in_place(pair.server, wire, (size_t)n, spans, 2, &consumed),
                 TLS_ASK_SIGN);
        CHECK_EQ(consumed, 0);
        len = sign_outside(pair.server, "ecdsa/server.key", signature, sizeof(signature));
        CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_OK);
        CHECK_EQ(tls_read_in_place(pair.server, wire, (size_t)n, spans, 2, &consumed),
                 TLS_WANT_FEED);
        CHECK_EQ(consumed, n);
        finish_handshake(&pair);
        check_alive(&pair);
        free_pair(&pair);
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(a_server_signs_elsewhere_with_every_kind_of_key);
    RUN(a_client_signs_elsewhere);
    RUN(a_wrong_signature_fails_the_handshake);
    RUN(a_wrong_signature_of_a_client_fails_the_handshake);
    RUN(the_certificate_says_which_key_is_meant);
    RUN(a_refused_signature_ends_the_handshake_with_an_alert);
    RUN(an_open_question_can_be_left);
    RUN(all_three_questions_can_follow_each_other);
    RUN(an_in_place_host_gives_its_bytes_again);
    return 0;
}
