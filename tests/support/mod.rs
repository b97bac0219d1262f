//! What the Rust tests share: the test PKI, and safe handles on the exported C functions.

#![allow(dead_code, reason = "each test uses its part of this")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use std::ffi::{CString, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::null_mut;
use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use pki_types::PrivateKeyDer;
use pki_types::pem::PemObject;
use tlsbio::ffi::*;
use tlsbio::status::*;

pub mod random;

/// A file of the test PKI, which is made on first use.
pub fn pki(name: &str) -> Vec<u8> {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        // Or the package of the fuzz target, which lies in a folder of ours.
        let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let root = folders.find(|folder| folder.join("tests/pki").is_dir()).expect("the sources are there");
        let directory = root.join("target/pki");
        let status = Command::new(root.join("tests/pki/make.sh")).arg(&directory).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "tests/pki/make.sh failed; it needs bash and openssl"
        );
        directory
    });
    let path = directory.join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A signature by a P-256 key of the test PKI.
pub fn sign(key: &str, message: &[u8]) -> Vec<u8> {
    let key = PrivateKeyDer::from_pem_slice(&pki(key)).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.secret_der()).unwrap();
    key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
}

/// An owned client or server context.
pub struct Context(*mut tls_context_t);

/// What a context is made of; names are files of the test PKI.
#[derive(Clone, Copy)]
pub struct Recipe {
    pub chain: Option<(&'static str, &'static str)>,
    /// The key stays with the host: the connection asks for signatures.
    pub external: bool,
    pub trust: Option<&'static str>,
    pub version: Option<u16>,
    pub verify: i32,
    pub client_auth: i32,
    /// A server asks for its context.
    pub ask_context: bool,
    /// How many bytes of early data a server takes, and whether a client sends some.
    pub early: u32,
    pub events: u32,
    /// How many sessions a client keeps, where it is not the default.
    pub sessions: Option<usize>,
    /// Inbound and outbound, where they are not the defaults.
    pub limits: Option<(usize, usize)>,
    /// A client is asked what it shows.
    pub ask_identity: bool,
    /// The sessions of a server are in a store of the host.
    pub ask_session: bool,
    /// A server may write before the client's Finished has come.
    pub half_rtt: bool,
    /// What the pool keeps, where it is not the default.
    pub pool: Option<usize>,
    /// The host may have the traffic secrets.
    pub secrets: bool,
    /// What a handshake may take: wire bytes, and nanoseconds; 0 for the default.
    pub handshake: (usize, u64),
    /// Certificates behind the chain, which nobody needs.
    pub more_chain: &'static [&'static str],
    /// The most plain bytes of a record; 0 for the default.
    pub record_size: usize,
    /// Groups for the key exchange, where they are not the defaults.
    pub groups: &'static [u16],
    /// How many questions may be open in the midst of a step; 0 for the default.
    pub open_questions: u32,
    /// The only cipher suite, where it is not all of them.
    pub suite: Option<u16>,
    /// Records are padded to multiples of it.
    pub padding: usize,
    /// How large the first records are, and for how many bytes.
    pub ramp: (usize, usize),
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            chain: None,
            external: false,
            trust: Some("trust/all.pem"),
            version: None,
            verify: TLS_VERIFY_PEER,
            client_auth: TLS_CLIENT_AUTH_NONE,
            ask_context: false,
            early: 0,
            events: 0,
            sessions: None,
            limits: None,
            ask_identity: false,
            ask_session: false,
            half_rtt: false,
            pool: None,
            secrets: false,
            handshake: (0, 0),
            more_chain: &[],
            record_size: 0,
            groups: &[],
            open_questions: 0,
            suite: None,
            padding: 0,
            ramp: (0, 0),
        }
    }
}

impl Context {
    pub fn client(recipe: &Recipe) -> Self {
        Self::make(recipe, tls_context_client)
    }

    pub fn server(recipe: &Recipe) -> Self {
        Self::make(recipe, tls_context_server)
    }

    fn make(
        recipe: &Recipe,
        make: unsafe extern "C" fn(*const tls_builder_t, *mut tls_error_t) -> *mut tls_context_t,
    ) -> Self {
        let builder = tls_builder_new();
        if let Some((chain, key)) = recipe.chain {
            let (mut chain, key) = (pki(chain), pki(key));
            recipe.more_chain.iter().for_each(|name| chain.extend(pki(name)));
            let (pem, length) = (chain.as_ptr().cast(), chain.len());
            let status = if recipe.external {
                unsafe { tls_builder_identity_external(builder, pem, length) }
            } else {
                unsafe { tls_builder_identity_pem(builder, pem, length, key.as_ptr().cast(), key.len()) }
            };
            assert_eq!(status, TLS_OK);
        }
        if let Some(trust) = recipe.trust {
            let trust = pki(trust);
            assert_eq!(unsafe { tls_builder_trust_pem(builder, trust.as_ptr().cast(), trust.len()) }, TLS_OK);
        }
        if let Some(version) = recipe.version {
            assert_eq!(tls_builder_versions(builder, version, version), TLS_OK);
        }
        assert_eq!(tls_builder_verify(builder, recipe.verify), TLS_OK);
        assert_eq!(tls_builder_client_auth(builder, recipe.client_auth), TLS_OK);
        assert_eq!(tls_builder_ask_context(builder, i32::from(recipe.ask_context)), TLS_OK);
        assert_eq!(tls_builder_early_data(builder, recipe.early), TLS_OK);
        assert_eq!(tls_builder_events(builder, recipe.events), TLS_OK);
        if let Some((inbound, outbound)) = recipe.limits {
            assert_eq!(tls_builder_limits(builder, inbound, outbound), TLS_OK);
        }
        assert_eq!(tls_builder_ask_identity(builder, i32::from(recipe.ask_identity)), TLS_OK);
        assert_eq!(tls_builder_ask_session(builder, i32::from(recipe.ask_session)), TLS_OK);
        assert_eq!(tls_builder_half_rtt(builder, i32::from(recipe.half_rtt)), TLS_OK);
        assert_eq!(tls_builder_secret_extraction(builder, i32::from(recipe.secrets)), TLS_OK);
        assert_eq!(tls_builder_record_size(builder, recipe.record_size), TLS_OK);
        if !recipe.groups.is_empty() {
            let (groups, count) = (recipe.groups.as_ptr(), recipe.groups.len());
            assert_eq!(unsafe { tls_builder_groups(builder, groups, count) }, TLS_OK);
        }
        assert_eq!(tls_builder_open_questions(builder, recipe.open_questions), TLS_OK);
        if let Some(suite) = recipe.suite {
            assert_eq!(unsafe { tls_builder_suites(builder, &suite, 1) }, TLS_OK);
        }
        assert_eq!(tls_builder_padding(builder, recipe.padding), TLS_OK);
        let (small, bytes) = recipe.ramp;
        assert_eq!(tls_builder_record_ramp(builder, small, bytes), TLS_OK);
        if let Some(bytes) = recipe.pool {
            assert_eq!(tls_builder_pool(builder, bytes), TLS_OK);
        }
        let (budget, deadline) = recipe.handshake;
        if budget != 0 {
            assert_eq!(tls_builder_handshake_budget(builder, budget), TLS_OK);
        }
        assert_eq!(tls_builder_handshake_deadline(builder, deadline), TLS_OK);
        if let Some(most) = recipe.sessions {
            assert_eq!(tls_builder_sessions(builder, most), TLS_OK);
        }
        let context = unsafe { make(builder, null_mut()) };
        assert!(!context.is_null());
        tls_builder_free(builder);
        Self(context)
    }

    pub fn handle(&self) -> *const tls_context_t {
        self.0
    }

    pub fn connect(&self, name: &str) -> Conn {
        let name = CString::new(name).unwrap();
        let conn = unsafe { tls_client_new(self.0, name.as_ptr(), null_mut()) };
        assert!(!conn.is_null());
        Conn(conn)
    }

    pub fn accept(&self) -> Conn {
        let conn = unsafe { tls_server_new(self.0, null_mut()) };
        assert!(!conn.is_null());
        Conn(conn)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        tls_context_free(self.0);
    }
}

/// An owned connection.
pub struct Conn(pub *mut tls_conn_t);

/// The bytes of a call, or its status.
pub type Answer = Result<usize, Status>;

fn answer(result: isize) -> Answer {
    usize::try_from(result).map_err(|_| result as Status)
}

impl Conn {
    pub fn feed(&self, wire: &[u8]) -> Answer {
        answer(unsafe { tls_feed(self.0, wire.as_ptr().cast(), wire.len()) })
    }

    pub fn feed_by_window(&self, wire: &[u8]) -> Answer {
        let (mut window, mut length) = (null_mut::<c_void>(), 0);
        let status = unsafe { tls_feed_window(self.0, wire.len(), &mut window, &mut length) };
        if status == TLS_ERR_LIMIT {
            return Ok(0);
        }
        if status != TLS_OK {
            return Err(status);
        }
        let taken = wire.len().min(length);
        unsafe { std::ptr::copy_nonoverlapping(wire.as_ptr(), window.cast(), taken) };
        match tls_feed_commit(self.0, taken) {
            TLS_OK => Ok(taken),
            status => Err(status),
        }
    }

    pub fn feed_eof(&self) {
        assert_eq!(tls_feed_eof(self.0), TLS_OK);
    }

    /// Everything that is queued.
    pub fn drain(&self) -> Vec<u8> {
        let mut wire = vec![0; usize::try_from(tls_drain_pending(self.0)).unwrap()];
        let drained = answer(unsafe { tls_drain_into(self.0, wire.as_mut_ptr().cast(), wire.len()) });
        assert_eq!(drained, Ok(wire.len()));
        wire
    }

    pub fn advance(&self) -> Status {
        tls_advance(self.0)
    }

    pub fn state(&self) -> u32 {
        tls_state(self.0)
    }

    pub fn read_into(&self, plain: &mut [u8]) -> Answer {
        answer(unsafe { tls_read_into(self.0, plain.as_mut_ptr().cast(), plain.len()) })
    }

    /// Appends all plain bytes that can be read to `plain`, and answers how that ended.
    pub fn read_all(&self, plain: &mut Vec<u8>) -> Status {
        let mut buffer = [0; 4096];
        loop {
            match self.read_into(&mut buffer) {
                Ok(length) => plain.extend_from_slice(&buffer[..length]),
                Err(status) => return status,
            }
        }
    }

    /// Decrypts in `wire`: the plain bytes, how many bytes of `wire` are done with, and how it ended.
    pub fn read_in_place(&self, wire: &mut [u8]) -> (Vec<u8>, usize, Status) {
        let (mut plain, mut used) = (Vec::new(), 0);
        loop {
            let mut spans = [tls_span_t { offset: 0, len: 0 }; 4];
            let mut consumed = 0;
            let rest = &mut wire[used..];
            let found = answer(unsafe {
                tls_read_in_place(
                    self.0,
                    rest.as_mut_ptr().cast(),
                    rest.len(),
                    spans.as_mut_ptr(),
                    spans.len(),
                    &mut consumed,
                )
            });
            let count = *found.as_ref().unwrap_or(&0);
            for span in &spans[..count] {
                plain.extend_from_slice(&rest[span.offset..span.offset + span.len]);
            }
            used += consumed;
            if let Err(status) = found {
                return (plain, used, status);
            }
        }
    }

    pub fn write(&self, plain: &[u8]) -> Answer {
        answer(unsafe { tls_write_from(self.0, plain.as_ptr().cast(), plain.len()) })
    }

    pub fn close_notify(&self) -> Status {
        tls_close_notify(self.0)
    }

    pub fn answer_verify(&self, verdict: i32) -> Status {
        tls_answer_verify(self.0, verdict)
    }

    pub fn answer_context(&self, context: &Context) -> Status {
        tls_answer_context(self.0, context.0)
    }

    /// Answers the question about a signature by an ECDSA key of the test PKI.
    pub fn answer_sign(&self, key: &str) -> Status {
        assert_eq!(tls_sign_scheme(self.0), 0x0403, "ecdsa_secp256r1_sha256");
        let length = answer(unsafe { tls_sign_message(self.0, null_mut(), 0) }).unwrap();
        let mut message = vec![0; length];
        let copied = unsafe { tls_sign_message(self.0, message.as_mut_ptr().cast(), length) };
        assert_eq!(answer(copied), Ok(length));
        let signature = sign(key, &message);
        unsafe { tls_answer_sign(self.0, signature.as_ptr().cast(), signature.len()) }
    }

    /// Takes the sending half out.
    pub fn split(&self) -> Self {
        let sending = unsafe { tls_split(self.0, null_mut()) };
        assert!(!sending.is_null());
        Self(sending)
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        tls_free(self.0);
    }
}

/// Hands over what is queued on both sides until nothing moves.
pub fn pump(client: &Conn, server: &Conn) {
    loop {
        let (from_client, from_server) = (client.drain(), server.drain());
        if from_client.is_empty() && from_server.is_empty() {
            return;
        }
        assert_eq!(server.feed(&from_client), Ok(from_client.len()));
        assert_eq!(client.feed(&from_server), Ok(from_server.len()));
        client.advance();
        server.advance();
    }
}

/// What an error says.
pub fn message(error: &tls_error_t) -> String {
    let bytes: Vec<u8> = error.message.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect();
    String::from_utf8(bytes).unwrap()
}
