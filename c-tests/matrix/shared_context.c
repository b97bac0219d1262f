#include "shared_context.h"

#include <pthread.h>
#include <stdbool.h>

#include "bystander.h"
#include "objects.h"
#include "report.h"
#include "wire.h"

enum { ROUNDS = 24 };

struct shared {
    const tls_context_t *client, *server;
    pthread_barrier_t start;
};

struct user {
    struct shared *shared;
    const char *failed; /* what went wrong, NULL for nothing */
};

static const char *one_round(const struct shared *shared)
{
    size_t none = 0;
    const char *failed = NULL;
    tls_conn_t *client = tls_client_new(shared->client, "server.test", NULL);
    tls_conn_t *server = tls_server_new(shared->server, NULL);
    if (!client || !server)
        failed = "making a connection";
    if (!failed) {
        wire_settle(client, server, &none);
        if (tls_advance(client) != TLS_OK || tls_advance(server) != TLS_OK)
            failed = "the handshake";
    }
    if (!failed && (!wire_says(client, server, &none, "to the server.") ||
                    !wire_says(server, client, &none, "to the client.")))
        failed = "moving bytes";
    tls_free(client);
    tls_free(server);
    return failed;
}

static void *use(void *argument)
{
    struct user *user = argument;
    pthread_barrier_wait(&user->shared->start);
    for (int i = 0; i < ROUNDS && !user->failed; i++)
        user->failed = one_round(user->shared);
    return NULL;
}

void shared_context_run(void)
{
    tls_context_t *client = object_context(ROLE_CLIENT, CONTEXT_PLAIN, TLS_VERSION_1_3);
    tls_context_t *server = object_context(ROLE_SERVER, CONTEXT_PLAIN, TLS_VERSION_1_3);
    struct shared shared = {.client = client, .server = server};
    struct user users[2] = {{&shared, NULL}, {&shared, NULL}};
    pthread_t second;

    report_about("one context in two threads");
    pthread_barrier_init(&shared.start, NULL, 2);
    if (pthread_create(&second, NULL, use, &users[1]) != 0)
        give_up("cannot start a thread");
    use(&users[0]);
    pthread_join(second, NULL);
    pthread_barrier_destroy(&shared.start);
    for (int i = 0; i < 2; i++) {
        if (users[i].failed)
            report_failure("thread %d: %s failed", i, users[i].failed);
    }
    object_free(KIND_CONTEXT, client);
    object_free(KIND_CONTEXT, server);
    bystander_check();
}
