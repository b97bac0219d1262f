/* Section 12: plain bytes before the handshake is done. */
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

enum { MOST = 1000 };

struct sides {
    tls_context_t *client, *server;
};

static tls_builder_t *builder_for(uint16_t version, uint32_t most)
{
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_2, version), TLS_OK);
    CHECK_EQ(tls_builder_early_data(builder, most), TLS_OK);
    return builder;
}

static struct sides make_sides(uint16_t version, uint32_t clients, uint32_t servers)
{
    tls_builder_t *client = builder_for(version, clients), *server = builder_for(version, servers);
    struct sides sides;

    CHECK_EQ(tls_builder_identity_file(server, pki_path("ecdsa/server-chain.pem"),
                                       pki_path("ecdsa/server.key")),
             TLS_OK);
    sides.client = tls_context_client(client, NULL);
    sides.server = tls_context_server(server, NULL);
    CHECK(sides.client != NULL && sides.server != NULL);
    tls_builder_free(client);
    tls_builder_free(server);
    return sides;
}

static void free_sides(struct sides *sides)
{
    tls_context_free(sides->client);
    tls_context_free(sides->server);
}

/* A first handshake, so that the next one has something to resume. */
static void meet(const struct sides *sides)
{
    struct pair pair = new_pair_of(sides->client, sides->server, NULL);

    finish_handshake(&pair);
    check_alive(&pair);
    free_pair(&pair);
}

static void without_a_session_there_is_none(void)
{
    struct sides sides = make_sides(TLS_VERSION_1_3, 1, MOST);
    struct pair pair = new_pair_of(sides.client, sides.server, NULL);

    CHECK_EQ(tls_early_write_from(pair.client, "x", 1), TLS_ERR_STATE);
    CHECK_EQ(tls_early_write_from(pair.server, "x", 1), TLS_ERR_STATE);
    CHECK_EQ(tls_early_status(pair.client), TLS_EARLY_NONE);
    finish_handshake(&pair);
    CHECK_EQ(tls_early_status(pair.client), TLS_EARLY_NONE);
    free_pair(&pair);
    free_sides(&sides);
}

/* its records count where they are read and written. */
static void check_counted(const struct pair *pair, uint64_t plain, uint64_t records)
{
    tls_counters_t client = {.size = sizeof(client)}, server = {.size = sizeof(server)};

    CHECK_EQ(tls_counters(pair->client, &client), TLS_OK);
    CHECK_EQ(tls_counters(pair->server, &server), TLS_OK);
    CHECK_EQ(client.plain_out, plain);
    CHECK_EQ(client.records_out, records);
    CHECK_EQ(server.plain_in, plain);
    CHECK_EQ(server.records_in, records);
}

static void early_data_arrives_before_the_handshake_is_done(void)
{
    struct sides sides = make_sides(TLS_VERSION_1_3, 1, MOST);
    struct pair pair;
    unsigned char sent[MOST], got[MOST + 8];

    meet(&sides);
    fill_bytes(sent, sizeof(sent), 1);
    pair = new_pair_of(sides.client, sides.server, NULL);
    CHECK_EQ(tls_early_write_from(pair.client, sent, 600), 600);
    CHECK_EQ(tls_early_status(pair.client), TLS_EARLY_PENDING);
    CHECK_EQ(tls_early_write_from(pair.client, sent + 600, MOST), MOST - 600);
    CHECK_EQ(tls_early_write_from(pair.client, sent, 1), TLS_ERR_LIMIT);
    carry(pair.client, pair.server);

    memset(got, 0xa5, sizeof(got));
    CHECK_EQ(tls_early_read_into(pair.server, got, 7), 7);
    CHECK_EQ(got[7], 0xa5);
    CHECK(tls_state(pair.server) & TLS_HANDSHAKING);
    CHECK_EQ(tls_early_status(pair.server), TLS_EARLY_ACCEPTED);
    CHECK_EQ(tls_early_read_into(pair.server, got + 7, sizeof(got) - 7), MOST - 7);
    CHECK_BYTES(got, sent, MOST);
    CHECK_EQ(tls_early_read_into(pair.server, got, sizeof(got)), TLS_WANT_FEED);
    check_counted(&pair, MOST, 2);

    finish_handshake(&pair);
    CHECK_EQ(tls_resumed(pair.server), 1);
    CHECK_EQ(tls_early_status(pair.client), TLS_EARLY_ACCEPTED);
    CHECK_EQ(tls_early_write_from(pair.client, "x", 1), TLS_ERR_STATE);
    CHECK_EQ(tls_early_read_into(pair.server, got, sizeof(got)), TLS_OK);
    check_alive(&pair);
    free_pair(&pair);
    free_sides(&sides);
}

/* However the wire is cut, and if nobody reads it before the handshake is done. */
static void early_data_is_kept_apart_from_what_follows(void)
{
    struct sides sides = make_sides(TLS_VERSION_1_3, 1, MOST);

    for (size_t cut = 1; cut < 400; cut += 37) {
        struct pair pair;
        unsigned char wire[8192], got[16];
        ptrdiff_t len;

        meet(&sides);
        pair = new_pair_of(sides.client, sides.server, NULL);
        CHECK_EQ(tls_early_write_from(pair.client, "early", 5), 5);
        len = tls_drain_into(pair.client, wire, sizeof(wire));
        for (ptrdiff_t at = 0; at < len; at += (ptrdiff_t)cut) {
            size_t part = (size_t)(len - at) < cut ? (size_t)(len - at) : cut;

            CHECK_EQ(tls_feed(pair.server, wire + at, part), part);
            CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
        }
        carry(pair.server, pair.client);
        CHECK_EQ(tls_advance(pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, "late", 4), 4);
        carry(pair.client, pair.server);
        CHECK_EQ(tls_read_into(pair.server, got, sizeof(got)), 4);
        CHECK_BYTES(got, "late", 4);
        CHECK_EQ(tls_early_read_into(pair.server, got, sizeof(got)), 5);
        CHECK_BYTES(got, "early", 5);
        pump(&pair);
        check_alive(&pair);
        free_pair(&pair);
    }
    free_sides(&sides);
}

/* */
static void a_server_is_split_once_its_early_data_was_read(void)
{
    struct sides sides = make_sides(TLS_VERSION_1_3, 1, MOST);
    tls_error_t error = {.size = sizeof(error)};
    struct pair pair;
    tls_conn_t *half;
    unsigned char got[16];

    meet(&sides);
    pair = new_pair_of(sides.client, sides.server, NULL);
    CHECK_EQ(tls_early_write_from(pair.client, "early", 5), 5);
    finish_handshake(&pair);
    CHECK(tls_split(pair.server, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_STATE);
    CHECK(strstr(error.message, "early data") != NULL);
    CHECK_EQ(tls_early_read_into(pair.server, got, sizeof(got)), 5);
    CHECK_BYTES(got, "early", 5);
    half = tls_split(pair.server, NULL);
    CHECK(half != NULL);
    CHECK_EQ(tls_early_status(pair.server), TLS_EARLY_ACCEPTED);
    CHECK_EQ(tls_early_read_into(pair.server, got, sizeof(got)), TLS_OK);
    CHECK_EQ(tls_write_from(half, "late", 4), 4);
    carry(half, pair.client);
    CHECK_EQ(tls_read_into(pair.client, got, sizeof(got)), 4);
    tls_free(half);
    free_pair(&pair);
    free_sides(&sides);
}

/* The same first flight twice: the second time the session is gone. */
static void a_session_and_its_early_data_are_taken_once(void)
{
    struct sides sides = make_sides(TLS_VERSION_1_3, 1, MOST);
    struct pair pair;
    tls_conn_t *again;
    unsigned char wire[8192], got[16];
    ptrdiff_t len;

    meet(&sides);
    pair = new_pair_of(sides.client, sides.server, NULL);
    again = tls_server_new(sides.server, NULL);
    CHECK_EQ(tls_early_write_from(pair.client, "pay", 3), 3);
    len = tls_drain_into(pair.client, wire, sizeof(wire));
    CHECK_EQ(tls_feed(pair.server, wire, (size_t)len), len);
    CHECK_EQ(tls_early_read_into(pair.server, got, sizeof(got)), 3);
    CHECK_EQ(tls_feed(again, wire, (size_t)len), len);
    CHECK_EQ(tls_early_read_into(again, got, sizeof(got)), TLS_WANT_FEED);
    CHECK_EQ(tls_early_status(again), TLS_EARLY_NONE);
    tls_free(again);
    free_pair(&pair);
    free_sides(&sides);
}

/* A server that learns of it only afterwards refuses it, whatever form its handshake has. */
static void refused_early_data_harms_nothing(void)
{
    struct sides sides = make_sides(TLS_VERSION_1_3, 1, MOST);
    struct sides others = make_sides(TLS_VERSION_1_3, 1, MOST);

    for (int asking = 0; asking < 2; asking++) {
        struct pair pair;
        char got[16];

        meet(&sides);
        pair = new_pair_of(sides.client, asking ? NULL : others.server, NULL);
        CHECK_EQ(tls_early_write_from(pair.client, "early", 5), 5);
        pump(&pair);
        if (asking) {
            CHECK_EQ(pair.server_status, TLS_ASK_CONTEXT);
            CHECK_EQ(tls_answer_context(pair.server, sides.server), TLS_OK);
        }
        finish_handshake(&pair);
        CHECK_EQ(tls_resumed(pair.server), asking);
        CHECK_EQ(tls_early_status(pair.client), TLS_EARLY_REJECTED);
        CHECK_EQ(tls_early_status(pair.server), TLS_EARLY_NONE);
        CHECK_EQ(tls_early_read_into(pair.server, got, sizeof(got)), TLS_OK);
        check_alive(&pair);
        free_pair(&pair);
    }
    free_sides(&sides);
    free_sides(&others);
}

static void it_is_off_unless_both_want_it(void)
{
    static const struct {
        uint16_t version;
        uint32_t client, server;
    } cases[] = {{TLS_VERSION_1_3, 0, MOST}, {TLS_VERSION_1_3, 1, 0}, {TLS_VERSION_1_2, 1, MOST}};

    for (size_t i = 0; i < 3; i++) {
        struct sides sides = make_sides(cases[i].version, cases[i].client, cases[i].server);
        struct pair pair;

        meet(&sides);
        pair = new_pair_of(sides.client, sides.server, NULL);
        CHECK_EQ(tls_early_write_from(pair.client, "early", 5), TLS_ERR_STATE);
        finish_handshake(&pair);
        CHECK_EQ(tls_resumed(pair.client), 1);
        CHECK_EQ(tls_early_status(pair.client), TLS_EARLY_NONE);
        check_alive(&pair);
        free_pair(&pair);
        free_sides(&sides);
    }
}

static void sessions_that_are_carried_have_it_too(void)
{
    struct sides sides = make_sides(TLS_VERSION_1_3, 1, MOST);
    struct pair pair = {NULL, NULL, TLS_OK, TLS_OK};
    tls_session_t *session = NULL;
    char got[16];

    for (int i = 0; i < 3; i++) {
        pair.client = tls_client_new_resuming(sides.client, "localhost", session, NULL);
        pair.server = tls_server_new(sides.server, NULL);
        CHECK_EQ(tls_early_write_from(pair.client, "early", 5), i == 0 ? TLS_ERR_STATE : 5);
        finish_handshake(&pair);
        CHECK_EQ(tls_early_read_into(pair.server, got, sizeof(got)), i == 0 ? TLS_OK : 5);
        tls_session_free(session);
        session = tls_session_take(pair.client, NULL);
        CHECK(session != NULL);
        free_pair(&pair);
    }
    tls_session_free(session);
    free_sides(&sides);
}

static void it_goes_with_no_ticket_keys(void)
{
    struct sides sides = make_sides(TLS_VERSION_1_3, 1, MOST);
    tls_ticket_key_t key = {.size = sizeof(key), .secret_len = 32, .decrypt_until = UINT64_MAX};
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = tls_builder_new();

    memset(key.secret, 7, sizeof(key.secret));
    CHECK_EQ(tls_context_ticket_keys(sides.server, &key, 1, &error), TLS_ERR_STATE);
    CHECK(error.message[0] != '\0');
    CHECK_EQ(tls_builder_early_data(builder, TLS_MAX_EARLY_DATA), TLS_OK);
    CHECK_EQ(tls_builder_early_data(builder, TLS_MAX_EARLY_DATA + 1), TLS_ERR_ARGUMENT);
    tls_builder_free(builder);
    free_sides(&sides);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(without_a_session_there_is_none);
    RUN(early_data_arrives_before_the_handshake_is_done);
    RUN(early_data_is_kept_apart_from_what_follows);
    RUN(a_server_is_split_once_its_early_data_was_read);
    RUN(a_session_and_its_early_data_are_taken_once);
    RUN(refused_early_data_harms_nothing);
    RUN(it_is_off_unless_both_want_it);
    RUN(sessions_that_are_carried_have_it_too);
    RUN(it_goes_with_no_ticket_keys);
    return 0;
}
