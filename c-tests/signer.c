#include "signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "pki.h"

/* What the two processes hand each other is in files of this directory. */
static char work[] = "/tmp/tlsbio-sign-XXXXXX";
static char message_path[sizeof(work) + 16], signature_path[sizeof(work) + 16];

static void remove_work(void)
{
    CHECK_EQ(unlink(message_path), 0);
    CHECK_EQ(unlink(signature_path), 0);
    CHECK_EQ(rmdir(work), 0);
}

static void make_work(void)
{
    if (message_path[0] != '\0')
        return;
    CHECK(mkdtemp(work) != NULL);
    snprintf(message_path, sizeof(message_path), "%s/message", work);
    snprintf(signature_path, sizeof(signature_path), "%s/signature", work);
    CHECK_EQ(atexit(remove_work), 0);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");

    CHECK(file != NULL);
    CHECK_EQ(fwrite(bytes, 1, len, file), len);
    CHECK_EQ(fclose(file), 0);
}

/* How OpenSSL's command line is told a TLS signature scheme. */
static const char *openssl_options(uint16_t scheme)
{
    switch (scheme) {
    case 0x0403:
        return "dgst -sha256";
    case 0x0804:
        return "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    case 0x0805:
        return "dgst -sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    case 0x0806:
        return "dgst -sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    case 0x0807:
        return "pkeyutl -rawin";
    default:
        fprintf(stderr, "scheme 0x%04x\n", scheme);
        abort();
    }
}

size_t sign_outside(tls_conn_t *conn, const char *key, unsigned char *signature, size_t room)
{
    static unsigned char message[65536];
    char command[1024];
    ptrdiff_t len = tls_sign_message(conn, message, sizeof(message));
    uint16_t scheme = tls_sign_scheme(conn);
    int ed25519 = scheme == 0x0807;
    FILE *file;
    size_t n;

    CHECK(len > 0 && len <= (ptrdiff_t)sizeof(message));
    CHECK_EQ(tls_sign_message(conn, NULL, 0), len);
    make_work();
    write_file(message_path, message, (size_t)len);
    snprintf(command, sizeof(command), "openssl %s %s %s -out %s %s %s", openssl_options(scheme),
             ed25519 ? "-sign -inkey" : "-sign", pki_path(key), signature_path,
             ed25519 ? "-in" : "", message_path);
    CHECK_EQ(system(command), 0);
    file = fopen(signature_path, "rb");
    CHECK(file != NULL);
    n = fread(signature, 1, room, file);
    CHECK_EQ(fclose(file), 0);
    CHECK(n > 0 && n < room);
    return n;
}
