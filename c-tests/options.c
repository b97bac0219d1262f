/* What one connection has of its own, and not of its context. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

static const tls_client_options_t localhost = {.size = sizeof(localhost),
                                               .server_name = "localhost"};

static tls_client_options_t offering(const char *alpn)
{
    tls_client_options_t options = localhost;

    options.alpn = alpn;
    options.alpn_len = strlen(alpn);
    return options;
}

/* The names in text, and NULL where nobody asked. */
static void check_protocol(tls_conn_t *conn, const char *name)
{
    char protocol[300];

    CHECK_EQ(tls_alpn(conn, protocol, sizeof(protocol)), strlen(name));
    CHECK_BYTES(protocol, name, strlen(name));
}

/* Both forms of the engine: the second one asks about the server's certificate, if it shows one. */
static void finish_asked(struct pair *pair, int32_t verify)
{
    pump(pair);
    if (verify == TLS_VERIFY_ASK && !tls_resumed(pair->client)) {
        CHECK_EQ(pair->client_status, TLS_ASK_VERIFY);
        CHECK_EQ(tls_answer_verify(pair->client, -1), TLS_OK);
    }
    finish_handshake(pair);
}

static struct pair pair_with(const tls_context_t *client, const tls_context_t *server,
                             const tls_client_options_t *options)
{
    struct pair pair = {NULL, NULL, TLS_OK, TLS_OK};
    tls_error_t error = {.size = sizeof(error)};

    pair.client = tls_client_new_with(client, options, &error);
    CHECK_EQ(error.status, TLS_OK);
    CHECK(pair.client != NULL);
    pair.server = tls_server_new(server, &error);
    CHECK(pair.server != NULL);
    return pair;
}

/* */
static void a_client_offers_protocols_of_its_own(void)
{
    struct recipe server = plain_server;
    tls_context_t *server_context;

    server.alpn = "\x02h2\x08http/1.1\x03new";
    server_context = make_server_context(&server);
    for (EACH_VERSION) {
        for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
            struct recipe client = with_version(plain_client, version);
            tls_client_options_t options[4] = {localhost, offering("\x08http/1.1"), localhost,
                                               offering("\x03new\x05other")};
            const char *const agreed[4] = {"h2", "http/1.1", "", "new"};
            tls_context_t *client_context;

            client.alpn = "\x02h2";
            client.verify = verify;
            client_context = make_client_context(&client);
            options[2].flags = TLS_CLIENT_NO_ALPN;
            for (int i = 0; i < 4; i++) {
                struct pair pair = pair_with(client_context, server_context, &options[i]);

                finish_asked(&pair, verify);
                check_protocol(pair.client, agreed[i]);
                check_protocol(pair.server, agreed[i]);
                check_alive(&pair);
                free_pair(&pair);
            }
            tls_context_free(client_context);
        }
    }
    tls_context_free(server_context);
}

static void nothing_in_common_is_said(void)
{
    struct recipe server = plain_server;
    tls_context_t *contexts[2] = {make_client_context(&plain_client), NULL};
    tls_client_options_t options = offering("\x02h3");
    struct pair pair;

    server.alpn = "\x02h2";
    contexts[1] = make_server_context(&server);
    pair = pair_with(contexts[0], contexts[1], &options);
    pump(&pair);
    CHECK_EQ(error_of(pair.server).status, TLS_ERR_NO_COMMON);
    CHECK_EQ(error_of(pair.server).reason, TLS_REASON_NO_COMMON_ALPN);
    CHECK_EQ(error_of(pair.client).alert_received, 120);
    free_pair(&pair);
    tls_context_free(contexts[0]);
    tls_context_free(contexts[1]);
}

static struct pair asking_pair(const tls_context_t *client)
{
    struct pair pair = pair_with(client, NULL, &localhost);

    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ASK_CONTEXT);
    return pair;
}

/* */
static void a_server_agrees_to_protocols_of_its_own(void)
{
    struct recipe client = plain_client;
    tls_context_t *client_context;

    client.alpn = "\x02h2\x08http/1.1";
    client_context = make_client_context(&client);
    for (int32_t auth = TLS_CLIENT_AUTH_NONE; auth <= TLS_CLIENT_AUTH_OPTIONAL; auth++) {
        struct recipe server = plain_server;
        tls_server_options_t options[4] = {
            {.size = sizeof(options[0])},
            {.size = sizeof(options[0]), .alpn = "\x08http/1.1", .alpn_len = 9},
            {.size = sizeof(options[0]), .flags = TLS_SERVER_NO_ALPN},
            {.size = sizeof(options[0])},
        };
        const char *const agreed[4] = {"h2", "http/1.1", "", "h2"};
        tls_context_t *server_context;

        server.alpn = "\x02h2";
        server.client_auth = auth;
        server.trust = auth == TLS_CLIENT_AUTH_NONE ? NULL : "trust/all.pem";
        server.verify = auth == TLS_CLIENT_AUTH_NONE ? TLS_VERIFY_PEER : TLS_VERIFY_ASK;
        server_context = make_server_context(&server);
        for (int i = 0; i < 4; i++) {
            struct pair pair = asking_pair(client_context);
            tls_error_t error = {.size = sizeof(error)};

            CHECK_EQ(tls_answer_context_with(pair.server, server_context,
                                             i == 0 ? NULL : &options[i], &error),
                     TLS_OK);
            finish_handshake(&pair);
            check_protocol(pair.server, agreed[i]);
            check_protocol(pair.client, agreed[i]);
            check_alive(&pair);
            /* The tickets are those of the context: the second connection resumes the first. */
            CHECK_EQ(tls_resumed(pair.client), i > 0);
            free_pair(&pair);
        }
        tls_context_free(server_context);
    }
    tls_context_free(client_context);
}

static void a_signature_elsewhere_goes_with_protocols_of_its_own(void)
{
    struct recipe client = plain_client;
    tls_builder_t *builder = tls_builder_new();
    tls_server_options_t options = {.size = sizeof(options), .alpn = "\x02h2", .alpn_len = 3};
    size_t len;
    char *chain = pki_read("ecdsa/server-chain.pem", &len);
    tls_context_t *contexts[2];
    struct pair pair;

    client.alpn = "\x02h2";
    contexts[0] = make_client_context(&client);
    CHECK_EQ(tls_builder_identity_external(builder, chain, len), TLS_OK);
    contexts[1] = tls_context_server(builder, NULL);
    CHECK(contexts[1] != NULL);
    pair = asking_pair(contexts[0]);
    CHECK_EQ(tls_answer_context_with(pair.server, contexts[1], &options, NULL), TLS_OK);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ASK_SIGN);
    CHECK_EQ(tls_answer_refuse(pair.server, 80), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_answer_refuse(pair.server, 40), TLS_OK);
    free_pair(&pair);
    tls_context_free(contexts[0]);
    tls_context_free(contexts[1]);
    tls_builder_free(builder);
    free(chain);
}

static void check_refused(const tls_context_t *context, const tls_client_options_t *options,
                          tls_status_t status, const char *text)
{
    tls_error_t error = {.size = sizeof(error)};

    CHECK(tls_client_new_with(context, options, &error) == NULL);
    CHECK_EQ(error.status, status);
    if (strstr(error.message, text) == NULL)
        CHECK_BYTES(error.message, text, strlen(text) + 1);
}

static void malformed_lists_are_placed(void)
{
    tls_context_t *context = make_client_context(&plain_client);
    tls_client_options_t options = offering("\x02h2\x09http/1.1");
    char names[4096 + 8];

    check_refused(context, &options, TLS_ERR_CONFIG, "offset 3");
    options = localhost;
    options.alpn = "\x02h2";
    options.alpn_len = 4; /* with the NUL */
    check_refused(context, &options, TLS_ERR_CONFIG, "offset 3: an empty");
    options.alpn = NULL;
    check_refused(context, &options, TLS_ERR_ARGUMENT, "ALPN");

    /* 4096 bytes are as long as a list may be. */
    for (size_t i = 0; i < sizeof(names); i += 8)
        memcpy(names + i, "\x07protoco", 8);
    options.alpn = names;
    options.alpn_len = sizeof(names);
    CHECK_EQ(TLS_MAX_ALPN, 4096);
    check_refused(context, &options, TLS_ERR_CONFIG, "offset 4096: with this name");
    options.alpn_len = TLS_MAX_ALPN;
    tls_free(tls_client_new_with(context, &options, NULL));
    tls_context_free(context);
}

static void a_malformed_list_leaves_the_question_open(void)
{
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *server = make_server_context(&plain_server);
    struct pair pair = asking_pair(client);
    tls_server_options_t options = {.size = sizeof(options), .alpn = "\x03h2", .alpn_len = 3};
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_answer_context_with(pair.server, server, &options, &error), TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, TLS_REASON_ALPN_MALFORMED);
    CHECK(strstr(error.message, "offset 0") != NULL);
    options.alpn = "\x02h2";
    options.flags = TLS_SERVER_NO_ALPN;
    CHECK_EQ(tls_answer_context_with(pair.server, server, &options, &error), TLS_ERR_ARGUMENT);
    options.flags = 2;
    CHECK_EQ(tls_answer_context_with(pair.server, server, &options, &error), TLS_ERR_ARGUMENT);
    options.flags = 0;
    options.size = 4;
    CHECK_EQ(tls_answer_context_with(pair.server, server, &options, &error), TLS_ERR_ARGUMENT);
    options.size = sizeof(options);
    CHECK_EQ(tls_answer_context_with(pair.server, client, &options, &error), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_advance(pair.server), TLS_ASK_CONTEXT);
    CHECK_EQ(tls_answer_context_with(pair.server, server, &options, &error), TLS_OK);
    CHECK_EQ(error.status, TLS_OK);
    CHECK_EQ(tls_answer_context_with(pair.server, server, &options, &error), TLS_ERR_STATE);
    CHECK_EQ(error.status, TLS_ERR_STATE);
    finish_handshake(&pair);
    check_alive(&pair);
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
}

/* A struct of another header: an older one ends earlier, a newer one says more. */
static void structs_of_other_headers_are_understood(void)
{
    tls_context_t *context = make_client_context(&plain_client);
    struct {
        tls_client_options_t known;
        unsigned char more[16];
    } newer = {.known = localhost};
    tls_client_options_t older = localhost;
    char name[16];
    tls_conn_t *conn;

    newer.known.size = sizeof(newer);
    conn = tls_client_new_with(context, &newer.known, NULL);
    CHECK(conn != NULL);
    tls_free(conn);
    newer.more[15] = 1;
    check_refused(context, &newer.known, TLS_ERR_ARGUMENT, "more than this version knows");

    memset((char *)&older + offsetof(tls_client_options_t, sni), 0xff,
           sizeof(older) - offsetof(tls_client_options_t, sni));
    older.size = offsetof(tls_client_options_t, sni);
    conn = tls_client_new_with(context, &older, NULL);
    CHECK_EQ(tls_sni(conn, name, sizeof(name)), 9);
    tls_free(conn);

    older.size = 0;
    check_refused(context, &older, TLS_ERR_ARGUMENT, "size was not set");
    older.size = 5000;
    check_refused(context, &older, TLS_ERR_ARGUMENT, "size was not set");
    check_refused(context, NULL, TLS_ERR_ARGUMENT, "NULL");
    older.size = sizeof(older.size);
    check_refused(context, &older, TLS_ERR_ARGUMENT, "the server name is NULL");
    tls_context_free(context);
}

static void contradictions_are_refused(void)
{
    static const struct {
        tls_client_options_t options;
        const char *text;
    } cases[] = {
        {{.flags = 32}, "0x20"},
        {{.flags = 0x80000001}, "0x80000000"},
        {{.sni = "server.test", .flags = TLS_CLIENT_NO_SNI}, "TLS_CLIENT_NO_SNI"},
        {{.alpn = "\x02h2", .alpn_len = 3, .flags = TLS_CLIENT_NO_ALPN}, "protocols"},
        {{.flags = TLS_CLIENT_ECH_GREASE | TLS_CLIENT_NO_ECH}, "ECHConfigList"},
        {{.ech = "x", .ech_len = 1, .flags = TLS_CLIENT_NO_ECH}, "ECHConfigList"},
        {{.ech = "x", .ech_len = 1, .flags = TLS_CLIENT_ECH_GREASE}, "ECHConfigList"},
        {{.ech_len = 1}, "NULL"},
        {{.sni = "127.0.0.1"}, "IP address"},
        {{.sni = "not a name"}, "DNS name"},
    };
    tls_context_t *context = make_client_context(&plain_client);
    tls_context_t *server = make_server_context(&plain_server);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tls_client_options_t options = cases[i].options;

        options.size = sizeof(options);
        options.server_name = "localhost";
        check_refused(context, &options, TLS_ERR_ARGUMENT, cases[i].text);
    }
    check_refused(server, &localhost, TLS_ERR_ARGUMENT, "client context");
    tls_context_free(context);
    tls_context_free(server);
}

static void names_are_those_of_the_options(void)
{
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *server = make_server_context(&plain_server);
    static const struct {
        const char *name, *sni;
        uint32_t flags;
        const char *seen;
    } cases[] = {
        {"localhost", NULL, 0, "localhost"},          {"localhost", "front.test", 0, "front.test"},
        {"localhost", NULL, TLS_CLIENT_NO_SNI, ""},   {"127.0.0.1", NULL, 0, ""},
        {"127.0.0.1", "front.test", 0, "front.test"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tls_client_options_t options = {.size = sizeof(options),
                                        .server_name = cases[i].name,
                                        .sni = cases[i].sni,
                                        .flags = cases[i].flags};
        struct pair pair = pair_with(client, server, &options);
        char seen[64];

        finish_handshake(&pair);
        CHECK_EQ(tls_sni(pair.server, seen, sizeof(seen)), strlen(cases[i].seen));
        CHECK_BYTES(seen, cases[i].seen, strlen(cases[i].seen));
        CHECK_EQ(tls_sni(pair.client, seen, sizeof(seen)), strlen(cases[i].seen));
        free_pair(&pair);
    }
    tls_context_free(client);
    tls_context_free(server);
}

static void sessions_go_with_both_names(void)
{
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *server = make_server_context(&plain_server);
    tls_client_options_t options = localhost, other;
    tls_session_t *session;
    struct pair pair;

    options.sni = "front.test";
    pair = pair_with(client, server, &options);
    finish_handshake(&pair);
    CHECK(tls_session_take(pair.client, NULL) == NULL);
    free_pair(&pair);

    options.flags = TLS_CLIENT_OWN_SESSIONS;
    pair = pair_with(client, server, &options);
    finish_handshake(&pair);
    session = tls_session_take(pair.client, NULL);
    CHECK(session != NULL);
    free_pair(&pair);

    /* It says nothing about another name that would be verified, or is told. */
    options.session = session;
    other = options;
    other.server_name = "server.test";
    check_refused(client, &other, TLS_ERR_ARGUMENT, "another server name");
    other = options;
    other.sni = "back.test";
    check_refused(client, &other, TLS_ERR_ARGUMENT, "another server name");
    other = options;
    other.sni = NULL;
    check_refused(client, &other, TLS_ERR_ARGUMENT, "another server name");
    /* What is wrong otherwise does not use it up. */
    other = options;
    other.alpn = "\x09x";
    other.alpn_len = 2;
    check_refused(client, &other, TLS_ERR_CONFIG, "offset 0");

    options.flags = 0;
    pair = pair_with(client, server, &options);
    finish_handshake(&pair);
    CHECK_EQ(tls_resumed(pair.client), 1);
    check_alive(&pair);
    free_pair(&pair);
    check_refused(client, &options, TLS_ERR_STATE, "used");
    tls_session_free(session);
    check_refused(client, &options, TLS_ERR_HANDLE, "session");
    tls_context_free(client);
    tls_context_free(server);
}

/* ---- Key exchange groups ---- */

enum { X25519 = 0x001d, P384 = 0x0018, HYBRID = 0x11ec };

static const uint16_t x25519_alone[] = {X25519};

static tls_client_options_t with_groups(tls_client_options_t options, const uint16_t *groups,
                                        size_t count)
{
    options.groups = groups;
    options.groups_count = count;
    return options;
}

/* */
static void a_client_offers_groups_of_its_own(void)
{
    static const uint16_t p384_first[] = {P384, X25519};
    static const int32_t forms[] = {TLS_VERIFY_PEER, TLS_VERIFY_ASK};
    tls_context_t *server = make_server_context(&plain_server);

    for (size_t form = 0; form < 2; form++) {
        for (EACH_VERSION) {
            struct recipe recipe = with_version(plain_client, version);
            tls_client_options_t options = localhost;
            tls_context_t *client;
            struct pair pair;

            recipe.verify = forms[form];
            client = make_client_context(&recipe);
            options.flags = TLS_CLIENT_OWN_SESSIONS;
            options = with_groups(options, p384_first, 2);
            pair = pair_with(client, server, &options);
            finish_asked(&pair, recipe.verify);
            CHECK_EQ(tls_group(pair.client), P384);
            CHECK_EQ(tls_group(pair.server), P384);
            /* Its share is of the first one: nothing is asked twice. */
            CHECK_EQ(tls_handshake_kind(pair.client), TLS_HANDSHAKE_FULL);
            check_alive(&pair);
            free_pair(&pair);

            /* The context is what it was. */
            pair = pair_with(client, server, &localhost);
            finish_asked(&pair, recipe.verify);
            CHECK_EQ(tls_group(pair.client), version == TLS_VERSION_1_3 ? HYBRID : X25519);
            free_pair(&pair);
            tls_context_free(client);
        }
    }
    tls_context_free(server);
}

/* A session of the hybrid, resumed with X25519: one that the host carries, and one that the
 * context keeps. */
static void a_resumed_session_goes_with_other_groups(void)
{
    tls_context_t *server = make_server_context(&plain_server);

    for (int carried = 0; carried < 2; carried++) {
        struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
        tls_context_t *client = make_client_context(&recipe);
        tls_client_options_t options = localhost;
        tls_session_t *session = NULL;
        struct pair pair;

        options.flags = carried ? TLS_CLIENT_OWN_SESSIONS : 0;
        pair = pair_with(client, server, &options);
        finish_handshake(&pair);
        CHECK_EQ(tls_group(pair.client), HYBRID);
        if (carried)
            session = tls_session_take(pair.client, NULL);
        free_pair(&pair);

        options.session = session;
        options = with_groups(options, x25519_alone, 1);
        pair = pair_with(client, server, &options);
        finish_handshake(&pair);
        CHECK_EQ(tls_resumed(pair.client), 1);
        CHECK_EQ(tls_group(pair.client), X25519);
        CHECK_EQ(tls_group(pair.server), X25519);
        CHECK_EQ(tls_handshake_kind(pair.server), TLS_HANDSHAKE_RESUMED);
        check_alive(&pair);
        free_pair(&pair);
        tls_session_free(session);
        tls_context_free(client);
    }
    tls_context_free(server);
}

static void bad_groups_are_placed(void)
{
    static const uint16_t unknown[] = {X25519, 0x4242}, twice[] = {X25519, P384, X25519};
    tls_context_t *client = make_client_context(&plain_client);
    tls_client_options_t options;

    options = with_groups(localhost, unknown, 2);
    check_refused(client, &options, TLS_ERR_CONFIG, "group 2 of the list, 0x4242");
    options = with_groups(localhost, twice, 3);
    check_refused(client, &options, TLS_ERR_CONFIG, "group 3 of the list, 0x001d, stands twice");
    options = with_groups(localhost, NULL, 1);
    check_refused(client, &options, TLS_ERR_ARGUMENT, "groups");
    options = with_groups(localhost, (const uint16_t *)((const char *)unknown + 1), 1);
    check_refused(client, &options, TLS_ERR_ARGUMENT, "groups");
    tls_context_free(client);
}

static void groups_go_with_ech_of_the_connection(void)
{
    struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
    tls_builder_t *builder = make_builder(&recipe);
    tls_context_t *client, *server = make_server_context(&plain_server);
    tls_client_options_t options = with_groups(localhost, x25519_alone, 1);

    CHECK_EQ(tls_builder_ech_grease(builder, 1), TLS_OK);
    client = tls_context_client(builder, NULL);
    check_refused(client, &options, TLS_ERR_ARGUMENT, "ECH");
    for (uint32_t flag = TLS_CLIENT_ECH_GREASE; flag <= TLS_CLIENT_NO_ECH; flag *= 2) {
        struct pair pair;

        options.flags = flag;
        pair = pair_with(client, server, &options);
        finish_handshake(&pair);
        CHECK_EQ(tls_group(pair.client), X25519);
        CHECK_EQ(tls_ech_status(pair.client),
                 flag == TLS_CLIENT_ECH_GREASE ? TLS_ECH_GREASE : TLS_ECH_NONE);
        free_pair(&pair);
    }
    tls_context_free(client);
    tls_context_free(server);
    tls_builder_free(builder);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(a_client_offers_protocols_of_its_own);
    RUN(nothing_in_common_is_said);
    RUN(a_server_agrees_to_protocols_of_its_own);
    RUN(a_signature_elsewhere_goes_with_protocols_of_its_own);
    RUN(malformed_lists_are_placed);
    RUN(a_malformed_list_leaves_the_question_open);
    RUN(structs_of_other_headers_are_understood);
    RUN(contradictions_are_refused);
    RUN(names_are_those_of_the_options);
    RUN(sessions_go_with_both_names);
    RUN(a_client_offers_groups_of_its_own);
    RUN(a_resumed_session_goes_with_other_groups);
    RUN(bad_groups_are_placed);
    RUN(groups_go_with_ech_of_the_connection);
    return 0;
}
