/*
 * The worker's wire, for libraries that send and receive by callbacks. Each thread has one of it,
 * and lends it the buffer of the call it is in: connections have none, and nothing is copied but
 * what the library asks for.
 */
#ifndef BENCHES_CALLBACK_WIRE_H
#define BENCHES_CALLBACK_WIRE_H

#include <string.h>

#include "driver.h"

static _Thread_local struct {
    const unsigned char *in;
    unsigned char *out;
    size_t in_left, out_room;
    /* Of a handshake only: what an end is to read lies where it is to write. */
    unsigned char inbox[32768];
} wire;

static inline void wire_lend(unsigned char *out, size_t room)
{
    wire.out = out;
    wire.out_room = room;
}

/* Answers how much was put into all that room. */
static inline size_t wire_end(size_t room)
{
    size_t put = room - wire.out_room;

    wire.out_room = 0;
    return put;
}

static inline void wire_offer(const unsigned char *in, size_t len)
{
    wire.in = in;
    wire.in_left = len;
}

/* For in(): out() of the same connection follows on the same thread, and there the handshake goes
 * on. */
static inline void wire_set_aside(const unsigned char *in, size_t len)
{
    if (wire.in_left > 0 || len > sizeof(wire.inbox))
        fail("%zu bytes arrived while %zu were not read", len, wire.in_left);
    memcpy(wire.inbox, in, len);
    wire_offer(wire.inbox, len);
}

static inline void wire_is_read(void)
{
    if (wire.in_left > 0)
        fail("%zu bytes were not read", wire.in_left);
}

/* Both answer 0 where a socket would block. */
static inline size_t wire_put(const void *bytes, size_t len)
{
    if (len > wire.out_room)
        len = wire.out_room;
    if (len == 0)
        return 0;
    memcpy(wire.out, bytes, len);
    wire.out += len;
    wire.out_room -= len;
    return len;
}

static inline size_t wire_get(void *bytes, size_t len)
{
    if (len > wire.in_left)
        len = wire.in_left;
    if (len == 0)
        return 0;
    memcpy(bytes, wire.in, len);
    wire.in += len;
    wire.in_left -= len;
    return len;
}

#endif
