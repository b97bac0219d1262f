/* A client and a server that talk to each other through memory. */
#ifndef C_TESTS_PAIR_H
#define C_TESTS_PAIR_H

#include <stddef.h>
#include <stdint.h>

#include <tlsbio.h>

/* What a context is made of. Files are names within the test PKI; what is NULL or 0 is not set. */
struct recipe {
    const char *chain, *key;
    const char *trust;
    const char *alpn; /* with its length bytes, NUL-terminated */
    uint16_t min_version, max_version;
    int32_t client_auth, verify;
    size_t inbound, outbound;
};

/* for (EACH_VERSION) runs its body with version set to TLS 1.2, then to TLS 1.3. */
#define EACH_VERSION                                                                               \
    uint16_t version = TLS_VERSION_1_2;                                                            \
    version <= TLS_VERSION_1_3;                                                                    \
    version++

/* An ECDSA server, and a client that trusts every root of the test PKI. */
extern const struct recipe plain_server, plain_client;

/* The recipe with one version only. */
struct recipe with_version(struct recipe recipe, uint16_t version);

/* These fail the test when the recipe is refused. */
tls_builder_t *make_builder(const struct recipe *recipe);
tls_context_t *make_server_context(const struct recipe *recipe);
tls_context_t *make_client_context(const struct recipe *recipe);

struct pair {
    tls_conn_t *client, *server;
    tls_status_t client_status, server_status; /* what tls_advance said last */
};

/* Two connections that have not begun; name NULL means "localhost". */
struct pair new_pair(const struct recipe *client, const struct recipe *server, const char *name);
struct pair new_pair_of(const tls_context_t *client, const tls_context_t *server, const char *name);

/* The same with plain recipes, and with the handshake done. */
struct pair connected_pair(uint16_t version);

void free_pair(struct pair *pair);

/* Hands over what is queued, as far as the receiver takes it. Returns the number of bytes. What a
 * failed receiver does not take is dropped. */
size_t carry(tls_conn_t *from, tls_conn_t *to);

/* Lets both sides work until nothing moves any more. */
void pump(struct pair *pair);

/* Pumps and fails the test unless both sides say that the handshake is done. */
void finish_handshake(struct pair *pair);

/* Fails the test unless both sides can still send to each other. */
void check_alive(struct pair *pair);

/* Fails the test, with the reason, if the connection has failed. */
void check_healthy(tls_conn_t *conn);

/* What the connection says about its failure. */
tls_error_t error_of(tls_conn_t *conn);

/* Bytes in which a lost, repeated or swapped piece shows. */
void fill_bytes(unsigned char *bytes, size_t len, uint32_t seed);

#endif
