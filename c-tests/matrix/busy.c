#include "busy.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bystander.h"
#include "expect.h"
#include "frozen.h"
#include "objects.h"
#include "pki.h"
#include "report.h"
#include "run.h"
#include "wire.h"

enum { MOST_CELLS = 128, PLAIN = 16 * 1024, WIRE = 20 * 1024, COPIES = 64, LATE_RUNS = 5 };

struct busy {
    const struct cell *cells[MOST_CELLS];
    struct answer answers[MOST_CELLS];
    struct scene scenes[MOST_CELLS]; /* only usable arguments: no cell sees what another one left */
    size_t count;
    const struct cell
        *freeing; /* comes last: the object ends with the call that the other thread is in */
    tls_conn_t *conn;
    tls_builder_t *builder;
    tls_status_t after_free;
    int64_t unexpected; /* what the other thread was told in between */
    char *bundle;
    size_t bundle_len;
};

static bool frees(const struct cell *cell)
{
    return cell->function->returns == RETURNS_VOID;
}

static struct busy *gather(enum group group)
{
    struct busy *busy = calloc(1, sizeof(*busy));
    if (!busy)
        give_up("out of memory");
    for (size_t i = 0; i < cell_count; i++) {
        if (cells[i].group != group)
            continue;
        if (frees(&cells[i]) && busy->freeing)
            give_up("two functions that free the same type");
        if (frees(&cells[i])) {
            busy->freeing = &cells[i];
            continue;
        }
        if (busy->count == MOST_CELLS)
            give_up("more cells than expected");
        busy->cells[busy->count++] = &cells[i];
    }
    if (!busy->count || !busy->freeing)
        give_up("no cell for a busy object");
    return busy;
}

static struct answer call(const struct cell *cell, struct scene *scene, void *busy_handle)
{
    union argument arguments[MAX_PARAMETERS];
    cell->function->usable(arguments, scene);
    arguments[cell->parameter].pointer = busy_handle;
    return cell->function->call(arguments);
}

static void prepare(struct busy *busy)
{
    for (size_t i = 0; i < busy->count; i++) {
        unsigned needs = run_needs(busy->cells[i]->function) & NEEDS_CONTEXT;
        scene_open(&busy->scenes[i], needs, PHASE_ESTABLISHED, ROLE_CLIENT, TLS_VERSION_1_3);
    }
}

/* Calls only: reporting could wait for a lock that the stopped thread holds. */
static void call_all(struct busy *busy, void *handle)
{
    for (size_t i = 0; i < busy->count; i++)
        busy->answers[i] = call(busy->cells[i], &busy->scenes[i], handle);
}

static size_t judge(struct busy *busy, enum frozen_result result)
{
    struct answer none = {0};
    bool complete = result == FROZEN_COMPLETE;
    report_about("second thread inside, %s", busy->freeing->function->name);
    if (result == FROZEN_LATE)
        report_failure("a call waited for the thread that was inside, in each of %d runs",
                       LATE_RUNS);
    if (result == FROZEN_NEVER)
        report_failure("the second thread was never found inside a call");
    for (size_t i = 0; complete && i < busy->count; i++) {
        report_about("%s, second thread inside", busy->cells[i]->function->name);
        expect_answer(busy->cells[i], &busy->scenes[i], busy->answers[i], none);
        expect_untouched(busy->cells[i], &busy->scenes[i], busy->answers[i]);
    }
    report_about("%s, second thread inside", busy->freeing->function->name);
    if (busy->unexpected)
        report_failure("the thread that was inside got %lld", (long long)busy->unexpected);
    if (complete && busy->after_free != TLS_ERR_BUSY && busy->after_free != TLS_ERR_HANDLE)
        report_failure("afterwards the object answers %d", (int)busy->after_free);
    for (size_t i = 0; i < busy->count; i++)
        scene_close(&busy->scenes[i]);
    size_t count = busy->count + 1;
    free(busy->bundle);
    free(busy);
    return count;
}

/* The other thread's own calls succeed until the object is freed. It can meet the prober only in a
 * late try. */
static bool goes_on(struct busy *busy, int64_t answer)
{
    if (answer == TLS_ERR_HANDLE)
        return false;
    if (answer < 0 && answer != TLS_ERR_BUSY)
        busy->unexpected = answer;
    return true;
}

static bool use_conn(void *subject)
{
    static const unsigned char plain[PLAIN];
    static unsigned char wire[WIRE];
    struct busy *busy = subject;
    return goes_on(busy, tls_write_from(busy->conn, plain, sizeof(plain))) &&
           goes_on(busy, tls_drain_into(busy->conn, wire, sizeof(wire)));
}

static bool probe_conn(void *subject)
{
    struct busy *busy = subject;
    if (tls_plain_pending(busy->conn) != TLS_ERR_BUSY)
        return false;
    call_all(busy, busy->conn);
    tls_free(busy->conn);
    busy->after_free = tls_advance(busy->conn);
    return true;
}

static enum frozen_result freeze_conn(struct busy *busy, enum role role)
{
    struct scene scene;
    scene_open(&scene, NEEDS_CONN, PHASE_ESTABLISHED, role, TLS_VERSION_1_3);
    busy->conn = scene.conn;
    enum frozen_result result =
        frozen_run(&(struct frozen_plan){.work = use_conn, .probe = probe_conn, .subject = busy});
    if (result != FROZEN_NEVER && tls_advance(scene.conn) != TLS_ERR_HANDLE)
        report_failure("tls_free while a call ran: the connection outlived that call");
    scene_close(&scene);
    return result;
}

size_t busy_run_conn(enum role role)
{
    struct busy *busy = gather(GROUP_BUSY_CONN);
    enum frozen_result result = FROZEN_LATE;
    report_about("second thread inside a connection");
    prepare(busy);
    for (int i = 0; i < LATE_RUNS && result == FROZEN_LATE; i++)
        result = freeze_conn(busy, role);
    size_t count = judge(busy, result);
    bystander_check();
    return count;
}

static bool use_builder(void *subject)
{
    struct busy *busy = subject;
    return goes_on(busy, tls_builder_trust_pem(busy->builder, busy->bundle, busy->bundle_len));
}

static bool probe_builder(void *subject)
{
    struct busy *busy = subject;
    if (tls_builder_versions(busy->builder, TLS_VERSION_1_2, TLS_VERSION_1_3) != TLS_ERR_BUSY)
        return false;
    call_all(busy, busy->builder);
    tls_builder_free(busy->builder);
    busy->after_free = tls_builder_versions(busy->builder, TLS_VERSION_1_2, TLS_VERSION_1_3);
    return true;
}

static void make_bundle(struct busy *busy)
{
    busy->bundle_len = pki.roots.len * COPIES;
    busy->bundle = malloc(busy->bundle_len);
    if (!busy->bundle)
        give_up("out of memory");
    for (size_t i = 0; i < COPIES; i++)
        memcpy(busy->bundle + i * pki.roots.len, pki.roots.text, pki.roots.len);
}

static enum frozen_result freeze_builder(struct busy *busy)
{
    busy->builder = tls_builder_new();
    enum frozen_result result = frozen_run(
        &(struct frozen_plan){.work = use_builder, .probe = probe_builder, .subject = busy});
    if (result != FROZEN_NEVER &&
        tls_builder_versions(busy->builder, TLS_VERSION_1_2, TLS_VERSION_1_3) != TLS_ERR_HANDLE)
        report_failure("tls_builder_free while a call ran: the builder outlived that call");
    tls_builder_free(busy->builder);
    return result;
}

size_t busy_run_builder(void)
{
    struct busy *busy = gather(GROUP_BUSY_BUILDER);
    enum frozen_result result = FROZEN_LATE;
    report_about("second thread inside a builder");
    make_bundle(busy);
    prepare(busy);
    for (int i = 0; i < LATE_RUNS && result == FROZEN_LATE; i++)
        result = freeze_builder(busy);
    size_t count = judge(busy, result);
    bystander_check();
    return count;
}
