/* What the runner asks of one connection: its flags, as far as they mean something to this library.
 */
#ifndef CONFORMANCE_OPTIONS_H
#define CONFORMANCE_OPTIONS_H

#include <stdint.h>

enum { MOST_CODES = 64, UNIMPLEMENTED = 89 };

struct codes {
    uint16_t code[MOST_CODES];
    int count;
};

struct options {
    /* What a context is made of. */
    const char *chain, *key, *offered_alpn, *chosen_alpn;
    int rejects_alpn; /* a server */
    int is_server, least_version, most_version, without_tls13, without_tls12;
    int asks_client, demands_client, asks_host, without_tickets, early_data, ech_grease, most_plain;
    struct codes groups, key_shares, schemes;

    /* What is done with a connection. */
    const char *name, *export_label, *export_context;
    int resumptions, writes_first, closes, wants_close, most_read, updates_keys, export_length;
    int has_export_context, writes_all_sizes, refuses_peer, refuses_as_unknown;

    /* What has to come of it. */
    const char *expected_alpn, *expected_name;
    int expected_version, expected_group, expected_suite, expects_no_session, expects_retry;
    int expects_no_retry, expects_early_accepted, expects_early_rejected, expects_no_peer;
    int expects_no_end;
};

/* Where the runner listens, and what a connection tells it first. */
struct address {
    int port, is_ipv6;
    unsigned long long id;
};

/* Reads the flags of the first connection, or of those that resume its session. Ends the program,
 * as the runner wants it, with UNIMPLEMENTED at a flag that is not known here. */
void read_options(int argc, char **argv, int resumes, struct options *options,
                  struct address *address);

/* Whether both make the same context. */
int same_context(const struct options *one, const struct options *other);

/* Says why this program cannot do what is asked, and ends it. */
_Noreturn void unimplemented(const char *what);

#endif
