#include "options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { SET, NUMBER, TEXT, CODE };

struct flag {
    const char *name;
    size_t member;
    enum kind kind;
};

#define FLAG(name, member, kind)                                                                   \
    {                                                                                              \
        name, offsetof(struct options, member), kind                                               \
    }

static const struct flag flags[] = {
    FLAG("server", is_server, SET),
    FLAG("cert-file", chain, TEXT),
    FLAG("key-file", key, TEXT),
    FLAG("min-version", least_version, NUMBER),
    FLAG("max-version", most_version, NUMBER),
    FLAG("no-tls13", without_tls13, SET),
    FLAG("no-tls12", without_tls12, SET),
    FLAG("advertise-alpn", offered_alpn, TEXT),
    FLAG("select-alpn", chosen_alpn, TEXT),
    FLAG("reject-alpn", rejects_alpn, SET),
    FLAG("curves", groups, CODE),
    FLAG("key-shares", key_shares, CODE),
    FLAG("signing-prefs", schemes, CODE),
    FLAG("verify-prefs", schemes, CODE),
    FLAG("verify-peer", asks_client, SET),
    FLAG("use-custom-verify-callback", refuses_as_unknown, SET),
    FLAG("require-any-client-certificate", demands_client, SET),
    FLAG("verify-fail", refuses_peer, SET),
    FLAG("no-ticket", without_tickets, SET),
    FLAG("enable-early-data", early_data, SET),
    FLAG("enable-ech-grease", ech_grease, SET),
    FLAG("max-send-fragment", most_plain, NUMBER),
    FLAG("host-name", name, TEXT),
    FLAG("resume-count", resumptions, NUMBER),
    FLAG("shim-writes-first", writes_first, SET),
    FLAG("shim-shuts-down", closes, SET),
    FLAG("check-close-notify", wants_close, SET),
    FLAG("read-size", most_read, NUMBER),
    FLAG("key-update", updates_keys, SET),
    FLAG("export-keying-material", export_length, NUMBER),
    FLAG("export-label", export_label, TEXT),
    FLAG("export-context", export_context, TEXT),
    FLAG("use-export-context", has_export_context, SET),
    FLAG("write-different-record-sizes", writes_all_sizes, SET),
    FLAG("expect-alpn", expected_alpn, TEXT),
    FLAG("expect-server-name", expected_name, TEXT),
    FLAG("expect-version", expected_version, NUMBER),
    FLAG("expect-curve-id", expected_group, NUMBER),
    FLAG("expect-cipher", expected_suite, NUMBER),
    FLAG("expect-session-miss", expects_no_session, SET),
    FLAG("expect-hrr", expects_retry, SET),
    FLAG("expect-no-hrr", expects_no_retry, SET),
    FLAG("expect-accept-early-data", expects_early_accepted, SET),
    FLAG("expect-reject-early-data", expects_early_rejected, SET),
    FLAG("expect-no-peer-cert", expects_no_peer, SET),
    FLAG("handshake-never-done", expects_no_end, SET),
};

/* How the other library is called, not what comes of it: this one is called in one way. A server
 * that was given no protocols declines all of them. */
static const char *const without_meaning[] = {
    "decline-alpn",
    "async",
    "implicit-handshake",
    "no-op-extra-handshake",
    "peek-then-read",
    "use-early-callback",
    "expect-session-id",
    "expect-no-session",
    "expect-ticket-supports-early-data",
    "no-ssl3",
    "no-tls1",
    "no-tls11",
    "renegotiate-ignore",
    "permute-extensions",
};

void unimplemented(const char *what)
{
    fprintf(stderr, "not here: %s\n", what);
    exit(UNIMPLEMENTED);
}

static const struct flag *flag_named(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(flags[i].name, name) == 0)
            return &flags[i];
    return NULL;
}

static int has_no_meaning(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(without_meaning) / sizeof(without_meaning[0]); i++)
        if (strcmp(without_meaning[i], name) == 0)
            return 1;
    return 0;
}

/* Cuts prefix off, if name has it. */
static int cut_off(const char **name, const char *prefix)
{
    size_t len = strlen(prefix);

    if (strncmp(*name, prefix, len) != 0)
        return 0;
    *name += len;
    return 1;
}

static void set(struct options *options, const struct flag *flag, const char *value)
{
    char *member = (char *)options + flag->member;

    switch (flag->kind) {
    case SET:
        *(int *)(void *)member = 1;
        break;
    case NUMBER:
        *(int *)(void *)member = (int)strtol(value, NULL, 0);
        break;
    case TEXT:
        *(const char **)(void *)member = value;
        break;
    case CODE: {
        struct codes *codes = (struct codes *)(void *)member;

        if (codes->count == MOST_CODES)
            unimplemented("so many codes");
        codes->code[codes->count++] = (uint16_t)strtol(value, NULL, 0);
    }
    }
}

void read_options(int argc, char **argv, int resumes, struct options *options,
                  struct address *address)
{
    int i;

    for (i = 1; i < argc; i++) {
        const char *name = argv[i] + strspn(argv[i], "-");
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        const struct flag *flag;
        int counts = 1;

        if (cut_off(&name, "on-initial-"))
            counts = !resumes;
        else if (cut_off(&name, "on-resume-"))
            counts = resumes;
        flag = flag_named(name);
        if (strcmp(name, "port") == 0) {
            address->port = atoi(value);
            i++;
        } else if (strcmp(name, "shim-id") == 0) {
            address->id = strtoull(value, NULL, 10);
            i++;
        } else if (strcmp(name, "ipv6") == 0) {
            address->is_ipv6 = 1;
        } else if (strcmp(name, "trust-cert") == 0) {
            /* Peers are judged by the answer to TLS_ASK_VERIFY, or not at all. */
            i++;
        } else if (strcmp(name, "is-handshaker-supported") == 0) {
            puts("No");
            exit(0);
        } else if (flag != NULL) {
            if (flag->kind != SET)
                i++;
            if (counts)
                set(options, flag, value);
        } else if (!has_no_meaning(name)) {
            unimplemented(name);
        }
    }
}

static int same_codes(const struct codes *one, const struct codes *other)
{
    return one->count == other->count &&
           memcmp(one->code, other->code, (size_t)one->count * sizeof(one->code[0])) == 0;
}

static int same_text(const char *one, const char *other)
{
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

int same_context(const struct options *one, const struct options *other)
{
    return same_text(one->chain, other->chain) && same_text(one->key, other->key) &&
           same_text(one->offered_alpn, other->offered_alpn) &&
           same_text(one->chosen_alpn, other->chosen_alpn) &&
           one->rejects_alpn == other->rejects_alpn && one->least_version == other->least_version &&
           one->most_version == other->most_version && one->without_tls13 == other->without_tls13 &&
           one->without_tls12 == other->without_tls12 && one->asks_client == other->asks_client &&
           one->demands_client == other->demands_client && one->asks_host == other->asks_host &&
           one->without_tickets == other->without_tickets && one->early_data == other->early_data &&
           one->ech_grease == other->ech_grease && one->most_plain == other->most_plain &&
           same_codes(&one->groups, &other->groups) &&
           same_codes(&one->key_shares, &other->key_shares) &&
           same_codes(&one->schemes, &other->schemes);
}
