/* Uses the prefixed static library beside another library's function of the same name. */
#include <stdio.h>

#include "mine_tlsbio.h"

static int others_calls;

/* As in OpenSSL's static libssl since 3.2, and in LibreSSL's libtls. */
int tls_free(void *record_layer);
int tls_free(void *record_layer)
{
    others_calls += record_layer == NULL;
    return 1;
}

int main(void)
{
    tls_conn_t *conn = mine_tls_server_new(NULL, NULL);

    if (conn == NULL || mine_tls_advance(conn) != TLS_WANT_FEED)
        return 1;
    tls_free(NULL);
    mine_tls_free(conn);
    if (mine_tls_advance(conn) != TLS_ERR_HANDLE || others_calls != 1)
        return 1;
    puts("both functions are themselves");
    return 0;
}
