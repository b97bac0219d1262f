/* A server asks a client for an identity: the host chooses. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"
#include "signer.h"

enum { CERTIFICATE_UNKNOWN = 46, DECODE_ERROR = 50, ECDSA_P256 = 0x0403 };

/* How the bytes of the server come to the client. */
enum cut { WHOLE, BY_BYTE, LAST_CUT = BY_BYTE };

static tls_context_t *asking_client(uint16_t version, int32_t verify)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_builder_t *builder;
    tls_context_t *context;

    recipe.verify = verify;
    builder = make_builder(&recipe);
    CHECK_EQ(tls_builder_ask_identity(builder, 1), TLS_OK);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static tls_context_t *identity_of(const char *chain, const char *key)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;
    size_t len;

    if (chain) {
        char *pem = pki_read(chain, &len);

        if (key) {
            size_t key_len;
            char *key_pem = pki_read(key, &key_len);

            CHECK_EQ(tls_builder_identity_pem(builder, pem, len, key_pem, key_len), TLS_OK);
            free(key_pem);
        } else {
            CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
        }
        free(pem);
    }
    CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_DANGEROUS_NONE), TLS_OK);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static tls_context_t *requesting_server(uint16_t version, int32_t client_auth)
{
    struct recipe recipe = with_version(plain_server, version);

    recipe.client_auth = client_auth;
    recipe.trust = "trust/all.pem";
    return make_server_context(&recipe);
}

static struct pair pair_that_asks(uint16_t version, int32_t verify, int32_t client_auth)
{
    tls_context_t *client = asking_client(version, verify);
    tls_context_t *server = requesting_server(version, client_auth);
    struct pair pair = new_pair_of(client, server, NULL);

    tls_context_free(client);
    tls_context_free(server);
    return pair;
}

/* Everything that the server has said, as far as the client takes it. */
static void give(struct pair *pair, enum cut cut)
{
    unsigned char wire[32 * 1024];
    ptrdiff_t len = tls_drain_into(pair->server, wire, sizeof(wire)), at;

    CHECK(len >= 0);
    for (at = 0; at < len;) {
        size_t piece = cut == BY_BYTE ? 1 : (size_t)(len - at);
        ptrdiff_t taken = tls_feed(pair->client, wire + at, piece);

        CHECK(taken > 0);
        at += taken;
        tls_advance(pair->client);
    }
}

static void go_to_question(struct pair *pair, enum cut cut)
{
    carry(pair->client, pair->server);
    tls_advance(pair->server);
    give(pair, cut);
    CHECK_EQ(tls_advance(pair->client), TLS_ASK_IDENTITY);
    CHECK_EQ(tls_state(pair->client) & (TLS_ASKING | TLS_HANDSHAKING),
             TLS_ASKING | TLS_HANDSHAKING);
}

static void check_facts(tls_conn_t *client)
{
    unsigned char schemes[256], name[512], first[512];
    ptrdiff_t len = tls_identity_schemes(client, schemes, sizeof(schemes)), i, authorities;
    int found = 0;

    CHECK_EQ(tls_identity_type(client), 0);
    CHECK(len > 0 && len % 2 == 0);
    CHECK_EQ(tls_identity_schemes(client, NULL, 0), len);
    for (i = 0; i < len; i += 2)
        found |= (schemes[i] << 8 | schemes[i + 1]) == ECDSA_P256;
    CHECK(found);
    for (authorities = 0; tls_identity_authority(client, (size_t)authorities, name, 512) > 0;)
        authorities++;
    CHECK(authorities > 1);
    len = tls_identity_authority(client, 0, first, sizeof(first));
    CHECK_EQ(first[0], 0x30); /* a SEQUENCE of names */
    CHECK_EQ(tls_identity_authority(client, (size_t)authorities, NULL, 0), 0);
    memset(name, 0xee, sizeof(name));
    CHECK_EQ(tls_identity_authority(client, 0, name, 4), len);
    CHECK_BYTES(name, first, 4);
    CHECK_EQ(name[4], 0xee);
}

/* Lets the handshake go on to its end, whatever else is asked. */
static void finish(struct pair *pair, const char *key)
{
    int turn;

    for (turn = 0; turn < 20; turn++) {
        tls_status_t status = tls_advance(pair->client);

        if (status == TLS_ASK_SIGN) {
            unsigned char signature[1024];
            size_t len = sign_outside(pair->client, key, signature, sizeof(signature));

            CHECK_EQ(tls_answer_sign(pair->client, signature, len), TLS_OK);
        } else if (status == TLS_ASK_VERIFY) {
            CHECK_EQ(tls_answer_verify(pair->client, -1), TLS_OK);
        }
        pump(pair);
    }
    finish_handshake(pair);
    CHECK_EQ(tls_identity_type(pair->client), TLS_ERR_STATE);
    CHECK_EQ(tls_identity_schemes(pair->client, NULL, 0), 0);
    CHECK_EQ(tls_identity_authority(pair->client, 0, NULL, 0), 0);
    CHECK_EQ(tls_answer_identity(pair->client, NULL), TLS_ERR_STATE);
    check_alive(pair);
}

/* */
static void what_is_answered_is_shown(void)
{
    static const struct {
        const char *chain, *key, *signs;
    } answers[] = {
        {NULL, NULL, NULL},
        {"ecdsa/client-chain.pem", "ecdsa/client.key", NULL},
        {"rsa/client-chain.pem", "rsa/client.key", NULL},
        {"ecdsa/client-chain.pem", NULL, "ecdsa/client.key"},
    };
    size_t i;
    int cut, asks;

    for (EACH_VERSION) {
        for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
            for (cut = 0; cut <= LAST_CUT; cut++) {
                for (asks = 0; asks < 2; asks++) {
                    struct pair pair = pair_that_asks(
                        version, asks ? TLS_VERIFY_ASK : TLS_VERIFY_PEER, TLS_CLIENT_AUTH_OPTIONAL);
                    tls_context_t *identity = NULL;

                    go_to_question(&pair, (enum cut)cut);
                    check_facts(pair.client);
                    if (answers[i].chain)
                        identity = identity_of(answers[i].chain, answers[i].key);
                    CHECK_EQ(tls_answer_identity(pair.client, identity), TLS_OK);
                    tls_context_free(identity);
                    finish(&pair, answers[i].signs);
                    CHECK_EQ(tls_peer_certificate(pair.server, 0, NULL, 0) > 0,
                             answers[i].chain != NULL);
                    free_pair(&pair);
                }
            }
        }
    }
}

/* */
static void what_is_no_answer_leaves_the_question_open(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_that_asks(version, TLS_VERIFY_PEER, TLS_CLIENT_AUTH_OPTIONAL);
        tls_context_t *server = requesting_server(version, TLS_CLIENT_AUTH_NONE);
        tls_context_t *nobody = identity_of(NULL, NULL);
        tls_context_t *identity = identity_of("ecdsa/client-chain.pem", "ecdsa/client.key");

        CHECK_EQ(tls_answer_identity(pair.client, identity), TLS_ERR_STATE);
        CHECK_EQ(tls_answer_identity(NULL, identity), TLS_ERR_ARGUMENT);
        go_to_question(&pair, WHOLE);
        CHECK_EQ(tls_answer_identity(pair.client, server), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_identity(pair.client, nobody), TLS_ERR_ARGUMENT);
        tls_context_free(nobody);
        CHECK_EQ(tls_answer_identity(pair.client, nobody), TLS_ERR_HANDLE);
        CHECK_EQ(tls_answer_sign(pair.client, "x", 1), TLS_ERR_STATE);
        CHECK_EQ(tls_answer_verify(pair.client, 0), TLS_ERR_STATE);
        CHECK_EQ(tls_answer_refuse(pair.client, 1), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_identity(pair.server, identity), TLS_ERR_STATE);
        CHECK_EQ(tls_advance(pair.client), TLS_ASK_IDENTITY);
        check_facts(pair.client);
        CHECK_EQ(tls_answer_identity(pair.client, identity), TLS_OK);
        finish(&pair, NULL);
        CHECK(tls_peer_certificate(pair.server, 0, NULL, 0) > 0);
        tls_context_free(server);
        tls_context_free(identity);
        free_pair(&pair);
    }
}

/* A raw public key is no answer to a server that wants certificates. */
static void an_identity_that_does_not_fit_leaves_the_question_open(void)
{
    struct pair pair = pair_that_asks(TLS_VERSION_1_3, TLS_VERIFY_PEER, TLS_CLIENT_AUTH_OPTIONAL);
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *raw;
    size_t len;
    char *key = pki_read("ecdsa/client.key", &len);

    CHECK_EQ(tls_builder_raw_identity_pem(builder, key, len), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_3, TLS_VERSION_1_3), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_DANGEROUS_NONE), TLS_OK);
    raw = tls_context_client(builder, NULL);
    CHECK(raw != NULL);
    tls_builder_free(builder);
    free(key);

    go_to_question(&pair, WHOLE);
    CHECK_EQ(tls_answer_identity(pair.client, raw), TLS_ERR_CONFIG);
    CHECK_EQ(tls_advance(pair.client), TLS_ASK_IDENTITY);
    CHECK_EQ(tls_answer_identity(pair.client, NULL), TLS_OK);
    finish(&pair, NULL);
    tls_context_free(raw);
    free_pair(&pair);
}

/* */
static void a_refusal_ends_the_handshake_with_its_alert(void)
{
    int cut;

    for (EACH_VERSION) {
        for (cut = 0; cut <= LAST_CUT; cut++) {
            struct pair pair = pair_that_asks(version, TLS_VERIFY_PEER, TLS_CLIENT_AUTH_REQUIRED);
            tls_error_t error;

            go_to_question(&pair, (enum cut)cut);
            CHECK_EQ(tls_answer_refuse(pair.client, CERTIFICATE_UNKNOWN), TLS_OK);
            CHECK_EQ(tls_advance(pair.client), TLS_ERR_CERTIFICATE);
            error = error_of(pair.client);
            CHECK_EQ(error.alert_sent, CERTIFICATE_UNKNOWN);
            CHECK(strstr(error.message, "identity") != NULL);
            carry(pair.client, pair.server);
            CHECK_EQ(tls_advance(pair.server), TLS_ERR_ALERT);
            CHECK_EQ(error_of(pair.server).alert_received, CERTIFICATE_UNKNOWN);
            free_pair(&pair);
        }
    }
}

/* The server's own certificate is not in: nothing but a record of the engine's choice can say no.
 */
static void a_refusal_before_the_certificate_is_a_decode_error(void)
{
    struct pair pair = pair_that_asks(TLS_VERSION_1_3, TLS_VERIFY_PEER, TLS_CLIENT_AUTH_REQUIRED);
    unsigned char wire[32 * 1024];
    ptrdiff_t len, at = 0;

    carry(pair.client, pair.server);
    tls_advance(pair.server);
    len = tls_drain_into(pair.server, wire, sizeof(wire));
    while (at < len && tls_advance(pair.client) != TLS_ASK_IDENTITY)
        CHECK_EQ(tls_feed(pair.client, wire + at++, 1), 1);
    CHECK_EQ(tls_advance(pair.client), TLS_ASK_IDENTITY);
    CHECK_EQ(tls_answer_refuse(pair.client, CERTIFICATE_UNKNOWN), TLS_OK);
    CHECK_EQ(tls_advance(pair.client), TLS_ERR_CERTIFICATE);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_advance(pair.server), TLS_ERR_ALERT);
    {
        int16_t alert = error_of(pair.server).alert_received;

        CHECK_EQ(error_of(pair.client).alert_sent, alert);
        CHECK(alert == DECODE_ERROR || alert == CERTIFICATE_UNKNOWN);
    }
    free_pair(&pair);
}

static void *answer_there(void *of)
{
    struct pair *pair = of;
    tls_context_t *identity = identity_of("ecdsa/client-chain.pem", "ecdsa/client.key");

    CHECK_EQ(tls_answer_identity(pair->client, identity), TLS_OK);
    tls_context_free(identity);
    return NULL;
}

static void the_answer_may_come_from_another_thread_or_never(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_that_asks(version, TLS_VERIFY_PEER, TLS_CLIENT_AUTH_REQUIRED);
        pthread_t thread;

        go_to_question(&pair, WHOLE);
        CHECK_EQ(pthread_create(&thread, NULL, answer_there, &pair), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        finish(&pair, NULL);
        free_pair(&pair);

        pair = pair_that_asks(version, TLS_VERIFY_PEER, TLS_CLIENT_AUTH_REQUIRED);
        go_to_question(&pair, WHOLE);
        free_pair(&pair);
    }
}

static void a_server_that_wants_none_is_not_asked_about(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_that_asks(version, TLS_VERIFY_PEER, TLS_CLIENT_AUTH_NONE);

        finish_handshake(&pair);
        check_alive(&pair);
        free_pair(&pair);
    }
}

/* */
static void a_resumed_session_is_not_asked_about(void)
{
    for (EACH_VERSION) {
        tls_context_t *client = asking_client(version, TLS_VERIFY_PEER);
        tls_context_t *server = requesting_server(version, TLS_CLIENT_AUTH_REQUIRED);
        tls_context_t *identity = identity_of("ecdsa/client-chain.pem", "ecdsa/client.key");
        struct pair pair = new_pair_of(client, server, NULL);

        go_to_question(&pair, WHOLE);
        CHECK_EQ(tls_answer_identity(pair.client, identity), TLS_OK);
        finish(&pair, NULL);
        free_pair(&pair);

        pair = new_pair_of(client, server, NULL);
        finish_handshake(&pair);
        CHECK_EQ(tls_handshake_kind(pair.client), TLS_HANDSHAKE_RESUMED);
        CHECK(tls_peer_certificate(pair.server, 0, NULL, 0) > 0);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
        tls_context_free(identity);
    }
}

/* Records behind the last flight come whole, whoever chose the identity. */
static void what_follows_the_handshake_in_one_feed_is_whole(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_that_asks(version, TLS_VERIFY_PEER, TLS_CLIENT_AUTH_REQUIRED);
        tls_context_t *identity = identity_of("ecdsa/client-chain.pem", "ecdsa/client.key");
        char plain[32];
        ptrdiff_t len;

        go_to_question(&pair, WHOLE);
        CHECK_EQ(tls_answer_identity(pair.client, identity), TLS_OK);
        CHECK(tls_advance(pair.client) != TLS_ASK_IDENTITY);
        carry(pair.client, pair.server);
        CHECK_EQ(tls_advance(pair.server), TLS_OK);
        CHECK_EQ(tls_write_from(pair.server, "first ", 6), 6);
        CHECK_EQ(tls_write_from(pair.server, "second ", 7), 7);
        CHECK_EQ(tls_write_from(pair.server, "third", 5), 5);
        carry(pair.server, pair.client);
        tls_state(pair.client);
        len = tls_read_into(pair.client, plain, sizeof(plain));
        CHECK_EQ(len, 18);
        CHECK_BYTES(plain, "first second third", 18);
        tls_context_free(identity);
        free_pair(&pair);
    }
}

/* A context with a long chain, in records of `record_size` plain bytes. */
static tls_context_t *long_identity(size_t certificates, size_t record_size)
{
    size_t len, more_len, i, at;
    char *chain = pki_read("rsa/client-chain.pem", &len), *more = pki_read("rsa/ca.pem", &more_len);
    char *pem = malloc(len + certificates * more_len);
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *identity;

    CHECK(pem != NULL);
    memcpy(pem, chain, at = len);
    for (i = 0; i < certificates; i++, at += more_len)
        memcpy(pem + at, more, more_len);
    CHECK_EQ(tls_builder_identity_external(builder, pem, at), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_DANGEROUS_NONE), TLS_OK);
    CHECK_EQ(tls_builder_record_size(builder, record_size), TLS_OK);
    identity = tls_context_client(builder, NULL);
    CHECK(identity != NULL);
    tls_builder_free(builder);
    free(chain);
    free(more);
    free(pem);
    return identity;
}

/* What a flight is on the wire, the size of records decides that the context of the connection
 * sets; that of the identity's context has no say. */
static void an_identity_whose_flight_in_records_has_no_room_is_refused(void)
{
    static const struct {
        size_t certificates, own_size, identity_size;
        int32_t answer;
    } rows[] = {
        {55, 0, 0, TLS_OK},  {55, 64, 0, TLS_ERR_LIMIT}, {40, 0, 0, TLS_OK},
        {40, 64, 0, TLS_OK}, {40, 0, 64, TLS_OK},        {40, 64, 64, TLS_OK},
    };
    tls_context_t *server = requesting_server(TLS_VERSION_1_3, TLS_CLIENT_AUTH_OPTIONAL);
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        tls_builder_t *builder = make_builder(&plain_client);
        tls_context_t *client, *identity;
        struct pair pair;

        CHECK_EQ(tls_builder_ask_identity(builder, 1), TLS_OK);
        CHECK_EQ(tls_builder_record_size(builder, rows[i].own_size), TLS_OK);
        client = tls_context_client(builder, NULL);
        CHECK(client != NULL);
        tls_builder_free(builder);
        identity = long_identity(rows[i].certificates, rows[i].identity_size);
        pair = new_pair_of(client, server, NULL);
        go_to_question(&pair, WHOLE);
        CHECK_EQ(tls_answer_identity(pair.client, identity), rows[i].answer);
        if (rows[i].answer != TLS_OK) {
            CHECK_EQ(tls_advance(pair.client), TLS_ASK_IDENTITY);
            CHECK_EQ(tls_answer_identity(pair.client, NULL), TLS_OK);
            finish(&pair, NULL);
        }
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(identity);
    }
    tls_context_free(server);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(what_is_answered_is_shown);
    RUN(an_identity_whose_flight_in_records_has_no_room_is_refused);
    RUN(what_is_no_answer_leaves_the_question_open);
    RUN(an_identity_that_does_not_fit_leaves_the_question_open);
    RUN(a_refusal_ends_the_handshake_with_its_alert);
    RUN(a_refusal_before_the_certificate_is_a_decode_error);
    RUN(the_answer_may_come_from_another_thread_or_never);
    RUN(a_server_that_wants_none_is_not_asked_about);
    RUN(a_resumed_session_is_not_asked_about);
    RUN(what_follows_the_handshake_in_one_feed_is_whole);
    return 0;
}
