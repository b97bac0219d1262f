/* What a host controls besides identities and verification: what is negotiated, keys, limits, and
 * what is put into tickets. */
#ifndef PEER_CONTROL_H
#define PEER_CONTROL_H

#include <stdbool.h>

#include "tlsbio.h"

struct session;

enum { MOST_NUMBERS = 16 };

struct control {
    const char *suites; /* IANA numbers, comma separated, in order of preference */
    const char *groups;
    const char *resumed_groups; /* what a client offers that carries a session */
    long new_keys;              /* plain bytes sent after which new keys are asked for, -1: never */
    long inbound;               /* as tls_builder_limits takes them */
    long outbound;              /* as tls_builder_limits takes them */
    bool asking_context;        /* of a server: the context asks which one goes on */
    const char *ticket_data;    /* what a server puts into its tickets */
};

bool control_flag(struct control *c, const char *name);
bool control_option(struct control *c, const char *name, const char *value);
/* The numbers of a list, at most MOST_NUMBERS, and how many. */
size_t control_numbers(const char *text, uint16_t *numbers);

bool control_configure(tls_builder_t *builder, const struct control *c);

/* Before the first byte. */
void control_start(struct session *s);

/* True if new keys were asked for. */
bool control_keys(struct session *s, uint32_t state);

/* Compares what the library counted with what was moved. */
void control_check_counters(struct session *s);

void control_print(tls_conn_t *conn);

#endif
