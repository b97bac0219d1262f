/* Just enough HTTP/1.1 for the example server. It sees bytes only: neither sockets nor TLS. */
#ifndef EXAMPLES_HTTP_H
#define EXAMPLES_HTTP_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_REQUEST_MAX 8192
#define HTTP_TEXT_MAX 4096

struct http {
    char in[HTTP_REQUEST_MAX]; /* received and not yet understood */
    size_t in_len;
    char out[HTTP_TEXT_MAX]; /* status line, headers and a short body */
    size_t out_len, out_sent;
    uint64_t pattern_len, pattern_sent; /* a long body, made while it is sent */
    int head_only;                      /* a HEAD request is answered without its body */
    int last;                           /* nothing may follow the response under way */
};

/* Where the host puts received bytes; their number goes to http_received. No room means that the
 * request is too long, which http_take_request answers. */
size_t http_room(const struct http *http);
void http_received(struct http *http, size_t len);

/* Takes the next whole request off the input and copies its path out. Returns 1, or 0 if there is
 * none yet, or -1 if a bad one was there and an error response was queued instead. */
int http_take_request(struct http *http, char *path, size_t capacity);

/* Queues a response. A text must fit HTTP_TEXT_MAX with its headers. */
void http_respond_text(struct http *http, const char *status, const char *type, const char *text,
                       size_t len);
void http_respond_pattern(struct http *http, uint64_t len);

/* The response as a stream: copy out the next bytes, then say how many were taken. */
int http_busy(const struct http *http);
size_t http_next_bytes(const struct http *http, char *bytes, size_t capacity);
void http_sent(struct http *http, size_t len);

#endif
