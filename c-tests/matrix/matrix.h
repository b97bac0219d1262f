/* The shape of a cell: one call of one export with one thing wrong, or in one phase of a
 * connection. The cells themselves are made from the header by generate.py. */
#ifndef MATRIX_H
#define MATRIX_H

#include <stddef.h>
#include <stdint.h>

#include <tlsbio.h>

#include "scene.h"

enum { MAX_PARAMETERS = 8, MAX_ALTERNATIVES = 4 };

enum returns {
    RETURNS_SIGNED,
    RETURNS_UNSIGNED,
    RETURNS_VOID,
    RETURNS_TEXT,
    RETURNS_BUILDER,
    RETURNS_CONTEXT,
    RETURNS_CONN,
    RETURNS_SESSION,
    RETURNS_OWNED
};

enum parameter_kind {
    KIND_BUILDER,
    KIND_CONTEXT,
    KIND_CONN,
    KIND_SESSION,
    KIND_OWNED,
    KIND_ERROR,
    KIND_POINTER,
    KIND_NUMBER
};

enum group {
    GROUP_NULL,
    GROUP_HANDLE,
    GROUP_TYPE,
    GROUP_PHASE,
    GROUP_BUSY_BUILDER,
    GROUP_BUSY_CONN,
    GROUP_COUNT
};

/* What a cell puts in the place of one usable argument. */
enum value {
    VALUE_USABLE,
    VALUE_NULL,
    VALUE_EMPTY,    /* NULL, with a length of 0 */
    VALUE_ALL_NULL, /* every pointer at once */
    VALUE_BUILDER,
    VALUE_CONTEXT,
    VALUE_CONN,
    VALUE_SESSION,
    VALUE_OWNED,
    VALUE_FREED,
    VALUE_FREED_WITHOUT_ERROR,
    VALUE_REISSUED, /* freed, while newer objects of its type may live in its place */
    VALUE_LOCAL,
    VALUE_ONE,
    VALUE_ALL_ONES,
    VALUE_FLIPPED, /* a live handle with one bit flipped, for every bit */
    VALUE_BUSY,
    VALUE_ENDLESS,         /* the usable pointer, with a length of SIZE_MAX */
    VALUE_ENDLESS_EDGE,    /* the same with PTRDIFF_MAX + 1 */
    VALUE_ENDLESS_AT_NULL, /* NULL, with a length of SIZE_MAX */
};

enum answer_kind {
    ANSWER_NONE, /* ends a list of alternatives */
    ANSWER_EXACTLY,
    ANSWER_POSITIVE,
    ANSWER_QUESTION,
    ANSWER_STICKY,
    ANSWER_VERSION,
    ANSWER_VOID,
    ANSWER_HANDLE,
    ANSWER_NO_HANDLE, /* NULL, with this status in the caller's tls_error_t */
    ANSWER_TEXT,
    ANSWER_SAME, /* as with the usable argument */
    ANSWER_BITS
};

/* Changes beside bits of the state word; those bits end far below. */
#define CHANGE_SPLIT (UINT32_C(1) << 29)
#define CHANGE_ANSWERED (UINT32_C(1) << 30)
#define CHANGE_FREED (UINT32_C(1) << 31)

union argument {
    void *pointer;
    uint64_t number;
};

struct answer {
    int64_t number;
    void *pointer;
    const char *text;
};

struct expected {
    enum answer_kind kind;
    int64_t value;
    uint32_t ignored; /* bits of the state word that are left open */
    uint32_t changes;
};

struct function {
    const char *name;
    struct answer (*call)(union argument *arguments);
    void (*usable)(union argument *arguments, struct scene *scene);
    enum returns returns;
    int parameters;
    enum parameter_kind kinds[MAX_PARAMETERS];
};

struct cell {
    enum group group;
    const struct function *function;
    int parameter; /* the one that is replaced, -1 for none */
    enum value value;
    enum phase phase;
    enum role role;
    struct expected expected[MAX_ALTERNATIVES];
};

extern const struct function functions[];
extern const size_t function_count;
extern const struct cell cells[];
extern const size_t cell_count;

#endif
