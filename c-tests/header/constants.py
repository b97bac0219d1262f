#!/usr/bin/env python3
"""Writes a C program that holds the library's constants against the header's: constants.py HEADER OUTPUT.c

ctypes and cgo cannot see macros: they ask tls_constant, which has to say what the header says, and tls_status_name,
which has to give the macro's own name.
"""

import sys
from pathlib import Path

import tlsbio_header

PROGRAM = """/* Made by constants.py from tlsbio.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tlsbio.h>

static const struct {{
    const char *name;
    int64_t value;
}} constants[] = {{
{constants}
}};

static const struct {{
    const char *name;
    tls_status_t status;
}} statuses[] = {{
{statuses}
}};

static int check_constants(void)
{{
    int failures = 0;
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {{
        int64_t value = INT64_MIN;
        tls_status_t status = tls_constant(constants[i].name, &value);
        if (status != TLS_OK || value != constants[i].value) {{
            printf("FAIL tls_constant(%s): status %d, value %" PRId64 " instead of %" PRId64 "\\n", constants[i].name,
                   (int)status, value, constants[i].value);
            failures++;
        }}
    }}
    return failures;
}}

static int check_statuses(void)
{{
    int failures = 0;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {{
        const char *name = tls_status_name(statuses[i].status);
        if (!name || strcmp(name, statuses[i].name) != 0) {{
            printf("FAIL tls_status_name(%d): %s instead of %s\\n", (int)statuses[i].status, name ? name : "NULL",
                   statuses[i].name);
            failures++;
        }}
    }}
    return failures;
}}

/* What is no constant must not look like one, and must leave the host's variable alone. */
static int check_unknown(void)
{{
    static const char *const unknown[] = {{ "", "TLS_", "TLS_OK ", "tls_ok", "TLS_NO_SUCH_CONSTANT" }};
    int failures = 0;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {{
        int64_t value = 4711;
        if (tls_constant(unknown[i], &value) != TLS_ERR_ARGUMENT || value != 4711) {{
            printf("FAIL tls_constant(\\"%s\\") is not TLS_ERR_ARGUMENT with the value untouched\\n", unknown[i]);
            failures++;
        }}
    }}
    for (tls_status_t status = -100; status <= 100; status++) {{
        const char *name = tls_status_name(status);
        int known = 0;
        for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
            known |= statuses[i].status == status;
        if (!name || (!known && tls_constant(name, &(int64_t){{ 0 }}) != TLS_ERR_ARGUMENT)) {{
            printf("FAIL tls_status_name(%d): %s for a number that is no status\\n", (int)status, name ? name : "NULL");
            failures++;
        }}
    }}
    return failures;
}}

int main(void)
{{
    int failures = check_constants() + check_statuses() + check_unknown();
    printf("%zu constants, %zu statuses, %d failures\\n", sizeof(constants) / sizeof(constants[0]),
           sizeof(statuses) / sizeof(statuses[0]), failures);
    return failures ? 1 : 0;
}}
"""


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    header = tlsbio_header.read(sys.argv[1])
    constants = "\n".join(f'    {{ "{name}", {name} }},' for name in header.constants)
    statuses = "\n".join(f'    {{ "{name}", {name} }},' for name in header.statuses)
    Path(sys.argv[2]).write_text(PROGRAM.format(constants=constants, statuses=statuses), encoding="utf-8")


if __name__ == "__main__":
    main()
