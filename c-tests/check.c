#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tlsbio.h>

static const char *current_case = "set-up";

/* Without the leak check of a normal exit, whose long list would hide the one line that matters. */
static void fail(void)
{
    fflush(NULL);
    _Exit(1);
}

unsigned check_patience(unsigned seconds)
{
    const char *factor = getenv("TLSBIO_PATIENCE");
    unsigned times = factor != NULL ? (unsigned)strtoul(factor, NULL, 10) : 1;

    return seconds * (times > 0 ? times : 1);
}

void check_begin_case(const char *name)
{
    current_case = name;
    printf("%s\n", name);
    fflush(stdout);
    /* A hang ends the program, with the name of the case as its last line. */
    alarm(check_patience(600));
}

void check_true(int holds, const char *text, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: in %s: not true: %s\n", file, line, current_case, text);
    fail();
}

static const char *status_name(long long number)
{
    const char *name = number < 0 && number >= -999 ? tls_status_name((tls_status_t)number) : NULL;

    return name != NULL ? name : "";
}

void check_equal(long long actual, long long expected, const char *actual_text,
                 const char *expected_text, const char *file, int line)
{
    if (actual == expected)
        return;
    fprintf(stderr, "%s:%d: in %s: %s is %lld %s, expected %s, which is %lld %s\n", file, line,
            current_case, actual_text, actual, status_name(actual), expected_text, expected,
            status_name(expected));
    fail();
}

void check_bytes(const void *actual, const void *expected, size_t len, const char *text,
                 const char *file, int line)
{
    const unsigned char *a = actual, *b = expected;
    size_t i;

    for (i = 0; i < len; i++) {
        if (a[i] == b[i])
            continue;
        fprintf(stderr, "%s:%d: in %s: byte %zu of %zu of %s is 0x%02x, expected 0x%02x\n", file,
                line, current_case, i, len, text, a[i], b[i]);
        fail();
    }
}
