/* Raw public keys instead of certificates (RFC 7250). */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

typedef tls_status_t taker(tls_builder_t *builder, const void *data, size_t len);

static void give(tls_builder_t *builder, taker *take, const char *name)
{
    size_t len;
    char *data = pki_read(name, &len);

    CHECK_EQ(take(builder, data, len), TLS_OK);
    free(data);
}

/* Either name may be NULL. */
static tls_builder_t *raw_builder(const char *key, const char *trusted, int32_t verify)
{
    tls_builder_t *builder = tls_builder_new();

    if (key != NULL)
        give(builder, tls_builder_raw_identity_pem, key);
    if (trusted != NULL)
        give(builder, tls_builder_raw_trust_pem, trusted);
    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_3, TLS_VERSION_1_3), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, verify), TLS_OK);
    return builder;
}

/* Ends the builders. */
static struct pair pair_of(tls_builder_t *client, tls_builder_t *server, const char *name)
{
    tls_context_t *client_context = tls_context_client(client, NULL);
    tls_context_t *server_context = tls_context_server(server, NULL);
    struct pair pair;

    CHECK(client_context != NULL && server_context != NULL);
    pair = new_pair_of(client_context, server_context, name);
    tls_context_free(client_context);
    tls_context_free(server_context);
    tls_builder_free(client);
    tls_builder_free(server);
    pump(&pair);
    return pair;
}

/* The key that was shown is the one of the certificate `name`, in which it is found. */
static void check_shown(tls_conn_t *conn, const char *name)
{
    size_t len, i = 0;
    unsigned char *certificate = pki_der(name, &len), key[1024];
    ptrdiff_t key_len = tls_peer_raw_key(conn, key, sizeof(key));

    CHECK(key_len > 40 && key_len < (ptrdiff_t)sizeof(key));
    while (i + (size_t)key_len <= len && memcmp(certificate + i, key, (size_t)key_len) != 0)
        i++;
    CHECK(i + (size_t)key_len <= len);
    CHECK_EQ(tls_peer_certificate(conn, 0, NULL, 0), 0);
    free(certificate);
}

static void both_sides_know_each_other_by_their_keys(void)
{
    static const char *const keys[][4] = {
        {"rsa/server.key", "rsa/server.pub", "ecdsa/client.key", "ecdsa/client.pub"},
        {"ecdsa/server.key", "ecdsa/server.pub", "ed25519/client.key", "ed25519/client.pub"},
        {"ed25519/server.key", "ed25519/server.pub", "rsa/client.key", "rsa/client.pub"},
    };
    static const char *const certificates[][2] = {
        {"rsa/server.pem", "ecdsa/client.pem"},
        {"ecdsa/server.pem", "ed25519/client.pem"},
        {"ed25519/server.pem", "rsa/client.pem"},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        tls_builder_t *server = raw_builder(keys[i][0], keys[i][3], TLS_VERIFY_PEER);
        struct pair pair;

        CHECK_EQ(tls_builder_client_auth(server, TLS_CLIENT_AUTH_REQUIRED), TLS_OK);
        /* Names have no part in it. */
        pair = pair_of(raw_builder(keys[i][2], keys[i][1], TLS_VERIFY_PEER), server, "any.test");
        finish_handshake(&pair);
        check_shown(pair.client, certificates[i][0]);
        check_shown(pair.server, certificates[i][1]);
        check_alive(&pair);
        free_pair(&pair);
    }
}

static void a_session_is_resumed_with_the_key_it_was_made_with(void)
{
    tls_builder_t *builders[2] = {raw_builder(NULL, "ecdsa/server.pub", TLS_VERIFY_PEER),
                                  raw_builder("ecdsa/server.key", NULL, TLS_VERIFY_PEER)};
    tls_context_t *client = tls_context_client(builders[0], NULL);
    tls_context_t *server = tls_context_server(builders[1], NULL);

    for (int resumed = 0; resumed < 2; resumed++) {
        struct pair pair = new_pair_of(client, server, NULL);

        finish_handshake(&pair);
        CHECK_EQ(tls_resumed(pair.client), resumed);
        check_shown(pair.client, "ecdsa/server.pem");
        check_alive(&pair);
        free_pair(&pair);
    }
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(builders[0]);
    tls_builder_free(builders[1]);
}

static void check_refused(struct pair *pair, tls_conn_t *judge, tls_conn_t *judged, int32_t reason)
{
    CHECK_EQ(error_of(judge).status, TLS_ERR_CERTIFICATE);
    CHECK_EQ(error_of(judge).reason, reason);
    CHECK_EQ(error_of(judged).alert_received, error_of(judge).alert_sent);
    free_pair(pair);
}

static void an_unknown_key_is_refused(void)
{
    tls_builder_t *server = raw_builder("ecdsa/server.key", "rsa/client.pub", TLS_VERIFY_PEER);
    tls_builder_t *client = raw_builder(NULL, "rsa/server.pub", TLS_VERIFY_PEER);
    struct pair pair = pair_of(client, server, NULL);

    check_refused(&pair, pair.client, pair.server, TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);

    server = raw_builder("ecdsa/server.key", "rsa/client.pub", TLS_VERIFY_PEER);
    CHECK_EQ(tls_builder_client_auth(server, TLS_CLIENT_AUTH_REQUIRED), TLS_OK);
    client = raw_builder("ecdsa/client.key", "ecdsa/server.pub", TLS_VERIFY_PEER);
    pair = pair_of(client, server, NULL);
    check_refused(&pair, pair.server, pair.client, TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);

    /* Pins go on top. */
    client = raw_builder(NULL, "ecdsa/server.pub", TLS_VERIFY_PEER);
    give(client, tls_builder_pin_sha256, "rsa/ca.pin");
    pair = pair_of(client, raw_builder("ecdsa/server.key", NULL, TLS_VERIFY_PEER), NULL);
    check_refused(&pair, pair.client, pair.server, TLS_REASON_CERTIFICATE_NOT_PINNED);
    client = raw_builder(NULL, "ecdsa/server.pub", TLS_VERIFY_PEER);
    give(client, tls_builder_pin_sha256, "ecdsa/server.pin");
    pair = pair_of(client, raw_builder("ecdsa/server.key", NULL, TLS_VERIFY_PEER), NULL);
    finish_handshake(&pair);
    free_pair(&pair);
}

static void the_host_decides_about_a_key(void)
{
    tls_builder_t *client = raw_builder(NULL, "rsa/server.pub", TLS_VERIFY_ASK);
    struct pair pair =
        pair_of(client, raw_builder("ecdsa/server.key", NULL, TLS_VERIFY_PEER), NULL);

    CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
    check_shown(pair.client, "ecdsa/server.pem");
    CHECK_EQ(tls_answer_verify(pair.client, 0), TLS_OK);
    finish_handshake(&pair);
    check_shown(pair.client, "ecdsa/server.pem");
    free_pair(&pair);

    client = raw_builder(NULL, "rsa/server.pub", TLS_VERIFY_ASK);
    pair = pair_of(client, raw_builder("ecdsa/server.key", NULL, TLS_VERIFY_PEER), NULL);
    CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
    pump(&pair);
    check_refused(&pair, pair.client, pair.server, TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);
}

/* Neither side falls back to what the other one did not ask for. */
static void certificates_and_keys_do_not_mix(void)
{
    struct recipe certified = with_version(plain_server, TLS_VERSION_1_3);
    struct recipe trusting = with_version(plain_client, TLS_VERSION_1_3);
    tls_builder_t *client = raw_builder(NULL, "ecdsa/server.pub", TLS_VERIFY_PEER);
    struct pair pair;

    give(client, tls_builder_trust_pem, "trust/all.pem");
    pair = pair_of(client, make_builder(&certified), NULL);
    CHECK(pair.client_status <= TLS_ERR_PEER && pair.server_status <= TLS_ERR_PEER);
    free_pair(&pair);

    pair = pair_of(make_builder(&trusting), raw_builder("ecdsa/server.key", NULL, TLS_VERIFY_PEER),
                   NULL);
    CHECK(pair.client_status <= TLS_ERR_PEER && pair.server_status <= TLS_ERR_PEER);
    free_pair(&pair);
}

static void check_needs_1_3(tls_builder_t *builder,
                            tls_context_t *(*make)(const tls_builder_t *, tls_error_t *))
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_2, TLS_VERSION_1_3), TLS_OK);
    CHECK(make(builder, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, TLS_REASON_VERSION_UNSUPPORTED);
    tls_builder_free(builder);
}

static void what_cannot_be_used_is_refused(void)
{
    static const char bad[] = "-----BEGIN PUBLIC KEY-----\nMAMCAQE=\n-----END PUBLIC KEY-----\n";
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = raw_builder("ecdsa/server.key", NULL, TLS_VERIFY_PEER);
    size_t len, key_len;
    char *good = pki_read("ecdsa/server.pub", &len), text[4096];
    char *key = pki_read("ecdsa/server.key", &key_len);

    CHECK_EQ(tls_builder_raw_identity_pem(builder, key, key_len), TLS_ERR_STATE);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    strcpy(text, good);
    strcat(text, bad);
    CHECK_EQ(tls_builder_raw_trust_pem(builder, text, strlen(text)), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.reason, TLS_REASON_KEY_UNUSABLE);
    CHECK(strstr(error.message, "public key 2 ") != NULL);
    CHECK_EQ(tls_builder_raw_trust_pem(builder, key, key_len), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.reason, TLS_REASON_NO_KEY);
    /* Neither left anything behind. */
    CHECK(tls_context_client(builder, &error) == NULL);
    CHECK_EQ(error.reason, TLS_REASON_NO_TRUST);
    tls_builder_free(builder);
    builder = tls_builder_new();
    CHECK_EQ(tls_builder_raw_identity_pem(builder, good, len), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_raw_identity_pem(builder, key, key_len), TLS_OK);
    tls_builder_free(builder);
    free(good);
    free(key);

    check_needs_1_3(raw_builder("ecdsa/server.key", NULL, TLS_VERIFY_PEER), tls_context_server);
    check_needs_1_3(raw_builder(NULL, "ecdsa/server.pub", TLS_VERIFY_PEER), tls_context_client);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(both_sides_know_each_other_by_their_keys);
    RUN(a_session_is_resumed_with_the_key_it_was_made_with);
    RUN(an_unknown_key_is_refused);
    RUN(the_host_decides_about_a_key);
    RUN(certificates_and_keys_do_not_mix);
    RUN(what_cannot_be_used_is_refused);
    return 0;
}
