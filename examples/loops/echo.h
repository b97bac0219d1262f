/* What the echo servers of this directory have in common: a context, a listening socket, and what
 * is done with plain bytes. How bytes travel is each loop's own. */
#ifndef ECHO_H
#define ECHO_H

#include <stdint.h>

#include <tlsbio.h>

struct echo_server {
    tls_context_t *context;
    int listener; /* does not block */
    uint16_t port;
};

/* From PORT CHAIN KEY. What is wrong is said in one sentence, and the program ends. Says "listening
 * on PORT". */
struct echo_server echo_begin(int argc, char **argv);

/* Writes back what can be read. Returns 1 once nothing more will come of the connection but what is
 * queued: then drain it, and close. */
int echo_work(tls_conn_t *conn);

/* Whether bytes of the peer can be taken: not while it does not take ours. */
int echo_wants_bytes(tls_conn_t *conn);

/* Says what is left of all connections: "left: N connections, N buffers". */
void echo_end(struct echo_server *server, unsigned connections);

#endif
