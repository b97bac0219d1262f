/*
 * A client that goes from server to server of a fleet: client TRUST START PERIOD END LAST PORT...
 *
 * It never resumes a session at the server that issued it. From the times of issue and use, and the
 * rotation that rotate.c makes, follows which handshakes must be resumed and which must not; it
 * counts them, for TLS 1.2 and 1.3, and fails if one is not as it must be. Sessions that are used
 * within the second in which two keys change count for neither. It ends at END, or on a slow
 * machine as soon as it has seen enough for a proof, and at LAST in any case.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tlsbio.h>

#include "../net.h"
#include "talk.h"

enum { WAITING = 4096, MOST_SERVERS = 16, TIMEOUT_S = 60 };

/* What must be for the proof to be one. */
enum { LEAST_OVERLAP = 500, LEAST_LATE = 20 };

struct fleet {
    uint64_t start, period, end, last; /* Unix seconds */
    const char *ports[MOST_SERVERS];
    size_t servers;
};

struct waiting {
    tls_session_t *session;
    size_t issuer;
    uint64_t key; /* number of the key that the ticket is under */
    double use_at;
};

struct counts {
    unsigned long full;            /* without a session to resume */
    unsigned long same, same_lost; /* the key that the ticket is under still encrypts */
    unsigned long next, next_lost; /* a newer key encrypts, this one decrypts */
    unsigned long late, accepted;  /* its time is over */
    unsigned long failed;
};

/* One version of the protocol: a context has sessions of its own. */
struct visitor {
    const char *name;
    uint16_t version;
    tls_context_t *context;
    struct waiting waiting[WAITING];
    size_t count;
    struct counts counts;
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double fraction(void)
{
    return (double)rand() / ((double)RAND_MAX + 1);
}

static uint64_t key_at(const struct fleet *fleet, double time)
{
    return ((uint64_t)time - fleet->start) / fleet->period;
}

static double last_use(const struct fleet *fleet, uint64_t key)
{
    return (double)(fleet->start + (key + 2) * fleet->period);
}

static tls_context_t *make_context(const char *trust, uint16_t version)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;

    tls_builder_trust_file(builder, trust);
    tls_builder_versions(builder, version, version);
    tls_builder_sessions(builder, 0);
    context = tls_context_client(builder, &error);
    tls_builder_free(builder);
    if (context == NULL) {
        fprintf(stderr, "client: %s\n", error.message);
        exit(EXIT_FAILURE);
    }
    return context;
}

/* Keeps a session for any time from now to half a period after its end, often just after it: then
 * the client still offers it, for lifetimes are whole seconds. */
static void keep(struct visitor *visitor, const struct fleet *fleet, tls_session_t *session,
                 size_t issuer, uint64_t key)
{
    double time = now(), end = last_use(fleet, key);
    double use_at = fraction() < 0.2 ? end + fraction() * 0.8
                                     : time + fraction() * (end + (double)fleet->period / 2 - time);

    if (visitor->count == WAITING) {
        tls_session_free(session);
        return;
    }
    visitor->waiting[visitor->count++] = (struct waiting){session, issuer, key, use_at};
}

/* A session whose time has come and that another server issued. */
static bool choose(struct visitor *visitor, size_t server, struct waiting *chosen)
{
    double time = now();

    for (size_t i = 0; i < visitor->count; i++) {
        if (visitor->waiting[i].use_at <= time && visitor->waiting[i].issuer != server) {
            *chosen = visitor->waiting[i];
            visitor->waiting[i] = visitor->waiting[--visitor->count];
            return true;
        }
    }
    return false;
}

static void judge(struct counts *counts, const struct fleet *fleet, const struct waiting *offered,
                  double begun, double done, bool resumed)
{
    double end = last_use(fleet, offered->key);

    if (done < end && key_at(fleet, begun) == offered->key && key_at(fleet, done) == offered->key) {
        counts->same++;
        counts->same_lost += !resumed;
    } else if (done < end && key_at(fleet, begun) == offered->key + 1) {
        counts->next++;
        counts->next_lost += !resumed;
    } else if (begun >= end) {
        /* Later the client does not offer it any more: that would prove nothing about the server.
         */
        counts->late += done < end + 1;
        counts->accepted += resumed;
    }
}

/* One connection; what it is given is kept. */
static bool talk(struct visitor *visitor, const struct fleet *fleet, size_t server, int fd,
                 const struct waiting *offered)
{
    tls_error_t error = {.size = sizeof(error)};
    double begun = now(), done;
    tls_conn_t *conn =
        tls_client_new_resuming(visitor->context, "localhost", offered->session, &error);
    tls_session_t *session;
    bool resumed, well;

    if (conn == NULL || talk_handshake(conn, fd) != TLS_OK) {
        if (conn != NULL)
            tls_conn_error(conn, &error);
        fprintf(stderr, "client: handshake: %s %s\n", tls_status_name(error.status), error.message);
        tls_free(conn);
        return false;
    }
    resumed = tls_resumed(conn);
    well = talk_listen(conn, fd) == (resumed ? 'R' : 'F') && talk_say_and_close(conn, fd, 'x') == 0;
    done = now();
    if (offered->session != NULL)
        judge(&visitor->counts, fleet, offered, begun, done, resumed);
    else
        visitor->counts.full++;
    while ((session = tls_session_take(conn, NULL)) != NULL) {
        if (key_at(fleet, begun) == key_at(fleet, done))
            keep(visitor, fleet, session, server, key_at(fleet, begun));
        else
            tls_session_free(session);
    }
    tls_free(conn);
    return well;
}

static void visit(struct visitor *visitor, const struct fleet *fleet, size_t server)
{
    struct waiting offered = {.session = NULL};
    int fd = net_connect("127.0.0.1", fleet->ports[server], TIMEOUT_S);

    choose(visitor, server, &offered);
    if (fd < 0 || !talk(visitor, fleet, server, fd, &offered))
        visitor->counts.failed++;
    if (fd >= 0)
        close(fd);
    tls_session_free(offered.session);
}

static bool is_enough(const struct counts *counts)
{
    return counts->same >= LEAST_OVERLAP && counts->next >= LEAST_OVERLAP &&
           counts->late >= LEAST_LATE;
}

static bool goes_on(const struct fleet *fleet, const struct visitor *visitors)
{
    if (now() < (double)fleet->end)
        return true;
    return now() < (double)fleet->last &&
           !(is_enough(&visitors[0].counts) && is_enough(&visitors[1].counts));
}

static bool report(const struct visitor *visitor)
{
    const struct counts *c = &visitor->counts;
    unsigned long due = c->same + c->next, lost = c->same_lost + c->next_lost;
    bool enough = is_enough(c);

    printf("%s: %lu full; resumed %lu of %lu under the key that encrypts, %lu of %lu under the one "
           "before; "
           "%lu of %lu resumed after the end; %lu failed\n",
           visitor->name, c->full, c->same - c->same_lost, c->same, c->next - c->next_lost, c->next,
           c->accepted, c->late, c->failed);
    if (!enough)
        printf("%s: too few handshakes for a proof\n", visitor->name);
    return enough && lost * 1000 <= due && c->next_lost * 1000 <= c->next && c->accepted == 0 &&
           c->failed == 0;
}

int main(int argc, char **argv)
{
    static struct visitor visitors[2] = {{.name = "TLS 1.2", .version = TLS_VERSION_1_2},
                                         {.name = "TLS 1.3", .version = TLS_VERSION_1_3}};
    struct fleet fleet = {0};
    bool well = true;

    if (argc < 8 || argc - 6 > MOST_SERVERS) {
        fprintf(stderr, "usage: client TRUST START PERIOD END LAST PORT PORT...\n");
        return EXIT_FAILURE;
    }
    fleet.start = strtoull(argv[2], NULL, 10);
    fleet.period = strtoull(argv[3], NULL, 10);
    fleet.end = strtoull(argv[4], NULL, 10);
    fleet.last = strtoull(argv[5], NULL, 10);
    for (int i = 6; i < argc; i++)
        fleet.ports[fleet.servers++] = argv[i];
    for (size_t i = 0; i < 2; i++)
        visitors[i].context = make_context(argv[1], visitors[i].version);

    while (now() < (double)fleet.start)
        usleep(1000);
    for (size_t turn = 0; goes_on(&fleet, visitors); turn++)
        visit(&visitors[turn % 2], &fleet, (size_t)rand() % fleet.servers);

    for (size_t i = 0; i < 2; i++) {
        well = report(&visitors[i]) && well;
        while (visitors[i].count > 0)
            tls_session_free(visitors[i].waiting[--visitors[i].count].session);
        tls_context_free(visitors[i].context);
    }
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
