/* Where the host accepts any certificate, all certificates are accepted: the peer's proof that it
 * has the key is all that can fail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "authority.h"
#include "check.h"
#include "pair.h"
#include "pki.h"

static const struct wish odd[] = {
    {.subject = "version 1", .version = 1},
    {.subject = "version 2", .version = 2},
    {.subject = "version 4", .version = 4},
    {.subject = "unknown critical", .unknown_critical = 1},
    {.subject = "policies", .extensions = {"certificatePolicies=critical,1.2.3"}},
    {.subject = "ca", .extensions = {"basicConstraints=critical,CA:TRUE"}},
    {.subject = "expired", .from = -20, .until = -10},
    {.subject = "not yet", .from = 10, .until = 20},
    {.subject = "another usage", .extensions = {"extendedKeyUsage=codeSigning"}},
};

enum { KINDS = sizeof(odd) / sizeof(odd[0]) };

static tls_builder_t *judge_builder(int of_server, int32_t verify, uint16_t version)
{
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tls_builder_verify(builder, verify), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, version, version), TLS_OK);
    if (!of_server) {
        CHECK_EQ(tls_builder_identity_file(builder, pki_path("ecdsa/server-chain.pem"),
                                           pki_path("ecdsa/server.key")),
                 TLS_OK);
        CHECK_EQ(tls_builder_client_auth(builder, TLS_CLIENT_AUTH_REQUIRED), TLS_OK);
    }
    return builder;
}

/* OpenSSL as the peer: it shows whatever certificate it is given. */
struct peer {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    int done;
};

static int accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

static struct peer new_peer(int is_server, const struct made *made)
{
    struct peer peer = {SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()), NULL,
                        BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()), 0};

    SSL_CTX_set_security_level(peer.context, 0);
    CHECK_EQ(SSL_CTX_use_certificate(peer.context, made->certificate), 1);
    CHECK_EQ(SSL_CTX_use_PrivateKey(peer.context, made->key), 1);
    SSL_CTX_set_verify(peer.context, is_server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, accept_any);
    peer.ssl = SSL_new(peer.context);
    SSL_set_bio(peer.ssl, peer.in, peer.out);
    if (is_server)
        SSL_set_accept_state(peer.ssl);
    else
        SSL_set_connect_state(peer.ssl);
    return peer;
}

static void free_peer(struct peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
}

/* Hands over what is there, both ways, until nothing moves; the question is answered. */
static void talk(tls_conn_t *conn, struct peer *peer)
{
    unsigned char wire[16384];
    int moved = 1;

    while (moved) {
        ptrdiff_t len;
        int got;

        moved = 0;
        if (tls_advance(conn) == TLS_ASK_VERIFY) {
            CHECK(tls_peer_certificate(conn, 0, NULL, 0) > 0);
            CHECK_EQ(tls_answer_verify(conn, 0), TLS_OK);
            moved = 1;
        }
        while ((len = tls_drain_into(conn, wire, sizeof(wire))) > 0) {
            CHECK_EQ(BIO_write(peer->in, wire, (int)len), (int)len);
            moved = 1;
        }
        peer->done = SSL_do_handshake(peer->ssl) == 1;
        while ((got = BIO_read(peer->out, wire, sizeof(wire))) > 0) {
            if ((tls_state(conn) & TLS_FAILED) == 0)
                CHECK_EQ(tls_feed(conn, wire, (size_t)got), got);
            moved = 1;
        }
    }
}

/* Makes the context of the judging side, frees the builder, and talks. */
static tls_conn_t *judged(tls_builder_t *builder, int of_server, const struct made *made,
                          struct peer *peer)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_context_t *context =
        of_server ? tls_context_client(builder, &error) : tls_context_server(builder, &error);
    tls_conn_t *conn;

    CHECK(context != NULL);
    conn = of_server ? tls_client_new(context, "localhost", NULL) : tls_server_new(context, NULL);
    CHECK(conn != NULL);
    *peer = new_peer(of_server, made);
    talk(conn, peer);
    tls_builder_free(builder);
    tls_context_free(context);
    return conn;
}

/* */
static void any_certificate_is_accepted(int32_t verify)
{
    for (EACH_VERSION) {
        for (int i = 0; i < KINDS; i++) {
            for (int of_server = 0; of_server <= 1; of_server++) {
                struct made made = make_certificate(odd[i], NULL);
                struct peer peer;
                tls_conn_t *conn =
                    judged(judge_builder(of_server, verify, version), of_server, &made, &peer);

                check_healthy(conn);
                CHECK_EQ(tls_advance(conn), TLS_OK);
                CHECK_EQ(peer.done, 1);
                CHECK(tls_peer_certificate(conn, 0, NULL, 0) > 0);
                tls_free(conn);
                free_peer(&peer);
                free_made(&made);
            }
        }
    }
}

static void where_none_is_verified(void)
{
    any_certificate_is_accepted(TLS_VERIFY_DANGEROUS_NONE);
}

static void where_the_host_accepts(void)
{
    any_certificate_is_accepted(TLS_VERIFY_ASK);
}

/* Its key can be pinned all the same. */
static void the_key_of_any_certificate_can_be_pinned(void)
{
    for (EACH_VERSION) {
        for (int right = 0; right <= 1; right++) {
            struct made made = make_certificate(odd[0], NULL);
            tls_builder_t *builder = judge_builder(1, TLS_VERIFY_DANGEROUS_NONE, version);
            unsigned char digest[32], *der = NULL;
            int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(made.certificate), &der);
            struct peer peer;
            tls_conn_t *conn;

            CHECK(len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1);
            digest[0] ^= (unsigned char)!right;
            CHECK_EQ(tls_builder_pin_sha256(builder, digest, sizeof(digest)), TLS_OK);
            conn = judged(builder, 1, &made, &peer);
            CHECK_EQ(error_of(conn).reason, right ? 0 : TLS_REASON_CERTIFICATE_NOT_PINNED);
            tls_free(conn);
            free_peer(&peer);
            OPENSSL_free(der);
            free_made(&made);
        }
    }
}

/* A key whose public half is another's. */
static EVP_PKEY *with_public_half_of(EVP_PKEY *own, EVP_PKEY *other)
{
    unsigned char point[256];
    size_t len = 0;
    BIGNUM *secret = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *parts;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *mixed = NULL;

    CHECK_EQ(EVP_PKEY_get_octet_string_param(other, "pub", point, sizeof(point), &len), 1);
    CHECK_EQ(EVP_PKEY_get_bn_param(own, "priv", &secret), 1);
    CHECK_EQ(OSSL_PARAM_BLD_push_utf8_string(builder, "group", "P-256", 0), 1);
    CHECK_EQ(OSSL_PARAM_BLD_push_octet_string(builder, "pub", point, len), 1);
    CHECK_EQ(OSSL_PARAM_BLD_push_BN(builder, "priv", secret), 1);
    parts = OSSL_PARAM_BLD_to_param(builder);
    CHECK_EQ(EVP_PKEY_fromdata_init(context), 1);
    CHECK_EQ(EVP_PKEY_fromdata(context, &mixed, EVP_PKEY_KEYPAIR, parts), 1);
    OSSL_PARAM_free(parts);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(secret);
    return mixed;
}

/* Who shows a certificate whose key it has not, is refused everywhere. */
static void the_proof_is_still_asked_for(void)
{
    static const int32_t modes[] = {TLS_VERIFY_DANGEROUS_NONE, TLS_VERIFY_ASK};

    for (EACH_VERSION) {
        for (int i = 0; i < 2 * KINDS; i++) {
            for (int of_server = 0; of_server <= 1; of_server++) {
                EVP_PKEY *own = new_key("P-256");
                struct made made = make_certificate(odd[i / 2], NULL);
                EVP_PKEY *mixed = with_public_half_of(own, made.key);
                struct peer peer;
                tls_conn_t *conn;

                EVP_PKEY_free(made.key);
                made.key = mixed;
                conn = judged(judge_builder(of_server, modes[i % 2], version), of_server, &made,
                              &peer);
                CHECK_EQ(error_of(conn).status, TLS_ERR_CERTIFICATE);
                CHECK_EQ(error_of(conn).reason, TLS_REASON_CERTIFICATE_BAD_SIGNATURE);
                tls_free(conn);
                free_peer(&peer);
                free_made(&made);
                EVP_PKEY_free(own);
            }
        }
    }
}

/* And a weak key proves nothing. */
static void weak_keys_are_accepted_from_nobody(void)
{
    static const int32_t modes[] = {TLS_VERIFY_DANGEROUS_NONE, TLS_VERIFY_ASK};

    for (EACH_VERSION) {
        for (int i = 0; i < 4; i++) {
            int of_server = i / 2;
            struct wish wish = {.subject = "weak", .key = EVP_RSA_gen(1024)};
            struct made made = make_certificate(wish, NULL);
            struct peer peer;
            tls_conn_t *conn =
                judged(judge_builder(of_server, modes[i % 2], version), of_server, &made, &peer);

            CHECK_EQ(error_of(conn).status, TLS_ERR_CERTIFICATE);
            CHECK_EQ(error_of(conn).reason, TLS_REASON_CERTIFICATE_WEAK_KEY);
            tls_free(conn);
            free_peer(&peer);
            free_made(&made);
            EVP_PKEY_free(wish.key);
        }
    }
}

/* In whatever order they are asked for. */
static void all_of_many_names_are_told(void)
{
    enum { NAMES = 400 };
    static char names[NAMES * 24] = "subjectAltName=URI:a:b";
    tls_builder_t *server = tls_builder_new();
    tls_context_t *client_context, *server_context;
    struct made own;
    struct pair pair;
    char text[24], expected[24];

    for (int i = 0; i < NAMES; i++)
        sprintf(names + strlen(names), ",DNS:%d.test", i);
    own = make_certificate((struct wish){.subject = "many names", .extensions = {names}}, NULL);
    identify_made(server, &own, 1);
    server_context = tls_context_server(server, NULL);
    tls_builder_free(server);
    server = judge_builder(1, TLS_VERIFY_ASK, TLS_VERSION_1_3);
    client_context = tls_context_client(server, NULL);
    tls_builder_free(server);
    pair = new_pair_of(client_context, server_context, NULL);
    pump(&pair);
    CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
    for (int step = 1; step < NAMES; step += 57) {
        for (int i = 0, at = 0; i < NAMES; i++, at = (at + step) % NAMES) {
            int len = sprintf(expected, "%d.test", at);

            CHECK_EQ(tls_peer_name(pair.client, TLS_NAME_DNS, at, NULL, 0), len);
            CHECK_EQ(tls_peer_name(pair.client, TLS_NAME_DNS, at, text, sizeof(text)), len);
            CHECK_EQ(strcmp(text, expected), 0);
            CHECK_EQ(tls_peer_name(pair.client, TLS_NAME_URI, 0, text, sizeof(text)), 3);
            CHECK_EQ(tls_peer_name(pair.client, TLS_NAME_URI, 20, NULL, 0), 0);
        }
    }
    CHECK_EQ(tls_peer_name(pair.client, TLS_NAME_DNS, NAMES, NULL, 0), 0);
    free_pair(&pair);
    tls_context_free(client_context);
    tls_context_free(server_context);
    free_made(&own);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(where_none_is_verified);
    RUN(where_the_host_accepts);
    RUN(the_key_of_any_certificate_can_be_pinned);
    RUN(the_proof_is_still_asked_for);
    RUN(weak_keys_are_accepted_from_nobody);
    RUN(all_of_many_names_are_told);
    return 0;
}
