/* A program that was compiled against the first header: it declares what it uses as that did, and
 * includes none. It runs on the library of today, and always will: first SERVER_CHAIN SERVER_KEY
 * ROOTS */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef int32_t tls_status_t;
typedef struct tls_builder_t tls_builder_t;
typedef struct tls_context_t tls_context_t;
typedef struct tls_conn_t tls_conn_t;
typedef struct tls_error {
    size_t size;
    tls_status_t status;
    int32_t reason;
    int16_t alert_sent;
    int16_t alert_received;
    char message[256];
} tls_error_t;
typedef struct tls_span {
    size_t offset, len;
} tls_span_t;

tls_builder_t *tls_builder_new(void);
void tls_builder_free(tls_builder_t *builder);
tls_status_t tls_builder_identity_file(tls_builder_t *builder, const char *chain, const char *key);
tls_status_t tls_builder_trust_file(tls_builder_t *builder, const char *path);
tls_status_t tls_builder_versions(tls_builder_t *builder, uint16_t min, uint16_t max);
tls_context_t *tls_context_client(const tls_builder_t *builder, tls_error_t *error);
tls_context_t *tls_context_server(const tls_builder_t *builder, tls_error_t *error);
void tls_context_free(tls_context_t *context);
tls_conn_t *tls_client_new(const tls_context_t *context, const char *name, tls_error_t *error);
tls_conn_t *tls_server_new(const tls_context_t *context, tls_error_t *error);
void tls_free(tls_conn_t *conn);
ptrdiff_t tls_feed(tls_conn_t *conn, const void *wire, size_t len);
ptrdiff_t tls_drain_into(tls_conn_t *conn, void *wire, size_t len);
tls_status_t tls_drain_peek(tls_conn_t *conn, const void **wire, size_t *len);
tls_status_t tls_drain_consume(tls_conn_t *conn, size_t len);
tls_status_t tls_advance(tls_conn_t *conn);
ptrdiff_t tls_read_into(tls_conn_t *conn, void *plain, size_t len);
ptrdiff_t tls_write_from(tls_conn_t *conn, const void *plain, size_t len);
tls_status_t tls_close_notify(tls_conn_t *conn);
uint32_t tls_state(tls_conn_t *conn);
tls_status_t tls_conn_error(tls_conn_t *conn, tls_error_t *error);
tls_status_t tls_feed_window(tls_conn_t *conn, size_t want, void **wire, size_t *len);
tls_status_t tls_feed_commit(tls_conn_t *conn, size_t len);
ptrdiff_t tls_read_in_place(tls_conn_t *conn, void *wire, size_t len, tls_span_t *spans, size_t max,
                            size_t *consumed);
uint16_t tls_protocol_version(tls_conn_t *conn);
const char *tls_status_name(tls_status_t status);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("first.c:%d: not true: %s\n", __LINE__, #condition);                            \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static void carry(tls_conn_t *from, tls_conn_t *to)
{
    const void *wire;
    size_t len;

    while (tls_drain_peek(from, &wire, &len) == 0 && len > 0) {
        tls_drain_consume(from, (size_t)tls_feed(to, wire, len));
        tls_advance(to);
    }
}

int main(int argc, char **argv)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *ours = tls_builder_new(), *theirs = tls_builder_new();
    tls_context_t *client_context, *server_context;
    tls_conn_t *client, *server;
    unsigned char wire[256], plain[16];
    tls_span_t span;
    size_t consumed, len;
    ptrdiff_t sealed;
    void *window;

    CHECK(argc == 4);
    CHECK(tls_builder_trust_file(ours, argv[3]) == 0 &&
          tls_builder_versions(ours, 0x0304, 0x0304) == 0);
    CHECK(tls_builder_identity_file(theirs, argv[1], argv[2]) == 0);
    CHECK((client_context = tls_context_client(ours, &error)) != NULL && error.status == 0);
    CHECK((server_context = tls_context_server(theirs, NULL)) != NULL);
    CHECK((client = tls_client_new(client_context, "localhost", &error)) != NULL);
    CHECK((server = tls_server_new(server_context, &error)) != NULL);
    for (int round = 0; round < 5; round++) {
        carry(client, server);
        carry(server, client);
    }
    CHECK(tls_advance(client) == 0 && tls_advance(server) == 0);
    CHECK(tls_protocol_version(client) == 0x0304 && (tls_state(client) & 31) == (1 | 8));
    CHECK(tls_write_from(client, "first", 5) == 5);
    sealed = tls_drain_into(client, wire, sizeof(wire));
    CHECK(tls_feed_window(server, (size_t)sealed, &window, &len) == 0 && len >= (size_t)sealed);
    memcpy(window, wire, (size_t)sealed);
    CHECK(tls_feed_commit(server, (size_t)sealed) == 0);
    CHECK(tls_read_into(server, plain, sizeof(plain)) == 5 && memcmp(plain, "first", 5) == 0);
    CHECK(tls_write_from(server, "answer", 6) == 6);
    sealed = tls_drain_into(server, wire, sizeof(wire));
    CHECK(tls_read_in_place(client, wire, (size_t)sealed, &span, 1, &consumed) == 1);
    CHECK(span.len == 6 && memcmp(wire + span.offset, "answer", 6) == 0);
    CHECK(tls_close_notify(client) == 0);
    carry(client, server);
    CHECK(tls_advance(server) == -10 && strcmp(tls_status_name(-10), "TLS_CLOSED") == 0);
    CHECK(tls_feed(client, "GET / HTTP/1.0\r\n", 16) == 16 && tls_advance(client) <= -40);
    CHECK(tls_conn_error(client, &error) == 0 && error.status <= -40 && error.message[0] != '\0');
    tls_free(client);
    tls_free(server);
    tls_context_free(client_context);
    tls_context_free(server_context);
    tls_builder_free(ours);
    tls_builder_free(theirs);
    puts("a program of the first header: whole");
    return 0;
}
