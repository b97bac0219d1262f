#include "records.h"

#include <string.h>

#include <openssl/evp.h>

#include "check.h"

enum { HEADER = 5, EXPLICIT = 8, TAG = 16, NONCE = 12 };

static int is_chacha(const tls_traffic_secret_t *secret)
{
    return secret->suite == 0x1303 || secret->suite == 0xcca8 || secret->suite == 0xcca9;
}

/* AES-GCM of TLS 1.2 has half of its nonce in the record (RFC 5288, 3). */
static int has_explicit_nonce(const tls_traffic_secret_t *secret)
{
    return secret->version == TLS_VERSION_1_2 && !is_chacha(secret);
}

static const EVP_CIPHER *cipher_of(const tls_traffic_secret_t *secret)
{
    if (is_chacha(secret))
        return EVP_chacha20_poly1305();
    return secret->key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
}

static void big_endian(uint64_t number, unsigned char *bytes, size_t len)
{
    while (len-- > 0) {
        bytes[len] = (unsigned char)number;
        number >>= 8;
    }
}

/* The IV combined with the sequence number (RFC 8446, 5.3; RFC 7905, 2). */
static void combine(const tls_traffic_secret_t *secret, unsigned char *nonce)
{
    unsigned char sequence[8];

    big_endian(secret->sequence, sequence, sizeof(sequence));
    memcpy(nonce, secret->iv, NONCE);
    for (size_t i = 0; i < sizeof(sequence); i++)
        nonce[NONCE - sizeof(sequence) + i] ^= sequence[i];
}

static void count_up(unsigned char *bytes, size_t len)
{
    while (len-- > 0 && ++bytes[len] == 0)
        ;
}

/* RFC 8446, 5.2; RFC 5246, 6.2.3.3. */
static size_t additional_data(const tls_traffic_secret_t *secret, uint8_t type,
                              const unsigned char *header, size_t plain_len, unsigned char *data)
{
    if (secret->version == TLS_VERSION_1_3) {
        memcpy(data, header, HEADER);
        return HEADER;
    }
    big_endian(secret->sequence, data, 8);
    data[8] = type;
    data[9] = 3;
    data[10] = 3;
    big_endian(plain_len, data + 11, 2);
    return 13;
}

static EVP_CIPHER_CTX *start(const tls_traffic_secret_t *secret, const unsigned char *nonce,
                             const unsigned char *data, size_t data_len, int sealing)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int n;

    CHECK(cipher != NULL);
    CHECK_EQ(secret->iv_len, NONCE);
    CHECK_EQ(EVP_CIPHER_key_length(cipher_of(secret)), secret->key_len);
    CHECK_EQ(EVP_CipherInit_ex(cipher, cipher_of(secret), NULL, secret->key, nonce, sealing), 1);
    CHECK_EQ(EVP_CipherUpdate(cipher, NULL, &n, data, (int)data_len), 1);
    return cipher;
}

size_t seal_record(tls_traffic_secret_t *secret, uint8_t type, const void *plain, size_t len,
                   unsigned char *wire)
{
    int is_13 = secret->version == TLS_VERSION_1_3;
    size_t explicit_len = has_explicit_nonce(secret) ? EXPLICIT : 0;
    size_t payload = explicit_len + len + (is_13 ? 1 : 0) + TAG;
    unsigned char nonce[NONCE], data[13], *place = wire + HEADER + explicit_len;
    EVP_CIPHER_CTX *cipher;
    int n;

    wire[0] = is_13 ? RECORD_DATA : type;
    wire[1] = 3;
    wire[2] = 3;
    big_endian(payload, wire + 3, 2);
    if (explicit_len > 0) {
        memcpy(nonce, secret->iv, NONCE);
        memcpy(wire + HEADER, secret->iv + 4, EXPLICIT);
        count_up(secret->iv + 4, EXPLICIT);
    } else {
        combine(secret, nonce);
    }
    cipher = start(secret, nonce, data, additional_data(secret, type, wire, len, data), 1);
    CHECK_EQ(EVP_CipherUpdate(cipher, place, &n, plain, (int)len), 1);
    place += n;
    if (is_13) {
        CHECK_EQ(EVP_CipherUpdate(cipher, place, &n, &type, 1), 1);
        place += n;
    }
    CHECK_EQ(EVP_CipherFinal_ex(cipher, place, &n), 1);
    CHECK_EQ(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG, place), 1);
    EVP_CIPHER_CTX_free(cipher);
    secret->sequence++;
    return HEADER + payload;
}

size_t open_record(tls_traffic_secret_t *secret, const unsigned char *wire, size_t wire_len,
                   uint8_t *type, unsigned char *plain, size_t *len)
{
    int is_13 = secret->version == TLS_VERSION_1_3;
    size_t explicit_len = has_explicit_nonce(secret) ? EXPLICIT : 0, payload;
    unsigned char nonce[NONCE], data[13], tag[TAG];
    EVP_CIPHER_CTX *cipher;
    int n;

    CHECK(wire_len > HEADER);
    payload = (size_t)wire[3] << 8 | wire[4];
    CHECK(wire_len >= HEADER + payload && payload >= explicit_len + TAG);
    *len = payload - explicit_len - TAG;
    *type = wire[0];
    if (explicit_len > 0) {
        memcpy(nonce, secret->iv, 4);
        memcpy(nonce + 4, wire + HEADER, EXPLICIT);
    } else {
        combine(secret, nonce);
    }
    cipher = start(secret, nonce, data, additional_data(secret, *type, wire, *len, data), 0);
    CHECK_EQ(EVP_CipherUpdate(cipher, plain, &n, wire + HEADER + explicit_len, (int)*len), 1);
    memcpy(tag, wire + HEADER + payload - TAG, TAG);
    CHECK_EQ(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG, tag), 1);
    CHECK_EQ(EVP_CipherFinal_ex(cipher, plain + n, &n), 1);
    EVP_CIPHER_CTX_free(cipher);
    secret->sequence++;
    if (is_13) {
        CHECK(*len > 0);
        *type = plain[--*len];
    }
    return HEADER + payload;
}
