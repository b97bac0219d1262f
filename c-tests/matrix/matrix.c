/* {every export} x {NULL, bad handle, another type, wrong phase, second thread inside}: matrix
 * PKI_DIR MATRIX_VERBOSE=1 in the environment names every cell before it runs. */
#include "matrix.h"

#include <stdio.h>

#include "busy.h"
#include "bystander.h"
#include "objects.h"
#include "pki.h"
#include "report.h"
#include "run.h"
#include "shared_context.h"

static size_t run_group(enum group group)
{
    size_t count = 0;
    for (size_t i = 0; i < cell_count; i++) {
        if (cells[i].group != group)
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

int main(int argc, char **argv)
{
    static const char *const names[] = {"NULL", "bad handle", "handle of another type", "phase"};
    if (argc != 2) {
        fprintf(stderr, "usage: matrix PKI_DIR\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    pki_load(argv[1]);
    bystander_open();
    printf("%zu exports\n", function_count);
    for (int group = GROUP_NULL; group <= GROUP_PHASE; group++) {
        size_t count = run_group((enum group)group);
        printf("%s: %zu cells\n", names[group], count);
        if (count == 0)
            report_failure("no cell of this group");
    }
    printf("second thread inside a connection: %zu cells\n",
           busy_run_conn(ROLE_CLIENT) + busy_run_conn(ROLE_SERVER));
    printf("second thread inside a builder: %zu cells\n", busy_run_builder());
    shared_context_run();
    printf("one context in two threads\n");
    bystander_close();
    object_session_context_free();
    pki_unload();
    printf("%zu failures\n", report_failures());
    return report_failures() ? 1 : 0;
}
