/* libtlsbio, by three pairs of its ways out and in. */
#include <stdio.h>
#include <string.h>

#include <tlsbio.h>

#include "driver.h"

/* A record of 16 KiB and more becomes two; the largest write is a handful. */
#define SPANS 8

static tls_context_t *contexts[2];

static const char *version(void)
{
    static char text[32];
    uint32_t number = tls_version_number();

    snprintf(text, sizeof(text), "%u.%u.%u", number >> 16, number >> 8 & 255, number & 255);
    return text;
}

static void succeed(tls_status_t status, const char *what)
{
    if (status != TLS_OK)
        fail("%s: %s", what, tls_status_name(status));
}

static _Noreturn void fail_with(tls_conn_t *conn, const char *what)
{
    tls_error_t error = {.size = sizeof(error)};

    tls_conn_error(conn, &error);
    fail("%s: %s: %s", what, tls_status_name(error.status), error.message);
}

static const char *prepare(const struct setting *setting)
{
    int role;

    for (role = CLIENT; role <= SERVER; role++) {
        tls_error_t error = {.size = sizeof(error)};
        tls_builder_t *builder = tls_builder_new();

        succeed(tls_builder_versions(builder, setting->version, setting->version), "versions");
        succeed(tls_builder_suites(builder, &setting->suite, 1), "suites");
        succeed(tls_builder_groups(builder, &setting->group, 1), "groups");
        if (role == CLIENT) {
            succeed(tls_builder_trust_file(builder, setting->roots), "roots");
            succeed(tls_builder_sessions(builder, setting->resume ? TLS_DEFAULT_SESSIONS : 0),
                    "sessions");
        } else {
            succeed(tls_builder_identity_file(builder, setting->chain, setting->key), "identity");
            succeed(tls_builder_tickets(builder, (uint32_t)setting->resume), "tickets");
        }
        tls_context_free(contexts[role]);
        contexts[role] = role == CLIENT ? tls_context_client(builder, &error)
                                        : tls_context_server(builder, &error);
        if (contexts[role] == NULL)
            fail("%s", error.message);
        tls_builder_free(builder);
    }
    return NULL;
}

static void *open_connection(enum role role)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_conn_t *conn = role == CLIENT ? tls_client_new(contexts[CLIENT], "localhost", &error)
                                      : tls_server_new(contexts[SERVER], &error);

    if (conn == NULL)
        fail("%s", error.message);
    return conn;
}

static size_t out(void *conn, unsigned char *wire, size_t room)
{
    ptrdiff_t len;

    if (tls_advance(conn) < TLS_WANT_FEED)
        fail_with(conn, "tls_advance");
    len = tls_drain_into(conn, wire, room);
    return len > 0 ? (size_t)len : 0;
}

static void in(void *conn, const unsigned char *wire, size_t len)
{
    while (len > 0) {
        ptrdiff_t fed = tls_feed(conn, wire, len);

        if (fed <= 0)
            fail_with(conn, "tls_feed");
        wire += fed;
        len -= (size_t)fed;
        if (len > 0)
            tls_advance(conn);
    }
}

static int done(void *conn)
{
    return tls_advance(conn) == TLS_OK;
}

static struct facts facts(void *conn)
{
    struct facts facts = {tls_protocol_version(conn), tls_cipher_suite(conn), tls_group(conn),
                          tls_resumed(conn)};

    return facts;
}

/* The context keeps sessions. */
static void keep(void *conn)
{
    (void)conn;
}

static void close_connection(void *conn)
{
    tls_free(conn);
}

/* Until all bytes of the move are there, or more wire bytes are needed. */
static void read_all(void *to, struct sink *sink, size_t most)
{
    while (sink->got < most) {
        ptrdiff_t got = tls_read_into(to, sink->room + sink->got, most - sink->got + SPARE);

        if (got == TLS_WANT_FEED)
            return;
        if (got <= 0)
            fail_with(to, "tls_read_into");
        delivered(sink, sink->room + sink->got, (size_t)got);
    }
}

__attribute__((noinline)) static void by_copy(void *from, void *to, const unsigned char *plain,
                                              size_t len, unsigned char *wire, struct sink *sink)
{
    size_t most = len;

    while (len > 0) {
        ptrdiff_t written = tls_write_from(from, plain, len), sent, fed;
        size_t at = 0;

        if (written <= 0)
            fail_with(from, "tls_write_from");
        plain += written;
        len -= (size_t)written;
        sent = tls_drain_into(from, wire, WIRE_ROOM);
        while (at < (size_t)sent) {
            fed = tls_feed(to, wire + at, (size_t)sent - at);
            if (fed <= 0)
                fail_with(to, "tls_feed");
            at += (size_t)fed;
            read_all(to, sink, most);
        }
    }
}

/* The one copy stands for the network: from what the sender shows to what the receiver lends. */
__attribute__((noinline)) static void by_window(void *from, void *to, const unsigned char *plain,
                                                size_t len, unsigned char *wire, struct sink *sink)
{
    size_t most = len;

    (void)wire;
    while (len > 0) {
        ptrdiff_t written = tls_write_from(from, plain, len);
        const void *pending;
        size_t sent, at = 0;

        if (written <= 0)
            fail_with(from, "tls_write_from");
        plain += written;
        len -= (size_t)written;
        succeed(tls_drain_peek(from, &pending, &sent), "tls_drain_peek");
        while (at < sent) {
            void *window;
            size_t room;

            succeed(tls_feed_window(to, sent - at, &window, &room), "tls_feed_window");
            if (room > sent - at)
                room = sent - at;
            memcpy(window, (const unsigned char *)pending + at, room);
            succeed(tls_feed_commit(to, room), "tls_feed_commit");
            at += room;
            read_all(to, sink, most);
        }
        succeed(tls_drain_consume(from, sent), "tls_drain_consume");
    }
}

__attribute__((noinline)) static void in_place(void *from, void *to, const unsigned char *plain,
                                               size_t len, unsigned char *wire, struct sink *sink)
{
    while (len > 0) {
        size_t written, at = 0;
        ptrdiff_t sent = tls_write_into(from, plain, len, wire, WIRE_ROOM, &written);

        if (sent <= 0)
            fail_with(from, "tls_write_into");
        plain += written;
        len -= written;
        while (at < (size_t)sent) {
            tls_span_t spans[SPANS];
            size_t consumed;
            ptrdiff_t count = tls_read_in_place(to, wire + at, (size_t)sent - at, spans, SPANS,
                                                &consumed),
                      i;

            if (count < 0)
                fail_with(to, "tls_read_in_place");
            for (i = 0; i < count; i++)
                delivered(sink, wire + at + spans[i].offset, spans[i].len);
            at += consumed;
        }
    }
}

static const struct way ways[] = {
    {"copy", "tls_write_from, tls_drain_into; tls_feed, tls_read_into", by_copy},
    {"window", "tls_write_from, tls_drain_peek; tls_feed_window, tls_read_into", by_window},
    {"in-place", "tls_write_into; tls_read_in_place", in_place},
    {NULL, NULL, NULL},
};

const struct driver driver = {
    .library = "libtlsbio",
    .version = version,
    .prepare = prepare,
    .open = open_connection,
    .out = out,
    .in = in,
    .done = done,
    .facts = facts,
    .keep = keep,
    .close = close_connection,
    .ways = ways,
};
