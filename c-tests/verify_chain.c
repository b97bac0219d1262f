/* Chains that are judged without a connection. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

enum { DAY = 24 * 60 * 60 };

struct der {
    tls_iovec_t pieces[2];
    size_t count;
};

static struct der read_chain(const char *own, const char *issuer)
{
    struct der der = {.count = issuer != NULL ? 2 : 1};

    der.pieces[0].base = pki_der(own, &der.pieces[0].len);
    if (issuer != NULL)
        der.pieces[1].base = pki_der(issuer, &der.pieces[1].len);
    return der;
}

static void free_chain(struct der *der)
{
    for (size_t i = 0; i < der->count; i++)
        free(der->pieces[i].base);
}

static tls_context_t *context_of(const char *crl, int32_t verify, int is_server)
{
    struct recipe recipe = is_server ? plain_server : plain_client;
    tls_builder_t *builder;
    tls_context_t *context;

    recipe.trust = "trust/all.pem";
    recipe.verify = verify;
    builder = make_builder(&recipe);
    if (crl != NULL) {
        size_t len;
        char *text = pki_read(crl, &len);

        CHECK_EQ(tls_builder_crl(builder, text, len), TLS_OK);
        free(text);
    }
    context = is_server ? tls_context_server(builder, NULL) : tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

/* */
static void a_chain_is_judged_as_in_a_handshake(void)
{
    static const struct {
        const char *own, *issuer, *name;
        int32_t role, reason;
        int days;
    } cases[] = {
        {"ecdsa/server.pem", "ecdsa/inter.pem", "localhost", TLS_ROLE_SERVER, 0, 0},
        {"ecdsa/server.pem", "ecdsa/inter.pem", "127.0.0.1", TLS_ROLE_SERVER, 0, 0},
        {"ecdsa/server.pem", "ecdsa/inter.pem", NULL, TLS_ROLE_SERVER, 0, 0},
        {"rsa/direct.pem", NULL, "server.test", TLS_ROLE_SERVER, 0, 0},
        {"ecdsa/server.pem", "ecdsa/inter.pem", "other.example", TLS_ROLE_SERVER,
         TLS_REASON_CERTIFICATE_WRONG_NAME, 0},
        {"ecdsa/server.pem", NULL, "localhost", TLS_ROLE_SERVER,
         TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER, 0},
        {"ecdsa/client.pem", "ecdsa/inter.pem", NULL, TLS_ROLE_CLIENT, 0, 0},
        {"ecdsa/client.pem", "ecdsa/inter.pem", "other.example", TLS_ROLE_CLIENT, 0, 0},
        {"ecdsa/client.pem", "ecdsa/inter.pem", NULL, TLS_ROLE_SERVER,
         TLS_REASON_CERTIFICATE_WRONG_USAGE, 0},
        {"ecdsa/server.pem", "ecdsa/inter.pem", NULL, TLS_ROLE_CLIENT,
         TLS_REASON_CERTIFICATE_WRONG_USAGE, 0},
        {"bad/expired.pem", NULL, NULL, TLS_ROLE_SERVER, TLS_REASON_CERTIFICATE_EXPIRED, 0},
        {"bad/expired.pem", NULL, NULL, TLS_ROLE_SERVER, 0, -15},
        {"ecdsa/server.pem", "ecdsa/inter.pem", NULL, TLS_ROLE_SERVER,
         TLS_REASON_CERTIFICATE_EXPIRED, 60},
        {"bad/selfsigned.pem", NULL, NULL, TLS_ROLE_SERVER, TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER,
         0},
        {"weak/sha1.pem", NULL, NULL, TLS_ROLE_SERVER, TLS_REASON_CERTIFICATE_UNSUPPORTED, 0},
    };

    for (int is_server = 0; is_server <= 1; is_server++) {
        /* Under ASK the rules are the same: they are the answer -1. */
        for (int asks = 0; asks <= 1; asks++) {
            tls_context_t *context =
                context_of(NULL, asks ? TLS_VERIFY_ASK : TLS_VERIFY_PEER, is_server);

            for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct der der = read_chain(cases[i].own, cases[i].issuer);
                tls_error_t error = {.size = sizeof(error)};
                int64_t then = cases[i].days == 0
                                   ? TLS_VERIFY_TIME_NOW
                                   : (int64_t)time(NULL) + (int64_t)cases[i].days * DAY;
                tls_status_t status = tls_verify_chain(context, der.pieces, der.count,
                                                       cases[i].name, then, cases[i].role, &error);

                CHECK_EQ(status, cases[i].reason == 0 ? TLS_OK : TLS_ERR_CERTIFICATE);
                CHECK_EQ(error.status, status);
                CHECK_EQ(error.reason, cases[i].reason);
                CHECK(cases[i].reason == 0 || (error.alert_sent > 0 && error.message[0] != '\0'));
                free_chain(&der);
            }
            tls_context_free(context);
        }
    }
}

/* */
static void the_clock_and_the_lists_of_the_context_count(void)
{
    tls_context_t *context = context_of("crl/all.crl", TLS_VERIFY_PEER, 0);
    struct der revoked = read_chain("bad/revoked.pem", "ecdsa/inter.pem");
    struct der good = read_chain("ecdsa/server.pem", "ecdsa/inter.pem");
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_verify_chain(context, revoked.pieces, 2, NULL, 0, 0, &error), TLS_ERR_CERTIFICATE);
    CHECK_EQ(error.reason, TLS_REASON_CERTIFICATE_REVOKED);
    CHECK_EQ(tls_verify_chain(context, good.pieces, 2, NULL, 0, 0, NULL), TLS_OK);
    CHECK_EQ(tls_context_time(context, (int64_t)time(NULL) + (int64_t)60 * DAY), TLS_OK);
    CHECK_EQ(tls_verify_chain(context, good.pieces, 2, NULL, 0, 0, &error), TLS_ERR_CERTIFICATE);
    CHECK_EQ(error.reason, TLS_REASON_CERTIFICATE_EXPIRED);
    CHECK_EQ(tls_verify_chain(context, good.pieces, 2, NULL, time(NULL), 0, &error), TLS_OK);
    tls_context_free(context);
    free_chain(&revoked);
    free_chain(&good);
}

/* */
static void what_cannot_be_judged_is_refused(void)
{
    tls_context_t *context = context_of(NULL, TLS_VERIFY_PEER, 0);
    struct der der = read_chain("ecdsa/direct.pem", NULL);
    tls_iovec_t garbage = {(void *)"no certificate", 14}, null = {NULL, 4}, empty = {NULL, 0};
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_verify_chain(NULL, der.pieces, 1, NULL, 0, 0, &error), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_verify_chain(context, NULL, 1, NULL, 0, 0, &error), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_verify_chain(context, NULL, 0, NULL, 0, 0, &error), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_verify_chain(context, der.pieces, SIZE_MAX, NULL, 0, 0, NULL), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_verify_chain(context, &null, 1, NULL, 0, 0, NULL), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_verify_chain(context, der.pieces, 1, "", 0, 0, &error), TLS_ERR_ARGUMENT);
    CHECK_EQ(error.reason, TLS_REASON_SERVER_NAME_INVALID);
    CHECK_EQ(tls_verify_chain(context, der.pieces, 1, NULL, -1, 0, NULL), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_verify_chain(context, der.pieces, 1, NULL, 0, 2, NULL), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_verify_chain(context, der.pieces, 1, NULL, 0, -1, NULL), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_verify_chain(context, &garbage, 1, NULL, 0, 0, &error), TLS_ERR_CERTIFICATE);
    CHECK_EQ(error.reason, TLS_REASON_CERTIFICATE_MALFORMED);
    CHECK_EQ(tls_verify_chain(context, &empty, 1, NULL, 0, 0, &error), TLS_ERR_CERTIFICATE);
    CHECK_EQ(error.reason, TLS_REASON_CERTIFICATE_MALFORMED);
    tls_context_free(context);
    free_chain(&der);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(a_chain_is_judged_as_in_a_handshake);
    RUN(the_clock_and_the_lists_of_the_context_count);
    RUN(what_cannot_be_judged_is_refused);
    return 0;
}
