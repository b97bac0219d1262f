#include "wishes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "options.h"

bool wishes_option(struct wishes *w, const char *name, const char *value)
{
    if (strcmp(name, "--own-alpn") == 0)
        w->own_alpn = value;
    else if (strcmp(name, "--compress") == 0)
        w->compress = value;
    else if (strcmp(name, "--ech") == 0)
        w->ech = value;
    else if (strcmp(name, "--ech-first") == 0)
        w->ech_first = value;
    else
        return false;
    return true;
}

bool wishes_configure(tls_builder_t *builder, const struct wishes *w)
{
    uint16_t numbers[2];
    size_t count = 0;

    for (const char *name = w->compress; name && *name && count < 2; name = strchr(name, ',')) {
        name += *name == ',';
        numbers[count++] =
            strncmp(name, "zlib", 4) == 0 ? TLS_COMPRESSION_ZLIB : TLS_COMPRESSION_BROTLI;
    }
    return tls_builder_certificate_compression(builder, numbers, count) == TLS_OK;
}

bool wishes_any(const struct wishes *w)
{
    return w->own_alpn || w->ech;
}

/* The list as it is in the extension: a length before each name. */
static size_t alpn_wire(const char *names, unsigned char *wire, size_t room)
{
    size_t len = 0;

    while (*names) {
        size_t name_len = strcspn(names, ",");

        if (name_len > 255 || len + 1 + name_len > room)
            abort();
        wire[len++] = (unsigned char)name_len;
        memcpy(wire + len, names, name_len);
        len += name_len;
        names += name_len + (names[name_len] == ',');
    }
    return len;
}

tls_conn_t *wishes_client(const tls_context_t *context, const struct options *o, tls_error_t *error)
{
    const struct wishes *w = &o->wishes;
    tls_client_options_t options = {.size = sizeof(options), .server_name = o->name};
    static long made;
    const int offers = w->ech && (!w->ech_first || made < strtol(w->ech_first, NULL, 10));
    unsigned char alpn[256];
    struct bytes list = {NULL, 0};
    tls_conn_t *conn;

    made++;

    if (w->own_alpn) {
        options.alpn = alpn;
        options.alpn_len = alpn_wire(w->own_alpn, alpn, sizeof(alpn));
    }
    if (offers && strcmp(w->ech, "grease") == 0) {
        options.flags |= TLS_CLIENT_ECH_GREASE;
    } else if (offers) {
        if (!job_read_file(w->ech, &list))
            return NULL;
        options.ech = list.data;
        options.ech_len = list.len;
    }
    conn = tls_client_new_with(context, &options, error);
    free(list.data);
    return conn;
}

tls_status_t wishes_answer(tls_conn_t *conn, const tls_context_t *context, const struct wishes *w)
{
    tls_server_options_t options = {.size = sizeof(options)};
    unsigned char alpn[256];

    if (!w->own_alpn)
        return tls_answer_context(conn, context);
    options.alpn = alpn;
    options.alpn_len = alpn_wire(w->own_alpn, alpn, sizeof(alpn));
    return tls_answer_context_with(conn, context, &options, NULL);
}

void wishes_print(tls_conn_t *conn)
{
    unsigned char list[2048];
    ptrdiff_t len = tls_ech_retry_configs(conn, list, sizeof(list));

    if (len < 0 || (size_t)len > sizeof(list))
        abort();
    printf("\"ech\":%d,\"ech_retry\":\"", (int)tls_ech_status(conn));
    for (ptrdiff_t i = 0; i < len; i++)
        printf("%02x", list[i]);
    fputs("\",", stdout);
}
