/* Where the key is makes no difference: the same events, key-log lines, facts, bytes and
 * counters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"
#include "signer.h"

#define ALL_EVENTS                                                                                 \
    (TLS_EVENT_HANDSHAKE_DONE | TLS_EVENT_TICKET | TLS_EVENT_ALERT_RECEIVED |                      \
     TLS_EVENT_ALERT_SENT | TLS_EVENT_KEY_UPDATE)

/* Ed25519: every signature has the same length. */
static const char *const chains[] = {"ed25519/client-chain.pem", "ed25519/server-chain.pem"};
static const char *const keys[] = {"ed25519/client.key", "ed25519/server.key"};

struct trace {
    char text[16384];
    size_t len;
};

#define TRACE(trace, ...)                                                                          \
    ((trace)->len += (size_t)snprintf((trace)->text + (trace)->len,                                \
                                      sizeof((trace)->text) - (trace)->len, __VA_ARGS__))

static tls_context_t *make(int is_server, uint16_t version, int32_t verify, int elsewhere)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;

    if (elsewhere) {
        size_t len;
        char *pem = pki_read(chains[is_server], &len);

        CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
        free(pem);
    } else {
        CHECK_EQ(tls_builder_identity_file(builder, pki_path(chains[is_server]),
                                           pki_path(keys[is_server])),
                 TLS_OK);
    }
    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    if (is_server)
        CHECK_EQ(tls_builder_client_auth(builder, TLS_CLIENT_AUTH_REQUIRED), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, version, version), TLS_OK);
    CHECK_EQ(tls_builder_verify(builder, verify), TLS_OK);
    CHECK_EQ(tls_builder_alpn(builder, "\002h2\010http/1.1", 12), TLS_OK);
    CHECK_EQ(tls_builder_events(builder, ALL_EVENTS), TLS_OK);
    CHECK_EQ(tls_builder_key_log(builder, 1), TLS_OK);
    context = is_server ? tls_context_server(builder, &error) : tls_context_client(builder, &error);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static void trace_events(struct trace *trace, const char *who, tls_conn_t *conn)
{
    tls_event_t event = {.size = sizeof(event)};

    while (tls_next_event(conn, &event) == 1) {
        event.text[strcspn(event.text, " ")] = '\0';
        TRACE(trace, "%s: event %u %u %s lost %u\n", who, event.kind, event.number, event.text,
              (unsigned)event.lost);
    }
}

static void trace_facts(struct trace *trace, const char *who, tls_conn_t *conn)
{
    tls_counters_t counters = {.size = sizeof(counters)};
    char alpn[16] = "";

    CHECK(tls_alpn(conn, alpn, sizeof(alpn)) >= 0);
    CHECK_EQ(tls_counters(conn, &counters), TLS_OK);
    TRACE(trace, "%s: %04x %04x %04x kind %d alpn %s chain %ld state %u tickets %d\n", who,
          tls_protocol_version(conn), tls_cipher_suite(conn), tls_group(conn),
          tls_handshake_kind(conn), alpn, (long)tls_peer_certificate(conn, 0, NULL, 0),
          tls_state(conn), tls_resumed(conn));
    TRACE(trace, "%s: wire %llu %llu plain %llu %llu records %llu %llu\n", who,
          (unsigned long long)counters.wire_in, (unsigned long long)counters.wire_out,
          (unsigned long long)counters.plain_in, (unsigned long long)counters.plain_out,
          (unsigned long long)counters.records_in, (unsigned long long)counters.records_out);
}

static void answer(struct trace *trace, int is_server, tls_conn_t *conn)
{
    unsigned char signature[1024];
    size_t len;

    switch (tls_advance(conn)) {
    case TLS_ASK_SIGN:
        len = sign_outside(conn, keys[is_server], signature, sizeof(signature));
        CHECK_EQ(tls_answer_sign(conn, signature, len), TLS_OK);
        break;
    case TLS_ASK_VERIFY:
        TRACE(trace, "%d: verify\n", is_server);
        CHECK_EQ(tls_answer_verify(conn, 0), TLS_OK);
        break;
    default:
        break;
    }
}

static void say(tls_conn_t *conn, int update)
{
    CHECK_EQ(tls_write_from(conn, "first", 5), 5);
    if (update)
        CHECK_EQ(tls_key_update(conn), TLS_OK);
    CHECK_EQ(tls_write_from(conn, "second", 6), 6);
}

static void hear(struct trace *trace, const char *who, tls_conn_t *conn)
{
    char plain[64];
    ptrdiff_t len;

    while ((len = tls_read_into(conn, plain, sizeof(plain))) > 0)
        TRACE(trace, "%s: heard %.*s\n", who, (int)len, plain);
}

/* Each side talks as soon as it can, so that its first words come with the end of the handshake. */
static void converse(struct trace *trace, struct pair *pair, uint16_t version)
{
    int said[2] = {0, 0}, update = version == TLS_VERSION_1_3;
    tls_conn_t *const sides[] = {pair->client, pair->server};
    static const char *const names[] = {"client", "server"};

    for (int round = 0; round < 12; round++) {
        for (int i = 0; i < 2; i++) {
            while (tls_state(sides[i]) & TLS_ASKING)
                answer(trace, i, sides[i]);
            check_healthy(sides[i]);
            if (!said[i] && tls_state(sides[i]) & TLS_CAN_WRITE) {
                say(sides[i], update);
                said[i] = 1;
            }
            hear(trace, names[i], sides[i]);
            carry(sides[i], sides[1 - i]);
        }
    }
    CHECK(said[0] && said[1]);
    /* Where no question can open, the answer to a KeyUpdate goes with the next words. */
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2; i++) {
            if (round == 0)
                CHECK_EQ(tls_write_from(sides[i], "third", 5), 5);
            carry(sides[i], sides[1 - i]);
            hear(trace, names[1 - i], sides[1 - i]);
        }
    }
    for (int i = 0; i < 2; i++) {
        trace_events(trace, names[i], sides[i]);
        trace_facts(trace, names[i], sides[i]);
    }
}

/* Two connections, the second of which resumes. */
static void trace_of(struct trace *trace, uint16_t version, int32_t verify, int client_elsewhere,
                     int server_elsewhere)
{
    tls_context_t *client = make(0, version, verify, client_elsewhere);
    tls_context_t *server = make(1, version, verify, server_elsewhere);

    memset(trace, 0, sizeof(*trace));
    for (int i = 0; i < 2; i++) {
        struct pair pair = new_pair_of(client, server, NULL);

        converse(trace, &pair, version);
        CHECK_EQ(tls_resumed(pair.client), i == 1);
        free_pair(&pair);
    }
    CHECK(trace->len < sizeof(trace->text) - 1);
    tls_context_free(client);
    tls_context_free(server);
}

static void where_the_key_is_makes_no_difference(void)
{
    static struct trace own, other;

    for (EACH_VERSION) {
        for (int32_t verify = TLS_VERIFY_PEER; verify <= TLS_VERIFY_ASK; verify++) {
            trace_of(&own, version, verify, 0, 0);
            CHECK(strstr(own.text, "heard") != NULL && strstr(own.text, "event") != NULL);
            for (int which = 1; which < 4; which++) {
                trace_of(&other, version, verify, which & 1, which >> 1);
                if (strcmp(own.text, other.text) != 0)
                    fprintf(stderr, "own:\n%s\nelsewhere (%d):\n%s\n", own.text, which, other.text);
                CHECK_EQ(strcmp(own.text, other.text), 0);
            }
        }
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(where_the_key_is_makes_no_difference);
    return 0;
}
