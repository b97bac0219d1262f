/* Memory that the library lends (windows, peeks) and gives (buffers), on many connections that
 * share contexts, under calls in any order. Who has it writes to it, and sends from it, as late as
 * the header allows: no byte of one connection is seen by another, whatever ends meanwhile. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#ifdef WATCHED
#define STEPS 90000
#else
#define STEPS 1500000
#endif
#define PAIRS 8
#define SIDES (2 * PAIRS)
#define IN_FLIGHT 4
#define ON_THE_WAY 200000
#define MESSAGE 9000

struct flight {
    tls_buffer_t *buffer; /* NULL if the place is free */
    const void *memory;
    unsigned char *copy;
    size_t len;
};

/* One end of a connection. in and out are the same, or its halves. What it sends lies in wire until
 * the other end is given it. */
struct side {
    tls_conn_t *in, *out;
    uint32_t stream; /* which bytes it writes */
    uint64_t written, read;
    unsigned char *wire;
    size_t wire_len;
    void *window;
    size_t window_len;
    const unsigned char *peek;
    unsigned char *peek_copy;
    size_t peek_len;
    tls_buffer_t *ahead;
    void *ahead_memory;
    size_t ahead_len;
};

static struct side sides[SIDES];
static struct flight flights[SIDES * IN_FLIGHT];
static const tls_context_t *client_context, *server_context;
static uint32_t streams;
static uint64_t chance = 88172645463325252u;
static unsigned seen_windows, seen_peeks, seen_flights, seen_failures;

static size_t below(size_t bound)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (size_t)(chance >> 11) % bound;
}

static unsigned char byte_of(uint32_t stream, uint64_t at)
{
    return (unsigned char)(at * 131 + (at >> 8) * 7 + stream * 17 + 1);
}

static void *copy_of(const void *bytes, size_t len)
{
    void *copy = malloc(len);

    CHECK(copy != NULL);
    return memcpy(copy, bytes, len);
}

static struct side *peer_of(struct side *side)
{
    return &sides[(size_t)(side - sides) ^ 1];
}

static void put_on_the_way(struct side *side, const void *bytes, size_t len)
{
    CHECK(side->wire_len + len <= 3 * ON_THE_WAY);
    memcpy(side->wire + side->wire_len, bytes, len);
    side->wire_len += len;
}

static void arrived(struct side *from, size_t len)
{
    from->wire_len -= len;
    memmove(from->wire, from->wire + len, from->wire_len);
}

static void write_some(struct side *side)
{
    unsigned char plain[MESSAGE];
    size_t len = 1 + below(below(4) == 0 ? MESSAGE : 100);
    ptrdiff_t taken;

    if (side->peek != NULL || side->wire_len > ON_THE_WAY)
        return;
    for (size_t i = 0; i < len; i++)
        plain[i] = byte_of(side->stream, side->written + i);
    taken = tls_write_from(side->out, plain, len);
    CHECK(taken > 0 || taken == TLS_WANT_DRAIN);
    if (taken > 0)
        side->written += (uint64_t)taken;
}

static void begin_to_send(struct side *side)
{
    const void *wire;

    if (side->peek != NULL || side->wire_len > ON_THE_WAY)
        return;
    CHECK_EQ(tls_drain_peek(side->out, &wire, &side->peek_len), TLS_OK);
    if (side->peek_len == 0)
        return;
    side->peek = wire;
    side->peek_copy = copy_of(wire, side->peek_len);
}

static void check_peek(const struct side *side)
{
    CHECK_BYTES(side->peek, side->peek_copy, side->peek_len);
    seen_peeks++;
}

static void end_to_send(struct side *side)
{
    size_t len;

    if (side->peek == NULL)
        return;
    check_peek(side);
    len = 1 + below(side->peek_len);
    put_on_the_way(side, side->peek, len);
    CHECK_EQ(tls_drain_consume(side->out, len), TLS_OK);
    free(side->peek_copy);
    side->peek = NULL;
}

static void submit(struct side *side)
{
    struct flight *flight = &flights[below(SIDES * IN_FLIGHT)];

    if (side->peek != NULL || flight->buffer != NULL || side->wire_len > ON_THE_WAY)
        return;
    flight->buffer = tls_drain_take(side->out, &flight->memory, &flight->len);
    if (flight->buffer == NULL)
        return;
    flight->copy = copy_of(flight->memory, flight->len);
    put_on_the_way(side, flight->memory, flight->len);
}

static void *free_buffer(void *buffer)
{
    tls_buffer_free(buffer);
    return NULL;
}

static void complete(struct flight *flight)
{
    pthread_t thread;

    if (flight->buffer == NULL)
        return;
    CHECK_BYTES(flight->memory, flight->copy, flight->len);
    free(flight->copy);
    if (below(20) == 0) {
        CHECK_EQ(pthread_create(&thread, NULL, free_buffer, flight->buffer), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    } else {
        tls_buffer_free(flight->buffer);
    }
    flight->buffer = NULL;
    seen_flights++;
}

static void open_window(struct side *side)
{
    tls_status_t status;

    if (side->window != NULL)
        return;
    status = tls_feed_window(side->in, below(2) * below(30000), &side->window, &side->window_len);
    CHECK(status == TLS_OK || status == TLS_ERR_LIMIT);
    if (status != TLS_OK)
        side->window = NULL;
}

/* Whoever receives may write anywhere in it, at any time. */
static void scribble(struct side *side)
{
    if (side->window != NULL)
        memset(side->window, (int)below(256), side->window_len);
}

static void commit_window(struct side *side)
{
    struct side *from = peer_of(side);
    size_t len = side->window_len < from->wire_len ? side->window_len : from->wire_len;

    if (side->window == NULL)
        return;
    len = below(len + 1);
    memcpy(side->window, from->wire, len);
    CHECK_EQ(tls_feed_commit(side->in, len), TLS_OK);
    arrived(from, len);
    side->window = NULL;
    seen_windows++;
}

static void feed(struct side *side)
{
    struct side *from = peer_of(side);
    ptrdiff_t taken;

    if (side->window != NULL)
        return;
    taken = tls_feed(side->in, from->wire, below(from->wire_len + 1));
    CHECK(taken >= 0);
    arrived(from, (size_t)taken);
}

static void feed_ahead(struct side *side)
{
    struct side *from = peer_of(side);
    size_t len = from->wire_len < side->ahead_len ? from->wire_len : side->ahead_len;
    tls_status_t status;

    if (side->window != NULL)
        return;
    if (side->ahead == NULL) {
        side->ahead = tls_buffer_new(below(2) ? client_context : server_context, 1 + below(30000));
        CHECK_EQ(tls_buffer_memory(side->ahead, &side->ahead_memory, &side->ahead_len), TLS_OK);
        memset(side->ahead_memory, 0xa5, side->ahead_len);
        return;
    }
    memcpy(side->ahead_memory, from->wire, len);
    status = tls_feed_buffer(side->in, side->ahead, len);
    CHECK(status == TLS_OK || status == TLS_ERR_LIMIT);
    if (status == TLS_OK) {
        arrived(from, len);
        side->ahead = NULL;
    }
}

static ptrdiff_t read_some(struct side *side)
{
    struct side *from = peer_of(side);
    unsigned char plain[MESSAGE];
    size_t room = 1 + below(below(3) == 0 ? MESSAGE : 200);
    ptrdiff_t got = tls_read_into(side->in, plain, room);

    for (ptrdiff_t i = 0; i < got; i++)
        CHECK_EQ(plain[i], byte_of(from->stream, side->read + (uint64_t)i));
    if (got > 0)
        side->read += (uint64_t)got;
    return got;
}

static void go_on(struct side *side)
{
    CHECK_EQ(tls_advance(side->in), TLS_OK);
    CHECK_EQ((tls_state(side->in) & TLS_WINDOW_OPEN) != 0, side->window != NULL);
}

static void change_keys(struct side *side)
{
    if (side->peek == NULL && tls_protocol_version(side->in) == TLS_VERSION_1_3)
        CHECK_EQ(tls_key_update(side->out), TLS_OK);
}

/* What it has lent is the host's through the failure. */
static void fail(struct side *side)
{
    unsigned char garbage[20000];
    ptrdiff_t answer;

    if (side->window == NULL) {
        memset(garbage, 0xff, sizeof(garbage));
        CHECK(tls_feed(side->in, garbage, sizeof(garbage)) >= 0);
        open_window(side);
    } else {
        memset(side->window, 0xff, side->window_len);
        CHECK_EQ(tls_feed_commit(side->in, side->window_len), TLS_OK);
        side->window = NULL;
    }
    do
        answer = read_some(side);
    while (answer > 0);
    if (answer == TLS_WANT_FEED)
        return;
    CHECK(answer <= TLS_ERR_PEER);
    seen_failures++;
    scribble(side);
    if (side->peek != NULL)
        check_peek(side);
    for (int i = 0; i < 50; i++) {
        struct side *other = &sides[below(SIDES)];

        if (other != side && other != peer_of(side) && other->in != NULL) {
            scribble(side);
            open_window(other);
            read_some(other);
        }
    }
    if (side->window != NULL)
        CHECK_EQ(tls_feed_commit(side->in, 1), TLS_ERR_STATE);
    side->window = NULL;
}

static void begin(struct side *side, tls_conn_t *conn)
{
    unsigned char *wire = side->wire != NULL ? side->wire : malloc(3 * ON_THE_WAY);

    memset(side, 0, sizeof(*side));
    side->wire = wire;
    CHECK(wire != NULL);
    side->stream = streams++;
    side->in = side->out = conn;
    if (below(2)) {
        side->out = tls_split(conn, NULL);
        CHECK(side->out != NULL);
    }
}

static void begin_pair(size_t number)
{
    struct pair pair = new_pair_of(client_context, server_context, NULL);

    finish_handshake(&pair);
    pump(&pair);
    begin(&sides[2 * number], pair.client);
    begin(&sides[2 * number + 1], pair.server);
}

/* What was taken lives on. */
static void end(struct side *side)
{
    if (side->peek != NULL) {
        check_peek(side);
        free(side->peek_copy);
    }
    scribble(side);
    if (side->out != side->in)
        tls_free(side->out);
    tls_free(side->in);
    tls_buffer_free(side->ahead);
    side->in = NULL;
}

static void end_pair(size_t number)
{
    if (below(2))
        fail(&sides[2 * number + below(2)]);
    end(&sides[2 * number]);
    end(&sides[2 * number + 1]);
}

/* Small numbers of the pool make connections take each other's buffers. */
static tls_context_t *context_of(const struct recipe *recipe, int is_server, size_t pool)
{
    tls_builder_t *builder = make_builder(recipe);
    tls_context_t *context;

    CHECK_EQ(tls_builder_pool(builder, pool), TLS_OK);
    context = is_server ? tls_context_server(builder, NULL) : tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static void step(void)
{
    static void (*const calls[])(struct side *) = {
        write_some,  write_some, begin_to_send, end_to_send,   submit,
        open_window, scribble,   scribble,      commit_window, commit_window,
        feed,        feed_ahead, go_on,         change_keys};
    size_t kind = below(sizeof(calls) / sizeof(calls[0]) + 6), number;

    if (kind < sizeof(calls) / sizeof(calls[0])) {
        calls[kind](&sides[below(SIDES)]);
    } else if (kind % 6 == 0 && below(100) == 0) {
        number = below(PAIRS);
        end_pair(number);
        begin_pair(number);
    } else if (kind % 6 == 1) {
        complete(&flights[below(SIDES * IN_FLIGHT)]);
    } else {
        ptrdiff_t got = read_some(&sides[below(SIDES)]);

        CHECK(got > 0 || got == TLS_WANT_FEED || got == TLS_WANT_DRAIN);
    }
}

static void lent_memory_is_nobody_elses(void)
{
    static const size_t pools[] = {TLS_DEFAULT_POOL, 200000, 0};

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
            struct recipe recipe = with_version(plain_client, version);
            tls_context_t *client = context_of(&recipe, 0, pools[i]);
            tls_context_t *server = context_of(&plain_server, 1, pools[i]);
            tls_buffers_t left = TLS_BUFFERS_INIT;

            client_context = client;
            server_context = server;
            for (size_t number = 0; number < PAIRS; number++)
                begin_pair(number);
            for (unsigned round = 0; round < STEPS / 6; round++)
                step();
            for (size_t number = 0; number < PAIRS; number++)
                end_pair(number);
            for (size_t flight = 0; flight < SIDES * IN_FLIGHT; flight++)
                complete(&flights[flight]);
            for (int of_server = 0; of_server < 2; of_server++) {
                CHECK_EQ(tls_context_buffers(of_server ? server : client, &left), TLS_OK);
                CHECK_EQ(left.in_flight, 0);
            }
            tls_context_free(client);
            tls_context_free(server);
        }
    }
    for (size_t i = 0; i < SIDES; i++)
        free(sides[i].wire);
    /* It was all there. */
    CHECK(seen_windows > 50 && seen_peeks > 50 && seen_flights > 50 && seen_failures > 5);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(lent_memory_is_nobody_elses);
    return 0;
}
