/* What records and idle connections cost on the heap, of Rust and C together. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tlsbio.h>

#include "check.h"
#include "heap.h"
#include "pair.h"
#include "pki.h"

#define LARGEST 65536
#define WARM_UP 3
#define RECORDS 20
#define CONNECTIONS 256
/* As many handles of connections used last have their keys expanded (docs/memory.md). */
#define AWAKE 32
/* Of everything that malloc gave, with a certificate that holds nothing but key, name and
 * signature. */
#define IDLE_CLIENT_LIMIT 1500
#define IDLE_SERVER_LIMIT 900
/* An expanded key of one direction is larger. */
#define EXPANDED_KEY 500

static unsigned char plain[LARGEST], received[LARGEST], wire[LARGEST + 16384];

/* A way out seals len bytes of plain and leaves their records in wire; it answers their length. */
typedef size_t way_out(tls_conn_t *conn, size_t len);

/* A way in takes len bytes of wire and leaves their plain bytes in received. */
typedef size_t way_in(tls_conn_t *conn, size_t len);

static size_t out_by_drain(tls_conn_t *conn, size_t len)
{
    size_t drained = 0;

    while (len > 0) {
        ptrdiff_t sealed = tls_write_from(conn, plain + LARGEST - len, len), n;

        CHECK(sealed > 0);
        len -= (size_t)sealed;
        while ((n = tls_drain_into(conn, wire + drained, sizeof(wire) - drained)) > 0)
            drained += (size_t)n;
    }
    return drained;
}

static size_t out_by_peek(tls_conn_t *conn, size_t len)
{
    size_t sent = 0;

    while (len > 0) {
        ptrdiff_t sealed = tls_write_from(conn, plain + LARGEST - len, len);
        const void *pending;
        size_t pending_len;

        CHECK(sealed > 0);
        len -= (size_t)sealed;
        CHECK_EQ(tls_drain_peek(conn, &pending, &pending_len), TLS_OK);
        memcpy(wire + sent, pending, pending_len);
        sent += pending_len;
        CHECK_EQ(tls_drain_consume(conn, pending_len), TLS_OK);
    }
    return sent;
}

static size_t out_by_write_into(tls_conn_t *conn, size_t len)
{
    size_t sent = 0;

    while (len > 0) {
        size_t consumed;
        ptrdiff_t n = tls_write_into(conn, plain + LARGEST - len, len, wire + sent,
                                     sizeof(wire) - sent, &consumed);

        CHECK(n > 0 && consumed > 0);
        len -= consumed;
        sent += (size_t)n;
    }
    return sent;
}

static size_t drain_to(tls_conn_t *conn, size_t at)
{
    ptrdiff_t n;

    while ((n = tls_drain_into(conn, wire + at, sizeof(wire) - at)) > 0)
        at += (size_t)n;
    return at;
}

/* In small pieces, which are put together. */
static size_t out_by_cork(tls_conn_t *conn, size_t len)
{
    size_t drained = 0;

    CHECK_EQ(tls_cork(conn), TLS_OK);
    while (len > 0) {
        ptrdiff_t taken = tls_write_from(conn, plain + LARGEST - len, len < 500 ? len : 500);

        CHECK(taken > 0 || taken == TLS_WANT_DRAIN);
        if (taken > 0)
            len -= (size_t)taken;
        else
            drained = drain_to(conn, drained);
    }
    CHECK_EQ(tls_uncork(conn), TLS_OK);
    return drain_to(conn, drained);
}

static size_t read_all(tls_conn_t *conn, size_t got)
{
    ptrdiff_t n;

    while ((n = tls_read_into(conn, received + got, sizeof(received) - got)) > 0)
        got += (size_t)n;
    return got;
}

static size_t in_by_feed(tls_conn_t *conn, size_t len)
{
    size_t fed = 0, got = 0;

    while (fed < len) {
        ptrdiff_t n = tls_feed(conn, wire + fed, len - fed);

        CHECK(n > 0);
        fed += (size_t)n;
        got = read_all(conn, got);
    }
    return got;
}

static size_t in_by_window(tls_conn_t *conn, size_t len)
{
    size_t fed = 0, got = 0;

    while (fed < len) {
        void *window;
        size_t room, n;

        CHECK_EQ(tls_feed_window(conn, len - fed, &window, &room), TLS_OK);
        n = room < len - fed ? room : len - fed;
        memcpy(window, wire + fed, n);
        CHECK_EQ(tls_feed_commit(conn, n), TLS_OK);
        fed += n;
        got = read_all(conn, got);
    }
    return got;
}

static size_t in_place(tls_conn_t *conn, size_t len)
{
    size_t used = 0, got = 0;

    while (used < len) {
        tls_span_t spans[3];
        size_t consumed;
        ptrdiff_t n = tls_read_in_place(conn, wire + used, len - used, spans, 3, &consumed), i;

        CHECK(n > 0);
        for (i = 0; i < n; i++) {
            memcpy(received + got, wire + used + spans[i].offset, spans[i].len);
            got += spans[i].len;
        }
        used += consumed;
    }
    return got;
}

static void move(tls_conn_t *from, tls_conn_t *to, way_out *out, way_in *in, size_t len)
{
    memset(received, 0, len);
    CHECK_EQ(in(to, out(from, len)), len);
    CHECK_BYTES(received, plain + LARGEST - len, len);
}

/* */
static void records_allocate_nothing(struct pair *pair)
{
    static way_out *const outs[] = {out_by_drain, out_by_peek, out_by_write_into, out_by_cork};
    static way_in *const ins[] = {in_by_feed, in_by_window, in_place};
    static const size_t sizes[] = {64, 1024, 16384, LARGEST};
    size_t o, i, s, round;

    for (o = 0; o < 4; o++) {
        for (i = 0; i < 3; i++) {
            for (s = 0; s < 4; s++) {
                struct heap before;

                for (round = 0; round < WARM_UP; round++) {
                    move(pair->client, pair->server, outs[o], ins[i], sizes[s]);
                    move(pair->server, pair->client, outs[o], ins[i], sizes[s]);
                }
                before = heap_now();
                for (round = 0; round < RECORDS; round++) {
                    move(pair->client, pair->server, outs[o], ins[i], sizes[s]);
                    move(pair->server, pair->client, outs[o], ins[i], sizes[s]);
                }
                CHECK_EQ(heap_now().calls, before.calls);
            }
        }
    }
}

static void records_allocate_nothing_in_either_version(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);

        records_allocate_nothing(&pair);
        free_pair(&pair);
    }
}

/* A connection that asked its questions runs over the other form of the engine. */
static void records_allocate_nothing_after_questions(void)
{
    for (EACH_VERSION) {
        struct recipe asking = with_version(plain_client, version);
        struct pair pair;

        asking.verify = TLS_VERIFY_ASK;
        pair = new_pair(&asking, &plain_server, NULL);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
        CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
        finish_handshake(&pair);
        records_allocate_nothing(&pair);
        free_pair(&pair);
    }
}

/* Each side as two halves: records go out by one handle and come in by another one. */
static void records_allocate_nothing_in_halves(void)
{
    for (EACH_VERSION) {
        struct pair whole = connected_pair(version);
        struct pair out = {.client = tls_split(whole.client, NULL),
                           .server = tls_split(whole.server, NULL)};
        static way_out *const outs[] = {out_by_drain, out_by_peek, out_by_write_into};
        static way_in *const ins[] = {in_by_feed, in_by_window, in_place};
        size_t i, round;

        CHECK(out.client != NULL && out.server != NULL);
        for (i = 0; i < 9; i++) {
            struct heap before = heap_now();

            for (round = 0; round < WARM_UP + RECORDS; round++) {
                if (round == WARM_UP)
                    before = heap_now();
                move(out.client, whole.server, outs[i / 3], ins[i % 3], LARGEST);
                move(out.server, whole.client, outs[i / 3], ins[i % 3], LARGEST);
                move(out.client, whole.server, outs[i / 3], ins[i % 3], 64);
                move(out.server, whole.client, outs[i / 3], ins[i % 3], 64);
            }
            CHECK_EQ(heap_now().calls, before.calls);
        }
        free_pair(&out);
        free_pair(&whole);
    }
}

/* */
static void records_allocate_nothing_however_they_are_sized(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_builder_t *builder = make_builder(&recipe);
        tls_context_t *client, *server = make_server_context(&plain_server);
        struct pair pair;

        CHECK_EQ(tls_builder_record_size(builder, 1400), TLS_OK);
        CHECK_EQ(tls_builder_record_ramp(builder, 500, 1 << 30), TLS_OK);
        CHECK_EQ(tls_builder_padding(builder, 64), TLS_OK);
        client = tls_context_client(builder, NULL);
        pair = new_pair_of(client, server, NULL);
        finish_handshake(&pair);
        records_allocate_nothing(&pair);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
        tls_builder_free(builder);
    }
}

static size_t idle_bytes(int server, uint16_t version, int32_t verify)
{
    struct recipe client_recipe = with_version(plain_client, version), server_recipe = plain_server;
    struct pair pairs[CONNECTIONS + AWAKE];
    tls_context_t *client, *server_context;
    struct heap before;
    size_t i, freed;

    client_recipe.verify = verify;
    server_recipe.chain = "minimal/server.pem";
    server_recipe.key = "minimal/server.key";
    client_recipe.trust = "minimal/ca.pem";
    client = make_client_context(&client_recipe);
    server_context = make_server_context(&server_recipe);
    for (i = 0; i < CONNECTIONS + AWAKE; i++) {
        pairs[i] = new_pair_of(client, server_context, NULL);
        pump(&pairs[i]);
        if (pairs[i].client_status == TLS_ASK_VERIFY)
            CHECK_EQ(tls_answer_verify(pairs[i].client, -1), TLS_OK);
        finish_handshake(&pairs[i]);
        check_alive(&pairs[i]);
    }
    /* What one role holds is what its freeing gives back; the pool and the tables are not its own.
     */
    before = heap_now();
    for (i = 0; i < CONNECTIONS; i++) {
        tls_conn_t **conn = server ? &pairs[i].server : &pairs[i].client;

        tls_free(*conn);
        *conn = NULL;
    }
    freed = before.live - heap_now().live;
    for (i = 0; i < CONNECTIONS + AWAKE; i++)
        free_pair(&pairs[i]);
    tls_context_free(client);
    tls_context_free(server_context);
    return freed / CONNECTIONS;
}

/* */
static void an_idle_connection_is_small(void)
{
    for (EACH_VERSION) {
        size_t client = idle_bytes(0, version, TLS_VERIFY_PEER);
        size_t asking = idle_bytes(0, version, TLS_VERIFY_ASK);
        size_t server = idle_bytes(1, version, TLS_VERIFY_PEER);

        printf("  heap of an idle connection, version 0x%04x: client %zu, client that asked %zu, "
               "server %zu bytes\n",
               version, client, asking, server);
        CHECK(client <= IDLE_CLIENT_LIMIT);
        CHECK(asking <= IDLE_CLIENT_LIMIT);
        CHECK(server <= IDLE_SERVER_LIMIT);
    }
}

static void both_ways(struct pair *pair)
{
    move(pair->client, pair->server, out_by_drain, in_by_feed, 64);
    move(pair->server, pair->client, out_by_drain, in_by_feed, 64);
}

/* among many connections that are used once, one that is used all the time never expands
 * its keys again; and connections that are used in turn soon keep theirs. */
static void who_is_used_does_not_rest(void)
{
    for (EACH_VERSION) {
        struct pair busy = connected_pair(version), others[64];
        size_t i;

        for (i = 0; i < 64; i++) {
            struct heap before;

            others[i] = connected_pair(version);
            /* Who was looked at twice is known to be busy. */
            before = heap_now();
            both_ways(&busy);
            CHECK(i < 32 || heap_now().calls == before.calls);
            both_ways(&others[i]);
        }
        for (int round = 0; round < 4; round++) {
            struct heap before = heap_now();

            for (i = 0; i < 64; i++)
                both_ways(&others[i]);
            CHECK(round > 0 || heap_now().calls > before.calls);
            CHECK(round < 3 || heap_now().calls == before.calls);
        }
        for (i = 0; i < 64; i++)
            free_pair(&others[i]);
        free_pair(&busy);
    }
}

static void *use_a_pair(void *argument)
{
    struct pair *pair = argument;

    *pair = connected_pair(TLS_VERSION_1_3);
    both_ways(pair);
    return NULL;
}

static void a_thread_that_ends_leaves_its_connections_at_rest(void)
{
    struct pair pair, warm = connected_pair(TLS_VERSION_1_3);
    pthread_t thread;
    size_t before;

    both_ways(&warm);
    CHECK_EQ(pthread_create(&thread, NULL, use_a_pair, &pair), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    before = heap_now().live;
    both_ways(&pair);
    CHECK(heap_now().live >= before + 4 * EXPANDED_KEY);
    free_pair(&pair);
    free_pair(&warm);
}

/* The pool keeps its buffers, the tables their slots, and the client context its sessions: all are
 * bounded, so that many connections leave no more than some. */
static void a_freed_connection_leaves_nothing(void)
{
    tls_context_t *client = make_client_context(&plain_client),
                  *server = make_server_context(&plain_server);
    size_t live = 0;
    int i;

    for (i = 0; i < 300; i++) {
        struct pair pair = new_pair_of(client, server, NULL);

        finish_handshake(&pair);
        check_alive(&pair);
        free_pair(&pair);
        if (i == 99)
            live = heap_now().live;
    }
    CHECK_EQ(heap_now().live, live);
    tls_context_free(client);
    tls_context_free(server);
}

/* the first handshake is the one that compresses. */
static void compressing_a_chain_takes_little(void)
{
    static const uint16_t algorithms[] = {TLS_COMPRESSION_BROTLI, TLS_COMPRESSION_ZLIB};

    for (size_t i = 0; i < 2; i++) {
        struct recipe recipes[2] = {with_version(plain_client, TLS_VERSION_1_3), plain_server};
        tls_context_t *contexts[2] = {NULL, NULL};
        size_t before, taken;
        struct pair pair;

        recipes[1].chain = "rsa/server-chain.pem";
        recipes[1].key = "rsa/server.key";
        for (int side = 0; side < 2; side++) {
            tls_builder_t *builder = make_builder(&recipes[side]);
            tls_status_t status = tls_builder_certificate_compression(builder, &algorithms[i], 1);

            CHECK_EQ(status, TLS_OK);
            contexts[side] =
                side == 0 ? tls_context_client(builder, NULL) : tls_context_server(builder, NULL);
            CHECK(contexts[side] != NULL);
            tls_builder_free(builder);
        }
        pair = new_pair_of(contexts[0], contexts[1], NULL);
        before = heap_now().live;
        heap_forget_peak();
        finish_handshake(&pair);
        taken = heap_now().peak - before;
        printf("  heap while a chain is compressed by algorithm %u: %zu KiB\n",
               (unsigned)algorithms[i], taken / 1024);
        CHECK(taken < 2 << 20);
        check_alive(&pair);
        free_pair(&pair);
        tls_context_free(contexts[0]);
        tls_context_free(contexts[1]);
    }
}

/* */
static void halves_take_little_more_than_the_whole(void)
{
    for (EACH_VERSION) {
        /* The first split of a process makes room in a table. */
        for (int i = 0; i < 2; i++) {
            struct pair pair = connected_pair(version);
            tls_conn_t *sending;
            size_t before = heap_now().live, more;

            sending = tls_split(pair.client, NULL);
            more = heap_now().live - before;
            CHECK(sending != NULL);
            if (i > 0) {
                printf("  halves of %x: %zu bytes more\n", version, more);
                CHECK(more < 1024);
            }
            tls_free(sending);
            free_pair(&pair);
        }
    }
}

/* */
static void the_key_of_a_half_rests_as_others_do(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version), others[64];
        struct heap before;
        tls_conn_t *sending;

        both_ways(&pair);
        sending = tls_split(pair.server, NULL);
        CHECK(sending != NULL);
        move(sending, pair.client, out_by_drain, in_by_feed, 64);
        for (size_t i = 0; i < 64; i++) {
            others[i] = connected_pair(version);
            both_ways(&others[i]);
        }
        before = heap_now();
        CHECK_EQ(tls_write_from(sending, plain, 64), 64);
        CHECK(heap_now().calls > before.calls);
        for (size_t i = 0; i < 64; i++)
            free_pair(&others[i]);
        tls_free(sending);
        free_pair(&pair);
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    fill_bytes(plain, sizeof(plain), 5);
    RUN(records_allocate_nothing_in_either_version);
    RUN(records_allocate_nothing_after_questions);
    RUN(records_allocate_nothing_in_halves);
    RUN(records_allocate_nothing_however_they_are_sized);
    RUN(an_idle_connection_is_small);
    RUN(who_is_used_does_not_rest);
    RUN(a_thread_that_ends_leaves_its_connections_at_rest);
    RUN(a_freed_connection_leaves_nothing);
    RUN(compressing_a_chain_takes_little);
    RUN(halves_take_little_more_than_the_whole);
    RUN(the_key_of_a_half_rests_as_others_do);
    return 0;
}
