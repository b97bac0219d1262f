#include "expect.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

static bool says_why(const struct expected *expected, const struct scene *scene)
{
    return expected->value == 0 ||
           (scene->error.status == expected->value && scene->error.message[0] != '\0' &&
            memchr(scene->error.message, '\0', sizeof(scene->error.message)));
}

static bool matches(const struct expected *expected, const struct scene *scene, struct answer got,
                    struct answer usual)
{
    switch (expected->kind) {
    case ANSWER_EXACTLY:
        return got.number == expected->value;
    case ANSWER_POSITIVE:
        return got.number > 0;
    case ANSWER_QUESTION:
        return got.number == scene->question;
    case ANSWER_STICKY:
        return got.number == scene->fatal;
    case ANSWER_VERSION:
        return got.number == scene->version;
    case ANSWER_VOID:
        return true;
    case ANSWER_HANDLE:
        return got.pointer != NULL;
    case ANSWER_NO_HANDLE:
        return got.pointer == NULL && says_why(expected, scene);
    case ANSWER_TEXT:
        return got.text != NULL && got.text[0] != '\0';
    case ANSWER_SAME:
        return got.number == usual.number && !got.pointer == !usual.pointer;
    case ANSWER_BITS:
        return ((uint64_t)got.number & ~(uint64_t)expected->ignored) == (uint64_t)expected->value;
    case ANSWER_NONE:
        break;
    }
    return false;
}

static void describe(const struct expected *expected, const struct scene *scene,
                     struct answer usual, char *text, size_t len)
{
    static const char *const words[] = {
        [ANSWER_POSITIVE] = "a number above 0",
        [ANSWER_VOID] = "nothing",
        [ANSWER_HANDLE] = "a handle",
        [ANSWER_TEXT] = "a text",
    };
    switch (expected->kind) {
    case ANSWER_EXACTLY:
        snprintf(text, len, "%" PRId64, expected->value);
        break;
    case ANSWER_QUESTION:
        snprintf(text, len, "%d, the open question", (int)scene->question);
        break;
    case ANSWER_STICKY:
        snprintf(text, len, "%d, the fatal status", (int)scene->fatal);
        break;
    case ANSWER_VERSION:
        snprintf(text, len, "version %u", scene->version);
        break;
    case ANSWER_NO_HANDLE:
        snprintf(text, len, "NULL with error.status %" PRId64 " and a message", expected->value);
        break;
    case ANSWER_SAME:
        snprintf(text, len, "%" PRId64 " as with the usable argument", usual.number);
        break;
    case ANSWER_BITS:
        snprintf(text, len, "bits %" PRId64 " with %u open", expected->value,
                 (unsigned)expected->ignored);
        break;
    default:
        snprintf(text, len, "%s", words[expected->kind]);
    }
}

const struct expected *expect_answer(const struct cell *cell, const struct scene *scene,
                                     struct answer got, struct answer usual)
{
    char wanted[256] = "";
    for (int i = 0; i < MAX_ALTERNATIVES && cell->expected[i].kind != ANSWER_NONE; i++) {
        char one[64];
        if (matches(&cell->expected[i], scene, got, usual))
            return &cell->expected[i];
        describe(&cell->expected[i], scene, usual, one, sizeof(one));
        snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%s%s", i ? ", or " : "",
                 one);
    }
    report_failure("answered %" PRId64 " (%s), error.status %d; expected %s", got.number,
                   got.pointer ? "a handle" : "no handle", (int)scene->error.status, wanted);
    return NULL;
}

void expect_untouched(const struct cell *cell, const struct scene *scene, struct answer got)
{
    if (cell->function->returns != RETURNS_SIGNED)
        return;
    /* One more than the answer: a text is NUL-terminated. */
    size_t used = got.number >= 0 ? (size_t)got.number + 1 : 0;
    for (size_t i = used; i < SCENE_BUFFER; i++) {
        if (scene->buffer[i] != UNTOUCHED || scene->wire_out[i] != UNTOUCHED) {
            report_failure("wrote at %zu of a buffer though it answered %" PRId64, i, got.number);
            return;
        }
    }
}
