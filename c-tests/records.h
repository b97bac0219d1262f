/* Records that somebody else than the library seals and opens, with OpenSSL's ciphers, out of a
 * tls_traffic_secret_t. */
#ifndef C_TESTS_RECORDS_H
#define C_TESTS_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include <tlsbio.h>

enum { RECORD_HANDSHAKE = 22, RECORD_DATA = 23, RECORD_ROOM = 64 };

/* Seals one record and goes on to the next sequence number. wire has room for len + RECORD_ROOM.
 * Returns its length. */
size_t seal_record(tls_traffic_secret_t *secret, uint8_t type, const void *plain, size_t len,
                   unsigned char *wire);

/* Opens the record at the front of wire, and goes on to the next sequence number. Fails the test if
 * it is not authentic. Returns the length of the record; *len bytes are in plain, which has room
 * for as many as wire has. */
size_t open_record(tls_traffic_secret_t *secret, const unsigned char *wire, size_t wire_len,
                   uint8_t *type, unsigned char *plain, size_t *len);

#endif
