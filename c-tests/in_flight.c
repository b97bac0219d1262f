/* Buffers that the host owns while a kernel or a loop works on them: every way in and out, with
 * whole connections and with halves, freed in every order and on every thread. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define IN_FLIGHT 6
#define MESSAGE 9000
#define LARGEST 65536

struct taken {
    tls_buffer_t *buffer;
    const void *wire;
    size_t len;
};

static struct taken take(tls_conn_t *conn)
{
    struct taken taken = {NULL, conn, 1};

    taken.buffer = tls_drain_take(conn, &taken.wire, &taken.len);
    if (taken.buffer == NULL)
        CHECK(taken.wire == NULL && taken.len == 0);
    else
        CHECK(taken.wire != NULL && taken.len > 0);
    return taken;
}

static tls_buffers_t buffers_of(const tls_context_t *context)
{
    tls_buffers_t buffers = TLS_BUFFERS_INIT;

    CHECK_EQ(tls_context_buffers(context, &buffers), TLS_OK);
    return buffers;
}

/* The ways in. Each gives len bytes of wire to conn and reads what comes of them. */
typedef size_t way_in(tls_conn_t *conn, const tls_context_t *context, const void *wire, size_t len,
                      unsigned char *plain, size_t room);

static size_t read_all(tls_conn_t *conn, unsigned char *plain, size_t room)
{
    ptrdiff_t got;
    size_t sum = 0;

    while (sum < room && (got = tls_read_into(conn, plain + sum, room - sum)) > 0)
        sum += (size_t)got;
    return sum;
}

static size_t in_by_feed(tls_conn_t *conn, const tls_context_t *context, const void *wire,
                         size_t len, unsigned char *plain, size_t room)
{
    (void)context;
    CHECK_EQ(tls_feed(conn, wire, len), len);
    return read_all(conn, plain, room);
}

static size_t in_by_window(tls_conn_t *conn, const tls_context_t *context, const void *wire,
                           size_t len, unsigned char *plain, size_t room)
{
    void *window;
    size_t size;

    (void)context;
    CHECK_EQ(tls_feed_window(conn, len, &window, &size), TLS_OK);
    memcpy(window, wire, len);
    CHECK_EQ(tls_feed_commit(conn, len), TLS_OK);
    return read_all(conn, plain, room);
}

static tls_buffer_t *filled(const tls_context_t *context, const void *wire, size_t len)
{
    tls_buffer_t *buffer = tls_buffer_new(context, len);
    void *memory;
    size_t room;

    CHECK(buffer != NULL);
    CHECK_EQ(tls_buffer_memory(buffer, &memory, &room), TLS_OK);
    CHECK_EQ(room, len);
    memcpy(memory, wire, len);
    return buffer;
}

static size_t in_by_buffer(tls_conn_t *conn, const tls_context_t *context, const void *wire,
                           size_t len, unsigned char *plain, size_t room)
{
    CHECK_EQ(tls_feed_buffer(conn, filled(context, wire, len), len), TLS_OK);
    return read_all(conn, plain, room);
}

static size_t in_place_in_buffer(tls_conn_t *conn, const tls_context_t *context, const void *wire,
                                 size_t len, unsigned char *plain, size_t room)
{
    tls_buffer_t *buffer = filled(context, wire, len);
    tls_span_t span;
    void *memory;
    size_t size, at = 0, sum = 0, used;

    CHECK_EQ(tls_buffer_memory(buffer, &memory, &size), TLS_OK);
    while (tls_read_in_place(conn, (char *)memory + at, len - at, &span, 1, &used) == 1) {
        CHECK(sum + span.len <= room);
        memcpy(plain + sum, (char *)memory + at + span.offset, span.len);
        sum += span.len;
        at += used;
    }
    CHECK_EQ(at + used, len);
    tls_buffer_free(buffer);
    return sum;
}

static way_in *const ways_in[] = {in_by_feed, in_by_window, in_by_buffer, in_place_in_buffer};
#define WAYS_IN (sizeof(ways_in) / sizeof(ways_in[0]))

static void *free_buffer(void *buffer)
{
    tls_buffer_free(buffer);
    return NULL;
}

static void free_elsewhere(tls_buffer_t *buffer)
{
    pthread_t thread;

    CHECK_EQ(pthread_create(&thread, NULL, free_buffer, buffer), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* In every order: oldest first, newest first, from the middle; on this thread and
 * on others. */
static void free_all(struct taken *taken, unsigned order)
{
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        unsigned at = order % 3 == 0   ? i
                      : order % 3 == 1 ? IN_FLIGHT - 1 - i
                                       : (i * 5 + 2) % IN_FLIGHT;

        if ((order + i) % 2 == 0)
            tls_buffer_free(taken[at].buffer);
        else
            free_elsewhere(taken[at].buffer);
        CHECK_EQ(tls_buffer_memory(taken[at].buffer, &(void *){NULL}, &(size_t){0}),
                 TLS_ERR_HANDLE);
    }
}

static void several_are_in_flight_by_every_way(void)
{
    static unsigned char plain[MESSAGE], received[MESSAGE];
    tls_context_t *server = make_server_context(&plain_server);
    unsigned round = 0;

    for (EACH_VERSION) {
        for (size_t in = 0; in < WAYS_IN; in++) {
            for (int halves = 0; halves < 2; halves++) {
                struct recipe recipe = with_version(plain_client, version);
                tls_context_t *client = make_client_context(&recipe);
                struct pair pair = new_pair_of(client, server, NULL);
                struct taken taken[IN_FLIGHT];
                tls_conn_t *out, *receiver;

                finish_handshake(&pair);
                pump(&pair);
                out = halves ? tls_split(pair.client, NULL) : pair.client;
                receiver = pair.server;
                if (halves)
                    tls_free(tls_split(receiver, NULL));
                CHECK(out != NULL && take(out).buffer == NULL);
                for (unsigned i = 0; i < IN_FLIGHT; i++) {
                    fill_bytes(plain, sizeof(plain), round + i);
                    CHECK_EQ(tls_write_from(out, plain, sizeof(plain)), sizeof(plain));
                    taken[i] = take(out);
                    CHECK(taken[i].buffer != NULL);
                    CHECK_EQ(tls_state(out) & TLS_CAN_DRAIN, 0);
                    CHECK(take(out).buffer == NULL);
                }
                CHECK_EQ(buffers_of(client).in_flight, IN_FLIGHT);
                CHECK_EQ(buffers_of(client).in_flight_bytes, IN_FLIGHT * 20480);
                /* They live longer than all that they came from. */
                tls_free(out);
                if (halves)
                    tls_free(pair.client);
                if (round % 2 == 0)
                    tls_context_free(client);
                for (unsigned i = 0; i < IN_FLIGHT; i++) {
                    void *wire;
                    size_t len;

                    fill_bytes(plain, sizeof(plain), round + i);
                    CHECK_EQ(tls_buffer_memory(taken[i].buffer, &wire, &len), TLS_OK);
                    CHECK(wire == taken[i].wire && len == taken[i].len);
                    CHECK_EQ(ways_in[in](receiver, server, wire, len, received, sizeof(received)),
                             sizeof(received));
                    CHECK_BYTES(received, plain, sizeof(plain));
                }
                free_all(taken, round);
                if (round % 2 != 0) {
                    CHECK_EQ(buffers_of(client).in_flight, 0);
                    CHECK_EQ(buffers_of(client).in_flight_bytes, 0);
                    tls_context_free(client);
                }
                CHECK_EQ(buffers_of(server).in_flight, 0);
                tls_free(receiver);
                round++;
            }
        }
    }
    tls_context_free(server);
}

static void what_was_peeked_is_what_is_taken(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    unsigned char plain[16];
    const void *peeked;
    size_t len;
    struct taken first, second;
    tls_counters_t before = TLS_COUNTERS_INIT, after = TLS_COUNTERS_INIT;

    CHECK_EQ(tls_counters(pair.client, &before), TLS_OK);
    CHECK_EQ(tls_write_from(pair.client, "first", 5), 5);
    CHECK_EQ(tls_drain_peek(pair.client, &peeked, &len), TLS_OK);
    /* An answer to the peer is queued behind what is shown. */
    CHECK_EQ(tls_key_update(pair.server), TLS_OK);
    carry(pair.server, pair.client);
    CHECK_EQ(tls_advance(pair.client), TLS_OK);
    first = take(pair.client);
    CHECK(first.wire == peeked && first.len == len);
    CHECK_EQ(tls_feed(pair.server, first.wire, first.len), first.len);
    CHECK_EQ(tls_write_from(pair.client, "second", 6), 6);
    second = take(pair.client);
    CHECK(second.buffer != NULL);
    CHECK_EQ(tls_feed(pair.server, second.wire, second.len), second.len);
    CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 11);
    CHECK_BYTES(plain, "firstsecond", 11);
    CHECK_EQ(tls_counters(pair.client, &after), TLS_OK);
    CHECK_EQ(after.wire_out - before.wire_out, first.len + second.len);
    tls_buffer_free(second.buffer);
    tls_buffer_free(first.buffer);
    check_alive(&pair);
    free_pair(&pair);
}

/* A handshake is taken too, and the alert of a failure. */
static void everything_that_is_queued_can_be_taken(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        struct pair pair = new_pair(&recipe, &plain_server, NULL);
        tls_conn_t *sides[] = {pair.client, pair.server};
        struct taken taken;

        for (unsigned round = 0; round < 8; round++) {
            tls_conn_t *from = sides[round % 2], *to = sides[1 - round % 2];

            tls_advance(from);
            while ((taken = take(from)).buffer != NULL) {
                CHECK_EQ(tls_feed(to, taken.wire, taken.len), taken.len);
                free_elsewhere(taken.buffer);
            }
        }
        CHECK_EQ(tls_advance(pair.client), TLS_OK);
        CHECK_EQ(tls_advance(pair.server), TLS_OK);
        CHECK_EQ(tls_feed(pair.server, "\x17\x03\x03\xff\xff", 5), 5);
        CHECK_EQ(tls_advance(pair.server), TLS_ERR_PEER);
        taken = take(pair.server);
        CHECK_EQ(tls_feed(pair.client, taken.wire, taken.len), taken.len);
        CHECK_EQ(tls_advance(pair.client), TLS_ERR_ALERT);
        tls_buffer_free(taken.buffer);
        free_pair(&pair);
    }
}

/* */
static void a_buffer_that_is_refused_stays_the_hosts(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    tls_context_t *context = make_client_context(&plain_client);
    tls_buffer_t *buffer = tls_buffer_new(context, 1000);
    struct taken taken;
    void *memory, *again, *window;
    size_t room, size;
    unsigned char plain[16];

    CHECK_EQ(tls_buffer_memory(buffer, &memory, &room), TLS_OK);
    CHECK_EQ(room, 1000);
    CHECK_EQ(tls_feed_buffer(pair.server, buffer, 1001), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_feed_buffer(NULL, buffer, 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_feed_buffer(pair.server, NULL, 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_feed_buffer(pair.server, (tls_buffer_t *)(void *)pair.client, 1), TLS_ERR_HANDLE);
    CHECK_EQ(tls_write_from(pair.client, "held", 4), 4);
    taken = take(pair.client);
    CHECK_EQ(tls_feed_buffer(pair.server, taken.buffer, taken.len), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_buffer_memory(buffer, &again, &room), TLS_OK);
    CHECK(again == memory);
    /* Bytes in front of it, and a window that it closes. */
    CHECK_EQ(tls_feed(pair.server, taken.wire, 3), 3);
    CHECK_EQ(tls_feed_window(pair.server, 1, &window, &size), TLS_OK);
    memcpy(memory, (const char *)taken.wire + 3, taken.len - 3);
    CHECK_EQ(tls_feed_buffer(pair.server, buffer, taken.len - 3), TLS_OK);
    CHECK_EQ(tls_feed_commit(pair.server, 1), TLS_ERR_STATE);
    CHECK_EQ(tls_buffer_memory(buffer, &again, &room), TLS_ERR_HANDLE);
    CHECK_EQ(tls_feed_buffer(pair.server, buffer, 1), TLS_ERR_HANDLE);
    tls_buffer_free(buffer);
    CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 4);
    CHECK_BYTES(plain, "held", 4);

    buffer = tls_buffer_new(context, 100);
    CHECK_EQ(tls_feed_eof(pair.server), TLS_OK);
    CHECK_EQ(tls_feed_buffer(pair.server, buffer, 100), TLS_ERR_STATE);
    CHECK_EQ(tls_buffer_memory(buffer, &memory, &room), TLS_OK);
    tls_buffer_free(buffer);
    tls_buffer_free(buffer);
    tls_buffer_free(taken.buffer);
    CHECK_EQ(buffers_of(context).in_flight, 0);
    tls_context_free(context);
    free_pair(&pair);
}

static void rooms_have_bounds(void)
{
    struct recipe recipe = plain_client;
    tls_context_t *context;
    tls_buffer_t *buffer;
    struct pair pair;
    void *memory;
    size_t room;

    recipe.inbound = TLS_MIN_INBOUND_LIMIT;
    context = make_client_context(&recipe);
    CHECK(tls_buffer_new(NULL, 1) == NULL);
    CHECK(tls_buffer_new(context, TLS_MIN_INBOUND_LIMIT + 1) == NULL);
    CHECK(tls_buffer_new(context, SIZE_MAX) == NULL);
    buffer = tls_buffer_new(context, 0);
    CHECK_EQ(tls_buffer_memory(buffer, &memory, &room), TLS_OK);
    CHECK_EQ(room, TLS_MIN_INBOUND_LIMIT);
    memset(memory, 0, room);
    pair = new_pair(&recipe, &plain_server, NULL);
    CHECK_EQ(tls_feed(pair.client, "\x16", 1), 1);
    CHECK_EQ(tls_feed_buffer(pair.client, buffer, room), TLS_ERR_LIMIT);
    CHECK_EQ(tls_feed_buffer(pair.client, buffer, room - 1), TLS_OK);
    free_pair(&pair);
    tls_context_free(context);
}

static tls_context_t *context_of_records(const struct recipe *recipe, uint16_t version, size_t size)
{
    struct recipe versioned = with_version(*recipe, version);
    tls_builder_t *builder = make_builder(&versioned);
    tls_context_t *context;

    CHECK_EQ(tls_builder_record_size(builder, size), TLS_OK);
    context = recipe->chain != NULL ? tls_context_server(builder, NULL)
                                    : tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

/* Whoever receives no more than is asked for has whole records, and never waits for a byte
 * too many. */
static void check_needed(uint16_t version, size_t record_size)
{
    tls_context_t *client = context_of_records(&plain_client, version, record_size);
    tls_context_t *server = context_of_records(&plain_server, version, record_size);
    struct pair pair = new_pair_of(client, server, NULL);
    tls_conn_t *sides[] = {pair.client, pair.server};
    unsigned char plain[4], wire[TLS_DEFAULT_LIMIT];
    ptrdiff_t needed;

    for (unsigned round = 0; round < 8; round++) {
        tls_conn_t *from = sides[round % 2], *to = sides[1 - round % 2];
        size_t len, at = 0;

        tls_advance(from);
        if (round == 6)
            CHECK_EQ(tls_write_from(from, "data", 4), 4);
        len = (size_t)tls_drain_into(from, wire, sizeof(wire));
        while (at < len) {
            needed = tls_feed_needed(to);
            CHECK(needed > 0 && (size_t)needed <= len - at);
            CHECK_EQ(tls_feed(to, wire + at, (size_t)needed), needed);
            at += (size_t)needed;
        }
    }
    /* Of the next one. */
    CHECK_EQ(tls_feed_needed(pair.server), 5);
    CHECK_EQ(tls_write_from(pair.client, "data", 4), 4);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_feed_needed(pair.server), 0);
    CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 4);
    CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 4);
    CHECK_EQ(tls_feed_needed(pair.server), 5);
    CHECK_EQ(tls_feed_eof(pair.server), TLS_OK);
    CHECK_EQ(tls_feed_needed(pair.server), 0);
    CHECK_EQ(tls_feed_needed(NULL), TLS_ERR_ARGUMENT);
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
}

static void what_a_record_needs_is_what_completes_it(void)
{
    for (EACH_VERSION) {
        check_needed(version, 0);
        /* Messages span records: those in front are opened, and wait. */
        check_needed(version, TLS_MIN_RECORD_SIZE);
    }
}

/* */
static void what_is_writable_is_what_a_write_takes(void)
{
    static unsigned char plain[3 * LARGEST];

    for (EACH_VERSION) {
        for (size_t less = 0; less < 3; less++) {
            struct pair pair = connected_pair(version);
            ptrdiff_t room;

            CHECK_EQ(tls_state(pair.client) & TLS_CAN_WRITE, TLS_CAN_WRITE);
            while ((room = tls_writable(pair.client)) > 0) {
                size_t offered = less == 0 ? sizeof(plain) : (size_t)room;

                if (less == 2 && room > 777)
                    offered = 777;
                CHECK_EQ(tls_write_from(pair.client, plain, offered),
                         offered < (size_t)room ? (ptrdiff_t)offered : room);
            }
            CHECK_EQ(room, 0);
            CHECK_EQ(tls_state(pair.client) & TLS_CAN_WRITE, 0);
            CHECK_EQ(tls_write_from(pair.client, plain, 1), TLS_WANT_DRAIN);
            tls_buffer_free(take(pair.client).buffer);
            CHECK(tls_writable(pair.client) > LARGEST);
            CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
            CHECK_EQ(tls_writable(pair.client), 0);
            free_pair(&pair);
        }
    }
}

/* The pool keeps its bound, whatever is freed at a time. */
static void the_pool_keeps_its_bound(void)
{
    enum { MANY = 200 };
    tls_builder_t *builder = make_builder(&plain_client);
    tls_context_t *context;
    tls_buffer_t *buffers[MANY];
    tls_buffers_t seen = TLS_BUFFERS_INIT;

    CHECK_EQ(tls_builder_pool(builder, 172032), TLS_OK);
    context = tls_context_client(builder, NULL);
    for (int i = 0; i < MANY; i++) {
        buffers[i] = tls_buffer_new(context, (size_t)(i % 3) * 20000 + 1);
        CHECK(buffers[i] != NULL);
    }
    seen = buffers_of(context);
    CHECK_EQ(seen.in_flight, MANY);
    CHECK(seen.in_flight_bytes >= MANY * 8192);
    for (int i = 0; i < MANY; i++) {
        if (i % 2 == 0)
            tls_buffer_free(buffers[i]);
        else
            free_elsewhere(buffers[i]);
        CHECK(buffers_of(context).unused_bytes <= 172032);
    }
    seen = buffers_of(context);
    CHECK_EQ(seen.in_flight, 0);
    CHECK_EQ(seen.in_flight_bytes, 0);
    CHECK(seen.unused_bytes > 0);

    seen.size = sizeof(size_t);
    CHECK_EQ(tls_context_buffers(context, &seen), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_context_buffers(context, NULL), TLS_ERR_ARGUMENT);
    tls_context_free(context);
    seen.size = sizeof(seen);
    CHECK_EQ(tls_context_buffers(context, &seen), TLS_ERR_HANDLE);
    tls_builder_free(builder);
}

/* A child has what its parent had, and both can end it. */
static void a_child_has_the_buffers_of_its_parent(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    struct taken taken;
    unsigned char plain[8];
    int status;
    pid_t child;

    CHECK_EQ(tls_write_from(pair.client, "inherit", 7), 7);
    taken = take(pair.client);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK_EQ(tls_feed(pair.server, taken.wire, taken.len), taken.len);
        CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 7);
        tls_buffer_free(taken.buffer);
        free_pair(&pair);
        _exit(0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    tls_buffer_free(taken.buffer);
    free_pair(&pair);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(several_are_in_flight_by_every_way);
    RUN(what_was_peeked_is_what_is_taken);
    RUN(everything_that_is_queued_can_be_taken);
    RUN(a_buffer_that_is_refused_stays_the_hosts);
    RUN(rooms_have_bounds);
    RUN(what_a_record_needs_is_what_completes_it);
    RUN(what_is_writable_is_what_a_write_takes);
    RUN(the_pool_keeps_its_bound);
    RUN(a_child_has_the_buffers_of_its_parent);
    return 0;
}
