#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One element of the list: name, secret, and the two times in big-endian order. */
enum { NAME = 16, SECRET = 32, TIME = 8, RECORD = NAME + SECRET + 2 * TIME };

static const char list[] = "ticket_fleet:keys";

redisContext *keys_open(const char *port)
{
    redisContext *redis = redisConnect("127.0.0.1", atoi(port));

    if (redis == NULL || redis->err != 0) {
        fprintf(stderr, "redis: %s\n", redis != NULL ? redis->errstr : "no memory");
        exit(EXIT_FAILURE);
    }
    return redis;
}

void keys_wipe(void *memory, size_t len)
{
    volatile unsigned char *byte = memory;

    while (len-- > 0)
        *byte++ = 0;
}

static void put_time(unsigned char *to, uint64_t time)
{
    for (int i = TIME - 1; i >= 0; i--, time >>= 8)
        to[i] = (unsigned char)time;
}

static uint64_t get_time(const unsigned char *from)
{
    uint64_t time = 0;

    for (int i = 0; i < TIME; i++)
        time = time << 8 | from[i];
    return time;
}

tls_ticket_key_t keys_make(uint64_t encrypt_from, uint64_t decrypt_until)
{
    tls_ticket_key_t key = {.size = sizeof(key),
                            .secret_len = SECRET,
                            .encrypt_from = encrypt_from,
                            .decrypt_until = decrypt_until};
    FILE *random = fopen("/dev/urandom", "rb");

    if (random == NULL || fread(key.name, sizeof(key.name), 1, random) != 1 ||
        fread(key.secret, SECRET, 1, random) != 1) {
        perror("/dev/urandom");
        exit(EXIT_FAILURE);
    }
    fclose(random);
    return key;
}

int keys_publish(redisContext *redis, const tls_ticket_key_t *key)
{
    unsigned char record[RECORD];
    redisReply *pushed, *trimmed;
    int published;

    memcpy(record, key->name, NAME);
    memcpy(record + NAME, key->secret, SECRET);
    put_time(record + NAME + SECRET, key->encrypt_from);
    put_time(record + NAME + SECRET + TIME, key->decrypt_until);
    pushed = redisCommand(redis, "RPUSH %s %b", list, record, sizeof(record));
    keys_wipe(record, sizeof(record));
    published = pushed != NULL && pushed->type == REDIS_REPLY_INTEGER;
    trimmed = redisCommand(redis, "LTRIM %s %d -1", list, -KEYS_MOST);
    freeReplyObject(pushed);
    freeReplyObject(trimmed);
    return published ? 0 : -1;
}

static int read_records(const redisReply *reply, tls_ticket_key_t *keys)
{
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *element = reply->element[i];
        const unsigned char *record = (const unsigned char *)element->str;

        if (element->type != REDIS_REPLY_STRING || element->len != RECORD)
            return -1;
        memset(&keys[i], 0, sizeof(keys[i]));
        keys[i].size = sizeof(keys[i]);
        memcpy(keys[i].name, record, NAME);
        memcpy(keys[i].secret, record + NAME, SECRET);
        keys[i].secret_len = SECRET;
        keys[i].encrypt_from = get_time(record + NAME + SECRET);
        keys[i].decrypt_until = get_time(record + NAME + SECRET + TIME);
        keys_wipe(element->str, element->len);
    }
    return (int)reply->elements;
}

int keys_fetch(redisContext *redis, tls_ticket_key_t keys[KEYS_MOST])
{
    redisReply *reply = redisCommand(redis, "LRANGE %s %d -1", list, -KEYS_MOST);
    int count = -1;

    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements <= KEYS_MOST)
        count = read_records(reply, keys);
    freeReplyObject(reply);
    return count;
}
