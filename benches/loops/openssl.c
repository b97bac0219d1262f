/* The echo server of examples/loops/epoll.c over OpenSSL's memory BIOs: the same loop, the same
 * size of receive, edge-triggered. What is to be sent is not copied out of the BIO: it is sent from
 * where it lies. openssl PORT CHAIN KEY */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "net.h"

#define EVENTS 64
/* As large as the window of libtlsbio, and as its outbound limit. */
#define RECEIVED 20480
#define MOST_QUEUED (64 * 1024)

struct peer {
    int fd;
    int ending;
    SSL *tls;
    BIO *in, *out;
};

static char scratch[65536];

static void end(struct peer *peer)
{
    close(peer->fd);
    SSL_free(peer->tls);
    free(peer);
}

static long queued(const struct peer *peer)
{
    return (long)BIO_ctrl_pending(peer->out);
}

static ssize_t receive(struct peer *peer)
{
    static char wire[RECEIVED];
    ssize_t got;

    if (queued(peer) >= MOST_QUEUED)
        return 0;
    do
        got = recv(peer->fd, wire, sizeof(wire), 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN ? 0 : -1;
    if (got == 0)
        peer->ending = 1;
    else
        BIO_write(peer->in, wire, (int)got);
    return got;
}

static void work(struct peer *peer)
{
    static char plain[16384];
    int got = -1;

    while (queued(peer) < MOST_QUEUED && (got = SSL_read(peer->tls, plain, sizeof(plain))) > 0)
        if (SSL_write(peer->tls, plain, got) != got)
            peer->ending = 1;
    if (queued(peer) < MOST_QUEUED && SSL_get_error(peer->tls, got) != SSL_ERROR_WANT_READ) {
        SSL_shutdown(peer->tls);
        peer->ending = 1;
    }
}

static ssize_t send_queued(struct peer *peer)
{
    char *wire;
    long len;
    ssize_t total = 0, sent;

    while ((len = BIO_get_mem_data(peer->out, &wire)) > 0) {
        sent = send(peer->fd, wire, (size_t)len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? total : -1;
        total += sent;
        if (sent == len) {
            (void)BIO_reset(peer->out);
        } else {
            /* What was sent has to be read, to be gone. */
            while (sent > 0)
                sent -=
                    BIO_read(peer->out, scratch,
                             sent < (ssize_t)sizeof(scratch) ? (int)sent : (int)sizeof(scratch));
        }
    }
    return total;
}

static void turn(struct peer *peer)
{
    ssize_t in, out;

    do {
        in = peer->ending ? 0 : receive(peer);
        if (!peer->ending)
            work(peer);
        out = send_queued(peer);
    } while (in >= 0 && out >= 0 && in + out > 0);
    if (in < 0 || out < 0 || (peer->ending && queued(peer) == 0))
        end(peer);
}

static void accept_all(SSL_CTX *context, int listener, int loop)
{
    int fd;

    while ((fd = net_accept(listener)) >= 0) {
        struct peer *peer = calloc(1, sizeof(*peer));
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                    .data.ptr = peer};

        if (peer == NULL || (peer->tls = SSL_new(context)) == NULL)
            exit(1);
        peer->fd = fd;
        peer->in = BIO_new(BIO_s_mem());
        peer->out = BIO_new(BIO_s_mem());
        SSL_set_bio(peer->tls, peer->in, peer->out);
        SSL_set_accept_state(peer->tls);
        if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0)
            end(peer);
    }
}

int main(int argc, char **argv)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    struct epoll_event events[EVENTS], accepts = {.events = EPOLLIN};
    int listener, loop = epoll_create1(EPOLL_CLOEXEC);
    uint16_t port;

    signal(SIGPIPE, SIG_IGN);
    if (argc != 4 || context == NULL || !SSL_CTX_use_certificate_chain_file(context, argv[2]) ||
        !SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) ||
        (listener = net_listen_loopback((uint16_t)atoi(argv[1]), &port)) < 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, listener, &accepts) != 0) {
        fprintf(stderr, "%s: cannot serve\n", argv[0]);
        return 1;
    }
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
    printf("listening on %u\n", port);
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(loop, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(context, listener, loop);
            else
                turn(events[i].data.ptr);
        }
    }
}
