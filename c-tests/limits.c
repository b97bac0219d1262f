/* Section 16: what a handshake may take. tests/interop/openssl_limits.py has the same with a peer
 * that is not ours; worst_case.c measures what connections hold. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define DECODE_ERROR 50
#define HANDSHAKE_FAILURE 40

/* Its signatures are all of one length, so that all its handshakes are. */
static const struct recipe rsa_client = {
    .chain = "rsa/client-chain.pem", .key = "rsa/client.key", .trust = "trust/all.pem"};
static const struct recipe rsa_server = {.chain = "rsa/server-chain.pem",
                                         .key = "rsa/server.key",
                                         .trust = "trust/all.pem",
                                         .client_auth = TLS_CLIENT_AUTH_REQUIRED};

static tls_context_t *limited(const struct recipe *recipe, int is_server, size_t budget,
                              uint64_t deadline)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = make_builder(recipe);
    tls_context_t *context;

    CHECK_EQ(tls_builder_sessions(builder, 0), TLS_OK);
    CHECK_EQ(tls_builder_handshake_budget(builder, budget), TLS_OK);
    CHECK_EQ(tls_builder_handshake_deadline(builder, deadline), TLS_OK);
    context = is_server ? tls_context_server(builder, &error) : tls_context_client(builder, &error);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static struct pair limited_pair(const struct recipe *client, const struct recipe *server,
                                size_t budget, uint64_t deadline)
{
    tls_context_t *client_context = limited(client, 0, budget, deadline);
    tls_context_t *server_context = limited(server, 1, budget, deadline);
    struct pair pair = new_pair_of(client_context, server_context, NULL);

    tls_context_free(client_context);
    tls_context_free(server_context);
    return pair;
}

static uint64_t wire_in(tls_conn_t *conn)
{
    tls_counters_t counters = {.size = sizeof(counters)};

    CHECK_EQ(tls_counters(conn, &counters), TLS_OK);
    return counters.wire_in;
}

/* The connection failed for this reason, and its peer is told so. */
static void check_failed(tls_conn_t *conn, tls_conn_t *peer, int32_t reason, int alert)
{
    tls_error_t error = error_of(conn);

    CHECK_EQ(error.status, TLS_ERR_PEER);
    CHECK_EQ(error.reason, reason);
    CHECK_EQ(error.alert_sent, alert);
    CHECK(strstr(error.message, reason == TLS_REASON_HANDSHAKE_TOO_LARGE ? "inbound limit"
                                : reason == TLS_REASON_HANDSHAKE_BUDGET
                                    ? "tls_builder_handshake_budget"
                                    : "tls_builder_handshake_deadline") != NULL);
    CHECK_EQ(tls_advance(conn), TLS_ERR_PEER);
    CHECK((tls_state(conn) & (TLS_FAILED | TLS_ASKING)) == TLS_FAILED);
    CHECK(carry(conn, peer) > 0);
    CHECK_EQ(tls_advance(peer), TLS_ERR_ALERT);
    CHECK_EQ(error_of(peer).alert_received, alert);
}

static void a_budget_is_large_enough(void)
{
    tls_builder_t *builder = tls_builder_new();
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_builder_handshake_budget(builder, TLS_MIN_HANDSHAKE_BUDGET - 1), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.reason, TLS_REASON_LIMIT_TOO_SMALL);
    CHECK(strstr(error.message, "4095") != NULL);
    CHECK_EQ(tls_builder_handshake_budget(builder, 1), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_handshake_budget(builder, TLS_MIN_HANDSHAKE_BUDGET), TLS_OK);
    CHECK_EQ(tls_builder_handshake_budget(builder, SIZE_MAX), TLS_OK);
    CHECK_EQ(tls_builder_handshake_budget(builder, 0), TLS_OK);
    tls_builder_free(builder);
}

/* A chain so long that the client's flight is more than the least budget. */
static char *long_chain(size_t *len)
{
    size_t own_len, more_len;
    char *own = pki_read("rsa/client-chain.pem", &own_len);
    char *more = pki_read("rsa/inter.pem", &more_len), *chain;

    chain = malloc(own_len + 8 * more_len);
    memcpy(chain, own, own_len);
    for (size_t i = 0; i < 8; i++)
        memcpy(chain + own_len + i * more_len, more, more_len);
    free(own);
    free(more);
    *len = own_len + 8 * more_len;
    return chain;
}

static tls_context_t *long_client(uint16_t version)
{
    size_t len, key_len;
    char *chain = long_chain(&len), *key = pki_read("rsa/client.key", &key_len);
    struct recipe recipe = with_version(plain_client, version);
    tls_builder_t *builder = make_builder(&recipe);
    tls_context_t *context;

    CHECK_EQ(tls_builder_identity_pem(builder, chain, len, key, key_len), TLS_OK);
    CHECK_EQ(tls_builder_sessions(builder, 0), TLS_OK);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    free(chain);
    free(key);
    return context;
}

enum way { FED, IN_PLACE };

/* Gives the server what the client has queued, cut bytes at a time. */
static tls_status_t give(tls_conn_t *client, tls_conn_t *server, enum way way, size_t cut)
{
    static unsigned char wire[65536];
    static size_t waiting;
    ptrdiff_t len;
    tls_status_t status = TLS_OK;

    while ((len = tls_drain_into(client, wire + waiting, cut)) > 0) {
        if (way == FED) {
            if (tls_feed(server, wire, (size_t)len) < 0)
                return tls_advance(server);
            status = tls_advance(server);
        } else {
            tls_span_t spans[4];
            size_t consumed = 0;
            ptrdiff_t n;

            waiting += (size_t)len;
            while ((n = tls_read_in_place(server, wire, waiting, spans, 4, &consumed)) > 0) {
                memmove(wire, wire + consumed, waiting - consumed);
                waiting -= consumed;
            }
            status = (tls_status_t)n;
            if (status == TLS_WANT_FEED) {
                memmove(wire, wire + consumed, waiting - consumed);
                waiting -= consumed;
            }
        }
        if (status <= TLS_ERR_PEER)
            break;
    }
    waiting = 0;
    return status;
}

/* */
static void the_budget_is_exact_however_the_bytes_are_cut(void)
{
    static const size_t cuts[] = {1, 7, 1000, 65536};

    for (EACH_VERSION) {
        tls_context_t *client = long_client(version), *server = limited(&rsa_server, 1, 0, 0);
        struct pair pair = new_pair_of(client, server, NULL);
        uint64_t needed;

        finish_handshake(&pair);
        needed = wire_in(pair.server);
        CHECK(needed > TLS_MIN_HANDSHAKE_BUDGET);
        free_pair(&pair);
        tls_context_free(server);
        for (size_t i = 0; i < 16; i++) {
            size_t cut = cuts[i % 4], less = i / 4 % 2;
            enum way way = i < 8 ? FED : IN_PLACE;
            tls_status_t status = TLS_OK;

            server = limited(&rsa_server, 1, needed - less, 0);
            pair = new_pair_of(client, server, NULL);
            tls_context_free(server);
            for (int flight = 0; flight < 3 && status >= TLS_WANT_FEED; flight++) {
                /* What comes behind the handshake in the same call is not of the handshake. */
                if (tls_advance(pair.client) == TLS_OK)
                    CHECK_EQ(tls_write_from(pair.client, "behind", 6), 6);
                status = give(pair.client, pair.server, way, cut);
                carry(pair.server, pair.client);
            }
            if (less) {
                CHECK_EQ(status, TLS_ERR_PEER);
                CHECK_EQ(error_of(pair.server).reason, TLS_REASON_HANDSHAKE_BUDGET);
                CHECK_EQ(error_of(pair.server).alert_sent, DECODE_ERROR);
                CHECK_EQ(tls_advance(pair.client), TLS_ERR_ALERT);
                CHECK_EQ(error_of(pair.client).alert_received, DECODE_ERROR);
            } else {
                check_healthy(pair.server);
                CHECK((tls_state(pair.server) & TLS_HANDSHAKING) == 0);
            }
            free_pair(&pair);
        }
        tls_context_free(client);
    }
}

/* Before any key, and under the keys of a handshake; without a whole record as well. */
static void a_peer_that_exceeds_the_budget_is_told(void)
{
    static unsigned char junk[8192] = {22, 3, 1, 0x40, 0};

    for (EACH_VERSION) {
        struct recipe client = with_version(plain_client, version);
        struct pair pair = limited_pair(&client, &plain_server, TLS_MIN_HANDSHAKE_BUDGET, 0);
        struct pair bystander = connected_pair(version);

        CHECK_EQ(tls_feed(pair.server, junk, TLS_MIN_HANDSHAKE_BUDGET), TLS_MIN_HANDSHAKE_BUDGET);
        CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
        CHECK_EQ(tls_feed(pair.server, junk, 1), 1);
        CHECK_EQ(tls_advance(pair.server), TLS_ERR_PEER);
        check_failed(pair.server, pair.client, TLS_REASON_HANDSHAKE_BUDGET, DECODE_ERROR);
        check_alive(&bystander);
        free_pair(&bystander);
        free_pair(&pair);

        /* The server has sent its flight; what comes instead of the client's never ends. */
        pair = limited_pair(&client, &plain_server, TLS_MIN_HANDSHAKE_BUDGET, 0);
        CHECK(carry(pair.client, pair.server) > 0);
        CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
        CHECK(carry(pair.server, pair.client) > 0);
        junk[0] = version == TLS_VERSION_1_3 ? 23 : 22;
        CHECK_EQ(tls_feed(pair.server, junk, TLS_MIN_HANDSHAKE_BUDGET), TLS_MIN_HANDSHAKE_BUDGET);
        CHECK_EQ(tls_advance(pair.server), TLS_ERR_PEER);
        junk[0] = 22;
        check_failed(pair.server, pair.client, TLS_REASON_HANDSHAKE_BUDGET, DECODE_ERROR);
        free_pair(&pair);
    }
}

static void a_client_has_a_budget_too(void)
{
    for (EACH_VERSION) {
        size_t len, key_len;
        char *chain = long_chain(&len), *key = pki_read("rsa/client.key", &key_len);
        struct recipe recipe = with_version(plain_client, version);
        tls_builder_t *builder = tls_builder_new();
        tls_context_t *client, *server;
        struct pair pair;

        CHECK_EQ(tls_builder_identity_pem(builder, chain, len, key, key_len), TLS_OK);
        server = tls_context_server(builder, NULL);
        CHECK(server != NULL);
        tls_builder_free(builder);
        client = limited(&recipe, 0, TLS_MIN_HANDSHAKE_BUDGET, 0);
        pair = new_pair_of(client, server, NULL);
        tls_context_free(client);
        tls_context_free(server);
        CHECK(carry(pair.client, pair.server) > 0);
        CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
        CHECK(carry(pair.server, pair.client) > TLS_MIN_HANDSHAKE_BUDGET);
        CHECK_EQ(tls_advance(pair.client), TLS_ERR_PEER);
        check_failed(pair.client, pair.server, TLS_REASON_HANDSHAKE_BUDGET, DECODE_ERROR);
        free_pair(&pair);
        free(chain);
        free(key);
    }
}

/* A question comes before the budget: what is behind it in the same flight is judged when it was
 * answered. */
static void an_open_question_is_not_over_budget(void)
{
    struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
    size_t len, key_len;
    char *chain = long_chain(&len), *key = pki_read("rsa/client.key", &key_len);
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *server, *client;
    struct pair pair;
    uint64_t flight;
    int asked = 0;

    CHECK_EQ(tls_builder_identity_pem(builder, chain, len, key, key_len), TLS_OK);
    CHECK_EQ(tls_builder_record_size(builder, 64), TLS_OK);
    server = tls_context_server(builder, NULL);
    CHECK(server != NULL);
    tls_builder_free(builder);
    free(chain);
    free(key);
    recipe.verify = TLS_VERIFY_ASK;
    client = limited(&recipe, 0, 0, 0);
    pair = new_pair_of(client, server, NULL);
    pump(&pair);
    CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
    flight = wire_in(pair.client);
    free_pair(&pair);
    tls_context_free(client);

    /* Where it is cut between the signature, which the question is about, and the end of Finished.
     */
    for (size_t less = 1; less < 150; less += 10) {
        CHECK(flight - less > TLS_MIN_HANDSHAKE_BUDGET);
        client = limited(&recipe, 0, flight - less, 0);
        pair = new_pair_of(client, server, NULL);
        pump(&pair);
        if (pair.client_status == TLS_ASK_VERIFY) {
            asked++;
            CHECK_EQ(tls_advance(pair.client), TLS_ASK_VERIFY);
            CHECK_EQ(tls_answer_verify(pair.client, 0), TLS_OK);
        }
        CHECK_EQ(tls_advance(pair.client), TLS_ERR_PEER);
        CHECK_EQ(error_of(pair.client).reason, TLS_REASON_HANDSHAKE_BUDGET);
        free_pair(&pair);
        tls_context_free(client);
    }
    CHECK(asked > 0);
    tls_context_free(server);
}

/* A message that does not fit the inbound limit is answered as well. */
static void too_large_a_message_is_answered(void)
{
    static unsigned char junk[5 + 16384];
    struct recipe server = plain_server;
    struct pair pair;

    memcpy(junk, "\x16\x03\x01\x40\0\x01\0\xff\xff", 9);
    server.inbound = TLS_MIN_INBOUND_LIMIT;
    pair = new_pair(&plain_client, &server, NULL);
    CHECK_EQ(tls_feed(pair.server, junk, sizeof(junk)), sizeof(junk));
    CHECK_EQ(tls_feed(pair.server, junk, sizeof(junk)),
             TLS_MIN_INBOUND_LIMIT - (ptrdiff_t)sizeof(junk));
    CHECK_EQ(tls_advance(pair.server), TLS_ERR_PEER);
    check_failed(pair.server, pair.client, TLS_REASON_HANDSHAKE_TOO_LARGE, DECODE_ERROR);
    free_pair(&pair);
}

/* How far a handshake is when its time is over. */
enum stage { NOTHING, HELLO_SENT, ANSWERED, STAGES };

/* */
static void a_handshake_ends_at_its_deadline(void)
{
    for (EACH_VERSION) {
        for (int stage = 0; stage < STAGES; stage++) {
            for (int late_server = 0; late_server <= 1; late_server++) {
                struct recipe client = with_version(plain_client, version);
                struct pair pair = limited_pair(&client, &plain_server, 0, 1000);
                tls_conn_t *late = late_server ? pair.server : pair.client;
                tls_conn_t *other = late_server ? pair.client : pair.server;

                CHECK_EQ(tls_time(late, 5000), TLS_OK);
                if (stage >= HELLO_SENT) {
                    CHECK(carry(pair.client, pair.server) > 0);
                    CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
                }
                if (stage >= ANSWERED && late_server)
                    CHECK(carry(pair.server, pair.client) > 0);
                CHECK_EQ(tls_time(late, 5999), TLS_OK);
                CHECK_EQ(tls_time(late, 5998), TLS_ERR_ARGUMENT);
                CHECK_EQ(tls_time(late, 6000), TLS_ERR_PEER);
                CHECK_EQ(tls_time(late, 6001), TLS_ERR_PEER);
                if (!late_server && stage == NOTHING)
                    CHECK(tls_drain_consume(late, (size_t)tls_drain_pending(late) - 7) == TLS_OK);
                check_failed(late, other, TLS_REASON_HANDSHAKE_DEADLINE, DECODE_ERROR);
                free_pair(&pair);
            }
        }
    }
}

/* Half a message was taken, in a record of its own or not: the engine has not let go of it. */
static void half_a_message_is_late_too(void)
{
    for (int i = 0; i < 4; i++) {
        struct pair pair = limited_pair(&plain_client, &plain_server, 0, 1000);
        enum way way = i % 2 == 0 ? FED : IN_PLACE;
        static unsigned char wire[8192];
        size_t consumed = 1, len = i < 2 ? 105 : 110;
        tls_span_t span;

        CHECK(tls_drain_into(pair.client, wire, sizeof(wire)) > 200);
        if (i < 2) {
            wire[3] = 0;
            wire[4] = 100;
        }
        CHECK_EQ(tls_time(pair.server, 0), TLS_OK);
        if (way == FED) {
            CHECK_EQ(tls_feed(pair.server, wire, len), len);
            CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
        } else {
            CHECK_EQ(tls_read_in_place(pair.server, wire, len, &span, 1, &consumed), TLS_WANT_FEED);
            CHECK_EQ(consumed, 0);
        }
        CHECK_EQ(tls_time(pair.server, 1000), TLS_ERR_PEER);
        check_failed(pair.server, pair.client, TLS_REASON_HANDSHAKE_DEADLINE, DECODE_ERROR);
        free_pair(&pair);
    }
}

static void an_open_question_ends_at_the_deadline(void)
{
    for (EACH_VERSION) {
        struct recipe client = with_version(plain_client, version);
        size_t len;
        char *pem = pki_read("ecdsa/server-chain.pem", &len);
        tls_builder_t *builder = tls_builder_new();
        tls_context_t *context, *client_context;
        struct pair pair;

        client.verify = TLS_VERIFY_ASK;
        pair = limited_pair(&client, &plain_server, 0, 1000);
        CHECK_EQ(tls_time(pair.client, 0), TLS_OK);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
        CHECK_EQ(tls_time(pair.client, 999), TLS_OK);
        CHECK_EQ(tls_advance(pair.client), TLS_ASK_VERIFY);
        CHECK_EQ(tls_time(pair.client, 1000), TLS_ERR_PEER);
        CHECK_EQ(tls_answer_verify(pair.client, 0), TLS_ERR_STATE);
        check_failed(pair.client, pair.server, TLS_REASON_HANDSHAKE_DEADLINE, HANDSHAKE_FAILURE);
        free_pair(&pair);

        /* A signature that is waited for on a thread. */
        CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
        CHECK_EQ(tls_builder_handshake_deadline(builder, 1000), TLS_OK);
        context = tls_context_server(builder, NULL);
        CHECK(context != NULL);
        client.verify = TLS_VERIFY_PEER;
        client_context = make_client_context(&client);
        pair = new_pair_of(client_context, context, NULL);
        CHECK_EQ(tls_time(pair.server, 0), TLS_OK);
        pump(&pair);
        CHECK_EQ(pair.server_status, TLS_ASK_SIGN);
        CHECK_EQ(tls_time(pair.server, 1000), TLS_ERR_PEER);
        check_failed(pair.server, pair.client, TLS_REASON_HANDSHAKE_DEADLINE, HANDSHAKE_FAILURE);
        free_pair(&pair);
        tls_context_free(client_context);
        tls_context_free(context);
        tls_builder_free(builder);
        free(pem);
    }
}

static void what_is_done_in_time_is_left_alone(void)
{
    for (EACH_VERSION) {
        struct recipe client = with_version(rsa_client, version);
        struct pair pair = limited_pair(&client, &rsa_server, 0, 1000);

        CHECK_EQ(tls_time(pair.server, 7), TLS_OK);
        carry(pair.client, pair.server);
        CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
        carry(pair.server, pair.client);
        CHECK(tls_advance(pair.client) <= TLS_OK);
        /* What was fed counts, although it was not looked at yet. */
        CHECK(carry(pair.client, pair.server) > 0);
        CHECK_EQ(tls_time(pair.server, 1000000), TLS_OK);
        CHECK_EQ(tls_time(pair.server, UINT64_MAX), TLS_OK);
        finish_handshake(&pair);
        check_alive(&pair);
        free_pair(&pair);

        /* Without a clock, and without a deadline. */
        pair = limited_pair(&client, &rsa_server, 0, 1);
        finish_handshake(&pair);
        free_pair(&pair);
        pair = limited_pair(&client, &rsa_server, 0, 0);
        CHECK_EQ(tls_time(pair.server, 0), TLS_OK);
        CHECK_EQ(tls_time(pair.server, UINT64_MAX), TLS_OK);
        finish_handshake(&pair);
        free_pair(&pair);
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(a_budget_is_large_enough);
    RUN(the_budget_is_exact_however_the_bytes_are_cut);
    RUN(a_peer_that_exceeds_the_budget_is_told);
    RUN(a_client_has_a_budget_too);
    RUN(an_open_question_is_not_over_budget);
    RUN(too_large_a_message_is_answered);
    RUN(a_handshake_ends_at_its_deadline);
    RUN(half_a_message_is_late_too);
    RUN(an_open_question_ends_at_the_deadline);
    RUN(what_is_done_in_time_is_left_alone);
    return 0;
}
