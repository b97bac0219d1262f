/*
 * What resumption with shared ticket keys is worth: full handshakes against resumed ones, for both
 * protocol versions and several key exchanges. Client and server are in one thread and in memory;
 * the client verifies a chain of two ECDSA P-256 certificates; two server contexts have the same
 * ticket keys, and every session that one of them issued is resumed at the other. Handshakes are
 * made in batches, one flight of all of them after the other, so that the clock, the processor time
 * of the thread, is read rarely and can tell both ends apart. Full and resumed batches alternate.
 * Printed are medians of the batches, and the spread of their middle half.
 *
 *     resumption PKI [BATCHES]
 *     resumption PKI BATCHES 1.2|1.3 GROUP    only resumed handshakes after the first batch, for a
 * profiler
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define BATCH 32
#define MOST_BATCHES 4096

/* X25519MLKEM768, X25519 and secp256r1 (IANA): in full handshakes, and what resumed ones offer. */
static const struct key_exchange {
    uint16_t full, resumed;
    const char *name;
} groups[] = {{0x11ec, 0x11ec, "X25519MLKEM768"},
              {0x11ec, 0x001d, "X25519MLKEM768, resumed with X25519"},
              {0x001d, 0x001d, "X25519"},
              {0x0017, 0x0017, "P-256"}};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

enum end { CLIENT, SERVER, BOTH, ENDS };

struct costs {
    double microseconds[ENDS][MOST_BATCHES]; /* of one handshake */
};

static double now(void)
{
    struct timespec time;

    CHECK_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time), 0);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* What from has queued is fed to to, whose work is measured; returns whether there was something.
 */
static int turn(tls_conn_t *const *from, tls_conn_t *const *to, double *spent)
{
    double start = now();
    size_t moved = 0;
    int i;

    for (i = 0; i < BATCH; i++) {
        moved += carry(from[i], to[i]);
        tls_advance(to[i]);
    }
    *spent += now() - start;
    return moved > 0;
}

/*
 * BATCH handshakes. Each resumes the session at its place in sessions, if there is one, and leaves
 * a new one there.
 */
static void run_batch(const tls_context_t *client, const tls_context_t *server,
                      const struct key_exchange *exchange, int resume, tls_session_t **sessions,
                      struct costs *costs, int batch)
{
    tls_conn_t *clients[BATCH], *servers[BATCH];
    tls_client_options_t options = {
        .size = sizeof(options), .server_name = "localhost", .flags = TLS_CLIENT_OWN_SESSIONS};
    double spent[ENDS] = {0}, start = now();
    int i;

    if (resume && exchange->resumed != exchange->full) {
        options.groups = &exchange->resumed;
        options.groups_count = 1;
    }
    for (i = 0; i < BATCH; i++) {
        options.session = resume ? sessions[i] : NULL;
        clients[i] = tls_client_new_with(client, &options, NULL);
        CHECK(clients[i] != NULL);
    }
    spent[CLIENT] += now() - start;
    start = now();
    for (i = 0; i < BATCH; i++) {
        servers[i] = tls_server_new(server, NULL);
        CHECK(servers[i] != NULL);
    }
    spent[SERVER] += now() - start;
    for (;;) {
        int to_server = turn(clients, servers, &spent[SERVER]);
        int to_client = turn(servers, clients, &spent[CLIENT]);

        if (!to_server && !to_client)
            break;
    }
    for (i = 0; i < BATCH; i++) {
        check_healthy(clients[i]);
        check_healthy(servers[i]);
        CHECK_EQ(tls_resumed(clients[i]), resume);
        CHECK_EQ(tls_resumed(servers[i]), resume);
        if (!resume || tls_protocol_version(clients[i]) == TLS_VERSION_1_3)
            CHECK_EQ(tls_group(clients[i]), resume ? exchange->resumed : exchange->full);
        tls_session_free(sessions[i]);
        sessions[i] = tls_session_take(clients[i], NULL);
        CHECK(sessions[i] != NULL);
    }
    start = now();
    for (i = 0; i < BATCH; i++)
        tls_free(clients[i]);
    spent[CLIENT] += now() - start;
    start = now();
    for (i = 0; i < BATCH; i++)
        tls_free(servers[i]);
    spent[SERVER] += now() - start;
    spent[BOTH] = spent[CLIENT] + spent[SERVER];
    if (costs != NULL)
        for (i = 0; i < ENDS; i++)
            costs->microseconds[i][batch] = spent[i] / BATCH;
}

static tls_context_t *context_of(struct recipe recipe, uint16_t version,
                                 const struct key_exchange *exchange,
                                 tls_context_t *(*make)(const tls_builder_t *, tls_error_t *))
{
    tls_error_t error = {.size = sizeof(error)};
    uint16_t numbers[] = {exchange->full, exchange->resumed};
    tls_builder_t *builder;
    tls_context_t *context;

    recipe = with_version(recipe, version);
    builder = make_builder(&recipe);
    CHECK_EQ(tls_builder_groups(builder, numbers, exchange->resumed != exchange->full ? 2 : 1),
             TLS_OK);
    /* A client that makes one connection after the other needs one. */
    CHECK_EQ(tls_builder_ticket_request(builder, 1, 1), TLS_OK);
    context = make(builder, &error);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static void share_ticket_keys(tls_context_t *const *servers, size_t count)
{
    tls_ticket_key_t key = {.size = sizeof(key), .secret_len = 48, .decrypt_until = UINT64_MAX};
    size_t i;

    memset(key.name, 1, sizeof(key.name));
    fill_bytes(key.secret, key.secret_len, 1);
    for (i = 0; i < count; i++)
        CHECK_EQ(tls_context_ticket_keys(servers[i], &key, 1, NULL), TLS_OK);
}

static int by_size(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

static double median(double *values, int count, double *spread)
{
    qsort(values, (size_t)count, sizeof(*values), by_size);
    *spread = 100 * (values[count * 3 / 4] - values[count / 4]) / values[count / 2];
    return values[count / 2];
}

static void measure(uint16_t version, int group, int batches)
{
    static const char *const ends[ENDS] = {"client alone", "server alone", "both ends"};
    static struct costs full, resumed;
    tls_context_t *client = context_of(plain_client, version, &groups[group], tls_context_client);
    tls_context_t *servers[2] = {
        context_of(plain_server, version, &groups[group], tls_context_server),
        context_of(plain_server, version, &groups[group], tls_context_server)};
    tls_session_t *sessions[BATCH] = {NULL};
    int i, batch;

    share_ticket_keys(servers, 2);
    for (batch = -1; batch < batches; batch++) {
        struct costs *counted = batch < 0 ? NULL : &full;

        run_batch(client, servers[0], &groups[group], 0, sessions, counted, batch);
        run_batch(client, servers[1], &groups[group], 1, sessions,
                  counted != NULL ? &resumed : NULL, batch);
    }
    for (i = 0; i < ENDS; i++) {
        double full_spread, resumed_spread;
        double full_cost = median(full.microseconds[i], batches, &full_spread);
        double resumed_cost = median(resumed.microseconds[i], batches, &resumed_spread);

        printf("| %s | %s | %s | %.1f | %.1f %% | %.1f | %.1f %% | %.2f |\n",
               version == TLS_VERSION_1_2 ? "TLS 1.2" : "TLS 1.3", groups[group].name, ends[i],
               full_cost, full_spread, resumed_cost, resumed_spread, full_cost / resumed_cost);
    }
    fflush(stdout);
    for (i = 0; i < BATCH; i++)
        tls_session_free(sessions[i]);
    tls_context_free(client);
    tls_context_free(servers[0]);
    tls_context_free(servers[1]);
}

static void only_resumed(uint16_t version, int group, int batches)
{
    tls_context_t *client = context_of(plain_client, version, &groups[group], tls_context_client);
    tls_context_t *server = context_of(plain_server, version, &groups[group], tls_context_server);
    tls_session_t *sessions[BATCH] = {NULL};
    int i;

    share_ticket_keys(&server, 1);
    for (i = 0; i < batches; i++)
        run_batch(client, server, &groups[group], i > 0, sessions, NULL, 0);
    for (i = 0; i < BATCH; i++)
        tls_session_free(sessions[i]);
    tls_context_free(client);
    tls_context_free(server);
}

int main(int argc, char **argv)
{
    int batches = argc > 2 ? atoi(argv[2]) : 60, group;

    pki_set(argc > 2 ? 2 : argc, argv);
    CHECK(batches > 0 && batches <= MOST_BATCHES);
    if (argc > 4) {
        for (group = 0; strcmp(groups[group].name, argv[4]) != 0; group++)
            CHECK(group < GROUPS - 1);
        only_resumed(strcmp(argv[3], "1.2") == 0 ? TLS_VERSION_1_2 : TLS_VERSION_1_3, group,
                     batches);
        return 0;
    }
    printf("| | key exchange | | full, µs | spread | resumed, µs | spread | ratio |\n");
    printf("|---|---|---|---|---|---|---|---|\n");
    for (EACH_VERSION) {
        for (group = 0; group < GROUPS; group++) {
            /* It needs TLS 1.3. */
            if (version == TLS_VERSION_1_2 && groups[group].full == 0x11ec)
                continue;
            measure(version, group, batches);
        }
    }
    return 0;
}
