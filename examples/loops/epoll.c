/* An echo server on epoll, edge-triggered: whoever is told once goes on until the socket says
 * EAGAIN.
 *
 *   socket --recv--> window --tls_feed_commit--> echo_work --tls_drain_peek--> send --> socket
 *
 * Nothing is copied to be kept: what the socket does not take stays in the queue of the library. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../net.h"
#include "echo.h"

#define EVENTS 64

struct peer {
    int fd;
    int ending; /* what is queued is all that will come */
    tls_conn_t *tls;
};

static unsigned alive;

static void end(struct peer *peer)
{
    close(peer->fd);
    tls_free(peer->tls);
    free(peer);
    alive--;
}

/* Returns how many bytes came; 0 at EAGAIN, at the end, and where none are wanted. -1 after an
 * error. */
static ssize_t receive(struct peer *peer)
{
    void *window;
    size_t room;
    ssize_t got;

    if (!echo_wants_bytes(peer->tls) || tls_feed_window(peer->tls, 0, &window, &room) != TLS_OK)
        return 0;
    do
        got = recv(peer->fd, window, room, 0);
    while (got < 0 && errno == EINTR);
    if (got == 0) {
        tls_feed_eof(peer->tls);
        return 0;
    }
    if (got < 0) {
        int error = errno;

        /* A window that stays open keeps a buffer for nothing. */
        tls_feed_commit(peer->tls, 0);
        return error == EAGAIN ? 0 : -1;
    }
    tls_feed_commit(peer->tls, (size_t)got);
    return got;
}

/* Returns how many bytes went; 0 if there are none, or the socket takes none. -1 after an error. */
static ssize_t send_queued(struct peer *peer)
{
    const void *wire;
    size_t len;
    ssize_t total = 0, sent;

    while (tls_drain_peek(peer->tls, &wire, &len) == TLS_OK && len > 0) {
        sent = send(peer->fd, wire, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? total : -1;
        tls_drain_consume(peer->tls, (size_t)sent);
        total += sent;
    }
    return total;
}

/* Goes on until nothing moves any more: there will be no other event for what is left. */
static void turn(struct peer *peer)
{
    ssize_t in, out;

    do {
        in = peer->ending ? 0 : receive(peer);
        if (!peer->ending)
            peer->ending = echo_work(peer->tls);
        out = send_queued(peer);
    } while (in >= 0 && out >= 0 && in + out > 0);
    if (in < 0 || out < 0 || (peer->ending && tls_drain_pending(peer->tls) == 0))
        end(peer);
}

static void accept_all(const struct echo_server *server, int loop)
{
    int fd;

    while ((fd = net_accept(server->listener)) >= 0) {
        struct peer *peer = calloc(1, sizeof(*peer));
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                    .data.ptr = peer};

        if (peer != NULL)
            peer->tls = tls_server_new(server->context, NULL);
        if (peer == NULL || peer->tls == NULL || epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0) {
            if (peer != NULL)
                tls_free(peer->tls);
            free(peer);
            close(fd);
            continue;
        }
        peer->fd = fd;
        alive++;
    }
}

int main(int argc, char **argv)
{
    struct echo_server server = echo_begin(argc, argv);
    struct epoll_event events[EVENTS];
    struct epoll_event accepts = {.events = EPOLLIN, .data.ptr = &server};
    struct epoll_event stops = {.events = EPOLLIN, .data.ptr = NULL};
    int loop = epoll_create1(EPOLL_CLOEXEC), signals, running = 1;
    sigset_t ending;

    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    signals = signalfd(-1, &ending, SFD_CLOEXEC);
    if (loop < 0 || signals < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, server.listener, &accepts) != 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, signals, &stops) != 0) {
        perror(argv[0]);
        return 1;
    }
    while (running) {
        int count = epoll_wait(loop, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                running = 0;
            else if (events[i].data.ptr == &server)
                accept_all(&server, loop);
            else
                turn(events[i].data.ptr);
        }
    }
    echo_end(&server, alive);
    close(signals);
    close(loop);
    close(server.listener);
    return 0;
}
