/*
 * A driver that does everything as libtlsbio's does, but for one thing, which its program is named
 * after: "altered", "short", "suite" or "unfinished". The comparison has to refuse each.
 */
#include <errno.h>
#include <string.h>

#include "driver.h"

/* The driver of libtlsbio, under another name. */
extern const struct driver honest;

static int lies(const char *lie)
{
    return strcmp(program_invocation_short_name, lie) == 0;
}

static void move(void *from, void *to, const unsigned char *plain, size_t len, unsigned char *wire,
                 struct sink *sink)
{
    static unsigned char altered[LARGEST_WRITE];

    memcpy(altered, plain, len);
    if (lies("altered"))
        altered[len / 2] ^= 1;
    honest.ways[0].move(from, to, altered, lies("short") ? len - 1 : len, wire, sink);
}

static const char *version(void)
{
    return honest.version();
}

static const char *prepare(const struct setting *setting)
{
    struct setting other = *setting;

    if (lies("suite"))
        other.suite = 0x1302;
    return honest.prepare(&other);
}

static void *open_connection(enum role role)
{
    return honest.open(role);
}

static size_t out(void *conn, unsigned char *wire, size_t room)
{
    return honest.out(conn, wire, room);
}

static void in(void *conn, const unsigned char *wire, size_t len)
{
    honest.in(conn, wire, len);
}

static int done(void *conn)
{
    return lies("unfinished") ? 0 : honest.done(conn);
}

static struct facts facts(void *conn)
{
    return honest.facts(conn);
}

static void keep(void *conn)
{
    honest.keep(conn);
}

static void close_connection(void *conn)
{
    honest.close(conn);
}

static const struct way ways[] = {{"lie", "", move}, {NULL, NULL, NULL}};

const struct driver driver = {
    .library = "liar",
    .version = version,
    .prepare = prepare,
    .open = open_connection,
    .out = out,
    .in = in,
    .done = done,
    .facts = facts,
    .keep = keep,
    .close = close_connection,
    .ways = ways,
};
