#include "talk.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static int send_queued(tls_conn_t *conn, int fd)
{
    const void *wire;
    size_t len;

    while (tls_drain_peek(conn, &wire, &len) == TLS_OK && len > 0) {
        ptrdiff_t sent = send(fd, wire, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return -1;
        tls_drain_consume(conn, (size_t)sent);
    }
    return 0;
}

static void receive(tls_conn_t *conn, int fd)
{
    void *window;
    size_t len;
    ptrdiff_t received;

    if (tls_feed_window(conn, 0, &window, &len) != TLS_OK)
        return;
    received = recv(fd, window, len, 0);
    tls_feed_commit(conn, received > 0 ? (size_t)received : 0);
    if (received <= 0)
        tls_feed_eof(conn);
}

tls_status_t talk_handshake(tls_conn_t *conn, int fd)
{
    int yes = 1;

    /* Small flights must not wait for acknowledgements. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    for (;;) {
        tls_status_t status = tls_advance(conn);

        if (send_queued(conn, fd) != 0)
            return TLS_TRUNCATED;
        if (status != TLS_WANT_FEED)
            return status;
        receive(conn, fd);
    }
}

int talk_say_and_close(tls_conn_t *conn, int fd, char byte)
{
    if (tls_write_from(conn, &byte, 1) != 1 || tls_close_notify(conn) != TLS_OK)
        return -1;
    return send_queued(conn, fd);
}

int talk_listen(tls_conn_t *conn, int fd)
{
    int said = -1;

    for (;;) {
        char byte;
        ptrdiff_t got = tls_read_into(conn, &byte, 1);

        if (got == 1)
            said = (unsigned char)byte;
        else if (got == TLS_WANT_FEED)
            receive(conn, fd);
        else
            return got == TLS_CLOSED ? said : -1;
    }
}
