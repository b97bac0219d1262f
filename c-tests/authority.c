#include "authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "check.h"

enum { DAY = 24 * 60 * 60 };

EVP_PKEY *new_key(const char *curve)
{
    EVP_PKEY *key = EVP_EC_gen(curve);

    CHECK(key != NULL);
    return key;
}

static void set_name(X509_NAME *name, const char *text)
{
    CHECK_EQ(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1,
                                        -1, 0),
             1);
}

static void add_extensions(X509 *certificate, X509 *issuer, const struct wish *wish)
{
    X509V3_CTX context;

    CONF *empty = NCONF_new(NULL); /* some extensions want a configuration to look into */

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509V3_set_nconf(&context, empty);
    for (size_t i = 0; i < sizeof(wish->extensions) / sizeof(wish->extensions[0]); i++) {
        char name[64] = "";
        const char *text = wish->extensions[i], *value;
        X509_EXTENSION *extension;

        if (text == NULL)
            continue;
        value = strchr(text, '=');
        CHECK(value != NULL && (size_t)(value - text) < sizeof(name));
        memcpy(name, text, (size_t)(value - text));
        extension = X509V3_EXT_nconf(empty, &context, name, value + 1);
        if (extension == NULL) {
            fprintf(stderr, "%s\n", text);
            ERR_print_errors_fp(stderr);
        }
        CHECK(extension != NULL);
        CHECK_EQ(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    NCONF_free(empty);
    if (wish->unknown_critical) {
        ASN1_OBJECT *object = OBJ_txt2obj("1.2.3.4.5", 1);
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        X509_EXTENSION *extension;

        CHECK_EQ(ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05\x00", 2), 1);
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
        CHECK_EQ(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
        ASN1_OCTET_STRING_free(value);
        ASN1_OBJECT_free(object);
    }
}

struct made make_certificate(struct wish wish, const struct made *issuer)
{
    static long serial = 1;
    struct made made = {X509_new(), wish.key};
    EVP_PKEY *signer;
    const EVP_MD *digest = EVP_sha256();

    if (made.key != NULL)
        CHECK_EQ(EVP_PKEY_up_ref(made.key), 1);
    else
        made.key = new_key("P-256");
    if (wish.from == 0 && wish.until == 0) {
        wish.from = -1;
        wish.until = 30;
    }
    CHECK_EQ(X509_set_version(made.certificate, wish.version == 0 ? 2 : wish.version - 1), 1);
    CHECK_EQ(ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++), 1);
    CHECK(X509_gmtime_adj(X509_getm_notBefore(made.certificate), wish.from * DAY) != NULL);
    CHECK(X509_gmtime_adj(X509_getm_notAfter(made.certificate), wish.until * DAY) != NULL);
    if (wish.minutes != 0)
        CHECK(X509_gmtime_adj(X509_getm_notAfter(made.certificate), wish.minutes * 60) != NULL);
    set_name(X509_get_subject_name(made.certificate), wish.subject);
    if (wish.issuer != NULL)
        set_name(X509_get_issuer_name(made.certificate), wish.issuer);
    else
        CHECK_EQ(X509_set_issuer_name(
                     made.certificate,
                     X509_get_subject_name(issuer ? issuer->certificate : made.certificate)),
                 1);
    CHECK_EQ(X509_set_pubkey(made.certificate, made.key), 1);
    add_extensions(made.certificate, issuer ? issuer->certificate : made.certificate, &wish);
    signer = issuer ? issuer->key : made.key;
    if (EVP_PKEY_is_a(signer, "ED25519"))
        digest = NULL;
    CHECK(X509_sign(made.certificate, signer, digest) > 0);
    return made;
}

void free_made(struct made *made)
{
    X509_free(made->certificate);
    EVP_PKEY_free(made->key);
}

static void append(struct text *text, BIO *bio)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);

    CHECK(len > 0);
    text->bytes = realloc(text->bytes, text->len + (size_t)len + 1);
    CHECK(text->bytes != NULL);
    memcpy(text->bytes + text->len, bytes, (size_t)len);
    text->len += (size_t)len;
    text->bytes[text->len] = '\0';
    BIO_free(bio);
}

void add_certificate(struct text *pem, const struct made *made)
{
    BIO *bio = BIO_new(BIO_s_mem());

    CHECK_EQ(PEM_write_bio_X509(bio, made->certificate), 1);
    append(pem, bio);
}

void add_key(struct text *pem, const struct made *made)
{
    BIO *bio = BIO_new(BIO_s_mem());

    CHECK_EQ(PEM_write_bio_PrivateKey(bio, made->key, NULL, NULL, 0, NULL, NULL), 1);
    append(pem, bio);
}

void free_text(struct text *text)
{
    free(text->bytes);
    *text = (struct text){NULL, 0};
}

tls_status_t trust_made(tls_builder_t *builder, const struct made *anchor)
{
    struct text pem = {NULL, 0};
    tls_status_t status;

    add_certificate(&pem, anchor);
    status = tls_builder_trust_pem(builder, pem.bytes, pem.len);
    free_text(&pem);
    return status;
}

void identify_made(tls_builder_t *builder, const struct made *chain, size_t count)
{
    struct text pem = {NULL, 0}, key = {NULL, 0};

    for (size_t i = 0; i < count; i++)
        add_certificate(&pem, &chain[i]);
    add_key(&key, &chain[0]);
    CHECK_EQ(tls_builder_identity_pem(builder, pem.bytes, pem.len, key.bytes, key.len), TLS_OK);
    free_text(&pem);
    free_text(&key);
}
