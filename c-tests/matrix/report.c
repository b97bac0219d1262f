#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char about[256] = "set-up";
static size_t failures;

void report_about(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(about, sizeof(about), format, arguments);
    va_end(arguments);
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
