/* Faults on purpose: watched overflow, watched leak, and memory of the library that is used too
 * late, watched late-window, late-peek, late-taken and late-room. The build registers them where a
 * sanitizer or valgrind watches, and expects the report: a watcher that sees nothing makes every
 * other test look clean. The overflow is written by the library, so that it is known to be watched
 * too. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static void overflow(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    size_t *half = malloc(sizeof(size_t) / 2);
    void *window;

    tls_feed_window(pair.client, 1, &window, half);
    free(half);
    free_pair(&pair);
}

static void leak(void)
{
    /* Where no dead stack slot or register still points to it. */
    void *volatile lost = malloc(100);

    lost = NULL;
    CHECK(lost == NULL);
}

static void write_late(void *memory)
{
    *(volatile unsigned char *)memory = 1;
}

static void read_late(const void *memory)
{
    CHECK(*(const volatile unsigned char *)memory == 22);
}

/* With a pool that keeps nothing, buffers are seen to be freed: those that are lent, and
 * those that the host gives back. */
static void use_late(const char *what)
{
    struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
    tls_builder_t *builder = make_builder(&recipe);
    tls_context_t *context;
    tls_conn_t *conn;
    tls_buffer_t *buffer;
    void *window;
    const void *peeked;
    size_t len;

    CHECK_EQ(tls_builder_pool(builder, 0), TLS_OK);
    context = tls_context_client(builder, NULL);
    conn = tls_client_new(context, "localhost", NULL);
    if (strcmp(what, "taken") == 0) {
        buffer = tls_drain_take(conn, &peeked, &len);
        tls_buffer_free(buffer);
        read_late(peeked);
    } else if (strcmp(what, "room") == 0) {
        buffer = tls_buffer_new(context, 0);
        CHECK_EQ(tls_buffer_memory(buffer, &window, &len), TLS_OK);
        tls_buffer_free(buffer);
        write_late(window);
    } else {
        CHECK_EQ(tls_feed_window(conn, 0, &window, &len), TLS_OK);
        CHECK_EQ(tls_drain_peek(conn, &peeked, &len), TLS_OK);
        CHECK_EQ(tls_drain_consume(conn, len), TLS_OK);
        CHECK_EQ(tls_feed_eof(conn), TLS_OK);
        if (strcmp(what, "window") == 0)
            write_late(window);
        else
            read_late(peeked);
    }
    tls_free(conn);
    tls_context_free(context);
    tls_builder_free(builder);
}

int main(int argc, char **argv)
{
    pki_set(argc > 1 ? argc - 1 : argc, argv + (argc > 1));
    if (strcmp(argv[1], "overflow") == 0)
        overflow();
    else if (strncmp(argv[1], "late-", 5) == 0)
        use_late(argv[1] + 5);
    else
        leak();
    return 0;
}
