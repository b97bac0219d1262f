/*
 * s2n-tls, by send and receive callbacks that never block. What it may negotiate is by named
 * policies, which are fixed lists. No list has one suite and one group alone; these here choose
 * what was asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <s2n.h>

#include "callback_wire.h"

/* Of what a ticket and its secrets take. */
#define SESSION_ROOM 4096

/* Found by trying them all: what comes of a pair is checked when it is used. */
static const struct choice {
    uint16_t suite, group;
    const char *client, *server;
} choices[] = {
    {0x1301, 0x001d, "AWS-CRT-SDK-TLSv1.3", "AWS-CRT-SDK-TLSv1.3"},
    {0x1301, 0x11ec, "AWS-CRT-SDK-TLSv1.3-2025-PQ", "AWS-CRT-SDK-TLSv1.3-2025-PQ"},
    {0x1302, 0x001d, "20190801", "20190801"},
    {0x1302, 0x11ec, "PQ-TLS-1-2-2024-10-09", "PQ-TLS-1-2-2024-10-09"},
    /* The client's has no TLS 1.3. */
    {0xc02b, 0x001d, "test_all_ecdsa", "AWS-CRT-SDK-TLSv1.2"},
};

static const struct choice *choice;
static struct s2n_config *configs[2];
static _Thread_local uint8_t session[SESSION_ROOM];
static _Thread_local size_t session_len;
static int resume;

static const char *version(void)
{
    return "s2n-tls-sys " PEER_VERSION;
}

static void succeed(ssize_t result, const char *what)
{
    if (result < 0)
        fail("%s: %s: %s", what, s2n_strerror_name(s2n_errno), s2n_strerror(s2n_errno, "EN"));
}

/* It locks each of its pages in memory by default, of which a process may have few; its bindings
 * for Rust and aws-c-io, by which most of its users have it, do as is done here. */
static int no_memory_call(void)
{
    return S2N_SUCCESS;
}

static int allocate(void **block, uint32_t requested, uint32_t *allocated)
{
    *block = malloc(requested);
    *allocated = requested;
    return *block == NULL ? S2N_FAILURE : S2N_SUCCESS;
}

static int give_back(void *block, uint32_t size)
{
    (void)size;
    free(block);
    return S2N_SUCCESS;
}

static int keep_session(struct s2n_connection *conn, void *unused,
                        struct s2n_session_ticket *ticket)
{
    (void)conn;
    (void)unused;
    succeed(s2n_session_ticket_get_data_len(ticket, &session_len), "ticket");
    if (session_len > sizeof(session))
        fail("a session of %zu bytes", session_len);
    return s2n_session_ticket_get_data(ticket, session_len, session);
}

/* Ends with a 0, and is never freed: there are a few of them. */
static char *contents(const char *path)
{
    char *bytes = calloc(1, 65536);
    FILE *file = fopen(path, "r");

    if (bytes == NULL || file == NULL || fread(bytes, 1, 65535, file) == 0)
        fail("%s cannot be read", path);
    fclose(file);
    return bytes;
}

static const char *prepare(const struct setting *setting)
{
    static struct s2n_cert_chain_and_key *identity;
    static int initialised;
    size_t i;
    int role;

    choice = NULL;
    for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
        if (choices[i].suite == setting->suite && choices[i].group == setting->group)
            choice = &choices[i];
    if (choice == NULL)
        return "no pair of its policies has just this suite and this group";
    if (!initialised) {
        succeed(s2n_mem_set_callbacks(no_memory_call, no_memory_call, allocate, give_back),
                "s2n_mem_set_callbacks");
        succeed(s2n_init(), "s2n_init");
    }
    initialised = 1;
    session_len = 0;
    resume = setting->resume;
    for (role = CLIENT; role <= SERVER; role++) {
        /* Without the roots of the system. */
        struct s2n_config *config = s2n_config_new_minimal();

        if (config == NULL)
            fail("s2n_config_new_minimal");
        succeed(s2n_config_set_cipher_preferences(config,
                                                  role == CLIENT ? choice->client : choice->server),
                "policy");
        succeed(s2n_config_set_session_tickets_onoff(config, (uint8_t)resume), "tickets");
        if (role == CLIENT) {
            succeed(s2n_config_set_verification_ca_location(config, setting->roots, NULL), "roots");
            succeed(s2n_config_set_session_ticket_cb(config, keep_session, NULL), "tickets");
        } else if (resume) {
            uint8_t key[16] = "sixteen bytes ok";

            succeed(s2n_config_add_ticket_crypto_key(config, (const uint8_t *)"compare", 7, key,
                                                     sizeof(key), 0),
                    "key");
            succeed(s2n_config_set_initial_ticket_count(config, 1), "tickets");
        }
        if (configs[role] != NULL)
            s2n_config_free(configs[role]);
        configs[role] = config;
    }
    if (identity != NULL)
        s2n_cert_chain_and_key_free(identity);
    identity = s2n_cert_chain_and_key_new();
    if (identity == NULL)
        fail("s2n_cert_chain_and_key_new");
    succeed(
        s2n_cert_chain_and_key_load_pem(identity, contents(setting->chain), contents(setting->key)),
        "identity");
    succeed(s2n_config_add_cert_chain_and_key_to_store(configs[SERVER], identity), "identity");
    return NULL;
}

static int put(void *unused, const uint8_t *bytes, uint32_t len)
{
    size_t put = wire_put(bytes, len);

    (void)unused;
    errno = EAGAIN;
    return put > 0 ? (int)put : -1;
}

static int get(void *unused, uint8_t *bytes, uint32_t len)
{
    size_t got = wire_get(bytes, len);

    (void)unused;
    errno = EAGAIN;
    return got > 0 ? (int)got : -1;
}

/*
 * By default it seals records of 8 KiB, and keeps the buffers of a connection for as long as it
 * lives. Two words in the environment, S2N_PREFERS, choose otherwise for all connections:
 * throughput for the largest records, dynamic-buffers to free buffers that are not in use.
 */
static int wants(const char *word)
{
    const char *words = getenv("S2N_PREFERS");

    return words != NULL && strstr(words, word) != NULL;
}

static void *open_connection(enum role role)
{
    struct s2n_connection *conn = s2n_connection_new(role == CLIENT ? S2N_CLIENT : S2N_SERVER);

    if (conn == NULL)
        fail("s2n_connection_new");
    succeed(s2n_connection_set_config(conn, configs[role]), "config");
    /* What happens after an error is not measured; with this the library itself never sleeps. */
    succeed(s2n_connection_set_blinding(conn, S2N_SELF_SERVICE_BLINDING), "blinding");
    succeed(s2n_connection_set_send_cb(conn, put), "callback");
    succeed(s2n_connection_set_recv_cb(conn, get), "callback");
    if (wants("throughput"))
        succeed(s2n_connection_prefer_throughput(conn), "s2n_connection_prefer_throughput");
    if (wants("dynamic-buffers"))
        succeed(s2n_connection_set_dynamic_buffers(conn, true),
                "s2n_connection_set_dynamic_buffers");
    if (role == CLIENT) {
        succeed(s2n_set_server_name(conn, "localhost"), "name");
        if (session_len > 0)
            succeed(s2n_connection_set_session(conn, session, session_len),
                    "s2n_connection_set_session");
    }
    return conn;
}

static int done(void *conn)
{
    s2n_blocked_status blocked;

    return s2n_negotiate(conn, &blocked) == S2N_SUCCESS;
}

/* What is left of a read, or of a handshake, where nothing more is there to be read. */
static void succeed_or_block(ssize_t result, const char *what)
{
    if (result < 0 && s2n_error_get_type(s2n_errno) != S2N_ERR_T_BLOCKED)
        succeed(result, what);
}

static size_t out(void *conn, unsigned char *to, size_t room)
{
    s2n_blocked_status blocked;
    int result;

    wire_lend(to, room);
    result = s2n_negotiate(conn, &blocked);
    succeed_or_block(result, "s2n_negotiate");
    /* Tickets come after the handshake. */
    if (result == S2N_SUCCESS && wire.in_left > 0) {
        uint8_t nothing;

        succeed_or_block(s2n_recv(conn, &nothing, 1, &blocked), "s2n_recv");
    }
    wire_is_read();
    return wire_end(room);
}

static void in(void *conn, const unsigned char *from, size_t len)
{
    (void)conn;
    wire_set_aside(from, len);
}

static uint16_t group_of(struct s2n_connection *conn)
{
    const char *name;

    if (s2n_connection_get_key_exchange_group(conn, &name) != S2N_SUCCESS)
        return 0;
    return strcmp(name, "x25519") == 0           ? 0x001d
           : strcmp(name, "X25519MLKEM768") == 0 ? 0x11ec
                                                 : 0xffff;
}

static struct facts facts(void *conn)
{
    /* 34 is TLS 1.3. */
    int number = s2n_connection_get_actual_protocol_version(conn);
    uint8_t suite[2];
    struct facts facts = {(uint16_t)(number == S2N_TLS13   ? 0x0304
                                     : number == S2N_TLS12 ? 0x0303
                                                           : 0xffff),
                          0, group_of(conn), s2n_connection_is_session_resumed(conn)};

    succeed(s2n_connection_get_cipher_iana_value(conn, &suite[0], &suite[1]), "suite");
    facts.suite = (uint16_t)(suite[0] << 8 | suite[1]);
    return facts;
}

/* keep_session() did. */
static void keep(void *conn)
{
    if (conn == NULL)
        session_len = 0;
}

static void close_connection(void *conn)
{
    succeed(s2n_connection_free(conn), "s2n_connection_free");
}

static void by_callbacks(void *from, void *to, const unsigned char *plain, size_t len,
                         unsigned char *buffer, struct sink *sink)
{
    s2n_blocked_status blocked;
    size_t written = 0;

    wire_lend(buffer, WIRE_ROOM);
    while (written < len) {
        ssize_t sent = s2n_send(from, plain + written, (ssize_t)(len - written), &blocked);

        succeed(sent, "s2n_send");
        written += (size_t)sent;
    }
    wire_offer(buffer, wire_end(WIRE_ROOM));
    while (sink->got < len) {
        ssize_t got = s2n_recv(to, sink->room + sink->got, (ssize_t)(len - sink->got), &blocked);

        if (got == 0)
            fail("s2n_recv: end of stream");
        succeed(got, "s2n_recv");
        delivered(sink, sink->room + sink->got, (size_t)got);
    }
    wire_is_read();
}

static const struct way ways[] = {
    {"callbacks", "s2n_send and s2n_recv with callbacks", by_callbacks},
    {NULL, NULL, NULL},
};

const struct driver driver = {
    .library = "s2n-tls",
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
