#include "transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SPANS = 8, PATIENCE_MS = 1000 };

void fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static enum way way_wanted(void)
{
    static const char *const names[] = {"copies", "window", "in-place", "buffers"};
    const char *wanted = getenv("CONFORMANCE_WAY");
    int i;

    if (wanted == NULL)
        return COPIES;
    for (i = 0; i < 4; i++)
        if (strcmp(wanted, names[i]) == 0)
            return (enum way)i;
    fail("CONFORMANCE_WAY is copies, window, in-place or buffers");
}

static void send_all(struct transport *transport, const void *bytes, size_t len)
{
    const unsigned char *next = bytes;

    while (len > 0 && !transport->is_over) {
        ssize_t sent = send(transport->fd, next, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        /* The runner closes when it has seen enough. */
        transport->is_over = sent <= 0;
        if (sent > 0) {
            next += sent;
            len -= (size_t)sent;
        }
    }
}

void connect_to_runner(struct transport *transport, const struct address *address,
                       const tls_context_t *context)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)address->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)address->port)};
    const char *most = getenv("CONFORMANCE_MOST");
    unsigned char id[8];
    int one = 1, done, i;

    memset(transport, 0, sizeof(*transport));
    transport->way = way_wanted();
    transport->most = most != NULL ? (size_t)strtoul(most, NULL, 10) : sizeof(transport->held);
    if (transport->most == 0 || transport->most > sizeof(transport->held))
        fail("CONFORMANCE_MOST is 1 to %zu", sizeof(transport->held));
    transport->context = context;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr = in6addr_loopback;
    transport->fd = socket(address->is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    done = address->is_ipv6 ? connect(transport->fd, (struct sockaddr *)&v6, sizeof(v6))
                            : connect(transport->fd, (struct sockaddr *)&v4, sizeof(v4));
    if (done != 0)
        fail("the runner cannot be reached: %s", strerror(errno));
    setsockopt(transport->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    /* By which the runner knows whose connection it is. */
    for (i = 0; i < 8; i++)
        id[i] = (unsigned char)(address->id >> (8 * i));
    send_all(transport, id, sizeof(id));
}

static size_t flush_some(struct transport *transport, tls_conn_t *conn)
{
    unsigned char copied[4096];
    const void *wire = NULL;
    size_t len = 0;

    if (transport->way == COPIES) {
        ptrdiff_t count = tls_drain_into(conn, copied, sizeof(copied));

        len = count > 0 ? (size_t)count : 0;
        send_all(transport, copied, len);
    } else if (transport->way == BUFFERS) {
        tls_buffer_t *taken = tls_drain_take(conn, &wire, &len);

        send_all(transport, wire, len);
        tls_buffer_free(taken);
    } else if (tls_drain_peek(conn, &wire, &len) == TLS_OK && len > 0) {
        send_all(transport, wire, len);
        if (tls_drain_consume(conn, len) != TLS_OK)
            fail("what was shown cannot be consumed");
    }
    return len;
}

void flush_wire(struct transport *transport, tls_conn_t *conn)
{
    while (flush_some(transport, conn) > 0)
        ;
}

/* Whether bytes came; otherwise the connection knows that none come any more. */
static int take_from_socket(struct transport *transport, tls_conn_t *conn)
{
    size_t room = sizeof(transport->held) - transport->held_len;
    ssize_t count;

    if (room > transport->most)
        room = transport->most;
    do {
        count = recv(transport->fd, transport->held + transport->held_len, room, 0);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) {
        tls_feed_eof(conn);
        return 0;
    }
    transport->held_len += (size_t)count;
    return 1;
}

static void drop_front(struct transport *transport, size_t len)
{
    memmove(transport->held, transport->held + len, transport->held_len - len);
    transport->held_len -= len;
}

/* How many bytes were taken; 0 where this way is closed, and tls_feed says why. */
static size_t feed_window(struct transport *transport, tls_conn_t *conn)
{
    size_t len;
    void *window;

    if (tls_feed_window(conn, transport->held_len, &window, &len) != TLS_OK || len == 0)
        return 0;
    if (len > transport->held_len)
        len = transport->held_len;
    memcpy(window, transport->held, len);
    tls_feed_commit(conn, len);
    return len;
}

static size_t feed_buffer(struct transport *transport, tls_conn_t *conn)
{
    tls_buffer_t *buffer = tls_buffer_new(transport->context, transport->held_len);
    size_t len;
    void *memory;

    if (buffer == NULL || tls_buffer_memory(buffer, &memory, &len) != TLS_OK)
        fail("no buffer");
    if (len > transport->held_len)
        len = transport->held_len;
    memcpy(memory, transport->held, len);
    if (tls_feed_buffer(conn, buffer, len) == TLS_OK)
        return len;
    tls_buffer_free(buffer);
    return 0;
}

void receive_wire(struct transport *transport, tls_conn_t *conn)
{
    size_t taken = 0;

    if (transport->held_len == 0 && !take_from_socket(transport, conn))
        return;
    if (transport->way == WINDOW)
        taken = feed_window(transport, conn);
    else if (transport->way == BUFFERS)
        taken = feed_buffer(transport, conn);
    if (taken == 0) {
        ptrdiff_t fed = tls_feed(conn, transport->held, transport->held_len);

        /* What a connection at its end does not take is nobody's. */
        taken = fed >= 0 ? (size_t)fed : transport->held_len;
    }
    drop_front(transport, taken);
}

static ptrdiff_t read_held(struct transport *transport, tls_conn_t *conn, unsigned char *plain,
                           size_t len)
{
    tls_span_t spans[SPANS];
    size_t consumed = 0, total = 0;
    ptrdiff_t count =
        tls_read_in_place(conn, transport->held, transport->held_len, spans, SPANS, &consumed);
    ptrdiff_t i;

    for (i = 0; i < count; i++) {
        if (spans[i].len > len - total)
            fail("more plain bytes than were received");
        memcpy(plain + total, transport->held + spans[i].offset, spans[i].len);
        total += spans[i].len;
    }
    drop_front(transport, consumed);
    return count > 0 ? (ptrdiff_t)total : count;
}

ptrdiff_t read_plain(struct transport *transport, tls_conn_t *conn, unsigned char *plain,
                     size_t len)
{
    ptrdiff_t count;

    if (transport->way != IN_PLACE || len < sizeof(transport->held))
        return tls_read_into(conn, plain, len);
    for (;;) {
        /* What was fed in the handshake comes first. */
        count = tls_read_into(conn, plain, len);
        if (count != TLS_WANT_FEED)
            return count;
        if (transport->held_len > 0) {
            count = read_held(transport, conn, plain, len);
            if (count != TLS_WANT_FEED && count != 0)
                return count;
        }
        flush_wire(transport, conn);
        if ((tls_state(conn) & (TLS_FAILED | TLS_PEER_CLOSED | TLS_EOF)) != 0)
            return tls_read_into(conn, plain, len);
        take_from_socket(transport, conn);
    }
}

ptrdiff_t write_plain(struct transport *transport, tls_conn_t *conn, const void *plain, size_t len)
{
    unsigned char wire[40000];
    size_t consumed = 0;
    ptrdiff_t count;

    if (transport->way == IN_PLACE && tls_drain_pending(conn) == 0) {
        count =
            tls_write_into(conn, plain, len < 32768 ? len : 32768, wire, sizeof(wire), &consumed);
        if (count > 0) {
            send_all(transport, wire, (size_t)count);
            return (ptrdiff_t)consumed;
        }
    }
    count = tls_write_from(conn, plain, len);
    flush_wire(transport, conn);
    return count;
}

void disconnect(struct transport *transport)
{
    struct pollfd waits = {.fd = transport->fd, .events = POLLIN};
    unsigned char rest[4096];

    shutdown(transport->fd, SHUT_WR);
    while (poll(&waits, 1, PATIENCE_MS) > 0 && recv(transport->fd, rest, sizeof(rest), 0) > 0)
        ;
    close(transport->fd);
}
