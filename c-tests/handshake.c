/* Who may talk to whom: versions, names and ALPN, and what can be asked afterwards. */
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static void check_nothing_known_yet(tls_conn_t *conn)
{
    char byte = 'x';

    CHECK_EQ(tls_protocol_version(conn), 0);
    CHECK_EQ(tls_cipher_suite(conn), 0);
    CHECK_EQ(tls_group(conn), 0);
    CHECK_EQ(tls_alpn(conn, &byte, 1), 0);
    CHECK_EQ(tls_peer_certificate(conn, 0, &byte, 1), 0);
    CHECK_EQ(tls_resumed(conn), 0);
    CHECK_EQ(byte, 'x');
}

static void check_facts_agree(struct pair *pair, uint16_t version)
{
    uint16_t suite = tls_cipher_suite(pair->client);

    CHECK_EQ(tls_protocol_version(pair->client), version);
    CHECK_EQ(tls_protocol_version(pair->server), version);
    CHECK_EQ(tls_cipher_suite(pair->server), suite);
    CHECK_EQ(suite >> 8, version == TLS_VERSION_1_3 ? 0x13 : suite >> 8);
    CHECK(suite != 0);
    CHECK(tls_group(pair->client) != 0);
    CHECK_EQ(tls_group(pair->server), tls_group(pair->client));
    CHECK_EQ(tls_resumed(pair->client), 0);
    CHECK_EQ(tls_resumed(pair->server), 0);
}

static void both_versions_and_all_key_types_work(void)
{
    static const struct recipe servers[] = {
        {.chain = "rsa/server-chain.pem", .key = "rsa/server.key"},
        {.chain = "ecdsa/server-chain.pem", .key = "ecdsa/server.key"},
        {.chain = "ed25519/server-chain.pem", .key = "ed25519/server.key"},
    };
    size_t i;

    for (EACH_VERSION) {
        for (i = 0; i < 3; i++) {
            struct recipe client = with_version(plain_client, version);
            struct pair pair = new_pair(&client, &servers[i], NULL);

            check_nothing_known_yet(pair.client);
            check_nothing_known_yet(pair.server);
            CHECK((tls_state(pair.client) & TLS_HANDSHAKING) != 0);
            CHECK((tls_state(pair.server) & TLS_HANDSHAKING) != 0);
            finish_handshake(&pair);
            CHECK_EQ(tls_state(pair.client), TLS_CAN_FEED | TLS_CAN_WRITE);
            CHECK_EQ(tls_state(pair.server), TLS_CAN_FEED | TLS_CAN_WRITE);
            check_facts_agree(&pair, version);
            check_alive(&pair);
            free_pair(&pair);
        }
    }
}

static void the_server_waits_and_the_client_begins(void)
{
    struct pair pair = new_pair(&plain_client, &plain_server, NULL);

    CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
    CHECK_EQ(tls_drain_pending(pair.server), 0);
    CHECK_EQ(tls_advance(pair.client), TLS_WANT_FEED);
    CHECK(tls_drain_pending(pair.client) > 0);
    CHECK((tls_state(pair.client) & TLS_CAN_DRAIN) != 0);
    CHECK_EQ(tls_write_from(pair.client, "early", 5), TLS_WANT_FEED);
    CHECK_EQ(tls_close_notify(pair.client), TLS_ERR_STATE);
    finish_handshake(&pair);
    check_alive(&pair);
    free_pair(&pair);
}

static void reading_and_writing_drive_the_handshake(void)
{
    struct pair pair = new_pair(&plain_client, &plain_server, NULL);
    char plain[4];
    ptrdiff_t written = TLS_WANT_FEED, got = TLS_WANT_FEED;
    int i;

    for (i = 0; i < 20 && got == TLS_WANT_FEED; i++) {
        if (written == TLS_WANT_FEED)
            written = tls_write_from(pair.client, "ping", 4);
        carry(pair.client, pair.server);
        got = tls_read_into(pair.server, plain, sizeof(plain));
        carry(pair.server, pair.client);
    }
    CHECK_EQ(written, 4);
    CHECK_EQ(got, 4);
    CHECK_BYTES(plain, "ping", 4);
    free_pair(&pair);
}

static void sessions_are_resumed(void)
{
    tls_context_t *server = make_server_context(&plain_server);

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);

        for (int i = 0; i < 3; i++) {
            struct pair pair = new_pair_of(client, server, NULL);

            finish_handshake(&pair);
            CHECK_EQ(tls_resumed(pair.client), i > 0);
            CHECK_EQ(tls_resumed(pair.server), i > 0);
            CHECK(tls_peer_certificate(pair.client, 0, NULL, 0) > 0);
            check_alive(&pair);
            free_pair(&pair);
        }
        tls_context_free(client);
    }
    tls_context_free(server);
}

static void no_common_version_ends_both(void)
{
    struct recipe client = with_version(plain_client, TLS_VERSION_1_2);
    struct recipe server = with_version(plain_server, TLS_VERSION_1_3);
    struct pair pair = new_pair(&client, &server, NULL);
    tls_error_t error;

    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ERR_NO_COMMON);
    CHECK_EQ(pair.client_status, TLS_ERR_ALERT);
    error = error_of(pair.server);
    CHECK_EQ(error.reason, TLS_REASON_NO_COMMON_VERSION);
    CHECK_EQ(error.alert_sent, 70);
    CHECK_EQ(error_of(pair.client).alert_received, 70);
    free_pair(&pair);
}

static void check_alpn_of(tls_conn_t *conn, const char *expected)
{
    char protocol[16] = "################";
    ptrdiff_t len = (ptrdiff_t)strlen(expected);

    CHECK_EQ(tls_alpn(conn, NULL, 0), len);
    CHECK_EQ(tls_alpn(conn, protocol, 1), len);
    CHECK_EQ(protocol[1], '#');
    CHECK_EQ(tls_alpn(conn, protocol, sizeof(protocol)), len);
    CHECK_BYTES(protocol, expected, (size_t)len);
    CHECK_EQ(protocol[len], '#');
}

static void alpn_is_agreed_or_the_handshake_fails(void)
{
    for (EACH_VERSION) {
        struct recipe client = with_version(plain_client, version);
        struct recipe server = plain_server;
        struct pair pair;

        client.alpn = "\x06spdy/3\x08http/1.1";
        server.alpn = "\x02h2\x08http/1.1";
        pair = new_pair(&client, &server, NULL);
        finish_handshake(&pair);
        check_alpn_of(pair.client, "http/1.1");
        check_alpn_of(pair.server, "http/1.1");
        free_pair(&pair);

        client.alpn = "\x06spdy/3";
        pair = new_pair(&client, &server, NULL);
        pump(&pair);
        CHECK_EQ(pair.server_status, TLS_ERR_NO_COMMON);
        CHECK_EQ(pair.client_status, TLS_ERR_ALERT);
        CHECK_EQ(error_of(pair.server).reason, TLS_REASON_NO_COMMON_ALPN);
        CHECK_EQ(error_of(pair.server).alert_sent, 120);
        CHECK_EQ(error_of(pair.client).alert_received, 120);
        free_pair(&pair);

        client.alpn = NULL;
        pair = new_pair(&client, &server, NULL);
        finish_handshake(&pair);
        CHECK_EQ(tls_alpn(pair.client, NULL, 0), 0);
        CHECK_EQ(tls_alpn(pair.server, NULL, 0), 0);
        free_pair(&pair);
    }
}

static void check_sni_of_server(struct pair *pair, const char *expected)
{
    char text[64], tiny[4] = "####";
    size_t len = strlen(expected);

    memset(text, '#', sizeof(text));
    CHECK_EQ(tls_sni(pair->server, NULL, 0), len);
    CHECK_EQ(tls_sni(pair->server, text, sizeof(text)), len);
    if (len == 0)
        return;
    CHECK_EQ(strcmp(text, expected), 0);
    CHECK_EQ(text[len + 1], '#');
    CHECK_EQ(tls_sni(pair->server, tiny, 3), len);
    CHECK_EQ(tiny[2], '\0');
    CHECK_EQ(memcmp(tiny, expected, 2), 0);
    CHECK_EQ(tiny[3], '#');
}

static void names_and_addresses_are_verified(void)
{
    static const struct {
        const char *name, *sni;
    } good[] = {
        {"localhost", "localhost"},
        {"server.test", "server.test"},
        {"a.wild.test", "a.wild.test"},
        {"LOCALHOST", "localhost"},
        {"127.0.0.1", ""},
        {"::1", ""},
    };
    static const char *const wrong[] = {"other.test", "b.a.wild.test", "127.0.0.2", "::2",
                                        /* A C string ends at its NUL: this one is "local". */
                                        "local\0host"};
    struct pair pair;
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        pair = new_pair(&plain_client, &plain_server, good[i].name);
        finish_handshake(&pair);
        check_sni_of_server(&pair, good[i].sni);
        free_pair(&pair);
    }
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        pair = new_pair(&plain_client, &plain_server, wrong[i]);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ERR_CERTIFICATE);
        CHECK_EQ(error_of(pair.client).reason, TLS_REASON_CERTIFICATE_WRONG_NAME);
        CHECK_EQ(pair.server_status, TLS_ERR_ALERT);
        free_pair(&pair);
    }
}

static void what_is_no_name_is_refused(void)
{
    static const char *const bad[] = {"",
                                      ".",
                                      "two words",
                                      "a..b",
                                      "-.test",
                                      "http://localhost",
                                      "localhost:443",
                                      "1.2.3",
                                      "::1::",
                                      "[::1]",
                                      "\xff\xfe.test"};
    tls_context_t *context = make_client_context(&plain_client);
    char long_name[301];
    size_t i;

    memset(long_name, 'a', sizeof(long_name));
    for (i = 50; i < 300; i += 50)
        long_name[i] = '.';
    long_name[300] = '\0';
    for (i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
        const char *name = i < sizeof(bad) / sizeof(bad[0]) ? bad[i] : long_name;
        tls_error_t error = {.size = sizeof(error)};

        CHECK(tls_client_new(context, name, &error) == NULL);
        CHECK_EQ(error.status, TLS_ERR_ARGUMENT);
        CHECK_EQ(error.reason, TLS_REASON_SERVER_NAME_INVALID);
        CHECK(strlen(error.message) > 10);
    }
    CHECK(tls_client_new(context, long_name, NULL) == NULL);
    tls_context_free(context);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(both_versions_and_all_key_types_work);
    RUN(the_server_waits_and_the_client_begins);
    RUN(reading_and_writing_drive_the_handshake);
    RUN(sessions_are_resumed);
    RUN(no_common_version_ends_both);
    RUN(alpn_is_agreed_or_the_handshake_fails);
    RUN(names_and_addresses_are_verified);
    RUN(what_is_no_name_is_refused);
    return 0;
}
