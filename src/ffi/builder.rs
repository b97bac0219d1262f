//! Header section "Builders".

use std::ffi::{c_char, c_void};
use std::path::Path;

use super::boundary::{contained, end_builder, publish_builder, with_builder};
use super::memory::{named_bytes, not_there, store, text};
use super::types::{tls_builder_t, tls_status_t};
use crate::failure::Failure;
use crate::setup::builder::Builder;

/// ---- 2. Builders ----------------------------------------------------------------------------
///
/// A builder is a mutable recipe. Set it up, make one or more contexts from it, free it: a context
/// keeps nothing of its builder. Texts and files are read during the call; nothing of the host's is
/// referenced afterwards.
///
/// A call that fails leaves what is set as it was, and answers why. The builder remembers the first such failure:
/// tls_builder_error() shows it, and tls_context_client() and tls_context_server() fail with it, with the same
/// status, reason and message, whatever is set afterwards. So no pin, CRL, version or rule that could not be
/// set is missing from a context only because no one looked, and a host may check the context alone. Later calls
/// do what they are asked and answer for themselves; their failures do not replace the first one. A host that
/// tries something and can do without it says so by tls_builder_clear_error(). A call that another thread's
/// kept out of this builder (TLS_ERR_BUSY) has failed like any other. The same call done rightly
/// afterwards does not undo a failure.
///
/// PEM texts (RFC 7468), of all calls that take them, are read in one way. Lines end with LF, CR or both; blanks
/// and a byte-order mark may stand in front of a line, and a section may begin in the line in which another one
/// ends. Certificates are sections with the label CERTIFICATE or X509 CERTIFICATE; TRUSTED CERTIFICATE only without
/// the uses that OpenSSL adds to it. Text between sections is passed over, as are sections that cannot be meant: keys,
/// parameters and requests among certificates, certificates and CRLs in the text of a key. Nothing else is:
/// an unknown label is TLS_REASON_PEM_LABEL; CRLs among certificates, containers (PKCS7, CMS) and uses of a TRUSTED
/// CERTIFICATE are TLS_REASON_PEM_MISPLACED, private keys that differ, if only in their form, TLS_REASON_SEVERAL_KEYS; a
/// boundary with a slip in it, a section without an end, and text whose line ends became spaces or got lost, as in an
/// environment variable, are TLS_REASON_PEM_MALFORMED. So is what is no text between sections: bytes of DER or UTF-16,
/// base64 without boundaries, BEGIN or END and a label behind whatever took the place of the hyphens. The message has the
/// line. A line that begins with # is a comment.
///
/// All builder calls answer TLS_OK, TLS_ERR_ARGUMENT (NULL where something is needed), TLS_ERR_HANDLE,
/// TLS_ERR_BUSY (another thread is inside this builder), TLS_ERR_INTERNAL, and what is named with each.
/// After a TLS_ERR_INTERNAL of its own a builder can only be freed.
///
/// tls_builder_new() makes an empty builder: no identity, no trust anchor, TLS 1.2 and 1.3, no ALPN,
/// TLS_VERIFY_PEER, TLS_CLIENT_AUTH_NONE, default limits. The caller owns it, until
/// tls_builder_free(). NULL if there is no memory. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_new() -> *mut tls_builder_t {
    contained(|| publish_builder(Builder::default())).unwrap_or(std::ptr::null_mut())
}

/// Ends a builder. The contexts made from it live on. NULL, and a handle that is no builder, do
/// nothing. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_free(builder: *mut tls_builder_t) {
    end_builder(builder);
}

/// Adds an identity: a certificate chain and its private key, both PEM (RFC 7468), in buffers of
/// `chain_len` and `key_len` bytes that need no terminator. The key is PKCS#8, PKCS#1 or SEC1, not
/// encrypted: RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521), Ed25519 or ML-DSA (44, 65, 87; TLS 1.3). The
/// certificates may be in any order: the one that belongs to the key is found and sent first. Servers need an identity,
/// clients may have one. The library keeps its own copy of the key, and wipes it when the builder and the last context
/// that uses it have ended.
///
/// May be called several times, for several names and several kinds of keys. Each connection presents one
/// identity:
///
/// - A server presents one whose certificate is for the name that the client asks for (its DNS names, RFC
///   9525): first those that have the name itself, then those that have it with an asterisk for the first
///   label. If none is for the name, or the client asks for none, all of them are considered. Of those
///   identities it is the first, in the order in which they were added, whose key can make a signature that
///   the client can verify. Without any the handshake fails (TLS_REASON_NO_COMMON_SIGNATURE).
/// - A client presents, when it is asked for a certificate, the first whose key can make a signature that the
///   server can verify; if the server names authorities, the first of those with such an issuer in the chain,
///   if there is one. Without any it presents none.
///
/// That each key belongs to its certificate is checked when a context is made. Errors: TLS_ERR_CONFIG
/// (malformed or missing PEM, unsupported or encrypted key), TLS_ERR_STATE (the identity of this builder is
/// a raw public key). Since 0.1.
///
/// # Safety
/// The buffers must be valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_identity_pem(
    builder: *mut tls_builder_t,
    chain: *const c_void,
    chain_len: usize,
    key: *const c_void,
    key_len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let chain = unsafe { named_bytes(chain, chain_len, "the chain") }?;
        // SAFETY: as above.
        let key = unsafe { named_bytes(key, key_len, "the key") }?;
        builder.identity_pem(chain, key)
    })
}

/// Like tls_builder_identity_pem(), from the files `chain_path` and `key_path`, which may be the same.
/// Errors: also TLS_ERR_IO (a file cannot be read). The message has its name only if the path goes through a directory
/// that exists, and that is neither the root nor named by one word alone ("/etc/x.pem", "./keys/x.pem", but not "x.pem"):
/// whatever is given in the place of a path by mistake, such as a key, is not shown. Since 0.1.
///
/// # Safety
/// The paths must be NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_identity_file(
    builder: *mut tls_builder_t,
    chain_path: *const c_char,
    key_path: *const c_char,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: terminated as the caller promises.
        let chain = unsafe { path(chain_path) }?;
        // SAFETY: as above.
        let key = unsafe { path(key_path) }?;
        builder.identity_file(chain, key)
    })
}

/// Adds an identity whose private key is elsewhere, in a security module or another process: only the
/// certificate chain is given, PEM of `len` bytes, with the certificate of the key first. Handshakes stop with
/// TLS_ASK_SIGN (section 9) where a signature is needed. All else is as with a key that is here: events, key log,
/// facts and sessions. How many may be stopped at a time: tls_builder_open_questions().
/// Errors: TLS_ERR_CONFIG (malformed or missing PEM, unsupported key type), TLS_ERR_STATE (the identity of this
/// builder is a raw public key). Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_identity_external(
    builder: *mut tls_builder_t,
    chain: *const c_void,
    len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let chain = unsafe { named_bytes(chain, len, "the chain") }?;
        builder.identity_external(chain)
    })
}

/// Adds the certificates of a PEM text of `len` bytes as trust anchors, all of them or none. They are those of CAs:
/// section 11 says what is checked of one. To trust a peer by its own certificate, whoever issued it:
/// tls_builder_trust_peer_pem(). To pass over what cannot be used: tls_builder_trust_bundle(). May be called
/// several times.
/// Errors: TLS_ERR_CONFIG (malformed PEM, no certificate in it, or one that cannot be a trust anchor:
/// TLS_REASON_ANCHOR_NOT_CA, TLS_REASON_CERTIFICATE_UNUSABLE; the message has its number). Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_trust_pem(
    builder: *mut tls_builder_t,
    pem: *const c_void,
    len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let pem = unsafe { named_bytes(pem, len, "the PEM text") }?;
        builder.trust_pem(pem)
    })
}

/// Like tls_builder_trust_pem(), from the file `path`.
/// Errors: also TLS_ERR_IO (the file cannot be read; what the message says of it: tls_builder_identity_file()). Since 0.1.
///
/// # Safety
/// The path must be NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_trust_file(
    builder: *mut tls_builder_t,
    path: *const c_char,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: terminated as the caller promises.
        let path = unsafe { self::path(path) }?;
        builder.trust_file(path)
    })
}

/// Like tls_builder_trust_pem(), but certificates that cannot be trust anchors are passed over, as in
/// tls_builder_trust_system(): bundles that are kept for a long time hold some. How many they were is written to
/// `passed_over`, which may be NULL, whatever the answer is (0 where the text was not looked at): sections that
/// are no base64 or no certificate, certificates that are none of a CA, containers of certificates (PKCS7), and CRLs. A
/// section without an end still refuses the whole text, as nothing says what else it would hide.
/// Errors: TLS_ERR_CONFIG (malformed PEM, or not one certificate that can be a trust anchor; the message is about the
/// first). Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length, `passed_over` NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_trust_bundle(
    builder: *mut tls_builder_t,
    pem: *const c_void,
    len: usize,
    passed_over: *mut usize,
) -> tls_status_t {
    // SAFETY: valid as the caller promises. Who gave NULL does not want to know.
    let _ = unsafe { store(passed_over, 0) };
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let pem = unsafe { named_bytes(pem, len, "the PEM text") }?;
        let (count, result) = builder.trust_bundle(pem);
        // SAFETY: as above. Who gave NULL does not want to know.
        let _ = unsafe { store(passed_over, count) };
        result
    })
}

/// Like tls_builder_trust_bundle(), from the file `path`.
/// Errors: also TLS_ERR_IO (the file cannot be read; what the message says of it: tls_builder_identity_file()). Since 0.1.
///
/// # Safety
/// The path must be NULL or NUL-terminated, `passed_over` NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_trust_bundle_file(
    builder: *mut tls_builder_t,
    path: *const c_char,
    passed_over: *mut usize,
) -> tls_status_t {
    // SAFETY: valid as the caller promises. Who gave NULL does not want to know.
    let _ = unsafe { store(passed_over, 0) };
    with_builder(builder, |builder| {
        // SAFETY: terminated as the caller promises.
        let path = unsafe { self::path(path) }?;
        let (count, result) = builder.trust_bundle_file(path);
        // SAFETY: valid as the caller promises. Who gave NULL does not want to know.
        let _ = unsafe { store(passed_over, count) };
        result
    })
}

/// Adds the trust anchors of the operating system, which takes some milliseconds. This is the one call
/// that reads environment variables: SSL_CERT_FILE and SSL_CERT_DIR name another store, as they do for
/// OpenSSL. Certificates in the store that cannot be trust anchors are passed over.
/// Errors: TLS_ERR_IO (no usable certificate was found). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_trust_system(builder: *mut tls_builder_t) -> tls_status_t {
    with_builder(builder, Builder::trust_system)
}

/// Sets the application protocols (ALPN, RFC 7301), in order of preference: each a byte with its length,
/// then its name, as in "\x02h2\x08http/1.1" (12 bytes). A length of 0 removes the list. A client offers
/// the list; a server with a list refuses a client that offers none of it. One connection can have another
/// list: tls_client_new_with(), tls_answer_context_with().
/// Errors: TLS_ERR_CONFIG (an empty name, one that is longer than the rest, or a list longer than 4096 bytes,
/// TLS_MAX_ALPN; the message has the offset). Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_alpn(
    builder: *mut tls_builder_t,
    wire: *const c_void,
    len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let wire = unsafe { named_bytes(wire, len, "the ALPN list") }?;
        builder.alpn(wire)
    })
}

/// Sets the least and the greatest protocol version: TLS_VERSION_1_2 (0x0303) or TLS_VERSION_1_3 (0x0304).
/// Errors: TLS_ERR_CONFIG (another version, or min above max). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_versions(builder: *mut tls_builder_t, min: u16, max: u16) -> tls_status_t {
    with_builder(builder, |builder| builder.versions(min, max))
}

/// Sets whether a server asks its clients for certificates: TLS_CLIENT_AUTH_*. Clients ignore it.
/// Errors: TLS_ERR_ARGUMENT (another mode). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_client_auth(builder: *mut tls_builder_t, mode: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.client_auth(mode))
}

/// Sets whether the connections of a client context ask which identity they show to a server that asks for one
/// (TLS_ASK_IDENTITY, section 9): 1, or 0, the default. Then the identities of this context are shown only if the
/// host answers with it. The question is asked in full handshakes: a resumed session stands for the identity that
/// was shown when it was made, whatever the host would choose now. Who wants each connection to choose for
/// itself keeps no sessions (tls_builder_sessions() with 0), or carries them (tls_client_new_resuming()). Such a
/// context sends no early data, and is asked for certificates only, not for raw public keys. Open questions are
/// bounded as those for signatures are (tls_builder_open_questions()). Servers ignore it.
/// Errors: TLS_ERR_ARGUMENT (another mode). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_ask_identity(builder: *mut tls_builder_t, mode: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.ask_identity(mode))
}

/// Sets whether the sessions of a server context are in a store of the host: 1, or 0, the default. Servers of many
/// machines that have such a store in common, and no keys of tickets (tls_context_ticket_keys()), resume each other's
/// sessions. The context then issues no tickets and remembers nothing itself, whatever tls_builder_sessions() says;
/// tls_context_ticket_keys() answers TLS_ERR_STATE. Its connections
/// - record TLS_EVENT_SESSION for each session that is to be stored: one in TLS 1.2, and as many as
///   tls_builder_tickets() says in TLS 1.3; tls_stored_key() and tls_stored_data() copy it out (section 14). A handshake stores 64
///   KiB at most: of clients with long chains there may be fewer, and the client is not told of the others;
/// - ask TLS_ASK_SESSION (section 9) when a client offers a session, before anything was said to it: at most four times,
///   whatever the client offers. TLS 1.3 clients that meet a TLS 1.2 server offer a random id: of most keys there is
///   nothing in the store.
///
/// THE STORE HOLDS SECRETS. Who can read it can decrypt what is recorded of resumed TLS 1.2 connections, and act as the
/// server, or as the client, of a session; who can write to it can let anybody in as any client, certificates included.
/// Protect it as a private key: encrypted and authenticated on its way and at rest, and never kept longer than the
/// event's number says. A hash in the bytes tells what was damaged or filed under a wrong key; it does not tell who
/// wrote it.
///
/// A session is good in each context with this setting, the same rules about client certificates, and a library of the
/// same version; it ends after 24 hours, and with the certificates that it stands for. Contexts for different
/// services need different stores, as they would need different ticket keys. Early data (tls_builder_early_data()) is as
/// safe from repetition as the store takes sessions out once. Open questions are bounded (tls_builder_open_questions()).
/// Clients ignore it. Errors: TLS_ERR_ARGUMENT (another mode), TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_ask_session(builder: *mut tls_builder_t, mode: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.ask_session(mode))
}

/// Sets whether the connections of a server context ask which context is to go on with them, when the
/// ClientHello is in (TLS_ASK_CONTEXT, section 9): 1, or 0, the default. Until the answer they have the limits,
/// the pool, the deadline and the events of this one, which a server that is made with a NULL context has
/// not. Such a context needs no identity; without one it cannot be the answer. Clients ignore it.
/// Errors: TLS_ERR_ARGUMENT (another mode). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_ask_context(builder: *mut tls_builder_t, mode: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.ask_context(mode))
}

/// Sets what a server does with a client that asks for a server name (SNI) which is none: 0, the default, takes it
/// for a client that names nobody, 1 ends the handshake with an alert. No name are IP addresses, `[localhost]`,
/// `localhost:443`, text that is not ASCII or too long, an empty name, two names, and names that are not of a
/// host. tls_sni() is empty then, and tls_hello_raw() has what was sent. A name with a dot at its end is a
/// name, as it stands. Clients ignore it.
/// Errors: TLS_ERR_ARGUMENT (another mode). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_strict_sni(builder: *mut tls_builder_t, mode: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.strict_sni(mode))
}

/// Sets who decides about the peer's certificate: TLS_VERIFY_*. With TLS_VERIFY_DANGEROUS_NONE the
/// connection is protected against nobody who can reach it. There, and where TLS_ASK_VERIFY is answered 0, any
/// certificate is accepted whose key can be read: of version 1, with critical extensions that nobody knows, expired; the
/// peer's proof that it has that key is all that can still fail. On a server this is about client certificates. With
/// TLS_VERIFY_ANY_NAME a client accepts whoever has a certificate under its trust anchors: choose it where
/// these stand for few servers, all of which may answer.
///
/// A resumed session is not verified again (RFC 8446, 2.2): it continues one that was accepted under the
/// same context, as long as its certificates last (section 12).
/// Errors: TLS_ERR_ARGUMENT (another mode). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_verify(builder: *mut tls_builder_t, mode: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.verify(mode))
}

/// Sets the most wire bytes that a connection holds: `inbound` fed and not processed or not read, and
/// `outbound` queued and not drained. They are never exceeded. 0 keeps the default of 69632 bytes
/// (TLS_DEFAULT_LIMIT), which holds a 64 KiB message in records. The least values are 20480 bytes each; a
/// handshake flight (certificate chain, names of the trust anchors) must fit the outbound one.
/// Errors: TLS_ERR_CONFIG (too small, or larger than memory can be). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_limits(
    builder: *mut tls_builder_t,
    inbound: usize,
    outbound: usize,
) -> tls_status_t {
    with_builder(builder, |builder| builder.limits(inbound, outbound))
}

/// Sets how many bytes of unused buffers a context keeps for its connections, until it is freed and the last of
/// them is; the default is 4 MiB (TLS_DEFAULT_POOL). 0 keeps none: every burst of bytes then allocates a buffer and
/// frees it.
///
/// TO FIND MEMORY THAT IS USED TOO LATE, set it to 0 and run the program under AddressSanitizer or valgrind. A buffer that a
/// window or a peek showed, or that tls_buffer_free() gave back, goes to malloc as soon as it is returned, and these
/// poison what is freed and keep it in quarantine: a recv() or a copy into a window that is closed, and a look at bytes
/// that were consumed, are then reported at the place where they happen. With any other value the buffer may be
/// another connection's by then, and no tool sees it. What a kernel writes after the call that asked for it (io_uring)
/// is seen by neither tool.
///
/// Beside these, a thread keeps the last buffer of each direction and size (8, 20 and 84 KiB) that was returned on it, until
/// the thread ends; all threads of the process keep 8 MiB at most. No such buffer holds a plain byte, and
/// connections of any context use them. They are all that is left when contexts and connections are freed.
/// A context for which fewer than 172032 bytes (2 times 84 KiB) are set neither leaves anything with threads nor uses
/// what others left: its threads share the one store of the context, under a lock.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_pool(builder: *mut tls_builder_t, bytes: usize) -> tls_status_t {
    with_builder(builder, |builder| {
        builder.pool(bytes);
        Ok(())
    })
}

/// # Safety
/// `path` must be NULL or NUL-terminated, and stay unchanged for `'a`.
unsafe fn path<'a>(path: *const c_char) -> Result<&'a Path, Failure> {
    // SAFETY: terminated as the caller promises.
    let path = unsafe { text(path) }.map_err(|status| not_there(status, "the path"))?;
    path_of(path)
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Result<&Path, Failure> {
    use std::os::unix::ffi::OsStrExt;
    Ok(Path::new(std::ffi::OsStr::from_bytes(bytes)))
}

/// Elsewhere paths are text.
#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Result<&Path, Failure> {
    let path = std::str::from_utf8(bytes).map_err(|_| Failure::argument("the path is not UTF-8"))?;
    Ok(Path::new(path))
}
