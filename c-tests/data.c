/* Plain bytes by the copying way: every size, every buffer, and the limits. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define CANARY 0xa5

/* Writes all of it and reads it on the other side, with pieces of at most write_max and read_max.
 */
static void transfer(tls_conn_t *from, tls_conn_t *to, const unsigned char *plain, size_t len,
                     unsigned char *received, size_t write_max, size_t read_max)
{
    size_t written = 0, got = 0;

    while (got < len) {
        size_t offered = len - written < write_max ? len - written : write_max;
        ptrdiff_t n = tls_write_from(from, plain + written, offered);

        if (n > 0)
            written += (size_t)n;
        else
            CHECK_EQ(n, offered == 0 ? 0 : TLS_WANT_DRAIN);
        CHECK(carry(from, to) > 0 || n > 0 || (tls_state(to) & TLS_CAN_READ) != 0);
        do {
            size_t room = len - got < read_max ? len - got : read_max;

            n = tls_read_into(to, received + got, room);
            if (n > 0)
                got += (size_t)n;
        } while (n > 0 && got < len);
        CHECK(n > 0 || n == TLS_WANT_FEED);
    }
    CHECK_EQ(written, len);
}

/* The receiving buffer is fresh from malloc, so that valgrind sees a library that reads it. */
static void check_size(struct pair *pair, size_t len, size_t write_max, size_t read_max)
{
    unsigned char *plain = malloc(len + 1);
    unsigned char *received = malloc(len + 18);

    CHECK(plain != NULL && received != NULL);
    received[0] = CANARY;
    memset(received + 1 + len, CANARY, 17);
    fill_bytes(plain, len, (uint32_t)len);
    transfer(pair->client, pair->server, plain, len, received + 1, write_max, read_max);
    CHECK_BYTES(received + 1, plain, len);

    memset(received + 1, 0, len);
    transfer(pair->server, pair->client, plain, len, received + 1, write_max, read_max);
    CHECK_BYTES(received + 1, plain, len);

    CHECK_EQ(received[0], CANARY);
    for (size_t i = 0; i < 17; i++)
        CHECK_EQ(received[1 + len + i], CANARY);
    free(plain);
    free(received);
}

static void every_size_arrives(void)
{
    static const size_t sizes[] = {1,     2,     15,    16,    17,    255,   256,     1000,   16383,
                                   16384, 16385, 32768, 65535, 65536, 69633, 1000000, 1048576};

    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);

        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            check_size(&pair, sizes[i], SIZE_MAX, SIZE_MAX);
        free_pair(&pair);
    }
}

static void one_byte_at_a_time_arrives(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);

        check_size(&pair, 20000, SIZE_MAX, 1);
        check_size(&pair, 700, 1, SIZE_MAX);
        check_size(&pair, 700, 1, 1);
        check_size(&pair, 50000, 4097, 333);
        free_pair(&pair);
    }
}

static void one_wire_byte_at_a_time_arrives(void)
{
    for (EACH_VERSION) {
        struct recipe client = with_version(plain_client, version);
        struct pair pair = new_pair(&client, &plain_server, NULL);
        tls_conn_t *sides[2] = {pair.client, pair.server};
        char plain[3];
        unsigned char byte;
        int moved = 1;

        tls_advance(pair.client);
        while (moved) {
            moved = 0;
            for (int from = 0; from < 2; from++) {
                while (tls_drain_into(sides[from], &byte, 1) == 1) {
                    CHECK_EQ(tls_feed(sides[!from], &byte, 1), 1);
                    tls_advance(sides[!from]);
                    moved = 1;
                }
            }
        }
        CHECK_EQ(tls_advance(pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, "abc", 3), 3);
        while (tls_drain_pending(pair.client) > 0) {
            CHECK_EQ(tls_read_into(pair.server, plain, 3), TLS_WANT_FEED);
            CHECK_EQ(tls_drain_into(pair.client, &byte, 1), 1);
            CHECK_EQ(tls_feed(pair.server, &byte, 1), 1);
        }
        CHECK_EQ(tls_read_into(pair.server, plain, 3), 3);
        CHECK_BYTES(plain, "abc", 3);
        free_pair(&pair);
    }
}

/* */
static void only_what_was_returned_is_written(void)
{
    unsigned char buffer[64];
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    ptrdiff_t len;

    memset(buffer, CANARY, sizeof(buffer));
    CHECK_EQ(tls_read_into(pair.server, buffer, sizeof(buffer)), TLS_WANT_FEED);
    CHECK_EQ(tls_drain_into(pair.server, buffer, sizeof(buffer)), 0);
    CHECK_EQ(buffer[0], CANARY);

    CHECK_EQ(tls_write_from(pair.client, "hello", 5), 5);
    len = tls_drain_pending(pair.client);
    CHECK(len > 5 && (size_t)len < sizeof(buffer));
    CHECK_EQ(tls_drain_into(pair.client, buffer, sizeof(buffer)), len);
    CHECK_EQ(buffer[len], CANARY);
    CHECK_EQ(tls_feed(pair.server, buffer, (size_t)len), len);

    memset(buffer, CANARY, sizeof(buffer));
    CHECK_EQ(tls_read_into(pair.server, buffer, 2), 2);
    CHECK_EQ(buffer[2], CANARY);
    CHECK_EQ(tls_read_into(pair.server, buffer + 2, sizeof(buffer) - 2), 3);
    CHECK_BYTES(buffer, "hello", 5);
    for (size_t i = 5; i < sizeof(buffer); i++)
        CHECK_EQ(buffer[i], CANARY);
    free_pair(&pair);
}

static void empty_buffers_move_nothing(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_2);
    char byte = '-';

    CHECK_EQ(tls_write_from(pair.client, NULL, 0), 0);
    CHECK_EQ(tls_drain_pending(pair.client), 0);
    CHECK_EQ(tls_read_into(pair.client, NULL, 0), 0);
    CHECK_EQ(tls_feed(pair.client, NULL, 0), 0);
    CHECK_EQ(tls_drain_into(pair.client, NULL, 0), 0);
    CHECK_EQ(tls_write_from(pair.client, "x", 1), 1);
    CHECK_EQ(tls_drain_into(pair.client, NULL, 0), 0);
    CHECK(carry(pair.client, pair.server) > 0);
    CHECK_EQ(tls_read_into(pair.server, NULL, 0), 0);
    CHECK_EQ(tls_read_into(pair.server, &byte, 1), 1);
    CHECK_EQ(byte, 'x');
    check_alive(&pair);
    free_pair(&pair);
}

static void several_records_fill_one_buffer(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char buffer[32];

    CHECK_EQ(tls_write_from(pair.client, "one ", 4), 4);
    CHECK_EQ(tls_write_from(pair.client, "two ", 4), 4);
    CHECK_EQ(tls_write_from(pair.client, "three", 5), 5);
    carry(pair.client, pair.server);
    CHECK((tls_state(pair.server) & TLS_CAN_READ) != 0);
    CHECK(tls_plain_pending(pair.server) > 0);
    CHECK_EQ(tls_read_into(pair.server, buffer, sizeof(buffer)), 13);
    CHECK_BYTES(buffer, "one two three", 13);
    CHECK_EQ(tls_plain_pending(pair.server), 0);
    CHECK_EQ(tls_state(pair.server) & TLS_CAN_READ, 0);
    free_pair(&pair);
}

static struct pair limited_pair(size_t inbound, size_t outbound)
{
    struct recipe client = plain_client, server = plain_server;
    struct pair pair;

    client.outbound = outbound;
    server.inbound = inbound;
    pair = new_pair(&client, &server, NULL);
    finish_handshake(&pair);
    return pair;
}

/* and: what was not taken is offered again and arrives once. */
static void a_full_outbound_queue_waits_for_a_drain(void)
{
    const size_t limit = TLS_MIN_OUTBOUND_LIMIT;
    struct pair pair = limited_pair(0, limit);
    unsigned char *plain = malloc(100000), *received = malloc(100000), *copy = malloc(100000);
    size_t written = 0;
    ptrdiff_t n;

    CHECK(plain != NULL && received != NULL && copy != NULL);
    fill_bytes(plain, 100000, 7);
    while ((n = tls_write_from(pair.client, plain + written, 100000 - written)) > 0) {
        written += (size_t)n;
        CHECK(tls_drain_pending(pair.client) <= (ptrdiff_t)limit);
    }
    CHECK_EQ(n, TLS_WANT_DRAIN);
    CHECK(written > limit / 2 && written < limit);
    CHECK_EQ(tls_state(pair.client) & (TLS_CAN_WRITE | TLS_CAN_DRAIN), TLS_CAN_DRAIN);
    /* Waiting is no harm: the answer stays the same, and closing still finds its room. */
    CHECK_EQ(tls_write_from(pair.client, plain + written, 1), TLS_WANT_DRAIN);

    carry(pair.client, pair.server);
    CHECK((tls_state(pair.client) & TLS_CAN_WRITE) != 0);
    /* A retry may come from another address. */
    memcpy(copy, plain + written, 100);
    CHECK_EQ(tls_write_from(pair.client, copy, 100), 100);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_read_into(pair.server, received, 100000), written + 100);
    CHECK_BYTES(received, plain, written + 100);
    free(plain);
    free(received);
    free(copy);
    free_pair(&pair);
}

static void a_full_queue_still_takes_the_close(void)
{
    struct pair pair = limited_pair(0, TLS_MIN_OUTBOUND_LIMIT);
    unsigned char plain[30000];
    ptrdiff_t n, written = 0;

    fill_bytes(plain, sizeof(plain), 8);
    while ((n = tls_write_from(pair.client, plain, sizeof(plain))) > 0)
        written += n;
    CHECK_EQ(n, TLS_WANT_DRAIN);
    CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
    CHECK(tls_drain_pending(pair.client) <= TLS_MIN_OUTBOUND_LIMIT);
    carry(pair.client, pair.server);
    while ((n = tls_read_into(pair.server, plain, sizeof(plain))) > 0)
        written -= n;
    CHECK_EQ(n, TLS_CLOSED);
    CHECK_EQ(written, 0);
    free_pair(&pair);
}

/* */
static void a_full_inbound_buffer_takes_no_more(void)
{
    const size_t limit = TLS_MIN_INBOUND_LIMIT;
    struct pair pair = limited_pair(limit, 1 << 20);
    unsigned char *plain = malloc(200000), *received = malloc(200000);
    size_t fed = 0, got = 0;
    const void *wire;
    size_t len;
    ptrdiff_t n;

    CHECK(plain != NULL && received != NULL);
    fill_bytes(plain, 200000, 9);
    CHECK_EQ(tls_write_from(pair.client, plain, 200000), 200000);
    do {
        CHECK_EQ(tls_drain_peek(pair.client, &wire, &len), TLS_OK);
        n = tls_feed(pair.server, wire, len);
        CHECK(n >= 0);
        CHECK_EQ(tls_drain_consume(pair.client, (size_t)n), TLS_OK);
        fed += (size_t)n;
    } while (n > 0);
    CHECK_EQ(fed, limit);
    /* Decrypting sets room free, and as long as the word says so, there is some. */
    while ((tls_state(pair.server) & TLS_CAN_FEED) != 0)
        CHECK(carry(pair.client, pair.server) > 0);
    CHECK((tls_state(pair.server) & TLS_CAN_READ) != 0);
    CHECK_EQ(tls_feed(pair.server, wire, 1), 0);

    while (got < 200000) {
        n = tls_read_into(pair.server, received + got, 5000);
        CHECK(n > 0 || n == TLS_WANT_FEED);
        if (n > 0)
            got += (size_t)n;
        carry(pair.client, pair.server);
        CHECK((tls_state(pair.server) & (TLS_CAN_FEED | TLS_CAN_READ)) != 0);
    }
    CHECK_BYTES(received, plain, 200000);
    free(plain);
    free(received);
    free_pair(&pair);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(every_size_arrives);
    RUN(one_byte_at_a_time_arrives);
    RUN(one_wire_byte_at_a_time_arrives);
    RUN(only_what_was_returned_is_written);
    RUN(empty_buffers_move_nothing);
    RUN(several_records_fill_one_buffer);
    RUN(a_full_outbound_queue_waits_for_a_drain);
    RUN(a_full_queue_still_takes_the_close);
    RUN(a_full_inbound_buffer_takes_no_more);
    return 0;
}
