#include "echo.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct echo *echo_new(int fd, tls_conn_t *conn)
{
    struct echo *echo = malloc(sizeof(*echo));

    if (echo != NULL) {
        echo->fd = fd;
        echo->conn = conn;
        echo->over = false;
        echo->kept_len = 0;
    }
    return echo;
}

void echo_free(struct echo *echo)
{
    tls_free(echo->conn);
    close(echo->fd);
    free(echo);
}

short echo_events(const struct echo *echo)
{
    uint32_t state = tls_state(echo->conn);

    /* While what came before cannot go back, nothing more is taken. */
    return (short)((echo->kept_len == 0 && (state & TLS_CAN_FEED) ? POLLIN : 0) |
                   (state & TLS_CAN_DRAIN ? POLLOUT : 0));
}

static void fail(struct echo *echo, const char *what)
{
    tls_error_t error = {.size = sizeof(error)};

    tls_conn_error(echo->conn, &error);
    fprintf(stderr, "server: %s: %s\n", what, error.message);
    echo->over = true;
}

/* Returns whether all that was queued has left. */
static bool send_queued(struct echo *echo)
{
    const void *wire;
    size_t len;

    while (tls_drain_peek(echo->conn, &wire, &len) == TLS_OK && len > 0) {
        ssize_t sent = send(echo->fd, wire, len, MSG_NOSIGNAL);

        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR)
                echo->over = true;
            return false;
        }
        tls_drain_consume(echo->conn, (size_t)sent);
    }
    return true;
}

/* Returns whether anything came. */
static bool receive(struct echo *echo)
{
    void *window;
    size_t len;
    ssize_t got;

    if (tls_feed_window(echo->conn, 0, &window, &len) != TLS_OK)
        return false;
    got = recv(echo->fd, window, len, 0);
    tls_feed_commit(echo->conn, got > 0 ? (size_t)got : 0);
    if (got == 0)
        return tls_feed_eof(echo->conn) == TLS_OK;
    if (got < 0 && errno != EAGAIN && errno != EINTR)
        echo->over = true;
    return got > 0;
}

/* Returns whether there is something to write. */
static bool fill(struct echo *echo)
{
    while (echo->kept_len == 0) {
        ptrdiff_t got = tls_read_into(echo->conn, echo->kept, sizeof(echo->kept));

        if (got > 0) {
            echo->kept_len = (size_t)got;
        } else if (got == TLS_CLOSED) {
            /* All of it went back. */
            tls_close_notify(echo->conn);
            if (send_queued(echo))
                echo->over = true;
            return false;
        } else if (got != TLS_WANT_FEED && got != TLS_WANT_DRAIN) {
            send_queued(echo);
            fail(echo, tls_status_name((tls_status_t)got));
            return false;
        } else if (!send_queued(echo) || !receive(echo)) {
            return false;
        }
    }
    return true;
}

void echo_turn(struct echo *echo)
{
    while (!echo->over && fill(echo)) {
        ptrdiff_t written = tls_write_from(echo->conn, echo->kept, echo->kept_len);

        if (written > 0) {
            echo->kept_len -= (size_t)written;
            memmove(echo->kept, echo->kept + written, echo->kept_len);
        } else if (written != TLS_WANT_DRAIN) {
            fail(echo, tls_status_name((tls_status_t)written));
        }
        if (!send_queued(echo) && written == TLS_WANT_DRAIN)
            break;
    }
}
