/* What a hostile or broken peer sends: each has its status, a message, and no effect on others. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

/* The connection has failed for good, says why, and has an alert for the peer. */
static void check_failed(tls_conn_t *conn, tls_status_t status, int32_t reason)
{
    tls_error_t error = error_of(conn);
    char buffer[64];

    CHECK_EQ(error.status, status);
    CHECK_EQ(error.reason, reason);
    CHECK(strlen(error.message) > 10);
    CHECK((tls_state(conn) & TLS_FAILED) != 0);
    CHECK_EQ(tls_state(conn) & (TLS_CAN_FEED | TLS_CAN_READ | TLS_CAN_WRITE), 0);

    for (int i = 0; i < 2; i++) {
        CHECK_EQ(tls_advance(conn), status);
        CHECK_EQ(tls_read_into(conn, buffer, sizeof(buffer)), status);
        CHECK_EQ(tls_write_from(conn, "x", 1), status);
        CHECK_EQ(tls_close_notify(conn), status);
        CHECK_EQ(tls_feed(conn, "x", 1), TLS_ERR_STATE);
        CHECK_EQ(error_of(conn).status, status);
    }
    CHECK(error.alert_sent > 0);
    CHECK((tls_state(conn) & TLS_CAN_DRAIN) != 0);
    while ((tls_state(conn) & TLS_CAN_DRAIN) != 0)
        CHECK(tls_drain_into(conn, buffer, sizeof(buffer)) > 0);
    CHECK_EQ(tls_advance(conn), status);
}

static void no_error_names_no_alert(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    tls_error_t error = error_of(pair.client);

    CHECK_EQ(error.status, TLS_OK);
    CHECK_EQ(error.reason, 0);
    CHECK_EQ(error.alert_sent, -1);
    CHECK_EQ(error.alert_received, -1);
    CHECK_EQ(error.message[0], '\0');
    free_pair(&pair);
}

/* the bystander of this test and of those below never notices. */
static void what_is_not_tls_is_named_so(void)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "220 mail.test ESMTP\r\n",
        "\xff\xff\xff\xff\xff\xff\xff\xff",
        "\x16\x09\x01\x02\x03\x04\x05\x06",
    };
    struct pair bystander = connected_pair(TLS_VERSION_1_3);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct pair pair = new_pair(&plain_client, &plain_server, NULL);
        tls_conn_t *sides[2] = {pair.client, pair.server};

        for (int side = 0; side < 2; side++) {
            tls_advance(sides[side]);
            CHECK(tls_feed(sides[side], texts[i], strlen(texts[i])) > 0);
            CHECK_EQ(tls_advance(sides[side]), TLS_ERR_PEER);
            check_failed(sides[side], TLS_ERR_PEER, TLS_REASON_NOT_TLS);
            /* Only HTTP is called HTTP. */
            CHECK_EQ(strstr(error_of(sides[side]).message, "HTTP") != NULL,
                     strstr(texts[i], "HTTP/") != NULL);
        }
        free_pair(&pair);
    }
    check_alive(&bystander);
    free_pair(&bystander);
}

static void garbage_of_every_first_byte_harms_nobody(void)
{
    struct pair bystander = connected_pair(TLS_VERSION_1_2);
    tls_context_t *context = make_server_context(&plain_server);
    unsigned char garbage[3000];

    for (int first = 0; first < 256; first++) {
        tls_conn_t *conn = tls_server_new(context, NULL);
        tls_status_t status;

        fill_bytes(garbage, sizeof(garbage), (uint32_t)first);
        garbage[0] = (unsigned char)first;
        CHECK(tls_feed(conn, garbage, sizeof(garbage)) > 0);
        status = tls_advance(conn);
        CHECK(status == TLS_ERR_PEER || status == TLS_WANT_FEED);
        CHECK_EQ(tls_feed_eof(conn), TLS_OK);
        CHECK_EQ(tls_advance(conn), status == TLS_ERR_PEER ? TLS_ERR_PEER : TLS_TRUNCATED);
        tls_free(conn);
    }
    check_alive(&bystander);
    free_pair(&bystander);
    tls_context_free(context);
}

static void an_oversized_record_is_refused_by_its_header(void)
{
    static const unsigned char hello[] = {22, 3, 1, 0x48, 0x01}, largest[] = {22, 3, 1, 0xff, 0xff};
    static const unsigned char data[] = {23, 3, 3, 0x48, 0x01};
    struct pair pair = new_pair(&plain_client, &plain_server, NULL);

    CHECK_EQ(tls_feed(pair.server, hello, sizeof(hello)), sizeof(hello));
    CHECK_EQ(tls_advance(pair.server), TLS_ERR_PEER);
    check_failed(pair.server, TLS_ERR_PEER, TLS_REASON_RECORD_OVERFLOW);
    tls_advance(pair.client);
    CHECK_EQ(tls_feed(pair.client, largest, sizeof(largest)), sizeof(largest));
    CHECK_EQ(tls_advance(pair.client), TLS_ERR_PEER);
    check_failed(pair.client, TLS_ERR_PEER, TLS_REASON_RECORD_OVERFLOW);
    free_pair(&pair);

    for (EACH_VERSION) {
        pair = connected_pair(version);
        CHECK_EQ(tls_feed(pair.server, data, sizeof(data)), sizeof(data));
        CHECK_EQ(tls_advance(pair.server), TLS_ERR_PEER);
        check_failed(pair.server, TLS_ERR_PEER, TLS_REASON_RECORD_OVERFLOW);
        free_pair(&pair);
    }
}

static void a_message_at_the_wrong_time_is_refused(void)
{
    static const unsigned char early_data[] = {23, 3, 3, 0, 3, 'a', 'b', 'c'};
    struct pair pair = new_pair(&plain_client, &plain_server, NULL);

    CHECK_EQ(tls_feed(pair.server, early_data, sizeof(early_data)), sizeof(early_data));
    CHECK_EQ(tls_advance(pair.server), TLS_ERR_PEER);
    check_failed(pair.server, TLS_ERR_PEER, TLS_REASON_UNEXPECTED_MESSAGE);
    free_pair(&pair);
}

/* A record of application data with one bit changed. The record's version is no part of what
 * TLS 1.3 protects and must be ignored (RFC 8446, 5.1): there the data may arrive, but unchanged.
 */
static void check_flipped_record(uint16_t version, size_t position, unsigned bit)
{
    struct pair pair = connected_pair(version);
    unsigned char wire[256], plain[64];
    ptrdiff_t len, got;

    CHECK_EQ(tls_write_from(pair.client, "sixteen bytes...", 16), 16);
    len = tls_drain_into(pair.client, wire, sizeof(wire));
    CHECK(position < (size_t)len);
    wire[position] ^= (unsigned char)(1u << bit);
    CHECK_EQ(tls_feed(pair.server, wire, (size_t)len), len);
    got = tls_read_into(pair.server, plain, sizeof(plain));

    if (got > 0) {
        CHECK(position == 1 || position == 2);
        CHECK_EQ(version, TLS_VERSION_1_3);
        CHECK_EQ(got, 16);
        CHECK_BYTES(plain, "sixteen bytes...", 16);
    } else if (got == TLS_WANT_FEED) {
        /* A longer record: the missing bytes could still come. */
        CHECK(position == 3 || position == 4);
        CHECK_EQ(tls_feed_eof(pair.server), TLS_OK);
        CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), TLS_TRUNCATED);
    } else {
        CHECK(got == TLS_ERR_DECRYPT || got == TLS_ERR_PEER);
        if (position >= 5)
            CHECK_EQ(got, TLS_ERR_DECRYPT);
        check_failed(pair.server, (tls_status_t)got, error_of(pair.server).reason);
    }
    free_pair(&pair);
}

static void a_flipped_bit_never_changes_data(void)
{
    struct pair bystander = connected_pair(TLS_VERSION_1_3);

    for (EACH_VERSION) {
        size_t record = version == TLS_VERSION_1_3 ? 5 + 16 + 1 + 16 : 5 + 8 + 16 + 16;

        for (unsigned bit = 0; bit < 8; bit++) {
            for (size_t header = 0; header < 5; header++)
                check_flipped_record(version, header, bit);
            check_flipped_record(version, 5, bit);
            check_flipped_record(version, record / 2, bit);
            check_flipped_record(version, record - 17, bit);
            check_flipped_record(version, record - 16, bit);
            check_flipped_record(version, record - 1, bit);
        }
    }
    check_alive(&bystander);
    free_pair(&bystander);
}

/* Runs a handshake in which the bit at position of one side's first flight is changed. Returns 0
 * when the flight is shorter than that. */
static int check_flipped_flight(uint16_t version, int from_server, size_t position)
{
    struct recipe client = with_version(plain_client, version);
    struct pair pair = new_pair(&client, &plain_server, NULL);
    tls_conn_t *from = from_server ? pair.server : pair.client;
    tls_conn_t *to = from_server ? pair.client : pair.server;
    unsigned char wire[8192];
    ptrdiff_t len;
    size_t record = 0;

    tls_advance(pair.client);
    if (from_server)
        carry(pair.client, pair.server);
    tls_advance(from);
    len = tls_drain_into(from, wire, sizeof(wire));
    CHECK(len > 0 && (size_t)len < sizeof(wire));
    while (record + 5 <= (size_t)len &&
           record + 5 + wire[record + 3] * 256u + wire[record + 4] <= position)
        record += 5 + wire[record + 3] * 256u + wire[record + 4];
    if (position < (size_t)len) {
        wire[position] ^= (unsigned char)(1u << position % 8);
        CHECK_EQ(tls_feed(to, wire, (size_t)len), len);
        pump(&pair);
        /* The version of a record and the dummy ChangeCipherSpec of TLS 1.3 mean nothing. */
        if (position - record != 1 && position - record != 2 && wire[record] != 20)
            CHECK(pair.client_status != TLS_OK || pair.server_status != TLS_OK);
        if (pair.client_status == TLS_OK && pair.server_status == TLS_OK)
            check_alive(&pair);
    }
    free_pair(&pair);
    return position < (size_t)len;
}

static void a_flipped_bit_never_survives_the_handshake(void)
{
    for (EACH_VERSION) {
        for (int from_server = 0; from_server < 2; from_server++) {
            size_t position = 0;

            while (check_flipped_flight(version, from_server, position))
                position += position < 64 ? 1 : 29;
        }
    }
}

static void the_peer_learns_why(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char wire[64];
    ptrdiff_t len;
    tls_error_t error;

    CHECK_EQ(error_of(pair.client).status, TLS_OK);
    CHECK_EQ(tls_write_from(pair.client, "x", 1), 1);
    len = tls_drain_into(pair.client, wire, sizeof(wire));
    wire[len - 1] ^= 0x80;
    CHECK_EQ(tls_feed(pair.server, wire, (size_t)len), len);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ERR_DECRYPT);
    CHECK_EQ(pair.client_status, TLS_ERR_ALERT);
    error = error_of(pair.server);
    CHECK_EQ(error.alert_sent, 20);
    CHECK_EQ(error.alert_received, -1);
    error = error_of(pair.client);
    CHECK_EQ(error.alert_received, 20);
    CHECK_EQ(error.alert_sent, -1);
    CHECK(strlen(error.message) > 10);
    free_pair(&pair);
}

/* What came whole and in order before the damage is still the host's. */
static void data_before_the_damage_arrives(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char wire[256], plain[64];
    ptrdiff_t len;

    CHECK_EQ(tls_write_from(pair.client, "whole", 5), 5);
    CHECK_EQ(tls_write_from(pair.client, "damaged", 7), 7);
    len = tls_drain_into(pair.client, wire, sizeof(wire));
    wire[len - 1] ^= 1;
    CHECK_EQ(tls_feed(pair.server, wire, (size_t)len), len);
    CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 5);
    CHECK_BYTES(plain, "whole", 5);
    CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), TLS_ERR_DECRYPT);
    check_failed(pair.server, TLS_ERR_DECRYPT, error_of(pair.server).reason);
    free_pair(&pair);
}

/* Whoever only zeroed the struct reads what went wrong all the same. */
static void an_error_without_a_size_tells_all_the_same(void)
{
    static const tls_error_t none = TLS_ERROR_INIT;
    tls_error_t zeroed = {0}, small = {0}, whole = TLS_ERROR_INIT;
    tls_builder_t *builder = tls_builder_new();
    tls_conn_t *conn = tls_server_new(NULL, NULL);

    CHECK_EQ(none.size, sizeof(none));
    CHECK(tls_context_server(builder, &zeroed) == NULL);
    CHECK(tls_context_server(builder, &whole) == NULL);
    CHECK_EQ(zeroed.size, 0);
    CHECK_EQ(zeroed.status, TLS_ERR_CONFIG);
    CHECK_EQ(zeroed.reason, TLS_REASON_NO_IDENTITY);
    CHECK(strlen(zeroed.message) > 10 && strcmp(zeroed.message, whole.message) == 0);

    CHECK_EQ(tls_feed(conn, "GET / HTTP/1.0\r\n", 16), 16);
    CHECK_EQ(tls_advance(conn), TLS_ERR_PEER);
    memset(&zeroed, 0, sizeof(zeroed));
    CHECK_EQ(tls_conn_error(conn, &zeroed), TLS_ERR_ARGUMENT);
    CHECK_EQ(zeroed.status, TLS_ERR_PEER);
    CHECK_EQ(zeroed.alert_received, -1);
    CHECK(strlen(zeroed.message) > 10);
    CHECK(tls_builder_alpn(builder, "\x05", 1) < 0);
    memset(&zeroed, 0, sizeof(zeroed));
    CHECK_EQ(tls_builder_error(builder, &zeroed), TLS_ERR_ARGUMENT);
    CHECK_EQ(zeroed.reason, TLS_REASON_ALPN_MALFORMED);

    /* A size that is too small is no size of this struct: nothing is written behind it. */
    small.size = sizeof(size_t);
    CHECK_EQ(tls_conn_error(conn, &small), TLS_ERR_ARGUMENT);
    CHECK_EQ(small.status, 0);
    tls_free(conn);
    tls_builder_free(builder);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(no_error_names_no_alert);
    RUN(what_is_not_tls_is_named_so);
    RUN(garbage_of_every_first_byte_harms_nobody);
    RUN(an_oversized_record_is_refused_by_its_header);
    RUN(a_message_at_the_wrong_time_is_refused);
    RUN(a_flipped_bit_never_changes_data);
    RUN(a_flipped_bit_never_survives_the_handshake);
    RUN(the_peer_learns_why);
    RUN(data_before_the_damage_arrives);
    RUN(an_error_without_a_size_tells_all_the_same);
    return 0;
}
