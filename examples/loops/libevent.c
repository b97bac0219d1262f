/* An echo server on libevent: TLS is a filter over the bufferevent of a socket. What is written for
 * bufferevents runs over it: here that is one callback, which moves what came to what goes.
 *
 *   bufferevent_socket <--wire--> filter: decrypt, encrypt <--plain--> echo
 *
 * What is sent is not copied: a buffer that was taken off the queue of the library is referred to,
 * and ends when libevent has sent it. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

/* More than this is neither sealed ahead nor kept for a peer that does not read. */
#define MOST_QUEUED (256 * 1024)
/* Holds any record, so that it is decrypted right there. */
#define PLAIN 16385

struct stream {
    tls_conn_t *tls;
    struct bufferevent *socket, *filter;
    int over;   /* nothing more can be read */
    int broken; /* nothing more can be written */
    int closed; /* what is queued is all that will be sent */
};

static struct echo_server server;
static unsigned alive;

static void sent(const void *wire, size_t len, void *buffer)
{
    (void)wire;
    (void)len;
    tls_buffer_free(buffer);
}

/* Hands all that is queued to the socket's bufferevent. */
static void send_queued(const struct stream *stream)
{
    struct evbuffer *out = bufferevent_get_output(stream->socket);
    const void *wire;
    size_t len;
    tls_buffer_t *buffer;

    while ((buffer = tls_drain_take(stream->tls, &wire, &len)) != NULL)
        if (evbuffer_add_reference(out, wire, len, sent, buffer) != 0)
            tls_buffer_free(buffer);
}

/* Tells the server of an end. Not from within a filter: it is called while libevent works on these
 * buffers. */
static void tell_end(const struct stream *stream)
{
    bufferevent_trigger_event(stream->filter, BEV_EVENT_EOF, BEV_TRIG_DEFER_CALLBACKS);
}

/* Everything that can be read goes into plain; returns what the library said at last. */
static ptrdiff_t read_all(const struct stream *stream, struct evbuffer *plain)
{
    struct evbuffer_iovec room;
    ptrdiff_t got;

    do {
        if (evbuffer_reserve_space(plain, PLAIN, &room, 1) != 1)
            return TLS_ERR_INTERNAL;
        got = tls_read_into(stream->tls, room.iov_base, room.iov_len);
        room.iov_len = got > 0 ? (size_t)got : 0;
        evbuffer_commit_space(plain, &room, 1);
    } while (got > 0);
    return got;
}

/* The limit is not kept: what is decrypted is in no other place. It is bounded by what the socket's
 * bufferevent reads ahead. */
static enum bufferevent_filter_result decrypt(struct evbuffer *wire, struct evbuffer *plain,
                                              ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                              void *context)
{
    struct stream *stream = context;
    size_t before = evbuffer_get_length(plain);
    ptrdiff_t fed = 0, got = TLS_WANT_FEED;
    struct evbuffer_iovec piece;

    (void)limit;
    (void)mode;
    if (stream->over)
        return BEV_NEED_MORE;
    while (got == TLS_WANT_FEED && fed >= 0 && evbuffer_peek(wire, -1, NULL, &piece, 1) > 0) {
        fed = tls_feed(stream->tls, piece.iov_base, piece.iov_len);
        if (fed > 0)
            evbuffer_drain(wire, (size_t)fed);
        got = read_all(stream, plain);
        /* Answers of the handshake. They leave no reason to wait. */
        send_queued(stream);
        if (got == TLS_WANT_DRAIN)
            got = TLS_WANT_FEED;
        /* What was written before the handshake was done goes now. */
        if (evbuffer_get_length(bufferevent_get_output(stream->filter)) > 0)
            bufferevent_flush(stream->filter, EV_WRITE, BEV_NORMAL);
    }
    if (got != TLS_WANT_FEED) {
        stream->over = 1;
        tell_end(stream);
    }
    return evbuffer_get_length(plain) > before ? BEV_OK : BEV_NEED_MORE;
}

static enum bufferevent_filter_result encrypt(struct evbuffer *plain, struct evbuffer *wire,
                                              ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                              void *context)
{
    struct stream *stream = context;
    struct evbuffer_iovec piece;
    ptrdiff_t taken = 0;
    size_t most;

    (void)wire; /* the output of stream->socket */
    (void)mode;
    if (evbuffer_peek(plain, -1, NULL, &piece, 1) > 0) {
        most = limit > 0 && (size_t)limit < piece.iov_len ? (size_t)limit : piece.iov_len;
        taken = tls_write_from(stream->tls, piece.iov_base, most);
        if (taken > 0)
            evbuffer_drain(plain, (size_t)taken);
        stream->broken = taken < 0 && taken != TLS_WANT_FEED && taken != TLS_WANT_DRAIN;
        send_queued(stream);
    }
    return taken > 0 ? BEV_OK : BEV_NEED_MORE;
}

static void end(void *context)
{
    struct stream *stream = context;

    tls_free(stream->tls);
    free(stream);
    alive--;
}

/* All above is the filter; what follows is the server, and knows plain bytes only. */
static void echo(struct bufferevent *peer, void *context)
{
    struct evbuffer *out = bufferevent_get_output(peer);

    (void)context;
    bufferevent_write_buffer(peer, bufferevent_get_input(peer));
    /* A peer that does not read is not read from. */
    if (evbuffer_get_length(out) > MOST_QUEUED)
        bufferevent_disable(peer, EV_READ);
}

/* Everything was sealed. What the socket's bufferevent has read meanwhile is told of by nobody. */
static void go_on(struct bufferevent *peer, void *context)
{
    const struct stream *stream = context;

    if (stream->over) {
        tell_end(stream);
    } else if ((bufferevent_get_enabled(peer) & EV_READ) == 0) {
        bufferevent_enable(peer, EV_READ);
        bufferevent_flush(peer, EV_READ, BEV_NORMAL);
        echo(peer, context);
    }
}

static void happened(struct bufferevent *peer, short what, void *context)
{
    struct stream *stream = context;

    if ((what & BEV_EVENT_ERROR) != 0) {
        bufferevent_free(peer);
        return;
    }
    if (!stream->over) {
        /* The end of the stream without close_notify. */
        stream->over = 1;
        tls_feed_eof(stream->tls);
    }
    /* What came before the end is echoed before ours. */
    echo(peer, context);
    if (!stream->closed &&
        (stream->broken || evbuffer_get_length(bufferevent_get_output(peer)) == 0)) {
        stream->closed = 1;
        tls_close_notify(stream->tls);
        send_queued(stream);
    }
    if (stream->closed && evbuffer_get_length(bufferevent_get_output(stream->socket)) == 0)
        bufferevent_free(peer);
}

/* Called when bytes went out of the socket's bufferevent: the last ones end the connection. */
static void went(struct evbuffer *out, const struct evbuffer_cb_info *info, void *context)
{
    const struct stream *stream = context;

    if (stream->closed && info->n_deleted > 0 && evbuffer_get_length(out) == 0)
        tell_end(stream);
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                     int len, void *context)
{
    struct event_base *loop = evconnlistener_get_base(listener);
    struct stream *stream = calloc(1, sizeof(*stream));
    int yes = 1;

    (void)address;
    (void)len;
    (void)context;
    if (stream != NULL)
        stream->tls = tls_server_new(server.context, NULL);
    if (stream == NULL || stream->tls == NULL) {
        free(stream);
        close(fd);
        return;
    }
    alive++;
    stream->socket = bufferevent_socket_new(loop, fd, BEV_OPT_CLOSE_ON_FREE);
    if (stream->socket == NULL) {
        close(fd);
        end(stream);
        return;
    }
    stream->filter = bufferevent_filter_new(stream->socket, decrypt, encrypt, BEV_OPT_CLOSE_ON_FREE,
                                            end, stream);
    if (stream->filter == NULL) {
        bufferevent_free(stream->socket);
        end(stream);
        return;
    }
    evbuffer_add_cb(bufferevent_get_output(stream->socket), went, stream);
    bufferevent_setwatermark(stream->socket, EV_WRITE, 0, MOST_QUEUED);
    /* By default 16384, which cuts the last bytes off each full record: they would go alone, and
     * wait for the peer's acknowledgement of the others. */
    bufferevent_set_max_single_write(stream->socket, MOST_QUEUED);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    bufferevent_setcb(stream->filter, echo, go_on, happened, stream);
    bufferevent_enable(stream->filter, EV_READ | EV_WRITE);
}

static void stop(evutil_socket_t number, short what, void *loop)
{
    (void)number;
    (void)what;
    event_base_loopexit(loop, NULL);
}

int main(int argc, char **argv)
{
    struct event_base *loop;
    struct evconnlistener *listener;
    struct event *signals;

    server = echo_begin(argc, argv);
    loop = event_base_new();
    listener = evconnlistener_new(loop, accepted, NULL, LEV_OPT_CLOSE_ON_FREE, 0, server.listener);
    signals = evsignal_new(loop, SIGTERM, stop, loop);
    if (listener == NULL || signals == NULL || event_add(signals, NULL) != 0) {
        fprintf(stderr, "%s: libevent does not take the socket\n", argv[0]);
        return 1;
    }
    event_base_dispatch(loop);
    event_free(signals);
    evconnlistener_free(listener);
    event_base_free(loop);
    echo_end(&server, alive);
    return 0;
}
