/* Questions instead of callbacks: which context, and is this identity accepted. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

/* A server that has no context yet. */
static struct pair contextless_pair(uint16_t version, const char *name)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_context_t *client = make_client_context(&recipe);
    struct pair pair = new_pair_of(client, NULL, name);

    tls_context_free(client);
    return pair;
}

static void check_asking(tls_conn_t *conn, tls_status_t question)
{
    char byte;

    CHECK_EQ(tls_advance(conn), question);
    CHECK_EQ(tls_advance(conn), question);
    CHECK_EQ(tls_state(conn) & (TLS_ASKING | TLS_HANDSHAKING), TLS_ASKING | TLS_HANDSHAKING);
    CHECK_EQ(tls_read_into(conn, &byte, 1), question);
    CHECK_EQ(tls_write_from(conn, "x", 1), question);
}

static void a_context_is_chosen_by_name(void)
{
    static const struct {
        const char *name, *chain, *key, *leaf;
    } hosts[] = {
        {"localhost", "rsa/server-chain.pem", "rsa/server.key", "rsa/server.pem"},
        {"server.test", "ecdsa/server-chain.pem", "ecdsa/server.key", "ecdsa/server.pem"},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < 2; i++) {
            struct pair pair = contextless_pair(version, hosts[i].name);
            struct recipe recipe = {.chain = hosts[i].chain, .key = hosts[i].key};
            tls_context_t *context;
            size_t len;
            unsigned char *leaf = pki_der(hosts[i].leaf, &len), *seen = malloc(len);
            char sni[64];

            CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
            CHECK_EQ(tls_sni(pair.server, sni, sizeof(sni)), 0);
            pump(&pair);
            check_asking(pair.server, TLS_ASK_CONTEXT);
            CHECK_EQ(tls_sni(pair.server, sni, sizeof(sni)), strlen(hosts[i].name));
            CHECK_EQ(strcmp(sni, hosts[i].name), 0);

            context = make_server_context(&recipe);
            CHECK_EQ(tls_answer_context(pair.server, context), TLS_OK);
            tls_context_free(context);
            finish_handshake(&pair);
            CHECK_EQ(tls_peer_certificate(pair.client, 0, seen, len), len);
            CHECK_BYTES(seen, leaf, len);
            check_alive(&pair);
            free(leaf);
            free(seen);
            free_pair(&pair);
        }
    }
}

static void a_hello_in_single_bytes_asks_once_it_is_whole(void)
{
    struct pair pair = contextless_pair(TLS_VERSION_1_3, NULL);
    tls_context_t *context = make_server_context(&plain_server);
    unsigned char byte;

    tls_advance(pair.client);
    while (tls_drain_pending(pair.client) > 0) {
        CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
        CHECK_EQ(tls_drain_into(pair.client, &byte, 1), 1);
        CHECK_EQ(tls_feed(pair.server, &byte, 1), 1);
    }
    check_asking(pair.server, TLS_ASK_CONTEXT);
    CHECK_EQ(tls_answer_context(pair.server, context), TLS_OK);
    finish_handshake(&pair);
    tls_context_free(context);
    free_pair(&pair);
}

static void a_wrong_answer_leaves_the_question_open(void)
{
    struct pair pair = contextless_pair(TLS_VERSION_1_3, NULL);
    tls_context_t *server = make_server_context(&plain_server);
    tls_context_t *client = make_client_context(&plain_client), *freed;

    pump(&pair);
    freed = make_server_context(&plain_server);
    tls_context_free(freed);
    CHECK_EQ(tls_answer_context(pair.server, NULL), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_answer_context(pair.server, client), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_answer_context(pair.server, freed), TLS_ERR_HANDLE);
    CHECK_EQ(tls_answer_verify(pair.server, 0), TLS_ERR_STATE);
    CHECK_EQ(tls_answer_sign(pair.server, "x", 1), TLS_ERR_STATE);
    /* close_notify ends nothing here: it is no refusal. */
    CHECK_EQ(tls_answer_refuse(pair.server, 0), TLS_ERR_ARGUMENT);
    check_asking(pair.server, TLS_ASK_CONTEXT);
    CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
    CHECK_EQ(tls_answer_context(pair.server, server), TLS_ERR_STATE);
    finish_handshake(&pair);
    check_alive(&pair);
    free_pair(&pair);
    tls_context_free(server);
    tls_context_free(client);
}

static void a_hello_is_refused_with_an_alert(void)
{
    for (EACH_VERSION) {
        struct pair pair = contextless_pair(version, NULL);

        pump(&pair);
        check_asking(pair.server, TLS_ASK_CONTEXT);
        CHECK_EQ(tls_answer_refuse(pair.server, 112), TLS_OK);
        pump(&pair);
        CHECK_EQ(pair.server_status, TLS_ERR_NO_COMMON);
        CHECK_EQ(error_of(pair.server).reason, TLS_REASON_REFUSED);
        CHECK_EQ(error_of(pair.server).alert_sent, 112);
        CHECK_EQ(pair.client_status, TLS_ERR_ALERT);
        CHECK_EQ(error_of(pair.client).alert_received, 112);
        free_pair(&pair);
    }
}

static void a_client_asks_and_decides(void)
{
    struct recipe asking = {.verify = TLS_VERIFY_ASK};

    for (EACH_VERSION) {
        struct recipe client = with_version(asking, version);
        struct pair pair = new_pair(&client, &plain_server, "any.name.test");
        size_t len;
        unsigned char *leaf = pki_der("ecdsa/server.pem", &len), *seen = malloc(len);

        pump(&pair);
        check_asking(pair.client, TLS_ASK_VERIFY);
        CHECK_EQ(tls_peer_certificate(pair.client, 0, seen, len), len);
        CHECK_BYTES(seen, leaf, len);
        CHECK(tls_peer_certificate(pair.client, 1, NULL, 0) > 0);
        CHECK_EQ(tls_answer_context(pair.client, NULL) == TLS_OK, 0);
        CHECK_EQ(tls_answer_sign(pair.client, "x", 1), TLS_ERR_STATE);
        CHECK_EQ(tls_answer_verify(pair.client, -2), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_verify(pair.client, 256), TLS_ERR_ARGUMENT);
        /* Alerts that reject no identity: user_canceled, no_renegotiation, and one that nobody
         * knows. */
        CHECK_EQ(tls_answer_verify(pair.client, 90), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_verify(pair.client, 100), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_verify(pair.client, 255), TLS_ERR_ARGUMENT);
        check_asking(pair.client, TLS_ASK_VERIFY);
        CHECK_EQ(tls_answer_verify(pair.client, 0), TLS_OK);
        CHECK_EQ(tls_answer_verify(pair.client, 0), TLS_ERR_STATE);
        finish_handshake(&pair);
        CHECK_EQ(tls_peer_certificate(pair.client, 0, seen, len), len);
        check_alive(&pair);
        free(leaf);
        free(seen);
        free_pair(&pair);
    }
}

static void the_rules_of_the_context_can_decide(void)
{
    struct recipe asking = {.verify = TLS_VERIFY_ASK, .trust = "trust/all.pem"};
    struct recipe expired = {.chain = "bad/expired.pem", .key = "bad/expired.key"};

    for (EACH_VERSION) {
        struct recipe client = with_version(asking, version);
        struct pair pair = new_pair(&client, &plain_server, NULL);

        pump(&pair);
        check_asking(pair.client, TLS_ASK_VERIFY);
        CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
        finish_handshake(&pair);
        free_pair(&pair);

        pair = new_pair(&client, &expired, NULL);
        pump(&pair);
        check_asking(pair.client, TLS_ASK_VERIFY);
        tls_answer_verify(pair.client, -1);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ERR_CERTIFICATE);
        CHECK_EQ(error_of(pair.client).reason, TLS_REASON_CERTIFICATE_EXPIRED);
        CHECK_EQ(pair.server_status, TLS_ERR_ALERT);
        CHECK_EQ(error_of(pair.server).alert_received, 45);
        free_pair(&pair);

        /* Without any trust anchor the rules accept nobody. */
        client.trust = NULL;
        pair = new_pair(&client, &plain_server, NULL);
        pump(&pair);
        tls_answer_verify(pair.client, -1);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ERR_CERTIFICATE);
        CHECK_EQ(error_of(pair.client).reason, TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);
        free_pair(&pair);
    }
}

static struct pair asking_server_pair(uint16_t version, int32_t mode, const char *chain,
                                      const char *key)
{
    struct recipe client = with_version(plain_client, version), server = plain_server;

    client.chain = chain;
    client.key = key;
    server.client_auth = mode;
    server.verify = TLS_VERIFY_ASK;
    return new_pair(&client, &server, NULL);
}

static void a_server_asks_and_decides(void)
{
    for (EACH_VERSION) {
        struct pair pair = asking_server_pair(version, TLS_CLIENT_AUTH_REQUIRED,
                                              "ed25519/client-chain.pem", "ed25519/client.key");
        size_t len;
        unsigned char *leaf = pki_der("ed25519/client.pem", &len), *seen = malloc(len);

        pump(&pair);
        check_asking(pair.server, TLS_ASK_VERIFY);
        CHECK_EQ(tls_peer_certificate(pair.server, 0, seen, len), len);
        CHECK_BYTES(seen, leaf, len);
        CHECK_EQ(tls_answer_verify(pair.server, 0), TLS_OK);
        finish_handshake(&pair);
        check_alive(&pair);
        free(leaf);
        free(seen);
        free_pair(&pair);

        /* Nobody has shown an identity: there is nothing to ask. */
        pair = asking_server_pair(version, TLS_CLIENT_AUTH_OPTIONAL, NULL, NULL);
        finish_handshake(&pair);
        free_pair(&pair);
        pair = asking_server_pair(version, TLS_CLIENT_AUTH_REQUIRED, NULL, NULL);
        pump(&pair);
        CHECK_EQ(pair.server_status, TLS_ERR_CERTIFICATE);
        CHECK_EQ(error_of(pair.server).reason, TLS_REASON_CERTIFICATE_MISSING);
        free_pair(&pair);
    }
}

static void check_rejected(tls_conn_t *asker, tls_conn_t *other, struct pair *pair, uint8_t alert)
{
    pump(pair);
    CHECK_EQ(tls_advance(asker), TLS_ERR_CERTIFICATE);
    CHECK_EQ(error_of(asker).reason, TLS_REASON_CERTIFICATE_REFUSED);
    CHECK_EQ(error_of(asker).alert_sent, alert);
    CHECK_EQ(tls_advance(other), TLS_ERR_ALERT);
    CHECK_EQ(error_of(other).alert_received, alert);
}

static void both_roles_reject_with_an_alert(void)
{
    static const uint8_t alerts[] = {42, 43, 44, 45, 46, 48, 49};
    struct recipe asking = {.verify = TLS_VERIFY_ASK};

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(alerts); i++) {
            struct recipe client = with_version(asking, version);
            struct pair pair = new_pair(&client, &plain_server, NULL);

            pump(&pair);
            check_asking(pair.client, TLS_ASK_VERIFY);
            CHECK_EQ(tls_answer_verify(pair.client, alerts[i]), TLS_OK);
            check_rejected(pair.client, pair.server, &pair, alerts[i]);
            free_pair(&pair);

            pair = asking_server_pair(version, TLS_CLIENT_AUTH_OPTIONAL, "rsa/client-chain.pem",
                                      "rsa/client.key");
            pump(&pair);
            check_asking(pair.server, TLS_ASK_VERIFY);
            CHECK_EQ(tls_answer_refuse(pair.server, alerts[i]), TLS_OK);
            check_rejected(pair.server, pair.client, &pair, alerts[i]);
            free_pair(&pair);
        }
    }
}

static void one_connection_asks_both_questions(void)
{
    for (EACH_VERSION) {
        struct recipe client = with_version(plain_client, version), server = plain_server;
        tls_context_t *client_context, *server_context;
        struct pair pair;

        client.chain = "ecdsa/client-chain.pem";
        client.key = "ecdsa/client.key";
        server.client_auth = TLS_CLIENT_AUTH_REQUIRED;
        server.verify = TLS_VERIFY_ASK;
        client_context = make_client_context(&client);
        server_context = make_server_context(&server);
        pair = new_pair_of(client_context, NULL, NULL);
        pump(&pair);
        check_asking(pair.server, TLS_ASK_CONTEXT);
        CHECK_EQ(tls_answer_context(pair.server, server_context), TLS_OK);
        pump(&pair);
        check_asking(pair.server, TLS_ASK_VERIFY);
        CHECK_EQ(tls_answer_verify(pair.server, 0), TLS_OK);
        finish_handshake(&pair);
        check_alive(&pair);
        free_pair(&pair);
        tls_context_free(client_context);
        tls_context_free(server_context);
    }
}

/* ---- A context that asks for another one ---- */

static tls_context_t *asking_context(const struct recipe *recipe)
{
    tls_builder_t *builder = make_builder(recipe);
    tls_error_t error = {.size = sizeof(error)};
    tls_context_t *context;

    CHECK_EQ(tls_builder_ask_context(builder, 1), TLS_OK);
    CHECK_EQ(tls_builder_limits(builder, TLS_MIN_INBOUND_LIMIT, 0), TLS_OK);
    CHECK_EQ(tls_builder_handshake_budget(builder, TLS_MIN_HANDSHAKE_BUDGET), TLS_OK);
    CHECK_EQ(tls_builder_handshake_deadline(builder, 1000), TLS_OK);
    CHECK_EQ(tls_builder_events(builder, TLS_EVENT_ALERT_SENT), TLS_OK);
    context = tls_context_server(builder, &error);
    CHECK_EQ(error.status, TLS_OK);
    tls_builder_free(builder);
    return context;
}

static struct pair pair_that_asks(uint16_t version, const tls_context_t *server)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_context_t *client = make_client_context(&recipe);
    struct pair pair = new_pair_of(client, server, NULL);

    tls_context_free(client);
    return pair;
}

/* */
static void a_context_can_ask_for_another_one(void)
{
    static const struct recipe nobody = {NULL};
    tls_context_t *first = asking_context(&plain_server), *none = asking_context(&nobody);
    tls_context_t *other = make_server_context(&plain_server);
    tls_error_t error = {.size = sizeof(error)};

    for (EACH_VERSION) {
        /* Another one, or the one that asked. */
        for (int same = 0; same < 2; same++) {
            struct pair pair = pair_that_asks(version, same ? first : none);

            pump(&pair);
            check_asking(pair.server, TLS_ASK_CONTEXT);
            CHECK_EQ(tls_sni(pair.server, NULL, 0), strlen("localhost"));
            CHECK(tls_hello_raw(pair.server, NULL, 0) > 0);
            CHECK_EQ(tls_answer_context(pair.server, none), TLS_ERR_ARGUMENT);
            CHECK_EQ(tls_answer_context_with(pair.server, none, NULL, &error), TLS_ERR_ARGUMENT);
            CHECK(strstr(error.message, "identity") != NULL);
            check_asking(pair.server, TLS_ASK_CONTEXT);
            CHECK_EQ(tls_answer_context(pair.server, same ? first : other), TLS_OK);
            finish_handshake(&pair);
            check_alive(&pair);
            free_pair(&pair);
        }
    }
    tls_context_free(first);
    tls_context_free(none);
    tls_context_free(other);
}

/* What a server without a context has not, until it is given one. */
static void a_context_that_asks_has_limits_before_the_answer(void)
{
    static unsigned char junk[TLS_DEFAULT_LIMIT];
    struct recipe nobody = {NULL};
    tls_context_t *asking = asking_context(&nobody);
    struct pair pair = pair_that_asks(TLS_VERSION_1_3, asking);
    tls_event_t event = {.size = sizeof(event)};

    /* The inbound limit. */
    CHECK_EQ(tls_feed(pair.server, junk, sizeof(junk)), TLS_MIN_INBOUND_LIMIT);
    free_pair(&pair);

    /* The budget: a message that is longer. */
    pair = pair_that_asks(TLS_VERSION_1_3, asking);
    memcpy(junk, "\x16\x03\x01\x20\x00\x01\x00\x1f\xfc", 9);
    CHECK_EQ(tls_feed(pair.server, junk, TLS_MIN_HANDSHAKE_BUDGET), TLS_MIN_HANDSHAKE_BUDGET);
    CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
    CHECK_EQ(tls_feed(pair.server, junk, 1), 1);
    CHECK_EQ(tls_advance(pair.server), TLS_ERR_PEER);
    CHECK_EQ(error_of(pair.server).reason, TLS_REASON_HANDSHAKE_BUDGET);
    free_pair(&pair);

    /* The deadline at the open question, and the event of the alert. */
    pair = pair_that_asks(TLS_VERSION_1_3, asking);
    CHECK_EQ(tls_time(pair.server, 1), TLS_OK);
    pump(&pair);
    check_asking(pair.server, TLS_ASK_CONTEXT);
    CHECK_EQ(tls_time(pair.server, 1001), TLS_ERR_PEER);
    CHECK_EQ(error_of(pair.server).reason, TLS_REASON_HANDSHAKE_DEADLINE);
    CHECK_EQ(tls_next_event(pair.server, &event), 1);
    CHECK_EQ(event.kind, TLS_EVENT_ALERT_SENT);
    CHECK_EQ(event.number, 40);
    free_pair(&pair);
    tls_context_free(asking);
}

static void asking_is_on_or_off(void)
{
    tls_builder_t *builder = make_builder(&plain_server);
    tls_context_t *context;
    struct pair pair;

    CHECK_EQ(tls_builder_ask_context(builder, 2), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_ask_context(builder, -1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(tls_builder_ask_context(builder, 1), TLS_OK);
    CHECK_EQ(tls_builder_ask_context(builder, 0), TLS_OK);
    context = tls_context_server(builder, NULL);
    pair = pair_that_asks(TLS_VERSION_1_3, context);
    finish_handshake(&pair);
    free_pair(&pair);
    tls_context_free(context);
    tls_builder_free(builder);
}

static void check_nothing_to_answer(tls_conn_t *conn, const tls_context_t *context)
{
    CHECK_EQ(tls_answer_context(conn, context), TLS_ERR_STATE);
    CHECK_EQ(tls_answer_verify(conn, 0), TLS_ERR_STATE);
    CHECK_EQ(tls_answer_sign(conn, "x", 1), TLS_ERR_STATE);
    CHECK_EQ(tls_answer_refuse(conn, 40), TLS_ERR_STATE);
}

/* */
static void an_answer_to_no_question_does_no_harm(void)
{
    tls_context_t *context = make_server_context(&plain_server);
    struct pair pair = new_pair(&plain_client, &plain_server, NULL);

    check_nothing_to_answer(pair.client, context);
    check_nothing_to_answer(pair.server, context);
    finish_handshake(&pair);
    check_nothing_to_answer(pair.client, context);
    check_nothing_to_answer(pair.server, context);
    check_alive(&pair);
    free_pair(&pair);
    tls_context_free(context);
}

static void an_open_question_can_be_left(void)
{
    struct recipe asking = {.verify = TLS_VERIFY_ASK};
    struct pair pair = contextless_pair(TLS_VERSION_1_3, NULL);

    pump(&pair);
    check_asking(pair.server, TLS_ASK_CONTEXT);
    free_pair(&pair);

    pair = new_pair(&asking, &plain_server, NULL);
    pump(&pair);
    check_asking(pair.client, TLS_ASK_VERIFY);
    free_pair(&pair);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(a_context_is_chosen_by_name);
    RUN(a_hello_in_single_bytes_asks_once_it_is_whole);
    RUN(a_wrong_answer_leaves_the_question_open);
    RUN(a_hello_is_refused_with_an_alert);
    RUN(a_client_asks_and_decides);
    RUN(the_rules_of_the_context_can_decide);
    RUN(a_server_asks_and_decides);
    RUN(both_roles_reject_with_an_alert);
    RUN(one_connection_asks_both_questions);
    RUN(a_context_can_ask_for_another_one);
    RUN(a_context_that_asks_has_limits_before_the_answer);
    RUN(asking_is_on_or_off);
    RUN(an_answer_to_no_question_does_no_harm);
    RUN(an_open_question_can_be_left);
    return 0;
}
