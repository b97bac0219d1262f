/*
 * An HTTPS client: one blocking socket, driven by the state word.
 *
 * How the loop works
 *
 *   tls_state answers which calls can do something now. The loop takes the first that fits and asks
 *   again; the handshake needs no code of its own, because it is nothing but draining and feeding:
 *
 *     TLS_CAN_DRAIN    wire bytes are queued: send them
 *     TLS_CAN_READ     plain bytes are here: print them
 *     TLS_CAN_WRITE    the handshake is done: write what is left of the request
 *     TLS_CAN_FEED     nothing else is left to do: wait for the socket, and feed what it gives
 *
 *   Sending comes first, because the peer may be waiting for just these bytes, and receiving last,
 *   because it is the only call that waits. When no bit of these is left, tls_advance says why:
 *   TLS_CLOSED after the peer's close_notify (the response is whole), TLS_TRUNCATED if the
 * transport ended without it (somebody may have cut the response), or the error.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tlsbio.h>

#include "facts.h"
#include "net.h"

#define TIMEOUT_S 30

struct options {
    const char *ca, *alpn;
    int system_trust, no_verify, timeout_s;
    char host[256], port[8], path[1024];
};

struct transfer {
    int fd;
    tls_conn_t *tls;
    const char *request;
    size_t request_left;
    unsigned long long wire_in, wire_out, plain_in;
};

static tls_status_t report(tls_conn_t *tls, tls_status_t status)
{
    tls_error_t error = {.size = sizeof(error)};

    tls_conn_error(tls, &error);
    fprintf(stderr, "%s: %s\n", tls_status_name(status), error.message);
    return status;
}

static int send_wire(struct transfer *transfer)
{
    const void *wire;
    size_t len;
    ssize_t sent;

    if (tls_drain_peek(transfer->tls, &wire, &len) != TLS_OK)
        return -1;
    sent = send(transfer->fd, wire, len, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno == EINTR)
            return 0;
        perror("send");
        return -1;
    }
    transfer->wire_out += (unsigned long long)sent;
    return tls_drain_consume(transfer->tls, (size_t)sent) == TLS_OK ? 0 : -1;
}

static int receive_wire(struct transfer *transfer)
{
    void *window;
    size_t len;
    ssize_t got;

    if (tls_feed_window(transfer->tls, 16384, &window, &len) != TLS_OK)
        return -1;
    got = recv(transfer->fd, window, len, 0);
    if (got < 0) {
        if (errno == EINTR)
            return 0;
        perror("recv");
        return -1;
    }
    if (got == 0)
        return tls_feed_eof(transfer->tls) == TLS_OK ? 0 : -1;
    transfer->wire_in += (unsigned long long)got;
    return tls_feed_commit(transfer->tls, (size_t)got) == TLS_OK ? 0 : -1;
}

static int read_plain(struct transfer *transfer)
{
    char plain[16384];
    ptrdiff_t got = tls_read_into(transfer->tls, plain, sizeof(plain));

    if (got < 0)
        return -1;
    transfer->plain_in += (unsigned long long)got;
    return fwrite(plain, 1, (size_t)got, stdout) == (size_t)got ? 0 : -1;
}

static int write_plain(struct transfer *transfer)
{
    ptrdiff_t taken = tls_write_from(transfer->tls, transfer->request, transfer->request_left);

    if (taken < 0)
        return -1;
    transfer->request += taken;
    transfer->request_left -= (size_t)taken;
    return 0;
}

/* Runs until the connection has ended one way or another. */
static tls_status_t run(struct transfer *transfer)
{
    int greeted = 0;

    for (;;) {
        uint32_t state = tls_state(transfer->tls);
        char facts[256];
        int failed;

        if (!greeted && (state & (TLS_HANDSHAKING | TLS_FAILED)) == 0) {
            fprintf(stderr, "%s\n", facts_line(transfer->tls, facts, sizeof(facts)));
            greeted = 1;
        }
        if ((state & TLS_CAN_DRAIN) != 0)
            failed = send_wire(transfer);
        else if ((state & TLS_CAN_READ) != 0)
            failed = read_plain(transfer);
        else if ((state & TLS_CAN_WRITE) != 0 && transfer->request_left > 0)
            failed = write_plain(transfer);
        else if ((state & TLS_CAN_FEED) != 0)
            failed = receive_wire(transfer);
        else
            return tls_advance(transfer->tls);
        if (failed)
            return tls_advance(transfer->tls);
    }
}

static tls_status_t fetch(struct transfer *transfer)
{
    tls_status_t status = run(transfer);

    if (status == TLS_CLOSED) {
        /* The answer to the peer's close_notify. It may have closed the socket meanwhile, and the
         * response is complete either way. */
        if (tls_close_notify(transfer->tls) == TLS_OK)
            while ((tls_state(transfer->tls) & TLS_CAN_DRAIN) != 0 && send_wire(transfer) == 0)
                continue;
        return TLS_OK;
    }
    if (status == TLS_OK || status == TLS_WANT_FEED) {
        fprintf(stderr, "the transport failed before the response was complete\n");
        return TLS_TRUNCATED;
    }
    return report(transfer->tls, status);
}

static tls_context_t *make_context(const struct options *options)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_context_t *context = NULL;
    tls_builder_t *builder = tls_builder_new();
    char alpn[256];
    size_t name_len = strlen(options->alpn);

    /* RFC 7301: each name behind a byte with its length. */
    snprintf(alpn, sizeof(alpn), "%c%s", (int)name_len, options->alpn);
    if ((options->ca != NULL && tls_builder_trust_file(builder, options->ca) != TLS_OK) ||
        (options->system_trust && tls_builder_trust_system(builder) != TLS_OK) ||
        (options->no_verify && tls_builder_verify(builder, TLS_VERIFY_DANGEROUS_NONE) != TLS_OK) ||
        tls_builder_alpn(builder, alpn, 1 + name_len) != TLS_OK)
        tls_builder_error(builder, &error);
    else
        context = tls_context_client(builder, &error);
    if (context == NULL)
        fprintf(stderr, "%s: %s\n", tls_status_name(error.status), error.message);
    tls_builder_free(builder);
    return context;
}

static int fetch_url(const struct options *options, const tls_context_t *context)
{
    tls_error_t error = {.size = sizeof(error)};
    struct transfer transfer = {.fd = -1};
    tls_status_t status = TLS_ERR_IO;
    char request[1536];

    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: libtlsbio-example\r\n"
             "Connection: close\r\n\r\n",
             options->path, options->host, options->port);
    transfer.request = request;
    transfer.request_left = strlen(request);

    transfer.tls = tls_client_new(context, options->host, &error);
    if (transfer.tls == NULL)
        fprintf(stderr, "%s: %s\n", tls_status_name(error.status), error.message);
    else
        transfer.fd = net_connect(options->host, options->port, options->timeout_s);
    if (transfer.fd >= 0) {
        status = fetch(&transfer);
        fprintf(stderr, "in=%llu out=%llu plain=%llu\n", transfer.wire_in, transfer.wire_out,
                transfer.plain_in);
        close(transfer.fd);
    }
    tls_free(transfer.tls);
    return status == TLS_OK && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int parse_url(const char *url, struct options *options)
{
    int used = 0;
    uint64_t port;

    strcpy(options->port, "443");
    strcpy(options->path, "/");
    if (sscanf(url, "https://%255[^:/ ]%n", options->host, &used) != 1)
        return -1;
    url += used;
    if (*url == ':') {
        if (sscanf(url, ":%5[0-9]%n", options->port, &used) != 1 ||
            net_parse_number(options->port, 65535, &port) != 0)
            return -1;
        url += used;
    }
    if (*url == '/' && strlen(url) < sizeof(options->path) && strpbrk(url, " \r\n") == NULL)
        strcpy(options->path, url);
    else if (*url != '\0')
        return -1;
    return 0;
}

static int parse_options(int argc, char **argv, struct options *options)
{
    const char *url = NULL;
    uint64_t number;
    int i;

    memset(options, 0, sizeof(*options));
    options->alpn = "http/1.1";
    options->timeout_s = TIMEOUT_S;
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--ca") == 0 && i + 1 < argc)
            options->ca = argv[++i];
        else if (strcmp(argv[i], "--alpn") == 0 && i + 1 < argc)
            options->alpn = argv[++i];
        else if (strcmp(argv[i], "--timeout") == 0 && i + 1 < argc &&
                 net_parse_number(argv[i + 1], 86400, &number) == 0 && number > 0)
            options->timeout_s = (int)number, i++;
        else if (strcmp(argv[i], "--system-trust") == 0)
            options->system_trust = 1;
        else if (strcmp(argv[i], "--dangerous-no-verify") == 0)
            options->no_verify = 1;
        else if (url == NULL && argv[i][0] != '-')
            url = argv[i];
        else
            return -1;
    }
    return url != NULL && strlen(options->alpn) < 255 ? parse_url(url, options) : -1;
}

int main(int argc, char **argv)
{
    struct options options;
    tls_context_t *context;
    int result;

    if (parse_options(argc, argv, &options) != 0) {
        fprintf(stderr,
                "usage: %s [--ca FILE | --system-trust | --dangerous-no-verify] [--alpn NAME] "
                "[--timeout SECONDS] https://host[:port][/path]\n",
                argv[0]);
        return 2;
    }
    context = make_context(&options);
    if (context == NULL)
        return EXIT_FAILURE;
    result = fetch_url(&options, context);
    tls_context_free(context);
    return result;
}
