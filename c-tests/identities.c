/* Several identities in one context, and which of them a peer gets to see. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

/* Names within the test PKI; the list ends with a NULL. */
struct identity {
    const char *chain, *key;
};

static const struct identity rsa = {"rsa/server-chain.pem", "rsa/server.key"};
static const struct identity ecdsa = {"ecdsa/server-chain.pem", "ecdsa/server.key"};
static const struct identity ed25519 = {"ed25519/server-chain.pem", "ed25519/server.key"};
static const struct identity exact = {"ecdsa/exact.pem", "ecdsa/exact.key"};
static const struct identity elsewhere = {"bad/wronghost.pem", "bad/wronghost.key"};
static const struct identity rsa_client = {"rsa/client-chain.pem", "rsa/client.key"};
static const struct identity ecdsa_client = {"ecdsa/client-chain.pem", "ecdsa/client.key"};
static const struct identity ed25519_client = {"ed25519/client-chain.pem", "ed25519/client.key"};

static void add(tls_builder_t *builder, const struct identity *identity)
{
    CHECK_EQ(tls_builder_identity_file(builder, pki_path(identity->chain), pki_path(identity->key)),
             TLS_OK);
}

static tls_context_t *server_of(const struct identity *const *identities)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;

    while (*identities != NULL)
        add(builder, *identities++);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static tls_context_t *client_of(const struct identity *const *identities, uint16_t version)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;

    while (*identities != NULL)
        add(builder, *identities++);
    CHECK_EQ(tls_builder_trust_file(builder, pki_path("trust/all.pem")), TLS_OK);
    CHECK_EQ(tls_builder_versions(builder, version, version), TLS_OK);
    context = tls_context_client(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static void check_shows(tls_conn_t *conn, const char *leaf)
{
    size_t len;
    unsigned char *expected = pki_der(leaf, &len), *seen = malloc(len);

    CHECK_EQ(tls_peer_certificate(conn, 0, seen, len), len);
    CHECK_BYTES(seen, expected, len);
    free(expected);
    free(seen);
}

/* A ClientHello of TLS 1.2, whose answer is not encrypted. Its parts begin with their lengths. */
struct offer {
    const char *name; /* NULL for none */
    uint16_t schemes[4];
};

static size_t put(unsigned char *at, size_t width, size_t number)
{
    for (size_t i = 0; i < width; i++)
        at[i] = (unsigned char)(number >> (8 * (width - 1 - i)));
    return width;
}

static size_t write_hello(unsigned char *wire, const struct offer *offer)
{
    static const unsigned char groups[] = {0, 10, 0, 4, 0, 2, 0, 0x17};
    /* Suites for ECDSA (and Ed25519) and for RSA. */
    static const unsigned char suites[] = {0, 4, 0xc0, 0x2b, 0xc0, 0x2f};
    size_t count = 0, len = 5 + 4, start;

    len += put(wire + len, 2, 0x0303);
    memset(wire + len, 7, 32);
    len += 32;
    wire[len++] = 0;
    memcpy(wire + len, suites, sizeof(suites));
    len += sizeof(suites);
    len += put(wire + len, 2, 0x0100);
    start = len;
    len += 2;
    if (offer->name != NULL) {
        size_t name = strlen(offer->name);

        len += put(wire + len, 2, 0);
        len += put(wire + len, 2, name + 5);
        len += put(wire + len, 2, name + 3);
        len += put(wire + len, 3, name);
        memcpy(wire + len, offer->name, name);
        len += name;
    }
    memcpy(wire + len, groups, sizeof(groups));
    len += sizeof(groups);
    while (count < 4 && offer->schemes[count] != 0)
        count++;
    len += put(wire + len, 2, 13);
    len += put(wire + len, 2, 2 + 2 * count);
    len += put(wire + len, 2, 2 * count);
    for (size_t i = 0; i < count; i++)
        len += put(wire + len, 2, offer->schemes[i]);
    put(wire + start, 2, len - start - 2);
    put(wire, 3, 0x160301);
    put(wire + 3, 2, len - 5);
    put(wire + 5, 1, 1);
    put(wire + 6, 3, len - 9);
    return len;
}

static int contains(const unsigned char *bytes, size_t len, const unsigned char *part,
                    size_t part_len)
{
    for (size_t at = 0; at + part_len <= len; at++)
        if (memcmp(bytes + at, part, part_len) == 0)
            return 1;
    return 0;
}

/* The server shows the certificate in this file; NULL: the handshake fails for want of a signature.
 */
static void check_serves(const tls_context_t *context, const struct offer *offer, const char *leaf)
{
    static const char *const leaves[] = {"rsa/server.pem", "ecdsa/server.pem", "ed25519/server.pem",
                                         "ecdsa/exact.pem", "bad/wronghost.pem"};
    unsigned char hello[512], flight[8192];
    size_t hello_len = write_hello(hello, offer);
    tls_conn_t *server = tls_server_new(context, NULL);
    ptrdiff_t len;

    CHECK_EQ(tls_feed(server, hello, hello_len), hello_len);
    if (leaf == NULL) {
        CHECK_EQ(tls_advance(server), TLS_ERR_NO_COMMON);
        CHECK_EQ(error_of(server).reason, TLS_REASON_NO_COMMON_SIGNATURE);
        CHECK_EQ(error_of(server).alert_sent, 40);
    } else {
        CHECK_EQ(tls_advance(server), TLS_WANT_FEED);
        len = tls_drain_into(server, flight, sizeof(flight));
        CHECK(len > 0);
        for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
            size_t der_len;
            unsigned char *der = pki_der(leaves[i], &der_len);

            CHECK_EQ(contains(flight, (size_t)len, der, der_len), strcmp(leaves[i], leaf) == 0);
            free(der);
        }
    }
    tls_free(server);
}

enum { ECDSA_P256 = 0x0403, RSA_PSS = 0x0804, RSA_PKCS1 = 0x0401, ED25519 = 0x0807 };

/* */
static void a_server_chooses_by_name(void)
{
    static const struct identity *const identities[] = {&elsewhere, &ecdsa, &exact, NULL};
    tls_context_t *server = server_of(identities);
    static const struct {
        const char *name, *leaf;
    } cases[] = {
        {"localhost", "ecdsa/server.pem"},
        {"server.test", "ecdsa/server.pem"},
        {"SERVER.Test", "ecdsa/server.pem"},
        {"other.test", "bad/wronghost.pem"},
        {"two.wild.test", "ecdsa/server.pem"},
        {"one.wild.test", "ecdsa/exact.pem"},
        {"ONE.wild.TEST", "ecdsa/exact.pem"},
        /* Not for the wildcard: an asterisk is one label. These go to the first identity. */
        {"a.two.wild.test", "bad/wronghost.pem"},
        {"wild.test", "bad/wronghost.pem"},
        {"nobody.test", "bad/wronghost.pem"},
        {NULL, "bad/wronghost.pem"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct offer offer = {cases[i].name, {ECDSA_P256, RSA_PSS}};

        check_serves(server, &offer, cases[i].leaf);
    }
    tls_context_free(server);
}

/* */
static void a_server_chooses_by_the_signatures_that_the_client_verifies(void)
{
    static const struct identity *const identities[] = {&exact,   &rsa,       &ecdsa,
                                                        &ed25519, &elsewhere, NULL};
    tls_context_t *server = server_of(identities);
    static const struct {
        struct offer offer;
        const char *leaf;
    } cases[] = {
        /* The server's order counts, not the client's. */
        {{"server.test", {ECDSA_P256, RSA_PSS}}, "rsa/server.pem"},
        {{"server.test", {RSA_PKCS1}}, "rsa/server.pem"},
        {{"server.test", {ECDSA_P256}}, "ecdsa/server.pem"},
        {{"server.test", {ED25519, ECDSA_P256}}, "ecdsa/server.pem"},
        {{"server.test", {ED25519}}, "ed25519/server.pem"},
        /* The wildcard's, when the key of the exact name is of no use. */
        {{"one.wild.test", {RSA_PSS, ECDSA_P256}}, "ecdsa/exact.pem"},
        {{"one.wild.test", {RSA_PSS}}, "rsa/server.pem"},
        {{"one.wild.test", {ED25519}}, "ed25519/server.pem"},
        /* Without a name that is known: all of them. */
        {{"nobody.test", {ECDSA_P256}}, "ecdsa/exact.pem"},
        {{"nobody.test", {RSA_PSS}}, "rsa/server.pem"},
        {{NULL, {ED25519}}, "ed25519/server.pem"},
        /* A certificate for another name is no way out, and unknown schemes are none. */
        {{"other.test", {RSA_PSS}}, NULL},
        {{"server.test", {0xfe01}}, NULL},
        {{NULL, {0xfe01}}, NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_serves(server, &cases[i].offer, cases[i].leaf);
    tls_context_free(server);
}

static void the_whole_handshake_works_with_each(void)
{
    static const struct identity *const identities[] = {&elsewhere, &rsa, &exact, NULL},
                                        *none[] = {NULL};
    static const struct {
        const char *name, *leaf;
    } cases[] = {
        {"localhost", "rsa/server.pem"},
        {"one.wild.test", "ecdsa/exact.pem"},
        {"other.test", "bad/wronghost.pem"},
        {"two.wild.test", "rsa/server.pem"},
        {"127.0.0.1", NULL},
    };
    tls_context_t *server = server_of(identities);

    for (EACH_VERSION) {
        tls_context_t *client = client_of(none, version);

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            /* The second of them resumes. */
            for (int again = 0; again < 2; again++) {
                struct pair pair = new_pair_of(client, server, cases[i].name);

                if (cases[i].leaf == NULL) {
                    /* An address is not sent, so the first identity is shown, which is not for it.
                     */
                    pump(&pair);
                    CHECK_EQ(error_of(pair.client).reason, TLS_REASON_CERTIFICATE_WRONG_NAME);
                } else {
                    finish_handshake(&pair);
                    check_shows(pair.client, cases[i].leaf);
                    CHECK_EQ(tls_resumed(pair.client), again);
                    check_alive(&pair);
                }
                free_pair(&pair);
            }
        }
        tls_context_free(client);
    }
    tls_context_free(server);
}

static tls_context_t *asking_server(const char *trust)
{
    struct recipe recipe = plain_server;

    recipe.client_auth = TLS_CLIENT_AUTH_OPTIONAL;
    recipe.verify = trust == NULL ? TLS_VERIFY_DANGEROUS_NONE : TLS_VERIFY_PEER;
    recipe.trust = trust;
    return make_server_context(&recipe);
}

/* */
static void a_client_shows_what_the_server_can_verify(void)
{
    static const struct identity *const identities[] = {&rsa_client, &ecdsa_client, &ed25519_client,
                                                        NULL};
    static const struct {
        const char *trust, *leaf;
    } cases[] = {
        {"rsa/ca.pem", "rsa/client.pem"},         {"ecdsa/ca.pem", "ecdsa/client.pem"},
        {"ed25519/ca.pem", "ed25519/client.pem"}, {"ed25519/inter.pem", "ed25519/client.pem"},
        {"trust/all.pem", "rsa/client.pem"},      {NULL, "rsa/client.pem"},
    };

    for (EACH_VERSION) {
        tls_context_t *client = client_of(identities, version);

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            tls_context_t *server = asking_server(cases[i].trust);

            for (int again = 0; again < 2; again++) {
                struct pair pair = new_pair_of(client, server, NULL);

                finish_handshake(&pair);
                check_shows(pair.server, cases[i].leaf);
                check_alive(&pair);
                free_pair(&pair);
            }
            tls_context_free(server);
        }
        tls_context_free(client);
    }
}

/* */
static void a_client_that_has_nothing_of_the_named_authorities_shows_its_first(void)
{
    static const struct identity *const identities[] = {&ecdsa_client, &ed25519_client, NULL};

    for (EACH_VERSION) {
        tls_context_t *client = client_of(identities, version),
                      *server = asking_server("rsa/ca.pem");
        struct pair pair = new_pair_of(client, server, NULL);

        pump(&pair);
        CHECK_EQ(error_of(pair.server).reason, TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER);
        free_pair(&pair);
        tls_context_free(client);
        tls_context_free(server);
    }
}

static void a_bad_identity_leaves_the_good_ones(void)
{
    static const struct offer offer = {"server.test", {ECDSA_P256}};
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context;

    add(builder, &ecdsa);
    CHECK_EQ(tls_builder_identity_file(builder, pki_path("rsa/server-chain.pem"),
                                       pki_path("keys/rsa-pkcs8-encrypted.key")),
             TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_identity_pem(builder, "x", 1, "x", 1), TLS_ERR_CONFIG);
    CHECK_EQ(tls_builder_identity_file(builder, pki_path("none.pem"), pki_path("rsa/server.key")),
             TLS_ERR_IO);
    CHECK_EQ(tls_builder_clear_error(builder), TLS_OK);
    context = tls_context_server(builder, &error);
    CHECK(context != NULL);
    check_serves(context, &offer, "ecdsa/server.pem");
    tls_context_free(context);

    /* A key that is another certificate's is found when a context is made, and named by its number.
     */
    CHECK_EQ(tls_builder_identity_file(builder, pki_path("rsa/server-chain.pem"),
                                       pki_path("keys/mismatch.key")),
             TLS_OK);
    CHECK(tls_context_server(builder, &error) == NULL);
    CHECK_EQ(error.reason, TLS_REASON_KEY_MISMATCH);
    CHECK(strstr(error.message, "identity 2") != NULL);
    tls_builder_free(builder);
}

/* The identity with a chain so long that the least outbound limit cannot hold it. */
static void add_long(tls_builder_t *builder)
{
    size_t leaf_len, inter_len, key_len, len;
    char *leaf = pki_read("ecdsa/server.pem", &leaf_len);
    char *inter = pki_read("ecdsa/inter.pem", &inter_len);
    char *key = pki_read("ecdsa/server.key", &key_len);
    char *chain = malloc(leaf_len + 12 * inter_len);

    memcpy(chain, leaf, leaf_len);
    for (len = leaf_len; len < leaf_len + 12 * inter_len; len += inter_len)
        memcpy(chain + len, inter, inter_len);
    CHECK_EQ(tls_builder_identity_pem(builder, chain, len, key, key_len), TLS_OK);
    free(leaf);
    free(inter);
    free(key);
    free(chain);
}

/* must hold for whichever is chosen. */
static void the_longest_chain_must_fit_the_limit(void)
{
    for (int place = 0; place < 3; place++) {
        tls_error_t error = {.size = sizeof(error)};
        tls_builder_t *builder = tls_builder_new();
        tls_context_t *context;

        CHECK_EQ(tls_builder_limits(builder, 0, TLS_MIN_OUTBOUND_LIMIT), TLS_OK);
        CHECK_EQ(tls_builder_verify(builder, TLS_VERIFY_DANGEROUS_NONE), TLS_OK);
        if (place == 0)
            add_long(builder);
        add(builder, &ecdsa);
        add(builder, &rsa);
        context = tls_context_server(builder, NULL);
        CHECK_EQ(context == NULL, place == 0);
        tls_context_free(context);
        if (place == 2)
            add_long(builder);
        context = tls_context_server(builder, &error);
        CHECK_EQ(context == NULL, place != 1);
        CHECK_EQ(error.reason, place != 1 ? TLS_REASON_LIMIT_TOO_SMALL : 0);
        tls_context_free(context);
        context = tls_context_client(builder, &error);
        CHECK_EQ(context == NULL, place != 1);
        tls_context_free(context);
        tls_builder_free(builder);
    }
}

/* More of them than anybody looks through one by one: the last is found as the first is. */
static void many_identities_are_kept_apart(void)
{
    enum { MANY = 500 };
    static const struct offer other = {"other.test", {ECDSA_P256}},
                              wild = {"x.wild.test", {RSA_PSS}};
    const struct identity *identities[MANY + 3];
    tls_context_t *server;

    for (size_t i = 0; i < MANY; i++)
        identities[i] = &exact;
    identities[MANY] = &elsewhere;
    identities[MANY + 1] = &rsa;
    identities[MANY + 2] = NULL;
    server = server_of(identities);
    check_serves(server, &other, "bad/wronghost.pem");
    check_serves(server, &wild, "rsa/server.pem");
    tls_context_free(server);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(a_server_chooses_by_name);
    RUN(a_server_chooses_by_the_signatures_that_the_client_verifies);
    RUN(the_whole_handshake_works_with_each);
    RUN(a_client_shows_what_the_server_can_verify);
    RUN(a_client_that_has_nothing_of_the_named_authorities_shows_its_first);
    RUN(a_bad_identity_leaves_the_good_ones);
    RUN(the_longest_chain_must_fit_the_limit);
    RUN(many_identities_are_kept_apart);
    return 0;
}
