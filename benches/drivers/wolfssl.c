/* wolfSSL, by I/O callbacks that never block. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfio.h>

#include "callback_wire.h"

static WOLFSSL_CTX *contexts[2];
static _Thread_local WOLFSSL_SESSION *session;
static _Thread_local int handed_on;
static int resume;
static uint16_t group, version_wanted;

static const char *version(void)
{
    return wolfSSL_lib_version();
}

static _Noreturn void fail_with(WOLFSSL *ssl, int result, const char *what)
{
    char text[WOLFSSL_MAX_ERROR_SZ];

    fail("%s: %s", what,
         wolfSSL_ERR_error_string(
             (unsigned long)(ssl != NULL ? wolfSSL_get_error(ssl, result) : result), text));
}

static void succeed(int result, const char *what)
{
    if (result != WOLFSSL_SUCCESS)
        fail_with(NULL, result, what);
}

static int put(WOLFSSL *ssl, char *bytes, int len, void *unused)
{
    size_t put = wire_put(bytes, (size_t)len);

    (void)ssl;
    (void)unused;
    return put > 0 ? (int)put : WOLFSSL_CBIO_ERR_WANT_WRITE;
}

static int get(WOLFSSL *ssl, char *bytes, int len, void *unused)
{
    size_t got = wire_get(bytes, (size_t)len);

    (void)ssl;
    (void)unused;
    return got > 0 ? (int)got : WOLFSSL_CBIO_ERR_WANT_READ;
}

static const char *suite_name(uint16_t suite)
{
    return suite == 0x1301   ? "TLS13-AES128-GCM-SHA256"
           : suite == 0x1302 ? "TLS13-AES256-GCM-SHA384"
                             : "ECDHE-ECDSA-AES128-GCM-SHA256";
}

static WOLFSSL_METHOD *method(const struct setting *setting, int role)
{
    if (setting->version == 0x0304)
        return role == CLIENT ? wolfTLSv1_3_client_method() : wolfTLSv1_3_server_method();
    return role == CLIENT ? wolfTLSv1_2_client_method() : wolfTLSv1_2_server_method();
}

static const char *prepare(const struct setting *setting)
{
    int role;

    if (setting->group == 0x11ec && setting->version == 0x0303)
        return "TLS 1.2 has no X25519MLKEM768";
    if (contexts[CLIENT] == NULL)
        succeed(wolfSSL_Init(), "wolfSSL_Init");
    wolfSSL_SESSION_free(session);
    session = NULL;
    handed_on = 0;
    resume = setting->resume;
    group = setting->group;
    version_wanted = setting->version;
    for (role = CLIENT; role <= SERVER; role++) {
        WOLFSSL_CTX *context = wolfSSL_CTX_new(method(setting, role));

        if (context == NULL)
            fail("wolfSSL_CTX_new");
        succeed(wolfSSL_CTX_set_cipher_list(context, suite_name(setting->suite)), "suites");
        succeed(wolfSSL_CTX_UseSupportedCurve(context, setting->group), "groups");
        wolfSSL_CTX_SetIORecv(context, get);
        wolfSSL_CTX_SetIOSend(context, put);
        /* Sessions are in tickets, as everywhere in this comparison, and in no cache of the
         * process. */
        wolfSSL_CTX_set_session_cache_mode(context, WOLFSSL_SESS_CACHE_OFF);
        if (role == CLIENT) {
            /* In TLS 1.2 the list is also that of the certificate's curve. */
            if (setting->version == 0x0303)
                succeed(wolfSSL_CTX_UseSupportedCurve(context, WOLFSSL_ECC_SECP256R1), "groups");
            succeed(wolfSSL_CTX_load_verify_locations(context, setting->roots, NULL), "roots");
            wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER, NULL);
            if (resume)
                succeed(wolfSSL_CTX_UseSessionTicket(context), "tickets");
        } else {
            succeed(wolfSSL_CTX_use_certificate_chain_file(context, setting->chain), "chain");
            succeed(wolfSSL_CTX_use_PrivateKey_file(context, setting->key, WOLFSSL_FILETYPE_PEM),
                    "key");
            if (!resume && setting->version == 0x0304 && wolfSSL_CTX_no_ticket_TLSv13(context) != 0)
                fail("wolfSSL_CTX_no_ticket_TLSv13");
        }
        wolfSSL_CTX_free(contexts[role]);
        contexts[role] = context;
    }
    return NULL;
}

static void *open_connection(enum role role)
{
    WOLFSSL *ssl = wolfSSL_new(contexts[role]);

    if (ssl == NULL)
        fail("wolfSSL_new");
    if (role == SERVER) {
        wolfSSL_set_accept_state(ssl);
        return ssl;
    }
    wolfSSL_set_connect_state(ssl);
    succeed(wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, "localhost", 9), "name");
    succeed(wolfSSL_check_domain_name(ssl, "localhost"), "name");
    /* It would begin with a share of a group of its own. */
    if (version_wanted == 0x0304)
        succeed(wolfSSL_UseKeyShare(ssl, group), "key share");
    if (session != NULL)
        succeed(wolfSSL_set_session(ssl, session), "wolfSSL_set_session");
    return ssl;
}

static int done(void *conn)
{
    return wolfSSL_is_init_finished(conn);
}

static size_t out(void *conn, unsigned char *to, size_t room)
{
    int result;
    char plain;

    wire_lend(to, room);
    if (!done(conn)) {
        result = wolfSSL_SSL_do_handshake(conn);
        if (result != WOLFSSL_SUCCESS && wolfSSL_get_error(conn, result) != WOLFSSL_ERROR_WANT_READ)
            fail_with(conn, result, "wolfSSL_SSL_do_handshake");
    }
    /* A ticket. */
    if (done(conn) && wire.in_left > 0) {
        result = wolfSSL_read(conn, &plain, 1);
        if (result >= 0 || wolfSSL_get_error(conn, result) != WOLFSSL_ERROR_WANT_READ)
            fail_with(conn, result, "wolfSSL_read after the handshake");
    }
    wire_is_read();
    return wire_end(room);
}

static void in(void *conn, const unsigned char *from, size_t len)
{
    (void)conn;
    wire_set_aside(from, len);
}

static struct facts facts(void *conn)
{
    const char *name = wolfSSL_get_curve_name(conn);
    struct facts facts = {(uint16_t)wolfSSL_version(conn),
                          (uint16_t)wolfSSL_get_current_cipher_suite(conn), 0,
                          wolfSSL_session_reused(conn)};

    if (name != NULL)
        facts.group = strcmp(name, "X25519") == 0           ? 0x001d
                      : strcmp(name, "X25519MLKEM768") == 0 ? 0x11ec
                                                            : 0xffff;
    return facts;
}

/* A ticket counts from which ticket to which it was handed on, and there is no 256th: so the
 * hundredth one is used again and again. */
#define MOST_HANDED_ON 100

static void keep(void *conn)
{
    if (conn != NULL && session != NULL && handed_on >= MOST_HANDED_ON)
        return;
    wolfSSL_SESSION_free(session);
    session = conn != NULL ? wolfSSL_get1_session(conn) : NULL;
    if (conn != NULL && session == NULL)
        fail("wolfSSL_get1_session");
    handed_on = conn != NULL ? handed_on + 1 : 0;
}

static void close_connection(void *conn)
{
    wolfSSL_free(conn);
}

static void by_callbacks(void *from, void *to, const unsigned char *plain, size_t len,
                         unsigned char *buffer, struct sink *sink)
{
    int result;

    wire_lend(buffer, WIRE_ROOM);
    result = wolfSSL_write(from, plain, (int)len);
    if (result != (int)len)
        fail_with(from, result, "wolfSSL_write");
    wire_offer(buffer, wire_end(WIRE_ROOM));
    while (sink->got < len) {
        result = wolfSSL_read(to, sink->room + sink->got, (int)(len - sink->got));
        if (result <= 0)
            fail_with(to, result, "wolfSSL_read");
        delivered(sink, sink->room + sink->got, (size_t)result);
    }
    wire_is_read();
}

static const struct way ways[] = {
    {"callbacks",
     "wolfSSL_write with wolfSSL_CTX_SetIOSend; wolfSSL_read with wolfSSL_CTX_SetIORecv",
     by_callbacks},
    {NULL, NULL, NULL},
};

const struct driver driver = {
    .library = "wolfSSL",
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
