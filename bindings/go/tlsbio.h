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
 * that fails consumes nothing [R-02]. What goes wrong on one connection touches no other [R-10].
 *
 * NULL. Every function may be given NULL for any handle or pointer: the answer is TLS_ERR_ARGUMENT (or NULL,
 * or 0), never a crash. NULL with length 0 is an empty buffer. Freeing NULL does nothing. A length or a capacity above
 * PTRDIFF_MAX, which no memory has, is answered in the same way, at NULL too.
 *
 * Handles are numbers that look like pointers; do not dereference them, and do not let a garbage collector
 * treat them as addresses. They are checked against the library's own table: a handle that was freed, that
 * is of another type, or that never was one is answered TLS_ERR_HANDLE [R-01], and no freed handle becomes
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
 * Memory. An idle connection holds no record buffer [R-06]: buffers are borrowed, and return wiped of plain bytes
 * [R-11]. The last one of each direction and size that is returned on a thread stays with it, for connections of any context, the
 * others in a bounded pool of the context: tls_builder_pool() says how many bytes that is, and what outlives a
 * context. In the steady state a record costs no heap allocation in
 * either direction [R-05]. The keys of a direction, expanded, take 592 bytes of malloc. The connections that a thread used
 * last have them so, 32 of them, or up to 512 that are used in turn; the others rest: they have the keys that these are made
 * of, and expand them with the next record, in one allocation. A connection that is busy among others that are not does not
 * rest [R-273]. If the process has no memory left, it ends, as most programs do.
 *
 * Environment. The library's own code reads no environment variable (but see tls_builder_trust_system()). The cryptographic
 * library that is in it reads one when it is loaded: OPENSSL_ia32cap on x86, OPENSSL_armcap on Arm, which switch
 * instructions of the processor off. With a hostile value everything works, and is up to 28 times slower. A program
 * that runs with more rights than the one that started it, or with an environment that others set, unsets it before
 * exec(). The library needs no initialisation, and stays mapped once it is loaded.
 *
 * fork(). The child may use all that it inherits, whatever other threads of its parent were doing [R-160]:
 * contexts, builders, sessions, and connections, none of which is half way through a call [R-161]. A connection
 * goes on in one of the two processes, not in both: they have the same keys. Random numbers are different ones
 * [R-162]. For that, fork() waits until the other threads have left the library, which takes no longer than the
 * longest call, and threads that come meanwhile wait until it is over; several threads may fork [R-164].
 * - A thread that does not leave for ten seconds is waited for no longer. What it was inside is TLS_ERR_BUSY in the
 *   child for good, but contexts; the child may wait for ever for what that thread had locked.
 * - Handlers of the host's (pthread_atfork) that wait for threads that use the library must run first: they are
 *   registered after the library is loaded [R-163]. Otherwise both wait, for twenty seconds each time.
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

#ifndef TLSBIO_H
#define TLSBIO_H

#include <stddef.h>
#include <stdint.h>

/* Waits and questions: nothing is wrong, the host has something to do. */
#define TLS_OK                                               0 /* done */
#define TLS_WANT_FEED                                     (-1) /* more wire bytes are needed */
#define TLS_WANT_DRAIN                                    (-2) /* the outbound queue is full: drain it first */
#define TLS_ASK_CONTEXT                                   (-3) /* a ClientHello is in: choose a context */
#define TLS_ASK_VERIFY                                    (-4) /* the peer's identity is in: accept or reject it */
#define TLS_ASK_SIGN                                      (-5) /* a signature by the host's key is needed */
#define TLS_ASK_IDENTITY                                  (-6) /* the server asks for an identity: choose one, or none */
#define TLS_ASK_SESSION                                   (-7) /* a client offers a session: is it stored? */

/* Ends of the inbound side. */
#define TLS_CLOSED                                       (-10) /* the peer closed properly (close_notify): all its data was read */
#define TLS_TRUNCATED                                    (-11) /* the transport ended without close_notify */

/* The host's mistakes: the connection is unharmed. */
#define TLS_ERR_ARGUMENT                                 (-20) /* an argument is NULL, out of range or malformed */
#define TLS_ERR_HANDLE                                   (-21) /* the handle was freed, is of another type, or never was one */
#define TLS_ERR_STATE                                    (-22) /* not allowed now */
#define TLS_ERR_BUSY                                     (-23) /* another thread is inside this object */
#define TLS_ERR_MEMORY                                   (-24) /* no memory, or no free handle */
#define TLS_ERR_LIMIT                                    (-25) /* a limit that the host set was reached */
#define TLS_ERR_CONFIG                                   (-30) /* unusable certificate, key, trust anchor or option */
#define TLS_ERR_IO                                       (-31) /* a file that the host named could not be read */

/* Fatal to the connection, and sticky: the alert to send is in the drain queue. */
#define TLS_ERR_PEER                                     (-40) /* the peer broke the protocol */
#define TLS_ERR_ALERT                                    (-41) /* the peer sent a fatal alert */
#define TLS_ERR_CERTIFICATE                              (-42) /* the peer's certificate was not accepted */
#define TLS_ERR_DECRYPT                                  (-43) /* a record failed authentication */
#define TLS_ERR_NO_COMMON                                (-44) /* no version, suite, group or protocol in common */
#define TLS_ERR_INTERNAL                                 (-50) /* a defect or an exhausted resource of this library */

/* Reasons (tls_error_t.reason): configuration. */
#define TLS_REASON_NONE                                      0 /* no reason fits: the status says it all */
#define TLS_REASON_PEM_MALFORMED                           101 /* a PEM section is cut off, is not base64, or is none for a slip in its boundaries */
#define TLS_REASON_NO_CERTIFICATE                          102 /* no certificate in the PEM text */
#define TLS_REASON_NO_KEY                                  103 /* no private key in the PEM text */
#define TLS_REASON_KEY_ENCRYPTED                           104 /* the private key is encrypted */
#define TLS_REASON_KEY_UNUSABLE                            105 /* the private key is damaged or of an unsupported type */
#define TLS_REASON_CERTIFICATE_UNUSABLE                    106 /* a configured certificate cannot be parsed */
#define TLS_REASON_KEY_MISMATCH                            107 /* the private key does not belong to the certificate */
#define TLS_REASON_NO_IDENTITY                             108 /* a server context needs a certificate and a key */
#define TLS_REASON_NO_TRUST                                109 /* verification needs at least one trust anchor */
#define TLS_REASON_ALPN_MALFORMED                          110 /* the ALPN list is not a list of non-empty, length-prefixed names */
#define TLS_REASON_VERSION_UNSUPPORTED                     111 /* only TLS 1.2 (0x0303) and TLS 1.3 (0x0304) exist here */
#define TLS_REASON_SERVER_NAME_INVALID                     112 /* the server name is neither a DNS name nor an IP address */
#define TLS_REASON_LIMIT_TOO_SMALL                         113 /* a limit is too small for what the context must send or receive */
#define TLS_REASON_SYSTEM_TRUST_UNAVAILABLE                114 /* the system's trust store holds no usable certificate */
#define TLS_REASON_FILE_UNREADABLE                         115 /* a file could not be read */
#define TLS_REASON_PEM_LABEL                               116 /* a PEM section is of a kind that is not known here */
#define TLS_REASON_SEVERAL_KEYS                            117 /* the PEM text has more than one private key */
#define TLS_REASON_PEM_MISPLACED                           118 /* a PEM section says what would be lost: CRLs, trust settings, containers */
#define TLS_REASON_SUITE_UNSUPPORTED                       120 /* a cipher suite does not exist here, or none is left for a version */
#define TLS_REASON_GROUP_UNSUPPORTED                       121 /* a key exchange group does not exist here */
#define TLS_REASON_COMPRESSION_UNSUPPORTED                 122 /* a certificate compression algorithm does not exist here */
#define TLS_REASON_ECH_MALFORMED                           123 /* the ECHConfigList cannot be parsed */
#define TLS_REASON_ECH_UNUSABLE                            124 /* the ECHConfigList has no configuration that can be used */
#define TLS_REASON_HALF_RTT_IMPOSSIBLE                     125 /* data before the client's Finished does not go with the other settings */
#define TLS_REASON_CRL_UNUSABLE                            130 /* a certificate revocation list cannot be parsed */
#define TLS_REASON_NO_CRL                                  131 /* a revocation policy that refuses unknown status needs a CRL */
#define TLS_REASON_PIN_MALFORMED                           132 /* a pin is not 32 bytes long */
#define TLS_REASON_OCSP_UNUSABLE                           133 /* the OCSP response cannot be parsed, or is none of status successful */
#define TLS_REASON_ANCHOR_NOT_CA                           134 /* a trust anchor is not a CA, or may not sign certificates */
#define TLS_REASON_SCHEME_UNSUPPORTED                      150 /* a signature scheme does not exist here, or the key can sign in none of those that were set */
#define TLS_REASON_BLOB_FOREIGN                            160 /* the bytes are no sealed connection (tls_conn_import) */
#define TLS_REASON_BLOB_CUT_OFF                            161 /* a sealed connection is cut off, or bytes follow its end */
#define TLS_REASON_BLOB_NEWER                              162 /* a sealed connection is of a form that a later version wrote */
#define TLS_REASON_BLOB_OTHER_KEY                          163 /* a sealed connection is under another key */
#define TLS_REASON_BLOB_ALTERED                            164 /* a sealed connection was altered */
#define TLS_REASON_BLOB_UNKNOWN                            165 /* a sealed connection has what this build does not know */
#define TLS_REASON_TICKET_KEY_UNUSABLE                     140 /* a ticket key is too short, of no time, or named like another one */

/* Reasons: the peer's certificate. */
#define TLS_REASON_CERTIFICATE_EXPIRED                     201 /* the certificate has expired */
#define TLS_REASON_CERTIFICATE_NOT_YET_VALID               202 /* the certificate is not valid yet */
#define TLS_REASON_CERTIFICATE_WRONG_NAME                  203 /* the certificate is for another name */
#define TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER              204 /* no chain leads to a trust anchor */
#define TLS_REASON_CERTIFICATE_REVOKED                     205 /* the certificate was revoked */
#define TLS_REASON_CERTIFICATE_WRONG_USAGE                 206 /* the certificate may not be used for this role */
#define TLS_REASON_CERTIFICATE_BAD_SIGNATURE               207 /* a signature in the chain or the handshake does not verify */
#define TLS_REASON_CERTIFICATE_MALFORMED                   208 /* the certificate cannot be parsed */
#define TLS_REASON_CERTIFICATE_UNSUPPORTED                 209 /* the certificate uses an unsupported algorithm or extension */
#define TLS_REASON_CERTIFICATE_MISSING                     210 /* the peer presented no certificate */
#define TLS_REASON_CERTIFICATE_REFUSED                     211 /* the host rejected the peer's identity */
#define TLS_REASON_CERTIFICATE_OTHER                       212 /* the certificate was not accepted for another reason */
#define TLS_REASON_CERTIFICATE_NOT_PINNED                  213 /* no key of the chain is one of the pinned ones */
#define TLS_REASON_CERTIFICATE_STATUS_UNKNOWN              214 /* no CRL says whether a certificate of the chain was revoked */
#define TLS_REASON_CRL_EXPIRED                             215 /* the CRL of a certificate's issuer has expired */
#define TLS_REASON_ANCHOR_EXPIRED                          216 /* the trust anchor of the chain has expired */
#define TLS_REASON_ANCHOR_NOT_YET_VALID                    217 /* the trust anchor of the chain is not valid yet */
#define TLS_REASON_ANCHOR_WRONG_USAGE                      219 /* the trust anchor may not be used for this role */
#define TLS_REASON_ISSUER_WRONG_USAGE                      220 /* an issuer of the chain may not sign certificates */
#define TLS_REASON_CERTIFICATE_WEAK_KEY                    221 /* a key of the peer or of a CA of its chain is too weak */
#define TLS_REASON_CERTIFICATE_IS_CA                       230 /* a CA certificate is used as the peer's own */
#define TLS_REASON_CERTIFICATE_ISSUER_NOT_CA               231 /* a certificate that is no CA's has issued another */
#define TLS_REASON_CERTIFICATE_NAME_CONSTRAINT             232 /* a CA of the chain may not issue for the certificate's names */
#define TLS_REASON_CERTIFICATE_PATH_LENGTH                 233 /* more intermediate CAs than a CA of the chain allows */
#define TLS_REASON_CERTIFICATE_TOO_COMPLEX                 234 /* judging the chain would take too many steps */
#define TLS_REASON_CERTIFICATE_OCSP                        235 /* the OCSP response is not a valid one for the certificate */
#define TLS_REASON_CERTIFICATE_VERSION                     236 /* the certificate is not of version 3 */
#define TLS_REASON_CERTIFICATE_ALGORITHMS_DIFFER           237 /* the certificate names two signature algorithms for its signature */
#define TLS_REASON_CRL_BAD_SIGNATURE                       238 /* the signature of a CRL does not verify */
#define TLS_REASON_CRL_ISSUER_UNFIT                        239 /* the issuer of a CRL may not sign CRLs */
#define TLS_REASON_CRL_UNSUPPORTED                         240 /* a CRL uses an unsupported algorithm or form */

/* Reasons: what the peer did. */
#define TLS_REASON_NOT_TLS                                 301 /* the bytes are not TLS */
#define TLS_REASON_MALFORMED                               302 /* a message cannot be parsed */
#define TLS_REASON_UNEXPECTED_MESSAGE                      303 /* a message came at the wrong time */
#define TLS_REASON_RECORD_OVERFLOW                         304 /* a record is larger than the protocol allows */
#define TLS_REASON_VIOLATION                               305 /* a message breaks a rule of the protocol */
#define TLS_REASON_HANDSHAKE_TOO_LARGE                     306 /* a handshake message exceeds the inbound limit */
#define TLS_REASON_HANDSHAKE_BUDGET                        310 /* the handshake took more wire bytes than its budget */
#define TLS_REASON_HANDSHAKE_DEADLINE                      311 /* the handshake was not done by its deadline */
#define TLS_REASON_DOWNGRADE                               320 /* the server chose TLS 1.2 and marked that both sides know TLS 1.3 */
#define TLS_REASON_CERTIFICATE_EXTENSION                   321 /* a Certificate message has an extension that was not asked for */
#define TLS_REASON_RETRY_SUITE_CHANGED                     322 /* the cipher suite after a HelloRetryRequest is another one than in it */
#define TLS_REASON_EXTENSION_MISPLACED                     323 /* an extension stands in a message that may not have it */
#define TLS_REASON_EXTENSION_DUPLICATE                     324 /* an extension stands in a message twice */
#define TLS_REASON_SERVER_NAME_MALFORMED                   325 /* the server_name extension is not one host name */
#define TLS_REASON_EARLY_DATA_AFTER_RETRY                  326 /* the second ClientHello offers early data */
#define TLS_REASON_EARLY_DATA_WITHOUT_PSK                  327 /* the server took early data without taking the PSK */
#define TLS_REASON_EARLY_DATA_SUITE                        328 /* the server took early data and chose another cipher suite than the session's */
#define TLS_REASON_RETRY_ECH_CHANGED                       329 /* the server accepted ECH in one of HelloRetryRequest and ServerHello, not in both */
#define TLS_REASON_EMPTY_RECORD                            330 /* a record of handshake messages or alerts is empty */
#define TLS_REASON_RETRY_HASH_CHANGED                      331 /* the cipher suite after a HelloRetryRequest has another hash */
#define TLS_REASON_ALERT_LEVEL                             332 /* an alert has a level that does not exist */
#define TLS_REASON_RETRY_COOKIE_EMPTY                      333 /* a HelloRetryRequest has an empty cookie */
#define TLS_REASON_RETRY_WITHOUT_CHANGE                    334 /* a HelloRetryRequest asks for no change of the ClientHello */
#define TLS_REASON_RETRY_GROUP_SENT                        335 /* a HelloRetryRequest asks for a key share that the ClientHello had */
#define TLS_REASON_RETRY_SUITE_NOT_OFFERED                 336 /* a HelloRetryRequest selects a cipher suite that was not offered */
#define TLS_REASON_RETRY_GROUP_NOT_OFFERED                 337 /* a HelloRetryRequest selects a group that was not offered */
#define TLS_REASON_RETRY_VERSION                           338 /* a HelloRetryRequest does not select TLS 1.3 */
#define TLS_REASON_RETRY_SESSION_ID                        339 /* a HelloRetryRequest does not echo legacy_session_id */
#define TLS_REASON_RETRY_ECH                               340 /* a HelloRetryRequest has an ECH extension that is malformed, or that nobody asked for */
#define TLS_REASON_CHANGE_CIPHER_SPEC                      341 /* a change_cipher_spec record came where none may be, or too many of them */
#define TLS_REASON_INNER_PLAINTEXT                         342 /* a decrypted record has no content type */
#define TLS_REASON_RECORD_NOT_ENCRYPTED                    343 /* a record has another type than application_data where all are encrypted */
#define TLS_REASON_WARNING_ALERT                           344 /* an alert of level warning that TLS 1.3 does not have */
#define TLS_REASON_BINDER_WRONG                            345 /* the binder of a PSK does not verify */
#define TLS_REASON_FINISHED_WRONG                          346 /* the Finished message does not verify: the two sides saw different handshakes */
#define TLS_REASON_CERTIFICATE_DECOMPRESSION               347 /* a compressed certificate cannot be decompressed to the length that it names */
#define TLS_REASON_MAX_EARLY_DATA                          348 /* a ticket allows an amount of early data that it may not */
#define TLS_REASON_KEY_SHARE_INVALID                       349 /* a key share is not a valid one of its group */
#define TLS_REASON_KEY_CHANGE_INSIDE_MESSAGE               350 /* keys change in the middle of a handshake message */
#define TLS_REASON_MESSAGE_INTERLEAVED                     351 /* another record came between two parts of a handshake message */
#define TLS_REASON_PSK_WITHOUT_BINDER                      352 /* a PSK is offered without a binder */
#define TLS_REASON_KEY_SHARE_MISSING                       353 /* the ServerHello has no key share */
#define TLS_REASON_RETRY_WITHOUT_PSK                       354 /* the second ClientHello lacks the PSK of the first */
#define TLS_REASON_PSK_WITHOUT_MODES                       355 /* a PSK is offered without psk_key_exchange_modes */
#define TLS_REASON_RENEGOTIATION_INFO                      356 /* renegotiation_info is not empty in the first handshake */
#define TLS_REASON_KEY_SHARE_DUPLICATE                     357 /* a ClientHello has two key shares of one group */
#define TLS_REASON_COMPRESSION_DUPLICATE                   358 /* a certificate compression algorithm is offered twice */
#define TLS_REASON_EARLY_DATA_VERSION                      359 /* the server chose an older version than the early data that it was sent */
#define TLS_REASON_ALPN_EMPTY_NAME                         360 /* an application protocol (ALPN) has an empty name */
#define TLS_REASON_COMPRESSION_METHOD                      361 /* a compression method other than null in a TLS 1.3 ClientHello */
#define TLS_REASON_PSK_NOT_LAST                            362 /* pre_shared_key is not the last extension of a ClientHello */
#define TLS_REASON_PSK_BINDER_COUNT                        363 /* a ClientHello has not as many binders as PSKs */
#define TLS_REASON_RETRY_IGNORED                           364 /* the second ClientHello does not do what the HelloRetryRequest asked for */
#define TLS_REASON_RESUMPTION_EXTENDED_SECRET              365 /* extended_master_secret is there in the session and not in its resumption, or the other way round */
#define TLS_REASON_RESUMPTION_SUITE                        366 /* a session is resumed with another cipher suite */
#define TLS_REASON_RESUMPTION_HASH                         367 /* a PSK is taken with a cipher suite of another hash */
#define TLS_REASON_RETRY_VERSION_CHANGED                   368 /* the version after a HelloRetryRequest is another one than in it */
#define TLS_REASON_PSK_INDEX                               369 /* the server selected a PSK by a number that was not offered */
#define TLS_REASON_PSK_NOT_OFFERED                         370 /* the server selected a PSK and none was offered */
#define TLS_REASON_VERSION_EXTENSION                       371 /* supported_versions of a ServerHello selects TLS 1.2 */
#define TLS_REASON_CERTIFICATE_COMPRESSION_NOT_OFFERED     372 /* a certificate is compressed by an algorithm that was not offered */
#define TLS_REASON_SUITE_NOT_OFFERED                       373 /* the server selected a cipher suite that was not offered */
#define TLS_REASON_COMPRESSION_NOT_OFFERED                 374 /* the server selected a compression method that was not offered */
#define TLS_REASON_GROUP_NOT_OFFERED                       375 /* the server selected a group that was not offered */
#define TLS_REASON_SESSION_ID_ECHOED                       376 /* a TLS 1.2 server echoes a legacy_session_id that names no session */
#define TLS_REASON_POINT_FORMATS                           377 /* the server does not offer uncompressed points */
#define TLS_REASON_RETRY_SERVER_NAME_CHANGED               378 /* the second ClientHello has another server_name than the first */
#define TLS_REASON_SIGNATURE_NOT_OF_SUITE                  379 /* the key exchange is signed by an algorithm that is not the cipher suite's */
#define TLS_REASON_SIGNATURE_SCHEME_NOT_OFFERED            380 /* the handshake is signed by a scheme that was not offered */
#define TLS_REASON_TOO_MANY_EMPTY_RECORDS                  381 /* too many empty records in a row */
#define TLS_REASON_TOO_MANY_MESSAGES                       382 /* too many handshake messages in a row after the handshake */
#define TLS_REASON_TOO_MANY_RENEGOTIATIONS                 383 /* too many requests to renegotiate */
#define TLS_REASON_TOO_MANY_WARNINGS                       384 /* too many alerts of level warning */
#define TLS_REASON_TOO_MUCH_EARLY_DATA                     385 /* more early data than the server allows */
#define TLS_REASON_EXTENSION_NOT_ENCRYPTED                 386 /* a ServerHello has an extension that belongs into EncryptedExtensions */
#define TLS_REASON_SESSION_ID_CHANGED                      387 /* a ServerHello does not echo legacy_session_id */
#define TLS_REASON_EXTENSION_NOT_OFFERED                   388 /* the server answers an extension that was not offered */
#define TLS_REASON_SCT_NOT_OFFERED                         389 /* the server sent certificate timestamps that nobody asked for */
#define TLS_REASON_KEY_SHARE_GROUP                         390 /* the key share of the server is of another group than was offered */
#define TLS_REASON_ECH_NOT_OFFERED                         391 /* the server answers ECH that was not offered */
#define TLS_REASON_QUIC                                    392 /* a message breaks a rule of QUIC, which this library does not speak */
#define TLS_REASON_OWES_TOO_MUCH                           393 /* the peer made this side owe it more than the outbound limit */
#define TLS_REASON_HANDSHAKE_CUT_OFF                       395 /* the transport ended during the handshake */
#define TLS_REASON_DATA_CUT_OFF                            396 /* the transport ended after the handshake, without close_notify */
#define TLS_REASON_CERTIFICATE_STATUS_TYPE                 394 /* a certificate status is of another type than OCSP */

/* Reasons: messages that cannot be parsed. */
#define TLS_REASON_FIELD_TOO_LONG                          601 /* a field is longer than what holds it */
#define TLS_REASON_FIELD_CUT_OFF                           602 /* a message ends inside a field */
#define TLS_REASON_FIELD_TRAILING                          603 /* bytes follow the end of a field */
#define TLS_REASON_LIST_EMPTY                              604 /* a list that may not be empty is empty */
#define TLS_REASON_CHANGE_CIPHER_SPEC_MALFORMED            605 /* a change_cipher_spec record is not the one byte that it has to be */
#define TLS_REASON_REQUEST_CONTEXT                         606 /* certificate_request_context is not empty during a handshake */
#define TLS_REASON_DH_PARAMETERS                           607 /* the Diffie-Hellman parameters of a ServerKeyExchange cannot be parsed */
#define TLS_REASON_KEY_UPDATE_MALFORMED                    608 /* a KeyUpdate asks for something that does not exist */
#define TLS_REASON_KEY_EXCHANGE_MISSING                    609 /* a ServerKeyExchange has no parameters of the cipher suite's key exchange */
#define TLS_REASON_CURVE_TYPE                              610 /* a ServerKeyExchange has no named curve */
#define TLS_REASON_KEY_EXCHANGE_UNSUPPORTED                611 /* a ServerKeyExchange is of an algorithm that does not exist here */
#define TLS_REASON_TICKET_EMPTY                            612 /* a ticket is empty */
#define TLS_REASON_COMPRESSION_SELECTED                    613 /* a ServerHello selects a compression method other than null */
#define TLS_REASON_RETRY_EXTENSION                         614 /* a HelloRetryRequest has an extension that is not known */

/* Reasons: what is missing in common. */
#define TLS_REASON_NO_COMMON_VERSION                       401 /* no protocol version */
#define TLS_REASON_NO_COMMON_SUITE                         402 /* no cipher suite */
#define TLS_REASON_NO_COMMON_GROUP                         403 /* no key exchange group */
#define TLS_REASON_NO_COMMON_SIGNATURE                     404 /* no signature scheme that a certificate at hand can use */
#define TLS_REASON_NO_COMMON_ALPN                          405 /* no application protocol (ALPN) */
#define TLS_REASON_NO_COMMON_FEATURE                       406 /* a required extension or feature */
#define TLS_REASON_REFUSED                                 407 /* the host refused the ClientHello */
#define TLS_REASON_ECH_REJECTED                            408 /* no ECH key: the server rejected the encrypted ClientHello */
#define TLS_REASON_NO_COMMON_POINT_FORMAT                  409 /* no format of elliptic curve points */
#define TLS_REASON_NO_EXTENDED_MASTER_SECRET               410 /* extended_master_secret, which is required */
#define TLS_REASON_NO_COMMON_CERTIFICATE_TYPE              411 /* no certificate type (X.509, raw public key) */
#define TLS_REASON_NO_KEY_SHARE_EXTENSION                  412 /* the key_share extension */
#define TLS_REASON_NO_GROUPS_EXTENSION                     413 /* the supported_groups extension */
#define TLS_REASON_NO_SIGNATURES_EXTENSION                 414 /* the signature_algorithms extension */
#define TLS_REASON_NO_SERVER_NAME                          415 /* a server name, which is required */
#define TLS_REASON_NO_NULL_COMPRESSION                     416 /* the compression method null */
#define TLS_REASON_TOO_MANY_RAW_KEYS                       417 /* a raw public key that stands alone */
#define TLS_REASON_CERTIFICATE_TYPE_NOT_OFFERED            418 /* a certificate type that was offered */

/* Reasons: this library. */
#define TLS_REASON_PANIC                                   501 /* a defect was contained; please report it */
#define TLS_REASON_RANDOM                                  502 /* the system gave no random bytes */
#define TLS_REASON_CLOCK                                   503 /* the system gave no time */
#define TLS_REASON_KEYS_EXHAUSTED                          504 /* the traffic keys may not encrypt more records (TLS 1.2) */
#define TLS_REASON_ENGINE                                  505 /* the engine reported an error that it should not */
#define TLS_REASON_SIGNATURE_WRONG                         506 /* the signature that the host gave is not one by the certificate's key */

/* Modes of tls_builder_client_auth. */
#define TLS_CLIENT_AUTH_NONE                                 0 /* a server asks for no client certificate (default) */
#define TLS_CLIENT_AUTH_OPTIONAL                             1 /* a server asks; a client may present none */
#define TLS_CLIENT_AUTH_REQUIRED                             2 /* a server asks; a client without a certificate is refused */

/* Modes of tls_builder_verify. */
#define TLS_VERIFY_PEER                                      0 /* chain, name, time and usage must be right (default) */
#define TLS_VERIFY_ASK                                       1 /* the handshake stops with TLS_ASK_VERIFY and the host decides */
#define TLS_VERIFY_DANGEROUS_NONE                            2 /* any certificate is accepted: an attacker can be anybody */
#define TLS_VERIFY_ANY_NAME                                  3 /* chain, time and usage must be right, the name of a server may be any */

/* Whose chain tls_verify_chain judges. */
#define TLS_ROLE_SERVER                                      0 /* a server's, as a client judges it */
#define TLS_ROLE_CLIENT                                      1 /* a client's, as a server judges it */

/* Bits of tls_builder_revocation. */
#define TLS_REVOCATION_STRICT                                0 /* the whole chain must have a CRL that has not expired (default) */
#define TLS_REVOCATION_ALLOW_UNKNOWN                         1 /* a certificate whose issuer has no CRL counts as not revoked */
#define TLS_REVOCATION_END_ENTITY_ONLY                       2 /* the certificates of intermediate CAs are not looked up */
#define TLS_REVOCATION_ALLOW_EXPIRED                         4 /* a CRL whose time of next update has passed still counts */

/* What tls_builder_verify_time takes besides a time. */
#define TLS_VERIFY_TIME_NOW                                  0 /* the clock of the system (default) */

/* What tls_context_time takes besides a time. */
#define TLS_CONTEXT_TIME_SYSTEM                              0 /* the clock of the system (default) */

/* What became of early data (tls_early_status). */
#define TLS_EARLY_NONE                                       0 /* none was sent, or none came */
#define TLS_EARLY_PENDING                                    1 /* a client has sent some, and the server has not answered */
#define TLS_EARLY_ACCEPTED                                   2 /* the server takes it */
#define TLS_EARLY_REJECTED                                   3 /* the server does not take it: what was sent must be sent again */

/* Bits of tls_client_options_t.flags. */
#define TLS_CLIENT_NO_SNI                                    1 /* no server name is sent */
#define TLS_CLIENT_NO_ALPN                                   2 /* no protocols are offered, whatever the context says */
#define TLS_CLIENT_OWN_SESSIONS                              4 /* its sessions are its own, for tls_session_take */
#define TLS_CLIENT_ECH_GREASE                                8 /* it pretends to offer ECH */
#define TLS_CLIENT_NO_ECH                                   16 /* it neither offers ECH nor pretends to, whatever the context says */

/* Bits of tls_server_options_t.flags. */
#define TLS_SERVER_NO_ALPN                                   1 /* no protocol is agreed on, whatever the context says */

/* Algorithms of tls_builder_certificate_compression (IANA numbers). */
#define TLS_COMPRESSION_ZLIB                                 1 /* zlib (RFC 1950) */
#define TLS_COMPRESSION_BROTLI                               2 /* Brotli (RFC 7932) */

/* What became of an encrypted ClientHello (tls_ech_status). */
#define TLS_ECH_NONE                                         0 /* none was offered */
#define TLS_ECH_GREASE                                       1 /* the client pretended to offer one */
#define TLS_ECH_OFFERED                                      2 /* a client offered one; the server has not answered */
#define TLS_ECH_ACCEPTED                                     3 /* the server decrypted it: only it knows which name was asked for */
#define TLS_ECH_REJECTED                                     4 /* the server did not decrypt it: the connection fails */

/* Kinds of tls_channel_binding. */
#define TLS_BINDING_EXPORTER                                 1 /* tls-exporter (RFC 9266): bound to this connection */
#define TLS_BINDING_SERVER_END_POINT                         2 /* tls-server-end-point (RFC 5929): bound to the server's certificate */

/* Kinds of tls_peer_name (tags of GeneralName, RFC 5280, 4.2.1.6). */
#define TLS_NAME_EMAIL                                       1 /* an e-mail address (rfc822Name) */
#define TLS_NAME_DNS                                         2 /* a DNS name (dNSName), with an asterisk for its first label or without */
#define TLS_NAME_URI                                         6 /* a URI (uniformResourceIdentifier), such as a SPIFFE ID */
#define TLS_NAME_IP                                          7 /* an IP address (iPAddress), as text */

/* Kinds of handshakes (tls_handshake_kind). */
#define TLS_HANDSHAKE_UNKNOWN                                0 /* not known yet */
#define TLS_HANDSHAKE_FULL                                   1 /* a full handshake */
#define TLS_HANDSHAKE_FULL_RETRIED                           2 /* a full handshake after a HelloRetryRequest */
#define TLS_HANDSHAKE_RESUMED                                3 /* a resumed session */
#define TLS_HANDSHAKE_RESUMED_RETRIED                        4 /* a resumed session after a HelloRetryRequest */

/* Kinds of events (tls_event_t.kind), and bits of tls_builder_events. */
#define TLS_EVENT_HANDSHAKE_DONE                             1 /* the handshake is done; number is the protocol version */
#define TLS_EVENT_TICKET                                     2 /* a client got a ticket (TLS 1.3); number counts them from 1 */
#define TLS_EVENT_ALERT_RECEIVED                             4 /* the peer sent a fatal alert or close_notify; number says which */
#define TLS_EVENT_ALERT_SENT                                 8 /* a fatal alert or close_notify was queued; number says which */
#define TLS_EVENT_KEY_UPDATE                                16 /* traffic keys changed (TLS 1.3); number is TLS_KEYS_IN or TLS_KEYS_OUT */
#define TLS_EVENT_KEY_LOG                                   32 /* a secret was derived; text is its key-log line (tls_builder_key_log) */
#define TLS_EVENT_SESSION                                   64 /* a session is to be stored (tls_builder_ask_session); number is for how many seconds */

/* Directions of traffic keys (TLS_EVENT_KEY_UPDATE). */
#define TLS_KEYS_IN                                          1 /* keys of the peer's wire bytes */
#define TLS_KEYS_OUT                                         2 /* keys of this side's wire bytes */

/* Bits of the state word (tls_state). */
#define TLS_CAN_FEED                                         1 /* tls_feed takes at least one byte, and more bytes are of use */
#define TLS_CAN_DRAIN                                        2 /* wire bytes wait to be sent */
#define TLS_CAN_READ                                         4 /* decrypted plain bytes wait to be read */
#define TLS_CAN_WRITE                                        8 /* tls_write_from takes at least one byte */
#define TLS_HANDSHAKING                                     16 /* the handshake is not done */
#define TLS_ASKING                                          32 /* a question is open; tls_advance says which */
#define TLS_PEER_CLOSED                                     64 /* the peer's close_notify was processed */
#define TLS_WE_CLOSED                                      128 /* our close_notify is queued or sent */
#define TLS_EOF                                            256 /* the host said that the transport ended (tls_feed_eof) */
#define TLS_FAILED                                         512 /* a fatal error happened; tls_conn_error says which */
#define TLS_HAS_EVENT                                     1024 /* an event waits in the event queue */
#define TLS_WAKE_SENDER                                   2048 /* this receiving half left something for the peer: call the sending half */
#define TLS_HANDED_OVER                                   4096 /* the traffic secrets were taken: the records are somebody else's */
#define TLS_HELD_UP                                       8192 /* a question cannot be opened now (tls_builder_open_questions): call again later */
#define TLS_WINDOW_OPEN                                  16384 /* a window is open (tls_feed_window): it keeps a buffer, of 8 KiB or more */

/* Versions and sizes. */
#define TLS_VERSION_1_2                                 0x0303 /* TLS 1.2 (RFC 5246) */
#define TLS_VERSION_1_3                                 0x0304 /* TLS 1.3 (RFC 8446) */
#define TLS_MAX_PLAIN_PER_RECORD                         16384 /* plain bytes that one record can carry (RFC 8446, 5.1) */
#define TLS_MAX_RECORD                                   18436 /* wire bytes of the largest record that is accepted, header included */
#define TLS_DEFAULT_LIMIT                                69632 /* default of both limits of tls_builder_limits, in wire bytes */
#define TLS_MIN_INBOUND_LIMIT                            20480 /* least inbound limit: room for any record */
#define TLS_MIN_OUTBOUND_LIMIT                           20480 /* least outbound limit; a long certificate chain needs more */
#define TLS_DEFAULT_HANDSHAKE_BUDGET                    262144 /* default of tls_builder_handshake_budget, in wire bytes */
#define TLS_MIN_HANDSHAKE_BUDGET                          4096 /* least handshake budget: room for usual hellos, one of them retried */
#define TLS_MAX_ALPN                                      4096 /* longest list of protocols (ALPN), in bytes */
#define TLS_DEFAULT_SESSIONS                               256 /* default of tls_builder_sessions */
#define TLS_MAX_SESSIONS                               1048576 /* most that tls_builder_sessions takes */
#define TLS_DEFAULT_TICKETS                                  2 /* default of tls_builder_tickets */
#define TLS_MAX_TICKETS                                      8 /* most that tls_builder_tickets and tls_builder_ticket_request take */
#define TLS_MAX_RESUMPTION_DATA                           1024 /* most that tls_resumption_data_set takes, in bytes */
#define TLS_MAX_EARLY_DATA                               65536 /* most that tls_builder_early_data takes, in bytes */
#define TLS_MIN_RECORD_SIZE                                 64 /* least that tls_builder_record_size takes, in plain bytes */
#define TLS_MAX_PADDING                                  16384 /* most that tls_builder_padding takes, in bytes */
#define TLS_MAX_EXPORT                                    8160 /* most bytes that one tls_export can derive */
#define TLS_MAX_EXPORT_LABEL                               249 /* longest label of tls_export */
#define TLS_MOVE_KEY_LENGTH                                 32 /* length of the key of tls_conn_export and tls_conn_import, in bytes */
#define TLS_MOVE_ID_LENGTH                                  16 /* length of what tls_move_id tells, in bytes */
#define TLS_MAX_EVENTS                                      32 /* most events that wait in a connection */
#define TLS_DEFAULT_POOL                               4194304 /* default of tls_builder_pool, in bytes */
#define TLS_DEFAULT_OPEN_QUESTIONS                        1024 /* default of tls_builder_open_questions */
#define TLS_MAX_OPEN_QUESTIONS                           16384 /* most that tls_builder_open_questions takes */


/**
 * Memory for wire bytes that the host owns while they are in flight (section 22). Used by one thread at a time.
 */
typedef struct tls_buffer_t tls_buffer_t;

/**
 * A recipe: certificates, keys, trust anchors and options, from which contexts are made.
 * Used by one thread at a time.
 */
typedef struct tls_builder_t tls_builder_t;

/**
 * One TLS connection, of a client or of a server. Used by one thread at a time.
 */
typedef struct tls_conn_t tls_conn_t;

/**
 * What connections share: immutable, used from any number of threads at once.
 */
typedef struct tls_context_t tls_context_t;

/**
 * A session of a client, apart from any connection (section 12). Used by one thread at a time.
 */
typedef struct tls_session_t tls_session_t;

/**
 * What most calls answer: TLS_OK, or one of the negative numbers above. Classes to branch on are
 * few on purpose; what exactly happened is in tls_error_t.
 */
typedef int32_t tls_status_t;

/**
 * Everything that is known about an error. The caller sets `size` to sizeof(tls_error_t) before the
 * call, as TLS_ERROR_INIT does, so that programs built against an older or newer header agree with the library on how much
 * of the struct exists; no byte behind `size` is written.
 *
 * A message says what is wrong and where: the line of a PEM text, the offset in a list, the index of a key. It shows
 * no bytes of the texts, keys, names and lists that the host gave [R-135], as they may hold secrets, or stand
 * in the place of others by mistake, but for one: TLS_REASON_CERTIFICATE_WRONG_NAME tells the name that was asked of the server.
 * Since 0.1.
 */
typedef struct tls_error {
    /**
     * sizeof(tls_error_t), set by the caller.
     */
    size_t size;
    /**
     * The class: what to branch on.
     */
    tls_status_t status;
    /**
     * A TLS_REASON_* number for logs, 0 if none fits.
     */
    int32_t reason;
    /**
     * The alert that was queued for the peer (RFC 8446, 6), -1 if none.
     */
    int16_t alert_sent;
    /**
     * The alert that the peer sent, -1 if none.
     */
    int16_t alert_received;
    /**
     * A sentence for people, NUL-terminated, cut to fit into what exists of this member.
     */
    char message[256];
} tls_error_t;

/**
 * Where in a buffer of the host some plain bytes are (tls_read_in_place). Since 0.1.
 */
typedef struct tls_span {
    /**
     * Of the first byte, from the start of the buffer.
     */
    size_t offset;
    /**
     * In bytes, at least 1.
     */
    size_t len;
} tls_span_t;

/**
 * How much went through a connection (tls_counters), in bytes and in records of plain bytes. Since 0.1.
 */
typedef struct tls_counters {
    /**
     * sizeof(tls_counters_t), set by the caller.
     */
    size_t size;
    /**
     * Wire bytes from the peer: fed, committed, or consumed in place.
     */
    uint64_t wire_in;
    /**
     * Wire bytes for the peer: drained, or written straight into memory of the host.
     */
    uint64_t wire_out;
    /**
     * Plain bytes that the host was given.
     */
    uint64_t plain_in;
    /**
     * Plain bytes that the host wrote.
     */
    uint64_t plain_out;
    /**
     * Records of the peer's plain bytes that were decrypted; those without a byte do not count.
     */
    uint64_t records_in;
    /**
     * Records into which the host's plain bytes were encrypted.
     */
    uint64_t records_out;
    /**
     * Tickets that a client was given after its handshake (TLS 1.3).
     */
    uint64_t tickets_in;
} tls_counters_t;

/**
 * A piece of the host's memory (tls_write_vectored, tls_read_vectored). Laid out like POSIX's struct
 * iovec. Since 0.1.
 */
typedef struct tls_iovec {
    /**
     * Where it begins; NULL if `len` is 0. Not written to by tls_write_vectored.
     */
    void *base;
    /**
     * In bytes.
     */
    size_t len;
} tls_iovec_t;

/**
 * A key for the tickets of servers (tls_context_ticket_keys). The caller sets `size` to
 * sizeof(tls_ticket_key_t), the same in all elements of an array. Since 0.1.
 */
typedef struct tls_ticket_key {
    /**
     * sizeof(tls_ticket_key_t), set by the caller.
     */
    size_t size;
    /**
     * By which a ticket tells its key. Not secret; each key has another one.
     */
    uint8_t name[16];
    /**
     * The secret, random bytes.
     */
    uint8_t secret[64];
    /**
     * How many bytes of `secret` there are: 32 to 64.
     */
    size_t secret_len;
    /**
     * The key encrypts from this time on, in Unix seconds, if no newer key does.
     */
    uint64_t encrypt_from;
    /**
     * The key decrypts before this time, in Unix seconds; from it on, tickets under it are not accepted.
     */
    uint64_t decrypt_until;
} tls_ticket_key_t;

/**
 * Something that happened (tls_next_event). Since 0.1.
 */
typedef struct tls_event {
    /**
     * sizeof(tls_event_t), set by the caller.
     */
    size_t size;
    /**
     * A TLS_EVENT_* number; 0 if no event waits.
     */
    uint32_t kind;
    /**
     * What the kind says: an alert (RFC 8446, 6), a version, a count.
     */
    uint32_t number;
    /**
     * How many events were lost just before this one, because too many waited.
     */
    uint64_t lost;
    /**
     * For TLS_EVENT_KEY_LOG the line, NUL-terminated, without a line end; otherwise empty.
     */
    char text[232];
} tls_event_t;

/**
 * How long a handshake took by the host's clock (tls_handshake_timings), in nanoseconds. Since 0.1.
 */
typedef struct tls_timings {
    /**
     * sizeof(tls_timings_t), set by the caller.
     */
    size_t size;
    /**
     * From the first tls_time() until the first message of the peer was processed: its ClientHello on a
     * server, its answer to ours on a client. 0 until then.
     */
    uint64_t heard_ns;
    /**
     * From the first tls_time() until the handshake was done. 0 until then.
     */
    uint64_t done_ns;
    /**
     * Of that, for how long a question was open (section 9).
     */
    uint64_t asking_ns;
} tls_timings_t;

/**
 * What one client connection has of its own (tls_client_new_with). The caller sets all members to zero,
 * `size` to sizeof(tls_client_options_t), and what is wanted. Everything is read during the call. Since 0.1.
 */
typedef struct tls_client_options {
    /**
     * sizeof(tls_client_options_t), set by the caller.
     */
    size_t size;
    /**
     * What the server's certificate must be valid for: a DNS name or an IP address, NUL-terminated.
     */
    const char *server_name;
    /**
     * The DNS name to send, NUL-terminated; NULL for `server_name`.
     */
    const char *sni;
    /**
     * A list of protocols as for tls_builder_alpn(); of length 0 for that of the context.
     */
    const void *alpn;
    /**
     * In bytes.
     */
    size_t alpn_len;
    /**
     * A session to resume, as with tls_client_new_resuming(); NULL for none.
     */
    tls_session_t *session;
    /**
     * An ECHConfigList as for tls_builder_ech(); of length 0 for what the context does.
     */
    const void *ech;
    /**
     * In bytes.
     */
    size_t ech_len;
    /**
     * Bits TLS_CLIENT_*.
     */
    uint32_t flags;
    /**
     * Key exchange groups as for tls_builder_groups(); NULL, with a `groups_count` of 0, for those of the context.
     */
    const uint16_t *groups;
    /**
     * How many.
     */
    size_t groups_count;
} tls_client_options_t;

/**
 * What one server connection has of its own (tls_answer_context_with). The caller sets all members to
 * zero, `size` to sizeof(tls_server_options_t), and what is wanted. Since 0.1.
 */
typedef struct tls_server_options {
    /**
     * sizeof(tls_server_options_t), set by the caller.
     */
    size_t size;
    /**
     * A list of protocols as for tls_builder_alpn(); of length 0 for that of the context.
     */
    const void *alpn;
    /**
     * In bytes.
     */
    size_t alpn_len;
    /**
     * Bits TLS_SERVER_*.
     */
    uint32_t flags;
} tls_server_options_t;

/**
 * What protects the records of one direction (tls_secrets_take, tls_secrets_next). Since 0.1.
 */
typedef struct tls_traffic_secret {
    /**
     * sizeof(tls_traffic_secret_t), set by the caller.
     */
    size_t size;
    /**
     * The sequence number of the next record.
     */
    uint64_t sequence;
    /**
     * How many records may be sealed under this key, counted from its first one; UINT64_MAX if that is no limit.
     */
    uint64_t most_records;
    /**
     * TLS_VERSION_1_2 or TLS_VERSION_1_3.
     */
    uint16_t version;
    /**
     * The cipher suite (IANA), which says the cipher: AES-128-GCM, AES-256-GCM or ChaCha20-Poly1305.
     */
    uint16_t suite;
    /**
     * 16 or 32 bytes of `key` are used.
     */
    uint16_t key_len;
    /**
     * 12 bytes of `iv` are used.
     */
    uint16_t iv_len;
    /**
     * The secret key.
     */
    uint8_t key[32];
    /**
     * With AES-GCM in TLS 1.2: 4 bytes of salt, and 8 bytes for the explicit nonce of the next record that is
     * sent, which counts up from there. Otherwise the IV that each record's sequence number is combined with.
     */
    uint8_t iv[16];
} tls_traffic_secret_t;

/**
 * What the host has of a context's buffers, and what waits in its pool (tls_context_buffers). Since 0.1.
 */
typedef struct tls_buffers {
    /**
     * sizeof(tls_buffers_t), set by the caller.
     */
    size_t size;
    /**
     * Buffers of the host: taken or made, and not freed or fed yet.
     */
    uint64_t in_flight;
    /**
     * What they take, in bytes.
     */
    uint64_t in_flight_bytes;
    /**
     * Unused buffers in the pool of the context, in bytes; not those that stay with threads.
     */
    uint64_t unused_bytes;
} tls_buffers_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * ---- 1. Errors ------------------------------------------------------------------------------
 *
 * Errors belong to the object that they happened to, or to the tls_error_t that the caller hands
 * in; never to a thread. Reading one changes nothing.
 *
 * tls_conn_error() tells what ended a connection: its status, a reason, the alerts, and a sentence.
 * An end of the transport without a close_notify is told as well, as TLS_TRUNCATED once tls_advance() answers that:
 * in the handshake it is what is left of a peer that gave up [R-181]. Otherwise it fills in TLS_OK and an empty
 * message. A connection that failed holds no buffer any more, but for what waits to be drained [R-113]: it may be kept.
 *
 * A message is for people, and fit for a log: one line, without control characters. What comes from the peer, such
 * as the names in its certificate, is cut to a bounded length and stands there as RFC 4514 writes it: bytes other
 * than visible ASCII are \\XX [R-182]. Programs branch on the status; a reason tells violations of the protocol
 * apart, and may be joined by finer ones in later versions.
 *
 * `error` belongs to the caller, who has set `error->size`: TLS_ERROR_INIT does. Every call that fills in a tls_error_t
 * takes a size of 0, which is that of a variable that was only zeroed, for the size of the struct in the first version of
 * this header, than which none is smaller: what went wrong is told there too [R-260]. This one and tls_builder_error()
 * name the mistake by their answer besides.
 * Errors: TLS_ERR_ARGUMENT (NULL; a size of 0; or one smaller than its first two members, where nothing is filled
 * in), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_conn_error(tls_conn_t *conn,
                            tls_error_t *error);

/**
 * Tells what the first call that failed on a builder had to say: TLS_OK and an empty message if none failed,
 * or none since tls_builder_clear_error(). It only shows: as long as there is something to show, no context is
 * made of the builder (section 2).
 *
 * `error` belongs to the caller, who has set `error->size`.
 * Errors: TLS_ERR_ARGUMENT (NULL, or a size as for tls_conn_error()), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_error(const tls_builder_t *builder,
                               tls_error_t *error);

/**
 * Says that the host has seen what went wrong on a builder, and goes on without it: everything that failed
 * until now is forgotten, and contexts can be made again [R-203]. What failed is not set; the rest is. Call it where
 * a failure was expected and handled, after a look at tls_builder_error(), which shows whether it is that one.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY (nothing is forgotten), TLS_ERR_INTERNAL (a defect of
 * the library left the builder in an unknown state; free it). Since 0.1.
 */
tls_status_t tls_builder_clear_error(tls_builder_t *builder);

/**
 * The name of a status as in this header ("TLS_WANT_FEED"), "TLS_UNKNOWN" for other numbers.
 * Never NULL; the text is static and always valid. Errors: none. Since 0.1.
 */
const char *tls_status_name(tls_status_t status);

/**
 * The name of a reason as in this header ("TLS_REASON_CERTIFICATE_EXPIRED"), for logs: "TLS_REASON_NONE" for 0, and
 * "TLS_UNKNOWN" for numbers that are none, such as those of a newer library. Every reason has a name, and no two
 * have the same [R-180]. Never NULL; the text is static and always valid. Errors: none. Since 0.1.
 */
const char *tls_reason_name(int32_t reason);

/**
 * ---- 2. Builders ----------------------------------------------------------------------------
 *
 * A builder is a mutable recipe. Set it up, make one or more contexts from it, free it: a context
 * keeps nothing of its builder. Texts and files are read during the call; nothing of the host's is
 * referenced afterwards.
 *
 * A call that fails leaves what is set as it was, and answers why. The builder remembers the first such failure:
 * tls_builder_error() shows it, and tls_context_client() and tls_context_server() fail with it, with the same
 * status, reason and message, whatever is set afterwards [R-201]. So no pin, CRL, version or rule that could not be
 * set is missing from a context only because no one looked, and a host may check the context alone. Later calls
 * do what they are asked and answer for themselves; their failures do not replace the first one [R-202]. A host that
 * tries something and can do without it says so by tls_builder_clear_error() [R-203]. A call that another thread's
 * kept out of this builder (TLS_ERR_BUSY) has failed like any other [R-204]. The same call done rightly
 * afterwards does not undo a failure.
 *
 * PEM texts (RFC 7468), of all calls that take them, are read in one way. Lines end with LF, CR or both; blanks
 * and a byte-order mark may stand in front of a line, and a section may begin in the line in which another one
 * ends. Certificates are sections with the label CERTIFICATE or X509 CERTIFICATE; TRUSTED CERTIFICATE only without
 * the uses that OpenSSL adds to it. Text between sections is passed over, as are sections that cannot be meant: keys,
 * parameters and requests among certificates, certificates and CRLs in the text of a key. Nothing else is [R-136]:
 * an unknown label is TLS_REASON_PEM_LABEL; CRLs among certificates, containers (PKCS7, CMS) and uses of a TRUSTED
 * CERTIFICATE are TLS_REASON_PEM_MISPLACED, private keys that differ, if only in their form, TLS_REASON_SEVERAL_KEYS; a
 * boundary with a slip in it, a section without an end, and text whose line ends became spaces or got lost, as in an
 * environment variable, are TLS_REASON_PEM_MALFORMED. So is what is no text between sections: bytes of DER or UTF-16,
 * base64 without boundaries, BEGIN or END and a label behind whatever took the place of the hyphens. The message has the
 * line. A line that begins with # is a comment.
 *
 * All builder calls answer TLS_OK, TLS_ERR_ARGUMENT (NULL where something is needed), TLS_ERR_HANDLE,
 * TLS_ERR_BUSY (another thread is inside this builder), TLS_ERR_INTERNAL, and what is named with each.
 * After a TLS_ERR_INTERNAL of its own a builder can only be freed.
 *
 * tls_builder_new() makes an empty builder: no identity, no trust anchor, TLS 1.2 and 1.3, no ALPN,
 * TLS_VERIFY_PEER, TLS_CLIENT_AUTH_NONE, default limits. The caller owns it, until
 * tls_builder_free(). NULL if there is no memory. Since 0.1.
 */
tls_builder_t *tls_builder_new(void);

/**
 * Ends a builder. The contexts made from it live on. NULL, and a handle that is no builder, do
 * nothing. Errors: none. Since 0.1.
 */
void tls_builder_free(tls_builder_t *builder);

/**
 * Adds an identity: a certificate chain and its private key, both PEM (RFC 7468), in buffers of
 * `chain_len` and `key_len` bytes that need no terminator. The key is PKCS#8, PKCS#1 or SEC1, not
 * encrypted: RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521), Ed25519 or ML-DSA (44, 65, 87; TLS 1.3). The
 * certificates may be in any order: the one that belongs to the key is found and sent first. Servers need an identity,
 * clients may have one. The library keeps its own copy of the key, and wipes it when the builder and the last context
 * that uses it have ended.
 *
 * May be called several times, for several names and several kinds of keys. Each connection presents one
 * identity:
 *
 * - A server presents one whose certificate is for the name that the client asks for (its DNS names, RFC
 *   9525): first those that have the name itself, then those that have it with an asterisk for the first
 *   label. If none is for the name, or the client asks for none, all of them are considered. Of those
 *   identities it is the first, in the order in which they were added, whose key can make a signature that
 *   the client can verify [R-22]. Without any the handshake fails (TLS_REASON_NO_COMMON_SIGNATURE).
 * - A client presents, when it is asked for a certificate, the first whose key can make a signature that the
 *   server can verify; if the server names authorities, the first of those with such an issuer in the chain,
 *   if there is one [R-23]. Without any it presents none.
 *
 * That each key belongs to its certificate is checked when a context is made. Errors: TLS_ERR_CONFIG
 * (malformed or missing PEM, unsupported or encrypted key), TLS_ERR_STATE (the identity of this builder is
 * a raw public key). Since 0.1.
 */
tls_status_t tls_builder_identity_pem(tls_builder_t *builder,
                                      const void *chain,
                                      size_t chain_len,
                                      const void *key,
                                      size_t key_len);

/**
 * Like tls_builder_identity_pem(), from the files `chain_path` and `key_path`, which may be the same.
 * Errors: also TLS_ERR_IO (a file cannot be read). The message has its name only if the path goes through a directory
 * that exists, and that is neither the root nor named by one word alone ("/etc/x.pem", "./keys/x.pem", but not "x.pem"):
 * whatever is given in the place of a path by mistake, such as a key, is not shown. Since 0.1.
 */
tls_status_t tls_builder_identity_file(tls_builder_t *builder,
                                       const char *chain_path,
                                       const char *key_path);

/**
 * Adds an identity whose private key is elsewhere, in a security module or another process: only the
 * certificate chain is given, PEM of `len` bytes, with the certificate of the key first. Handshakes stop with
 * TLS_ASK_SIGN (section 9) where a signature is needed. All else is as with a key that is here: events, key log,
 * facts and sessions [R-126]. How many may be stopped at a time: tls_builder_open_questions().
 * Errors: TLS_ERR_CONFIG (malformed or missing PEM, unsupported key type), TLS_ERR_STATE (the identity of this
 * builder is a raw public key). Since 0.1.
 */
tls_status_t tls_builder_identity_external(tls_builder_t *builder,
                                           const void *chain,
                                           size_t len);

/**
 * Adds the certificates of a PEM text of `len` bytes as trust anchors, all of them or none. They are those of CAs:
 * section 11 says what is checked of one. To trust a peer by its own certificate, whoever issued it:
 * tls_builder_trust_peer_pem(). To pass over what cannot be used: tls_builder_trust_bundle(). May be called
 * several times.
 * Errors: TLS_ERR_CONFIG (malformed PEM, no certificate in it, or one that cannot be a trust anchor:
 * TLS_REASON_ANCHOR_NOT_CA, TLS_REASON_CERTIFICATE_UNUSABLE; the message has its number). Since 0.1.
 */
tls_status_t tls_builder_trust_pem(tls_builder_t *builder,
                                   const void *pem,
                                   size_t len);

/**
 * Like tls_builder_trust_pem(), from the file `path`.
 * Errors: also TLS_ERR_IO (the file cannot be read; what the message says of it: tls_builder_identity_file()). Since 0.1.
 */
tls_status_t tls_builder_trust_file(tls_builder_t *builder,
                                    const char *path);

/**
 * Like tls_builder_trust_pem(), but certificates that cannot be trust anchors are passed over, as in
 * tls_builder_trust_system(): bundles that are kept for a long time hold some [R-153]. How many they were is written to
 * `passed_over`, which may be NULL, whatever the answer is (0 where the text was not looked at) [R-242]: sections that
 * are no base64 or no certificate, certificates that are none of a CA, containers of certificates (PKCS7), and CRLs. A
 * section without an end still refuses the whole text, as nothing says what else it would hide.
 * Errors: TLS_ERR_CONFIG (malformed PEM, or not one certificate that can be a trust anchor; the message is about the
 * first). Since 0.1.
 */
tls_status_t tls_builder_trust_bundle(tls_builder_t *builder,
                                      const void *pem,
                                      size_t len,
                                      size_t *passed_over);

/**
 * Like tls_builder_trust_bundle(), from the file `path`.
 * Errors: also TLS_ERR_IO (the file cannot be read; what the message says of it: tls_builder_identity_file()). Since 0.1.
 */
tls_status_t tls_builder_trust_bundle_file(tls_builder_t *builder,
                                           const char *path,
                                           size_t *passed_over);

/**
 * Adds the trust anchors of the operating system, which takes some milliseconds. This is the one call
 * that reads environment variables: SSL_CERT_FILE and SSL_CERT_DIR name another store, as they do for
 * OpenSSL. Certificates in the store that cannot be trust anchors are passed over.
 * Errors: TLS_ERR_IO (no usable certificate was found). Since 0.1.
 */
tls_status_t tls_builder_trust_system(tls_builder_t *builder);

/**
 * Sets the application protocols (ALPN, RFC 7301), in order of preference: each a byte with its length,
 * then its name, as in "\x02h2\x08http/1.1" (12 bytes). A length of 0 removes the list. A client offers
 * the list; a server with a list refuses a client that offers none of it. One connection can have another
 * list: tls_client_new_with(), tls_answer_context_with().
 * Errors: TLS_ERR_CONFIG (an empty name, one that is longer than the rest, or a list longer than 4096 bytes,
 * TLS_MAX_ALPN; the message has the offset). Since 0.1.
 */
tls_status_t tls_builder_alpn(tls_builder_t *builder,
                              const void *wire,
                              size_t len);

/**
 * Sets the least and the greatest protocol version: TLS_VERSION_1_2 (0x0303) or TLS_VERSION_1_3 (0x0304).
 * Errors: TLS_ERR_CONFIG (another version, or min above max). Since 0.1.
 */
tls_status_t tls_builder_versions(tls_builder_t *builder,
                                  uint16_t min,
                                  uint16_t max);

/**
 * Sets whether a server asks its clients for certificates: TLS_CLIENT_AUTH_*. Clients ignore it.
 * Errors: TLS_ERR_ARGUMENT (another mode). Since 0.1.
 */
tls_status_t tls_builder_client_auth(tls_builder_t *builder, int32_t mode);

/**
 * Sets whether the connections of a client context ask which identity they show to a server that asks for one
 * (TLS_ASK_IDENTITY, section 9): 1, or 0, the default. Then the identities of this context are shown only if the
 * host answers with it. The question is asked in full handshakes: a resumed session stands for the identity that
 * was shown when it was made, whatever the host would choose now [R-205]. Who wants each connection to choose for
 * itself keeps no sessions (tls_builder_sessions() with 0), or carries them (tls_client_new_resuming()). Such a
 * context sends no early data, and is asked for certificates only, not for raw public keys. Open questions are
 * bounded as those for signatures are (tls_builder_open_questions()). Servers ignore it.
 * Errors: TLS_ERR_ARGUMENT (another mode). Since 0.1.
 */
tls_status_t tls_builder_ask_identity(tls_builder_t *builder,
                                      int32_t mode);

/**
 * Sets whether the sessions of a server context are in a store of the host: 1, or 0, the default. Servers of many
 * machines that have such a store in common, and no keys of tickets (tls_context_ticket_keys()), resume each other's
 * sessions. The context then issues no tickets and remembers nothing itself, whatever tls_builder_sessions() says;
 * tls_context_ticket_keys() answers TLS_ERR_STATE. Its connections
 * - record TLS_EVENT_SESSION for each session that is to be stored: one in TLS 1.2, and as many as
 *   tls_builder_tickets() says in TLS 1.3; tls_stored_key() and tls_stored_data() copy it out (section 14). A handshake stores 64
 *   KiB at most: of clients with long chains there may be fewer, and the client is not told of the others;
 * - ask TLS_ASK_SESSION (section 9) when a client offers a session, before anything was said to it: at most four times,
 *   whatever the client offers [R-216]. TLS 1.3 clients that meet a TLS 1.2 server offer a random id: of most keys there is
 *   nothing in the store.
 *
 * THE STORE HOLDS SECRETS. Who can read it can decrypt what is recorded of resumed TLS 1.2 connections, and act as the
 * server, or as the client, of a session; who can write to it can let anybody in as any client, certificates included.
 * Protect it as a private key: encrypted and authenticated on its way and at rest, and never kept longer than the
 * event's number says. A hash in the bytes tells what was damaged or filed under a wrong key; it does not tell who
 * wrote it.
 *
 * A session is good in each context with this setting, the same rules about client certificates, and a library of the
 * same version; it ends after 24 hours, and with the certificates that it stands for [R-213]. Contexts for different
 * services need different stores, as they would need different ticket keys. Early data (tls_builder_early_data()) is as
 * safe from repetition as the store takes sessions out once. Open questions are bounded (tls_builder_open_questions()).
 * Clients ignore it. Errors: TLS_ERR_ARGUMENT (another mode), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_ask_session(tls_builder_t *builder,
                                     int32_t mode);

/**
 * Sets whether the connections of a server context ask which context is to go on with them, when the
 * ClientHello is in (TLS_ASK_CONTEXT, section 9): 1, or 0, the default. Until the answer they have the limits,
 * the pool, the deadline and the events of this one, which a server that is made with a NULL context has
 * not [R-108]. Such a context needs no identity; without one it cannot be the answer. Clients ignore it.
 * Errors: TLS_ERR_ARGUMENT (another mode). Since 0.1.
 */
tls_status_t tls_builder_ask_context(tls_builder_t *builder,
                                     int32_t mode);

/**
 * Sets what a server does with a client that asks for a server name (SNI) which is none: 0, the default, takes it
 * for a client that names nobody, 1 ends the handshake with an alert. No name are IP addresses, `[localhost]`,
 * `localhost:443`, text that is not ASCII or too long, an empty name, two names, and names that are not of a
 * host [R-166]. tls_sni() is empty then, and tls_hello_raw() has what was sent. A name with a dot at its end is a
 * name, as it stands. Clients ignore it.
 * Errors: TLS_ERR_ARGUMENT (another mode). Since 0.1.
 */
tls_status_t tls_builder_strict_sni(tls_builder_t *builder,
                                    int32_t mode);

/**
 * Sets who decides about the peer's certificate: TLS_VERIFY_*. With TLS_VERIFY_DANGEROUS_NONE the
 * connection is protected against nobody who can reach it. There, and where TLS_ASK_VERIFY is answered 0, any
 * certificate is accepted whose key can be read: of version 1, with critical extensions that nobody knows, expired; the
 * peer's proof that it has that key is all that can still fail [R-149]. On a server this is about client certificates. With
 * TLS_VERIFY_ANY_NAME a client accepts whoever has a certificate under its trust anchors [R-36]: choose it where
 * these stand for few servers, all of which may answer.
 *
 * A resumed session is not verified again (RFC 8446, 2.2): it continues one that was accepted under the
 * same context, as long as its certificates last (section 12).
 * Errors: TLS_ERR_ARGUMENT (another mode). Since 0.1.
 */
tls_status_t tls_builder_verify(tls_builder_t *builder,
                                int32_t mode);

/**
 * Sets the most wire bytes that a connection holds: `inbound` fed and not processed or not read, and
 * `outbound` queued and not drained. They are never exceeded [R-04]. 0 keeps the default of 69632 bytes
 * (TLS_DEFAULT_LIMIT), which holds a 64 KiB message in records. The least values are 20480 bytes each; a
 * handshake flight (certificate chain, names of the trust anchors) must fit the outbound one.
 * Errors: TLS_ERR_CONFIG (too small, or larger than memory can be). Since 0.1.
 */
tls_status_t tls_builder_limits(tls_builder_t *builder,
                                size_t inbound,
                                size_t outbound);

/**
 * Sets how many bytes of unused buffers a context keeps for its connections, until it is freed and the last of
 * them is; the default is 4 MiB (TLS_DEFAULT_POOL). 0 keeps none: every burst of bytes then allocates a buffer and
 * frees it.
 *
 * TO FIND MEMORY THAT IS USED TOO LATE, set it to 0 and run the program under AddressSanitizer or valgrind. A buffer that a
 * window or a peek showed, or that tls_buffer_free() gave back, goes to malloc as soon as it is returned, and these
 * poison what is freed and keep it in quarantine: a recv() or a copy into a window that is closed, and a look at bytes
 * that were consumed, are then reported at the place where they happen [R-262]. With any other value the buffer may be
 * another connection's by then, and no tool sees it. What a kernel writes after the call that asked for it (io_uring)
 * is seen by neither tool.
 *
 * Beside these, a thread keeps the last buffer of each direction and size (8, 20 and 84 KiB) that was returned on it, until
 * the thread ends; all threads of the process keep 8 MiB at most [R-230]. No such buffer holds a plain byte, and
 * connections of any context use them. They are all that is left when contexts and connections are freed.
 * A context for which fewer than 172032 bytes (2 times 84 KiB) are set neither leaves anything with threads nor uses
 * what others left [R-231]: its threads share the one store of the context, under a lock.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_pool(tls_builder_t *builder,
                              size_t bytes);

/**
 * ---- 3. Contexts ----------------------------------------------------------------------------
 *
 * A context is what many connections share: keys, trust anchors, sessions for resumption, and the pool
 * of buffers. It never changes, its ticket keys apart, and any number of threads may use it at once.
 *
 * Client contexts remember sessions and resume them; server contexts issue tickets (RFC 8446, 4.6.1) under
 * keys of their own, which rotate every six hours and are known to no other context; section 12 has more.
 *
 * tls_context_client() makes a context for clients, tls_context_server() one for servers. The caller owns
 * it, until tls_context_free(). The builder can be changed, used again and freed afterwards.
 *
 * `error` may be NULL; otherwise the caller has set `error->size`.
 * Errors: NULL, with `error->status` TLS_ERR_ARGUMENT (NULL builder), TLS_ERR_HANDLE, TLS_ERR_BUSY,
 * TLS_ERR_MEMORY, TLS_ERR_INTERNAL, or TLS_ERR_CONFIG: no trust anchor under TLS_VERIFY_PEER, a private
 * key that does not belong to its certificate, limits that a handshake flight cannot keep. If a call on the builder
 * failed, and tls_builder_clear_error() was not called since: that call's failure, whatever it was [R-201]. What
 * fails here is not remembered by the builder, which can be mended and used again. Since 0.1.
 */
tls_context_t *tls_context_client(const tls_builder_t *builder,
                                  tls_error_t *error);

/**
 * Makes a context for servers; see tls_context_client().
 * Errors: also TLS_ERR_CONFIG without an identity, or without a trust anchor if client certificates are
 * asked for under TLS_VERIFY_PEER. Since 0.1.
 */
tls_context_t *tls_context_server(const tls_builder_t *builder,
                                  tls_error_t *error);

/**
 * Whether all cryptography of a context's handshakes and records is that of a module validated by FIPS 140-3,
 * and its settings are those that NIST asks for: 1, or 0 [R-103]. It is 0 in every library that was not built
 * with the Cargo feature `fips`; in one that was, also with groups of the host's that are not approved.
 * docs/fips.md says what it covers, and what not.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE. Since 0.1.
 */
int32_t tls_context_fips(const tls_context_t *context);

/**
 * Ends the caller's hold on a context. Connections keep what they need of it, so this may be called while
 * some are alive. With the last of both its keys and sessions are wiped from the heap [R-137]. NULL, and a handle that
 * is no context, do nothing. Errors: none. Since 0.1.
 */
void tls_context_free(tls_context_t *context);

/**
 * ---- 4. Connections -------------------------------------------------------------------------
 *
 * A connection is made, driven through its state word, and freed. It knows nothing of sockets, and
 * nothing of its host: freeing it ends it, whatever else is alive.
 *
 * tls_client_new() starts a client connection; its ClientHello is queued at once. `server_name` is the
 * DNS name or the IP address (in text form) that the server's certificate must be valid for; a DNS name is
 * also sent to the server (SNI, RFC 6066, 3). Names are ASCII, international ones in their xn-- form. The
 * caller owns the connection, until tls_free(); the context may be freed before it.
 *
 * `server_name` may be NULL where no name is verified: under TLS_VERIFY_ANY_NAME, TLS_VERIFY_ASK and
 * TLS_VERIFY_DANGEROUS_NONE, and where servers show raw public keys. Nothing is sent then, tls_verify_name() tells
 * none, and the rules ask for none if the answer is -1. As no name tells which server it is, such a connection
 * resumes no session of the context's [R-152]; it can resume one that the host carries (section 12).
 *
 * `error` may be NULL; otherwise the caller has set `error->size`.
 * Errors: NULL, with `error->status` TLS_ERR_ARGUMENT (NULL where a name is needed; a server context; a name that is neither a
 * DNS name nor an IP address), TLS_ERR_HANDLE, TLS_ERR_LIMIT (the ClientHello exceeds the outbound limit),
 * TLS_ERR_MEMORY, TLS_ERR_INTERNAL (no random bytes, or a defect). Since 0.1.
 */
tls_conn_t *tls_client_new(const tls_context_t *context,
                           const char *server_name,
                           tls_error_t *error);

/**
 * Starts a server connection, which waits for the client's first bytes. With a NULL context it will ask
 * for one when the ClientHello is in (TLS_ASK_CONTEXT, section 9), and uses default limits until then; a context
 * that asks (tls_builder_ask_context()) has its own.
 * The caller owns the connection, until tls_free(); the context may be freed before it.
 *
 * `error` may be NULL; otherwise the caller has set `error->size`.
 * Errors: NULL, with `error->status` TLS_ERR_ARGUMENT (a client context), TLS_ERR_HANDLE, TLS_ERR_MEMORY,
 * TLS_ERR_INTERNAL. Since 0.1.
 */
tls_conn_t *tls_server_new(const tls_context_t *context,
                           tls_error_t *error);

/**
 * Ends a connection now: its memory is returned, and pointers that it handed out are invalid. Its secrets and
 * plain bytes are wiped from the heap [R-137]: keys, traffic secrets, exporter secret, lines of the key log that were
 * not fetched, and every copy that was made of them on the way. What its context shares with other connections
 * is not its own: sessions to be resumed (in TLS 1.2 its main secret), ticket keys and the private key stay until
 * the context has ended. This holds in optimised builds, the shared and the static library's; SECURITY.md says
 * what it does not cover. Sends nothing: for a proper end call tls_close_notify() and drain before. If
 * another thread is inside the connection, it ends as soon as that call returns. The handle is invalid from
 * here on; using it, or freeing it again, is answered TLS_ERR_HANDLE and harms nothing [R-01]. NULL, and a
 * handle that is no connection, do nothing. Errors: none. Since 0.1.
 */
void tls_free(tls_conn_t *conn);

/**
 * Processes what was fed (handshake and control messages, records up to the first plain byte) and says
 * where the connection stands:
 *
 * TLS_WANT_FEED while the handshake needs bytes from the peer; TLS_WANT_DRAIN if a handshake flight has to
 * be drained before the next one; TLS_ASK_CONTEXT, TLS_ASK_VERIFY, TLS_ASK_SIGN,
 * TLS_ASK_IDENTITY or TLS_ASK_SESSION if a question is open (section 9);
 * TLS_OK once the handshake is done; TLS_CLOSED or TLS_TRUNCATED once that end is reached with no plain byte
 * unread [R-08]; a fatal error, again and again, after one happened.
 *
 * How the bytes were cut into calls makes no difference to any answer [R-07].
 * A peer that closes before the handshake is done, by a close_notify in any of its stages, has closed: that is
 * TLS_CLOSED too, with TLS_HANDSHAKING still set [R-167].
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
 */
tls_status_t tls_advance(tls_conn_t *conn);

/**
 * Processes what was fed, as tls_advance() does, and answers the state word: TLS_CAN_FEED, TLS_CAN_DRAIN, ….
 * If a bit says that a call can do something, that call does something [R-12]. After a fatal error
 * TLS_FAILED is set, and TLS_CAN_DRAIN as long as the alert for the peer is queued.
 * Errors: 0, which no live connection answers, for NULL, a handle that is no connection, and a connection
 * that another thread is inside. Since 0.1.
 */
uint32_t tls_state(tls_conn_t *conn);

/**
 * ---- 5. Wire bytes: feed and drain ----------------------------------------------------------
 *
 * tls_feed() stores up to `len` bytes that came from the peer, as many as the inbound limit allows, and
 * answers how many: 0 means that plain bytes must be read first. Those that it did not take stay the host's, which feeds
 * them again. It looks at none of them: what they mean is found out by tls_advance(), tls_state(), tls_read_into() and
 * tls_write_from(). Bytes that come after the peer's close_notify are stored as well, for tls_surplus().
 *
 * Ownership: the bytes are copied. Section 7 has ways without that copy.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (after tls_feed_eof(), or after a
 * fatal error). Since 0.1.
 */
ptrdiff_t tls_feed(tls_conn_t *conn,
                   const void *wire,
                   size_t len);

/**
 * Says that the transport has ended: recv() answered 0, or failed. Without a close_notify among the bytes
 * that were fed, the connection's end is TLS_TRUNCATED, at whatever byte it happened [R-08]: an attacker
 * can end a transport, but cannot forge a close_notify. Saying it twice is TLS_OK. What the peer sent
 * before can still be read; this side can still write. An open window is closed.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_feed_eof(tls_conn_t *conn);

/**
 * Moves up to `len` queued wire bytes to `wire` and answers how many: 0 when nothing is queued (or `len` is
 * 0). The host sends them; bytes that a transport does not take at once stay the host's to keep, which
 * tls_drain_peek() spares it.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_drain_into(tls_conn_t *conn,
                         void *wire,
                         size_t len);

/**
 * Shows the queued wire bytes where they are: `*wire` and `*len` are set, to NULL and 0 when nothing is
 * queued. Send what the transport takes, then say how much by tls_drain_consume(). They are all that are queued,
 * but for those that were queued while others were shown: these are shown when those are consumed.
 *
 * Lifetime: the bytes are valid until the next call on this connection that consumes (tls_drain_consume(),
 * tls_drain_into()), writes, closes, updates keys or frees. They stay where they are while it is fed, read,
 * advanced or answered, even if it fails [R-233]: a send() can be under way meanwhile.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_drain_peek(tls_conn_t *conn,
                            const void **wire,
                            size_t *len);

/**
 * Removes the first `len` queued wire bytes: they were sent.
 * Errors: TLS_ERR_ARGUMENT (also if fewer are queued; none is removed then), TLS_ERR_HANDLE, TLS_ERR_BUSY.
 * Since 0.1.
 */
tls_status_t tls_drain_consume(tls_conn_t *conn,
                               size_t len);

/**
 * How many wire bytes are queued.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_drain_pending(tls_conn_t *conn);

/**
 * Copies out wire bytes that came behind the peer's close_notify: they are not TLS any more, and not
 * swallowed [R-09]. A host that goes on in plain text on the same transport needs them. Answers their full
 * number, and copies as many as fit into `capacity`; a NULL `wire` only asks. They stay where they are. In
 * the in-place way (section 7) such bytes simply stay in the host's buffer, unconsumed.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_surplus(tls_conn_t *conn,
                      void *wire,
                      size_t capacity);

/**
 * ---- 6. Plain bytes: read and write ---------------------------------------------------------
 *
 * tls_read_into() decrypts into `plain`, which the host owns: it fills the buffer from as many records as
 * were fed, and answers the number of bytes (> 0). The rest of a record that does not fit stays readable. It
 * answers 0 only for `len` 0. Without a byte to give it answers what tls_advance() would, and TLS_WANT_FEED
 * if more must be fed; so before the handshake is done it drives it.
 *
 * What the peer wrote comes whole and in order, whatever was called before, in whatever way it was read
 * so far, and however its wire bytes were cut: also what came in one piece with the end of the handshake [R-111].
 *
 * A record is decrypted straight into `plain` where all of it fits, in TLS 1.3 with one byte more: 16385 bytes take
 * any record that is not padded. Of such a record no plain byte is in memory of the library, ever [R-272]. Others are
 * decrypted where their wire bytes lie, copied, and wiped when nothing more waits there: records that may be none of
 * data, which are those of fewer than 7 plain bytes (6 in TLS 1.3), and the first that a TLS 1.3 client reads after
 * the handshake, a move, a ticket or a KeyUpdate; one that tls_advance() or tls_state() came to before; what is read
 * by the same call behind any record that is not decrypted straight; what came in one piece with the end of the
 * handshake; all, in builds for validated cryptography (docs/fips.md).
 *
 * The buffer may be uninitialised, unaligned and of any length; nothing behind it is touched. In it, bytes behind
 * those that were given are not touched either [R-03]: only where the peer pads its records, sends a ticket
 * among its data, or a record that is bad, they are unspecified, and no plain bytes of a bad one [R-271].
 * A record costs no heap allocation [R-05].
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Plain bytes before a bad record
 * are given first, the error by the next call. Since 0.1.
 */
ptrdiff_t tls_read_into(tls_conn_t *conn,
                        void *plain,
                        size_t len);

/**
 * Encrypts up to `len` bytes at `plain` into records in the outbound queue, as many as the outbound limit
 * allows, and answers how many (> 0; 0 only for `len` 0). Corked (section 15), it keeps them until they fill a
 * record. What was not taken can be offered again, from any
 * address. TLS_WANT_DRAIN if there is no room: drain first. Before the handshake is done it drives it, and
 * answers what tls_advance() would.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (after tls_close_notify()), and the
 * fatal ones. Since 0.1.
 */
ptrdiff_t tls_write_from(tls_conn_t *conn,
                         const void *plain,
                         size_t len);

/**
 * How many plain bytes are decrypted and not read: at most one record's. More may follow once they are read.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_plain_pending(tls_conn_t *conn);

/**
 * Queues a close_notify (RFC 8446, 6.1): nothing can be written any more, but what the peer still sends can
 * be read (half close). Saying it twice is TLS_OK. Drain afterwards.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (the handshake is not done: free the
 * connection instead), and the fatal ones. Since 0.1.
 */
tls_status_t tls_close_notify(tls_conn_t *conn);

/**
 * ---- 7. Ways with fewer copies --------------------------------------------------------------
 *
 * In, from simple to fastest: tls_feed() and tls_read_into() copy once; a window and tls_read_into() copy nothing, where
 * whole records fit into what is read into, or once more; tls_read_in_place() copies nothing. Out: tls_drain_into() copies
 * once, tls_drain_peek() and tls_write_into() copy nothing. All run over the same engine and can be mixed between records,
 * in and out independently.
 *
 * tls_feed_window() opens a window: memory of the library behind the bytes that were fed, for the host to
 * receive into. `*wire` and `*len` are set; `*len` is at least `want`, unless the inbound limit leaves less,
 * and often more. With `want` 0 the library chooses (room for any record).
 *
 * Lifetime: the window is valid until the next call on this connection that feeds (tls_feed(), tls_feed_window(),
 * tls_feed_commit(), tls_feed_eof()) or frees, whatever else happens meanwhile: a recv() that is under way stays
 * in memory of this connection even if it fails, runs out of time or gives its secrets away [R-232]. It holds a
 * buffer of the pool (some 20 KB) until then, on an idle connection too, where TLS_WINDOW_OPEN shows it [R-261]: open
 * it when there is something to receive, and close it by tls_feed_commit(conn, 0) where nothing came. Errors:
 * TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (as for tls_feed()), TLS_ERR_LIMIT (the inbound limit
 * is reached: read first). Since 0.1.
 */
tls_status_t tls_feed_window(tls_conn_t *conn,
                             size_t want,
                             void **wire,
                             size_t *len);

/**
 * Says that the first `len` bytes of the window now hold bytes from the peer, as if they had been fed, and
 * closes the window. With `len` 0 it only closes it, if it is open.
 * Errors: TLS_ERR_ARGUMENT (also if the window is smaller; it stays open), TLS_ERR_HANDLE, TLS_ERR_BUSY,
 * TLS_ERR_STATE (`len` is not 0, and no window is open, or the connection takes no bytes any more, as for
 * tls_feed(): then nothing is taken, and the window is closed). Since 0.1.
 */
tls_status_t tls_feed_commit(tls_conn_t *conn,
                             size_t len);

/**
 * Decrypts the whole records at the front of the host's own buffer where they lie. Answers how many spans of
 * plain bytes it wrote to `spans` (> 0, at most `max_spans`, at most one a record): each tells where in `wire`
 * plain bytes now are. `*consumed` says how many bytes at the front are done with. The host uses the plain
 * bytes, moves the bytes behind `*consumed` to the front, receives more behind them, and calls again; with
 * all spans used up, at once.
 *
 * Without a plain byte to show it answers what tls_advance() would, and TLS_WANT_FEED if the buffer holds no
 * whole record; handshake and control messages are processed on the way, so look at `*consumed` in any case.
 * `*consumed` is 0 after an error, whatever it is [R-242].
 *
 * Ownership: the buffer stays the host's, nothing of it is referenced after the call. Bytes behind
 * `*consumed` must come again, unaltered, at the front of the next call's buffer: a message that spans
 * records is put together there. Errors: TLS_ERR_ARGUMENT (NULL, no room for a span, or fewer bytes than
 * were left), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (bytes given by tls_feed() or a window are
 * waiting), and the fatal ones. Since 0.1.
 */
ptrdiff_t tls_read_in_place(tls_conn_t *conn,
                            void *wire,
                            size_t len,
                            tls_span_t *spans,
                            size_t max_spans,
                            size_t *consumed);

/**
 * Encrypts up to `len` bytes at `plain` straight into `capacity` bytes at `wire`. Answers how many wire bytes
 * are there (> 0; 0 only for `len` 0); `*consumed` says how many plain bytes went into them. With
 * tls_wire_bound(len) bytes of capacity and `len` within the outbound limit all of them do. The two buffers
 * must not overlap.
 *
 * Records leave in order: while bytes are queued it answers TLS_WANT_DRAIN. Before the handshake is done it
 * drives it, and answers what tls_advance() would.
 * Errors: TLS_ERR_ARGUMENT (NULL, or no room for one byte's record, padded where the context pads), TLS_ERR_HANDLE, TLS_ERR_BUSY,
 * TLS_ERR_STATE (after tls_close_notify()), and the fatal ones; `*consumed` is 0 then [R-242]. Since 0.1.
 */
ptrdiff_t tls_write_into(tls_conn_t *conn,
                         const void *plain,
                         size_t len,
                         void *wire,
                         size_t capacity,
                         size_t *consumed);

/**
 * A size in bytes that always suffices for the wire form of `plain_len` plain bytes, whatever was negotiated:
 * 29 bytes a record of up to 16384 bytes, and room for a key update. Where the host asked for smaller or
 * padded records (section 15), tls_conn_wire_bound() says it. Errors: none; 0 for 0. Since 0.1.
 */
size_t tls_wire_bound(size_t plain_len);

/**
 * ---- 8. Facts -------------------------------------------------------------------------------
 *
 * Texts and blobs are copied out: the answer is the full size (of a text without its terminator), whatever
 * fits into `capacity` is copied, a text is always terminated; NULL only asks the size. 0 means that there is
 * none, or that it is not known yet. Numbers are IANA's, 0 if not known yet.
 *
 * All facts are settled when the handshake is done and stay until tls_free(). While a question is open
 * (section 9) those that it is about can be had: the name, for a context what section 10 gives, and for an
 * identity the peer's certificates.
 *
 * tls_sni() gives the server name: on a client the DNS name that it sends, on a server the one that the client
 * asked for (SNI, RFC 6066, 3). With ECH that is the hidden name on a client, whatever comes of it; a server,
 * which does not decrypt it, has the public name.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_sni(tls_conn_t *conn,
                  char *text,
                  size_t capacity);

/**
 * The application protocol that was agreed on (ALPN, RFC 7301), as bytes without a terminator.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_alpn(tls_conn_t *conn, void *protocol, size_t capacity);

/**
 * A certificate of the peer, in DER: index 0 is its own, the others are the chain in the order in which it
 * sent them. 0 behind the last. Known after resumption as well.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_peer_certificate(tls_conn_t *conn,
                               size_t index,
                               void *der,
                               size_t capacity);

/**
 * A name that the peer's own certificate is for (subjectAltName, RFC 5280, 4.2.1.6): of those of `kind`, a
 * TLS_NAME_* number, the one at `index` [R-109]. 0 behind the last. What a server may ask to know which client
 * came, without a parser of certificates; the common name of the subject is none of them (RFC 9525, 2).
 * Names with other bytes than visible ASCII are passed over.
 *
 * It is what the certificate says: only one that was accepted makes it true. Known as long as
 * tls_peer_certificate() is.
 * Errors: TLS_ERR_ARGUMENT (also for another kind), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_peer_name(tls_conn_t *conn,
                        int32_t kind,
                        size_t index,
                        char *text,
                        size_t capacity);

/**
 * The protocol version: TLS_VERSION_1_3 (0x0304) or TLS_VERSION_1_2 (0x0303).
 * Errors: 0 for NULL, a bad handle, or another thread inside. Since 0.1.
 */
uint16_t tls_protocol_version(tls_conn_t *conn);

/**
 * The cipher suite (IANA TLS Cipher Suites), such as 0x1301, TLS_AES_128_GCM_SHA256.
 * Errors: 0 for NULL, a bad handle, or another thread inside. Since 0.1.
 */
uint16_t tls_cipher_suite(tls_conn_t *conn);

/**
 * The key exchange group (IANA TLS Supported Groups), such as 0x11ec, X25519MLKEM768. 0 after TLS 1.2
 * resumption, which exchanges no keys.
 * Errors: 0 for NULL, a bad handle, or another thread inside. Since 0.1.
 */
uint16_t tls_group(tls_conn_t *conn);

/**
 * Whether the handshake resumed an earlier session: 1, or 0 (also while it is not known).
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
int32_t tls_resumed(tls_conn_t *conn);

/**
 * The kind of the handshake: TLS_HANDSHAKE_FULL, TLS_HANDSHAKE_RESUMED, or one of these after a
 * HelloRetryRequest (TLS_HANDSHAKE_FULL_RETRIED, TLS_HANDSHAKE_RESUMED_RETRIED), which cost a round trip
 * more: the client offered no key share that the server takes [R-98]. TLS_HANDSHAKE_UNKNOWN (0) while it is not
 * known. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
int32_t tls_handshake_kind(tls_conn_t *conn);

/**
 * Fills in how many bytes went through the connection so far [R-52]. They are counted where the host hands
 * them over or takes them: bytes that still wait in a queue are not in `wire_out` and `plain_in`. Records are
 * counted where they are decrypted and encrypted, and only those that carry plain bytes [R-95]: no handshake
 * messages, alerts and KeyUpdates. Early data is plain bytes as well. Tickets are counted whether the context
 * records an event for each or not [R-105].
 *
 * `counters` belongs to the caller, who has set `counters->size`.
 * Errors: TLS_ERR_ARGUMENT (NULL, or a size smaller than its first two members), TLS_ERR_HANDLE,
 * TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_counters(tls_conn_t *conn,
                          tls_counters_t *counters);

/**
 * ---- 9. Questions and answers ---------------------------------------------------------------
 *
 * Where other libraries call back, this one stops and asks. tls_advance() answers a TLS_ASK_* status, the
 * state word has TLS_ASKING; the host looks at the facts, takes its time, on any thread, and answers with
 * one of the calls below; then it goes on advancing. Until then no plain byte can be read or written. An
 * answer to a question that is not open is TLS_ERR_STATE and harms nothing [R-13]. An answer is TLS_OK
 * when it was taken: what came of it is what tls_advance() says next. So with bytes that are fed behind an
 * answer: the next call that looks processes both, unless another question opens before them [R-112].
 *
 * | question        | asked on                                   | facts                | answers          |
 * |-----------------|--------------------------------------------|----------------------|------------------|
 * | TLS_ASK_CONTEXT | servers made with a NULL context, or with  | tls_sni, section 10  | context, refuse  |
 * |                 | one that asks (tls_builder_ask_context)    |                      |                  |
 * | TLS_ASK_VERIFY  | contexts with TLS_VERIFY_ASK, if the peer  | tls_peer_certificate | verify, refuse   |
 * |                 | shows a certificate                        | tls_ocsp_response,   |                  |
 * |                 |                                            | tls_verify_name      |                  |
 * | TLS_ASK_SIGN    | identities whose key is elsewhere          | tls_sign_scheme,     | sign, refuse     |
 * |                 | (tls_builder_identity_external)            | tls_sign_message,    |                  |
 * |                 |                                            | tls_sign_certificate |                  |
 * | TLS_ASK_IDENTITY| clients of contexts that ask for it        | tls_identity_type,   | identity, refuse |
 * |                 | (tls_builder_ask_identity), if the server  | tls_identity_schemes,|                  |
 * |                 | wants a certificate                        | tls_identity_        |                  |
 * |                 |                                            | authority            |                  |
 * | TLS_ASK_SESSION | servers of contexts whose sessions are in  | tls_lookup_key,      | session, refuse  |
 * |                 | the host's store (tls_builder_ask_session),| tls_lookup_once      |                  |
 * |                 | if the client offers one                   |                      |                  |
 *
 * tls_answer_context() continues a server with a server context, which may be freed afterwards; its limits and
 * its pool become the connection's. It may be the one that asked.
 * Errors: TLS_ERR_ARGUMENT (NULL, a client context, or one without an identity), TLS_ERR_HANDLE, TLS_ERR_BUSY,
 * TLS_ERR_STATE, TLS_ERR_CONFIG (a context with tls_builder_half_rtt(); the question is still open). Since 0.1.
 */
tls_status_t tls_answer_context(tls_conn_t *conn,
                                const tls_context_t *context);

/**
 * Decides about the peer's identity: 0 accepts it, -1 lets the context's own rules decide (trust anchors,
 * name, time, usage), n > 0 rejects it with alert n, one of 40, 42 to 46, 48, 49, 51, 113 and 116 (RFC
 * 8446, 6.2). Errors: TLS_ERR_ARGUMENT (also for another alert), TLS_ERR_HANDLE, TLS_ERR_BUSY,
 * TLS_ERR_STATE. Since 0.1.
 */
tls_status_t tls_answer_verify(tls_conn_t *conn,
                               int32_t verdict);

/**
 * The signature scheme of an open TLS_ASK_SIGN (IANA TLS SignatureScheme), such as 0x0804,
 * rsa_pss_rsae_sha256. 0 if that question is not open.
 * Errors: 0 for NULL, a bad handle, or another thread inside. Since 0.1.
 */
uint16_t tls_sign_scheme(tls_conn_t *conn);

/**
 * Copies out the bytes to sign at an open TLS_ASK_SIGN: some 100 to 300, but for a client in TLS 1.2 the
 * whole handshake so far, some thousands (RFC 5246, 7.4.8). They are not hashed: the signer does that as
 * the scheme says. Answers their full number, and copies as many as fit into `capacity`; a NULL `message`
 * only asks. 0 if that question is not open. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since
 * 0.1.
 */
ptrdiff_t tls_sign_message(tls_conn_t *conn,
                           void *message,
                           size_t capacity);

/**
 * The certificate whose key is to sign at an open TLS_ASK_SIGN, in DER: with several identities it says which
 * one was chosen [R-106]. Copied out like a fact (section 8); 0 if that question is not open.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_sign_certificate(tls_conn_t *conn,
                               void *der,
                               size_t capacity);

/**
 * Hands in the signature of `len` bytes, in the form that TLS sends: for ECDSA the DER of r and s, for
 * RSA-PSS with a salt as long as the hash (RFC 8446, 4.2.3). It is checked with the certificate before it
 * is sent, since a wrong one, from a faulty signer, could betray the key. With a wrong one, which is not sent,
 * the handshake fails: tls_advance() says TLS_ERR_INTERNAL, tls_conn_error() TLS_REASON_SIGNATURE_WRONG, and
 * the alert handshake_failure (40) is queued for the peer [R-107].
 *
 * While the question is open, the step of the engine that needs the signature is stopped, on a stack of its own:
 * no thread waits [R-123]. tls_builder_open_questions() says what that takes, and bounds it. The answer may come
 * from any thread [R-124], or in a forked child to which the connection belongs [R-125]; tls_free() ends the step.
 * What was fed meanwhile is processed by the next call that processes. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE,
 * TLS_ERR_BUSY, TLS_ERR_STATE. Since 0.1.
 */
tls_status_t tls_answer_sign(tls_conn_t *conn,
                             const void *signature,
                             size_t len);

/**
 * The type of certificate that an open TLS_ASK_IDENTITY is about, an IANA number (RFC 7250): 0 for X.509.
 * Errors, all negative: TLS_ERR_STATE if that question is not open, TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY.
 * Since 0.1.
 */
int32_t tls_identity_type(tls_conn_t *conn);

/**
 * Copies out the signature schemes that the server accepts at an open TLS_ASK_IDENTITY (signature_algorithms,
 * RFC 8446, 4.2.3; CertificateRequest, RFC 5246, 7.4.4), in its order: IANA's numbers, two bytes each, the more
 * significant first. Copied out like a fact (section 8); 0 if that question is not open.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_identity_schemes(tls_conn_t *conn,
                               void *schemes,
                               size_t capacity);

/**
 * The distinguished name of the certificate authority at `index` of those that the server names at an open
 * TLS_ASK_IDENTITY, in DER, as it came: this library has not parsed it. A server that names none leaves the
 * choice open (RFC 8446, 4.2.4). Copied out like a fact (section 8); 0 behind the last one, and if that question
 * is not open.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_identity_authority(tls_conn_t *conn,
                                 size_t index,
                                 void *der,
                                 size_t capacity);

/**
 * Answers TLS_ASK_IDENTITY: shows the server an identity of `context`, a client context with at least one, or
 * none if it is NULL [R-206]. Of several identities it is the first that one of the named authorities issued and
 * whose key can sign in a scheme that the server accepts, or else the first whose key can. Nothing else of the
 * context counts, and it may be freed afterwards. If the key is elsewhere, TLS_ASK_SIGN follows [R-207]. An
 * answer that is not TLS_OK leaves the question open [R-208].
 * Errors: TLS_ERR_CONFIG (no identity of `context` fits what the server accepts), TLS_ERR_LIMIT (its chain does
 * not fit the outbound limit of this connection), TLS_WANT_DRAIN (it does once the queue is drained),
 * TLS_ERR_ARGUMENT (NULL for `conn`, a server context, or one without an identity), TLS_ERR_HANDLE, TLS_ERR_BUSY,
 * TLS_ERR_STATE. Since 0.1.
 */
tls_status_t tls_answer_identity(tls_conn_t *conn,
                                 const tls_context_t *context);

/**
 * Copies out the key under which the host looks for a session at an open TLS_ASK_SESSION: the 32 bytes of a session id
 * (TLS 1.2) or of what stands in the place of a ticket (TLS 1.3), as the client sent them. They are public. Copied out like a
 * fact (section 8); 0 if that question is not open. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_lookup_key(tls_conn_t *conn,
                         void *key,
                         size_t capacity);

/**
 * Whether the session that an open TLS_ASK_SESSION looks for may be used only once: 1 (TLS 1.3) or 0 (TLS 1.2). IF IT IS
 * 1, THE HOST TAKES THE SESSION OUT OF ITS STORE BEFORE IT ANSWERS, in one step in which nobody else finds it: that is
 * what keeps early data from being taken twice (RFC 8446, 8.1). Errors: TLS_ERR_STATE if that question is not open,
 * TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
int32_t tls_lookup_once(tls_conn_t *conn);

/**
 * Answers TLS_ASK_SESSION with the `len` bytes that tls_stored_data() gave for this key, or, with `len` 0, that there
 * are none. They are copied. What is not a session of this key, of the same rules about client certificates and of
 * this version of the library, and what is cut off, altered, or over (24 hours, or the end of a certificate), counts
 * as none: the handshake is a full one [R-215]. It does not fail; TLS_OK says that the answer was taken.
 * tls_handshake_kind() says what came of it. To end the handshake instead, answer by tls_answer_refuse(). Errors:
 * TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE. Since 0.1.
 */
tls_status_t tls_answer_session(tls_conn_t *conn,
                                const void *data,
                                size_t len);

/**
 * Ends the handshake at an open question, whichever it is, with a fatal alert for the peer: at TLS_ASK_CONTEXT
 * and TLS_ASK_SESSION [R-217] any but 0, 90 and 100 (such as 112, unrecognized_name), at the others those of
 * tls_answer_verify(). At TLS_ASK_IDENTITY the alert is decode_error (50) where the server's own certificate is not in
 * yet [R-209]. Drain the alert, then free the connection.
 * Errors: TLS_ERR_ARGUMENT (also for another alert), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE.
 * Since 0.1.
 */
tls_status_t tls_answer_refuse(tls_conn_t *conn,
                               uint8_t alert);

/**
 * Ends a connection whose handshake is done, for what the host finds against the peer then, with a fatal alert: any but 0, 90
 * and 100 (RFC 8446, 6), such as 42, bad_certificate, or 49, access_denied. From then on every call answers
 * TLS_ERR_CERTIFICATE, with TLS_REASON_CERTIFICATE_REFUSED. What was decrypted and not read is lost. Drain the alert,
 * then free the connection.
 *
 * Answers how many wire bytes are queued in front of the alert, which have to leave before it. The session tickets of a
 * TLS 1.3 server are not among them: what it has queued when the handshake ends is dropped, so that a peer that was refused
 * gets none [R-274]. Nor is the last flight of a TLS 1.3 client, with its certificate: the alert takes its place under
 * its keys, and the server's handshake fails with it [R-287]. Both can be done as long as the host has drained nothing
 * of them, was shown nothing (tls_drain_peek()) and has written nothing, early data included, the connection has not
 * moved (section 21), and the peer has not asked for other keys. Where the answer is not 0 they are there: who wants
 * nobody to have them drains nothing, and frees the connection. In builds for validated cryptography (docs/fips.md)
 * they always are, and the alert is decode_error (50).
 *
 * Where this side has the last word of the handshake otherwise (a client in a resumed handshake of TLS 1.2, a server
 * in a full one of TLS 1.2), and that was not drained, it is in front of the alert: the peer takes the handshake for
 * done.
 * Errors: TLS_ERR_ARGUMENT (also for another alert), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (the handshake is not done:
 * see tls_answer_refuse(); after tls_close_notify(); one half of a connection), and the fatal ones. Since 0.1.
 */
ptrdiff_t tls_refuse(tls_conn_t *conn,
                     uint8_t alert);

/**
 * ---- 10. What a ClientHello says ------------------------------------------------------------
 *
 * To choose a context, a host may want to know more of the client than the name that it asks for. While
 * TLS_ASK_CONTEXT is open (section 9) these calls give what its ClientHello offers, in the client's order
 * and in the client's own bytes, values included that this library does not know (and those that are there
 * to be ignored, RFC 8701) [R-20]. They say what the client claims to be able to do: nothing of it is
 * negotiated yet.
 *
 * All of them copy out like the facts of section 8: the answer is the full size in bytes, whatever fits is
 * copied, NULL only asks the size. 0 means that the client sent no such list, or that the question is not
 * open: the ClientHello is kept only until the answer [R-21]. Lists are given without a length of their
 * own. Numbers are IANA's, two bytes each, the more significant first. After a HelloRetryRequest the client
 * sends a second ClientHello; it is not asked about.
 *
 * tls_hello_suites() gives the cipher suites that the client offers (cipher_suites, RFC 8446, 4.1.2).
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_hello_suites(tls_conn_t *conn,
                           void *suites,
                           size_t capacity);

/**
 * The application protocols that the client offers (ALPN, RFC 7301), in the form that tls_builder_alpn()
 * takes: each a byte with its length, then its name. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE,
 * TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_hello_alpn(tls_conn_t *conn,
                         void *protocols,
                         size_t capacity);

/**
 * The key exchange groups that the client can use (supported_groups, RFC 8446, 4.2.7).
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_hello_groups(tls_conn_t *conn, void *groups, size_t capacity);

/**
 * The protocol versions that the client can use (supported_versions, RFC 8446, 4.2.1). Of a client that sends
 * no such list, the one version that it names, which is its greatest.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_hello_versions(tls_conn_t *conn,
                             void *versions,
                             size_t capacity);

/**
 * The signature schemes that the client can verify (signature_algorithms, RFC 8446, 4.2.3).
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_hello_schemes(tls_conn_t *conn, void *schemes, size_t capacity);

/**
 * The certificate authorities that the client trusts (certificate_authorities, RFC 8446, 4.2.4): each two
 * bytes with its length, then its name in DER. Few clients send them. Errors: TLS_ERR_ARGUMENT,
 * TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_hello_authorities(tls_conn_t *conn,
                                void *names,
                                size_t capacity);

/**
 * The ClientHello as the client sent it: the handshake message with its header of four bytes, put together if
 * it came in several records. It is what fingerprints such as JA3 and JA4 are computed from, and where
 * extensions are found that no call here gives.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_hello_raw(tls_conn_t *conn,
                        void *message,
                        size_t capacity);

/**
 * ---- 11. Verification -----------------------------------------------------------------------
 *
 * What the context's rules take into account besides chain, name, time and usage. All of it is data, for
 * clients (which verify servers) and servers (which verify clients) alike. Without these calls no CRL is
 * looked at, no key is pinned, and the clock of the system counts. Under TLS_VERIFY_ASK the rules speak
 * when the answer is -1; under TLS_VERIFY_DANGEROUS_NONE of all this the pins alone count.
 *
 * A trust anchor is a CA that is valid now. A certificate is taken for one (tls_builder_trust_pem() and its siblings,
 * the system's store) only if its basicConstraints say CA:TRUE, its keyUsage, if it has one, names keyCertSign, and
 * it has no critical extension that is not known here [R-145]; one of version 1 or 2, which has no
 * extensions, if it is signed by itself, as OpenSSL and Go have it. When a chain has led to an anchor, it is asked
 * once more: the time must be within its validity, the chain not longer than its pathLenConstraint, its
 * extendedKeyUsage, if it has one, for this role or any, and its nameConstraints kept [R-146]. Then another anchor of
 * that name, or another way, is looked for. A certificate that is no CA's, or is to be trusted for itself
 * alone, is given to tls_builder_trust_peer_pem().
 *
 * What issues a certificate of a chain is a CA that its keyUsage, if it has one, lets sign certificates
 * (keyCertSign), and what issues a CRL one that it lets sign CRLs (cRLSign), anchors included [R-147].
 *
 * A certificate whose extendedKeyUsage names other purposes than this role is refused, and anyExtendedKeyUsage alone
 * is another purpose, but in an anchor, which the host has chosen. The keyUsage of a peer's own certificate, if it has
 * one, must name one of digitalSignature, keyEncipherment and keyAgreement, unless the host has the certificate
 * (tls_builder_trust_peer_pem()).
 *
 * What a chain may cost before it is judged is bounded, for it comes from a peer that nobody knows: paths of at most
 * six intermediate CAs, three of one name, are tried, the likeliest first, fifty at most, with as many signatures (more
 * than a hundred by keys of usual kinds) and as many comparisons of names with constraints on names (a thousand names
 * with a hundred constraints) as some ten milliseconds allow. A chain that would take more is refused with
 * TLS_REASON_CERTIFICATE_TOO_COMPLEX [R-148]; certificates beside a right chain do no harm. The host's own CRLs are not
 * bounded.
 *
 * Weak keys and hashes are never accepted, in a chain or in a handshake: RSA keys below 2048 bits, other
 * curves than P-256, P-384, P-521 and Ed25519, SHA-1 and MD5. RSA keys that are too short are
 * TLS_REASON_CERTIFICATE_WEAK_KEY, all others TLS_REASON_CERTIFICATE_UNSUPPORTED. ML-DSA (44, 65, 87) is accepted, in TLS 1.3.
 *
 * A resumed session is not judged again, but for the time: none outlives the certificates that it stands for (section
 * 12). A certificate that was revoked since is noticed by the next full handshake. Contexts are immutable: for a new
 * CRL make a new context, whose connections begin with full handshakes.
 *
 * tls_builder_crl() adds certificate revocation lists (RFC 5280, 5): one in DER, or those of a PEM text
 * ("X509 CRL"), all of them or none. May be called several times. Of several lists of the same issuer the
 * one that was issued last counts; one that is still to be issued (its thisUpdate is in the future) counts for nothing,
 * as if it were not there, and from then on for sessions as well [R-240]. A list must be signed by the issuer of the
 * certificates that it speaks for; delta and indirect CRLs, those of version 1, and those without a time of next
 * update are not supported.
 *
 * The signature of a list is verified whenever it is asked, so that a long list takes time in each full
 * handshake.
 *
 * With at least one list, certificates are looked up as tls_builder_revocation() says. By default a chain
 * is refused if any of its certificates but the trust anchor was revoked [R-30], if its issuer has no
 * list, or if that list has expired. This is what OpenSSL does under X509_V_FLAG_CRL_CHECK and
 * X509_V_FLAG_CRL_CHECK_ALL. Errors: TLS_ERR_CONFIG (TLS_REASON_CRL_UNUSABLE or TLS_REASON_PEM_MALFORMED;
 * the message has the number of the CRL). Since 0.1.
 */
tls_status_t tls_builder_crl(tls_builder_t *builder,
                             const void *data,
                             size_t len);

/**
 * Sets what CRLs are asked for: TLS_REVOCATION_STRICT, or a sum of TLS_REVOCATION_ALLOW_UNKNOWN (a
 * certificate whose issuer has no CRL passes; one whose issuer has a CRL is looked up all the same),
 * TLS_REVOCATION_END_ENTITY_ONLY (the peer's own certificate alone is looked up: OpenSSL without
 * X509_V_FLAG_CRL_CHECK_ALL) and TLS_REVOCATION_ALLOW_EXPIRED (a CRL counts beyond its time of next
 * update).
 *
 * A context that verifies and was asked to refuse unknown status has at least one CRL: without, making it is
 * TLS_ERR_CONFIG (TLS_REASON_NO_CRL). Peers are refused with TLS_REASON_CERTIFICATE_REVOKED,
 * TLS_REASON_CERTIFICATE_STATUS_UNKNOWN or TLS_REASON_CRL_EXPIRED.
 * Errors: TLS_ERR_ARGUMENT (another bit). Since 0.1.
 */
tls_status_t tls_builder_revocation(tls_builder_t *builder,
                                    int32_t policy);

/**
 * Fixes the time at which certificates and CRLs must be valid: seconds since 1970-01-01 00:00 UTC, or
 * TLS_VERIFY_TIME_NOW (0) for the clock of the context, the default: that of the system, or what
 * tls_context_time() says. For archives and tests [R-31]. The lifetime of sessions still goes by the clock.
 * Errors: TLS_ERR_ARGUMENT (a negative number). Since 0.1.
 */
tls_status_t tls_builder_verify_time(tls_builder_t *builder,
                                     int64_t unix_seconds);

/**
 * Adds a pin: the SHA-256 digest of a subject public key info in DER (RFC 7469, 2.4), 32 bytes. To be had by
 * `openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary`. May be
 * called several times; pin a spare key as well.
 *
 * With at least one pin, one of the keys of the chain must be pinned, in addition to all other rules: the
 * key of the peer's certificate, of an intermediate CA, or of the trust anchor [R-32]. Only certificates
 * of the chain that was verified count: what else a peer sends proves nothing. So under
 * TLS_VERIFY_DANGEROUS_NONE, where no chain is verified, the key of the peer's own certificate must be
 * pinned; it is the only check then, and enough to know the peer. Otherwise the peer is refused with
 * TLS_REASON_CERTIFICATE_NOT_PINNED. Errors: TLS_ERR_CONFIG (TLS_REASON_PIN_MALFORMED: another length).
 * Since 0.1.
 */
tls_status_t tls_builder_pin_sha256(tls_builder_t *builder,
                                    const void *digest,
                                    size_t len);

/**
 * Adds the certificates of a PEM text as intermediate CAs that a chain may use although the peer did not
 * send them, all of them or none: many servers forget to. They are trusted in nothing. May be called
 * several times.
 * Errors: TLS_ERR_CONFIG (malformed PEM, no certificate in it, or one that cannot be parsed; the message has
 * its number). Since 0.1.
 */
tls_status_t tls_builder_intermediates_pem(tls_builder_t *builder,
                                           const void *pem,
                                           size_t len);

/**
 * Adds the certificates of a PEM text as those of peers themselves, all of them or none: a peer that shows one
 * of them as its own, byte for byte, needs no chain [R-35], and a self-signed one may be marked as that of a CA.
 * Its time, usage and name, and pins, are checked as ever; CRLs are not asked. They issue nothing: no
 * other certificate is accepted because of them. May be called several times. They count where
 * a trust anchor is needed.
 * Errors: TLS_ERR_CONFIG (malformed PEM, no certificate in it, or one that cannot be parsed; the message has
 * its number). Since 0.1.
 */
tls_status_t tls_builder_trust_peer_pem(tls_builder_t *builder,
                                        const void *pem,
                                        size_t len);

/**
 * Judges a chain without a connection, by the rules of `context`: those by which a handshake would accept or refuse
 * it, which TLS_VERIFY_ASK leaves to the host, with the same reasons [R-154]. `chain` are `count` certificates in DER,
 * that of the peer first, then those that it would send, in any order. Of `role` TLS_ROLE_SERVER it is the chain
 * of a server that has to prove `name`, a DNS name or an IP address in text form; with a NULL `name`, or under
 * TLS_VERIFY_ANY_NAME, it may have any name. Of TLS_ROLE_CLIENT it is that of a client, and `name` is not looked at.
 * Any context judges both. Certificates and CRLs must be valid at `unix_seconds`; TLS_VERIFY_TIME_NOW (0) is the time
 * of a handshake (tls_builder_verify_time(), tls_context_time()).
 *
 * Nothing is remembered. Whether the peer has the key of its certificate shows in a handshake alone. Under
 * TLS_VERIFY_DANGEROUS_NONE the pins alone count, and with raw public keys in the rules
 * (tls_builder_raw_trust_pem()) no certificate is right.
 *
 * Ownership: everything is only read. `error` may be NULL; otherwise the caller has set `error->size`, and its
 * `alert_sent` is the alert that a handshake would send.
 * Errors: TLS_ERR_CERTIFICATE (it is refused; `error->reason` says why), TLS_ERR_ARGUMENT (NULL, no
 * certificate, a negative time, another role, a name that is neither a DNS name nor an IP address, a server
 * context that asks no client for a certificate and whose rules lack a CRL), TLS_ERR_HANDLE. Since 0.1.
 */
tls_status_t tls_verify_chain(const tls_context_t *context,
                              const tls_iovec_t *chain,
                              size_t count,
                              const char *name,
                              int64_t unix_seconds,
                              int32_t role,
                              tls_error_t *error);

/**
 * Sets the OCSP response (RFC 6960), in DER, that a server staples to the identity that was added last,
 * for clients that ask for it (RFC 6066, 8) [R-34]; a length of 0 removes it. It has to be of status
 * successful and of the basic type; whether it is about the right certificate and still fresh is for the
 * host to see to. Clients ignore it.
 *
 * It counts towards the handshake flight, which must fit the outbound limit. Errors: TLS_ERR_CONFIG
 * (TLS_REASON_OCSP_UNUSABLE; the message has the offset), TLS_ERR_STATE (no identity was added). Since
 * 0.1.
 */
tls_status_t tls_builder_ocsp(tls_builder_t *builder,
                              const void *der,
                              size_t len);

/**
 * Like tls_client_new(), with two names: the server's certificate must be valid for `verify_name`, a DNS name
 * or an IP address, whatever is sent [R-33]. `sni` is the DNS name to send; NULL sends none. Both may be NULL where
 * tls_client_new() takes no name. Sessions are
 * resumed only between connections that verify the same name. Two different names cost a connection a copy of
 * the context's settings (not of its trust anchors, keys and lists).
 *
 * `error` may be NULL; otherwise the caller has set `error->size`.
 * Errors: as for tls_client_new(); TLS_ERR_ARGUMENT also for an `sni` that is an IP address. Since 0.1.
 */
tls_conn_t *tls_client_new_named(const tls_context_t *context,
                                 const char *sni,
                                 const char *verify_name,
                                 tls_error_t *error);

/**
 * Sets an identity that is a key alone, shown as a raw public key (RFC 7250): for peers that know it
 * already. The private key is PEM, as for tls_builder_identity_pem(). Raw public keys need TLS 1.3 as the
 * least version, and a peer that is set up for them; there is no falling back to certificates. A client with such an
 * identity shows nothing to a server that asks for nothing, or for a certificate [R-170]. Errors:
 * TLS_ERR_CONFIG (malformed or missing PEM, unsupported or encrypted key), TLS_ERR_STATE (this builder has
 * an identity; nor can one be added to this one). Since 0.1.
 */
tls_status_t tls_builder_raw_identity_pem(tls_builder_t *builder,
                                          const void *key,
                                          size_t key_len);

/**
 * Adds the public keys of a PEM text ("PUBLIC KEY"), all of them or none, as those of peers that show a
 * raw public key (RFC 7250). May be called several times. With at least one, peers must show a raw public
 * key, and it must be one of these; certificates, trust anchors and names have no part in it then, pins
 * still have. Needs TLS 1.3 as the least version: making a context is TLS_ERR_CONFIG otherwise
 * (TLS_REASON_VERSION_UNSUPPORTED). Errors: TLS_ERR_CONFIG (malformed PEM, no public key in it, or one
 * that cannot be parsed; the message has its number). Since 0.1.
 */
tls_status_t tls_builder_raw_trust_pem(tls_builder_t *builder,
                                       const void *pem,
                                       size_t len);

/**
 * The raw public key that the peer showed instead of a certificate, as a subject public key info in DER: known
 * while TLS_ASK_VERIFY is open, and once the handshake is done. 0 if there is none.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_peer_raw_key(tls_conn_t *conn,
                           void *der,
                           size_t capacity);

/**
 * The OCSP response (RFC 6960), in DER, that the server stapled to its certificate. Only while a client's
 * TLS_ASK_VERIFY is open, and 0 if there is none; contexts with TLS_VERIFY_ASK ask for one. Nobody has
 * looked at it: signature, certificate and times are the host's to check.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_ocsp_response(tls_conn_t *conn,
                            void *der,
                            size_t capacity);

/**
 * ---- 12. Resumption -------------------------------------------------------------------------
 *
 * A session is what two peers remember of a handshake, to spare the next one certificates and signatures. A
 * client keeps it; a server gives it away, encrypted, as a ticket (RFC 8446, 4.6.1; RFC 5077), and remembers
 * nothing. tls_resumed() says whether a handshake resumed one. A resumed session is not verified again: the
 * peer's certificates and the agreed facts are those of the first handshake. Early data (0-RTT) is off, see
 * tls_builder_early_data().
 *
 * No session outlives the certificates that it stands for [R-150]. What is offered later is not offered, or not taken,
 * and the handshake is a full one. Both sides look, by the clock of their context: at the certificates that the peer
 * showed, and, where the rules of the context decide about them, at trust anchors, intermediates and CRLs of
 * these names too; what has ended there makes the chain be judged once more, without its name, and the session goes
 * on if it would be accepted now. Under TLS_VERIFY_ASK and TLS_VERIFY_DANGEROUS_NONE the end of any certificate
 * that the peer showed is enough. A server also lets no session outlive its own certificates, and says so in the
 * lifetime of tickets; under shared keys this holds on whatever server the ticket is offered. With
 * tls_builder_verify_time() time changes nothing about the peer's.
 *
 * On a client, sessions are where the host wants them. Connections made by tls_client_new() share the store of
 * their context. Connections made by tls_client_new_resuming() have sessions of their own: tls_session_take()
 * hands one out, and the host hands it to the next connection. On servers, tls_context_ticket_keys() lets any
 * number of processes and machines resume each other's sessions.
 *
 * A server that answers with a HelloRetryRequest for a suite of another hash gets a second ClientHello without the session:
 * the handshake is a full one [R-165].
 *
 * A client sends its ticket back in the ClientHello. One of more than 25600 bytes, or for which a smaller outbound limit
 * leaves no room beside 8 KiB, is not kept: nothing can be resumed with it [R-169]. TLS_EVENT_TICKET tells of
 * it all the same.
 *
 * tls_builder_sessions() sets the most sessions that a context remembers; the default is 256
 * (TLS_DEFAULT_SESSIONS), 0 is none, TLS_MAX_SESSIONS the most. A client context counts in servers: it
 * keeps up to eight sessions for each of `most` / 8 servers, rounded up, and forgets the server that it
 * has known longest; one that is known with ECH and without counts twice. A connection resumes the newest of those that
 * came to connections on its thread, or the newest of another thread's if there is none. A server context counts single
 * sessions: those of TLS 1.2, for clients that take no tickets, and all if it takes early data. They last a day [R-241].
 * Errors: TLS_ERR_ARGUMENT (above TLS_MAX_SESSIONS). Since 0.1.
 */
tls_status_t tls_builder_sessions(tls_builder_t *builder,
                                  size_t most);

/**
 * Sets how many tickets a server sends after a TLS 1.3 handshake to clients that do not say how many they want,
 * and the most that it sends to clients that do (RFC 9149). The default is 2 (TLS_DEFAULT_TICKETS), the most 8
 * (TLS_MAX_TICKETS). Clients use a ticket once: those that open several connections at a time can use more than
 * one [R-99]. TLS 1.2 has one ticket, whatever is set but 0. With 0 there are no tickets at all, in either version:
 * none is sent, and none is taken. No TLS 1.3 handshake is resumed then, and of TLS 1.2 only what the context itself
 * remembers (tls_builder_sessions(), 0 for nothing) [R-186].
 * Each of more than two takes 4160 bytes of what tls_builder_limits() allows outbound.
 *
 * A ticket of a server that asks for client certificates has the client's chain in it, and so may take its share of
 * what the outbound limit leaves, up to 25600 bytes: by default chains of 25 KB with one or two tickets, of 15 KB
 * with four, of 7 KB with eight [R-168]. A longer one is not sent, and that client's handshakes stay full ones.
 * Errors: TLS_ERR_ARGUMENT (above TLS_MAX_TICKETS), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_tickets(tls_builder_t *builder,
                                 uint32_t count);

/**
 * Lets a client say how many tickets it wants (RFC 9149): `full` after a full handshake, `resumed` after a
 * resumed one, each up to 8 (TLS_MAX_TICKETS). By default it says nothing. A client that makes one connection
 * after the other wants one of each: every ticket more is a derivation, an encryption and some 200 bytes for the
 * server. It is a wish: servers may send fewer [R-100], and those that do not know of it send what they please.
 * Errors: TLS_ERR_ARGUMENT (above TLS_MAX_TICKETS), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_ticket_request(tls_builder_t *builder,
                                        uint32_t full,
                                        uint32_t resumed);

/**
 * Sets the keys for the tickets of a live server context, `count` of them at `keys`, in place of the keys it
 * had: at once for all its connections, and atomically, so that every ticket is made and read with the former
 * keys or the new ones, and no handshake fails because of it [R-44]. New tickets are encrypted by the key that
 * has the latest `encrypt_from` not in the future, and their lifetime hint is what this key has left, a week
 * at most. Every key decrypts before its `decrypt_until`, also before its `encrypt_from`, for clocks differ.
 * Without a key whose time it is no ticket is issued. `count` 0 returns to keys of the context's own. As long
 * as it has the host's keys, the context remembers no sessions itself: TLS 1.2 clients that take no tickets
 * make full handshakes.
 *
 * All contexts with the same keys resume each other's sessions, in whatever process and on whatever machine
 * [R-40], if they ask for client certificates alike: tls_builder_client_auth(), and where that is not NONE
 * also tls_builder_verify(), the trust anchors and what section 11 adds to the rules. A ticket that is
 * expired, of an unknown key, of other such rules, or altered makes a full handshake, never an error [R-41].
 * The client's certificates are in the ticket: tls_peer_certificate() has them after resumption [R-42].
 *
 * Rotate often: who learns a key can read the tickets under it, and with them what their TLS 1.2 sessions
 * carried. Hand out a new key with an `encrypt_from` so far ahead that all processes have it by then. Times
 * are compared with the clock of the context, that of the system unless tls_context_time() says otherwise.
 *
 * A ticket is sealed by AES-256-GCM under a key of its own, derived from the secret and a random salt of 256
 * bits by HKDF-SHA-256, so that the number of tickets under one secret has no bound that matters.
 *
 * Ownership: keys are copied; a copy is wiped when the keys were replaced, or the context has ended, and no
 * handshake uses it. Wipe yours. `error` may be NULL; otherwise the caller has set `error->size`.
 * Errors: TLS_ERR_ARGUMENT (NULL; a client context; a `size` that is too small, or not the same in all keys),
 * TLS_ERR_HANDLE, TLS_ERR_STATE (a context that takes early data), TLS_ERR_INTERNAL, TLS_ERR_CONFIG
 * (TLS_REASON_TICKET_KEY_UNUSABLE: a secret of a wrong length or of zeros only, an end that is not after the
 * beginning, a name that another key has; the message has the key's place in the array). After an error the
 * context has the keys that it had. Since 0.1.
 *
 * # Safety `keys` must be valid for `count` structs of `keys->size` bytes, `error` NULL or valid for
 * `error->size` bytes.
 */
tls_status_t tls_context_ticket_keys(const tls_context_t *context,
                                     const tls_ticket_key_t *keys,
                                     size_t count,
                                     tls_error_t *error);

/**
 * Puts `len` bytes of the host's into the tickets that this server connection will send, at most
 * TLS_MAX_RESUMPTION_DATA (1024): what it wants to find again when the client resumes, on whatever server that has
 * the ticket keys, such as settings of the application's protocol [R-104]. Tickets are encrypted, so nobody reads
 * or alters it on the way; but a client can use a ticket for as long as it lives. An empty buffer takes it back.
 *
 * To be called before the ClientHello is processed, best right after tls_server_new(). `data` is copied. Servers
 * that may ask for a context or for a verdict cannot have it: the engine takes it too early for that.
 * Errors: TLS_ERR_ARGUMENT (also if it is too long), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (a client, a
 * server that may ask, or too late), and the fatal ones. Since 0.1.
 */
tls_status_t tls_resumption_data_set(tls_conn_t *conn,
                                     const void *data,
                                     size_t len);

/**
 * Copies out what was in the ticket by which the client of this server connection resumed
 * (tls_resumption_data_set()): the answer is its full size in bytes, whatever fits is copied, NULL only asks the
 * size. 0 if it did not resume, or nothing was in there, and on clients.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (a sending half). Since 0.1.
 */
ptrdiff_t tls_resumption_data(tls_conn_t *conn,
                              void *data,
                              size_t capacity);

/**
 * Starts a client connection as tls_client_new() does, but with sessions of its own: it resumes `session`,
 * or none if that is NULL, and keeps the sessions that the server gives, the newest eight, until they are
 * taken by tls_session_take(). The store of the context has no part in it. If the server does not resume
 * the session, or it has expired, the handshake is a full one.
 *
 * A TLS 1.3 session is used once, so that nobody can tell by it that two connections are of the same client
 * (RFC 8446, C.4); it is used up even if this call fails with TLS_ERR_LIMIT. A TLS 1.2 session can be used
 * any number of times. The session remains the caller's, to be freed by tls_session_free().
 *
 * `error` may be NULL; otherwise the caller has set `error->size`.
 * Errors: NULL, with `error->status` as of tls_client_new(), TLS_ERR_ARGUMENT (a session that was made under
 * another context, or with another server name: it says nothing about what this one would accept [R-43]; one of a
 * connection that offered ECH for one that does not, or the other way round [R-138]),
 * TLS_ERR_STATE (a TLS 1.3 session that was used), TLS_ERR_BUSY (another thread uses this session). Since 0.1.
 */
tls_conn_t *tls_client_new_resuming(const tls_context_t *context,
                                    const char *server_name,
                                    tls_session_t *session,
                                    tls_error_t *error);

/**
 * Takes the newest session out of a connection that was made by tls_client_new_resuming(), or with
 * TLS_CLIENT_OWN_SESSIONS, while it lives,
 * also after it has failed or was closed; called again, the one before it. TLS 1.3 servers send theirs
 * after the handshake, most of them two: they are there once tls_advance() or a read has processed them.
 * The caller owns the session, until tls_session_free(); context and connection may be freed before it.
 *
 * `error` may be NULL; otherwise the caller has set `error->size`.
 * Errors: NULL, with `error->status` TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_MEMORY,
 * TLS_ERR_STATE (there is none, or the connection has no sessions of its own). Since 0.1.
 */
tls_session_t *tls_session_take(tls_conn_t *conn,
                                tls_error_t *error);

/**
 * The protocol version of a session: TLS_VERSION_1_2 or TLS_VERSION_1_3, 0 for one that was used up, and for
 * arguments that are none. Errors: 0. Since 0.1.
 */
uint16_t tls_session_version(tls_session_t *session);

/**
 * How many bytes of early data the server takes with a session (RFC 8446, 4.6.1): 0 for none. Whether a connection
 * may send them is the context's decision (tls_builder_early_data()).
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (it was used up). Since 0.1.
 */
ptrdiff_t tls_session_early_data(tls_session_t *session);

/**
 * Until when a session is good: `*unix_seconds` is set to the second from which on it is not offered any more. It is
 * what the server said, a week at most, counted by the clock of the context (tls_context_time()) [R-188]. Where it says
 * nothing, as about session ids of TLS 1.2, that is a day after the full handshake; what is to be used never (a lifetime
 * of 0 in TLS 1.3) is not kept [R-241]. A server may refuse it earlier: then the handshake is a full one.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (it was used up). Since 0.1.
 */
tls_status_t tls_session_expires(tls_session_t *session,
                                 int64_t *unix_seconds);

/**
 * Ends a session, and wipes its secrets. Connections that resumed it live on. NULL, and a handle that is no
 * session, do nothing. Errors: none. Since 0.1.
 */
void tls_session_free(tls_session_t *session);

/**
 * Turns early data on (0-RTT, RFC 8446, 2.3), off by default: a client that resumes a TLS 1.3 session may
 * send plain bytes with its first flight. A server takes up to `most` bytes of them from each connection,
 * at most 65536 (TLS_MAX_EARLY_DATA); for a client every number but 0 is the same. 0 turns it off.
 *
 * WHO CAN SEE THE BYTES CAN SEND THEM AGAIN. Early data is encrypted, but not fresh: an attacker who
 * recorded it can offer it to a server once more, and it may come twice, before or after the rest of its
 * connection. Use it for requests that change nothing and whose repetition reveals nothing, and only with
 * a protocol that says which these are (RFC 8470 for HTTP). It also lacks forward secrecy against who
 * learns the session's secret.
 *
 * So that one context takes a session, and with it early data, only once, such a server context keeps its
 * sessions itself (as many as tls_builder_sessions() says) and issues no tickets: sessions are neither resumed
 * by other contexts, nor have they keys (tls_context_ticket_keys() answers TLS_ERR_STATE). Connections that may be
 * asked for a verdict or a context (section 9) have none, on either side: servers refuse it, and the client sends it
 * again; clients with TLS_VERIFY_ASK cannot send any (tls_early_write_from() answers TLS_ERR_STATE).
 *
 * Early data is for the application protocol of the session that it comes with (RFC 8446, 4.2.10): a connection that
 * offers other protocols (ALPN) than the one that the session is from resumes it, and can send no early
 * data [R-171].
 *
 * A server that refuses early data, because it has restarted or has not met the client yet, passes over it, and the
 * handshake goes on, if its records leave some room [R-291]: with 17 bytes each beside the plain ones they may be no
 * more than `most` together (16384 where its context takes no early data), and, where the server feeds them, no more
 * than its inbound limit with all that the client sends before its Finished. With more of them its handshake fails,
 * with TLS_ERR_DECRYPT or TLS_REASON_HANDSHAKE_TOO_LARGE. So a client that sends all that a server takes has to be
 * ready to connect again.
 * Errors: TLS_ERR_ARGUMENT (above TLS_MAX_EARLY_DATA). Since 0.1.
 */
tls_status_t tls_builder_early_data(tls_builder_t *builder,
                                    uint32_t most);

/**
 * Encrypts up to `len` bytes at `plain` as early data into the outbound queue, as many as the outbound
 * limit and the server allow, and answers how many (> 0; 0 only for `len` 0). For a client, from
 * tls_client_new() until its handshake is done. Whether the server took them is known then: see
 * tls_early_status(). TLS_WANT_DRAIN if there is no room: drain first. Errors: TLS_ERR_ARGUMENT,
 * TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_LIMIT (the server takes no more), TLS_ERR_STATE (early data is not
 * on, no session is resumed or it allows none, or the time for it is over), and the fatal ones. Since 0.1.
 */
ptrdiff_t tls_early_write_from(tls_conn_t *conn,
                               const void *plain,
                               size_t len);

/**
 * Copies early data of the client to `plain`, up to `len` bytes, and answers how many (> 0; 0 for `len`
 * 0). For a server; tls_read_into() never gives early data. Without a byte to give it answers what
 * tls_advance() would: 0 (TLS_OK) once the handshake is done, after which none comes. Take it while the
 * handshake runs, or after it: until then it is kept.
 *
 * What it gives may be a repetition: see tls_builder_early_data().
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
 */
ptrdiff_t tls_early_read_into(tls_conn_t *conn,
                              void *plain,
                              size_t len);

/**
 * What became of early data: TLS_EARLY_NONE, TLS_EARLY_PENDING, TLS_EARLY_ACCEPTED or TLS_EARLY_REJECTED.
 * After a rejection the client sends the bytes again, by tls_write_from(). On a server it is
 * TLS_EARLY_ACCEPTED once some have come. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since
 * 0.1.
 */
int32_t tls_early_status(tls_conn_t *conn);

/**
 * Lets a server write before the client's Finished has come (0.5-RTT data, RFC 8446, 4.4.4): 1, or 0, the default. Once
 * its own Finished is queued, the state word has TLS_CAN_WRITE beside TLS_HANDSHAKING, and tls_write_from() and the
 * other ways out take plain bytes [R-172]: a protocol in which the server speaks first saves a round trip.
 *
 * WHOEVER SENT THE ClientHello HAS PROVED NOTHING YET: not that it is there (it may be a repetition of one that
 * was recorded, and early data with it), not who it is, and not that it saw the same handshake. It cannot read what
 * is written without the keys; but do not write what is for one client only, or what follows from its early
 * data, and count the bytes that are written for clients that never come back.
 *
 * With TLS 1.2 clients nothing can be written before the handshake is done. A context that asks for client
 * certificates, that has no TLS 1.3, or that asks for another context is not made (TLS_ERR_CONFIG,
 * TLS_REASON_HALF_RTT_IMPOSSIBLE); tls_answer_context() takes no such context, for the same reason. Clients ignore it.
 * Errors: TLS_ERR_ARGUMENT (another mode), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_half_rtt(tls_builder_t *builder,
                                  int32_t mode);

/**
 * ---- 13. Keying material and bindings -------------------------------------------------------
 *
 * Both ends of a connection can derive the same secrets from it, and nobody else can: for keys of another
 * protocol (SRTP, EAP, tokens), or to prove that a login inside the connection goes to the same server
 * as the connection itself.
 *
 * tls_export() derives `out_len` bytes of keying material (RFC 5705; RFC 8446, 7.5) into `out` and answers
 * how many: all of them. `label` is a name of the host's protocol, without a terminator, such as
 * "EXPERIMENTAL-my-protocol"; it may be empty [R-183], though RFC 8446 means every use to have one of its own.
 * `context` distinguishes uses of the same label. With `has_context` 0 there is no context and the pointer is ignored;
 * with 1 there is one, which may be empty. TLS 1.2 tells no context from an empty one, TLS 1.3 does not. Both ends get
 * the same bytes for the same label, context and length [R-50]; any number of times, until tls_free().
 *
 * The bytes are a secret: they belong to the host, who wipes them after use. The library keeps no copy.
 * Errors: TLS_ERR_ARGUMENT (NULL; a label of more than TLS_MAX_EXPORT_LABEL bytes; a context of more
 * than 65535 bytes; `has_context` neither 0 nor 1; `out_len` 0 or above TLS_MAX_EXPORT), TLS_ERR_HANDLE,
 * TLS_ERR_BUSY, TLS_ERR_STATE (the handshake is not done), and the fatal ones; `out` is left alone. Since
 * 0.1.
 */
ptrdiff_t tls_export(tls_conn_t *conn,
                     const void *label,
                     size_t label_len,
                     const void *context,
                     size_t context_len,
                     int32_t has_context,
                     void *out,
                     size_t out_len);

/**
 * The channel binding (RFC 5056) of `kind`, for SCRAM, GSS-API and the like; both ends get the same bytes
 * [R-51]. Copied out like a fact (section 8): the answer is the full size.
 *
 * TLS_BINDING_EXPORTER is "tls-exporter" (RFC 9266), 32 bytes that no other connection has. TLS 1.2 has it
 * only with the extended main secret (RFC 7627), which every current peer negotiates.
 * TLS_BINDING_SERVER_END_POINT is "tls-server-end-point" (RFC 5929): the hash of the server's certificate,
 * by the hash function of that certificate's signature (SHA-256 in place of MD5 and SHA-1).
 *
 * On a server with several identities that is the certificate of the one that it presented [R-97]; after
 * resumption, the one that it would present to this client.
 *
 * 0 means that this connection has no such binding: TLS 1.2 without extended main secret; a certificate
 * whose signature has no hash function of its own (Ed25519), for which RFC 5929 defines none; a server's raw
 * public key. Do not go on without one where it was to protect something. Errors: TLS_ERR_ARGUMENT (also for another
 * kind), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (the handshake is not done), and the fatal ones. Since 0.1.
 */
ptrdiff_t tls_channel_binding(tls_conn_t *conn,
                              int32_t kind,
                              void *out,
                              size_t capacity);

/**
 * ---- 14. Events -----------------------------------------------------------------------------
 *
 * What merely happens, and needs no answer, waits in a queue of the connection until the host takes it. Only
 * the kinds that the context asked for are recorded; without any, connections have no queue and pay nothing.
 * At most TLS_MAX_EVENTS wait: then the oldest gives way, and the next one that is taken says how many did.
 *
 * tls_builder_events() sets the kinds that contexts made from now on record: bits of
 * TLS_EVENT_HANDSHAKE_DONE, TLS_EVENT_TICKET, TLS_EVENT_ALERT_RECEIVED, TLS_EVENT_ALERT_SENT and
 * TLS_EVENT_KEY_UPDATE; 0, the default, none. A server that was made without a context records from the
 * answer to TLS_ASK_CONTEXT on. Errors: TLS_ERR_ARGUMENT (also for other bits), TLS_ERR_HANDLE,
 * TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_events(tls_builder_t *builder,
                                uint32_t mask);

/**
 * Sets whether connections record TLS_EVENT_KEY_LOG: with 1 every secret of a handshake becomes an event
 * whose text is a line of a key-log file (NSS's format, RFC 9850), for tools such as Wireshark [R-53].
 * Whoever has those lines can read the traffic: for debugging only. The library wipes its copy when an
 * event is taken, gives way, or is freed with its connection. 0, the default, records none. Errors:
 * TLS_ERR_ARGUMENT (also if `mode` is neither 0 nor 1), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_key_log(tls_builder_t *builder,
                                 int32_t mode);

/**
 * Takes the oldest event of a connection: fills in `*event` and answers 1, or answers 0 if none waits
 * (`kind` and the rest are 0 then). TLS_HAS_EVENT in the state word says that one waits, also after an end
 * or a fatal error. Events come in the order in which things happened [R-54]; each is given once.
 *
 * | kind                     | recorded                                           | number                 |
 * |--------------------------|----------------------------------------------------|------------------------|
 * | TLS_EVENT_HANDSHAKE_DONE | the handshake is done on this side                 | protocol version       |
 * | TLS_EVENT_TICKET         | a client got a ticket (TLS 1.3)                    | how many it has got    |
 * | TLS_EVENT_ALERT_RECEIVED | a fatal alert, or close_notify (0), of the peer    | the alert              |
 * | TLS_EVENT_ALERT_SENT     | a fatal alert, or close_notify (0), was queued     | the alert              |
 * | TLS_EVENT_KEY_UPDATE     | traffic keys changed by a KeyUpdate (TLS 1.3)      | TLS_KEYS_IN (the       |
 * |                          |                                                    | peer's), TLS_KEYS_OUT  |
 * | TLS_EVENT_KEY_LOG        | a secret was derived                               | 0                      |
 * | TLS_EVENT_SESSION        | a session is to be stored                          | seconds until it ends  |
 *
 * `event` belongs to the caller, who has set `event->size`; of a key-log line the caller wipes its copy.
 * Errors: TLS_ERR_ARGUMENT (NULL, or a size smaller than the tls_event_t of version 0.1; no event is taken
 * then), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
int32_t tls_next_event(tls_conn_t *conn,
                       tls_event_t *event);

/**
 * Copies out the key under which the host stores the session that TLS_EVENT_SESSION has told of: 32 bytes. Of the
 * event that was taken last, until the next call of tls_next_event(), whatever that answers, or until tls_free(): then
 * the library wipes its copy [R-214]. Copied out like a fact (section 8); 0 if the last event was another one.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_stored_key(tls_conn_t *conn,
                         void *key,
                         size_t capacity);

/**
 * Copies out the session itself, which is what tls_answer_session() takes: some hundred bytes, and the client's
 * certificates. THEY ARE SECRETS: see tls_builder_ask_session(). It can be had as long as tls_stored_key().
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_stored_data(tls_conn_t *conn,
                          void *data,
                          size_t capacity);

/**
 * ---- 15. Control ----------------------------------------------------------------------------
 *
 * tls_builder_suites() sets the cipher suites that may be negotiated, in order of preference, by their IANA
 * numbers (such as 0x1302, TLS_AES_256_GCM_SHA384); a `count` of 0 goes back to the default, which is all of
 * them. Suites of both protocol versions stand in one list. A server with a list goes by its own order, one
 * without by the client's [R-101].
 *
 * `suites` is read during the call. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG
 * (a suite that does not exist here, or stands twice; the message has its place). That none is left for a
 * configured version is found when a context is made. Since 0.1.
 */
tls_status_t tls_builder_suites(tls_builder_t *builder,
                                const uint16_t *suites,
                                size_t count);

/**
 * Sets the key exchange groups, in order of preference, by their IANA numbers (such as 0x001d, x25519); a
 * `count` of 0 goes back to the default, X25519MLKEM768 (0x11ec) first. A client sends a key share for the
 * first, or for that of tls_builder_key_share(). A server with a list goes by its own order, even where that costs a
 * HelloRetryRequest; one without by the client's [R-102].
 *
 * `groups` is read during the call.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG (a group that does not exist here, or
 * stands twice; the message has its place). Since 0.1.
 */
tls_status_t tls_builder_groups(tls_builder_t *builder,
                                const uint16_t *groups,
                                size_t count);

/**
 * Sets the signature schemes (RFC 8446, 4.2.3) by their IANA numbers (such as 0x0403, ecdsa_secp256r1_sha256), in
 * order of preference; a `count` of 0 goes back to the default, which is all that exist here. They are for both
 * directions: this side offers them to its peer, in this order, and accepts no other in the peer's proof that it has
 * its key; and its own keys, those elsewhere included, sign in the first one that the peer takes [R-184]. Signatures
 * inside certificates are another matter: those are judged as section 11 says.
 *
 * `schemes` is read during the call.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG (TLS_REASON_SCHEME_UNSUPPORTED: a scheme
 * that does not exist here, or stands twice; the message has its place). tls_context_client() and
 * tls_context_server() refuse identities whose key can sign in none of them, for the same reason. Since 0.1.
 */
tls_status_t tls_builder_signature_schemes(tls_builder_t *builder,
                                           const uint16_t *schemes,
                                           size_t count);

/**
 * Sets the group whose key share a client sends with its first ClientHello (RFC 8446, 4.2.8), by its IANA number; 0,
 * the default, is the first of its groups. A server that takes another group asks for its share by a
 * HelloRetryRequest, which costs a round trip: who offers a group that few servers have, but prefers it, sends the
 * share of one that most have [R-185]. To a server that chose a group before, the client sends a share of that one,
 * as long as the context remembers it (tls_builder_sessions()). With X25519MLKEM768 goes a share of x25519, if that
 * is offered too; there are no other pairs. Servers pay no attention.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG (a group that does not exist here). One that
 * is not among those of tls_builder_groups() is refused by tls_context_client(). Since 0.1.
 */
tls_status_t tls_builder_key_share(tls_builder_t *builder,
                                   uint16_t group);

/**
 * Sets the algorithms for the compression of certificates (RFC 8879, TLS 1.3), in order of preference:
 * TLS_COMPRESSION_ZLIB (1), TLS_COMPRESSION_BROTLI (2). Off by default, and with a `count` of 0. They are for
 * both directions: the peer is told that its chain may be compressed so, and the own chain is, by the first
 * one that the peer takes. It saves some hundred bytes of a usual chain, which can spare a round trip.
 *
 * The own chain is compressed once, at the first handshake that needs it, and kept; that takes some
 * milliseconds, and no more than 2 MiB of memory meanwhile [R-187]. A chain of the peer that would be longer than
 * 65536 bytes is refused before anything is decompressed, and never more than that is [R-79]; meanwhile Brotli can
 * take up to 16 MiB for its window, if the peer says so, zlib 64 KiB. Whether a chain came compressed cannot be told.
 *
 * A library that was built without the Cargo feature `brotli`, which saves 1.1 MB, has zlib only.
 *
 * `algorithms` is read during the call.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG (an algorithm that does not exist
 * here, or stands twice; the message has its place). Since 0.1.
 */
tls_status_t tls_builder_certificate_compression(tls_builder_t *builder,
                                                 const uint16_t *algorithms,
                                                 size_t count);

/**
 * Like tls_write_from(), from up to 64 pieces of memory, which are sealed as if they were one: many small
 * pieces become one record. Answers how many bytes were taken in all; with more pieces than 64 it takes
 * the first ones. Errors: TLS_ERR_ARGUMENT (NULL, here or in a piece, or pieces that are not aligned),
 * TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (after tls_close_notify()), and the fatal ones. Since 0.1.
 */
ptrdiff_t tls_write_vectored(tls_conn_t *conn,
                             const tls_iovec_t *pieces,
                             size_t count);

/**
 * Like tls_read_into(), into several pieces of memory, one after the other. Answers how many bytes were
 * given in all. Errors: TLS_ERR_ARGUMENT (NULL, here or in a piece, or pieces that are not aligned),
 * TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
 */
ptrdiff_t tls_read_vectored(tls_conn_t *conn,
                            const tls_iovec_t *pieces,
                            size_t count);

/**
 * Queues a KeyUpdate (RFC 8446, 4.6.3) that asks the peer for one too: both directions go on under new
 * keys, which is of use before a long idle time. While the peer has not answered the last one, no other is queued,
 * and the call answers TLS_OK as well. The library does it by itself before a key has sealed as much as it may.
 *
 * A peer's answers never count against it, however many it gives without a byte of data [R-173]; the 33rd KeyUpdate in
 * a row that nobody asked for ends the connection. There is none that asks for nothing back (update_not_requested):
 * docs/not-there.md says why. Errors: TLS_WANT_DRAIN, TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE
 * (the handshake is not done, TLS 1.2, or after tls_close_notify()), and the fatal ones. Since 0.1.
 */
tls_status_t tls_key_update(tls_conn_t *conn);

/**
 * Corks a connection: from now on, what tls_write_from() and tls_write_vectored() take is kept until it fills
 * a record, so that many small writes become one record [R-70]. A full record leaves at once, for the
 * outbound queue. Saying it twice is TLS_OK; it can be said before the handshake is done.
 *
 * What was taken is never lost, and counts against the outbound limit as the records that it will be, so
 * tls_uncork() always has room [R-71]. It is kept in a buffer of the pool, which is wiped when it returns.
 * The calls that make records of their own seal what is kept first, so that all leaves in order:
 * tls_close_notify(), tls_key_update(), tls_write_into() (which is not corked; it answers TLS_WANT_DRAIN if
 * there was something), tls_conn_record_size() and tls_conn_record_restart(). Only a fatal
 * error and tls_free() lose it. Early data is not corked.
 *
 * A connection that was once corked, or given a record size, costs some 100 bytes more until it is freed; a
 * record allocates nothing in any of these ways [R-76].
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (after tls_close_notify()), and the
 * fatal ones. Since 0.1.
 */
tls_status_t tls_cork(tls_conn_t *conn);

/**
 * Ends tls_cork(): what is kept becomes one record in the outbound queue, and writes become records at once
 * again. TLS_OK if the connection is not corked. To send what is kept and go on, cork again.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
 */
tls_status_t tls_uncork(tls_conn_t *conn);

/**
 * Sets the most plain bytes that a record carries which connections send [R-72]: from TLS_MIN_RECORD_SIZE (64)
 * to TLS_MAX_PLAIN_PER_RECORD (16384); 0, the default, is the same as the latter. Contexts that pad put a byte
 * less into a full record. A record can be used by the peer when its last byte
 * has come: smaller ones come to use earlier, and cost 21 to 29 wire bytes each. AES-GCM keys seal 2^24
 * records; TLS 1.3 then goes on under new ones, TLS 1.2 ends (TLS_REASON_KEYS_EXHAUSTED).
 *
 * It is about all records: a handshake message that is longer goes into several, the ClientHello too [R-189].
 * tls_conn_record_size() is about application data alone. Peers do not learn of it, and can not ask for it: neither
 * record_size_limit (RFC 8449) nor max_fragment_length (RFC 6066) exists here.
 * Errors: TLS_ERR_ARGUMENT (another size). Since 0.1.
 */
tls_status_t tls_builder_record_size(tls_builder_t *builder,
                                     size_t most);

/**
 * Sets dynamic record sizing: the first `bytes` plain bytes of a connection go into records of at most
 * `small` (a size as of tls_builder_record_size()), what follows into larger ones [R-73]. So the first bytes
 * are not kept waiting for the end of a large record while TCP's window is small, and bulk has full records.
 * `bytes` are at most 2^30; 0, the default, is no small records.
 *
 * A useful `small` fills a TCP segment: 1369 makes at most 1398 wire bytes in any version and suite, without
 * padding, and most paths take segments of 1400 or more. `bytes` of 16 to 64 KiB are what a fresh TCP
 * connection sends in its first round trips. The library has no clock: after a time in which nothing was
 * written, when TCP begins with a small window again (RFC 5681, 4.1; one second is a usual choice), the host
 * says tls_conn_record_restart().
 * Errors: TLS_ERR_ARGUMENT (another size, or more bytes). Since 0.1.
 */
tls_status_t tls_builder_record_ramp(tls_builder_t *builder,
                                     size_t small,
                                     size_t bytes);

/**
 * Pads the application data of TLS 1.3 (RFC 8446, 5.4), so that the length of a record tells less of what is
 * in it: plain bytes, content type and zeros together are a multiple of `block` bytes, a power of two from 2 to
 * TLS_MAX_PADDING (16384) [R-74]. 0, the default, does not pad. With 16384 all records have the same length.
 * Any peer of TLS 1.3 takes padded records; the plain bytes are the same.
 *
 * What it does not hide: how many records there are and when they leave (tls_cork() helps), and the
 * lengths of handshake messages, alerts, key updates, and early data, which are not padded: servers that
 * refuse early data count its wire bytes. TLS 1.2 has no padding at all: where lengths must be hidden, set
 * TLS 1.3 as the least version. The outbound limit must hold two padded records, or no context is made
 * (TLS_REASON_LIMIT_TOO_SMALL). Errors: TLS_ERR_ARGUMENT (another block). Since 0.1.
 */
tls_status_t tls_builder_padding(tls_builder_t *builder,
                                 size_t block);

/**
 * Sets the record size of one connection, in place of its context's, from the next record on; sizes as of
 * tls_builder_record_size().
 * Errors: TLS_ERR_ARGUMENT (also another size), TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
 */
tls_status_t tls_conn_record_size(tls_conn_t *conn,
                                  size_t most);

/**
 * Begins with small records again, as on a new connection (tls_builder_record_ramp()): to be said before the
 * first write after a time without any. Without dynamic record sizing it does nothing.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, and the fatal ones. Since 0.1.
 */
tls_status_t tls_conn_record_restart(tls_conn_t *conn);

/**
 * What tls_wire_bound() is for a connection whose records have a size, a ramp or padding: a size in bytes that
 * always suffices for the wire form of the next `plain_len` plain bytes [R-75]. It holds until the next
 * call that seals, sets a size, or ends the handshake. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE,
 * TLS_ERR_BUSY; 0 for 0. Since 0.1.
 */
ptrdiff_t tls_conn_wire_bound(tls_conn_t *conn,
                              size_t plain_len);

/**
 * ---- 16. Limits and time --------------------------------------------------------------------
 *
 * What a peer can make this side hold is bounded: by tls_builder_limits() and, for the time before anybody
 * is known, by what is here. Contexts have the limits that their builder had when they were made; a server
 * without a context has the defaults until TLS_ASK_CONTEXT is answered, one whose context asks has those of that
 * one. A handshake that exceeds one of them fails, and no other connection notices.
 *
 * tls_builder_handshake_budget() sets the most wire bytes that a peer may send until the handshake is done,
 * early data included; the default is 262144 (TLS_DEFAULT_HANDSHAKE_BUDGET), which is more than handshakes
 * with a chain of 64 KiB take. 0 goes back to the default, the least value is 4096
 * (TLS_MIN_HANDSHAKE_BUDGET), SIZE_MAX is no limit. If it is not done with that many bytes and one more was
 * fed, it fails with TLS_ERR_PEER, TLS_REASON_HANDSHAKE_BUDGET, and an alert for the peer is queued, however
 * the bytes were cut into calls [R-91]. What waits behind an open question counts once it is answered. A
 * small budget also bounds what a hostile ClientHello takes: see tls_context_worst_case().
 * Errors: TLS_ERR_CONFIG (TLS_REASON_LIMIT_TOO_SMALL). Since 0.1.
 */
tls_status_t tls_builder_handshake_budget(tls_builder_t *builder,
                                          size_t bytes);

/**
 * Sets how many questions the connections of one context may have open at a time in the middle of a step of the
 * engine: TLS_ASK_SIGN. Each of them keeps a stack, of which some 40 KB are resident, and some 8 KB more [R-120];
 * tls_context_worst_case() counts them. The default is 1024 (TLS_DEFAULT_OPEN_QUESTIONS), the most 16384
 * (TLS_MAX_OPEN_QUESTIONS, since each takes two of the mappings that a process may have); 0 goes back to the
 * default. TLS_ASK_CONTEXT and TLS_ASK_VERIFY take nothing, and are not bounded.
 *
 * A connection whose next step may open one more is held up, before it is known whether it will: a server's with a whole
 * ClientHello, though it may resume and need no signature, or be malformed; a client's with the messages that ask. Calls
 * that process answer TLS_ERR_LIMIT, the state word has TLS_HELD_UP. It is unharmed, and nothing is lost: it goes on
 * with the first call after another question of the context was answered, refused or freed [R-121]. Nobody tells it,
 * so let a host that answers a question look at the connections that are held up, or let it look again after a while.
 * Where the process has no memory or no mapping left for a stack, the same is so with TLS_ERR_MEMORY [R-122]. An
 * answer that comes at such a time is taken, and goes on as soon as it can.
 * Errors: TLS_ERR_ARGUMENT (above TLS_MAX_OPEN_QUESTIONS), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_open_questions(tls_builder_t *builder,
                                        uint32_t most);

/**
 * Sets for how long a handshake may take, in nanoseconds of the clock that the host passes to tls_time(); 0,
 * the default, is any time. The library reads no clock: without tls_time() nothing happens. Questions to the
 * host count as well.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_handshake_deadline(tls_builder_t *builder,
                                            uint64_t nanoseconds);

/**
 * Tells a connection the time: nanoseconds of a clock that never goes back, such as CLOCK_MONOTONIC, from
 * whatever beginning. The first call starts the handshake's time: make it next after tls_client_new() or
 * tls_server_new(). Then call it whenever the host wakes up for the connection, before it feeds, and when the
 * deadline is over. A connection that is told the time holds some 150 bytes more; all others nothing.
 *
 * While the handshake runs it processes what was fed. If it is not done then, and the time since the first
 * call is the context's deadline or more, the connection fails: TLS_ERR_PEER, TLS_REASON_HANDSHAKE_DEADLINE,
 * and an alert for the peer is queued [R-92]; an open question is closed. The alert is decode_error (50), the
 * one that can be sent at any time, and handshake_failure (40) at an open question, as it is for
 * TLS_REASON_HANDSHAKE_BUDGET. After the handshake the time changes nothing.
 * Errors: TLS_ERR_ARGUMENT (also if the clock went back: that time is not taken), TLS_ERR_HANDLE,
 * TLS_ERR_BUSY, and the fatal ones. Since 0.1.
 */
tls_status_t tls_time(tls_conn_t *conn,
                      uint64_t now_ns);

/**
 * Fills in how long the handshake took by the times that the host passed to tls_time() [R-94]. What happens
 * between two of them counts as happening at the first; the time between them counts as asking if a
 * question is open at the second. What is not in `asking_ns` was spent on waiting for the peer and on
 * work. All is 0 where no time was passed, or nothing has happened. The members stay when the handshake is
 * done, also after a later failure.
 *
 * `timings` belongs to the caller, who has set `timings->size`.
 * Errors: TLS_ERR_ARGUMENT (NULL, or a size smaller than its first two members), TLS_ERR_HANDLE,
 * TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_handshake_timings(tls_conn_t *conn,
                                   tls_timings_t *timings);

/**
 * Sets what time it is for a context and all its connections, from now on and for all threads at once:
 * seconds since 1970-01-01 00:00 UTC, or TLS_CONTEXT_TIME_SYSTEM (0) for the clock of the system, the
 * default. For sandboxes, devices without a clock, replays and tests [R-96]. It stands still until it is set
 * again.
 *
 * By it certificates and CRLs are judged, unless tls_builder_verify_time() has fixed a time for these;
 * sessions and tickets expire; and the keys of tls_context_ticket_keys() begin and end. The keys that a
 * server context makes for its tickets by itself rotate by the system's monotonic clock all the same.
 * Errors: TLS_ERR_ARGUMENT (NULL, a negative number), TLS_ERR_HANDLE. Since 0.1.
 */
tls_status_t tls_context_time(const tls_context_t *context,
                              int64_t unix_seconds);

/**
 * How many bytes one connection of a context holds at most, in whatever state its peer and its host bring it:
 * what malloc is asked for on its behalf and not yet given back [R-93]. A server that admits no more
 * connections than memory / worst case does not run out of it. It is derived from tls_builder_limits() (both
 * queues, while they grow, and one that was taken by tls_drain_take()), tls_builder_handshake_budget() and the inbound
 * limit (the largest handshake message: what is parsed of a hostile one takes up to 50 times its size), the peer's
 * certificate chain, early data, tls_builder_events(), this side's own flight, and the stack of a step that waits for
 * an answer, where keys are elsewhere.
 *
 * Not counted: what is the context's, even if a connection made it so (pool, sessions, tables of handles),
 * sessions that the host has taken, and the allocator's own overhead. With the default limits it is some 2.7 MB
 * for a server, of which an idle connection uses a thousandth, and 1 MB with a budget of 16384 bytes; for a
 * client 5.4 MB, because one that keeps its own sessions may have eight.
 * A server without a context has the defaults until it is given one. Errors: 0 for NULL and a handle that is no
 * context. Since 0.1.
 */
size_t tls_context_worst_case(const tls_context_t *context);

/**
 * ---- 17. Options of one connection ----------------------------------------------------------
 *
 * A context is what connections share. What one of them has of its own is in a struct, whose members are
 * zero for "as the context says", so that a struct with nothing but a name makes what tls_client_new()
 * makes. tls_client_new(), tls_client_new_named() and tls_client_new_resuming() are short forms of this call.
 *
 * tls_client_new_with() starts a client connection. Of `options`:
 *
 * `sni` is the DNS name to send, if it is another one than `server_name`, which the certificate must be
 * valid for; TLS_CLIENT_NO_SNI sends none. See tls_client_new_named(). `server_name` may be NULL where
 * tls_client_new() takes none.
 *
 * `alpn` are the protocols that this connection offers; TLS_CLIENT_NO_ALPN offers none [R-77].
 *
 * `session` is a session to resume, with TLS_CLIENT_OWN_SESSIONS or without; with that bit alone the
 * connection resumes none, and keeps those that it gets. See tls_client_new_resuming(). A session is one of
 * the same `server_name` and the same name sent.
 *
 * `groups` are `groups_count` key exchange groups, in order of preference, that this connection offers in place
 * of the context's [R-110]. A client that resumes a TLS 1.3 session can so be content with X25519 (0x001d) where
 * the session comes of X25519MLKEM768, which makes such a handshake more than a third cheaper. What it gives up:
 * the keys then come of X25519 and of the session, so that who records the connection, and has both a quantum
 * computer and the keys of the server's tickets one day, can read it. A context's ECH has no such connections:
 * give its list here as well.
 *
 * `ech` is an ECHConfigList; TLS_CLIENT_ECH_GREASE and TLS_CLIENT_NO_ECH are the other choices. See
 * tls_builder_ech().
 *
 * A name, groups, a session or ECH of its own costs a connection a copy of the context's settings (some 400 bytes, with
 * ECH some 700; not of its trust anchors, keys and lists).
 *
 * Ownership: everything is read during the call; the session remains the caller's. `error` may be NULL; otherwise
 * the caller has set `error->size`.
 * Errors: NULL, with `error->status` as of the short forms, TLS_ERR_ARGUMENT (also a size or bits that this
 * version does not know, or two wishes of which one excludes the other), TLS_ERR_CONFIG (a malformed list, the
 * message has the offset; a group that does not exist here, or stands twice; an ECHConfigList without a usable
 * configuration; ECH without TLS 1.3, see there).
 * Since 0.1.
 */
tls_conn_t *tls_client_new_with(const tls_context_t *context,
                                const tls_client_options_t *options,
                                tls_error_t *error);

/**
 * Like tls_answer_context(), with options for this connection alone: `alpn` are the protocols that it agrees
 * to, in order of preference, so that a host can choose by what tls_hello_alpn() says; TLS_SERVER_NO_ALPN
 * agrees to none [R-78]. A NULL `options` has no wishes. Other wishes of a server are contexts: any number of
 * them can share their ticket keys (tls_context_ticket_keys()). Protocols of its own cost the connection a
 * copy of the context's settings (some 300 bytes).
 *
 * `error` may be NULL; otherwise the caller has set `error->size`. After an error the question is still open.
 * Errors: as of tls_answer_context(), TLS_ERR_ARGUMENT (also a size or bits that this version does not know, or a
 * list and TLS_SERVER_NO_ALPN), TLS_ERR_CONFIG (a malformed list; the message has the offset). Since 0.1.
 */
tls_status_t tls_answer_context_with(tls_conn_t *conn,
                                     const tls_context_t *context,
                                     const tls_server_options_t *options,
                                     tls_error_t *error);

/**
 * ---- 18. Encrypted Client Hello -------------------------------------------------------------
 *
 * ECH (RFC 9849) hides which name a client asks for: the ClientHello that it means is encrypted to a key of
 * the server's operator, inside one that shows a public name, the same for all servers of that operator. What
 * is hidden are the name and the session that is resumed; protocols (ALPN), suites and groups are the same in
 * both. The key comes out of the DNS, as the parameter "ech" of the HTTPS record of the name (RFC 9848): an
 * ECHConfigList, which the host looks up over a channel that hides the name as well, and gives here as bytes.
 * This library offers ECH as a client; on servers, which ignore it, the engine does not have it.
 *
 * Sessions of connections that offer ECH are kept apart from those of connections that do not, GREASE included
 * [R-138]: an observer has seen the latter, and would know by one in the outer ClientHello whom the inner one is for.
 * No session of TLS 1.2 is offered beside ECH. A tls_session_t of either kind is TLS_ERR_ARGUMENT for a connection of
 * the other.
 *
 * The server of a list is told by tls_client_new_with(), for each connection. Then tls_sni() is the hidden
 * name. The connection offers TLS 1.3 only, whatever the context says: servers with ECH have it.
 *
 * If the server cannot decrypt the hidden ClientHello, it goes on with the outer one. The client then verifies
 * that the server is one for the public name, by the context's rules; it shows no certificate, and the
 * handshake ends with TLS_ERR_NO_COMMON and TLS_REASON_ECH_REJECTED (alert 121) [R-81]. No plain byte was
 * moved. tls_ech_retry_configs() has a newer list if the server gave one: make a new connection, over a new
 * transport, with that list, and do so once. Without one, the operator has turned ECH off, and the name
 * can be sent openly, by TLS_CLIENT_NO_ECH, if the host may. After any other error, TLS_ERR_CERTIFICATE above
 * all, an attacker may be in between: do neither.
 *
 * With TLS_VERIFY_ASK the host is asked in both cases, and tls_verify_name() says for which name. A rejection
 * ends the connection whatever is answered, but only one by who has the public name is worth a second try.
 *
 * GREASE is something that looks like ECH to who cannot decrypt it, so that servers and middleboxes get used to
 * it, and ECH itself does not stand out. The engine cannot do this beside TLS 1.2: it needs TLS 1.3 as the
 * least version (tls_builder_versions()).
 *
 * tls_builder_ech() sets an ECHConfigList for all connections of a client context, which is right only if all go
 * to servers of one operator. The list has its length in front, as it is in the DNS; a length of 0
 * removes it. The first configuration that can be used is: of version 0xfe0d, with HPKE over P-256, P-384,
 * P-521 or X25519, AES-GCM or ChaCha20-Poly1305, and without mandatory extensions.
 *
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_CONFIG (TLS_REASON_ECH_MALFORMED: the
 * message has the configuration, counted from 1, and the offset in the list). When the context is made, also
 * TLS_ERR_CONFIG (TLS_REASON_ECH_UNUSABLE: no configuration can be used; TLS_REASON_VERSION_UNSUPPORTED: no TLS 1.3).
 * Server contexts ignore it. Since 0.1.
 */
tls_status_t tls_builder_ech(tls_builder_t *builder,
                             const void *list,
                             size_t len);

/**
 * Sets whether the connections of a client context send GREASE ECH: 1 for yes, 0 for no (default). It takes the
 * place of a list, and a list takes its place. Making a context is TLS_ERR_CONFIG
 * (TLS_REASON_VERSION_UNSUPPORTED) unless TLS 1.3 is the least version. Server contexts ignore it.
 * Errors: TLS_ERR_ARGUMENT (another number), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_ech_grease(tls_builder_t *builder,
                                    int32_t mode);

/**
 * What became of ECH: TLS_ECH_NONE (also on servers), TLS_ECH_GREASE, TLS_ECH_OFFERED, TLS_ECH_ACCEPTED or
 * TLS_ECH_REJECTED [R-80]. It is settled when the handshake is done, or has failed by a rejection; with
 * TLS_VERIFY_ASK, TLS_ECH_OFFERED stays until then, but a rejection shows at TLS_ASK_VERIFY already.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
int32_t tls_ech_status(tls_conn_t *conn);

/**
 * Copies out the ECHConfigList that the server gave when it rejected ECH, for one more try in a new connection.
 * 0 if it gave none, or has not rejected it. It is as trustworthy as the server's certificate for the
 * public name: with TLS_VERIFY_DANGEROUS_NONE it is not.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_ech_retry_configs(tls_conn_t *conn,
                                void *list,
                                size_t capacity);

/**
 * The name that the server's certificate must be valid for, while a client's TLS_ASK_VERIFY is open, a DNS name
 * or an IP address: the one that the connection was made with, or the public name of an ECHConfigList if the
 * server rejected ECH [R-82]. 0 if that question is not open, and on servers.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
ptrdiff_t tls_verify_name(tls_conn_t *conn,
                          char *text,
                          size_t capacity);

/**
 * ---- 19. Two halves for two threads ---------------------------------------------------------
 *
 * A connection is used by one thread at a time. tls_split() makes two connections of it, each with a handle,
 * a check for a second thread and a tls_free() of its own: one thread receives while another one sends, and
 * neither waits for the other [R-84].
 *
 * `conn` is the receiving half from now on; the answer is the sending half. Nothing is lost [R-85]: wire bytes
 * that were fed, plain bytes that were not read and an open window stay with the receiving half, queued wire
 * bytes go to the sending half, and pointers into both stay valid. The receiving half keeps the role of
 * `conn` because all that a host may have stored under that handle (facts, sessions, events, keying material) is
 * still there; the sending half only sends. There is no way back.
 *
 * | half      | functions                                                                                  |
 * |-----------|--------------------------------------------------------------------------------------------|
 * | receiving | feeding (also by window and in place), tls_surplus(), reading, facts (sections 8, 13)      |
 * | sending   | writing, tls_key_update(), tls_close_notify(), draining                                    |
 * | both      | tls_advance(), tls_state(), tls_conn_error(), tls_counters(), tls_next_event(), tls_free() |
 *
 * A call that belongs to the other half is answered TLS_ERR_STATE (0 by those that answer numbers without a
 * sign), and changes nothing [R-86].
 *
 * The state word of a half has the bits of its direction: TLS_CAN_FEED, TLS_CAN_READ, TLS_PEER_CLOSED and
 * TLS_EOF are the receiving half's, TLS_CAN_DRAIN, TLS_CAN_WRITE and TLS_WE_CLOSED the sending half's;
 * TLS_FAILED and TLS_HAS_EVENT are of either. Queues of events and counters are each half's own: the sending half
 * takes over what was counted on the way out, so that the two add up to what the connection did.
 *
 * What the receiving half owes the peer (the answer to a KeyUpdate; an alert after a bad record) it leaves
 * with the sending half, and says so by TLS_WAKE_SENDER in its own state word. Then the host lets the thread
 * of the sending half call tls_state(), tls_advance(), or a function that writes, closes or drains (all but
 * tls_drain_consume()): that call takes over what was left, TLS_CAN_DRAIN says that it waits there, and
 * TLS_WAKE_SENDER goes out [R-87]; while the queue is almost full it stays until there is room. If the other
 * thread writes at that very moment, it has taken it over already, and the call only clears the bit. While the
 * sending half is busy anyway nothing has to be done: whatever it does next takes over what was left. Once
 * the sending half was closed or freed, nothing can be sent, and the bit stays out.
 *
 * A fatal error of the receiving half ends both: the sending half is told by its next call, which answers the
 * same status once and for all, with the alert for the peer in its queue [R-88]. What fails the sending half alone
 * (TLS_REASON_KEYS_EXHAUSTED) leaves the receiving half whole. tls_free() of one half leaves the other one whole
 * too, even if another thread is inside it.
 *
 * The caller owns the new handle, until tls_free(). `error` may be NULL; otherwise the caller has set
 * `error->size`. Errors: NULL, with `error->status` TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY,
 * TLS_ERR_STATE (the handshake is not done; `conn` is a half already; early data waits to be read), TLS_ERR_MEMORY,
 * or the fatal one; the connection is unharmed. Since 0.1.
 */
tls_conn_t *tls_split(tls_conn_t *conn,
                      tls_error_t *error);

/**
 * ---- 20. Traffic secrets for the kernel -----------------------------------------------------
 *
 * After the handshake somebody else can go on with the records: Linux's kernel (kTLS), a network card, a
 * program of the host's. docs/kernel-tls.md shows how.
 *
 * tls_builder_secret_extraction() sets whether connections of contexts made from now on give their traffic
 * secrets away: 1, or 0, the default. Whoever has them can read and forge the traffic.
 * Errors: TLS_ERR_ARGUMENT (also if `mode` is neither 0 nor 1), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_builder_secret_extraction(tls_builder_t *builder,
                                           int32_t mode);

/**
 * Takes the traffic secrets out of a connection: fills in `*receive`, for records of the peer, and `*send`, for
 * records of this side [R-89]. The connection carries no more data from then on: TLS_HANDED_OVER is set, and
 * calls that feed, drain, read, write, close or advance answer TLS_ERR_STATE. Facts, events, counters (as they
 * were), keying material and sessions can still be had, until tls_free().
 *
 * Both streams must stand between two records. So it is answered TLS_ERR_STATE, and the connection is unharmed,
 * while wire bytes are queued (drain them), plain bytes or early data wait (read them), or the beginning of a
 * record is here (feed the rest) [R-90]: what was taken from the transport cannot be put back. The message of
 * `error` says which, and how many bytes. Records that were fed whole are processed first; wire bytes that were
 * not fed yet are whoever's goes on. If the answer to a KeyUpdate of the peer is still owed, it is queued now.
 *
 * With AES-GCM in TLS 1.2 the explicit nonce in `send->iv` is one that no record of this side has used, nor have
 * those that follow when it counts up by one a record, as the kernel does. It must not be used in another way.
 *
 * `receive` and `send` belong to the caller, who has set their sizes, and who wipes the structs after use; the
 * library wipes its own copies. `error` may be NULL; otherwise the caller has set `error->size`. Errors:
 * TLS_ERR_ARGUMENT (NULL, or a size smaller than the tls_traffic_secret_t of version 0.1), TLS_ERR_HANDLE,
 * TLS_ERR_BUSY, TLS_ERR_STATE (as above; also: the context does not allow it, the handshake is not done, a
 * direction is over, this is a half of a connection, or the secrets were taken), and the fatal ones. Since 0.1.
 */
tls_status_t tls_secrets_take(tls_conn_t *conn,
                              tls_traffic_secret_t *receive,
                              tls_traffic_secret_t *send,
                              tls_error_t *error);

/**
 * Fills in the secret of one direction that follows a KeyUpdate (RFC 8446, 7.2), after tls_secrets_take(). With
 * TLS_KEYS_IN when a KeyUpdate of the peer was received: records behind it are under the new secret. With
 * TLS_KEYS_OUT when this side sends one, which the host makes and sends under the old secret: before
 * `most_records` of it are used up, or because the peer's one asked for it. Each call goes one secret on, so make
 * it once for each KeyUpdate. `sequence` is 0.
 *
 * `secret` belongs to the caller, who has set its size, and who wipes it after use.
 * Errors: TLS_ERR_ARGUMENT (also for another direction, or a size that is too small), TLS_ERR_HANDLE,
 * TLS_ERR_BUSY, TLS_ERR_STATE (the secrets were not taken, or TLS 1.2), and the fatal ones. Since 0.1.
 */
tls_status_t tls_secrets_next(tls_conn_t *conn,
                              uint32_t direction,
                              tls_traffic_secret_t *secret);

/**
 * Keeps the tickets of TLS 1.3 that came after tls_secrets_take(), so that sessions can be resumed. `message`
 * is what was in one or more records of type handshake (22): whole messages with their headers, all of type
 * new_session_ticket (4); they are read during the call. Errors: TLS_ERR_ARGUMENT (NULL, another message, or one
 * that is cut off; none is taken then), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (the secrets were not taken, a
 * server, or TLS 1.2), and the fatal ones if the peer sent a malformed ticket: the host may then send the alert
 * decode_error (50). Since 0.1.
 */
tls_status_t tls_secrets_ticket(tls_conn_t *conn,
                                const void *message,
                                size_t len);

/**
 * ---- 21. A connection moves -----------------------------------------------------------------
 *
 * An established connection can go on in another process, on the same machine or another one: a server restarts, or
 * hands connections over, and no peer notices. docs/moving.md says how hosts do it, and examples/hot_restart does it.
 *
 * tls_conn_export() writes all that the connection is as one blob, and ends it here [R-250]: version, suite and
 * secrets, with what KeyUpdates go on from; facts, the peer's chain and keying material; plain bytes that were not
 * read, wire bytes that were not processed, also half of a record, and wire bytes that were not drained; what was
 * closed; counters; what the connection was told about corks and sizes of records. The blob is sealed under a key
 * (AES-256-GCM, a random nonce). WHO HAS BLOB AND KEY HAS THE CONNECTION: can read and forge its traffic, past records
 * excepted in TLS 1.3 where a KeyUpdate lies between, and derive its keying material.
 *
 * `key` is TLS_MOVE_KEY_LENGTH (32) random bytes, the host's secret; one key seals up to 2^32 connections.
 * The blob is copied out to `blob`: the answer is its full size, as with facts (section 8). But a blob is written
 * whole or not at all: with NULL, or a `capacity` below the answer, nothing is written and nothing changes, the connection
 * lives on, and the next call may need another size if it was used meanwhile [R-251]. Only a call whose `capacity` is at
 * least its answer has ended it. From then on the handle is good for tls_free() only; everything else answers TLS_ERR_STATE,
 * or 0 where numbers have no sign [R-252]. What tls_drain_peek() showed is gone: consume what was sent before. What
 * tls_drain_take() took is the host's to send, in front of what moved.
 *
 * It is answered TLS_ERR_STATE, and the connection is unharmed, where something cannot move [R-253]: before the handshake
 * is done (which includes open questions); halves (section 19); where the secrets were taken (section 20); while early data,
 * events or an open window wait (read, take, commit first); where this side was closed before the handshake was done;
 * where bytes that tls_read_in_place() left were given again in part (give all of them), or are more than 16 MiB (read
 * on); in builds for validated cryptography (docs/fips.md). The message of `error` says which. What stays behind:
 * sessions, so that tickets which come to a client afterwards are dropped (take those that it has before, section 12);
 * bytes that tls_read_in_place() has left with the host, who moves them and gives them again to the same call; the
 * pool, limits and events, which are the new context's.
 *
 * `error` may be NULL; otherwise the caller has set `error->size`. Errors, all negative: TLS_ERR_ARGUMENT (NULL for
 * `conn` or `key`), TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (as above), TLS_ERR_LIMIT (more than 4 GiB),
 * TLS_ERR_INTERNAL, and the fatal ones of a connection that failed. Since 0.1.
 */
ptrdiff_t tls_conn_export(tls_conn_t *conn,
                          const void *key,
                          void *blob,
                          size_t capacity,
                          tls_error_t *error);

/**
 * Makes a connection of a blob that tls_conn_export() wrote: in another process, by another build of this version or a later
 * one, or here. It goes on where it stood [R-254], with pool, limits, events and padding of `context`, which is of the
 * same role; what the handshake was judged by is not judged again. A server's context needs no identity of its own. The
 * bytes at `blob` are read during the call; the caller wipes them.
 *
 * A BLOB MUST BE IMPORTED ONCE. Two connections of one blob would seal different records with the same nonce, which
 * gives the plain bytes and the key away; so do an import and an exporting process that was brought back from a
 * snapshot. The library of one process does not know of the others: keeping count is the host's. tls_move_id() and
 * tls_move_count() are for that: an import sends nothing by itself, so the host looks them up in what all importers
 * share, notes them, and frees the connection if they were there. Where blobs go through a pipe or a socket to one
 * process, and are wiped where they were, nothing has to be noted.
 *
 * The caller owns the connection, until tls_free(); the context may be freed before it. `error` may be NULL;
 * otherwise the caller has set `error->size`. Errors: NULL, with `error->status` TLS_ERR_ARGUMENT (NULL; a context of the
 * other role), TLS_ERR_HANDLE, TLS_ERR_LIMIT (more bytes wait in it than the limits of `context`
 * allow, or so many to be sent that fewer than 64 bytes are left for answers to the peer), TLS_ERR_MEMORY,
 * TLS_ERR_STATE (builds for validated cryptography), TLS_ERR_INTERNAL, or TLS_ERR_CONFIG, with a reason [R-255]:
 * TLS_REASON_BLOB_FOREIGN (it is none), TLS_REASON_BLOB_CUT_OFF, TLS_REASON_BLOB_NEWER (a later version wrote it),
 * TLS_REASON_BLOB_OTHER_KEY, TLS_REASON_BLOB_ALTERED, TLS_REASON_BLOB_UNKNOWN (whoever has the key wrote what this
 * build does not know). A blob that is refused can be imported elsewhere. Since 0.1.
 */
tls_conn_t *tls_conn_import(const tls_context_t *context,
                            const void *blob,
                            size_t len,
                            const void *key,
                            tls_error_t *error);

/**
 * Copies out what tells a connection from all others: TLS_MOVE_ID_LENGTH (16) random bytes, which it gets when it
 * first moves, and which stay the same over all further moves [R-256]. They are no secret. Copied out like a fact
 * (section 8); 0 for a connection that has not moved. Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY,
 * TLS_ERR_STATE (the sending half). Since 0.1.
 */
ptrdiff_t tls_move_id(tls_conn_t *conn,
                      void *id,
                      size_t capacity);

/**
 * How often a connection has moved: 0 for one that was made here, and one more with each tls_conn_export(). Who has seen an
 * id (tls_move_id()) with this number or a higher one has seen this blob, or a later one of the same connection: it must not
 * live again. Errors: 0 for NULL, a bad handle, the sending half, or another thread inside. Since 0.1.
 */
uint32_t tls_move_count(tls_conn_t *conn);

/**
 * ---- 22. Completion-based hosts --------------------------------------------------------------
 *
 * Where a kernel or a loop works on memory after the call that named it (io_uring, IOCP, MSG_ZEROCOPY, uv_write()), that
 * memory must outlive every other call. A window (section 7) or a peek does so for a while; a tls_buffer_t is the host's
 * own until it gives it back, whatever becomes of the connection.
 *
 * Out: tls_drain_take() takes the queued wire bytes off the queue, with the buffer that they are in: nothing is copied,
 * whatever their number. They count as drained, so the next ones can be written, taken and submitted while the first are
 * under way: several buffers may be, and they are sent in the order in which they were taken. When the kernel is done with
 * one, tls_buffer_free() gives it back.
 *
 *     wire = NULL; buffer = tls_drain_take(conn, &wire, &len);    submit send(wire, len), with buffer as its tag
 *     on completion, all sent: tls_buffer_free(buffer)            on a short send: submit wire + sent, len - sent
 *
 * In: tls_buffer_new() makes memory to receive into, ahead of time if need be (a ring of provided buffers, an alloc_cb), for
 * no connection in particular. tls_feed_buffer() makes what came there the newest wire bytes of one, without a copy,
 * and the buffer the connection's. Or tls_read_in_place() decrypts there, the spans are used, and tls_buffer_free()
 * gives it back: a buffer in which the host decrypted is freed, not fed, because that wipes it whole.
 *
 *     buffer = tls_buffer_new(context, 0); tls_buffer_memory(buffer, &memory, &room);    submit recv(memory, room)
 *     on completion: tls_feed_buffer(conn, buffer, received)      then read; a buffer that was not fed is freed
 *
 * What else survives a call: a window, until the next one that feeds or frees (tls_feed_window()), and a peek, until
 * the next one that writes, closes, updates keys, consumes or frees (tls_drain_peek()). Of two halves (section 19)
 * each has its own calls: a peek of the sending half survives all of the receiving half's, and a window of the
 * receiving half all of the sending half's. The two take less than 1024 bytes more than the connection did [R-270]. So
 * one receive into a window and one send from a peek may be under way on halves without any buffer of this section.
 *
 * What it costs, in bytes: a buffer takes 8192, 20480, 86016, 344064 or 1376256, the least that holds its bytes, for as
 * long as the host has it; a taken one is as large as the queue was. Its handle takes 40 in a table that only grows, and
 * nothing else is allocated where buffers of that size return as fast as they leave [R-269]. An idle connection has none.
 * tls_context_worst_case() counts one taken buffer of each connection; each further one that is in flight adds as
 * much as tls_context_buffers() says it has. A host that stops writing to a connection when so many of its
 * buffers are in flight bounds them: nothing else does.
 *
 * Handles of buffers are checked like all others. A buffer is used by one thread at a time, whichever; a connection, a
 * context or a thread that ends takes none with it [R-264]. A child of fork() has the buffers of its parent.
 *
 * tls_drain_take() answers the buffer, and where its wire bytes are: `*wire` and `*len`. NULL, with NULL and 0 there,
 * if nothing is queued. What was queued behind bytes that a peek showed is in a buffer of its own: call until
 * TLS_CAN_DRAIN is out.
 *
 * Ownership: the host's, until tls_buffer_free(). Lifetime: the bytes stay where they are until then, after tls_free() and
 * tls_context_free() too [R-263]; the host does not write to them. What a peek showed of them stays as well.
 * Errors: NULL for a NULL argument, a bad handle, another thread inside (where other calls say TLS_ERR_BUSY), a receiving half, and
 * where all handles are in use; nothing is taken then, and TLS_CAN_DRAIN stays. Since 0.1.
 */
tls_buffer_t *tls_drain_take(tls_conn_t *conn,
                             const void **wire,
                             size_t *len);

/**
 * Makes a buffer to receive into, with room for exactly `want` bytes, of those of a context: 65536 for 0, or the inbound limit
 * if that is less. No more than the inbound limit can be wanted, since no more can be fed. The context may be freed
 * before it; it may be fed to connections of any context. Best is a little more than arrives at a time: the whole room
 * is wiped when it is freed unfed.
 * Errors: NULL for NULL, a bad handle (where other calls say TLS_ERR_HANDLE), more than the inbound limit, and where all handles
 * are in use. Since 0.1.
 */
tls_buffer_t *tls_buffer_new(const tls_context_t *context,
                             size_t want);

/**
 * Says where a buffer's memory is, and how many bytes: the room of one to receive into, the wire bytes of one that was taken,
 * which are not written to. It stays there as long as the buffer is the host's.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
 */
tls_status_t tls_buffer_memory(tls_buffer_t *buffer,
                               void **memory,
                               size_t *len);

/**
 * Feeds the first `len` bytes of a buffer's room, all of them or none, as tls_feed() would. With TLS_OK the buffer is
 * the connection's, and the handle is no longer valid, also for `len` 0. With any other answer it is the host's as
 * before, and nothing was fed [R-265]. An open window is closed.
 *
 * Nothing is copied where no wire byte waits and no plain byte is unread. Otherwise the fewer are: what waits goes in front of
 * the bytes in the new buffer, where it has room there (18432 bytes in a buffer of 65536), or they go behind what waits.
 * Errors: TLS_ERR_ARGUMENT (`len` above its room; a buffer that was taken), TLS_ERR_HANDLE (of either), TLS_ERR_BUSY,
 * TLS_ERR_STATE (as for tls_feed()), TLS_ERR_LIMIT (so many do not fit into the inbound limit: read first). Since 0.1.
 */
tls_status_t tls_feed_buffer(tls_conn_t *conn,
                             tls_buffer_t *buffer,
                             size_t len);

/**
 * Gives a buffer back: from any thread, in any order, after its connection and its context too [R-264]. Memory in
 * which plain bytes can be is wiped. It goes to the thread, or to the pool of its context within the bound of
 * tls_builder_pool(), or else to malloc. Call it when nobody works on the memory any more. NULL and handles that are
 * none do nothing. Errors: none. Since 0.1.
 */
void tls_buffer_free(tls_buffer_t *buffer);

/**
 * How many wire bytes the record that has begun needs to be whole: what a receive should ask for at least. Of a record of which
 * nothing or only a part of the header is there, it is the rest of its header, 5 bytes. 0 where a whole one waits behind
 * plain bytes that are unread, and where no byte is of use any more (no TLS_CAN_FEED) [R-266].
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (a sending half). Since 0.1.
 */
ptrdiff_t tls_feed_needed(tls_conn_t *conn);

/**
 * How many plain bytes the next write takes at most: a tls_write_from() of as many or fewer takes them all, one of
 * more takes exactly these [R-267]. 0 without TLS_CAN_WRITE.
 * Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY, TLS_ERR_STATE (a receiving half). Since 0.1.
 */
ptrdiff_t tls_writable(tls_conn_t *conn);

/**
 * Fills in how many buffers of a context the host has, and how large they are [R-268]: a number that grows with the
 * time is that of buffers that are never freed. Numbers that change on other threads meanwhile may be of before or
 * after.
 *
 * `buffers` belongs to the caller, who has set `buffers->size`.
 * Errors: TLS_ERR_ARGUMENT (NULL, or a size smaller than its first two members), TLS_ERR_HANDLE. Since 0.1.
 */
tls_status_t tls_context_buffers(const tls_context_t *context,
                                 tls_buffers_t *buffers);

/**
 * ---- 23. Constants and version --------------------------------------------------------------
 *
 * tls_constant() gives the value of any TLS_* macro of this header by its name, for languages that cannot see
 * macros: `*value` is set.
 * Errors: TLS_ERR_ARGUMENT (NULL, or no such name; `*value` is left alone). Since 0.1.
 */
tls_status_t tls_constant(const char *name,
                          int64_t *value);

/**
 * The version of the library that is loaded: major << 16 | minor << 8 | patch. Errors: none. Since 0.1.
 */
uint32_t tls_version_number(void);

/* For variables of the structs that carry their size: tls_error_t error = TLS_ERROR_INIT; */
#define TLS_ERROR_INIT { sizeof(tls_error_t), 0, 0, -1, -1, {0} }
#define TLS_COUNTERS_INIT { sizeof(tls_counters_t), 0, 0, 0, 0, 0, 0, 0 }
#define TLS_TICKET_KEY_INIT { sizeof(tls_ticket_key_t), {0}, {0}, 0, 0, 0 }
#define TLS_EVENT_INIT { sizeof(tls_event_t), 0, 0, 0, {0} }
#define TLS_TIMINGS_INIT { sizeof(tls_timings_t), 0, 0, 0 }
#define TLS_CLIENT_OPTIONS_INIT { sizeof(tls_client_options_t), NULL, NULL, NULL, 0, NULL, NULL, 0, 0, NULL, 0 }
#define TLS_SERVER_OPTIONS_INIT { sizeof(tls_server_options_t), NULL, 0, 0 }
#define TLS_TRAFFIC_SECRET_INIT { sizeof(tls_traffic_secret_t), 0, 0, 0, 0, 0, 0, {0}, {0} }
#define TLS_BUFFERS_INIT { sizeof(tls_buffers_t), 0, 0, 0 }

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TLSBIO_H */
