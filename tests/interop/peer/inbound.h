/* The ways of wire bytes into the library: by feeding, into its window, or decrypted in our own
 * buffer. */
#ifndef PEER_INBOUND_H
#define PEER_INBOUND_H

#include "session.h"

/* Whether bytes from the socket are wanted now. */
bool inbound_wants_socket(const struct session *session, uint32_t state);
void inbound_receive(struct session *session);

/* Moves bytes that were received before; false if there is nothing to do. */
bool inbound_work(struct session *session, uint32_t state);

#endif
