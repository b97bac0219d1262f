/* Questions in the middle of a step: what an open one takes, how many there may be, and who may
 * answer. */
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "pair.h"
#include "pki.h"
#include "signer.h"

static const char *const chain = "ecdsa/server-chain.pem", *const key = "ecdsa/server.key";

static tls_context_t *external_server(uint32_t open_questions)
{
    tls_builder_t *builder = tls_builder_new();
    size_t len;
    char *pem = pki_read(chain, &len);
    tls_context_t *context;

    CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
    CHECK_EQ(tls_builder_open_questions(builder, open_questions), TLS_OK);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    free(pem);
    return context;
}

static struct pair pair_with(uint16_t version, const tls_context_t *server)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_context_t *client = make_client_context(&recipe);
    struct pair pair = new_pair_of(client, server, NULL);

    tls_context_free(client);
    return pair;
}

static void answer(tls_conn_t *conn)
{
    unsigned char signature[1024];
    size_t len = sign_outside(conn, key, signature, sizeof(signature));

    CHECK_EQ(tls_answer_sign(conn, signature, len), TLS_OK);
}

static int tasks(void)
{
    DIR *directory = opendir("/proc/self/task");
    int count = 0;

    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    CHECK_EQ(closedir(directory), 0);
    return count;
}

/* */
static void no_thread_waits(void)
{
    enum { MANY = 50 };
    tls_context_t *server = external_server(0);
    int before = tasks();

    for (EACH_VERSION) {
        struct pair pairs[MANY];

        for (int i = 0; i < MANY; i++) {
            pairs[i] = pair_with(version, server);
            pump(&pairs[i]);
            CHECK_EQ(pairs[i].server_status, TLS_ASK_SIGN);
        }
        CHECK_EQ(tasks(), before);
        answer(pairs[MANY / 2].server);
        finish_handshake(&pairs[MANY / 2]);
        CHECK_EQ(tasks(), before);
        for (int i = 0; i < MANY; i++)
            free_pair(&pairs[i]);
    }
    tls_context_free(server);
}

/* Whoever comes when all places are taken is held up, and goes on when one is free. */
static void open_questions_are_bounded(void)
{
    tls_context_t *server = external_server(1);

    for (EACH_VERSION) {
        for (int end = 0; end < 3; end++) {
            struct pair first = pair_with(version, server), second = pair_with(version, server);
            char byte;

            pump(&first);
            CHECK_EQ(first.server_status, TLS_ASK_SIGN);
            pump(&second);
            CHECK_EQ(second.server_status, TLS_ERR_LIMIT);
            CHECK_EQ(tls_advance(second.server), TLS_ERR_LIMIT);
            CHECK_EQ(tls_read_into(second.server, &byte, 1), TLS_ERR_LIMIT);
            CHECK_EQ(tls_state(second.server), TLS_HANDSHAKING | TLS_HELD_UP | TLS_CAN_FEED);
            CHECK_EQ(tls_sign_scheme(second.server), 0);
            if (end == 0)
                answer(first.server);
            if (end == 1)
                CHECK_EQ(tls_answer_refuse(first.server, 40), TLS_OK);
            if (end == 2) {
                tls_free(first.server);
                first.server = NULL;
            }
            /* No byte more is needed. */
            CHECK_EQ(tls_state(second.server), TLS_HANDSHAKING | TLS_ASKING | TLS_CAN_FEED);
            CHECK_EQ(tls_advance(second.server), TLS_ASK_SIGN);
            answer(second.server);
            finish_handshake(&second);
            check_alive(&second);
            if (end == 0)
                finish_handshake(&first);
            free_pair(&first);
            free_pair(&second);
        }
    }
    tls_context_free(server);
}

/* An answer to another question is taken although the next step must wait. */
static void an_answer_is_taken_while_all_places_are(void)
{
    tls_context_t *server = external_server(1);
    struct pair first = pair_with(TLS_VERSION_1_3, server),
                second = pair_with(TLS_VERSION_1_3, NULL);

    pump(&first);
    CHECK_EQ(first.server_status, TLS_ASK_SIGN);
    pump(&second);
    CHECK_EQ(second.server_status, TLS_ASK_CONTEXT);
    CHECK_EQ(tls_answer_context(second.server, server), TLS_OK);
    CHECK_EQ(tls_answer_context(second.server, server), TLS_ERR_STATE);
    CHECK_EQ(tls_advance(second.server), TLS_ERR_LIMIT);
    answer(first.server);
    CHECK_EQ(tls_advance(second.server), TLS_ASK_SIGN);
    answer(second.server);
    finish_handshake(&first);
    finish_handshake(&second);
    free_pair(&first);
    free_pair(&second);
    tls_context_free(server);
}

/* Puts each byte of the records into a record of its own. */
static size_t one_byte_records(const unsigned char *wire, size_t len, unsigned char *out)
{
    size_t n = 0;

    for (size_t at = 0; at + 5 <= len;) {
        size_t payload = (size_t)wire[at + 3] << 8 | wire[at + 4];

        for (size_t i = 0; i < payload; i++) {
            memcpy(out + n, wire + at, 3);
            out[n + 3] = 0;
            out[n + 4] = 1;
            out[n + 5] = wire[at + 5 + i];
            n += 6;
        }
        at += 5 + payload;
    }
    return n;
}

/* Only a whole ClientHello begins a step that may ask: while the one place is taken, all before it
 * is as ever. */
static void a_hello_in_pieces_takes_no_place(void)
{
    static unsigned char wire[4096], pieces[6 * sizeof(wire)];
    tls_context_t *server = external_server(1);

    for (EACH_VERSION) {
        struct pair first = pair_with(version, server), second = pair_with(version, server);
        ptrdiff_t len = tls_drain_into(second.client, wire, sizeof(wire));
        size_t total;

        CHECK(len > 0);
        total = one_byte_records(wire, (size_t)len, pieces);
        pump(&first);
        CHECK_EQ(first.server_status, TLS_ASK_SIGN);
        for (size_t at = 0; at < total; at += 6) {
            CHECK_EQ(tls_feed(second.server, pieces + at, 6), 6);
            CHECK_EQ(tls_advance(second.server), at + 6 < total ? TLS_WANT_FEED : TLS_ERR_LIMIT);
        }
        free_pair(&first);
        CHECK_EQ(tls_advance(second.server), TLS_ASK_SIGN);
        answer(second.server);
        finish_handshake(&second);
        check_alive(&second);
        free_pair(&second);
    }
    tls_context_free(server);
}

/* The same of the hello that follows a HelloRetryRequest: nothing in front of its end takes a
 * place. */
static void a_second_hello_in_pieces_takes_no_place(void)
{
    static const uint16_t client_groups[] = {0x001d, 0x0018}, server_groups[] = {0x0018};
    static unsigned char wire[4096], pieces[6 * sizeof(wire)];
    tls_builder_t *builder = tls_builder_new();
    size_t pem_len, total;
    char *pem = pki_read(chain, &pem_len);
    tls_context_t *server, *client;
    struct pair first, second;
    ptrdiff_t len;

    CHECK_EQ(tls_builder_identity_external(builder, pem, pem_len), TLS_OK);
    CHECK_EQ(tls_builder_groups(builder, server_groups, 1), TLS_OK);
    CHECK_EQ(tls_builder_open_questions(builder, 1), TLS_OK);
    server = tls_context_server(builder, NULL);
    tls_builder_free(builder);
    builder = tls_builder_new();
    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    CHECK_EQ(tls_builder_groups(builder, client_groups, 2), TLS_OK);
    client = tls_context_client(builder, NULL);
    tls_builder_free(builder);

    first = new_pair_of(client, server, NULL);
    second = new_pair_of(client, server, NULL);
    carry(second.client, second.server);
    CHECK_EQ(tls_advance(second.server), TLS_WANT_FEED);
    CHECK(carry(second.server, second.client) > 0);
    CHECK_EQ(tls_advance(second.client), TLS_WANT_FEED);
    pump(&first);
    CHECK_EQ(first.server_status, TLS_ASK_SIGN);
    len = tls_drain_into(second.client, wire, sizeof(wire));
    CHECK(len > 0);
    total = one_byte_records(wire, (size_t)len, pieces);
    for (size_t at = 0; at < total; at += 6) {
        CHECK_EQ(tls_feed(second.server, pieces + at, 6), 6);
        CHECK_EQ(tls_advance(second.server), at + 6 < total ? TLS_WANT_FEED : TLS_ERR_LIMIT);
    }
    free_pair(&first);
    CHECK_EQ(tls_advance(second.server), TLS_ASK_SIGN);
    answer(second.server);
    finish_handshake(&second);
    check_alive(&second);
    CHECK_EQ(tls_handshake_kind(second.server), TLS_HANDSHAKE_FULL_RETRIED);
    free_pair(&second);
    tls_context_free(client);
    tls_context_free(server);
    free(pem);
}

static tls_context_t *external_client(uint16_t version, uint32_t early_data)
{
    tls_builder_t *builder = tls_builder_new();
    size_t len;
    char *pem = pki_read("ecdsa/client-chain.pem", &len);
    tls_context_t *context;

    CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, version, version), TLS_OK);
    CHECK_EQ(tls_builder_open_questions(builder, 1), TLS_OK);
    CHECK_EQ(tls_builder_early_data(builder, early_data), TLS_OK);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    free(pem);
    return context;
}

/* Bytes one by one: a client is asked for its signature once, with the last of them. */
static void a_client_asks_when_its_flight_is_whole(void)
{
    for (int early = 0; early < 2; early++) {
        for (EACH_VERSION) {
            struct recipe recipe = with_version(plain_server, version);
            tls_context_t *client = external_client(version, early ? 1 : 0), *server;
            static unsigned char wire[16384];
            unsigned char signature[1024];
            struct pair pair;
            ptrdiff_t len;
            size_t signed_len;

            recipe.client_auth = TLS_CLIENT_AUTH_REQUIRED;
            recipe.trust = "trust/all.pem";
            server = make_server_context(&recipe);
            pair = new_pair_of(client, server, NULL);
            carry(pair.client, pair.server);
            CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
            len = tls_drain_into(pair.server, wire, sizeof(wire));
            CHECK(len > 0);
            for (ptrdiff_t at = 0; at < len; at++) {
                CHECK_EQ(tls_feed(pair.client, wire + at, 1), 1);
                CHECK_EQ(tls_advance(pair.client), at + 1 < len ? TLS_WANT_FEED : TLS_ASK_SIGN);
            }
            signed_len =
                sign_outside(pair.client, "ecdsa/client.key", signature, sizeof(signature));
            CHECK_EQ(tls_answer_sign(pair.client, signature, signed_len), TLS_OK);
            finish_handshake(&pair);
            check_alive(&pair);
            CHECK(tls_peer_certificate(pair.server, 0, NULL, 0) > 0);
            free_pair(&pair);
            tls_context_free(client);
            tls_context_free(server);
        }
    }
}

static void *answer_here(void *conn)
{
    answer(conn);
    return NULL;
}

static void *free_here(void *conn)
{
    tls_free(conn);
    return NULL;
}

static void on_a_thread(void *(*work)(void *), void *argument)
{
    pthread_t thread;

    CHECK_EQ(pthread_create(&thread, NULL, work, argument), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* */
static void another_thread_answers_or_frees(void)
{
    tls_context_t *server = external_server(1);

    for (EACH_VERSION) {
        struct pair pair = pair_with(version, server);

        pump(&pair);
        on_a_thread(answer_here, pair.server);
        finish_handshake(&pair);
        check_alive(&pair);
        free_pair(&pair);
        pair = pair_with(version, server);
        pump(&pair);
        CHECK_EQ(pair.server_status, TLS_ASK_SIGN);
        on_a_thread(free_here, pair.server);
        pair.server = NULL;
        free_pair(&pair);
    }
    tls_context_free(server);
}

/* The connection goes on in the child, and its copy in the parent is freed there. */
static void a_forked_child_answers(void)
{
    tls_context_t *server = external_server(0);

    for (EACH_VERSION) {
        struct pair pair = pair_with(version, server);
        unsigned char signature[1024];
        size_t len;
        pid_t child;
        int status;

        pump(&pair);
        CHECK_EQ(pair.server_status, TLS_ASK_SIGN);
        len = sign_outside(pair.server, key, signature, sizeof(signature));
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            CHECK_EQ(tls_answer_sign(pair.server, signature, len), TLS_OK);
            finish_handshake(&pair);
            check_alive(&pair);
            free_pair(&pair);
            tls_context_free(server);
            _exit(0);
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
        free_pair(&pair);
    }
    tls_context_free(server);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(no_thread_waits);
    RUN(open_questions_are_bounded);
    RUN(an_answer_is_taken_while_all_places_are);
    RUN(a_hello_in_pieces_takes_no_place);
    RUN(a_second_hello_in_pieces_takes_no_place);
    RUN(a_client_asks_when_its_flight_is_whole);
    RUN(another_thread_answers_or_frees);
    RUN(a_forked_child_answers);
    return 0;
}
