/* Facts are copied out of the library into buffers of ours: text is NUL-terminated, ALPN is not
 * text but a blob, and numbers are the IANA code points, named here as the registries do. */
#include "facts.h"

#include <stdio.h>

struct name {
    uint16_t number;
    const char *text;
};

static const struct name versions[] = {{0x0303, "TLSv1.2"}, {0x0304, "TLSv1.3"}, {0, NULL}};

static const struct name suites[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256"},
    {0x1302, "TLS_AES_256_GCM_SHA384"},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
    {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
    {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
    {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
    {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
    {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
    {0, NULL},
};

static const struct name groups[] = {
    {0x0017, "P-256"},        {0x0018, "P-384"},          {0x0019, "P-521"},
    {0x001d, "X25519"},       {0x0201, "MLKEM768"},       {0x0202, "MLKEM1024"},
    {0x11eb, "P256MLKEM768"}, {0x11ec, "X25519MLKEM768"}, {0, NULL},
};

struct numeral {
    char text[16];
};

static const char *name_of(const struct name *names, uint16_t number, struct numeral *unknown)
{
    if (number == 0)
        return "-";
    for (; names->text != NULL; names++) {
        if (names->number == number)
            return names->text;
    }
    snprintf(unknown->text, sizeof(unknown->text), "0x%04x", number);
    return unknown->text;
}

/* The peer chooses these bytes: only plain ones may reach a terminal. */
static const char *alpn_text(tls_conn_t *conn, char *text, size_t capacity)
{
    ptrdiff_t len = tls_alpn(conn, text, capacity - 1);
    ptrdiff_t i;

    if (len <= 0)
        return "-";
    if ((size_t)len > capacity - 1)
        len = (ptrdiff_t)capacity - 1;
    for (i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            text[i] = '?';
    }
    text[len] = '\0';
    return text;
}

static const char *resumed_text(tls_conn_t *conn)
{
    return tls_resumed(conn) == 1 ? "yes" : "no";
}

const char *facts_line(tls_conn_t *conn, char *text, size_t capacity)
{
    struct numeral version, suite, group;
    char alpn[64];

    snprintf(text, capacity, "version=%s suite=%s group=%s alpn=%s resumed=%s",
             name_of(versions, tls_protocol_version(conn), &version),
             name_of(suites, tls_cipher_suite(conn), &suite),
             name_of(groups, tls_group(conn), &group), alpn_text(conn, alpn, sizeof(alpn)),
             resumed_text(conn));
    return text;
}

static size_t append_peer_chain(tls_conn_t *conn, char *text, size_t capacity)
{
    size_t index, used = 0;

    for (index = 0; used < capacity; index++) {
        ptrdiff_t size = tls_peer_certificate(conn, index, NULL, 0);

        if (size <= 0)
            break;
        used += (size_t)snprintf(text + used, capacity - used,
                                 "peer certificate %zu: %td bytes of DER\n", index, size);
    }
    if (index == 0)
        used = (size_t)snprintf(text, capacity, "peer certificate: none\n");
    return used < capacity ? used : capacity - 1;
}

size_t facts_page(tls_conn_t *conn, char *text, size_t capacity)
{
    struct numeral version, suite, group;
    char alpn[64], sni[256];
    int len;

    if (tls_sni(conn, sni, sizeof(sni)) <= 0)
        snprintf(sni, sizeof(sni), "-");
    len = snprintf(text, capacity,
                   "version: %s\nsuite: %s\ngroup: %s\nalpn: %s\nserver name: %s\nresumed: %s\n",
                   name_of(versions, tls_protocol_version(conn), &version),
                   name_of(suites, tls_cipher_suite(conn), &suite),
                   name_of(groups, tls_group(conn), &group), alpn_text(conn, alpn, sizeof(alpn)),
                   sni, resumed_text(conn));
    if (len < 0 || (size_t)len >= capacity)
        return capacity - 1;
    return (size_t)len + append_peer_chain(conn, text + len, capacity - (size_t)len);
}
