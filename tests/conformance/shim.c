/*
 * The side of a connection that BoringSSL's test runner examines, over libtlsbio: shim FLAGS. It
 * connects to the runner, makes a handshake, checks what has to come of it, and sends every byte
 * back with all bits turned over; for each session that is to be resumed once more. It ends with 0
 * if all went as the flags say, with 89 if they ask for what is not here, and with 1 and the reason
 * otherwise.
 *
 * By the environment: CONFORMANCE_WAY and CONFORMANCE_MOST (transport.h); CONFORMANCE_ASK=1 answers
 * for each peer; CONFORMANCE_MOVE=1 lets each connection move behind its handshake.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "transport.h"

enum { HANDSHAKE_FAILURE = 40, CERTIFICATE_UNKNOWN = 46, EARLY = 14336 };

static int is_wanted(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && strcmp(value, "1") == 0;
}

/* The fatal error of a connection, when the runner knows it too. */
static _Noreturn void fail_as(struct transport *transport, tls_conn_t *conn, const char *when)
{
    tls_error_t error = TLS_ERROR_INIT;
    tls_status_t status = tls_advance(conn);

    flush_wire(transport, conn);
    tls_conn_error(conn, &error);
    disconnect(transport);
    fail("%s: %s, %s: %s (alert sent: %d, received: %d)", when, tls_status_name(status),
         tls_reason_name(error.reason), error.message, error.alert_sent, error.alert_received);
}

/* ---- Contexts ---- */

static void set_versions(tls_builder_t *builder, const struct options *options)
{
    int least = options->least_version > TLS_VERSION_1_2 ? options->least_version : TLS_VERSION_1_2;
    int most = options->most_version != 0 ? options->most_version : TLS_VERSION_1_3;

    if (options->without_tls13 && most == TLS_VERSION_1_3)
        most = TLS_VERSION_1_2;
    if (options->without_tls12 && least == TLS_VERSION_1_2)
        least = TLS_VERSION_1_3;
    if (least > most)
        unimplemented("versions before TLS 1.2");
    tls_builder_versions(builder, (uint16_t)least, (uint16_t)most);
}

static void set_alpn(tls_builder_t *builder, const struct options *options)
{
    char list[256];
    const char *chosen = options->chosen_alpn;

    if (options->rejects_alpn)
        tls_builder_alpn(builder, "\x06nobody", 7);
    if (!options->is_server && options->offered_alpn != NULL)
        tls_builder_alpn(builder, options->offered_alpn, strlen(options->offered_alpn));
    if (options->is_server && chosen != NULL) {
        if (*chosen == '\0' || strlen(chosen) >= sizeof(list))
            unimplemented("an empty protocol");
        snprintf(list, sizeof(list), "%c%s", (char)strlen(chosen), chosen);
        tls_builder_alpn(builder, list, strlen(list));
    }
}

static void set_peers(tls_builder_t *builder, const struct options *options)
{
    if (options->is_server && options->demands_client)
        tls_builder_client_auth(builder, TLS_CLIENT_AUTH_REQUIRED);
    else if (options->is_server && options->asks_client)
        tls_builder_client_auth(builder, TLS_CLIENT_AUTH_OPTIONAL);
    tls_builder_verify(builder, options->asks_host ? TLS_VERIFY_ASK : TLS_VERIFY_DANGEROUS_NONE);
}

/* All contexts of a server resume each other's sessions. */
static void share_tickets(const tls_context_t *context)
{
    tls_ticket_key_t key = {.size = sizeof(key), .secret_len = 32, .decrypt_until = UINT64_MAX};
    tls_error_t error = TLS_ERROR_INIT;

    memset(key.name, 1, sizeof(key.name));
    memset(key.secret, 2, key.secret_len);
    if (tls_context_ticket_keys(context, &key, 1, &error) != TLS_OK)
        fail("ticket keys: %s", error.message);
}

static tls_context_t *make_context(const struct options *options)
{
    tls_builder_t *builder = tls_builder_new();
    tls_error_t error = TLS_ERROR_INIT;
    tls_context_t *context;

    set_versions(builder, options);
    set_alpn(builder, options);
    set_peers(builder, options);
    if (options->chain != NULL)
        tls_builder_identity_file(builder, options->chain, options->key);
    if (options->groups.count > 0)
        tls_builder_groups(builder, options->groups.code, (size_t)options->groups.count);
    if (options->schemes.count > 0)
        tls_builder_signature_schemes(builder, options->schemes.code,
                                      (size_t)options->schemes.count);
    if (options->key_shares.count == 1)
        tls_builder_key_share(builder, options->key_shares.code[0]);
    else if (options->key_shares.count > 1)
        unimplemented("several key shares by choice");
    if (options->without_tickets)
        tls_builder_tickets(builder, 0);
    if (options->without_tickets && !options->is_server)
        tls_builder_sessions(builder, 0);
    if (options->early_data)
        tls_builder_early_data(builder, EARLY);
    if (options->most_plain > 0)
        tls_builder_record_size(builder, (size_t)options->most_plain);
    if (options->ech_grease) {
        tls_builder_versions(builder, TLS_VERSION_1_3, TLS_VERSION_1_3);
        tls_builder_ech_grease(builder, 1);
    }
    context = options->is_server ? tls_context_server(builder, &error)
                                 : tls_context_client(builder, &error);
    /* An algorithm that is not here, or no longer. */
    if (context == NULL && error.status == TLS_ERR_CONFIG)
        unimplemented(error.message);
    if (context == NULL)
        fail("no context: %s", error.message);
    tls_builder_free(builder);
    if (options->is_server && !options->without_tickets && !options->early_data)
        share_tickets(context);
    return context;
}

/* ---- One connection ---- */

static tls_conn_t *new_connection(const struct options *options, const tls_context_t *context)
{
    tls_error_t error = TLS_ERROR_INIT;
    tls_client_options_t with = {.size = sizeof(with), .server_name = "test"};
    tls_conn_t *conn;

    if (options->name != NULL)
        with.server_name = options->name;
    else
        with.flags = TLS_CLIENT_NO_SNI;
    conn = options->is_server ? tls_server_new(context, &error)
                              : tls_client_new_with(context, &with, &error);
    if (conn == NULL)
        fail("no connection: %s", error.message);
    return conn;
}

static void write_all(struct transport *transport, tls_conn_t *conn, const void *plain, size_t len)
{
    const unsigned char *next = plain;

    while (len > 0) {
        ptrdiff_t count = write_plain(transport, conn, next, len);

        if (count > 0) {
            next += count;
            len -= (size_t)count;
        } else if (count == TLS_WANT_FEED) {
            receive_wire(transport, conn);
        } else if (tls_state(conn) & TLS_FAILED) {
            fail_as(transport, conn, "writing");
        } else if (transport->is_over || (tls_state(conn) & TLS_EOF)) {
            return;
        } else if (count != TLS_WANT_DRAIN) {
            fail("writing: %s", tls_status_name((tls_status_t)count));
        }
    }
}

/* Early data of a client, which is kept until it can be answered. */
struct early {
    unsigned char bytes[EARLY];
    size_t len;
};

static void read_early(tls_conn_t *conn, struct early *early)
{
    ptrdiff_t count;

    if (tls_early_status(conn) != TLS_EARLY_ACCEPTED)
        return;
    while ((count = tls_early_read_into(conn, early->bytes + early->len,
                                        sizeof(early->bytes) - early->len)) > 0)
        early->len += (size_t)count;
}

/* The other library's two ways to refuse a peer have an alert each. */
static int verdict(const struct options *options)
{
    if (!options->refuses_peer)
        return 0;
    return options->refuses_as_unknown ? CERTIFICATE_UNKNOWN : HANDSHAKE_FAILURE;
}

static void shake_hands(struct transport *transport, tls_conn_t *conn,
                        const struct options *options, struct early *early)
{
    while (tls_state(conn) & TLS_HANDSHAKING) {
        tls_status_t status = tls_advance(conn);
        uint32_t state;

        if (options->is_server && options->early_data)
            read_early(conn, early);
        if (status == TLS_ASK_VERIFY) {
            tls_answer_verify(conn, verdict(options));
            continue;
        }
        state = tls_state(conn);
        if (state & TLS_CAN_DRAIN)
            flush_wire(transport, conn);
        else if ((state & TLS_FAILED) || !(state & TLS_CAN_FEED))
            fail_as(transport, conn, "handshake");
        else
            receive_wire(transport, conn);
    }
    flush_wire(transport, conn);
    if (tls_state(conn) & TLS_FAILED)
        fail_as(transport, conn, "end of the handshake");
}

static void expect_text(const char *what, ptrdiff_t len, const char *text, const char *expected)
{
    if (expected != NULL &&
        (len != (ptrdiff_t)strlen(expected) || memcmp(text, expected, (size_t)len) != 0))
        fail("%s: %.*s, expected %s", what, len > 0 ? (int)len : 0, text, expected);
}

static void expect_number(const char *what, int number, int expected)
{
    if (expected != 0 && number != expected)
        fail("%s: %d, expected %d", what, number, expected);
}

static void check_facts(tls_conn_t *conn, const struct options *options, int resumes)
{
    char text[256];
    int kind = tls_handshake_kind(conn), early = tls_early_status(conn);
    int is_retried = kind == TLS_HANDSHAKE_FULL_RETRIED || kind == TLS_HANDSHAKE_RESUMED_RETRIED;

    if (options->expects_no_end)
        fail("the handshake was to have no end");
    expect_text("protocol", tls_alpn(conn, text, sizeof(text)), text, options->expected_alpn);
    if (options->is_server)
        expect_text("name", tls_sni(conn, text, sizeof(text)), text, options->expected_name);
    expect_number("version", tls_protocol_version(conn), options->expected_version);
    expect_number("group", tls_group(conn), options->expected_group);
    expect_number("suite", tls_cipher_suite(conn), options->expected_suite);
    if (options->expects_retry != is_retried &&
        (options->expects_retry || options->expects_no_retry))
        fail("retried: %d", is_retried);
    if (options->expects_no_peer && tls_peer_certificate(conn, 0, NULL, 0) > 0)
        fail("the peer has a certificate");
    if (!resumes)
        return;
    if (options->expects_no_session && tls_resumed(conn))
        fail("a session was resumed");
    if (!options->expects_no_session && !options->without_tickets && !tls_resumed(conn))
        fail("no session was resumed");
    if (options->expects_early_accepted && early != TLS_EARLY_ACCEPTED)
        fail("early data: %d", early);
    if (options->expects_early_rejected && early == TLS_EARLY_ACCEPTED)
        fail("early data was accepted");
}

static tls_conn_t *moved(tls_conn_t *conn, const tls_context_t *context)
{
    static unsigned char blob[1 << 20];
    unsigned char key[TLS_MOVE_KEY_LENGTH] = {1};
    tls_error_t error = TLS_ERROR_INIT;
    ptrdiff_t len = tls_conn_export(conn, key, blob, sizeof(blob), &error);

    /* Some connections stay where they are, as the header says. */
    if (len == TLS_ERR_STATE)
        return conn;
    tls_free(conn);
    conn = len > 0 ? tls_conn_import(context, blob, (size_t)len, key, &error) : NULL;
    if (conn == NULL)
        fail("no move: %s", error.message);
    return conn;
}

static void write_first(struct transport *transport, tls_conn_t *conn,
                        const struct options *options, size_t early_len)
{
    static unsigned char sizes[32769];
    static const size_t all[] = {1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769};
    static const char hello[] = "hello";
    unsigned char material[TLS_MAX_EXPORT];
    size_t len = (size_t)options->export_length, i;

    if (len > 0) {
        const char *context = options->export_context != NULL ? options->export_context : "";

        if (tls_export(conn, options->export_label, strlen(options->export_label), context,
                       strlen(context), options->has_export_context, material,
                       len) != (ptrdiff_t)len)
            fail("no keying material");
        write_all(transport, conn, material, len);
    }
    if (options->writes_first && tls_early_status(conn) != TLS_EARLY_ACCEPTED)
        early_len = 0;
    if (options->writes_first)
        write_all(transport, conn, hello + early_len, strlen(hello) - early_len);
    if (options->updates_keys && tls_key_update(conn) != TLS_OK)
        fail("no new keys");
    memset(sizes, 0x42, sizeof(sizes));
    for (i = 0; options->writes_all_sizes && i < sizeof(all) / sizeof(all[0]); i++)
        write_all(transport, conn, sizes, all[i]);
}

static void turn_over(unsigned char *bytes, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        bytes[i] ^= 0xff;
}

/* Until the peer closes. */
static void echo(struct transport *transport, tls_conn_t *conn, const struct options *options,
                 int is_silent)
{
    static unsigned char plain[65536];
    size_t most = options->most_read > 0 && (size_t)options->most_read < sizeof(plain)
                      ? (size_t)options->most_read
                      : sizeof(plain);

    for (;;) {
        ptrdiff_t count = read_plain(transport, conn, plain, most);

        if (count > 0 && !is_silent) {
            turn_over(plain, (size_t)count);
            write_all(transport, conn, plain, (size_t)count);
        }
        flush_wire(transport, conn);
        if (count > 0 || count == TLS_WANT_DRAIN)
            continue;
        if (count == TLS_CLOSED || (count == TLS_TRUNCATED && !options->wants_close))
            return;
        if (count != TLS_WANT_FEED || (tls_state(conn) & TLS_FAILED))
            fail_as(transport, conn, "reading");
        receive_wire(transport, conn);
    }
}

static void converse(const struct options *options, const struct address *address,
                     const tls_context_t *context, int resumes)
{
    static struct transport transport;
    struct early early = {.len = 0};
    size_t early_len = 0;
    tls_conn_t *conn;

    connect_to_runner(&transport, address, context);
    conn = new_connection(options, context);
    if (!options->is_server && resumes && options->early_data && options->writes_first) {
        ptrdiff_t count;

        flush_wire(&transport, conn);
        count = tls_early_write_from(conn, "hello", 5);
        early_len = count > 0 ? (size_t)count : 0;
    }
    shake_hands(&transport, conn, options, &early);
    check_facts(conn, options, resumes);
    if (is_wanted("CONFORMANCE_MOVE"))
        conn = moved(conn, context);
    turn_over(early.bytes, early.len);
    write_all(&transport, conn, early.bytes, early.len);
    write_first(&transport, conn, options, early_len);
    if (options->closes) {
        tls_close_notify(conn);
        flush_wire(&transport, conn);
    }
    if (!options->closes || options->wants_close)
        echo(&transport, conn, options, options->closes);
    if (!options->closes) {
        tls_close_notify(conn);
        flush_wire(&transport, conn);
    }
    disconnect(&transport);
    tls_free(conn);
}

int main(int argc, char **argv)
{
    static struct options first, later;
    struct address address = {0, 0, 0};
    tls_context_t *context, *other;
    int i;

    read_options(argc, argv, 0, &first, &address);
    read_options(argc, argv, 1, &later, &address);
    /* What will be answered is no part of a context. */
    first.asks_host = later.asks_host =
        first.refuses_peer || later.refuses_peer || is_wanted("CONFORMANCE_ASK");
    context = other = make_context(&first);
    if (first.resumptions > 0 && !same_context(&first, &later)) {
        if (!first.is_server)
            unimplemented("a session of another context");
        other = make_context(&later);
    }
    converse(&first, &address, context, 0);
    for (i = 0; i < first.resumptions; i++)
        converse(&later, &address, other, 1);
    if (other != context)
        tls_context_free(other);
    tls_context_free(context);
    return 0;
}
