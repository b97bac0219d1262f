/* An echo server on libuv, which works by completion: memory that it was given is its own until it
 * says so.
 *
 * In: the alloc_cb gives it a window of the connection, and the read_cb follows before anything
 * else is called on that. Out: each uv_write() has a buffer that was taken off the queue, which
 * ends with the write. Several may be under way. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "echo.h"

#define MOST_IN_FLIGHT (256 * 1024)

struct peer {
    uv_tcp_t tcp;
    tls_conn_t *tls;
    size_t in_flight; /* bytes */
    int ending;       /* what is under way and queued is all that will come */
    int reading;
};

struct write {
    uv_write_t request;
    struct peer *peer;
    tls_buffer_t *buffer;
    size_t len;
};

static struct echo_server server;
static unsigned alive;

static void turn(struct peer *peer);

static void after_close(uv_handle_t *handle)
{
    struct peer *peer = handle->data;

    tls_free(peer->tls);
    free(peer);
    alive--;
}

static void end(struct peer *peer)
{
    if (!uv_is_closing((uv_handle_t *)&peer->tcp))
        uv_close((uv_handle_t *)&peer->tcp, after_close);
}

static void after_write(uv_write_t *request, int status)
{
    struct write *write = (struct write *)request;
    struct peer *peer = write->peer;

    tls_buffer_free(write->buffer);
    peer->in_flight -= write->len;
    free(write);
    if (status != 0)
        end(peer);
    else
        turn(peer);
}

static void give_memory(uv_handle_t *handle, size_t hint, uv_buf_t *memory)
{
    struct peer *peer = handle->data;
    void *window;
    size_t room;

    (void)hint;
    /* Without memory libuv says UV_ENOBUFS to the read_cb. */
    *memory = uv_buf_init(NULL, 0);
    if (tls_feed_window(peer->tls, 0, &window, &room) == TLS_OK)
        *memory = uv_buf_init(window, (unsigned)room);
}

static void after_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *memory)
{
    struct peer *peer = stream->data;

    (void)memory;
    tls_feed_commit(peer->tls, got > 0 ? (size_t)got : 0);
    if (got == UV_EOF)
        tls_feed_eof(peer->tls);
    else if (got < 0 && got != UV_ENOBUFS) {
        end(peer);
        return;
    }
    if (got != 0)
        turn(peer);
}

/* Submits all that is queued. */
static int write_queued(struct peer *peer)
{
    const void *wire;
    size_t len;
    tls_buffer_t *buffer;

    while ((buffer = tls_drain_take(peer->tls, &wire, &len)) != NULL) {
        struct write *write = malloc(sizeof(*write));
        uv_buf_t memory = uv_buf_init((char *)(uintptr_t)wire, (unsigned)len);

        if (write == NULL) {
            tls_buffer_free(buffer);
            return -1;
        }
        write->peer = peer;
        write->buffer = buffer;
        write->len = len;
        if (uv_write(&write->request, (uv_stream_t *)&peer->tcp, &memory, 1, after_write) != 0) {
            tls_buffer_free(buffer);
            free(write);
            return -1;
        }
        peer->in_flight += len;
    }
    return 0;
}

/* A peer that does not read is not read from: what is under way has a bound. */
static void read_or_not(struct peer *peer)
{
    int wanted = !peer->ending && peer->in_flight < MOST_IN_FLIGHT && echo_wants_bytes(peer->tls);

    if (wanted && !peer->reading)
        peer->reading = uv_read_start((uv_stream_t *)&peer->tcp, give_memory, after_read) == 0;
    else if (!wanted && peer->reading) {
        uv_read_stop((uv_stream_t *)&peer->tcp);
        peer->reading = 0;
    }
}

static void turn(struct peer *peer)
{
    if (uv_is_closing((uv_handle_t *)&peer->tcp))
        return;
    while (!peer->ending && peer->in_flight < MOST_IN_FLIGHT) {
        peer->ending = echo_work(peer->tls);
        if (tls_drain_pending(peer->tls) <= 0)
            break;
        if (write_queued(peer) != 0) {
            end(peer);
            return;
        }
    }
    if (peer->ending && write_queued(peer) != 0)
        end(peer);
    else if (peer->ending && peer->in_flight == 0)
        end(peer);
    else
        read_or_not(peer);
}

static void accept_one(uv_stream_t *listener, int status)
{
    struct peer *peer = status == 0 ? calloc(1, sizeof(*peer)) : NULL;

    if (peer == NULL)
        return;
    alive++;
    peer->tls = tls_server_new(server.context, NULL);
    uv_tcp_init(listener->loop, &peer->tcp);
    peer->tcp.data = peer;
    if (peer->tls == NULL || uv_accept(listener, (uv_stream_t *)&peer->tcp) != 0)
        end(peer);
    else
        turn(peer);
}

static void stop(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    uv_signal_t signals;

    server = echo_begin(argc, argv);
    uv_signal_init(loop, &signals);
    uv_signal_start(&signals, stop, SIGTERM);
    uv_tcp_init(loop, &listener);
    if (uv_tcp_open(&listener, server.listener) != 0 ||
        uv_listen((uv_stream_t *)&listener, 1024, accept_one) != 0) {
        fprintf(stderr, "%s: libuv does not take the socket\n", argv[0]);
        return 1;
    }
    uv_run(loop, UV_RUN_DEFAULT);
    echo_end(&server, alive);
    return 0;
}
