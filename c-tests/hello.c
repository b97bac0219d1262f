/* What a ClientHello says, while a context is asked for. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

typedef ptrdiff_t getter(tls_conn_t *, void *, size_t);

/* Part of a ClientHello, and the call that gives it. */
struct fact {
    getter *get;
    size_t len;
    unsigned char bytes[40];
};

#define BYTES(...)                                                                                 \
    sizeof((unsigned char[]){__VA_ARGS__}),                                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* GREASE values (RFC 8701) and a suite that this library does not have are among them. */
static const struct fact offer[] = {
    {tls_hello_suites, BYTES(0x1a, 0x1a, 0x13, 0x01, 0x13, 0x05, 0xc0, 0x2b, 0x00, 0xff)},
    {tls_hello_alpn, BYTES(2, 0x5a, 0x5a, 2, 'h', '2', 3, 'f', 'o', 'o')},
    {tls_hello_groups, BYTES(0x6a, 0x6a, 0x00, 0x1d, 0x01, 0x00, 0x00, 0x17)},
    {tls_hello_versions, BYTES(0x7a, 0x7a, 0x03, 0x04, 0x03, 0x03)},
    {tls_hello_schemes, BYTES(0x04, 0x03, 0xfe, 0x01, 0x08, 0x04)},
    {tls_hello_authorities,
     BYTES(0, 14, 0x30, 12, 0x31, 10, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0c, 1, 'A', 0, 2, 0x30, 0)},
};

enum { OFFERED = sizeof(offer) / sizeof(offer[0]) };
enum { SUITES, PROTOCOLS, GROUPS, VERSIONS, SCHEMES, AUTHORITIES };

/* A message that is being written. */
struct hello {
    unsigned char bytes[1024];
    size_t len;
};

static void put(struct hello *hello, const void *bytes, size_t len)
{
    CHECK(hello->len + len <= sizeof(hello->bytes));
    memcpy(hello->bytes + hello->len, bytes, len);
    hello->len += len;
}

static void put_number(struct hello *hello, size_t width, size_t number)
{
    while (width-- > 0) {
        unsigned char byte = (unsigned char)(number >> (8 * width));

        put(hello, &byte, 1);
    }
}

/* An extension that consists of one list, which has a length of its own. */
static void put_list(struct hello *hello, uint16_t kind, size_t width, const void *list, size_t len)
{
    put_number(hello, 2, kind);
    put_number(hello, 2, width + len);
    put_number(hello, width, len);
    put(hello, list, len);
}

/* The ClientHello with the offer, for X25519; the key share is there or has to be asked for. */
static struct hello make_hello(int with_key_share)
{
    static const unsigned char key_share[36] = {0x00, 0x1d, 0, 32, 9};
    static const char name[] = "\0\0\x09server.te";
    struct hello extensions = {.len = 0}, hello = {.len = 0};
    size_t body;

    put_number(&extensions, 2, 0x2a2a);
    put_number(&extensions, 2, 0);
    put_list(&extensions, 0, 2, name, sizeof(name) - 1);
    put_list(&extensions, 10, 2, offer[GROUPS].bytes, offer[GROUPS].len);
    put_list(&extensions, 13, 2, offer[SCHEMES].bytes, offer[SCHEMES].len);
    put_list(&extensions, 16, 2, offer[PROTOCOLS].bytes, offer[PROTOCOLS].len);
    put_list(&extensions, 43, 1, offer[VERSIONS].bytes, offer[VERSIONS].len);
    put_list(&extensions, 47, 2, offer[AUTHORITIES].bytes, offer[AUTHORITIES].len);
    put_list(&extensions, 51, 2, key_share, with_key_share ? sizeof(key_share) : 0);

    body = 2 + 32 + 1 + 2 + offer[SUITES].len + 2 + 2 + extensions.len;
    put_number(&hello, 1, 1);
    put_number(&hello, 3, body);
    put_number(&hello, 2, 0x0303);
    for (size_t i = 0; i < 32; i++)
        put_number(&hello, 1, i);
    put_number(&hello, 1, 0);
    put_number(&hello, 2, offer[SUITES].len);
    put(&hello, offer[SUITES].bytes, offer[SUITES].len);
    put_number(&hello, 2, 0x0100);
    put_number(&hello, 2, extensions.len);
    put(&hello, extensions.bytes, extensions.len);
    CHECK_EQ(hello.len, 4 + body);
    return hello;
}

static void feed_record(tls_conn_t *conn, unsigned char kind, const unsigned char *bytes,
                        size_t len)
{
    unsigned char header[5] = {kind, 3, 1, (unsigned char)(len >> 8), (unsigned char)len};

    CHECK_EQ(tls_feed(conn, header, sizeof(header)), sizeof(header));
    CHECK_EQ(tls_feed(conn, bytes, len), len);
}

/* A server with the message in, in records of at most this size. */
static tls_conn_t *asking_server(const struct hello *hello, size_t record, int advance)
{
    tls_conn_t *server = tls_server_new(NULL, NULL);

    for (size_t at = 0; at < hello->len; at += record) {
        size_t rest = hello->len - at;

        if (advance)
            CHECK_EQ(tls_advance(server), TLS_WANT_FEED);
        feed_record(server, 22, hello->bytes + at, rest < record ? rest : record);
    }
    CHECK_EQ(tls_advance(server), TLS_ASK_CONTEXT);
    return server;
}

static void check_fact(tls_conn_t *conn, getter *get, const unsigned char *bytes, size_t len)
{
    unsigned char seen[1024];

    CHECK_EQ(get(conn, NULL, 0), len);
    memset(seen, 0xee, sizeof(seen));
    CHECK_EQ(get(conn, seen, sizeof(seen)), len);
    CHECK_BYTES(seen, bytes, len);
    CHECK_EQ(seen[len], 0xee);
    /* What does not fit is left out, and what is behind the room is left alone. */
    memset(seen, 0xee, sizeof(seen));
    CHECK_EQ(get(conn, seen, len - 1), len);
    CHECK_BYTES(seen, bytes, len - 1);
    CHECK_EQ(seen[len - 1], 0xee);
}

static void check_offer(tls_conn_t *conn, const struct hello *hello)
{
    for (size_t i = 0; i < OFFERED; i++)
        check_fact(conn, offer[i].get, offer[i].bytes, offer[i].len);
    check_fact(conn, tls_hello_raw, hello->bytes, hello->len);
}

static void check_nothing(tls_conn_t *conn)
{
    unsigned char byte = 0xee;

    for (size_t i = 0; i < OFFERED; i++)
        CHECK_EQ(offer[i].get(conn, &byte, 1), 0);
    CHECK_EQ(tls_hello_raw(conn, &byte, 1), 0);
    CHECK_EQ(byte, 0xee);
}

/* */
static void everything_is_as_the_client_sent_it(void)
{
    static const size_t records[] = {sizeof(((struct hello *)0)->bytes), 100, 7, 3, 1};
    struct hello hello = make_hello(1);

    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        for (int advance = 0; advance < 2; advance++) {
            tls_conn_t *server = asking_server(&hello, records[i], advance);

            check_offer(server, &hello);
            check_offer(server, &hello);
            tls_free(server);
        }
    }
}

static void the_in_place_way_shows_the_same(void)
{
    struct hello hello = make_hello(1);
    unsigned char wire[5 * 16 + sizeof(hello.bytes)];
    tls_conn_t *server = tls_server_new(NULL, NULL);
    tls_span_t span;
    size_t len = 0, consumed;

    for (size_t at = 0; at < hello.len; at += 64) {
        size_t part = hello.len - at < 64 ? hello.len - at : 64;
        unsigned char header[5] = {22, 3, 1, 0, (unsigned char)part};

        memcpy(wire + len, header, 5);
        memcpy(wire + len + 5, hello.bytes + at, part);
        len += 5 + part;
    }
    CHECK_EQ(tls_read_in_place(server, wire, len, &span, 1, &consumed), TLS_ASK_CONTEXT);
    CHECK_EQ(consumed, len);
    memset(wire, 0, sizeof(wire));
    check_offer(server, &hello);
    tls_free(server);
}

/* A warning may come first, in the same bytes or before them: it is not part of the message. */
static void a_warning_before_it_changes_nothing(void)
{
    static const unsigned char user_canceled[] = {1, 90};
    struct hello hello = make_hello(1);

    for (unsigned advance = 0; advance < 4; advance++) {
        tls_conn_t *server = tls_server_new(NULL, NULL);

        feed_record(server, 21, user_canceled, sizeof(user_canceled));
        if (advance & 1)
            CHECK_EQ(tls_advance(server), TLS_WANT_FEED);
        feed_record(server, 22, hello.bytes, 50);
        if (advance & 2)
            CHECK_EQ(tls_advance(server), TLS_WANT_FEED);
        feed_record(server, 22, hello.bytes + 50, hello.len - 50);
        CHECK_EQ(tls_advance(server), TLS_ASK_CONTEXT);
        check_offer(server, &hello);
        tls_free(server);
    }
}

/* Before TLS 1.3 there was no list of versions; extensions could be missing as well. */
static void an_old_client_names_one_version(void)
{
    static const unsigned char schemes[] = {0x04, 0x03}, version[] = {3, 3},
                               suites[] = {0xc0, 0x2b};
    struct hello hello = {.len = 0};
    tls_conn_t *server;

    put_number(&hello, 1, 1);
    put_number(&hello, 3, 2 + 32 + 1 + 4 + 2 + 2 + 8);
    put_number(&hello, 2, 0x0303);
    for (size_t i = 0; i < 32; i++)
        put_number(&hello, 1, i);
    put_number(&hello, 1, 0);
    put_number(&hello, 2, 2);
    put(&hello, suites, 2);
    put_number(&hello, 2, 0x0100);
    put_number(&hello, 2, 8);
    put_list(&hello, 13, 2, schemes, 2);
    server = asking_server(&hello, sizeof(hello.bytes), 0);
    check_fact(server, tls_hello_versions, version, 2);
    check_fact(server, tls_hello_suites, suites, 2);
    check_fact(server, tls_hello_schemes, schemes, 2);
    check_fact(server, tls_hello_raw, hello.bytes, hello.len);
    CHECK_EQ(tls_hello_alpn(server, NULL, 0), 0);
    CHECK_EQ(tls_hello_groups(server, NULL, 0), 0);
    CHECK_EQ(tls_hello_authorities(server, NULL, 0), 0);
    tls_free(server);
}

/* A message that the engine refuses is never asked about, wherever it is cut. */
static void a_shortened_hello_shows_nothing(void)
{
    struct hello hello = make_hello(1);

    for (size_t cut = 4; cut < hello.len; cut++) {
        tls_conn_t *server = tls_server_new(NULL, NULL);
        unsigned char bytes[sizeof(hello.bytes)];
        tls_status_t status;

        memcpy(bytes, hello.bytes, cut);
        bytes[2] = (unsigned char)((cut - 4) >> 8);
        bytes[3] = (unsigned char)(cut - 4);
        feed_record(server, 22, bytes, cut);
        status = tls_advance(server);
        /* The message may end where the extensions begin, but then a needed one is missing. */
        CHECK(status == TLS_ERR_PEER || status == TLS_ERR_NO_COMMON);
        check_nothing(server);
        tls_free(server);
    }
}

/* */
static void the_answer_ends_it(void)
{
    struct recipe client_recipe = plain_client;
    tls_context_t *server = make_server_context(&plain_server), *client;
    struct pair pair;

    client_recipe.alpn = "\x03"
                         "foo";
    client = make_client_context(&client_recipe);
    pair = new_pair_of(client, NULL, NULL);
    check_nothing(pair.server);
    check_nothing(pair.client);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ASK_CONTEXT);
    check_nothing(pair.client);
    check_fact(pair.server, tls_hello_alpn, (const unsigned char *)client_recipe.alpn, 4);
    check_fact(pair.server, tls_hello_versions, (const unsigned char *)"\3\4\3\3", 4);
    CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
    check_nothing(pair.server);
    finish_handshake(&pair);
    check_nothing(pair.server);
    check_alive(&pair);
    free_pair(&pair);

    pair = new_pair_of(client, NULL, NULL);
    pump(&pair);
    CHECK(tls_hello_raw(pair.server, NULL, 0) > 0);
    CHECK_EQ(tls_answer_refuse(pair.server, 112), TLS_OK);
    check_nothing(pair.server);
    free_pair(&pair);

    /* A server that has its context is not asked, and keeps nothing. */
    pair = new_pair_of(client, server, NULL);
    pump(&pair);
    check_nothing(pair.server);
    free_pair(&pair);
    tls_context_free(server);
    tls_context_free(client);
}

static void the_hello_after_a_retry_is_not_asked_about(void)
{
    struct hello first = make_hello(0), second = make_hello(1);
    tls_context_t *context = make_server_context(&plain_server);
    tls_conn_t *server = asking_server(&first, sizeof(first.bytes), 0);
    unsigned char wire[4096];

    check_offer(server, &first);
    CHECK_EQ(tls_answer_context(server, context), TLS_OK);
    CHECK_EQ(tls_advance(server), TLS_WANT_FEED);
    /* A ServerHello whose random says that it is a HelloRetryRequest (RFC 8446, 4.1.3). */
    CHECK(tls_drain_into(server, wire, sizeof(wire)) > 5 + 4 + 2 + 32);
    CHECK_EQ(wire[5], 2);
    CHECK_BYTES(wire + 5 + 4 + 2,
                "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91", 16);

    feed_record(server, 22, second.bytes, second.len);
    CHECK_EQ(tls_advance(server), TLS_WANT_FEED);
    check_nothing(server);
    CHECK(tls_drain_into(server, wire, sizeof(wire)) > 500);
    tls_free(server);
    tls_context_free(context);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(everything_is_as_the_client_sent_it);
    RUN(the_in_place_way_shows_the_same);
    RUN(a_warning_before_it_changes_nothing);
    RUN(an_old_client_names_one_version);
    RUN(a_shortened_hello_shows_nothing);
    RUN(the_answer_ends_it);
    RUN(the_hello_after_a_retry_is_not_asked_about);
    return 0;
}
