/* An echo server on io_uring: the kernel works on memory that the host owns, until it says that it
 * is done.
 *
 * In: the kernel has a ring of buffers (tls_buffer_new) for all connections together, and takes one
 * when bytes are there: who waits holds none. It becomes the connection's (tls_feed_buffer), so
 * nothing is copied, and another one takes its place. Out: one send a connection, of a buffer that
 * was taken off the queue (tls_drain_take). What is written meanwhile is the next one. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

#define ENTRIES 4096
#define RECEIVED 20480 /* a record, and the beginning of the next */
#define FLAGS (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define PROVIDED 8 /* a power of two; few stay in the cache of the processor */

/* What a completion is about is in the low bits of its user data; the rest is the peer. */
enum { ACCEPTED, RECEIVING, SENDING, SIGNALLED, KIND = 3 };

struct peer {
    _Alignas(8) int fd;
    int ending;       /* what is queued is all that will come */
    int broken;       /* nothing can be sent any more */
    unsigned pending; /* completions that are still to come */
    tls_conn_t *tls;
    int receiving;
    tls_buffer_t *out;
    const char *wire; /* of out, what is not sent yet */
    size_t len;
};

static struct echo_server server;
static struct io_uring ring;
static unsigned alive;

/* What the kernel may receive into: the ring that it reads, and whose memory is in it. */
static struct io_uring_buf_ring *provided;
static tls_buffer_t *slots[PROVIDED];

/* Puts a new buffer into a slot of the ring. */
static int provide(unsigned slot)
{
    void *memory;
    size_t room;

    slots[slot] = tls_buffer_new(server.context, RECEIVED);
    if (tls_buffer_memory(slots[slot], &memory, &room) != TLS_OK)
        return -1;
    io_uring_buf_ring_add(provided, memory, (unsigned)room, (unsigned short)slot,
                          io_uring_buf_ring_mask(PROVIDED), 0);
    io_uring_buf_ring_advance(provided, 1);
    return 0;
}

static int make_ring(void)
{
    struct io_uring_buf_reg registered = {.ring_entries = PROVIDED};
    void *memory;
    int refused = io_uring_queue_init(ENTRIES, &ring, FLAGS);

    if (refused != 0)
        return refused;
    if (posix_memalign(&memory, 4096, PROVIDED * sizeof(struct io_uring_buf)) != 0)
        return -ENOMEM;
    provided = memory;
    registered.ring_addr = (uint64_t)(uintptr_t)memory;
    io_uring_buf_ring_init(provided);
    return io_uring_register_buf_ring(&ring, &registered, 0);
}

static struct io_uring_sqe *next_entry(void)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

    /* The queue is full: what is in it goes to the kernel, and there is room. */
    if (entry == NULL) {
        io_uring_submit(&ring);
        entry = io_uring_get_sqe(&ring);
    }
    return entry;
}

static void submit(struct io_uring_sqe *entry, struct peer *peer, unsigned kind)
{
    io_uring_sqe_set_data64(entry, (uint64_t)(uintptr_t)peer | kind);
    peer->pending++;
}

static void receive(struct peer *peer)
{
    struct io_uring_sqe *entry;

    if (peer->receiving || !echo_wants_bytes(peer->tls))
        return;
    peer->broken = (entry = next_entry()) == NULL;
    if (peer->broken)
        return;
    io_uring_prep_recv(entry, peer->fd, NULL, RECEIVED, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = 0;
    entry->ioprio |= IORING_RECVSEND_POLL_FIRST; /* what we answered has no answer yet */
    peer->receiving = 1;
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
    peer->broken = (entry = next_entry()) == NULL;
    if (peer->broken)
        return;
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
    tls_buffer_free(peer->out);
    tls_free(peer->tls);
    close(peer->fd);
    free(peer);
    alive--;
}

static void received(struct peer *peer, const struct io_uring_cqe *done)
{
    int got = done->res;

    peer->receiving = 0;
    if ((done->flags & IORING_CQE_F_BUFFER) != 0) {
        unsigned slot = done->flags >> IORING_CQE_BUFFER_SHIFT;

        if (tls_feed_buffer(peer->tls, slots[slot], got > 0 ? (size_t)got : 0) != TLS_OK) {
            tls_buffer_free(slots[slot]);
            peer->broken = 1;
        }
        peer->broken |= provide(slot) != 0;
    }
    if (got == 0)
        tls_feed_eof(peer->tls);
    else if (got < 0 && got != -EINTR && got != -EAGAIN && got != -ENOBUFS)
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
    struct io_uring_sqe *entry = next_entry();

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
        received(peer, done);
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

    refused = make_ring();
    if (refused != 0) {
        fprintf(stderr, "%s: skipped: this kernel refuses io_uring with provided buffers: %s\n",
                argv[0], strerror(-refused));
        return 77;
    }
    server = echo_begin(argc, argv);
    /* The kernel waits for a socket that would block, and says EAGAIN for one that may not. */
    fcntl(server.listener, F_SETFL, fcntl(server.listener, F_GETFL) & ~O_NONBLOCK);
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    signals = signalfd(-1, &ending, SFD_CLOEXEC);
    entry = next_entry();
    io_uring_prep_read(entry, signals, &what, sizeof(what), 0);
    io_uring_sqe_set_data64(entry, SIGNALLED);
    for (unsigned slot = 0; slot < PROVIDED; slot++)
        running = provide(slot) == 0 && running;
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
    /* The kernel lets go of the buffers before they end. */
    io_uring_unregister_buf_ring(&ring, 0);
    for (unsigned slot = 0; slot < PROVIDED; slot++)
        tls_buffer_free(slots[slot]);
    echo_end(&server, alive);
    io_uring_queue_exit(&ring);
    free(provided);
    close(signals);
    close(server.listener);
    return 0;
}
