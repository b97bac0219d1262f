/* One connection, two handles, two threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

enum { BAD_RECORD_MAC = 20, PIPE = 48 * 1024, STREAM = 1024 * 1024, CHUNK = 8000 };

/* One side of a connection after the split. */
struct side {
    tls_conn_t *in, *out;
};

/* A half must not depend on how the handshake went: it may have been one that asks. */
static struct pair pair_of_form(uint16_t version, int32_t verify)
{
    struct recipe client = with_version(plain_client, version), server = plain_server;
    struct pair pair;

    client.verify = verify;
    server.alpn = client.alpn = "\x02h2";
    pair = new_pair(&client, &server, NULL);
    pump(&pair);
    if (pair.client_status == TLS_ASK_VERIFY)
        CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
    finish_handshake(&pair);
    return pair;
}

static struct side split(tls_conn_t *conn)
{
    tls_error_t error = {.size = sizeof(error)};
    struct side side = {conn, tls_split(conn, &error)};

    CHECK_EQ(error.status, TLS_OK);
    CHECK(side.out != NULL && side.out != conn);
    return side;
}

static void free_side(struct side *side)
{
    tls_free(side->in);
    tls_free(side->out);
}

/* Sends text from one half to another one, or to a whole connection. */
static void check_sends(tls_conn_t *from, tls_conn_t *to)
{
    char plain[8] = "";

    CHECK_EQ(tls_write_from(from, "still", 5), 5);
    CHECK(carry(from, to) > 0);
    CHECK_EQ(tls_read_into(to, plain, sizeof(plain)), 5);
    CHECK_BYTES(plain, "still", 5);
}

/* ---- Two threads a side, both ways at once ---- */

/* A transport in one direction. */
struct pipe {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned char bytes[PIPE];
    size_t len;
};

struct duplex {
    struct side side;
    struct pipe *from_peer, *to_peer;
    uint32_t sends, receives; /* seeds of the two streams */
    int updates;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    int wake, received_all;
    size_t wakes;
};

static void put(struct pipe *pipe, const unsigned char *bytes, size_t len)
{
    CHECK_EQ(pthread_mutex_lock(&pipe->lock), 0);
    while (len > 0) {
        size_t room = PIPE - pipe->len, part = len < room ? len : room;

        memcpy(pipe->bytes + pipe->len, bytes, part);
        pipe->len += part;
        bytes += part;
        len -= part;
        CHECK_EQ(pthread_cond_broadcast(&pipe->changed), 0);
        if (len > 0)
            CHECK_EQ(pthread_cond_wait(&pipe->changed, &pipe->lock), 0);
    }
    CHECK_EQ(pthread_mutex_unlock(&pipe->lock), 0);
}

static size_t take(struct pipe *pipe, unsigned char *bytes, size_t len)
{
    CHECK_EQ(pthread_mutex_lock(&pipe->lock), 0);
    while (pipe->len == 0)
        CHECK_EQ(pthread_cond_wait(&pipe->changed, &pipe->lock), 0);
    len = len < pipe->len ? len : pipe->len;
    memcpy(bytes, pipe->bytes, len);
    pipe->len -= len;
    memmove(pipe->bytes, pipe->bytes + len, pipe->len);
    CHECK_EQ(pthread_cond_broadcast(&pipe->changed), 0);
    CHECK_EQ(pthread_mutex_unlock(&pipe->lock), 0);
    return len;
}

static void send_queued(struct duplex *duplex)
{
    unsigned char wire[CHUNK];
    ptrdiff_t n;

    while ((n = tls_drain_into(duplex->side.out, wire, sizeof(wire))) > 0)
        put(duplex->to_peer, wire, (size_t)n);
    CHECK_EQ(n, 0);
}

static void *sender(void *argument)
{
    struct duplex *duplex = argument;
    unsigned char *plain = malloc(STREAM);
    size_t sent = 0, writes = 0;
    int over = 0;

    CHECK(plain != NULL);
    fill_bytes(plain, STREAM, duplex->sends);
    while (sent < STREAM) {
        size_t len = STREAM - sent < CHUNK ? STREAM - sent : CHUNK;
        ptrdiff_t n = tls_write_from(duplex->side.out, plain + sent, len);

        CHECK(n > 0);
        sent += (size_t)n;
        if (duplex->updates && ++writes % 16 == 0)
            CHECK_EQ(tls_key_update(duplex->side.out), TLS_OK);
        send_queued(duplex);
    }
    free(plain);
    /* What the receiving half owes still has to leave. */
    while (!over) {
        CHECK_EQ(pthread_mutex_lock(&duplex->lock), 0);
        while (!duplex->wake && !duplex->received_all)
            CHECK_EQ(pthread_cond_wait(&duplex->woken, &duplex->lock), 0);
        over = !duplex->wake;
        duplex->wake = 0;
        CHECK_EQ(pthread_mutex_unlock(&duplex->lock), 0);
        CHECK((tls_state(duplex->side.out) & (TLS_FAILED | TLS_CAN_WRITE)) == TLS_CAN_WRITE);
        send_queued(duplex);
    }
    CHECK_EQ(tls_close_notify(duplex->side.out), TLS_OK);
    send_queued(duplex);
    CHECK_EQ(tls_state(duplex->side.out), TLS_WE_CLOSED);
    return NULL;
}

static void tell_sender(struct duplex *duplex, int wake, int received_all)
{
    CHECK_EQ(pthread_mutex_lock(&duplex->lock), 0);
    duplex->wake |= wake;
    duplex->wakes += (size_t)wake;
    duplex->received_all |= received_all;
    CHECK_EQ(pthread_cond_broadcast(&duplex->woken), 0);
    CHECK_EQ(pthread_mutex_unlock(&duplex->lock), 0);
}

static void *receiver(void *argument)
{
    struct duplex *duplex = argument;
    unsigned char *plain = malloc(STREAM), *expected = malloc(STREAM), wire[CHUNK];
    size_t received = 0;

    CHECK(plain != NULL && expected != NULL);
    fill_bytes(expected, STREAM, duplex->receives);
    while (tls_advance(duplex->side.in) != TLS_CLOSED) {
        size_t len = take(duplex->from_peer, wire, sizeof(wire)), fed = 0;
        ptrdiff_t n;

        while (fed < len) {
            n = tls_feed(duplex->side.in, wire + fed, len - fed);
            CHECK(n > 0);
            fed += (size_t)n;
            while (received < STREAM &&
                   (n = tls_read_into(duplex->side.in, plain + received, STREAM - received)) > 0)
                received += (size_t)n;
        }
        tell_sender(duplex, (tls_state(duplex->side.in) & TLS_WAKE_SENDER) != 0,
                    received == STREAM);
    }
    CHECK_EQ(received, STREAM);
    CHECK_BYTES(plain, expected, STREAM);
    check_healthy(duplex->side.in);
    free(plain);
    free(expected);
    return NULL;
}

static void new_pipe(struct pipe *pipe)
{
    CHECK_EQ(pthread_mutex_init(&pipe->lock, NULL), 0);
    CHECK_EQ(pthread_cond_init(&pipe->changed, NULL), 0);
    pipe->len = 0;
}

static struct duplex new_duplex(tls_conn_t *conn, struct pipe *from_peer, struct pipe *to_peer,
                                uint32_t sends, uint32_t receives, int updates)
{
    struct duplex duplex = {.side = split(conn),
                            .from_peer = from_peer,
                            .to_peer = to_peer,
                            .sends = sends,
                            .receives = receives,
                            .updates = updates};

    CHECK_EQ(pthread_mutex_init(&duplex.lock, NULL), 0);
    CHECK_EQ(pthread_cond_init(&duplex.woken, NULL), 0);
    return duplex;
}

static void stream_both_ways(uint16_t version, int32_t verify)
{
    static struct pipe up, down;
    struct pair pair = pair_of_form(version, verify);
    struct duplex client, server;
    pthread_t threads[4];
    int updates = version == TLS_VERSION_1_3;

    new_pipe(&up);
    new_pipe(&down);
    client = new_duplex(pair.client, &down, &up, 1, 2, updates);
    server = new_duplex(pair.server, &up, &down, 2, 1, updates);
    CHECK_EQ(pthread_create(&threads[0], NULL, sender, &client), 0);
    CHECK_EQ(pthread_create(&threads[1], NULL, receiver, &client), 0);
    CHECK_EQ(pthread_create(&threads[2], NULL, sender, &server), 0);
    CHECK_EQ(pthread_create(&threads[3], NULL, receiver, &server), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    free_side(&client.side);
    free_side(&server.side);
}

/* */
static void two_threads_move_data_both_ways_at_once(void)
{
    for (EACH_VERSION) {
        stream_both_ways(version, TLS_VERIFY_PEER);
        stream_both_ways(version, TLS_VERIFY_ASK);
    }
}

/* ---- The moment of the split ---- */

static void split_in_the_middle(uint16_t version, int32_t verify)
{
    struct pair pair = pair_of_form(version, verify);
    unsigned char wire[4096], plain[64], *window;
    const void *queued, *shown;
    size_t queued_len, shown_len, room;
    ptrdiff_t len;
    struct side side;
    tls_counters_t in = {.size = sizeof(in)}, out = {.size = sizeof(out)};

    /* Three records, of which one is half read, one is whole, and one is not. */
    CHECK_EQ(tls_write_from(pair.server, "unread", 6), 6);
    CHECK_EQ(tls_write_from(pair.server, "whole", 5), 5);
    CHECK_EQ(tls_write_from(pair.server, "partial", 7), 7);
    len = tls_drain_into(pair.server, wire, sizeof(wire));
    CHECK(len > 10);
    CHECK_EQ(tls_feed(pair.client, wire, (size_t)len - 10), len - 10);
    CHECK_EQ(tls_read_into(pair.client, plain, 2), 2);
    CHECK_EQ(tls_plain_pending(pair.client), 4);
    CHECK_EQ(tls_feed_window(pair.client, 10, (void **)&window, &room), TLS_OK);
    /* And bytes that wait to be sent. */
    CHECK_EQ(tls_write_from(pair.client, "queued", 6), 6);
    CHECK_EQ(tls_feed_window(pair.client, 10, (void **)&window, &room), TLS_OK);
    CHECK_EQ(tls_drain_peek(pair.client, &queued, &queued_len), TLS_OK);
    CHECK(queued_len > 0);

    side = split(pair.client);
    memcpy(window, wire + len - 10, 10);
    CHECK_EQ(tls_feed_commit(side.in, 10), TLS_OK);
    CHECK_EQ(tls_plain_pending(side.in), 4);
    CHECK_EQ(tls_read_into(side.in, plain, sizeof(plain)), 16);
    CHECK_BYTES(plain, "readwholepartial", 16);
    CHECK_EQ(tls_state(side.in), TLS_CAN_FEED);

    CHECK_EQ(tls_state(side.out), TLS_CAN_DRAIN | TLS_CAN_WRITE);
    CHECK_EQ(tls_drain_peek(side.out, &shown, &shown_len), TLS_OK);
    CHECK(shown == queued);
    CHECK_EQ(shown_len, queued_len);
    CHECK(carry(side.out, pair.server) == queued_len);
    CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 6);
    CHECK_BYTES(plain, "queued", 6);
    CHECK_EQ(tls_state(side.out), TLS_CAN_WRITE);

    CHECK_EQ(tls_counters(side.in, &in), TLS_OK);
    CHECK_EQ(tls_counters(side.out, &out), TLS_OK);
    CHECK_EQ(in.plain_in, 18);
    CHECK(in.wire_in > 18);
    CHECK_EQ(in.records_in, 3);
    CHECK_EQ(out.records_out, 1);
    CHECK_EQ(in.plain_out + in.wire_out + in.records_out, 0);
    CHECK_EQ(out.plain_in + out.wire_in + out.records_in, 0);
    CHECK_EQ(out.plain_out, 6);
    CHECK(out.wire_out > queued_len);

    check_sends(side.out, pair.server);
    check_sends(pair.server, side.in);
    free_side(&side);
    tls_free(pair.server);
}

/* */
static void nothing_is_lost_at_the_split(void)
{
    for (EACH_VERSION) {
        split_in_the_middle(version, TLS_VERIFY_PEER);
        split_in_the_middle(version, TLS_VERIFY_ASK);
    }
}

static void check_refused(tls_conn_t *conn, tls_status_t status, const char *why)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK(tls_split(conn, &error) == NULL);
    CHECK_EQ(error.status, status);
    CHECK(strstr(error.message, why) != NULL);
    CHECK(tls_split(conn, NULL) == NULL);
}

static void a_cork_goes_with_the_sending_half(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_of_form(version, TLS_VERIFY_PEER);
        struct side side;
        char received[8];

        CHECK_EQ(tls_cork(pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, "one ", 4), 4);
        side = split(pair.client);
        CHECK_EQ(tls_write_from(side.out, "two", 3), 3);
        CHECK_EQ(tls_drain_pending(side.out), 0);
        CHECK_EQ(tls_uncork(side.out), TLS_OK);
        carry(side.out, pair.server);
        CHECK_EQ(tls_read_into(pair.server, received, sizeof(received)), 7);
        CHECK_BYTES(received, "one two", 7);
        check_sends(side.out, pair.server);
        free_side(&side);
        tls_free(pair.server);
    }
}

static void records_are_sized_in_a_half_as_in_the_whole(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_builder_t *builder = make_builder(&recipe);
        tls_context_t *client, *server = make_server_context(&plain_server);
        struct pair pair;
        struct side side;
        ptrdiff_t bound;

        CHECK_EQ(tls_builder_record_size(builder, 1000), TLS_OK);
        CHECK_EQ(tls_builder_padding(builder, 2), TLS_OK);
        client = tls_context_client(builder, NULL);
        pair = new_pair_of(client, server, NULL);
        finish_handshake(&pair);
        bound = tls_conn_wire_bound(pair.client, 5000);
        CHECK(bound > 5000);
        side = split(pair.client);
        CHECK_EQ(tls_conn_wire_bound(side.out, 5000), bound);
        check_sends(side.out, pair.server);
        free_side(&side);
        tls_free(pair.server);
        tls_context_free(client);
        tls_context_free(server);
        tls_builder_free(builder);
    }
}

static void a_connection_is_split_once_and_after_the_handshake(void)
{
    struct pair pair = new_pair(&plain_client, &plain_server, NULL);
    struct side side;

    check_refused(NULL, TLS_ERR_ARGUMENT, "NULL");
    check_refused(pair.client, TLS_ERR_STATE, "handshake");
    finish_handshake(&pair);
    side = split(pair.client);
    check_refused(side.in, TLS_ERR_STATE, "half");
    check_refused(side.out, TLS_ERR_STATE, "half");
    check_sends(side.out, pair.server);
    check_sends(pair.server, side.in);
    free_side(&side);
    check_refused(side.in, TLS_ERR_HANDLE, "freed");
    tls_free(pair.server);
}

/* */
static void each_function_belongs_to_its_half(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_of_form(version, TLS_VERIFY_PEER);
        struct side side = split(pair.client);
        tls_conn_t *in = side.in, *out = side.out;
        tls_context_t *context = make_client_context(&plain_client);
        tls_buffer_t *owned;
        unsigned char bytes[256];
        void *window;
        const void *wire;
        size_t len = 0;
        tls_span_t span;
        tls_iovec_t piece = {bytes, sizeof(bytes)};
        tls_timings_t timings = {.size = sizeof(timings)};
        uint32_t state;

        memset(bytes, 0xa5, sizeof(bytes));
        CHECK_EQ(tls_write_from(in, bytes, 1), TLS_ERR_STATE);
        CHECK_EQ(tls_write_into(in, bytes, 1, bytes, 200, &len), TLS_ERR_STATE);
        CHECK_EQ(tls_write_vectored(in, &piece, 1), TLS_ERR_STATE);
        CHECK_EQ(tls_early_write_from(in, bytes, 1), TLS_ERR_STATE);
        CHECK_EQ(tls_key_update(in), TLS_ERR_STATE);
        CHECK_EQ(tls_close_notify(in), TLS_ERR_STATE);
        CHECK_EQ(tls_refuse(in, 42), TLS_ERR_STATE);
        CHECK_EQ(tls_refuse(out, 42), TLS_ERR_STATE);
        CHECK_EQ(tls_drain_into(in, bytes, sizeof(bytes)), TLS_ERR_STATE);
        CHECK_EQ(tls_drain_peek(in, &wire, &len), TLS_ERR_STATE);
        CHECK_EQ(tls_drain_consume(in, 0), TLS_ERR_STATE);
        CHECK_EQ(tls_drain_pending(in), TLS_ERR_STATE);
        CHECK(tls_drain_take(in, &wire, &len) == NULL);
        CHECK_EQ(tls_writable(in), TLS_ERR_STATE);
        CHECK_EQ(tls_cork(in), TLS_ERR_STATE);
        CHECK_EQ(tls_uncork(in), TLS_ERR_STATE);
        CHECK_EQ(tls_conn_record_size(in, 1000), TLS_ERR_STATE);
        CHECK_EQ(tls_conn_record_restart(in), TLS_ERR_STATE);
        CHECK_EQ(tls_conn_wire_bound(in, 1), TLS_ERR_STATE);

        CHECK_EQ(tls_feed(out, bytes, 1), TLS_ERR_STATE);
        CHECK_EQ(tls_feed_eof(out), TLS_ERR_STATE);
        CHECK_EQ(tls_feed_window(out, 1, &window, &len), TLS_ERR_STATE);
        CHECK_EQ(tls_feed_commit(out, 0), TLS_ERR_STATE);
        CHECK_EQ(tls_feed_needed(out), TLS_ERR_STATE);
        owned = tls_buffer_new(context, 100);
        CHECK(owned != NULL);
        CHECK_EQ(tls_feed_buffer(out, owned, 1), TLS_ERR_STATE);
        CHECK_EQ(tls_feed_buffer(in, owned, 0), TLS_OK);
        CHECK_EQ(tls_surplus(out, bytes, sizeof(bytes)), TLS_ERR_STATE);
        CHECK_EQ(tls_read_into(out, bytes, sizeof(bytes)), TLS_ERR_STATE);
        CHECK_EQ(tls_read_vectored(out, &piece, 1), TLS_ERR_STATE);
        CHECK_EQ(tls_read_in_place(out, bytes, 1, &span, 1, &len), TLS_ERR_STATE);
        CHECK_EQ(tls_plain_pending(out), TLS_ERR_STATE);
        CHECK_EQ(tls_early_read_into(out, bytes, sizeof(bytes)), TLS_ERR_STATE);
        CHECK_EQ(tls_early_status(out), TLS_ERR_STATE);
        CHECK_EQ(tls_sni(out, (char *)bytes, sizeof(bytes)), TLS_ERR_STATE);
        CHECK_EQ(tls_alpn(out, bytes, sizeof(bytes)), TLS_ERR_STATE);
        CHECK_EQ(tls_peer_certificate(out, 0, bytes, sizeof(bytes)), TLS_ERR_STATE);
        CHECK_EQ(tls_peer_name(out, TLS_NAME_DNS, 0, (char *)bytes, sizeof(bytes)), TLS_ERR_STATE);
        CHECK_EQ(tls_peer_raw_key(out, bytes, sizeof(bytes)), TLS_ERR_STATE);
        CHECK_EQ(tls_protocol_version(out), 0);
        CHECK_EQ(tls_cipher_suite(out), 0);
        CHECK_EQ(tls_group(out), 0);
        CHECK_EQ(tls_resumed(out), TLS_ERR_STATE);
        CHECK_EQ(tls_handshake_kind(out), TLS_ERR_STATE);
        CHECK_EQ(tls_handshake_timings(out, &timings), TLS_ERR_STATE);
        CHECK_EQ(tls_ech_status(out), TLS_ERR_STATE);
        CHECK_EQ(tls_export(out, "label", 5, NULL, 0, 0, bytes, 32), TLS_ERR_STATE);
        CHECK_EQ(tls_channel_binding(out, TLS_BINDING_EXPORTER, bytes, sizeof(bytes)),
                 TLS_ERR_STATE);
        CHECK(tls_session_take(out, NULL) == NULL);
        CHECK_EQ(tls_conn_export(in, bytes, bytes, sizeof(bytes), NULL), TLS_ERR_STATE);
        CHECK_EQ(tls_conn_export(out, bytes, bytes, sizeof(bytes), NULL), TLS_ERR_STATE);
        CHECK_EQ(tls_move_id(out, bytes, sizeof(bytes)), TLS_ERR_STATE);
        CHECK_EQ(tls_move_count(out), 0);
        for (size_t i = 0; i < sizeof(bytes); i++)
            CHECK_EQ(bytes[i], 0xa5);

        tls_context_free(context);
        /* The facts are the receiving half's. */
        CHECK_EQ(tls_protocol_version(in), version);
        CHECK(tls_cipher_suite(in) != 0);
        CHECK(tls_group(in) != 0);
        CHECK_EQ(tls_handshake_kind(in), TLS_HANDSHAKE_FULL);
        CHECK_EQ(tls_handshake_timings(in, &timings), TLS_OK);
        CHECK_EQ(tls_ech_status(in), TLS_ECH_NONE);
        CHECK_EQ(tls_sni(in, NULL, 0), 9);
        CHECK_EQ(tls_move_id(in, bytes, sizeof(bytes)), 0);
        CHECK_EQ(tls_move_count(in), 0);
        CHECK_EQ(tls_alpn(in, bytes, sizeof(bytes)), 2);
        CHECK(tls_peer_certificate(in, 0, NULL, 0) > 0);
        CHECK_EQ(tls_peer_name(in, TLS_NAME_DNS, 0, NULL, 0), 9);
        CHECK_EQ(tls_export(in, "label", 5, NULL, 0, 0, bytes, 32), 32);
        CHECK_EQ(tls_export(pair.server, "label", 5, NULL, 0, 0, bytes + 32, 32), 32);
        CHECK_BYTES(bytes, bytes + 32, 32);

        CHECK_EQ(tls_advance(in), TLS_OK);
        CHECK_EQ(tls_advance(out), TLS_OK);
        state = tls_state(in);
        CHECK_EQ(state, TLS_CAN_FEED);
        state = tls_state(out);
        CHECK_EQ(state, TLS_CAN_WRITE);
        check_sends(out, pair.server);
        check_sends(pair.server, in);
        free_side(&side);
        tls_free(pair.server);
    }
}

/* ---- What one half owes through the other ---- */

static struct side split_13(struct pair *pair)
{
    *pair = pair_of_form(TLS_VERSION_1_3, TLS_VERIFY_PEER);
    return split(pair->client);
}

/* */
static void an_answer_to_the_peer_leaves_by_the_sending_half(void)
{
    struct pair pair;
    struct side side = split_13(&pair);

    for (int i = 0; i < 3; i++) {
        CHECK_EQ(tls_key_update(pair.server), TLS_OK);
        carry(pair.server, side.in);
        CHECK_EQ(tls_state(side.in), TLS_CAN_FEED | TLS_WAKE_SENDER);
        CHECK_EQ(tls_state(side.in), TLS_CAN_FEED | TLS_WAKE_SENDER);
        if (i == 0)
            CHECK_EQ(tls_state(side.out), TLS_CAN_DRAIN | TLS_CAN_WRITE);
        else if (i == 1)
            CHECK(tls_drain_pending(side.out) > 0);
        else
            CHECK_EQ(tls_advance(side.out), TLS_OK);
        CHECK_EQ(tls_state(side.in), TLS_CAN_FEED);
        CHECK(carry(side.out, pair.server) > 0);
        check_sends(pair.server, side.in);
        check_sends(side.out, pair.server);
    }
    free_side(&side);
    tls_free(pair.server);
}

/* Any of the peer's requests while the sending half is silent are answered by one message. */
static void the_queue_is_bounded_while_nobody_drains(void)
{
    struct recipe client = plain_client;
    struct pair pair;
    struct side side;
    unsigned char plain[1000] = "";

    client.outbound = TLS_MIN_OUTBOUND_LIMIT;
    pair = new_pair(&client, &plain_server, NULL);
    finish_handshake(&pair);
    side = split(pair.client);
    while (tls_write_from(side.out, plain, sizeof(plain)) > 0)
        ;
    CHECK_EQ(tls_state(side.out), TLS_CAN_DRAIN);
    for (int i = 0; i < 20; i++) {
        /* The server asks once only before it is answered: let it forget, by a new pair of keys. */
        tls_key_update(pair.server);
        carry(pair.server, side.in);
        CHECK_EQ(tls_advance(side.in), TLS_OK);
        CHECK_EQ(tls_advance(side.out), TLS_OK);
        CHECK(tls_drain_pending(side.out) <= TLS_MIN_OUTBOUND_LIMIT);
    }
    CHECK_EQ(tls_close_notify(side.out), TLS_OK);
    CHECK(tls_drain_pending(side.out) <= TLS_MIN_OUTBOUND_LIMIT);
    free_side(&side);
    tls_free(pair.server);
}

static void break_next_record(tls_conn_t *from, tls_conn_t *to)
{
    unsigned char wire[256];
    ptrdiff_t len;

    CHECK_EQ(tls_write_from(from, "bad", 3), 3);
    len = tls_drain_into(from, wire, sizeof(wire));
    CHECK(len > 0);
    wire[len - 1] ^= 1;
    CHECK_EQ(tls_feed(to, wire, (size_t)len), len);
}

/* */
static void a_fatal_error_ends_both_halves(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_of_form(version, TLS_VERIFY_PEER);
        struct side side = split(pair.client);
        tls_error_t error;
        char plain[8];

        check_sends(pair.server, side.in);
        CHECK_EQ(tls_write_from(side.out, "ahead", 5), 5);
        break_next_record(pair.server, side.in);
        CHECK_EQ(tls_read_into(side.in, plain, sizeof(plain)), TLS_ERR_DECRYPT);
        CHECK_EQ(tls_state(side.in), TLS_FAILED | TLS_WAKE_SENDER);

        CHECK_EQ(tls_write_from(side.out, "x", 1), TLS_ERR_DECRYPT);
        CHECK_EQ(tls_advance(side.out), TLS_ERR_DECRYPT);
        CHECK_EQ(tls_close_notify(side.out), TLS_ERR_DECRYPT);
        CHECK_EQ(tls_state(side.out), TLS_FAILED | TLS_CAN_DRAIN);
        CHECK_EQ(tls_state(side.in), TLS_FAILED);
        for (int i = 0; i < 2; i++) {
            error = error_of(i == 0 ? side.in : side.out);
            CHECK_EQ(error.status, TLS_ERR_DECRYPT);
            CHECK_EQ(error.alert_sent, BAD_RECORD_MAC);
        }
        carry(side.out, pair.server);
        CHECK_EQ(tls_state(side.out), TLS_FAILED);
        CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 5);
        CHECK_BYTES(plain, "ahead", 5);
        CHECK_EQ(tls_advance(pair.server), TLS_ERR_ALERT);
        CHECK_EQ(error_of(pair.server).alert_received, BAD_RECORD_MAC);
        free_side(&side);
        tls_free(pair.server);
    }
}

static void a_fatal_alert_of_the_peer_ends_both_halves(void)
{
    struct pair pair;
    struct side side = split_13(&pair);
    unsigned char junk[] = {23, 3, 3, 0, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7};

    CHECK_EQ(tls_feed(pair.server, junk, sizeof(junk)), sizeof(junk));
    CHECK_EQ(tls_advance(pair.server), TLS_ERR_DECRYPT);
    carry(pair.server, side.in);
    CHECK_EQ(tls_advance(side.in), TLS_ERR_ALERT);
    CHECK_EQ(tls_write_from(side.out, "x", 1), TLS_ERR_ALERT);
    CHECK_EQ(error_of(side.out).alert_received, BAD_RECORD_MAC);
    CHECK_EQ(error_of(side.out).alert_sent, -1);
    CHECK_EQ(tls_state(side.out), TLS_FAILED);
    free_side(&side);
    tls_free(pair.server);
}

static void without_a_sending_half_no_alert_is_promised(void)
{
    for (int freed = 0; freed < 2; freed++) {
        struct pair pair;
        struct side side = split_13(&pair);
        char plain[8];

        if (freed) {
            tls_free(side.out);
        } else {
            CHECK_EQ(tls_close_notify(side.out), TLS_OK);
            CHECK_EQ(tls_close_notify(side.out), TLS_OK);
            CHECK_EQ(tls_write_from(side.out, "x", 1), TLS_ERR_STATE);
            carry(side.out, pair.server);
            CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
            CHECK_EQ(tls_state(side.out), TLS_WE_CLOSED);
        }
        check_sends(pair.server, side.in);
        CHECK_EQ(tls_key_update(pair.server), TLS_OK);
        carry(pair.server, side.in);
        check_sends(pair.server, side.in);
        CHECK_EQ(tls_state(side.in), TLS_CAN_FEED);
        break_next_record(pair.server, side.in);
        CHECK_EQ(tls_read_into(side.in, plain, sizeof(plain)), TLS_ERR_DECRYPT);
        CHECK_EQ(error_of(side.in).alert_sent, -1);
        CHECK_EQ(tls_state(side.in), TLS_FAILED);
        if (!freed) {
            CHECK_EQ(tls_state(side.out), TLS_FAILED | TLS_WE_CLOSED);
            CHECK_EQ(tls_drain_pending(side.out), 0);
            tls_free(side.out);
        }
        tls_free(side.in);
        tls_free(pair.server);
    }
}

/* The same holds of a connection that asked and is whole: its engine has two halves too. */
static void a_whole_connection_promises_no_alert_after_its_close(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_of_form(version, TLS_VERIFY_ASK);
        char plain[8];

        CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
        carry(pair.client, pair.server);
        break_next_record(pair.server, pair.client);
        CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), TLS_ERR_DECRYPT);
        CHECK_EQ(error_of(pair.client).alert_sent, -1);
        CHECK_EQ(tls_drain_pending(pair.client), 0);
        free_pair(&pair);
    }
}

static void the_end_of_one_direction_is_not_the_end_of_the_other(void)
{
    for (EACH_VERSION) {
        struct pair pair = pair_of_form(version, TLS_VERIFY_PEER);
        struct side side;
        char plain[8];

        /* Of the peer before the split, of ours after it. */
        CHECK_EQ(tls_close_notify(pair.server), TLS_OK);
        carry(pair.server, pair.client);
        CHECK_EQ(tls_feed(pair.client, "behind", 6), 6);
        CHECK_EQ(tls_advance(pair.client), TLS_CLOSED);
        side = split(pair.client);
        CHECK_EQ(tls_read_into(side.in, plain, sizeof(plain)), TLS_CLOSED);
        CHECK_EQ(tls_state(side.in), TLS_PEER_CLOSED);
        CHECK_EQ(tls_surplus(side.in, plain, sizeof(plain)), 6);
        CHECK_BYTES(plain, "behind", 6);
        check_sends(side.out, pair.server);
        CHECK_EQ(tls_close_notify(side.out), TLS_OK);
        carry(side.out, pair.server);
        CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
        free_side(&side);
        tls_free(pair.server);

        /* Of ours before the split, and the transport's after it. */
        pair = pair_of_form(version, TLS_VERIFY_PEER);
        CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
        side = split(pair.client);
        CHECK_EQ(tls_state(side.out), TLS_CAN_DRAIN | TLS_WE_CLOSED);
        CHECK_EQ(tls_write_from(side.out, "x", 1), TLS_ERR_STATE);
        carry(side.out, pair.server);
        CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
        check_sends(pair.server, side.in);
        CHECK_EQ(tls_feed_eof(side.in), TLS_OK);
        CHECK_EQ(tls_advance(side.in), TLS_TRUNCATED);
        CHECK_EQ(tls_state(side.in), TLS_EOF);
        free_side(&side);
        tls_free(pair.server);
    }
}

static uint32_t next_event(tls_conn_t *conn, uint32_t *number)
{
    tls_event_t event = {.size = sizeof(event)};

    CHECK(tls_next_event(conn, &event) >= 0);
    *number = event.number;
    return event.kind;
}

static void events_belong_to_the_half_in_which_they_happen(void)
{
    tls_builder_t *builder = make_builder(&plain_client);
    tls_context_t *client, *server = make_server_context(&plain_server);
    struct pair pair;
    struct side side;
    uint32_t number;

    CHECK_EQ(tls_builder_events(builder, TLS_EVENT_HANDSHAKE_DONE | TLS_EVENT_ALERT_SENT |
                                             TLS_EVENT_ALERT_RECEIVED | TLS_EVENT_KEY_UPDATE),
             TLS_OK);
    client = tls_context_client(builder, NULL);
    pair = new_pair_of(client, server, NULL);
    finish_handshake(&pair);
    side = split(pair.client);
    CHECK_EQ(tls_state(side.in), TLS_CAN_FEED | TLS_HAS_EVENT);
    CHECK_EQ(tls_state(side.out), TLS_CAN_WRITE);
    CHECK_EQ(next_event(side.in, &number), TLS_EVENT_HANDSHAKE_DONE);
    CHECK_EQ(next_event(side.in, &number), 0);
    check_sends(side.out, pair.server);

    CHECK_EQ(tls_key_update(side.out), TLS_OK);
    CHECK_EQ(next_event(side.out, &number), TLS_EVENT_KEY_UPDATE);
    CHECK_EQ(number, TLS_KEYS_OUT);
    carry(side.out, pair.server);
    CHECK_EQ(tls_advance(pair.server), TLS_OK);
    /* The answer goes in front of the server's next record. */
    check_sends(pair.server, side.in);
    CHECK_EQ(next_event(side.in, &number), TLS_EVENT_KEY_UPDATE);
    CHECK_EQ(number, TLS_KEYS_IN);

    CHECK_EQ(tls_close_notify(side.out), TLS_OK);
    CHECK_EQ(next_event(side.out, &number), TLS_EVENT_ALERT_SENT);
    CHECK_EQ(tls_close_notify(pair.server), TLS_OK);
    carry(pair.server, side.in);
    CHECK_EQ(tls_advance(side.in), TLS_CLOSED);
    CHECK_EQ(next_event(side.in, &number), TLS_EVENT_ALERT_RECEIVED);
    CHECK_EQ(next_event(side.in, &number), 0);
    CHECK_EQ(next_event(side.out, &number), 0);
    free_side(&side);
    tls_free(pair.server);
    tls_builder_free(builder);
    tls_context_free(client);
    tls_context_free(server);
}

/* ---- Races ---- */

struct racer {
    tls_conn_t *conn;
    atomic_int started;
    tls_status_t status;
};

/* Writes until it cannot, and says why. */
static void *write_to_the_end(void *argument)
{
    struct racer *racer = argument;
    unsigned char plain[100] = "", wire[4096];
    ptrdiff_t n;

    do {
        while (tls_drain_into(racer->conn, wire, sizeof(wire)) > 0)
            ;
        n = tls_write_from(racer->conn, plain, sizeof(plain));
        atomic_store(&racer->started, 1);
    } while (n > 0 || n == TLS_WANT_DRAIN);
    racer->status = (tls_status_t)n;
    return NULL;
}

static void start(pthread_t *thread, struct racer *racer)
{
    CHECK_EQ(pthread_create(thread, NULL, write_to_the_end, racer), 0);
    while (!atomic_load(&racer->started))
        ;
}

/* However the two meet, the reason is the receiving half's. */
static void a_sender_in_the_middle_of_a_write_is_told_why(void)
{
    for (int i = 0; i < 50; i++) {
        struct pair pair = pair_of_form(i % 2 ? TLS_VERSION_1_3 : TLS_VERSION_1_2, TLS_VERIFY_PEER);
        struct side side = split(pair.client);
        struct racer racer = {.conn = side.out};
        pthread_t thread;
        char plain[8];

        start(&thread, &racer);
        break_next_record(pair.server, side.in);
        CHECK_EQ(tls_read_into(side.in, plain, sizeof(plain)), TLS_ERR_DECRYPT);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(racer.status, TLS_ERR_DECRYPT);
        CHECK_EQ(error_of(side.out).alert_sent, BAD_RECORD_MAC);
        free_side(&side);
        tls_free(pair.server);
    }
}

static void a_half_is_freed_while_a_thread_is_in_the_other_or_in_itself(void)
{
    for (int i = 0; i < 20; i++) {
        struct pair pair = pair_of_form(TLS_VERSION_1_3, TLS_VERIFY_PEER);
        struct side side = split(pair.client);
        struct racer racer = {.conn = side.out};
        pthread_t thread;

        start(&thread, &racer);
        check_sends(pair.server, side.in);
        if (i % 2 == 0)
            tls_free(side.in);
        tls_free(side.out);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(racer.status, TLS_ERR_HANDLE);
        if (i % 2 == 1) {
            check_sends(pair.server, side.in);
            tls_free(side.in);
        }
        tls_free(pair.server);
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(two_threads_move_data_both_ways_at_once);
    RUN(nothing_is_lost_at_the_split);
    RUN(a_cork_goes_with_the_sending_half);
    RUN(records_are_sized_in_a_half_as_in_the_whole);
    RUN(a_connection_is_split_once_and_after_the_handshake);
    RUN(each_function_belongs_to_its_half);
    RUN(an_answer_to_the_peer_leaves_by_the_sending_half);
    RUN(the_queue_is_bounded_while_nobody_drains);
    RUN(a_fatal_error_ends_both_halves);
    RUN(a_fatal_alert_of_the_peer_ends_both_halves);
    RUN(without_a_sending_half_no_alert_is_promised);
    RUN(a_whole_connection_promises_no_alert_after_its_close);
    RUN(the_end_of_one_direction_is_not_the_end_of_the_other);
    RUN(events_belong_to_the_half_in_which_they_happen);
    RUN(a_sender_in_the_middle_of_a_write_is_told_why);
    RUN(a_half_is_freed_while_a_thread_is_in_the_other_or_in_itself);
    return 0;
}
