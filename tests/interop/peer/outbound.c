#include "outbound.h"

#include <errno.h>
#include <sys/socket.h>

static size_t send_some(struct session *s, const void *wire, size_t len)
{
    ssize_t sent = send(s->fd, wire, len, MSG_NOSIGNAL);

    if (sent < 0) {
        s->unsendable = errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
        return 0;
    }
    retry_watch_look(&s->retry, wire, (size_t)sent);
    s->wire_out += (size_t)sent;
    return (size_t)sent;
}

static void send_held(struct session *s)
{
    size_t sent = send_some(s, s->out.data + s->out.at, s->out.len);

    s->out.at += sent;
    s->out.len -= sent;
}

static void drain_by_peek(struct session *s)
{
    const void *wire;
    size_t len;

    if (tls_drain_peek(s->conn, &wire, &len) != TLS_OK || len == 0)
        s->broken = "TLS_CAN_DRAIN was set and there was nothing to peek at";
    else if (tls_drain_consume(s->conn, send_some(s, wire, len)) != TLS_OK)
        s->broken = "bytes that were peeked at could not be consumed";
}

/* What is copied out has left the library for good: what the socket does not take at once is held.
 */
static void drain_by_copy(struct session *s)
{
    ptrdiff_t len = tls_drain_into(s->conn, s->out.data, sizeof(s->out.data));

    if (len <= 0) {
        s->broken = "TLS_CAN_DRAIN was set and nothing could be drained";
        return;
    }
    s->out.at = 0;
    s->out.len = (size_t)len;
    send_held(s);
}

/* In pieces of which one is small, as a header before a body is. */
static ptrdiff_t write_pieces(struct session *s, const char *plain, size_t len)
{
    char *bytes = (char *)plain;
    size_t small = len < 10 ? len : 10;
    tls_iovec_t pieces[] = {{bytes, small}, {NULL, 0}, {bytes + small, len - small}};

    return tls_write_vectored(s->conn, pieces, 3);
}

static void write_to_library(struct session *s, const char *plain, size_t len)
{
    ptrdiff_t took = s->options->way_out == OUT_VECTORED ? write_pieces(s, plain, len)
                                                         : tls_write_from(s->conn, plain, len);

    if (took <= 0)
        s->broken = "TLS_CAN_WRITE was set and nothing could be written";
    else
        job_sent(s->job, (size_t)took);
}

static void write_to_held(struct session *s, const char *plain, size_t len)
{
    size_t consumed = 0;
    ptrdiff_t made =
        tls_write_into(s->conn, plain, len, s->out.data, sizeof(s->out.data), &consumed);

    if (made <= 0 || consumed == 0) {
        s->broken = "nothing was queued and tls_write_into wrote nothing";
        return;
    }
    job_sent(s->job, consumed);
    s->out.at = 0;
    s->out.len = (size_t)made;
}

/* The cork is taken off when there is no more to say. */
static bool cork_until_all_is_said(struct session *s, size_t *len)
{
    if (*len == 0 && s->corked) {
        s->corked = false;
        if (tls_uncork(s->conn) != TLS_OK)
            s->broken = "what was corked could not be sealed";
        return true;
    }
    if (*len > 0 && !s->corked) {
        s->corked = true;
        if (tls_cork(s->conn) != TLS_OK)
            s->broken = "a connection that can write could not be corked";
    }
    if (*len > 100)
        *len = 100;
    return false;
}

bool outbound_write(struct session *s, uint32_t state)
{
    const char *plain;
    size_t len = job_offer(s->job, &plain);

    if (s->options->cork && (state & TLS_CAN_WRITE) && cork_until_all_is_said(s, &len))
        return true;
    if (!(state & TLS_CAN_WRITE) || len == 0)
        return false;
    if (s->options->way_out != OUT_DIRECT)
        write_to_library(s, plain, len);
    else if (!(state & TLS_CAN_DRAIN) && s->out.len == 0)
        write_to_held(s, plain, len);
    else
        return false;
    return true;
}

bool outbound_wants_socket(const struct session *s, uint32_t state)
{
    return !s->unsendable && (s->out.len > 0 || (state & TLS_CAN_DRAIN));
}

/* Records leave in the order in which they were made: what is held came before what is queued. */
void outbound_send(struct session *s, uint32_t state)
{
    if (s->out.len > 0)
        send_held(s);
    else if (!(state & TLS_CAN_DRAIN))
        return;
    else if (s->options->way_out == OUT_PEEK || s->options->way_out == OUT_VECTORED)
        drain_by_peek(s);
    else
        drain_by_copy(s);
}
