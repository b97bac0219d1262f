/* {every export} x {NULL, bad handle, another type, wrong phase, second thread inside}: matrix
 * PKI_DIR [PART PARTS | threads]
 * Without more it runs all, otherwise every PARTS-th cell from PART on, or what needs a second
 * thread: under valgrind on a busy machine all of it takes too long to be one test.
 * MATRIX_VERBOSE=1 in the environment names every cell before it runs. */
#include "matrix.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busy.h"
#include "bystander.h"
#include "objects.h"
#include "pki.h"
#include "report.h"
#include "run.h"
#include "shared_context.h"

struct part {
    size_t first, step;
};

static size_t run_group(enum group group, struct part part)
{
    size_t count = 0, seen = 0;
    for (size_t i = 0; i < cell_count; i++) {
        if (cells[i].group != group || seen++ % part.step != part.first)
            continue;
        run_cell(&cells[i], TLS_VERSION_1_3);
        count++;
        /* What a call answers to nonsense cannot depend on the version; what it answers in a phase
         * can. */
        if (group == GROUP_PHASE) {
            run_cell(&cells[i], TLS_VERSION_1_2);
            count++;
        }
    }
    return count;
}

static void run_cells(struct part part)
{
    static const char *const names[] = {"NULL", "bad handle", "handle of another type", "phase"};
    for (int group = GROUP_NULL; group <= GROUP_PHASE; group++) {
        size_t count = run_group((enum group)group, part);
        printf("%s: %zu cells\n", names[group], count);
        if (count == 0)
            report_failure("no cell of this group");
    }
}

static void run_threads(void)
{
    printf("second thread inside a connection: %zu cells\n",
           busy_run_conn(ROLE_CLIENT) + busy_run_conn(ROLE_SERVER));
    printf("second thread inside a builder: %zu cells\n", busy_run_builder());
    shared_context_run();
    printf("one context in two threads\n");
}

/* False if the arguments name no part. */
static bool parse(int argc, char **argv, struct part *part, bool *threads)
{
    *part = (struct part){0, 1};
    *threads = argc == 2 || (argc == 3 && strcmp(argv[2], "threads") == 0);
    if (argc == 3)
        part->step = 0;
    if (argc == 4) {
        part->first = strtoul(argv[2], NULL, 10);
        part->step = strtoul(argv[3], NULL, 10);
    }
    return *threads || (argc == 4 && part->first < part->step);
}

int main(int argc, char **argv)
{
    struct part part;
    bool threads;
    if (!parse(argc, argv, &part, &threads)) {
        fprintf(stderr, "usage: matrix PKI_DIR [PART PARTS | threads]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    pki_load(argv[1]);
    bystander_open();
    printf("%zu exports\n", function_count);
    if (part.step > 0)
        run_cells(part);
    if (threads)
        run_threads();
    bystander_close();
    object_session_context_free();
    pki_unload();
    printf("%zu failures\n", report_failures());
    return report_failures() ? 1 : 0;
}
