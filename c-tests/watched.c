/* Two faults on purpose: watched overflow, watched leak. The build registers them where a sanitizer
 * or valgrind watches, and expects the report: a watcher that sees nothing makes every other test
 * look clean. The overflow is written by the library, so that it is known to be watched too. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static void overflow(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    size_t *half = malloc(sizeof(size_t) / 2);
    void *window;

    tls_feed_window(pair.client, 1, &window, half);
    free(half);
    free_pair(&pair);
}

static void leak(void)
{
    /* Where no dead stack slot or register still points to it. */
    void *volatile lost = malloc(100);

    lost = NULL;
    CHECK(lost == NULL);
}

int main(int argc, char **argv)
{
    pki_set(argc > 1 ? argc - 1 : argc, argv + (argc > 1));
    if (strcmp(argv[1], "overflow") == 0)
        overflow();
    else
        leak();
    return 0;
}
