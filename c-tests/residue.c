/* What is left in the process's memory when connections and contexts have ended: no secret of
 * theirs. The secrets are known from the key log, the plain bytes and the keys because they
 * are given. This program keeps them masked, so that it does not find its own copies. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "pair.h"
#include "pki.h"
#include "signer.h"

/* As many bytes in a row are no accident. */
#define RUN_BYTES 16
#define MOST_PATTERNS 4096
#define MASK 0xA5A55A5AC33C3CC3u

struct pattern {
    uint64_t masked[RUN_BYTES / 8];
    const char *what;
};

static struct pattern patterns[MOST_PATTERNS];
static size_t pattern_count;
/* Which last two bytes of a run's first eight some pattern has. */
static unsigned char begins[65536];

/* Nothing that a compiler could leave out. */
static void wipe(void *bytes, size_t len)
{
    volatile unsigned char *place = bytes;

    while (len-- > 0)
        *place++ = 0;
}

static uint64_t masked_word(const void *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return word ^ MASK;
}

/* Every run of a secret: at some place a whole one is left if more than a few bytes are. */
static void remember(const char *what, const void *secret, size_t len)
{
    const unsigned char *bytes = secret;

    for (size_t at = 0; at + RUN_BYTES <= len; at += RUN_BYTES / 2) {
        struct pattern *pattern = &patterns[pattern_count++];

        CHECK(pattern_count < MOST_PATTERNS);
        pattern->masked[0] = masked_word(bytes + at);
        pattern->masked[1] = masked_word(bytes + at + 8);
        pattern->what = what;
        begins[pattern->masked[0] & 0xFFFF] = 1;
    }
}

static void forget_all(void)
{
    pattern_count = 0;
    memset(begins, 0, sizeof(begins));
}

static size_t hits_at(const unsigned char *place, const char *region, int report)
{
    size_t hits = 0;
    uint64_t first = masked_word(place), second;

    if (!begins[first & 0xFFFF])
        return 0;
    second = masked_word(place + 8);
    for (size_t i = 0; i < pattern_count; i++) {
        if (patterns[i].masked[0] != first || patterns[i].masked[1] != second)
            continue;
        hits++;
        if (report)
            printf("  %s at %p in %s", patterns[i].what, (const void *)place, region);
    }
    return hits;
}

/* In all memory that can be written to, the stack of this thread apart: what is on it is
 * overwritten by the calls that follow. */
static size_t count_hits(int report)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    size_t hits = 0;

    CHECK(maps != NULL);
    while (fgets(line, sizeof(line), maps) != NULL) {
        uintptr_t from, to;
        char rights[8];

        CHECK_EQ(sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &from, &to, rights), 3);
        if (strncmp(rights, "rw", 2) != 0 || strstr(line, "[stack]") != NULL)
            continue;
        for (uintptr_t at = from; at + RUN_BYTES <= to; at++)
            hits += hits_at((const unsigned char *)at, line, report);
    }
    fclose(maps);
    return hits;
}

static void expect_nothing(const char *when)
{
    size_t hits = count_hits(0);

    if (hits == 0)
        return;
    printf("%zu hits %s:\n", hits, when);
    count_hits(1);
    CHECK_EQ(hits, 0);
}

/* The scan itself: a secret that is left is found, wherever it lies in a block. */
static void what_is_left_is_found(void)
{
    /* Known outside: stores to it cannot be left out. */
    static unsigned char *volatile known;
    unsigned char secret[48], *block;

    known = malloc(100000);
    block = known;
    CHECK(block != NULL);
    fill_bytes(secret, sizeof(secret), 77);
    remember("planted", secret, sizeof(secret));
    CHECK_EQ(count_hits(0), 0);
    memcpy(block + 777, secret, sizeof(secret));
    CHECK_EQ(count_hits(0), 5);
    wipe(block + 777, 20);
    CHECK_EQ(count_hits(0), 2);
    wipe(block, 100000);
    CHECK_EQ(count_hits(0), 0);
    free(block);
    forget_all();
}

static unsigned int digit(char c)
{
    return c <= '9' ? (unsigned int)(c - '0') : (unsigned int)(c - 'a' + 10);
}

/* What a host has stored for its servers, masked. */
static struct {
    unsigned char masked[4096];
    size_t len;
} stored;

enum { MASK_OF_BYTE = 0x5A };

static void keep_stored(tls_conn_t *conn)
{
    /* The form (a text and its end), the rules, the end, and of the session: version, time, name,
     * suite, and that there is no certificate. The secret is next. */
    enum { RULES = 32, END = 8, IN_FRONT = 2 + 8 + 2 + (int)sizeof("localhost") - 1 + 2 + 1 };
    unsigned char data[sizeof(stored.masked)];
    ptrdiff_t len = tls_stored_data(conn, data, sizeof(data));
    size_t at;

    CHECK(len > 0 && (size_t)len <= sizeof(data));
    at = strlen((const char *)data) + 1 + RULES + END + IN_FRONT;
    CHECK(at + 33 <= (size_t)len);
    remember("a stored session", data + at, 33);
    for (ptrdiff_t i = 0; i < len; i++)
        stored.masked[i] = data[i] ^ MASK_OF_BYTE;
    stored.len = (size_t)len;
    wipe(data, sizeof(data));
}

/* The secrets of all events that wait. */
static size_t remember_logged(tls_conn_t *conn)
{
    size_t lines = 0;
    tls_event_t event = {.size = sizeof(event)};

    while (tls_next_event(conn, &event) == 1) {
        unsigned char secret[64];
        const char *hex = strrchr(event.text, ' ');
        size_t len = 0;

        if (event.kind == TLS_EVENT_SESSION)
            keep_stored(conn);
        if (event.kind != TLS_EVENT_KEY_LOG)
            continue;
        CHECK(hex != NULL);
        for (hex++; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
            secret[len++] = (unsigned char)(digit(hex[0]) << 4 | digit(hex[1]));
        CHECK(len >= 32);
        remember("a secret of the key log", secret, len);
        /* As text it is no less one. */
        remember("a line of the key log", hex - 2 * len, 2 * len);
        wipe(secret, sizeof(secret));
        wipe(&event, sizeof(event));
        event.size = sizeof(event);
        lines++;
    }
    return lines;
}

struct setting {
    uint16_t version;
    int32_t verify;
    int external, resumes;
    /* Records are padded and key updates are told, which other ciphers do; both have certificates.
     */
    int adorned;
    /* Sessions go through the host's hands. */
    int carried;
    /* The secrets of the traffic can be taken out. */
    int gives;
};

/* A file that is a secret: a stream would keep it in its buffer. */
static char *read_secret(const char *name, size_t *len)
{
    int file = open(pki_path(name), O_RDONLY);
    char *text = calloc(1, 8192);
    ptrdiff_t n;

    CHECK(file >= 0);
    CHECK(text != NULL);
    n = read(file, text, 8191);
    CHECK(n > 0);
    close(file);
    *len = (size_t)n;
    return text;
}

/* PEM text of a key and what is in it. */
static void remember_key(const char *name)
{
    size_t len, at = 0;
    char *pem = read_secret(name, &len);
    unsigned char der[256];
    size_t der_len = 0;
    uint32_t bits = 0;
    int count = 0;

    for (at = strcspn(pem, "\n"); pem[at] != '-' && pem[at] != '='; at++) {
        const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *place = pem[at] == '\n' ? NULL : strchr(alphabet, pem[at]);

        if (place == NULL)
            continue;
        bits = bits << 6 | (uint32_t)(place - alphabet);
        if (++count % 4 == 0 && der_len + 3 <= sizeof(der)) {
            der[der_len++] = (unsigned char)(bits >> 16);
            der[der_len++] = (unsigned char)(bits >> 8);
            der[der_len++] = (unsigned char)bits;
        }
    }
    /* What precedes the private number is the same in all keys, what follows it is the public key.
     */
    CHECK(der_len > 68);
    remember("a private key", der + 36, 32);
    remember("a private key as text", pem + strcspn(pem, "\n") + 1 + 48, 40);
    wipe(der, sizeof(der));
    wipe(pem, len);
    free(pem);
}

static tls_builder_t *recording_builder(const struct recipe *recipe, const struct setting *setting)
{
    struct recipe versioned = with_version(*recipe, setting->version);
    tls_builder_t *builder = make_builder(&versioned);

    CHECK_EQ(tls_builder_key_log(builder, 1), TLS_OK);
    CHECK_EQ(tls_builder_sessions(builder, setting->resumes ? 100 : 0), TLS_OK);
    CHECK_EQ(tls_builder_secret_extraction(builder, setting->gives), TLS_OK);
    if (setting->adorned) {
        CHECK_EQ(tls_builder_events(builder, TLS_EVENT_KEY_UPDATE | TLS_EVENT_TICKET), TLS_OK);
        CHECK_EQ(tls_builder_padding(builder, 256), TLS_OK);
    }
    return builder;
}

static tls_context_t *client_context(const struct setting *setting)
{
    struct recipe recipe = plain_client;
    tls_builder_t *builder;
    tls_context_t *context;

    recipe.verify = setting->verify;
    if (setting->adorned) {
        recipe.chain = "ecdsa/client-chain.pem";
        recipe.key = "ecdsa/client.key";
        remember_key(recipe.key);
    }
    builder = recording_builder(&recipe, setting);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static tls_context_t *server_context(const struct setting *setting)
{
    tls_ticket_key_t key = {.size = sizeof(key), .secret_len = 48, .decrypt_until = UINT64_MAX};
    struct recipe recipe = plain_server;
    tls_builder_t *builder;
    tls_context_t *context;

    if (setting->external)
        recipe.chain = recipe.key = NULL;
    if (setting->adorned) {
        recipe.trust = "trust/all.pem";
        recipe.client_auth = TLS_CLIENT_AUTH_REQUIRED;
    }
    builder = recording_builder(&recipe, setting);
    if (setting->external) {
        size_t len;
        char *chain = pki_read("ecdsa/server-chain.pem", &len);

        CHECK_EQ(tls_builder_identity_external(builder, chain, len), TLS_OK);
        free(chain);
    }
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    fill_bytes(key.secret, key.secret_len, 4711);
    remember("a ticket key", key.secret, key.secret_len);
    CHECK_EQ(tls_context_ticket_keys(context, &key, 1, NULL), TLS_OK);
    wipe(&key, sizeof(key));
    return context;
}

static void shake(struct pair *pair)
{
    for (;;) {
        pump(pair);
        if (pair->client_status == TLS_ASK_VERIFY) {
            CHECK_EQ(tls_answer_verify(pair->client, -1), TLS_OK);
        } else if (pair->server_status == TLS_ASK_SIGN) {
            unsigned char signature[256];
            size_t len =
                sign_outside(pair->server, "ecdsa/server.key", signature, sizeof(signature));

            CHECK_EQ(tls_answer_sign(pair->server, signature, len), TLS_OK);
        } else {
            break;
        }
    }
    CHECK_EQ(pair->client_status, TLS_OK);
    CHECK_EQ(pair->server_status, TLS_OK);
}

/* Plain bytes on their way: read, left unread, corked, and dropped while they wait to be sent. */
static void move_bytes(tls_conn_t *from, tls_conn_t *to, uint32_t seed)
{
    static unsigned char plain[20000], part[5000];
    ptrdiff_t n, read = 0;

    fill_bytes(plain, sizeof(plain), seed);
    for (size_t at = 0; at + 64 <= sizeof(plain); at += 1000)
        remember("plain bytes", plain + at, 64);
    CHECK_EQ(tls_write_from(from, plain, sizeof(plain)), sizeof(plain));
    wipe(plain, sizeof(plain));
    carry(from, to);
    CHECK_EQ(tls_advance(to), TLS_OK);
    while (read < 10000 && (n = tls_read_into(to, part, sizeof(part))) > 0)
        read += n;
    CHECK(read >= 10000);
    wipe(part, sizeof(part));
    fill_bytes(plain, 500, seed + 1);
    remember("corked bytes", plain, 500);
    CHECK_EQ(tls_cork(from), TLS_OK);
    CHECK_EQ(tls_write_from(from, plain, 500), 500);
    wipe(plain, sizeof(plain));
}

static void remember_exported(tls_conn_t *conn)
{
    unsigned char out[64];

    CHECK_EQ(tls_export(conn, "EXPERIMENTAL", 12, NULL, 0, 0, out, sizeof(out)), sizeof(out));
    remember("exported bytes", out, sizeof(out));
    wipe(out, sizeof(out));
}

/* One connection from its beginning to its end, after which nothing of it may be left. */
static void live_and_end(const struct setting *setting, const tls_context_t *client,
                         const tls_context_t *server, int resumed, tls_session_t **session)
{
    struct pair pair = new_pair_of(client, server, NULL);

    if (setting->carried) {
        tls_free(pair.client);
        pair.client = tls_client_new_resuming(client, "localhost", *session, NULL);
        CHECK(pair.client != NULL);
    }
    shake(&pair);
    CHECK_EQ(tls_resumed(pair.client), resumed);
    if (setting->carried) {
        pump(&pair);
        tls_session_free(*session);
        *session = tls_session_take(pair.client, NULL);
        CHECK(*session != NULL);
    }
    CHECK(remember_logged(pair.client) >= (setting->version == TLS_VERSION_1_3 ? 5 : 1));
    CHECK(remember_logged(pair.server) >= (setting->version == TLS_VERSION_1_3 ? 5 : 1));
    remember_exported(pair.client);
    if (setting->version == TLS_VERSION_1_3) {
        CHECK_EQ(tls_key_update(pair.client), TLS_OK);
        CHECK_EQ(tls_key_update(pair.server), TLS_OK);
        pump(&pair);
    }
    move_bytes(pair.client, pair.server, 1);
    move_bytes(pair.server, pair.client, 2);
    free_pair(&pair);
}

static void run(const struct setting *setting)
{
    tls_context_t *client = client_context(setting), *server;
    tls_session_t *session = NULL;

    remember_key("ecdsa/server.key");
    server = server_context(setting);
    live_and_end(setting, client, server, 0, &session);
    if (setting->resumes) {
        /* Sessions are the context's: in TLS 1.2 they are the main secret itself. */
        live_and_end(setting, client, server, 1, &session);
        tls_session_free(session);
        tls_context_free(client);
        tls_context_free(server);
    } else {
        tls_context_free(server);
        expect_nothing("after tls_free, with the client's context");
        tls_context_free(client);
    }
    printf("  %zu runs of secrets\n", pattern_count);
    expect_nothing("after the contexts were freed");
    forget_all();
}

static void nothing_is_left_of_connections_and_contexts(void)
{
    for (EACH_VERSION) {
        for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
            for (int resumes = 0; resumes <= 1; resumes++)
                run(&(struct setting){.version = version, .verify = verify, .resumes = resumes});
        }
        run(&(struct setting){.version = version, .resumes = 1, .adorned = 1});
        run(&(struct setting){.version = version, .resumes = 1, .carried = 1});
    }
}

/* Handshakes that end early, after each of the flights or by an error. */
static void nothing_is_left_of_what_ended_halfway(void)
{
    for (EACH_VERSION) {
        const struct setting setting = {.version = version};
        tls_context_t *client = client_context(&setting), *server = server_context(&setting);

        for (int flights = 0; flights < 6; flights++) {
            struct pair pair = new_pair_of(client, server, NULL);

            for (int i = 0; i < flights; i++) {
                tls_conn_t *from = i % 2 == 0 ? pair.client : pair.server;
                tls_conn_t *to = i % 2 == 0 ? pair.server : pair.client;

                if (i == 4)
                    CHECK_EQ(tls_feed(to, "no records", 10), 10);
                carry(from, to);
                tls_advance(to);
            }
            remember_logged(pair.client);
            remember_logged(pair.server);
            free_pair(&pair);
        }
        tls_context_free(client);
        tls_context_free(server);
        printf("  %zu runs of secrets\n", pattern_count);
        expect_nothing("after handshakes that were given up");
        forget_all();
    }
}

static void remember_taken(tls_conn_t *conn)
{
    tls_traffic_secret_t secrets[2] = {{.size = sizeof(*secrets)}, {.size = sizeof(*secrets)}};

    CHECK_EQ(tls_secrets_take(conn, &secrets[0], &secrets[1], NULL), TLS_OK);
    for (int i = 0; i < 2; i++)
        remember("a traffic key", secrets[i].key, secrets[i].key_len);
    if (secrets[0].version == TLS_VERSION_1_3) {
        CHECK_EQ(tls_secrets_next(conn, TLS_KEYS_IN, &secrets[0]), TLS_OK);
        remember("a later traffic key", secrets[0].key, secrets[0].key_len);
    }
    wipe(secrets, sizeof(secrets));
}

/* The keys of records themselves, after a key update: the key log does not have them. */
static void nothing_is_left_of_keys(void)
{
    for (EACH_VERSION) {
        for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
            const struct setting setting = {.version = version, .verify = verify, .gives = 1};
            tls_context_t *client = client_context(&setting), *server = server_context(&setting);
            struct pair pair = new_pair_of(client, server, NULL);

            shake(&pair);
            if (version == TLS_VERSION_1_3) {
                CHECK_EQ(tls_key_update(pair.client), TLS_OK);
                CHECK_EQ(tls_key_update(pair.server), TLS_OK);
                pump(&pair);
            }
            /* With these go the answers that are still owed. */
            check_alive(&pair);
            check_alive(&pair);
            remember_logged(pair.client);
            remember_logged(pair.server);
            remember_taken(pair.client);
            remember_taken(pair.server);
            free_pair(&pair);
            /* This one has the ticket key until it ends. */
            tls_context_free(server);
            expect_nothing("after the connections were freed");
            tls_context_free(client);
            forget_all();
        }
    }
}

static void nothing_is_left_of_halves(void)
{
    for (EACH_VERSION) {
        const struct setting setting = {.version = version};
        tls_context_t *client = client_context(&setting), *server = server_context(&setting);
        struct pair pair = new_pair_of(client, server, NULL);
        tls_conn_t *sending;

        shake(&pair);
        remember_logged(pair.client);
        remember_logged(pair.server);
        sending = tls_split(pair.client, NULL);
        CHECK(sending != NULL);
        move_bytes(sending, pair.server, 3);
        move_bytes(pair.server, pair.client, 4);
        tls_free(sending);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
        printf("  %zu runs of secrets\n", pattern_count);
        expect_nothing("after both halves were freed");
        forget_all();
    }
}

static size_t export_to(tls_conn_t *conn, const unsigned char *key, unsigned char *blob,
                        size_t room)
{
    ptrdiff_t len = tls_conn_export(conn, key, blob, room, NULL);

    CHECK(len > 0);
    CHECK((size_t)len <= room);
    return (size_t)len;
}

/* Where a connection was nothing of it is left while its handle still is, nor when it has ended
 * where it went on: what it read, left unread and corked, and the secrets of before and after. */
static void nothing_is_left_of_what_moved(void)
{
    static unsigned char blobs[2][90000];

    for (EACH_VERSION) {
        const struct setting setting = {.version = version};
        tls_context_t *client = client_context(&setting), *server = server_context(&setting);
        struct pair pair = new_pair_of(client, server, NULL), went;
        unsigned char key[TLS_MOVE_KEY_LENGTH];
        size_t lens[2];

        shake(&pair);
        remember_logged(pair.client);
        remember_logged(pair.server);
        remember_exported(pair.client);
        move_bytes(pair.client, pair.server, 5);
        move_bytes(pair.server, pair.client, 6);
        CHECK(count_hits(0) > 0);
        fill_bytes(key, sizeof(key), 99);
        lens[0] = export_to(pair.client, key, blobs[0], sizeof(blobs[0]));
        lens[1] = export_to(pair.server, key, blobs[1], sizeof(blobs[1]));
        tls_context_free(client);
        tls_context_free(server);
        expect_nothing("where the connections were");

        client = client_context(&setting);
        server = server_context(&setting);
        went.client = tls_conn_import(client, blobs[0], lens[0], key, NULL);
        went.server = tls_conn_import(server, blobs[1], lens[1], key, NULL);
        CHECK(went.client != NULL);
        CHECK(went.server != NULL);
        remember("the key of the move", key, sizeof(key));
        wipe(key, sizeof(key));
        if (version == TLS_VERSION_1_3)
            CHECK_EQ(tls_key_update(went.client), TLS_OK);
        carry(went.client, went.server);
        CHECK_EQ(tls_advance(went.server), TLS_OK);
        remember_exported(went.server);
        free_pair(&pair);
        free_pair(&went);
        tls_context_free(client);
        tls_context_free(server);
        printf("  %zu runs of secrets\n", pattern_count);
        expect_nothing("after what moved has ended");
        forget_all();
    }
}

static void nothing_is_left_where_the_key_is_elsewhere(void)
{
    for (EACH_VERSION) {
        for (int resumes = 0; resumes <= 1; resumes++)
            run(&(struct setting){.version = version, .external = 1, .resumes = resumes});
    }
}

/* A client's key is elsewhere, so that secrets of the handshake are there while it waits. */
static void nothing_is_left_of_a_question(void)
{
    enum { FREED_WHILE_OPEN, REFUSED, ANSWERED, HOWS };

    for (EACH_VERSION) {
        for (int how = 0; how < HOWS; how++) {
            const struct setting setting = {.version = version, .adorned = 1};
            tls_builder_t *builder = recording_builder(&plain_client, &setting);
            tls_context_t *client, *server = server_context(&setting);
            unsigned char signature[256];
            struct pair pair;
            size_t len;
            char *chain = pki_read("ecdsa/client-chain.pem", &len);

            CHECK_EQ(tls_builder_identity_external(builder, chain, len), TLS_OK);
            free(chain);
            client = tls_context_client(builder, NULL);
            CHECK(client != NULL);
            tls_builder_free(builder);
            pair = new_pair_of(client, server, NULL);
            pump(&pair);
            CHECK_EQ(pair.client_status, TLS_ASK_SIGN);
            if (how == REFUSED) {
                CHECK_EQ(tls_answer_refuse(pair.client, 40), TLS_OK);
                pump(&pair);
            } else if (how == ANSWERED) {
                len = sign_outside(pair.client, "ecdsa/client.key", signature, sizeof(signature));
                CHECK_EQ(tls_answer_sign(pair.client, signature, len), TLS_OK);
                finish_handshake(&pair);
            }
            remember_logged(pair.client);
            CHECK(remember_logged(pair.server) >=
                  (version == TLS_VERSION_1_3 ? 3 : how == ANSWERED));
            free_pair(&pair);
            tls_context_free(client);
            tls_context_free(server);
            expect_nothing("after a question");
            forget_all();
        }
    }
}

/* The same of the question for an identity: of its key, too. */
static void nothing_is_left_of_an_identity_that_was_asked_for(void)
{
    enum { FREED_WHILE_OPEN, REFUSED, ANSWERED, HOWS };
    static const struct recipe shown = {.chain = "ecdsa/client-chain.pem",
                                        .key = "ecdsa/client.key",
                                        .verify = TLS_VERIFY_DANGEROUS_NONE};

    for (EACH_VERSION) {
        for (int how = 0; how < HOWS; how++) {
            const struct setting setting = {.version = version, .adorned = 1};
            tls_builder_t *builder = recording_builder(&plain_client, &setting);
            tls_context_t *client, *server = server_context(&setting);
            struct pair pair;

            CHECK_EQ(tls_builder_ask_identity(builder, 1), TLS_OK);
            client = tls_context_client(builder, NULL);
            CHECK(client != NULL);
            tls_builder_free(builder);
            pair = new_pair_of(client, server, NULL);
            pump(&pair);
            CHECK_EQ(pair.client_status, TLS_ASK_IDENTITY);
            if (how == REFUSED) {
                CHECK_EQ(tls_answer_refuse(pair.client, 40), TLS_OK);
                pump(&pair);
            } else if (how == ANSWERED) {
                tls_context_t *identity = make_client_context(&shown);

                remember_key(shown.key);
                CHECK_EQ(tls_answer_identity(pair.client, identity), TLS_OK);
                tls_context_free(identity);
                finish_handshake(&pair);
            }
            remember_logged(pair.client);
            CHECK(remember_logged(pair.server) >=
                  (version == TLS_VERSION_1_3 ? 3 : how == ANSWERED));
            free_pair(&pair);
            tls_context_free(client);
            tls_context_free(server);
            expect_nothing("after an identity was asked for");
            forget_all();
        }
    }
}

/* And of sessions in the host's store, which come back as answers. */
static void nothing_is_left_of_a_stored_session(void)
{
    enum { FREED_WHILE_OPEN, REFUSED, ANSWERED, HOWS };

    for (EACH_VERSION) {
        for (int how = 0; how < HOWS; how++) {
            const struct setting setting = {.version = version, .resumes = 1};
            tls_builder_t *builder = recording_builder(&plain_server, &setting);
            tls_context_t *client = client_context(&setting), *server;
            unsigned char data[sizeof(stored.masked)];
            struct pair pair;

            CHECK_EQ(tls_builder_ask_session(builder, 1), TLS_OK);
            CHECK_EQ(tls_builder_tickets(builder, 1), TLS_OK);
            server = tls_context_server(builder, NULL);
            CHECK(server != NULL);
            tls_builder_free(builder);
            stored.len = 0;
            pair = new_pair_of(client, server, NULL);
            finish_handshake(&pair);
            remember_logged(pair.client);
            CHECK(remember_logged(pair.server) > 0);
            CHECK(stored.len > 0);
            free_pair(&pair);
            pair = new_pair_of(client, server, NULL);
            pump(&pair);
            CHECK_EQ(pair.server_status, TLS_ASK_SESSION);
            if (how == REFUSED) {
                CHECK_EQ(tls_answer_refuse(pair.server, 40), TLS_OK);
                pump(&pair);
            } else if (how == ANSWERED) {
                for (size_t i = 0; i < stored.len; i++)
                    data[i] = stored.masked[i] ^ MASK_OF_BYTE;
                CHECK_EQ(tls_answer_session(pair.server, data, stored.len), TLS_OK);
                wipe(data, sizeof(data));
                finish_handshake(&pair);
                CHECK_EQ(tls_resumed(pair.server), 1);
            }
            remember_logged(pair.client);
            remember_logged(pair.server);
            free_pair(&pair);
            tls_context_free(client);
            tls_context_free(server);
            expect_nothing("after a session was looked for");
            forget_all();
        }
    }
}

/* A key that was refused, in whatever form, is not kept either. */
static void nothing_is_left_of_what_was_refused(void)
{
    size_t key_len, chain_len;
    char *key = read_secret("ecdsa/server.key", &key_len), *end;
    char *chain = pki_read("ecdsa/server-chain.pem", &chain_len);
    tls_builder_t *builder = tls_builder_new();

    remember_key("ecdsa/server.key");
    CHECK_EQ(tls_builder_identity_pem(builder, "", 0, key, key_len), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_identity_pem(builder, chain, chain_len - 40, key, key_len),
             TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_identity_pem(builder, chain, chain_len, key, key_len - 30),
             TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_identity_pem(builder, chain, chain_len, key, key_len), TLS_OK);
    for (end = key; (end = strchr(end, '\n')) != NULL;)
        *end = ' ';
    CHECK_EQ(tls_builder_identity_pem(builder, chain, chain_len, key, key_len), TLS_ERR_CONFIG);
    tls_builder_free(builder);
    wipe(key, key_len);
    free(key);
    free(chain);
    expect_nothing("after the builder was freed");
    forget_all();
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(what_is_left_is_found);
    RUN(nothing_is_left_of_what_was_refused);
    RUN(nothing_is_left_of_connections_and_contexts);
    RUN(nothing_is_left_of_what_ended_halfway);
    RUN(nothing_is_left_of_keys);
    RUN(nothing_is_left_of_halves);
    RUN(nothing_is_left_of_what_moved);
    RUN(nothing_is_left_where_the_key_is_elsewhere);
    RUN(nothing_is_left_of_a_question);
    RUN(nothing_is_left_of_an_identity_that_was_asked_for);
    RUN(nothing_is_left_of_a_stored_session);
    return 0;
}
