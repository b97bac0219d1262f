#include "control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

bool control_flag(struct control *c, const char *name)
{
    if (strcmp(name, "--asking-context") != 0)
        return false;
    c->asking_context = true;
    return true;
}

bool control_option(struct control *c, const char *name, const char *value)
{
    if (strcmp(name, "--suites") == 0)
        c->suites = value;
    else if (strcmp(name, "--offer-groups") == 0)
        c->groups = value;
    else if (strcmp(name, "--resumed-groups") == 0)
        c->resumed_groups = value;
    else if (strcmp(name, "--new-keys") == 0)
        c->new_keys = strtol(value, NULL, 10);
    else if (strcmp(name, "--inbound") == 0)
        c->inbound = strtol(value, NULL, 10);
    else if (strcmp(name, "--outbound") == 0)
        c->outbound = strtol(value, NULL, 10);
    else if (strcmp(name, "--ticket-data") == 0)
        c->ticket_data = value;
    else
        return false;
    return true;
}

size_t control_numbers(const char *text, uint16_t *numbers)
{
    size_t count = 0;

    while (text && *text && count < MOST_NUMBERS) {
        char *end;

        numbers[count++] = (uint16_t)strtoul(text, &end, 0);
        text = end + (*end == ',');
    }
    return count;
}

bool control_configure(tls_builder_t *builder, const struct control *c)
{
    uint16_t suites[MOST_NUMBERS], groups[MOST_NUMBERS];
    size_t suite_count = control_numbers(c->suites, suites);
    size_t group_count = control_numbers(c->groups, groups);

    return tls_builder_suites(builder, suites, suite_count) == TLS_OK &&
           tls_builder_groups(builder, groups, group_count) == TLS_OK &&
           tls_builder_limits(builder, (size_t)c->inbound, (size_t)c->outbound) == TLS_OK &&
           tls_builder_ask_context(builder, c->asking_context) == TLS_OK;
}

void control_start(struct session *s)
{
    const char *data = s->options->control.ticket_data;

    if (data && tls_resumption_data_set(s->conn, data, strlen(data)) != TLS_OK)
        s->broken = "nothing could be put into tickets";
}

bool control_keys(struct session *s, uint32_t state)
{
    long after = s->options->control.new_keys;
    tls_status_t status;

    if (after < 0 || s->has_new_keys || !(state & TLS_CAN_WRITE) || (long)s->job->sent < after)
        return false;
    status = tls_key_update(s->conn);
    if (status == TLS_WANT_DRAIN)
        return false;
    s->has_new_keys = true;
    if (status != TLS_OK)
        s->broken = "tls_key_update was refused";
    return true;
}

void control_check_counters(struct session *s)
{
    tls_counters_t counters = {.size = sizeof(counters)};
    bool has_early = s->options->early || s->options->early_limit != 0;

    if (tls_counters(s->conn, &counters) != TLS_OK)
        s->broken = "tls_counters was refused";
    else if (counters.wire_in + s->in.len != s->wire_in)
        s->broken = "wire_in is not what was fed";
    else if (counters.wire_out != s->wire_out + s->out.len)
        s->broken = "wire_out is not what was drained";
    else if (!has_early && counters.plain_in != s->job->received)
        s->broken = "plain_in is not what was read";
    else if (!has_early && counters.plain_out != s->job->sent)
        s->broken = "plain_out is not what was written";
}

/* Names of all kinds, each with the number of its kind. */
static void print_names(tls_conn_t *conn)
{
    static const int32_t kinds[] = {TLS_NAME_EMAIL, TLS_NAME_DNS, TLS_NAME_URI, TLS_NAME_IP};
    const char *between = "";
    char name[256];

    fputs("\"names\":[", stdout);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        for (size_t i = 0; tls_peer_name(conn, kinds[k], i, name, sizeof(name)) > 0; i++) {
            printf("%s[%d,\"%s\"]", between, (int)kinds[k], name);
            between = ",";
        }
    }
    fputs("],", stdout);
}

void control_print(tls_conn_t *conn)
{
    tls_counters_t counters = {.size = sizeof(counters)};
    char data[TLS_MAX_RESUMPTION_DATA + 1] = "";

    if (tls_counters(conn, &counters) != TLS_OK ||
        tls_resumption_data(conn, data, sizeof(data) - 1) < 0)
        abort();
    printf("\"records_in\":%u,", (unsigned)counters.records_in);
    printf("\"records_out\":%u,", (unsigned)counters.records_out);
    printf("\"tickets_in\":%u,", (unsigned)counters.tickets_in);
    printf("\"ticket_data\":\"%s\",", data);
    print_names(conn);
}
