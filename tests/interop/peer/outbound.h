/* The ways of wire bytes out of the library: peek and consume, by copy, or encrypted straight into
 * our own buffer. */
#ifndef PEER_OUTBOUND_H
#define PEER_OUTBOUND_H

#include "session.h"

/* Gives plain bytes to the library; false if there are none, or if it takes none now. */
bool outbound_write(struct session *session, uint32_t state);

/* Whether there is something to send. */
bool outbound_wants_socket(const struct session *session, uint32_t state);
void outbound_send(struct session *session, uint32_t state);

#endif
