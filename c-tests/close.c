/* How connections end: properly, in one direction, and cut off. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static void the_end_comes_after_all_data(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);
        char plain[16];

        CHECK_EQ(tls_write_from(pair.client, "goodbye", 7), 7);
        CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
        CHECK((tls_state(pair.client) & TLS_WE_CLOSED) != 0);
        carry(pair.client, pair.server);

        CHECK_EQ(tls_advance(pair.server), TLS_OK);
        CHECK((tls_state(pair.server) & TLS_CAN_READ) != 0);
        CHECK_EQ(tls_read_into(pair.server, plain, 3), 3);
        CHECK_EQ(tls_read_into(pair.server, plain + 3, sizeof(plain) - 3), 4);
        CHECK_BYTES(plain, "goodbye", 7);
        CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), TLS_CLOSED);
        CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), TLS_CLOSED);
        CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
        CHECK_EQ(tls_state(pair.server) &
                     (TLS_PEER_CLOSED | TLS_CAN_FEED | TLS_CAN_READ | TLS_FAILED),
                 TLS_PEER_CLOSED);
        free_pair(&pair);
    }
}

static void either_side_may_go_on_alone(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);
        char plain[64];

        CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
        carry(pair.client, pair.server);
        CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
        for (int i = 0; i < 3; i++) {
            CHECK((tls_state(pair.server) & TLS_CAN_WRITE) != 0);
            CHECK_EQ(tls_write_from(pair.server, "still here", 10), 10);
            carry(pair.server, pair.client);
            CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), 10);
        }
        CHECK_EQ(tls_close_notify(pair.server), TLS_OK);
        carry(pair.server, pair.client);
        CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), TLS_CLOSED);
        CHECK_EQ(tls_state(pair.client), TLS_PEER_CLOSED | TLS_WE_CLOSED);
        CHECK_EQ(tls_state(pair.server), TLS_PEER_CLOSED | TLS_WE_CLOSED);
        free_pair(&pair);
    }
}

static void who_has_closed_writes_no_more(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    ptrdiff_t queued;

    CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
    queued = tls_drain_pending(pair.client);
    CHECK(queued > 0);
    CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
    CHECK_EQ(tls_drain_pending(pair.client), queued);
    CHECK_EQ(tls_write_from(pair.client, "x", 1), TLS_ERR_STATE);
    CHECK_EQ(tls_write_from(pair.client, "", 0), 0);
    CHECK_EQ(tls_state(pair.client) & TLS_CAN_WRITE, 0);
    CHECK_EQ(tls_drain_pending(pair.client), queued);
    free_pair(&pair);
}

static void a_close_makes_the_transport_end_harmless(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    char plain[8];

    CHECK_EQ(tls_write_from(pair.client, "all", 3), 3);
    CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_feed_eof(pair.server), TLS_OK);
    CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 3);
    CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), TLS_CLOSED);
    CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
    free_pair(&pair);
}

/* Ends the transport after the first cut bytes of "data" and close_notify. */
static void check_cut(uint16_t version, size_t cut, const unsigned char *wire, size_t record,
                      size_t len, struct pair *pair)
{
    char plain[16];
    ptrdiff_t got;

    CHECK_EQ(tls_protocol_version(pair->server), version);
    CHECK_EQ(tls_feed(pair->server, wire, cut), cut);
    CHECK_EQ(tls_feed_eof(pair->server), TLS_OK);
    CHECK_EQ(tls_feed_eof(pair->server), TLS_OK);
    CHECK((tls_state(pair->server) & TLS_EOF) != 0);
    CHECK_EQ(tls_state(pair->server) & TLS_CAN_FEED, 0);
    got = tls_read_into(pair->server, plain, sizeof(plain));
    if (cut >= record) {
        CHECK_EQ(got, 4);
        CHECK_BYTES(plain, "data", 4);
        got = tls_read_into(pair->server, plain, sizeof(plain));
    }
    CHECK_EQ(got, cut == len ? TLS_CLOSED : TLS_TRUNCATED);
    CHECK_EQ(tls_advance(pair->server), cut == len ? TLS_CLOSED : TLS_TRUNCATED);
    CHECK_EQ(tls_feed(pair->server, wire, 1), TLS_ERR_STATE);
}

/* */
static void truncation_is_seen_at_every_byte(void)
{
    for (EACH_VERSION) {
        size_t cut = 0, len;

        do {
            struct pair pair = connected_pair(version);
            unsigned char wire[256];
            size_t record;

            CHECK_EQ(tls_write_from(pair.client, "data", 4), 4);
            record = (size_t)tls_drain_pending(pair.client);
            CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
            len = (size_t)tls_drain_into(pair.client, wire, sizeof(wire));
            CHECK(len > record && len < sizeof(wire));
            check_cut(version, cut, wire, record, len, &pair);
            free_pair(&pair);
        } while (cut++ < len);
    }
}

static void a_transport_that_ends_in_the_handshake_is_truncated(void)
{
    struct pair pair = new_pair(&plain_client, &plain_server, NULL);
    char plain[4];

    tls_advance(pair.client);
    carry(pair.client, pair.server);
    tls_advance(pair.server);
    CHECK_EQ(tls_feed_eof(pair.client), TLS_OK);
    CHECK_EQ(tls_feed_eof(pair.server), TLS_OK);
    CHECK_EQ(tls_advance(pair.client), TLS_TRUNCATED);
    CHECK_EQ(tls_advance(pair.server), TLS_TRUNCATED);
    CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), TLS_TRUNCATED);
    CHECK_EQ(tls_write_from(pair.client, "x", 1), TLS_TRUNCATED);
    free_pair(&pair);
}

static void the_truncated_side_may_still_say_so(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    char plain[8];

    CHECK_EQ(tls_feed_eof(pair.server), TLS_OK);
    CHECK_EQ(tls_advance(pair.server), TLS_TRUNCATED);
    CHECK((tls_state(pair.server) & TLS_CAN_WRITE) != 0);
    CHECK_EQ(tls_write_from(pair.server, "sorry", 5), 5);
    CHECK_EQ(tls_close_notify(pair.server), TLS_OK);
    carry(pair.server, pair.client);
    CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), 5);
    CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), TLS_CLOSED);
    free_pair(&pair);
}

/* */
static void bytes_after_the_close_are_kept(void)
{
    static const char next[] = "HELO the protocol after TLS\r\n";
    const ptrdiff_t next_len = sizeof(next) - 1;

    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);
        unsigned char wire[256], plain[8];
        char surplus[64];
        ptrdiff_t len;

        CHECK_EQ(tls_surplus(pair.server, NULL, 0), 0);
        CHECK_EQ(tls_write_from(pair.client, "end", 3), 3);
        CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
        len = tls_drain_into(pair.client, wire, sizeof(wire));
        memcpy(wire + len, next, 10);
        CHECK_EQ(tls_feed(pair.server, wire, (size_t)len + 10), len + 10);
        CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 3);
        CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), TLS_CLOSED);
        CHECK_EQ(tls_surplus(pair.server, NULL, 0), 10);

        /* What comes later joins it. */
        CHECK_EQ(tls_feed(pair.server, next + 10, (size_t)next_len - 10), next_len - 10);
        CHECK_EQ(tls_surplus(pair.server, NULL, 0), next_len);
        memset(surplus, '#', sizeof(surplus));
        CHECK_EQ(tls_surplus(pair.server, surplus, 4), next_len);
        CHECK_BYTES(surplus, next, 4);
        CHECK_EQ(surplus[4], '#');
        CHECK_EQ(tls_surplus(pair.server, surplus, sizeof(surplus)), next_len);
        CHECK_BYTES(surplus, next, (size_t)next_len);
        CHECK_EQ(surplus[next_len], '#');
        CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
        free_pair(&pair);
    }
}

static void an_unfinished_connection_is_freed_at_once(void)
{
    struct pair pair = new_pair(&plain_client, &plain_server, NULL);

    tls_advance(pair.client);
    carry(pair.client, pair.server);
    tls_advance(pair.server);
    free_pair(&pair);

    pair = connected_pair(TLS_VERSION_1_3);
    CHECK_EQ(tls_write_from(pair.client, "unread", 6), 6);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_write_from(pair.client, "unsent", 6), 6);
    free_pair(&pair);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(the_end_comes_after_all_data);
    RUN(either_side_may_go_on_alone);
    RUN(who_has_closed_writes_no_more);
    RUN(a_close_makes_the_transport_end_harmless);
    RUN(truncation_is_seen_at_every_byte);
    RUN(a_transport_that_ends_in_the_handshake_is_truncated);
    RUN(the_truncated_side_may_still_say_so);
    RUN(bytes_after_the_close_are_kept);
    RUN(an_unfinished_connection_is_freed_at_once);
    return 0;
}
