/* Forward progress: a conversation that is driven by nothing but the state word, over a
 * transport that cuts as it likes. If a bit says that a call can do something, the call does
 * something; if no bit is left, the conversation is over. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#define TOTAL 150000

/* Bytes on their way from one side to the other. */
struct transport {
    unsigned char bytes[70000];
    size_t len;
};

struct side {
    tls_conn_t *conn;
    struct transport *in, *out;
    size_t written, got;
};

static uint32_t random_state;

static size_t up_to(size_t most)
{
    random_state = random_state * 1664525u + 1013904223u;
    return 1 + (random_state >> 8) % most;
}

static size_t piece(size_t available)
{
    size_t most = up_to(5) == 1 ? 20000 : 700, size = up_to(most);

    return size < available ? size : available;
}

static int feed(struct side *side)
{
    size_t len = piece(side->in->len);
    ptrdiff_t taken;

    if (len == 0)
        return 0;
    taken = tls_feed(side->conn, side->in->bytes, len);
    CHECK(taken > 0);
    side->in->len -= (size_t)taken;
    memmove(side->in->bytes, side->in->bytes + taken, side->in->len);
    return 1;
}

static int drain(struct side *side)
{
    size_t room = piece(sizeof(side->out->bytes) - side->out->len);
    ptrdiff_t len;

    if (room == 0)
        return 0;
    len = tls_drain_into(side->conn, side->out->bytes + side->out->len, room);
    CHECK(len > 0);
    side->out->len += (size_t)len;
    return 1;
}

static void read_plain(struct side *side, const unsigned char *expected)
{
    unsigned char plain[20000];
    ptrdiff_t len = tls_read_into(side->conn, plain, piece(sizeof(plain)));

    CHECK(len > 0 && side->got + (size_t)len <= TOTAL);
    CHECK_BYTES(plain, expected + side->got, (size_t)len);
    side->got += (size_t)len;
}

static int write_plain(struct side *side, const unsigned char *plain)
{
    if (side->written == TOTAL)
        return 0;
    ptrdiff_t taken =
        tls_write_from(side->conn, plain + side->written, piece(TOTAL - side->written));

    CHECK(taken > 0);
    side->written += (size_t)taken;
    if (side->written == TOTAL)
        CHECK_EQ(tls_close_notify(side->conn), TLS_OK);
    return 1;
}

/* Makes one of the moves that the word allows, a different one each time. Returns whether there was
 * one. */
static int step(struct side *side, const unsigned char *mine, const unsigned char *theirs)
{
    uint32_t word = tls_state(side->conn);
    size_t first = up_to(4);

    check_healthy(side->conn);
    for (size_t i = 0; i < 4; i++) {
        uint32_t bit = 1u << (first + i) % 4;

        if ((word & bit) == 0)
            continue;
        if (bit == TLS_CAN_FEED && feed(side))
            return 1;
        if (bit == TLS_CAN_DRAIN && drain(side))
            return 1;
        if (bit == TLS_CAN_WRITE && write_plain(side, mine))
            return 1;
        if (bit == TLS_CAN_READ) {
            read_plain(side, theirs);
            return 1;
        }
    }
    return 0;
}

static void converse(uint16_t version, size_t limit)
{
    static struct transport to_server, to_client;
    static unsigned char client_plain[TOTAL], server_plain[TOTAL];
    struct recipe client_recipe = with_version(plain_client, version), server_recipe = plain_server;
    struct side client = {.in = &to_client, .out = &to_server},
                server = {.in = &to_server, .out = &to_client};
    struct pair pair;
    int moved;

    fill_bytes(client_plain, TOTAL, 1);
    fill_bytes(server_plain, TOTAL, 2);
    client_recipe.inbound = client_recipe.outbound = limit;
    server_recipe.inbound = server_recipe.outbound = limit;
    pair = new_pair(&client_recipe, &server_recipe, NULL);
    client.conn = pair.client;
    server.conn = pair.server;
    to_server.len = to_client.len = 0;
    do {
        moved = step(&client, client_plain, server_plain);
        moved |= step(&server, server_plain, client_plain);
    } while (moved);

    CHECK_EQ(client.got, TOTAL);
    CHECK_EQ(server.got, TOTAL);
    CHECK_EQ(tls_state(pair.client), TLS_PEER_CLOSED | TLS_WE_CLOSED);
    CHECK_EQ(tls_state(pair.server), TLS_PEER_CLOSED | TLS_WE_CLOSED);
    CHECK_EQ(tls_advance(pair.client), TLS_CLOSED);
    CHECK_EQ(tls_advance(pair.server), TLS_CLOSED);
    free_pair(&pair);
}

static void the_state_word_alone_drives_a_conversation(void)
{
    for (EACH_VERSION) {
        for (uint32_t seed = 0; seed < 10; seed++) {
            random_state = seed;
            converse(version, 0);
            converse(version, TLS_MIN_INBOUND_LIMIT);
        }
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(the_state_word_alone_drives_a_conversation);
    return 0;
}
