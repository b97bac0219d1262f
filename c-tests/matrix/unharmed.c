#include "unharmed.h"

#include <stdbool.h>
#include <string.h>

#include "objects.h"
#include "report.h"
#include "wire.h"

enum { ENDS = TLS_PEER_CLOSED | TLS_WE_CLOSED | TLS_EOF | TLS_FAILED };

static uint32_t bits_of(enum phase phase)
{
    static const uint32_t bits[] = {
        [PHASE_FRESH] = TLS_HANDSHAKING,
        [PHASE_ASK_CONTEXT] = TLS_HANDSHAKING | TLS_ASKING,
        [PHASE_ASK_VERIFY] = TLS_HANDSHAKING | TLS_ASKING,
        [PHASE_ESTABLISHED] = 0,
        [PHASE_PEER_CLOSED] = TLS_PEER_CLOSED,
        [PHASE_WE_CLOSED] = TLS_WE_CLOSED,
        [PHASE_FAILED] = TLS_FAILED,
        [PHASE_TRUNCATED] = TLS_EOF,
    };
    return bits[phase];
}

static void expect(const char *what, int64_t got, int64_t wanted)
{
    if (got != wanted)
        report_failure("afterwards: %s answers %lld instead of %lld", what, (long long)got,
                       (long long)wanted);
}

static void check_failed(struct scene *scene)
{
    char plain[16];
    tls_error_t error = {.size = sizeof(error)};
    tls_status_t status = tls_advance(scene->conn);
    if (status > TLS_ERR_PEER || (scene->fatal && status != scene->fatal))
        report_failure("afterwards: the fatal status is %d", (int)status);
    expect("tls_advance, again", tls_advance(scene->conn), status);
    expect("tls_read_into", tls_read_into(scene->conn, plain, sizeof(plain)), status);
    expect("tls_write_from", tls_write_from(scene->conn, "x", 1), status);
    expect("tls_conn_error", tls_conn_error(scene->conn, &error), TLS_OK);
    expect("error.status", error.status, status);
}

/* The question is still open, and can be answered. */
static void answer(struct scene *scene)
{
    expect("tls_advance", tls_advance(scene->conn), scene->question);
    if (scene->question == TLS_ASK_VERIFY) {
        expect("tls_answer_verify", tls_answer_verify(scene->conn, -1), TLS_OK);
        return;
    }
    tls_context_t *context = object_context(ROLE_SERVER, CONTEXT_PLAIN, scene->version);
    expect("tls_answer_context", tls_answer_context(scene->conn, context), TLS_OK);
    object_free(KIND_CONTEXT, context);
}

static void finish_handshake(struct scene *scene)
{
    wire_settle(scene->conn, scene->peer, &scene->ahead);
    expect("tls_advance", tls_advance(scene->conn), TLS_OK);
    expect("tls_advance of the peer", tls_advance(scene->peer), TLS_OK);
}

static void check_ended_in_handshake(struct scene *scene, uint32_t bits)
{
    tls_status_t status = tls_advance(scene->conn);
    if (status != TLS_TRUNCATED && !((bits & TLS_ASKING) && status == scene->question))
        report_failure("afterwards: tls_advance answers %d at the end of the transport",
                       (int)status);
}

static void check_both_ways(struct scene *scene, uint32_t bits)
{
    char plain[16];
    size_t none = 0;
    expect("tls_uncork", tls_uncork(scene->conn), TLS_OK);
    if (bits & TLS_WE_CLOSED)
        expect("tls_write_from", tls_write_from(scene->conn, "x", 1), TLS_ERR_STATE);
    else if (!wire_says(scene->conn, scene->peer, &none, "still here."))
        report_failure("afterwards: the connection no longer reaches its peer");

    if (bits & TLS_PEER_CLOSED)
        expect("tls_read_into", tls_read_into(scene->conn, plain, sizeof(plain)), TLS_CLOSED);
    else if (bits & TLS_EOF)
        expect("tls_read_into", tls_read_into(scene->conn, plain, sizeof(plain)), TLS_TRUNCATED);
    else if (!wire_says(scene->peer, scene->conn, &scene->ahead, "here too."))
        report_failure("afterwards: the peer no longer reaches the connection");
}

/* It is the receiving half of what it was. */
static void check_receiving_half(struct scene *scene, uint32_t bits)
{
    char plain[16];
    expect("tls_write_from", tls_write_from(scene->conn, "x", 1), TLS_ERR_STATE);
    if (bits & TLS_PEER_CLOSED)
        expect("tls_read_into", tls_read_into(scene->conn, plain, sizeof(plain)), TLS_CLOSED);
    else if (bits & TLS_EOF)
        expect("tls_read_into", tls_read_into(scene->conn, plain, sizeof(plain)), TLS_TRUNCATED);
    else if (!wire_says(scene->peer, scene->conn, &scene->ahead, "here too."))
        report_failure("afterwards: the peer no longer reaches the receiving half");
}

void unharmed_conn(struct scene *scene, uint32_t changes)
{
    if (changes & CHANGE_FREED) {
        expect("tls_advance", tls_advance(scene->conn), TLS_ERR_HANDLE);
        return;
    }
    uint32_t bits = bits_of(scene->phase) | (changes & ENDS);
    if (changes & CHANGE_SPLIT) {
        check_receiving_half(scene, bits);
        return;
    }
    uint32_t state = tls_state(scene->conn);
    expect("tls_state, for the ends,", state & ENDS, bits & ENDS);
    if (bits & TLS_FAILED) {
        check_failed(scene);
        return;
    }
    if (bits & TLS_EOF && bits & TLS_HANDSHAKING) {
        check_ended_in_handshake(scene, bits);
        return;
    }
    if (!(changes & CHANGE_ANSWERED)) {
        expect("tls_state, for the handshake,", state & (TLS_HANDSHAKING | TLS_ASKING),
               bits & (TLS_HANDSHAKING | TLS_ASKING));
        if (bits & TLS_ASKING)
            answer(scene);
    }
    if (bits & TLS_HANDSHAKING)
        finish_handshake(scene);
    check_both_ways(scene, bits);
}

void unharmed_object(enum parameter_kind kind, void *handle, uint32_t changes)
{
    bool works = object_works(kind, handle);
    if (changes & CHANGE_FREED && works)
        report_failure("afterwards: the freed handle still works");
    if (!(changes & CHANGE_FREED) && !works)
        report_failure("afterwards: the object no longer works");
}
