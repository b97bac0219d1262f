/* Events, counters and the kind of handshake: what can be known of a connection besides its bytes.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define ALL_EVENTS                                                                                 \
    (TLS_EVENT_HANDSHAKE_DONE | TLS_EVENT_TICKET | TLS_EVENT_ALERT_RECEIVED |                      \
     TLS_EVENT_ALERT_SENT | TLS_EVENT_KEY_UPDATE)

/* A context that records. */
static tls_context_t *recording(int is_server, uint16_t version, uint32_t mask, int32_t key_log,
                                int32_t verify)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;

    if (is_server)
        CHECK_EQ(tls_builder_identity_file(builder, pki_path("ecdsa/server-chain.pem"),
                                           pki_path("ecdsa/server.key")),
                 TLS_OK);
    else
        CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, version, version), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, verify), TLS_OK);
    CHECK_EQ(tls_builder_events(builder, mask), TLS_OK);
    CHECK_EQ(tls_builder_key_log(builder, key_log), TLS_OK);
    context = is_server ? tls_context_server(builder, &error) : tls_context_client(builder, &error);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static struct pair recording_pair(uint16_t version, uint32_t mask, int32_t key_log, int32_t verify)
{
    tls_context_t *client = recording(0, version, mask, key_log, verify);
    tls_context_t *server = recording(1, version, mask, key_log, TLS_VERIFY_PEER);
    struct pair pair = new_pair_of(client, server, NULL);

    tls_context_free(client);
    tls_context_free(server);
    return pair;
}

/* The next event must be this one; 0 for none. */
static void expect_event(tls_conn_t *conn, uint32_t kind, uint32_t number)
{
    tls_event_t event;

    memset(&event, 0xA5, sizeof(event));
    event.size = sizeof(event);
    CHECK_EQ((tls_state(conn) & TLS_HAS_EVENT) != 0, kind != 0);
    CHECK_EQ(tls_next_event(conn, &event), kind != 0);
    CHECK_EQ(event.kind, kind);
    CHECK_EQ(event.number, number);
    CHECK_EQ(event.lost, 0);
    CHECK_EQ(event.text[0], '\0');
    CHECK_EQ(event.size, sizeof(event));
}

static void take_all_events(tls_conn_t *conn)
{
    tls_event_t event = {.size = sizeof(event)};

    while (tls_next_event(conn, &event) == 1)
        ;
    CHECK_EQ(tls_next_event(conn, &event), 0);
}

/* in both forms of the engine: with questions and without. */
static void things_are_told_in_their_order(void)
{
    for (EACH_VERSION) {
        for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
            struct pair pair = recording_pair(version, ALL_EVENTS, 0, verify);
            tls_event_t event = {.size = sizeof(event)};
            uint32_t tickets = 0;

            expect_event(pair.client, 0, 0);
            pump(&pair);
            if (verify == TLS_VERIFY_ASK) {
                CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
                expect_event(pair.client, 0, 0);
                CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
            }
            finish_handshake(&pair);
            expect_event(pair.client, TLS_EVENT_HANDSHAKE_DONE, version);
            expect_event(pair.server, TLS_EVENT_HANDSHAKE_DONE, version);
            expect_event(pair.server, 0, 0);
            while (tls_next_event(pair.client, &event) == 1) {
                CHECK_EQ(event.kind, TLS_EVENT_TICKET);
                CHECK_EQ(event.number, ++tickets);
            }
            CHECK_EQ(tickets > 0, version == TLS_VERSION_1_3);
            check_alive(&pair);
            expect_event(pair.client, 0, 0);

            CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
            CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
            pump(&pair);
            expect_event(pair.client, TLS_EVENT_ALERT_SENT, 0);
            expect_event(pair.client, 0, 0);
            expect_event(pair.server, TLS_EVENT_ALERT_RECEIVED, 0);
            expect_event(pair.server, 0, 0);
            free_pair(&pair);
        }
    }
}

static void fatal_alerts_are_told_on_both_sides(void)
{
    tls_context_t *client = recording(0, TLS_VERSION_1_3, ALL_EVENTS, 0, TLS_VERIFY_PEER);
    tls_context_t *server = recording(1, TLS_VERSION_1_3, ALL_EVENTS, 0, TLS_VERIFY_PEER);
    struct pair pair = new_pair_of(client, server, "other.test");

    pump(&pair);
    CHECK_EQ(pair.client_status, TLS_ERR_CERTIFICATE);
    CHECK_EQ(pair.server_status, TLS_ERR_ALERT);
    expect_event(pair.client, TLS_EVENT_ALERT_SENT, (uint32_t)error_of(pair.client).alert_sent);
    expect_event(pair.client, 0, 0);
    expect_event(pair.server, TLS_EVENT_ALERT_RECEIVED,
                 (uint32_t)error_of(pair.server).alert_received);
    expect_event(pair.server, 0, 0);
    free_pair(&pair);

    pair = new_pair_of(client, NULL, NULL);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ASK_CONTEXT);
    CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
    finish_handshake(&pair);
    expect_event(pair.server, TLS_EVENT_HANDSHAKE_DONE, TLS_VERSION_1_3);
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
}

static void only_what_was_asked_for_is_recorded(void)
{
    struct pair pair = recording_pair(TLS_VERSION_1_3, TLS_EVENT_ALERT_RECEIVED, 0, 0);

    finish_handshake(&pair);
    expect_event(pair.client, 0, 0);
    CHECK_EQ(tls_close_notify(pair.server), TLS_OK);
    pump(&pair);
    expect_event(pair.server, 0, 0);
    expect_event(pair.client, TLS_EVENT_ALERT_RECEIVED, 0);
    free_pair(&pair);

    pair = recording_pair(TLS_VERSION_1_3, TLS_EVENT_HANDSHAKE_DONE, 0, 0);
    finish_handshake(&pair);
    expect_event(pair.client, TLS_EVENT_HANDSHAKE_DONE, TLS_VERSION_1_3);
    expect_event(pair.client, 0, 0);
    free_pair(&pair);

    pair = connected_pair(TLS_VERSION_1_3);
    CHECK_EQ(tls_close_notify(pair.server), TLS_OK);
    pump(&pair);
    expect_event(pair.server, 0, 0);
    expect_event(pair.client, 0, 0);
    free_pair(&pair);
}

static void bad_arguments_take_no_event(void)
{
    struct pair pair = recording_pair(TLS_VERSION_1_2, ALL_EVENTS, 0, 0);
    tls_builder_t *builder = tls_builder_new();
    tls_event_t event = {.size = sizeof(event) - 1, .kind = 77};

    finish_handshake(&pair);
    CHECK_EQ(tls_next_event(pair.client, &event), TLS_ERR_ARGUMENT);
    CHECK_EQ(event.kind, 77);
    expect_event(pair.client, TLS_EVENT_HANDSHAKE_DONE, TLS_VERSION_1_2);
    free_pair(&pair);

    CHECK_EQ(tls_builder_events(builder, TLS_EVENT_KEY_LOG), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_events(builder, 1u << 31), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_key_log(builder, 2), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_key_log(builder, -1), TLS_ERR_ARGUMENT);
    tls_builder_free(builder);
}

enum { MOST_LINES = 8 };

static size_t take_lines(tls_conn_t *conn, char lines[MOST_LINES][sizeof((tls_event_t *)0)->text])
{
    tls_event_t event = {.size = sizeof(event)};
    size_t count = 0;

    while (tls_next_event(conn, &event) == 1) {
        CHECK_EQ(event.kind, TLS_EVENT_KEY_LOG);
        CHECK(count < MOST_LINES);
        memcpy(lines[count++], event.text, sizeof(event.text));
    }
    return count;
}

static int is_among(const char *line, char lines[MOST_LINES][sizeof((tls_event_t *)0)->text],
                    size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(line, lines[i]) == 0)
            return 1;
    return 0;
}

/* the two ends of a connection derive the same secrets, and so log the same lines. */
static void both_ends_log_the_same_keys(void)
{
    static const char *const labels[] = {
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
        "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 ", "EXPORTER_SECRET "};

    for (EACH_VERSION) {
        for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
            struct pair pair = recording_pair(version, 0, 1, verify);
            char client[MOST_LINES][sizeof((tls_event_t *)0)->text];
            char server[MOST_LINES][sizeof((tls_event_t *)0)->text];
            size_t count, i;

            pump(&pair);
            if (verify == TLS_VERIFY_ASK)
                CHECK_EQ(tls_answer_verify(pair.client, 0), TLS_OK);
            finish_handshake(&pair);
            count = take_lines(pair.client, client);
            CHECK_EQ(take_lines(pair.server, server), count);
            CHECK_EQ(count, version == TLS_VERSION_1_3 ? 5 : 1);
            for (i = 0; i < count; i++) {
                const char *label = version == TLS_VERSION_1_3 ? labels[i] : "CLIENT_RANDOM ";
                size_t found = 0, j;

                CHECK(is_among(client[i], server, count));
                for (j = 0; j < count; j++)
                    found += strncmp(client[j], label, strlen(label)) == 0;
                CHECK_EQ(found, 1);
            }
            check_alive(&pair);
            free_pair(&pair);
        }
    }
}

static tls_counters_t counters_of(tls_conn_t *conn)
{
    tls_counters_t counters = {.size = sizeof(counters)};

    CHECK_EQ(tls_counters(conn, &counters), TLS_OK);
    CHECK_EQ(counters.size, sizeof(counters));
    return counters;
}

/* whatever the way, what one end has sent is what the other has received. */
static void every_way_is_counted(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);
        unsigned char plain[3000], wire[8192];
        tls_counters_t before = counters_of(pair.client), after = counters_of(pair.server);
        tls_span_t spans[4];
        size_t consumed, len;
        ptrdiff_t sealed;
        void *window;

        CHECK(before.wire_in > 0 && before.wire_out > 0);
        CHECK_EQ(before.plain_in, 0);
        CHECK_EQ(before.plain_out, 0);
        CHECK_EQ(before.wire_out, after.wire_in);
        CHECK_EQ(before.wire_in, after.wire_out);

        /* Straight into the host's memory, and in place out of it. */
        fill_bytes(plain, sizeof(plain), 1);
        sealed = tls_write_into(pair.client, plain, 3000, wire, sizeof(wire), &consumed);
        CHECK_EQ(consumed, 3000);
        CHECK_EQ(counters_of(pair.client).wire_out, before.wire_out + (uint64_t)sealed);
        CHECK_EQ(counters_of(pair.client).plain_out, 3000);
        CHECK_EQ(tls_read_in_place(pair.server, wire, (size_t)sealed, spans, 4, &consumed), 1);
        CHECK_EQ(counters_of(pair.server).wire_in, before.wire_out + (uint64_t)sealed);
        CHECK_EQ(counters_of(pair.server).plain_in, 3000);

        /* Through the queue, a window, and two reads. */
        CHECK_EQ(tls_write_from(pair.server, plain, 1000), 1000);
        CHECK_EQ(counters_of(pair.server).wire_out, after.wire_out);
        sealed = tls_drain_into(pair.server, wire, sizeof(wire));
        CHECK_EQ(counters_of(pair.server).wire_out, after.wire_out + (uint64_t)sealed);
        CHECK_EQ(counters_of(pair.server).plain_out, 1000);
        CHECK_EQ(tls_feed_window(pair.client, (size_t)sealed, &window, &len), TLS_OK);
        memcpy(window, wire, (size_t)sealed);
        CHECK_EQ(tls_feed_commit(pair.client, (size_t)sealed), TLS_OK);
        CHECK_EQ(counters_of(pair.client).wire_in, before.wire_in + (uint64_t)sealed);
        CHECK_EQ(counters_of(pair.client).plain_in, 0);
        CHECK_EQ(tls_read_into(pair.client, plain, 400), 400);
        CHECK_EQ(counters_of(pair.client).plain_in, 400);
        CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), 600);
        CHECK_EQ(counters_of(pair.client).plain_in, 1000);
        free_pair(&pair);
    }
}

/* in both forms of the engine, without any event. */
static void tickets_are_counted(void)
{
    for (EACH_VERSION) {
        for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
            struct pair pair = recording_pair(version, 0, 0, verify);

            pump(&pair);
            if (verify == TLS_VERIFY_ASK)
                CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
            finish_handshake(&pair);
            CHECK_EQ(counters_of(pair.client).tickets_in,
                     version == TLS_VERSION_1_3 ? TLS_DEFAULT_TICKETS : 0);
            CHECK_EQ(counters_of(pair.server).tickets_in, 0);
            CHECK(!(tls_state(pair.client) & TLS_HAS_EVENT));
            free_pair(&pair);
        }
    }
}

static void check_records(tls_conn_t *conn, uint64_t in, uint64_t out)
{
    CHECK_EQ(counters_of(conn).records_in, in);
    CHECK_EQ(counters_of(conn).records_out, out);
}

/* in both forms of the engine. */
static void records_of_plain_bytes_are_counted(void)
{
    for (EACH_VERSION) {
        for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
            struct pair pair = recording_pair(version, 0, 0, verify);
            static unsigned char plain[65537], wire[80000];
            tls_span_t spans[2];
            size_t consumed, len, used = 0;
            uint64_t out = 0, in = 0;
            tls_iovec_t pieces[2] = {{plain, 10}, {plain, 20}};

            pump(&pair);
            if (verify == TLS_VERIFY_ASK)
                CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
            finish_handshake(&pair);
            check_records(pair.client, 0, 0);
            check_records(pair.server, 0, 0);

            /* What is sealed as one is one; a record that is read in pieces too. */
            CHECK_EQ(tls_write_vectored(pair.client, pieces, 2), 30);
            CHECK_EQ(tls_write_from(pair.client, plain, 1), 1);
            check_records(pair.client, 0, out = 2);
            carry(pair.client, pair.server);
            check_records(pair.server, 0, 0);
            for (int i = 0; i < 31; i++) {
                CHECK_EQ(tls_read_into(pair.server, plain, 1), 1);
                check_records(pair.server, i < 30 ? 1 : 2, 0);
            }
            in = 2;

            /* Four records, and one byte more. */
            CHECK_EQ(tls_write_from(pair.client, plain, 65537), 65537);
            check_records(pair.client, 0, out += 5);
            CHECK(carry(pair.client, pair.server) > 65536);
            (void)tls_state(pair.server);
            check_records(pair.server, in += 1, 0);
            for (ptrdiff_t n = 0, got = 0; got < 65537; got += n)
                CHECK((n = tls_read_into(pair.server, plain, 20000)) > 0);
            check_records(pair.server, in += 4, 0);

            /* In place, two at a time; KeyUpdates between them do not count. */
            len = 0;
            for (int i = 0; i < 5; i++) {
                if (version == TLS_VERSION_1_3 && i % 2 == 1)
                    CHECK_EQ(tls_key_update(pair.client), TLS_OK);
                len += (size_t)tls_drain_into(pair.client, wire + len, sizeof(wire) - len);
                len += (size_t)tls_write_into(pair.client, plain, 5, wire + len, sizeof(wire) - len,
                                              &consumed);
                /* An answer that asks this side for new keys again. */
                if (version == TLS_VERSION_1_3 && i % 2 == 1) {
                    CHECK_EQ(tls_read_in_place(pair.server, wire + used, len - used, spans, 2,
                                               &consumed),
                             2);
                    used += consumed;
                    CHECK_EQ(tls_write_from(pair.server, plain, 5), 5);
                    CHECK(carry(pair.server, pair.client) > 2 * 5 + 17);
                    CHECK_EQ(tls_read_into(pair.client, plain, 5), 5);
                }
            }
            check_records(pair.client, version == TLS_VERSION_1_3 ? 2 : 0, out + 5);
            while (used < len) {
                CHECK(tls_read_in_place(pair.server, wire + used, len - used, spans, 2, &consumed) >
                      0);
                used += consumed;
            }
            check_records(pair.server, in + 5, version == TLS_VERSION_1_3 ? 2 : 0);
            CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
            check_records(pair.client, version == TLS_VERSION_1_3 ? 2 : 0, out + 5);
            free_pair(&pair);
        }
    }
}

/* What a connection has besides its events stays when the last of them was taken: each of these
 * alone. */
static void taking_the_last_event_takes_nothing_else(void)
{
    for (EACH_VERSION) {
        unsigned char first[32], again[32], plain[8];
        tls_context_t *client = recording(0, version, ALL_EVENTS, 0, TLS_VERIFY_PEER);
        tls_context_t *server = recording(1, version, ALL_EVENTS, 0, TLS_VERIFY_PEER);
        tls_session_t *session;
        tls_conn_t *sender;
        struct pair pair = new_pair_of(client, server, NULL);

        /* The host's clock. */
        CHECK_EQ(tls_time(pair.client, 100), TLS_OK);
        finish_handshake(&pair);
        take_all_events(pair.client);
        CHECK_EQ(tls_time(pair.client, 99), TLS_ERR_ARGUMENT);
        /* What gives out keying material. */
        CHECK_EQ(tls_export(pair.server, "label", 5, NULL, 0, 0, first, sizeof(first)),
                 sizeof(first));
        take_all_events(pair.server);
        CHECK_EQ(tls_export(pair.server, "label", 5, NULL, 0, 0, again, sizeof(again)),
                 sizeof(again));
        CHECK_BYTES(again, first, sizeof(first));
        free_pair(&pair);

        /* Plain bytes that are kept for a full record. */
        pair = new_pair_of(client, server, NULL);
        finish_handshake(&pair);
        CHECK_EQ(tls_cork(pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, "kept", 4), 4);
        take_all_events(pair.client);
        CHECK_EQ(tls_uncork(pair.client), TLS_OK);
        CHECK(carry(pair.client, pair.server) > 4);
        CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 4);

        /* Which half it is. */
        sender = tls_split(pair.server, NULL);
        CHECK(sender != NULL);
        take_all_events(pair.server);
        take_all_events(sender);
        CHECK_EQ(tls_write_from(pair.server, "x", 1), TLS_ERR_STATE);
        CHECK_EQ(tls_read_into(sender, plain, 1), TLS_ERR_STATE);
        tls_free(sender);
        free_pair(&pair);

        /* Sessions of its own. */
        pair = new_pair_of(client, server, NULL);
        tls_free(pair.client);
        pair.client = tls_client_new_resuming(client, "localhost", NULL, NULL);
        CHECK(pair.client != NULL);
        finish_handshake(&pair);
        take_all_events(pair.client);
        session = tls_session_take(pair.client, NULL);
        CHECK(session != NULL);
        tls_session_free(session);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
    }
}

static void counters_fit_the_struct_of_the_caller(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    tls_counters_t counters;

    memset(&counters, 0xA5, sizeof(counters));
    counters.size = sizeof(size_t) + sizeof(uint64_t) - 1;
    CHECK_EQ(tls_counters(pair.client, &counters), TLS_ERR_ARGUMENT);
    counters.size = sizeof(size_t) + sizeof(uint64_t);
    CHECK_EQ(tls_counters(pair.client, &counters), TLS_OK);
    CHECK(counters.wire_in != UINT64_C(0xA5A5A5A5A5A5A5A5));
    CHECK_EQ(counters.wire_out, UINT64_C(0xA5A5A5A5A5A5A5A5));
    free_pair(&pair);
}

static void the_kind_of_handshake_is_told(void)
{
    tls_context_t *server = make_server_context(&plain_server);

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);

        for (int i = 0; i < 2; i++) {
            struct pair pair = new_pair_of(client, server, NULL);
            int32_t kind = i == 0 ? TLS_HANDSHAKE_FULL : TLS_HANDSHAKE_RESUMED;

            CHECK_EQ(tls_handshake_kind(pair.client), TLS_HANDSHAKE_UNKNOWN);
            CHECK_EQ(tls_handshake_kind(pair.server), TLS_HANDSHAKE_UNKNOWN);
            finish_handshake(&pair);
            CHECK_EQ(tls_handshake_kind(pair.client), kind);
            CHECK_EQ(tls_handshake_kind(pair.server), kind);
            free_pair(&pair);
        }
        tls_context_free(client);
    }
    tls_context_free(server);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(things_are_told_in_their_order);
    RUN(fatal_alerts_are_told_on_both_sides);
    RUN(only_what_was_asked_for_is_recorded);
    RUN(bad_arguments_take_no_event);
    RUN(both_ends_log_the_same_keys);
    RUN(every_way_is_counted);
    RUN(tickets_are_counted);
    RUN(records_of_plain_bytes_are_counted);
    RUN(taking_the_last_event_takes_nothing_else);
    RUN(counters_fit_the_struct_of_the_caller);
    RUN(the_kind_of_handshake_is_told);
    return 0;
}
