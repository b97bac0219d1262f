#include "scene.h"

#include <string.h>

#include "objects.h"
#include "pki.h"
#include "report.h"
#include "wire.h"

/* The first byte of what the peer sends next: fed early, it is simply ahead of the rest. */
static unsigned char type_of_next_record(const struct scene *scene)
{
    enum { CHANGE_CIPHER_SPEC = 0x14, HANDSHAKE = 0x16, APPLICATION_DATA = 0x17 };
    if (scene->phase == PHASE_FRESH)
        return HANDSHAKE;
    if (scene->phase == PHASE_ASK_CONTEXT)
        return scene->version == TLS_VERSION_1_3 ? CHANGE_CIPHER_SPEC : HANDSHAKE;
    if (scene->phase == PHASE_ASK_VERIFY && scene->version == TLS_VERSION_1_2 &&
        scene->role == ROLE_CLIENT)
        return HANDSHAKE; /* the session ticket (RFC 5077, 3.3) */
    return APPLICATION_DATA;
}

/* One configuration for X25519, whose public key is the point 9, with the public name "a.test". */
static const unsigned char ech_list[] = {
    0, 57, 0xfe, 0x0d, 0, 53, 7, 0, 0x20, 0, 32, 9,   0,   0,   0,   0,   0,   0, 0, 0,
    0, 0,  0,    0,    0, 0,  0, 0, 0,    0, 0,  0,   0,   0,   0,   0,   0,   0, 0, 0,
    0, 0,  0,    0,    4, 0,  1, 0, 1,    0, 6,  'a', '.', 't', 'e', 's', 't', 0, 0};

static void usable_values(struct scene *scene)
{
    scene->chain = pki.server_chain.text;
    scene->chain_len = pki.server_chain.len;
    scene->chain_path = pki.server_chain.path;
    scene->key = pki.server_key.text;
    scene->key_len = pki.server_key.len;
    scene->key_path = pki.server_key.path;
    scene->roots = pki.roots.text;
    scene->roots_len = pki.roots.len;
    scene->roots_path = pki.roots.path;
    scene->crl = pki.crl.text;
    scene->crl_len = pki.crl.len;
    scene->public_key = pki.public_key.text;
    scene->public_key_len = pki.public_key.len;
    scene->ocsp = pki.ocsp.text;
    scene->ocsp_len = pki.ocsp.len;
    scene->alpn_list = "\x02h2";
    scene->host = "server.test";
    scene->plain = "plain";
    scene->constant_name = "TLS_OK";
    scene->gather[0] = (tls_iovec_t){(void *)"pl", 2};
    scene->gather[1] = (tls_iovec_t){(void *)"ain", 3};
    scene->scatter[0] = (tls_iovec_t){scene->buffer, 1};
    scene->scatter[1] = (tls_iovec_t){scene->buffer + 1, 100};
    scene->suites[0] = 0x1301;
    scene->suites[1] = 0xc02b;
    scene->schemes[0] = 0x0403;
    scene->schemes[1] = 0x0804;
    scene->groups[0] = 0x001d;
    scene->compression[0] = TLS_COMPRESSION_BROTLI;
    scene->compression[1] = TLS_COMPRESSION_ZLIB;
    scene->ech_list = ech_list;
    scene->ech_list_len = sizeof(ech_list);
    scene->client_options =
        (tls_client_options_t){.size = sizeof(scene->client_options), .server_name = scene->host};
    scene->server_options = (tls_server_options_t){
        .size = sizeof(scene->server_options), .alpn = scene->alpn_list, .alpn_len = 3};
    scene->error.size = sizeof(scene->error);
    scene->ticket_key = (tls_ticket_key_t){.size = sizeof(scene->ticket_key),
                                           .name = "matrix",
                                           .secret = "32 bytes that are not very secret",
                                           .secret_len = 32,
                                           .decrypt_until = UINT64_MAX};
    scene->counters.size = sizeof(scene->counters);
    scene->buffers.size = sizeof(scene->buffers);
    scene->timings.size = sizeof(scene->timings);
    scene->event.size = sizeof(scene->event);
    scene->secrets.size = sizeof(scene->secrets);
    scene->more_secrets.size = sizeof(scene->more_secrets);
    memset(scene->buffer, UNTOUCHED, sizeof(scene->buffer));
    memset(scene->wire_out, UNTOUCHED, sizeof(scene->wire_out));
    scene->next_byte[0] = type_of_next_record(scene);
    scene->own_wire[0] = scene->next_byte[0];
}

static tls_conn_t *new_conn(enum role role, tls_context_t *context)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_conn_t *conn = role == ROLE_CLIENT ? tls_client_new(context, "server.test", &error)
                                           : tls_server_new(context, &error);
    if (!conn)
        give_up("connection: %s: %s", tls_status_name(error.status), error.message);
    return object_list(conn);
}

static void expect(const char *what, int64_t got, int64_t wanted)
{
    if (got != wanted)
        give_up("%s gave %lld instead of %lld", what, (long long)got, (long long)wanted);
}

static void open_pair(struct scene *scene)
{
    enum context_wish wish = scene->phase == PHASE_ASK_VERIFY ? CONTEXT_ASKS_VERIFY : CONTEXT_PLAIN;
    enum role other = scene->role == ROLE_CLIENT ? ROLE_SERVER : ROLE_CLIENT;
    tls_context_t *own = object_context(scene->role, wish, scene->version);
    tls_context_t *peers = object_context(other, CONTEXT_PLAIN, scene->version);
    scene->conn = new_conn(scene->role, scene->phase == PHASE_ASK_CONTEXT ? NULL : own);
    scene->peer = new_conn(other, peers);
    object_free(KIND_CONTEXT, own);
    object_free(KIND_CONTEXT, peers);
}

static void ask(struct scene *scene, tls_status_t question)
{
    wire_settle(scene->conn, scene->peer, &scene->ahead);
    expect("tls_advance", tls_advance(scene->conn), question);
    scene->question = question;
}

static void establish(struct scene *scene)
{
    wire_settle(scene->conn, scene->peer, &scene->ahead);
    expect("tls_advance", tls_advance(scene->conn), TLS_OK);
    expect("tls_advance of the peer", tls_advance(scene->peer), TLS_OK);
}

static void let_fail(struct scene *scene)
{
    unsigned char record[256], plain[16];
    expect("tls_write_from", tls_write_from(scene->peer, "x", 1), 1);
    ptrdiff_t len = tls_drain_into(scene->peer, record, sizeof(record));
    if (len <= 0)
        give_up("no record to damage");
    record[len - 1] ^= 1;
    expect("tls_feed", tls_feed(scene->conn, record, (size_t)len), len);
    expect("tls_read_into", tls_read_into(scene->conn, plain, sizeof(plain)), TLS_ERR_DECRYPT);
    scene->fatal = TLS_ERR_DECRYPT;
}

static void enter_phase(struct scene *scene)
{
    size_t none = 0;
    switch (scene->phase) {
    case PHASE_FRESH:
        return;
    case PHASE_ASK_CONTEXT:
        ask(scene, TLS_ASK_CONTEXT);
        return;
    case PHASE_ASK_VERIFY:
        ask(scene, TLS_ASK_VERIFY);
        return;
    default:
        establish(scene);
    }
    switch (scene->phase) {
    case PHASE_PEER_CLOSED:
        expect("tls_close_notify", tls_close_notify(scene->peer), TLS_OK);
        wire_move(scene->peer, scene->conn, &scene->ahead);
        expect("tls_advance", tls_advance(scene->conn), TLS_CLOSED);
        return;
    case PHASE_WE_CLOSED:
        expect("tls_close_notify", tls_close_notify(scene->conn), TLS_OK);
        wire_move(scene->conn, scene->peer, &none);
        return;
    case PHASE_FAILED:
        let_fail(scene);
        return;
    case PHASE_TRUNCATED:
        expect("tls_feed_eof", tls_feed_eof(scene->conn), TLS_OK);
        expect("tls_advance", tls_advance(scene->conn), TLS_TRUNCATED);
        return;
    default:
        return;
    }
}

void scene_open(struct scene *scene, unsigned needs, enum phase phase, enum role role,
                uint16_t version)
{
    memset(scene, 0, sizeof(*scene));
    scene->phase = phase;
    scene->role = role;
    scene->version = version;
    usable_values(scene);
    if (needs & NEEDS_BUILDER) {
        scene->builder = object_new(KIND_BUILDER);
        scene->empty_builder = object_builder_without_identity(TLS_VERSION_1_3);
    }
    if (needs & NEEDS_CONTEXT) {
        scene->moved = object_moved(scene->digest, &scene->moved_len);
        scene->context = object_context(ROLE_SERVER, CONTEXT_PLAIN, version);
        scene->client_context = object_context(ROLE_CLIENT, CONTEXT_PLAIN, version);
    }
    if (needs & NEEDS_SESSION) {
        scene->session_context = object_session_context();
        scene->session = object_new(KIND_SESSION);
    }
    if (needs & NEEDS_OWNED)
        scene->owned = object_new(KIND_OWNED);
    if (needs & NEEDS_CONN) {
        open_pair(scene);
        enter_phase(scene);
    }
}

void scene_close(struct scene *scene)
{
    object_free(KIND_BUILDER, scene->builder);
    object_free(KIND_BUILDER, scene->empty_builder);
    object_free(KIND_CONTEXT, scene->context);
    object_free(KIND_CONTEXT, scene->client_context);
    object_free(KIND_CONN, scene->conn);
    object_free(KIND_CONN, scene->peer);
    object_free(KIND_SESSION, scene->session);
    object_free(KIND_OWNED, scene->owned);
}
