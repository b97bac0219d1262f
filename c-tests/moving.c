/* A connection goes on in a forked child, which is given a blob and a socket and nothing else. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static const unsigned char key[TLS_MOVE_KEY_LENGTH] = {4, 7, 1, 1};

static size_t export_conn(tls_conn_t *conn, unsigned char **blob)
{
    tls_error_t error = {.size = sizeof(error)};
    ptrdiff_t size = tls_conn_export(conn, key, NULL, 0, &error);

    CHECK_EQ(error.status, TLS_OK);
    CHECK(size > 0);
    *blob = malloc((size_t)size);
    CHECK(*blob != NULL);
    CHECK_EQ(tls_conn_export(conn, key, *blob, (size_t)size, &error), size);
    return (size_t)size;
}

static tls_conn_t *import_conn(const tls_context_t *context, const unsigned char *blob, size_t len)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_conn_t *conn = tls_conn_import(context, blob, len, key, &error);

    CHECK_EQ(error.status, TLS_OK);
    CHECK(conn != NULL);
    return conn;
}

/* A server's context without an identity of its own. */
static tls_context_t *bare_context(void)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;

    CHECK_EQ(tls_builder_ask_context(builder, 1), TLS_OK);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static void send_all(int fd, tls_conn_t *conn)
{
    unsigned char wire[4096];
    ptrdiff_t n;

    while ((n = tls_drain_into(conn, wire, sizeof(wire))) > 0) {
        for (ptrdiff_t sent = 0, part; sent < n; sent += part) {
            part = send(fd, wire + sent, (size_t)(n - sent), MSG_NOSIGNAL);
            CHECK(part > 0);
        }
    }
    CHECK_EQ(n, 0);
}

/* The next `len` plain bytes, however much comes at once. */
static void receive(int fd, tls_conn_t *conn, unsigned char *plain, size_t len)
{
    size_t read = 0;

    while (read < len) {
        ptrdiff_t n = tls_read_into(conn, plain + read, len - read);

        if (n > 0) {
            read += (size_t)n;
        } else {
            unsigned char wire[700];
            ssize_t got;

            CHECK_EQ(n, TLS_WANT_FEED);
            got = recv(fd, wire, sizeof(wire), 0);
            CHECK(got > 0);
            CHECK_EQ(tls_feed(conn, wire, (size_t)got), got);
        }
    }
}

enum { ROUNDS = 5, BYTES = 5000 };

/* Sends back what comes, under new keys each time where there are such. */
static void child(int fd, tls_context_t *inherited, const unsigned char *blob, size_t len,
                  uint16_t version)
{
    tls_context_t *own = bare_context();
    tls_conn_t *conn = import_conn(inherited != NULL ? inherited : own, blob, len);
    unsigned char plain[BYTES];

    CHECK_EQ(tls_protocol_version(conn), version);
    CHECK_EQ(tls_move_count(conn), 1);
    for (int round = 0; round < ROUNDS; round++) {
        receive(fd, conn, plain, sizeof(plain));
        CHECK_EQ(tls_write_from(conn, plain, sizeof(plain)), sizeof(plain));
        CHECK_EQ(tls_key_update(conn), version == TLS_VERSION_1_3 ? TLS_OK : TLS_ERR_STATE);
        send_all(fd, conn);
    }
    CHECK_EQ(tls_close_notify(conn), TLS_OK);
    send_all(fd, conn);
    tls_free(conn);
    tls_context_free(own);
}

static void in_child(uint16_t version, tls_context_t *inherited)
{
    struct pair pair = connected_pair(version);
    unsigned char *blob, sent[BYTES], back[BYTES];
    size_t len = export_conn(pair.server, &blob);
    int fds[2], status;
    pid_t pid;

    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        alarm(check_patience(60));
        /* What the child inherits of the exported one is as dead as in its parent. */
        CHECK_EQ(tls_advance(pair.server), TLS_ERR_STATE);
        close(fds[0]);
        child(fds[1], inherited, blob, len, version);
        free_pair(&pair);
        tls_context_free(inherited);
        _exit(0);
    }
    close(fds[1]);
    free(blob);
    for (int round = 0; round < ROUNDS; round++) {
        fill_bytes(sent, sizeof(sent), (uint32_t)round);
        CHECK_EQ(tls_write_from(pair.client, sent, sizeof(sent)), sizeof(sent));
        if (version == TLS_VERSION_1_3 && round % 2 == 1)
            CHECK_EQ(tls_key_update(pair.client), TLS_OK);
        send_all(fds[0], pair.client);
        receive(fds[0], pair.client, back, sizeof(back));
        CHECK_BYTES(back, sent, sizeof(sent));
    }
    while (tls_advance(pair.client) == TLS_OK) {
        ssize_t got = recv(fds[0], back, sizeof(back), 0);

        CHECK(got > 0);
        CHECK_EQ(tls_feed(pair.client, back, (size_t)got), got);
    }
    CHECK_EQ(tls_advance(pair.client), TLS_CLOSED);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
    close(fds[0]);
    free_pair(&pair);
}

static void it_goes_on_in_a_forked_child(void)
{
    for (EACH_VERSION) {
        tls_context_t *context;

        in_child(version, NULL);
        context = bare_context();
        in_child(version, context);
        tls_context_free(context);
    }
}

/* What the host has taken off the queue is sent in front of what moved. */
static void taken_bytes_stay_with_the_host(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);
        tls_context_t *context = bare_context();
        const void *data = NULL;
        unsigned char *blob, plain[20];
        size_t data_len = 0, len;
        tls_buffer_t *taken;

        CHECK_EQ(tls_write_from(pair.server, "in front ", 9), 9);
        taken = tls_drain_take(pair.server, &data, &data_len);
        CHECK(taken != NULL);
        CHECK_EQ(tls_write_from(pair.server, "and behind", 10), 10);
        len = export_conn(pair.server, &blob);
        tls_free(pair.server);
        pair.server = import_conn(context, blob, len);
        free(blob);
        tls_context_free(context);
        CHECK_EQ(tls_feed(pair.client, data, data_len), data_len);
        tls_buffer_free(taken);
        carry(pair.server, pair.client);
        CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), 19);
        CHECK_BYTES(plain, "in front and behind", 19);
        check_alive(&pair);
        free_pair(&pair);
    }
}

/* The least limits. */
#define LEAST_LIMIT ((size_t)20480)
/* Room for answers. */
#define ROOM ((size_t)64)
/* Of a record. */
#define AROUND ((size_t)22)

/* A client that has so many wire bytes to be sent. */
static struct pair pair_with_waiting(size_t bytes)
{
    static const unsigned char plain[16384];
    struct recipe client = with_version(plain_client, TLS_VERSION_1_3);
    struct pair pair;
    size_t rest = bytes - sizeof(plain) - 2 * AROUND;

    pair = new_pair(&client, &plain_server, NULL);
    finish_handshake(&pair);
    CHECK_EQ(tls_write_from(pair.client, plain, sizeof(plain)), sizeof(plain));
    CHECK_EQ(tls_write_from(pair.client, plain, rest), rest);
    CHECK_EQ(tls_drain_pending(pair.client), bytes);
    return pair;
}

/* Goes on under the least limits: NULL if that is refused. */
static tls_conn_t *moved_to_least(tls_conn_t *conn)
{
    unsigned char *blob;
    struct recipe recipe = plain_client;
    tls_context_t *context;
    tls_conn_t *moved;
    tls_error_t error = {.size = sizeof(error)};
    size_t len = export_conn(conn, &blob);

    tls_free(conn);
    recipe.inbound = recipe.outbound = LEAST_LIMIT;
    context = make_client_context(&recipe);
    moved = tls_conn_import(context, blob, len, key, &error);
    if (moved == NULL)
        CHECK_EQ(error.status, TLS_ERR_LIMIT);
    free(blob);
    tls_context_free(context);
    return moved;
}

/* What a peer may ask for of a connection that was imported does not end it. */
static void an_import_has_room_for_answers(void)
{
    struct pair pair = pair_with_waiting(LEAST_LIMIT - ROOM + 1);
    tls_conn_t *sender;

    pair.client = moved_to_least(pair.client);
    CHECK(pair.client == NULL);
    tls_free(pair.server);

    pair = pair_with_waiting(LEAST_LIMIT - ROOM);
    pair.client = moved_to_least(pair.client);
    CHECK(pair.client != NULL);
    /* Halves answer without data, as soon as there is room. */
    sender = tls_split(pair.client, NULL);
    CHECK(sender != NULL);
    CHECK_EQ(tls_key_update(pair.server), TLS_OK);
    carry(pair.server, pair.client);
    CHECK_EQ(tls_advance(pair.client), TLS_OK);
    CHECK_EQ(tls_advance(sender), TLS_OK);
    CHECK_EQ(tls_drain_pending(sender), LEAST_LIMIT - ROOM);
    CHECK(carry(sender, pair.server) > LEAST_LIMIT - ROOM);
    tls_free(sender);
    free_pair(&pair);

    /* Who has closed answers nothing. */
    pair = pair_with_waiting(LEAST_LIMIT - ROOM);
    CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
    CHECK(tls_drain_pending(pair.client) > (ptrdiff_t)(LEAST_LIMIT - ROOM));
    pair.client = moved_to_least(pair.client);
    CHECK(pair.client != NULL);
    free_pair(&pair);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(it_goes_on_in_a_forked_child);
    RUN(taken_bytes_stay_with_the_host);
    RUN(an_import_has_room_for_answers);
    return 0;
}
