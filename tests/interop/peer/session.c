#include "session.h"

#include <poll.h>
#include <string.h>

#include "control.h"
#include "inbound.h"
#include "outbound.h"
#include "socket.h"

static void answer_context(struct session *s)
{
    const struct options *o = s->options;
    const tls_context_t *choice = s->contexts->main;
    tls_status_t answered;

    s->asked_context = true;
    tls_sni(s->conn, s->asked_name, sizeof(s->asked_name));
    if (o->other_name && strcmp(o->other_name, s->asked_name) == 0)
        choice = s->contexts->other;
    if (o->refuse >= 0)
        answered = tls_answer_refuse(s->conn, (uint8_t)o->refuse);
    else
        answered = wishes_answer(s->conn, choice, &o->wishes);
    if (answered != TLS_OK)
        s->broken = "an answer to TLS_ASK_CONTEXT was not taken";
}

static void answer(struct session *s)
{
    if (s->status == TLS_ASK_CONTEXT) {
        answer_context(s);
    } else if (s->status == TLS_ASK_VERIFY) {
        s->asked_verify = true;
        stapled_take(&s->stapled, s->conn);
        if (tls_answer_verify(s->conn, s->options->verdict) != TLS_OK)
            s->broken = "an answer to TLS_ASK_VERIFY was not taken";
    } else {
        s->broken = "TLS_ASKING without a question";
    }
    s->in_needs_more = false;
}

static void read_plain(struct session *s)
{
    char plain[8192];
    size_t room = job_room(s->job);
    size_t len = room < sizeof(plain) ? room : sizeof(plain);
    ptrdiff_t got;

    if (s->options->way_in == IN_VECTORED) {
        tls_iovec_t pieces[] = {{plain, len / 3}, {NULL, 0}, {plain + len / 3, len - len / 3}};

        got = tls_read_vectored(s->conn, pieces, 3);
    } else {
        got = tls_read_into(s->conn, plain, len);
    }
    if (got <= 0)
        s->broken = "TLS_CAN_READ was set and nothing could be read";
    else if (!job_take(s->job, plain, (size_t)got))
        s->broken = "the job could not take the plain bytes";
}

static void close_our_direction(struct session *s)
{
    s->we_closed = true;
    if (tls_close_notify(s->conn) != TLS_OK)
        s->broken = "tls_close_notify was refused";
}

/* Everything that needs no socket; true if something was done. */
static bool work_inside(struct session *s, uint32_t state)
{
    if (state & TLS_ASKING) {
        answer(s);
        return true;
    }
    if ((state & TLS_CAN_READ) && job_room(s->job) > 0) {
        read_plain(s);
        return true;
    }
    if (control_keys(s, state) || outbound_write(s, state) || inbound_work(s, state))
        return true;
    if ((state & TLS_CAN_WRITE) && !s->we_closed && job_said_all(s->job, s->options)) {
        close_our_direction(s);
        return true;
    }
    return false;
}

static bool is_over(const struct session *s, uint32_t state)
{
    if (outbound_wants_socket(s, state))
        return false;
    if (state & TLS_FAILED)
        return true;
    return s->status == TLS_TRUNCATED ||
           (s->status == TLS_CLOSED && (s->we_closed || s->unsendable));
}

static void work_outside(struct session *s, uint32_t state)
{
    bool in = inbound_wants_socket(s, state);
    bool out = outbound_wants_socket(s, state);
    short ready;

    if (!in && !out) {
        s->broken = "nothing can be done and the end is not reached";
        return;
    }
    if (!socket_wait(s->fd, (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0)), &ready)) {
        s->broken = "stalled: neither the peer nor the library has anything to say";
        return;
    }
    /* One of the two, so that the state word is looked at again in between. */
    if (out && (ready & POLLOUT))
        outbound_send(s, state);
    else if (in && (ready & (POLLIN | POLLHUP | POLLERR)))
        inbound_receive(s);
    else
        s->unsendable = true; /* the peer is gone, and we wanted only to send */
}

static void take_early_data(struct session *s)
{
    size_t len = strlen(s->early);
    ptrdiff_t got = tls_early_read_into(s->conn, s->early + len, sizeof(s->early) - 1 - len);

    if (got > 0)
        s->early[len + (size_t)got] = '\0';
}

void session_run(struct session *s)
{
    const char *early = s->options->early;

    control_start(s);
    if (early && tls_early_write_from(s->conn, early, strlen(early)) == 0)
        s->broken = "early data was neither taken nor refused";
    while (!s->broken) {
        uint32_t state = tls_state(s->conn);

        s->status = tls_advance(s->conn);
        if (s->options->server && s->options->early_limit > 0)
            take_early_data(s);
        s->job->peer_closed = s->status == TLS_CLOSED || s->status == TLS_TRUNCATED;
        if (is_over(s, state)) {
            control_check_counters(s);
            return;
        }
        if (!work_inside(s, state))
            work_outside(s, state);
    }
}
