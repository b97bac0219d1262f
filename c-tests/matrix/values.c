#include <stdbool.h>

#include "values.h"

#include "bystander.h"
#include "objects.h"
#include "report.h"

static void *spare(struct spares *spares, enum parameter_kind kind)
{
    spares->kind = kind;
    spares->handles[spares->count] = object_new(kind);
    return spares->handles[spares->count++];
}

static void *freed(enum parameter_kind kind)
{
    void *handle = object_new(kind);
    object_free(kind, handle);
    return handle;
}

void *values_handle(enum value value, enum parameter_kind kind, struct spares *spares)
{
    static int local;
    void *handle;
    *spares = (struct spares){.count = 0};
    switch (value) {
    case VALUE_BUILDER:
        return spare(spares, KIND_BUILDER);
    case VALUE_CONTEXT:
        return spare(spares, KIND_CONTEXT);
    case VALUE_CONN:
        return bystander_conn();
    case VALUE_SESSION:
        return spare(spares, KIND_SESSION);
    case VALUE_OWNED:
        return spare(spares, KIND_OWNED);
    case VALUE_FREED:
    case VALUE_FREED_WITHOUT_ERROR:
        return freed(kind);
    case VALUE_REISSUED:
        handle = freed(kind);
        for (int i = 0; i < SPARES; i++)
            spare(spares, kind);
        return handle;
    case VALUE_LOCAL:
        return &local;
    case VALUE_ONE:
        return (void *)(uintptr_t)1;
    case VALUE_ALL_ONES:
        return (void *)UINTPTR_MAX;
    case VALUE_FLIPPED:
        return spare(spares, kind);
    default:
        return NULL;
    }
}

void values_check_and_free(struct spares *spares)
{
    for (size_t i = 0; i < spares->count; i++) {
        if (!object_works(spares->kind, spares->handles[i]))
            report_failure("another object, of which the call knew nothing, was harmed");
        object_free(spares->kind, spares->handles[i]);
    }
}
