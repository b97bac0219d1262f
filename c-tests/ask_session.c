/* Servers whose sessions are in a store of the host: two contexts are two machines, an array is the
 * store that they have in common. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "pair.h"
#include "pki.h"
#include "signer.h"

enum { P256 = 0x17, X25519 = 0x1d, INTERNAL_ERROR = 80, KEY = 32, EARLY = 1000 };

static const char *const chain = "ecdsa/server-chain.pem", *const key = "ecdsa/server.key";

struct stored {
    unsigned char key[KEY], data[8192];
    size_t len;
};

static struct store {
    struct stored all[16];
    size_t count;
} store;

static void forget(void)
{
    memset(&store, 0, sizeof(store));
}

/* What the connection has to store. */
static void put(tls_conn_t *conn)
{
    tls_event_t event = {.size = sizeof(event)};

    while (tls_next_event(conn, &event) == 1) {
        struct stored *place = &store.all[store.count++];
        ptrdiff_t len;

        CHECK_EQ(event.kind, TLS_EVENT_SESSION);
        CHECK_EQ(event.lost, 0);
        CHECK(event.number > 0 && event.number <= 24 * 60 * 60);
        CHECK(store.count < sizeof(store.all) / sizeof(store.all[0]));
        CHECK_EQ(tls_stored_key(conn, place->key, KEY), KEY);
        len = tls_stored_data(conn, place->data, sizeof(place->data));
        CHECK(len > KEY && (size_t)len <= sizeof(place->data));
        place->len = (size_t)len;
    }
    CHECK_EQ(tls_stored_data(conn, NULL, 0), 0);
}

static struct stored *find(const unsigned char *wanted)
{
    for (size_t i = 0; i < store.count; i++)
        if (memcmp(store.all[i].key, wanted, KEY) == 0)
            return &store.all[i];
    return NULL;
}

/* What is done with what was found, before it is the answer. */
enum answer {
    RIGHT,
    NOTHING,
    CUT,
    LONGER,
    ALTERED,
    RANDOM,
    OTHER_KEY,
    HUGE_ANSWER,
    LAST_ANSWER = HUGE_ANSWER
};

static unsigned asked, found;

static void answer(tls_conn_t *conn, enum answer how)
{
    static unsigned char data[1 << 20];
    unsigned char wanted[KEY];
    struct stored *entry;
    size_t len = 0;

    CHECK_EQ(tls_lookup_key(conn, NULL, 0), KEY);
    CHECK_EQ(tls_lookup_key(conn, wanted, KEY), KEY);
    asked++;
    entry = find(wanted);
    if (entry) {
        found++;
        memcpy(data, entry->data, entry->len);
        len = entry->len;
        if (tls_lookup_once(conn) == 1)
            *entry = store.all[--store.count];
    }
    switch (how) {
    case RIGHT:
        break;
    case NOTHING:
        len = 0;
        break;
    case CUT:
        len = len ? len - 1 : 0;
        break;
    case LONGER:
        data[len++] = 0;
        break;
    case ALTERED:
        data[len / 2] ^= 1;
        break;
    case RANDOM:
        fill_bytes(data, len = 300, 7);
        break;
    case OTHER_KEY:
        CHECK(store.count > 0);
        entry = &store.all[0];
        if (memcmp(entry->key, wanted, KEY) == 0)
            entry = &store.all[1];
        CHECK(entry->len > 0);
        memcpy(data, entry->data, len = entry->len);
        break;
    case HUGE_ANSWER:
        fill_bytes(data, len = sizeof(data), 8);
        break;
    }
    CHECK_EQ(tls_answer_session(conn, len ? data : NULL, len), TLS_OK);
}

struct machine {
    uint16_t version;
    int elsewhere, retries, early;
    enum form { DIRECT, ASKS_CONTEXT, ASKS_VERIFY, LAST_FORM = ASKS_VERIFY } form;
    int32_t client_auth;
    uint16_t group;
    size_t record_size;
};

static tls_context_t *make(const struct machine *machine)
{
    struct recipe recipe = with_version(plain_server, machine->version);
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder;
    tls_context_t *context;

    if (machine->elsewhere)
        recipe.chain = NULL;
    recipe.client_auth =
        machine->form == ASKS_VERIFY ? TLS_CLIENT_AUTH_REQUIRED : machine->client_auth;
    recipe.verify = machine->form == ASKS_VERIFY ? TLS_VERIFY_ASK : TLS_VERIFY_PEER;
    recipe.trust = "trust/all.pem";
    builder = make_builder(&recipe);
    if (machine->elsewhere) {
        size_t len;
        char *pem = pki_read(chain, &len);

        CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
        free(pem);
    }
    if (machine->group)
        CHECK_EQ(tls_builder_groups(builder, &machine->group, 1), TLS_OK);
    if (machine->early)
        CHECK_EQ(tls_builder_early_data(builder, EARLY), TLS_OK);
    CHECK_EQ(tls_builder_ask_session(builder, 1), TLS_OK);
    CHECK_EQ(tls_builder_record_size(builder, machine->record_size), TLS_OK);
    context = tls_context_server(builder, &error);
    CHECK_EQ(error.status, TLS_OK);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static tls_context_t *client_of(uint16_t version, int early)
{
    static const uint16_t groups[] = {P256, X25519};
    struct recipe recipe = with_version(plain_client, version);
    tls_builder_t *builder;
    tls_context_t *context;

    recipe.chain = "ecdsa/client-chain.pem";
    recipe.key = "ecdsa/client.key";
    builder = make_builder(&recipe);
    CHECK_EQ(tls_builder_groups(builder, groups, 2), TLS_OK);
    CHECK_EQ(tls_builder_early_data(builder, early ? 1 : 0), TLS_OK);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

/* The handshake to its end, with all that is asked. */
static void drive(struct pair *pair, const tls_context_t *server, enum answer how)
{
    unsigned char signature[1024];

    asked = found = 0;
    for (int turn = 0; turn < 30; turn++) {
        pump(pair);
        switch (pair->server_status) {
        case TLS_ASK_CONTEXT:
            CHECK_EQ(tls_answer_context(pair->server, server), TLS_OK);
            break;
        case TLS_ASK_VERIFY:
            CHECK_EQ(tls_answer_verify(pair->server, 0), TLS_OK);
            break;
        case TLS_ASK_SIGN: {
            size_t len = sign_outside(pair->server, key, signature, sizeof(signature));

            CHECK_EQ(tls_answer_sign(pair->server, signature, len), TLS_OK);
            break;
        }
        case TLS_ASK_SESSION:
            CHECK_EQ(tls_state(pair->server) & (TLS_ASKING | TLS_HANDSHAKING),
                     TLS_ASKING | TLS_HANDSHAKING);
            answer(pair->server, how);
            break;
        default:
            finish_handshake(pair);
            put(pair->server);
            return;
        }
    }
    CHECK(0 && "it goes on asking");
}

static struct pair begin(const tls_context_t *client, const tls_context_t *server, enum form form)
{
    return new_pair_of(client, form == ASKS_CONTEXT ? NULL : server, NULL);
}

/* A connection to a machine: the kind of its handshake. */
static int32_t connect_to(const tls_context_t *client, const struct machine *machine,
                          enum answer how)
{
    tls_context_t *server = make(machine);
    struct pair pair = begin(client, server, machine->form);
    int32_t kind;

    drive(&pair, server, how);
    kind = tls_handshake_kind(pair.server);
    CHECK_EQ(tls_handshake_kind(pair.client), kind);
    CHECK_EQ(tls_peer_certificate(pair.server, 0, NULL, 0) > 0, machine->form == ASKS_VERIFY);
    check_alive(&pair);
    free_pair(&pair);
    tls_context_free(server);
    return kind;
}

static int is_resumed(int32_t kind)
{
    return kind == TLS_HANDSHAKE_RESUMED || kind == TLS_HANDSHAKE_RESUMED_RETRIED;
}

#define EACH_MACHINE                                                                               \
    struct machine machine = {.version = TLS_VERSION_1_2};                                         \
    machine.version <= TLS_VERSION_1_3;                                                            \
    next_machine(&machine)

static void next_machine(struct machine *machine)
{
    if (machine->form++ < LAST_FORM)
        return;
    machine->form = DIRECT;
    if (machine->elsewhere++ == 0)
        return;
    machine->elsewhere = 0;
    machine->version++;
}

/* */
static void another_machine_resumes(void)
{
    for (EACH_MACHINE) {
        for (int retry = 0; retry < 2; retry++) {
            tls_context_t *client = client_of(machine.version, 0);
            int32_t kind;
            size_t before;

            forget();
            machine.group = P256;
            CHECK_EQ(connect_to(client, &machine, RIGHT), TLS_HANDSHAKE_FULL);
            before = store.count;
            CHECK_EQ(before, machine.version == TLS_VERSION_1_2 ? 1 : 2);
            machine.group = retry ? X25519 : P256;
            kind = connect_to(client, &machine, RIGHT);
            CHECK_EQ(kind, retry && machine.version == TLS_VERSION_1_3
                               ? TLS_HANDSHAKE_RESUMED_RETRIED
                               : TLS_HANDSHAKE_RESUMED);
            CHECK_EQ(asked, 1);
            CHECK_EQ(found, 1);
            /* TLS 1.3: one was taken, two are new. */
            CHECK_EQ(store.count, machine.version == TLS_VERSION_1_2 ? 1 : 3);
            machine.group = 0;
            CHECK(is_resumed(connect_to(client, &machine, RIGHT)));
            tls_context_free(client);
        }
        machine.group = 0;
    }
}

/* */
static void a_wrong_answer_is_a_full_handshake(void)
{
    for (EACH_MACHINE) {
        for (int how = RIGHT; how <= LAST_ANSWER; how++) {
            tls_context_t *client = client_of(machine.version, 0);

            forget();
            /* Of several sessions, so that there is one of another key. */
            connect_to(client, &machine, RIGHT);
            if (machine.version == TLS_VERSION_1_2) {
                tls_context_t *other = client_of(machine.version, 0);

                connect_to(other, &machine, RIGHT);
                tls_context_free(other);
            }
            CHECK_EQ(store.count, 2);
            CHECK_EQ(is_resumed(connect_to(client, &machine, (enum answer)how)), how == RIGHT);
            CHECK_EQ(asked, 1);
            /* The next one is none the worse for it. */
            CHECK(is_resumed(connect_to(client, &machine, RIGHT)));
            tls_context_free(client);
        }
    }
}

static void sessions_of_other_rules_are_none(void)
{
    for (EACH_VERSION) {
        struct machine machine = {.version = version}, other = machine;
        tls_context_t *client = client_of(version, 0);

        forget();
        other.form = ASKS_VERIFY;
        CHECK_EQ(connect_to(client, &machine, RIGHT), TLS_HANDSHAKE_FULL);
        CHECK_EQ(connect_to(client, &other, RIGHT), TLS_HANDSHAKE_FULL);
        CHECK_EQ(found, 1);
        CHECK_EQ(connect_to(client, &other, RIGHT), TLS_HANDSHAKE_RESUMED);
        tls_context_free(client);
    }
}

static void a_session_ends_after_a_day(void)
{
    for (EACH_VERSION) {
        struct machine machine = {.version = version};
        tls_context_t *client = client_of(version, 0), *server = make(&machine);
        int64_t made = (int64_t)time(NULL);

        forget();
        CHECK_EQ(connect_to(client, &machine, RIGHT), TLS_HANDSHAKE_FULL);
        for (int late = 0; late < 2; late++) {
            struct pair pair = begin(client, server, DIRECT);

            /* The client's own clock stands still. */
            CHECK_EQ(tls_context_time(server,
                                      (late ? (int64_t)time(NULL) + 60 : made - 60) + 24 * 60 * 60),
                     TLS_OK);
            drive(&pair, server, RIGHT);
            CHECK_EQ(found, 1);
            CHECK_EQ(is_resumed(tls_handshake_kind(pair.server)), !late);
            free_pair(&pair);
            if (!late) {
                forget();
                CHECK_EQ(tls_context_time(server, TLS_CONTEXT_TIME_SYSTEM), TLS_OK);
                pair = new_pair_of(client, server, NULL);
                drive(&pair, server, NOTHING);
                free_pair(&pair);
            }
        }
        tls_context_free(server);
        tls_context_free(client);
    }
}

/* One ClientHello that comes to two machines: the second one finds nothing. */
static void a_hello_that_comes_twice_resumes_once(void)
{
    struct machine machine = {.version = TLS_VERSION_1_3, .early = 1};
    tls_context_t *client = client_of(TLS_VERSION_1_3, 1), *server = make(&machine);
    struct pair pair;
    tls_conn_t *second = tls_server_new(server, NULL);
    unsigned char wire[4096];
    char plain[64];
    ptrdiff_t len;

    forget();
    CHECK_EQ(connect_to(client, &machine, RIGHT), TLS_HANDSHAKE_FULL);
    pair = new_pair_of(client, server, NULL);
    CHECK_EQ(tls_early_write_from(pair.client, "early", 5), 5);
    len = tls_drain_into(pair.client, wire, sizeof(wire));
    CHECK(len > 0);
    CHECK_EQ(tls_feed(pair.server, wire, (size_t)len), len);
    CHECK_EQ(tls_advance(pair.server), TLS_ASK_SESSION);
    CHECK_EQ(tls_lookup_once(pair.server), 1);
    drive(&pair, server, RIGHT);
    CHECK_EQ(found, 1);
    CHECK_EQ(tls_handshake_kind(pair.server), TLS_HANDSHAKE_RESUMED);
    CHECK_EQ(tls_early_status(pair.client), TLS_EARLY_ACCEPTED);
    CHECK_EQ(tls_early_read_into(pair.server, plain, sizeof(plain)), 5);
    CHECK_BYTES(plain, "early", 5);
    check_alive(&pair);

    CHECK_EQ(tls_feed(second, wire, (size_t)len), len);
    CHECK_EQ(tls_advance(second), TLS_ASK_SESSION);
    found = 0;
    answer(second, RIGHT);
    CHECK_EQ(found, 0);
    CHECK_EQ(tls_advance(second), TLS_WANT_FEED);
    CHECK_EQ(tls_early_status(second), TLS_EARLY_NONE);
    CHECK_EQ(tls_early_read_into(second, plain, sizeof(plain)), TLS_WANT_FEED);
    tls_free(second);
    free_pair(&pair);
    tls_context_free(server);
    tls_context_free(client);
}

/* Brings a client that has a session to its question. */
static struct pair pair_at_question(const struct machine *machine)
{
    tls_context_t *client = client_of(machine->version, 0), *server = make(machine);
    struct pair pair;

    forget();
    CHECK_EQ(connect_to(client, machine, RIGHT), TLS_HANDSHAKE_FULL);
    pair = begin(client, server, machine->form);
    pump(&pair);
    if (machine->form == ASKS_CONTEXT) {
        CHECK_EQ(tls_answer_context(pair.server, server), TLS_OK);
        pump(&pair);
    }
    CHECK_EQ(pair.server_status, TLS_ASK_SESSION);
    tls_context_free(client);
    tls_context_free(server);
    return pair;
}

/* */
static void a_refusal_ends_the_handshake_with_its_alert(void)
{
    for (EACH_MACHINE) {
        struct pair pair = pair_at_question(&machine);
        tls_error_t error;

        CHECK_EQ(tls_answer_refuse(pair.server, 0), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_refuse(pair.server, 90), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_advance(pair.server), TLS_ASK_SESSION);
        CHECK_EQ(tls_answer_refuse(pair.server, INTERNAL_ERROR), TLS_OK);
        CHECK_EQ(tls_advance(pair.server), TLS_ERR_NO_COMMON);
        error = error_of(pair.server);
        CHECK_EQ(error.alert_sent, INTERNAL_ERROR);
        CHECK_EQ(error.reason, TLS_REASON_REFUSED);
        CHECK_EQ(tls_answer_session(pair.server, NULL, 0), TLS_ERR_STATE);
        CHECK_EQ(tls_lookup_key(pair.server, NULL, 0), 0);
        /* The alert, and nothing of what the step would have said. */
        CHECK_EQ(tls_drain_pending(pair.server), 7);
        carry(pair.server, pair.client);
        CHECK_EQ(tls_advance(pair.client), TLS_ERR_ALERT);
        CHECK_EQ(error_of(pair.client).alert_received, INTERNAL_ERROR);
        free_pair(&pair);
    }
}

static void what_is_no_answer_leaves_the_question_open(void)
{
    for (EACH_MACHINE) {
        struct pair pair = pair_at_question(&machine);
        unsigned char wanted[KEY], part[KEY];

        CHECK_EQ(tls_lookup_key(pair.server, wanted, KEY), KEY);
        memset(part, 0xee, KEY);
        CHECK_EQ(tls_lookup_key(pair.server, part, 5), KEY);
        CHECK_BYTES(part, wanted, 5);
        CHECK_EQ(part[5], 0xee);
        CHECK_EQ(tls_lookup_once(pair.server), machine.version == TLS_VERSION_1_3);
        CHECK_EQ(tls_answer_session(pair.server, NULL, 1), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_session(pair.server, wanted, SIZE_MAX), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_session(NULL, NULL, 0), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_answer_sign(pair.server, "x", 1), TLS_ERR_STATE);
        CHECK_EQ(tls_answer_verify(pair.server, 0), TLS_ERR_STATE);
        CHECK_EQ(tls_answer_identity(pair.server, NULL), TLS_ERR_STATE);
        CHECK_EQ(tls_answer_session(pair.client, NULL, 0), TLS_ERR_STATE);
        CHECK_EQ(tls_lookup_once(pair.client), TLS_ERR_STATE);
        CHECK_EQ(tls_lookup_key(pair.client, wanted, KEY), 0);
        CHECK_EQ(tls_advance(pair.server), TLS_ASK_SESSION);
        drive(&pair, NULL, RIGHT);
        CHECK_EQ(tls_handshake_kind(pair.server), TLS_HANDSHAKE_RESUMED);
        CHECK_EQ(tls_answer_session(pair.server, NULL, 0), TLS_ERR_STATE);
        check_alive(&pair);
        free_pair(&pair);
    }
}

static void *answer_there(void *conn)
{
    answer(conn, RIGHT);
    return NULL;
}

static void the_answer_may_come_from_another_thread_or_never(void)
{
    for (EACH_MACHINE) {
        struct pair pair = pair_at_question(&machine);
        pthread_t thread;

        CHECK_EQ(pthread_create(&thread, NULL, answer_there, pair.server), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        drive(&pair, NULL, RIGHT);
        CHECK_EQ(asked, 0);
        CHECK_EQ(tls_handshake_kind(pair.server), TLS_HANDSHAKE_RESUMED);
        check_alive(&pair);
        free_pair(&pair);

        pair = pair_at_question(&machine);
        free_pair(&pair);
    }
}

/* The connection goes on in the child, and its copy in the parent is freed there. */
static void the_answer_may_come_from_a_forked_child(void)
{
    for (EACH_MACHINE) {
        struct pair pair = pair_at_question(&machine);
        pid_t child = fork();
        int status;

        CHECK(child >= 0);
        if (child == 0) {
            answer(pair.server, RIGHT);
            drive(&pair, NULL, RIGHT);
            CHECK_EQ(tls_handshake_kind(pair.server), TLS_HANDSHAKE_RESUMED);
            check_alive(&pair);
            free_pair(&pair);
            _exit(0);
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
        free_pair(&pair);
    }
}

/* The hello of a client that resumes, with `count` more sessions in front of its own. */
static size_t with_sessions(unsigned char *out, const unsigned char *hello, size_t len,
                            size_t count)
{
    size_t sid = 5 + 4 + 2 + 32, suites = sid + 1 + hello[sid];
    size_t extensions = suites + 2 + ((size_t)hello[suites] << 8 | hello[suites + 1]) + 2;
    size_t binder = len - 1;
    size_t psk, at, more = count * (2 + KEY + 4 + 1 + 48);

    /* Its binder is as long as its suite's hash. */
    binder = len - 32 - 1;
    if (hello[binder] != 32)
        binder = len - 48 - 1;
    CHECK_EQ(hello[binder], len - binder - 1);
    psk = binder - 2 - (2 + KEY + 4) - 2 - 4;
    CHECK_EQ(hello[psk] << 8 | hello[psk + 1], 0x29);
    memcpy(out, hello, at = psk + 4);
    out[at++] = (unsigned char)((count + 1) * (2 + KEY + 4) >> 8);
    out[at++] = (unsigned char)((count + 1) * (2 + KEY + 4));
    for (size_t i = 0; i < count; i++) {
        out[at++] = 0;
        out[at++] = KEY;
        fill_bytes(out + at, KEY + 4, (uint32_t)i + 1);
        at += KEY + 4;
    }
    memcpy(out + at, hello + psk + 6, 2 + KEY + 4);
    at += 2 + KEY + 4;
    len = count * (1 + 48) + (len - binder);
    out[at++] = (unsigned char)(len >> 8);
    out[at++] = (unsigned char)len;
    for (size_t i = 0; i < count; i++) {
        out[at++] = 48;
        fill_bytes(out + at, 48, (uint32_t)i);
        at += 48;
    }
    memcpy(out + at, hello + binder, len - count * (1 + 48));
    at += len - count * (1 + 48);
    len = at - psk - 4;
    out[psk + 2] = (unsigned char)(len >> 8);
    out[psk + 3] = (unsigned char)len;
    len = at - extensions - 2;
    out[extensions] = (unsigned char)(len >> 8);
    out[extensions + 1] = (unsigned char)len;
    len = at - 5 - 4;
    out[7] = (unsigned char)(len >> 8);
    out[8] = (unsigned char)len;
    len = at - 5;
    out[3] = (unsigned char)(len >> 8);
    out[4] = (unsigned char)len;
    CHECK(more > 0);
    return at;
}

/* */
static void a_hello_with_many_sessions_asks_about_few(void)
{
    struct machine machine = {.version = TLS_VERSION_1_3};
    tls_context_t *client = client_of(TLS_VERSION_1_3, 0), *server = make(&machine);
    struct pair pair;
    unsigned char wire[4096], many[16384];
    ptrdiff_t len;

    forget();
    CHECK_EQ(connect_to(client, &machine, RIGHT), TLS_HANDSHAKE_FULL);
    pair = new_pair_of(client, server, NULL);
    len = tls_drain_into(pair.client, wire, sizeof(wire));
    CHECK(len > 0);
    len = (ptrdiff_t)with_sessions(many, wire, (size_t)len, 100);
    CHECK_EQ(tls_feed(pair.server, many, (size_t)len), len);
    asked = found = 0;
    while (tls_advance(pair.server) == TLS_ASK_SESSION)
        answer(pair.server, RIGHT);
    CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
    CHECK_EQ(asked, 4);
    CHECK_EQ(found, 0);
    CHECK_EQ(tls_handshake_kind(pair.server), TLS_HANDSHAKE_FULL);
    free_pair(&pair);
    tls_context_free(server);
    tls_context_free(client);
}

/* */
static void a_stored_session_is_there_until_the_next_event(void)
{
    for (EACH_VERSION) {
        struct machine machine = {.version = version};
        tls_context_t *client = client_of(version, 0), *server = make(&machine);
        struct pair pair = new_pair_of(client, server, NULL);
        tls_event_t event = {.size = sizeof(event)}, small = {.size = 4};
        unsigned char first[KEY], second[KEY];
        unsigned count = 0;

        finish_handshake(&pair);
        CHECK(tls_state(pair.server) & TLS_HAS_EVENT);
        CHECK_EQ(tls_stored_key(pair.server, NULL, 0), 0);
        while (tls_next_event(pair.server, &event) == 1) {
            ptrdiff_t len = tls_stored_data(pair.server, NULL, 0);

            CHECK_EQ(event.kind, TLS_EVENT_SESSION);
            CHECK(len > KEY);
            CHECK_EQ(tls_stored_key(pair.server, first, KEY), KEY);
            CHECK_EQ(tls_next_event(pair.server, &small), TLS_ERR_ARGUMENT);
            CHECK_EQ(tls_stored_key(pair.server, second, KEY), KEY);
            CHECK_BYTES(first, second, KEY);
            CHECK_EQ(tls_stored_data(pair.server, NULL, 0), len);
            count++;
        }
        CHECK_EQ(count, version == TLS_VERSION_1_2 ? 1 : 2);
        CHECK_EQ(tls_stored_key(pair.server, NULL, 0), 0);
        CHECK_EQ(tls_stored_data(pair.server, NULL, 0), 0);
        CHECK_EQ(tls_state(pair.client) & TLS_HAS_EVENT, 0);
        check_alive(&pair);
        free_pair(&pair);
        tls_context_free(server);
        tls_context_free(client);
    }
}

static void the_context_has_no_ticket_keys_and_clients_ignore_it(void)
{
    struct machine machine = {.version = TLS_VERSION_1_3};
    tls_context_t *server = make(&machine), *client;
    tls_builder_t *builder = make_builder(&plain_client);
    tls_error_t error = {.size = sizeof(error)};
    struct pair pair;

    CHECK_EQ(tls_context_ticket_keys(server, NULL, 0, &error), TLS_ERR_STATE);
    CHECK_EQ(tls_builder_events(builder, TLS_EVENT_SESSION), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(tls_builder_ask_session(builder, 1), TLS_OK);
    client = tls_context_client(builder, &error);
    CHECK(client != NULL);
    pair = new_pair_of(client, server, NULL);
    finish_handshake(&pair);
    CHECK_EQ(tls_state(pair.client) & TLS_HAS_EVENT, 0);
    free_pair(&pair);
    tls_builder_free(builder);
    tls_context_free(client);
    tls_context_free(server);
}

/* also of the flight that the answer sets free. */
static void what_follows_the_answer_is_in_records_of_the_size_that_was_set(void)
{
    /* The content type, and the tag with what is in front of it in TLS 1.2. */
    enum { SIZE = 64, GROWTH = 24 };

    for (EACH_VERSION) {
        struct machine machine = {.version = version, .record_size = SIZE};
        struct pair pair = pair_at_question(&machine);
        unsigned char wire[32 * 1024];
        ptrdiff_t len, at, record;

        CHECK_EQ(tls_answer_session(pair.server, NULL, 0), TLS_OK);
        tls_advance(pair.server);
        len = tls_drain_into(pair.server, wire, sizeof(wire));
        CHECK(len > 500);
        for (at = 0; at < len; at += 5 + record) {
            record = wire[at + 3] << 8 | wire[at + 4];
            CHECK(record <= SIZE + GROWTH);
        }
        CHECK_EQ(tls_feed(pair.client, wire, (size_t)len), len);
        finish_handshake(&pair);
        free_pair(&pair);
    }
}

static tls_context_t *with_suite(uint16_t suite, uint16_t group)
{
    struct recipe recipe = with_version(plain_server, TLS_VERSION_1_3);
    tls_builder_t *builder = make_builder(&recipe);
    tls_context_t *context;

    CHECK_EQ(tls_builder_suites(builder, &suite, 1), TLS_OK);
    CHECK_EQ(tls_builder_groups(builder, &group, 1), TLS_OK);
    CHECK_EQ(tls_builder_ask_session(builder, 1), TLS_OK);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

/* Its session does not fit the suite of the HelloRetryRequest, so the second ClientHello names
 * none. */
static void what_the_client_left_out_is_not_looked_for(void)
{
    enum { AES_128 = 0x1301, AES_256 = 0x1302 };
    tls_context_t *client = client_of(TLS_VERSION_1_3, 0);
    tls_context_t *before = with_suite(AES_256, P256), *after = with_suite(AES_128, X25519);
    struct pair pair = new_pair_of(client, before, NULL);

    finish_handshake(&pair);
    free_pair(&pair);
    pair = new_pair_of(client, after, NULL);
    finish_handshake(&pair);
    CHECK_EQ(tls_handshake_kind(pair.server), TLS_HANDSHAKE_FULL_RETRIED);
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(before);
    tls_context_free(after);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(another_machine_resumes);
    RUN(a_wrong_answer_is_a_full_handshake);
    RUN(sessions_of_other_rules_are_none);
    RUN(a_session_ends_after_a_day);
    RUN(a_hello_that_comes_twice_resumes_once);
    RUN(a_refusal_ends_the_handshake_with_its_alert);
    RUN(what_is_no_answer_leaves_the_question_open);
    RUN(the_answer_may_come_from_another_thread_or_never);
    RUN(the_answer_may_come_from_a_forked_child);
    RUN(what_follows_the_answer_is_in_records_of_the_size_that_was_set);
    RUN(a_hello_with_many_sessions_asks_about_few);
    RUN(what_the_client_left_out_is_not_looked_for);
    RUN(a_stored_session_is_there_until_the_next_event);
    RUN(the_context_has_no_ticket_keys_and_clients_ignore_it);
    return 0;
}
