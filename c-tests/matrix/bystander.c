#include "bystander.h"

#include <stdio.h>

#include "report.h"
#include "scene.h"
#include "wire.h"

static struct scene pair;

/* scene_open frees the contexts of the pair at once: every check shows that connections keep what
 * they need. */
void bystander_open(void)
{
    scene_open(&pair, NEEDS_CONN, PHASE_ESTABLISHED, ROLE_CLIENT, TLS_VERSION_1_3);
}

void bystander_check(void)
{
    static unsigned long count;
    char message[32];
    snprintf(message, sizeof(message), "ping %lu.", ++count);
    if (!wire_says(pair.conn, pair.peer, &pair.ahead, message))
        report_failure("the bystander's client no longer reaches its server");
    snprintf(message, sizeof(message), "pong %lu.", count);
    if (!wire_says(pair.peer, pair.conn, &pair.ahead, message))
        report_failure("the bystander's server no longer reaches its client");
}

void bystander_close(void)
{
    scene_close(&pair);
}

tls_conn_t *bystander_conn(void)
{
    return pair.conn;
}
