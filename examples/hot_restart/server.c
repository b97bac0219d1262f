/*
 * An echo server that restarts while its connections live on: server CHAIN KEY [PORT]
 *
 * SIGUSR2 starts the program anew, from the same path, which may hold another version by then. The
 * new process is given the listening socket and every connection: its descriptor, what TLS knows of
 * it (tls_conn_export, sealed under a key that is made for this restart), and what this program
 * itself had of it. No peer notices. Connections that cannot move, because their handshake is
 * under way, stay with the old process until they end. SIGTERM ends the server.
 *
 * The new process is started with HANDOVER in the place of the port.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <tlsbio.h>

#include "../net.h"
#include "echo.h"
#include "handover.h"

#define HANDOVER "--handover"

static struct echo **echoes;
static struct pollfd *set;
static size_t count, room;
static int listener = -1;

static int signals[2];

/* A signal that comes just before poll would be missed by a flag; a byte in a pipe is not. */
static void on_signal(int number)
{
    int error = errno;
    char byte = number == SIGUSR2 ? 'R' : 'T';

    if (write(signals[1], &byte, 1) < 0) {
        /* The pipe is full: the loop has been told already. */
    }
    errno = error;
}

static int watch_signals(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    if (pipe(signals) != 0 || fcntl(signals[0], F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(signals[1], F_SETFD, FD_CLOEXEC) != 0 || fcntl(signals[0], F_SETFL, O_NONBLOCK) != 0)
        return -1;
    return sigaction(SIGTERM, &action, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0 ? 0
                                                                                            : -1;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

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
    if (context == NULL)
        fprintf(stderr, "server: %s\n", error.message);
    return context;
}

/* Takes over both; a connection for which there is no memory ends. */
static struct echo *add(int fd, tls_conn_t *conn)
{
    struct echo *echo;

    if (count == room) {
        size_t more = room == 0 ? 64 : 2 * room;
        struct echo **larger = realloc(echoes, more * sizeof(*echoes));
        struct pollfd *larger_set;

        if (larger != NULL)
            echoes = larger;
        larger_set = realloc(set, (more + 2) * sizeof(*set));
        if (larger_set != NULL)
            set = larger_set;
        if (larger != NULL && larger_set != NULL)
            room = more;
    }
    echo = count < room ? echo_new(fd, conn) : NULL;
    if (echo == NULL) {
        tls_free(conn);
        close(fd);
        return NULL;
    }
    echoes[count++] = echo;
    return echo;
}

static void remove_echo(size_t index)
{
    echo_free(echoes[index]);
    echoes[index] = echoes[--count];
}

/* ---- The old process ---- */

/* Sends one connection: 1 if it went, 0 if it cannot move, -1 if the new process is gone. */
static int send_connection(int channel, const unsigned char *key, const struct echo *echo)
{
    tls_error_t error = {.size = sizeof(error)};
    struct message message = {.kind = MESSAGE_CONNECTION, .kept_len = (uint32_t)echo->kept_len};
    ptrdiff_t size = tls_conn_export(echo->conn, key, NULL, 0, &error);
    void *blob = size > 0 ? malloc((size_t)size) : NULL;
    int result = 0;

    if (blob != NULL && tls_conn_export(echo->conn, key, blob, (size_t)size, &error) == size) {
        message.blob_len = (uint32_t)size;
        result = handover_send(channel, &message, echo->fd, echo->kept, blob) == 0 ? 1 : -1;
    } else {
        fprintf(stderr, "server: a connection stays: %s\n", error.message);
    }
    free(blob);
    return result;
}

/* Returns whether the new process has what went; what stays is still served here. */
static bool hand_over(char **argv)
{
    char *new_argv[] = {argv[0], argv[1], argv[2], HANDOVER, NULL};
    struct message key_message = {.kind = MESSAGE_KEY, .blob_len = TLS_MOVE_KEY_LENGTH};
    struct message end = {.kind = MESSAGE_END}, listening = {.kind = MESSAGE_LISTENER};
    unsigned char key[TLS_MOVE_KEY_LENGTH];
    size_t i = 0, sent = 0;
    char taken = 0;
    int channel, result = 0;

    if (getrandom(key, sizeof(key), 0) != sizeof(key) || (channel = handover_start(new_argv)) < 0) {
        perror("server: no restart");
        return false;
    }
    if (handover_send(channel, &key_message, -1, NULL, key) != 0 ||
        handover_send(channel, &listening, listener, NULL, NULL) != 0) {
        /* Nothing has gone yet: this process goes on. */
        perror("server: no restart");
        close(channel);
        return false;
    }
    while (i < count && result >= 0) {
        result = send_connection(channel, key, echoes[i]);
        if (result == 0) {
            i++;
        } else {
            remove_echo(i);
            sent++;
        }
    }
    memset(key, 0, sizeof(key));
    if (result < 0 || handover_send(channel, &end, -1, NULL, NULL) != 0 ||
        handover_read(channel, &taken, 1) != 0) {
        /* What was exported is not here any more, and must not be sent to anybody else. */
        fprintf(stderr, "server: the new process ended: %zu connections are lost\n", sent);
        close(channel);
        return false;
    }
    close(channel);
    close(listener);
    listener = -1;
    printf("process %ld handed %zu connections over, and keeps %zu\n", (long)getpid(), sent, count);
    fflush(stdout);
    return true;
}

/* ---- The new process ---- */

static int take_connection(const tls_context_t *context, int channel, const unsigned char *key,
                           const struct message *message, int fd)
{
    tls_error_t error = {.size = sizeof(error)};
    char kept[sizeof(((struct echo *)NULL)->kept)];
    void *blob = malloc(message->blob_len);
    struct echo *echo;
    tls_conn_t *conn;

    if (blob == NULL || message->kept_len > sizeof(kept) ||
        handover_read(channel, kept, message->kept_len) != 0 ||
        handover_read(channel, blob, message->blob_len) != 0) {
        free(blob);
        return -1;
    }
    conn = tls_conn_import(context, blob, message->blob_len, key, &error);
    /* It is worth as much as the connection. */
    memset(blob, 0, message->blob_len);
    free(blob);
    if (conn == NULL) {
        fprintf(stderr, "server: %s\n", error.message);
        close(fd);
        return 0;
    }
    echo = add(fd, conn);
    if (echo != NULL) {
        echo->kept_len = message->kept_len;
        memcpy(echo->kept, kept, message->kept_len);
    }
    return 0;
}

static int take_over(const tls_context_t *context)
{
    unsigned char key[TLS_MOVE_KEY_LENGTH] = {0};
    struct message message = {0};
    int fd, result = fcntl(HANDOVER_FD, F_SETFD, FD_CLOEXEC);

    while (result == 0 && message.kind != MESSAGE_END) {
        if (handover_receive(HANDOVER_FD, &message, &fd) != 0)
            result = -1;
        else if (message.kind == MESSAGE_KEY && message.blob_len == sizeof(key))
            result = handover_read(HANDOVER_FD, key, sizeof(key));
        else if (message.kind == MESSAGE_LISTENER)
            listener = fd;
        else if (message.kind == MESSAGE_CONNECTION)
            result = take_connection(context, HANDOVER_FD, key, &message, fd);
        else if (message.kind != MESSAGE_END)
            result = -1;
    }
    memset(key, 0, sizeof(key));
    if (result != 0 || listener < 0 || write(HANDOVER_FD, "x", 1) != 1) {
        perror("server: handover");
        return -1;
    }
    close(HANDOVER_FD);
    printf("process %ld took %zu connections over\n", (long)getpid(), count);
    fflush(stdout);
    return 0;
}

/* ---- Both ---- */

static void accept_all(const tls_context_t *context)
{
    int fd;

    while ((fd = net_accept(listener)) >= 0) {
        tls_conn_t *conn = tls_server_new(context, NULL);

        /* Or the next process would inherit it besides. */
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        if (conn == NULL)
            close(fd);
        else
            add(fd, conn);
    }
}

static int serve(const tls_context_t *context, char **argv)
{
    size_t i;

    /* Bytes of connections that were taken over may wait here, of which no poll tells. */
    for (i = count; i-- > 0;) {
        echo_turn(echoes[i]);
        if (echoes[i]->over)
            remove_echo(i);
    }
    while (listener >= 0 || count > 0) {
        size_t polled = count;
        char byte;

        set[0] = (struct pollfd){.fd = signals[0], .events = POLLIN};
        /* poll ignores a negative descriptor. */
        set[1] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (i = 0; i < polled; i++)
            set[2 + i] = (struct pollfd){.fd = echoes[i]->fd, .events = echo_events(echoes[i])};
        if (poll(set, 2 + polled, -1) < 0) {
            if (errno == EINTR)
                continue;
            perror("server: poll");
            return EXIT_FAILURE;
        }
        /* Backwards, because the last one takes the place of one that is removed. */
        for (i = polled; i-- > 0;) {
            if (set[2 + i].revents == 0)
                continue;
            echo_turn(echoes[i]);
            if (echoes[i]->over)
                remove_echo(i);
        }
        while (read(signals[0], &byte, 1) == 1) {
            if (byte == 'T')
                return EXIT_SUCCESS;
            if (listener >= 0)
                hand_over(argv);
        }
        if (listener >= 0 && set[1].revents != 0)
            accept_all(context);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    tls_context_t *context;
    uint64_t wanted = 0;
    uint16_t port = 0;
    bool taking = argc == 4 && strcmp(argv[3], HANDOVER) == 0;
    int result;

    if (argc < 3 || argc > 4 ||
        (argc == 4 && !taking && net_parse_number(argv[3], 65535, &wanted) != 0)) {
        fprintf(stderr, "usage: server CHAIN KEY [PORT]\n");
        return 2;
    }
    raise_descriptor_limit();
    context = make_context(argv[1], argv[2]);
    set = malloc(2 * sizeof(*set));
    if (context == NULL || set == NULL)
        return EXIT_FAILURE;
    if (watch_signals() != 0) {
        perror("server: signals");
        return EXIT_FAILURE;
    }
    if (taking) {
        if (take_over(context) != 0)
            return EXIT_FAILURE;
    } else {
        listener = net_listen_loopback((uint16_t)wanted, &port);
        if (listener < 0 || fcntl(listener, F_SETFD, FD_CLOEXEC) != 0) {
            perror("server: listen");
            return EXIT_FAILURE;
        }
        printf("process %ld listening on 127.0.0.1:%u\n", (long)getpid(), port);
        fflush(stdout);
    }
    result = serve(context, argv);
    while (count > 0)
        remove_echo(0);
    free(echoes);
    free(set);
    tls_context_free(context);
    return result;
}
