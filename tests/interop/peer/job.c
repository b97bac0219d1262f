#include "job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ECHO_ROOM = 65536 };

static bool append(struct bytes *to, const char *data, size_t len)
{
    char *grown;

    if (len == 0)
        return true;
    grown = realloc(to->data, to->len + len);
    if (!grown)
        return false;
    memcpy(grown + to->len, data, len);
    to->data = grown;
    to->len += len;
    return true;
}

bool job_read_file(const char *path, struct bytes *content)
{
    char part[4096];
    size_t got;
    FILE *file = fopen(path, "rb");

    *content = (struct bytes){NULL, 0};
    if (!file) {
        fprintf(stderr, "peer: %s: %s\n", path, strerror(errno));
        return false;
    }
    while ((got = fread(part, 1, sizeof(part), file)) > 0)
        if (!append(content, part, got))
            break;
    fclose(file);
    return true;
}

bool job_start(struct job *job, const struct options *options, const struct bytes *file)
{
    *job = (struct job){.kind = options->job, .file = file, .expect = options->expect};
    if (options->save) {
        job->save = fopen(options->save, "wb");
        if (!job->save) {
            fprintf(stderr, "peer: %s: %s\n", options->save, strerror(errno));
            return false;
        }
    }
    return job->kind != JOB_EXCHANGE || append(&job->out, file->data, file->len);
}

void job_end(struct job *job)
{
    free(job->out.data);
    free(job->in.data);
    if (job->save)
        fclose(job->save);
}

size_t job_room(const struct job *job)
{
    size_t waiting = job->out.len - job->sent;

    if (job->kind != JOB_ECHO)
        return ECHO_ROOM;
    return waiting < ECHO_ROOM ? ECHO_ROOM - waiting : 0;
}

static bool answer_http(struct job *job, const char *body, size_t len)
{
    char head[128];

    snprintf(head, sizeof(head),
             "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", len);
    job->answered = true;
    return append(&job->out, head, strlen(head)) && append(&job->out, body, len);
}

static const char *find(const struct bytes *in, const char *needle)
{
    size_t len = strlen(needle);

    for (size_t i = 0; i + len <= in->len; i++)
        if (memcmp(in->data + i, needle, len) == 0)
            return in->data + i;
    return NULL;
}

/* A GET is answered with the file, anything else with its own body. */
static bool take_http(struct job *job, const char *plain, size_t len)
{
    const char *head_end;
    const char *length;
    size_t body_at;
    size_t body_len;

    if (!append(&job->in, plain, len))
        return false;
    head_end = find(&job->in, "\r\n\r\n");
    if (!head_end || job->answered)
        return true;
    if (memcmp(job->in.data, "GET ", 4) == 0)
        return answer_http(job, job->file->data, job->file->len);
    length = find(&job->in, "Content-Length: ");
    if (!length || length > head_end)
        return false;
    body_at = (size_t)(head_end - job->in.data) + 4;
    body_len = strtoul(length + strlen("Content-Length: "), NULL, 10);
    if (job->in.len - body_at < body_len)
        return true;
    return answer_http(job, job->in.data + body_at, body_len);
}

bool job_take(struct job *job, const char *plain, size_t len)
{
    job->received += len;
    if (job->save && fwrite(plain, 1, len, job->save) != len)
        return false;
    if (job->kind == JOB_ECHO)
        return append(&job->out, plain, len);
    return job->kind != JOB_HTTP || take_http(job, plain, len);
}

size_t job_offer(const struct job *job, const char **plain)
{
    *plain = job->out.data ? job->out.data + job->sent : NULL;
    return job->out.len - job->sent;
}

void job_sent(struct job *job, size_t len)
{
    job->sent += len;
}

bool job_said_all(const struct job *job, const struct options *options)
{
    if (job->sent < job->out.len)
        return false;
    if (job->peer_closed || options->half_close)
        return true;
    if (job->kind == JOB_HTTP)
        return job->answered;
    return job->kind == JOB_EXCHANGE && job->expect >= 0 && job->received >= (size_t)job->expect;
}
