/* One connection over a blocking socket: what the server and the client of the fleet have in
 * common. */
#ifndef TICKET_FLEET_TALK_H
#define TICKET_FLEET_TALK_H

#include <tlsbio.h>

/* Runs the handshake. Returns the status that it ended with, TLS_OK if it is done. */
tls_status_t talk_handshake(tls_conn_t *conn, int fd);

/* Says one byte and close_notify. Returns 0, or -1 if the transport failed. */
int talk_say_and_close(tls_conn_t *conn, int fd, char byte);

/* Reads until the peer has closed. Returns the only byte that it said, or -1. */
int talk_listen(tls_conn_t *conn, int fd);

#endif
