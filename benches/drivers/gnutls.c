/* GnuTLS, by push and pull functions that never block, as programs with an event loop of their own
 * use it. */
#include <errno.h>
#include <stdio.h>

#include <gnutls/gnutls.h>

#include "callback_wire.h"

static gnutls_certificate_credentials_t credentials[2];
static gnutls_priority_t priorities;
static gnutls_datum_t ticket_key;
static _Thread_local gnutls_datum_t session;
static int resume;
/* The library does not tell whether a handshake is over, and would begin another. So this is noted
 * with each session: nothing, or one of these. */
static char ticket_is_due, is_over;

static const char *version(void)
{
    return gnutls_check_version(NULL);
}

static void succeed(int result, const char *what)
{
    if (result < 0)
        fail("%s: %s", what, gnutls_strerror(result));
}

static const char *prepare(const struct setting *setting)
{
    char text[256];
    int role, result;

    if (setting->group != 0x001d)
        return "GnuTLS 3.7 has no X25519MLKEM768";
    /* In TLS 1.2 the groups are also the curves that a certificate may have. */
    snprintf(text, sizeof(text),
             "NORMAL:-VERS-ALL:+VERS-TLS1.%d:-CIPHER-ALL:+AES-%d-GCM:-GROUP-ALL:+GROUP-X25519%s",
             setting->version - 0x0301, setting->suite == 0x1302 ? 256 : 128,
             setting->version == 0x0303 ? ":+GROUP-SECP256R1:-KX-ALL:+ECDHE-ECDSA" : "");
    gnutls_priority_deinit(priorities);
    result = gnutls_priority_init(&priorities, text, NULL);
    if (result < 0)
        fail("priorities: %s", gnutls_strerror(result));
    gnutls_free(session.data);
    session.data = NULL;
    if (ticket_key.data == NULL)
        succeed(gnutls_session_ticket_key_generate(&ticket_key), "ticket key");
    resume = setting->resume;
    for (role = CLIENT; role <= SERVER; role++) {
        if (credentials[role] != NULL)
            gnutls_certificate_free_credentials(credentials[role]);
        succeed(gnutls_certificate_allocate_credentials(&credentials[role]), "credentials");
    }
    succeed(gnutls_certificate_set_x509_trust_file(credentials[CLIENT], setting->roots,
                                                   GNUTLS_X509_FMT_PEM),
            "roots");
    succeed(gnutls_certificate_set_x509_key_file(credentials[SERVER], setting->chain, setting->key,
                                                 GNUTLS_X509_FMT_PEM),
            "identity");
    return NULL;
}

static ssize_t push(gnutls_transport_ptr_t conn, const void *bytes, size_t len)
{
    size_t put = wire_put(bytes, len);

    if (put > 0 || len == 0)
        return (ssize_t)put;
    gnutls_transport_set_errno(conn, EAGAIN);
    return -1;
}

static ssize_t pull(gnutls_transport_ptr_t conn, void *bytes, size_t len)
{
    size_t got = wire_get(bytes, len);

    if (got > 0)
        return (ssize_t)got;
    gnutls_transport_set_errno(conn, EAGAIN);
    return -1;
}

/* Without it the library would ask the kernel about a descriptor that is none. */
static int may_pull(gnutls_transport_ptr_t conn, unsigned int milliseconds)
{
    (void)conn;
    (void)milliseconds;
    return wire.in_left > 0;
}

static void *open_connection(enum role role)
{
    gnutls_session_t conn;

    succeed(gnutls_init(&conn, GNUTLS_NONBLOCK | (role == CLIENT ? GNUTLS_CLIENT : GNUTLS_SERVER) |
                                   (resume ? GNUTLS_NO_AUTO_SEND_TICKET : GNUTLS_NO_TICKETS)),
            "gnutls_init");
    succeed(gnutls_priority_set(conn, priorities), "gnutls_priority_set");
    succeed(gnutls_credentials_set(conn, GNUTLS_CRD_CERTIFICATE, credentials[role]),
            "gnutls_credentials_set");
    gnutls_transport_set_ptr(conn, conn);
    gnutls_transport_set_push_function(conn, push);
    gnutls_transport_set_pull_function(conn, pull);
    gnutls_transport_set_pull_timeout_function(conn, may_pull);
    if (role == SERVER) {
        if (resume) {
            succeed(gnutls_session_ticket_enable_server(conn, &ticket_key), "tickets");
            gnutls_session_set_ptr(conn, &ticket_is_due);
        }
        return conn;
    }
    succeed(gnutls_server_name_set(conn, GNUTLS_NAME_DNS, "localhost", 9), "name");
    gnutls_session_set_verify_cert(conn, "localhost", 0);
    if (session.data != NULL)
        succeed(gnutls_session_set_data(conn, session.data, session.size),
                "gnutls_session_set_data");
    return conn;
}

static int done(void *conn)
{
    return gnutls_session_get_ptr(conn) == &is_over;
}

static void end_handshake(gnutls_session_t conn)
{
    /* By itself it would send two. In TLS 1.2 the one is a part of the handshake. */
    if (gnutls_session_get_ptr(conn) == &ticket_is_due &&
        gnutls_protocol_get_version(conn) == GNUTLS_TLS1_3)
        succeed(gnutls_session_ticket_send(conn, 1, 0), "gnutls_session_ticket_send");
    gnutls_session_set_ptr(conn, &is_over);
}

static size_t out(void *conn, unsigned char *to, size_t room)
{
    ssize_t result;
    char plain;

    wire_lend(to, room);
    if (!done(conn)) {
        do
            result = gnutls_handshake(conn);
        while (result < 0 && result != GNUTLS_E_AGAIN && !gnutls_error_is_fatal((int)result));
        if (result == GNUTLS_E_SUCCESS)
            end_handshake(conn);
        else if (result != GNUTLS_E_AGAIN)
            fail("gnutls_handshake: %s", gnutls_strerror((int)result));
    } else if (wire.in_left > 0) {
        /* A ticket. */
        result = gnutls_record_recv(conn, &plain, 1);
        if (result != GNUTLS_E_AGAIN)
            fail("gnutls_record_recv: %zd after the handshake", result);
    }
    wire_is_read();
    return wire_end(room);
}

static void in(void *conn, const unsigned char *from, size_t len)
{
    (void)conn;
    wire_set_aside(from, len);
}

/* It tells IANA's name. */
static uint16_t suite(gnutls_session_t conn)
{
    const char *name = gnutls_ciphersuite_get(conn);

    if (name == NULL)
        return 0xffff;
    return strcmp(name, "TLS_AES_128_GCM_SHA256") == 0                    ? 0x1301
           : strcmp(name, "TLS_AES_256_GCM_SHA384") == 0                  ? 0x1302
           : strcmp(name, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256") == 0 ? 0xc02b
                                                                          : 0xffff;
}

static struct facts facts(void *conn)
{
    gnutls_protocol_t version = gnutls_protocol_get_version(conn);
    struct facts facts = {version == GNUTLS_TLS1_3   ? 0x0304
                          : version == GNUTLS_TLS1_2 ? 0x0303
                                                     : 0xffff,
                          suite(conn), 0, gnutls_session_is_resumed(conn)};

    /* A session of TLS 1.2 that is resumed has no group. */
    if (gnutls_group_get(conn) != GNUTLS_GROUP_INVALID)
        facts.group = gnutls_group_get(conn) == GNUTLS_GROUP_X25519 ? 0x001d : 0xffff;
    return facts;
}

static void keep(void *conn)
{
    gnutls_free(session.data);
    session.data = NULL;
    if (conn != NULL)
        succeed(gnutls_session_get_data2(conn, &session), "gnutls_session_get_data2");
}

static void close_connection(void *conn)
{
    gnutls_deinit(conn);
}

static void by_callbacks(void *from, void *to, const unsigned char *plain, size_t len,
                         unsigned char *buffer, struct sink *sink)
{
    size_t written = 0;

    wire_lend(buffer, WIRE_ROOM);
    while (written < len) {
        ssize_t sent = gnutls_record_send(from, plain + written, len - written);

        if (sent <= 0)
            fail("gnutls_record_send: %s", gnutls_strerror((int)sent));
        written += (size_t)sent;
    }
    wire_offer(buffer, wire_end(WIRE_ROOM));
    while (sink->got < len) {
        ssize_t got = gnutls_record_recv(to, sink->room + sink->got, len - sink->got);

        if (got <= 0)
            fail("gnutls_record_recv: %s", gnutls_strerror((int)got));
        delivered(sink, sink->room + sink->got, (size_t)got);
    }
    wire_is_read();
}

static const struct way ways[] = {
    {"callbacks",
     "gnutls_record_send with a push function; gnutls_record_recv with a pull function",
     by_callbacks},
    {NULL, NULL, NULL},
};

const struct driver driver = {
    .library = "GnuTLS",
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
