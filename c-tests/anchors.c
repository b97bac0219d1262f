/* What is checked of trust anchors and issuers. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "authority.h"
#include "check.h"
#include "pair.h"
#include "pki.h"

#define CA "basicConstraints=critical,CA:TRUE"
#define NO_CA "basicConstraints=critical,CA:FALSE"
#define HOST "subjectAltName=DNS:localhost"

enum { DAY = 24 * 60 * 60 };

static struct made leaf_of(const struct made *issuer, const char *usage)
{
    return make_certificate((struct wish){.subject = "leaf", .extensions = {HOST, NO_CA, usage}},
                            issuer);
}

/* The chain is that of a server, or of a client. Frees the builder. */
static int32_t outcome(tls_builder_t *judge, int of_server, const struct made *chain, size_t count,
                       uint16_t version)
{
    tls_builder_t *peer = tls_builder_new();
    tls_context_t *client, *server;
    tls_error_t error = {.size = sizeof(error)};
    struct pair pair;
    int32_t reason;

    identify_made(peer, chain, count);
    CHECK_EQ(tls_builder_versions(peer, version, version), TLS_OK);
    if (of_server) {
        client = tls_context_client(judge, &error);
        server = tls_context_server(peer, &error);
    } else {
        CHECK_EQ(tls_builder_identity_file(judge, pki_path("ecdsa/server-chain.pem"),
                                           pki_path("ecdsa/server.key")),
                 TLS_OK);
        CHECK_EQ(tls_builder_client_auth(judge, TLS_CLIENT_AUTH_REQUIRED), TLS_OK);
        CHECK_EQ(tls_builder_trust_file(peer, pki_path("trust/all.pem")), TLS_OK);
        client = tls_context_client(peer, &error);
        server = tls_context_server(judge, &error);
    }
    CHECK(client != NULL && server != NULL);
    pair = new_pair_of(client, server, NULL);
    pump(&pair);
    error = error_of(of_server ? pair.client : pair.server);
    if (error.status == TLS_OK) {
        finish_handshake(&pair);
        check_alive(&pair);
    } else {
        CHECK_EQ(error.status, TLS_ERR_CERTIFICATE);
        CHECK(error.alert_sent > 0 && strlen(error.message) > 10);
    }
    reason = error.reason;
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(judge);
    tls_builder_free(peer);
    return reason;
}

/* */
static void what_is_no_ca_is_no_anchor(void)
{
    static const struct {
        struct wish wish;
        int32_t reason;
    } cases[] = {
        {{.extensions = {CA}}, 0},
        {{.extensions = {CA, "keyUsage=critical,keyCertSign"}}, 0},
        {{.extensions = {CA, "keyUsage=keyCertSign,digitalSignature"}}, 0},
        {{.extensions = {CA}, .from = -20, .until = -10}, 0}, /* looked at when it is used */
        {{.version = 1}, 0},
        {{.extensions = {CA, "certificatePolicies=critical,1.2.3"}}, 0},
        {{.extensions = {NO_CA}}, TLS_REASON_ANCHOR_NOT_CA},
        {{.extensions = {NO_CA, "keyUsage=critical,keyCertSign"}}, TLS_REASON_ANCHOR_NOT_CA},
        {{.extensions = {HOST}}, TLS_REASON_ANCHOR_NOT_CA},
        {{.extensions = {"keyUsage=critical,keyCertSign"}}, TLS_REASON_ANCHOR_NOT_CA},
        {{.extensions = {CA, "keyUsage=critical,digitalSignature"}}, TLS_REASON_ANCHOR_NOT_CA},
        {{.extensions = {CA, "keyUsage=cRLSign"}}, TLS_REASON_ANCHOR_NOT_CA},
        {{.version = 1, .issuer = "another"}, TLS_REASON_ANCHOR_NOT_CA},
        {{.extensions = {CA}, .unknown_critical = 1}, TLS_REASON_CERTIFICATE_UNUSABLE},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wish wish = cases[i].wish;
        tls_builder_t *builder = tls_builder_new();
        tls_error_t error = {.size = sizeof(error)};
        struct made anchor;

        wish.subject = "anchor";
        anchor = make_certificate(wish, NULL);
        CHECK_EQ(trust_made(builder, &anchor), cases[i].reason == 0 ? TLS_OK : TLS_ERR_CONFIG);
        CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
        CHECK_EQ(error.reason, cases[i].reason);
        if (cases[i].reason == TLS_REASON_ANCHOR_NOT_CA)
            CHECK(strstr(error.message, "tls_builder_trust_peer_pem") != NULL);
        tls_builder_free(builder);
        free_made(&anchor);
    }
}

/* The key of a certificate that names itself an end entity signs for nobody, wherever it
 * was put. */
static void an_end_entity_signs_for_nobody(void)
{
    for (EACH_VERSION) {
        struct made root =
            make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
        struct made own = leaf_of(&root, NULL), chain[2];
        tls_builder_t *judge = tls_builder_new();
        struct text pem = {NULL, 0};

        chain[0] = leaf_of(&own, NULL);
        chain[1] = own;
        add_certificate(&pem, &own);
        CHECK_EQ(tls_builder_trust_peer_pem(judge, pem.bytes, pem.len), TLS_OK);
        CHECK_EQ(trust_made(judge, &root), TLS_OK);
        CHECK(outcome(judge, 1, chain, 2, version) != 0);
        judge = tls_builder_new();
        CHECK_EQ(trust_made(judge, &root), TLS_OK);
        CHECK_EQ(tls_builder_intermediates_pem(judge, pem.bytes, pem.len), TLS_OK);
        CHECK(outcome(judge, 0, chain, 1, version) != 0);
        judge = tls_builder_new();
        CHECK_EQ(tls_builder_trust_peer_pem(judge, pem.bytes, pem.len), TLS_OK);
        CHECK_EQ(outcome(judge, 1, &own, 1, version), 0);
        free_text(&pem);
        free_made(&chain[0]);
        free_made(&own);
        free_made(&root);
    }
}

/* */
static void an_anchor_is_asked_when_a_chain_has_led_to_it(void)
{
    static const struct {
        struct wish anchor;
        int intermediates;
        int32_t of_server, of_client; /* the reason, or 0 */
    } cases[] = {
        {{.extensions = {CA}}, 0, 0, 0},
        {{.extensions = {CA}}, 2, 0, 0},
        {{.extensions = {CA}, .from = -20, .until = -10},
         1,
         TLS_REASON_ANCHOR_EXPIRED,
         TLS_REASON_ANCHOR_EXPIRED},
        {{.extensions = {CA}, .from = 10, .until = 20},
         0,
         TLS_REASON_ANCHOR_NOT_YET_VALID,
         TLS_REASON_ANCHOR_NOT_YET_VALID},
        {{.version = 1, .from = -20, .until = -10},
         0,
         TLS_REASON_ANCHOR_EXPIRED,
         TLS_REASON_ANCHOR_EXPIRED},
        {{.extensions = {CA ",pathlen:0"}}, 0, 0, 0},
        {{.extensions = {CA ",pathlen:0"}},
         1,
         TLS_REASON_CERTIFICATE_PATH_LENGTH,
         TLS_REASON_CERTIFICATE_PATH_LENGTH},
        {{.extensions = {CA ",pathlen:1"}}, 1, 0, 0},
        {{.extensions = {CA ",pathlen:1"}},
         2,
         TLS_REASON_CERTIFICATE_PATH_LENGTH,
         TLS_REASON_CERTIFICATE_PATH_LENGTH},
        {{.extensions = {CA, "extendedKeyUsage=serverAuth"}}, 0, 0, TLS_REASON_ANCHOR_WRONG_USAGE},
        {{.extensions = {CA, "extendedKeyUsage=critical,clientAuth"}},
         1,
         TLS_REASON_ANCHOR_WRONG_USAGE,
         0},
        {{.extensions = {CA, "extendedKeyUsage=anyExtendedKeyUsage"}}, 0, 0, 0},
        {{.extensions = {CA, "extendedKeyUsage=codeSigning"}},
         0,
         TLS_REASON_ANCHOR_WRONG_USAGE,
         TLS_REASON_ANCHOR_WRONG_USAGE},
        {{.extensions = {CA, "nameConstraints=critical,permitted;DNS:localhost"}}, 1, 0, 0},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            static const char *const names[] = {"first", "second"};
            struct wish wish = cases[i].anchor;
            struct made anchor, chain[3];
            int count = cases[i].intermediates;
            const struct made *issuer = &anchor;

            wish.subject = "anchor";
            anchor = make_certificate(wish, NULL);
            for (int level = count; level > 0; level--) {
                chain[level] = make_certificate(
                    (struct wish){.subject = names[level - 1], .extensions = {CA}}, issuer);
                issuer = &chain[level];
            }
            chain[0] = leaf_of(issuer, NULL);
            for (int of_server = 0; of_server <= 1; of_server++) {
                tls_builder_t *judge = tls_builder_new();

                CHECK_EQ(trust_made(judge, &anchor), TLS_OK);
                CHECK_EQ(outcome(judge, of_server, chain, (size_t)count + 1, version),
                         of_server ? cases[i].of_server : cases[i].of_client);
            }
            for (int level = 0; level <= count; level++)
                free_made(&chain[level]);
            free_made(&anchor);
        }
    }
}

/* The time is the host's; other anchors of the same name and key, and other ways, are not
 * forgotten. */
static void the_anchor_that_may_is_found(void)
{
    struct made expired = make_certificate(
        (struct wish){.subject = "anchor", .extensions = {CA}, .from = -20, .until = -10}, NULL);
    struct made renewed = make_certificate(
        (struct wish){.subject = "anchor", .extensions = {CA}, .key = expired.key}, NULL);
    struct made other =
        make_certificate((struct wish){.subject = "other", .extensions = {CA}}, NULL);
    struct made crossed = make_certificate(
        (struct wish){.subject = "anchor", .extensions = {CA}, .key = expired.key}, &other);
    struct made chain[2];
    tls_builder_t *judge;

    chain[0] = leaf_of(&expired, NULL);
    chain[1] = crossed;
    for (EACH_VERSION) {
        judge = tls_builder_new();
        CHECK_EQ(trust_made(judge, &expired), TLS_OK);
        CHECK_EQ(trust_made(judge, &renewed), TLS_OK);
        CHECK_EQ(outcome(judge, 1, chain, 1, version), 0);

        judge = tls_builder_new();
        CHECK_EQ(trust_made(judge, &expired), TLS_OK);
        CHECK_EQ(trust_made(judge, &other), TLS_OK);
        CHECK_EQ(outcome(judge, 1, chain, 1, version), TLS_REASON_ANCHOR_EXPIRED);
        judge = tls_builder_new();
        CHECK_EQ(trust_made(judge, &expired), TLS_OK);
        CHECK_EQ(trust_made(judge, &other), TLS_OK);
        CHECK_EQ(outcome(judge, 1, chain, 2, version), 0);

        judge = tls_builder_new();
        CHECK_EQ(trust_made(judge, &renewed), TLS_OK);
        CHECK_EQ(tls_builder_verify_time(judge, (int64_t)time(NULL) + (int64_t)15 * DAY), TLS_OK);
        CHECK_EQ(outcome(judge, 1, chain, 1, version), 0);
        judge = tls_builder_new();
        CHECK_EQ(trust_made(judge, &renewed), TLS_OK);
        CHECK_EQ(tls_builder_verify_time(judge, (int64_t)time(NULL) + (int64_t)40 * DAY), TLS_OK);
        CHECK_EQ(outcome(judge, 1, chain, 1, version), TLS_REASON_CERTIFICATE_EXPIRED);
    }
    free_made(&chain[0]);
    free_made(&expired);
    free_made(&renewed);
    free_made(&other);
    free_made(&crossed);
}

/* */
static void an_issuer_may_sign_certificates(void)
{
    static const struct {
        const char *usage;
        int32_t reason;
    } cases[] = {
        {NULL, 0},
        {"keyUsage=critical,keyCertSign", 0},
        {"keyUsage=keyCertSign,cRLSign", 0},
        {"keyUsage=critical,digitalSignature", TLS_REASON_ISSUER_WRONG_USAGE},
        {"keyUsage=cRLSign", TLS_REASON_ISSUER_WRONG_USAGE},
        {"keyUsage=decipherOnly,keyAgreement", TLS_REASON_ISSUER_WRONG_USAGE},
        /* NULL, where bits are expected: what cannot be read allows nothing. */
        {"keyUsage=DER:0500", TLS_REASON_ISSUER_WRONG_USAGE},
    };
    struct made root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct made inter = make_certificate(
                (struct wish){.subject = "inter", .extensions = {CA, cases[i].usage}}, &root);
            struct made chain[2];
            struct text pem = {NULL, 0};

            chain[0] = leaf_of(&inter, NULL);
            chain[1] = inter;
            add_certificate(&pem, &inter);
            for (int of_server = 0; of_server <= 1; of_server++) {
                tls_builder_t *judge = tls_builder_new();

                CHECK_EQ(trust_made(judge, &root), TLS_OK);
                CHECK_EQ(outcome(judge, of_server, chain, 2, version), cases[i].reason);
                /* The same where the host has it. */
                judge = tls_builder_new();
                CHECK_EQ(trust_made(judge, &root), TLS_OK);
                CHECK_EQ(tls_builder_intermediates_pem(judge, pem.bytes, pem.len), TLS_OK);
                CHECK_EQ(outcome(judge, of_server, chain, 1, version), cases[i].reason);
            }
            free_text(&pem);
            free_made(&chain[0]);
            free_made(&inter);
        }
    }
    free_made(&root);
}

/* An empty CRL of this issuer. */
static void add_crl(tls_builder_t *builder, const struct made *issuer)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -DAY), *later = X509_gmtime_adj(NULL, DAY);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    unsigned char *der = NULL;
    int len;

    CHECK_EQ(X509_CRL_set_version(crl, 1), 1);
    CHECK_EQ(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate)), 1);
    CHECK_EQ(X509_CRL_set1_lastUpdate(crl, now), 1);
    CHECK_EQ(X509_CRL_set1_nextUpdate(crl, later), 1);
    CHECK_EQ(ASN1_INTEGER_set(number, 1), 1);
    CHECK_EQ(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0), 1);
    CHECK(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
    len = i2d_X509_CRL(crl, &der);
    CHECK(len > 0);
    CHECK_EQ(tls_builder_crl(builder, der, (size_t)len), TLS_OK);
    OPENSSL_free(der);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
    X509_CRL_free(crl);
}

/* */
static void who_issues_a_crl_may_sign_crls(void)
{
    static const struct {
        const char *root, *inter;
        int32_t policy, reason;
    } cases[] = {
        {NULL, NULL, TLS_REVOCATION_STRICT, 0},
        {"keyUsage=keyCertSign,cRLSign", "keyUsage=keyCertSign,cRLSign", TLS_REVOCATION_STRICT, 0},
        {"keyUsage=keyCertSign", NULL, TLS_REVOCATION_STRICT, TLS_REASON_CRL_ISSUER_UNFIT},
        {"keyUsage=keyCertSign", NULL, TLS_REVOCATION_ALLOW_UNKNOWN, TLS_REASON_CRL_ISSUER_UNFIT},
        /* The CRL of the root is about the intermediate alone. */
        {"keyUsage=keyCertSign", NULL, TLS_REVOCATION_END_ENTITY_ONLY, 0},
        {NULL, "keyUsage=keyCertSign", TLS_REVOCATION_STRICT, TLS_REASON_CRL_ISSUER_UNFIT},
        {NULL, "keyUsage=keyCertSign", TLS_REVOCATION_END_ENTITY_ONLY, TLS_REASON_CRL_ISSUER_UNFIT},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct made root = make_certificate(
                (struct wish){.subject = "root", .extensions = {CA, cases[i].root}}, NULL);
            struct made inter = make_certificate(
                (struct wish){.subject = "inter", .extensions = {CA, cases[i].inter}}, &root);
            struct made chain[2];

            chain[0] = leaf_of(&inter, NULL);
            chain[1] = inter;
            for (int of_server = 0; of_server <= 1; of_server++) {
                tls_builder_t *judge = tls_builder_new();

                CHECK_EQ(trust_made(judge, &root), TLS_OK);
                add_crl(judge, &root);
                add_crl(judge, &inter);
                CHECK_EQ(tls_builder_revocation(judge, cases[i].policy), TLS_OK);
                CHECK_EQ(outcome(judge, of_server, chain, 2, version), cases[i].reason);
            }
            free_made(&chain[0]);
            free_made(&inter);
            free_made(&root);
        }
    }
}

/* */
static void a_bundle_is_taken_whole_or_as_far_as_it_can_be_used(void)
{
    static const char unusable[] =
        "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"
        "-----BEGIN CERTIFICATE-----\nno base64!\n-----END CERTIFICATE-----\n"
        "-----BEGIN PKCS7-----\nMAMCAQE=\n-----END PKCS7-----\n"
        "-----BEGIN X509 CRL-----\nMAMCAQE=\n-----END X509 CRL-----\n";
    struct made root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    struct made leaf = leaf_of(&root, NULL);
    struct text bundle = {NULL, 0}, nothing = {NULL, 0};
    tls_builder_t *builder = tls_builder_new();
    tls_error_t error = {.size = sizeof(error)};
    size_t passed_over = 99;
    char *all;

    add_certificate(&nothing, &leaf);
    add_certificate(&bundle, &leaf);
    add_certificate(&bundle, &root);
    all = malloc(bundle.len + sizeof(unusable));
    CHECK(all != NULL);
    strcpy(all, bundle.bytes);
    strcat(all, unusable);
    CHECK_EQ(tls_builder_trust_pem(builder, all, strlen(all)), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(tls_builder_trust_bundle(builder, all, strlen(all), &passed_over), TLS_OK);
    CHECK_EQ(passed_over, 5);
    CHECK_EQ(tls_builder_trust_bundle(builder, all, strlen(all), NULL), TLS_OK);
    CHECK_EQ(outcome(builder, 1, &leaf, 1, TLS_VERSION_1_3), 0);

    builder = tls_builder_new();
    CHECK_EQ(tls_builder_trust_bundle(builder, nothing.bytes, nothing.len, &passed_over),
             TLS_ERR_CONFIG);
    CHECK_EQ(passed_over, 1);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(error.reason, TLS_REASON_ANCHOR_NOT_CA);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(tls_builder_trust_bundle(builder, "", 0, &passed_over), TLS_ERR_CONFIG);
    CHECK_EQ(passed_over, 0);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(error.reason, TLS_REASON_NO_CERTIFICATE);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(tls_builder_trust_bundle_file(builder, "/nowhere", &passed_over), TLS_ERR_IO);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(tls_builder_trust_bundle_file(builder, pki_path("trust/all.pem"), &passed_over),
             TLS_OK);
    CHECK_EQ(passed_over, 0);
    /* Nor is any where the text was not looked at. */
    passed_over = 7;
    CHECK_EQ(tls_builder_trust_bundle(builder, all, SIZE_MAX, &passed_over), TLS_ERR_ARGUMENT);
    CHECK_EQ(passed_over, 0);
    passed_over = 7;
    CHECK_EQ(tls_builder_trust_bundle_file(builder, NULL, &passed_over), TLS_ERR_ARGUMENT);
    CHECK_EQ(passed_over, 0);
    tls_builder_free(builder);
    passed_over = 7;
    CHECK_EQ(tls_builder_trust_bundle(builder, all, strlen(all), &passed_over), TLS_ERR_HANDLE);
    CHECK_EQ(passed_over, 0);
    passed_over = 7;
    CHECK_EQ(tls_builder_trust_bundle_file(NULL, "/nowhere", &passed_over), TLS_ERR_ARGUMENT);
    CHECK_EQ(passed_over, 0);
    free(all);
    free_text(&bundle);
    free_text(&nothing);
    free_made(&leaf);
    free_made(&root);
}

/* What the rules of this context say of a server's chain, without a handshake. */
static int32_t verdict(tls_builder_t *judge, const struct made *chain, size_t count,
                       tls_error_t *error)
{
    tls_context_t *context = tls_context_client(judge, NULL);
    tls_iovec_t pieces[4];
    tls_status_t status;

    CHECK(context != NULL && count <= sizeof(pieces) / sizeof(pieces[0]));
    for (size_t i = 0; i < count; i++) {
        unsigned char *der = NULL;

        pieces[i].len = (size_t)i2d_X509(chain[i].certificate, &der);
        pieces[i].base = der;
    }
    *error = (tls_error_t){.size = sizeof(*error)};
    status =
        tls_verify_chain(context, pieces, count, NULL, TLS_VERIFY_TIME_NOW, TLS_ROLE_SERVER, error);
    CHECK_EQ(status, error->reason == 0 ? TLS_OK : TLS_ERR_CERTIFICATE);
    for (size_t i = 0; i < count; i++)
        OPENSSL_free(pieces[i].base);
    tls_context_free(context);
    tls_builder_free(judge);
    return error->reason;
}

/* Wherever it is: at the peer, at a CA between, at the anchor. */
static void weak_keys_are_accepted_nowhere(void)
{
    static const struct {
        const char *curve; /* NULL for RSA */
        unsigned bits;
        int32_t own, of_ca;
    } cases[] = {
        {NULL, 2048, 0, 0},
        {NULL, 2047, TLS_REASON_CERTIFICATE_WEAK_KEY, TLS_REASON_CERTIFICATE_WEAK_KEY},
        {NULL, 1024, TLS_REASON_CERTIFICATE_WEAK_KEY, TLS_REASON_CERTIFICATE_WEAK_KEY},
        {"P-384", 0, 0, 0},
        {"P-224", 0, TLS_REASON_CERTIFICATE_UNSUPPORTED, TLS_REASON_CERTIFICATE_UNSUPPORTED},
        {"secp256k1", 0, TLS_REASON_CERTIFICATE_UNSUPPORTED, TLS_REASON_CERTIFICATE_UNSUPPORTED},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EVP_PKEY *key =
            cases[i].curve == NULL ? EVP_RSA_gen(cases[i].bits) : new_key(cases[i].curve);
        struct made root =
            make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
        struct made weak_root = make_certificate(
            (struct wish){.subject = "weak", .extensions = {CA}, .key = key}, NULL);
        struct made inter = make_certificate(
            (struct wish){.subject = "inter", .extensions = {CA}, .key = key}, &root);
        struct made own = make_certificate(
            (struct wish){.subject = "own", .extensions = {HOST}, .key = key}, &root);
        struct made below[2] = {leaf_of(&inter, NULL), inter};
        struct made of_weak = leaf_of(&weak_root, NULL);
        tls_error_t error;
        tls_builder_t *judge = tls_builder_new();
        struct text pem = {NULL, 0};

        CHECK_EQ(trust_made(judge, &root), TLS_OK);
        CHECK_EQ(verdict(judge, &own, 1, &error), cases[i].own);
        judge = tls_builder_new();
        add_certificate(&pem, &own);
        CHECK_EQ(tls_builder_trust_peer_pem(judge, pem.bytes, pem.len), TLS_OK);
        CHECK_EQ(verdict(judge, &own, 1, &error), cases[i].own);
        judge = tls_builder_new();
        CHECK_EQ(trust_made(judge, &root), TLS_OK);
        CHECK_EQ(verdict(judge, below, 2, &error), cases[i].of_ca);
        judge = tls_builder_new();
        CHECK_EQ(trust_made(judge, &weak_root), TLS_OK);
        CHECK_EQ(verdict(judge, &of_weak, 1, &error), cases[i].of_ca);
        free_text(&pem);
        free_made(&of_weak);
        free_made(&below[0]);
        free_made(&own);
        free_made(&inter);
        free_made(&weak_root);
        free_made(&root);
        EVP_PKEY_free(key);
    }
}

/* Nobody here knows what they allow. */
static void critical_policies_are_not_supported(void)
{
    static const char policies[] = "certificatePolicies=critical,1.2.3";
    struct made root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);

    for (int of_issuer = 0; of_issuer <= 1; of_issuer++) {
        struct made inter = make_certificate(
            (struct wish){.subject = "inter", .extensions = {CA, of_issuer ? policies : NULL}},
            &root);
        struct made chain[2] = {leaf_of(&inter, of_issuer ? NULL : policies), inter};
        tls_builder_t *judge = tls_builder_new();
        tls_error_t error;

        CHECK_EQ(trust_made(judge, &root), TLS_OK);
        CHECK_EQ(verdict(judge, chain, 2, &error), TLS_REASON_CERTIFICATE_UNSUPPORTED);
        free_made(&chain[0]);
        free_made(&inter);
    }
    free_made(&root);
}

static void a_peer_has_a_certificate_for_handshakes(void)
{
    static const struct {
        const char *extension;
        int32_t reason, known; /* known: that the host trusts as it is */
    } cases[] = {
        {NULL, 0, 0},
        {"keyUsage=critical,digitalSignature", 0, 0},
        {"keyUsage=keyEncipherment", 0, 0},
        {"keyUsage=keyAgreement,keyCertSign", 0, 0},
        {"keyUsage=critical,keyCertSign", TLS_REASON_CERTIFICATE_WRONG_USAGE, 0},
        {"keyUsage=critical,nonRepudiation,cRLSign", TLS_REASON_CERTIFICATE_WRONG_USAGE, 0},
        {"keyUsage=DER:0500", TLS_REASON_CERTIFICATE_WRONG_USAGE, 0},
        {"extendedKeyUsage=serverAuth", 0, 0},
        {"extendedKeyUsage=anyExtendedKeyUsage,serverAuth", 0, 0},
        {"extendedKeyUsage=anyExtendedKeyUsage", TLS_REASON_CERTIFICATE_WRONG_USAGE,
         TLS_REASON_CERTIFICATE_WRONG_USAGE},
        {"extendedKeyUsage=clientAuth", TLS_REASON_CERTIFICATE_WRONG_USAGE,
         TLS_REASON_CERTIFICATE_WRONG_USAGE},
    };
    struct made root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int is_ca = 0; is_ca <= 1; is_ca++) {
            struct made own = make_certificate(
                (struct wish){.subject = "own",
                              .extensions = {HOST, is_ca ? CA : NO_CA, cases[i].extension}},
                &root);
            tls_builder_t *judge = tls_builder_new();
            struct text pem = {NULL, 0};
            tls_error_t error;

            add_certificate(&pem, &own);
            CHECK_EQ(tls_builder_trust_peer_pem(judge, pem.bytes, pem.len), TLS_OK);
            CHECK_EQ(verdict(judge, &own, 1, &error), cases[i].known);
            /* It says what the certificate is for. */
            if (i == sizeof(cases) / sizeof(cases[0]) - 1)
                CHECK(strstr(error.message, "but for clients") != NULL);
            if (!is_ca) {
                judge = tls_builder_new();
                CHECK_EQ(trust_made(judge, &root), TLS_OK);
                CHECK_EQ(verdict(judge, &own, 1, &error), cases[i].reason);
            }
            free_text(&pem);
            free_made(&own);
        }
    }
    free_made(&root);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(what_is_no_ca_is_no_anchor);
    RUN(an_end_entity_signs_for_nobody);
    RUN(an_anchor_is_asked_when_a_chain_has_led_to_it);
    RUN(the_anchor_that_may_is_found);
    RUN(an_issuer_may_sign_certificates);
    RUN(who_issues_a_crl_may_sign_crls);
    RUN(weak_keys_are_accepted_nowhere);
    RUN(critical_policies_are_not_supported);
    RUN(a_peer_has_a_certificate_for_handshakes);
    RUN(a_bundle_is_taken_whole_or_as_far_as_it_can_be_used);
    return 0;
}
