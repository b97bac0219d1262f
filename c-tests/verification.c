/* What a host can add to the rules besides CRLs: time, pins, names, intermediates, OCSP. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

enum { DAY = 24 * 60 * 60 };

static tls_context_t *client_of(tls_builder_t *builder)
{
    tls_context_t *context = tls_context_client(builder, NULL);

    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static tls_context_t *server_of(tls_builder_t *builder)
{
    tls_context_t *context = tls_context_server(builder, NULL);

    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

/* Ends the contexts and the pair. reason 0: the handshake is done. */
static void check_outcome(tls_context_t *client, tls_context_t *server, int judge_is_client,
                          int32_t reason)
{
    struct pair pair = new_pair_of(client, server, NULL);

    pump(&pair);
    if (reason == 0) {
        finish_handshake(&pair);
        check_alive(&pair);
    } else {
        tls_error_t error = error_of(judge_is_client ? pair.client : pair.server);

        CHECK_EQ(error.status, TLS_ERR_CERTIFICATE);
        CHECK_EQ(error.reason, reason);
        CHECK(strlen(error.message) > 10);
        CHECK_EQ(error_of(judge_is_client ? pair.server : pair.client).alert_received,
                 error.alert_sent);
    }
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
}

static struct recipe identified(struct recipe recipe, const char *chain, const char *key)
{
    recipe.chain = chain;
    recipe.key = key;
    return recipe;
}

static struct recipe asking_server(void)
{
    struct recipe recipe = plain_server;

    recipe.trust = "trust/all.pem";
    recipe.client_auth = TLS_CLIENT_AUTH_REQUIRED;
    return recipe;
}

/* */
static void the_time_is_what_the_host_says(void)
{
    static const struct {
        const char *chain, *key;
        int days;
        int32_t reason;
    } cases[] = {
        {"bad/expired.pem", "bad/expired.key", -15, 0},
        {"bad/expired.pem", "bad/expired.key", -40, TLS_REASON_CERTIFICATE_NOT_YET_VALID},
        {"bad/notyet.pem", "bad/notyet.key", 75, 0},
        {"bad/notyet.pem", "bad/notyet.key", 100, TLS_REASON_CERTIFICATE_EXPIRED},
        {"ecdsa/direct.pem", "ecdsa/direct.key", 40, TLS_REASON_CERTIFICATE_EXPIRED},
        {"ecdsa/direct.pem", "ecdsa/direct.key", -2, TLS_REASON_CERTIFICATE_NOT_YET_VALID},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct recipe recipe = with_version(plain_client, version);
            struct recipe other =
                identified((struct recipe){.trust = NULL}, cases[i].chain, cases[i].key);
            tls_builder_t *builder = make_builder(&recipe);
            int64_t then = (int64_t)time(NULL) + (int64_t)cases[i].days * DAY;

            CHECK_EQ(tls_builder_verify_time(builder, then), TLS_OK);
            check_outcome(client_of(builder), make_server_context(&other), 1, cases[i].reason);
        }
    }
}

/* */
static void the_time_of_a_server_and_the_way_back(void)
{
    struct recipe client =
        identified(plain_client, "bad/client-expired.pem", "bad/client-expired.key");
    struct recipe server = asking_server();
    tls_builder_t *builder = make_builder(&server);

    CHECK_EQ(tls_builder_verify_time(builder, (int64_t)time(NULL) - (int64_t)15 * DAY), TLS_OK);
    check_outcome(make_client_context(&client), server_of(builder), 0, 0);

    builder = make_builder(&server);
    CHECK_EQ(tls_builder_verify_time(builder, 1), TLS_OK);
    CHECK_EQ(tls_builder_verify_time(builder, -1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_verify_time(builder, INT64_MIN), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    check_outcome(make_client_context(&client), tls_context_server(builder, NULL), 0,
                  TLS_REASON_CERTIFICATE_NOT_YET_VALID);
    CHECK_EQ(tls_builder_verify_time(builder, INT64_MAX), TLS_OK);
    CHECK_EQ(tls_builder_verify_time(builder, TLS_VERIFY_TIME_NOW), TLS_OK);
    check_outcome(make_client_context(&client), server_of(builder), 0,
                  TLS_REASON_CERTIFICATE_EXPIRED);
}

static void add_pin(tls_builder_t *builder, const char *name)
{
    size_t len;
    char *pin = pki_read(name, &len);

    CHECK_EQ(tls_builder_pin_sha256(builder, pin, len), TLS_OK);
    free(pin);
}

/* */
static void one_key_of_the_chain_is_pinned(void)
{
    static const struct {
        const char *first, *second;
        int32_t verify, reason;
    } cases[] = {
        {"ecdsa/server.pin", NULL, TLS_VERIFY_PEER, 0},
        {"ecdsa/inter.pin", NULL, TLS_VERIFY_PEER, 0},
        {"ecdsa/ca.pin", NULL, TLS_VERIFY_PEER, 0},
        {"rsa/ca.pin", "ecdsa/server.pin", TLS_VERIFY_PEER, 0},
        {"rsa/ca.pin", NULL, TLS_VERIFY_PEER, TLS_REASON_CERTIFICATE_NOT_PINNED},
        {"ecdsa/client.pin", "rsa/ca.pin", TLS_VERIFY_PEER, TLS_REASON_CERTIFICATE_NOT_PINNED},
        {"ecdsa/server.pin", NULL, TLS_VERIFY_DANGEROUS_NONE, 0},
        /* Nobody verified that the rest of the chain belongs to the key. */
        {"ecdsa/inter.pin", NULL, TLS_VERIFY_DANGEROUS_NONE, TLS_REASON_CERTIFICATE_NOT_PINNED},
        {"ecdsa/ca.pin", NULL, TLS_VERIFY_DANGEROUS_NONE, TLS_REASON_CERTIFICATE_NOT_PINNED},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct recipe recipe = with_version(plain_client, version);
            tls_builder_t *builder;

            recipe.verify = cases[i].verify;
            builder = make_builder(&recipe);
            add_pin(builder, cases[i].first);
            if (cases[i].second != NULL)
                add_pin(builder, cases[i].second);
            check_outcome(client_of(builder), make_server_context(&plain_server), 1,
                          cases[i].reason);
        }
    }
}

/* An attacker can append a pinned certificate to a chain of its own. */
static void a_pinned_certificate_beside_the_chain_proves_nothing(void)
{
    size_t chain_len, key_len, extra_len;
    char *chain = pki_read("ecdsa/server-chain.pem", &chain_len), *both;
    char *key = pki_read("ecdsa/server.key", &key_len), *extra = pki_read("rsa/ca.pem", &extra_len);
    struct recipe asking = {.trust = "trust/all.pem", .verify = TLS_VERIFY_ASK};
    tls_builder_t *server = tls_builder_new(), *client = make_builder(&asking);
    tls_context_t *client_context, *server_context;
    struct pair pair;

    both = malloc(chain_len + extra_len);
    CHECK(both != NULL);
    memcpy(both, chain, chain_len);
    memcpy(both + chain_len, extra, extra_len);
    CHECK_EQ(tls_builder_identity_pem(server, both, chain_len + extra_len, key, key_len), TLS_OK);
    add_pin(client, "rsa/ca.pin");
    client_context = client_of(client);
    server_context = server_of(server);
    pair = new_pair_of(client_context, server_context, NULL);
    pump(&pair);
    CHECK(tls_peer_certificate(pair.client, 2, NULL, 0) > 0);
    CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
    pump(&pair);
    CHECK_EQ(pair.client_status, TLS_ERR_CERTIFICATE);
    CHECK_EQ(error_of(pair.client).reason, TLS_REASON_CERTIFICATE_NOT_PINNED);
    free_pair(&pair);
    tls_context_free(client_context);
    tls_context_free(server_context);
    free(both);
    free(chain);
    free(key);
    free(extra);
}

/* */
static void pins_are_an_addition_and_for_servers_too(void)
{
    struct recipe unknown =
        identified((struct recipe){.trust = NULL}, "bad/unknownca.pem", "bad/unknownca.key");
    struct recipe client = identified(plain_client, "ecdsa/client-chain.pem", "ecdsa/client.key");
    struct recipe server = asking_server();
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = make_builder(&plain_client);
    unsigned char digest[33] = {0};

    CHECK_EQ(tls_builder_pin_sha256(builder, NULL, 32), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(tls_builder_pin_sha256(builder, digest, 31), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_pin_sha256(builder, digest, 33), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.reason, TLS_REASON_PIN_MALFORMED);
    check_outcome(client_of(builder), make_server_context(&plain_server), 1, 0);

    builder = make_builder(&plain_client);
    add_pin(builder, "ecdsa/ca.pin");
    check_outcome(client_of(builder), make_server_context(&unknown), 1,
                  TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);

    builder = make_builder(&server);
    add_pin(builder, "ecdsa/client.pin");
    check_outcome(make_client_context(&client), server_of(builder), 0, 0);
    builder = make_builder(&server);
    add_pin(builder, "ecdsa/server.pin");
    check_outcome(make_client_context(&client), server_of(builder), 0,
                  TLS_REASON_CERTIFICATE_NOT_PINNED);
}

static struct pair named_pair(const tls_context_t *client, const tls_context_t *server,
                              const char *sni, const char *verify_name)
{
    tls_error_t error = {.size = sizeof(error)};
    struct pair pair = {NULL, tls_server_new(server, NULL), TLS_OK, TLS_OK};

    pair.client = tls_client_new_named(client, sni, verify_name, &error);
    CHECK(pair.client != NULL && pair.server != NULL);
    pump(&pair);
    return pair;
}

/* */
static void the_name_sent_and_the_name_verified_differ(void)
{
    static const struct {
        const char *sni, *verify_name;
        int32_t reason;
    } cases[] = {
        {"other.example", "localhost", 0},
        {"localhost", "localhost", 0},
        {"other.example", "127.0.0.1", 0},
        {NULL, "localhost", 0},
        {NULL, "127.0.0.1", 0},
        {"localhost", "other.example", TLS_REASON_CERTIFICATE_WRONG_NAME},
        {"localhost", "127.0.0.2", TLS_REASON_CERTIFICATE_WRONG_NAME},
        {NULL, "other.example", TLS_REASON_CERTIFICATE_WRONG_NAME},
    };

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *server = make_server_context(&plain_server);

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct pair pair = named_pair(client, server, cases[i].sni, cases[i].verify_name);
            const char *sent = cases[i].sni != NULL ? cases[i].sni : "";
            char sni[64] = "";

            if (cases[i].reason == 0) {
                finish_handshake(&pair);
                check_alive(&pair);
                CHECK_EQ(tls_sni(pair.server, sni, sizeof(sni)), strlen(sent));
                CHECK_EQ(strcmp(sni, sent), 0);
            } else {
                CHECK_EQ(pair.client_status, TLS_ERR_CERTIFICATE);
                CHECK_EQ(error_of(pair.client).reason, cases[i].reason);
            }
            CHECK_EQ(tls_sni(pair.client, sni, sizeof(sni)), strlen(sent));
            CHECK_EQ(strcmp(sni, sent), 0);
            free_pair(&pair);
        }
        tls_context_free(client);
        tls_context_free(server);
    }
}

/* A session that was made for one name must not stand in for another. */
static void sessions_belong_to_the_verified_name(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *server = make_server_context(&plain_server);
        struct pair pair = named_pair(client, server, "front.example", "localhost");

        finish_handshake(&pair);
        CHECK_EQ(tls_resumed(pair.client), 0);
        free_pair(&pair);
        pair = named_pair(client, server, "front.example", "localhost");
        finish_handshake(&pair);
        CHECK_EQ(tls_resumed(pair.client), 1);
        free_pair(&pair);
        pair = named_pair(client, server, "front.example", "server.test");
        finish_handshake(&pair);
        CHECK_EQ(tls_resumed(pair.client), 0);
        free_pair(&pair);
        pair = named_pair(client, server, "front.example", "back.example");
        CHECK_EQ(pair.client_status, TLS_ERR_CERTIFICATE);
        free_pair(&pair);
        pair = new_pair_of(client, server, "front.example");
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ERR_CERTIFICATE);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
    }
}

static void names_that_are_none_are_refused(void)
{
    static const struct {
        const char *sni, *verify_name;
        int32_t reason;
    } cases[] = {
        {"127.0.0.1", "localhost", TLS_REASON_SERVER_NAME_INVALID},
        {"no name", "localhost", TLS_REASON_SERVER_NAME_INVALID},
        {"", "localhost", TLS_REASON_SERVER_NAME_INVALID},
        {NULL, "", TLS_REASON_SERVER_NAME_INVALID},
        {"localhost", NULL, 0},
    };
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *server = make_server_context(&plain_server);
    tls_error_t error = {.size = sizeof(error)};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(tls_client_new_named(client, cases[i].sni, cases[i].verify_name, &error) == NULL);
        CHECK_EQ(error.status, TLS_ERR_ARGUMENT);
        CHECK_EQ(error.reason, cases[i].reason);
    }
    CHECK(tls_client_new_named(server, NULL, "localhost", &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_ARGUMENT);
    tls_context_free(client);
    tls_context_free(server);
}

static void add_intermediates(tls_builder_t *builder, const char *name)
{
    size_t len;
    char *pem = pki_read(name, &len);

    CHECK_EQ(tls_builder_intermediates_pem(builder, pem, len), TLS_OK);
    free(pem);
}

static void a_forgotten_intermediate_is_filled_in(void)
{
    struct recipe alone = {.chain = "ecdsa/server.pem", .key = "ecdsa/server.key"};
    struct recipe unknown = {.chain = "bad/unknownca.pem", .key = "bad/unknownca.key"};
    struct recipe client = identified(plain_client, "ecdsa/client.pem", "ecdsa/client.key");
    struct recipe asking = asking_server();
    tls_builder_t *builder;

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);

        check_outcome(make_client_context(&recipe), make_server_context(&alone), 1,
                      TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);
        builder = make_builder(&recipe);
        add_intermediates(builder, "rsa/inter.pem");
        add_intermediates(builder, "ecdsa/inter.pem");
        check_outcome(client_of(builder), make_server_context(&alone), 1, 0);
        /* They are no trust anchors. */
        builder = make_builder(&recipe);
        add_intermediates(builder, "bad/otherca.pem");
        check_outcome(client_of(builder), make_server_context(&unknown), 1,
                      TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);
    }
    check_outcome(make_client_context(&client), make_server_context(&asking), 0,
                  TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);
    builder = make_builder(&asking);
    add_intermediates(builder, "ecdsa/inter.pem");
    check_outcome(make_client_context(&client), server_of(builder), 0, 0);
}

static void a_malformed_intermediate_is_named(void)
{
    static const char bad[] = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = make_builder(&plain_client);
    size_t len;
    char *pem = pki_read("ecdsa/inter.pem", &len), text[4096];
    struct recipe alone = {.chain = "ecdsa/server.pem", .key = "ecdsa/server.key"};

    strcpy(text, pem);
    strcat(text, bad);
    CHECK_EQ(tls_builder_intermediates_pem(builder, text, strlen(text)), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.reason, TLS_REASON_CERTIFICATE_UNUSABLE);
    CHECK(strstr(error.message, "certificate 2 ") != NULL);
    CHECK_EQ(tls_builder_intermediates_pem(builder, "x", 1), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    check_outcome(client_of(builder), make_server_context(&alone), 1,
                  TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);
    free(pem);
}

static tls_context_t *client_knowing(const char *peer, uint16_t version, int32_t verify)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_builder_t *builder;
    size_t len;
    char *pem = pki_read(peer, &len);

    recipe.trust = NULL;
    recipe.verify = verify;
    builder = make_builder(&recipe);
    CHECK_EQ(tls_builder_trust_peer_pem(builder, pem, len), TLS_OK);
    free(pem);
    return client_of(builder);
}

/* */
static void a_known_peer_needs_no_chain(void)
{
    static const struct {
        const char *known, *chain, *key;
        int32_t reason;
    } cases[] = {
        {"bad/selfsigned.pem", "bad/selfsigned.pem", "bad/selfsigned.key", 0},
        {"bad/selfsigned-ca.pem", "bad/selfsigned-ca.pem", "bad/selfsigned-ca.key", 0},
        {"ecdsa/server.pem", "ecdsa/server.pem", "ecdsa/server.key", 0},
        {"trust/all.pem", "bad/selfsigned.pem", "bad/selfsigned.key",
         TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER},
        /* It issues nothing. */
        {"ecdsa/ca.pem", "ecdsa/server-chain.pem", "ecdsa/server.key",
         TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER},
        {"ecdsa/inter.pem", "ecdsa/server-chain.pem", "ecdsa/server.key",
         TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER},
        /* Everything else counts. */
        {"bad/expired.pem", "bad/expired.pem", "bad/expired.key", TLS_REASON_CERTIFICATE_EXPIRED},
        {"bad/notyet.pem", "bad/notyet.pem", "bad/notyet.key",
         TLS_REASON_CERTIFICATE_NOT_YET_VALID},
        {"bad/wronghost.pem", "bad/wronghost.pem", "bad/wronghost.key",
         TLS_REASON_CERTIFICATE_WRONG_NAME},
        {"bad/wrongusage.pem", "bad/wrongusage.pem", "bad/wrongusage.key",
         TLS_REASON_CERTIFICATE_WRONG_USAGE},
        {"bad/selfsigned-ca-wrongusage.pem", "bad/selfsigned-ca-wrongusage.pem",
         "bad/selfsigned-ca-wrongusage.key", TLS_REASON_CERTIFICATE_WRONG_USAGE},
        {"ecdsa/ca.pem", "ecdsa/ca.pem", "ecdsa/ca.key", TLS_REASON_CERTIFICATE_WRONG_NAME},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct recipe server = identified(plain_server, cases[i].chain, cases[i].key);

        for (EACH_VERSION)
            check_outcome(client_knowing(cases[i].known, version, TLS_VERIFY_PEER),
                          make_server_context(&server), 1, cases[i].reason);
    }
}

static void a_known_client_needs_no_chain(void)
{
    struct recipe known =
        identified(plain_client, "bad/client-selfsigned.pem", "bad/client-selfsigned.key");
    struct recipe other = identified(plain_client, "ecdsa/client-chain.pem", "ecdsa/client.key");
    struct recipe asking = asking_server();
    size_t len;
    char *pem = pki_read("bad/client-selfsigned.pem", &len);

    asking.trust = NULL;
    for (int stranger = 0; stranger <= 1; stranger++) {
        tls_builder_t *builder = make_builder(&asking);

        CHECK_EQ(tls_builder_trust_peer_pem(builder, pem, len), TLS_OK);
        check_outcome(make_client_context(stranger ? &other : &known), server_of(builder), 0,
                      stranger ? TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER : 0);
    }
    free(pem);
}

/* A malformed one adds nothing. */
static void a_malformed_peer_is_named(void)
{
    static const char bad[] = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    tls_error_t error = {.size = sizeof(error)};
    struct recipe nobody = plain_client;
    tls_builder_t *builder;
    size_t len;
    char *pem = pki_read("bad/selfsigned.pem", &len), text[4096];

    nobody.trust = NULL;
    builder = make_builder(&nobody);
    strcpy(text, pem);
    strcat(text, bad);
    CHECK_EQ(tls_builder_trust_peer_pem(builder, text, strlen(text)), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.reason, TLS_REASON_CERTIFICATE_UNUSABLE);
    CHECK(strstr(error.message, "certificate 2 ") != NULL);
    CHECK(tls_context_client(builder, &error) == NULL);
    CHECK_EQ(error.reason, TLS_REASON_NO_TRUST);
    tls_builder_free(builder);
    free(pem);
}

/* */
static void any_name_is_all_that_is_not_looked_at(void)
{
    static const struct {
        const char *chain, *key;
        int32_t reason;
    } cases[] = {
        {"ecdsa/server-chain.pem", "ecdsa/server.key", 0},
        {"bad/wronghost.pem", "bad/wronghost.key", 0},
        {"bad/unknownca.pem", "bad/unknownca.key", TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER},
        {"bad/expired.pem", "bad/expired.key", TLS_REASON_CERTIFICATE_EXPIRED},
        {"bad/wrongusage.pem", "bad/wrongusage.key", TLS_REASON_CERTIFICATE_WRONG_USAGE},
    };
    tls_error_t error = {.size = sizeof(error)};
    struct recipe wrong = identified(plain_server, "bad/wronghost.pem", "bad/wronghost.key");
    struct recipe nobody = plain_client;
    tls_builder_t *builder;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct recipe server = identified(plain_server, cases[i].chain, cases[i].key);

        for (EACH_VERSION) {
            struct recipe client = with_version(plain_client, version);

            client.verify = TLS_VERIFY_ANY_NAME;
            check_outcome(make_client_context(&client), make_server_context(&server), 1,
                          cases[i].reason);
        }
    }
    check_outcome(client_knowing("bad/wronghost.pem", TLS_VERSION_1_3, TLS_VERIFY_ANY_NAME),
                  make_server_context(&wrong), 1, 0);
    nobody.trust = NULL;
    nobody.verify = TLS_VERIFY_ANY_NAME;
    builder = make_builder(&nobody);
    CHECK(tls_context_client(builder, &error) == NULL);
    CHECK_EQ(error.reason, TLS_REASON_NO_TRUST);
    tls_builder_free(builder);
}

/* */
static void a_stapled_response_reaches_the_host(void)
{
    size_t len;
    char *response = pki_read("ecdsa/server.ocsp", &len), *seen = malloc(len);

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_builder_t *builder = make_builder(&plain_server);
        tls_context_t *client, *server;
        struct pair pair;

        recipe.verify = TLS_VERIFY_ASK;
        client = make_client_context(&recipe);
        CHECK_EQ(tls_builder_ocsp(builder, response, len), TLS_OK);
        server = tls_context_server(builder, NULL);
        pair = new_pair_of(client, server, NULL);
        CHECK_EQ(tls_ocsp_response(pair.client, seen, len), 0);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
        CHECK_EQ(tls_ocsp_response(pair.client, NULL, 0), len);
        memset(seen, 0x5a, len);
        CHECK_EQ(tls_ocsp_response(pair.client, seen, 3), len);
        CHECK_BYTES(seen, response, 3);
        CHECK_EQ(seen[3], 0x5a);
        CHECK_EQ(tls_ocsp_response(pair.client, seen, len), len);
        CHECK_BYTES(seen, response, len);
        CHECK_EQ(tls_ocsp_response(pair.server, NULL, 0), 0);
        CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
        CHECK_EQ(tls_ocsp_response(pair.client, NULL, 0), 0);
        finish_handshake(&pair);
        check_alive(&pair);
        free_pair(&pair);
        tls_context_free(server);

        CHECK_EQ(tls_builder_ocsp(builder, NULL, 0), TLS_OK);
        server = server_of(builder);
        pair = new_pair_of(client, server, NULL);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
        CHECK_EQ(tls_ocsp_response(pair.client, NULL, 0), 0);
        free_pair(&pair);
        tls_context_free(server);
        tls_context_free(client);
    }
    free(response);
    free(seen);
}

static void check_no_response(tls_builder_t *builder, const void *der, size_t len,
                              const char *place)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_builder_ocsp(builder, der, len), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.reason, TLS_REASON_OCSP_UNUSABLE);
    CHECK(strstr(error.message, place) != NULL);
}

static void a_malformed_response_is_refused(void)
{
    static const unsigned char try_later[] = {0x30, 3, 0x0a, 1, 3};
    static const unsigned char no_body[] = {0x30, 3, 0x0a, 1, 0};
    static const unsigned char other_type[] = {0x30, 13, 0x0a, 1, 0,    0xa0, 8, 0x30,
                                               6,    6,  2,    1, 0x2b, 4,    0};
    size_t len;
    char *response = pki_read("ecdsa/server.ocsp", &len);
    tls_builder_t *builder = make_builder(&plain_server);

    CHECK_EQ(tls_builder_ocsp(builder, NULL, 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    check_no_response(builder, "-----BEGIN", 10, "offset 0:");
    check_no_response(builder, response, len - 1, "offset 0:");
    check_no_response(builder, try_later, sizeof(try_later), "offset 2:");
    check_no_response(builder, no_body, sizeof(no_body), "offset 5:");
    check_no_response(builder, other_type, sizeof(other_type), "offset 9:");
    response[len] = 0;
    check_no_response(builder, response, len + 1, "bytes follow");
    tls_builder_free(builder);
    free(response);
}

/* A flight is not cut: what is stapled must fit the outbound limit with the rest of it. */
static void a_long_response_counts_towards_the_flight(void)
{
    enum {
        BODY = 20000,
        BASIC = BODY + 4,
        BYTES = 11 + BASIC + 4,
        WRAPPED = BYTES + 4,
        ALL = 3 + WRAPPED + 4
    };
    static const unsigned char head[] = {0x30,
                                         0x82,
                                         ALL >> 8,
                                         ALL & 255,
                                         0x0a,
                                         1,
                                         0,
                                         0xa0,
                                         0x82,
                                         WRAPPED >> 8,
                                         WRAPPED & 255,
                                         0x30,
                                         0x82,
                                         BYTES >> 8,
                                         BYTES & 255,
                                         6,
                                         9,
                                         0x2b,
                                         6,
                                         1,
                                         5,
                                         5,
                                         7,
                                         0x30,
                                         1,
                                         1,
                                         4,
                                         0x82,
                                         BASIC >> 8,
                                         BASIC & 255,
                                         0x30,
                                         0x82,
                                         BODY >> 8,
                                         BODY & 255};
    unsigned char *der = calloc(1, ALL + 4);
    struct recipe recipe = plain_server;
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder;

    CHECK(der != NULL);
    memcpy(der, head, sizeof(head));
    recipe.outbound = 20480;
    builder = make_builder(&recipe);
    CHECK_EQ(tls_builder_ocsp(builder, der, ALL + 4), TLS_OK);
    CHECK(tls_context_server(builder, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, TLS_REASON_LIMIT_TOO_SMALL);
    tls_builder_free(builder);
    free(der);
}

/* A client without a name to verify; made by each of the calls. */
static tls_conn_t *nameless(const tls_context_t *context, int way, const char *sni,
                            tls_error_t *error)
{
    const tls_client_options_t options = {.size = sizeof(options), .sni = sni};

    switch (way) {
    case 0:
        return sni == NULL ? tls_client_new(context, NULL, error)
                           : tls_client_new_named(context, sni, NULL, error);
    case 1:
        return tls_client_new_named(context, sni, NULL, error);
    default:
        return tls_client_new_with(context, &options, error);
    }
}

/* */
static void no_name_is_needed_where_none_is_verified(void)
{
    static const int32_t modes[] = {TLS_VERIFY_ANY_NAME, TLS_VERIFY_DANGEROUS_NONE, TLS_VERIFY_ASK};
    struct recipe other =
        identified((struct recipe){.trust = NULL}, "bad/wronghost.pem", "bad/wronghost.key");

    for (EACH_VERSION) {
        for (int i = 0; i < 4 * 3 * 3; i++) {
            struct recipe recipe = with_version(plain_client, version);
            const char *sni = i % 2 ? "sent.example" : NULL;
            tls_context_t *client,
                *server = make_server_context(i / 2 % 2 ? &other : &plain_server);
            tls_error_t error = {.size = sizeof(error)};

            recipe.verify = modes[i / 4 % 3];
            client = make_client_context(&recipe);
            /* Nobody knows whether the second server is the first one: no session is offered to it.
             */
            for (int again = 0; again < 2; again++) {
                struct pair pair = {nameless(client, i / 12, sni, &error),
                                    tls_server_new(server, NULL), TLS_OK, TLS_OK};

                CHECK(pair.client != NULL && pair.server != NULL);
                pump(&pair);
                if (recipe.verify == TLS_VERIFY_ASK) {
                    CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
                    CHECK_EQ(tls_verify_name(pair.client, NULL, 0), 0);
                    CHECK_EQ(tls_answer_verify(pair.client, again ? 0 : -1), TLS_OK);
                }
                finish_handshake(&pair);
                check_alive(&pair);
                CHECK_EQ(tls_resumed(pair.client), 0);
                CHECK_EQ(tls_sni(pair.server, NULL, 0), sni == NULL ? 0 : strlen(sni));
                free_pair(&pair);
            }
            tls_context_free(client);
            tls_context_free(server);
        }
    }
}

/* */
static void a_name_is_needed_where_it_is_verified(void)
{
    tls_context_t *client = make_client_context(&plain_client);
    tls_error_t error = {.size = sizeof(error)};

    for (int way = 0; way < 3; way++) {
        for (int sends = 0; sends < 2; sends++) {
            CHECK(nameless(client, way, sends ? "localhost" : NULL, &error) == NULL);
            CHECK_EQ(error.status, TLS_ERR_ARGUMENT);
            CHECK(strstr(error.message, "name") != NULL);
        }
    }
    CHECK(tls_client_new_resuming(client, NULL, NULL, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_ARGUMENT);
    tls_context_free(client);
}

/* A session of a server without a name is one of nobody's that has a name, and the other
 * way round. */
static void sessions_of_named_and_nameless_connections_do_not_meet(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client, *server = make_server_context(&plain_server);
        tls_error_t error = {.size = sizeof(error)};
        tls_session_t *session;
        struct pair pair = {NULL, tls_server_new(server, NULL), TLS_OK, TLS_OK};

        recipe.verify = TLS_VERIFY_ANY_NAME;
        client = make_client_context(&recipe);
        pair.client = tls_client_new_resuming(client, NULL, NULL, &error);
        CHECK(pair.client != NULL);
        finish_handshake(&pair);
        check_alive(&pair);
        session = tls_session_take(pair.client, &error);
        CHECK(session != NULL);
        free_pair(&pair);

        CHECK(tls_client_new_resuming(client, "localhost", session, &error) == NULL);
        CHECK_EQ(error.status, TLS_ERR_ARGUMENT);
        pair.client = tls_client_new_resuming(client, NULL, session, &error);
        pair.server = tls_server_new(server, NULL);
        CHECK(pair.client != NULL);
        finish_handshake(&pair);
        CHECK_EQ(tls_resumed(pair.client), 1);
        free_pair(&pair);
        tls_session_free(session);
        tls_context_free(client);
        tls_context_free(server);
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(the_time_is_what_the_host_says);
    RUN(the_time_of_a_server_and_the_way_back);
    RUN(one_key_of_the_chain_is_pinned);
    RUN(a_pinned_certificate_beside_the_chain_proves_nothing);
    RUN(pins_are_an_addition_and_for_servers_too);
    RUN(the_name_sent_and_the_name_verified_differ);
    RUN(sessions_belong_to_the_verified_name);
    RUN(names_that_are_none_are_refused);
    RUN(a_forgotten_intermediate_is_filled_in);
    RUN(a_malformed_intermediate_is_named);
    RUN(a_known_peer_needs_no_chain);
    RUN(a_known_client_needs_no_chain);
    RUN(a_malformed_peer_is_named);
    RUN(any_name_is_all_that_is_not_looked_at);
    RUN(a_stapled_response_reaches_the_host);
    RUN(a_malformed_response_is_refused);
    RUN(a_long_response_counts_towards_the_flight);
    RUN(no_name_is_needed_where_none_is_verified);
    RUN(a_name_is_needed_where_it_is_verified);
    RUN(sessions_of_named_and_nameless_connections_do_not_meet);
    return 0;
}
