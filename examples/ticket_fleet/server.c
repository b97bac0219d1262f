/*
 * One server of a fleet: server CHAIN KEY REDIS_PORT
 *
 * It fetches the ticket keys of the fleet from Redis and hands them to its context whenever they
 * have changed, while connections come in. Any other server with the same keys resumes its
 * sessions. Should Redis be gone, it goes on with the keys that it has.
 *
 * It prints its port, serves one connection after the other, and ends with SIGTERM, when it tells
 * how many handshakes there were and how many failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <tlsbio.h>

#include "../net.h"
#include "keys.h"
#include "talk.h"

enum { FETCH_EVERY_MS = 100, TIMEOUT_S = 60 };

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static unsigned long handshakes, failures, swaps;

static tls_context_t *make_context(const char *chain, const char *key)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context = NULL;

    if (tls_builder_identity_file(builder, chain, key) == TLS_OK)
        context = tls_context_server(builder, &error);
    else
        tls_builder_error(builder, &error);
    tls_builder_free(builder);
    if (context == NULL) {
        fprintf(stderr, "server: %s\n", error.message);
        exit(EXIT_FAILURE);
    }
    return context;
}

/* Hands new keys to the context. */
static void refresh_keys(redisContext *redis, tls_context_t *context)
{
    static char newest[sizeof(((tls_ticket_key_t *)NULL)->name)];
    tls_ticket_key_t keys[KEYS_MOST];
    tls_error_t error = {.size = sizeof(error)};
    int count = keys_fetch(redis, keys);

    /* No key is not a set of keys: it would return the context to keys that no other server knows.
     */
    if (count > 0 && memcmp(newest, keys[count - 1].name, sizeof(newest)) != 0) {
        if (tls_context_ticket_keys(context, keys, (size_t)count, &error) == TLS_OK) {
            memcpy(newest, keys[count - 1].name, sizeof(newest));
            swaps++;
        } else {
            fprintf(stderr, "server: %s\n", error.message);
        }
    }
    keys_wipe(keys, sizeof(keys));
}

static void serve(const tls_context_t *context, int fd)
{
    struct timeval timeout = {.tv_sec = TIMEOUT_S, .tv_usec = 0};
    tls_conn_t *conn = tls_server_new(context, NULL);
    tls_error_t error = {.size = sizeof(error)};

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    handshakes++;
    if (talk_handshake(conn, fd) != TLS_OK) {
        failures++;
        tls_conn_error(conn, &error);
        fprintf(stderr, "server: handshake: %s %s\n", tls_status_name(error.status), error.message);
    } else if (talk_say_and_close(conn, fd, tls_resumed(conn) ? 'R' : 'F') == 0) {
        talk_listen(conn, fd);
    }
    tls_free(conn);
    close(fd);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = stop};
    int64_t next_fetch = 0;
    tls_context_t *context;
    redisContext *redis;
    uint16_t port;
    int listener;

    if (argc != 4) {
        fprintf(stderr, "usage: server CHAIN KEY REDIS_PORT\n");
        return EXIT_FAILURE;
    }
    sigaction(SIGTERM, &action, NULL);
    context = make_context(argv[1], argv[2]);
    redis = keys_open(argv[3]);
    refresh_keys(redis, context);
    if (swaps == 0) {
        fprintf(stderr, "server: no ticket keys in Redis\n");
        return EXIT_FAILURE;
    }
    listener = net_listen_loopback(0, &port);
    if (listener < 0) {
        perror("server");
        return EXIT_FAILURE;
    }
    printf("%u\n", port);
    fflush(stdout);

    while (!stopped) {
        struct pollfd set = {.fd = listener, .events = POLLIN};
        int fd;

        if (net_now_ms() >= next_fetch) {
            refresh_keys(redis, context);
            next_fetch = net_now_ms() + FETCH_EVERY_MS;
        }
        if (poll(&set, 1, FETCH_EVERY_MS) == 1 && (fd = net_accept(listener)) >= 0)
            serve(context, fd);
    }
    printf("handshakes %lu failures %lu swaps %lu\n", handshakes, failures, swaps);
    close(listener);
    redisFree(redis);
    tls_context_free(context);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
