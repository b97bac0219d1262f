/* Sockets and clocks: what both examples need from the operating system, and nothing of TLS. */
#ifndef EXAMPLES_NET_H
#define EXAMPLES_NET_H

#include <stddef.h>
#include <stdint.h>

/* Returns a non-blocking listener on 127.0.0.1, or -1 with errno set. Port 0 lets the system
 * choose; *bound_port says which one it was. */
int net_listen_loopback(uint16_t port, uint16_t *bound_port);

/* Takes one waiting connection, non-blocking; -1 if there is none. */
int net_accept(int listener);

/* Returns a connected blocking socket whose sends and receives give up after timeout_s seconds,
 * or -1 after printing why. */
int net_connect(const char *host, const char *port, int timeout_s);

/* Milliseconds of a clock that nobody sets back. */
int64_t net_now_ms(void);

/* Reads a decimal number that is at most max and fills the whole string; returns 0, or -1. */
int net_parse_number(const char *text, uint64_t max, uint64_t *value);

#endif
