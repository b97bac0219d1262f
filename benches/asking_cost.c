/*
 * What a ClientHello costs a server that comes in records of one byte each, with the server's key
 * here or elsewhere: instructions.py counts what one_flight() takes. The last record is left out,
 * so no step may ask.
 *
 *     asking_cost PKI own|elsewhere COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

enum { HEADER = 5, PIECE = HEADER + 1, MOST = 16384 };

static tls_context_t *make_server(int elsewhere)
{
    struct recipe recipe = plain_server;
    tls_context_t *context;
    tls_builder_t *builder;
    size_t len;
    char *pem;

    if (!elsewhere)
        return make_server_context(&recipe);
    pem = pki_read(recipe.chain, &len);
    recipe.chain = recipe.key = NULL;
    builder = make_builder(&recipe);
    CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    free(pem);
    return context;
}

static size_t in_pieces(const unsigned char *wire, size_t len, unsigned char *pieces)
{
    size_t made = 0;

    for (size_t at = 0; at + HEADER <= len;) {
        size_t end = at + HEADER + ((size_t)wire[at + 3] << 8 | wire[at + 4]);

        for (size_t from = at + HEADER; from < end; from++, made += PIECE) {
            memcpy(pieces + made, wire + at, 3);
            pieces[made + 3] = 0;
            pieces[made + 4] = 1;
            pieces[made + 5] = wire[from];
        }
        at = end;
    }
    return made;
}

__attribute__((noinline)) void one_flight(tls_conn_t *conn, const unsigned char *pieces,
                                          size_t len);
void one_flight(tls_conn_t *conn, const unsigned char *pieces, size_t len)
{
    for (size_t at = 0; at + PIECE < len; at += PIECE) {
        CHECK_EQ(tls_feed(conn, pieces + at, PIECE), PIECE);
        CHECK_EQ(tls_advance(conn), TLS_WANT_FEED);
    }
}

int main(int argc, char **argv)
{
    static unsigned char wire[MOST], pieces[PIECE * MOST];
    tls_context_t *client, *server;

    if (argc != 4) {
        fprintf(stderr, "usage: %s PKI_DIRECTORY own|elsewhere COUNT\n", argv[0]);
        return 2;
    }
    pki_set(2, argv);
    client = make_client_context(&plain_client);
    server = make_server(strcmp(argv[2], "elsewhere") == 0);
    for (int count = atoi(argv[3]); count > 0; count--) {
        struct pair pair = new_pair_of(client, server, NULL);
        ptrdiff_t len = tls_drain_into(pair.client, wire, sizeof(wire));

        CHECK(len > 0);
        one_flight(pair.server, pieces, in_pieces(wire, (size_t)len, pieces));
        free_pair(&pair);
    }
    tls_context_free(client);
    tls_context_free(server);
    return 0;
}
