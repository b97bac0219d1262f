/*
 * What steps of a handshake cost that cannot ask for a signature, with the key here or elsewhere:
 * instructions.py counts what one_flight() takes. A server is given a ClientHello, a client a
 * server's flight, in records of PIECE plain bytes (0: as they came; what is encrypted has 64 at
 * least). Where the last record makes the step that signs, it is left out.
 *
 *     asking_cost PKI own|elsewhere server|client VERSION PIECE COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

enum { HEADER = 5, MOST = 16384, APPLICATION_DATA = 23 };

/* The context with its key elsewhere, or here. */
static tls_context_t *make(struct recipe recipe, int elsewhere, size_t piece,
                           tls_context_t *of(const tls_builder_t *, tls_error_t *))
{
    const char *chain = recipe.chain;
    tls_context_t *context;
    tls_builder_t *builder;

    if (elsewhere)
        recipe.chain = recipe.key = NULL;
    builder = make_builder(&recipe);
    if (elsewhere) {
        size_t len;
        char *pem = pki_read(chain, &len);

        CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
        free(pem);
    }
    if (piece > 0)
        CHECK_EQ(tls_builder_record_size(builder, piece), TLS_OK);
    context = of(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static size_t record_at(const unsigned char *wire, size_t at)
{
    return HEADER + ((size_t)wire[at + 3] << 8 | wire[at + 4]);
}

/* Cuts the records that are not encrypted. */
static size_t in_pieces(const unsigned char *wire, size_t len, size_t piece, unsigned char *pieces)
{
    size_t made = 0;

    for (size_t at = 0; at + HEADER <= len;) {
        size_t end = at + record_at(wire, at);

        for (size_t from = at + HEADER, part; from < end; from += part, made += HEADER + part) {
            part = end - from;
            if (piece > 0 && piece < part && wire[at] != APPLICATION_DATA)
                part = piece;
            memcpy(pieces + made, wire + at, 3);
            pieces[made + 3] = (unsigned char)(part >> 8);
            pieces[made + 4] = (unsigned char)part;
            memcpy(pieces + made + HEADER, wire + from, part);
        }
        at = end;
    }
    return made;
}

/* Without the last record. */
static size_t but_the_last(const unsigned char *wire, size_t len)
{
    size_t last = 0;

    for (size_t at = 0; at < len; at += record_at(wire, at))
        last = at;
    return last;
}

__attribute__((noinline)) void one_flight(tls_conn_t *conn, const unsigned char *wire, size_t len);
void one_flight(tls_conn_t *conn, const unsigned char *wire, size_t len)
{
    tls_status_t status;

    for (size_t at = 0, record; at < len; at += record) {
        record = record_at(wire, at);
        CHECK_EQ(tls_feed(conn, wire + at, record), (ptrdiff_t)record);
        status = tls_advance(conn);
        CHECK(status == TLS_WANT_FEED || status == TLS_OK);
    }
}

int main(int argc, char **argv)
{
    static unsigned char wire[MOST], pieces[(HEADER + 1) * MOST];
    struct recipe client_recipe = plain_client, server_recipe = plain_server;
    tls_context_t *client, *server;
    int elsewhere, of_client, asks;
    size_t piece;

    if (argc != 7) {
        fprintf(stderr, "usage: %s PKI own|elsewhere server|client VERSION PIECE COUNT\n", argv[0]);
        return 2;
    }
    pki_set(2, argv);
    elsewhere = strcmp(argv[2], "elsewhere") == 0;
    of_client = strcmp(argv[3], "client") == 0;
    client_recipe.min_version = client_recipe.max_version = (uint16_t)strtoul(argv[4], NULL, 16);
    piece = strtoul(argv[5], NULL, 10);
    /* A whole flight that asked for a certificate would end in the question. */
    asks = !of_client || piece > 0;
    if (of_client) {
        client_recipe.chain = "ecdsa/client-chain.pem";
        client_recipe.key = "ecdsa/client.key";
        server_recipe.trust = "trust/all.pem";
        server_recipe.client_auth = asks ? TLS_CLIENT_AUTH_REQUIRED : TLS_CLIENT_AUTH_NONE;
    }
    client = make(client_recipe, elsewhere && of_client, 0, tls_context_client);
    server = make(server_recipe, elsewhere && !of_client,
                  of_client && piece > 0 ? (piece < 64 ? 64 : piece) : 0, tls_context_server);
    for (int count = atoi(argv[6]); count > 0; count--) {
        struct pair pair = new_pair_of(client, server, NULL);
        tls_conn_t *sender = of_client ? pair.server : pair.client;
        ptrdiff_t len;
        size_t total;

        if (of_client) {
            carry(pair.client, pair.server);
            CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
        }
        len = tls_drain_into(sender, wire, sizeof(wire));
        CHECK(len > 0);
        total = in_pieces(wire, (size_t)len, piece, pieces);
        if (asks)
            total = but_the_last(pieces, total);
        one_flight(of_client ? pair.client : pair.server, pieces, total);
        free_pair(&pair);
    }
    tls_context_free(client);
    tls_context_free(server);
    return 0;
}
