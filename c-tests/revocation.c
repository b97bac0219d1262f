/* Certificate revocation lists and the policy that they are read by. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static const struct recipe good_server = {.chain = "ecdsa/server-chain.pem",
                                          .key = "ecdsa/server.key"};
static const struct recipe revoked_server = {.chain = "bad/revoked-chain.pem",
                                             .key = "bad/revoked.key"};

static void add_crl(tls_builder_t *builder, const char *name)
{
    size_t len;
    char *data = pki_read(name, &len);

    CHECK_EQ(tls_builder_crl(builder, data, len), TLS_OK);
    free(data);
}

/* The names are separated by spaces; policy -1 leaves the default. */
static tls_builder_t *builder_with(const struct recipe *recipe, const char *crls, int32_t policy)
{
    tls_builder_t *builder = make_builder(recipe);
    char names[256], *name;

    strcpy(names, crls);
    for (name = strtok(names, " "); name != NULL; name = strtok(NULL, " "))
        add_crl(builder, name);
    if (policy >= 0)
        CHECK_EQ(tls_builder_revocation(builder, policy), TLS_OK);
    return builder;
}

static struct pair client_checks(uint16_t version, const struct recipe *server, const char *crls,
                                 int32_t policy)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_builder_t *builder = builder_with(&recipe, crls, policy);
    tls_context_t *client = tls_context_client(builder, NULL);
    tls_context_t *context = make_server_context(server);
    struct pair pair;

    CHECK(client != NULL);
    pair = new_pair_of(client, context, NULL);
    tls_builder_free(builder);
    tls_context_free(client);
    tls_context_free(context);
    pump(&pair);
    return pair;
}

/* reason 0: the handshake is done. */
static void check_outcome(struct pair *pair, tls_conn_t *judge, tls_conn_t *judged, int32_t reason,
                          int16_t alert)
{
    if (reason == 0) {
        finish_handshake(pair);
        check_alive(pair);
    } else {
        tls_error_t error = error_of(judge);

        CHECK_EQ(error.status, TLS_ERR_CERTIFICATE);
        CHECK_EQ(error.reason, reason);
        CHECK_EQ(error.alert_sent, alert);
        CHECK(strlen(error.message) > 10);
        CHECK_EQ(error_of(judged).alert_received, alert);
    }
    free_pair(pair);
}

/* */
static void a_revoked_server_is_refused(void)
{
    for (EACH_VERSION) {
        struct pair pair = client_checks(version, &revoked_server, "crl/all.crl", -1);

        check_outcome(&pair, pair.client, pair.server, TLS_REASON_CERTIFICATE_REVOKED, 44);
        pair = client_checks(version, &revoked_server, "crl/root.crl crl/inter.der", -1);
        check_outcome(&pair, pair.client, pair.server, TLS_REASON_CERTIFICATE_REVOKED, 44);
        pair = client_checks(version, &good_server, "crl/root.crl crl/inter.der", -1);
        check_outcome(&pair, pair.client, pair.server, 0, 0);
        /* Without a list nobody knows. */
        pair = client_checks(version, &revoked_server, "", -1);
        check_outcome(&pair, pair.client, pair.server, 0, 0);
    }
}

/* */
static void a_revoked_client_is_refused(void)
{
    static const struct {
        const char *chain, *key;
        int32_t reason;
    } cases[] = {
        {"ecdsa/client-chain.pem", "ecdsa/client.key", 0},
        {"bad/client-revoked-chain.pem", "bad/client-revoked.key", TLS_REASON_CERTIFICATE_REVOKED},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct recipe client = with_version(plain_client, version), server = plain_server;
            tls_context_t *client_context, *context;
            tls_builder_t *builder;
            struct pair pair;

            client.chain = cases[i].chain;
            client.key = cases[i].key;
            server.trust = "trust/all.pem";
            server.client_auth = TLS_CLIENT_AUTH_REQUIRED;
            builder = builder_with(&server, "crl/all.crl", -1);
            context = tls_context_server(builder, NULL);
            client_context = make_client_context(&client);
            CHECK(context != NULL);
            pair = new_pair_of(client_context, context, NULL);
            tls_builder_free(builder);
            tls_context_free(context);
            tls_context_free(client_context);
            pump(&pair);
            check_outcome(&pair, pair.server, pair.client, cases[i].reason, 44);
        }
    }
}

static void the_policy_decides(void)
{
    enum {
        STRICT = TLS_REVOCATION_STRICT,
        UNKNOWN = TLS_REVOCATION_ALLOW_UNKNOWN,
        LEAF = TLS_REVOCATION_END_ENTITY_ONLY,
        EXPIRED = TLS_REVOCATION_ALLOW_EXPIRED
    };
    static const struct recipe rsa_server = {.chain = "rsa/server-chain.pem",
                                             .key = "rsa/server.key"};
    static const struct {
        const char *crls;
        int32_t policy;
        const struct recipe *server;
        int32_t reason;
        int16_t alert;
    } cases[] = {
        {"crl/all.crl", STRICT, &good_server, 0, 0},
        {"crl/inter.crl", STRICT, &good_server, TLS_REASON_CERTIFICATE_STATUS_UNKNOWN, 48},
        {"crl/inter.crl", UNKNOWN, &good_server, 0, 0},
        {"crl/inter.crl", UNKNOWN, &revoked_server, TLS_REASON_CERTIFICATE_REVOKED, 44},
        {"crl/inter.crl", LEAF, &good_server, 0, 0},
        {"crl/inter.crl", LEAF, &revoked_server, TLS_REASON_CERTIFICATE_REVOKED, 44},
        {"crl/root.crl", LEAF, &good_server, TLS_REASON_CERTIFICATE_STATUS_UNKNOWN, 48},
        {"crl/root.crl", UNKNOWN | LEAF, &revoked_server, 0, 0},
        {"crl/root-revokes-inter.crl crl/inter.crl", -1, &good_server,
         TLS_REASON_CERTIFICATE_REVOKED, 44},
        {"crl/root-revokes-inter.crl crl/inter.crl", UNKNOWN | EXPIRED, &good_server,
         TLS_REASON_CERTIFICATE_REVOKED, 44},
        {"crl/root-revokes-inter.crl crl/inter.crl", LEAF, &good_server, 0, 0},
        {"crl/root.crl crl/inter-expired.crl", -1, &good_server, TLS_REASON_CRL_EXPIRED, 48},
        {"crl/root.crl crl/inter-expired.crl", UNKNOWN, &good_server, TLS_REASON_CRL_EXPIRED, 48},
        {"crl/root.crl crl/inter-expired.crl", EXPIRED, &good_server, 0, 0},
        {"crl/all.crl", -1, &rsa_server, TLS_REASON_CERTIFICATE_STATUS_UNKNOWN, 48},
        {"crl/all.crl", UNKNOWN, &rsa_server, 0, 0},
        /* The newest list counts, wherever it stands. */
        {"crl/root.crl crl/inter-older.crl crl/inter.crl", -1, &revoked_server,
         TLS_REASON_CERTIFICATE_REVOKED, 44},
        {"crl/inter.crl crl/inter-older.crl crl/root.crl", -1, &revoked_server,
         TLS_REASON_CERTIFICATE_REVOKED, 44},
        {"crl/root.crl crl/inter-older.crl", -1, &revoked_server, 0, 0},
        /* What is still to be issued says nothing. */
        {"crl/root.crl crl/inter-future.crl crl/inter.crl", -1, &revoked_server,
         TLS_REASON_CERTIFICATE_REVOKED, 44},
        {"crl/root.crl crl/inter.crl crl/inter-future.crl", -1, &good_server, 0, 0},
        {"crl/root.crl crl/inter-future.crl", -1, &good_server,
         TLS_REASON_CERTIFICATE_STATUS_UNKNOWN, 48},
        {"crl/root.crl crl/inter-future-revokes.crl", UNKNOWN, &revoked_server, 0, 0},
        {"crl/inter-future-revokes.crl", -1, &revoked_server, TLS_REASON_CERTIFICATE_STATUS_UNKNOWN,
         48},
        {"crl/inter-future-revokes.crl", UNKNOWN | EXPIRED, &revoked_server, 0, 0},
        /* A list that the issuer did not sign says nothing, and is not passed over. */
        {"crl/root.crl crl/inter-forged.crl", UNKNOWN | EXPIRED, &good_server,
         TLS_REASON_CRL_BAD_SIGNATURE, 46},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct pair pair =
                client_checks(version, cases[i].server, cases[i].crls, cases[i].policy);

            check_outcome(&pair, pair.client, pair.server, cases[i].reason, cases[i].alert);
        }
    }
}

static void a_policy_that_needs_a_list_gets_one(void)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = builder_with(&plain_client, "", TLS_REVOCATION_END_ENTITY_ONLY);
    tls_context_t *context;

    CHECK(tls_context_client(builder, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, TLS_REASON_NO_CRL);
    CHECK_EQ(tls_builder_revocation(builder, 8), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_revocation(builder, -1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK(tls_context_client(builder, NULL) == NULL);
    CHECK_EQ(tls_builder_revocation(builder, TLS_REVOCATION_ALLOW_UNKNOWN), TLS_OK);
    context = tls_context_client(builder, &error);
    CHECK(context != NULL);
    tls_context_free(context);
    tls_builder_free(builder);

    /* A server that asks for no certificate has none to look up. */
    builder = builder_with(&plain_server, "", TLS_REVOCATION_STRICT);
    context = tls_context_server(builder, &error);
    CHECK(context != NULL);
    tls_context_free(context);
    tls_builder_free(builder);
}

/* A session that was made before a list was issued is not resumed behind it without being
 * asked. */
static void a_list_counts_for_sessions_from_when_it_is_issued(void)
{
    enum { DAY = 24 * 60 * 60 };

    for (EACH_VERSION) {
        for (int revokes = 0; revokes <= 1; revokes++) {
            struct recipe recipe = with_version(plain_client, version);
            tls_builder_t *builder = builder_with(
                &recipe, revokes ? "crl/inter-future-revokes.crl" : "crl/inter-future.crl",
                TLS_REVOCATION_ALLOW_UNKNOWN);
            tls_context_t *client = tls_context_client(builder, NULL);
            tls_context_t *server = make_server_context(&revoked_server);
            tls_ticket_key_t key = {
                .size = sizeof(key), .secret_len = 48, .decrypt_until = UINT64_MAX};
            struct pair pair;

            fill_bytes(key.secret, key.secret_len, 7);
            CHECK_EQ(tls_context_ticket_keys(server, &key, 1, NULL), TLS_OK);
            pair = new_pair_of(client, server, NULL);
            finish_handshake(&pair);
            check_alive(&pair);
            free_pair(&pair);
            CHECK_EQ(tls_context_time(client, (int64_t)time(NULL) + (int64_t)3 * DAY), TLS_OK);
            pair = new_pair_of(client, server, NULL);
            pump(&pair);
            CHECK_EQ(error_of(pair.client).reason, revokes ? TLS_REASON_CERTIFICATE_REVOKED : 0);
            if (!revokes)
                CHECK_EQ(tls_resumed(pair.client), 1);
            free_pair(&pair);
            tls_builder_free(builder);
            tls_context_free(client);
            tls_context_free(server);
        }
    }
}

static void check_refused(tls_builder_t *builder, const void *data, size_t len, int32_t reason,
                          const char *place)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_builder_crl(builder, data, len), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, reason);
    CHECK(strstr(error.message, place) != NULL);
}

static void a_malformed_list_is_named(void)
{
    static const char not_der[] = "-----BEGIN X509 CRL-----\nMAMCAQE=\n-----END X509 CRL-----\n";
    size_t pem_len, der_len, certificate_len;
    char *pem = pki_read("crl/inter.crl", &pem_len), *der = pki_read("crl/inter.der", &der_len);
    char *certificate = pki_read("ecdsa/ca.pem", &certificate_len), text[4096];
    tls_builder_t *builder = make_builder(&plain_client);
    tls_context_t *client, *server = make_server_context(&revoked_server);
    struct pair pair;

    CHECK_EQ(tls_builder_crl(builder, NULL, 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    check_refused(builder, NULL, 0, TLS_REASON_CRL_UNUSABLE, "no CRL found");
    check_refused(builder, certificate, certificate_len, TLS_REASON_CRL_UNUSABLE, "no CRL found");
    check_refused(builder, "hello", 5, TLS_REASON_CRL_UNUSABLE, "CRL 1 ");
    check_refused(builder, der, der_len - 1, TLS_REASON_CRL_UNUSABLE, "CRL 1 ");
    strcpy(text, pem);
    strcat(text, not_der);
    check_refused(builder, text, strlen(text), TLS_REASON_CRL_UNUSABLE, "CRL 2 ");
    strcpy(text, pem);
    strncat(text, pem, pem_len - 10);
    check_refused(builder, text, strlen(text), TLS_REASON_PEM_MALFORMED, "CRL 2 ");
    memcpy(text, der, der_len);
    text[der_len] = 0;
    check_refused(builder, text, der_len + 1, TLS_REASON_CRL_UNUSABLE, "CRL 1 ");

    /* None of the good ones among them was taken. */
    client = tls_context_client(builder, NULL);
    pair = new_pair_of(client, server, NULL);
    finish_handshake(&pair);
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(builder);
    free(pem);
    free(der);
    free(certificate);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(a_revoked_server_is_refused);
    RUN(a_revoked_client_is_refused);
    RUN(the_policy_decides);
    RUN(a_policy_that_needs_a_list_gets_one);
    RUN(a_list_counts_for_sessions_from_when_it_is_issued);
    RUN(a_malformed_list_is_named);
    return 0;
}
