/*
 * An HTTPS/1.1 server: many connections at once, one thread, poll(2), and TLS that lives in memory.
 *
 * How the loop works
 *
 *   The library never touches a socket and never calls back. Each connection (peer.c) has a state
 *   word, tls_state, which says what can be done with it; peer_events turns it into what poll is
 *   asked for, and peer_turn moves the bytes:
 *
 *     socket --recv--> TLS --> request      recv() writes straight into the library's window
 *     response --> TLS --send--> socket     send() reads straight from the library's queue
 *
 *   Backpressure needs no counters of ours: while the outbound queue is full the server neither
 *   receives nor makes more of the response, so that a slow reader costs the limits of its
 *   connection and no more. Time limits end those who stall, and above MAX_CONNECTIONS newcomers
 *   wait in the queue of the system.
 *
 *   It serves /, /info (what was negotiated) and /bytes/N (N bytes of a pattern, made while sent).
 *   SIGTERM or SIGINT ends it, with everything freed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tlsbio.h>

#include "net.h"
#include "peer.h"

#define MAX_CONNECTIONS 256

static struct peer *peers[MAX_CONNECTIONS];
static size_t peer_count;
static int stop_pipe[2];

/* A signal that comes just before poll would be missed by a flag; a byte in a pipe is not. */
static void on_stop_signal(int number)
{
    int error = errno;

    (void)number;
    if (write(stop_pipe[1], "x", 1) < 0) {
        /* The pipe is full: the loop has been told already. */
    }
    errno = error;
}

static int watch_stop_signals(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_stop_signal;
    sigemptyset(&action.sa_mask);
    return pipe(stop_pipe) == 0 && sigaction(SIGTERM, &action, NULL) == 0 &&
                   sigaction(SIGINT, &action, NULL) == 0
               ? 0
               : -1;
}

/* Returns how long poll may sleep: until the first deadline, or for ever. */
static int fill_poll_set(struct pollfd *set, int listener)
{
    int64_t first = INT64_MAX, now = net_now_ms();
    size_t i;

    set[0] = (struct pollfd){.fd = stop_pipe[0], .events = POLLIN};
    /* poll ignores a negative descriptor. */
    set[1] = (struct pollfd){.fd = peer_count < MAX_CONNECTIONS ? listener : -1, .events = POLLIN};
    for (i = 0; i < peer_count; i++) {
        set[2 + i] = (struct pollfd){.fd = peers[i]->fd, .events = peer_events(peers[i])};
        if (peers[i]->deadline < first)
            first = peers[i]->deadline;
    }
    if (first == INT64_MAX)
        return -1;
    return first > now ? (int)(first - now) : 0;
}

static void accept_peer(const tls_context_t *context, int listener, int patience)
{
    int fd = net_accept(listener);
    struct peer *peer;

    if (fd < 0)
        return;
    peer = peer_new(context, fd, patience);
    if (peer != NULL)
        peers[peer_count++] = peer;
    else
        fprintf(stderr, "no memory for another connection\n");
}

static void remove_peer(size_t index)
{
    peer_free(peers[index]);
    peers[index] = peers[--peer_count];
}

static int serve(const tls_context_t *context, int listener, int patience)
{
    struct pollfd set[2 + MAX_CONNECTIONS];

    for (;;) {
        int timeout = fill_poll_set(set, listener);
        size_t i;

        if (poll(set, 2 + peer_count, timeout) < 0) {
            if (errno == EINTR)
                continue;
            perror("poll");
            return EXIT_FAILURE;
        }
        if (set[0].revents != 0)
            return EXIT_SUCCESS;

        /* Backwards, because the last peer takes the place of one that is removed. */
        for (i = peer_count; i-- > 0;) {
            if (set[2 + i].revents != 0)
                peer_turn(peers[i], set[2 + i].revents);
            peer_check_deadline(peers[i], net_now_ms());
            if (peers[i]->phase == PEER_GONE)
                remove_peer(i);
        }
        if (set[1].revents != 0)
            accept_peer(context, listener, patience);
    }
}

struct options {
    const char *cert, *key, *client_ca;
    uint16_t port;
    int patience;
};

static tls_context_t *make_context(const struct options *options)
{
    static const char alpn[] = "\x08http/1.1";
    tls_error_t error = {.size = sizeof(error)};
    tls_context_t *context = NULL;
    tls_builder_t *builder = tls_builder_new();

    if (tls_builder_identity_file(builder, options->cert, options->key) != TLS_OK ||
        tls_builder_alpn(builder, alpn, sizeof(alpn) - 1) != TLS_OK ||
        (options->client_ca != NULL &&
         (tls_builder_trust_file(builder, options->client_ca) != TLS_OK ||
          tls_builder_client_auth(builder, TLS_CLIENT_AUTH_REQUIRED) != TLS_OK)))
        tls_builder_error(builder, &error);
    else
        context = tls_context_server(builder, &error);
    if (context == NULL)
        fprintf(stderr, "%s: %s\n", tls_status_name(error.status), error.message);
    tls_builder_free(builder);
    return context;
}

static int parse_options(int argc, char **argv, struct options *options)
{
    int i;

    memset(options, 0, sizeof(*options));
    options->patience = 1;
    for (i = 1; i + 1 < argc; i += 2) {
        uint64_t number;

        if (strcmp(argv[i], "--cert") == 0)
            options->cert = argv[i + 1];
        else if (strcmp(argv[i], "--key") == 0)
            options->key = argv[i + 1];
        else if (strcmp(argv[i], "--client-ca") == 0)
            options->client_ca = argv[i + 1];
        else if (strcmp(argv[i], "--port") == 0 &&
                 net_parse_number(argv[i + 1], 65535, &number) == 0)
            options->port = (uint16_t)number;
        else if (strcmp(argv[i], "--patience") == 0 &&
                 net_parse_number(argv[i + 1], 1000, &number) == 0 && number > 0)
            options->patience = (int)number;
        else
            return -1;
    }
    return i == argc && options->cert != NULL && options->key != NULL ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct options options;
    tls_context_t *context;
    uint16_t port;
    int listener, result;

    if (parse_options(argc, argv, &options) != 0) {
        fprintf(
            stderr,
            "usage: %s --cert FILE --key FILE [--port N] [--client-ca FILE] [--patience TIMES]\n",
            argv[0]);
        return 2;
    }
    context = make_context(&options);
    if (context == NULL)
        return EXIT_FAILURE;
    listener = net_listen_loopback(options.port, &port);
    if (listener < 0 || watch_stop_signals() != 0) {
        perror("listen");
        tls_context_free(context);
        return EXIT_FAILURE;
    }
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);

    result = serve(context, listener, options.patience);

    while (peer_count > 0)
        remove_peer(0);
    close(listener);
    close(stop_pipe[0]);
    close(stop_pipe[1]);
    tls_context_free(context);
    return result;
}
