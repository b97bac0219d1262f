/* Certificates in both directions: copied out, asked for, missing and bad. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static void check_peer_chain(tls_conn_t *conn, const char *leaf, const char *issuer)
{
    const char *names[2] = {leaf, issuer};
    size_t i;

    for (i = 0; i < 2; i++) {
        unsigned char copied[4096], untouched = 0xcc;
        size_t len;
        unsigned char *expected = pki_der(names[i], &len);

        memset(copied, untouched, sizeof(copied));
        CHECK_EQ(tls_peer_certificate(conn, i, NULL, 0), len);
        CHECK_EQ(tls_peer_certificate(conn, i, copied, 10), len);
        CHECK_BYTES(copied, expected, 10);
        CHECK_EQ(copied[10], untouched);
        CHECK_EQ(tls_peer_certificate(conn, i, copied, sizeof(copied)), len);
        CHECK_BYTES(copied, expected, len);
        CHECK_EQ(copied[len], untouched);
        free(expected);
    }
    CHECK_EQ(tls_peer_certificate(conn, 2, NULL, 0), 0);
    CHECK_EQ(tls_peer_certificate(conn, SIZE_MAX, NULL, 0), 0);
}

static void the_peer_chain_is_copied_out(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);

        check_peer_chain(pair.client, "ecdsa/server.pem", "ecdsa/inter.pem");
        CHECK_EQ(tls_peer_certificate(pair.server, 0, NULL, 0), 0);
        free_pair(&pair);
    }
}

static struct pair client_auth_pair(uint16_t version, int32_t mode, const char *trust,
                                    const char *chain, const char *key)
{
    struct recipe client = with_version(plain_client, version);
    struct recipe server = plain_server;

    client.chain = chain;
    client.key = key;
    server.client_auth = mode;
    server.trust = trust;
    return new_pair(&client, &server, NULL);
}

static void client_certificates_are_asked_for_as_configured(void)
{
    static const struct {
        int32_t mode;
        int presented, seen;
    } cases[] = {
        {TLS_CLIENT_AUTH_NONE, 0, 0},     {TLS_CLIENT_AUTH_NONE, 1, 0},
        {TLS_CLIENT_AUTH_OPTIONAL, 0, 0}, {TLS_CLIENT_AUTH_OPTIONAL, 1, 1},
        {TLS_CLIENT_AUTH_REQUIRED, 1, 1},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct pair pair =
                cases[i].presented
                    ? client_auth_pair(version, cases[i].mode, "trust/all.pem",
                                       "rsa/client-chain.pem", "rsa/client.key")
                    : client_auth_pair(version, cases[i].mode, "trust/all.pem", NULL, NULL);

            finish_handshake(&pair);
            if (cases[i].seen)
                check_peer_chain(pair.server, "rsa/client.pem", "rsa/inter.pem");
            else
                CHECK_EQ(tls_peer_certificate(pair.server, 0, NULL, 0), 0);
            check_alive(&pair);
            free_pair(&pair);
        }
    }
}

/* The server has refused the client's identity, and the client has learnt it. */
static void check_client_refused(struct pair *pair, int32_t reason)
{
    tls_error_t error;

    pump(pair);
    CHECK_EQ(pair->server_status, TLS_ERR_CERTIFICATE);
    CHECK_EQ(pair->client_status, TLS_ERR_ALERT);
    error = error_of(pair->server);
    CHECK_EQ(error.reason, reason);
    CHECK(strlen(error.message) > 10);
    CHECK(error.alert_sent > 0);
    CHECK_EQ(error_of(pair->client).alert_received, error.alert_sent);
    free_pair(pair);
}

static void bad_client_certificates_are_refused(void)
{
    for (EACH_VERSION) {
        struct pair pair =
            client_auth_pair(version, TLS_CLIENT_AUTH_REQUIRED, "trust/all.pem", NULL, NULL);

        pump(&pair);
        /* RFC 5246, 7.4.6, and RFC 8446, 4.4.2.4. */
        CHECK_EQ(error_of(pair.server).alert_sent, version == TLS_VERSION_1_2 ? 40 : 116);
        check_client_refused(&pair, TLS_REASON_CERTIFICATE_MISSING);
        pair = client_auth_pair(version, TLS_CLIENT_AUTH_OPTIONAL, "trust/all.pem",
                                "ecdsa/server-chain.pem", "ecdsa/server.key");
        check_client_refused(&pair, TLS_REASON_CERTIFICATE_WRONG_USAGE);
        pair = client_auth_pair(version, TLS_CLIENT_AUTH_REQUIRED, "rsa/ca.pem",
                                "ecdsa/client-chain.pem", "ecdsa/client.key");
        check_client_refused(&pair, TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);
    }
}

static void bad_server_certificates_are_refused(void)
{
    static const struct {
        const char *chain, *key;
        int32_t reason, alert;
    } cases[] = {
        {"bad/expired.pem", "bad/expired.key", TLS_REASON_CERTIFICATE_EXPIRED, 45},
        {"bad/notyet.pem", "bad/notyet.key", TLS_REASON_CERTIFICATE_NOT_YET_VALID, 45},
        {"bad/wronghost.pem", "bad/wronghost.key", TLS_REASON_CERTIFICATE_WRONG_NAME, 42},
        {"bad/selfsigned.pem", "bad/selfsigned.key", TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER, 48},
        {"bad/unknownca.pem", "bad/unknownca.key", TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER, 48},
        {"bad/wrongusage.pem", "bad/wrongusage.key", TLS_REASON_CERTIFICATE_WRONG_USAGE, 43},
    };
    struct pair bystander = connected_pair(TLS_VERSION_1_3);
    size_t i;

    for (EACH_VERSION) {
        for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct recipe client = with_version(plain_client, version);
            struct recipe server = {.chain = cases[i].chain, .key = cases[i].key};
            struct pair pair = new_pair(&client, &server, NULL);
            tls_error_t error;

            pump(&pair);
            CHECK_EQ(pair.client_status, TLS_ERR_CERTIFICATE);
            error = error_of(pair.client);
            CHECK_EQ(error.status, TLS_ERR_CERTIFICATE);
            CHECK_EQ(error.reason, cases[i].reason);
            CHECK_EQ(error.alert_sent, cases[i].alert);
            CHECK(strlen(error.message) > 10);
            CHECK_EQ(pair.server_status, TLS_ERR_ALERT);
            CHECK_EQ(error_of(pair.server).alert_received, cases[i].alert);
            free_pair(&pair);
        }
    }
    check_alive(&bystander);
    free_pair(&bystander);
}

static void not_verifying_accepts_anybody(void)
{
    struct recipe client = {.verify = TLS_VERIFY_DANGEROUS_NONE};
    struct recipe server = {.chain = "bad/expired.pem", .key = "bad/expired.key"};
    struct pair pair = new_pair(&client, &server, "nobody.test");

    finish_handshake(&pair);
    check_alive(&pair);
    free_pair(&pair);
}

static void check_name(tls_conn_t *conn, int32_t kind, size_t index, const char *expected)
{
    char text[64];
    size_t len = strlen(expected);

    memset(text, 0x5a, sizeof(text));
    CHECK_EQ(tls_peer_name(conn, kind, index, NULL, 0), len);
    CHECK_EQ(tls_peer_name(conn, kind, index, text, sizeof(text)), len);
    CHECK_EQ(strcmp(text, expected), 0);
    if (len > 0) {
        CHECK_EQ(tls_peer_name(conn, kind, index, text, 2), len);
        CHECK_EQ(text[0], expected[0]);
        CHECK_EQ(text[1], '\0');
    }
}

/* On both sides, in full handshakes and in resumed ones, and while the identity is asked
 * about. */
static void the_peers_names_are_told(void)
{
    for (EACH_VERSION) {
        struct recipe client = with_version(plain_client, version), server = plain_server;
        tls_context_t *client_context, *server_context;
        struct pair pair;

        client.chain = "ecdsa/client-names.pem";
        client.key = "ecdsa/client-names.key";
        server.trust = "trust/all.pem";
        server.client_auth = TLS_CLIENT_AUTH_REQUIRED;
        client_context = make_client_context(&client);
        server_context = make_server_context(&server);
        for (int resumed = 0; resumed < 2; resumed++) {
            pair = new_pair_of(client_context, server_context, NULL);
            check_name(pair.client, TLS_NAME_DNS, 0, "");
            finish_handshake(&pair);
            CHECK_EQ(tls_resumed(pair.server), resumed);
            check_name(pair.client, TLS_NAME_DNS, 0, "localhost");
            check_name(pair.client, TLS_NAME_DNS, 1, "server.test");
            check_name(pair.client, TLS_NAME_DNS, 2, "*.wild.test");
            check_name(pair.client, TLS_NAME_DNS, 3, "");
            check_name(pair.client, TLS_NAME_IP, 0, "127.0.0.1");
            check_name(pair.client, TLS_NAME_IP, 1, "::1");
            check_name(pair.client, TLS_NAME_URI, 0, "");
            check_name(pair.server, TLS_NAME_URI, 0, "spiffe://names.test/one");
            check_name(pair.server, TLS_NAME_EMAIL, 0, "one@names.test");
            check_name(pair.server, TLS_NAME_DNS, 0, "client.test");
            check_name(pair.server, TLS_NAME_DNS, SIZE_MAX, "");
            CHECK_EQ(tls_peer_name(pair.server, 0, 0, NULL, 0), TLS_ERR_ARGUMENT);
            CHECK_EQ(tls_peer_name(pair.server, 4, 0, NULL, 0), TLS_ERR_ARGUMENT);
            CHECK_EQ(tls_peer_name(pair.server, -1, 0, NULL, 0), TLS_ERR_ARGUMENT);
            free_pair(&pair);
        }
        tls_context_free(client_context);
        tls_context_free(server_context);

        server.verify = TLS_VERIFY_ASK;
        pair = new_pair(&client, &server, NULL);
        pump(&pair);
        CHECK_EQ(pair.server_status, TLS_ASK_VERIFY);
        check_name(pair.server, TLS_NAME_URI, 0, "spiffe://names.test/one");
        free_pair(&pair);
    }
}

/* A CA whose key is short, and a signature over SHA-1: who is trusted is not believed everything.
 * The certificates themselves have good keys; tests with OpenSSL have servers whose own key is
 * weak. */
static void weak_keys_and_hashes_are_refused(void)
{
    static const struct {
        const char *chain, *key, *trust;
        int32_t reason;
    } weak[] = {
        {"weak/under1024.pem", "weak/under1024.key", "weak/ca1024.pem",
         TLS_REASON_CERTIFICATE_WEAK_KEY},
        {"weak/sha1.pem", "weak/sha1.key", "rsa/ca.pem", TLS_REASON_CERTIFICATE_UNSUPPORTED},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
            struct recipe client = with_version(plain_client, version);
            struct recipe server = {.chain = weak[i].chain, .key = weak[i].key};
            struct pair pair;

            client.trust = weak[i].trust;
            pair = new_pair(&client, &server, NULL);
            pump(&pair);
            CHECK_EQ(pair.client_status, TLS_ERR_CERTIFICATE);
            CHECK_EQ(error_of(pair.client).reason, weak[i].reason);
            CHECK_EQ(pair.server_status, TLS_ERR_ALERT);
            free_pair(&pair);
        }
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(the_peer_chain_is_copied_out);
    RUN(client_certificates_are_asked_for_as_configured);
    RUN(bad_client_certificates_are_refused);
    RUN(bad_server_certificates_are_refused);
    RUN(not_verifying_accepts_anybody);
    RUN(the_peers_names_are_told);
    RUN(weak_keys_and_hashes_are_refused);
    return 0;
}
