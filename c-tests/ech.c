/* Encrypted Client Hello (RFC 9849). Servers of this library do not have it: what they are offered,
 * they reject by not knowing it. Acceptance is tested with Go (tests/interop/go_ech.py). */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

/* HPKE suites: the KEM, then KDF and AEAD. */
enum { X25519 = 0x0020, UNKNOWN_KEM = 0x7777, VERSION = 0xfe0d };

struct bytes {
    unsigned char data[512];
    size_t len;
};

static void put(struct bytes *to, uint32_t number, size_t width)
{
    while (width-- > 0)
        to->data[to->len++] = (unsigned char)(number >> (8 * width));
}

/* One configuration, whose public key is some point of the curve. */
static void put_config(struct bytes *to, uint16_t version, uint16_t kem, const char *public_name)
{
    size_t name_len = strlen(public_name);

    put(to, version, 2);
    put(to, (uint32_t)(1 + 2 + 2 + 32 + 2 + 4 + 1 + 1 + name_len + 2), 2);
    put(to, 7, 1);
    put(to, kem, 2);
    put(to, 32, 2);
    put(to, 9, 1);
    memset(to->data + to->len, 0, 31);
    to->len += 31;
    put(to, 4, 2);
    put(to, 0x00010001, 4); /* HKDF-SHA256, AES-128-GCM */
    put(to, 0, 1);
    put(to, (uint32_t)name_len, 1);
    memcpy(to->data + to->len, public_name, name_len);
    to->len += name_len;
    put(to, 0, 2);
}

static void set_length(struct bytes *list)
{
    list->data[0] = (unsigned char)((list->len - 2) >> 8);
    list->data[1] = (unsigned char)(list->len - 2);
}

static struct bytes list_of(uint16_t version, uint16_t kem, const char *public_name)
{
    struct bytes list = {.len = 2};

    put_config(&list, version, kem, public_name);
    set_length(&list);
    return list;
}

static tls_client_options_t options_for(const char *name, const struct bytes *list)
{
    tls_client_options_t options = {.size = sizeof(options), .server_name = name};

    options.ech = list->data;
    options.ech_len = list->len;
    return options;
}

/* A server without context, so that what it was sent can be seen. */
static struct pair pair_with(const tls_context_t *client, const tls_client_options_t *options)
{
    struct pair pair = {NULL, NULL, TLS_OK, TLS_OK};
    tls_error_t error = {.size = sizeof(error)};

    pair.client = tls_client_new_with(client, options, &error);
    CHECK_EQ(error.status, TLS_OK);
    CHECK(pair.client != NULL);
    pair.server = tls_server_new(NULL, NULL);
    pump(&pair);
    CHECK_EQ(pair.server_status, TLS_ASK_CONTEXT);
    return pair;
}

static int contains(const unsigned char *bytes, size_t len, const char *text)
{
    size_t text_len = strlen(text);

    for (size_t i = 0; i + text_len <= len; i++)
        if (memcmp(bytes + i, text, text_len) == 0)
            return 1;
    return 0;
}

/* Whether the ClientHello that waits has the extension encrypted_client_hello. */
static int offers_ech(tls_conn_t *server)
{
    static unsigned char hello[8192];
    ptrdiff_t len = tls_hello_raw(server, hello, sizeof(hello));
    size_t at = 4 + 2 + 32;

    CHECK(len > 60 && len < (ptrdiff_t)sizeof(hello));
    at += 1 + hello[at];                                /* session id */
    at += 2 + ((size_t)hello[at] << 8) + hello[at + 1]; /* cipher suites */
    at += 1 + (size_t)hello[at];                        /* compression methods */
    at += 2;                                            /* length of the extensions */
    while (at + 4 <= (size_t)len) {
        if (hello[at] == 0xfe && hello[at + 1] == 0x0d)
            return 1;
        at += 4 + ((size_t)hello[at + 2] << 8) + hello[at + 3];
    }
    CHECK_EQ(at, len);
    return 0;
}

static void check_name(ptrdiff_t (*get)(tls_conn_t *, char *, size_t), tls_conn_t *conn,
                       const char *name)
{
    char text[256] = "";

    CHECK_EQ(get(conn, text, sizeof(text)), strlen(name));
    CHECK_EQ(strcmp(text, name), 0);
}

static void check_rejected(struct pair *pair)
{
    tls_error_t error = error_of(pair->client);
    char byte;

    CHECK_EQ(error.status, TLS_ERR_NO_COMMON);
    CHECK_EQ(error.reason, TLS_REASON_ECH_REJECTED);
    CHECK_EQ(error.alert_sent, 121);
    CHECK(strstr(error.message, "no other configurations") != NULL);
    CHECK_EQ(tls_ech_status(pair->client), TLS_ECH_REJECTED);
    CHECK_EQ(tls_ech_retry_configs(pair->client, NULL, 0), 0);
    CHECK_EQ(tls_read_into(pair->client, &byte, 1), TLS_ERR_NO_COMMON);
    CHECK_EQ(tls_write_from(pair->client, "x", 1), TLS_ERR_NO_COMMON);
    CHECK_EQ(error_of(pair->server).alert_received, 121);
    CHECK_EQ(tls_ech_status(pair->server), TLS_ECH_NONE);
}

/* both forms of the engine, without and with a HelloRetryRequest. */
static void a_server_without_ech_rejects_it(void)
{
    const struct bytes list = list_of(VERSION, X25519, "server.test");
    const tls_client_options_t options = options_for("hidden.test", &list);

    for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
        for (int retried = 0; retried < 2; retried++) {
            struct recipe client = plain_client;
            tls_builder_t *builder = make_builder(&plain_server);
            const uint16_t group = 0x0017;
            tls_context_t *contexts[2];
            unsigned char hello[8192];
            ptrdiff_t len;
            struct pair pair;

            client.verify = verify;
            contexts[0] = make_client_context(&client);
            if (retried)
                CHECK_EQ(tls_builder_groups(builder, &group, 1), TLS_OK);
            contexts[1] = tls_context_server(builder, NULL);
            pair = pair_with(contexts[0], &options);
            CHECK_EQ(tls_ech_status(pair.client), TLS_ECH_OFFERED);
            check_name(tls_sni, pair.client, "hidden.test");
            check_name(tls_sni, pair.server, "server.test");
            check_name(tls_verify_name, pair.client, "");
            CHECK(offers_ech(pair.server));
            len = tls_hello_raw(pair.server, hello, sizeof(hello));
            CHECK(contains(hello, (size_t)len, "server.test"));
            CHECK(!contains(hello, (size_t)len, "hidden"));
            /* Nothing but TLS 1.3. */
            CHECK_EQ(tls_hello_versions(pair.server, hello, sizeof(hello)), 2);
            CHECK_BYTES(hello, "\x03\x04", 2);

            CHECK_EQ(tls_answer_context(pair.server, contexts[1]), TLS_OK);
            pump(&pair);
            if (verify == TLS_VERIFY_ASK) {
                CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
                CHECK_EQ(tls_ech_status(pair.client), TLS_ECH_REJECTED);
                check_name(tls_verify_name, pair.client, "server.test");
                CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
                pump(&pair);
            }
            check_rejected(&pair);
            check_name(tls_verify_name, pair.client, "");
            check_name(tls_sni, pair.client, "hidden.test");
            free_pair(&pair);
            tls_context_free(contexts[0]);
            tls_context_free(contexts[1]);
            tls_builder_free(builder);
        }
    }
}

/* Whoever has no certificate for the public name cannot reject, be it one for the hidden name.
 * [R-81] */
static void who_rejects_proves_the_public_name(void)
{
    const struct bytes list = list_of(VERSION, X25519, "public.test");
    const tls_client_options_t hidden = options_for("server.test", &list);
    tls_client_options_t named = hidden;
    tls_context_t *server = make_server_context(&plain_server);

    named.sni = "front.test";
    for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
        for (int i = 0; i < 3; i++) {
            struct recipe client = plain_client;
            tls_client_options_t options = i == 0 ? hidden : named;
            tls_context_t *context;
            struct pair pair;

            if (i == 2) {
                options.sni = NULL;
                options.flags = TLS_CLIENT_NO_SNI;
            }
            client.verify = verify;
            context = make_client_context(&client);
            pair = pair_with(context, &options);
            check_name(tls_sni, pair.server, "public.test");
            CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
            pump(&pair);
            if (verify == TLS_VERIFY_ASK) {
                check_name(tls_verify_name, pair.client, "public.test");
                CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
                pump(&pair);
            }
            CHECK_EQ(error_of(pair.client).status, TLS_ERR_CERTIFICATE);
            CHECK_EQ(error_of(pair.client).reason, TLS_REASON_CERTIFICATE_WRONG_NAME);
            free_pair(&pair);
            tls_context_free(context);
        }
    }
    tls_context_free(server);
}

/* The name to send has no part in the certificate, and what is verified is the public name. */
static void the_public_name_is_verified_in_place_of_both_others(void)
{
    const struct bytes list = list_of(VERSION, X25519, "server.test");
    tls_client_options_t options = options_for("hidden.test", &list);
    tls_context_t *server = make_server_context(&plain_server);
    tls_context_t *client = make_client_context(&plain_client);

    for (int i = 0; i < 2; i++) {
        struct pair pair;

        options.sni = i == 0 ? "front.test" : NULL;
        options.flags = i == 0 ? 0 : TLS_CLIENT_NO_SNI;
        pair = pair_with(client, &options);
        CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
        pump(&pair);
        check_rejected(&pair);
        free_pair(&pair);
    }
    tls_context_free(client);
    tls_context_free(server);
}

static void the_name_to_verify_is_the_own_one_without_ech(void)
{
    static const struct {
        tls_client_options_t options;
        const char *name;
    } cases[] = {
        {{.server_name = "localhost"}, "localhost"},
        {{.server_name = "127.0.0.1"}, "127.0.0.1"},
        {{.server_name = "::1", .sni = "front.test"}, "::1"},
        {{.server_name = "localhost", .flags = TLS_CLIENT_NO_SNI}, "localhost"},
    };
    struct recipe client = plain_client;
    tls_context_t *server = make_server_context(&plain_server);
    tls_context_t *context;

    client.verify = TLS_VERIFY_ASK;
    context = make_client_context(&client);
    for (EACH_VERSION) {
        struct recipe recipe = with_version(client, version);
        tls_context_t *of_version = make_client_context(&recipe);

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            tls_client_options_t options = cases[i].options;
            struct pair pair;

            options.size = sizeof(options);
            pair = pair_with(of_version, &options);
            CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
            pump(&pair);
            CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
            check_name(tls_verify_name, pair.client, cases[i].name);
            check_name(tls_verify_name, pair.server, "");
            CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
            finish_handshake(&pair);
            CHECK_EQ(tls_ech_status(pair.client), TLS_ECH_NONE);
            check_name(tls_verify_name, pair.client, "");
            free_pair(&pair);
        }
        tls_context_free(of_version);
    }
    tls_context_free(context);
    tls_context_free(server);
}

/* Who only has the public name is not told who the client is. */
static void no_client_certificate_is_shown_to_who_rejects(void)
{
    const struct bytes list = list_of(VERSION, X25519, "server.test");
    const tls_client_options_t options = options_for("hidden.test", &list);
    struct recipe client = plain_client, server = plain_server;
    tls_context_t *contexts[2];
    struct pair pair;

    client.chain = "ecdsa/client-chain.pem";
    client.key = "ecdsa/client.key";
    server.trust = "trust/all.pem";
    server.client_auth = TLS_CLIENT_AUTH_REQUIRED;
    contexts[0] = make_client_context(&client);
    contexts[1] = make_server_context(&server);
    pair = pair_with(contexts[0], &options);
    CHECK_EQ(tls_answer_context(pair.server, contexts[1]), TLS_OK);
    pump(&pair);
    CHECK_EQ(error_of(pair.client).reason, TLS_REASON_ECH_REJECTED);
    CHECK_EQ(error_of(pair.server).reason, TLS_REASON_CERTIFICATE_MISSING);
    free_pair(&pair);
    tls_context_free(contexts[0]);
    tls_context_free(contexts[1]);
}

/* Through the builder and through the options alike. */
static void check_list(const struct bytes *list, int32_t reason, const char *text)
{
    tls_context_t *context = make_client_context(&plain_client);
    const tls_client_options_t options = options_for("localhost", list);
    tls_builder_t *builder = make_builder(&plain_client);
    tls_error_t error = {.size = sizeof(error)};

    CHECK(tls_client_new_with(context, &options, &error) == NULL);
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, reason);
    if (strstr(error.message, text) == NULL)
        CHECK_BYTES(error.message, text, strlen(text) + 1);

    if (reason == TLS_REASON_ECH_MALFORMED) {
        CHECK_EQ(tls_builder_ech(builder, list->data, list->len), TLS_ERR_CONFIG);
        CHECK_EQ(tls_builder_error(builder, &error), TLS_OK);
        CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    } else {
        CHECK_EQ(tls_builder_ech(builder, list->data, list->len), TLS_OK);
        CHECK(tls_context_client(builder, &error) == NULL);
    }
    CHECK_EQ(error.status, TLS_ERR_CONFIG);
    CHECK_EQ(error.reason, reason);
    CHECK(strstr(error.message, text) != NULL);
    tls_builder_free(builder);
    tls_context_free(context);
}

static void unusable_lists_are_explained(void)
{
    struct bytes list = list_of(VERSION, X25519, "a.test"), second = {.len = 2};

    for (size_t cut = 1; cut < list.len; cut++) {
        struct bytes part = list;

        part.len = cut;
        check_list(&part, TLS_REASON_ECH_MALFORMED, "ECHConfigList, offset 0: ");
    }
    list.data[list.len++] = 0;
    check_list(&list, TLS_REASON_ECH_MALFORMED,
               "offset 0: its length says 57 bytes, and 58 follow");
    list = (struct bytes){.len = 2};
    check_list(&list, TLS_REASON_ECH_MALFORMED, "empty");

    list = list_of(VERSION, X25519, "a b");
    check_list(&list, TLS_REASON_ECH_MALFORMED, "configuration 1, offset 50: its public name");
    put_config(&second, 0xfe0a, X25519, "a.test");
    put_config(&second, VERSION, X25519, "-");
    set_length(&second);
    check_list(&second, TLS_REASON_ECH_MALFORMED, "configuration 2, offset 107: its public name");

    list = list_of(0xfe0a, X25519, "a.test");
    check_list(&list, TLS_REASON_ECH_UNUSABLE, "0xfe0d");
    list = list_of(VERSION, UNKNOWN_KEM, "a.test");
    check_list(&list, TLS_REASON_ECH_UNUSABLE, "HPKE");
}

static void the_first_usable_configuration_is_used(void)
{
    struct bytes list = {.len = 2};
    tls_context_t *context = make_client_context(&plain_client);
    tls_client_options_t options;
    struct pair pair;

    put_config(&list, 0xfe0a, X25519, "older.test");
    put_config(&list, VERSION, UNKNOWN_KEM, "other.test");
    put_config(&list, VERSION, X25519, "first.test");
    put_config(&list, VERSION, X25519, "second.test");
    set_length(&list);
    options = options_for("hidden.test", &list);
    pair = pair_with(context, &options);
    check_name(tls_sni, pair.server, "first.test");
    free_pair(&pair);
    tls_context_free(context);
}

static tls_builder_t *builder_of(uint16_t min, uint16_t max)
{
    struct recipe recipe = plain_client;

    recipe.min_version = min;
    recipe.max_version = max;
    return make_builder(&recipe);
}

static void versions_are_told(void)
{
    const struct bytes list = list_of(VERSION, X25519, "a.test");
    tls_client_options_t options = options_for("localhost", &list);
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builders[2] = {builder_of(TLS_VERSION_1_2, TLS_VERSION_1_2),
                                  builder_of(TLS_VERSION_1_2, TLS_VERSION_1_3)};

    for (int i = 0; i < 2; i++) {
        tls_context_t *context = tls_context_client(builders[i], NULL);
        tls_conn_t *conn = tls_client_new_with(context, &options, &error);

        CHECK_EQ(conn != NULL, i == 1);
        CHECK_EQ(error.reason, i == 1 ? 0 : TLS_REASON_VERSION_UNSUPPORTED);
        tls_free(conn);
        /* GREASE leaves no room for TLS 1.2. */
        options.ech_len = 0;
        options.flags = TLS_CLIENT_ECH_GREASE;
        CHECK(tls_client_new_with(context, &options, &error) == NULL);
        CHECK_EQ(error.status, TLS_ERR_CONFIG);
        CHECK_EQ(error.reason, TLS_REASON_VERSION_UNSUPPORTED);
        options = options_for("localhost", &list);
        tls_context_free(context);

        CHECK_EQ(tls_builder_ech_grease(builders[i], 1), TLS_OK);
        CHECK(tls_context_client(builders[i], &error) == NULL);
        CHECK_EQ(error.reason, TLS_REASON_VERSION_UNSUPPORTED);
        CHECK_EQ(tls_builder_ech_grease(builders[i], 2), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_builder_clear_error(builders[i]), TLS_OK);
        CHECK_EQ(tls_builder_ech_grease(builders[i], 0), TLS_OK);
        context = tls_context_client(builders[i], &error);
        CHECK(context != NULL);
        tls_context_free(context);
        tls_builder_free(builders[i]);
    }
}

/* The list of a context, and the connections that want something else. */
static void a_context_can_offer_it_for_all(void)
{
    const struct bytes list = list_of(VERSION, X25519, "server.test");
    tls_builder_t *builder = make_builder(&plain_client);
    tls_client_options_t without = {
        .size = sizeof(without), .server_name = "localhost", .flags = TLS_CLIENT_NO_ECH};
    tls_context_t *context, *server = make_server_context(&plain_server);
    struct pair pair;

    CHECK_EQ(tls_builder_ech(builder, list.data, list.len), TLS_OK);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    pair = new_pair_of(context, server, "hidden.test");
    pump(&pair);
    check_rejected(&pair);
    free_pair(&pair);

    pair = pair_with(context, &without);
    CHECK(!offers_ech(pair.server));
    CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
    finish_handshake(&pair);
    CHECK_EQ(tls_ech_status(pair.client), TLS_ECH_NONE);
    free_pair(&pair);
    tls_context_free(context);

    CHECK_EQ(tls_builder_ech(builder, NULL, 0), TLS_OK);
    context = tls_context_client(builder, NULL);
    pair = new_pair_of(context, server, NULL);
    finish_handshake(&pair);
    CHECK_EQ(tls_ech_status(pair.client), TLS_ECH_NONE);
    free_pair(&pair);
    tls_context_free(context);
    tls_context_free(server);
    tls_builder_free(builder);
}

/* The extension of this number in the ClientHello that waits; its length, or -1 without it. */
static ptrdiff_t extension_of(const unsigned char *hello, size_t len, uint16_t number)
{
    size_t at = 4 + 2 + 32;

    at += 1 + hello[at];
    at += 2 + ((size_t)hello[at] << 8) + hello[at + 1];
    at += 1 + (size_t)hello[at];
    for (at += 2; at + 4 <= len;) {
        size_t extension = ((size_t)hello[at + 2] << 8) + hello[at + 3];

        if (hello[at] == number >> 8 && hello[at + 1] == (number & 0xFF))
            return (ptrdiff_t)extension;
        at += 4 + extension;
    }
    return -1;
}

enum { PRE_SHARED_KEY = 41, EARLY_DATA = 42 };

struct hello {
    unsigned char raw[8192];
    size_t len;
};

/* What a client sends first; the connection is given up. */
static struct hello hello_of(const tls_context_t *client, const tls_client_options_t *options)
{
    struct pair pair = pair_with(client, options);
    struct hello hello = {.len = (size_t)tls_hello_raw(pair.server, hello.raw, sizeof(hello.raw))};

    CHECK(hello.len > 100 && hello.len < sizeof(hello.raw));
    free_pair(&pair);
    return hello;
}

static int has_session_id(const struct hello *hello, const unsigned char *id, size_t len)
{
    const unsigned char *sent = hello->raw + 4 + 2 + 32;

    return sent[0] == len && memcmp(sent + 1, id, len) == 0;
}

/* A whole connection; whether it resumed. */
static int connects(const tls_context_t *client, const tls_client_options_t *options,
                    const tls_context_t *server)
{
    struct pair pair = pair_with(client, options);
    int resumed;

    CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
    finish_handshake(&pair);
    check_alive(&pair);
    resumed = tls_resumed(pair.client);
    free_pair(&pair);
    return resumed;
}

static tls_context_t *server_of(uint16_t version, int with_ids)
{
    struct recipe recipe = with_version(plain_server, version);
    tls_builder_t *builder = make_builder(&recipe);
    tls_context_t *context;

    /* One that takes early data has no tickets: its TLS 1.2 sessions have ids. */
    if (with_ids)
        CHECK_EQ(tls_builder_early_data(builder, 1024), TLS_OK);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

/* what was seen in the clear does not stand beside what is hidden. */
static void sessions_with_and_without_it_do_not_meet(void)
{
    const struct bytes list = list_of(VERSION, X25519, "public.test");
    const tls_client_options_t hidden = options_for("server.test", &list);
    const tls_client_options_t open = {.size = sizeof(open), .server_name = "server.test"};

    for (EACH_VERSION) {
        for (int with_ids = 0; with_ids < 2; with_ids++) {
            tls_builder_t *builder = builder_of(TLS_VERSION_1_2, TLS_VERSION_1_3);
            tls_context_t *client, *server = server_of(version, with_ids);
            struct hello hello;

            CHECK_EQ(tls_builder_early_data(builder, 1024), TLS_OK);
            client = tls_context_client(builder, NULL);
            tls_builder_free(builder);
            CHECK_EQ(connects(client, &open, server), 0);
            CHECK_EQ(connects(client, &open, server), 1);
            if (version == TLS_VERSION_1_2 && with_ids) {
                /* The id is the same in every hello that offers this session, and in none with ECH.
                 */
                struct hello clear = hello_of(client, &open);
                const unsigned char *id = clear.raw + 4 + 2 + 32;

                CHECK_EQ(id[0], 32);
                hello = hello_of(client, &open);
                CHECK(has_session_id(&hello, id + 1, 32));
                hello = hello_of(client, &hidden);
                CHECK(!has_session_id(&hello, id + 1, 32));
            }
            for (int again = 0; again < 2; again++) {
                hello = hello_of(client, &hidden);
                CHECK(!contains(hello.raw, hello.len, "server"));
                CHECK_EQ(extension_of(hello.raw, hello.len, PRE_SHARED_KEY), -1);
                CHECK_EQ(extension_of(hello.raw, hello.len, EARLY_DATA), -1);
            }
            /* And what was there without it is still there. */
            CHECK_EQ(connects(client, &open, server), 1);
            tls_context_free(client);
            tls_context_free(server);
        }
    }
}

/* The same with one list for the whole context, and connections that do without. */
static void connections_without_it_keep_their_sessions_in_a_context_that_offers_it(void)
{
    const struct bytes list = list_of(VERSION, X25519, "public.test");
    const tls_client_options_t of_context = {.size = sizeof(of_context),
                                             .server_name = "server.test"};
    tls_client_options_t without = of_context;
    tls_builder_t *builder = builder_of(TLS_VERSION_1_3, TLS_VERSION_1_3);
    tls_context_t *client, *server = server_of(TLS_VERSION_1_3, 0);

    CHECK_EQ(tls_builder_ech(builder, list.data, list.len), TLS_OK);
    client = tls_context_client(builder, NULL);
    for (int grease = 0; grease < 2; grease++) {
        struct hello hello;

        without.flags = grease ? TLS_CLIENT_ECH_GREASE : TLS_CLIENT_NO_ECH;
        /* GREASE hides nothing: with and without it are one kind. */
        CHECK_EQ(connects(client, &without, server), grease);
        CHECK_EQ(connects(client, &without, server), 1);
        hello = hello_of(client, &of_context);
        CHECK_EQ(extension_of(hello.raw, hello.len, PRE_SHARED_KEY), -1);
        CHECK_EQ(connects(client, &without, server), 1);
    }
    tls_builder_free(builder);
    tls_context_free(client);
    tls_context_free(server);
}

/* Sessions that the host carries. */
static void a_session_of_the_other_kind_is_refused(void)
{
    const struct bytes list = list_of(VERSION, X25519, "public.test");
    tls_context_t *client = make_client_context(&plain_client);

    for (EACH_VERSION) {
        tls_context_t *server = server_of(version, 0);
        tls_client_options_t open = {
            .size = sizeof(open), .server_name = "server.test", .flags = TLS_CLIENT_OWN_SESSIONS};
        tls_client_options_t hidden = options_for("server.test", &list);
        struct pair pair = pair_with(client, &open);
        tls_error_t error = {.size = sizeof(error)};
        tls_session_t *session;

        CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
        finish_handshake(&pair);
        check_alive(&pair);
        session = tls_session_take(pair.client, NULL);
        CHECK(session != NULL);
        free_pair(&pair);
        hidden.session = session;
        CHECK(tls_client_new_with(client, &hidden, &error) == NULL);
        CHECK_EQ(error.status, TLS_ERR_ARGUMENT);
        CHECK(strstr(error.message, "ECH") != NULL);
        /* It was not used up by that. */
        open.session = session;
        CHECK_EQ(connects(client, &open, server), 1);
        tls_session_free(session);
        tls_context_free(server);
    }
    tls_context_free(client);
}

/* A server ignores it, resumes with it, and may send a HelloRetryRequest. */
static void grease_changes_nothing_else(void)
{
    for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
        for (int by_context = 0; by_context < 2; by_context++) {
            struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
            tls_builder_t *server_builder = make_builder(&plain_server), *builder;
            const uint16_t group = 0x0017;
            tls_client_options_t options = {.size = sizeof(options),
                                            .server_name = "localhost",
                                            .flags = by_context ? 0 : TLS_CLIENT_ECH_GREASE};
            tls_context_t *client, *server;

            recipe.verify = verify;
            builder = make_builder(&recipe);
            CHECK_EQ(tls_builder_ech_grease(builder, by_context), TLS_OK);
            client = tls_context_client(builder, NULL);
            CHECK_EQ(tls_builder_groups(server_builder, &group, 1), TLS_OK);
            CHECK_EQ(tls_builder_ech_grease(server_builder, 1), TLS_OK);
            server = tls_context_server(server_builder, NULL);
            CHECK(client != NULL && server != NULL);
            for (int resumed = 0; resumed < 2; resumed++) {
                struct pair pair = pair_with(client, &options);

                CHECK(offers_ech(pair.server));
                check_name(tls_sni, pair.server, "localhost");
                CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
                pump(&pair);
                if (verify == TLS_VERIFY_ASK && !resumed) {
                    CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
                    check_name(tls_verify_name, pair.client, "localhost");
                    CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
                }
                finish_handshake(&pair);
                CHECK_EQ(tls_handshake_kind(pair.client),
                         resumed ? TLS_HANDSHAKE_RESUMED : TLS_HANDSHAKE_FULL_RETRIED);
                CHECK_EQ(tls_ech_status(pair.client), TLS_ECH_GREASE);
                CHECK_EQ(tls_ech_status(pair.server), TLS_ECH_NONE);
                CHECK_EQ(tls_ech_retry_configs(pair.client, NULL, 0), 0);
                check_alive(&pair);
                free_pair(&pair);
            }
            options.flags = TLS_CLIENT_NO_ECH;
            {
                struct pair pair = pair_with(client, &options);

                CHECK(!offers_ech(pair.server));
                free_pair(&pair);
            }
            tls_context_free(client);
            tls_context_free(server);
            tls_builder_free(builder);
            tls_builder_free(server_builder);
        }
    }
}

/* What time it is, is its context's word also for a configuration that was made for ECH. */
static void the_contexts_time_counts_with_ech_too(void)
{
    for (int by_context = 0; by_context < 2; by_context++) {
        struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
        tls_builder_t *builder = make_builder(&recipe);
        tls_client_options_t options = {.size = sizeof(options),
                                        .server_name = "localhost",
                                        .flags = by_context ? 0 : TLS_CLIENT_ECH_GREASE};
        tls_context_t *client, *server = make_server_context(&plain_server);
        struct pair pair;

        CHECK_EQ(tls_builder_ech_grease(builder, by_context), TLS_OK);
        client = tls_context_client(builder, NULL);
        CHECK_EQ(tls_context_time(client, 1), TLS_OK);
        pair = pair_with(client, &options);
        CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
        pump(&pair);
        CHECK_EQ(error_of(pair.client).reason, TLS_REASON_CERTIFICATE_NOT_YET_VALID);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
        tls_builder_free(builder);
    }
}

/* A connection that offers ECH can show a certificate whose key is elsewhere, and be told of a
 * rejection. */
static void a_signature_elsewhere_goes_with_grease(void)
{
    struct recipe server = plain_server, recipe = with_version(plain_client, TLS_VERSION_1_3);
    tls_builder_t *builder = make_builder(&recipe);
    const struct bytes list = list_of(VERSION, X25519, "server.test");
    tls_client_options_t options = {
        .size = sizeof(options), .server_name = "localhost", .flags = TLS_CLIENT_ECH_GREASE};
    size_t len;
    char *chain = pki_read("ecdsa/client-chain.pem", &len);
    tls_context_t *contexts[2];
    struct pair pair;

    CHECK_EQ(tls_builder_identity_external(builder, chain, len), TLS_OK);
    contexts[0] = tls_context_client(builder, NULL);
    server.trust = "trust/all.pem";
    server.client_auth = TLS_CLIENT_AUTH_OPTIONAL;
    contexts[1] = make_server_context(&server);

    pair = pair_with(contexts[0], &options);
    CHECK_EQ(tls_answer_context(pair.server, contexts[1]), TLS_OK);
    pump(&pair);
    CHECK_EQ(pair.client_status, TLS_ASK_SIGN);
    CHECK_EQ(tls_ech_status(pair.client), TLS_ECH_GREASE);
    free_pair(&pair);

    options = options_for("hidden.test", &list);
    pair = pair_with(contexts[0], &options);
    CHECK_EQ(tls_ech_status(pair.client), TLS_ECH_OFFERED);
    CHECK_EQ(tls_answer_context(pair.server, contexts[1]), TLS_OK);
    pump(&pair);
    check_rejected(&pair);
    free_pair(&pair);
    tls_context_free(contexts[0]);
    tls_context_free(contexts[1]);
    tls_builder_free(builder);
    free(chain);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(a_server_without_ech_rejects_it);
    RUN(who_rejects_proves_the_public_name);
    RUN(the_public_name_is_verified_in_place_of_both_others);
    RUN(the_name_to_verify_is_the_own_one_without_ech);
    RUN(no_client_certificate_is_shown_to_who_rejects);
    RUN(unusable_lists_are_explained);
    RUN(the_first_usable_configuration_is_used);
    RUN(versions_are_told);
    RUN(a_context_can_offer_it_for_all);
    RUN(sessions_with_and_without_it_do_not_meet);
    RUN(connections_without_it_keep_their_sessions_in_a_context_that_offers_it);
    RUN(a_session_of_the_other_kind_is_refused);
    RUN(grease_changes_nothing_else);
    RUN(the_contexts_time_counts_with_ech_too);
    RUN(a_signature_elsewhere_goes_with_grease);
    return 0;
}
