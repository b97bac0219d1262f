/* A TLS client or server over libtlsbio for the interop tests: run.py starts it against other
 * people's software and reads the line of JSON that it prints for every connection. */
#include <stdio.h>
#include <stdlib.h>

#include "peer/context.h"
#include "peer/job.h"
#include "peer/options.h"
#include "peer/report.h"
#include "peer/resume.h"
#include "peer/session.h"
#include "peer/socket.h"
#include "tlsbio.h"

static tls_conn_t *new_conn(const struct options *o, struct contexts *contexts)
{
    tls_error_t error = {.size = sizeof(error)};
    tls_conn_t *conn;

    if (o->server)
        conn = tls_server_new(o->ask_context ? NULL : contexts->main, &error);
    else if (o->carry)
        conn = resume_connect(contexts->main, o, &contexts->carried, &error);
    else if (wishes_any(&o->wishes))
        conn = wishes_client(contexts->main, o, &error);
    else
        conn = verification_client(contexts->main, o, &error);
    if (!conn)
        fprintf(stderr, "peer: connection: %s: %s\n", tls_status_name(error.status), error.message);
    return conn;
}

static bool one_connection(const struct options *o, struct contexts *contexts,
                           const struct bytes *file, int fd)
{
    struct job job;
    struct session session = {.options = o, .contexts = contexts, .job = &job, .fd = fd};
    bool kept = false;

    session.conn = new_conn(o, contexts);
    if (session.conn && job_start(&job, o, file)) {
        session_run(&session);
        report_print(&session);
        kept = !session.broken;
        job_end(&job);
    }
    if (o->carry)
        resume_keep(session.conn, &contexts->carried);
    tls_free(session.conn);
    socket_finish(fd);
    return kept;
}

static int start_listening(const struct options *o)
{
    int listener = socket_listen(o->host, o->port);

    if (listener >= 0) {
        printf("listening %d\n", socket_port(listener));
        fflush(stdout);
    }
    return listener;
}

static bool all_connections(const struct options *o, struct contexts *contexts,
                            const struct bytes *file)
{
    int listener = o->server ? start_listening(o) : -1;
    bool good = !o->server || listener >= 0;

    for (long i = 0; good && i < o->count; i++) {
        int fd = o->server ? socket_accept(listener) : socket_connect(o->host, o->port);

        good = fd >= 0 && one_connection(o, contexts, file, fd);
    }
    return good;
}

int main(int argc, char **argv)
{
    struct options options = options_parse(argc, argv);
    struct contexts contexts;
    struct bytes file = {NULL, 0};
    bool good = !options.send || job_read_file(options.send, &file);

    if (good) {
        good = contexts_make(&contexts, &options) && all_connections(&options, &contexts, &file);
        contexts_free(&contexts);
    }
    free(file.data);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
