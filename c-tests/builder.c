/* Every call that describes a context, with good input and with bad. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

/* Everything that a person is told about a refusal is there. */
static void check_told(const tls_error_t *error, tls_status_t status, int32_t reason)
{
    CHECK_EQ(error->status, status);
    CHECK_EQ(error->reason, reason);
    CHECK_EQ(error->alert_sent, -1);
    CHECK_EQ(error->alert_received, -1);
    CHECK(strlen(error->message) > 10);
}

/* And nothing went wrong before that. */
static void check_builder_told(tls_builder_t *builder, tls_status_t status, int32_t reason)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    check_told(&error, status, reason);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
}

static tls_status_t add_identity(tls_builder_t *builder, const char *chain, const char *key)
{
    size_t chain_len, key_len;
    char *chain_pem = pki_read(chain, &chain_len);
    char *key_pem = pki_read(key, &key_len);
    tls_status_t status = tls_builder_identity_pem(builder, chain_pem, chain_len, key_pem, key_len);

    /* What was copied in is the library's own: a pointer kept would now point to rubbish. */
    memset(chain_pem, '#', chain_len);
    memset(key_pem, '#', key_len);
    free(chain_pem);
    free(key_pem);
    return status;
}

static void check_identity_serves(const char *chain, const char *key)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *client = make_client_context(&plain_client), *server;
    struct pair pair;

    CHECK_EQ(add_identity(builder, chain, key), TLS_OK);
    server = tls_context_server(builder, &error);
    CHECK(server != NULL);
    tls_builder_free(builder);
    pair = new_pair_of(client, server, NULL);
    finish_handshake(&pair);
    check_alive(&pair);
    free_pair(&pair);
    tls_context_free(server);
    tls_context_free(client);
}

static void every_form_of_key_serves(void)
{
    check_identity_serves("rsa/server-chain.pem", "rsa/server.key");
    check_identity_serves("rsa/server-chain.pem", "keys/rsa-pkcs1.key");
    check_identity_serves("ecdsa/server-chain.pem", "ecdsa/server.key");
    check_identity_serves("ecdsa/server-chain.pem", "keys/ec-sec1.key");
    check_identity_serves("ed25519/server-chain.pem", "ed25519/server.key");
    check_identity_serves("ecdsa/direct.pem", "ecdsa/direct.key");
}

static void chains_out_of_order_serve(void)
{
    check_identity_serves("rsa/server-chain-shuffled.pem", "rsa/server.key");
    check_identity_serves("ecdsa/server-chain-shuffled.pem", "ecdsa/server.key");
    check_identity_serves("ed25519/server-chain-shuffled.pem", "ed25519/server.key");
}

static void check_identity_refused(const char *chain, const char *key, int32_t reason)
{
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(add_identity(builder, chain, key), TLS_ERR_CONFIG);
    check_builder_told(builder, TLS_ERR_CONFIG, reason);
    tls_builder_free(builder);
}

static void unusable_identities_are_refused(void)
{
    check_identity_refused("rsa/server-chain.pem", "keys/rsa-pkcs8-encrypted.key",
                           TLS_REASON_KEY_ENCRYPTED);
    check_identity_refused("rsa/server-chain.pem", "keys/rsa-legacy-encrypted.key",
                           TLS_REASON_KEY_ENCRYPTED);
    check_identity_refused("rsa/server-chain.pem", "rsa/server-chain.pem", TLS_REASON_NO_KEY);
    check_identity_refused("rsa/server.key", "rsa/server.key", TLS_REASON_NO_CERTIFICATE);
}

static void check_mismatch(const char *chain, const char *key)
{
    tls_builder_t *builder = tls_builder_new();
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(add_identity(builder, chain, key), TLS_OK);
    CHECK(tls_context_server(builder, &error) == NULL);
    check_told(&error, TLS_ERR_CONFIG, TLS_REASON_KEY_MISMATCH);
    tls_builder_free(builder);
}

static void a_key_of_another_certificate_is_refused_with_the_context(void)
{
    check_mismatch("ecdsa/server-chain.pem", "keys/mismatch.key");
    check_mismatch("rsa/server-chain.pem", "ecdsa/server.key");
    check_mismatch("rsa/server-chain.pem", "rsa/client.key");
}

static void truncated_pem_is_refused_wherever_it_ends(void)
{
    size_t cut, chain_len, key_len;
    char *chain = pki_read("ecdsa/direct.pem", &chain_len);
    char *key = pki_read("ecdsa/direct.key", &key_len);
    tls_builder_t *builder = tls_builder_new();

    /* The last character is the line's end, which nobody needs. */
    for (cut = 0; cut < chain_len - 1; cut++) {
        CHECK_EQ(tls_builder_identity_pem(builder, chain, cut, key, key_len), TLS_ERR_CONFIG);
        CHECK_EQ(tls_builder_trust_pem(builder, chain, cut), TLS_ERR_CONFIG);
        CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    }
    for (cut = 0; cut < key_len - 1; cut++) {
        CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
        CHECK_EQ(tls_builder_identity_pem(builder, chain, chain_len, key, cut), TLS_ERR_CONFIG);
    }
    check_builder_told(builder, TLS_ERR_CONFIG, TLS_REASON_PEM_MALFORMED);

    /* What was refused has left nothing behind, and the builder still takes what is good. */
    CHECK(tls_context_server(builder, NULL) == NULL);
    CHECK(tls_context_client(builder, NULL) == NULL);
    CHECK_EQ(tls_builder_identity_pem(builder, chain, chain_len, key, key_len), TLS_OK);
    tls_builder_free(builder);
    free(chain);
    free(key);
}

/* Whether a server of the ECDSA root is accepted by who trusts the certificates of this text. */
static int is_trusted(const char *text)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *client, *server = make_server_context(&plain_server);
    struct pair pair;
    int trusted;

    CHECK_EQ(tls_builder_trust_pem(builder, text, strlen(text)), TLS_OK);
    client = tls_context_client(builder, NULL);
    CHECK(client != NULL);
    pair = new_pair_of(client, server, NULL);
    pump(&pair);
    trusted = pair.client_status == TLS_OK;
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(builder);
    return trusted;
}

/* each certificate of a text is taken, or the text is refused. */
static void no_certificate_is_passed_over(void)
{
    static const char *const joints[] = {"\n", "\r\n", "", " ", "\xEF\xBB\xBF", "# second"};
    size_t len;
    char *first = pki_read("rsa/ca.pem", &len), *second = pki_read("ecdsa/ca.pem", &len);
    char text[16384], *at;
    tls_builder_t *builder = tls_builder_new();

    *strrchr(first, '\n') = '\0';
    CHECK(!is_trusted(first));
    for (size_t i = 0; i < sizeof(joints) / sizeof(joints[0]); i++) {
        const char *end = strchr(joints[i], '#') != NULL ? "\n" : "";

        snprintf(text, sizeof(text), "%s%s%s%s", first, joints[i], end, second);
        CHECK(is_trusted(text));
    }
    snprintf(text, sizeof(text), "\xEF\xBB\xBF%s", second);
    CHECK(is_trusted(text));
    /* Another name that OpenSSL has for it. */
    at = strstr(second, "CERTIFICATE");
    snprintf(text, sizeof(text), "-----BEGIN X509 %s", at);
    at = strstr(text, "-----END ") + strlen("-----END ");
    memmove(at + 5, at, strlen(at) + 1);
    memcpy(at, "X509 ", 5);
    CHECK(is_trusted(text));
    /* And one of nobody. */
    memcpy(at, "X999 ", 5);
    memcpy(strstr(text, "X509 "), "X999 ", 5);
    CHECK_EQ(tls_builder_trust_pem(builder, text, strlen(text)), TLS_ERR_CONFIG);
    check_builder_told(builder, TLS_ERR_CONFIG, TLS_REASON_PEM_LABEL);
    tls_builder_free(builder);
    free(first);
    free(second);
}

static void damaged_pem_is_refused(void)
{
    static const char garbage[] = "this is not a certificate\n";
    static const char not_base64[] =
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    static const char not_x509[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tls_builder_trust_pem(builder, garbage, strlen(garbage)), TLS_ERR_CONFIG);
    check_builder_told(builder, TLS_ERR_CONFIG, TLS_REASON_NO_CERTIFICATE);
    CHECK_EQ(tls_builder_trust_pem(builder, not_base64, strlen(not_base64)), TLS_ERR_CONFIG);
    check_builder_told(builder, TLS_ERR_CONFIG, TLS_REASON_PEM_MALFORMED);
    CHECK_EQ(tls_builder_trust_pem(builder, not_x509, strlen(not_x509)), TLS_ERR_CONFIG);
    check_builder_told(builder, TLS_ERR_CONFIG, TLS_REASON_CERTIFICATE_UNUSABLE);
    CHECK_EQ(tls_builder_trust_pem(builder, NULL, 0), TLS_ERR_CONFIG);
    check_builder_told(builder, TLS_ERR_CONFIG, TLS_REASON_NO_CERTIFICATE);
    tls_builder_free(builder);
}

static void files_are_read_or_named(void)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tls_builder_trust_file(builder, pki_path("no-such-file.pem")), TLS_ERR_IO);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    check_builder_told(builder, TLS_ERR_IO, TLS_REASON_FILE_UNREADABLE);
    CHECK(strstr(error.message, "no-such-file.pem") != NULL);
    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust")), TLS_ERR_IO);
    CHECK_EQ(tls_builder_trust_file(builder, ""), TLS_ERR_IO);
    CHECK_EQ(
        tls_builder_identity_file(builder, pki_path("rsa/server-chain.pem"), pki_path("none.key")),
        TLS_ERR_IO);
    CHECK_EQ(tls_builder_identity_file(builder, pki_path("none.pem"), pki_path("rsa/server.key")),
             TLS_ERR_IO);
    CHECK_EQ(tls_builder_identity_file(builder, pki_path("rsa/server-chain.pem"), NULL),
             TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_trust_file(builder, NULL), TLS_ERR_ARGUMENT);

    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    CHECK_EQ(tls_builder_identity_file(builder, pki_path("rsa/server-chain.pem"),
                                       pki_path("rsa/server.key")),
             TLS_OK);
    tls_builder_free(builder);
}

static void the_system_store_is_trusted_on_request(void)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;

    CHECK_EQ(tls_builder_trust_system(builder), TLS_OK);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_context_free(context);
    tls_builder_free(builder);
}

static void alpn_lists_are_checked(void)
{
    static const char empty_entry[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1', 0};
    static const char too_short[] = {8, 'h', 't', 't', 'p', '/', '1', '.'};
    static const char good[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    char longest[256];
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tls_builder_alpn(builder, empty_entry, sizeof(empty_entry)), TLS_ERR_CONFIG);
    check_builder_told(builder, TLS_ERR_CONFIG, TLS_REASON_ALPN_MALFORMED);
    CHECK_EQ(tls_builder_alpn(builder, too_short, sizeof(too_short)), TLS_ERR_CONFIG);
    check_builder_told(builder, TLS_ERR_CONFIG, TLS_REASON_ALPN_MALFORMED);
    CHECK_EQ(tls_builder_alpn(builder, "", 1), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_alpn(builder, NULL, 5), TLS_ERR_ARGUMENT);

    memset(longest, 'a', sizeof(longest));
    longest[0] = (char)255;
    CHECK_EQ(tls_builder_alpn(builder, longest, sizeof(longest)), TLS_OK);
    CHECK_EQ(tls_builder_alpn(builder, good, sizeof(good)), TLS_OK);
    CHECK_EQ(tls_builder_alpn(builder, NULL, 0), TLS_OK);
    tls_builder_free(builder);
}

static void versions_are_checked(void)
{
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_2, TLS_VERSION_1_3), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_2, TLS_VERSION_1_2), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_3, TLS_VERSION_1_3), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_3, TLS_VERSION_1_2), TLS_ERR_CONFIG);
    check_builder_told(builder, TLS_ERR_CONFIG, TLS_REASON_VERSION_UNSUPPORTED);
    CHECK_EQ(tls_builder_versions(builder, 0x0302, TLS_VERSION_1_3), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_2, 0x0305), TLS_ERR_CONFIG);
    tls_builder_free(builder);
}

static void modes_are_checked(void)
{
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tls_builder_client_auth(builder, TLS_CLIENT_AUTH_REQUIRED + 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_client_auth(builder, -1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_client_auth(builder, TLS_CLIENT_AUTH_OPTIONAL), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_ANY_NAME + 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_verify(builder, -1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_ASK), TLS_OK);
    tls_builder_free(builder);
}

static void limits_are_checked(void)
{
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tls_builder_limits(builder, 0, 0), TLS_OK);
    CHECK_EQ(tls_builder_limits(builder, TLS_MIN_INBOUND_LIMIT, TLS_MIN_OUTBOUND_LIMIT), TLS_OK);
    CHECK_EQ(tls_builder_limits(builder, TLS_MIN_INBOUND_LIMIT - 1, 0), TLS_ERR_CONFIG);
    check_builder_told(builder, TLS_ERR_CONFIG, TLS_REASON_LIMIT_TOO_SMALL);
    CHECK_EQ(tls_builder_limits(builder, 0, TLS_MIN_OUTBOUND_LIMIT - 1), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_limits(builder, SIZE_MAX, 0), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_pool(builder, 0), TLS_OK);
    CHECK_EQ(tls_builder_pool(builder, SIZE_MAX), TLS_OK);
    tls_builder_free(builder);
}

static void contexts_need_what_their_role_needs(void)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;

    CHECK(tls_context_client(builder, &error) == NULL);
    check_told(&error, TLS_ERR_CONFIG, TLS_REASON_NO_TRUST);
    CHECK(tls_context_server(builder, &error) == NULL);
    check_told(&error, TLS_ERR_CONFIG, TLS_REASON_NO_IDENTITY);

    CHECK_EQ(add_identity(builder, "ecdsa/server-chain.pem", "ecdsa/server.key"), TLS_OK);
    CHECK_EQ(tls_builder_client_auth(builder, TLS_CLIENT_AUTH_REQUIRED), TLS_OK);
    CHECK(tls_context_server(builder, &error) == NULL);
    check_told(&error, TLS_ERR_CONFIG, TLS_REASON_NO_TRUST);

    CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_DANGEROUS_NONE), TLS_OK);
    context = tls_context_client(builder, &error);
    CHECK(context != NULL);
    tls_context_free(context);
    tls_builder_free(builder);
}

static void one_builder_makes_many_contexts(void)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *servers[3], *client;
    size_t i;

    CHECK_EQ(add_identity(builder, "ecdsa/server-chain.pem", "ecdsa/server.key"), TLS_OK);
    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    for (i = 0; i < 3; i++) {
        servers[i] = tls_context_server(builder, NULL);
        CHECK(servers[i] != NULL);
    }
    client = tls_context_client(builder, NULL);
    CHECK(client != NULL);
    tls_builder_free(builder);
    for (i = 0; i < 3; i++) {
        struct pair pair = new_pair_of(client, servers[i], NULL);

        tls_context_free(servers[i]);
        finish_handshake(&pair);
        free_pair(&pair);
    }
    tls_context_free(client);
}

/* The size that the caller sets bounds what is written, so that an older caller is safe. */
static void an_error_is_written_within_its_size(void)
{
    tls_error_t error;
    const unsigned char *bytes = (const unsigned char *)&error;
    size_t size = offsetof(tls_error_t, message) + 12, i;
    tls_builder_t *builder;

    memset(&error, 0xee, sizeof(error));
    error.size = size;
    builder = tls_builder_new();
    CHECK(tls_context_client(builder, &error) == NULL);
    tls_builder_free(builder);
    CHECK_EQ(error.size, size);
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(strlen(error.message), 11);
    for (i = size; i < sizeof(error); i++)
        CHECK_EQ(bytes[i], 0xee);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(every_form_of_key_serves);
    RUN(chains_out_of_order_serve);
    RUN(unusable_identities_are_refused);
    RUN(a_key_of_another_certificate_is_refused_with_the_context);
    RUN(truncated_pem_is_refused_wherever_it_ends);
    RUN(no_certificate_is_passed_over);
    RUN(damaged_pem_is_refused);
    RUN(files_are_read_or_named);
    RUN(the_system_store_is_trusted_on_request);
    RUN(alpn_lists_are_checked);
    RUN(versions_are_checked);
    RUN(modes_are_checked);
    RUN(limits_are_checked);
    RUN(contexts_need_what_their_role_needs);
    RUN(one_builder_makes_many_contexts);
    RUN(an_error_is_written_within_its_size);
    return 0;
}
