/*
 * What the comparison asks of a library. A driver is one file that answers it; with worker.c it
 * makes a program that measures that library and no other, so that no two copies of one symbol
 * meet.
 *
 * Both ends of a connection are in one process and on one thread. The network between them is a
 * buffer of the worker's: an end puts what it sends there (out), and the other takes it from there
 * (in). A library that wants callbacks for this gets callbacks which do just that.
 */
#ifndef BENCHES_DRIVER_H
#define BENCHES_DRIVER_H

#include <stddef.h>
#include <stdint.h>

/* The most plain bytes that a program writes with one call, and room for their records. */
#define LARGEST_WRITE 65536
#define WIRE_ROOM (LARGEST_WRITE + 32768)
/* What is read into has so many bytes more than a move: no program's buffer is exactly as long as
 * what comes. */
#define SPARE 64

enum role { CLIENT, SERVER };

/* What both ends are to agree on. Numbers are IANA's. */
struct setting {
    const char
        *roots; /* PEM file: the root of the chain that the client verifies for "localhost" */
    const char *chain; /* PEM file: the server's certificate and the intermediate one */
    const char *key;   /* PEM file: PKCS #8 */
    /* 0x1301: TLS_AES_128_GCM_SHA256; 0x1302: TLS_AES_256_GCM_SHA384;
     * 0xc02b: TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, which is TLS 1.2 */
    uint16_t suite;
    uint16_t version; /* that of the suite, and no other: 0x0304 or 0x0303 */
    uint16_t group;   /* 0x001d: X25519; 0x11ec: X25519MLKEM768 */
    /*
     * 0: the server gives out no tickets, or none that the client keeps. 1: it gives out one ticket
     * a connection if it can be told so, and a client resumes the session that the driver kept
     * last.
     */
    int resume;
};

/* What an end says about its connection. 0 where the library has no words for it. */
struct facts {
    uint16_t version, suite, group;
    int resumed; /* 0 or 1; -1 if the library does not tell */
};

/*
 * Where plain bytes arrive. A way that copies reads them into room; a way that decrypts in place
 * says where they are. Either reports them with delivered(), piece by piece and in order.
 */
struct sink {
    unsigned char
        *room; /* for all bytes that the move carries, and SPARE more: write at room + got */
    size_t got;
    const unsigned char *expected;
    int compare; /* whether every byte is compared, or only the stamp at the start of the move */
};

void delivered(struct sink *sink, const unsigned char *plain, size_t len);

/*
 * One way to move plain bytes from one end to the other: written, encrypted, carried over,
 * decrypted and delivered, all len of them, which are at most LARGEST_WRITE. wire has WIRE_ROOM
 * bytes.
 */
struct way {
    const char *name;
    const char *what; /* the calls it is made of, for the report */
    void (*move)(void *from, void *to, const unsigned char *plain, size_t len, unsigned char *wire,
                 struct sink *sink);
};

struct driver {
    const char *library;
    /* Of the library that runs, not of its header. */
    const char *(*version)(void);

    /* Makes what connections share, for both roles, in place of what an earlier call made. NULL, or
     * why the library cannot do it. */
    const char *(*prepare)(const struct setting *setting);

    /* A connection on which nothing happened yet. It is never NULL: a driver that fails calls
     * fail(). The call is NULL in a driver that has only ways, and no connections. */
    void *(*open)(enum role role);
    /* Goes on with the handshake, and puts what is to be sent into wire; answers how much it is. */
    size_t (*out)(void *conn, unsigned char *wire, size_t room);
    /* Takes wire bytes of the handshake, all of them; the handshake may go on with the next out().
     */
    void (*in)(void *conn, const unsigned char *wire, size_t len);
    int (*done)(void *conn);
    struct facts (*facts)(void *conn);
    /* Keeps the session of a client for the next one of this thread. Called after plain bytes came
     * from the server. NULL at the end of a thread: what it has of its own is forgotten. */
    void (*keep)(void *conn);
    /* Frees everything. No close_notify. */
    void (*close)(void *conn);

    const struct way *ways; /* ends with a NULL name */
};

extern const struct driver driver;

/* Ends the program with a sentence. Also what a driver calls when the library says no. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
