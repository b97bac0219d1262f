#include "report.h"

#include <stdio.h>
#include <stdlib.h>

static void print_text(const char *key, const char *text)
{
    printf("\"%s\":\"", key);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    fputs("\",", stdout);
}

static void print_flag(const char *key, bool value)
{
    printf("\"%s\":%s,", key, value ? "true" : "false");
}

static void print_negotiated(tls_conn_t *conn)
{
    char sni[256] = "";
    char alpn[256] = "";
    ptrdiff_t alpn_len = tls_alpn(conn, alpn, sizeof(alpn) - 1);

    if (alpn_len > 0)
        alpn[alpn_len] = '\0';
    tls_sni(conn, sni, sizeof(sni));
    printf("\"version\":\"0x%04x\",", tls_protocol_version(conn));
    printf("\"suite\":\"0x%04x\",", tls_cipher_suite(conn));
    printf("\"group\":\"0x%04x\",", tls_group(conn));
    print_text("alpn", alpn);
    print_text("sni", sni);
    printf("\"resumed\":%d,", (int)tls_resumed(conn));
    printf("\"kind\":%d,", (int)tls_handshake_kind(conn));
}

static void print_hex(const char *key, const unsigned char *bytes, ptrdiff_t len)
{
    printf("\"%s\":\"", key);
    for (ptrdiff_t at = 0; at < len; at++)
        printf("%02x", bytes[at]);
    fputs("\",", stdout);
}

/* What both ends can derive; nothing after a handshake that failed. */
static void print_secrets(tls_conn_t *conn)
{
    static const char label[] = "EXPERIMENTAL-tlsbio";
    unsigned char out[64];

    print_hex("exported", out, tls_export(conn, label, sizeof(label) - 1, NULL, 0, 0, out, 40));
    print_hex("exporter_binding", out,
              tls_channel_binding(conn, TLS_BINDING_EXPORTER, out, sizeof(out)));
    print_hex("end_point_binding", out,
              tls_channel_binding(conn, TLS_BINDING_SERVER_END_POINT, out, sizeof(out)));
}

/* What was asked for: the line of a key log, or the number of any other kind. */
static void print_events(tls_conn_t *conn)
{
    tls_event_t event = {.size = sizeof(event)};
    uint64_t lost = 0;

    fputs("\"events\":[", stdout);
    for (int i = 0; tls_next_event(conn, &event) == 1; i++) {
        fputs(i ? "," : "", stdout);
        if (event.kind == TLS_EVENT_KEY_LOG)
            printf("\"%s\"", event.text);
        else
            printf("%u", (unsigned)event.number);
        lost += event.lost;
    }
    printf("],\"events_lost\":%u,", (unsigned)lost);
}

/* The certificates go out whole, so that the test can compare them with the files they came from.
 */
static void print_certificates(tls_conn_t *conn)
{
    ptrdiff_t size;

    fputs("\"certificates\":[", stdout);
    for (size_t i = 0; (size = tls_peer_certificate(conn, i, NULL, 0)) > 0; i++) {
        unsigned char *der = malloc((size_t)size);

        if (!der || tls_peer_certificate(conn, i, der, (size_t)size) != size)
            abort();
        fputs(i ? ",\"" : "\"", stdout);
        for (ptrdiff_t at = 0; at < size; at++)
            printf("%02x", der[at]);
        putchar('"');
        free(der);
    }
    fputs("],", stdout);
}

static void print_error(tls_conn_t *conn)
{
    tls_error_t error = {.size = sizeof(error)};

    tls_conn_error(conn, &error);
    print_text("error", tls_status_name(error.status));
    print_text("message", error.message);
    printf("\"reason\":%d,", (int)error.reason);
    printf("\"alert_sent\":%d,", error.alert_sent);
    printf("\"alert_received\":%d,", error.alert_received);
}

void report_print(const struct session *s)
{
    putchar('{');
    print_text("status", tls_status_name(s->status));
    print_text("broken", s->broken ? s->broken : "");
    print_negotiated(s->conn);
    print_certificates(s->conn);
    print_secrets(s->conn);
    print_events(s->conn);
    print_error(s->conn);
    print_text("asked_name", s->asked_name);
    print_text("early", s->early);
    printf("\"early_status\":%d,", (int)tls_early_status(s->conn));
    print_flag("asked_context", s->asked_context);
    print_flag("asked_verify", s->asked_verify);
    wishes_print(s->conn);
    control_print(s->conn);
    raw_key_print(s->conn);
    stapled_print(&s->stapled);
    print_flag("retried", s->retry.seen);
    print_flag("reset", s->transport_reset);
    printf("\"surplus\":%td,", tls_surplus(s->conn, NULL, 0));
    printf("\"sent\":%zu,\"received\":%zu,", s->job->sent, s->job->received);
    printf("\"wire_in\":%zu,\"wire_out\":%zu}\n", s->wire_in, s->wire_out);
    fflush(stdout);
}
