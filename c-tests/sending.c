/* Section 15: the records that leave. Corks, sizes and padding, by what is on the wire. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

/* What an engine's record carries at most where it is cut here; what it is cut to by itself. */
#define FULL TLS_MAX_PLAIN_PER_RECORD
#define HEADER 5
#define TAG 16
#define SEGMENT 1369
#define LARGE 100000

static unsigned char sent[LARGE], received[LARGE + 1];

struct setting {
    size_t size, small, ramp, block, outbound;
    uint32_t events;
    int32_t verify;
};

static tls_builder_t *builder_with(const struct recipe *recipe, const struct setting *setting)
{
    tls_builder_t *builder = make_builder(recipe);

    if (setting) {
        CHECK_EQ(tls_builder_record_size(builder, setting->size), TLS_OK);
        CHECK_EQ(tls_builder_record_ramp(builder, setting->small, setting->ramp), TLS_OK);
        CHECK_EQ(tls_builder_padding(builder, setting->block), TLS_OK);
        CHECK_EQ(tls_builder_limits(builder, 0, setting->outbound), TLS_OK);
        CHECK_EQ(tls_builder_events(builder, setting->events), TLS_OK);
        CHECK_EQ(tls_builder_verify(builder, setting->verify), TLS_OK);
    }
    return builder;
}

/* A client with the settings, connected. */
static struct pair pair_with(uint16_t version, const struct setting *setting)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_builder_t *client_builder = builder_with(&recipe, setting);
    tls_context_t *client = tls_context_client(client_builder, NULL);
    tls_context_t *server = make_server_context(&plain_server);
    struct pair pair = new_pair_of(client, server, NULL);

    pump(&pair);
    if (setting && setting->verify == TLS_VERIFY_ASK) {
        CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
        CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
    }
    finish_handshake(&pair);
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(client_builder);
    return pair;
}

/* The n-th queued record, as the length of its payload; 0 behind the last. */
static size_t record_at(tls_conn_t *conn, size_t n)
{
    const void *queued;
    size_t len, at = 0;

    CHECK_EQ(tls_drain_peek(conn, &queued, &len), TLS_OK);
    while (at < len) {
        const unsigned char *record = (const unsigned char *)queued + at;
        size_t payload = (size_t)record[3] << 8 | record[4];

        CHECK(len - at >= HEADER + payload);
        if (n-- == 0)
            return payload;
        at += HEADER + payload;
    }
    return 0;
}

static size_t records_of(tls_conn_t *conn)
{
    size_t count = 0;

    while (record_at(conn, count) > 0)
        count++;
    return count;
}

/* What encryption adds: content type and tag, or AES-GCM's nonce and tag. */
static size_t growth(tls_conn_t *conn)
{
    return tls_protocol_version(conn) == TLS_VERSION_1_3 ? 1 + TAG : 8 + TAG;
}

/* The n-th queued record carries this many plain bytes. */
static void check_record(tls_conn_t *conn, size_t n, size_t plain)
{
    CHECK_EQ(record_at(conn, n), plain + growth(conn));
}

/* Hands the peer all that is queued; it must read these bytes, and no more. */
static void check_arrives(tls_conn_t *from, tls_conn_t *to, const unsigned char *bytes, size_t len)
{
    size_t got = 0;

    for (;;) {
        ptrdiff_t n = tls_read_into(to, received + got, sizeof(received) - got);

        if (n > 0)
            got += (size_t)n;
        else if (carry(from, to) == 0)
            break;
    }
    CHECK_EQ(got, len);
    CHECK_BYTES(received, bytes, len);
}

/* in both forms of the engine. */
static void many_small_writes_become_one_record(void)
{
    for (EACH_VERSION) {
        for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
            struct setting setting = {.verify = verify};
            struct pair pair = pair_with(version, &setting);
            size_t i;

            CHECK_EQ(tls_cork(pair.client), TLS_OK);
            CHECK_EQ(tls_cork(pair.client), TLS_OK);
            for (i = 0; i < 1000; i += 10) {
                tls_iovec_t pieces[2] = {{sent + i, 3}, {sent + i + 3, 7}};

                CHECK_EQ(i % 20 ? tls_write_from(pair.client, sent + i, 10)
                                : tls_write_vectored(pair.client, pieces, 2),
                         10);
                CHECK_EQ(tls_drain_pending(pair.client), 0);
                CHECK_EQ(tls_state(pair.client), TLS_CAN_FEED | TLS_CAN_WRITE);
            }
            CHECK_EQ(tls_uncork(pair.client), TLS_OK);
            CHECK_EQ(records_of(pair.client), 1);
            check_record(pair.client, 0, 1000);
            check_arrives(pair.client, pair.server, sent, 1000);

            CHECK_EQ(tls_uncork(pair.client), TLS_OK);
            CHECK_EQ(tls_drain_pending(pair.client), 0);
            CHECK_EQ(tls_write_from(pair.client, sent, 10), 10);
            check_record(pair.client, 0, 10);
            check_arrives(pair.client, pair.server, sent, 10);
            check_alive(&pair);
            free_pair(&pair);
        }
    }
}

/* Writes of every kind of length: below a record, to its last byte, over several. */
static void a_full_record_leaves_at_once(void)
{
    static const size_t lengths[] = {1, FULL - 1, FULL, FULL + 1, 2 * FULL, 2 * FULL + 1, 40000};
    size_t first, second;

    for (EACH_VERSION) {
        struct pair pair = pair_with(version, NULL);

        for (first = 0; first < 7; first++) {
            for (second = 0; second < 7; second++) {
                size_t a = lengths[first], b = lengths[second], taken, full;
                ptrdiff_t n;

                CHECK_EQ(tls_cork(pair.client), TLS_OK);
                CHECK_EQ(tls_write_from(pair.client, sent, a), a);
                CHECK_EQ(tls_drain_pending(pair.client) > 0, a >= FULL);
                n = tls_write_from(pair.client, sent + a, b);
                CHECK(n > 0 && (size_t)n <= b);
                taken = a + (size_t)n;
                full = taken / FULL;
                CHECK_EQ(tls_drain_pending(pair.client) > 0, full > 0);
                CHECK_EQ(tls_uncork(pair.client), TLS_OK);
                CHECK_EQ(records_of(pair.client), full + (taken % FULL != 0));
                check_arrives(pair.client, pair.server, sent, taken);
            }
        }
        free_pair(&pair);
    }
}

/* Each of them puts a record behind what was kept. */
static void what_makes_a_record_seals_what_is_kept_first(void)
{
    for (EACH_VERSION) {
        struct setting setting = {.small = SEGMENT, .ramp = 4000};
        struct pair pair = pair_with(version, &setting);
        unsigned char wire[200];
        size_t consumed;

        CHECK_EQ(tls_cork(pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, sent, 10), 10);
        if (version == TLS_VERSION_1_3) {
            CHECK_EQ(tls_key_update(pair.client), TLS_OK);
            CHECK_EQ(records_of(pair.client), 2);
        } else {
            CHECK_EQ(tls_key_update(pair.client), TLS_ERR_STATE);
            CHECK_EQ(records_of(pair.client), 1);
        }
        check_record(pair.client, 0, 10);
        check_arrives(pair.client, pair.server, sent, 10);
        CHECK_EQ(tls_advance(pair.server), TLS_OK);
        carry(pair.server, pair.client);

        CHECK_EQ(tls_write_from(pair.client, sent, 10), 10);
        consumed = 99;
        CHECK_EQ(tls_write_into(pair.client, sent, 5, wire, sizeof(wire), &consumed),
                 TLS_WANT_DRAIN);
        CHECK_EQ(consumed, 0);
        check_record(pair.client, 0, 10);
        check_arrives(pair.client, pair.server, sent, 10);
        CHECK_EQ(tls_write_into(pair.client, sent, 5, wire, sizeof(wire), &consumed),
                 HEADER + 5 + growth(pair.client));
        CHECK_EQ(consumed, 5);
        CHECK(tls_feed(pair.server, wire, HEADER + 5 + growth(pair.client)) > 0);
        check_arrives(pair.client, pair.server, sent, 5);

        CHECK_EQ(tls_write_from(pair.client, sent, 20), 20);
        CHECK_EQ(tls_conn_record_size(pair.client, 64), TLS_OK);
        check_record(pair.client, 0, 20);
        CHECK_EQ(tls_write_from(pair.client, sent + 20, 30), 30);
        CHECK_EQ(tls_conn_record_restart(pair.client), TLS_OK);
        check_record(pair.client, 1, 30);
        CHECK_EQ(tls_write_from(pair.client, sent + 50, 40), 40);
        CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
        check_record(pair.client, 2, 40);
        CHECK_EQ(records_of(pair.client), 4);
        check_arrives(pair.client, pair.server, sent, 90);
        CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
        CHECK_EQ(tls_cork(pair.client), TLS_ERR_STATE);
        CHECK_EQ(tls_uncork(pair.client), TLS_OK);
        free_pair(&pair);
    }
}

/* A pair with the settings moves LARGE bytes by writes of many lengths, corked every now and then.
 * The queue is drained by parts, and never exceeds its limit. */
static void move_by_many_writes(const struct setting *setting, uint16_t version)
{
    struct pair pair = pair_with(version, setting);
    size_t limit = setting->outbound != 0 ? setting->outbound : TLS_DEFAULT_LIMIT;
    size_t written = 0, got = 0;
    uint32_t dice = 7;

    while (got < LARGE) {
        size_t at_once;
        ptrdiff_t n;

        dice = dice * 1664525u + 1013904223u;
        at_once = (dice >> 8) % ((dice >> 28) > 12 ? 30000 : 700) + 1;
        if ((dice >> 24) % 7 == 0)
            CHECK_EQ(tls_cork(pair.client), TLS_OK);
        if ((dice >> 24) % 31 == 1 || written == LARGE)
            CHECK_EQ(tls_uncork(pair.client), TLS_OK);
        CHECK((size_t)tls_drain_pending(pair.client) <= limit);
        if (written < LARGE) {
            uint32_t state = tls_state(pair.client);

            if (at_once > LARGE - written)
                at_once = LARGE - written;
            n = tls_write_from(pair.client, sent + written, at_once);
            CHECK_EQ(n > 0, (state & TLS_CAN_WRITE) != 0);
            CHECK(n > 0 || n == TLS_WANT_DRAIN);
            CHECK(n > 0 || tls_drain_pending(pair.client) > 0);
            if (n > 0)
                written += (size_t)n;
            CHECK((size_t)tls_drain_pending(pair.client) <= limit);
        }
        if ((dice >> 16) % 3 == 0 || !(tls_state(pair.client) & TLS_CAN_WRITE) ||
            written == LARGE) {
            carry(pair.client, pair.server);
            while ((n = tls_read_into(pair.server, received + got, LARGE - got)) > 0)
                got += (size_t)n;
        }
    }
    CHECK_BYTES(received, sent, LARGE);
    check_alive(&pair);
    free_pair(&pair);
}

static void the_outbound_limit_holds_and_nothing_is_lost(void)
{
    static const struct setting settings[] = {
        {.outbound = TLS_MIN_OUTBOUND_LIMIT},
        {.outbound = TLS_MIN_OUTBOUND_LIMIT, .size = 64},
        {.outbound = TLS_MIN_OUTBOUND_LIMIT, .size = 1000, .small = 100, .ramp = 5000},
        {.outbound = TLS_MIN_OUTBOUND_LIMIT, .small = SEGMENT, .ramp = 30000, .block = 512},
        {.size = 4000, .block = 4096},
        {.block = 16384},
        {.size = 64, .block = 16384},
    };
    size_t i;

    for (EACH_VERSION) {
        for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
            move_by_many_writes(&settings[i], version);
    }
}

/* the room that what is kept will need is not given away. */
static void what_is_kept_has_its_room(void)
{
    static const size_t kept[] = {1, 5000, FULL - 1};
    struct setting setting = {.outbound = TLS_MIN_OUTBOUND_LIMIT};
    size_t i;

    for (EACH_VERSION) {
        for (i = 0; i < 3; i++) {
            struct pair pair = pair_with(version, &setting);
            ptrdiff_t n;

            CHECK_EQ(tls_cork(pair.client), TLS_OK);
            CHECK_EQ(tls_write_from(pair.client, sent, kept[i]), kept[i]);
            n = tls_write_from(pair.client, sent + kept[i], 40000);
            CHECK(n > 0 && n < 40000);
            CHECK_EQ(tls_write_from(pair.client, sent, 1), TLS_WANT_DRAIN);
            CHECK_EQ(tls_state(pair.client) & (TLS_CAN_WRITE | TLS_CAN_DRAIN), TLS_CAN_DRAIN);
            CHECK_EQ(tls_uncork(pair.client), TLS_OK);
            CHECK(tls_drain_pending(pair.client) <= TLS_MIN_OUTBOUND_LIMIT);
            check_arrives(pair.client, pair.server, sent, kept[i] + (size_t)n);
            free_pair(&pair);
        }
    }
}

static void a_cork_before_the_handshake_holds_after_it(void)
{
    struct recipe client = plain_client;
    struct pair pair = new_pair(&client, &plain_server, NULL);

    CHECK_EQ(tls_cork(pair.client), TLS_OK);
    CHECK_EQ(tls_write_from(pair.client, sent, 5), TLS_WANT_FEED);
    finish_handshake(&pair);
    CHECK_EQ(tls_write_from(pair.client, sent, 5), 5);
    CHECK_EQ(tls_write_from(pair.client, sent + 5, 5), 5);
    CHECK_EQ(tls_drain_pending(pair.client), 0);
    CHECK_EQ(tls_uncork(pair.client), TLS_OK);
    check_record(pair.client, 0, 10);
    check_arrives(pair.client, pair.server, sent, 10);
    free_pair(&pair);
}

/* Reading, and what the peer does, leave what is kept alone; a fatal error ends it. */
static void what_is_kept_waits_until_the_end(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_with(version, NULL);
        tls_counters_t counters = {.size = sizeof(counters)};
        unsigned char wire[64];
        ptrdiff_t len;

        CHECK_EQ(tls_cork(pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, sent, 100), 100);
        CHECK_EQ(tls_counters(pair.client, &counters), TLS_OK);
        CHECK_EQ(counters.plain_out, 100);
        CHECK_EQ(tls_write_from(pair.server, "reply", 5), 5);
        if (version == TLS_VERSION_1_3)
            CHECK_EQ(tls_key_update(pair.server), TLS_OK);
        CHECK_EQ(tls_close_notify(pair.server), TLS_OK);
        check_arrives(pair.server, pair.client, (const unsigned char *)"reply", 5);
        CHECK_EQ(tls_advance(pair.client), TLS_CLOSED);
        CHECK_EQ(tls_drain_pending(pair.client), 0);
        CHECK_EQ(tls_feed_eof(pair.client), TLS_OK);
        CHECK_EQ(tls_uncork(pair.client), TLS_OK);
        check_arrives(pair.client, pair.server, sent, 100);
        CHECK_EQ(tls_counters(pair.client, &counters), TLS_OK);
        CHECK_EQ(counters.plain_out, 100);
        free_pair(&pair);

        pair = pair_with(version, NULL);
        CHECK_EQ(tls_cork(pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, sent, 100), 100);
        CHECK_EQ(tls_write_from(pair.server, "reply", 5), 5);
        len = tls_drain_into(pair.server, wire, sizeof(wire));
        wire[len - 1] ^= 1;
        CHECK_EQ(tls_feed(pair.client, wire, (size_t)len), len);
        CHECK_EQ(tls_read_into(pair.client, received, 5), TLS_ERR_DECRYPT);
        CHECK_EQ(tls_uncork(pair.client), TLS_ERR_DECRYPT);
        CHECK_EQ(tls_cork(pair.client), TLS_ERR_DECRYPT);
        CHECK_EQ(records_of(pair.client), 1); /* the alert */
        free_pair(&pair);

        /* Freed with bytes that never left. */
        pair = pair_with(version, NULL);
        CHECK_EQ(tls_cork(pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, sent, FULL - 1), FULL - 1);
        free_pair(&pair);
    }
}

/* in both forms of the engine, and set in both places. */
static void records_have_the_size_that_was_set(void)
{
    static const size_t sizes[] = {64, 65, 512, 1400, 16000, FULL};
    size_t i, n;

    for (EACH_VERSION) {
        for (i = 0; i < 4 * sizeof(sizes) / sizeof(sizes[0]); i++) {
            size_t size = sizes[i / 4], len = size < 2000 ? 3 * size + 7 : 50000;
            struct setting setting = {.verify = i & 1 ? TLS_VERIFY_ASK : TLS_VERIFY_PEER};
            struct pair pair;

            if (i & 2)
                setting.size = size;
            pair = pair_with(version, &setting);
            if (!(i & 2))
                CHECK_EQ(tls_conn_record_size(pair.client, size), TLS_OK);
            CHECK_EQ(tls_write_from(pair.client, sent, len), len);
            for (n = 0; size != FULL && n < len / size; n++)
                check_record(pair.client, n, size);
            CHECK_EQ(records_of(pair.client), len / size + 1);
            check_arrives(pair.client, pair.server, sent, len);
            CHECK_EQ(tls_conn_record_size(pair.client, 0), TLS_OK);
            CHECK_EQ(tls_write_from(pair.client, sent, 16300), 16300);
            CHECK_EQ(records_of(pair.client), 1);
            check_arrives(pair.client, pair.server, sent, 16300);
            free_pair(&pair);
        }
    }
}

/* What stands in the header about the engine's own records. */
static void a_full_record_carries_what_the_header_says(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_with(version, NULL);

        CHECK_EQ(tls_write_from(pair.client, sent, 40000), 40000);
        check_record(pair.client, 0, FULL);
        check_arrives(pair.client, pair.server, sent, 40000);
        CHECK_EQ(tls_conn_record_size(pair.client, TLS_MAX_PLAIN_PER_RECORD), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, sent, 40000), 40000);
        check_record(pair.client, 0, FULL);
        check_arrives(pair.client, pair.server, sent, 40000);
        free_pair(&pair);
    }
}

static void a_vectored_write_is_cut_across_its_pieces(void)
{
    struct setting setting = {.size = 100};
    struct pair pair = pair_with(TLS_VERSION_1_3, &setting);
    tls_iovec_t pieces[64];
    size_t i, at = 0;

    for (i = 0; i < 64; i++) {
        pieces[i] = (tls_iovec_t){sent + at, i % 5 ? i * 3 : 0};
        at += pieces[i].len;
    }
    CHECK_EQ(tls_write_vectored(pair.client, pieces, 64), at);
    for (i = 0; i < at / 100; i++)
        check_record(pair.client, i, 100);
    CHECK_EQ(records_of(pair.client), (at + 99) / 100);
    check_arrives(pair.client, pair.server, sent, at);
    free_pair(&pair);
}

static void check_records_out(tls_conn_t *conn, uint64_t records)
{
    tls_counters_t counters = {.size = sizeof(counters)};

    CHECK_EQ(tls_counters(conn, &counters), TLS_OK);
    CHECK_EQ(counters.records_out, records);
}

/* */
static void the_first_records_are_small(void)
{
    for (EACH_VERSION) {
        struct setting setting = {.small = SEGMENT, .ramp = 4000};
        struct pair pair = pair_with(version, &setting);
        int round;

        for (round = 0; round < 2; round++) {
            CHECK_EQ(tls_write_from(pair.client, sent, 50), 50);
            CHECK_EQ(tls_write_from(pair.client, sent + 50, 40000), 40000);
            check_record(pair.client, 0, 50);
            check_record(pair.client, 1, SEGMENT);
            check_record(pair.client, 2, SEGMENT);
            check_record(pair.client, 3, SEGMENT);
            check_record(pair.client, 4, FULL);
            check_record(pair.client, 5, FULL);
            check_record(pair.client, 6, 40000 - 3 * SEGMENT - 2 * FULL);
            check_records_out(pair.client, (uint64_t)(round * 8 + 7));
            CHECK_EQ(HEADER + record_at(pair.client, 1) <= 1400, 1);
            check_arrives(pair.client, pair.server, sent, 40050);
            CHECK_EQ(tls_write_from(pair.client, sent, 10000), 10000);
            CHECK_EQ(records_of(pair.client), 1);
            check_arrives(pair.client, pair.server, sent, 10000);
            CHECK_EQ(tls_conn_record_restart(pair.client), TLS_OK);
        }
        /* Corked, a small record is full. */
        CHECK_EQ(tls_cork(pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, sent, SEGMENT - 1), SEGMENT - 1);
        CHECK_EQ(tls_drain_pending(pair.client), 0);
        CHECK_EQ(tls_write_from(pair.client, sent + SEGMENT - 1, 2), 2);
        CHECK_EQ(tls_drain_pending(pair.client), HEADER + SEGMENT + growth(pair.client));
        CHECK_EQ(tls_uncork(pair.client), TLS_OK);
        check_record(pair.client, 0, SEGMENT);
        check_record(pair.client, 1, 1);
        check_arrives(pair.client, pair.server, sent, SEGMENT + 1);
        /* A record size below the small one counts. */
        CHECK_EQ(tls_conn_record_restart(pair.client), TLS_OK);
        CHECK_EQ(tls_conn_record_size(pair.client, 500), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, sent, 2000), 2000);
        check_record(pair.client, 0, 500);
        CHECK_EQ(records_of(pair.client), 4);
        check_arrives(pair.client, pair.server, sent, 2000);
        free_pair(&pair);
    }
}

/* A context without a ramp has none to restart. */
static void a_restart_without_a_ramp_does_nothing(void)
{
    struct pair pair = pair_with(TLS_VERSION_1_3, NULL);

    CHECK_EQ(tls_conn_record_restart(pair.client), TLS_OK);
    CHECK_EQ(tls_write_from(pair.client, sent, 16000), 16000);
    CHECK_EQ(records_of(pair.client), 1);
    check_arrives(pair.client, pair.server, sent, 16000);
    /* It ends no record either. */
    CHECK_EQ(tls_cork(pair.client), TLS_OK);
    CHECK_EQ(tls_write_from(pair.client, sent, 10), 10);
    CHECK_EQ(tls_conn_record_restart(pair.client), TLS_OK);
    CHECK_EQ(tls_drain_pending(pair.client), 0);
    free_pair(&pair);
}

/* of the bound, all goes in; of less, what fits, and not one byte behind it is touched. */
static void a_buffer_of_the_bound_suffices(void)
{
    static const struct setting settings[] = {
        {.size = 0},
        {.size = 64},
        {.small = SEGMENT, .ramp = 3000},
        {.block = 256},
        {.size = 1000, .small = 100, .ramp = 550, .block = 512},
    };
    static unsigned char wire[LARGE];
    size_t i, len;

    for (EACH_VERSION) {
        for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
            struct pair pair = pair_with(version, &settings[i]);
            size_t consumed, capacity;

            CHECK_EQ(tls_conn_wire_bound(pair.client, 0), 0);
            for (len = 1; len <= 20000; len = len * 3 + 1) {
                ptrdiff_t bound, n;

                CHECK_EQ(tls_conn_record_restart(pair.client), TLS_OK);
                bound = tls_conn_wire_bound(pair.client, len);
                CHECK(bound > 0);
                if (i == 0)
                    CHECK_EQ(bound, tls_wire_bound(len));
                n = tls_write_into(pair.client, sent, len, wire, (size_t)bound, &consumed);
                CHECK(n > 0 && n <= bound);
                CHECK_EQ(consumed, len);
                CHECK_EQ(tls_drain_pending(pair.client), 0);
                CHECK_EQ(tls_feed(pair.server, wire, (size_t)n), n);
                check_arrives(pair.client, pair.server, sent, len);
            }
            for (capacity = 0; capacity < 5000; capacity += 77) {
                ptrdiff_t n;

                memset(wire, 0xa5, 6000);
                n = tls_write_into(pair.client, sent, 20000, wire, capacity, &consumed);
                CHECK(n == TLS_ERR_ARGUMENT || (n > 0 && (size_t)n <= capacity));
                CHECK_EQ(n > 0, consumed > 0);
                CHECK_EQ(tls_drain_pending(pair.client), 0);
                CHECK_EQ(wire[capacity], 0xa5);
                if (n > 0) {
                    CHECK_EQ(tls_feed(pair.server, wire, (size_t)n), n);
                    check_arrives(pair.client, pair.server, sent, consumed);
                }
            }
            CHECK_EQ(tls_conn_wire_bound(pair.client, SIZE_MAX), PTRDIFF_MAX);
            free_pair(&pair);
        }
    }
}

/* in both forms of the engine, with and without the suites that count key updates. */
static void records_are_padded_to_multiples(void)
{
    static const size_t lengths[] = {1, 2, 63, 64, 1000, 1023, 1024, 16000, FULL - 1};
    size_t block, i;
    int form;

    for (block = 2; block <= TLS_MAX_PADDING; block *= 2) {
        for (form = 0; form < 4; form++) {
            struct setting setting = {.block = block,
                                      .events = form & 1 ? TLS_EVENT_KEY_UPDATE : 0,
                                      .verify = form & 2 ? TLS_VERIFY_ASK : TLS_VERIFY_PEER};
            struct pair pair = pair_with(TLS_VERSION_1_3, &setting);

            for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
                size_t inner = (lengths[i] + 1 + block - 1) / block * block;

                CHECK_EQ(tls_write_from(pair.client, sent, lengths[i]), lengths[i]);
                CHECK_EQ(records_of(pair.client), 1);
                CHECK_EQ(record_at(pair.client, 0), inner + TAG);
                check_arrives(pair.client, pair.server, sent, lengths[i]);
            }
            CHECK_EQ(tls_key_update(pair.client), TLS_OK);
            CHECK_EQ(record_at(pair.client, 0), 5 + 1 + TAG);
            CHECK_EQ((tls_state(pair.client) & TLS_HAS_EVENT) != 0, form & 1);
            check_arrives(pair.client, pair.server, sent, 0);
            CHECK_EQ(tls_write_from(pair.client, sent, 40000), 40000);
            for (i = 0; record_at(pair.client, i) > 0; i++)
                CHECK_EQ((record_at(pair.client, i) - TAG) % block, 0);
            check_arrives(pair.client, pair.server, sent, 40000);
            check_alive(&pair);
            CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
            CHECK_EQ(record_at(pair.client, 0), 2 + 1 + TAG);
            free_pair(&pair);
        }
    }
}

static void many_pieces_are_padded_like_one(void)
{
    struct setting setting = {.block = 1024};
    struct pair pair = pair_with(TLS_VERSION_1_3, &setting);
    tls_iovec_t pieces[64];
    size_t i;

    for (i = 0; i < 64; i++)
        pieces[i] = (tls_iovec_t){sent + i, 1};
    CHECK_EQ(tls_write_vectored(pair.client, pieces, 64), 64);
    CHECK_EQ(record_at(pair.client, 0), 1024 + TAG);
    check_arrives(pair.client, pair.server, sent, 64);
    free_pair(&pair);
}

/* Said in the header: there it is not padded, and nothing else is different. */
static void tls_1_2_has_no_padding(void)
{
    struct setting setting = {.block = 1024};
    struct pair pair = pair_with(TLS_VERSION_1_2, &setting);

    CHECK_EQ(tls_write_from(pair.client, sent, 100), 100);
    check_record(pair.client, 0, 100);
    CHECK_EQ(tls_conn_wire_bound(pair.client, 100), tls_wire_bound(100));
    check_arrives(pair.client, pair.server, sent, 100);
    free_pair(&pair);
}

/* Connections of a context that pads, and of one that does not, take turns on one thread. */
static void padding_is_its_contexts_own(void)
{
    struct setting setting = {.block = 256};
    struct pair padded = pair_with(TLS_VERSION_1_3, &setting),
                plain = pair_with(TLS_VERSION_1_3, NULL);
    int i;

    for (i = 0; i < 3; i++) {
        CHECK_EQ(tls_write_from(padded.client, sent, 10), 10);
        CHECK_EQ(tls_write_from(plain.client, sent, 10), 10);
        CHECK_EQ(tls_write_from(padded.server, sent, 10), 10);
        CHECK_EQ(record_at(padded.client, 0), 256 + TAG);
        check_record(plain.client, 0, 10);
        check_record(padded.server, 0, 10);
        check_arrives(padded.client, padded.server, sent, 10);
        check_arrives(plain.client, plain.server, sent, 10);
        check_arrives(padded.server, padded.client, sent, 10);
    }
    free_pair(&padded);
    free_pair(&plain);
}

/* A server that is given its context when the ClientHello is in, with settings that were made
 * before. */
static void a_server_that_asks_gets_them_with_its_context(void)
{
    struct setting setting = {.size = 2000, .small = 500, .ramp = 700, .block = 128};
    struct recipe recipe = plain_client;
    tls_context_t *client = make_client_context(&recipe), *server;
    tls_builder_t *builder = builder_with(&plain_server, &setting);
    struct pair pair = new_pair_of(client, NULL, NULL);

    server = tls_context_server(builder, NULL);
    CHECK_EQ(tls_cork(pair.server), TLS_OK);
    CHECK_EQ(tls_conn_record_size(pair.server, 1000), TLS_OK);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ASK_CONTEXT);
    CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
    finish_handshake(&pair);
    CHECK_EQ(tls_write_from(pair.server, sent, 2500), 2500);
    CHECK_EQ(tls_uncork(pair.server), TLS_OK);
    CHECK_EQ(record_at(pair.server, 0), 512 + TAG);
    CHECK_EQ(record_at(pair.server, 1), 512 + TAG);
    CHECK_EQ(record_at(pair.server, 2), 1024 + TAG);
    CHECK_EQ(record_at(pair.server, 3), 512 + TAG);
    CHECK_EQ(records_of(pair.server), 4);
    check_arrives(pair.server, pair.client, sent, 2500);
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(builder);
}

/* Early data is cut like the rest, and not padded. */
static void early_data_is_cut_and_not_padded(void)
{
    struct setting setting = {.size = 300, .small = 100, .ramp = 150, .block = 1024};
    struct recipe recipe = plain_client;
    tls_builder_t *client_builder = builder_with(&recipe, &setting);
    tls_builder_t *server_builder = make_builder(&plain_server);
    tls_context_t *client, *server;
    struct pair pair;
    size_t records;

    CHECK_EQ(tls_builder_early_data(client_builder, 1), TLS_OK);
    CHECK_EQ(tls_builder_early_data(server_builder, 1000), TLS_OK);
    client = tls_context_client(client_builder, NULL);
    server = tls_context_server(server_builder, NULL);
    pair = new_pair_of(client, server, NULL);
    finish_handshake(&pair);
    check_alive(&pair);
    free_pair(&pair);

    pair = new_pair_of(client, server, NULL);
    records = records_of(pair.client);
    CHECK_EQ(tls_early_write_from(pair.client, sent, 700), 700);
    CHECK_EQ(record_at(pair.client, records), 100 + 1 + TAG);
    CHECK_EQ(record_at(pair.client, records + 1), 100 + 1 + TAG);
    CHECK_EQ(record_at(pair.client, records + 2), 300 + 1 + TAG);
    CHECK_EQ(record_at(pair.client, records + 3), 200 + 1 + TAG);
    check_records_out(pair.client, 4);
    CHECK_EQ(tls_early_write_from(pair.client, sent + 700, 1000), 300);
    check_records_out(pair.client, 5);
    CHECK_EQ(tls_early_write_from(pair.client, sent, 1), TLS_ERR_LIMIT);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_early_read_into(pair.server, received, sizeof(received)), 1000);
    CHECK_BYTES(received, sent, 1000);
    finish_handshake(&pair);
    CHECK_EQ(tls_write_from(pair.client, sent, 400), 400);
    CHECK_EQ(record_at(pair.client, 0), 1024 + TAG);
    CHECK_EQ(records_of(pair.client), 2);
    check_arrives(pair.client, pair.server, sent, 400);
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(client_builder);
    tls_builder_free(server_builder);
}

static void check_refused(tls_builder_t *builder, tls_status_t status, const char *part)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(status, TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(error.status, TLS_ERR_ARGUMENT);
    CHECK(strstr(error.message, part) != NULL);
}

static void settings_that_make_no_sense_are_refused(void)
{
    tls_builder_t *builder = make_builder(&plain_server);
    struct pair pair = pair_with(TLS_VERSION_1_3, NULL);
    tls_error_t error = {.size = sizeof(error)};
    tls_context_t *context;

    check_refused(builder, tls_builder_record_size(builder, 63), "63");
    check_refused(builder, tls_builder_record_size(builder, 16385), "16385");
    check_refused(builder, tls_builder_record_ramp(builder, 63, 1), "63");
    check_refused(builder, tls_builder_record_ramp(builder, 64, ((size_t)1 << 30) + 1),
                  "1073741825");
    check_refused(builder, tls_builder_padding(builder, 1), "power of two");
    check_refused(builder, tls_builder_padding(builder, 1000), "1000");
    check_refused(builder, tls_builder_padding(builder, 32768), "32768");
    CHECK_EQ(tls_conn_record_size(pair.client, 63), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_conn_record_size(pair.client, 16385), TLS_ERR_ARGUMENT);

    CHECK_EQ(tls_builder_padding(builder, 16384), TLS_OK);
    CHECK_EQ(tls_builder_limits(builder, 0, 40000), TLS_OK);
    CHECK(tls_context_server(builder, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, TLS_REASON_LIMIT_TOO_SMALL);
    CHECK(strstr(error.message, "padded") != NULL);
    CHECK_EQ(tls_builder_padding(builder, 0), TLS_OK);
    context = tls_context_server(builder, &error);
    CHECK(context != NULL);
    tls_context_free(context);
    tls_builder_free(builder);
    check_alive(&pair);
    free_pair(&pair);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    fill_bytes(sent, sizeof(sent), 15);
    RUN(many_small_writes_become_one_record);
    RUN(a_full_record_leaves_at_once);
    RUN(what_makes_a_record_seals_what_is_kept_first);
    RUN(the_outbound_limit_holds_and_nothing_is_lost);
    RUN(what_is_kept_has_its_room);
    RUN(a_cork_before_the_handshake_holds_after_it);
    RUN(what_is_kept_waits_until_the_end);
    RUN(records_have_the_size_that_was_set);
    RUN(a_full_record_carries_what_the_header_says);
    RUN(a_vectored_write_is_cut_across_its_pieces);
    RUN(the_first_records_are_small);
    RUN(a_restart_without_a_ramp_does_nothing);
    RUN(a_buffer_of_the_bound_suffices);
    RUN(records_are_padded_to_multiples);
    RUN(many_pieces_are_padded_like_one);
    RUN(tls_1_2_has_no_padding);
    RUN(padding_is_its_contexts_own);
    RUN(a_server_that_asks_gets_them_with_its_context);
    RUN(early_data_is_cut_and_not_padded);
    RUN(settings_that_make_no_sense_are_refused);
    return 0;
}
