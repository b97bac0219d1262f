#include "pki.h"

#include <stdio.h>
#include <stdlib.h>

#include "report.h"

struct pki pki;

static void load(struct file *file, const char *directory, const char *name)
{
    snprintf(file->path, sizeof(file->path), "%s/%s", directory, name);
    FILE *stream = fopen(file->path, "rb");
    if (!stream)
        give_up("cannot open %s: make it with tests/pki/make.sh", file->path);
    size_t capacity = 64 * 1024;
    file->text = malloc(capacity);
    if (!file->text)
        give_up("out of memory");
    file->len = fread(file->text, 1, capacity, stream);
    fclose(stream);
    if (file->len == 0 || file->len == capacity)
        give_up("%s has an unexpected size", file->path);
}

void pki_load(const char *directory)
{
    load(&pki.roots, directory, "ecdsa/ca.pem");
    load(&pki.server_chain, directory, "ecdsa/direct.pem");
    load(&pki.server_key, directory, "ecdsa/direct.key");
    load(&pki.client_chain, directory, "ecdsa/client-chain.pem");
    load(&pki.client_key, directory, "ecdsa/client.key");
    load(&pki.crl, directory, "crl/root.crl");
    load(&pki.public_key, directory, "ecdsa/server.pub");
    load(&pki.ocsp, directory, "ecdsa/server.ocsp");
}

void pki_unload(void)
{
    free(pki.roots.text);
    free(pki.server_chain.text);
    free(pki.server_key.text);
    free(pki.client_chain.text);
    free(pki.client_key.text);
    free(pki.crl.text);
    free(pki.ocsp.text);
    free(pki.public_key.text);
}
