/* A process without memory for one more stack: the connections that would ask are held up,
 * and go on. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "check.h"
#include "pair.h"
#include "pki.h"
#include "signer.h"

static const char *const chain = "ecdsa/server-chain.pem", *const key = "ecdsa/server.key";

/* Memory of malloc's that stays with it when it is freed, so that everything but a mapping can be
 * had. */
static void keep_heap(void)
{
    void *blocks[64];

    CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 30));
    CHECK(mallopt(M_TRIM_THRESHOLD, 1 << 30));
    for (int i = 0; i < 64; i++)
        CHECK((blocks[i] = malloc(100000)) != NULL);
    for (int i = 0; i < 64; i++)
        free(blocks[i]);
}

static void set_address_space(rlim_t bytes)
{
    struct rlimit limit;

    CHECK_EQ(getrlimit(RLIMIT_AS, &limit), 0);
    /* There may be less than all to be had. */
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
}

static tls_context_t *external_server(uint64_t deadline)
{
    tls_builder_t *builder = tls_builder_new();
    size_t len;
    char *pem = pki_read(chain, &len);
    tls_context_t *context;

    CHECK_EQ(tls_builder_identity_external(builder, pem, len), TLS_OK);
    CHECK_EQ(tls_builder_handshake_deadline(builder, deadline), TLS_OK);
    context = tls_context_server(builder, NULL);
    CHECK(context != NULL);
    tls_builder_free(builder);
    free(pem);
    return context;
}

static void answer(tls_conn_t *conn)
{
    unsigned char signature[1024];
    size_t len = sign_outside(conn, key, signature, sizeof(signature));

    CHECK_EQ(tls_answer_sign(conn, signature, len), TLS_OK);
}

static struct pair new_external_pair(uint16_t version, const tls_context_t *server)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_context_t *client = make_client_context(&recipe);
    struct pair pair = new_pair_of(client, server, NULL);

    tls_context_free(client);
    return pair;
}

static void a_question_waits_for_memory(void)
{
    for (EACH_VERSION) {
        tls_context_t *server = external_server(0);
        struct pair pair = new_external_pair(version, server);
        struct pair asked = new_external_pair(version, server);
        struct pair chosen = new_external_pair(version, NULL);
        unsigned char signature[1024];
        size_t len;

        pump(&asked);
        CHECK_EQ(asked.server_status, TLS_ASK_SIGN);
        len = sign_outside(asked.server, key, signature, sizeof(signature));
        pump(&chosen);
        CHECK_EQ(chosen.server_status, TLS_ASK_CONTEXT);

        set_address_space(1);
        pump(&pair);
        CHECK_EQ(pair.server_status, TLS_ERR_MEMORY);
        CHECK_EQ(tls_advance(pair.server), TLS_ERR_MEMORY);
        CHECK_EQ(tls_state(pair.server), TLS_HANDSHAKING | TLS_HELD_UP | TLS_CAN_FEED);
        /* An answer is taken: here it needs no more, */
        CHECK_EQ(tls_answer_sign(asked.server, signature, len), TLS_OK);
        finish_handshake(&asked);
        check_alive(&asked);
        /* here it does. */
        CHECK_EQ(tls_answer_context(chosen.server, server), TLS_OK);
        CHECK_EQ(tls_advance(chosen.server), TLS_ERR_MEMORY);
        set_address_space(RLIM_INFINITY);

        CHECK_EQ(tls_advance(pair.server), TLS_ASK_SIGN);
        answer(pair.server);
        finish_handshake(&pair);
        check_alive(&pair);
        CHECK_EQ(tls_state(chosen.server) & (TLS_ASKING | TLS_HELD_UP), TLS_ASKING);
        answer(chosen.server);
        finish_handshake(&chosen);
        check_alive(&chosen);
        free_pair(&pair);
        free_pair(&asked);
        free_pair(&chosen);
        tls_context_free(server);
    }
}

/* What is held up is ended like anything else; the peer learns why. */
static void what_is_held_up_can_be_freed_and_has_a_deadline(void)
{
    for (EACH_VERSION) {
        for (int with_context = 0; with_context < 2; with_context++) {
            tls_context_t *server = external_server(1000);
            struct pair freed = new_external_pair(version, server);
            struct pair late = new_external_pair(version, with_context ? server : NULL);
            tls_error_t error;

            pump(&late);
            free_pair(&late);
            late = new_external_pair(version, with_context ? server : NULL);
            set_address_space(1);
            pump(&freed);
            CHECK_EQ(freed.server_status, TLS_ERR_MEMORY);
            free_pair(&freed);
            pump(&late);
            if (!with_context) {
                CHECK_EQ(late.server_status, TLS_ASK_CONTEXT);
                CHECK_EQ(tls_answer_context(late.server, server), TLS_OK);
            }
            CHECK_EQ(tls_time(late.server, 5), TLS_OK);
            CHECK_EQ(tls_advance(late.server), TLS_ERR_MEMORY);
            CHECK_EQ(tls_time(late.server, 1005), TLS_ERR_PEER);
            set_address_space(RLIM_INFINITY);
            error = error_of(late.server);
            CHECK_EQ(error.reason, TLS_REASON_HANDSHAKE_DEADLINE);
            CHECK(error.alert_sent > 0);
            CHECK_EQ(tls_state(late.server), TLS_FAILED | TLS_CAN_DRAIN);
            pump(&late);
            CHECK_EQ(error_of(late.client).alert_received, error.alert_sent);
            free_pair(&late);
            tls_context_free(server);
        }
    }
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    keep_heap();
    /* Once before, so that whatever is made once is there. */
    {
        tls_context_t *server = external_server(0);
        struct pair pair = new_external_pair(TLS_VERSION_1_3, server);

        pump(&pair);
        answer(pair.server);
        finish_handshake(&pair);
        free_pair(&pair);
        tls_context_free(server);
    }
    RUN(a_question_waits_for_memory);
    RUN(what_is_held_up_can_be_freed_and_has_a_deadline);
    return 0;
}
