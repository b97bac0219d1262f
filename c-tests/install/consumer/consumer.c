/* A program of somebody else, who has only what was installed. */
#include <stdio.h>

#include <tlsbio.h>

int main(void)
{
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context = NULL;

    if (builder != NULL && tls_builder_verify(builder, TLS_VERIFY_DANGEROUS_NONE) == TLS_OK)
        context = tls_context_client(builder, NULL);
    tls_builder_free(builder);
    if (context == NULL)
        return 1;
    tls_context_free(context);
    printf("%s\n", tls_status_name(TLS_OK));
    return 0;
}
