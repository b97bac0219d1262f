/* Records that are decrypted straight into the host's memory, and those that are not: every suite,
 * padding, size of the buffer and form of the connection give the same bytes, and nothing is
 * written that the manual does not allow. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define CANARY 0xa5
#define GUARD 32
#define LARGEST 65536
/* Alone in plain bytes, and never in what is expected. */
#define SECRET 0x5e

static unsigned char plain[LARGEST], got[LARGEST], wire[LARGEST + 8192];

static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9};

enum form { WHOLE, HALVES };

struct setting {
    uint16_t suite;
    size_t block;
    enum form form;
};

/* What one side sends by, and what the other one receives by. */
struct way {
    tls_conn_t *from, *to;
};

struct talk {
    struct pair pair;
    tls_conn_t *client_sends, *server_sends;
};

static tls_context_t *context_of(const struct recipe *recipe, const struct setting *setting,
                                 int is_client)
{
    tls_builder_t *builder = make_builder(recipe);
    tls_context_t *context;

    CHECK_EQ(tls_builder_suites(builder, &setting->suite, 1), TLS_OK);
    CHECK_EQ(tls_builder_padding(builder, setting->block), TLS_OK);
    context = is_client ? tls_context_client(builder, NULL) : tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static struct talk start(const struct setting *setting)
{
    tls_context_t *client = context_of(&plain_client, setting, 1);
    tls_context_t *server = context_of(&plain_server, setting, 0);
    struct talk talk = {.pair = new_pair_of(client, server, NULL)};

    finish_handshake(&talk.pair);
    talk.client_sends = talk.pair.client;
    talk.server_sends = talk.pair.server;
    if (setting->form == HALVES) {
        talk.client_sends = tls_split(talk.pair.client, NULL);
        talk.server_sends = tls_split(talk.pair.server, NULL);
        CHECK(talk.client_sends != NULL && talk.server_sends != NULL);
    }
    tls_context_free(client);
    tls_context_free(server);
    return talk;
}

static void end(struct talk *talk)
{
    if (talk->client_sends != talk->pair.client) {
        tls_free(talk->client_sends);
        tls_free(talk->server_sends);
    }
    free_pair(&talk->pair);
}

static struct way way_of(const struct talk *talk, int up)
{
    struct way up_way = {talk->client_sends, talk->pair.server};
    struct way down_way = {talk->server_sends, talk->pair.client};

    return up ? up_way : down_way;
}

/* Seals len bytes, after which their records are in wire: how many bytes these have. */
static size_t seal(tls_conn_t *from, const unsigned char *bytes, size_t len, size_t at)
{
    while (len > 0) {
        ptrdiff_t taken = tls_write_from(from, bytes, len), n;

        CHECK(taken > 0);
        bytes += taken;
        len -= (size_t)taken;
        while ((n = tls_drain_into(from, wire + at, sizeof(wire) - at)) > 0)
            at += (size_t)n;
    }
    return at;
}

enum memory { KNOWN, FRESH, PIECES };

/* One read into room bytes: of memory that is known, so that each change shows; that malloc has
 * just given, so that a watcher sees who reads it; or of three pieces. */
static ptrdiff_t read_once(tls_conn_t *to, unsigned char *into, size_t room, enum memory memory,
                           int is_padded)
{
    unsigned char *buffer = malloc(room + GUARD);
    size_t third = room / 3;
    tls_iovec_t pieces[] = {
        {buffer, third}, {buffer + third, third}, {buffer + 2 * third, room - 2 * third}};
    ptrdiff_t n;

    CHECK(buffer != NULL);
    if (memory != FRESH)
        memset(buffer, CANARY, room);
    memset(buffer + room, CANARY, GUARD);
    n = memory == PIECES ? tls_read_vectored(to, pieces, 3) : tls_read_into(to, buffer, room);
    CHECK(n > 0 || n == TLS_WANT_FEED);
    CHECK((size_t)(n > 0 ? n : 0) <= room);
    if (n > 0)
        memcpy(into, buffer, (size_t)n);
    for (size_t i = n > 0 ? (size_t)n : 0; memory != FRESH && !is_padded && i < room; i++)
        CHECK_EQ(buffer[i], CANARY);
    for (size_t i = 0; i < GUARD; i++)
        CHECK_EQ(buffer[room + i], CANARY);
    free(buffer);
    return n;
}

static void move(struct way way, size_t len, size_t room, enum memory memory, int is_padded)
{
    size_t sealed = seal(way.from, plain, len, 0), fed = 0, received = 0;

    while (fed < sealed || received < len) {
        ptrdiff_t n = tls_feed(way.to, wire + fed, sealed - fed);

        CHECK(n >= 0);
        fed += (size_t)n;
        while ((n = read_once(way.to, got + received, room, memory, is_padded)) > 0)
            received += (size_t)n;
    }
    CHECK_EQ(received, len);
    CHECK_BYTES(got, plain, len);
}

static int is_tls13(uint16_t suite)
{
    return suite >> 8 == 0x13;
}

/* */
static void every_buffer_gets_the_same_bytes(const struct setting *setting)
{
    static const size_t sizes[] = {1, 5, 6, 7, 64, 1000, 16384, 40000};
    struct talk talk = start(setting);
    int is_padded = setting->block > 0 && is_tls13(setting->suite);

    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        size_t len = sizes[s];
        size_t rooms[] = {len - (len > 1), len, len + 1, len + 300, 2 * LARGEST, len / 2 + 1};

        for (size_t r = 0; r < sizeof(rooms) / sizeof(rooms[0]); r++) {
            for (enum memory memory = KNOWN; memory <= PIECES; memory++) {
                move(way_of(&talk, 1), len, rooms[r], memory, is_padded);
                move(way_of(&talk, 0), len, rooms[r], memory, is_padded);
            }
        }
    }
    move(way_of(&talk, 1), 300, 1, FRESH, is_padded);
    move(way_of(&talk, 0), 300, 1, KNOWN, is_padded);
    end(&talk);
}

/* Records on both sides of a KeyUpdate, in one read: what carries no data overwrites nothing. */
static void keys_change_between(const struct setting *setting)
{
    struct talk talk = start(setting);
    int is_padded = setting->block > 0;

    for (int round = 0; round < 6; round++) {
        struct way way = way_of(&talk, round % 2);
        size_t sealed = seal(way.from, plain, 500, 0), received = 0;
        ptrdiff_t n;

        CHECK_EQ(tls_key_update(way.from), TLS_OK);
        sealed = seal(way.from, plain + 500, 700, sealed);
        CHECK_EQ(tls_feed(way.to, wire, sealed), (ptrdiff_t)sealed);
        while ((n = read_once(way.to, got + received, 5000, KNOWN, is_padded)) > 0)
            received += (size_t)n;
        CHECK_EQ(received, 1200);
        CHECK_BYTES(got, plain, 1200);
        /* The answer, and data under the next keys. */
        move(way_of(&talk, !(round % 2)), 300, 400, KNOWN, is_padded);
        move(way_of(&talk, round % 2), 300, 400, FRESH, is_padded);
    }
    end(&talk);
}

/* the record in front is given, and of the altered one nothing. */
static void an_altered_record_leaves_no_plain_byte(const struct setting *setting)
{
    static const size_t places[] = {0, 4, 5, 100, 600};
    static unsigned char secret[600];

    memset(secret, SECRET, sizeof(secret));
    for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
        for (int up = 0; up < 2; up++) {
            unsigned char buffer[4000];
            struct talk talk = start(setting);
            struct way way = way_of(&talk, up);
            size_t first, sealed;
            ptrdiff_t n;

            move(way, 100, 4000, KNOWN, setting->block > 0);
            first = seal(way.from, plain, 200, 0);
            sealed = seal(way.from, secret, sizeof(secret), first);
            wire[first + places[p]] ^= 1;
            CHECK_EQ(tls_feed(way.to, wire, sealed), (ptrdiff_t)sealed);
            memset(buffer, CANARY, sizeof(buffer));
            n = tls_read_into(way.to, buffer, 3000);
            CHECK_EQ(n, 200);
            CHECK_BYTES(buffer, plain, 200);
            for (size_t i = 200; i < 3000; i++)
                CHECK(buffer[i] != SECRET);
            for (size_t i = 3000; i < sizeof(buffer); i++)
                CHECK_EQ(buffer[i], CANARY);
            n = tls_read_into(way.to, buffer, 3000);
            /* A longer one is waited for. */
            CHECK(n == TLS_ERR_DECRYPT || (places[p] == 4 && n == TLS_WANT_FEED));
            end(&talk);
        }
    }
}

/* How a record is waited for before it is read. */
enum look { READ_AT_ONCE, ADVANCE_FIRST, STATE_FIRST };

/* Whether len plain bytes are in the library's buffer once they were read. Half of a record stays
 * behind them, so that the connection keeps the buffer; without it no plain byte is there. */
static int passes_the_library(struct way way, size_t len, size_t room, enum look look)
{
    static unsigned char secret[LARGEST];
    size_t first, sealed, size;
    unsigned char *place;
    void *window;
    int is_there;

    memset(secret, SECRET, len);
    first = seal(way.from, secret, len, 0);
    sealed = seal(way.from, plain, 100, first);
    CHECK_EQ(tls_feed_window(way.to, sealed, &window, &size), TLS_OK);
    CHECK(size >= sealed);
    memcpy(window, wire, sealed - 50);
    CHECK_EQ(tls_feed_commit(way.to, sealed - 50), TLS_OK);
    if (look == ADVANCE_FIRST)
        CHECK_EQ(tls_advance(way.to), TLS_OK);
    if (look == STATE_FIRST)
        CHECK((tls_state(way.to) & TLS_FAILED) == 0);
    memset(got, CANARY, room);
    CHECK_EQ(tls_read_into(way.to, got, room), len);
    CHECK_BYTES(got, secret, len);
    place = memmem(window, sealed, secret, len);
    is_there = place != NULL;
    CHECK_EQ(tls_feed(way.to, wire + sealed - 50, 50), 50);
    CHECK_EQ(tls_read_into(way.to, got, sizeof(got)), 100);
    CHECK_BYTES(got, plain, 100);
    /* The buffer is its thread's now, which lends it to other connections. */
    CHECK(memmem(window, sealed, secret, len) == NULL);
    return is_there;
}

/* Of records that are opened straight no plain byte is ever in the library's memory. Which
 * ones are not is said in the manual, and no other is. */
static void plain_bytes_pass_the_library_only_where_it_says_so(const struct setting *setting)
{
    struct talk talk = start(setting);
    int is_13 = is_tls13(setting->suite);

    for (int up = 0; up < 2; up++) {
        struct way way = way_of(&talk, up);
        int may_be_tickets = is_13 && !up;

        /* The first one of a client after the handshake. */
        CHECK_EQ(passes_the_library(way, 500, 2000, READ_AT_ONCE), may_be_tickets);
        for (size_t len = 4; len < 20; len++)
            CHECK_EQ(passes_the_library(way, len, 2000, READ_AT_ONCE), len < (is_13 ? 6 : 7));
        /* As much room as it takes, and less. */
        CHECK_EQ(passes_the_library(way, 500, is_13 ? 501 : 500, READ_AT_ONCE), 0);
        if (is_13)
            CHECK_EQ(passes_the_library(way, 500, 500, READ_AT_ONCE), 1);
        CHECK_EQ(passes_the_library(way, LARGEST / 4, LARGEST, READ_AT_ONCE), 0);
        /* One that was looked at before. */
        CHECK_EQ(passes_the_library(way, 500, 2000, ADVANCE_FIRST), 1);
        CHECK_EQ(passes_the_library(way, 500, 2000, STATE_FIRST), 1);
        if (is_13) {
            CHECK_EQ(tls_key_update(way.from), TLS_OK);
            /* Also one behind a record that is none of data, in the same call. */
            CHECK_EQ(passes_the_library(way, 500, 2000, READ_AT_ONCE), 1);
            CHECK_EQ(passes_the_library(way, 500, 2000, READ_AT_ONCE), 0);
            /* The answer. */
            move(way_of(&talk, !up), 100, 200, FRESH, 0);
            CHECK_EQ(tls_key_update(way.from), TLS_OK);
            CHECK(carry(way.from, way.to) > 0);
            CHECK_EQ(tls_advance(way.to), TLS_OK);
            CHECK_EQ(passes_the_library(way, 500, 2000, READ_AT_ONCE), may_be_tickets);
            move(way_of(&talk, !up), 100, 200, FRESH, 0);
        }
    }
    end(&talk);
}

static void all_of_it(void)
{
    static const size_t blocks[] = {0, 64, 1024};

    for (size_t s = 0; s < sizeof(suites) / sizeof(suites[0]); s++) {
        for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]); b++) {
            for (enum form form = WHOLE; form <= HALVES; form++) {
                struct setting setting = {suites[s], blocks[b], form};

                every_buffer_gets_the_same_bytes(&setting);
                if (is_tls13(setting.suite))
                    keys_change_between(&setting);
                an_altered_record_leaves_no_plain_byte(&setting);
                if (setting.block == 0)
                    plain_bytes_pass_the_library_only_where_it_says_so(&setting);
            }
        }
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    fill_bytes(plain, sizeof(plain), 7);
    RUN(all_of_it);
    return 0;
}
