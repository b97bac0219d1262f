/* The ways that spare copies: a window to receive into, records opened and sealed in the host's own
 * memory, and the queue seen in place. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static void feed_through_windows(tls_conn_t *conn, const unsigned char *wire, size_t len,
                                 size_t want)
{
    while (len > 0) {
        void *window = NULL;
        size_t size = 0, part;

        CHECK_EQ(tls_feed_window(conn, want, &window, &size), TLS_OK);
        CHECK(window != NULL && size > 0);
        part = len < size ? len : size;
        memcpy(window, wire, part);
        CHECK_EQ(tls_feed_commit(conn, part), TLS_OK);
        tls_advance(conn);
        wire += part;
        len -= part;
    }
}

static size_t drain_all(tls_conn_t *conn, unsigned char *wire, size_t capacity)
{
    ptrdiff_t len = tls_drain_into(conn, wire, capacity);

    CHECK(len >= 0);
    CHECK_EQ(tls_drain_pending(conn), 0);
    return (size_t)len;
}

static void windows_carry_handshake_and_data(void)
{
    static const size_t wants[] = {1, 5, 100, 16384};
    static unsigned char wire[65536];

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
            struct recipe client = with_version(plain_client, version);
            struct pair pair = new_pair(&client, &plain_server, NULL);
            unsigned char plain[9000], received[9000];
            size_t len;

            tls_advance(pair.client);
            while ((len = drain_all(pair.client, wire, sizeof(wire))) > 0) {
                feed_through_windows(pair.server, wire, len, wants[i]);
                len = drain_all(pair.server, wire, sizeof(wire));
                feed_through_windows(pair.client, wire, len, wants[i]);
            }
            CHECK_EQ(tls_advance(pair.client), TLS_OK);
            CHECK_EQ(tls_advance(pair.server), TLS_OK);

            fill_bytes(plain, sizeof(plain), (uint32_t)i);
            CHECK_EQ(tls_write_from(pair.client, plain, sizeof(plain)), sizeof(plain));
            len = drain_all(pair.client, wire, sizeof(wire));
            feed_through_windows(pair.server, wire, len, wants[i]);
            CHECK_EQ(tls_read_into(pair.server, received, sizeof(received)), sizeof(received));
            CHECK_BYTES(received, plain, sizeof(plain));
            free_pair(&pair);
        }
    }
}

static void windows_are_kept_in_bounds(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    void *window;
    size_t len;

    CHECK_EQ(tls_feed_commit(pair.client, 1), TLS_ERR_STATE);
    CHECK_EQ(tls_feed_commit(pair.client, 0), TLS_OK);
    /* What is wished for, and without a wish room for any record. */
    CHECK_EQ(tls_feed_window(pair.client, 30000, &window, &len), TLS_OK);
    CHECK(len >= 30000);
    CHECK_EQ(tls_feed_commit(pair.client, 0), TLS_OK);
    CHECK_EQ(tls_feed_window(pair.client, 0, &window, &len), TLS_OK);
    CHECK(len >= 5 + 16384 + 256);
    CHECK_EQ(tls_feed_commit(pair.client, 0), TLS_OK);
    CHECK_EQ(tls_feed_window(pair.client, 100, &window, &len), TLS_OK);
    CHECK(len >= 100);
    CHECK_EQ(tls_feed_commit(pair.client, len + 1), TLS_ERR_ARGUMENT);
    /* Every byte of it is the host's until the commit. */
    memset(window, 0, len);
    CHECK_EQ(tls_feed_commit(pair.client, 0), TLS_OK);
    check_alive(&pair);

    CHECK_EQ(tls_feed_window(pair.client, SIZE_MAX, &window, &len), TLS_OK);
    CHECK(len > 0 && len <= TLS_DEFAULT_LIMIT);
    CHECK_EQ(tls_feed_commit(pair.client, 0), TLS_OK);
    CHECK_EQ(tls_feed_window(pair.client, 1, NULL, &len), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_feed_window(pair.client, 1, &window, NULL), TLS_ERR_ARGUMENT);
    check_alive(&pair);
    free_pair(&pair);
}

/* It holds a buffer, on an idle connection too. */
static void an_open_window_is_in_the_state_word(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    tls_conn_t *sending;
    void *window;
    size_t len;

    CHECK_EQ(tls_state(pair.client) & TLS_WINDOW_OPEN, 0);
    CHECK_EQ(tls_feed_window(pair.client, 0, &window, &len), TLS_OK);
    CHECK_EQ(tls_advance(pair.client), TLS_OK);
    CHECK_EQ(tls_state(pair.client) & TLS_WINDOW_OPEN, TLS_WINDOW_OPEN);
    sending = tls_split(pair.client, NULL);
    CHECK(sending != NULL);
    CHECK_EQ(tls_state(pair.client) & TLS_WINDOW_OPEN, TLS_WINDOW_OPEN);
    CHECK_EQ(tls_state(sending) & TLS_WINDOW_OPEN, 0);
    CHECK_EQ(tls_feed_commit(pair.client, 0), TLS_OK);
    CHECK_EQ(tls_state(pair.client) & TLS_WINDOW_OPEN, 0);
    CHECK_EQ(tls_feed_window(pair.client, 1, &window, &len), TLS_OK);
    CHECK_EQ(tls_feed_eof(pair.client), TLS_OK);
    CHECK_EQ(tls_state(pair.client) & TLS_WINDOW_OPEN, 0);
    tls_free(sending);
    free_pair(&pair);
}

/* What came into a window before the transport ended cannot be given any more. */
static void a_window_does_not_outlast_the_transport(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    void *window;
    size_t len;

    CHECK_EQ(tls_feed_window(pair.client, 100, &window, &len), TLS_OK);
    memset(window, 0, len);
    CHECK_EQ(tls_feed_eof(pair.client), TLS_OK);
    CHECK_EQ(tls_feed_commit(pair.client, 10), TLS_ERR_STATE);
    CHECK_EQ(tls_feed_commit(pair.client, 0), TLS_OK);
    CHECK_EQ(tls_advance(pair.client), TLS_TRUNCATED);
    free_pair(&pair);
}

static void the_queue_is_seen_in_place(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char copy[64];
    const void *wire, *again;
    size_t len, len_again;

    CHECK_EQ(tls_drain_peek(pair.client, &wire, &len), TLS_OK);
    CHECK_EQ(len, 0);
    CHECK_EQ(tls_drain_consume(pair.client, 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_drain_consume(pair.client, 0), TLS_OK);

    CHECK_EQ(tls_write_from(pair.client, "peek", 4), 4);
    CHECK_EQ(tls_drain_peek(pair.client, &wire, &len), TLS_OK);
    CHECK_EQ(len, tls_drain_pending(pair.client));
    CHECK(len > 4 && len <= sizeof(copy));
    memcpy(copy, wire, len);
    CHECK_EQ(tls_drain_peek(pair.client, &again, &len_again), TLS_OK);
    CHECK_EQ(len_again, len);
    CHECK_BYTES(again, copy, len);

    CHECK_EQ(tls_drain_consume(pair.client, len + 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_drain_consume(pair.client, 3), TLS_OK);
    CHECK_EQ(tls_drain_peek(pair.client, &again, &len_again), TLS_OK);
    CHECK_EQ(len_again, len - 3);
    CHECK_BYTES(again, copy + 3, len_again);
    CHECK_EQ(tls_drain_consume(pair.client, len_again), TLS_OK);
    CHECK_EQ(tls_state(pair.client) & TLS_CAN_DRAIN, 0);

    CHECK_EQ(tls_feed(pair.server, copy, len), len);
    CHECK_EQ(tls_read_into(pair.server, copy, sizeof(copy)), 4);
    CHECK_BYTES(copy, "peek", 4);
    free_pair(&pair);
}

/* A receive buffer of the host: new bytes go behind what is left. */
struct receive_buffer {
    unsigned char bytes[65536];
    size_t len;
};

/* Opens what is there and appends the plain bytes to plain. Returns the last answer. */
static ptrdiff_t open_in_place(tls_conn_t *conn, struct receive_buffer *buffer, size_t max_spans,
                               unsigned char *plain, size_t *plain_len)
{
    tls_span_t spans[8];
    ptrdiff_t count;

    for (;;) {
        size_t consumed = SIZE_MAX, previous_end = 0;

        count = tls_read_in_place(conn, buffer->bytes, buffer->len, spans, max_spans, &consumed);
        CHECK(consumed <= buffer->len);
        CHECK(count <= (ptrdiff_t)max_spans);
        for (ptrdiff_t i = 0; i < count; i++) {
            CHECK(spans[i].offset >= previous_end && spans[i].len > 0);
            CHECK(spans[i].offset + spans[i].len <= consumed);
            memcpy(plain + *plain_len, buffer->bytes + spans[i].offset, spans[i].len);
            *plain_len += spans[i].len;
            previous_end = spans[i].offset + spans[i].len;
        }
        buffer->len -= consumed;
        memmove(buffer->bytes, buffer->bytes + consumed, buffer->len);
        if (count <= 0)
            return count;
        CHECK(consumed > 0);
    }
}

static void check_in_place(uint16_t version, size_t arriving, size_t max_spans)
{
    static struct receive_buffer buffer;
    static unsigned char plain[60000], opened[60000], wire[70000];
    static const size_t records[] = {1, 16384, 64, 5000, 1024, 300};
    struct pair pair = connected_pair(version);
    size_t written = 0, wire_len, at = 0, got = 0;

    fill_bytes(plain, sizeof(plain), (uint32_t)arriving);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        CHECK_EQ(tls_write_from(pair.client, plain + written, records[i]), records[i]);
        written += records[i];
    }
    wire_len = drain_all(pair.client, wire, sizeof(wire));
    buffer.len = 0;
    while (at < wire_len) {
        size_t part = wire_len - at < arriving ? wire_len - at : arriving;

        memcpy(buffer.bytes + buffer.len, wire + at, part);
        buffer.len += part;
        at += part;
        CHECK_EQ(open_in_place(pair.server, &buffer, max_spans, opened, &got), TLS_WANT_FEED);
    }
    CHECK_EQ(buffer.len, 0);
    CHECK_EQ(got, written);
    CHECK_BYTES(opened, plain, written);
    check_alive(&pair);
    free_pair(&pair);
}

static void records_are_opened_where_they_lie(void)
{
    static const size_t arrivals[] = {7, 1000, 16384, 65536};

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(arrivals) / sizeof(arrivals[0]); i++) {
            check_in_place(version, arrivals[i], 1);
            check_in_place(version, arrivals[i], 8);
        }
    }
}

/* */
static void the_end_is_seen_in_place_and_what_follows_is_kept(void)
{
    for (EACH_VERSION) {
        static struct receive_buffer buffer;
        struct pair pair = connected_pair(version);
        unsigned char opened[64];
        size_t got = 0;

        CHECK_EQ(tls_write_from(pair.client, "last words", 10), 10);
        CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
        buffer.len = drain_all(pair.client, buffer.bytes, sizeof(buffer.bytes));
        memcpy(buffer.bytes + buffer.len, "not ours", 8);
        buffer.len += 8;
        CHECK_EQ(open_in_place(pair.server, &buffer, 8, opened, &got), TLS_CLOSED);
        CHECK_EQ(got, 10);
        CHECK_BYTES(opened, "last words", 10);
        CHECK_EQ(buffer.len, 8);
        CHECK_BYTES(buffer.bytes, "not ours", 8);
        free_pair(&pair);
    }
}

static void an_altered_record_fails_in_place(void)
{
    static struct receive_buffer buffer;
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char opened[64];
    size_t got = 0;

    CHECK_EQ(tls_write_from(pair.client, "good", 4), 4);
    CHECK_EQ(tls_write_from(pair.client, "bad", 3), 3);
    buffer.len = drain_all(pair.client, buffer.bytes, sizeof(buffer.bytes));
    buffer.bytes[buffer.len - 1] ^= 1;
    CHECK_EQ(open_in_place(pair.server, &buffer, 8, opened, &got), TLS_ERR_DECRYPT);
    CHECK_EQ(got, 4);
    CHECK_BYTES(opened, "good", 4);
    CHECK((tls_state(pair.server) & TLS_FAILED) != 0);
    free_pair(&pair);
}

static void bytes_that_were_fed_come_first(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char wire[256], plain[8];
    size_t len, consumed = 77;
    tls_span_t span;

    CHECK_EQ(tls_write_from(pair.client, "fed", 3), 3);
    len = drain_all(pair.client, wire, sizeof(wire));
    CHECK_EQ(tls_feed(pair.server, wire, 4), 4);
    CHECK_EQ(tls_read_in_place(pair.server, wire + 4, len - 4, &span, 1, &consumed), TLS_ERR_STATE);
    CHECK_EQ(tls_feed(pair.server, wire + 4, len - 4), len - 4);
    CHECK_EQ(tls_read_in_place(pair.server, wire, 0, &span, 1, &consumed), TLS_ERR_STATE);
    CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 3);
    CHECK_BYTES(plain, "fed", 3);
    check_alive(&pair);
    free_pair(&pair);
}

/* Seals once, with a buffer of the size that is said to suffice. Returns the plain bytes taken. */
static size_t check_sealed(struct pair *pair, const unsigned char *plain, size_t len,
                           unsigned char *received)
{
    size_t capacity = tls_wire_bound(len), consumed = 0, fed = 0, got = 0;
    unsigned char *wire = malloc(capacity);
    ptrdiff_t sealed;

    CHECK(wire != NULL && capacity > len);
    sealed = tls_write_into(pair->client, plain, len, wire, capacity, &consumed);
    CHECK(sealed > 0 && (size_t)sealed <= capacity);
    CHECK_EQ(tls_drain_pending(pair->client), 0);
    while (got < consumed) {
        ptrdiff_t n = tls_feed(pair->server, wire + fed, (size_t)sealed - fed);

        CHECK(n >= 0);
        fed += (size_t)n;
        n = tls_read_into(pair->server, received + got, len - got);
        CHECK(n > 0);
        got += (size_t)n;
    }
    CHECK_EQ(fed, sealed);
    CHECK_EQ(got, consumed);
    free(wire);
    return consumed;
}

/* A host that adds it to its place in the buffer goes on where it was. */
static void nothing_is_consumed_by_a_refusal(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    tls_conn_t *const freed = tls_server_new(NULL, NULL);
    tls_conn_t *const handles[] = {pair.client, NULL, freed};
    unsigned char wire[64] = {0};
    tls_span_t span;
    size_t consumed;

    tls_free(freed);
    for (int i = 0; i < 3; i++) {
        const struct {
            void *wire;
            size_t len;
            tls_span_t *spans;
            size_t max_spans;
        } reads[] = {
            {wire, SIZE_MAX, &span, 1}, {NULL, 10, &span, 1},        {wire, 10, NULL, 1},
            {wire, 10, &span, 0},       {wire, 10, &span, SIZE_MAX},
        };
        const struct {
            const void *plain;
            size_t len;
            void *wire;
            size_t capacity;
        } writes[] = {
            {"x", SIZE_MAX, wire, sizeof(wire)},
            {NULL, 1, wire, sizeof(wire)},
            {"x", 1, NULL, sizeof(wire)},
            {"x", 1, wire, SIZE_MAX},
            {"x", 1, wire, 8},
        };

        for (size_t j = 0; j < sizeof(reads) / sizeof(reads[0]); j++) {
            consumed = 7;
            CHECK(tls_read_in_place(handles[i], reads[j].wire, reads[j].len, reads[j].spans,
                                    reads[j].max_spans, &consumed) < 0);
            CHECK_EQ(consumed, 0);
        }
        for (size_t j = 0; j < sizeof(writes) / sizeof(writes[0]); j++) {
            consumed = 7;
            CHECK(tls_write_into(handles[i], writes[j].plain, writes[j].len, writes[j].wire,
                                 writes[j].capacity, &consumed) < 0);
            CHECK_EQ(consumed, 0);
        }
        CHECK_EQ(tls_read_in_place(pair.client, wire, 10, &span, 1, NULL), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_write_into(pair.client, "x", 1, wire, sizeof(wire), NULL), TLS_ERR_ARGUMENT);
    }
    check_alive(&pair);
    free_pair(&pair);
}

static void records_are_sealed_into_host_memory(void)
{
    static const size_t sizes[] = {1, 100, 16384, 16385, 65536};
    unsigned char *plain = malloc(200000), *received = malloc(200000);

    CHECK(plain != NULL && received != NULL);
    CHECK_EQ(tls_wire_bound(0), 0);
    fill_bytes(plain, 200000, 3);
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);
        size_t done = 0;

        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            CHECK_EQ(check_sealed(&pair, plain, sizes[i], received), sizes[i]);
            CHECK_BYTES(received, plain, sizes[i]);
        }
        /* More than the outbound limit goes in several calls. */
        while (done < 200000)
            done += check_sealed(&pair, plain + done, 200000 - done, received + done);
        CHECK_BYTES(received, plain, 200000);
        check_alive(&pair);
        free_pair(&pair);
    }
    free(plain);
    free(received);
}

static void a_small_wire_buffer_takes_a_part(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char plain[3000], wire[600], received[3000];
    size_t written = 0, got = 0;

    fill_bytes(plain, sizeof(plain), 4);
    while (written < sizeof(plain)) {
        size_t consumed = 0;
        ptrdiff_t len = tls_write_into(pair.client, plain + written, sizeof(plain) - written, wire,
                                       sizeof(wire), &consumed);

        CHECK(len > 0 && (size_t)len <= sizeof(wire));
        CHECK(consumed > 0);
        written += consumed;
        CHECK_EQ(tls_feed(pair.server, wire, (size_t)len), len);
        len = tls_read_into(pair.server, received + got, sizeof(received) - got);
        CHECK_EQ(len, consumed);
        got += (size_t)len;
    }
    CHECK_BYTES(received, plain, sizeof(plain));
    free_pair(&pair);
}

/* and records are numbered: one that overtook those in the queue could not be opened. */
static void sealing_waits_for_the_queue(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char wire[256];
    size_t consumed = 0;

    CHECK_EQ(tls_write_from(pair.client, "queued", 6), 6);
    CHECK_EQ(tls_write_into(pair.client, "x", 1, wire, sizeof(wire), &consumed), TLS_WANT_DRAIN);
    CHECK_EQ(consumed, 0);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_read_into(pair.server, wire, sizeof(wire)), 6);
    check_alive(&pair);
    free_pair(&pair);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(windows_carry_handshake_and_data);
    RUN(windows_are_kept_in_bounds);
    RUN(an_open_window_is_in_the_state_word);
    RUN(a_window_does_not_outlast_the_transport);
    RUN(the_queue_is_seen_in_place);
    RUN(records_are_opened_where_they_lie);
    RUN(the_end_is_seen_in_place_and_what_follows_is_kept);
    RUN(an_altered_record_fails_in_place);
    RUN(bytes_that_were_fed_come_first);
    RUN(nothing_is_consumed_by_a_refusal);
    RUN(records_are_sealed_into_host_memory);
    RUN(a_small_wire_buffer_takes_a_part);
    RUN(sealing_waits_for_the_queue);
    return 0;
}
