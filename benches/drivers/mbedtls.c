/* Mbed TLS 3.6, by send and receive callbacks that never block. */
#include <stdlib.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#include <psa/crypto.h>

#include "callback_wire.h"

struct connection {
    mbedtls_ssl_context ssl;
    int resumed;
};

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_bytes;
static mbedtls_ssl_config configs[2];
static mbedtls_x509_crt roots, chain;
static mbedtls_pk_context key;
static mbedtls_ssl_ticket_context tickets;
static _Thread_local mbedtls_ssl_session session;
static _Thread_local int has_session;
static int prepared;
/* The library keeps pointers to these. */
static int suites[2];
static const uint16_t client_groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                         MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                         MBEDTLS_SSL_IANA_TLS_GROUP_NONE},
                      server_groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                         MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
/* That the library does not tell. What the handshake of this thread found: a ticket that was good.
 */
static _Thread_local int ticket_taken;

static const char *version(void)
{
    static char text[16];

    mbedtls_version_get_string(text);
    return text;
}

static void succeed(int result, const char *what)
{
    char text[128];

    if (result >= 0)
        return;
    mbedtls_strerror(result, text, sizeof(text));
    fail("%s: %s", what, text);
}

static int take_ticket(void *context, mbedtls_ssl_session *restored, unsigned char *ticket,
                       size_t len)
{
    int result = mbedtls_ssl_ticket_parse(context, restored, ticket, len);

    ticket_taken = result == 0;
    return result;
}

static void free_all(void)
{
    int role;

    for (role = CLIENT; role <= SERVER; role++)
        mbedtls_ssl_config_free(&configs[role]);
    mbedtls_x509_crt_free(&roots);
    mbedtls_x509_crt_free(&chain);
    mbedtls_pk_free(&key);
    mbedtls_ssl_ticket_free(&tickets);
    mbedtls_ssl_session_free(&session);
    mbedtls_ctr_drbg_free(&random_bytes);
    mbedtls_entropy_free(&entropy);
    has_session = 0;
}

static const char *prepare(const struct setting *setting)
{
    mbedtls_ssl_protocol_version version;
    int role;

    if (prepared)
        free_all();
    prepared = 0;
    if (setting->group != 0x001d)
        return "Mbed TLS 3.6 has no X25519MLKEM768";
    if (psa_crypto_init() != PSA_SUCCESS)
        fail("psa_crypto_init");
    version = setting->version == 0x0304 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;
    prepared = 1;
    mbedtls_x509_crt_init(&roots);
    mbedtls_x509_crt_init(&chain);
    mbedtls_pk_init(&key);
    mbedtls_ssl_ticket_init(&tickets);
    mbedtls_ssl_session_init(&session);
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random_bytes);
    succeed(mbedtls_ctr_drbg_seed(&random_bytes, mbedtls_entropy_func, &entropy, NULL, 0),
            "random bytes");
    succeed(mbedtls_x509_crt_parse_file(&roots, setting->roots), "roots");
    succeed(mbedtls_x509_crt_parse_file(&chain, setting->chain), "chain");
    succeed(
        mbedtls_pk_parse_keyfile(&key, setting->key, NULL, mbedtls_ctr_drbg_random, &random_bytes),
        "key");
    succeed(mbedtls_ssl_ticket_setup(&tickets, mbedtls_ctr_drbg_random, &random_bytes,
                                     MBEDTLS_CIPHER_AES_256_GCM, 86400),
            "tickets");
    suites[0] = setting->suite;
    for (role = CLIENT; role <= SERVER; role++) {
        mbedtls_ssl_config *config = &configs[role];

        mbedtls_ssl_config_init(config);
        succeed(mbedtls_ssl_config_defaults(
                    config, role == CLIENT ? MBEDTLS_SSL_IS_CLIENT : MBEDTLS_SSL_IS_SERVER,
                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT),
                "defaults");
        mbedtls_ssl_conf_rng(config, mbedtls_ctr_drbg_random, &random_bytes);
        mbedtls_ssl_conf_min_tls_version(config, version);
        mbedtls_ssl_conf_max_tls_version(config, version);
        mbedtls_ssl_conf_ciphersuites(config, suites);
        /* The client's list is also that of the certificate's curve. The server's has one group to
         * choose. */
        mbedtls_ssl_conf_groups(config, role == CLIENT ? client_groups : server_groups);
    }
    mbedtls_ssl_conf_authmode(&configs[CLIENT], MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&configs[CLIENT], &roots, NULL);
    mbedtls_ssl_conf_session_tickets(&configs[CLIENT], setting->resume
                                                           ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED
                                                           : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &configs[CLIENT], MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    succeed(mbedtls_ssl_conf_own_cert(&configs[SERVER], &chain, &key), "identity");
    if (setting->resume)
        mbedtls_ssl_conf_session_tickets_cb(&configs[SERVER], mbedtls_ssl_ticket_write, take_ticket,
                                            &tickets);
    return NULL;
}

static int put(void *unused, const unsigned char *bytes, size_t len)
{
    size_t put = wire_put(bytes, len);

    (void)unused;
    return put > 0 ? (int)put : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int get(void *unused, unsigned char *bytes, size_t len)
{
    size_t got = wire_get(bytes, len);

    (void)unused;
    return got > 0 ? (int)got : MBEDTLS_ERR_SSL_WANT_READ;
}

static void *open_connection(enum role role)
{
    struct connection *conn = malloc(sizeof(*conn));

    if (!prepared)
        fail("nothing is set");
    if (conn == NULL)
        fail("out of memory");
    mbedtls_ssl_init(&conn->ssl);
    conn->resumed = role == CLIENT ? -1 : 0;
    succeed(mbedtls_ssl_setup(&conn->ssl, &configs[role]), "mbedtls_ssl_setup");
    mbedtls_ssl_set_bio(&conn->ssl, NULL, put, get, NULL);
    if (role == CLIENT) {
        succeed(mbedtls_ssl_set_hostname(&conn->ssl, "localhost"), "name");
        if (has_session)
            succeed(mbedtls_ssl_set_session(&conn->ssl, &session), "mbedtls_ssl_set_session");
    }
    return conn;
}

static int done(void *conn)
{
    return mbedtls_ssl_is_handshake_over(&((struct connection *)conn)->ssl);
}

static size_t out(void *argument, unsigned char *to, size_t room)
{
    struct connection *conn = argument;
    int result;

    ticket_taken = 0;
    wire_lend(to, room);
    result = mbedtls_ssl_handshake(&conn->ssl);
    if (result != MBEDTLS_ERR_SSL_WANT_READ)
        succeed(result, "mbedtls_ssl_handshake");
    if (ticket_taken)
        conn->resumed = 1;
    /* A ticket of TLS 1.3, and more of them. */
    while (done(conn) && wire.in_left > 0) {
        unsigned char plain;

        result = mbedtls_ssl_read(&conn->ssl, &plain, 1);
        if (result != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET &&
            result != MBEDTLS_ERR_SSL_WANT_READ)
            fail("mbedtls_ssl_read: %d after the handshake", result);
    }
    wire_is_read();
    return wire_end(room);
}

static void in(void *conn, const unsigned char *from, size_t len)
{
    (void)conn;
    wire_set_aside(from, len);
}

/* It does not tell which group there was: the server has one only. */
static struct facts facts(void *argument)
{
    struct connection *conn = argument;
    struct facts facts = {
        (uint16_t)mbedtls_ssl_get_version_number(&conn->ssl),
        (uint16_t)mbedtls_ssl_get_ciphersuite_id(mbedtls_ssl_get_ciphersuite(&conn->ssl)), 0,
        conn->resumed};

    return facts;
}

static void keep(void *conn)
{
    mbedtls_ssl_session_free(&session);
    mbedtls_ssl_session_init(&session);
    has_session = 0;
    if (conn == NULL)
        return;
    succeed(mbedtls_ssl_get_session(&((struct connection *)conn)->ssl, &session),
            "mbedtls_ssl_get_session");
    has_session = 1;
}

static void close_connection(void *argument)
{
    struct connection *conn = argument;

    mbedtls_ssl_free(&conn->ssl);
    free(conn);
}

static void by_callbacks(void *from, void *to, const unsigned char *plain, size_t len,
                         unsigned char *buffer, struct sink *sink)
{
    size_t written = 0;

    wire_lend(buffer, WIRE_ROOM);
    while (written < len) {
        int sent =
            mbedtls_ssl_write(&((struct connection *)from)->ssl, plain + written, len - written);

        /* Of the server: it has sent a ticket first. */
        if (sent == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
            continue;
        succeed(sent, "mbedtls_ssl_write");
        written += (size_t)sent;
    }
    wire_offer(buffer, wire_end(WIRE_ROOM));
    while (sink->got < len) {
        int got = mbedtls_ssl_read(&((struct connection *)to)->ssl, sink->room + sink->got,
                                   len - sink->got);

        if (got == 0)
            fail("mbedtls_ssl_read: end of stream");
        if (got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
            continue;
        succeed(got, "mbedtls_ssl_read");
        delivered(sink, sink->room + sink->got, (size_t)got);
    }
    wire_is_read();
}

static const struct way ways[] = {
    {"callbacks", "mbedtls_ssl_write and mbedtls_ssl_read with callbacks of mbedtls_ssl_set_bio",
     by_callbacks},
    {NULL, NULL, NULL},
};

const struct driver driver = {
    .library = "Mbed TLS",
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
