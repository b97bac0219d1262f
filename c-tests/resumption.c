/* Section 12: sessions that the host carries, and ticket keys that it shares. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define FOREVER UINT64_MAX

static const struct recipe client_with_certificate = {
    .chain = "ecdsa/client-chain.pem", .key = "ecdsa/client.key", .trust = "trust/all.pem"};
static const struct recipe server_that_requires = {.chain = "ecdsa/server-chain.pem",
                                                   .key = "ecdsa/server.key",
                                                   .trust = "trust/all.pem",
                                                   .client_auth = TLS_CLIENT_AUTH_REQUIRED};

static tls_ticket_key_t make_key(unsigned char number, uint64_t encrypt_from,
                                 uint64_t decrypt_until)
{
    tls_ticket_key_t key = {.size = sizeof(key), .secret_len = 48};

    memset(key.name, number, sizeof(key.name));
    fill_bytes(key.secret, key.secret_len, number);
    key.encrypt_from = encrypt_from;
    key.decrypt_until = decrypt_until;
    return key;
}

static void set_keys(tls_context_t *context, const tls_ticket_key_t *keys, size_t count)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_context_ticket_keys(context, keys, count, &error), TLS_OK);
    CHECK_EQ(error.status, TLS_OK);
}

static tls_context_t *server_with_key(const struct recipe *recipe, tls_ticket_key_t key)
{
    tls_context_t *context = make_server_context(recipe);

    set_keys(context, &key, 1);
    return context;
}

/* A handshake whose client has sessions of its own and offers this one, or none. */
static struct pair shake(const tls_context_t *client, const tls_context_t *server,
                         tls_session_t *session)
{
    struct pair pair = {NULL, NULL, TLS_OK, TLS_OK};
    tls_error_t error = {.size = sizeof(error)};

    pair.client = tls_client_new_resuming(client, "localhost", session, &error);
    CHECK_EQ(error.status, TLS_OK);
    CHECK(pair.client != NULL);
    pair.server = tls_server_new(server, NULL);
    finish_handshake(&pair);
    CHECK_EQ(tls_resumed(pair.client), tls_resumed(pair.server));
    check_alive(&pair);
    return pair;
}

/* Whether the session is resumed; it is freed. */
static int resumes(const tls_context_t *client, const tls_context_t *server, tls_session_t *session)
{
    struct pair pair = shake(client, server, session);
    int resumed = tls_resumed(pair.client);

    free_pair(&pair);
    tls_session_free(session);
    return resumed;
}

static tls_session_t *take(tls_conn_t *conn)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_session_t *session = tls_session_take(conn, &error);

    CHECK_EQ(error.status, TLS_OK);
    CHECK(session != NULL);
    return session;
}

static void check_none(tls_conn_t *conn)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK(tls_session_take(conn, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_STATE);
    CHECK(error.message[0] != '\0');
}

static tls_session_t *new_session(const tls_context_t *client, const tls_context_t *server)
{
    struct pair pair = shake(client, server, NULL);
    tls_session_t *session = take(pair.client);

    CHECK_EQ(tls_resumed(pair.client), 0);
    free_pair(&pair);
    return session;
}

/* */
static void contexts_with_the_same_keys_resume_each_others_sessions(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *issuer = server_with_key(&plain_server, make_key(1, 0, FOREVER));
        tls_context_t *other = server_with_key(&plain_server, make_key(1, 0, FOREVER));
        tls_session_t *session = new_session(client, issuer);
        struct pair pair = shake(client, other, session);

        CHECK_EQ(tls_resumed(pair.client), 1);
        CHECK_EQ(tls_protocol_version(pair.client), version);
        CHECK(tls_peer_certificate(pair.client, 0, NULL, 0) > 0);
        tls_session_free(session);
        /* What the other one issued in the resumed handshake goes back to the first. */
        session = take(pair.client);
        free_pair(&pair);
        CHECK_EQ(resumes(client, issuer, session), 1);
        tls_context_free(client);
        tls_context_free(issuer);
        tls_context_free(other);
    }
}

/* */
static void client_certificates_are_kept(void)
{
    size_t len;
    unsigned char *der = pki_der("ecdsa/client-chain.pem", &len), shown[4096];

    for (EACH_VERSION) {
        struct recipe recipe = with_version(client_with_certificate, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *issuer = server_with_key(&server_that_requires, make_key(1, 0, FOREVER));
        tls_context_t *other = server_with_key(&server_that_requires, make_key(1, 0, FOREVER));
        tls_session_t *session = new_session(client, issuer);
        struct pair pair = shake(client, other, session);

        CHECK_EQ(tls_resumed(pair.server), 1);
        CHECK_EQ(tls_peer_certificate(pair.server, 0, shown, sizeof(shown)), len);
        CHECK_BYTES(shown, der, len);
        free_pair(&pair);
        tls_session_free(session);
        tls_context_free(client);
        tls_context_free(issuer);
        tls_context_free(other);
    }
    free(der);
}

/* a session without a certificate must not get past a server that requires one. */
static void other_rules_about_client_certificates_mean_a_full_handshake(void)
{
    static const int32_t modes[] = {TLS_CLIENT_AUTH_OPTIONAL, TLS_CLIENT_AUTH_REQUIRED};

    for (EACH_VERSION) {
        for (size_t i = 0; i < 2; i++) {
            struct recipe recipe = with_version(client_with_certificate, version);
            struct recipe strict = server_that_requires;
            tls_context_t *client = make_client_context(&recipe);
            tls_context_t *lax = server_with_key(&plain_server, make_key(1, 0, FOREVER));
            tls_context_t *server;
            tls_session_t *session = new_session(client, lax);
            struct pair pair;

            strict.client_auth = modes[i];
            server = server_with_key(&strict, make_key(1, 0, FOREVER));
            pair = shake(client, server, session);
            CHECK_EQ(tls_resumed(pair.server), 0);
            CHECK(tls_peer_certificate(pair.server, 0, NULL, 0) > 0);
            free_pair(&pair);
            tls_session_free(session);
            tls_context_free(client);
            tls_context_free(lax);
            tls_context_free(server);
        }
    }
}

/* */
static void unusable_tickets_mean_a_full_handshake(void)
{
    tls_ticket_key_t issued = make_key(1, 0, FOREVER), bad[4];

    for (size_t i = 0; i < 4; i++)
        bad[i] = issued;
    bad[0].decrypt_until = (uint64_t)time(NULL); /* expired */
    bad[1].name[15] ^= 1;                        /* unknown */
    bad[2].secret[0] ^= 1;                       /* does not decrypt: the same as an altered one */
    bad[3].secret_len = 32;                      /* another secret */
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *issuer = server_with_key(&plain_server, issued);

        for (size_t i = 0; i < 4; i++) {
            tls_context_t *other = server_with_key(&plain_server, bad[i]);

            CHECK_EQ(resumes(client, other, new_session(client, issuer)), 0);
            tls_context_free(other);
        }
        CHECK_EQ(resumes(client, issuer, new_session(client, issuer)), 1);
        tls_context_free(client);
        tls_context_free(issuer);
    }
}

static void live_contexts_take_new_keys(void)
{
    uint64_t now = (uint64_t)time(NULL);
    /* The second one is the newest that has begun. */
    tls_ticket_key_t keys[3] = {make_key(1, 0, FOREVER), make_key(2, now - 5, FOREVER),
                                make_key(3, now + 1000, FOREVER)};

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *server = make_server_context(&plain_server);
        tls_session_t *own = new_session(client, server), *first, *second;

        set_keys(server, keys, 1);
        CHECK_EQ(resumes(client, server, own), 0);
        first = new_session(client, server);
        set_keys(server, keys, 3);
        CHECK_EQ(resumes(client, server, first), 1);
        second = new_session(client, server);
        set_keys(server, keys, 1);
        CHECK_EQ(resumes(client, server, second), 0);
        second = new_session(client, server);
        set_keys(server, keys + 1, 2);
        CHECK_EQ(resumes(client, server, second), 0);
        second = new_session(client, server);
        set_keys(server, keys + 1, 1);
        CHECK_EQ(resumes(client, server, second), 1);
        set_keys(server, NULL, 0);
        CHECK_EQ(resumes(client, server, new_session(client, server)), 1);
        tls_context_free(client);
        tls_context_free(server);
    }
}

static void without_a_key_whose_time_it_is_nothing_is_issued(void)
{
    uint64_t now = (uint64_t)time(NULL);
    tls_ticket_key_t keys[2] = {make_key(1, 0, now), make_key(2, now + 1000, FOREVER)};

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *server = make_server_context(&plain_server);
        struct pair pair;

        set_keys(server, keys, 2);
        pair = shake(client, server, NULL);
        check_none(pair.client);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
    }
}

static void refuse(tls_context_t *context, const tls_ticket_key_t *keys, size_t count,
                   tls_status_t status, const char *says)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_context_ticket_keys(context, keys, count, &error), status);
    CHECK_EQ(error.status, status);
    CHECK_EQ(error.reason, status == TLS_ERR_CONFIG ? TLS_REASON_TICKET_KEY_UNUSABLE : 0);
    CHECK(strstr(error.message, says) != NULL);
    CHECK_EQ(tls_context_ticket_keys(context, keys, count, NULL), status);
}

static void bad_keys_are_refused_and_change_nothing(void)
{
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *server = server_with_key(&plain_server, make_key(1, 0, FOREVER));
    tls_session_t *session = new_session(client, server);
    tls_ticket_key_t keys[2] = {make_key(2, 0, FOREVER), make_key(3, 0, FOREVER)};
    const tls_ticket_key_t good = keys[1];

    keys[1].secret_len = 31;
    refuse(server, keys, 2, TLS_ERR_CONFIG, "ticket key 1: ");
    keys[1].secret_len = 65;
    refuse(server, keys, 2, TLS_ERR_CONFIG, "ticket key 1: ");
    keys[1].secret_len = SIZE_MAX;
    refuse(server, keys, 2, TLS_ERR_CONFIG, "ticket key 1: ");
    keys[1] = good;
    memset(keys[1].secret, 0, sizeof(keys[1].secret));
    refuse(server, keys, 2, TLS_ERR_CONFIG, "ticket key 1: ");
    keys[1] = good;
    keys[1].encrypt_from = keys[1].decrypt_until = 7;
    refuse(server, keys, 2, TLS_ERR_CONFIG, "ticket key 1: ");
    keys[1] = good;
    memcpy(keys[1].name, keys[0].name, sizeof(keys[1].name));
    refuse(server, keys, 2, TLS_ERR_CONFIG, "name of key 0");
    keys[1] = good;
    keys[1].size++;
    refuse(server, keys, 2, TLS_ERR_ARGUMENT, "ticket key 1: ");
    keys[1] = good;
    keys[0].size = sizeof(keys[0]) - 1;
    refuse(server, keys, 2, TLS_ERR_ARGUMENT, "size");
    keys[0].size = SIZE_MAX;
    refuse(server, keys, 2, TLS_ERR_ARGUMENT, "size");
    keys[0].size = sizeof(keys[0]);
    refuse(server, keys, SIZE_MAX, TLS_ERR_ARGUMENT, "memory");
    refuse(server, NULL, 1, TLS_ERR_ARGUMENT, "NULL");
    refuse(client, keys, 2, TLS_ERR_ARGUMENT, "server");
    CHECK_EQ(resumes(client, server, session), 1);

    tls_context_free(client);
    tls_context_free(server);
}

/* Structs of a later header are larger: what this library does not know is passed over. */
static void larger_structs_are_read(void)
{
    struct {
        tls_ticket_key_t known;
        uint64_t unknown[3];
    } keys[2];
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *later = make_server_context(&plain_server);
    tls_context_t *server = server_with_key(&plain_server, make_key(2, 1, FOREVER));

    memset(keys, 0xee, sizeof(keys));
    keys[0].known = make_key(1, 0, FOREVER);
    keys[1].known = make_key(2, 1, FOREVER);
    keys[0].known.size = keys[1].known.size = sizeof(keys[0]);
    set_keys(later, &keys[0].known, 2);
    CHECK_EQ(resumes(client, server, new_session(client, later)), 1);
    tls_context_free(client);
    tls_context_free(later);
    tls_context_free(server);
}

static void sessions_are_separate(void)
{
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *server = make_server_context(&plain_server);
    struct pair shared = new_pair_of(client, server, NULL), own;
    tls_session_t *newest, *older;

    finish_handshake(&shared);
    check_none(shared.client);
    check_none(shared.server);
    free_pair(&shared);

    /* The store of the context has no part in it, in either direction. */
    own = shake(client, server, NULL);
    CHECK_EQ(tls_resumed(own.client), 0);
    newest = take(own.client);
    older = take(own.client);
    check_none(own.client);
    CHECK(newest != older);
    check_alive(&own);
    free_pair(&own);
    CHECK_EQ(resumes(client, server, older), 1);
    CHECK_EQ(resumes(client, server, newest), 1);

    tls_context_free(client);
    tls_context_free(server);
}

static void check_refused(const tls_context_t *client, const char *name, tls_session_t *session,
                          tls_status_t status)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK(tls_client_new_resuming(client, name, session, &error) == NULL);
    CHECK_EQ(error.status, status);
    CHECK(error.message[0] != '\0');
}

/* */
static void sessions_do_not_leave_their_context_and_name(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *other = make_client_context(&recipe);
        tls_context_t *server = make_server_context(&plain_server);
        tls_session_t *session = new_session(client, server);

        check_refused(other, "localhost", session, TLS_ERR_ARGUMENT);
        check_refused(client, "server.test", session, TLS_ERR_ARGUMENT);
        check_refused(server, "localhost", session, TLS_ERR_ARGUMENT);
        /* It was not used up. */
        CHECK_EQ(resumes(client, server, session), 1);
        check_refused(client, "localhost", session, TLS_ERR_HANDLE);
        tls_context_free(client);
        tls_context_free(other);
        tls_context_free(server);
    }
}

static void tls_1_3_sessions_are_used_once(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *server = make_server_context(&plain_server);
        tls_session_t *session = new_session(client, server);
        struct pair pair = shake(client, server, session);

        CHECK_EQ(tls_resumed(pair.client), 1);
        free_pair(&pair);
        if (version == TLS_VERSION_1_3) {
            check_refused(client, "localhost", session, TLS_ERR_STATE);
            tls_session_free(session);
        } else {
            CHECK_EQ(resumes(client, server, session), 1);
        }
        tls_context_free(client);
        tls_context_free(server);
    }
}

/* Whether the second of two connections resumes, with a store for this many sessions. */
static int second_resumes(uint16_t version, size_t most)
{
    tls_context_t *server = make_server_context(&plain_server), *client;
    tls_builder_t *builder = tls_builder_new();
    int resumed = -1;

    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, version, version), TLS_OK);
    CHECK_EQ(tls_builder_sessions(builder, most), TLS_OK);
    client = tls_context_client(builder, NULL);
    for (int i = 0; i < 2; i++) {
        struct pair pair = new_pair_of(client, server, NULL);

        finish_handshake(&pair);
        resumed = tls_resumed(pair.client);
        free_pair(&pair);
    }
    /* Sessions that the host carries need no store. */
    CHECK_EQ(resumes(client, server, new_session(client, server)), 1);
    tls_builder_free(builder);
    tls_context_free(client);
    tls_context_free(server);
    return resumed;
}

static void the_store_is_bounded(void)
{
    tls_builder_t *builder = tls_builder_new();

    for (EACH_VERSION) {
        CHECK_EQ(second_resumes(version, 0), 0);
        CHECK_EQ(second_resumes(version, 1), 1);
        CHECK_EQ(second_resumes(version, TLS_DEFAULT_SESSIONS), 1);
    }
    CHECK_EQ(tls_builder_sessions(builder, TLS_MAX_SESSIONS), TLS_OK);
    CHECK_EQ(tls_builder_sessions(builder, TLS_MAX_SESSIONS + 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_sessions(builder, SIZE_MAX), TLS_ERR_ARGUMENT);
    tls_builder_free(builder);
}

/* How many sessions the client is given. */
static int count_sessions(struct pair *pair)
{
    tls_session_t *session;
    int count = 0;

    while ((session = tls_session_take(pair->client, NULL)) != NULL) {
        tls_session_free(session);
        count++;
    }
    return count;
}

/* One full handshake and one resumed one: the numbers of tickets, as two digits. What is below 0 is
 * not set. */
static int tickets_of(int sent, int full, int resumed)
{
    struct recipe client_recipe = with_version(plain_client, TLS_VERSION_1_3);
    tls_builder_t *builder = make_builder(&plain_server);
    tls_context_t *client, *server;
    tls_session_t *session;
    struct pair pair;
    int counted;

    if (sent >= 0)
        CHECK_EQ(tls_builder_tickets(builder, (uint32_t)sent), TLS_OK);
    server = tls_context_server(builder, NULL);
    tls_builder_free(builder);
    builder = make_builder(&client_recipe);
    if (full >= 0)
        CHECK_EQ(tls_builder_ticket_request(builder, (uint32_t)full, (uint32_t)resumed), TLS_OK);
    client = tls_context_client(builder, NULL);
    tls_builder_free(builder);

    pair = shake(client, server, NULL);
    session = tls_session_take(pair.client, NULL);
    counted = (session != NULL) + count_sessions(&pair);
    free_pair(&pair);
    if (session != NULL) {
        pair = shake(client, server, session);
        CHECK_EQ(tls_resumed(pair.client), 1);
        counted = 10 * counted + count_sessions(&pair);
        free_pair(&pair);
    }
    tls_session_free(session);
    tls_context_free(client);
    tls_context_free(server);
    return counted;
}

/* */
static void a_server_sends_as_many_tickets_as_it_is_told(void)
{
    tls_builder_t *builder = tls_builder_new();
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tickets_of(-1, -1, 0), 10 * TLS_DEFAULT_TICKETS + TLS_DEFAULT_TICKETS);
    CHECK_EQ(tickets_of(0, -1, 0), 0);
    CHECK_EQ(tickets_of(1, -1, 0), 11);
    CHECK_EQ(tickets_of(TLS_MAX_TICKETS, -1, 0), 88);
    CHECK_EQ(tls_builder_tickets(builder, TLS_MAX_TICKETS + 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK(strstr(error.message, "9 tickets") != NULL);
    CHECK_EQ(tls_builder_tickets(builder, UINT32_MAX), TLS_ERR_ARGUMENT);
    tls_builder_free(builder);
}

/* Each has its place in a flight, which must fit the outbound limit. */
static void many_tickets_need_room(void)
{
    for (uint32_t count = 0; count <= TLS_MAX_TICKETS; count++) {
        tls_builder_t *builder = make_builder(&plain_server);
        tls_error_t error = {.size = sizeof(error)};
        tls_context_t *context;

        CHECK_EQ(tls_builder_limits(builder, 0, TLS_MIN_OUTBOUND_LIMIT), TLS_OK);
        CHECK_EQ(tls_builder_tickets(builder, count), TLS_OK);
        context = tls_context_server(builder, &error);
        CHECK_EQ(context != NULL, count <= TLS_DEFAULT_TICKETS);
        CHECK_EQ(error.reason, context != NULL ? 0 : TLS_REASON_LIMIT_TOO_SMALL);
        tls_context_free(context);
        tls_builder_free(builder);
    }
}

/* */
static void a_client_says_how_many_tickets_it_wants(void)
{
    tls_builder_t *builder = tls_builder_new();

    CHECK_EQ(tickets_of(-1, 1, 1), 11);
    CHECK_EQ(tickets_of(-1, 2, 1), 21);
    CHECK_EQ(tickets_of(-1, 1, 0), 10);
    CHECK_EQ(tickets_of(-1, 0, 1), 0);
    /* More than the server would send. */
    CHECK_EQ(tickets_of(-1, 5, 4), 22);
    CHECK_EQ(tickets_of(5, 8, 4), 54);
    CHECK_EQ(tls_builder_ticket_request(builder, TLS_MAX_TICKETS + 1, 0), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_ticket_request(builder, 0, 257), TLS_ERR_ARGUMENT);
    tls_builder_free(builder);
}

/* */
static void tls_1_2_has_one_ticket_or_none(void)
{
    struct recipe client_recipe = with_version(plain_client, TLS_VERSION_1_2);
    tls_ticket_key_t key = make_key(1, 0, FOREVER);

    for (uint32_t count = 0; count <= 3; count++) {
        tls_builder_t *builder = make_builder(&plain_server);
        tls_context_t *client = make_client_context(&client_recipe), *server;
        struct pair pair;
        tls_session_t *session;

        CHECK_EQ(tls_builder_tickets(builder, count), TLS_OK);
        server = tls_context_server(builder, NULL);
        set_keys(server, &key, 1);
        pair = shake(client, server, NULL);
        session = tls_session_take(pair.client, NULL);
        CHECK_EQ(session != NULL, count != 0);
        CHECK(tls_session_take(pair.client, NULL) == NULL);
        free_pair(&pair);
        if (session != NULL)
            CHECK_EQ(resumes(client, server, session), 1);
        tls_builder_free(builder);
        tls_context_free(client);
        tls_context_free(server);
    }
}

static const char mask = 0x5a;

/* Whether the masked secret is in a piece of memory; the mask keeps the search from finding itself.
 */
static int contains(const unsigned char *piece, size_t len, const unsigned char *masked,
                    size_t size)
{
    for (size_t at = 0; at + size <= len; at++) {
        size_t same = 0;

        while (same < size && (piece[at + same] ^ mask) == masked[same])
            same++;
        if (same == size)
            return 1;
    }
    return 0;
}

/* In how many places of this process's writable memory a secret is. Shadow memory of the sanitizers
 * is passed over: it is larger than anything else, and holds no copies. */
static int find_in_memory(const unsigned char *masked, size_t size)
{
    static unsigned char piece[1 << 16];
    FILE *maps = fopen("/proc/self/maps", "r"), *memory = fopen("/proc/self/mem", "rb");
    unsigned long long begin, end;
    char line[512], rights[8];
    int found = 0;

    CHECK(maps != NULL && memory != NULL);
    setvbuf(memory, NULL, _IONBF, 0);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%llx-%llx %7s", &begin, &end, rights) != 3 ||
            strncmp(rights, "rw", 2) != 0 || end - begin > (1ull << 28))
            continue;
        /* Pieces overlap, so that nothing is missed between two. */
        for (unsigned long long at = begin; at < end; at += sizeof(piece) - size) {
            size_t len = end - at < sizeof(piece) ? (size_t)(end - at) : sizeof(piece);

            if (fseeko(memory, (off_t)at, SEEK_SET) != 0 ||
                (len = fread(piece, 1, len, memory)) == 0)
                break;
            found += contains(piece, len, masked, size);
            memset(piece, 0, sizeof(piece));
        }
    }
    fclose(maps);
    fclose(memory);
    return found;
}

static void secrets_are_wiped_when_their_time_is_over(void)
{
    static tls_ticket_key_t key;
    unsigned char masked[48];
    tls_ticket_key_t other = make_key(2, 0, FOREVER);
    tls_context_t *client = make_client_context(&plain_client);

    for (int by_freeing = 0; by_freeing < 2; by_freeing++) {
        tls_context_t *server = make_server_context(&plain_server);

        key = make_key(1, 0, FOREVER);
        fill_bytes(key.secret, sizeof(masked), 77 + (uint32_t)by_freeing);
        for (size_t i = 0; i < sizeof(masked); i++)
            masked[i] = key.secret[i] ^ mask;
        set_keys(server, &key, 1);
        memset(&key, 0, sizeof(key));
        CHECK_EQ(resumes(client, server, new_session(client, server)), 1);
        CHECK(find_in_memory(masked, sizeof(masked)) > 0);
        if (by_freeing)
            tls_context_free(server);
        else
            set_keys(server, &other, 1);
        CHECK_EQ(find_in_memory(masked, sizeof(masked)), 0);
        if (!by_freeing)
            tls_context_free(server);
    }
    tls_context_free(client);
}

struct swapping {
    tls_context_t *server;
    int done;
    pthread_mutex_t lock;
};

static void *swap_keys(void *argument)
{
    struct swapping *swapping = argument;
    tls_ticket_key_t keys[2] = {make_key(1, 0, FOREVER), make_key(2, 1, FOREVER)};
    size_t count = 0;
    int done = 0;

    while (!done) {
        set_keys(swapping->server, keys, count++ % 3);
        pthread_mutex_lock(&swapping->lock);
        done = swapping->done;
        pthread_mutex_unlock(&swapping->lock);
    }
    return NULL;
}

/* */
static void no_handshake_fails_while_keys_are_swapped(void)
{
    tls_context_t *client = make_client_context(&plain_client);
    struct swapping swapping = {make_server_context(&plain_server), 0, PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    tls_session_t *session = NULL;

    CHECK_EQ(pthread_create(&thread, NULL, swap_keys, &swapping), 0);
    for (int i = 0; i < 100; i++) {
        struct pair pair = shake(client, swapping.server, session);

        tls_session_free(session);
        session = take(pair.client);
        free_pair(&pair);
    }
    pthread_mutex_lock(&swapping.lock);
    swapping.done = 1;
    pthread_mutex_unlock(&swapping.lock);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    tls_session_free(session);
    tls_context_free(client);
    tls_context_free(swapping.server);
}

static tls_context_t *server_of_group(uint16_t group, tls_ticket_key_t key)
{
    tls_builder_t *builder = make_builder(&plain_server);
    tls_context_t *context;

    CHECK_EQ(tls_builder_groups(builder, &group, 1), TLS_OK);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    set_keys(context, &key, 1);
    return context;
}

/* the client's key share is of the group that the first server took. */
static void a_session_is_resumed_after_a_retry(void)
{
    static const uint16_t x25519 = 0x001d, p256 = 0x0017;
    const uint16_t groups[] = {x25519, p256};
    struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
    tls_builder_t *builder = make_builder(&recipe);
    tls_context_t *first = server_of_group(x25519, make_key(1, 0, FOREVER));
    tls_context_t *second = server_of_group(p256, make_key(1, 0, FOREVER)), *client;

    CHECK_EQ(tls_builder_groups(builder, groups, 2), TLS_OK);
    client = tls_context_client(builder, NULL);
    CHECK(client != NULL);
    for (int shared = 0; shared <= 1; shared++) {
        struct pair pair = shake(client, first, NULL);
        tls_session_t *session = take(pair.client);

        CHECK_EQ(tls_handshake_kind(pair.server), TLS_HANDSHAKE_FULL);
        CHECK_EQ(tls_group(pair.server), x25519);
        free_pair(&pair);
        if (!shared) {
            tls_ticket_key_t other = make_key(2, 0, FOREVER);

            set_keys(second, &other, 1);
        } else {
            tls_ticket_key_t same = make_key(1, 0, FOREVER);

            set_keys(second, &same, 1);
        }
        pair = shake(client, second, session);
        CHECK_EQ(tls_handshake_kind(pair.client),
                 shared ? TLS_HANDSHAKE_RESUMED_RETRIED : TLS_HANDSHAKE_FULL_RETRIED);
        CHECK_EQ(tls_handshake_kind(pair.server), tls_handshake_kind(pair.client));
        CHECK_EQ(tls_resumed(pair.server), shared);
        CHECK_EQ(tls_group(pair.client), p256);
        free_pair(&pair);
        tls_session_free(session);
    }
    tls_context_free(client);
    tls_context_free(first);
    tls_context_free(second);
    tls_builder_free(builder);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(contexts_with_the_same_keys_resume_each_others_sessions);
    RUN(client_certificates_are_kept);
    RUN(other_rules_about_client_certificates_mean_a_full_handshake);
    RUN(unusable_tickets_mean_a_full_handshake);
    RUN(live_contexts_take_new_keys);
    RUN(without_a_key_whose_time_it_is_nothing_is_issued);
    RUN(bad_keys_are_refused_and_change_nothing);
    RUN(larger_structs_are_read);
    RUN(sessions_are_separate);
    RUN(sessions_do_not_leave_their_context_and_name);
    RUN(tls_1_3_sessions_are_used_once);
    RUN(the_store_is_bounded);
    RUN(a_server_sends_as_many_tickets_as_it_is_told);
    RUN(many_tickets_need_room);
    RUN(a_client_says_how_many_tickets_it_wants);
    RUN(tls_1_2_has_one_ticket_or_none);
    RUN(secrets_are_wiped_when_their_time_is_over);
    RUN(no_handshake_fails_while_keys_are_swapped);
    RUN(a_session_is_resumed_after_a_retry);
    return 0;
}
