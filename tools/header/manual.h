/*
 * tlsbio.h: TLS 1.3 and 1.2 in memory.
 *
 * libtlsbio turns wire bytes (ciphertext) into plain bytes (application data) and back. It does no
 * I/O, starts no thread, prints nothing, and calls nobody: there is no function pointer in this
 * interface. The host owns the sockets, the loop and every buffer; the library decrypts into the
 * host's memory and tells, after every step, what can be done next.
 *
 *
 * A client
 * ========
 *
 * This is a whole one, over a connected socket, whether that blocks or not. It verifies the server, sends a request,
 * and prints the answer. A send() takes what it takes: only that is consumed, and the rest stays queued.
 *
 *     #include <errno.h>
 *     #include <poll.h>
 *     #include <stdio.h>
 *     #include <sys/socket.h>
 *     #include <tlsbio.h>
 *
 *     // After a send or a recv that did nothing: whether to try again. Sockets that do not block are waited for.
 *     static int again(int fd, short events)
 *     {
 *         struct pollfd wait = { .fd = fd, .events = events };
 *         return errno == EINTR || (errno == EAGAIN && (poll(&wait, 1, -1) > 0 || errno == EINTR));
 *     }
 *
 *     int fetch(int fd, const char *host, const char *ca_file)
 *     {
 *         char buf[16384], request[512];
 *         int sent = 0, len = snprintf(request, sizeof request, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", host);
 *         tls_error_t error = TLS_ERROR_INIT;
 *         tls_builder_t *builder = tls_builder_new();
 *         tls_builder_trust_file(builder, ca_file);
 *         tls_context_t *context = tls_context_client(builder, &error);
 *         tls_conn_t *conn = context ? tls_client_new(context, host, &error) : NULL;
 *         uint32_t state;
 *         for (ptrdiff_t n; ((state = tls_state(conn)) & (TLS_CAN_READ | TLS_CAN_DRAIN | TLS_CAN_FEED)) != 0;) {
 *             const void *wire;
 *             size_t queued;
 *             if (state & TLS_CAN_READ && (n = tls_read_into(conn, buf, sizeof buf)) > 0) {
 *                 fwrite(buf, 1, (size_t)n, stdout);
 *             } else if (state & TLS_CAN_WRITE && sent < len) {
 *                 sent += (int)tls_write_from(conn, request + sent, (size_t)(len - sent));
 *             } else if (state & TLS_CAN_DRAIN && tls_drain_peek(conn, &wire, &queued) == TLS_OK) {
 *                 if ((n = send(fd, wire, queued, MSG_NOSIGNAL)) >= 0 || !again(fd, POLLOUT))
 *                     tls_drain_consume(conn, n >= 0 ? (size_t)n : queued); // what it took; all, if it takes no more
 *             } else if ((n = recv(fd, buf, sizeof buf, 0)) > 0) {
 *                 tls_feed(conn, buf, (size_t)n);
 *             } else if (n == 0 || !again(fd, POLLIN)) {
 *                 tls_feed_eof(conn);
 *             }
 *         }
 *         int closed = tls_advance(conn) == TLS_CLOSED;
 *         if (state & TLS_FAILED)
 *             tls_conn_error(conn, &error);
 *         if (!closed)
 *             fprintf(stderr, "%s: %s\n", host, *error.message ? error.message : "the answer was cut off");
 *         tls_free(conn);
 *         tls_context_free(context);
 *         tls_builder_free(builder);
 *         return closed ? 0 : 1;
 *     }
 *
 * The calls on the builder need no checks here: the first that fails makes tls_context_client() fail, with
 * the same error. Nor do those on the connection: every function takes NULL, and what ended a connection stays.
 * examples/ has a server, and a client with all the options. What is installed is found by pkg-config:
 *
 *     cc client.c $(pkg-config --cflags --libs tlsbio)
 *
 *
 * Words
 * =====
 *
 * wire      bytes as they travel: TLS records.
 * plain     bytes of the application.
 * feed      give the library wire bytes that came from the peer.
 * drain     take wire bytes from the library that must go to the peer.
 * read      take plain bytes. write: give plain bytes.
 * builder   a recipe; context: what connections share; conn: one connection.
 *
 *
 * Conventions
 * ===========
 *
 * Answers. A call that moves bytes answers how many (> 0), or a negative status; other calls answer a
 * status. Statuses come in classes: waits and questions (-1 to -9: nothing is wrong), ends (-10, -11), the
 * host's mistakes (-20 to -39: the connection is unharmed), fatal errors (-40 and below: they stay). A call
 * that fails consumes nothing. What goes wrong on one connection touches no other.
 *
 * NULL. Every function may be given NULL for any handle or pointer: the answer is TLS_ERR_ARGUMENT (or NULL,
 * or 0), never a crash. NULL with length 0 is an empty buffer. Freeing NULL does nothing. A length or a capacity above
 * PTRDIFF_MAX, which no memory has, is answered in the same way, at NULL too.
 *
 * Handles are numbers that look like pointers; do not dereference them, and do not let a garbage collector
 * treat them as addresses. They are checked against the library's own table: a handle that was freed, that
 * is of another type, or that never was one is answered TLS_ERR_HANDLE, and no freed handle becomes
 * valid again.
 *
 * Ownership. The host owns every buffer that it passes, and the library keeps no pointer to any after the
 * call returns. Where the library shows memory of its own (tls_drain_peek, tls_feed_window), the sentence
 * marked "Lifetime" says until when.
 *
 * Threads. A context may be used from any number of threads. A connection, and a builder, is used by one
 * thread at a time, whichever; a second one that enters meanwhile gets TLS_ERR_BUSY (and a builder remembers that
 * something could not be set: section 2). For two threads a
 * connection can be split into two halves (section 19). Errors belong to the object, not to a thread.
 *
 * Memory. An idle connection holds no record buffer: buffers are borrowed, and return wiped of plain bytes
 * . The last one of each direction and size that is returned on a thread stays with it, for connections of any context, the
 * others in a bounded pool of the context: tls_builder_pool() says how many bytes that is, and what outlives a
 * context. In the steady state a record costs no heap allocation in
 * either direction. The keys of a direction, expanded, take 592 bytes of malloc. The connections that a thread used
 * last have them so, 32 of them, or up to 512 that are used in turn; the others rest: they have the keys that these are made
 * of, and expand them with the next record, in one allocation. A connection that is busy among others that are not does not
 * rest. If the process has no memory left, it ends, as most programs do.
 *
 * Environment. The library's own code reads no environment variable (but see tls_builder_trust_system()). The cryptographic
 * library that is in it reads one when it is loaded: OPENSSL_ia32cap on x86, OPENSSL_armcap on Arm, which switch
 * instructions of the processor off. With a hostile value everything works, and is up to 28 times slower. A program
 * that runs with more rights than the one that started it, or with an environment that others set, unsets it before
 * exec(). The library needs no initialisation, and stays mapped once it is loaded.
 *
 * fork(). The child may use all that it inherits, whatever other threads of its parent were doing:
 * contexts, builders, sessions, and connections, none of which is half way through a call. A connection
 * goes on in one of the two processes, not in both: they have the same keys. Random numbers are different ones
 * . For that, fork() waits until the other threads have left the library, which takes no longer than the
 * longest call, and threads that come meanwhile wait until it is over; several threads may fork.
 * - A thread that does not leave for ten seconds is waited for no longer. What it was inside is TLS_ERR_BUSY in the
 *   child for good, but contexts; the child may wait for ever for what that thread had locked.
 * - Handlers of the host's (pthread_atfork) that wait for threads that use the library must run first: they are
 *   registered after the library is loaded. Otherwise both wait, for twenty seconds each time.
 * - A child that is made without handlers (_Fork, clone), or in the handler of a signal that interrupted a call of
 *   this library, may only call _exit() and the exec functions. vfork() and posix_spawn() need nothing of this.
 *
 * ABI. Only opaque pointers, fixed-width integers, size_t and ptrdiff_t, and structs that carry their size.
 * The soname is libtlsbio.so.0, every symbol has the version TLSBIO_0.1. Names and numbers do not change;
 * new ones are added.
 *
 *
 * The state word
 * ==============
 *
 * tls_state() processes what was fed, as tls_advance() does, and answers what can be done now, as bits. A loop over
 * them drives a connection in any language, its handshake too, without a call for that: read while TLS_CAN_READ, write
 * what there is to write while TLS_CAN_WRITE, send while TLS_CAN_DRAIN, receive and feed while TLS_CAN_FEED, answer
 * while TLS_ASKING. When none of the first four is left, the connection is at its end: TLS_PEER_CLOSED, TLS_EOF or
 * TLS_FAILED says at which. With TLS_HELD_UP, which only contexts with keys elsewhere can see, do not wait for the peer
 * alone: call again (tls_builder_open_questions). The halves of a split connection have a loop each (section 19).
 */
