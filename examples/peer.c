/*
 * The four moves of a connection and when they are made. The state word says what is possible:
 *
 *   socket --recv--> window of the library, tls_feed_commit     TLS_CAN_FEED    receive_wire
 *   TLS --tls_read_into--> request buffer                       TLS_CAN_READ    read_request
 *   response --tls_write_from--> TLS                            TLS_CAN_WRITE   write_response
 *   queue of the library, tls_drain_peek --send--> socket       TLS_CAN_DRAIN   send_wire
 *
 * A connection ends in this order: finish the response, tls_close_notify, send what is queued,
 * shutdown(SHUT_WR), wait a moment for the peer's end, close. The wait is there because closing a
 * socket that still has unread bytes makes TCP throw away what the peer has not received yet.
 */
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "facts.h"
#include "net.h"

#define HANDSHAKE_MS 10000
#define REQUEST_MS 15000
#define STALL_MS 30000
#define LINGER_MS 2000
#define ROUNDS_PER_TURN 8 /* so that one fast reader does not keep the others waiting */
#define MAX_PATTERN (UINT64_C(1) << 40)

static void wait_at_most(struct peer *peer, int64_t ms)
{
    peer->deadline = net_now_ms() + ms * peer->patience;
}

static void end(struct peer *peer, enum peer_phase phase, const char *outcome)
{
    /* The first reason is the true one: what follows are its consequences. */
    if (peer->outcome[0] == '\0')
        snprintf(peer->outcome, sizeof(peer->outcome), "%s", outcome);
    peer->phase = phase;
    wait_at_most(peer, phase == PEER_FLUSHING ? STALL_MS : LINGER_MS);
}

static void end_by_status(struct peer *peer, tls_status_t status)
{
    tls_error_t error = {.size = sizeof(error)};
    char text[sizeof(peer->outcome)];

    if (status == TLS_CLOSED) {
        tls_close_notify(peer->tls);
        end(peer, PEER_FLUSHING, "closed by peer");
    } else if (status == TLS_TRUNCATED) {
        end(peer, PEER_FLUSHING, "truncated");
    } else {
        /* The alert that tells the peer is in the queue already. */
        tls_conn_error(peer->tls, &error);
        snprintf(text, sizeof(text), "%s: %s", tls_status_name(status), error.message);
        end(peer, PEER_FLUSHING, text);
    }
}

static void respond(struct peer *peer, const char *path)
{
    static const char home[] =
        "<!doctype html><title>libtlsbio</title><p>This page came through memory.\n";
    char text[HTTP_TEXT_MAX / 2];
    uint64_t number;

    if (strcmp(path, "/") == 0) {
        http_respond_text(&peer->http, "200 OK", "text/html", home, sizeof(home) - 1);
    } else if (strcmp(path, "/info") == 0) {
        size_t len = facts_page(peer->tls, text, sizeof(text));
        http_respond_text(&peer->http, "200 OK", "text/plain", text, len);
    } else if (strncmp(path, "/bytes/", 7) == 0 &&
               net_parse_number(path + 7, MAX_PATTERN, &number) == 0) {
        http_respond_pattern(&peer->http, number);
    } else {
        http_respond_text(&peer->http, "404 Not Found", "text/plain", "not found\n", 10);
    }
}

/* Returns 1 once a response is under way. Later requests wait in the buffer, in TLS, and in the
 * socket of whoever sent them. */
static int read_request(struct peer *peer)
{
    char path[256];

    while (peer->phase == PEER_SERVING && !http_busy(&peer->http)) {
        int taken = http_take_request(&peer->http, path, sizeof(path));

        if (taken == 0) {
            ptrdiff_t got =
                tls_read_into(peer->tls, peer->http.in + peer->http.in_len, http_room(&peer->http));
            if (got == TLS_WANT_FEED || got == TLS_WANT_DRAIN)
                return 0;
            if (got < 0)
                end_by_status(peer, (tls_status_t)got);
            else
                http_received(&peer->http, (size_t)got);
            continue;
        }
        if (taken == 1)
            respond(peer, path);
        wait_at_most(peer, STALL_MS);
    }
    return peer->phase == PEER_SERVING;
}

/* Returns 1 when the response is complete, 0 when the queue is full. */
static int write_response(struct peer *peer)
{
    char bytes[16384];

    while (http_busy(&peer->http)) {
        size_t len = http_next_bytes(&peer->http, bytes, sizeof(bytes));
        ptrdiff_t taken = tls_write_from(peer->tls, bytes, len);

        if (taken == TLS_WANT_DRAIN)
            return 0;
        if (taken < 0) {
            end_by_status(peer, (tls_status_t)taken);
            return 0;
        }
        http_sent(&peer->http, (size_t)taken);
    }
    if (peer->http.last) {
        tls_close_notify(peer->tls);
        end(peer, PEER_FLUSHING, "closed");
    } else {
        wait_at_most(peer, REQUEST_MS);
    }
    return 1;
}

static void run_tls(struct peer *peer)
{
    if (peer->phase == PEER_HANDSHAKE) {
        tls_status_t status = tls_advance(peer->tls);

        if (status == TLS_OK) {
            peer->phase = PEER_SERVING;
            wait_at_most(peer, REQUEST_MS);
        } else if (status != TLS_WANT_FEED && status != TLS_WANT_DRAIN) {
            end_by_status(peer, status);
        }
    }
    while (peer->phase == PEER_SERVING && read_request(peer) && write_response(peer))
        continue;
}

static void receive_wire(struct peer *peer)
{
    void *window;
    size_t len;
    ssize_t got;
    tls_status_t status = tls_feed_window(peer->tls, 16384, &window, &len);

    if (status != TLS_OK) {
        end_by_status(peer, status);
        return;
    }
    got = recv(peer->fd, window, len, 0);
    if (got > 0) {
        peer->wire_in += (uint64_t)got;
        tls_feed_commit(peer->tls, (size_t)got);
    } else if (got == 0) {
        tls_feed_eof(peer->tls);
    } else {
        int error = errno;

        /* An open window keeps a buffer: whoever waits for bytes that may never come closes it. */
        tls_feed_commit(peer->tls, 0);
        if (error != EAGAIN && error != EINTR)
            end(peer, PEER_GONE, strerror(error));
    }
}

/* Returns how much was sent. What the socket does not take stays in the queue. */
static size_t send_wire(struct peer *peer)
{
    const void *wire;
    size_t len, total = 0;

    while (tls_drain_peek(peer->tls, &wire, &len) == TLS_OK && len > 0) {
        ssize_t sent = send(peer->fd, wire, len, MSG_NOSIGNAL);

        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR)
                end(peer, PEER_GONE, strerror(errno));
            break;
        }
        tls_drain_consume(peer->tls, (size_t)sent);
        total += (size_t)sent;
    }
    peer->wire_out += total;
    if (total > 0 && peer->phase == PEER_SERVING && http_busy(&peer->http))
        wait_at_most(peer, STALL_MS);
    return total;
}

static void linger(struct peer *peer)
{
    char discarded[4096];
    ssize_t got = recv(peer->fd, discarded, sizeof(discarded), 0);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        peer->phase = PEER_GONE;
}

short peer_events(struct peer *peer)
{
    uint32_t state = tls_state(peer->tls);
    int queue_full = (state & (TLS_CAN_DRAIN | TLS_CAN_WRITE | TLS_HANDSHAKING)) == TLS_CAN_DRAIN;
    short events = 0;

    if (peer->phase == PEER_LINGERING)
        return POLLIN;
    if (peer->phase != PEER_FLUSHING && (state & TLS_CAN_FEED) != 0 && !queue_full)
        events |= POLLIN;
    /* Bytes that are here already will not make the socket readable once more: being able to send
     * is then the moment to go on. */
    if ((state & (TLS_CAN_DRAIN | TLS_CAN_READ)) != 0 || peer->phase == PEER_FLUSHING ||
        http_busy(&peer->http))
        events |= POLLOUT;
    return events;
}

void peer_turn(struct peer *peer, int revents)
{
    int round;

    if (peer->phase == PEER_LINGERING) {
        linger(peer);
        return;
    }
    if ((revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        if (peer->phase != PEER_FLUSHING && (tls_state(peer->tls) & TLS_CAN_FEED) != 0)
            receive_wire(peer);
        else if ((revents & (POLLHUP | POLLERR)) != 0)
            end(peer, PEER_GONE, "reset by peer");
    }
    for (round = 0; round < ROUNDS_PER_TURN && peer->phase != PEER_GONE; round++) {
        size_t sent;

        run_tls(peer);
        sent = send_wire(peer);
        if (sent == 0 || (tls_state(peer->tls) & TLS_CAN_DRAIN) != 0)
            break;
    }
    if (peer->phase == PEER_FLUSHING && (tls_state(peer->tls) & TLS_CAN_DRAIN) == 0) {
        shutdown(peer->fd, SHUT_WR);
        end(peer, PEER_LINGERING, "");
    }
}

void peer_check_deadline(struct peer *peer, int64_t now)
{
    if (now < peer->deadline || peer->phase == PEER_GONE)
        return;
    if (peer->phase == PEER_SERVING && !http_busy(&peer->http)) {
        tls_close_notify(peer->tls);
        end(peer, PEER_FLUSHING, "closed: idle");
    } else {
        end(peer, PEER_GONE, "timed out");
    }
}

struct peer *peer_new(const tls_context_t *context, int fd, int patience)
{
    static unsigned last_id;
    struct peer *peer = calloc(1, sizeof(*peer));

    if (peer != NULL)
        peer->tls = tls_server_new(context, NULL);
    if (peer == NULL || peer->tls == NULL) {
        free(peer);
        close(fd);
        return NULL;
    }
    peer->id = ++last_id;
    peer->fd = fd;
    peer->patience = patience;
    wait_at_most(peer, HANDSHAKE_MS);
    return peer;
}

void peer_free(struct peer *peer)
{
    char facts[256];

    fprintf(stderr, "connection %u: %s in=%llu out=%llu end=%s\n", peer->id,
            facts_line(peer->tls, facts, sizeof(facts)), (unsigned long long)peer->wire_in,
            (unsigned long long)peer->wire_out,
            peer->outcome[0] != '\0' ? peer->outcome : "server stopped");
    tls_free(peer->tls);
    close(peer->fd);
    free(peer);
}
