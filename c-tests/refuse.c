/* Connections that their host ends when the handshake is done. */
#include "check.h"
#include "pair.h"
#include "pki.h"

enum { BAD_CERTIFICATE = 42, ACCESS_DENIED = 49 };

/* What the peer of a connection that was refused says. */
static void check_told(tls_conn_t *conn, int alert)
{
    CHECK_EQ(tls_advance(conn), TLS_ERR_ALERT);
    CHECK_EQ(error_of(conn).alert_received, alert);
}

static void check_refused(tls_conn_t *conn, int alert)
{
    char plain[8];
    tls_error_t error = error_of(conn);

    CHECK_EQ(error.status, TLS_ERR_CERTIFICATE);
    CHECK_EQ(error.reason, TLS_REASON_CERTIFICATE_REFUSED);
    CHECK_EQ(error.alert_sent, alert);
    CHECK((tls_state(conn) & TLS_FAILED) != 0);
    CHECK_EQ(tls_read_into(conn, plain, sizeof(plain)), TLS_ERR_CERTIFICATE);
    CHECK_EQ(tls_write_from(conn, "x", 1), TLS_ERR_CERTIFICATE);
    CHECK_EQ(tls_refuse(conn, BAD_CERTIFICATE), TLS_ERR_CERTIFICATE);
}

static void either_side_refuses_the_other(void)
{
    for (EACH_VERSION) {
        for (int side = 0; side < 2; side++) {
            struct pair pair = connected_pair(version);
            tls_conn_t *refusing = side == 0 ? pair.client : pair.server;
            tls_conn_t *peer = side == 0 ? pair.server : pair.client;

            CHECK_EQ(tls_refuse(refusing, ACCESS_DENIED), 0);
            check_refused(refusing, ACCESS_DENIED);
            carry(refusing, peer);
            check_told(peer, ACCESS_DENIED);
            free_pair(&pair);
        }
    }
}

/* Everything but the bytes with which the server is done has been exchanged. */
static struct pair nearly_done(const tls_context_t *client, const tls_context_t *server)
{
    struct pair pair = new_pair_of(client, server, NULL);

    for (int i = 0; i < 10 && (tls_state(pair.server) & TLS_HANDSHAKING) != 0; i++) {
        tls_advance(pair.client);
        carry(pair.client, pair.server);
        tls_advance(pair.server);
        if ((tls_state(pair.server) & TLS_HANDSHAKING) != 0)
            carry(pair.server, pair.client);
    }
    CHECK_EQ(tls_state(pair.server) & TLS_HANDSHAKING, 0);
    return pair;
}

/* Also of one that has resumed: it would be a fresh one. */
static void who_is_refused_gets_no_ticket(void)
{
    const struct recipe of_server = with_version(plain_server, TLS_VERSION_1_3);
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *server = make_server_context(&of_server);

    for (int round = 0; round < 4; round++) {
        /* In the second round it is let in, and given tickets; those resume in the third and
         * fourth. */
        struct pair pair = nearly_done(client, server);

        CHECK(tls_drain_pending(pair.server) > 0);
        CHECK_EQ(tls_handshake_kind(pair.server),
                 round < 2 ? TLS_HANDSHAKE_FULL : TLS_HANDSHAKE_RESUMED);
        if (round == 1) {
            finish_handshake(&pair);
            check_alive(&pair);
        } else {
            CHECK_EQ(tls_refuse(pair.server, BAD_CERTIFICATE), 0);
            check_refused(pair.server, BAD_CERTIFICATE);
            carry(pair.server, pair.client);
            check_told(pair.client, BAD_CERTIFICATE);
        }
        free_pair(&pair);
    }
    tls_context_free(client);
    tls_context_free(server);
}

/* Ways in which somebody may have seen what is in a queue. Answers how many bytes of it were
 * drained, which are in `wire`. */
enum { DRAINED, SHOWN, SHOWN_BEFORE_NOTHING, SHOWN_BEFORE_NO_ROOM, WRITTEN_BEHIND, SEEN };

static size_t see(tls_conn_t *conn, int how, unsigned char wire[1])
{
    const ptrdiff_t queued = tls_drain_pending(conn);
    unsigned char sealed[64];
    const void *shown;
    size_t len;

    switch (how) {
    case DRAINED: /* One byte of it. */
        CHECK_EQ(tls_drain_into(conn, wire, 1), 1);
        return 1;
    case SHOWN: /* It is being sent from where it is. */
    case SHOWN_BEFORE_NOTHING:
    case SHOWN_BEFORE_NO_ROOM:
        CHECK_EQ(tls_drain_peek(conn, &shown, &len), TLS_OK);
        CHECK_EQ(len, queued);
        /* A write that seals nothing ends the peek, and unsends nothing. */
        if (how == SHOWN_BEFORE_NOTHING)
            CHECK_EQ(tls_write_from(conn, "", 0), 0);
        if (how == SHOWN_BEFORE_NO_ROOM)
            CHECK_EQ(tls_write_into(conn, "hello", 5, sealed, sizeof(sealed), &len),
                     TLS_WANT_DRAIN);
        return 0;
    default:
        CHECK_EQ(tls_write_from(conn, "hello", 5), 5);
        return 0;
    }
}

/* A nonce that was seen is not used again: the tickets stay. */
static void tickets_that_were_seen_stay_in_front(void)
{
    const struct recipe of_server = with_version(plain_server, TLS_VERSION_1_3);
    tls_context_t *client = make_client_context(&plain_client);
    tls_context_t *server = make_server_context(&of_server);

    for (int how = 0; how <= SEEN; how++) {
        struct pair pair = nearly_done(client, server);
        const ptrdiff_t tickets = tls_drain_pending(pair.server);
        unsigned char wire[1];
        size_t drained = 0;
        ptrdiff_t in_front;

        if (how < SEEN) {
            drained = see(pair.server, how, wire);
        } else { /* The client has asked for other keys, and is answered. */
            CHECK_EQ(tls_key_update(pair.client), TLS_OK);
            carry(pair.client, pair.server);
            CHECK_EQ(tls_advance(pair.server), TLS_OK);
        }
        in_front = tls_refuse(pair.server, BAD_CERTIFICATE);
        CHECK(in_front >= tickets - (ptrdiff_t)drained);
        check_refused(pair.server, BAD_CERTIFICATE);
        if (drained > 0)
            CHECK_EQ(tls_feed(pair.client, wire, drained), drained);
        carry(pair.server, pair.client);
        if (how == WRITTEN_BEHIND) {
            char plain[8];
            CHECK_EQ(tls_read_into(pair.client, plain, sizeof(plain)), 5);
        }
        check_told(pair.client, BAD_CERTIFICATE);
        free_pair(&pair);
    }
    tls_context_free(client);
    tls_context_free(server);
}

/* The client is done, and has everything that the server is done with. */
static struct pair client_done(const tls_context_t *client, const tls_context_t *server)
{
    struct pair pair = new_pair_of(client, server, NULL);

    for (int i = 0; i < 10 && (tls_state(pair.client) & TLS_HANDSHAKING) != 0; i++) {
        tls_advance(pair.client);
        if ((tls_state(pair.client) & TLS_HANDSHAKING) != 0)
            carry(pair.client, pair.server);
        tls_advance(pair.server);
        carry(pair.server, pair.client);
    }
    CHECK_EQ(tls_state(pair.client) & TLS_HANDSHAKING, 0);
    return pair;
}

static tls_context_t *asked_client(uint16_t suite)
{
    struct recipe recipe = with_version(plain_client, TLS_VERSION_1_3);
    tls_builder_t *builder;
    tls_context_t *context;

    recipe.chain = "ed25519/client-chain.pem";
    recipe.key = "ed25519/client.key";
    builder = make_builder(&recipe);
    CHECK_EQ(tls_builder_suites(builder, &suite, 1), TLS_OK);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static tls_context_t *asking_server(void)
{
    struct recipe recipe = with_version(plain_server, TLS_VERSION_1_3);

    recipe.client_auth = TLS_CLIENT_AUTH_REQUIRED;
    recipe.trust = "trust/all.pem";
    return make_server_context(&recipe);
}

/* Who refuses a server shows it no certificate, does not end its handshake, and is understood.
 * [R-287]
 */
static void a_client_that_refuses_is_not_done(void)
{
    static const uint16_t suites[] = {0x1301, 0x1302, 0x1303};
    tls_context_t *server = asking_server();

    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        tls_context_t *client = asked_client(suites[i]);

        for (int round = 0; round < 4; round++) {
            struct pair pair = client_done(client, server);

            CHECK_EQ(tls_resumed(pair.client), round > 1);
            if (round == 1) {
                finish_handshake(&pair);
                check_alive(&pair);
            } else {
                CHECK_EQ(tls_refuse(pair.client, BAD_CERTIFICATE), 0);
                check_refused(pair.client, BAD_CERTIFICATE);
                carry(pair.client, pair.server);
                check_told(pair.server, BAD_CERTIFICATE);
                if (round == 0)
                    CHECK_EQ(tls_peer_certificate(pair.server, 0, NULL, 0), 0);
                CHECK_EQ(tls_drain_pending(pair.client), 0);
            }
            free_pair(&pair);
        }
        tls_context_free(client);
    }
    tls_context_free(server);
}

/* Nor is a nonce of these keys used again that was seen. */
static void a_flight_that_was_seen_stays_in_front(void)
{
    tls_context_t *client = asked_client(0x1301), *server = asking_server();

    for (int how = 0; how < SEEN; how++) {
        struct pair pair = client_done(client, server);
        const ptrdiff_t flight = tls_drain_pending(pair.client);
        unsigned char wire[1];
        size_t drained;
        char plain[8];

        CHECK(flight > 0);
        drained = see(pair.client, how, wire);
        CHECK(tls_refuse(pair.client, BAD_CERTIFICATE) >= flight - (ptrdiff_t)drained);
        check_refused(pair.client, BAD_CERTIFICATE);
        if (drained > 0)
            CHECK_EQ(tls_feed(pair.server, wire, drained), drained);
        carry(pair.client, pair.server);
        if (how == WRITTEN_BEHIND)
            CHECK_EQ(tls_read_into(pair.server, plain, sizeof(plain)), 5);
        check_told(pair.server, BAD_CERTIFICATE);
        CHECK(tls_peer_certificate(pair.server, 0, NULL, 0) > 0);
        free_pair(&pair);
    }
    tls_context_free(client);
    tls_context_free(server);
}

static void what_ends_nothing_is_no_end(void)
{
    struct pair pair = connected_pair(TLS_VERSION_1_3);

    CHECK_EQ(tls_refuse(NULL, BAD_CERTIFICATE), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_refuse(pair.server, 0), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_refuse(pair.server, 90), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_refuse(pair.server, 100), TLS_ERR_ARGUMENT);
    check_alive(&pair);
    CHECK_EQ(tls_close_notify(pair.server), TLS_OK);
    CHECK_EQ(tls_refuse(pair.server, BAD_CERTIFICATE), TLS_ERR_STATE);
    CHECK_EQ(tls_state(pair.server) & TLS_FAILED, 0);
    free_pair(&pair);

    pair = new_pair(&plain_client, &plain_server, NULL);
    CHECK_EQ(tls_refuse(pair.client, BAD_CERTIFICATE), TLS_ERR_STATE);
    finish_handshake(&pair);
    check_alive(&pair);
    free_pair(&pair);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(either_side_refuses_the_other);
    RUN(who_is_refused_gets_no_ticket);
    RUN(tickets_that_were_seen_stay_in_front);
    RUN(a_client_that_refuses_is_not_done);
    RUN(a_flight_that_was_seen_stays_in_front);
    RUN(what_ends_nothing_is_no_end);
    return 0;
}
