/* What a host chooses of a handshake: signature schemes, the key share, tickets, sizes of records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

enum { RSA_SHA256 = 0x0804, RSA_SHA384 = 0x0805, RSA_SHA512 = 0x0806, ECDSA = 0x0403 };
enum { P256 = 0x0017, X25519 = 0x001d };

static const struct recipe rsa_server = {.chain = "rsa/server-chain.pem", .key = "rsa/server.key"};

/* A context of the recipe, after `change` has changed its builder. */
static tls_context_t *context_of(const struct recipe *recipe, int is_server,
                                 void (*change)(tls_builder_t *, const void *), const void *what)
{
    tls_builder_t *builder = make_builder(recipe);
    tls_error_t error = {.size = sizeof(error)};
    tls_context_t *context;

    if (change != NULL)
        change(builder, what);
    context = is_server ? tls_context_server(builder, &error) : tls_context_client(builder, &error);
    if (context == NULL)
        fprintf(stderr, "%s\n", error.message);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

struct schemes {
    uint16_t numbers[3];
    size_t count;
};

static void set_schemes(tls_builder_t *builder, const void *what)
{
    const struct schemes *schemes = what;

    CHECK_EQ(tls_builder_signature_schemes(builder, schemes->numbers, schemes->count), TLS_OK);
}

static tls_context_t *external_rsa_server(const struct schemes *schemes)
{
    tls_builder_t *builder = tls_builder_new();
    size_t len;
    char *pem = pki_read("rsa/server-chain.pem", &len);
    tls_context_t *context;

    CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
    set_schemes(builder, schemes);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    free(pem);
    return context;
}

/* the order in which they are offered. */
static void schemes_are_offered_in_the_order_of_the_host(void)
{
    static const struct schemes chosen = {{RSA_SHA384, ECDSA, RSA_SHA256}, 3};

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = context_of(&recipe, 0, set_schemes, &chosen);
        struct pair pair = new_pair_of(client, NULL, NULL);
        unsigned char offered[64];

        CHECK_EQ(tls_advance(pair.client), TLS_WANT_FEED);
        carry(pair.client, pair.server);
        CHECK_EQ(tls_advance(pair.server), TLS_ASK_CONTEXT);
        CHECK_EQ(tls_hello_schemes(pair.server, offered, sizeof(offered)), 6);
        CHECK_BYTES(offered, "\x08\x05\x04\x03\x08\x04", 6);
        free_pair(&pair);
        tls_context_free(client);
    }
}

/* the server's order decides which of those that both take, wherever the key is. */
static void keys_sign_in_the_order_of_the_host(void)
{
    static const struct {
        struct schemes server, client;
        uint16_t expected;
    } cases[] = {
        {{{RSA_SHA512, RSA_SHA256}, 2}, {{0}, 0}, RSA_SHA512},
        {{{RSA_SHA256, RSA_SHA512}, 2}, {{0}, 0}, RSA_SHA256},
        {{{RSA_SHA512, RSA_SHA256}, 2}, {{RSA_SHA256, RSA_SHA384}, 2}, RSA_SHA256},
        {{{ECDSA, RSA_SHA384}, 2}, {{0}, 0}, RSA_SHA384},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct recipe recipe = with_version(plain_client, version);
            tls_context_t *client = context_of(&recipe, 0, set_schemes, &cases[i].client);
            tls_context_t *asking = external_rsa_server(&cases[i].server);
            tls_context_t *server = context_of(&rsa_server, 1, set_schemes, &cases[i].server);
            struct pair pair = new_pair_of(client, asking, NULL);

            pump(&pair);
            CHECK_EQ(pair.server_status, TLS_ASK_SIGN);
            CHECK_EQ(tls_sign_scheme(pair.server), cases[i].expected);
            free_pair(&pair);
            pair = new_pair_of(client, server, NULL);
            finish_handshake(&pair);
            check_alive(&pair);
            free_pair(&pair);
            tls_context_free(client);
            tls_context_free(asking);
            tls_context_free(server);
        }
    }
}

static void without_a_scheme_in_common_there_is_no_handshake(void)
{
    static const struct schemes one = {{RSA_SHA256}, 1}, other = {{RSA_SHA384}, 1};

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = context_of(&recipe, 0, set_schemes, &one);
        tls_context_t *server = context_of(&rsa_server, 1, set_schemes, &other);
        struct pair pair = new_pair_of(client, server, NULL);

        pump(&pair);
        CHECK_EQ(error_of(pair.server).status, TLS_ERR_NO_COMMON);
        CHECK_EQ(error_of(pair.client).status, TLS_ERR_ALERT);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
    }
}

/* On the way the client's offer of one scheme becomes that of another, in which the server signs.
 * In TLS 1.2 the signature is over the randoms and the server's share, so nothing else is wrong
 * yet. */
static void a_scheme_that_was_not_offered_is_not_taken(void)
{
    static const struct schemes one = {{RSA_SHA256}, 1};
    static const unsigned char offered[] = {0, 13, 0, 4, 0, 2, RSA_SHA256 >> 8, RSA_SHA256 & 0xff};
    struct recipe recipe = with_version(plain_client, TLS_VERSION_1_2);
    tls_context_t *client = context_of(&recipe, 0, set_schemes, &one);
    tls_context_t *server = make_server_context(&rsa_server);
    struct pair pair = new_pair_of(client, server, NULL);
    unsigned char wire[8192];
    size_t found = 0, len = (size_t)tls_drain_into(pair.client, wire, sizeof(wire));

    for (size_t at = 0; at + sizeof(offered) <= len; at++) {
        if (memcmp(wire + at, offered, sizeof(offered)) == 0) {
            wire[at + sizeof(offered) - 1] = RSA_SHA512 & 0xff;
            found++;
        }
    }
    CHECK_EQ(found, 1);
    CHECK_EQ(tls_feed(pair.server, wire, len), (ptrdiff_t)len);
    CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
    len = (size_t)tls_drain_into(pair.server, wire, sizeof(wire));
    CHECK_EQ(tls_feed(pair.client, wire, len), (ptrdiff_t)len);
    CHECK_EQ(tls_advance(pair.client), TLS_ERR_PEER);
    CHECK_EQ(error_of(pair.client).reason, TLS_REASON_SIGNATURE_SCHEME_NOT_OFFERED);
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
}

static void schemes_that_do_not_exist_or_do_not_fit_are_refused(void)
{
    static const uint16_t unknown[] = {RSA_SHA256, 0x0201}, twice[] = {ECDSA, ECDSA};
    tls_error_t error = {.size = sizeof(error)};
    const uint16_t *lists[] = {unknown, twice};

    for (size_t i = 0; i < 2; i++) {
        tls_builder_t *builder = make_builder(&rsa_server);

        CHECK_EQ(tls_builder_signature_schemes(builder, lists[i], 2), TLS_ERR_CONFIG);
        CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
        CHECK_EQ(error.reason, TLS_REASON_SCHEME_UNSUPPORTED);
        CHECK(strstr(error.message, "signature scheme 2 ") != NULL);
        tls_builder_free(builder);
    }
    {
        static const struct schemes ecdsa = {{ECDSA}, 1};
        tls_builder_t *builder = make_builder(&rsa_server);

        set_schemes(builder, &ecdsa);
        CHECK(tls_context_server(builder, &error) == NULL);
        CHECK_EQ(error.status, TLS_ERR_CONFIG);
        CHECK_EQ(error.reason, TLS_REASON_SCHEME_UNSUPPORTED);
        tls_builder_free(builder);
    }
}

static void set_share(tls_builder_t *builder, const void *what)
{
    CHECK_EQ(tls_builder_key_share(builder, *(const uint16_t *)what), TLS_OK);
}

static void set_share_without_sessions(tls_builder_t *builder, const void *what)
{
    set_share(builder, what);
    CHECK_EQ(tls_builder_sessions(builder, 0), TLS_OK);
}

static void set_group(tls_builder_t *builder, const void *what)
{
    CHECK_EQ(tls_builder_groups(builder, what, 1), TLS_OK);
}

/* */
static void a_client_sends_the_key_share_that_the_host_names(void)
{
    static const uint16_t none = 0, p256 = P256, x25519 = X25519;
    static const struct {
        const uint16_t *share, *server;
        int retried;
    } cases[] = {{&none, &p256, 1}, {&p256, &p256, 0}, {&none, &x25519, 0}, {&p256, &x25519, 1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int sessions = 0; sessions < 2; sessions++) {
            struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
            tls_context_t *client = context_of(
                &recipe, 0, sessions ? set_share : set_share_without_sessions, cases[i].share);
            tls_context_t *server = context_of(&plain_server, 1, set_group, cases[i].server);

            for (int second = 0; second < 2; second++) {
                struct pair pair = new_pair_of(client, server, NULL);
                int32_t kind;

                finish_handshake(&pair);
                check_alive(&pair);
                CHECK_EQ(tls_group(pair.client), *cases[i].server);
                kind = tls_handshake_kind(pair.client);
                CHECK_EQ(tls_resumed(pair.client), sessions && second);
                /* Where the context remembers anything, the server's choice is known. */
                if (!second)
                    CHECK_EQ(kind,
                             cases[i].retried ? TLS_HANDSHAKE_FULL_RETRIED : TLS_HANDSHAKE_FULL);
                else if (sessions)
                    CHECK_EQ(kind, TLS_HANDSHAKE_RESUMED);
                free_pair(&pair);
            }
            tls_context_free(client);
            tls_context_free(server);
        }
    }
}

static void a_key_share_is_of_a_group_that_is_offered(void)
{
    static const uint16_t x25519 = X25519;
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = make_builder(&plain_client);

    CHECK_EQ(tls_builder_key_share(builder, P256), TLS_OK);
    CHECK_EQ(tls_builder_groups(builder, &x25519, 1), TLS_OK);
    CHECK(tls_context_client(builder, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, TLS_REASON_GROUP_UNSUPPORTED);
    CHECK_EQ(tls_builder_key_share(builder, 0x1234), TLS_ERR_CONFIG);
    tls_builder_free(builder);
}

static void set_no_tickets(tls_builder_t *builder, const void *what)
{
    (void)what;
    CHECK_EQ(tls_builder_tickets(builder, 0), TLS_OK);
    CHECK_EQ(tls_builder_sessions(builder, 0), TLS_OK);
}

static void share_key(tls_context_t *context)
{
    tls_ticket_key_t key = {.size = sizeof(key), .secret_len = 32, .decrypt_until = UINT64_MAX};

    fill_bytes(key.secret, sizeof(key.secret), 1);
    CHECK_EQ(tls_context_ticket_keys(context, &key, 1, NULL), TLS_OK);
}

static int resumes(const tls_context_t *client, const tls_context_t *server)
{
    struct pair pair = new_pair_of(client, server, NULL);
    int resumed;

    finish_handshake(&pair);
    check_alive(&pair);
    resumed = tls_resumed(pair.server);
    free_pair(&pair);
    return resumed;
}

/* */
static void a_server_without_tickets_sends_and_takes_none(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *with = make_server_context(&plain_server);
        tls_context_t *without = context_of(&plain_server, 1, set_no_tickets, NULL);

        share_key(with);
        share_key(without);
        for (int i = 0; i < 3; i++)
            CHECK_EQ(resumes(client, without), 0);
        /* A ticket of the one with the same keys is taken by that one only. */
        CHECK_EQ(resumes(client, with), 0);
        CHECK_EQ(resumes(client, with), 1);
        CHECK_EQ(resumes(client, without), 0);
        tls_context_free(client);
        tls_context_free(with);
        tls_context_free(without);
    }
}

static void set_early_data(tls_builder_t *builder, const void *what)
{
    CHECK_EQ(tls_builder_early_data(builder, *(const uint32_t *)what), TLS_OK);
}

static tls_session_t *session_with(const tls_context_t *client, const tls_context_t *server)
{
    struct pair pair = {tls_client_new_resuming(client, "localhost", NULL, NULL),
                        tls_server_new(server, NULL), TLS_OK, TLS_OK};
    tls_session_t *session;

    finish_handshake(&pair);
    check_alive(&pair);
    session = tls_session_take(pair.client, NULL);
    CHECK(session != NULL);
    free_pair(&pair);
    return session;
}

/* */
static void a_session_says_what_it_is_good_for(void)
{
    static const uint32_t early = 5000;

    for (EACH_VERSION) {
        int64_t now = (int64_t)time(NULL), expires = -1;
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *server = make_server_context(&plain_server);
        tls_context_t *early_server = context_of(&plain_server, 1, set_early_data, &early);
        tls_ticket_key_t key = {
            .size = sizeof(key), .secret_len = 32, .decrypt_until = (uint64_t)now + 1234};
        tls_session_t *session;

        fill_bytes(key.secret, sizeof(key.secret), 1);
        CHECK_EQ(tls_context_ticket_keys(server, &key, 1, NULL), TLS_OK);
        CHECK_EQ(tls_context_time(client, now), TLS_OK);
        CHECK_EQ(tls_context_time(server, now), TLS_OK);
        session = session_with(client, server);
        CHECK_EQ(tls_session_version(session), version);
        CHECK_EQ(tls_session_early_data(session), 0);
        CHECK_EQ(tls_session_expires(session, &expires), TLS_OK);
        CHECK_EQ(expires, now + 1234);
        for (int offered = 1; offered >= 0; offered--) {
            struct pair pair;

            CHECK_EQ(tls_context_time(client, expires - offered), TLS_OK);
            pair = (struct pair){tls_client_new_resuming(client, "localhost", session, NULL),
                                 tls_server_new(server, NULL), TLS_OK, TLS_OK};
            finish_handshake(&pair);
            CHECK_EQ(tls_resumed(pair.client), offered);
            free_pair(&pair);
            tls_session_free(session);
            CHECK_EQ(tls_context_time(client, now), TLS_OK);
            session = session_with(client, server);
        }
        if (version == TLS_VERSION_1_3) {
            /* It is used once. */
            tls_free(tls_client_new_resuming(client, "localhost", session, NULL));
            CHECK_EQ(tls_session_version(session), 0);
            CHECK_EQ(tls_session_early_data(session), TLS_ERR_STATE);
            expires = 7;
            CHECK_EQ(tls_session_expires(session, &expires), TLS_ERR_STATE);
            CHECK_EQ(expires, 7);
            tls_session_free(session);
            session = session_with(client, early_server);
            CHECK_EQ(tls_session_early_data(session), early);
        }
        tls_session_free(session);
        tls_context_free(client);
        tls_context_free(server);
        tls_context_free(early_server);
    }
}

static void set_record_size(tls_builder_t *builder, const void *what)
{
    CHECK_EQ(tls_builder_record_size(builder, *(const size_t *)what), TLS_OK);
}

/* Hands everything on, and fails the test if a record has more than `most` bytes behind its header.
 * Answers how many records there were. */
static size_t carry_records(tls_conn_t *from, tls_conn_t *to, size_t most)
{
    static unsigned char wire[1 << 20];
    ptrdiff_t len;
    size_t count = 0;

    tls_advance(from);
    len = tls_drain_into(from, wire, sizeof(wire));
    CHECK(len >= 0);
    for (ptrdiff_t at = 0; at < len; count++) {
        size_t record;

        CHECK(len - at >= 5);
        record = (size_t)wire[at + 3] << 8 | wire[at + 4];
        CHECK(record <= most);
        at += 5 + (ptrdiff_t)record;
    }
    for (ptrdiff_t at = 0; at < len;) {
        ptrdiff_t fed = tls_feed(to, wire + at, (size_t)(len - at));

        CHECK(fed > 0);
        at += fed;
        if (tls_advance(to) == TLS_ASK_VERIFY)
            CHECK_EQ(tls_answer_verify(to, -1), TLS_OK);
    }
    return count;
}

/* of both sides, in both versions, whatever a connection asks for. */
static void handshake_records_are_of_the_size_that_was_set(void)
{
    static const size_t sizes[] = {64, 100, 512, 1400};
    /* The content type, and the tag with what is in front of it in TLS 1.2. */
    enum { GROWTH = 24 };

    for (EACH_VERSION) {
        for (size_t n = 0; n < 2 * sizeof(sizes) / sizeof(sizes[0]); n++) {
            size_t i = n / 2;
            struct recipe recipe = with_version(plain_client, version), requiring = rsa_server;
            tls_context_t *client, *server;
            struct pair pair;
            size_t records = 0;
            char large[3000] = {0};

            /* In both forms of the engine. */
            recipe.verify = n & 1 ? TLS_VERIFY_ASK : TLS_VERIFY_PEER;
            recipe.chain = "rsa/client-chain.pem";
            recipe.key = "rsa/client.key";
            requiring.trust = "rsa/ca.pem";
            requiring.client_auth = TLS_CLIENT_AUTH_REQUIRED;
            client = context_of(&recipe, 0, set_record_size, &sizes[i]);
            server = context_of(&requiring, 1, set_record_size, &sizes[i]);
            pair = new_pair_of(client, server, NULL);
            CHECK_EQ(tls_advance(pair.client), TLS_WANT_FEED);
            for (int round = 0; round < 6; round++) {
                records += carry_records(pair.client, pair.server, sizes[i] + GROWTH);
                records += carry_records(pair.server, pair.client, sizes[i] + GROWTH);
            }
            CHECK_EQ(tls_advance(pair.client), TLS_OK);
            CHECK_EQ(tls_advance(pair.server), TLS_OK);
            /* Two chains of some 1500 bytes, and the rest. */
            CHECK(records > 3000 / sizes[i]);
            /* Of application data a connection can ask for more. */
            CHECK_EQ(tls_conn_record_size(pair.client, 0), TLS_OK);
            CHECK_EQ(tls_write_from(pair.client, large, sizeof(large)), sizeof(large));
            CHECK((size_t)tls_drain_pending(pair.client) <=
                  (size_t)tls_conn_wire_bound(pair.client, sizeof(large)));
            CHECK_EQ(carry_records(pair.client, pair.server, sizeof(large) + GROWTH), 1);
            CHECK_EQ(tls_read_into(pair.server, large, sizeof(large)), sizeof(large));
            check_alive(&pair);
            free_pair(&pair);
            tls_context_free(client);
            tls_context_free(server);
        }
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(schemes_are_offered_in_the_order_of_the_host);
    RUN(keys_sign_in_the_order_of_the_host);
    RUN(without_a_scheme_in_common_there_is_no_handshake);
    RUN(a_scheme_that_was_not_offered_is_not_taken);
    RUN(schemes_that_do_not_exist_or_do_not_fit_are_refused);
    RUN(a_client_sends_the_key_share_that_the_host_names);
    RUN(a_key_share_is_of_a_group_that_is_offered);
    RUN(a_server_without_tickets_sends_and_takes_none);
    RUN(a_session_says_what_it_is_good_for);
    RUN(handshake_records_are_of_the_size_that_was_set);
    return 0;
}
