#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char about[256] = "set-up";
static size_t failures;

unsigned report_patience(unsigned time)
{
    const char *factor = getenv("TLSBIO_PATIENCE");
    unsigned times = factor ? (unsigned)strtoul(factor, NULL, 10) : 1;
    return time * (times > 0 ? times : 1);
}

/* A cell that takes so long hangs. */
static void watch(void)
{
    alarm(report_patience(600));
}

void report_about(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(about, sizeof(about), format, arguments);
    va_end(arguments);
    watch();
    if (getenv("MATRIX_VERBOSE"))
        printf("%s\n", about);
}

void report_failure(const char *format, ...)
{
    va_list arguments;
    failures++;
    printf("FAIL %s: ", about);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

size_t report_failures(void)
{
    return failures;
}

void give_up(const char *format, ...)
{
    va_list arguments;
    printf("CANNOT RUN %s: ", about);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    exit(2);
}
