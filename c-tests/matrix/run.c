#include "run.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bystander.h"
#include "expect.h"
#include "objects.h"
#include "report.h"
#include "unharmed.h"
#include "values.h"
#include "wire.h"

unsigned run_needs(const struct function *function)
{
    unsigned needs = 0;
    for (int i = 0; i < function->parameters; i++) {
        needs |= function->kinds[i] == KIND_BUILDER ? NEEDS_BUILDER : 0u;
        needs |= function->kinds[i] == KIND_CONTEXT ? NEEDS_CONTEXT : 0u;
        needs |= function->kinds[i] == KIND_CONN ? NEEDS_CONN : 0u;
        needs |= function->kinds[i] == KIND_SESSION ? NEEDS_SESSION : 0u;
        needs |= function->kinds[i] == KIND_OWNED ? NEEDS_OWNED : 0u;
    }
    return needs;
}

static bool is_pointer(enum parameter_kind kind)
{
    return kind != KIND_NUMBER;
}

/* Wire bytes that the call took off the queue are the peer's. */
static void deliver_taken(struct scene *scene, tls_buffer_t *taken)
{
    void *wire = NULL;
    size_t len = 0;
    if (scene->peer && tls_buffer_memory(taken, &wire, &len) == TLS_OK)
        wire_feed(scene->peer, wire, len);
}

/* A connection that the call made is nobody's: it would be a leak. */
static void drop_result(const struct function *function, struct scene *scene, struct answer got)
{
    if (function->returns == RETURNS_BUILDER)
        tls_builder_free(got.pointer);
    else if (function->returns == RETURNS_CONTEXT)
        tls_context_free(got.pointer);
    else if (function->returns == RETURNS_CONN)
        tls_free(got.pointer);
    else if (function->returns == RETURNS_SESSION)
        tls_session_free(got.pointer);
    else if (function->returns == RETURNS_OWNED) {
        deliver_taken(scene, got.pointer);
        tls_buffer_free(got.pointer);
    }
}

/* Wire bytes that the call took out of the connection are the peer's. */
static void deliver(struct scene *scene, const union argument *arguments, int parameters,
                    struct answer got)
{
    for (int i = 0; i < parameters; i++) {
        if (arguments[i].pointer == scene->wire_out && got.number > 0)
            wire_feed(scene->peer, scene->wire_out, (size_t)got.number);
        if (arguments[i].pointer == scene->next_byte && got.number > 0)
            scene->ahead += (size_t)got.number;
    }
}

/* tls_drain_consume drops bytes that the host is expected to have seen through tls_drain_peek. */
static void deliver_before_consume(const struct cell *cell, struct scene *scene)
{
    const void *wire = NULL;
    size_t len = 0;
    if (strcmp(cell->function->name, "tls_drain_consume") == 0 && cell->value == VALUE_USABLE &&
        tls_drain_peek(scene->conn, &wire, &len) == TLS_OK && len > 0)
        wire_feed(scene->peer, wire, 1);
}

/* tls_feed_buffer takes the buffer over, if it takes it. */
static bool feeds_buffer(const struct cell *cell)
{
    return strcmp(cell->function->name, "tls_feed_buffer") == 0;
}

static void fill_before_feeding(const struct cell *cell, const union argument *arguments,
                                struct scene *scene)
{
    void *memory = NULL;
    size_t len = 0;
    if (feeds_buffer(cell) && tls_buffer_memory(arguments[1].pointer, &memory, &len) == TLS_OK)
        memcpy(memory, scene->next_byte, sizeof(scene->next_byte));
}

static void forget_after_feeding(const struct cell *cell, struct scene *scene, struct answer got)
{
    if (feeds_buffer(cell) && got.number == TLS_OK) {
        scene->ahead += sizeof(scene->next_byte);
        object_unlist(scene->owned);
        scene->owned = NULL;
    }
}

static struct answer call(const struct cell *cell, union argument *arguments, struct scene *scene)
{
    fill_before_feeding(cell, arguments, scene);
    struct answer got = cell->function->call(arguments);
    deliver(scene, arguments, cell->function->parameters, got);
    forget_after_feeding(cell, scene, got);
    drop_result(cell->function, scene, got);
    return got;
}

static void check_given(const struct cell *cell, const union argument *arguments,
                        struct scene *scene, uint32_t changes)
{
    for (int i = 0; i < cell->function->parameters; i++) {
        void *handle = arguments[i].pointer;
        enum parameter_kind kind = cell->function->kinds[i];
        if (i == cell->parameter || cell->value == VALUE_ALL_NULL || kind > KIND_OWNED)
            continue;
        /* Only the first object of a call is changed by it. */
        if (kind == KIND_CONN)
            unharmed_conn(scene, i == 0 ? changes : 0);
        else if (kind != KIND_OWNED || scene->owned)
            unharmed_object(kind, handle, i == 0 ? changes : 0);
    }
}

static void replace(const struct cell *cell, union argument *arguments, struct spares *spares)
{
    int at = cell->parameter;
    if (cell->value == VALUE_ALL_NULL) {
        for (int i = 0; i < cell->function->parameters; i++) {
            if (is_pointer(cell->function->kinds[i]))
                arguments[i].pointer = NULL;
        }
        return;
    }
    if (at < 0)
        return;
    if (cell->value == VALUE_ENDLESS || cell->value == VALUE_ENDLESS_EDGE) {
        arguments[at + 1].number =
            cell->value == VALUE_ENDLESS ? SIZE_MAX : (size_t)PTRDIFF_MAX + 1;
        return;
    }
    arguments[at].pointer = values_handle(cell->value, cell->function->kinds[at], spares);
    if (cell->value == VALUE_ENDLESS_AT_NULL)
        arguments[at + 1].number = SIZE_MAX;
    if (cell->value == VALUE_EMPTY)
        arguments[at + 1].number = 0;
    if (cell->value == VALUE_FREED_WITHOUT_ERROR) {
        for (int i = 0; i < cell->function->parameters; i++) {
            if (cell->function->kinds[i] == KIND_ERROR)
                arguments[i].pointer = NULL;
        }
    }
}

/* Every bit of a live handle, unless the flipped number is a live handle too. */
static void run_flipped(const struct cell *cell, union argument *arguments, struct scene *scene,
                        uintptr_t live)
{
    struct answer none = {0};
    for (unsigned bit = 0; bit < sizeof(live) * 8; bit++) {
        void *flipped = (void *)(live ^ ((uintptr_t)1 << bit));
        if (flipped == NULL || object_is_listed(flipped))
            continue;
        arguments[cell->parameter].pointer = flipped;
        if (!expect_answer(cell, scene, call(cell, arguments, scene), none))
            report_failure("with bit %u flipped", bit);
    }
}

static struct answer usual_answer(const struct cell *cell, union argument *arguments,
                                  struct scene *scene)
{
    struct answer usual = {0};
    if (cell->expected[0].kind == ANSWER_SAME) {
        usual = call(cell, arguments, scene);
        memset(scene->buffer, UNTOUCHED, sizeof(scene->buffer));
    }
    return usual;
}

void run_cell(const struct cell *cell, uint16_t version)
{
    static const char *const values[] = {
        "usable",
        "NULL",
        "NULL and 0",
        "all NULL",
        "a builder",
        "a context",
        "a connection",
        "a session",
        "a buffer",
        "freed",
        "freed, no error",
        "freed and reissued",
        "an address",
        "1",
        "all ones",
        "one bit flipped",
        "busy",
        "with SIZE_MAX",
        "with PTRDIFF_MAX + 1",
        "NULL with SIZE_MAX",
    };
    static const char *const phases[] = {
        "fresh",       "ask_context", "ask_verify", "established",
        "peer_closed", "we_closed",   "failed",     "truncated",
    };
    struct scene scene;
    struct spares spares = {.count = 0};
    union argument arguments[MAX_PARAMETERS];
    const struct expected *matched = cell->expected;
    report_about("%s, parameter %d %s, %s %s %x", cell->function->name, cell->parameter,
                 values[cell->value], cell->role == ROLE_CLIENT ? "client" : "server",
                 phases[cell->phase], (unsigned)version);

    scene_open(&scene, run_needs(cell->function), cell->phase, cell->role, version);
    cell->function->usable(arguments, &scene);
    struct answer usual = usual_answer(cell, arguments, &scene);
    replace(cell, arguments, &spares);
    deliver_before_consume(cell, &scene);
    if (cell->value == VALUE_FLIPPED) {
        run_flipped(cell, arguments, &scene, (uintptr_t)arguments[cell->parameter].pointer);
    } else {
        struct answer got = call(cell, arguments, &scene);
        matched = expect_answer(cell, &scene, got, usual);
        expect_untouched(cell, &scene, got);
    }
    check_given(cell, arguments, &scene, matched ? matched->changes : 0);
    values_check_and_free(&spares);
    bystander_check();
    scene_close(&scene);
}
