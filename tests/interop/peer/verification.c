#include "verification.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "options.h"

typedef tls_status_t taker(tls_builder_t *builder, const void *data, size_t len);

bool verification_option(struct verification *v, const char *name, const char *value)
{
    if (strcmp(name, "--crl") == 0)
        v->crl = value;
    else if (strcmp(name, "--intermediates") == 0)
        v->intermediates = value;
    else if (strcmp(name, "--ocsp") == 0)
        v->ocsp = value;
    else if (strcmp(name, "--pin") == 0)
        v->pin = value;
    else if (strcmp(name, "--raw-key") == 0)
        v->raw_key = value;
    else if (strcmp(name, "--raw-trust") == 0)
        v->raw_trust = value;
    else if (strcmp(name, "--revocation") == 0)
        v->revocation = strtol(value, NULL, 10);
    else if (strcmp(name, "--verify-time") == 0)
        v->verify_time = strtol(value, NULL, 10);
    else if (strcmp(name, "--sni") == 0)
        v->sni = value;
    else
        return false;
    return true;
}

static bool give(tls_builder_t *builder, const char *path, taker *take)
{
    tls_error_t error = {.size = sizeof(error)};
    struct bytes file = {NULL, 0};
    tls_status_t status;

    if (!path)
        return true;
    if (!job_read_file(path, &file))
        return false;
    status = take(builder, file.data, file.len);
    free(file.data);
    if (status == TLS_OK)
        return true;
    tls_builder_error(builder, &error);
    fprintf(stderr, "peer: %s: %s: %s\n", path, tls_status_name(status), error.message);
    return false;
}

bool verification_configure(tls_builder_t *builder, const struct verification *v)
{
    if (v->revocation >= 0 && tls_builder_revocation(builder, (int32_t)v->revocation) != TLS_OK)
        return false;
    if (tls_builder_verify_time(builder, v->verify_time) != TLS_OK)
        return false;
    return give(builder, v->crl, tls_builder_crl) &&
           give(builder, v->intermediates, tls_builder_intermediates_pem) &&
           give(builder, v->ocsp, tls_builder_ocsp) &&
           give(builder, v->pin, tls_builder_pin_sha256) &&
           give(builder, v->raw_key, tls_builder_raw_identity_pem) &&
           give(builder, v->raw_trust, tls_builder_raw_trust_pem);
}

tls_conn_t *verification_client(const tls_context_t *context, const struct options *o,
                                tls_error_t *error)
{
    const char *sni = o->verification.sni;

    if (!sni)
        return tls_client_new(context, o->name, error);
    return tls_client_new_named(context, strcmp(sni, "none") == 0 ? NULL : sni, o->name, error);
}

static void print_bytes(const char *key, const unsigned char *bytes, ptrdiff_t len)
{
    printf("\"%s\":\"", key);
    for (ptrdiff_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
    fputs("\",", stdout);
}

void raw_key_print(tls_conn_t *conn)
{
    unsigned char der[1024];
    ptrdiff_t len = tls_peer_raw_key(conn, der, sizeof(der));

    if (len < 0 || (size_t)len > sizeof(der))
        abort();
    print_bytes("raw_key", der, len);
}

void stapled_take(struct stapled *stapled, tls_conn_t *conn)
{
    stapled->len = tls_ocsp_response(conn, stapled->der, sizeof(stapled->der));
    if (stapled->len < 0 || (size_t)stapled->len > sizeof(stapled->der))
        abort();
}

void stapled_print(const struct stapled *stapled)
{
    print_bytes("ocsp", stapled->der, stapled->len);
}
