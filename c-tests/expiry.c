/* Sessions do not outlive the certificates that they stand for. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authority.h"
#include "check.h"
#include "pair.h"
#include "pki.h"

#define CA "basicConstraints=critical,CA:TRUE"
#define HOST "subjectAltName=DNS:localhost"

enum { MINUTE = 60 };

/* Where a server has its sessions. */
enum keeping { OWN_KEYS, GIVEN_KEYS, MEMORY, KEEPINGS };

static struct made root, lasting, ending;

static void set_keys(tls_context_t *server)
{
    tls_ticket_key_t key = {.size = sizeof(key), .secret_len = 48, .decrypt_until = UINT64_MAX};

    memset(key.name, 7, sizeof(key.name));
    fill_bytes(key.secret, key.secret_len, 7);
    CHECK_EQ(tls_context_ticket_keys(server, &key, 1, NULL), TLS_OK);
}

static tls_context_t *new_server(const struct made *own, int32_t client_auth, int32_t verify,
                                 enum keeping keeping)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *server;

    identify_made(builder, own, 1);
    CHECK_EQ(trust_made(builder, &root), TLS_OK);
    CHECK_EQ(tls_builder_client_auth(builder, client_auth), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, verify), TLS_OK);
    if (keeping == MEMORY)
        CHECK_EQ(tls_builder_early_data(builder, 1000), TLS_OK);
    server = tls_context_server(builder, NULL);
    CHECK(server != NULL);
    if (keeping == GIVEN_KEYS)
        set_keys(server);
    tls_builder_free(builder);
    return server;
}

static tls_context_t *new_client(const struct made *own, const struct made *anchor, int32_t verify,
                                 uint16_t version)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *client;

    if (own != NULL)
        identify_made(builder, own, 1);
    CHECK_EQ(trust_made(builder, anchor), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, verify), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, version, version), TLS_OK);
    client = tls_context_client(builder, NULL);
    CHECK(client != NULL);
    tls_builder_free(builder);
    return client;
}

static void set_clock(const tls_context_t *context, int minutes)
{
    CHECK_EQ(tls_context_time(context, (int64_t)time(NULL) + (int64_t)minutes * MINUTE), TLS_OK);
}

/* One handshake. carried: the session that the host carries, and what it gets for it; NULL where
 * the context has them. Returns what ended it, or TLS_OK; resumed says whether it was. */
static tls_error_t shake(const tls_context_t *client, const tls_context_t *server,
                         tls_session_t **carried, int *resumed)
{
    struct pair pair = {NULL, tls_server_new(server, NULL), TLS_OK, TLS_OK};
    tls_error_t error = {.size = sizeof(error)};

    pair.client = carried != NULL ? tls_client_new_resuming(client, "localhost", *carried, &error)
                                  : tls_client_new(client, "localhost", &error);
    CHECK(pair.client != NULL && pair.server != NULL);
    if (carried != NULL)
        tls_session_free(*carried);
    pump(&pair);
    error = error_of(pair.client);
    if (error.status == TLS_OK || error.status == TLS_ERR_ALERT)
        error = error_of(pair.server);
    if (error.status == TLS_OK) {
        finish_handshake(&pair);
        check_alive(&pair);
        *resumed = tls_resumed(pair.client);
        CHECK_EQ(tls_resumed(pair.server), *resumed);
    }
    if (carried != NULL)
        *carried = error.status == TLS_OK ? tls_session_take(pair.client, NULL) : NULL;
    free_pair(&pair);
    return error;
}

/* A handshake now, one after 30 minutes, which resumes, and one after two hours, by the clocks of
 * those that are told. Frees the contexts. */
static tls_error_t after_two_hours(tls_context_t *client, tls_context_t *server, int client_clock,
                                   int server_clock, int carries)
{
    tls_session_t *session = NULL, **carried = carries ? &session : NULL;
    tls_error_t error;
    int resumed = 0;

    CHECK_EQ(shake(client, server, carried, &resumed).status, TLS_OK);
    CHECK_EQ(resumed, 0);
    if (client_clock)
        set_clock(client, 30);
    if (server_clock)
        set_clock(server, 30);
    CHECK_EQ(shake(client, server, carried, &resumed).status, TLS_OK);
    CHECK_EQ(resumed, 1);
    if (client_clock)
        set_clock(client, 120);
    if (server_clock)
        set_clock(server, 120);
    resumed = 0;
    error = shake(client, server, carried, &resumed);
    CHECK_EQ(resumed, 0);
    tls_session_free(session);
    tls_context_free(client);
    tls_context_free(server);
    return error;
}

/* The server's own has ended, and the client has not noticed. */
static void a_server_resumes_nothing_of_its_former_certificate(void)
{
    for (EACH_VERSION) {
        for (int keeping = 0; keeping < KEEPINGS; keeping++) {
            for (int carries = 0; carries <= 1; carries++) {
                tls_error_t error = after_two_hours(
                    new_client(NULL, &root, TLS_VERIFY_PEER, version),
                    new_server(&ending, TLS_CLIENT_AUTH_NONE, TLS_VERIFY_PEER, keeping), 0, 1,
                    carries);

                CHECK_EQ(error.status, TLS_OK);
            }
        }
    }
}

/* The same where the new certificate is another context's. */
static void a_ticket_does_not_outlive_the_certificate_in_the_next_context(void)
{
    for (EACH_VERSION) {
        tls_context_t *client = new_client(NULL, &root, TLS_VERIFY_PEER, version);
        tls_context_t *former =
            new_server(&ending, TLS_CLIENT_AUTH_NONE, TLS_VERIFY_PEER, GIVEN_KEYS);
        tls_context_t *next =
            new_server(&lasting, TLS_CLIENT_AUTH_NONE, TLS_VERIFY_PEER, GIVEN_KEYS);
        int resumed = 0;

        CHECK_EQ(shake(client, former, NULL, &resumed).status, TLS_OK);
        set_clock(next, 30);
        CHECK_EQ(shake(client, next, NULL, &resumed).status, TLS_OK);
        CHECK_EQ(resumed, 1);
        CHECK_EQ(shake(client, former, NULL, &resumed).status, TLS_OK);
        tls_context_free(client);
        client = new_client(NULL, &root, TLS_VERIFY_PEER, version);
        CHECK_EQ(shake(client, former, NULL, &resumed).status, TLS_OK);
        set_clock(next, 120);
        resumed = 0;
        CHECK_EQ(shake(client, next, NULL, &resumed).status, TLS_OK);
        CHECK_EQ(resumed, 0);
        tls_context_free(client);
        tls_context_free(former);
        tls_context_free(next);
    }
}

/* Where its rules decide, the client is told that it has expired; where they do not, the
 * handshake is full. */
static void a_server_resumes_no_client_whose_certificate_has_ended(void)
{
    static const int32_t modes[] = {TLS_VERIFY_PEER, TLS_VERIFY_DANGEROUS_NONE};

    for (EACH_VERSION) {
        for (int keeping = 0; keeping < KEEPINGS; keeping++) {
            for (int i = 0; i < 2; i++) {
                tls_error_t error = after_two_hours(
                    new_client(&ending, &root, TLS_VERIFY_PEER, version),
                    new_server(&lasting, TLS_CLIENT_AUTH_REQUIRED, modes[i], keeping), 0, 1, 0);

                CHECK_EQ(error.reason, i == 0 ? TLS_REASON_CERTIFICATE_EXPIRED : 0);
            }
        }
    }
}

/* */
static void a_client_offers_no_session_of_a_server_whose_certificate_has_ended(void)
{
    static const int32_t modes[] = {TLS_VERIFY_PEER, TLS_VERIFY_ANY_NAME,
                                    TLS_VERIFY_DANGEROUS_NONE};

    for (EACH_VERSION) {
        for (int carries = 0; carries <= 1; carries++) {
            for (int i = 0; i < 3; i++) {
                tls_error_t error = after_two_hours(
                    new_client(NULL, &root, modes[i], version),
                    new_server(&ending, TLS_CLIENT_AUTH_NONE, TLS_VERIFY_PEER, OWN_KEYS), 1, 0,
                    carries);

                CHECK_EQ(error.reason, i < 2 ? TLS_REASON_CERTIFICATE_EXPIRED : 0);
            }
        }
    }
}

struct visit {
    const tls_context_t *client, *server;
    int resumed;
};

static void *shake_elsewhere(void *argument)
{
    struct visit *visit = argument;

    CHECK_EQ(shake(visit->client, visit->server, NULL, &visit->resumed).status, TLS_OK);
    return NULL;
}

/* A thread prefers the sessions that came to it: those that have ended do not hide one that came to
 * another thread since. */
static void sessions_that_have_ended_hide_no_other(void)
{
    for (EACH_VERSION) {
        tls_context_t *client = new_client(NULL, &root, TLS_VERIFY_PEER, version);
        tls_context_t *former =
            new_server(&ending, TLS_CLIENT_AUTH_NONE, TLS_VERIFY_PEER, GIVEN_KEYS);
        tls_context_t *renewed =
            new_server(&lasting, TLS_CLIENT_AUTH_NONE, TLS_VERIFY_PEER, GIVEN_KEYS);
        struct visit visit = {client, renewed, -1};
        pthread_t thread;
        int resumed = -1;

        CHECK_EQ(shake(client, former, NULL, &resumed).status, TLS_OK);
        set_clock(client, 120);
        CHECK_EQ(pthread_create(&thread, NULL, shake_elsewhere, &visit), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(visit.resumed, 0);
        CHECK_EQ(shake(client, renewed, NULL, &resumed).status, TLS_OK);
        CHECK_EQ(resumed, 1);
        tls_context_free(client);
        tls_context_free(former);
        tls_context_free(renewed);
    }
}

/* Of the chain, the anchor counts as well. */
static void the_end_of_the_anchor_is_that_of_the_session(void)
{
    struct made short_root = make_certificate(
        (struct wish){.subject = "root", .key = root.key, .minutes = 60, .extensions = {CA}}, NULL);

    for (EACH_VERSION) {
        for (int carries = 0; carries <= 1; carries++) {
            tls_error_t error = after_two_hours(
                new_client(NULL, &short_root, TLS_VERIFY_PEER, version),
                new_server(&lasting, TLS_CLIENT_AUTH_NONE, TLS_VERIFY_PEER, OWN_KEYS), 1, 0,
                carries);

            CHECK_EQ(error.reason, TLS_REASON_ANCHOR_EXPIRED);
        }
    }
    free_made(&short_root);
}

/* Sessions that a server keeps itself last a day. That one is resumed meanwhile prolongs
 * nothing where it stays the same one, as in TLS 1.2. */
static void a_session_of_which_nothing_is_said_lasts_a_day(void)
{
    enum { DAY = 24 * 60 };

    for (EACH_VERSION) {
        for (int by_client = 0; by_client <= 1; by_client++) {
            for (int carries = 0; carries <= 1; carries++) {
                tls_context_t *client = new_client(NULL, &root, TLS_VERIFY_PEER, version);
                tls_context_t *server =
                    new_server(&lasting, TLS_CLIENT_AUTH_NONE, TLS_VERIFY_PEER, MEMORY);
                tls_context_t *late = by_client ? client : server;
                tls_session_t *session = NULL, **carried = carries ? &session : NULL;
                int resumed = 0;

                CHECK_EQ(shake(client, server, carried, &resumed).status, TLS_OK);
                CHECK_EQ(resumed, 0);
                if (version == TLS_VERSION_1_2) {
                    for (int hours = 1; hours < 24; hours += 11) {
                        set_clock(late, 60 * hours);
                        CHECK_EQ(shake(client, server, carried, &resumed).status, TLS_OK);
                        CHECK_EQ(resumed, 1);
                    }
                }
                set_clock(late, DAY + 1);
                CHECK_EQ(shake(client, server, carried, &resumed).status, TLS_OK);
                CHECK_EQ(resumed, 0);
                tls_session_free(session);
                tls_context_free(client);
                tls_context_free(server);
            }
        }
    }
}

/* What has not ended, or is judged as of a fixed time, is resumed as ever. */
static void other_sessions_go_on(void)
{
    for (EACH_VERSION) {
        tls_context_t *client = new_client(&lasting, &root, TLS_VERIFY_PEER, version);
        tls_context_t *server =
            new_server(&lasting, TLS_CLIENT_AUTH_REQUIRED, TLS_VERIFY_PEER, GIVEN_KEYS);
        int resumed = 0;

        CHECK_EQ(shake(client, server, NULL, &resumed).status, TLS_OK);
        set_clock(client, 120);
        set_clock(server, 120);
        CHECK_EQ(shake(client, server, NULL, &resumed).status, TLS_OK);
        CHECK_EQ(resumed, 1);
        tls_context_free(client);
        tls_context_free(server);
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    lasting = make_certificate((struct wish){.subject = "lasting", .extensions = {HOST}}, &root);
    ending = make_certificate(
        (struct wish){.subject = "ending", .minutes = 60, .extensions = {HOST}}, &root);
    RUN(a_server_resumes_nothing_of_its_former_certificate);
    RUN(a_ticket_does_not_outlive_the_certificate_in_the_next_context);
    RUN(a_server_resumes_no_client_whose_certificate_has_ended);
    RUN(a_client_offers_no_session_of_a_server_whose_certificate_has_ended);
    RUN(sessions_that_have_ended_hide_no_other);
    RUN(the_end_of_the_anchor_is_that_of_the_session);
    RUN(a_session_of_which_nothing_is_said_lasts_a_day);
    RUN(other_sessions_go_on);
    free_made(&root);
    free_made(&lasting);
    free_made(&ending);
    return 0;
}
