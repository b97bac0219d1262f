/* One connection of an echo server: what comes goes back. */
#ifndef ECHO_H
#define ECHO_H

#include <stdbool.h>
#include <stddef.h>

#include <tlsbio.h>

struct echo {
    int fd;
    tls_conn_t *conn;
    bool over;
    /* What was read and could not be written yet. It is ours, and moves beside the connection. */
    size_t kept_len;
    char kept[4096];
};

/* NULL if there is no memory; then nothing was taken. */
struct echo *echo_new(int fd, tls_conn_t *conn);
void echo_free(struct echo *echo);

/* What poll(2) has to wait for. */
short echo_events(const struct echo *echo);

/* Moves bytes until the socket has none to give or takes none; sets `over` at the end. */
void echo_turn(struct echo *echo);

#endif
