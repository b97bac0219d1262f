#include "http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

size_t http_room(const struct http *http)
{
    return sizeof(http->in) - http->in_len;
}

void http_received(struct http *http, size_t len)
{
    http->in_len += len;
}

static const char *find(const char *text, size_t len, const char *wanted)
{
    size_t wanted_len = strlen(wanted);

    for (; len >= wanted_len; text++, len--) {
        if (memcmp(text, wanted, wanted_len) == 0)
            return text;
    }
    return NULL;
}

/* Says whether a header of that name has a value that begins so ("" for any value). */
static int has_header(const char *head, size_t len, const char *name, const char *value)
{
    size_t name_len = strlen(name);
    const char *line = head;

    while ((line = find(line, len - (size_t)(line - head), "\r\n")) != NULL) {
        const char *text = line + 2;
        size_t left = len - (size_t)(text - head);

        line = text;
        if (left <= name_len || strncasecmp(text, name, name_len) != 0 || text[name_len] != ':')
            continue;
        for (text += name_len + 1, left -= name_len + 1; left > 0 && *text == ' '; left--)
            text++;
        if (left >= strlen(value) && strncasecmp(text, value, strlen(value)) == 0)
            return 1;
    }
    return 0;
}

/* After a request that is not understood nobody knows where the next one begins. */
static int refuse(struct http *http, const char *status)
{
    http->in_len = 0;
    http->last = 1;
    http->head_only = 0;
    http_respond_text(http, status, "text/plain", status, strlen(status));
    return -1;
}

static int parse_head(struct http *http, size_t len, char *path, size_t capacity)
{
    const char *head = http->in;
    const char *line_end = find(head, len, "\r\n");
    const char *target, *target_end;
    size_t method_len, target_len;

    target = memchr(head, ' ', (size_t)(line_end - head));
    if (target == NULL)
        return refuse(http, "400 Bad Request");
    method_len = (size_t)(target - head);
    target++;
    target_end = memchr(target, ' ', (size_t)(line_end - target));
    if (target_end == NULL || memchr(target, '\0', (size_t)(line_end - target)) != NULL)
        return refuse(http, "400 Bad Request");
    target_len = (size_t)(target_end - target);
    if (line_end - target_end != 9 || memcmp(target_end, " HTTP/1.", 8) != 0)
        return refuse(http, "505 HTTP Version Not Supported");
    if (has_header(head, len, "Transfer-Encoding", "") ||
        has_header(head, len, "Content-Length", ""))
        return refuse(http, "413 Content Too Large");

    http->head_only = method_len == 4 && memcmp(head, "HEAD", 4) == 0;
    if (!http->head_only && !(method_len == 3 && memcmp(head, "GET", 3) == 0))
        return refuse(http, "501 Not Implemented");
    if (target_len >= capacity)
        return refuse(http, "414 URI Too Long");

    http->last = target_end[8] == '0' || has_header(head, len, "Connection", "close");
    memcpy(path, target, target_len);
    path[target_len] = '\0';
    return 1;
}

int http_take_request(struct http *http, char *path, size_t capacity)
{
    const char *end = find(http->in, http->in_len, "\r\n\r\n");
    size_t len;
    int result;

    if (end == NULL)
        return http_room(http) > 0 ? 0 : refuse(http, "431 Request Header Fields Too Large");
    len = (size_t)(end - http->in) + 4;
    result = parse_head(http, len, path, capacity);
    if (result == 1) {
        http->in_len -= len;
        memmove(http->in, http->in + len, http->in_len);
    }
    return result;
}

static void queue_head(struct http *http, const char *status, const char *type, uint64_t length)
{
    http->out_sent = 0;
    http->pattern_len = 0;
    http->pattern_sent = 0;
    http->out_len = (size_t)snprintf(http->out, sizeof(http->out),
                                     "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %llu\r\n"
                                     "Connection: %s\r\n\r\n",
                                     status, type, (unsigned long long)length,
                                     http->last ? "close" : "keep-alive");
}

void http_respond_text(struct http *http, const char *status, const char *type, const char *text,
                       size_t len)
{
    queue_head(http, status, type, len);
    if (!http->head_only && len <= sizeof(http->out) - http->out_len) {
        memcpy(http->out + http->out_len, text, len);
        http->out_len += len;
    }
}

void http_respond_pattern(struct http *http, uint64_t len)
{
    queue_head(http, "200 OK", "application/octet-stream", len);
    http->pattern_len = http->head_only ? 0 : len;
}

int http_busy(const struct http *http)
{
    return http->out_sent < http->out_len || http->pattern_sent < http->pattern_len;
}

/* Every 16 bytes are a line with its own number, 15 digits wide: whoever receives it can tell a
 * lost, repeated or swapped piece, and can make the same bytes with seq(1). */
static void fill_pattern(char *bytes, size_t len, uint64_t offset)
{
    char line[16];
    size_t done = 0;

    while (done < len) {
        size_t column = (size_t)(offset % sizeof(line));
        size_t part = sizeof(line) - column;
        uint64_t number = offset / sizeof(line);
        int digit;

        line[15] = '\n';
        for (digit = 14; digit >= 0; digit--, number /= 10)
            line[digit] = (char)('0' + number % 10);
        if (part > len - done)
            part = len - done;
        memcpy(bytes + done, line + column, part);
        done += part;
        offset += part;
    }
}

size_t http_next_bytes(const struct http *http, char *bytes, size_t capacity)
{
    size_t text = http->out_len - http->out_sent;
    uint64_t pattern = http->pattern_len - http->pattern_sent;

    if (text > capacity)
        text = capacity;
    if (pattern > capacity - text)
        pattern = capacity - text;
    memcpy(bytes, http->out + http->out_sent, text);
    fill_pattern(bytes + text, (size_t)pattern, http->pattern_sent);
    return text + (size_t)pattern;
}

void http_sent(struct http *http, size_t len)
{
    size_t text = http->out_len - http->out_sent;

    if (text > len)
        text = len;
    http->out_sent += text;
    http->pattern_sent += len - text;
}
