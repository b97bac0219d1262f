/* The traffic secrets are taken out, and somebody else goes on with the records. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"
#include "records.h"

enum { MOST_NONCES = 16 };

static const struct {
    uint16_t version, suite, key_len;
} suites[] = {
    {TLS_VERSION_1_3, 0x1301, 16}, /* TLS_AES_128_GCM_SHA256 */
    {TLS_VERSION_1_3, 0x1302, 32}, /* TLS_AES_256_GCM_SHA384 */
    {TLS_VERSION_1_3, 0x1303, 32}, /* TLS_CHACHA20_POLY1305_SHA256 */
    {TLS_VERSION_1_2, 0xc02b, 16}, /* TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 */
    {TLS_VERSION_1_2, 0xc02c, 32}, /* TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 */
    {TLS_VERSION_1_2, 0xcca9, 32}, /* TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 */
};

struct secrets {
    tls_traffic_secret_t receive, send;
};

static tls_context_t *giving(int is_server, uint16_t suite, int32_t verify, uint32_t events)
{
    struct recipe recipe = is_server ? plain_server : plain_client;
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder;
    tls_context_t *context;

    recipe.verify = verify;
    /* Both sides are asked about the other one. */
    if (verify == TLS_VERIFY_ASK && is_server)
        recipe.client_auth = TLS_CLIENT_AUTH_REQUIRED;
    if (verify == TLS_VERIFY_ASK && !is_server) {
        recipe.chain = "ecdsa/client-chain.pem";
        recipe.key = "ecdsa/client.key";
    }
    recipe.alpn = "\x02h2";
    builder = make_builder(&recipe);
    if (suite != 0)
        CHECK_EQ(tls_builder_suites(builder, &suite, 1), TLS_OK);
    CHECK_EQ(tls_builder_events(builder, events), TLS_OK);
    CHECK_EQ(tls_builder_secret_extraction(builder, 2), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_secret_extraction(builder, -1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    CHECK_EQ(tls_builder_secret_extraction(builder, 1), TLS_OK);
    context = is_server ? tls_context_server(builder, &error) : tls_context_client(builder, &error);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static struct pair new_giving_pair(uint16_t suite, int32_t verify, uint32_t events)
{
    tls_context_t *client = giving(0, suite, verify, events), *server = giving(1, suite, 0, events);
    struct pair pair = new_pair_of(client, server, NULL);

    tls_context_free(client);
    tls_context_free(server);
    return pair;
}

static struct pair giving_pair(uint16_t suite, int32_t verify)
{
    struct pair pair = new_giving_pair(suite, verify, 0);

    pump(&pair);
    if (pair.client_status == TLS_ASK_VERIFY)
        CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
    finish_handshake(&pair);
    return pair;
}

static struct secrets take(tls_conn_t *conn)
{
    struct secrets secrets = {.receive.size = sizeof(tls_traffic_secret_t),
                              .send.size = sizeof(tls_traffic_secret_t)};
    tls_error_t error = {.size = sizeof(error)};
    tls_status_t status = tls_secrets_take(conn, &secrets.receive, &secrets.send, &error);

    if (status != TLS_OK)
        fprintf(stderr, "%s\n", error.message);
    CHECK_EQ(status, TLS_OK);
    CHECK_EQ(secrets.receive.size, sizeof(secrets.receive));
    return secrets;
}

static void check_not_taken(tls_conn_t *conn, tls_status_t status, const char *why)
{
    struct secrets secrets = {.receive.size = sizeof(tls_traffic_secret_t),
                              .send.size = sizeof(tls_traffic_secret_t)};
    struct secrets before = secrets;
    tls_error_t error = {.size = sizeof(error)};

    CHECK_EQ(tls_secrets_take(conn, &secrets.receive, &secrets.send, NULL), status);
    CHECK_EQ(tls_secrets_take(conn, &secrets.receive, &secrets.send, &error), status);
    CHECK_EQ(error.status, status);
    if (strstr(error.message, why) == NULL)
        fprintf(stderr, "%s\n", error.message);
    CHECK(strstr(error.message, why) != NULL);
    CHECK_BYTES(&secrets, &before, sizeof(secrets));
}

/* Sends a word by secret, which conn reads. */
static void check_sealed_is_read(tls_traffic_secret_t *secret, tls_conn_t *conn, const char *word)
{
    unsigned char wire[256], plain[64];
    size_t len = seal_record(secret, RECORD_DATA, word, strlen(word), wire);

    CHECK_EQ(tls_feed(conn, wire, len), len);
    CHECK_EQ(tls_read_into(conn, plain, sizeof(plain)), strlen(word));
    CHECK_BYTES(plain, word, strlen(word));
}

/* The other way round. */
static void check_written_is_opened(tls_conn_t *conn, tls_traffic_secret_t *secret,
                                    const char *word)
{
    unsigned char wire[256], plain[256];
    uint8_t type;
    size_t len;
    ptrdiff_t n;

    CHECK_EQ(tls_write_from(conn, word, strlen(word)), strlen(word));
    n = tls_drain_into(conn, wire, sizeof(wire));
    CHECK(n > 0);
    CHECK_EQ(open_record(secret, wire, (size_t)n, &type, plain, &len), n);
    CHECK_EQ(type, RECORD_DATA);
    CHECK_EQ(len, strlen(word));
    CHECK_BYTES(plain, word, len);
}

/* The second half of the nonces of the records that conn sends, while it says hello. */
static size_t send_and_note_nonces(tls_conn_t *conn, tls_conn_t *peer, unsigned char (*nonces)[8])
{
    unsigned char wire[256], plain[16];
    size_t count;

    for (count = 0; count < MOST_NONCES; count++) {
        ptrdiff_t n;

        CHECK_EQ(tls_write_from(conn, "hello", 5), 5);
        n = tls_drain_into(conn, wire, sizeof(wire));
        CHECK(n > 13);
        memcpy(nonces[count], wire + 5, 8);
        CHECK_EQ(tls_feed(peer, wire, (size_t)n), n);
        CHECK_EQ(tls_read_into(peer, plain, sizeof(plain)), 5);
    }
    return count;
}

/* The record of the Finished message came before them: its nonce is the start of all, with number
 * 0. */
static void check_nonces_are_new(const tls_traffic_secret_t *secret, unsigned char (*nonces)[8],
                                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK(memcmp(nonces[i], secret->iv + 4, 4) != 0);
}

static void check_over(tls_conn_t *conn)
{
    unsigned char bytes[64] = "";
    const void *wire;
    void *window;
    size_t len;
    tls_span_t span;
    tls_event_t event = {.size = sizeof(event)};

    /* Not even when its last event was taken is it anything else. */
    while (tls_next_event(conn, &event) == 1)
        ;
    CHECK_EQ(tls_state(conn), TLS_HANDED_OVER);
    CHECK_EQ(tls_feed(conn, bytes, 1), TLS_ERR_STATE);
    CHECK_EQ(tls_feed_window(conn, 1, &window, &len), TLS_ERR_STATE);
    CHECK_EQ(tls_feed_eof(conn), TLS_ERR_STATE);
    CHECK_EQ(tls_read_into(conn, bytes, 1), TLS_ERR_STATE);
    CHECK_EQ(tls_read_in_place(conn, bytes, 1, &span, 1, &len), TLS_ERR_STATE);
    CHECK_EQ(tls_write_from(conn, bytes, 1), TLS_ERR_STATE);
    CHECK_EQ(tls_write_into(conn, bytes, 1, bytes, sizeof(bytes), &len), TLS_ERR_STATE);
    CHECK_EQ(tls_drain_into(conn, bytes, 1), TLS_ERR_STATE);
    CHECK_EQ(tls_drain_peek(conn, &wire, &len), TLS_ERR_STATE);
    CHECK_EQ(tls_close_notify(conn), TLS_ERR_STATE);
    CHECK_EQ(tls_key_update(conn), TLS_ERR_STATE);
    CHECK_EQ(tls_advance(conn), TLS_ERR_STATE);
    CHECK(tls_split(conn, NULL) == NULL);
    check_healthy(conn);
    check_not_taken(conn, TLS_ERR_STATE, "already");
}

static void go_on(size_t which, int is_server, int32_t verify)
{
    struct pair pair = giving_pair(suites[which].suite, verify);
    tls_conn_t *conn = is_server ? pair.server : pair.client;
    tls_conn_t *peer = is_server ? pair.client : pair.server;
    unsigned char nonces[MOST_NONCES][8], ours[32], theirs[32];
    tls_counters_t counters = {.size = sizeof(counters)}, after = {.size = sizeof(after)};
    struct secrets secrets;
    size_t count;

    check_alive(&pair);
    count = send_and_note_nonces(conn, peer, nonces);
    CHECK_EQ(tls_counters(conn, &counters), TLS_OK);
    secrets = take(conn);
    for (int i = 0; i < 2; i++) {
        const tls_traffic_secret_t *secret = i == 0 ? &secrets.receive : &secrets.send;

        CHECK_EQ(secret->version, suites[which].version);
        CHECK_EQ(secret->suite, suites[which].suite);
        CHECK_EQ(secret->key_len, suites[which].key_len);
        CHECK_EQ(secret->iv_len, 12);
        CHECK(secret->sequence > 0);
        CHECK(secret->most_records ==
              (suites[which].suite == 0x1303 || suites[which].suite == 0xcca9 ? UINT64_MAX
                                                                              : 1 << 24));
    }
    CHECK(memcmp(secrets.receive.key, secrets.send.key, suites[which].key_len) != 0);
    if (suites[which].suite == 0xc02b || suites[which].suite == 0xc02c)
        check_nonces_are_new(&secrets.send, nonces, count);
    for (int i = 0; i < 3; i++) {
        check_sealed_is_read(&secrets.send, peer, "from the other side");
        check_written_is_opened(peer, &secrets.receive, "to the other side");
    }
    check_over(conn);

    /* What is known stays known. */
    CHECK_EQ(tls_protocol_version(conn), suites[which].version);
    CHECK_EQ(tls_cipher_suite(conn), suites[which].suite);
    CHECK_EQ(tls_group(conn), tls_group(peer));
    CHECK_EQ(tls_handshake_kind(conn), TLS_HANDSHAKE_FULL);
    CHECK_EQ(tls_alpn(conn, ours, sizeof(ours)), 2);
    CHECK_BYTES(ours, "h2", 2);
    CHECK_EQ(tls_sni(conn, (char *)ours, sizeof(ours)), 9);
    CHECK_EQ(tls_peer_certificate(conn, 0, NULL, 0) > 0, !is_server);
    CHECK_EQ(tls_counters(conn, &after), TLS_OK);
    CHECK_BYTES(&after, &counters, sizeof(after));
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(tls_export(conn, "label", 5, NULL, 0, 0, ours, 32), 32);
        CHECK_EQ(tls_export(peer, "label", 5, NULL, 0, 0, theirs, 32), 32);
        CHECK_BYTES(ours, theirs, 32);
    }
    free_pair(&pair);
}

/* */
static void somebody_else_goes_on(void)
{
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        go_on(i, 0, TLS_VERIFY_PEER);
        go_on(i, 1, TLS_VERIFY_PEER);
        go_on(i, 0, TLS_VERIFY_ASK);
    }
}

static size_t open_from(tls_conn_t *conn, tls_traffic_secret_t *secret, uint8_t wanted,
                        unsigned char *plain, size_t room)
{
    unsigned char wire[8192];
    ptrdiff_t n = tls_drain_into(conn, wire, sizeof(wire)), used = 0;
    size_t got = 0;

    CHECK(n > 0);
    while (used < n) {
        unsigned char content[8192];
        uint8_t type;
        size_t len;

        used +=
            (ptrdiff_t)open_record(secret, wire + used, (size_t)(n - used), &type, content, &len);
        CHECK_EQ(type, wanted);
        CHECK(got + len <= room);
        memcpy(plain + got, content, len);
        got += len;
    }
    return got;
}

static void keys_go_on_after_a_key_update(void)
{
    static const unsigned char requested[] = {24, 0, 0, 1, 1}, answer[] = {24, 0, 0, 1, 0};

    for (size_t which = 0; which < 3; which++) {
        struct pair pair = new_giving_pair(suites[which].suite, 0, TLS_EVENT_KEY_UPDATE);
        tls_event_t event = {.size = sizeof(event)};
        struct secrets secrets;

        finish_handshake(&pair);
        secrets.receive.size = sizeof(secrets.receive);
        CHECK_EQ(tls_secrets_next(pair.client, TLS_KEYS_IN, &secrets.receive), TLS_ERR_STATE);
        secrets = take(pair.client);
        for (int i = 0; i < 3; i++) {
            unsigned char plain[64], wire[64];
            tls_traffic_secret_t old = secrets.receive;
            size_t len;

            CHECK_EQ(tls_key_update(pair.server), TLS_OK);
            CHECK_EQ(open_from(pair.server, &secrets.receive, RECORD_HANDSHAKE, plain, 64), 5);
            CHECK_BYTES(plain, requested, 5);
            CHECK_EQ(tls_secrets_next(pair.client, TLS_KEYS_IN, &secrets.receive), TLS_OK);
            CHECK_EQ(secrets.receive.sequence, 0);
            CHECK(memcmp(secrets.receive.key, old.key, old.key_len) != 0);
            check_written_is_opened(pair.server, &secrets.receive, "under new keys");

            len = seal_record(&secrets.send, RECORD_HANDSHAKE, answer, sizeof(answer), wire);
            CHECK_EQ(tls_feed(pair.server, wire, len), len);
            CHECK_EQ(tls_secrets_next(pair.client, TLS_KEYS_OUT, &secrets.send), TLS_OK);
            check_sealed_is_read(&secrets.send, pair.server, "under new keys, too");

            CHECK_EQ(tls_next_event(pair.client, &event), 1);
            CHECK_EQ(event.number, TLS_KEYS_IN);
            CHECK_EQ(tls_state(pair.client), TLS_HANDED_OVER | TLS_HAS_EVENT);
            CHECK_EQ(tls_next_event(pair.client, &event), 1);
            CHECK_EQ(event.number, TLS_KEYS_OUT);
        }
        CHECK_EQ(tls_secrets_next(pair.client, 0, &secrets.send), TLS_ERR_ARGUMENT);
        CHECK_EQ(tls_secrets_next(pair.client, 3, &secrets.send), TLS_ERR_ARGUMENT);
        secrets.send.size--;
        CHECK_EQ(tls_secrets_next(pair.client, TLS_KEYS_OUT, &secrets.send), TLS_ERR_ARGUMENT);
        check_over(pair.client);
        free_pair(&pair);
    }
}

static void tls_1_2_has_one_pair_of_keys_and_no_late_tickets(void)
{
    struct pair pair = giving_pair(0xc02b, 0);
    struct secrets secrets = take(pair.client);
    static const unsigned char message[] = {4, 0, 0, 1, 0};

    CHECK_EQ(tls_secrets_next(pair.client, TLS_KEYS_OUT, &secrets.send), TLS_ERR_STATE);
    CHECK_EQ(tls_secrets_next(pair.client, TLS_KEYS_IN, &secrets.receive), TLS_ERR_STATE);
    CHECK_EQ(tls_secrets_ticket(pair.client, message, sizeof(message)), TLS_ERR_STATE);
    check_over(pair.client);
    free_pair(&pair);
}

static void tickets_that_come_later_are_kept(void)
{
    tls_context_t *client = giving(0, 0, 0, TLS_EVENT_TICKET), *server = giving(1, 0, 0, 0);
    struct pair pair = new_pair_of(client, server, NULL);
    unsigned char tickets[4096];
    static const unsigned char malformed[] = {4, 0, 0, 1, 0}, other[] = {24, 0, 0, 1, 0};
    struct secrets secrets;
    size_t len;

    tls_advance(pair.client);
    carry(pair.client, pair.server);
    tls_advance(pair.server);
    carry(pair.server, pair.client);
    CHECK_EQ(tls_advance(pair.client), TLS_OK);
    carry(pair.client, pair.server);
    CHECK_EQ(tls_advance(pair.server), TLS_OK);

    secrets = take(pair.client);
    len = open_from(pair.server, &secrets.receive, RECORD_HANDSHAKE, tickets, sizeof(tickets));
    CHECK_EQ(tickets[0], 4);
    CHECK_EQ(tls_secrets_ticket(pair.client, tickets, len - 1), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_secrets_ticket(pair.client, other, sizeof(other)), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_secrets_ticket(pair.client, NULL, 0), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_state(pair.client), TLS_HANDED_OVER);
    CHECK_EQ(tls_secrets_ticket(pair.client, tickets, len), TLS_OK);
    CHECK_EQ(tls_state(pair.client), TLS_HANDED_OVER | TLS_HAS_EVENT);

    CHECK_EQ(tls_secrets_ticket(pair.client, malformed, sizeof(malformed)), TLS_ERR_PEER);
    CHECK_EQ(tls_secrets_ticket(pair.client, tickets, len), TLS_ERR_PEER);
    CHECK_EQ(error_of(pair.client).alert_sent, -1);
    CHECK_EQ(tls_protocol_version(pair.client), TLS_VERSION_1_3);
    take(pair.server);
    CHECK_EQ(tls_secrets_ticket(pair.server, tickets, len), TLS_ERR_STATE);
    free_pair(&pair);

    pair = new_pair_of(client, server, NULL);
    finish_handshake(&pair);
    CHECK_EQ(tls_resumed(pair.client), 1);
    secrets = take(pair.client);
    check_sealed_is_read(&secrets.send, pair.server, "resumed");
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
}

/* */
static void nothing_is_taken_between_two_records(void)
{
    for (EACH_VERSION) {
        struct pair pair = giving_pair(version == TLS_VERSION_1_3 ? 0x1301 : 0xc02b, 0);
        unsigned char wire[256], plain[64];
        tls_span_t span;
        size_t consumed;
        ptrdiff_t n;

        CHECK_EQ(tls_cork(pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(pair.client, "queued", 6), 6);
        check_not_taken(pair.client, TLS_ERR_STATE, "6 plain bytes are corked");
        CHECK_EQ(tls_uncork(pair.client), TLS_OK);
        n = tls_drain_pending(pair.client);
        snprintf((char *)plain, sizeof(plain), "%td wire bytes are queued", n);
        check_not_taken(pair.client, TLS_ERR_STATE, (char *)plain);
        carry(pair.client, pair.server);
        check_not_taken(pair.server, TLS_ERR_STATE, "6 plain bytes wait");
        CHECK_EQ(tls_read_into(pair.server, plain, 5), 5);
        check_not_taken(pair.server, TLS_ERR_STATE, "1 plain bytes wait");
        CHECK_EQ(tls_read_into(pair.server, plain, 5), 1);

        CHECK_EQ(tls_write_from(pair.server, "cut", 3), 3);
        n = tls_drain_into(pair.server, wire, sizeof(wire));
        CHECK_EQ(tls_feed(pair.client, wire, 7), 7);
        check_not_taken(pair.client, TLS_ERR_STATE, "7 wire bytes are the beginning of a record");
        CHECK_EQ(tls_feed(pair.client, wire + 7, (size_t)n - 7), n - 7);
        check_not_taken(pair.client, TLS_ERR_STATE, "3 plain bytes wait");
        CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), 3);

        CHECK_EQ(tls_write_from(pair.server, "cut", 3), 3);
        n = tls_drain_into(pair.server, wire, sizeof(wire));
        CHECK_EQ(tls_read_in_place(pair.client, wire, 9, &span, 1, &consumed), TLS_WANT_FEED);
        check_not_taken(pair.client, TLS_ERR_STATE, "9 wire bytes were left by tls_read_in_place");
        CHECK_EQ(tls_read_in_place(pair.client, wire, (size_t)n, &span, 1, &consumed), 1);

        check_alive(&pair);
        take(pair.client);
        take(pair.server);
        free_pair(&pair);
    }
}

static void an_answer_that_is_owed_leaves_first(void)
{
    struct pair pair = giving_pair(0x1301, 0);
    struct secrets secrets;

    CHECK_EQ(tls_key_update(pair.server), TLS_OK);
    carry(pair.server, pair.client);
    CHECK_EQ(tls_advance(pair.client), TLS_OK);
    check_not_taken(pair.client, TLS_ERR_STATE, "wire bytes are queued");
    CHECK(tls_state(pair.client) & TLS_CAN_DRAIN);
    CHECK(carry(pair.client, pair.server) > 0);
    check_alive(&pair);
    secrets = take(pair.client);
    check_sealed_is_read(&secrets.send, pair.server, "on");
    check_written_is_opened(pair.server, &secrets.receive, "and on");
    free_pair(&pair);
}

/* Records that set the engine's count of messages back are none of the peer's. */
static void sequence_numbers_are_the_peers_after_any_number_of_answers(void)
{
    for (int answers = 14; answers < 36; answers++) {
        struct pair pair = giving_pair(suites[0].suite, 0);
        struct secrets secrets;

        for (int i = 0; i < answers; i++) {
            unsigned char plain[4];

            CHECK_EQ(tls_write_from(pair.client, "y", 1), 1);
            CHECK_EQ(tls_key_update(pair.client), TLS_OK);
            CHECK(carry(pair.client, pair.server) > 0);
            CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 1);
            CHECK_EQ(tls_advance(pair.server), TLS_OK);
            /* An answer leaves with what is written next. */
            CHECK_EQ(tls_write_from(pair.server, "x", 1), 1);
            CHECK(carry(pair.server, pair.client) > 0);
            CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), 1);
        }
        secrets = take(pair.client);
        CHECK_EQ(secrets.receive.sequence, 1);
        check_written_is_opened(pair.server, &secrets.receive, "the next one");
        check_sealed_is_read(&secrets.send, pair.server, "and the other way");
        free_pair(&pair);
    }
}

/* Sends a KeyUpdate that asks for one, and a byte of data: 0 if that byte is read. */
static tls_status_t ask_for_keys(tls_conn_t *keys, tls_traffic_secret_t *send, tls_conn_t *to)
{
    static const unsigned char request[] = {24, 0, 0, 1, 1};
    unsigned char wire[2 * RECORD_ROOM + 8], plain[4];
    size_t len = seal_record(send, RECORD_HANDSHAKE, request, sizeof(request), wire);
    ptrdiff_t count;

    CHECK_EQ(tls_secrets_next(keys, TLS_KEYS_OUT, send), TLS_OK);
    len += seal_record(send, RECORD_DATA, "x", 1, wire + len);
    CHECK_EQ(tls_feed(to, wire, len), (ptrdiff_t)len);
    count = tls_read_into(to, plain, sizeof(plain));
    return count == 1 ? TLS_OK : (tls_status_t)count;
}

/* What is queued, opened record by record: how many plain bytes, and how many answers. */
static size_t open_queued(tls_conn_t *keys, tls_traffic_secret_t *receive, tls_conn_t *from,
                          size_t *answers)
{
    static unsigned char wire[100000], plain[sizeof(wire)];
    size_t at = 0, total = 0, len;
    ptrdiff_t end = tls_drain_into(from, wire, sizeof(wire));

    for (uint8_t type; at < (size_t)end; total += type == RECORD_DATA ? len : 0) {
        at += open_record(receive, wire + at, (size_t)end - at, &type, plain, &len);
        if (type == RECORD_HANDSHAKE) {
            *answers += 1;
            CHECK_EQ(tls_secrets_next(keys, TLS_KEYS_IN, receive), TLS_OK);
        }
    }
    return total;
}

/* a peer that asks for new keys again and again, while nobody drains, is answered
 * as far as there is room beside what a cork keeps, then once for all; and nobody is the worse for
 * it. */
static void answers_never_take_the_room_of_what_is_kept(void)
{
    static unsigned char plain[100000];

    for (int form = 0; form < 8; form++) {
        int asks = form & 1, is_split = form & 2, is_corked = form & 4;
        struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
        tls_context_t *client, *server = giving(1, 0x1301, 0, 0);
        struct pair pair;
        struct secrets secrets;
        tls_conn_t *sender;
        size_t written = 0, answers = 0;
        ptrdiff_t n;

        recipe.verify = asks ? TLS_VERIFY_ASK : TLS_VERIFY_PEER;
        recipe.outbound = 2 * TLS_MIN_OUTBOUND_LIMIT;
        client = make_client_context(&recipe);
        pair = new_pair_of(client, server, NULL);
        pump(&pair);
        if (asks)
            CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
        finish_handshake(&pair);
        check_alive(&pair);
        sender = is_split ? tls_split(pair.client, NULL) : pair.client;
        secrets = take(pair.server);
        if (is_corked)
            CHECK_EQ(tls_cork(sender), TLS_OK);
        while ((n = tls_write_from(sender, plain, sizeof(plain) - written)) > 0)
            written += (size_t)n;
        CHECK_EQ(n, TLS_WANT_DRAIN);

        for (int i = 0; i < 60; i++) {
            CHECK_EQ(ask_for_keys(pair.server, &secrets.send, pair.client), TLS_OK);
            CHECK_EQ(tls_advance(sender), TLS_OK);
            CHECK(tls_drain_pending(sender) <= (ptrdiff_t)recipe.outbound);
        }
        CHECK_EQ(tls_uncork(sender), TLS_OK);
        CHECK(tls_drain_pending(sender) <= (ptrdiff_t)recipe.outbound);
        n = (ptrdiff_t)open_queued(pair.server, &secrets.receive, sender, &answers);
        CHECK_EQ(n, (ptrdiff_t)written);

        /* With room again the one that waits comes, of a side that does not wait for a record of
         * its own; what was kept has taken it along. */
        CHECK_EQ((tls_state(sender) & TLS_CAN_DRAIN) != 0, is_split && !is_corked);
        CHECK_EQ(open_queued(pair.server, &secrets.receive, sender, &answers), 0);
        CHECK_EQ(ask_for_keys(pair.server, &secrets.send, pair.client), TLS_OK);
        CHECK_EQ(tls_write_from(sender, "z", 1), 1);
        CHECK_EQ(open_queued(pair.server, &secrets.receive, sender, &answers), 1);
        CHECK(answers > 0 && answers < 20);
        check_healthy(sender);
        if (is_split)
            tls_free(sender);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
    }
}

/* a record that holds the beginning of a message is whole, and stays; the next one is
 * needed. */
static void half_a_message_needs_the_next_record(void)
{
    static const unsigned char request[] = {24, 0, 0, 1, 1};

    for (int split_at = 0; split_at < 4; split_at++) {
        struct pair pair = giving_pair(0x1301, 0);
        tls_traffic_secret_t send = take(pair.server).send;
        tls_conn_t *sender = NULL;

        for (size_t i = 0; i < sizeof(request); i++) {
            unsigned char wire[RECORD_ROOM + 1];
            size_t len = seal_record(&send, RECORD_HANDSHAKE, request + i, 1, wire);

            if ((int)i + 1 == split_at)
                sender = tls_split(pair.client, NULL);
            CHECK_EQ(tls_feed_needed(pair.client), 5);
            CHECK_EQ(tls_feed(pair.client, wire, 3), 3);
            CHECK_EQ(tls_feed_needed(pair.client), 2);
            CHECK_EQ(tls_feed(pair.client, wire + 3, 4), 4);
            CHECK_EQ(tls_feed_needed(pair.client), (ptrdiff_t)len - 7);
            CHECK_EQ(tls_feed(pair.client, wire + 7, len - 7), (ptrdiff_t)len - 7);
        }
        CHECK_EQ(tls_feed_needed(pair.client), 5);
        CHECK_EQ(tls_secrets_next(pair.server, TLS_KEYS_OUT, &send), TLS_OK);
        check_sealed_is_read(&send, pair.client, "under the next key");
        tls_free(sender);
        free_pair(&pair);
    }
}

/* Early data that was not read would be lost. */
static void early_data_is_read_first(void)
{
    tls_context_t *contexts[2];
    struct secrets secrets;
    unsigned char plain[8];
    struct pair pair;

    for (int is_server = 0; is_server < 2; is_server++) {
        tls_builder_t *builder = make_builder(is_server ? &plain_server : &plain_client);

        CHECK_EQ(tls_builder_early_data(builder, 1000), TLS_OK);
        CHECK_EQ(tls_builder_secret_extraction(builder, 1), TLS_OK);
        contexts[is_server] =
            is_server ? tls_context_server(builder, NULL) : tls_context_client(builder, NULL);
        CHECK(contexts[is_server] != NULL);
        tls_builder_free(builder);
    }
    pair = new_pair_of(contexts[0], contexts[1], NULL);
    finish_handshake(&pair);
    free_pair(&pair);
    pair = new_pair_of(contexts[0], contexts[1], NULL);
    CHECK_EQ(tls_early_write_from(pair.client, "early", 5), 5);
    finish_handshake(&pair);
    check_not_taken(pair.server, TLS_ERR_STATE, "early data waits");
    CHECK_EQ(tls_early_read_into(pair.server, plain, sizeof(plain)), 5);
    while (carry(pair.server, pair.client) > 0)
        CHECK_EQ(tls_advance(pair.client), TLS_OK);
    secrets = take(pair.server);
    check_written_is_opened(pair.client, &secrets.receive, "late");
    free_pair(&pair);
    tls_context_free(contexts[0]);
    tls_context_free(contexts[1]);
}

static void what_must_not_be_taken_is_refused(void)
{
    struct secrets secrets = {.receive.size = sizeof(tls_traffic_secret_t),
                              .send.size = sizeof(tls_traffic_secret_t)};
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    tls_conn_t *half;

    check_not_taken(NULL, TLS_ERR_ARGUMENT, "NULL");
    check_not_taken(pair.client, TLS_ERR_STATE, "tls_builder_secret_extraction");
    check_alive(&pair);
    free_pair(&pair);
    check_not_taken(pair.client, TLS_ERR_ARGUMENT, "NULL");

    pair = new_giving_pair(0, 0, 0);
    check_not_taken(pair.client, TLS_ERR_STATE, "handshake");
    finish_handshake(&pair);
    CHECK_EQ(tls_secrets_take(pair.client, NULL, &secrets.send, NULL), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_secrets_take(pair.client, &secrets.receive, NULL, NULL), TLS_ERR_ARGUMENT);
    secrets.send.size--;
    CHECK_EQ(tls_secrets_take(pair.client, &secrets.receive, &secrets.send, NULL),
             TLS_ERR_ARGUMENT);
    check_alive(&pair);
    half = tls_split(pair.client, NULL);
    CHECK(half != NULL);
    check_not_taken(pair.client, TLS_ERR_STATE, "half");
    check_not_taken(half, TLS_ERR_STATE, "half");
    CHECK_EQ(tls_close_notify(half), TLS_OK);
    carry(half, pair.server);
    CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
    check_not_taken(pair.server, TLS_ERR_STATE, "over");
    tls_free(half);
    free_pair(&pair);

    for (int way = 0; way < 2; way++) {
        pair = giving_pair(0, 0);
        if (way == 0)
            CHECK_EQ(tls_close_notify(pair.client), TLS_OK);
        else
            CHECK_EQ(tls_feed_eof(pair.client), TLS_OK);
        check_not_taken(pair.client, TLS_ERR_STATE, "over");
        free_pair(&pair);
    }

    pair = giving_pair(0, 0);
    CHECK_EQ(tls_feed(pair.client, "GET / HTTP", 10), 10);
    check_not_taken(pair.client, TLS_ERR_PEER, "HTTP");
    free_pair(&pair);
}

/* ---- What a peer does in vain right behind the handshake ---- */

enum { FLOOD_RECORDS = 33, FLOOD_ROOM = FLOOD_RECORDS * RECORD_ROOM };

/* What comes in one piece; in two, of which the handshake is one, or some records are the other; in
 * one for each record behind the handshake; byte by byte. */
enum cut { AT_ONCE, BEHIND_THE_HANDSHAKE, LAST_RECORDS, EACH, BYTES, CUTS };

/* Gives the first `len` bytes of `wire` to `conn`, which is asked about its peer while it takes
 * them; answers how many of them it is done with. */
static size_t give(tls_conn_t *conn, unsigned char *wire, size_t len, int in_place)
{
    size_t done = 0, consumed = 0;
    tls_span_t span;
    tls_status_t status;

    if (!in_place)
        CHECK_EQ(tls_feed(conn, wire, len), len);
    do {
        if (in_place)
            status =
                (tls_status_t)tls_read_in_place(conn, wire + done, len - done, &span, 1, &consumed);
        else
            status = tls_advance(conn);
        done += consumed;
        /* In TLS 1.3 the question is about what stands in front of the Finished. */
    } while (status == TLS_ASK_VERIFY && tls_answer_verify(conn, 0) == TLS_OK);
    return in_place ? done : len;
}

/* Gives the last flight of the handshake, and empty records that follow it; answers what comes of
 * it. */
static tls_status_t flood(uint16_t suite, int32_t verify, int in_place, int records, enum cut cut)
{
    tls_context_t *client = giving(0, suite, verify, 0), *server = giving(1, suite, verify, 0);
    struct pair pair = new_pair_of(client, server, NULL);
    int is_tls13 = suite >> 8 == 0x13;
    tls_conn_t *last, *victim = is_tls13 ? pair.server : pair.client;
    unsigned char wire[16384 + FLOOD_ROOM], plain[16];
    struct secrets secrets;
    size_t flight, len, at = 0, done = 0;
    tls_status_t status;
    int i;

    last = is_tls13 ? pair.client : pair.server;
    for (i = 0; (tls_state(last) & TLS_HANDSHAKING) != 0; i++) {
        CHECK(i < 10);
        carry(last, victim);
        if (tls_advance(victim) == TLS_ASK_VERIFY)
            CHECK_EQ(tls_answer_verify(victim, 0), TLS_OK);
        tls_advance(victim);
        carry(victim, last);
        if (tls_advance(last) == TLS_ASK_VERIFY)
            CHECK_EQ(tls_answer_verify(last, 0), TLS_OK);
        tls_advance(last);
    }
    len = flight = (size_t)tls_drain_into(last, wire, 16384);
    CHECK(flight > 0 && flight < 16384);
    secrets = take(last);
    for (i = 0; i < records; i++)
        len += seal_record(&secrets.send, RECORD_DATA, "", 0, wire + len);
    while (at < len) {
        size_t record = at < flight ? flight : (size_t)5 + wire[at + 3] * 256u + wire[at + 4];
        size_t piece = cut == AT_ONCE || (cut != EACH && at > 0) ? len - at : record;

        if (cut == LAST_RECORDS && at == 0)
            piece = flight + (len - flight) / (size_t)records * 20;
        if (cut == BYTES)
            piece = 1;
        at += piece;
        done += give(victim, wire + done, at - done, in_place);
    }
    status = (tls_status_t)tls_read_into(victim, plain, sizeof(plain));
    if (status == TLS_ERR_PEER)
        CHECK_EQ(error_of(victim).reason, TLS_REASON_TOO_MANY_EMPTY_RECORDS);
    free_pair(&pair);
    tls_context_free(client);
    tls_context_free(server);
    return status;
}

static void empty_records_are_counted_alike_however_they_are_cut(void)
{
    size_t i;
    int way, cut;

    for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
        for (way = 0; way < 4; way++)
            for (cut = 0; cut < CUTS; cut++) {
                int32_t verify = way % 2 == 0 ? TLS_VERIFY_PEER : TLS_VERIFY_ASK;
                uint16_t suite = suites[i].suite;

                CHECK_EQ(flood(suite, verify, way / 2, FLOOD_RECORDS - 1, cut), TLS_WANT_FEED);
                CHECK_EQ(flood(suite, verify, way / 2, FLOOD_RECORDS, cut), TLS_ERR_PEER);
            }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(somebody_else_goes_on);
    RUN(keys_go_on_after_a_key_update);
    RUN(tls_1_2_has_one_pair_of_keys_and_no_late_tickets);
    RUN(tickets_that_come_later_are_kept);
    RUN(nothing_is_taken_between_two_records);
    RUN(an_answer_that_is_owed_leaves_first);
    RUN(sequence_numbers_are_the_peers_after_any_number_of_answers);
    RUN(answers_never_take_the_room_of_what_is_kept);
    RUN(half_a_message_needs_the_next_record);
    RUN(early_data_is_read_first);
    RUN(what_must_not_be_taken_is_refused);
    RUN(empty_records_are_counted_alike_however_they_are_cut);
    return 0;
}
