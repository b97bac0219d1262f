//! Header section "Verification".

use std::ffi::{c_char, c_void};

use super::boundary::{contained, knowing, publish_connection, share_context, with_builder, with_connection};
use super::errors::{report_construction, report_result};
use super::memory::{array, bytes, copy_out, named_bytes, not_there, text};
use super::types::{tls_builder_t, tls_conn_t, tls_context_t, tls_error_t, tls_iovec_t, tls_status_t};
use crate::setup::context::{ClientOptions, Sent};

/// ---- 11. Verification -----------------------------------------------------------------------
///
/// What the context's rules take into account besides chain, name, time and usage. All of it is data, for
/// clients (which verify servers) and servers (which verify clients) alike. Without these calls no CRL is
/// looked at, no key is pinned, and the clock of the system counts. Under TLS_VERIFY_ASK the rules speak
/// when the answer is -1; under TLS_VERIFY_DANGEROUS_NONE of all this the pins alone count.
///
/// A trust anchor is a CA that is valid now. A certificate is taken for one (tls_builder_trust_pem() and its siblings,
/// the system's store) only if its basicConstraints say CA:TRUE, its keyUsage, if it has one, names keyCertSign, and
/// it has no critical extension that is not known here; one of version 1 or 2, which has no
/// extensions, if it is signed by itself, as OpenSSL and Go have it. When a chain has led to an anchor, it is asked
/// once more: the time must be within its validity, the chain not longer than its pathLenConstraint, its
/// extendedKeyUsage, if it has one, for this role or any, and its nameConstraints kept. Then another anchor of
/// that name, or another way, is looked for. A certificate that is no CA's, or is to be trusted for itself
/// alone, is given to tls_builder_trust_peer_pem().
///
/// What issues a certificate of a chain is a CA that its keyUsage, if it has one, lets sign certificates
/// (keyCertSign), and what issues a CRL one that it lets sign CRLs (cRLSign), anchors included.
///
/// A certificate whose extendedKeyUsage names other purposes than this role is refused, and anyExtendedKeyUsage alone
/// is another purpose, but in an anchor, which the host has chosen. The keyUsage of a peer's own certificate, if it has
/// one, must name one of digitalSignature, keyEncipherment and keyAgreement, unless the host has the certificate
/// (tls_builder_trust_peer_pem()).
///
/// What a chain may cost before it is judged is bounded, for it comes from a peer that nobody knows: paths of at most
/// six intermediate CAs, three of one name, are tried, the likeliest first, fifty at most, with as many signatures (more
/// than a hundred by keys of usual kinds) and as many comparisons of names with constraints on names (a thousand names
/// with a hundred constraints) as some ten milliseconds allow. A chain that would take more is refused with
/// TLS_REASON_CERTIFICATE_TOO_COMPLEX; certificates beside a right chain do no harm. The host's own CRLs are not
/// bounded.
///
/// Weak keys and hashes are never accepted, in a chain or in a handshake: RSA keys below 2048 bits, other
/// curves than P-256, P-384, P-521 and Ed25519, SHA-1 and MD5. RSA keys that are too short are
/// TLS_REASON_CERTIFICATE_WEAK_KEY, all others TLS_REASON_CERTIFICATE_UNSUPPORTED. ML-DSA (44, 65, 87) is accepted, in TLS 1.3.
///
/// A resumed session is not judged again, but for the time: none outlives the certificates that it stands for (section
/// 12). A certificate that was revoked since is noticed by the next full handshake. Contexts are immutable: for a new
/// CRL make a new context, whose connections begin with full handshakes.
///
/// tls_builder_crl() adds certificate revocation lists (RFC 5280, 5): one in DER, or those of a PEM text
/// ("X509 CRL"), all of them or none. May be called several times. Of several lists of the same issuer the
/// one that was issued last counts; one that is still to be issued (its thisUpdate is in the future) counts for nothing,
/// as if it were not there, and from then on for sessions as well. A list must be signed by the issuer of the
/// certificates that it speaks for; delta and indirect CRLs, those of version 1, and those without a time of next
/// update are not supported.
///
/// The signature of a list is verified whenever it is asked, so that a long list takes time in each full
/// handshake.
///
/// With at least one list, certificates are looked up as tls_builder_revocation() says. By default a chain
/// is refused if any of its certificates but the trust anchor was revoked, if its issuer has no
/// list, or if that list has expired. This is what OpenSSL does under X509_V_FLAG_CRL_CHECK and
/// X509_V_FLAG_CRL_CHECK_ALL. Errors: TLS_ERR_CONFIG (TLS_REASON_CRL_UNUSABLE or TLS_REASON_PEM_MALFORMED;
/// the message has the number of the CRL). Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_crl(
    builder: *mut tls_builder_t,
    data: *const c_void,
    len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let data = unsafe { named_bytes(data, len, "the CRL") }?;
        builder.crl(data)
    })
}

/// Sets what CRLs are asked for: TLS_REVOCATION_STRICT, or a sum of TLS_REVOCATION_ALLOW_UNKNOWN (a
/// certificate whose issuer has no CRL passes; one whose issuer has a CRL is looked up all the same),
/// TLS_REVOCATION_END_ENTITY_ONLY (the peer's own certificate alone is looked up: OpenSSL without
/// X509_V_FLAG_CRL_CHECK_ALL) and TLS_REVOCATION_ALLOW_EXPIRED (a CRL counts beyond its time of next
/// update).
///
/// A context that verifies and was asked to refuse unknown status has at least one CRL: without, making it is
/// TLS_ERR_CONFIG (TLS_REASON_NO_CRL). Peers are refused with TLS_REASON_CERTIFICATE_REVOKED,
/// TLS_REASON_CERTIFICATE_STATUS_UNKNOWN or TLS_REASON_CRL_EXPIRED.
/// Errors: TLS_ERR_ARGUMENT (another bit). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_revocation(builder: *mut tls_builder_t, policy: i32) -> tls_status_t {
    with_builder(builder, |builder| builder.revocation(policy))
}

/// Fixes the time at which certificates and CRLs must be valid: seconds since 1970-01-01 00:00 UTC, or
/// TLS_VERIFY_TIME_NOW (0) for the clock of the context, the default: that of the system, or what
/// tls_context_time() says. For archives and tests. The lifetime of sessions still goes by the clock.
/// Errors: TLS_ERR_ARGUMENT (a negative number). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_builder_verify_time(builder: *mut tls_builder_t, unix_seconds: i64) -> tls_status_t {
    with_builder(builder, |builder| builder.verify_time(unix_seconds))
}

/// Adds a pin: the SHA-256 digest of a subject public key info in DER (RFC 7469, 2.4), 32 bytes. To be had by
/// `openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary`. May be
/// called several times; pin a spare key as well.
///
/// With at least one pin, one of the keys of the chain must be pinned, in addition to all other rules: the
/// key of the peer's certificate, of an intermediate CA, or of the trust anchor. Only certificates
/// of the chain that was verified count: what else a peer sends proves nothing. So under
/// TLS_VERIFY_DANGEROUS_NONE, where no chain is verified, the key of the peer's own certificate must be
/// pinned; it is the only check then, and enough to know the peer. Otherwise the peer is refused with
/// TLS_REASON_CERTIFICATE_NOT_PINNED. Errors: TLS_ERR_CONFIG (TLS_REASON_PIN_MALFORMED: another length).
/// Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_pin_sha256(
    builder: *mut tls_builder_t,
    digest: *const c_void,
    len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let digest = unsafe { named_bytes(digest, len, "the pin") }?;
        builder.pin_sha256(digest)
    })
}

/// Adds the certificates of a PEM text as intermediate CAs that a chain may use although the peer did not
/// send them, all of them or none: many servers forget to. They are trusted in nothing. May be called
/// several times.
/// Errors: TLS_ERR_CONFIG (malformed PEM, no certificate in it, or one that cannot be parsed; the message has
/// its number). Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_intermediates_pem(
    builder: *mut tls_builder_t,
    pem: *const c_void,
    len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let pem = unsafe { named_bytes(pem, len, "the PEM text") }?;
        builder.intermediates_pem(pem)
    })
}

/// Adds the certificates of a PEM text as those of peers themselves, all of them or none: a peer that shows one
/// of them as its own, byte for byte, needs no chain, and a self-signed one may be marked as that of a CA.
/// Its time, usage and name, and pins, are checked as ever; CRLs are not asked. They issue nothing: no
/// other certificate is accepted because of them. May be called several times. They count where
/// a trust anchor is needed.
/// Errors: TLS_ERR_CONFIG (malformed PEM, no certificate in it, or one that cannot be parsed; the message has
/// its number). Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_trust_peer_pem(
    builder: *mut tls_builder_t,
    pem: *const c_void,
    len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let pem = unsafe { named_bytes(pem, len, "the PEM text") }?;
        builder.trust_peer_pem(pem)
    })
}

/// Judges a chain without a connection, by the rules of `context`: those by which a handshake would accept or refuse
/// it, which TLS_VERIFY_ASK leaves to the host, with the same reasons. `chain` are `count` certificates in DER,
/// that of the peer first, then those that it would send, in any order. Of `role` TLS_ROLE_SERVER it is the chain
/// of a server that has to prove `name`, a DNS name or an IP address in text form; with a NULL `name`, or under
/// TLS_VERIFY_ANY_NAME, it may have any name. Of TLS_ROLE_CLIENT it is that of a client, and `name` is not looked at.
/// Any context judges both. Certificates and CRLs must be valid at `unix_seconds`; TLS_VERIFY_TIME_NOW (0) is the time
/// of a handshake (tls_builder_verify_time(), tls_context_time()).
///
/// Nothing is remembered. Whether the peer has the key of its certificate shows in a handshake alone. Under
/// TLS_VERIFY_DANGEROUS_NONE the pins alone count, and with raw public keys in the rules
/// (tls_builder_raw_trust_pem()) no certificate is right.
///
/// Ownership: everything is only read. `error` may be NULL; otherwise the caller has set `error->size`, and its
/// `alert_sent` is the alert that a handshake would send.
/// Errors: TLS_ERR_CERTIFICATE (it is refused; `error->reason` says why), TLS_ERR_ARGUMENT (NULL, no
/// certificate, a negative time, another role, a name that is neither a DNS name nor an IP address, a server
/// context that asks no client for a certificate and whose rules lack a CRL), TLS_ERR_HANDLE. Since 0.1.
///
/// # Safety
/// `chain` must be valid for `count` pieces, and each of these for its length; `name` must be NULL or NUL-terminated,
/// `error` NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_verify_chain(
    context: *const tls_context_t,
    chain: *const tls_iovec_t,
    count: usize,
    name: *const c_char,
    unix_seconds: i64,
    role: i32,
    error: *mut tls_error_t,
) -> tls_status_t {
    let result = contained(|| {
        let context = share_context(context)?;
        // SAFETY: valid as the caller promises.
        let pieces = unsafe { array(chain, count) }.map_err(|status| not_there(status, "the chain"))?;
        let mut certificates = Vec::with_capacity(pieces.len());
        for piece in pieces {
            // SAFETY: valid as the caller promises.
            let der = unsafe { bytes(piece.base, piece.len) };
            certificates.push(der.map_err(|status| not_there(status, "a certificate"))?);
        }
        // SAFETY: terminated as the caller promises; NULL is no name.
        let name = unsafe { text(name) }.ok();
        context.verify_chain(&certificates, name, unix_seconds, role)
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_result(result, error) }
}

/// Sets the OCSP response (RFC 6960), in DER, that a server staples to the identity that was added last,
/// for clients that ask for it (RFC 6066, 8); a length of 0 removes it. It has to be of status
/// successful and of the basic type; whether it is about the right certificate and still fresh is for the
/// host to see to. Clients ignore it.
///
/// It counts towards the handshake flight, which must fit the outbound limit. Errors: TLS_ERR_CONFIG
/// (TLS_REASON_OCSP_UNUSABLE; the message has the offset), TLS_ERR_STATE (no identity was added). Since
/// 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_ocsp(
    builder: *mut tls_builder_t,
    der: *const c_void,
    len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let der = unsafe { named_bytes(der, len, "the OCSP response") }?;
        builder.ocsp(der)
    })
}

/// Like tls_client_new(), with two names: the server's certificate must be valid for `verify_name`, a DNS name
/// or an IP address, whatever is sent. `sni` is the DNS name to send; NULL sends none. Both may be NULL where
/// tls_client_new() takes no name. Sessions are
/// resumed only between connections that verify the same name. Two different names cost a connection a copy of
/// the context's settings (not of its trust anchors, keys and lists).
///
/// `error` may be NULL; otherwise the caller has set `error->size`.
/// Errors: as for tls_client_new(); TLS_ERR_ARGUMENT also for an `sni` that is an IP address. Since 0.1.
///
/// # Safety
/// The names must be NULL or NUL-terminated, `error` NULL or valid for `error->size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_client_new_named(
    context: *const tls_context_t,
    sni: *const c_char,
    verify_name: *const c_char,
    error: *mut tls_error_t,
) -> *mut tls_conn_t {
    let result = contained(|| {
        let context = share_context(context)?;
        // SAFETY: terminated as the caller promises; NULL is no name.
        let verified = unsafe { text(verify_name) }.ok();
        // SAFETY: as above; NULL is no name.
        let sent = unsafe { text(sni) }.ok();
        let sent = sent.map_or(Sent::None, Sent::Other);
        publish_connection(context.connect_with(ClientOptions { sent, ..ClientOptions::new(verified) })?)
    });
    // SAFETY: valid as the caller promises.
    unsafe { report_construction(result, error) }
}

/// Sets an identity that is a key alone, shown as a raw public key (RFC 7250): for peers that know it
/// already. The private key is PEM, as for tls_builder_identity_pem(). Raw public keys need TLS 1.3 as the
/// least version, and a peer that is set up for them; there is no falling back to certificates. A client with such an
/// identity shows nothing to a server that asks for nothing, or for a certificate. Errors:
/// TLS_ERR_CONFIG (malformed or missing PEM, unsupported or encrypted key), TLS_ERR_STATE (this builder has
/// an identity; nor can one be added to this one). Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_raw_identity_pem(
    builder: *mut tls_builder_t,
    key: *const c_void,
    key_len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let key = unsafe { named_bytes(key, key_len, "the key") }?;
        builder.raw_identity_pem(key)
    })
}

/// Adds the public keys of a PEM text ("PUBLIC KEY"), all of them or none, as those of peers that show a
/// raw public key (RFC 7250). May be called several times. With at least one, peers must show a raw public
/// key, and it must be one of these; certificates, trust anchors and names have no part in it then, pins
/// still have. Needs TLS 1.3 as the least version: making a context is TLS_ERR_CONFIG otherwise
/// (TLS_REASON_VERSION_UNSUPPORTED). Errors: TLS_ERR_CONFIG (malformed PEM, no public key in it, or one
/// that cannot be parsed; the message has its number). Since 0.1.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_builder_raw_trust_pem(
    builder: *mut tls_builder_t,
    pem: *const c_void,
    len: usize,
) -> tls_status_t {
    with_builder(builder, |builder| {
        // SAFETY: valid as the caller promises.
        let pem = unsafe { named_bytes(pem, len, "the PEM text") }?;
        builder.raw_trust_pem(pem)
    })
}

/// The raw public key that the peer showed instead of a certificate, as a subject public key info in DER: known
/// while TLS_ASK_VERIFY is open, and once the handshake is done. 0 if there is none.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `der` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_peer_raw_key(conn: *mut tls_conn_t, der: *mut c_void, capacity: usize) -> isize {
    with_connection(knowing(conn), |connection| {
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(connection.peer_raw_key().unwrap_or_default(), der, capacity) }
    })
}

/// The OCSP response (RFC 6960), in DER, that the server stapled to its certificate. Only while a client's
/// TLS_ASK_VERIFY is open, and 0 if there is none; contexts with TLS_VERIFY_ASK ask for one. Nobody has
/// looked at it: signature, certificate and times are the host's to check.
/// Errors: TLS_ERR_ARGUMENT, TLS_ERR_HANDLE, TLS_ERR_BUSY. Since 0.1.
///
/// # Safety
/// `der` must be NULL or valid for writes of `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_ocsp_response(
    conn: *mut tls_conn_t,
    der: *mut c_void,
    capacity: usize,
) -> isize {
    with_connection(conn, |connection| {
        // SAFETY: valid as the caller promises.
        unsafe { copy_out(connection.ocsp_response(), der, capacity) }
    })
}
