#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsbio.h"

static void refuse(const char *why, const char *what)
{
    fprintf(stderr, "peer: %s: %s\n", why, what);
    exit(2);
}

static long number(const char *text)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);

    if (end == text || *end != '\0')
        refuse("not a number", text);
    return value;
}

static int32_t word(const char *text, const char *const *words, const int32_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return values[i];
    refuse("not a word for this option", text);
    return 0;
}

static uint16_t version(const char *text)
{
    static const char *const words[] = {"1.2", "1.3"};
    static const int32_t values[] = {0x0303, 0x0304};

    return (uint16_t)word(text, words, values, 2);
}

static int32_t client_auth(const char *text)
{
    static const char *const words[] = {"none", "optional", "required"};
    static const int32_t values[] = {TLS_CLIENT_AUTH_NONE, TLS_CLIENT_AUTH_OPTIONAL,
                                     TLS_CLIENT_AUTH_REQUIRED};

    return word(text, words, values, 3);
}

static int32_t verify(const char *text)
{
    static const char *const words[] = {"peer", "ask", "none"};
    static const int32_t values[] = {TLS_VERIFY_PEER, TLS_VERIFY_ASK, TLS_VERIFY_DANGEROUS_NONE};

    return word(text, words, values, 3);
}

static int32_t verdict(const char *text)
{
    if (strcmp(text, "accept") == 0)
        return 0;
    if (strcmp(text, "rules") == 0)
        return -1;
    return (int32_t)number(text);
}

static enum job_kind job(const char *text)
{
    static const char *const words[] = {"echo", "exchange", "http"};
    static const int32_t values[] = {JOB_ECHO, JOB_EXCHANGE, JOB_HTTP};

    return (enum job_kind)word(text, words, values, 3);
}

static enum way_in way_in(const char *text)
{
    static const char *const words[] = {"feed", "window", "place", "vectored"};
    static const int32_t values[] = {IN_FEED, IN_WINDOW, IN_PLACE, IN_VECTORED};

    return (enum way_in)word(text, words, values, 4);
}

static enum way_out way_out(const char *text)
{
    static const char *const words[] = {"peek", "copy", "direct", "vectored"};
    static const int32_t values[] = {OUT_PEEK, OUT_COPY, OUT_DIRECT, OUT_VECTORED};

    return (enum way_out)word(text, words, values, 4);
}

static void address(struct options *o, char *text)
{
    char *colon = strrchr(text, ':');

    if (!colon)
        refuse("not HOST:PORT", text);
    *colon = '\0';
    o->host = text;
    o->port = colon + 1;
}

static bool take_flag(struct options *o, const char *name)
{
    if (strcmp(name, "--ask-context") == 0)
        o->ask_context = true;
    else if (strcmp(name, "--key-log") == 0)
        o->key_log = true;
    else if (strcmp(name, "--half-close") == 0)
        o->half_close = true;
    else if (strcmp(name, "--carry") == 0)
        o->carry = true;
    else if (strcmp(name, "--cork") == 0)
        o->cork = true;
    else
        return false;
    return true;
}

static bool take_identity(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--chain") == 0)
        o->chain = value;
    else if (strcmp(name, "--key") == 0)
        o->key = value;
    else if (strcmp(name, "--more-chain") == 0)
        o->more_chain = value;
    else if (strcmp(name, "--more-key") == 0)
        o->more_key = value;
    else if (strcmp(name, "--other-name") == 0)
        o->other_name = value;
    else if (strcmp(name, "--other-chain") == 0)
        o->other_chain = value;
    else if (strcmp(name, "--other-key") == 0)
        o->other_key = value;
    else
        return false;
    return true;
}

static bool take_rule(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--trust") == 0)
        o->trust = value;
    else if (strcmp(name, "--alpn") == 0)
        o->alpn = value;
    else if (strcmp(name, "--min") == 0)
        o->min_version = version(value);
    else if (strcmp(name, "--max") == 0)
        o->max_version = version(value);
    else if (strcmp(name, "--client-auth") == 0)
        o->client_auth = client_auth(value);
    else if (strcmp(name, "--verify") == 0)
        o->verify = verify(value);
    else if (strcmp(name, "--verdict") == 0)
        o->verdict = verdict(value);
    else if (strcmp(name, "--refuse") == 0)
        o->refuse = number(value);
    else if (strcmp(name, "--events") == 0)
        o->events = number(value);
    else if (strcmp(name, "--name") == 0)
        o->name = value;
    else if (strcmp(name, "--ticket-key") == 0)
        o->ticket_key = number(value);
    else if (strcmp(name, "--ticket-until") == 0)
        o->ticket_until = number(value);
    else if (strcmp(name, "--tickets") == 0)
        o->tickets = number(value);
    else if (strcmp(name, "--early-limit") == 0)
        o->early_limit = number(value);
    else if (strcmp(name, "--budget") == 0)
        o->budget = number(value);
    else if (strcmp(name, "--deadline") == 0)
        o->deadline = number(value);
    else if (strcmp(name, "--early") == 0)
        o->early = value;
    else
        return false;
    return true;
}

static bool take_sizing(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--record-size") == 0)
        o->record_size = number(value);
    else if (strcmp(name, "--ramp-size") == 0)
        o->ramp_size = number(value);
    else if (strcmp(name, "--ramp-bytes") == 0)
        o->ramp_bytes = number(value);
    else if (strcmp(name, "--padding") == 0)
        o->padding = number(value);
    else
        return false;
    return true;
}

static bool take_work(struct options *o, const char *name, char *value)
{
    if (strcmp(name, "--address") == 0)
        address(o, value);
    else if (strcmp(name, "--count") == 0)
        o->count = number(value);
    else if (strcmp(name, "--job") == 0)
        o->job = job(value);
    else if (strcmp(name, "--in") == 0)
        o->way_in = way_in(value);
    else if (strcmp(name, "--out") == 0)
        o->way_out = way_out(value);
    else if (strcmp(name, "--send") == 0)
        o->send = value;
    else if (strcmp(name, "--save") == 0)
        o->save = value;
    else if (strcmp(name, "--expect") == 0)
        o->expect = number(value);
    else
        return false;
    return true;
}

struct options options_parse(int argc, char **argv)
{
    struct options o = {.count = 1,
                        .min_version = 0x0303,
                        .max_version = 0x0304,
                        .client_auth = TLS_CLIENT_AUTH_NONE,
                        .verify = TLS_VERIFY_PEER,
                        .verdict = -1,
                        .refuse = -1,
                        .tickets = -1,
                        .name = "server.test",
                        .verification = {.revocation = -1},
                        .control = {.new_keys = -1},
                        .job = JOB_ECHO,
                        .expect = -1};

    if (argc < 2 || (strcmp(argv[1], "client") != 0 && strcmp(argv[1], "server") != 0))
        refuse("usage", "peer client|server --address HOST:PORT [options]");
    o.server = strcmp(argv[1], "server") == 0;
    for (int i = 2; i < argc; i++) {
        if (take_flag(&o, argv[i]) || control_flag(&o.control, argv[i]))
            continue;
        if (i + 1 == argc)
            refuse("unknown option, or one without its value", argv[i]);
        if (!take_identity(&o, argv[i], argv[i + 1]) && !take_rule(&o, argv[i], argv[i + 1]) &&
            !take_work(&o, argv[i], argv[i + 1]) && !take_sizing(&o, argv[i], argv[i + 1]) &&
            !verification_option(&o.verification, argv[i], argv[i + 1]) &&
            !wishes_option(&o.wishes, argv[i], argv[i + 1]) &&
            !control_option(&o.control, argv[i], argv[i + 1]))
            refuse("unknown option", argv[i]);
        i++;
    }
    if (!o.host)
        refuse("missing", "--address HOST:PORT");
    return o;
}
