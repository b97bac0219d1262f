/* An echo server on io_uring: the kernel works on memory that the host owns, until it says that it
 * is done.
 *
 * In: one receive a connection is under way, into a buffer of its own (tls_buffer_new), which
 * becomes the connection's when bytes came (tls_feed_buffer). So nothing is copied, and a
 * connection that ends meanwhile takes no memory from under the kernel. Out: one send a connection,
 * of a buffer that was taken off the queue (tls_drain_take). What is written meanwhile is the next
 * one. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

#define ENTRIES 4096
#define RECEIVED 16384

/* What a completion is about is in the low bits of its user data; the rest is the peer. */
enum { ACCEPTED, RECEIVING, SENDING, SIGNALLED, KIND = 3 };

struct peer {
    _Alignas(8) int fd;
    int ending;       /* what is queued is all that will come */
    int broken;       /* nothing can be sent any more */
    unsigned pending; /* completions that are still to come */
    tls_conn_t *tls;
    tls_buffer_t *in, *out;
    const char *wire; /* of out, what is not sent yet */
    size_t len;
};

static struct echo_server server;
static struct io_uring ring;
static unsigned alive;

static struct io_uring_sqe *next_entry(void *peer, unsigned kind)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

    /* The queue is full: what is in it goes to the kernel, and there is room. */
    if (entry == NULL) {
        io_uring_submit(&ring);
        entry = io_uring_get_sqe(&ring);
    }
    if (entry != NULL)
        io_uring_sqe_set_data64(entry, (uint64_t)(uintptr_t)peer | kind);
    return entry;
}

/* An entry is set up before it gets its data: preparing one clears it. */
static void submit(struct io_uring_sqe *entry, struct peer *peer, unsigned kind)
{
    io_uring_sqe_set_data64(entry, (uint64_t)(uintptr_t)peer | kind);
    peer->pending++;
}

static void receive(struct peer *peer)
{
    void *memory;
    size_t room;
    struct io_uring_sqe *entry;

    if (peer->in != NULL || !echo_wants_bytes(peer->tls))
        return;
    peer->in = tls_buffer_new(server.context, RECEIVED);
    entry = next_entry(peer, RECEIVING);
    if (entry == NULL || tls_buffer_memory(peer->in, &memory, &room) != TLS_OK) {
        tls_buffer_free(peer->in);
        peer->in = NULL;
        peer->broken = 1;
        return;
    }
    io_uring_prep_recv(entry, peer->fd, memory, room, 0);
    submit(entry, peer, RECEIVING);
}

static void send_queued(struct peer *peer)
{
    struct io_uring_sqe *entry;
    const void *wire;

    if (peer->out == NULL) {
        peer->out = tls_drain_take(peer->tls, &wire, &peer->len);
        peer->wire = wire;
        if (peer->out == NULL)
            return;
    }
    entry = next_entry(peer, SENDING);
    if (entry == NULL) {
        peer->broken = 1;
        return;
    }
    io_uring_prep_send(entry, peer->fd, peer->wire, peer->len, MSG_NOSIGNAL);
    submit(entry, peer, SENDING);
}

static void turn(struct peer *peer)
{
    if (!peer->broken) {
        if (!peer->ending)
            peer->ending = echo_work(peer->tls);
        if (peer->out == NULL)
            send_queued(peer);
        if (!peer->ending)
            receive(peer);
    }
    if (!peer->broken && (!peer->ending || peer->out != NULL))
        return;
    /* Whoever still waits in the kernel is told by this that there is nothing to wait for. */
    shutdown(peer->fd, SHUT_RDWR);
    if (peer->pending > 0)
        return;
    tls_buffer_free(peer->in);
    tls_buffer_free(peer->out);
    tls_free(peer->tls);
    close(peer->fd);
    free(peer);
    alive--;
}

static void received(struct peer *peer, int got)
{
    if (got > 0 && tls_feed_buffer(peer->tls, peer->in, (size_t)got) == TLS_OK) {
        peer->in = NULL;
        return;
    }
    tls_buffer_free(peer->in);
    peer->in = NULL;
    if (got == 0)
        tls_feed_eof(peer->tls);
    else if (got != -EINTR && got != -EAGAIN)
        peer->broken = 1;
}

static void sent(struct peer *peer, int count)
{
    if (count == -EINTR || count == -EAGAIN)
        count = 0;
    if (count < 0) {
        peer->broken = 1;
        return;
    }
    /* A send may be short. */
    peer->wire += count;
    peer->len -= (size_t)count;
    if (peer->len > 0) {
        send_queued(peer);
        return;
    }
    tls_buffer_free(peer->out);
    peer->out = NULL;
}

static void accept_next(void)
{
    struct io_uring_sqe *entry = next_entry(NULL, ACCEPTED);

    if (entry != NULL) {
        io_uring_prep_accept(entry, server.listener, NULL, NULL, SOCK_CLOEXEC);
        io_uring_sqe_set_data64(entry, ACCEPTED);
    }
}

static void accepted(int fd)
{
    struct peer *peer;

    accept_next();
    if (fd < 0)
        return;
    peer = calloc(1, sizeof(*peer));
    if (peer != NULL)
        peer->tls = tls_server_new(server.context, NULL);
    if (peer == NULL || peer->tls == NULL) {
        free(peer);
        close(fd);
        return;
    }
    peer->fd = fd;
    alive++;
    turn(peer);
}

static void completed(const struct io_uring_cqe *done)
{
    struct peer *peer = (struct peer *)(uintptr_t)(done->user_data & ~(uint64_t)KIND);

    switch (done->user_data & KIND) {
    case ACCEPTED:
        accepted(done->res);
        return;
    case RECEIVING:
        peer->pending--;
        received(peer, done->res);
        break;
    default:
        peer->pending--;
        sent(peer, done->res);
        break;
    }
    turn(peer);
}

int main(int argc, char **argv)
{
    struct signalfd_siginfo what;
    struct io_uring_sqe *entry;
    sigset_t ending;
    int refused, signals, running = 1;

    refused = io_uring_queue_init(ENTRIES, &ring, 0);
    if (refused != 0) {
        fprintf(stderr, "%s: skipped: this kernel refuses io_uring: %s\n", argv[0],
                strerror(-refused));
        return 77;
    }
    server = echo_begin(argc, argv);
    /* The kernel waits for a socket that would block, and says EAGAIN for one that may not. */
    fcntl(server.listener, F_SETFL, fcntl(server.listener, F_GETFL) & ~O_NONBLOCK);
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    signals = signalfd(-1, &ending, SFD_CLOEXEC);
    entry = next_entry(NULL, SIGNALLED);
    io_uring_prep_read(entry, signals, &what, sizeof(what), 0);
    io_uring_sqe_set_data64(entry, SIGNALLED);
    accept_next();
    while (running) {
        struct io_uring_cqe *done;
        unsigned head, count = 0;
        int waited = io_uring_submit_and_wait(&ring, 1);

        if (waited < 0 && waited != -EINTR) {
            fprintf(stderr, "%s: io_uring: %s\n", argv[0], strerror(-waited));
            return 1;
        }
        io_uring_for_each_cqe(&ring, head, done)
        {
            if (done->user_data == SIGNALLED)
                running = 0;
            else
                completed(done);
            count++;
        }
        io_uring_cq_advance(&ring, count);
    }
    echo_end(&server, alive);
    io_uring_queue_exit(&ring);
    close(signals);
    close(server.listener);
    return 0;
}
