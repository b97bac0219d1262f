/*
 * rustls-ffi, by read and write callbacks: the C interface of the project rustls itself, over a
 * rustls of the series before libtlsbio's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The header declares its function only with this. */
#define DEFINE_AWS_LC_RS
#include <rustls.h>

#include "callback_wire.h"

/* A rustls_connection does not tell which side it is of. */
static const struct rustls_client_config *client_config;
static const struct rustls_server_config *server_config;

static const char *version(void)
{
    static char text[128];
    struct rustls_str name = rustls_version();

    snprintf(text, sizeof(text), "%.*s", (int)name.len, name.data);
    return text;
}

static void succeed(rustls_result result, const char *what)
{
    char text[256];
    size_t len;

    if (result == RUSTLS_RESULT_OK)
        return;
    rustls_error(result, text, sizeof(text) - 1, &len);
    text[len] = '\0';
    fail("%s: %s", what, text);
}

struct bytes {
    uint8_t *start;
    size_t len;
};

static struct bytes contents(const char *path)
{
    struct bytes bytes = {malloc(65536), 0};
    FILE *file = fopen(path, "r");

    if (bytes.start == NULL || file == NULL)
        fail("%s cannot be read", path);
    bytes.len = fread(bytes.start, 1, 65536, file);
    fclose(file);
    return bytes;
}

/*
 * A provider with one suite. Groups cannot be chosen by this interface: X25519MLKEM768 is what its
 * own provider prefers; that the process's default provider has X25519 alone is seen to by the
 * program, in Rust.
 */
static const struct rustls_crypto_provider *provider_of(const struct setting *setting)
{
    const struct rustls_crypto_provider *base = rustls_aws_lc_rs_crypto_provider(), *provider;
    const struct rustls_supported_ciphersuite *suite = NULL;
    struct rustls_crypto_provider_builder *builder;
    size_t i;

    for (i = 0; i < rustls_crypto_provider_ciphersuites_len(base); i++) {
        suite = rustls_crypto_provider_ciphersuites_get(base, i);
        if (rustls_supported_ciphersuite_get_suite(suite) == setting->suite)
            break;
        suite = NULL;
    }
    if (suite == NULL)
        return NULL;
    if (setting->group == 0x11ec)
        builder = rustls_crypto_provider_builder_new_with_base(base);
    else
        succeed(rustls_crypto_provider_builder_new_from_default(&builder), "provider");
    succeed(rustls_crypto_provider_builder_set_cipher_suites(builder, &suite, 1), "suite");
    succeed(rustls_crypto_provider_builder_build(builder, &provider), "provider");
    rustls_crypto_provider_builder_free(builder);
    rustls_crypto_provider_free(base);
    return provider;
}

static void prepare_client(const struct setting *setting,
                           const struct rustls_crypto_provider *provider)
{
    struct rustls_root_cert_store_builder *roots = rustls_root_cert_store_builder_new();
    struct rustls_web_pki_server_cert_verifier_builder *rules;
    struct rustls_client_config_builder *builder;
    struct rustls_server_cert_verifier *verifier;
    const struct rustls_root_cert_store *store;

    succeed(rustls_root_cert_store_builder_load_roots_from_file(roots, setting->roots, true),
            "roots");
    succeed(rustls_root_cert_store_builder_build(roots, &store), "roots");
    rules = rustls_web_pki_server_cert_verifier_builder_new_with_provider(provider, store);
    succeed(rustls_web_pki_server_cert_verifier_builder_build(rules, &verifier), "verifier");
    succeed(rustls_client_config_builder_new_custom(provider, &setting->version, 1, &builder),
            "client");
    rustls_client_config_builder_set_server_verifier(builder, verifier);
    rustls_client_config_free(client_config);
    succeed(rustls_client_config_builder_build(builder, &client_config), "client");
    rustls_server_cert_verifier_free(verifier);
    rustls_web_pki_server_cert_verifier_builder_free(rules);
    rustls_root_cert_store_free(store);
    rustls_root_cert_store_builder_free(roots);
}

/* In TLS 1.2 a server without tickets still keeps sessions by their numbers, unless it is told
 * where and that place takes none. */
static uint32_t no_session(rustls_session_store_userdata userdata,
                           const struct rustls_slice_bytes *key, int remove_after, uint8_t *buffer,
                           size_t room, size_t *len)
{
    (void)userdata, (void)key, (void)remove_after, (void)buffer, (void)room, (void)len;
    return RUSTLS_RESULT_NOT_FOUND;
}

static uint32_t keep_no_session(rustls_session_store_userdata userdata,
                                const struct rustls_slice_bytes *key,
                                const struct rustls_slice_bytes *value)
{
    (void)userdata, (void)key, (void)value;
    return RUSTLS_RESULT_IO;
}

static void prepare_server(const struct setting *setting,
                           const struct rustls_crypto_provider *provider)
{
    struct bytes chain = contents(setting->chain), key = contents(setting->key);
    const struct rustls_certified_key *identity;
    struct rustls_server_config_builder *builder;
    struct rustls_signing_key *signing;

    succeed(rustls_crypto_provider_load_key(provider, key.start, key.len, &signing), "key");
    succeed(rustls_certified_key_build_with_signing_key(chain.start, chain.len, signing, &identity),
            "identity");
    succeed(rustls_server_config_builder_new_custom(provider, &setting->version, 1, &builder),
            "server");
    succeed(rustls_server_config_builder_set_certified_keys(builder, &identity, 1), "identity");
    succeed(rustls_server_config_builder_set_send_tls13_tickets(builder, (size_t)setting->resume),
            "tickets");
    if (!setting->resume)
        rustls_server_config_builder_set_persistence(builder, no_session, keep_no_session);
    rustls_server_config_free(server_config);
    succeed(rustls_server_config_builder_build(builder, &server_config), "server");
    rustls_certified_key_free(identity);
    free(chain.start);
    free(key.start);
}

static const char *prepare(const struct setting *setting)
{
    const struct rustls_crypto_provider *provider;

    if (setting->version == 0x0303 && setting->group == 0x11ec)
        return "TLS 1.2 has no X25519MLKEM768";
    provider = provider_of(setting);
    if (provider == NULL)
        return "has no such suite";
    prepare_client(setting, provider);
    prepare_server(setting, provider);
    rustls_crypto_provider_free(provider);
    return NULL;
}

static rustls_io_result put(void *unused, const uint8_t *bytes, size_t len, size_t *put)
{
    (void)unused;
    *put = wire_put(bytes, len);
    return *put > 0 ? 0 : EAGAIN;
}

static rustls_io_result get(void *unused, uint8_t *bytes, size_t len, size_t *got)
{
    (void)unused;
    *got = wire_get(bytes, len);
    return *got > 0 ? 0 : EAGAIN;
}

static void *open_connection(enum role role)
{
    struct rustls_connection *conn;

    if (role == CLIENT)
        succeed(rustls_client_connection_new(client_config, "localhost", &conn),
                "rustls_client_connection_new");
    else
        succeed(rustls_server_connection_new(server_config, &conn), "rustls_server_connection_new");
    return conn;
}

static void read_wire(struct rustls_connection *conn)
{
    size_t got;
    rustls_io_result error = rustls_connection_read_tls(conn, get, NULL, &got);

    if (error != 0)
        fail("rustls_connection_read_tls: %d", error);
    succeed(rustls_connection_process_new_packets(conn), "rustls_connection_process_new_packets");
}

static void write_wire(struct rustls_connection *conn)
{
    while (rustls_connection_wants_write(conn)) {
        size_t sent;
        rustls_io_result error = rustls_connection_write_tls(conn, put, NULL, &sent);

        if (error != 0)
            fail("rustls_connection_write_tls: %d", error);
    }
}

static size_t out(void *conn, unsigned char *to, size_t room)
{
    wire_lend(to, room);
    write_wire(conn);
    return wire_end(room);
}

/* It takes what it reads into buffers of its own. */
static void in(void *conn, const unsigned char *from, size_t len)
{
    wire_offer(from, len);
    while (wire.in_left > 0)
        read_wire(conn);
}

static int done(void *conn)
{
    return !rustls_connection_is_handshaking(conn);
}

static struct facts facts(void *conn)
{
    struct facts facts = {rustls_connection_get_protocol_version(conn),
                          rustls_connection_get_negotiated_ciphersuite(conn),
                          rustls_connection_get_negotiated_key_exchange_group(conn),
                          rustls_connection_handshake_kind(conn) == RUSTLS_HANDSHAKE_KIND_RESUMED};

    return facts;
}

/* The configuration of the client keeps sessions. */
static void keep(void *conn)
{
    (void)conn;
}

static void close_connection(void *conn)
{
    rustls_connection_free(conn);
}

/* It keeps so many bytes for the peer, 64 KiB, and no more: a large write comes in two. */
static void by_callbacks(void *from, void *to, const unsigned char *plain, size_t len,
                         unsigned char *buffer, struct sink *sink)
{
    size_t most = len;

    while (len > 0) {
        size_t written;

        succeed(rustls_connection_write(from, plain, len, &written), "rustls_connection_write");
        plain += written;
        len -= written;
        wire_lend(buffer, WIRE_ROOM);
        write_wire(from);
        wire_offer(buffer, wire_end(WIRE_ROOM));
        while (wire.in_left > 0) {
            size_t got;
            rustls_result result;

            read_wire(to);
            while ((result = rustls_connection_read(to, sink->room + sink->got, most - sink->got,
                                                    &got)) == RUSTLS_RESULT_OK &&
                   got > 0)
                delivered(sink, sink->room + sink->got, got);
            if (result != RUSTLS_RESULT_OK && result != RUSTLS_RESULT_PLAINTEXT_EMPTY)
                succeed(result, "rustls_connection_read");
        }
    }
}

static const struct way ways[] = {
    {"callbacks", "rustls_connection_write, _write_tls; _read_tls, _process_new_packets, _read",
     by_callbacks},
    {NULL, NULL, NULL},
};

const struct driver driver = {
    .library = "rustls-ffi",
    .version = version,
    .prepare = prepare,
    .open = open_connection,
    .out = out,
    .in = in,
    .done = done,
    .facts = facts,
    .keep = keep,
    .close = close_connection,
    .ways = ways,
};
