/* What a connection says about its end, to a log and to a person: names of reasons, texts of peers.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

/* One line of visible ASCII, and no word of the engine's. */
static void check_readable(const tls_error_t *error)
{
    static const char *const rust[] = {"CaUsed", "DnsName", "Unsupported", "MissingData",
                                       "Other(", "{",       "Extension",   "PathLen"};

    CHECK(strlen(error->message) > 20 && strlen(error->message) < sizeof(error->message));
    for (const char *at = error->message; *at != '\0'; at++)
        CHECK(*at >= ' ' && *at <= '~');
    for (size_t i = 0; i < sizeof(rust) / sizeof(rust[0]); i++)
        CHECK(strstr(error->message, rust[i]) == NULL);
}

static tls_error_t refused_server(const struct recipe *server, const char *trust, uint16_t version)
{
    struct recipe client = with_version(plain_client, version);
    struct pair pair;
    tls_error_t error;

    client.trust = trust;
    pair = new_pair(&client, server, NULL);
    pump(&pair);
    error = error_of(pair.client);
    CHECK_EQ(error.status, TLS_ERR_CERTIFICATE);
    check_readable(&error);
    CHECK_EQ(error_of(pair.server).alert_received, error.alert_sent);
    free_pair(&pair);
    return error;
}

/* [R-182]: line ends, escape sequences of a terminal, commas and bytes that are no text. */
static void names_of_a_peer_give_no_orders(void)
{
    static const struct recipe evil = {.chain = "bad/evil-names.pem", .key = "bad/evil-names.key"};
    static const struct recipe many = {.chain = "bad/many-names.pem", .key = "bad/many-names.key"};

    for (EACH_VERSION) {
        tls_error_t error = refused_server(&evil, "ecdsa/ca.pem", version);

        CHECK_EQ(error.reason, TLS_REASON_CERTIFICATE_WRONG_NAME);
        CHECK(strstr(error.message, "not for localhost, but for evil\\0D\\0Alocalhost.test, "
                                    "\\1B[31mred\\1B[0m\\9B\\FF, a.test\\2C b.test") != NULL);
        error = refused_server(&many, "ecdsa/ca.pem", version);
        CHECK_EQ(error.reason, TLS_REASON_CERTIFICATE_WRONG_NAME);
        CHECK(strstr(error.message, "name-1.") != NULL);
        CHECK(strstr(error.message, "..., ") != NULL);
        CHECK(strstr(error.message, " more") != NULL);
    }
}

static void every_certificate_that_is_refused_says_what_to_do(void)
{
    static const struct {
        const char *chain, *key, *trust;
        int32_t reason;
        const char *says;
    } cases[] = {
        /* What openssl req -x509 makes. */
        {"bad/selfsigned-ca.pem", "bad/selfsigned-ca.key", "bad/selfsigned-ca.pem",
         TLS_REASON_CERTIFICATE_IS_CA, "a CA certificate"},
        {"bad/issued-by-server-chain.pem", "bad/issued-by-server.key", "ecdsa/ca.pem",
         TLS_REASON_CERTIFICATE_ISSUER_NOT_CA, "no CA certificate"},
        {"bad/critical-policies-chain.pem", "bad/critical-policies.key", "ecdsa/ca.pem",
         TLS_REASON_CERTIFICATE_UNSUPPORTED, "certificate policies"},
        {"bad/beyond-pathlen-chain.pem", "bad/beyond-pathlen.key", "ecdsa/ca.pem",
         TLS_REASON_CERTIFICATE_PATH_LENGTH, "path length"},
        {"bad/beyond-constraints-chain.pem", "bad/beyond-constraints.key", "ecdsa/ca.pem",
         TLS_REASON_CERTIFICATE_NAME_CONSTRAINT, "name constraints"},
        {"bad/version1-chain.pem", "bad/version1.key", "ecdsa/ca.pem",
         TLS_REASON_CERTIFICATE_VERSION, "version 3"},
        {"bad/expired.pem", "bad/expired.key", "ecdsa/ca.pem", TLS_REASON_CERTIFICATE_EXPIRED,
         "renew"},
        {"bad/notyet.pem", "bad/notyet.key", "ecdsa/ca.pem", TLS_REASON_CERTIFICATE_NOT_YET_VALID,
         "clock"},
        {"bad/wrongusage.pem", "bad/wrongusage.key", "ecdsa/ca.pem",
         TLS_REASON_CERTIFICATE_WRONG_USAGE, "not for servers, but for clients"},
        {"bad/unknownca.pem", "bad/unknownca.key", "ecdsa/ca.pem",
         TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER, "tls_builder_trust_pem"},
        {"bad/wronghost.pem", "bad/wronghost.key", "ecdsa/ca.pem",
         TLS_REASON_CERTIFICATE_WRONG_NAME, "not for localhost, but for other.test"},
    };

    for (EACH_VERSION) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct recipe server = {.chain = cases[i].chain, .key = cases[i].key};
            tls_error_t error = refused_server(&server, cases[i].trust, version);

            CHECK_EQ(error.reason, cases[i].reason);
            CHECK(strstr(error.message, cases[i].says) != NULL);
        }
    }
}

/* at every byte of the server's flights, and before the first. */
static void a_transport_that_ends_leaves_an_explanation(void)
{
    for (EACH_VERSION) {
        struct recipe client = with_version(plain_client, version);
        struct pair pair = new_pair(&client, &plain_server, NULL);
        unsigned char flight[8192];
        ptrdiff_t len;

        CHECK_EQ(tls_advance(pair.client), TLS_WANT_FEED);
        carry(pair.client, pair.server);
        tls_advance(pair.server);
        len = tls_drain_into(pair.server, flight, sizeof(flight));
        CHECK(len > 100);
        free_pair(&pair);
        for (ptrdiff_t cut = 0; cut < len; cut += 37) {
            tls_error_t error;

            pair = new_pair(&client, &plain_server, NULL);
            tls_advance(pair.client);
            CHECK_EQ(tls_feed(pair.client, flight, (size_t)cut), cut);
            /* Those bytes are of another connection's keys: that is an error of its own. */
            if (tls_advance(pair.client) == TLS_WANT_FEED) {
                CHECK_EQ(error_of(pair.client).status, TLS_OK);
                CHECK_EQ(tls_feed_eof(pair.client), TLS_OK);
                CHECK_EQ(tls_advance(pair.client), TLS_TRUNCATED);
                error = error_of(pair.client);
                CHECK_EQ(error.status, TLS_TRUNCATED);
                CHECK_EQ(error.reason, TLS_REASON_HANDSHAKE_CUT_OFF);
                CHECK(strstr(error.message, cut == 0 ? "anything" : "during the handshake") !=
                      NULL);
                check_readable(&error);
            }
            free_pair(&pair);
        }
    }
}

static void data_that_was_cut_off_is_explained_and_a_proper_end_is_not(void)
{
    for (EACH_VERSION) {
        struct pair pair = connected_pair(version);
        tls_error_t error;

        CHECK_EQ(tls_close_notify(pair.server), TLS_OK);
        carry(pair.server, pair.client);
        CHECK_EQ(tls_feed_eof(pair.client), TLS_OK);
        /* The close_notify is there, though nothing has looked at it. */
        CHECK_EQ(error_of(pair.client).status, TLS_OK);
        CHECK_EQ(tls_advance(pair.client), TLS_CLOSED);
        CHECK_EQ(error_of(pair.client).status, TLS_OK);
        free_pair(&pair);

        pair = connected_pair(version);
        CHECK_EQ(tls_feed_eof(pair.client), TLS_OK);
        CHECK_EQ(tls_advance(pair.client), TLS_TRUNCATED);
        error = error_of(pair.client);
        CHECK_EQ(error.status, TLS_TRUNCATED);
        CHECK_EQ(error.reason, TLS_REASON_DATA_CUT_OFF);
        check_readable(&error);
        free_pair(&pair);
    }
}

static void violations_are_told_apart(void)
{
    static const struct {
        unsigned char wire[16];
        size_t len;
        int32_t reason;
    } cases[] = {
        /* A record of the handshake with nothing in it. */
        {{22, 3, 1, 0, 0}, 5, TLS_REASON_EMPTY_RECORD},
        /* A ClientHello of two bytes: its random is missing. */
        {{22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3}, 11, TLS_REASON_FIELD_CUT_OFF},
        /* An alert of level 7. */
        {{21, 3, 1, 0, 2, 7, 80}, 7, TLS_REASON_ALERT_LEVEL},
        /* A Finished first. */
        {{22, 3, 1, 0, 4, 20, 0, 0, 0}, 9, TLS_REASON_UNEXPECTED_MESSAGE},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pair pair = new_pair(&plain_client, &plain_server, NULL);
        tls_error_t error;

        CHECK_EQ(tls_feed(pair.server, cases[i].wire, cases[i].len), cases[i].len);
        CHECK_EQ(tls_advance(pair.server), TLS_ERR_PEER);
        error = error_of(pair.server);
        CHECK_EQ(error.reason, cases[i].reason);
        check_readable(&error);
        free_pair(&pair);
    }
}

/* */
static void every_reason_has_a_name_and_a_number(void)
{
    int named = 0;

    for (int32_t reason = -1000; reason < 2000; reason++) {
        const char *name = tls_reason_name(reason);
        int64_t value = -1;

        CHECK(name != NULL);
        if (strcmp(name, "TLS_UNKNOWN") == 0)
            continue;
        CHECK_EQ(strncmp(name, "TLS_REASON_", 11), 0);
        CHECK_EQ(tls_constant(name, &value), TLS_OK);
        CHECK_EQ(value, reason);
        named++;
    }
    CHECK(named > 150);
    CHECK_EQ(strcmp(tls_reason_name(0), "TLS_REASON_NONE"), 0);
    CHECK_EQ(
        strcmp(tls_reason_name(TLS_REASON_CERTIFICATE_EXPIRED), "TLS_REASON_CERTIFICATE_EXPIRED"),
        0);
    CHECK_EQ(strcmp(tls_reason_name(INT32_MIN), "TLS_UNKNOWN"), 0);
    CHECK_EQ(strcmp(tls_reason_name(INT32_MAX), "TLS_UNKNOWN"), 0);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(names_of_a_peer_give_no_orders);
    RUN(every_certificate_that_is_refused_says_what_to_do);
    RUN(a_transport_that_ends_leaves_an_explanation);
    RUN(data_that_was_cut_off_is_explained_and_a_proper_end_is_not);
    RUN(violations_are_told_apart);
    RUN(every_reason_has_a_name_and_a_number);
    return 0;
}
