/* Section 12: what a server puts into its tickets, and finds again. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static unsigned char data[TLS_MAX_RESUMPTION_DATA + 1];

static tls_context_t *server_with_shared_key(const struct recipe *recipe)
{
    tls_ticket_key_t key = {
        .size = sizeof(key), .name = {7}, .secret_len = 48, .decrypt_until = UINT64_MAX};
    tls_context_t *context = make_server_context(recipe);

    fill_bytes(key.secret, key.secret_len, 3);
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

static void who_signs_elsewhere_has_it_too(void)
{
    struct recipe recipe = plain_server;
    tls_builder_t *builder = tls_builder_new();
    size_t len;
    char *chain = pki_read(recipe.chain, &len);
    tls_context_t *server;
    tls_conn_t *conn;

    CHECK_EQ(tls_builder_identity_external(builder, chain, len), TLS_OK);
    server = tls_context_server(builder, NULL);
    conn = tls_server_new(server, NULL);
    CHECK_EQ(tls_resumption_data_set(conn, data, 10), TLS_OK);
    tls_free(conn);
    tls_context_free(server);
    tls_builder_free(builder);
    free(chain);
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
