/*
 * A program that measures one library: it reads commands from its standard input, one a line, and
 * answers each with one line of JSON. It keeps nothing from one slice to the next but the contexts
 * and the connection that it moves bytes on, and waits without using the processor, so that many of
 * them can take turns.
 *
 *   hello                                 what this is, and which ways it has
 *   set KEY SUITE GROUP RESUME            rsa|ecdsa|minimal 1301|1302|c02b 1d|11ec 0|1
 *   move WAY LENGTH COUNT
 *   exchange WAY REQUEST RESPONSE COUNT
 *   handshake COUNT
 *   threads WAY LENGTH THREADS ROUNDS    move, on each thread alone and on all at once
 *   handshake_threads THREADS ROUNDS
 *   idle COUNT                            what connections hold, then what is left of them
 *   crowd WAY LENGTH IDLE COUNT           move, beside so many idle connections
 *   churn CONNECTIONS                     what is left after so many
 *
 * An error is one line as well, {"error": "..."}, and the end of the program.
 */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tally.h"
#include "work.h"

static const char *pki;

_Noreturn void fail(const char *format, ...)
{
    char text[512];
    va_list arguments;
    char *c;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (c = text; *c != '\0'; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            *c = '\'';
    printf("{\"error\": \"%s\"}\n", text);
    fflush(stdout);
    exit(1);
}

static void hello(void)
{
    const struct way *way;

    printf("{\"library\": \"%s\", \"version\": \"%s\", \"connections\": %s, \"tally\": %s, "
           "\"ways\": {",
           driver.library, driver.version(), driver.open != NULL ? "true" : "false",
           tally_is_on() ? "true" : "false");
    for (way = driver.ways; way->name != NULL; way++)
        printf("%s\"%s\": \"%s\"", way == driver.ways ? "" : ", ", way->name, way->what);
    printf("}}\n");
}

static struct setting setting;
/* The connection that slices move bytes on. */
static struct pair current;
static int connected;

static void disconnect(void)
{
    if (connected)
        close_pair(current);
    connected = 0;
}

static struct pair connection(void)
{
    struct pair none = {NULL, NULL};

    /* A driver without connections has only ways. */
    if (driver.open == NULL)
        return none;
    if (!connected)
        current = connect_pair();
    connected = 1;
    return current;
}

static void set(const char *key, unsigned suite, unsigned group, int resume)
{
    static char files[3][1024];
    const char *reason = NULL;

    disconnect();
    snprintf(files[0], sizeof(files[0]), "%s/%s/ca.pem", pki, key);
    /* One certificate with nothing in it but key, name and signature has no chain. */
    snprintf(files[1], sizeof(files[1]), "%s/%s/server%s.pem", pki, key,
             strcmp(key, "minimal") == 0 ? "" : "-chain");
    snprintf(files[2], sizeof(files[2]), "%s/%s/server.key", pki, key);
    setting.roots = files[0];
    setting.chain = files[1];
    setting.key = files[2];
    setting.suite = (uint16_t)suite;
    setting.version = suite == 0xc02b ? 0x0303 : 0x0304;
    setting.group = (uint16_t)group;
    setting.resume = resume;
    if (driver.prepare != NULL)
        reason = driver.prepare(&setting);
    expect(&setting);
    if (reason != NULL)
        printf("{\"missing\": \"%s\"}\n", reason);
    else
        printf("{}\n");
}

static void print_cost(struct cost cost, double count)
{
    printf("{\"ns\": %.2f, \"wall_ns\": %.2f", cost.cpu_ns / count, cost.wall_ns / count);
    if (tally_is_on())
        printf(", \"allocations\": %.4f, \"allocated\": %.1f, \"copied\": %.1f",
               (double)cost.allocations / count, (double)cost.allocated / count,
               (double)cost.copied / count);
    printf("}\n");
}

/* "ns" and "gain" are missing where no round counts. */
static void print_at_once(struct at_once seen, int rounds)
{
    printf("{\"cores\": %d, \"rounds\": %d, \"quiet\": %d", seen.cores, rounds, seen.quiet);
    if (seen.quiet > 0)
        printf(", \"ns\": %.2f, \"gain\": %.4f", seen.ns, seen.gain);
    printf("}\n");
}

/* What the C library has given out, and how much memory the kernel has given to this process. */
struct held {
    double heap, resident;
};

static struct held held_now(void)
{
    struct mallinfo2 info;
    struct held held;
    long pages = 0;
    FILE *file;

    /* What lies in the caches of malloc counts as free; what it need not keep goes back to the
     * kernel. */
    malloc_trim(0);
    info = mallinfo2();
    held.heap = (double)info.uordblks + (double)info.hblkhd;
    file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        fail("/proc/self/statm cannot be read");
    fclose(file);
    held.resident = (double)pages * (double)sysconf(_SC_PAGESIZE);
    return held;
}

#define TALK 16384

/* A connection that has been used, and to which nothing happens any more. */
static struct pair idle_pair(void)
{
    struct pair pair = connect_pair();

    talk(pair, TALK);
    return pair;
}

/* What the first connections of a process leave for those that follow is not theirs. */
static void warm_up(void)
{
    int i;

    disconnect();
    for (i = 0; i < 64; i++)
        close_pair(idle_pair());
}

/* count connections are count / 2 pairs. Clients go first, so that both roles are told apart. */
static void idle(size_t count)
{
    struct pair *pairs;
    struct held before, with, servers, after;
    size_t i, half = count / 2;

    warm_up();
    pairs = calloc(half, sizeof(*pairs));
    if (pairs == NULL)
        fail("out of memory");
    before = held_now();
    for (i = 0; i < half; i++)
        pairs[i] = idle_pair();
    with = held_now();
    for (i = 0; i < half; i++)
        driver.close(pairs[i].client);
    servers = held_now();
    for (i = 0; i < half; i++)
        driver.close(pairs[i].server);
    after = held_now();
    free(pairs);
    printf("{\"connections\": %zu, \"heap\": %.1f, \"resident\": %.1f, \"heap_client\": %.1f, "
           "\"heap_server\": %.1f, "
           "\"left\": %.1f}\n",
           count, (with.heap - before.heap) / (double)(2 * half),
           (with.resident - before.resident) / (double)(2 * half),
           (with.heap - servers.heap) / (double)half, (servers.heap - before.heap) / (double)half,
           (after.heap - before.heap) / (double)(2 * half));
}

/* Of idle connections only servers are here: their clients are gone, which they do not notice. They
 * stay for the next command, if it asks for as many. */
static void crowd(const struct way *way, size_t len, size_t count_idle, long count)
{
    static void **servers;
    static size_t kept;
    size_t i;

    if (kept != count_idle) {
        for (i = 0; i < kept; i++)
            driver.close(servers[i]);
        free(servers);
        servers = calloc(count_idle, sizeof(*servers));
        if (servers == NULL)
            fail("out of memory");
        for (i = 0; i < count_idle; i++) {
            struct pair pair = idle_pair();

            driver.close(pair.client);
            servers[i] = pair.server;
        }
        kept = count_idle;
    }
    print_cost(work_move(way, connection(), len, count), (double)count);
}

static void churn(long count)
{
    struct held before, after;
    long i;

    warm_up();
    before = held_now();
    for (i = 0; i < count / 2; i++) {
        struct pair pair = connect_pair();

        talk(pair, 1024);
        close_pair(pair);
    }
    after = held_now();
    printf("{\"connections\": %ld, \"left\": %.4f, \"left_resident\": %.4f}\n", count,
           (after.heap - before.heap) / (double)count,
           (after.resident - before.resident) / (double)count);
}

static int obey(const char *line)
{
    char way[32], key[16];
    unsigned suite, group;
    size_t len, other;
    long count;
    int number;

    if (strcmp(line, "hello\n") == 0)
        hello();
    else if (sscanf(line, "set %15s %x %x %d", key, &suite, &group, &number) == 4)
        set(key, suite, group, number);
    else if (sscanf(line, "move %31s %zu %ld", way, &len, &count) == 3)
        print_cost(work_move(way_named(way), connection(), len, count), (double)count);
    else if (sscanf(line, "exchange %31s %zu %zu %ld", way, &len, &other, &count) == 4)
        print_cost(work_exchange(way_named(way), connection(), len, other, count), (double)count);
    else if (sscanf(line, "handshake %ld", &count) == 1)
        print_cost(work_handshake(setting.resume, count), (double)count);
    else if (sscanf(line, "threads %31s %zu %d %ld", way, &len, &number, &count) == 4)
        print_at_once(work_threads(way_named(way), len, number, (int)count), (int)count);
    else if (sscanf(line, "handshake_threads %d %ld", &number, &count) == 2)
        print_at_once(work_handshake_threads(setting.resume, number, (int)count), (int)count);
    else if (sscanf(line, "idle %zu", &len) == 1)
        idle(len);
    else if (sscanf(line, "crowd %31s %zu %zu %ld", way, &len, &other, &count) == 4)
        crowd(way_named(way), len, other, count);
    else if (sscanf(line, "churn %ld", &count) == 1)
        churn(count);
    else
        return 0;
    fflush(stdout);
    return 1;
}

int main(int argc, char **argv)
{
    char line[256];

    if (argc != 2) {
        fprintf(stderr,
                "usage: %s PKI_DIRECTORY (made by tests/pki/make.sh), commands on standard input\n",
                argv[0]);
        return 2;
    }
    pki = argv[1];
    while (fgets(line, sizeof(line), stdin) != NULL)
        if (!obey(line))
            fail("not a command: %s", line);
    disconnect();
    return 0;
}
