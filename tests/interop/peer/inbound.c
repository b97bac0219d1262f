#include "inbound.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { SPANS = 2 };

static void end_input(struct session *s)
{
    s->transport_ended = true;
    if (tls_feed_eof(s->conn) != TLS_OK && !(tls_state(s->conn) & TLS_FAILED))
        s->broken = "tls_feed_eof was refused";
}

/* Takes note of what recv said; true if there are bytes. */
static bool received(struct session *s, const void *wire, ssize_t got)
{
    if (got > 0) {
        retry_watch_look(&s->retry, wire, (size_t)got);
        s->wire_in += (size_t)got;
        return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        s->transport_reset = got < 0;
        end_input(s);
    }
    return false;
}

static void receive_into_window(struct session *s)
{
    void *window;
    size_t room;

    if (tls_feed_window(s->conn, 1, &window, &room) != TLS_OK || room == 0) {
        s->broken = "TLS_CAN_FEED was set and there was no window";
        return;
    }
    ssize_t got = recv(s->fd, window, room, 0);
    if (received(s, window, got) && tls_feed_commit(s->conn, (size_t)got) != TLS_OK)
        s->broken = "bytes in the window could not be committed";
}

static void receive_into_held(struct session *s)
{
    unsigned char *free_part = s->in.data + s->in.len;
    ssize_t got = recv(s->fd, free_part, sizeof(s->in.data) - s->in.len, 0);

    if (received(s, free_part, got)) {
        s->in.len += (size_t)got;
        s->in_needs_more = false;
    }
}

bool inbound_wants_socket(const struct session *s, uint32_t state)
{
    if (!(state & TLS_CAN_FEED) || s->transport_ended)
        return false;
    return s->in.len == 0 || s->in_needs_more;
}

void inbound_receive(struct session *s)
{
    if (s->options->deadline != 0 && tls_time(s->conn, s->receipts++) != TLS_OK)
        return;
    if (s->options->way_in == IN_WINDOW)
        receive_into_window(s);
    else
        receive_into_held(s);
}

static void done_with(struct session *s, size_t len)
{
    s->in.len -= len;
    memmove(s->in.data, s->in.data + len, s->in.len);
}

static void feed_held(struct session *s)
{
    ptrdiff_t took = tls_feed(s->conn, s->in.data, s->in.len);

    if (took <= 0)
        s->broken = "TLS_CAN_FEED was set and nothing could be fed";
    else
        done_with(s, (size_t)took);
}

static void take_spans(struct session *s, const tls_span_t *spans, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++)
        if (!job_take(s->job, (const char *)s->in.data + spans[i].offset, spans[i].len))
            s->broken = "the job could not take the plain bytes";
}

static void read_in_place(struct session *s)
{
    tls_span_t spans[SPANS];
    size_t consumed = 0;
    ptrdiff_t count = tls_read_in_place(s->conn, s->in.data, s->in.len, spans, SPANS, &consumed);

    if (count > 0)
        take_spans(s, spans, count);
    else if (count == TLS_WANT_FEED)
        s->in_needs_more = true;
    else if (count == TLS_ERR_STATE || count == TLS_ERR_ARGUMENT || count == 0)
        s->broken = "tls_read_in_place was refused";
    else if (consumed == 0)
        s->in_needs_more = true; /* a question, or the end: the state word tells */
    done_with(s, consumed);
    if (s->in_needs_more && s->in.len == sizeof(s->in.data))
        s->broken = "tls_read_in_place takes nothing from a full buffer";
}

bool inbound_work(struct session *s, uint32_t state)
{
    if (!(state & TLS_CAN_FEED) || s->in.len == 0 || s->in_needs_more)
        return false;
    if (s->options->way_in != IN_PLACE)
        feed_held(s);
    else if (job_room(s->job) >= (size_t)SPANS * TLS_MAX_PLAIN_PER_RECORD)
        read_in_place(s);
    else
        return false;
    return true;
}
