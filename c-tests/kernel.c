/* Records that Linux's kernel seals and opens (kTLS), over loopback: what docs/kernel-tls.md says.
 */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "check.h"
#include "pair.h"
#include "pki.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

struct sockets {
    int kernel, library;
};

static struct sockets connected_sockets(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    struct sockets sockets;

    CHECK(listening >= 0);
    CHECK_EQ(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
    CHECK_EQ(listen(listening, 1), 0);
    CHECK_EQ(getsockname(listening, (struct sockaddr *)&address, &len), 0);
    sockets.kernel = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(connect(sockets.kernel, (struct sockaddr *)&address, sizeof(address)), 0);
    sockets.library = accept(listening, NULL, NULL);
    CHECK(sockets.library >= 0);
    close(listening);
    return sockets;
}

static void close_sockets(struct sockets sockets)
{
    close(sockets.kernel);
    close(sockets.library);
}

/* What cannot be had is said once, with the kernel's own word for it. */
static int kernel_has_tls(void)
{
    struct sockets sockets = connected_sockets();
    int result = setsockopt(sockets.kernel, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls"));

    if (result != 0)
        printf("  skipped: this kernel has no TLS: setsockopt(TCP_ULP, \"tls\"): %s\n",
               strerror(errno));
    close_sockets(sockets);
    return result == 0;
}

static void sequence_of(const tls_traffic_secret_t *secret, unsigned char *bytes)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(secret->sequence >> (56 - 8 * i));
}

/* Only the kernel's errors that say "not in this kernel" may skip a cipher. */
static int told(int result, const tls_traffic_secret_t *secret)
{
    if (result != 0) {
        CHECK(errno == EINVAL || errno == ENOTSUP || errno == ENOENT);
        printf("  skipped: suite 0x%04x of version 0x%04x: the kernel says %s\n", secret->suite,
               secret->version, strerror(errno));
    }
    return result == 0;
}

static int use_in_kernel(int fd, int direction, const tls_traffic_secret_t *secret)
{
    if (secret->suite == 0x1303 || secret->suite == 0xcca9) {
        struct tls12_crypto_info_chacha20_poly1305 info = {
            .info = {secret->version, TLS_CIPHER_CHACHA20_POLY1305}};

        memcpy(info.key, secret->key, sizeof(info.key));
        memcpy(info.iv, secret->iv, sizeof(info.iv));
        sequence_of(secret, info.rec_seq);
        return told(setsockopt(fd, SOL_TLS, direction, &info, sizeof(info)), secret);
    }
    if (secret->key_len == 16) {
        struct tls12_crypto_info_aes_gcm_128 info = {
            .info = {secret->version, TLS_CIPHER_AES_GCM_128}};

        memcpy(info.key, secret->key, sizeof(info.key));
        memcpy(info.salt, secret->iv, sizeof(info.salt));
        memcpy(info.iv, secret->iv + sizeof(info.salt), sizeof(info.iv));
        sequence_of(secret, info.rec_seq);
        return told(setsockopt(fd, SOL_TLS, direction, &info, sizeof(info)), secret);
    }
    struct tls12_crypto_info_aes_gcm_256 info = {.info = {secret->version, TLS_CIPHER_AES_GCM_256}};

    memcpy(info.key, secret->key, sizeof(info.key));
    memcpy(info.salt, secret->iv, sizeof(info.salt));
    memcpy(info.iv, secret->iv + sizeof(info.salt), sizeof(info.iv));
    sequence_of(secret, info.rec_seq);
    return told(setsockopt(fd, SOL_TLS, direction, &info, sizeof(info)), secret);
}

static void speak(uint16_t version, uint16_t suite)
{
    struct recipe recipe = with_version(plain_client, version);
    tls_builder_t *builder = make_builder(&recipe);
    tls_context_t *client, *server = make_server_context(&plain_server);
    struct sockets sockets = connected_sockets();
    tls_traffic_secret_t receive = {.size = sizeof(receive)},
                         send_secret = {.size = sizeof(send_secret)};
    unsigned char wire[32768], plain[16384], expected[16384];
    struct pair pair;

    CHECK_EQ(tls_builder_suites(builder, &suite, 1), TLS_OK);
    CHECK_EQ(tls_builder_secret_extraction(builder, 1), TLS_OK);
    client = tls_context_client(builder, NULL);
    CHECK(client != NULL);
    pair = new_pair_of(client, server, NULL);
    finish_handshake(&pair);
    check_alive(&pair);
    CHECK_EQ(tls_secrets_take(pair.client, &receive, &send_secret, NULL), TLS_OK);
    CHECK_EQ(setsockopt(sockets.kernel, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")), 0);
    if (use_in_kernel(sockets.kernel, TLS_TX, &send_secret) &&
        use_in_kernel(sockets.kernel, TLS_RX, &receive)) {
        for (uint32_t i = 0; i < 4; i++) {
            size_t got = 0;
            ptrdiff_t n;

            /* The kernel seals. */
            fill_bytes(expected, sizeof(expected), i);
            CHECK_EQ(send(sockets.kernel, expected, sizeof(expected), 0), sizeof(expected));
            while (got < sizeof(expected)) {
                ssize_t len = recv(sockets.library, wire, sizeof(wire), 0);

                CHECK(len > 0);
                CHECK_EQ(tls_feed(pair.server, wire, (size_t)len), len);
                while ((n = tls_read_into(pair.server, plain + got, sizeof(plain) - got)) > 0)
                    got += (size_t)n;
            }
            CHECK_BYTES(plain, expected, sizeof(expected));

            /* The kernel opens. */
            fill_bytes(expected, sizeof(expected), i + 100);
            CHECK_EQ(tls_write_from(pair.server, expected, sizeof(expected)), sizeof(expected));
            n = tls_drain_into(pair.server, wire, sizeof(wire));
            CHECK_EQ(send(sockets.library, wire, (size_t)n, 0), n);
            for (got = 0; got < sizeof(plain); got += (size_t)n) {
                n = recv(sockets.kernel, plain + got, sizeof(plain) - got, 0);
                CHECK(n > 0);
            }
            CHECK_BYTES(plain, expected, sizeof(expected));
        }
    }
    free_pair(&pair);
    close_sockets(sockets);
    tls_builder_free(builder);
    tls_context_free(client);
    tls_context_free(server);
}

static void the_kernel_goes_on(void)
{
    if (!kernel_has_tls())
        return;
    speak(TLS_VERSION_1_3, 0x1301);
    speak(TLS_VERSION_1_3, 0x1302);
    speak(TLS_VERSION_1_3, 0x1303);
    speak(TLS_VERSION_1_2, 0xc02b);
    speak(TLS_VERSION_1_2, 0xc02c);
    speak(TLS_VERSION_1_2, 0xcca9);
}

int main(int argc, char **argv)
{
    pki_set(argc, argv);
    RUN(the_kernel_goes_on);
    return 0;
}
