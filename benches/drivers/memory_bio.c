/*
 * OpenSSL, BoringSSL and AWS-LC, which share an interface. Built once with the headers of each, by
 * memory BIOs, as CPython, Node and Twisted use them, and, with BIO_OF_HOST, by a BIO whose methods
 * are the host's: as Envoy, Chromium and the crate boring use BoringSSL.
 */
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#ifdef BIO_OF_HOST
#include "callback_wire.h"
#else
#include "driver.h"
#endif

static SSL_CTX *contexts[2];
static _Thread_local SSL_SESSION *session;

#if !defined(OPENSSL_IS_BORINGSSL) && !defined(OPENSSL_IS_AWSLC) &&                                \
    OPENSSL_VERSION_NUMBER >= 0x40000000L
/* Its name since OpenSSL 4.0. */
#define SSL_set1_host SSL_set1_dnsname
#endif

static const char *version(void)
{
#ifdef OPENSSL_IS_BORINGSSL
    /* It has no versions. */
    return "boring-sys " PEER_VERSION;
#elif defined(OPENSSL_IS_AWSLC)
    return AWSLC_VERSION_NUMBER_STRING;
#else
    return OpenSSL_version(OPENSSL_VERSION_STRING);
#endif
}

static _Noreturn void fail_with(const char *what)
{
    char text[256];

    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    fail("%s: %s", what, text);
}

static int keep_session(SSL *ssl, SSL_SESSION *new_session)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = new_session;
    return 1;
}

static int set_suite(SSL_CTX *context, uint16_t suite)
{
    if (suite == 0xc02b)
        return SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256");
#ifdef OPENSSL_IS_BORINGSSL
    /* In TLS 1.3 it chooses by itself: with AES in hardware AES-128-GCM, unless a policy asks for
     * more. */
    return suite == 0x1301 ||
           SSL_CTX_set_compliance_policy(context, ssl_compliance_policy_cnsa_202407);
#else
    return SSL_CTX_set_ciphersuites(context, suite == 0x1301 ? "TLS_AES_128_GCM_SHA256"
                                                             : "TLS_AES_256_GCM_SHA384");
#endif
}

static const char *prepare(const struct setting *setting)
{
    int role;

    if (setting->version == 0x0303 && setting->group == 0x11ec)
        return "TLS 1.2 has no X25519MLKEM768";
    SSL_SESSION_free(session);
    session = NULL;
    for (role = CLIENT; role <= SERVER; role++) {
        SSL_CTX *context = SSL_CTX_new(TLS_method());

        if (context == NULL || !SSL_CTX_set_min_proto_version(context, setting->version) ||
            !SSL_CTX_set_max_proto_version(context, setting->version))
            fail_with("SSL_CTX_new");
        /* In TLS 1.2 the list is also that of the certificate's curve. */
        if (!SSL_CTX_set1_groups_list(context, setting->group == 0x11ec     ? "X25519MLKEM768"
                                               : setting->version == 0x0303 ? "X25519:P-256"
                                                                            : "X25519"))
            return "has no such group";
        if (!set_suite(context, setting->suite))
            return "has no such suite";
        /* What hosts set, but for SSL_MODE_RELEASE_BUFFERS: it is off by default, and slower. */
        SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
        if (role == CLIENT) {
            if (!SSL_CTX_load_verify_locations(context, setting->roots, NULL))
                fail_with("roots");
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
            SSL_CTX_set_session_cache_mode(context,
                                           SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
            if (setting->resume)
                SSL_CTX_sess_set_new_cb(context, keep_session);
        } else {
            if (!SSL_CTX_use_certificate_chain_file(context, setting->chain) ||
                !SSL_CTX_use_PrivateKey_file(context, setting->key, SSL_FILETYPE_PEM))
                fail_with("identity");
            SSL_CTX_set_session_id_context(context, (const unsigned char *)"compare", 7);
#ifdef OPENSSL_IS_BORINGSSL
            if (!setting->resume)
                SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
#else
            SSL_CTX_set_num_tickets(context, (size_t)setting->resume);
#endif
        }
        SSL_CTX_free(contexts[role]);
        contexts[role] = context;
    }
    return NULL;
}

#ifdef BIO_OF_HOST

static int put(BIO *bio, const char *bytes, int len)
{
    size_t put = wire_put(bytes, (size_t)len);

    BIO_clear_retry_flags(bio);
    if (put == 0)
        BIO_set_retry_write(bio);
    return put > 0 ? (int)put : -1;
}

static int get(BIO *bio, char *bytes, int len)
{
    size_t got = wire_get(bytes, (size_t)len);

    BIO_clear_retry_flags(bio);
    if (got == 0)
        BIO_set_retry_read(bio);
    return got > 0 ? (int)got : -1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

/* Sends and receives: the wire is the thread's. */
static void give_bio(SSL *ssl)
{
    static BIO_METHOD *method;
    BIO *bio;

    if (method == NULL) {
        method = BIO_meth_new(0, "wire");
        if (method == NULL || !BIO_meth_set_write(method, put) || !BIO_meth_set_read(method, get) ||
            !BIO_meth_set_ctrl(method, control))
            fail_with("BIO_meth_new");
    }
    bio = BIO_new(method);
    if (bio == NULL)
        fail_with("BIO_new");
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
}

#else

static void give_bio(SSL *ssl)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

    if (in == NULL || out == NULL)
        fail_with("BIO_new");
    SSL_set_bio(ssl, in, out);
}

#endif

static void *open_connection(enum role role)
{
    SSL *ssl = SSL_new(contexts[role]);

    if (ssl == NULL)
        fail_with("SSL_new");
    give_bio(ssl);
    if (role == SERVER) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_set_connect_state(ssl);
    if (!SSL_set_tlsext_host_name(ssl, "localhost") || !SSL_set1_host(ssl, "localhost"))
        fail_with("name");
    if (session != NULL && !SSL_set_session(ssl, session))
        fail_with("SSL_set_session");
    return ssl;
}

static void handshake(SSL *ssl)
{
    int result = SSL_do_handshake(ssl);

    if (result != 1 && SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ)
        fail_with("SSL_do_handshake");
}

#ifdef BIO_OF_HOST

static size_t out(void *conn, unsigned char *to, size_t room)
{
    char plain;

    wire_lend(to, room);
    handshake(conn);
    /* A ticket. */
    if (wire.in_left > 0 && SSL_read(conn, &plain, 1) > 0)
        fail("plain bytes came with the handshake");
    wire_is_read();
    return wire_end(room);
}

static void in(void *conn, const unsigned char *from, size_t len)
{
    (void)conn;
    wire_set_aside(from, len);
}

#else

static size_t out(void *conn, unsigned char *wire, size_t room)
{
    int len;

    handshake(conn);
    len = BIO_read(SSL_get_wbio(conn), wire, (int)room);
    return len > 0 ? (size_t)len : 0;
}

static void put(SSL *ssl, const unsigned char *wire, size_t len)
{
    if (BIO_write(SSL_get_rbio(ssl), wire, (int)len) != (int)len)
        fail_with("BIO_write");
}

static void in(void *conn, const unsigned char *wire, size_t len)
{
    put(conn, wire, len);
}

#endif

static int done(void *conn)
{
    return SSL_is_init_finished(conn);
}

static struct facts facts(void *conn)
{
    struct facts facts = {(uint16_t)SSL_version(conn),
                          (uint16_t)SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(conn)), 0,
                          SSL_session_reused(conn)};

#if defined(OPENSSL_IS_BORINGSSL) || defined(OPENSSL_IS_AWSLC)
    facts.group = SSL_get_group_id(conn);
#elif OPENSSL_VERSION_NUMBER >= 0x30200000L
    const char *group = SSL_get0_group_name(conn);

    /* A session of TLS 1.2 that is resumed has no group. */
    if (group != NULL)
        facts.group = strcasecmp(group, "x25519") == 0 ? 0x001d
                      : strcasecmp(group, "X25519MLKEM768") == 0 ? 0x11ec
                                                                 : 0xffff;
#else
    /* NID_X25519 for what was negotiated. */
    facts.group = SSL_get_negotiated_group(conn) == NID_X25519 ? 0x001d : 0;
#endif
    return facts;
}

/* keep_session() did. */
static void keep(void *conn)
{
    if (conn == NULL) {
        SSL_SESSION_free(session);
        session = NULL;
    }
}

static void close_connection(void *conn)
{
    /* Without this a connection that was not shut down makes its session unusable. */
    SSL_set_shutdown(conn, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(conn);
}

#ifdef BIO_OF_HOST

static void by_bio_of_host(void *from, void *to, const unsigned char *plain, size_t len,
                           unsigned char *buffer, struct sink *sink)
{
    wire_lend(buffer, WIRE_ROOM);
    if (SSL_write(from, plain, (int)len) != (int)len)
        fail_with("SSL_write");
    wire_offer(buffer, wire_end(WIRE_ROOM));
    while (sink->got < len) {
        int got = SSL_read(to, sink->room + sink->got, (int)(len - sink->got));

        if (got <= 0)
            fail_with("SSL_read");
        delivered(sink, sink->room + sink->got, (size_t)got);
    }
    wire_is_read();
}

static const struct way ways[] = {
    {"host-bio", "SSL_write and SSL_read with a BIO of the host", by_bio_of_host},
    {NULL, NULL, NULL},
};

#else

static void by_memory_bio(void *from, void *to, const unsigned char *plain, size_t len,
                          unsigned char *wire, struct sink *sink)
{
    int sent, got;

    if (SSL_write(from, plain, (int)len) != (int)len)
        fail_with("SSL_write");
    while ((sent = BIO_read(SSL_get_wbio(from), wire, WIRE_ROOM)) > 0)
        put(to, wire, (size_t)sent);
    while (sink->got < len) {
        got = SSL_read(to, sink->room + sink->got, (int)(len - sink->got));
        if (got <= 0)
            fail_with("SSL_read");
        delivered(sink, sink->room + sink->got, (size_t)got);
    }
}

static const struct way ways[] = {
    {"memory-bio", "SSL_write, BIO_read; BIO_write, SSL_read", by_memory_bio},
    {NULL, NULL, NULL},
};

#endif

const struct driver driver = {
#ifdef OPENSSL_IS_BORINGSSL
    .library = "BoringSSL",
#elif defined(OPENSSL_IS_AWSLC)
    .library = "AWS-LC",
#else
    .library = "OpenSSL",
#endif
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
