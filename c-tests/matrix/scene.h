/* What one call is given: objects in a chosen phase, and a usable value for every parameter. */
#ifndef SCENE_H
#define SCENE_H

#include <stddef.h>
#include <stdint.h>

#include <tlsbio.h>

enum phase {
    PHASE_FRESH,
    PHASE_ASK_CONTEXT,
    PHASE_ASK_VERIFY,
    PHASE_ESTABLISHED,
    PHASE_PEER_CLOSED,
    PHASE_WE_CLOSED,
    PHASE_FAILED,
    PHASE_TRUNCATED
};

enum role { ROLE_CLIENT, ROLE_SERVER };

enum { SCENE_BUFFER = 8192, UNTOUCHED = 0xA5 };

struct scene {
    enum phase phase;
    enum role role;
    uint16_t version;

    tls_builder_t *builder;
    tls_builder_t *empty_builder; /* without identity */
    tls_context_t *context;
    tls_context_t *client_context;
    tls_conn_t *conn;
    tls_conn_t *peer;
    tls_context_t *session_context; /* under which sessions are made */
    tls_session_t *session;
    tls_buffer_t *owned; /* to receive into */

    size_t ahead;          /* bytes of the peer's stream that conn already has */
    tls_status_t question; /* open in the asking phases */
    tls_status_t fatal;    /* of the failed phase */

    /* usable arguments; the names are those of arguments.def */
    const char *chain, *key, *roots;
    size_t chain_len, key_len, roots_len;
    const char *chain_path, *key_path, *roots_path;
    const char *alpn_list, *host, *plain, *constant_name;
    const unsigned char *ech_list;
    const char *crl, *ocsp, *public_key;
    size_t crl_len, ocsp_len, public_key_len, ech_list_len;
    unsigned char digest[32];
    const unsigned char *moved; /* a server's connection, sealed under digest */
    size_t moved_len;
    int64_t constant_value;
    tls_error_t error;
    unsigned char next_byte[1];
    unsigned char own_wire[1];
    unsigned char wire_out[SCENE_BUFFER]; /* receives wire bytes that belong to the peer */
    unsigned char buffer[SCENE_BUFFER];
    void *window;
    const void *peeked;
    size_t length;
    size_t consumed;
    tls_span_t spans[4];
    tls_iovec_t gather[2], scatter[2];
    uint16_t suites[2], groups[1], schemes[2], compression[2];
    tls_client_options_t client_options;
    tls_server_options_t server_options;
    tls_ticket_key_t ticket_key;
    tls_counters_t counters;
    tls_buffers_t buffers;
    tls_timings_t timings;
    tls_event_t event;
    tls_traffic_secret_t secrets, more_secrets;
};

enum scene_needs {
    NEEDS_BUILDER = 1,
    NEEDS_CONTEXT = 2,
    NEEDS_CONN = 4,
    NEEDS_SESSION = 8,
    NEEDS_OWNED = 16
};

/* Ends the program when the scene cannot be set: every cell after it would be meaningless. */
void scene_open(struct scene *scene, unsigned needs, enum phase phase, enum role role,
                uint16_t version);
void scene_close(struct scene *scene);

#endif
