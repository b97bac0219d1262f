/* Flights of certificates that are made to cost much: each is judged, for a reason that says what
 * was found. With
 * --measure it prints what each costs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authority.h"
#include "check.h"
#include "pair.h"
#include "pki.h"

#define CA "basicConstraints=critical,CA:TRUE"

enum { FLIGHT = 63 * 1024 };

static int measures;

static double cpu_milliseconds(void)
{
    struct timespec now;

    CHECK_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static size_t der_len(const struct made *made)
{
    int len = i2d_X509(made->certificate, NULL);

    CHECK(len > 0);
    return (size_t)len + 5; /* with its length and its extensions in the message */
}

/* One hostile flight: its own certificate with its key, and what comes with it. */
struct flight {
    struct text chain, key;
    size_t len;
};

static struct flight begin_flight(const struct made *own)
{
    struct flight flight = {{NULL, 0}, {NULL, 0}, der_len(own)};

    add_certificate(&flight.chain, own);
    add_key(&flight.key, own);
    return flight;
}

/* Whether there was room for it. */
static int add_to_flight(struct flight *flight, const struct made *made)
{
    if (flight->len + der_len(made) > FLIGHT)
        return 0;
    add_certificate(&flight->chain, made);
    flight->len += der_len(made);
    return 1;
}

/* Both roles are shown it, in both versions. Frees the flight. */
static void check_flight(const char *what, struct flight *flight, const struct text *trust,
                         int32_t reason)
{
    for (EACH_VERSION) {
        for (int of_server = 0; of_server <= 1; of_server++) {
            tls_builder_t *peer = tls_builder_new(), *judge = tls_builder_new();
            tls_context_t *client, *server;
            tls_conn_t *judging;
            struct pair pair;
            double before;

            CHECK_EQ(tls_builder_identity_pem(peer, flight->chain.bytes, flight->chain.len,
                                              flight->key.bytes, flight->key.len),
                     TLS_OK);
            CHECK_EQ(tls_builder_versions(peer, version, version), TLS_OK);
            CHECK_EQ(tls_builder_limits(peer, 1 << 20, 1 << 20), TLS_OK);
            CHECK_EQ(tls_builder_limits(judge, 1 << 20, 1 << 20), TLS_OK);
            CHECK_EQ(tls_builder_trust_pem(judge, trust->bytes, trust->len), TLS_OK);
            CHECK_EQ(tls_builder_identity_file(judge, pki_path("ecdsa/server-chain.pem"),
                                               pki_path("ecdsa/server.key")),
                     TLS_OK);
            CHECK_EQ(tls_builder_trust_file(peer, pki_path("trust/all.pem")), TLS_OK);
            CHECK_EQ(tls_builder_client_auth(judge, TLS_CLIENT_AUTH_REQUIRED), TLS_OK);
            client = tls_context_client(of_server ? judge : peer, NULL);
            server = tls_context_server(of_server ? peer : judge, NULL);
            CHECK(client != NULL && server != NULL);
            pair = new_pair_of(client, server, NULL);
            before = cpu_milliseconds();
            pump(&pair);
            if (measures)
                printf("%-50s %s TLS 1.%d: %6.1f ms for both sides\n", what,
                       of_server ? "server's" : "client's", version - TLS_VERSION_1_2 + 2,
                       cpu_milliseconds() - before);
            judging = of_server ? pair.client : pair.server;
            CHECK_EQ(error_of(judging).status, reason == 0 ? TLS_OK : TLS_ERR_CERTIFICATE);
            CHECK_EQ(error_of(judging).reason, reason);
            free_pair(&pair);
            tls_context_free(client);
            tls_context_free(server);
            tls_builder_free(peer);
            tls_builder_free(judge);
        }
    }
    free_text(&flight->chain);
    free_text(&flight->key);
}

static struct made own_of(const struct made *issuer, const char *name)
{
    return make_certificate((struct wish){.subject = "own",
                                          .issuer = name,
                                          .extensions = {"subjectAltName=DNS:localhost"}},
                            issuer);
}

/* As many CAs as fit, whose names go in a circle of three, all with one key. */
static void names_in_a_circle(int closed)
{
    static const char *const names[] = {"a", "b", "c"};
    struct made root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    struct made hostile = make_certificate((struct wish){.subject = "a", .extensions = {CA}}, NULL);
    struct made own = own_of(&hostile, "a");
    struct flight flight = begin_flight(&own);
    struct text trust = {NULL, 0};

    add_certificate(&trust, &root);
    if (!closed) {
        /* One of them claims to be of a root that is trusted, so that every way seems to lead
         * there. */
        struct made claim = make_certificate(
            (struct wish){.subject = "c", .issuer = "root", .key = hostile.key, .extensions = {CA}},
            &hostile);

        CHECK(add_to_flight(&flight, &claim));
        free_made(&claim);
    }
    for (size_t i = 0;; i++) {
        struct made one = make_certificate((struct wish){.subject = names[i % 3],
                                                         .issuer = names[(i + 1) % 3],
                                                         .key = hostile.key,
                                                         .extensions = {CA}},
                                           &hostile);
        int fits = add_to_flight(&flight, &one);

        free_made(&one);
        if (!fits)
            break;
    }
    check_flight(closed ? "circle of three" : "circle of three with a way out", &flight, &trust,
                 closed ? TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER
                        : TLS_REASON_CERTIFICATE_TOO_COMPLEX);
    free_text(&trust);
    free_made(&root);
    free_made(&hostile);
    free_made(&own);
}

static void a_closed_circle(void)
{
    names_in_a_circle(1);
}

static void a_circle_with_a_way_out(void)
{
    names_in_a_circle(0);
}

/* Every CA has the name of the root and a key of its own, of the slowest kind. */
static void one_name_and_many_keys(const char *what, const char *curve, int new_keys)
{
    EVP_PKEY *key = new_key(curve);
    struct made root =
        make_certificate((struct wish){.subject = "root", .key = key, .extensions = {CA}}, NULL);
    struct made hostile =
        make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    struct made own = own_of(&hostile, "root");
    struct flight flight = begin_flight(&own);
    struct text trust = {NULL, 0};

    add_certificate(&trust, &root);
    for (;;) {
        struct made one = make_certificate((struct wish){.subject = "root",
                                                         .key = new_keys ? NULL : hostile.key,
                                                         .extensions = {CA}},
                                           new_keys ? NULL : &hostile);
        int fits = add_to_flight(&flight, &one);

        free_made(&one);
        if (!fits)
            break;
    }
    check_flight(what, &flight, &trust, TLS_REASON_CERTIFICATE_TOO_COMPLEX);
    free_text(&trust);
    EVP_PKEY_free(key);
    free_made(&root);
    free_made(&hostile);
    free_made(&own);
}

static void one_name_and_a_slow_root(void)
{
    one_name_and_many_keys("one name, many keys, a P-521 root", "P-521", 1);
}

static void one_name_and_a_fast_root(void)
{
    one_name_and_many_keys("one name, many keys, a P-256 root", "P-256", 1);
}

/* Many anchors of one name: the host's choice, but each is a signature to verify. */
static void many_anchors_of_one_name(void)
{
    struct text trust = {NULL, 0};
    struct made first = {NULL, NULL}, own, hostile;
    struct flight flight;

    for (int i = 0; i < 60; i++) {
        struct made root =
            make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);

        add_certificate(&trust, &root);
        if (i == 0)
            first = root;
        else
            free_made(&root);
    }
    own = own_of(&first, NULL);
    flight = begin_flight(&own);
    check_flight("60 anchors of one name", &flight, &trust, 0);
    free_made(&own);
    hostile = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    own = own_of(&hostile, NULL);
    flight = begin_flight(&own);
    check_flight("60 anchors of one name, none of them right", &flight, &trust,
                 TLS_REASON_CERTIFICATE_BAD_SIGNATURE);
    free_made(&own);
    free_made(&hostile);
    free_made(&first);
    free_text(&trust);
}

/* A right chain among as much as fits of what has nothing to do with it, and one among namesakes.
 */
static void what_is_right_is_found_in_a_crowd(int namesakes)
{
    struct made root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    struct made inter = make_certificate(
        (struct wish){.subject = "inter", .extensions = {CA, "subjectKeyIdentifier=hash"}}, &root);
    struct made own =
        make_certificate((struct wish){.subject = "own",
                                       .extensions = {"subjectAltName=DNS:localhost",
                                                      "authorityKeyIdentifier=keyid"}},
                         &inter);
    struct flight flight = begin_flight(&own);
    struct text trust = {NULL, 0};

    add_certificate(&trust, &root);
    flight.len += der_len(&inter);
    for (int i = 0;; i++) {
        char name[24];
        struct made one;
        int fits;

        snprintf(name, sizeof(name), namesakes ? "inter" : "crowd %d", i);
        one = make_certificate((struct wish){.subject = name,
                                             .issuer = namesakes ? "root" : NULL,
                                             .extensions = {CA, "subjectKeyIdentifier=hash"}},
                               NULL);
        fits = add_to_flight(&flight, &one);
        free_made(&one);
        if (!fits)
            break;
    }
    add_certificate(&flight.chain, &inter);
    check_flight(namesakes ? "right, among namesakes" : "right, in a crowd", &flight, &trust, 0);
    free_text(&trust);
    free_made(&root);
    free_made(&inter);
    free_made(&own);
}

/* "name=value,value,...": as many values as there is room for. */
static char *many_names(const char *begin, const char *each, size_t room)
{
    char *text = malloc(room + 64);
    size_t len = strlen(begin);

    CHECK(text != NULL);
    memcpy(text, begin, len + 1);
    for (int i = 0; len < room; i++)
        len += (size_t)sprintf(text + len, each, i);
    return text;
}

/* A CA of a root that is trusted: names and what it may issue for are compared one by one.
 */
static void many_names_under_many_constraints(void)
{
    char *constraints = many_names("nameConstraints=critical,excluded;DNS:e.test",
                                   ",excluded;DNS:%05d.test", 40 * 1024);
    char *names = many_names("subjectAltName=DNS:localhost", ",DNS:%05d.example", 40 * 1024);
    struct made root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    struct made inter =
        make_certificate((struct wish){.subject = "inter", .extensions = {CA, constraints}}, &root);
    struct made own =
        make_certificate((struct wish){.subject = "own", .extensions = {names}}, &inter);
    struct flight flight = begin_flight(&own);
    struct text trust = {NULL, 0};

    add_certificate(&trust, &root);
    CHECK(add_to_flight(&flight, &inter));
    /* Twenty more anchors of that name and key: for each, all would be compared again. */
    for (int i = 0; i < 20; i++) {
        struct made again = make_certificate(
            (struct wish){.subject = "root", .key = root.key, .extensions = {CA}}, NULL);
        add_certificate(&trust, &again);
        free_made(&again);
    }
    check_flight("many names under many constraints", &flight, &trust,
                 TLS_REASON_CERTIFICATE_TOO_COMPLEX);
    free(constraints);
    free(names);
    free_text(&trust);
    free_made(&root);
    free_made(&inter);
    free_made(&own);
}

/* One path, and a signature for each certificate, but long names: each is compared with
 * each. */
static void long_names_under_long_constraints(void)
{
    static const char label[] = "a-name-of-nearly-as-many-letters-as-there-can-be";
    char constraint[96], name[96];
    char *constraints, *names;
    struct made root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    struct made inter, own;
    struct flight flight;
    struct text trust = {NULL, 0};

    snprintf(constraint, sizeof(constraint), ",excluded;DNS:%%04d.%s.test", label);
    snprintf(name, sizeof(name), ",DNS:%%04d.%s.example", label);
    constraints = many_names("nameConstraints=critical,excluded;DNS:e.test", constraint, 34 * 1024);
    names = many_names("subjectAltName=DNS:localhost", name, 29 * 1024);
    inter =
        make_certificate((struct wish){.subject = "inter", .extensions = {CA, constraints}}, &root);
    own = make_certificate((struct wish){.subject = "own", .extensions = {names}}, &inter);
    flight = begin_flight(&own);
    add_certificate(&trust, &root);
    CHECK(add_to_flight(&flight, &inter));
    check_flight("long names under long constraints", &flight, &trust,
                 TLS_REASON_CERTIFICATE_TOO_COMPLEX);
    free(constraints);
    free(names);
    free_text(&trust);
    free_made(&root);
    free_made(&inter);
    free_made(&own);
}

/* Twenty paths, all of which go on through one certificate of 40 KB. */
static void paths_through_a_large_certificate(void)
{
    char *names = many_names("subjectAltName=DNS:localhost", ",DNS:%05d.example", 48 * 1024);
    struct made root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    struct made hostile =
        make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    struct made large =
        make_certificate((struct wish){.subject = "large", .extensions = {CA, names}}, &hostile);
    struct made own = own_of(&hostile, "inter");
    struct flight flight = begin_flight(&own);
    struct text trust = {NULL, 0};

    add_certificate(&trust, &root);
    CHECK(add_to_flight(&flight, &large));
    for (int i = 0; i < 20; i++) {
        struct made one =
            make_certificate((struct wish){.subject = "inter", .extensions = {CA}}, &large);

        CHECK(add_to_flight(&flight, &one));
        free_made(&one);
    }
    check_flight("20 paths through a large certificate", &flight, &trust,
                 TLS_REASON_CERTIFICATE_TOO_COMPLEX);
    free(names);
    free_text(&trust);
    free_made(&root);
    free_made(&hostile);
    free_made(&large);
    free_made(&own);
}

/* A right chain of so many intermediate CAs, of one name or of names of their own. */
static void right_but_long(int links, int of_one_name, int32_t reason)
{
    struct made root = make_certificate((struct wish){.subject = "root", .extensions = {CA}}, NULL);
    struct made made[9], own;
    struct flight flight;
    struct text trust = {NULL, 0};

    for (int i = 0; i < links; i++) {
        char name[24];

        snprintf(name, sizeof(name), of_one_name ? "inter" : "inter %d", i);
        made[i] = make_certificate((struct wish){.subject = name, .extensions = {CA}},
                                   i == 0 ? &root : &made[i - 1]);
    }
    own = own_of(&made[links - 1], NULL);
    flight = begin_flight(&own);
    for (int i = links - 1; i >= 0; i--)
        CHECK(add_to_flight(&flight, &made[i]));
    add_certificate(&trust, &root);
    check_flight(of_one_name ? "a chain of one name" : "a long chain", &flight, &trust, reason);
    for (int i = 0; i < links; i++)
        free_made(&made[i]);
    free_text(&trust);
    free_made(&root);
    free_made(&own);
}

static void right_chains_of_all_lengths(void)
{
    right_but_long(6, 0, 0);
    right_but_long(7, 0, TLS_REASON_CERTIFICATE_TOO_COMPLEX);
    right_but_long(9, 0, TLS_REASON_CERTIFICATE_TOO_COMPLEX);
    right_but_long(3, 1, 0);
    right_but_long(4, 1, TLS_REASON_CERTIFICATE_TOO_COMPLEX);
}

static void a_crowd(void)
{
    what_is_right_is_found_in_a_crowd(0);
}

static void a_crowd_of_namesakes(void)
{
    what_is_right_is_found_in_a_crowd(1);
}

int main(int argc, char **argv)
{
    measures = argc == 3 && strcmp(argv[1], "--measure") == 0;
    pki_set(argc - measures, argv + measures);
    RUN(a_closed_circle);
    RUN(a_circle_with_a_way_out);
    RUN(one_name_and_a_slow_root);
    RUN(one_name_and_a_fast_root);
    RUN(many_anchors_of_one_name);
    RUN(many_names_under_many_constraints);
    RUN(long_names_under_long_constraints);
    RUN(paths_through_a_large_certificate);
    RUN(right_chains_of_all_lengths);
    RUN(a_crowd);
    RUN(a_crowd_of_namesakes);
    return 0;
}
