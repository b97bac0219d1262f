/* What is negotiated, how plain bytes are gathered and scattered, and new keys on request. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define X25519 0x001d
#define P256 0x0017
#define X25519MLKEM768 0x11ec

static tls_builder_t *client_builder(void)
{
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    return builder;
}

static tls_builder_t *server_builder(void)
{
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tls_builder_identity_file(builder, pki_path("ecdsa/server-chain.pem"),
                                       pki_path("ecdsa/server.key")),
             TLS_OK);
    return builder;
}

/* Takes the builders. */
static struct pair pair_from(tls_builder_t *client, tls_builder_t *server)
{
    tls_context_t *client_context = tls_context_client(client, NULL);
    tls_context_t *server_context = tls_context_server(server, NULL);
    struct pair pair;

    CHECK(client_context != NULL && server_context != NULL);
    pair = new_pair_of(client_context, server_context, NULL);
    tls_context_free(client_context);
    tls_context_free(server_context);
    tls_builder_free(client);
    tls_builder_free(server);
    return pair;
}

static void the_configured_suite_is_negotiated(void)
{
    static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9};
    size_t i;

    for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        tls_builder_t *client = client_builder();
        struct pair pair;

        CHECK_EQ(tls_builder_suites(client, &suites[i], 1), TLS_OK);
        pair = pair_from(client, server_builder());
        finish_handshake(&pair);
        CHECK_EQ(tls_cipher_suite(pair.client), suites[i]);
        CHECK_EQ(tls_cipher_suite(pair.server), suites[i]);
        CHECK_EQ(tls_protocol_version(pair.client),
                 suites[i] < 0x1400 ? TLS_VERSION_1_3 : TLS_VERSION_1_2);
        check_alive(&pair);
        free_pair(&pair);
    }
}

static void the_configured_group_is_negotiated(void)
{
    static const uint16_t groups[] = {X25519, P256, 0x0018, X25519MLKEM768};
    size_t i;

    for (i = 0; i < 4; i++) {
        tls_builder_t *client = client_builder();
        struct pair pair;

        CHECK_EQ(tls_builder_groups(client, &groups[i], 1), TLS_OK);
        pair = pair_from(client, server_builder());
        finish_handshake(&pair);
        CHECK_EQ(tls_group(pair.client), groups[i]);
        CHECK_EQ(tls_group(pair.server), groups[i]);
        free_pair(&pair);
    }
}

static void the_post_quantum_hybrid_is_the_default(void)
{
    struct pair pair = pair_from(client_builder(), server_builder());

    finish_handshake(&pair);
    CHECK_EQ(tls_group(pair.client), X25519MLKEM768);
    free_pair(&pair);
}

/* The client's first group is one that the server does not take: a HelloRetryRequest follows. */
static void another_group_than_the_first_costs_a_round_trip(void)
{
    static const uint16_t offered[] = {P256, X25519}, taken[] = {X25519};
    tls_builder_t *client = client_builder(), *server = server_builder();
    struct pair pair;

    CHECK_EQ(tls_builder_groups(client, offered, 2), TLS_OK);
    CHECK_EQ(tls_builder_groups(server, taken, 1), TLS_OK);
    pair = pair_from(client, server);
    finish_handshake(&pair);
    CHECK_EQ(tls_group(pair.client), X25519);
    check_alive(&pair);
    free_pair(&pair);
}

/* */
static void a_server_goes_by_its_own_list_of_suites(void)
{
    static const uint16_t orders[][4] = {{0x1301, 0x1303, 0xc02b, 0xcca9},
                                         {0x1303, 0x1301, 0xcca9, 0xc02b}};

    for (EACH_VERSION) {
        for (int listed = 0; listed < 2; listed++) {
            for (int order = 0; order < 2; order++) {
                tls_builder_t *client = client_builder(), *server = server_builder();
                const uint16_t *chosen = orders[listed ? !order : order];
                struct pair pair;

                CHECK_EQ(tls_builder_versions(client, version, version), TLS_OK);
                CHECK_EQ(
                    tls_builder_suites(client, orders[order] + 2 * (version == TLS_VERSION_1_2), 2),
                    TLS_OK);
                if (listed)
                    CHECK_EQ(tls_builder_suites(server, orders[!order], 4), TLS_OK);
                pair = pair_from(client, server);
                finish_handshake(&pair);
                CHECK_EQ(tls_cipher_suite(pair.server), chosen[2 * (version == TLS_VERSION_1_2)]);
                free_pair(&pair);
            }
        }
    }
}

/* */
static void a_server_goes_by_its_own_list_of_groups(void)
{
    static const uint16_t offered[] = {X25519, P256}, preferred[] = {P256, X25519};

    for (int listed = 0; listed < 2; listed++) {
        tls_builder_t *client = client_builder(), *server = server_builder();
        struct pair pair;

        CHECK_EQ(tls_builder_groups(client, offered, 2), TLS_OK);
        if (listed)
            CHECK_EQ(tls_builder_groups(server, preferred, 2), TLS_OK);
        pair = pair_from(client, server);
        finish_handshake(&pair);
        CHECK_EQ(tls_group(pair.client), listed ? P256 : X25519);
        CHECK_EQ(tls_handshake_kind(pair.server),
                 listed ? TLS_HANDSHAKE_FULL_RETRIED : TLS_HANDSHAKE_FULL);
        free_pair(&pair);
    }
}

static void nothing_in_common_ends_both_sides(void)
{
    static const uint16_t x25519 = X25519, p256 = P256, aes128 = 0x1301, aes256 = 0x1302;
    tls_builder_t *client = client_builder(), *server = server_builder();
    struct pair pair;

    CHECK_EQ(tls_builder_versions(client, TLS_VERSION_1_3, TLS_VERSION_1_3), TLS_OK);
    CHECK_EQ(tls_builder_groups(client, &x25519, 1), TLS_OK);
    CHECK_EQ(tls_builder_groups(server, &p256, 1), TLS_OK);
    pair = pair_from(client, server);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ERR_NO_COMMON);
    CHECK_EQ(error_of(pair.server).reason, TLS_REASON_NO_COMMON_GROUP);
    CHECK_EQ(pair.client_status, TLS_ERR_ALERT);
    free_pair(&pair);

    client = client_builder();
    server = server_builder();
    CHECK_EQ(tls_builder_versions(client, TLS_VERSION_1_3, TLS_VERSION_1_3), TLS_OK);
    CHECK_EQ(tls_builder_suites(client, &aes128, 1), TLS_OK);
    CHECK_EQ(tls_builder_versions(server, TLS_VERSION_1_3, TLS_VERSION_1_3), TLS_OK);
    CHECK_EQ(tls_builder_suites(server, &aes256, 1), TLS_OK);
    pair = pair_from(client, server);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ERR_NO_COMMON);
    CHECK_EQ(error_of(pair.server).reason, TLS_REASON_NO_COMMON_SUITE);
    free_pair(&pair);
}

static void check_told(tls_builder_t *builder, int32_t reason, const char *part)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, reason);
    CHECK(strstr(error.message, part) != NULL);
}

static void bad_lists_are_refused(void)
{
    static const uint16_t unknown[] = {0x1301, 0x0005}, twice[] = {X25519, P256, X25519};
    static const uint16_t modern = 0x1301;
    tls_builder_t *builder = client_builder();
    tls_error_t error = {.size = sizeof(error)};
    tls_context_t *context;

    CHECK_EQ(tls_builder_suites(builder, unknown, 2), TLS_ERR_CONFIG);
    check_told(builder, TLS_REASON_SUITE_UNSUPPORTED, "2 of the list, 0x0005");
    CHECK_EQ(tls_builder_groups(builder, twice, 3), TLS_ERR_CONFIG);
    check_told(builder, TLS_REASON_GROUP_UNSUPPORTED, "3 of the list");
    CHECK_EQ(tls_builder_groups(builder, unknown, 1), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_suites(builder, NULL, 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_suites(builder, (const uint16_t *)((const char *)unknown + 1), 1),
             TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_suites(builder, &modern, SIZE_MAX / 2), TLS_ERR_ARGUMENT);

    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(tls_builder_suites(builder, &modern, 1), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_2, TLS_VERSION_1_2), TLS_OK);
    CHECK(tls_context_client(builder, &error) == NULL);
    CHECK_EQ(error.reason, TLS_REASON_SUITE_UNSUPPORTED);
    CHECK_EQ(tls_builder_suites(builder, NULL, 0), TLS_OK);
    context = tls_context_client(builder, &error);
    CHECK(context != NULL);
    tls_context_free(context);
    tls_builder_free(builder);
}

static tls_iovec_t piece(const void *base, size_t len)
{
    return (tls_iovec_t){.base = (void *)(uintptr_t)base, .len = len};
}

static void many_pieces_become_one_record(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);
        tls_iovec_t pieces[5] = {piece("one", 3), piece(NULL, 0), piece(" two ", 5), piece("", 0),
                                 piece("three", 5)};
        unsigned char wire[256];
        char plain[32];
        ptrdiff_t len;

        CHECK_EQ(tls_write_vectored(pair.client, pieces, 5), 13);
        len = tls_drain_into(pair.client, wire, sizeof(wire));
        CHECK_EQ(len, 5 + (wire[3] << 8 | wire[4]));
        CHECK_EQ(tls_feed(pair.server, wire, (size_t)len), len);
        CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 13);
        CHECK_BYTES(plain, "one two three", 13);
        CHECK_EQ(tls_write_vectored(pair.client, pieces + 1, 1), 0);
        CHECK_EQ(tls_write_vectored(pair.client, NULL, 0), 0);
        free_pair(&pair);
    }
}

static void one_record_fills_many_pieces(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    char first[4], second[6], third[100];
    tls_iovec_t pieces[4] = {piece(first, sizeof(first)), piece(NULL, 0),
                             piece(second, sizeof(second)), piece(third, sizeof(third))};

    memset(third, '.', sizeof(third));
    CHECK_EQ(tls_read_vectored(pair.server, pieces, 4), TLS_WANT_FEED);
    CHECK_EQ(tls_read_vectored(pair.server, pieces + 1, 1), 0);
    CHECK_EQ(tls_write_from(pair.client, "abcdefgh", 8), 8);
    CHECK_EQ(tls_write_from(pair.client, "ijklm", 5), 5);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_read_vectored(pair.server, pieces, 4), 13);
    CHECK_BYTES(first, "abcd", 4);
    CHECK_BYTES(second, "efghij", 6);
    CHECK_BYTES(third, "klm.", 4);

    CHECK_EQ(tls_write_from(pair.client, "0123456789", 10), 10);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_read_vectored(pair.server, pieces, 1), 4);
    CHECK_EQ(tls_plain_pending(pair.server), 6);
    CHECK_EQ(tls_read_vectored(pair.server, pieces, 4), 6);
    CHECK_BYTES(first, "4567", 4);
    CHECK_BYTES(second, "89", 2);
    free_pair(&pair);
}

/* */
static void a_bad_piece_moves_nothing(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    char plain[8];
    tls_iovec_t pieces[2] = {piece("good", 4), piece(NULL, 3)};
    tls_iovec_t rooms[2] = {piece(plain, 8), piece(NULL, 3)};

    CHECK_EQ(tls_write_vectored(pair.client, pieces, 2), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_drain_pending(pair.client), 0);
    CHECK_EQ(tls_write_from(pair.client, "good", 4), 4);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_read_vectored(pair.server, rooms, 2), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_read_vectored(pair.server, rooms, 1), 4);
    check_alive(&pair);
    free_pair(&pair);
}

/* More than one call works on, and more than the outbound limit: what was not taken is offered
 * again. */
static void pieces_beyond_the_limits_are_left(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char *plain = malloc(200000), *received = malloc(200000);
    tls_iovec_t pieces[100];
    size_t i, sent = 0, got = 0;

    CHECK(plain != NULL && received != NULL);
    fill_bytes(plain, 200000, 21);
    while (sent < 200000) {
        ptrdiff_t n;

        for (i = 0; i < 100; i++) {
            size_t start = sent + i * 2000;

            pieces[i] = start < 200000
                            ? piece(plain + start, start + 2000 > 200000 ? 200000 - start : 2000)
                            : piece(NULL, 0);
        }
        n = tls_write_vectored(pair.client, pieces, 100);
        if (n == TLS_WANT_DRAIN) {
            carry(pair.client, pair.server);
            while ((n = tls_read_into(pair.server, received + got, 200000 - got)) > 0)
                got += (size_t)n;
            continue;
        }
        CHECK(n > 0);
        CHECK(tls_drain_pending(pair.client) <= TLS_DEFAULT_LIMIT);
        sent += (size_t)n;
    }
    carry(pair.client, pair.server);
    while (got < 200000) {
        ptrdiff_t n = tls_read_into(pair.server, received + got, 200000 - got);

        CHECK(n > 0);
        got += (size_t)n;
        carry(pair.client, pair.server);
    }
    CHECK_BYTES(received, plain, 200000);
    free(plain);
    free(received);
    free_pair(&pair);
}

static void keys_change_on_request(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    int i;

    for (i = 0; i < 5; i++) {
        CHECK_EQ(tls_key_update(pair.client), TLS_OK);
        CHECK(tls_drain_pending(pair.client) > 0);
        check_alive(&pair);
        CHECK_EQ(tls_key_update(pair.server), TLS_OK);
        check_alive(&pair);
    }
    CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
    CHECK_EQ(tls_key_update(pair.client), TLS_ERR_STATE);
    free_pair(&pair);

    pair = connected_pair(TLS_VERSION_1_2);
    CHECK_EQ(tls_key_update(pair.client), TLS_ERR_STATE);
    CHECK_EQ(tls_drain_pending(pair.client), 0);
    check_alive(&pair);
    free_pair(&pair);
}

/* Behind a flight that data follows, records stay the engine's until the data is read: who asks for
 * keys before that has asked, whoever has the records then. */
static void one_request_is_outstanding_whoever_has_the_records(void)
{
    struct recipe client = with_version(plain_client, TLS_VERSION_1_3);
    struct pair pair = new_pair(&client, &plain_server, NULL);
    unsigned char plain[100], wire[20000];
    size_t n = 0, queued;
    ptrdiff_t more;

    carry(pair.client, pair.server);
    tls_advance(pair.server);
    carry(pair.server, pair.client);
    CHECK_EQ(tls_advance(pair.client), TLS_OK);
    fill_bytes(plain, sizeof(plain), 3);
    CHECK_EQ(tls_write_from(pair.client, plain, sizeof(plain)), (ptrdiff_t)sizeof(plain));
    CHECK_EQ(tls_write_from(pair.client, plain, sizeof(plain)), (ptrdiff_t)sizeof(plain));
    while ((more = tls_drain_into(pair.client, wire + n, sizeof(wire) - n)) > 0)
        n += (size_t)more;
    CHECK_EQ(tls_feed(pair.server, wire, n), (ptrdiff_t)n);
    CHECK_EQ(tls_advance(pair.server), TLS_OK);
    carry(pair.server, pair.client);
    CHECK_EQ(tls_advance(pair.client), TLS_OK);

    CHECK_EQ(tls_key_update(pair.server), TLS_OK);
    queued = (size_t)tls_drain_pending(pair.server);
    CHECK(queued > 0);
    CHECK_EQ(tls_key_update(pair.server), TLS_OK);
    CHECK_EQ(tls_drain_pending(pair.server), (ptrdiff_t)queued);
    n = 0;
    while ((more = tls_read_into(pair.server, wire, sizeof(wire))) > 0)
        n += (size_t)more;
    CHECK_EQ(n, 2 * sizeof(plain));
    CHECK_EQ(tls_key_update(pair.server), TLS_OK);
    CHECK_EQ(tls_drain_pending(pair.server), (ptrdiff_t)queued);

    /* It is answered, and the next one may leave. */
    carry(pair.server, pair.client);
    CHECK_EQ(tls_advance(pair.client), TLS_OK);
    check_alive(&pair);
    CHECK_EQ(tls_key_update(pair.server), TLS_OK);
    CHECK_EQ(tls_drain_pending(pair.server), (ptrdiff_t)queued);
    check_alive(&pair);
    free_pair(&pair);
}

/* Over the other form of the engine as well. */
static void keys_change_after_a_question(void)
{
    struct recipe client = with_version(plain_client, TLS_VERSION_1_3);
    struct pair pair;

    client.verify = TLS_VERIFY_ASK;
    pair = new_pair(&client, &plain_server, NULL);
    pump(&pair);
    CHECK_EQ(tls_key_update(pair.client), TLS_ERR_STATE);
    CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
    finish_handshake(&pair);
    CHECK_EQ(tls_key_update(pair.client), TLS_OK);
    check_alive(&pair);
    CHECK_EQ(tls_key_update(pair.server), TLS_OK);
    check_alive(&pair);
    free_pair(&pair);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(the_configured_suite_is_negotiated);
    RUN(the_configured_group_is_negotiated);
    RUN(the_post_quantum_hybrid_is_the_default);
    RUN(another_group_than_the_first_costs_a_round_trip);
    RUN(a_server_goes_by_its_own_list_of_suites);
    RUN(a_server_goes_by_its_own_list_of_groups);
    RUN(nothing_in_common_ends_both_sides);
    RUN(bad_lists_are_refused);
    RUN(many_pieces_become_one_record);
    RUN(one_record_fills_many_pieces);
    RUN(a_bad_piece_moves_nothing);
    RUN(pieces_beyond_the_limits_are_left);
    RUN(keys_change_on_request);
    RUN(one_request_is_outstanding_whoever_has_the_records);
    RUN(keys_change_after_a_question);
    return 0;
}
