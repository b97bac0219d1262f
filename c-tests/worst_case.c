/* What one connection can hold: the bound is never exceeded, and not far from what can be reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tlsbio.h>

#include "check.h"
#include "heap.h"
#include "pair.h"
#include "pki.h"

/* Lists of which a ClientHello can have as many members as fit, of the fewest bytes that each
 * takes. */
enum list { ALPN_NAMES, AUTHORITIES, KEY_SHARES, RESPONDERS, LISTS };

struct bytes {
    unsigned char at[80 * 1024];
    size_t len;
};

static void put(struct bytes *bytes, const void *what, size_t len)
{
    CHECK(bytes->len + len <= sizeof(bytes->at));
    memcpy(bytes->at + bytes->len, what, len);
    bytes->len += len;
}

static void put_number(struct bytes *bytes, size_t number, size_t width)
{
    while (width-- > 0) {
        unsigned char byte = (unsigned char)(number >> 8 * width);

        put(bytes, &byte, 1);
    }
}

static void put_extension(struct bytes *bytes, size_t type, const char *body, size_t len)
{
    put_number(bytes, type, 2);
    put_number(bytes, len, 2);
    put(bytes, body, len);
}

/* An extension of about len bytes that is one long list. */
static void put_list(struct bytes *bytes, enum list list, size_t len)
{
    static const size_t types[] = {16, 47, 51, 5};
    static const char *const members[] = {"\x01x", "\0\x01x", "\xfa\xfa\0\x01x", "\0\x01x"};
    static const size_t sizes[] = {2, 3, 5, 3};
    size_t head = list == RESPONDERS ? 5 : 2, count = (len - 4 - head) / sizes[list];
    size_t members_len = count * sizes[list];

    put_number(bytes, types[list], 2);
    put_number(bytes, members_len + head, 2);
    if (list == RESPONDERS)
        put_number(bytes, 1, 1);
    put_number(bytes, members_len, 2);
    for (size_t i = 0; i < count; i++)
        put(bytes, members[list], sizes[list]);
    if (list == RESPONDERS)
        put_number(bytes, 0, 2);
}

/* A ClientHello of at most message bytes, in records. */
static void hostile_hello(struct bytes *wire, enum list list, size_t message)
{
    static struct bytes hello, extensions;
    size_t sent = 0;

    extensions.len = 0;
    put_extension(&extensions, 43, "\x02\x03\x04", 3);
    put_extension(&extensions, 10, "\0\x02\0\x1d", 4);
    put_extension(&extensions, 13, "\0\x02\x04\x03", 4);
    put_list(&extensions, list, message - 4 - 2 - 32 - 1 - 4 - 2 - 2 - extensions.len);
    hello.len = 0;
    put_number(&hello, 1, 1);
    put_number(&hello, 2 + 32 + 1 + 4 + 2 + 2 + extensions.len, 3);
    put_number(&hello, 0x0303, 2);
    for (int i = 0; i < 33; i++)
        put_number(&hello, 0, 1);
    put(&hello, "\0\x02\x13\x01\x01\0", 6);
    put_number(&hello, extensions.len, 2);
    put(&hello, extensions.at, extensions.len);
    wire->len = 0;
    while (sent < hello.len) {
        size_t len = hello.len - sent < 16384 ? hello.len - sent : 16384;

        put(wire, "\x16\x03\x01", 3);
        put_number(wire, len, 2);
        put(wire, hello.at + sent, len);
        sent += len;
    }
}

/* The most that a connection held while it was driven, which nothing else was meanwhile. */
struct watch {
    size_t live;
};

static struct watch watch_begins(void)
{
    struct watch watch = {heap_now().live};

    heap_forget_peak();
    return watch;
}

/* Ends the watch and the connection; what it held before the watch shows when it is freed. */
static size_t watch_ends(struct watch watch, tls_conn_t *conn)
{
    struct heap end = heap_now();
    size_t left;

    tls_free(conn);
    left = heap_now().live;
    return end.peak - watch.live + (watch.live - left);
}

static tls_builder_t *unpooled(const struct recipe *recipe, size_t budget)
{
    tls_builder_t *builder = make_builder(recipe);

    CHECK_EQ(tls_builder_pool(builder, 0), TLS_OK);
    CHECK_EQ(tls_builder_handshake_budget(builder, budget), TLS_OK);
    return builder;
}

static tls_context_t *finished(tls_builder_t *builder, int is_server)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_context_t *context =
        is_server ? tls_context_server(builder, &error) : tls_context_client(builder, &error);

    if (context == NULL)
        fprintf(stderr, "%s\n", error.message);
    CHECK(context != NULL);
    tls_builder_free(builder);
    return context;
}

static size_t hello_peak(const tls_context_t *context, enum list list, size_t message)
{
    static struct bytes wire;
    struct watch watch;
    tls_conn_t *server;

    hostile_hello(&wire, list, message);
    watch = watch_begins();
    server = tls_server_new(context, NULL);
    CHECK(server != NULL);
    CHECK_EQ(tls_feed(server, wire.at, wire.len), wire.len);
    if (context == NULL)
        CHECK_EQ(tls_advance(server), TLS_ASK_CONTEXT);
    else
        CHECK(tls_advance(server) <= TLS_ERR_PEER);
    return watch_ends(watch, server);
}

/* Lists whose memory has just doubled, and lists as long as the limits allow. */
static size_t worst_hello(const tls_context_t *context, size_t budget)
{
    size_t largest = budget - 5 * (budget / 16384 + 1), worst = 0;

    if (largest > 65535)
        largest = 65535;
    for (int list = 0; list < LISTS; list++) {
        for (size_t members = 1024; members <= 16384; members *= 2) {
            static const size_t sizes[] = {2, 3, 5, 3};
            size_t message = sizes[list] * (members + 1) + 100;
            size_t held = hello_peak(context, list, message < largest ? message : largest);

            if (held > worst)
                worst = held;
        }
    }
    return worst;
}

static void fill_both_queues(tls_conn_t *conn, tls_conn_t *peer)
{
    static unsigned char plain[16384];
    ptrdiff_t taken;

    do {
        while (tls_write_from(peer, plain, sizeof(plain)) > 0) {
        }
    } while (carry(peer, conn) > 0);
    CHECK_EQ(tls_feed(conn, plain, 1), 0);
    while ((taken = tls_write_from(conn, plain, sizeof(plain))) > 0) {
    }
    CHECK_EQ(taken, TLS_WANT_DRAIN);
}

static void fill_outbound(tls_conn_t *conn)
{
    static unsigned char plain[3000];

    while (tls_write_from(conn, plain, sizeof(plain)) > 0) {
    }
    CHECK_EQ(tls_write_from(conn, plain, sizeof(plain)), TLS_WANT_DRAIN);
}

/* Everything that an established server can hold: both queues, early data, and all events; and one
 * buffer that was taken off and is under way. */
static size_t worst_traffic(const tls_context_t *context, int with_early)
{
    static unsigned char wire[128 * 1024], early[60000];
    tls_builder_t *builder = make_builder(&plain_client);
    tls_context_t *client_context;
    struct pair pair;
    struct watch watch;
    tls_buffer_t *taken;
    const void *taken_wire;
    size_t len = 0, taken_len;

    CHECK_EQ(tls_builder_early_data(builder, 1), TLS_OK);
    client_context = finished(builder, 0);
    pair = new_pair_of(client_context, context, NULL);
    finish_handshake(&pair);
    free_pair(&pair);
    pair = new_pair_of(client_context, context, NULL);
    if (with_early) {
        CHECK(carry(pair.client, pair.server) > 0);
        CHECK(tls_early_write_from(pair.client, early, sizeof(early)) > 50000);
    }
    finish_handshake(&pair);
    if (with_early)
        CHECK_EQ(tls_early_status(pair.server), TLS_EARLY_ACCEPTED);
    for (int i = 0; i < 2 * TLS_MAX_EVENTS; i++) {
        CHECK_EQ(tls_key_update(pair.client), TLS_OK);
        check_alive(&pair);
    }
    for (;;) {
        ptrdiff_t drained;

        while (tls_write_from(pair.client, early, sizeof(early)) > 0) {
        }
        drained = tls_drain_into(pair.client, wire + len, sizeof(wire) - len);
        if (drained == 0)
            break;
        len += (size_t)drained;
    }
    watch = watch_begins();
    /* In pieces, so that the buffers grow from class to class. */
    for (size_t fed = 0; fed < len;) {
        ptrdiff_t n = tls_feed(pair.server, wire + fed, len - fed < 5000 ? len - fed : 5000);

        CHECK(n >= 0);
        if (n == 0)
            break;
        fed += (size_t)n;
    }
    CHECK_EQ(tls_feed(pair.server, wire, 1), 0);
    fill_outbound(pair.server);
    taken = tls_drain_take(pair.server, &taken_wire, &taken_len);
    CHECK(taken != NULL && taken_len > TLS_MIN_OUTBOUND_LIMIT);
    fill_outbound(pair.server);
    tls_free(pair.client);
    {
        size_t held = watch_ends(watch, pair.server);

        tls_buffer_free(taken);
        tls_context_free(client_context);
        return held;
    }
}

static void compare(const char *what, size_t bound, size_t worst, size_t times)
{
    printf("  %s: bound %zu, reached %zu\n", what, bound, worst);
    CHECK(worst <= bound);
    CHECK(bound <= times * worst);
}

/* */
static void no_server_connection_exceeds_the_bound(void)
{
    static const size_t budgets[] = {TLS_MIN_HANDSHAKE_BUDGET, 16384, 40000,
                                     TLS_DEFAULT_HANDSHAKE_BUDGET};
    size_t former = 0;

    for (size_t i = 0; i < sizeof(budgets) / sizeof(*budgets); i++) {
        tls_builder_t *builder = unpooled(&plain_server, budgets[i]);
        tls_context_t *context;
        size_t bound, hello, traffic;

        CHECK_EQ(tls_builder_events(builder, TLS_EVENT_KEY_UPDATE), TLS_OK);
        context = finished(builder, 1);
        bound = tls_context_worst_case(context);
        hello = worst_hello(context, budgets[i]);
        traffic = worst_traffic(context, 0);
        printf("  budget %zu: hello %zu, traffic %zu\n", budgets[i], hello, traffic);
        compare("server", bound, hello > traffic ? hello : traffic, 4);
        CHECK(bound > former);
        former = bound;
        tls_context_free(context);
    }
    /* Also where nobody has chosen a context. */
    CHECK(worst_hello(NULL, TLS_DEFAULT_HANDSHAKE_BUDGET) <= former);
}

static void early_data_and_larger_limits_are_in_the_bound(void)
{
    struct recipe recipe = plain_server;
    tls_builder_t *builder;
    tls_context_t *context;

    recipe.inbound = 96 * 1024;
    recipe.outbound = 700 * 1024;
    builder = unpooled(&recipe, 128 * 1024);
    CHECK_EQ(tls_builder_early_data(builder, TLS_MAX_EARLY_DATA), TLS_OK);
    context = finished(builder, 1);
    compare("server with early data", tls_context_worst_case(context), worst_traffic(context, 1),
            4);
    tls_context_free(context);
}

/* Of the process, counted page by page: what statm says may be off by some pages for each
 * processor. */
static size_t resident(void)
{
    char line[512];
    unsigned long kib, sum = 0;
    FILE *file = fopen("/proc/self/smaps", "r");

    CHECK(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "Rss: %lu kB", &kib) == 1)
            sum += kib;
    }
    CHECK_EQ(fclose(file), 0);
    CHECK(sum > 0);
    return sum * 1024;
}

/* */
static void an_open_question_keeps_little(void)
{
    enum { MANY = 200 };
    static struct pair pairs[MANY];
    size_t chain_len, before, each;
    char *chain = pki_read("ecdsa/server-chain.pem", &chain_len);
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *client = make_client_context(&plain_client), *server;

    CHECK_EQ(tls_builder_identity_external(builder, chain, chain_len), TLS_OK);
    CHECK_EQ(tls_builder_pool(builder, 0), TLS_OK);
    server = finished(builder, 1);
    for (int i = 0; i < MANY; i++) {
        pairs[i] = new_pair_of(client, server, NULL);
        carry(pairs[i].client, pairs[i].server);
    }
    CHECK_EQ(tls_advance(pairs[0].server), TLS_ASK_SIGN);
    before = resident();
    for (int i = 1; i < MANY; i++)
        CHECK_EQ(tls_advance(pairs[i].server), TLS_ASK_SIGN);
    each = (resident() - before) / (MANY - 1);
    printf("  an open question keeps %zu bytes\n", each);
    CHECK(each > 8 * 1024 && each <= 48 * 1024);
    for (int i = 0; i < MANY; i++)
        free_pair(&pairs[i]);
    tls_context_free(client);
    tls_context_free(server);
    free(chain);
}

/* Feeds what waits for the peer, and a record that never ends, to who then asks: all that is held
 * meanwhile is within the bound of its context. */
static void check_question(const tls_context_t *context, tls_conn_t *from, tls_conn_t *asking,
                           tls_status_t question, const char *who)
{
    static unsigned char junk[TLS_DEFAULT_LIMIT];
    size_t flight = (size_t)tls_drain_into(from, junk, sizeof(junk));
    size_t bound = tls_context_worst_case(context), reached;
    struct watch watch;

    memcpy(junk + flight, "\x17\x03\x03\x40", 4);
    watch = watch_begins();
    CHECK_EQ(tls_feed(asking, junk, sizeof(junk)), sizeof(junk));
    CHECK_EQ(tls_advance(asking), question);
    reached = watch_ends(watch, asking);
    printf("  %s: bound %zu, reached %zu\n", who, bound, reached);
    CHECK(reached > sizeof(junk));
    CHECK(reached + 64 * 1024 <= bound);
}

/* A step that waits for a signature has a copy of what it works on, the hello, and a stack that is
 * no heap. */
static void a_signature_that_is_waited_for_is_in_the_bound(void)
{
    size_t chain_len;
    char *chain = pki_read("ecdsa/server-chain.pem", &chain_len);
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *client = make_client_context(&plain_client), *server;
    struct pair pair;

    CHECK_EQ(tls_builder_identity_external(builder, chain, chain_len), TLS_OK);
    CHECK_EQ(tls_builder_pool(builder, 0), TLS_OK);
    server = finished(builder, 1);
    pair = new_pair_of(client, server, NULL);
    check_question(server, pair.client, pair.server, TLS_ASK_SIGN,
                   "server that waits for a signature");
    tls_free(pair.client);
    tls_context_free(client);
    tls_context_free(server);
    free(chain);
}

/* So are the other two questions in the middle of a step: a stored session that is looked for, and
 * an identity that a client is to show. */
static void what_is_looked_for_is_in_the_bound(void)
{
    tls_builder_t *builder = make_builder(&plain_server);
    tls_context_t *client = make_client_context(&plain_client), *server;
    struct pair pair;
    char plain[1];

    CHECK_EQ(tls_builder_ask_session(builder, 1), TLS_OK);
    CHECK_EQ(tls_builder_pool(builder, 0), TLS_OK);
    server = finished(builder, 1);
    pair = new_pair_of(client, server, NULL);
    finish_handshake(&pair);
    CHECK_EQ(tls_read_into(pair.client, plain, 1), TLS_WANT_FEED);
    free_pair(&pair);

    pair = new_pair_of(client, server, NULL);
    check_question(server, pair.client, pair.server, TLS_ASK_SESSION,
                   "server that looks for a session");
    tls_free(pair.client);
    tls_context_free(client);
    tls_context_free(server);
}

static void an_identity_that_is_asked_for_is_in_the_bound(void)
{
    struct recipe requesting = plain_server;
    tls_builder_t *builder = make_builder(&plain_client);
    tls_context_t *client, *server;
    struct pair pair;

    requesting.client_auth = TLS_CLIENT_AUTH_OPTIONAL;
    requesting.trust = "trust/all.pem";
    server = make_server_context(&requesting);
    CHECK_EQ(tls_builder_ask_identity(builder, 1), TLS_OK);
    CHECK_EQ(tls_builder_pool(builder, 0), TLS_OK);
    client = finished(builder, 0);
    pair = new_pair_of(client, server, NULL);
    carry(pair.client, pair.server);
    tls_advance(pair.server);
    check_question(client, pair.server, pair.client, TLS_ASK_IDENTITY,
                   "client that is asked for an identity");
    tls_free(pair.server);
    tls_context_free(client);
    tls_context_free(server);
}

/* A chain that is long because of what nobody asked for: bytes that are no certificates. */
static char *hostile_chain(size_t members)
{
    static const char junk[] = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
    size_t len;
    char *leaf = pki_read("ecdsa/server-chain.pem", &len), *chain;

    chain = malloc(len + members * (sizeof(junk) - 1) + 1);
    memcpy(chain, leaf, len);
    for (size_t i = 0; i < members; i++)
        memcpy(chain + len + i * (sizeof(junk) - 1), junk, sizeof(junk));
    free(leaf);
    return chain;
}

static void no_client_connection_exceeds_the_bound(void)
{
    size_t key_len;
    char *chain = hostile_chain(9000), *key = pki_read("ecdsa/server.key", &key_len);

    for (EACH_VERSION) {
        struct recipe recipe = with_version(plain_client, version);
        tls_builder_t *builder = tls_builder_new();
        tls_context_t *client, *server;
        struct pair pair = {NULL, NULL, TLS_OK, TLS_OK};
        struct watch watch;
        static unsigned char wire[256 * 1024];
        size_t len, held;

        CHECK_EQ(tls_builder_identity_pem(builder, chain, strlen(chain), key, key_len), TLS_OK);
        CHECK_EQ(tls_builder_limits(builder, 0, 1 << 20), TLS_OK);
        server = finished(builder, 1);
        recipe.verify = TLS_VERIFY_DANGEROUS_NONE;
        client = finished(unpooled(&recipe, 0), 0);
        pair.client = tls_client_new_resuming(client, "localhost", NULL, NULL);
        pair.server = tls_server_new(server, NULL);
        CHECK(carry(pair.client, pair.server) > 0);
        CHECK_EQ(tls_advance(pair.server), TLS_WANT_FEED);
        len = (size_t)tls_drain_into(pair.server, wire, sizeof(wire));
        watch = watch_begins();
        CHECK_EQ(tls_feed(pair.client, wire, len), len);
        tls_advance(pair.client);
        check_healthy(pair.client);
        held = heap_now().peak - watch.live;
        finish_handshake(&pair);
        fill_both_queues(pair.client, pair.server);
        tls_free(pair.server);
        watch = watch_begins();
        {
            size_t later = watch_ends(watch, pair.client);

            compare("client", tls_context_worst_case(client), held > later ? held : later, 8);
        }
        tls_context_free(client);
        tls_context_free(server);
    }
    free(chain);
    free(key);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(no_server_connection_exceeds_the_bound);
    RUN(early_data_and_larger_limits_are_in_the_bound);
    RUN(a_signature_that_is_waited_for_is_in_the_bound);
    RUN(what_is_looked_for_is_in_the_bound);
    RUN(an_identity_that_is_asked_for_is_in_the_bound);
    RUN(an_open_question_keeps_little);
    RUN(no_client_connection_exceeds_the_bound);
    return 0;
}
