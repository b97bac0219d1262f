/* TCP: the only transport of the interop peer. All sockets are non-blocking. */
#ifndef PEER_SOCKET_H
#define PEER_SOCKET_H

#include <stdbool.h>

/* Each answers a descriptor, or -1 with a message on stderr. */
int socket_connect(const char *host, const char *port);
int socket_listen(const char *host, const char *port);
int socket_accept(int listener);

/* The port that a listener got, for callers that asked for port 0. */
int socket_port(int listener);

/* Waits for readiness: false when nothing happened within the patience of the tests. */
bool socket_wait(int fd, short events, short *revents);

/* Ends our direction, reads on until the peer ends its own, and closes: a plain close() while
 * unread bytes are waiting resets the connection, and the peer would lose our last alert. */
void socket_finish(int fd);

#endif
