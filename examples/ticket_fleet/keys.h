/* Ticket keys in Redis: a list, the newest key last, which every process of the fleet reads. */
#ifndef TICKET_FLEET_KEYS_H
#define TICKET_FLEET_KEYS_H

#include <hiredis/hiredis.h>
#include <tlsbio.h>

#define KEYS_MOST 8

/* Connects to 127.0.0.1; ends the program with a message if that fails. */
redisContext *keys_open(const char *port);

/* A new random key for this time; ends the program if there are no random bytes. */
tls_ticket_key_t keys_make(uint64_t encrypt_from, uint64_t decrypt_until);

/* Appends a key, and drops the oldest ones beyond KEYS_MOST. Returns 0, or -1. */
int keys_publish(redisContext *redis, const tls_ticket_key_t *key);

/* Reads all keys; returns how many, or -1 with the keys untouched. Wipe them after use. */
int keys_fetch(redisContext *redis, tls_ticket_key_t keys[KEYS_MOST]);

/* Overwrites secrets, also where the compiler sees that nobody reads them again. */
void keys_wipe(void *memory, size_t len);

#endif
