/* Keys that are elsewhere: the connection asks, another process signs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static char work[] = "/tmp/tlsbio-sign-XXXXXX";

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");

    CHECK(file != NULL);
    CHECK_EQ(fwrite(bytes, 1, len, file), len);
    CHECK_EQ(fclose(file), 0);
}

static void remove_work(void)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/message", work);
    CHECK_EQ(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/signature", work);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(rmdir(work), 0);
}

/* How OpenSSL's command line is told a TLS signature scheme. */
static const char *openssl_options(uint16_t scheme)
{
    switch (scheme) {
    case 0x0403:
        return "dgst -sha256";
    case 0x0804:
        return "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    case 0x0805:
        return "dgst -sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    case 0x0806:
        return "dgst -sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    case 0x0807:
        return "pkeyutl -rawin";
    default:
        fprintf(stderr, "scheme 0x%04x\n", scheme);
        abort();
    }
}

/* Answers the open question by the openssl program, which alone sees the key. */
static size_t sign_outside(tls_conn_t *conn, const char *key, unsigned char *signature, size_t room)
{
    static unsigned char message[65536];
    char in[64], out[64], command[1024];
    ptrdiff_t len = tls_sign_message(conn, message, sizeof(message));
    uint16_t scheme = tls_sign_scheme(conn);
    int ed25519 = scheme == 0x0807;
    FILE *file;
    size_t n;

    CHECK(len > 0 && len <= (ptrdiff_t)sizeof(message));
    CHECK_EQ(tls_sign_message(conn, NULL, 0), len);
    snprintf(in, sizeof(in), "%s/message", work);
    snprintf(out, sizeof(out), "%s/signature", work);
    write_file(in, message, (size_t)len);
    snprintf(command, sizeof(command), "openssl %s %s %s -out %s %s %s", openssl_options(scheme),
             ed25519 ? "-sign -inkey" : "-sign", pki_path(key), out, ed25519 ? "-in" : "", in);
    CHECK_EQ(system(command), 0);
    file = fopen(out, "rb");
    CHECK(file != NULL);
    n = fread(signature, 1, room, file);
    CHECK_EQ(fclose(file), 0);
    CHECK(n > 0 && n < room);
    return n;
}

static tls_context_t *external_server(const char *chain)
{
    tls_builder_t *builder = tls_builder_new();
    size_t len;
    char *pem = pki_read(chain, &len);
    tls_context_t *context;

    CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    free(pem);
    return context;
}

static struct pair external_pair(uint16_t version, const char *chain)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_context_t *client = make_client_context(&recipe), *server = external_server(chain);
    struct pair pair = new_pair_of(client, server, NULL);

    tls_context_free(client);
    tls_context_free(server);
    return pair;
}

static void check_asking(tls_conn_t *conn)
{
    char byte;

    CHECK_EQ(tls_advance(conn), TLS_ASK_SIGN);
    CHECK_EQ(tls_state(conn) & (TLS_ASKING | TLS_HANDSHAKING), TLS_ASKING | TLS_HANDSHAKING);
    CHECK_EQ(tls_read_into(conn, &byte, 1), TLS_ASK_SIGN);
    CHECK_EQ(tls_write_from(conn, "x", 1), TLS_ASK_SIGN);
    CHECK_EQ(tls_drain_pending(conn), 0);
}

static void answer_and_finish(struct pair *pair, tls_conn_t *asking, const char *key)
{
    unsigned char signature[1024];
    size_t len = sign_outside(asking, key, signature, sizeof(signature));

    CHECK_EQ(tls_answer_sign(asking, signature, len), TLS_OK);
    CHECK_EQ(tls_sign_scheme(asking), 0);
    finish_handshake(pair);
    {
        /* Which identity was presented is known, although another thread presented it. */
        unsigned char client[64], server[64];
        ptrdiff_t binding =
            tls_channel_binding(pair->client, TLS_BINDING_SERVER_END_POINT, client, 64);

        CHECK(binding >= 0);
        CHECK_EQ(tls_channel_binding(pair->server, TLS_BINDING_SERVER_END_POINT, server, 64),
                 binding);
        CHECK_BYTES(client, server, (size_t)binding);
    }
    check_alive(pair);
}

static void a_server_signs_elsewhere_with_every_kind_of_key(void)
{
    static const char *const kinds[][2] = {
        {"rsa/server-chain.pem", "rsa/server.key"},
        {"ecdsa/server-chain.pem", "ecdsa/server.key"},
        {"ed25519/server-chain.pem", "ed25519/server.key"},
    };
    size_t i;

    for (EACH_VERSION) {
        for (i = 0; i < 3; i++) {
            struct pair pair = external_pair(version, kinds[i][0]);

            CHECK_EQ(tls_sign_scheme(pair.server), 0);
            CHECK_EQ(tls_sign_message(pair.server, NULL, 0), 0);
            pump(&pair);
            check_asking(pair.server);
            answer_and_finish(&pair, pair.server, kinds[i][1]);
            free_pair(&pair);
        }
    }
}

static void a_client_signs_elsewhere(void)
{
    for (EACH_VERSION) {
        struct recipe server = with_version(plain_server, version);
        tls_builder_t *builder = tls_builder_new();
        tls_context_t *client_context, *server_context;
        size_t len;
        char *pem = pki_read("ecdsa/client-chain.pem", &len);
        struct pair pair;

        server.client_auth = TLS_CLIENT_AUTH_REQUIRED;
        server.trust = "trust/all.pem";
        CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
        CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
        client_context = tls_context_client(builder, NULL);
        server_context = make_server_context(&server);
        pair = new_pair_of(client_context, server_context, NULL);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ASK_SIGN);
        answer_and_finish(&pair, pair.client, "ecdsa/client.key");
        CHECK(tls_peer_certificate(pair.server, 0, NULL, 0) > 0);
        free_pair(&pair);
        tls_context_free(client_context);
        tls_context_free(server_context);
        tls_builder_free(builder);
        free(pem);
    }
}

/* A wrong signature could betray the key: it is not sent, and a right one may follow. */
static void a_wrong_signature_is_not_sent(void)
{
    for (EACH_VERSION) {
        struct pair pair = external_pair(version, "ecdsa/server-chain.pem");
        unsigned char signature[1024];
        size_t len;

        pump(&pair);
        check_asking(pair.server);
        len = sign_outside(pair.server, "keys/mismatch.key", signature, sizeof(signature));
        CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_sign(pair.server, "nonsense", 8), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_sign(pair.server, NULL, 0), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_sign(pair.server, NULL, 5), TLS_ERR_ARGUMENT);
        check_asking(pair.server);
        len = sign_outside(pair.server, "ecdsa/server.key", signature, sizeof(signature));
        signature[len - 1] ^= 1;
        CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_verify(pair.server, 0), TLS_ERR_STATE);
        answer_and_finish(&pair, pair.server, "ecdsa/server.key");
        CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_ERR_STATE);
        free_pair(&pair);
    }
}

static void a_refused_signature_ends_the_handshake_with_an_alert(void)
{
    for (EACH_VERSION) {
        struct pair pair = external_pair(version, "rsa/server-chain.pem");

        pump(&pair);
        check_asking(pair.server);
        CHECK_EQ(tls_answer_refuse(pair.server, 200), TLS_ERR_ARGUMENT);
        check_asking(pair.server);
        CHECK_EQ(tls_answer_refuse(pair.server, 40), TLS_OK);
        pump(&pair);
        CHECK((tls_state(pair.server) & TLS_FAILED) != 0);
        CHECK_EQ(error_of(pair.server).alert_sent, 40);
        CHECK_EQ(pair.client_status, TLS_ERR_ALERT);
        CHECK_EQ(error_of(pair.client).alert_received, 40);
        free_pair(&pair);
    }
}

/* Its thread ends with the connection; valgrind and the sanitizers would see what it left. */
static void an_open_question_can_be_left(void)
{
    for (EACH_VERSION) {
        int i;

        for (i = 0; i < 20; i++) {
            struct pair pair = external_pair(version, "ecdsa/server-chain.pem");

            pump(&pair);
            check_asking(pair.server);
            free_pair(&pair);
        }
    }
}

static void all_three_questions_can_follow_each_other(void)
{
    struct recipe client = plain_client;
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *client_context, *server_context;
    size_t len;
    char *pem = pki_read("ecdsa/server-chain.pem", &len);
    struct pair pair;
    unsigned char signature[1024];

    client.chain = "rsa/client-chain.pem";
    client.key = "rsa/client.key";
    client_context = make_client_context(&client);
    CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
    CHECK_EQ(tls_builder_client_auth(builder, TLS_CLIENT_AUTH_REQUIRED), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_ASK), TLS_OK);
    server_context = tls_context_server(builder, NULL);
    CHECK(server_context != NULL);

    pair = new_pair_of(client_context, NULL, NULL);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ASK_CONTEXT);
    CHECK_EQ(tls_answer_context(pair.server, server_context), TLS_OK);
    pump(&pair);
    check_asking(pair.server);
    len = sign_outside(pair.server, "ecdsa/server.key", signature, sizeof(signature));
    CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_OK);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ASK_VERIFY);
    CHECK_EQ(tls_answer_verify(pair.server, 0), TLS_OK);
    finish_handshake(&pair);
    check_alive(&pair);

    free_pair(&pair);
    tls_context_free(client_context);
    tls_context_free(server_context);
    tls_builder_free(builder);
    free(pem);
}

/* The step is the same however its bytes come, and in the host's own buffer too. */
static void an_in_place_host_gives_its_bytes_again(void)
{
    for (EACH_VERSION) {
        struct pair pair = external_pair(version, "ecdsa/server-chain.pem");
        unsigned char wire[4096], signature[1024];
        size_t len, consumed, sent;
        tls_span_t spans[2];
        ptrdiff_t n = tls_drain_into(pair.client, wire, sizeof(wire));

        CHECK(n > 0);
        for (sent = 1; sent < (size_t)n; sent++) {
            CHECK_EQ(tls_read_in_place(pair.server, wire, sent, spans, 2, &consumed),
                     TLS_WANT_FEED);
            CHECK_EQ(consumed, 0);
        }
        CHECK_EQ(tls_read_in_place(pair.server, wire, (size_t)n, spans, 2, &consumed),
                 TLS_ASK_SIGN);
        CHECK_EQ(consumed, 0);
        len = sign_outside(pair.server, "ecdsa/server.key", signature, sizeof(signature));
        CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_OK);
        CHECK_EQ(tls_read_in_place(pair.server, wire, (size_t)n, spans, 2, &consumed),
                 TLS_WANT_FEED);
        CHECK_EQ(consumed, n);
        finish_handshake(&pair);
        check_alive(&pair);
        free_pair(&pair);
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    CHECK(mkdtemp(work) != NULL);
    RUN(a_server_signs_elsewhere_with_every_kind_of_key);
    RUN(a_client_signs_elsewhere);
    RUN(a_wrong_signature_is_not_sent);
    RUN(a_refused_signature_ends_the_handshake_with_an_alert);
    RUN(an_open_question_can_be_left);
    RUN(all_three_questions_can_follow_each_other);
    RUN(an_in_place_host_gives_its_bytes_again);
    remove_work();
    return 0;
}
