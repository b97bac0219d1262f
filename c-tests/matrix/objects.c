#include "objects.h"

#include "pki.h"
#include "report.h"
#include "wire.h"

static void *listed[64];

void *object_list(void *handle)
{
    for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++) {
        if (!listed[i]) {
            listed[i] = handle;
            return handle;
        }
    }
    give_up("more live objects than the list holds");
}

void object_unlist(void *handle)
{
    for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++) {
        if (handle && listed[i] == handle)
            listed[i] = NULL;
    }
}

bool object_is_listed(const void *handle)
{
    for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++) {
        if (listed[i] == handle)
            return true;
    }
    return false;
}

static void expect_ok(tls_status_t status, tls_builder_t *builder)
{
    tls_error_t error = {.size = sizeof(error)};
    if (status == TLS_OK)
        return;
    tls_builder_error(builder, &error);
    give_up("builder: %s: %s", tls_status_name(status), error.message);
}

tls_builder_t *object_builder_without_identity(uint16_t version)
{
    tls_builder_t *builder = tls_builder_new();
    if (!builder)
        give_up("tls_builder_new gave NULL");
    expect_ok(tls_builder_trust_pem(builder, pki.roots.text, pki.roots.len), builder);
    expect_ok(tls_builder_alpn(builder, "\x02h2", 3), builder);
    expect_ok(tls_builder_versions(builder, version, version), builder);
    return object_list(builder);
}

tls_builder_t *object_builder(enum role role, enum context_wish wish, uint16_t version)
{
    const struct file *chain = role == ROLE_CLIENT ? &pki.client_chain : &pki.server_chain;
    const struct file *key = role == ROLE_CLIENT ? &pki.client_key : &pki.server_key;
    tls_builder_t *builder = object_builder_without_identity(version);
    expect_ok(tls_builder_identity_pem(builder, chain->text, chain->len, key->text, key->len),
              builder);
    expect_ok(tls_builder_client_auth(builder, TLS_CLIENT_AUTH_REQUIRED), builder);
    expect_ok(
        tls_builder_verify(builder, wish == CONTEXT_ASKS_VERIFY ? TLS_VERIFY_ASK : TLS_VERIFY_PEER),
        builder);
    return builder;
}

tls_context_t *object_context(enum role role, enum context_wish wish, uint16_t version)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = object_builder(role, wish, version);
    tls_context_t *context = role == ROLE_CLIENT ? tls_context_client(builder, &error)
                                                 : tls_context_server(builder, &error);
    if (!context)
        give_up("context: %s: %s", tls_status_name(error.status), error.message);
    object_free(KIND_BUILDER, builder);
    return object_list(context);
}

static tls_context_t *session_context;

tls_context_t *object_session_context(void)
{
    if (!session_context)
        session_context = object_context(ROLE_CLIENT, CONTEXT_PLAIN, TLS_VERSION_1_2);
    return session_context;
}

void object_session_context_free(void)
{
    object_free(KIND_CONTEXT, session_context);
    session_context = NULL;
}

static tls_session_t *new_session(void)
{
    size_t ahead = 0;
    tls_error_t error = {.size = sizeof(error)};
    tls_context_t *server = object_context(ROLE_SERVER, CONTEXT_PLAIN, TLS_VERSION_1_2);
    tls_conn_t *conn =
        tls_client_new_resuming(object_session_context(), "server.test", NULL, &error);
    tls_conn_t *peer = tls_server_new(server, NULL);
    wire_settle(conn, peer, &ahead);
    tls_session_t *session = tls_session_take(conn, &error);
    if (!session)
        give_up("session: %s: %s", tls_status_name(error.status), error.message);
    tls_free(conn);
    tls_free(peer);
    object_free(KIND_CONTEXT, server);
    return object_list(session);
}

const unsigned char *object_moved(const unsigned char *key, size_t *len)
{
    static unsigned char blob[8192];
    static size_t made;
    if (made == 0) {
        size_t ahead = 0;
        tls_error_t error = {.size = sizeof(error)};
        tls_context_t *client = object_context(ROLE_CLIENT, CONTEXT_PLAIN, TLS_VERSION_1_3);
        tls_context_t *server = object_context(ROLE_SERVER, CONTEXT_PLAIN, TLS_VERSION_1_3);
        tls_conn_t *peer = tls_client_new(client, "server.test", &error);
        tls_conn_t *conn = tls_server_new(server, &error);
        wire_settle(conn, peer, &ahead);
        ptrdiff_t length = tls_conn_export(conn, key, blob, sizeof(blob), &error);
        if (length <= 0 || (size_t)length > sizeof(blob))
            give_up("export: %s: %s", tls_status_name(error.status), error.message);
        made = (size_t)length;
        tls_free(conn);
        tls_free(peer);
        object_free(KIND_CONTEXT, client);
        object_free(KIND_CONTEXT, server);
    }
    *len = made;
    return blob;
}

static bool session_works(tls_session_t *session)
{
    tls_conn_t *conn =
        tls_client_new_resuming(object_session_context(), "server.test", session, NULL);
    bool works = conn != NULL;
    tls_free(conn);
    return works;
}

static tls_buffer_t *new_owned(void)
{
    tls_buffer_t *owned = tls_buffer_new(object_session_context(), 100);
    if (!owned)
        give_up("tls_buffer_new gave NULL");
    return object_list(owned);
}

static bool owned_works(tls_buffer_t *owned)
{
    void *memory = NULL;
    size_t len = 0;
    return tls_buffer_memory(owned, &memory, &len) == TLS_OK && memory != NULL && len == 100;
}

void *object_new(enum parameter_kind kind)
{
    if (kind == KIND_OWNED)
        return new_owned();
    if (kind == KIND_SESSION)
        return new_session();
    if (kind == KIND_BUILDER)
        return object_builder(ROLE_SERVER, CONTEXT_PLAIN, TLS_VERSION_1_3);
    if (kind == KIND_CONTEXT)
        return object_context(ROLE_SERVER, CONTEXT_PLAIN, TLS_VERSION_1_3);
    tls_conn_t *conn = tls_server_new(NULL, NULL);
    if (!conn)
        give_up("tls_server_new(NULL) gave NULL");
    return object_list(conn);
}

void object_free(enum parameter_kind kind, void *handle)
{
    object_unlist(handle);
    if (kind == KIND_BUILDER)
        tls_builder_free(handle);
    else if (kind == KIND_CONTEXT)
        tls_context_free(handle);
    else if (kind == KIND_SESSION)
        tls_session_free(handle);
    else if (kind == KIND_OWNED)
        tls_buffer_free(handle);
    else
        tls_free(handle);
}

/* A context serves one role, and a builder without identity makes only those of clients. */
static bool context_works(tls_context_t *context)
{
    tls_conn_t *conn = tls_server_new(context, NULL);
    if (!conn)
        conn = tls_client_new(context, "server.test", NULL);
    bool works = conn && tls_advance(conn) == TLS_WANT_FEED;
    tls_free(conn);
    return works;
}

bool object_works(enum parameter_kind kind, void *handle)
{
    if (kind == KIND_CONTEXT)
        return context_works(handle);
    if (kind == KIND_CONN)
        return tls_advance(handle) == TLS_WANT_FEED;
    if (kind == KIND_SESSION)
        return session_works(handle);
    if (kind == KIND_OWNED)
        return owned_works(handle);
    /* A call that was refused stays with its builder until somebody has seen it. */
    tls_builder_clear_error(handle);
    tls_context_t *context = tls_context_server(handle, NULL);
    if (!context)
        context = tls_context_client(handle, NULL);
    bool works = context && context_works(context);
    tls_context_free(context);
    return works;
}
