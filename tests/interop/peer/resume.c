#include "resume.h"

#include <stdio.h>
#include <string.h>

bool resume_set_key(tls_context_t *context, const struct options *o)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_ticket_key_t key = {.size = sizeof(key), .secret_len = 32};

    memset(key.name, (int)o->ticket_key, sizeof(key.name));
    memset(key.secret, (int)o->ticket_key, key.secret_len);
    key.decrypt_until = o->ticket_until > 0 ? (uint64_t)o->ticket_until : UINT64_MAX;
    if (tls_context_ticket_keys(context, &key, 1, &error) == TLS_OK)
        return true;
    fprintf(stderr, "peer: ticket key: %s: %s\n", tls_status_name(error.status), error.message);
    return false;
}

tls_conn_t *resume_connect(const tls_context_t *context, const struct options *o,
                           tls_session_t **carried, tls_error_t *error)
{
    uint16_t groups[MOST_NUMBERS];
    size_t count = *carried ? control_numbers(o->control.resumed_groups, groups) : 0;
    tls_client_options_t options = {.size = sizeof(options),
                                    .server_name = o->name,
                                    .session = *carried,
                                    .flags = TLS_CLIENT_OWN_SESSIONS,
                                    .groups = groups,
                                    .groups_count = count};
    tls_conn_t *conn = tls_client_new_with(context, &options, error);

    tls_session_free(*carried);
    *carried = NULL;
    return conn;
}

void resume_keep(tls_conn_t *conn, tls_session_t **carried)
{
    tls_session_free(*carried);
    *carried = tls_session_take(conn, NULL);
}
