/*
 * Full handshakes of contexts without questions, for callgrind to count: client and server in one
 * thread, from tls_client_new to both ends freed, tickets included. It uses no call younger than
 * the first release of the interface, so that one program runs with the library of any revision.
 *
 *     valgrind --tool=callgrind --collect-atstart=no --compress-strings=no ... handshake_cost
 * PKI 1.3 COUNT
 *
 * Each handshake is a dump of its own: keys are random, and so no two cost the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/callgrind.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define WARM_UP 3

static void handshake(const tls_context_t *client, const tls_context_t *server)
{
    struct pair pair = new_pair_of(client, server, NULL);

    finish_handshake(&pair);
    free_pair(&pair);
}

int main(int argc, char **argv)
{
    struct recipe client_recipe = plain_client, server_recipe = plain_server;
    tls_context_t *client, *server;
    unsigned short version;
    int i, count;

    if (argc != 4) {
        fprintf(stderr, "usage: %s PKI_DIRECTORY 1.2|1.3 COUNT\n", argv[0]);
        return 2;
    }
    pki_set(2, argv);
    version = strcmp(argv[2], "1.2") == 0 ? TLS_VERSION_1_2 : TLS_VERSION_1_3;
    count = atoi(argv[3]);
    server_recipe = with_version(server_recipe, version);
    server = make_server_context(&server_recipe);
    client_recipe = with_version(client_recipe, version);

    for (i = 0; i < WARM_UP + count; i++) {
        /* A context that has seen the server would resume. */
        client = make_client_context(&client_recipe);
        if (i >= WARM_UP)
            CALLGRIND_TOGGLE_COLLECT;
        handshake(client, server);
        if (i >= WARM_UP) {
            CALLGRIND_TOGGLE_COLLECT;
            CALLGRIND_DUMP_STATS;
        }
        tls_context_free(client);
    }
    tls_context_free(server);
    return 0;
}
