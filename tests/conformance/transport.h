/* The socket, and the four ways in which bytes go to and from the library. */
#ifndef CONFORMANCE_TRANSPORT_H
#define CONFORMANCE_TRANSPORT_H

#include <stddef.h>

#include <tlsbio.h>

#include "options.h"

enum way { COPIES, WINDOW, IN_PLACE, BUFFERS };

struct transport {
    int fd, is_over;
    enum way way;
    /* How many bytes are taken from the socket at once. */
    size_t most;
    const tls_context_t *context; /* for buffers */
    /* What was received, and not taken by the library. */
    unsigned char held[65536];
    size_t held_len;
};

/* By CONFORMANCE_WAY (copies, window, in-place, buffers; copies) and CONFORMANCE_MOST (all that
 * there is). */
void connect_to_runner(struct transport *transport, const struct address *address,
                       const tls_context_t *context);

/* Sends what is queued. */
void flush_wire(struct transport *transport, tls_conn_t *conn);

/* Takes bytes from the socket, or tells the connection that there are no more. */
void receive_wire(struct transport *transport, tls_conn_t *conn);

/* As tls_read_into; in place, what was received is tried first, where it lies. */
ptrdiff_t read_plain(struct transport *transport, tls_conn_t *conn, unsigned char *plain,
                     size_t len);

/* As tls_write_from, and what comes of it is sent. */
ptrdiff_t write_plain(struct transport *transport, tls_conn_t *conn, const void *plain, size_t len);

/* Sends nothing more, waits until the runner has read all, and closes. */
void disconnect(struct transport *transport);

/* Says what is wrong, and ends the program. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
