#include "echo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../net.h"

struct echo_server echo_begin(int argc, char **argv)
{
    struct echo_server server;
    tls_error_t error = TLS_ERROR_INIT;
    tls_builder_t *builder;
    uint64_t port;

    if (argc != 4 || net_parse_number(argv[1], 65535, &port) != 0) {
        fprintf(stderr, "usage: %s PORT CHAIN KEY\n", argv[0]);
        exit(2);
    }
    signal(SIGPIPE, SIG_IGN);
    builder = tls_builder_new();
    tls_builder_identity_file(builder, argv[2], argv[3]);
    server.context = tls_context_server(builder, &error);
    tls_builder_free(builder);
    if (server.context == NULL) {
        fprintf(stderr, "%s: %s\n", argv[0], error.message);
        exit(1);
    }
    server.listener = net_listen_loopback((uint16_t)port, &server.port);
    if (server.listener < 0) {
        fprintf(stderr, "%s: port %s: %s\n", argv[0], argv[1], strerror(errno));
        exit(1);
    }
    printf("listening on %u\n", server.port);
    fflush(stdout);
    return server;
}

int echo_work(tls_conn_t *conn)
{
    static char plain[65536];

    for (;;) {
        tls_status_t status = tls_advance(conn);
        ptrdiff_t room = tls_writable(conn), got;

        if (status == TLS_OK && room == 0)
            return 0;
        /* No more than can be written: so there is never anything to keep. */
        got = tls_read_into(
            conn, plain, room > 0 && (size_t)room < sizeof(plain) ? (size_t)room : sizeof(plain));
        if (got > 0) {
            tls_write_from(conn, plain, (size_t)got);
        } else if (got == TLS_WANT_FEED || got == TLS_WANT_DRAIN) {
            return 0;
        } else {
            /* The peer's end, or a failure, whose alert is queued already. */
            tls_close_notify(conn);
            return 1;
        }
    }
}

int echo_wants_bytes(tls_conn_t *conn)
{
    uint32_t state = tls_state(conn);

    return (state & TLS_CAN_FEED) != 0 &&
           ((state & TLS_HANDSHAKING) != 0 || (state & TLS_CAN_WRITE) != 0);
}

void echo_end(struct echo_server *server, unsigned connections)
{
    tls_buffers_t buffers = TLS_BUFFERS_INIT;

    tls_context_buffers(server->context, &buffers);
    printf("left: %u connections, %u buffers\n", connections, (unsigned)buffers.in_flight);
    tls_context_free(server->context);
}
