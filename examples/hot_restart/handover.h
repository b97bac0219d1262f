/*
 * How connections go from one process to the next: over a UNIX socket, each with its descriptor.
 *
 * A message is a header, a descriptor beside it if it has one, and the bytes behind it. The old
 * process sends the key, the listening socket, all connections and an end; the new one answers
 * with one byte when it has all of them. Only then is the old one done with them.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <stddef.h>
#include <stdint.h>

enum message_kind { MESSAGE_KEY = 1, MESSAGE_LISTENER, MESSAGE_CONNECTION, MESSAGE_END };

struct message {
    uint32_t kind;
    uint32_t kept_len; /* bytes of the host's own, in front */
    uint32_t blob_len; /* a sealed connection, behind them */
};

/* Each returns 0, or -1 with errno set. A descriptor of -1 is none. */
int handover_send(int channel, const struct message *message, int fd, const void *kept,
                  const void *blob);
int handover_receive(int channel, struct message *message, int *fd);
/* Fills `bytes` to the end. */
int handover_read(int channel, void *bytes, size_t len);

/* Starts the program at `argv[0]` with these arguments, with one end of a socket pair as its
 * descriptor HANDOVER_FD; returns the other end, or -1 with errno set. */
enum { HANDOVER_FD = 3 };
int handover_start(char *const argv[]);

#endif
