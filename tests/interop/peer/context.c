#include "context.h"

#include <stdio.h>
#include <string.h>

#include "resume.h"

static bool done(const tls_builder_t *builder, const char *what, tls_status_t status)
{
    tls_error_t error = {.size = sizeof(error)};

    if (status == TLS_OK)
        return true;
    tls_builder_error(builder, &error);
    fprintf(stderr, "peer: %s: %s: %s\n", what, tls_status_name(status), error.message);
    return false;
}

static bool set_alpn(tls_builder_t *builder, const char *names)
{
    unsigned char wire[256];
    size_t len = 0;

    while (*names) {
        size_t name_len = strcspn(names, ",");

        if (name_len > 255 || len + 1 + name_len > sizeof(wire))
            return false;
        wire[len++] = (unsigned char)name_len;
        memcpy(wire + len, names, name_len);
        len += name_len;
        names += name_len + (names[name_len] == ',');
    }
    return done(builder, "alpn", tls_builder_alpn(builder, wire, len));
}

static bool configure(tls_builder_t *b, const struct options *o, const char *chain, const char *key)
{
    if (chain && !done(b, "identity", tls_builder_identity_file(b, chain, key)))
        return false;
    if (o->more_chain && chain == o->chain &&
        !done(b, "identity", tls_builder_identity_file(b, o->more_chain, o->more_key)))
        return false;
    if (o->trust && !done(b, "trust", tls_builder_trust_file(b, o->trust)))
        return false;
    if (o->alpn && !set_alpn(b, o->alpn))
        return false;
    return done(b, "versions", tls_builder_versions(b, o->min_version, o->max_version)) &&
           done(b, "events", tls_builder_events(b, (uint32_t)o->events)) &&
           done(b, "key_log", tls_builder_key_log(b, o->key_log)) &&
           done(b, "client_auth", tls_builder_client_auth(b, o->client_auth)) &&
           (o->tickets < 0 || done(b, "tickets", tls_builder_tickets(b, (uint32_t)o->tickets))) &&
           done(b, "early data", tls_builder_early_data(b, (uint32_t)o->early_limit)) &&
           done(b, "budget", tls_builder_handshake_budget(b, (size_t)o->budget)) &&
           done(b, "deadline", tls_builder_handshake_deadline(b, (uint64_t)o->deadline)) &&
           done(b, "record size", tls_builder_record_size(b, (size_t)o->record_size)) &&
           done(b, "record ramp",
                tls_builder_record_ramp(b, (size_t)o->ramp_size, (size_t)o->ramp_bytes)) &&
           done(b, "padding", tls_builder_padding(b, (size_t)o->padding)) &&
           done(b, "verify", tls_builder_verify(b, o->verify)) && wishes_configure(b, &o->wishes) &&
           control_configure(b, &o->control) && verification_configure(b, &o->verification);
}

static tls_context_t *make(const struct options *o, const char *chain, const char *key)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_context_t *context = NULL;
    tls_builder_t *builder = tls_builder_new();

    if (configure(builder, o, chain, key)) {
        context =
            o->server ? tls_context_server(builder, &error) : tls_context_client(builder, &error);
        if (!context)
            fprintf(stderr, "peer: context: %s: %s\n", tls_status_name(error.status),
                    error.message);
    }
    tls_builder_free(builder);
    return context;
}

bool contexts_make(struct contexts *contexts, const struct options *o)
{
    *contexts = (struct contexts){NULL, NULL, NULL};
    contexts->main = make(o, o->chain, o->key);
    if (!contexts->main)
        return false;
    if (o->ticket_key != 0 && !resume_set_key(contexts->main, o))
        return false;
    if (o->other_name) {
        contexts->other = make(o, o->other_chain, o->other_key);
        return contexts->other != NULL;
    }
    return true;
}

void contexts_free(struct contexts *contexts)
{
    tls_context_free(contexts->main);
    tls_context_free(contexts->other);
    tls_session_free(contexts->carried);
}
