#include "wire.h"

#include <string.h>

bool wire_feed(tls_conn_t *to, const void *bytes, size_t len)
{
    const unsigned char *next = bytes;
    while (len > 0) {
        ptrdiff_t taken = tls_feed(to, next, len);
        if (taken <= 0)
            return false;
        next += taken;
        len -= (size_t)taken;
        tls_advance(to);
    }
    return true;
}

size_t wire_move(tls_conn_t *from, tls_conn_t *to, size_t *ahead)
{
    unsigned char bytes[4096];
    size_t moved = 0;
    for (;;) {
        ptrdiff_t drained = tls_drain_into(from, bytes, sizeof(bytes));
        if (drained <= 0)
            return moved;
        moved += (size_t)drained;
        size_t skipped = *ahead < (size_t)drained ? *ahead : (size_t)drained;
        *ahead -= skipped;
        if (!wire_feed(to, bytes + skipped, (size_t)drained - skipped))
            return moved;
    }
}

void wire_settle(tls_conn_t *left, tls_conn_t *right, size_t *ahead)
{
    size_t none = 0;
    for (;;) {
        tls_advance(left);
        tls_advance(right);
        if (wire_move(left, right, &none) + wire_move(right, left, ahead) == 0)
            return;
    }
}

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t end_len = strlen(end);
    return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

bool wire_says(tls_conn_t *from, tls_conn_t *to, size_t *ahead, const char *message)
{
    char heard[1024];
    size_t len = 0;
    if (tls_write_from(from, message, strlen(message)) != (ptrdiff_t)strlen(message))
        return false;
    wire_move(from, to, ahead);
    while (len < sizeof(heard) && !ends_with(heard, len, message)) {
        ptrdiff_t read = tls_read_into(to, heard + len, sizeof(heard) - len);
        if (read <= 0)
            return false;
        len += (size_t)read;
    }
    return ends_with(heard, len, message);
}
