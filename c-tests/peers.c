/* Peers that are right and unusual: what they do must not end a connection. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"
#include "signer.h"

enum { X25519 = 0x001d, P256 = 0x0017, AES_128 = 0x1301, AES_256 = 0x1302, CHACHA = 0x1303 };

/* The forms that a server can have; whoever asks is answered by finish(). */
enum form { DIRECT, ASKS_CONTEXT, ASKS_VERIFY, SIGNS_ELSEWHERE, FORMS };

struct server_of {
    enum form form;
    uint16_t suite, group;
    int strict;
};

static tls_context_t *make_server(const struct server_of *wish)
{
    struct recipe recipe = plain_server;
    tls_builder_t *builder;
    tls_context_t *context;

    if (wish->form == SIGNS_ELSEWHERE)
        recipe.chain = NULL;
    if (wish->form == ASKS_VERIFY) {
        recipe.verify = TLS_VERIFY_ASK;
        recipe.client_auth = TLS_CLIENT_AUTH_OPTIONAL;
    }
    builder = make_builder(&recipe);
    if (wish->form == SIGNS_ELSEWHERE) {
        size_t len;
        char *pem = pki_read("ecdsa/server-chain.pem", &len);

        CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
        free(pem);
    }
    if (wish->suite != 0)
        CHECK_EQ(tls_builder_suites(builder, &wish->suite, 1), TLS_OK);
    if (wish->suite != 0)
        CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_3, TLS_VERSION_1_3), TLS_OK);
    if (wish->group != 0)
        CHECK_EQ(tls_builder_groups(builder, &wish->group, 1), TLS_OK);
    CHECK_EQ(tls_builder_strict_sni(builder, wish->strict), TLS_OK);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static tls_conn_t *new_server(enum form form, const tls_context_t *context)
{
    tls_conn_t *server = tls_server_new(form == ASKS_CONTEXT ? NULL : context, NULL);

    CHECK(server != NULL);
    return server;
}

/* Answers whatever the server asks. */
static void answer(tls_conn_t *server, const tls_context_t *context)
{
    unsigned char signature[1024];

    switch (tls_advance(server)) {
    case TLS_ASK_CONTEXT:
        CHECK_EQ(tls_answer_context(server, context), TLS_OK);
        break;
    case TLS_ASK_VERIFY:
        CHECK_EQ(tls_answer_verify(server, 0), TLS_OK);
        break;
    case TLS_ASK_SIGN:
        CHECK_EQ(
            tls_answer_sign(server, signature,
                            sign_outside(server, "ecdsa/server.key", signature, sizeof(signature))),
            TLS_OK);
        break;
    default:
        break;
    }
}

static void finish(struct pair *pair, const tls_context_t *context)
{
    int rounds;

    for (rounds = 0; rounds < 6; rounds++) {
        pump(pair);
        answer(pair->server, context);
    }
    check_healthy(pair->client);
    check_healthy(pair->server);
    finish_handshake(pair);
    check_alive(pair);
}

static tls_context_t *client_of(const uint16_t *suites, size_t count)
{
    static const uint16_t groups[] = {X25519, P256};
    struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
    tls_builder_t *builder = make_builder(&recipe);
    tls_context_t *client;

    CHECK_EQ(tls_builder_suites(builder, suites, count), TLS_OK);
    CHECK_EQ(tls_builder_groups(builder, groups, 2), TLS_OK);
    client = tls_context_client(builder, NULL);
    CHECK(client != NULL);
    tls_builder_free(builder);
    return client;
}

/* Hands over one byte at a time, each of them in a call of its own. */
static void trickle(tls_conn_t *from, tls_conn_t *to)
{
    unsigned char byte;

    while (tls_drain_into(from, &byte, 1) == 1) {
        CHECK_EQ(tls_feed(to, &byte, 1), 1);
        (void)tls_advance(to);
    }
}

/* */
static void a_second_hello_may_leave_the_session_out(void)
{
    static const uint16_t suites[] = {AES_256, AES_128, CHACHA};
    enum form form;
    int slow;

    for (form = DIRECT; form < FORMS; form++) {
        for (slow = 0; slow < 2; slow++) {
            struct server_of before = {form, AES_256, X25519, 0}, after = {form, AES_128, P256, 0};
            tls_context_t *client = client_of(suites, 3);
            tls_context_t *old = make_server(&before), *new = make_server(&after);
            struct pair pair = {tls_client_new(client, "localhost", NULL), new_server(form, old), 0,
                                0};
            int connection;

            finish(&pair, old);
            free_pair(&pair);
            /* The fleet has another suite and another group now; each ticket is offered once. */
            for (connection = 0; connection < 4; connection++) {
                pair.client = tls_client_new(client, "localhost", NULL);
                pair.server = new_server(form, new);
                if (slow) {
                    trickle(pair.client, pair.server);
                    answer(pair.server, new);
                    answer(pair.server, new);
                    trickle(pair.server, pair.client);
                    trickle(pair.client, pair.server);
                }
                finish(&pair, new);
                CHECK_EQ(tls_cipher_suite(pair.client), AES_128);
                CHECK_EQ(tls_group(pair.server), P256);
                /* The first one has a session that does not fit, the next ones resume. */
                CHECK_EQ(tls_handshake_kind(pair.server),
                         connection == 0 ? TLS_HANDSHAKE_FULL_RETRIED : TLS_HANDSHAKE_RESUMED);
                CHECK_EQ(tls_handshake_kind(pair.client), tls_handshake_kind(pair.server));
                free_pair(&pair);
            }
            tls_context_free(client);
            tls_context_free(old);
            tls_context_free(new);
        }
    }
}

/* a session that still fits is resumed after a HelloRetryRequest. */
static void a_second_hello_may_keep_the_session(void)
{
    static const uint16_t suites[] = {AES_128, CHACHA};
    enum form form;

    for (form = DIRECT; form < FORMS; form++) {
        struct server_of before = {form, AES_128, X25519, 0}, after = {form, CHACHA, P256, 0};
        struct server_of same = {form, AES_128, P256, 0};
        tls_ticket_key_t key = {.size = sizeof(key), .secret_len = 32, .decrypt_until = INT64_MAX};
        tls_context_t *old = make_server(&before);
        tls_context_t *servers[2] = {make_server(&after), make_server(&same)};
        int i;

        memset(key.secret, 7, sizeof(key.secret));
        CHECK_EQ(tls_context_ticket_keys(old, &key, 1, NULL), TLS_OK);
        /* Another suite of the same hash: offered, and of no use; then the suite of the session. */
        for (i = 0; i < 2; i++) {
            tls_context_t *client = client_of(suites, 2);
            struct pair pair = {tls_client_new(client, "localhost", NULL), new_server(form, old), 0,
                                0};

            finish(&pair, old);
            free_pair(&pair);
            CHECK_EQ(tls_context_ticket_keys(servers[i], &key, 1, NULL), TLS_OK);
            pair.client = tls_client_new(client, "localhost", NULL);
            pair.server = new_server(form, servers[i]);
            finish(&pair, servers[i]);
            CHECK_EQ(tls_handshake_kind(pair.server),
                     i == 0 ? TLS_HANDSHAKE_FULL_RETRIED : TLS_HANDSHAKE_RESUMED_RETRIED);
            free_pair(&pair);
            tls_context_free(client);
        }
        tls_context_free(old);
        tls_context_free(servers[0]);
        tls_context_free(servers[1]);
    }
}

/* ---- The end before the beginning ---- */

#define CLOSE "\x15\x03\x01\x00\x02\x01\x00"
#define FATAL_CLOSE "\x15\x03\x03\x00\x02\x02\x00"
#define CANCELED "\x15\x03\x03\x00\x02\x01\x5a"
#define FAILURE "\x15\x03\x03\x00\x02\x02\x28"

struct ending {
    const char *wire;
    size_t len;
    tls_status_t status;
};

static const struct ending endings[] = {
    {CLOSE, 7, TLS_CLOSED},       {FATAL_CLOSE, 7, TLS_CLOSED},
    {CANCELED, 7, TLS_WANT_FEED}, {CANCELED CLOSE, 14, TLS_CLOSED},
    {FAILURE, 7, TLS_ERR_ALERT},  {CANCELED FAILURE, 14, TLS_ERR_ALERT},
};

enum { ENDINGS = sizeof(endings) / sizeof(endings[0]) };

/* Feeds it whole, and then in single bytes to the other one, each of them looked at. */
static void check_ends(tls_conn_t *whole, tls_conn_t *slow, const struct ending *ending)
{
    char byte;
    size_t i;

    CHECK_EQ(tls_feed(whole, ending->wire, ending->len), ending->len);
    CHECK_EQ(tls_advance(whole), ending->status);
    for (i = 0; i < ending->len; i++) {
        CHECK_EQ(tls_feed(slow, ending->wire + i, 1), 1);
        (void)tls_state(slow);
    }
    CHECK_EQ(tls_advance(slow), ending->status);
    CHECK_EQ(tls_read_into(slow, &byte, 1), ending->status);
    CHECK_EQ((tls_state(slow) & TLS_PEER_CLOSED) != 0, ending->status == TLS_CLOSED);
    CHECK_EQ((tls_state(slow) & TLS_FAILED) != 0, ending->status == TLS_ERR_ALERT);
    if (ending->status != TLS_CLOSED)
        return;
    CHECK_EQ(tls_write_from(slow, "x", 1), TLS_CLOSED);
    /* What follows is the host's. */
    CHECK_EQ(tls_feed(slow, "QUIT", 4), 4);
    CHECK_EQ(tls_advance(slow), TLS_CLOSED);
    CHECK_EQ(tls_feed_eof(slow), TLS_OK);
    CHECK_EQ(tls_advance(slow), TLS_CLOSED);
    CHECK_EQ(tls_surplus(slow, NULL, 0), 4);
}

/* */
static void a_client_may_leave_before_its_hello(void)
{
    enum form form;
    size_t i;

    for (form = DIRECT; form < FORMS; form++) {
        struct server_of wish = {form, 0, 0, 0};
        tls_context_t *context = make_server(&wish);

        for (i = 0; i < ENDINGS; i++) {
            tls_conn_t *whole = new_server(form, context), *slow = new_server(form, context);

            check_ends(whole, slow, &endings[i]);
            CHECK_EQ(tls_drain_pending(slow), 0);
            tls_free(whole);
            tls_free(slow);
        }
        tls_context_free(context);
    }
}

/* in the middle of its hello, and where the server has answered already. */
static void a_client_may_leave_in_its_hello_and_after_it(void)
{
    enum form form;

    for (form = DIRECT; form < FORMS; form++) {
        for (EACH_VERSION) {
            struct server_of wish = {form, 0, version == TLS_VERSION_1_3 ? P256 : 0, 0};
            struct recipe recipe = with_version(plain_client, version);
            tls_context_t *context = make_server(&wish), *client = make_client_context(&recipe);
            unsigned char hello[4096], records[4096];
            int half;

            for (half = 0; half < 2; half++) {
                struct pair pair = {tls_client_new(client, "localhost", NULL),
                                    new_server(form, context), 0, 0};
                ptrdiff_t len = tls_drain_into(pair.client, hello, sizeof(hello));
                size_t cut = half ? 40 : (size_t)len - 5;

                CHECK(len > 100);
                memcpy(records, hello, 5);
                records[3] = (unsigned char)(cut >> 8);
                records[4] = (unsigned char)cut;
                memcpy(records + 5, hello + 5, cut);
                CHECK_EQ(tls_feed(pair.server, records, 5 + cut), 5 + cut);
                (void)tls_advance(pair.server);
                if (!half) {
                    answer(pair.server, context);
                    (void)tls_advance(pair.server);
                    if (form == SIGNS_ELSEWHERE)
                        answer(pair.server, context);
                    (void)tls_advance(pair.server);
                    CHECK(tls_drain_pending(pair.server) > 0);
                }
                CHECK_EQ(tls_feed(pair.server, CLOSE, 7), 7);
                while (tls_drain_into(pair.server, records, sizeof(records)) > 0)
                    ;
                CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
                CHECK_EQ(tls_drain_pending(pair.server), 0);
                free_pair(&pair);
            }
            tls_context_free(context);
            tls_context_free(client);
        }
    }
}

/* */
static void a_server_may_leave_before_its_hello(void)
{
    static const int32_t modes[] = {TLS_VERIFY_PEER, TLS_VERIFY_ASK};
    size_t i, mode;

    for (mode = 0; mode < 2; mode++) {
        for (EACH_VERSION) {
            struct recipe recipe = with_version(plain_client, version);
            tls_context_t *context;

            recipe.verify = modes[mode];
            context = make_client_context(&recipe);
            for (i = 0; i < ENDINGS; i++) {
                tls_conn_t *whole = tls_client_new(context, "localhost", NULL);
                tls_conn_t *slow = tls_client_new(context, "localhost", NULL);

                check_ends(whole, slow, &endings[i]);
                tls_free(whole);
                tls_free(slow);
            }
            tls_context_free(context);
        }
    }
}

/* */
static void a_server_may_leave_after_a_hello_retry_request(void)
{
    static const int32_t modes[] = {TLS_VERIFY_PEER, TLS_VERIFY_ASK};
    size_t mode;

    for (mode = 0; mode < 2; mode++) {
        struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
        struct server_of wish = {DIRECT, AES_128, P256, 0};
        tls_context_t *server = make_server(&wish), *client;
        struct pair pair;

        recipe.verify = modes[mode];
        client = make_client_context(&recipe);
        pair = new_pair_of(client, server, NULL);
        CHECK(carry(pair.client, pair.server) > 0);
        (void)tls_advance(pair.server);
        CHECK(carry(pair.server, pair.client) > 0);
        CHECK_EQ(tls_advance(pair.client), TLS_WANT_FEED);
        CHECK(tls_drain_pending(pair.client) > 0);
        CHECK_EQ(tls_feed(pair.client, CLOSE, 7), 7);
        CHECK_EQ(tls_advance(pair.client), TLS_CLOSED);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
    }
}

/* ---- Names that are none ---- */

struct named {
    const char *extension; /* the content of server_name */
    size_t len;
    const char *name; /* what tls_sni() says */
};

#define HOST(length, name) "\x00" length name

static const struct named names[] = {
    {"\x00\x0e" HOST("\x00\x0b", "[localhost]"), 16, ""},
    {"\x00\x10" HOST("\x00\x0d", "localhost:443"), 18, ""},
    {"\x00\x03" HOST("\x00\x00", ""), 5, ""},
    {"\x00\x0c" HOST("\x00\x09", "127.0.0.1"), 14, ""},
    {"\x00\x06" HOST("\x00\x03", "::1"), 8, ""},
    {"\x00\x06" HOST("\x00\x03", "\xc3\xbc."), 8, ""},
    {"\x00\x04" HOST("\x00\x01", "\x00"), 6, ""},
    {"\x00\x04" HOST("\x00\x01", "."), 6, ""},
    {"\x00\x05\x01\x00\x02"
     "ab",
     7, ""},
    {"\x00\x08" HOST("\x00\x01", "a") HOST("\x00\x01", "b"), 10, ""},
    {"\x00\x0b" HOST("\x00\x08", "A_b.TEST"), 13, "a_b.test"},
};

/* The same ClientHello with another name. */
static size_t renamed(const unsigned char *hello, const char *name, size_t len, unsigned char *out)
{
    size_t at = 5 + 4 + 2 + 32, end, list, made;

    at += 1u + hello[at];
    at += 2u + ((size_t)hello[at] << 8 | hello[at + 1]);
    at += 1u + hello[at];
    list = at;
    end = at + 2 + ((size_t)hello[at] << 8 | hello[at + 1]);
    at += 2;
    memcpy(out, hello, at);
    made = at;
    while (at < end) {
        size_t size = (size_t)hello[at + 2] << 8 | hello[at + 3];

        if (hello[at] == 0 && hello[at + 1] == 0) {
            out[made++] = 0;
            out[made++] = 0;
            out[made++] = (unsigned char)(len >> 8);
            out[made++] = (unsigned char)len;
            memcpy(out + made, name, len);
            made += len;
        } else {
            memcpy(out + made, hello + at, 4 + size);
            made += 4 + size;
        }
        at += 4 + size;
    }
    out[list] = (unsigned char)((made - list - 2) >> 8);
    out[list + 1] = (unsigned char)(made - list - 2);
    out[7] = (unsigned char)((made - 9) >> 8);
    out[8] = (unsigned char)(made - 9);
    out[3] = (unsigned char)((made - 5) >> 8);
    out[4] = (unsigned char)(made - 5);
    return made;
}

/* What the server says first: the type of its first record, and which name it knows. */
static int first_answer(enum form form, const tls_context_t *context, const unsigned char *wire,
                        size_t len, const char *name)
{
    tls_conn_t *server = new_server(form, context);
    unsigned char raw[4096];
    char sni[300] = "none";
    ptrdiff_t drained;
    int first;

    CHECK_EQ(tls_feed(server, wire, len), len);
    if (tls_advance(server) == TLS_ASK_CONTEXT) {
        CHECK_EQ(tls_hello_raw(server, raw, sizeof(raw)), len - 5);
        CHECK_BYTES(raw, wire + 5, len - 5);
        CHECK(tls_sni(server, sni, sizeof(sni)) >= 0);
        CHECK(strcmp(sni, name) == 0);
        CHECK_EQ(tls_answer_context(server, context), TLS_OK);
        (void)tls_advance(server);
    }
    answer(server, context);
    (void)tls_advance(server);
    CHECK(tls_sni(server, sni, sizeof(sni)) >= 0);
    first = tls_state(server) & TLS_FAILED ? 21 : 22;
    /* While a signature is missing, the name is the step's. */
    if (first == 22 && form != ASKS_CONTEXT && form != ASKS_VERIFY)
        CHECK(strcmp(sni, name) == 0);
    drained = tls_drain_into(server, raw, sizeof(raw));
    CHECK(drained >= 7);
    CHECK_EQ(raw[0], first);
    if (first == 22)
        CHECK_EQ(raw[5], 2);
    tls_free(server);
    return first;
}

/* */
static void a_name_that_is_none_counts_as_no_name(void)
{
    enum form form;
    size_t i;

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_conn_t *conn = tls_client_new(client, "localhost", NULL);
        unsigned char hello[4096], wire[5000];

        CHECK(tls_drain_into(conn, hello, sizeof(hello)) > 100);
        for (form = DIRECT; form < FORMS; form++) {
            struct server_of tolerant = {form, 0, 0, 0}, strict = {form, 0, 0, 1};
            tls_context_t *contexts[2] = {make_server(&tolerant), make_server(&strict)};

            for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                size_t len = renamed(hello, names[i].extension, names[i].len, wire);

                CHECK_EQ(first_answer(form, contexts[0], wire, len, names[i].name), 22);
                CHECK_EQ(first_answer(form, contexts[1], wire, len, names[i].name),
                         names[i].name[0] != 0 ? 22 : 21);
            }
            tls_context_free(contexts[0]);
            tls_context_free(contexts[1]);
        }
        tls_free(conn);
        tls_context_free(client);
    }
}

/* ---- Tickets that carry a long chain ---- */

static char *long_chain(size_t least)
{
    size_t len, one_len;
    char *chain = pki_read("rsa/client-chain.pem", &len), *one = pki_read("rsa/ca.pem", &one_len);

    /* The verifier takes anything; only the length is of interest. */
    while (len < least) {
        chain = realloc(chain, len + one_len + 1);
        CHECK(chain != NULL);
        memcpy(chain + len, one, one_len + 1);
        len += one_len;
    }
    free(one);
    return chain;
}

/* */
static void a_client_with_a_long_chain_resumes(void)
{
    static const size_t sizes[] = {8000, 16000, 28000};
    size_t i;

    for (EACH_VERSION) {
        for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            struct recipe recipe = with_version(plain_server, version);
            struct recipe trusting = with_version(plain_client, version);
            tls_builder_t *builder = make_builder(&trusting);
            char *chain = long_chain(sizes[i]);
            size_t key_len;
            char *key = pki_read("rsa/client.key", &key_len);
            tls_context_t *client, *server;
            int connection;

            CHECK_EQ(tls_builder_identity_pem(builder, chain, strlen(chain), key, key_len), TLS_OK);
            client = tls_context_client(builder, NULL);
            recipe.client_auth = TLS_CLIENT_AUTH_REQUIRED;
            recipe.verify = TLS_VERIFY_DANGEROUS_NONE;
            server = make_server_context(&recipe);
            CHECK(client != NULL);
            for (connection = 0; connection < 3; connection++) {
                struct pair pair = new_pair_of(client, server, NULL);

                finish_handshake(&pair);
                check_alive(&pair);
                CHECK_EQ(tls_handshake_kind(pair.server),
                         connection == 0 ? TLS_HANDSHAKE_FULL : TLS_HANDSHAKE_RESUMED);
                CHECK(tls_peer_certificate(pair.server, 3, NULL, 0) > 0);
                free_pair(&pair);
            }
            tls_builder_free(builder);
            tls_context_free(client);
            tls_context_free(server);
            free(chain);
            free(key);
        }
    }
}

/* ---- A client with a raw key only ---- */

/* */
static void a_raw_key_that_nobody_asks_for_is_no_hindrance(void)
{
    tls_builder_t *builder = tls_builder_new();
    size_t len;
    char *key = pki_read("ecdsa/client.key", &len);
    struct recipe recipe = plain_server;
    tls_context_t *client, *server = make_server_context(&recipe);
    /* client_certificate_type (RFC 7250): raw public key, X.509. */
    static const unsigned char both[] = {0, 19, 0, 3, 2, 2, 0};
    enum { PRIVATE_USE = 224 };
    unsigned char wire[4096];
    struct pair pair;
    size_t at;
    int connection;

    CHECK_EQ(tls_builder_raw_identity_pem(builder, key, len), TLS_OK);
    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, TLS_VERSION_1_3, TLS_VERSION_1_3), TLS_OK);
    client = tls_context_client(builder, NULL);
    CHECK(client != NULL);
    /* Clients of this library offer certificates, too; others offer the one kind. */
    pair = new_pair_of(client, server, NULL);
    len = (size_t)tls_drain_into(pair.client, wire, sizeof(wire));
    for (at = 0; at + sizeof(both) <= len && memcmp(wire + at, both, sizeof(both)) != 0; at++) {
    }
    CHECK(at + sizeof(both) <= len);
    wire[at + sizeof(both) - 1] = PRIVATE_USE;
    CHECK_EQ(tls_feed(pair.server, wire, len), (ptrdiff_t)len);
    CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
    free_pair(&pair);
    for (connection = 0; connection < 2; connection++) {
        pair = new_pair_of(client, server, NULL);
        finish_handshake(&pair);
        check_alive(&pair);
        free_pair(&pair);
    }
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(builder);
    free(key);
}

/* ---- Early data goes with its protocol ---- */

static tls_context_t *early_context(int is_server)
{
    struct recipe recipe = with_version(is_server ? plain_server : plain_client, TLS_VERSION_1_3);
    tls_builder_t *builder;
    tls_context_t *context;

    recipe.alpn = "\x02h2\x08http/1.1";
    builder = make_builder(&recipe);
    CHECK_EQ(tls_builder_early_data(builder, 1000), TLS_OK);
    context = is_server ? tls_context_server(builder, NULL) : tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

/* Connects with these protocols (NULL for the context's) and with or without sessions of its own.
 * Returns the session, if it has such. */
static tls_session_t *meet(const tls_context_t *client, const tls_context_t *server,
                           const char *alpn, int own, tls_session_t *session, int early,
                           int32_t kind)
{
    tls_client_options_t options = {.size = sizeof(options), .server_name = "localhost"};
    struct pair pair = {0};

    options.alpn = alpn;
    options.alpn_len = alpn == NULL ? 0 : strlen(alpn);
    options.session = session;
    if (own)
        options.flags = TLS_CLIENT_OWN_SESSIONS;
    pair.client = tls_client_new_with(client, &options, NULL);
    pair.server = tls_server_new(server, NULL);
    CHECK(pair.client != NULL && pair.server != NULL);
    CHECK_EQ(tls_early_write_from(pair.client, "x", 1), early ? 1 : TLS_ERR_STATE);
    finish_handshake(&pair);
    check_alive(&pair);
    CHECK_EQ(tls_early_status(pair.client), early ? TLS_EARLY_ACCEPTED : TLS_EARLY_NONE);
    CHECK_EQ(tls_handshake_kind(pair.server), kind);
    session = own ? tls_session_take(pair.client, NULL) : NULL;
    free_pair(&pair);
    return session;
}

/* */
static void early_data_goes_with_the_protocol_of_its_session(void)
{
    tls_context_t *client = early_context(0), *server = early_context(1);
    tls_session_t *session, *next;

    meet(client, server, NULL, 0, NULL, 0, TLS_HANDSHAKE_FULL);
    /* Another protocol: the session is resumed, and nothing is sent early. */
    meet(client, server, "\x08http/1.1", 0, NULL, 0, TLS_HANDSHAKE_RESUMED);
    meet(client, server, NULL, 0, NULL, 1, TLS_HANDSHAKE_RESUMED);
    meet(client, server, "\x08http/1.1", 0, NULL, 1, TLS_HANDSHAKE_RESUMED);

    session = meet(client, server, "\x02h2", 1, NULL, 0, TLS_HANDSHAKE_FULL);
    CHECK(session != NULL);
    next = meet(client, server, "\x08http/1.1", 1, session, 0, TLS_HANDSHAKE_RESUMED);
    tls_session_free(session);
    CHECK(next != NULL);
    session = meet(client, server, "\x08http/1.1", 1, next, 1, TLS_HANDSHAKE_RESUMED);
    tls_session_free(next);
    tls_session_free(session);
    tls_context_free(client);
    tls_context_free(server);
}

/* ---- Data before the client's Finished ---- */

static tls_builder_t *half_rtt_builder(const struct recipe *recipe)
{
    tls_builder_t *builder = make_builder(recipe);

    CHECK_EQ(tls_builder_half_rtt(builder, 1), TLS_OK);
    return builder;
}

/* A client, and a server of this builder, which is freed. */
static struct pair half_rtt_pair(const struct recipe *recipe, tls_builder_t *builder)
{
    tls_context_t *client = make_client_context(recipe);
    tls_context_t *server = tls_context_server(builder, NULL);
    struct pair pair;

    CHECK(server != NULL);
    pair = new_pair_of(client, server, NULL);
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(builder);
    return pair;
}

/* Up to the server's flight, which is in its queue. */
static void say_hello(struct pair *pair)
{
    carry(pair->client, pair->server);
    (void)tls_advance(pair->server);
}

static void end_half_rtt(struct pair *pair)
{
    finish_handshake(pair);
    check_alive(pair);
    free_pair(pair);
}

/* */
static void a_server_may_speak_before_the_clients_finished(void)
{
    int elsewhere;

    for (elsewhere = 0; elsewhere < 2; elsewhere++) {
        struct recipe recipe = plain_server;
        tls_builder_t *builder;
        struct pair pair;
        char plain[32];

        if (elsewhere)
            recipe.chain = NULL;
        builder = half_rtt_builder(&recipe);
        if (elsewhere) {
            size_t len;
            char *pem = pki_read("ecdsa/server-chain.pem", &len);

            CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
            free(pem);
        }
        pair = half_rtt_pair(&plain_client, builder);
        CHECK_EQ(tls_state(pair.server) & TLS_CAN_WRITE, 0);
        CHECK_EQ(tls_write_from(pair.server, "x", 1), TLS_WANT_FEED);
        say_hello(&pair);
        if (elsewhere) {
            CHECK_EQ(tls_state(pair.server) & TLS_CAN_WRITE, 0);
            CHECK_EQ(tls_write_from(pair.server, "x", 1), TLS_ASK_SIGN);
            answer(pair.server, NULL);
            (void)tls_advance(pair.server);
        }
        CHECK_EQ(tls_state(pair.server) & (TLS_CAN_WRITE | TLS_HANDSHAKING),
                 TLS_CAN_WRITE | TLS_HANDSHAKING);
        CHECK_EQ(tls_write_from(pair.server, "220 ready", 9), 9);
        CHECK_EQ(tls_close_notify(pair.server), TLS_ERR_STATE);
        CHECK_EQ(tls_key_update(pair.server), TLS_ERR_STATE);
        carry(pair.server, pair.client);
        CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), 9);
        CHECK_BYTES(plain, "220 ready", 9);
        CHECK(tls_state(pair.server) & TLS_HANDSHAKING);
        end_half_rtt(&pair);
    }
}

/* what such a server writes does not wait for the client's Finished, nor for the drain that
 * this waits for. */
static void it_may_go_on_while_the_finished_waits_for_a_drain(void)
{
    static unsigned char plain[100000], got[sizeof(plain)];
    struct recipe recipe = plain_server;
    struct pair pair;
    size_t written = 0, received = 0;
    ptrdiff_t n;

    recipe.outbound = 40000;
    fill_bytes(plain, sizeof(plain), 3);
    pair = half_rtt_pair(&plain_client, half_rtt_builder(&recipe));
    say_hello(&pair);
    carry(pair.server, pair.client);
    CHECK_EQ(tls_advance(pair.client), TLS_OK);
    while ((n = tls_write_from(pair.server, plain + written, sizeof(plain) - written)) > 0)
        written += (size_t)n;
    CHECK_EQ(n, TLS_WANT_DRAIN);
    /* What is drained makes room for some bytes, and not for all that the Finished may ask for. */
    CHECK_EQ(tls_drain_into(pair.server, got, 2000), 2000);
    CHECK_EQ(tls_feed(pair.client, got, 2000), 2000);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_advance(pair.server), TLS_WANT_DRAIN);
    CHECK(tls_state(pair.server) & TLS_CAN_WRITE);
    n = tls_writable(pair.server);
    CHECK(n > 0);
    CHECK_EQ(tls_write_from(pair.server, plain + written, (size_t)n), n);
    written += (size_t)n;

    do {
        pump(&pair);
        while ((n = tls_read_into(pair.client, got + received, sizeof(got) - received)) > 0)
            received += (size_t)n;
    } while (received < written);
    CHECK_BYTES(got, plain, written);
    end_half_rtt(&pair);
}

/* nor does the Finished wait for what a cork keeps, which nobody can drain. */
static void what_a_cork_keeps_makes_room_for_the_finished(void)
{
    static unsigned char plain[16000], got[sizeof(plain)];
    struct recipe recipe = plain_server;
    struct pair pair;
    size_t received = 0;

    recipe.outbound = TLS_MIN_OUTBOUND_LIMIT;
    fill_bytes(plain, sizeof(plain), 4);
    pair = half_rtt_pair(&plain_client, half_rtt_builder(&recipe));
    say_hello(&pair);
    CHECK_EQ(tls_cork(pair.server), TLS_OK);
    CHECK_EQ(tls_write_from(pair.server, plain, sizeof(plain)), sizeof(plain));
    carry(pair.server, pair.client);
    CHECK_EQ(tls_advance(pair.client), TLS_OK);
    CHECK_EQ(tls_drain_pending(pair.server), 0);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_advance(pair.server), TLS_WANT_DRAIN);
    CHECK(tls_state(pair.server) & TLS_CAN_DRAIN);

    finish_handshake(&pair);
    for (ptrdiff_t n; (n = tls_read_into(pair.client, got + received, sizeof(got) - received)) > 0;)
        received += (size_t)n;
    CHECK_EQ(received, sizeof(got));
    CHECK_BYTES(got, plain, sizeof(got));
    CHECK_EQ(tls_uncork(pair.server), TLS_OK);
    end_half_rtt(&pair);
}

/* with TLS 1.2 there is no such data, and by default none at all. */
static void others_wait_for_the_finished(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_builder_t *builder = make_builder(&plain_server);
        struct pair pair;

        CHECK_EQ(tls_builder_half_rtt(builder, version == TLS_VERSION_1_2), TLS_OK);
        pair = half_rtt_pair(&recipe, builder);
        carry(pair.client, pair.server);
        CHECK_EQ(tls_write_from(pair.server, "x", 1), TLS_WANT_FEED);
        CHECK_EQ(tls_state(pair.server) & TLS_CAN_WRITE, 0);
        end_half_rtt(&pair);
    }
}

static void check_impossible(tls_builder_t *builder)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK(tls_context_server(builder, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, TLS_REASON_HALF_RTT_IMPOSSIBLE);
    tls_builder_free(builder);
}

/* */
static void where_it_cannot_be_the_context_is_not_made(void)
{
    struct recipe asks_client = plain_server, old = with_version(plain_server, TLS_VERSION_1_2);
    tls_builder_t *builder;
    tls_context_t *client = make_client_context(&plain_client), *context;
    struct pair pair;

    asks_client.client_auth = TLS_CLIENT_AUTH_OPTIONAL;
    asks_client.trust = "trust/all.pem";
    check_impossible(half_rtt_builder(&asks_client));
    check_impossible(half_rtt_builder(&old));
    builder = half_rtt_builder(&plain_server);
    CHECK_EQ(tls_builder_ask_context(builder, 1), TLS_OK);
    check_impossible(builder);

    builder = half_rtt_builder(&plain_server);
    context = tls_context_server(builder, NULL);
    pair = new_pair_of(client, NULL, NULL);
    pump(&pair);
    CHECK_EQ(tls_answer_context(pair.server, context), TLS_ERR_CONFIG);
    /* Nothing has happened: another one can be chosen. */
    tls_context_free(context);
    context = make_server_context(&plain_server);
    CHECK_EQ(tls_answer_context(pair.server, context), TLS_OK);
    finish_handshake(&pair);
    check_alive(&pair);
    free_pair(&pair);
    tls_context_free(context);
    tls_context_free(client);
    tls_builder_free(builder);
}

/* ---- Peers that only read, and answer our KeyUpdates ---- */

/* A writer of the form of the engine that asks, or of that which does not; the other one, too. */
static struct pair key_update_pair(int asks, uint32_t events)
{
    struct recipe client = with_version(plain_client, TLS_VERSION_1_3), server = plain_server;
    tls_context_t *contexts[2];
    struct pair pair;
    int rounds, is_server;

    if (asks) {
        server.verify = client.verify = TLS_VERIFY_ASK;
        server.client_auth = TLS_CLIENT_AUTH_OPTIONAL;
    }
    for (is_server = 0; is_server < 2; is_server++) {
        tls_builder_t *builder = make_builder(is_server ? &server : &client);

        CHECK_EQ(tls_builder_events(builder, events), TLS_OK);
        contexts[is_server] =
            is_server ? tls_context_server(builder, NULL) : tls_context_client(builder, NULL);
        CHECK(contexts[is_server] != NULL);
        tls_builder_free(builder);
    }
    pair = new_pair_of(contexts[0], contexts[1], NULL);
    for (rounds = 0; rounds < 4; rounds++) {
        pump(&pair);
        if (pair.client_status == TLS_ASK_VERIFY)
            CHECK_EQ(tls_answer_verify(pair.client, 0), TLS_OK);
        if (pair.server_status == TLS_ASK_VERIFY)
            CHECK_EQ(tls_answer_verify(pair.server, 0), TLS_OK);
    }
    finish_handshake(&pair);
    tls_context_free(contexts[0]);
    tls_context_free(contexts[1]);
    return pair;
}

/* Writes to and asks a peer that reads and answers, as halves do without data; how often that goes
 * well. */
static int ask_often(tls_conn_t *in, tls_conn_t *out, tls_conn_t *reader, tls_conn_t *answerer,
                     int most)
{
    tls_event_t event = {.size = sizeof(event)};
    char plain[8];
    int i;

    for (i = 0; i < most; i++) {
        /* What was counted stays when the last event was taken. */
        while (tls_next_event(in, &event) == 1)
            ;
        CHECK_EQ(tls_write_from(out, "data", 4), 4);
        CHECK_EQ(tls_key_update(out), TLS_OK);
        CHECK(carry(out, reader) > 0);
        CHECK_EQ(tls_read_into(reader, plain, sizeof(plain)), 4);
        CHECK_EQ(tls_advance(reader), TLS_OK);
        CHECK_EQ(tls_advance(answerer), TLS_OK);
        CHECK(carry(answerer, in) > 0);
        if (tls_advance(in) != TLS_OK)
            break;
    }
    return i;
}

/* */
static void a_peer_may_answer_for_ever(void)
{
    int server_writes, form;

    for (server_writes = 0; server_writes < 2; server_writes++) {
        for (form = 0; form < 5; form++) {
            uint32_t events = form < 3 ? 0 : TLS_EVENT_KEY_UPDATE;
            struct pair pair = key_update_pair(form == 1 || form == 4, events);
            tls_conn_t *writer = server_writes ? pair.server : pair.client;
            tls_conn_t *reader = server_writes ? pair.client : pair.server;
            tls_conn_t *sender = form == 2 ? tls_split(writer, NULL) : writer;
            tls_conn_t *answerer = tls_split(reader, NULL);
            char plain[8];

            CHECK(sender != NULL && answerer != NULL);
            CHECK_EQ(ask_often(writer, sender, reader, answerer, 200), 200);
            /* Both directions carry data, under keys that both sides count alike. */
            CHECK_EQ(tls_write_from(answerer, "back", 4), 4);
            carry(answerer, writer);
            CHECK_EQ(tls_read_into(writer, plain, sizeof(plain)), 4);
            CHECK_BYTES(plain, "back", 4);
            CHECK_EQ(ask_often(writer, sender, reader, answerer, 50), 50);
            CHECK_EQ(tls_close_notify(answerer), TLS_OK);
            carry(answerer, writer);
            CHECK_EQ(tls_advance(writer), TLS_CLOSED);
            tls_free(answerer);
            if (form == 2)
                tls_free(sender);
            free_pair(&pair);
        }
    }
}

/* One answer for many KeyUpdates (RFC 8446, 4.6.3): it leaves with the next record, whatever was
 * asked in the handshake. */
static void an_answer_leaves_with_the_next_record(void)
{
    int asks, server_asks;

    for (asks = 0; asks < 2; asks++)
        for (server_asks = 0; server_asks < 2; server_asks++) {
            struct pair pair = key_update_pair(asks, TLS_EVENT_KEY_UPDATE);
            tls_conn_t *asker = server_asks ? pair.server : pair.client;
            tls_conn_t *answerer = server_asks ? pair.client : pair.server;
            tls_event_t event = {.size = sizeof(event)};
            char plain[8];

            CHECK_EQ(tls_key_update(asker), TLS_OK);
            carry(asker, answerer);
            CHECK_EQ(tls_advance(answerer), TLS_OK);
            CHECK_EQ(tls_drain_pending(answerer), 0);
            while (tls_next_event(asker, &event) == 1)
                CHECK(event.number != TLS_KEYS_IN);
            CHECK_EQ(tls_write_from(answerer, "data", 4), 4);
            carry(answerer, asker);
            CHECK_EQ(tls_read_into(asker, plain, sizeof(plain)), 4);
            CHECK_EQ(tls_next_event(asker, &event), 1);
            CHECK_EQ(event.number, TLS_KEYS_IN);
            CHECK_EQ(tls_next_event(asker, &event), 0);
            free_pair(&pair);
        }
}

/* what nobody asked for is counted as ever, also after many answers. */
static void a_flood_ends_the_connection(void)
{
    int server_floods, after, is_split;

    for (server_floods = 0; server_floods < 2; server_floods++) {
        for (after = 0; after < 50; after += 40) {
            for (is_split = 0; is_split < 2; is_split++) {
                struct pair pair = key_update_pair(1, 0);
                tls_conn_t *flood = server_floods ? pair.server : pair.client;
                tls_conn_t *victim = server_floods ? pair.client : pair.server;
                tls_conn_t *sender = is_split ? tls_split(victim, NULL) : victim;
                tls_conn_t *floods = tls_split(flood, NULL);
                char plain[8];
                int i;

                CHECK_EQ(ask_often(victim, sender, flood, floods, after), after);
                for (i = 0; i < 100; i++) {
                    CHECK_EQ(tls_key_update(floods), TLS_OK);
                    carry(floods, victim);
                    if (tls_advance(victim) != TLS_OK)
                        break;
                    /* With data of its own, which is no excuse for the other one. */
                    CHECK_EQ(tls_write_from(sender, "data", 4), 4);
                    carry(sender, flood);
                    CHECK_EQ(tls_read_into(flood, plain, sizeof(plain)), 4);
                }
                CHECK(i <= 32);
                CHECK_EQ(tls_advance(victim), TLS_ERR_PEER);
                if (is_split)
                    tls_free(sender);
                tls_free(floods);
                free_pair(&pair);
            }
        }
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(a_second_hello_may_leave_the_session_out);
    RUN(a_second_hello_may_keep_the_session);
    RUN(a_client_may_leave_before_its_hello);
    RUN(a_client_may_leave_in_its_hello_and_after_it);
    RUN(a_server_may_leave_before_its_hello);
    RUN(a_server_may_leave_after_a_hello_retry_request);
    RUN(a_name_that_is_none_counts_as_no_name);
    RUN(a_client_with_a_long_chain_resumes);
    RUN(a_raw_key_that_nobody_asks_for_is_no_hindrance);
    RUN(early_data_goes_with_the_protocol_of_its_session);
    RUN(a_server_may_speak_before_the_clients_finished);
    RUN(it_may_go_on_while_the_finished_waits_for_a_drain);
    RUN(what_a_cork_keeps_makes_room_for_the_finished);
    RUN(others_wait_for_the_finished);
    RUN(where_it_cannot_be_the_context_is_not_made);
    RUN(a_peer_may_answer_for_ever);
    RUN(an_answer_leaves_with_the_next_record);
    RUN(a_flood_ends_the_connection);
    return 0;
}
