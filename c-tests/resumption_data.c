/* Section 12: what a server puts into its tickets, and finds again. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"
#include "signer.h"

static unsigned char data[TLS_MAX_RESUMPTION_DATA + 1];

static tls_ticket_key_t ticket_key(void)
{
    tls_ticket_key_t key = {
        .size = sizeof(key), .name = {7}, .secret_len = 48, .decrypt_until = UINT64_MAX};

    fill_bytes(key.secret, key.secret_len, 3);
    return key;
}

static tls_context_t *server_with_shared_key(const struct recipe *recipe)
{
    tls_ticket_key_t key = ticket_key();
    tls_context_t *context = make_server_context(recipe);

    CHECK_EQ(tls_context_ticket_keys(context, &key, 1, NULL), TLS_OK);
    return context;
}

/* A handshake in which the server puts len bytes into its tickets. */
static struct pair shake(const tls_context_t *client, const tls_context_t *server, size_t len)
{
    struct pair pair = new_pair_of(client, server, NULL);

    CHECK_EQ(tls_resumption_data_set(pair.server, data, len), TLS_OK);
    finish_handshake(&pair);
    check_alive(&pair);
    return pair;
}

static void check_found(tls_conn_t *conn, size_t len)
{
    unsigned char found[sizeof(data)];

    memset(found, 0xa5, sizeof(found));
    CHECK_EQ(tls_resumption_data(conn, NULL, 0), len);
    CHECK_EQ(tls_resumption_data(conn, found, sizeof(found)), len);
    CHECK_BYTES(found, data, len);
    CHECK_EQ(found[len], 0xa5);
    CHECK_EQ(tls_resumption_data(conn, found, len / 2), len);
}

/* */
static void what_one_server_put_in_another_finds(void)
{
    static const size_t lengths[] = {1, 100, TLS_MAX_RESUMPTION_DATA, 0};

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *servers[] = {server_with_shared_key(&plain_server),
                                    server_with_shared_key(&plain_server)};
        struct pair pair = shake(client, servers[0], lengths[0]);
        size_t i;

        check_found(pair.server, 0);
        free_pair(&pair);
        for (i = 1; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            pair = shake(client, servers[i % 2], lengths[i]);
            CHECK_EQ(tls_resumed(pair.server), 1);
            check_found(pair.server, lengths[i - 1]);
            check_found(pair.client, 0);
            free_pair(&pair);
        }
        tls_context_free(client);
        tls_context_free(servers[0]);
        tls_context_free(servers[1]);
    }
}

static void it_stays_with_the_receiving_half(void)
{
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *server = make_server_context(&plain_server);
    struct pair pair = shake(client, server, 10);
    tls_conn_t *sending;

    free_pair(&pair);
    pair = shake(client, server, 10);
    sending = tls_split(pair.server, NULL);
    check_found(pair.server, 10);
    CHECK_EQ(tls_resumption_data(sending, NULL, 0), TLS_ERR_STATE);
    tls_free(sending);
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
}

/* A server that shows this certificate, and has its key or not. */
static tls_context_t *server_that_signs(const char *chain, const char *key)
{
    struct recipe recipe = {.chain = key != NULL ? chain : NULL, .key = key};
    tls_builder_t *builder = make_builder(&recipe);
    tls_ticket_key_t shared = ticket_key();
    tls_context_t *context;

    if (key == NULL) {
        size_t len;
        char *pem = pki_read(chain, &len);

        CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
        free(pem);
    }
    context = tls_context_server(builder, NULL);
    CHECK_EQ(tls_context_ticket_keys(context, &shared, 1, NULL), TLS_OK);
    tls_builder_free(builder);
    return context;
}

/* The step that makes the tickets (TLS 1.2), or reads them, runs on a thread of its own. */
static void who_signs_elsewhere_has_it_too(void)
{
    static const char chain[] = "ecdsa/server-chain.pem", key[] = "ecdsa/server.key";

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *elsewhere = server_that_signs(chain, NULL);
        tls_context_t *here = server_that_signs(chain, key);
        struct pair pair = new_pair_of(client, elsewhere, NULL);
        unsigned char signature[256];
        size_t len;

        CHECK_EQ(tls_resumption_data_set(pair.server, data, 10), TLS_OK);
        pump(&pair);
        CHECK_EQ(pair.server_status, TLS_ASK_SIGN);
        /* Too late: the ticket is about to be made. */
        CHECK_EQ(tls_resumption_data_set(pair.server, data, 20), TLS_ERR_STATE);
        len = sign_outside(pair.server, key, signature, sizeof(signature));
        CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_OK);
        finish_handshake(&pair);
        check_found(pair.server, 0);
        check_alive(&pair);
        free_pair(&pair);

        /* What it put in, one with the key finds; and the other way round, where nothing is signed.
         */
        pair = shake(client, here, 30);
        CHECK_EQ(tls_resumed(pair.server), 1);
        check_found(pair.server, 10);
        free_pair(&pair);
        pair = shake(client, elsewhere, 40);
        CHECK_EQ(tls_resumed(pair.server), 1);
        check_found(pair.server, 30);
        free_pair(&pair);
        pair = shake(client, here, 0);
        check_found(pair.server, 40);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(elsewhere);
        tls_context_free(here);
    }
}

static void it_has_to_be_set_in_time_and_in_size(void)
{
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *server = make_server_context(&plain_server);
    struct pair pair = new_pair_of(client, server, NULL);
    tls_conn_t *asking = tls_server_new(NULL, NULL);

    CHECK_EQ(tls_resumption_data_set(pair.client, data, 1), TLS_ERR_STATE);
    CHECK_EQ(tls_resumption_data_set(asking, data, 1), TLS_ERR_STATE);
    CHECK_EQ(tls_resumption_data_set(pair.server, data, sizeof(data)), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_resumption_data_set(pair.server, NULL, 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_resumption_data_set(pair.server, data, 7), TLS_OK);
    CHECK_EQ(tls_resumption_data_set(pair.server, NULL, 0), TLS_OK);
    finish_handshake(&pair);
    CHECK_EQ(tls_resumption_data_set(pair.server, data, 1), TLS_ERR_STATE);
    check_alive(&pair);
    free_pair(&pair);
    pair = shake(client, server, 0);
    CHECK_EQ(tls_resumed(pair.server), 1);
    check_found(pair.server, 0);
    free_pair(&pair);
    tls_free(asking);
    tls_context_free(client);
    tls_context_free(server);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    fill_bytes(data, sizeof(data), 9);
    RUN(what_one_server_put_in_another_finds);
    RUN(it_stays_with_the_receiving_half);
    RUN(who_signs_elsewhere_has_it_too);
    RUN(it_has_to_be_set_in_time_and_in_size);
    return 0;
}
