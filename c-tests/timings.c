/* Section 16: how long handshakes took, and what time it is for a context. */
#include <string.h>
#include <time.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define DAY INT64_C(86400)

static tls_timings_t timings_of(tls_conn_t *conn)
{
    tls_timings_t timings;

    memset(&timings, 0xA5, sizeof(timings));
    timings.size = sizeof(timings);
    CHECK_EQ(tls_handshake_timings(conn, &timings), TLS_OK);
    CHECK_EQ(timings.size, sizeof(timings));
    return timings;
}

static void check_timings(tls_conn_t *conn, uint64_t heard, uint64_t done, uint64_t asking)
{
    tls_timings_t timings = timings_of(conn);

    CHECK_EQ(timings.heard_ns, heard);
    CHECK_EQ(timings.done_ns, done);
    CHECK_EQ(timings.asking_ns, asking);
}

/* in both forms of the engine, in both roles. */
static void handshakes_are_timed_by_the_hosts_clock(void)
{
    for (EACH_VERSION) {
        struct recipe client = with_version(plain_client, version);
        struct pair pair;

        client.verify = TLS_VERIFY_ASK;
        pair = new_pair(&client, &plain_server, NULL);
        CHECK_EQ(tls_time(pair.client, 100), TLS_OK);
        CHECK_EQ(tls_time(pair.server, 100), TLS_OK);
        check_timings(pair.client, 0, 0, 0);

        CHECK_EQ(tls_time(pair.server, 130), TLS_OK);
        CHECK(carry(pair.client, pair.server) > 0);
        check_timings(pair.server, 0, 0, 0);
        CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
        check_timings(pair.server, 30, 0, 0);

        CHECK_EQ(tls_time(pair.client, 150), TLS_OK);
        pump(&pair);
        CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
        check_timings(pair.client, 50, 0, 0);
        CHECK_EQ(tls_time(pair.client, 170), TLS_OK);
        check_timings(pair.client, 50, 0, 20);
        CHECK_EQ(tls_time(pair.client, 1170), TLS_OK);
        CHECK_EQ(tls_answer_verify(pair.client, -1), TLS_OK);
        CHECK_EQ(tls_time(pair.client, 1200), TLS_OK);
        CHECK_EQ(tls_time(pair.server, 1300), TLS_OK);
        finish_handshake(&pair);
        /* An answer processes nothing yet: telling the time does. */
        check_timings(pair.client, 50, 1100, 1020);
        check_timings(pair.server, 30, 1200, 0);

        CHECK_EQ(tls_time(pair.client, 9000), TLS_OK);
        CHECK_EQ(tls_time(pair.server, 9000), TLS_OK);
        check_timings(pair.client, 50, 1100, 1020);
        check_timings(pair.server, 30, 1200, 0);
        check_alive(&pair);
        free_pair(&pair);
    }
}

/* A clock may stand still, and the first reading may come while a question is open. */
static void only_what_passes_between_readings_counts(void)
{
    struct recipe client = plain_client;
    struct pair pair;

    client.verify = TLS_VERIFY_ASK;
    pair = new_pair(&client, &plain_server, NULL);
    pump(&pair);
    CHECK_EQ(pair.client_status, TLS_ASK_VERIFY);
    CHECK_EQ(tls_time(pair.client, 5000), TLS_OK);
    CHECK_EQ(tls_time(pair.client, 5000), TLS_OK);
    check_timings(pair.client, 0, 0, 0);
    CHECK_EQ(tls_time(pair.client, 4999), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_time(pair.client, 5001), TLS_OK);
    check_timings(pair.client, 0, 0, 1);
    free_pair(&pair);
}

static void without_a_clock_there_are_no_times(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);
    tls_timings_t timings;

    check_timings(pair.client, 0, 0, 0);
    check_timings(pair.server, 0, 0, 0);
    memset(&timings, 0xA5, sizeof(timings));
    timings.size = sizeof(size_t) + sizeof(uint64_t) - 1;
    CHECK_EQ(tls_handshake_timings(pair.client, &timings), TLS_ERR_ARGUMENT);
    timings.size = sizeof(size_t) + sizeof(uint64_t);
    CHECK_EQ(tls_handshake_timings(pair.client, &timings), TLS_OK);
    CHECK_EQ(timings.heard_ns, 0);
    CHECK_EQ(timings.done_ns, UINT64_C(0xA5A5A5A5A5A5A5A5));
    CHECK_EQ(tls_handshake_timings(pair.client, NULL), TLS_ERR_ARGUMENT);
    free_pair(&pair);
}

static tls_context_t *client_as_of(int64_t verify_time)
{
    tls_builder_t *builder = make_builder(&plain_client);
    tls_context_t *context;

    CHECK_EQ(tls_builder_verify_time(builder, verify_time), TLS_OK);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static void check_verdict(const tls_context_t *client, const tls_context_t *server, int32_t reason)
{
    struct pair pair = new_pair_of(client, server, NULL);

    pump(&pair);
    CHECK_EQ(error_of(pair.client).reason, reason);
    CHECK_EQ(error_of(pair.client).status, reason == 0 ? TLS_OK : TLS_ERR_CERTIFICATE);
    free_pair(&pair);
}

/* */
static void certificates_are_judged_by_the_contexts_time(void)
{
    int64_t now = (int64_t)time(NULL);
    tls_context_t *server = make_server_context(&plain_server);
    tls_context_t *client = client_as_of(TLS_VERIFY_TIME_NOW), *fixed = client_as_of(now);

    CHECK_EQ(tls_context_time(client, now + 36500 * DAY), TLS_OK);
    check_verdict(client, server, TLS_REASON_CERTIFICATE_EXPIRED);
    CHECK_EQ(tls_context_time(client, 1), TLS_OK);
    check_verdict(client, server, TLS_REASON_CERTIFICATE_NOT_YET_VALID);
    CHECK_EQ(tls_context_time(client, -1), TLS_ERR_ARGUMENT);
    check_verdict(client, server, TLS_REASON_CERTIFICATE_NOT_YET_VALID);
    CHECK_EQ(tls_context_time(client, now), TLS_OK);
    check_verdict(client, server, 0);
    CHECK_EQ(tls_context_time(client, 1), TLS_OK);
    CHECK_EQ(tls_context_time(client, TLS_CONTEXT_TIME_SYSTEM), TLS_OK);
    check_verdict(client, server, 0);

    /* A time that was fixed for certificates stays. */
    CHECK_EQ(tls_context_time(fixed, now + 36500 * DAY), TLS_OK);
    check_verdict(fixed, server, 0);
    tls_context_free(fixed);
    tls_context_free(client);
    tls_context_free(server);
}

/* Whether the next handshake of these contexts resumes a session. */
static int resumes(const tls_context_t *client, const tls_context_t *server)
{
    struct pair pair = new_pair_of(client, server, NULL);
    int resumed;

    finish_handshake(&pair);
    resumed = tls_resumed(pair.client);
    CHECK_EQ(resumed, tls_resumed(pair.server));
    check_alive(&pair);
    free_pair(&pair);
    return resumed;
}

static void sessions_and_ticket_keys_go_by_the_contexts_time(void)
{
    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        int64_t now = (int64_t)time(NULL);
        tls_ticket_key_t key = {.size = sizeof(key), .secret_len = 32};
        tls_context_t *client = make_client_context(&recipe);
        tls_context_t *server = make_server_context(&plain_server);

        fill_bytes(key.secret, 32, 3);
        key.encrypt_from = 1000;
        key.decrypt_until = 5000;
        CHECK_EQ(tls_context_ticket_keys(server, &key, 1, NULL), TLS_OK);

        /* By the clock of the system this key is long gone. */
        CHECK_EQ(resumes(client, server), 0);
        CHECK_EQ(resumes(client, server), 0);
        CHECK_EQ(tls_context_time(server, 1000), TLS_OK);
        CHECK_EQ(resumes(client, server), 0);
        CHECK_EQ(resumes(client, server), 1);
        CHECK_EQ(tls_context_time(server, 4999), TLS_OK);
        CHECK_EQ(resumes(client, server), 1);
        CHECK_EQ(tls_context_time(server, 5000), TLS_OK);
        CHECK_EQ(resumes(client, server), 0);

        /* A client offers no session whose lifetime is over. */
        memset(key.name, 1, sizeof(key.name));
        key.encrypt_from = 0;
        key.decrypt_until = UINT64_MAX;
        CHECK_EQ(tls_context_ticket_keys(server, &key, 1, NULL), TLS_OK);
        CHECK_EQ(tls_context_time(server, now), TLS_OK);
        CHECK_EQ(tls_context_time(client, now), TLS_OK);
        CHECK_EQ(resumes(client, server), 0);
        CHECK_EQ(resumes(client, server), 1);
        CHECK_EQ(tls_context_time(client, now + 8 * DAY), TLS_OK);
        CHECK_EQ(resumes(client, server), 0);
        CHECK_EQ(resumes(client, server), 1);
        tls_context_free(client);
        tls_context_free(server);
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(handshakes_are_timed_by_the_hosts_clock);
    RUN(only_what_passes_between_readings_counts);
    RUN(without_a_clock_there_are_no_times);
    RUN(certificates_are_judged_by_the_contexts_time);
    RUN(sessions_and_ticket_keys_go_by_the_contexts_time);
    return 0;
}
