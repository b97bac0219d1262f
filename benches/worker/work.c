#include "work.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tally.h"

/* Bytes that no compression and no zero page can help with. Each move starts at another place of
 * them. */
#define PATTERN (2 * LARGEST_WRITE)
#define LARGEST_MOVE (1 << 20)

static const struct setting *wanted;

void expect(const struct setting *setting)
{
    wanted = setting;
}

void delivered(struct sink *sink, const unsigned char *plain, size_t len)
{
    size_t looked_at = sink->compare ? len : sink->got == 0 ? (len < 8 ? len : 8) : 0;

    if (memcmp(plain, sink->expected + sink->got, looked_at) != 0)
        fail("byte %zu and following arrived altered", sink->got);
    sink->got += len;
}

const struct way *way_named(const char *name)
{
    const struct way *way;

    for (way = driver.ways; way->name != NULL; way++)
        if (strcmp(way->name, name) == 0)
            return way;
    fail("there is no way '%s'", name);
}

static const unsigned char *pattern(void)
{
    static unsigned char bytes[PATTERN];
    static int filled;
    uint64_t x = 0x9e3779b97f4a7c15;
    size_t i;

    if (!filled) {
        for (i = 0; i < PATTERN; i += sizeof(x)) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            memcpy(bytes + i, &x, sizeof(x));
        }
        filled = 1;
    }
    return bytes;
}

/* What one thread moves with. */
struct desk {
    unsigned char *wire, *room;
    size_t turn;
};

/* Every thread has one, for all its slices: no page is touched for the first time while the clock
 * runs. */
static struct desk *desk_of_thread(void)
{
    static _Thread_local struct desk desk;

    if (desk.wire == NULL) {
        desk.wire = malloc(WIRE_ROOM);
        desk.room = malloc(LARGEST_MOVE + SPARE);
        if (desk.wire == NULL || desk.room == NULL)
            fail("out of memory");
        memset(desk.wire, 1, WIRE_ROOM);
        memset(desk.room, 1, LARGEST_MOVE + SPARE);
    }
    return &desk;
}

static void free_desk(void)
{
    struct desk *desk = desk_of_thread();

    free(desk->wire);
    free(desk->room);
    desk->wire = desk->room = NULL;
}

static void move(const struct way *way, void *from, void *to, size_t len, struct desk *desk,
                 int compare)
{
    size_t done = 0;

    while (done < len) {
        size_t piece = len - done < LARGEST_WRITE ? len - done : LARGEST_WRITE;
        /* Another start each time: a stamp of its own, and never the bytes that lay there before.
         */
        const unsigned char *plain = pattern() + desk->turn++ % 4096;
        struct sink sink = {desk->room + done, 0, plain, compare};

        way->move(from, to, plain, piece, desk->wire, &sink);
        if (sink.got != piece)
            fail("%zu bytes of %zu arrived", sink.got, piece);
        done += piece;
    }
}

static size_t carry(void *from, void *to, unsigned char *wire)
{
    size_t len = driver.out(from, wire, WIRE_ROOM);

    if (len > 0)
        driver.in(to, wire, len);
    return len;
}

static void shake_hands(struct pair pair, unsigned char *wire)
{
    size_t moved;

    do {
        moved = carry(pair.client, pair.server, wire);
        moved += carry(pair.server, pair.client, wire);
    } while (moved > 0);
    if (!driver.done(pair.client) || !driver.done(pair.server))
        fail("the handshake did not end");
}

static void check(void *conn, const char *role)
{
    struct facts facts = driver.facts(conn);

    if (facts.version != 0 && facts.version != wanted->version)
        fail("the %s says version %#x", role, facts.version);
    if (facts.suite != 0 && facts.suite != wanted->suite)
        fail("the %s says suite %#x, %#x was asked for", role, facts.suite, wanted->suite);
    if (facts.group != 0 && facts.group != wanted->group)
        fail("the %s says group %#x, %#x was asked for", role, facts.group, wanted->group);
}

struct pair connect_pair(void)
{
    struct pair pair;

    pair.client = driver.open(CLIENT);
    pair.server = driver.open(SERVER);
    shake_hands(pair, desk_of_thread()->wire);
    check(pair.client, "client");
    check(pair.server, "server");
    return pair;
}

void close_pair(struct pair pair)
{
    driver.close(pair.client);
    driver.close(pair.server);
}

static double clock_ns(clockid_t clock)
{
    struct timespec time;

    if (clock_gettime(clock, &time) != 0)
        fail("the clock cannot be read");
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static struct cost reading(void)
{
    struct cost now = {0};

    tally_read(&now.allocations, &now.allocated, &now.copied);
    now.wall_ns = clock_ns(CLOCK_MONOTONIC);
    now.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    return now;
}

static struct cost since(struct cost then)
{
    struct cost now = reading();

    now.cpu_ns -= then.cpu_ns;
    now.wall_ns -= then.wall_ns;
    now.allocations -= then.allocations;
    now.allocated -= then.allocated;
    now.copied -= then.copied;
    return now;
}

/* Every slice is preceded by moves of which each byte is compared, and followed by one. */
#define COMPARED 2

struct cost work_move(const struct way *way, struct pair pair, size_t len, long count)
{
    struct desk *desk = desk_of_thread();
    struct cost cost;
    long i;

    for (i = 0; i < COMPARED; i++)
        move(way, pair.client, pair.server, len, desk, 1);
    cost = reading();
    for (i = 0; i < count; i++)
        move(way, pair.client, pair.server, len, desk, 0);
    cost = since(cost);
    move(way, pair.client, pair.server, len, desk, 1);
    return cost;
}

void talk(struct pair pair, size_t len)
{
    move(driver.ways, pair.client, pair.server, len, desk_of_thread(), 1);
    move(driver.ways, pair.server, pair.client, len, desk_of_thread(), 1);
}

static void exchange(const struct way *way, struct pair pair, size_t request, size_t response,
                     struct desk *desk, int compare)
{
    move(way, pair.client, pair.server, request, desk, compare);
    move(way, pair.server, pair.client, response, desk, compare);
}

struct cost work_exchange(const struct way *way, struct pair pair, size_t request, size_t response,
                          long count)
{
    struct desk *desk = desk_of_thread();
    struct cost cost;
    long i;

    for (i = 0; i < COMPARED; i++)
        exchange(way, pair, request, response, desk, 1);
    cost = reading();
    for (i = 0; i < count; i++)
        exchange(way, pair, request, response, desk, 0);
    cost = since(cost);
    exchange(way, pair, request, response, desk, 1);
    return cost;
}

/* A ticket comes with the first plain bytes of the server's at the latest. */
static void keep_session(struct pair pair, struct desk *desk)
{
    move(driver.ways, pair.server, pair.client, 1, desk, 1);
    driver.keep(pair.client);
}

/* A name of its own for callgrind. */
__attribute__((noinline)) static void one_handshake(int resume, struct desk *desk)
{
    struct pair pair = {driver.open(CLIENT), driver.open(SERVER)};

    shake_hands(pair, desk->wire);
    if (resume)
        keep_session(pair, desk);
    close_pair(pair);
}

static void checked_handshake(int resume, int resumed, struct desk *desk)
{
    struct pair pair = connect_pair();
    int client = driver.facts(pair.client).resumed, server = driver.facts(pair.server).resumed;

    if ((client >= 0 && client != resumed) || (server >= 0 && server != resumed))
        fail(resumed ? "a handshake was not resumed" : "a handshake was resumed");
    if (resume)
        keep_session(pair, desk);
    close_pair(pair);
}

struct cost work_handshake(int resume, long count)
{
    struct desk *desk = desk_of_thread();
    struct cost cost;
    long i;

    /* The first one has nothing to resume, unless an earlier slice left a session. */
    if (resume) {
        struct pair first = connect_pair();

        keep_session(first, desk);
        close_pair(first);
    }
    checked_handshake(resume, resume, desk);
    cost = reading();
    for (i = 0; i < count; i++)
        one_handshake(resume, desk);
    cost = since(cost);
    checked_handshake(resume, resume, desk);
    return cost;
}

/* What one of several threads has: a connection of its own, and of the same contexts. */
struct mover {
    const struct work *work;
    struct desk *desk;
    struct pair pair;
};

static void *begin_thread(const struct work *work)
{
    struct mover *mover = calloc(1, sizeof(*mover));

    if (mover == NULL)
        fail("out of memory");
    mover->work = work;
    mover->desk = desk_of_thread();
    return mover;
}

static void end_thread(void *mover)
{
    free(mover);
    free_desk();
}

static void *begin_moves(const struct work *work)
{
    struct mover *mover = begin_thread(work);
    int i;

    /* A driver without connections has only ways. */
    if (driver.open != NULL)
        mover->pair = connect_pair();
    for (i = 0; i < COMPARED; i++)
        move(work->way, mover->pair.client, mover->pair.server, work->len, mover->desk, 1);
    return mover;
}

static void one_move(void *argument)
{
    struct mover *mover = argument;

    move(mover->work->way, mover->pair.client, mover->pair.server, mover->work->len, mover->desk,
         0);
}

static void end_moves(void *argument)
{
    struct mover *mover = argument;

    move(mover->work->way, mover->pair.client, mover->pair.server, mover->work->len, mover->desk,
         1);
    if (driver.open != NULL)
        close_pair(mover->pair);
    end_thread(mover);
}

struct at_once work_threads(const struct way *way, size_t len, int threads, int rounds)
{
    struct work moves = {begin_moves, one_move, end_moves, way, len, 0};

    (void)pattern();
    return work_at_once(&moves, threads, rounds);
}

static void *begin_handshakes(const struct work *work)
{
    struct mover *mover = begin_thread(work);

    /* The first one has nothing to resume. */
    if (work->resume) {
        struct pair first = connect_pair();

        keep_session(first, mover->desk);
        close_pair(first);
    }
    checked_handshake(work->resume, work->resume, mover->desk);
    return mover;
}

static void next_handshake(void *argument)
{
    struct mover *mover = argument;

    one_handshake(mover->work->resume, mover->desk);
}

static void end_handshakes(void *argument)
{
    struct mover *mover = argument;

    checked_handshake(mover->work->resume, mover->work->resume, mover->desk);
    /* What it kept last. */
    driver.keep(NULL);
    end_thread(mover);
}

struct at_once work_handshake_threads(int resume, int threads, int rounds)
{
    struct work handshakes = {begin_handshakes, next_handshake, end_handshakes, NULL, 0, resume};

    (void)pattern();
    return work_at_once(&handshakes, threads, rounds);
}
