//! rustls, by its own interface.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_uchar, c_void};
use std::mem;
use std::process::ExitCode;
use std::ptr;
use std::slice;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, Identity};
use rustls::server::{NoServerSessionStorage, Tls13Tickets};
use rustls::{
    ClientConfig, ClientSide, Connection, ConnectionOutputs, HandshakeKind, RootCertStore, ServerConfig,
    ServerSide, SideData, SliceInput, Tcp, TlsInputBuffer, VecInput,
};
use rustls_aws_lc_rs::{ALL_KX_GROUPS, DEFAULT_PROVIDER};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use driver::{CLIENT, Driver, Facts, Setting, Sink, WIRE_ROOM, Way, fail};

#[path = "../../driver.rs"]
mod driver;
#[path = "../../entry.rs"]
mod entry;

fn main() -> ExitCode {
    entry::run()
}

struct Contexts {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

static CONTEXTS: RwLock<Option<Contexts>> = RwLock::new(None);

fn succeed<T, E: std::fmt::Display>(result: Result<T, E>, what: &str) -> T {
    result.unwrap_or_else(|error| fail(what, error))
}

/// One suite, and so one version, and one group.
fn provider(setting: &Setting) -> Option<Arc<CryptoProvider>> {
    let mut provider = DEFAULT_PROVIDER;
    provider.tls13_cipher_suites.to_mut().retain(|suite| suite.common.suite.0 == setting.suite);
    provider.tls12_cipher_suites.to_mut().retain(|suite| suite.common.suite.0 == setting.suite);
    let groups: Vec<_> =
        ALL_KX_GROUPS.iter().copied().filter(|group| group.name().0 == setting.group).collect();
    let complete =
        !groups.is_empty() && provider.tls13_cipher_suites.len() + provider.tls12_cipher_suites.len() == 1;
    provider.kx_groups = Cow::Owned(groups);
    complete.then(|| Arc::new(provider))
}

fn certificates(path: &str) -> Vec<CertificateDer<'static>> {
    let found = succeed(CertificateDer::pem_file_iter(path), path);
    found.map(|certificate| succeed(certificate, path)).collect()
}

fn client_config(setting: &Setting, provider: Arc<CryptoProvider>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for root in certificates(setting.roots()) {
        succeed(roots.add(root), "roots");
    }
    let builder = ClientConfig::builder(provider).with_root_certificates(roots);
    let mut config = succeed(builder.with_no_client_auth(), "client");
    if setting.resume == 0 {
        config.resumption = Resumption::disabled();
    }
    config
}

fn server_config(setting: &Setting, provider: Arc<CryptoProvider>) -> ServerConfig {
    let identity = succeed(Identity::from_cert_chain(certificates(setting.chain())), "chain");
    let key = succeed(PrivateKeyDer::from_pem_file(setting.key()), "key");
    let ticketer = succeed(provider.ticketer_factory.ticketer(), "ticketer");
    let builder = ServerConfig::builder(provider).with_no_client_auth();
    let mut config = succeed(builder.with_single_cert(Arc::new(identity), key), "identity");
    let tickets = setting.resume as usize;
    config.send_tls13_tickets = Tls13Tickets { default: tickets, max: tickets };
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = (tickets > 0).then_some(ticketer);
    config
}

unsafe extern "C" fn prepare(setting: *const Setting) -> *const c_char {
    // SAFETY: the worker gives one, which outlives the call.
    let setting = unsafe { &*setting };
    if setting.version == 0x0303 && setting.group == 0x11ec {
        return c"TLS 1.2 has no X25519MLKEM768".as_ptr();
    }
    let Some(provider) = provider(setting) else {
        return c"has no such suite or no such group".as_ptr();
    };
    let contexts = Contexts {
        client: Arc::new(client_config(setting, provider.clone())),
        server: Arc::new(server_config(setting, provider)),
    };
    *CONTEXTS.write().unwrap_or_else(PoisonError::into_inner) = Some(contexts);
    ptr::null()
}

enum Sides {
    Client(Connection<ClientSide, Tcp>),
    Server(Connection<ServerSide, Tcp>),
}

struct Conn {
    sides: Sides,
    /// What the handshake has to send.
    flight: Vec<u8>,
    /// For the way that has a buffer for what arrives.
    input: VecInput,
}

/// # Safety
/// `conn` is what open() gave, was not closed, and nobody else has it now.
unsafe fn conn<'a>(conn: *mut c_void) -> &'a mut Conn {
    // SAFETY: as said above.
    unsafe { &mut *conn.cast() }
}

impl Conn {
    fn write(&mut self, plain: &[u8], wire: &mut Vec<u8>) {
        let result = match &mut self.sides {
            Sides::Client(connection) => connection.write(plain.into(), wire),
            Sides::Server(connection) => connection.write(plain.into(), wire),
        };
        succeed(result, "Connection::write");
    }

    /// Gives what arrived to `take`, which is called with the bytes where they were decrypted.
    fn read(&mut self, input: &mut dyn TlsInputBuffer, take: impl FnMut(&[u8])) {
        match &mut self.sides {
            Sides::Client(connection) => read(connection, input, &mut self.flight, take),
            Sides::Server(connection) => read(connection, input, &mut self.flight, take),
        }
    }

    fn outputs(&self) -> &ConnectionOutputs {
        match &self.sides {
            Sides::Client(connection) => connection,
            Sides::Server(connection) => connection,
        }
    }
}

fn read<Side: SideData>(
    connection: &mut Connection<Side, Tcp>,
    input: &mut dyn TlsInputBuffer,
    out: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]),
) {
    let mut handler = connection.read_tls(input, out);
    while let Some(payload) = handler.next_payload() {
        take(succeed(payload, "next_payload").bytes());
    }
}

extern "C" fn open(role: c_int) -> *mut c_void {
    let contexts = CONTEXTS.read().unwrap_or_else(PoisonError::into_inner);
    let Some(contexts) = &*contexts else { fail("open", "nothing was prepared") };
    let mut flight = Vec::new();
    let sides = if role == CLIENT {
        let name = succeed(ServerName::try_from("localhost"), "name");
        Sides::Client(succeed(
            contexts.client.connect(name).build(&mut flight),
            "ClientConnectionBuilder::build",
        ))
    } else {
        Sides::Server(succeed(Connection::<ServerSide, Tcp>::new(contexts.server.clone()), "Connection::new"))
    };
    Box::into_raw(Box::new(Conn { sides, flight, input: VecInput::default() })).cast()
}

unsafe extern "C" fn out(this: *mut c_void, wire: *mut c_uchar, room: usize) -> usize {
    // SAFETY: the worker gives a connection, and uses it with one thread.
    let flight = mem::take(&mut unsafe { conn(this) }.flight);
    if flight.len() > room {
        fail("out", "a flight is too long");
    }
    // SAFETY: the worker gives so much room, and it is not the connection's.
    unsafe { ptr::copy_nonoverlapping(flight.as_ptr(), wire, flight.len()) };
    flight.len()
}

/// Whole flights come, so nothing is left for a later call.
unsafe extern "C" fn take_in(this: *mut c_void, wire: *const c_uchar, len: usize) {
    // SAFETY: the worker gives so many bytes.
    let mut bytes = unsafe { slice::from_raw_parts(wire, len) }.to_vec();
    let mut input = SliceInput::new(&mut bytes);
    // SAFETY: the worker gives a connection, and uses it with one thread.
    unsafe { conn(this) }.read(&mut input, |_| fail("in", "plain bytes in the handshake"));
    if input.into_used() != len {
        fail("in", "bytes were not read");
    }
}

unsafe extern "C" fn done(this: *mut c_void) -> c_int {
    // SAFETY: the worker gives a connection, and uses it with one thread.
    let handshaking = match &unsafe { conn(this) }.sides {
        Sides::Client(connection) => connection.is_handshaking(),
        Sides::Server(connection) => connection.is_handshaking(),
    };
    c_int::from(!handshaking)
}

unsafe extern "C" fn facts(this: *mut c_void) -> Facts {
    // SAFETY: the worker gives a connection, and uses it with one thread.
    let outputs = unsafe { conn(this) }.outputs();
    Facts {
        version: outputs.protocol_version().map_or(0, |version| version.0),
        suite: outputs.negotiated_cipher_suite().map_or(0, |suite| suite.suite().0),
        group: outputs.negotiated_key_exchange_group().map_or(0, |group| group.name().0),
        resumed: c_int::from(outputs.handshake_kind() == Some(HandshakeKind::Resumed)),
    }
}

/// The configuration of the client keeps sessions.
unsafe extern "C" fn keep(_: *mut c_void) {}

unsafe extern "C" fn close(this: *mut c_void) {
    // SAFETY: open() made it so, and the worker does not use it any more.
    drop(unsafe { Box::from_raw(this.cast::<Conn>()) });
}

thread_local! {
    /// What was written: rustls appends to a vector, from which it can be sent and, as it is, read.
    static WRITTEN: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(WIRE_ROOM));
}

unsafe extern "C" fn in_place(
    from: *mut c_void,
    to: *mut c_void,
    plain: *const c_uchar,
    len: usize,
    _: *mut c_uchar,
    sink: *mut Sink,
) {
    // SAFETY: the worker gives so many bytes.
    let plain = unsafe { slice::from_raw_parts(plain, len) };
    // SAFETY: it is the worker's, and ours for this call.
    let sink = unsafe { &mut *sink };
    WRITTEN.with_borrow_mut(|written| {
        written.clear();
        // SAFETY: the worker gives two connections that are not the same.
        unsafe { conn(from) }.write(plain, written);
        let mut input = SliceInput::new(written);
        // SAFETY: as above.
        unsafe { conn(to) }.read(&mut input, |plain| sink.deliver(plain));
    });
}

unsafe extern "C" fn copy(
    from: *mut c_void,
    to: *mut c_void,
    plain: *const c_uchar,
    len: usize,
    wire: *mut c_uchar,
    sink: *mut Sink,
) {
    // SAFETY: the worker gives so many bytes.
    let plain = unsafe { slice::from_raw_parts(plain, len) };
    // SAFETY: it is the worker's, and ours for this call.
    let sink = unsafe { &mut *sink };
    let sent = WRITTEN.with_borrow_mut(|written| {
        written.clear();
        // SAFETY: the worker gives two connections that are not the same.
        unsafe { conn(from) }.write(plain, written);
        if written.len() > WIRE_ROOM {
            fail("copy", "too much for the wire");
        }
        // SAFETY: there is so much room.
        unsafe { ptr::copy_nonoverlapping(written.as_ptr(), wire, written.len()) };
        written.len()
    });
    // SAFETY: so many bytes were just written there.
    let mut wire = unsafe { slice::from_raw_parts(wire, sent) };
    // SAFETY: as above.
    let to = unsafe { conn(to) };
    let mut input = mem::take(&mut to.input);
    while !wire.is_empty() {
        succeed(input.read(&mut wire), "VecInput::read");
        to.read(&mut input, |plain| sink.deliver_copy(plain));
    }
    to.input = input;
}

extern "C" fn version() -> *const c_char {
    concat!(env!("PEER_VERSION"), "\0").as_ptr().cast()
}

static WAYS: [Way; 3] = [
    Way::new(
        c"in-place",
        c"Connection::write into a vector; read_tls of a SliceInput, next_payload",
        in_place,
    ),
    Way::new(
        c"copy",
        c"the same into a vector; VecInput::read, read_tls, next_payload, which is copied",
        copy,
    ),
    Way::END,
];

/// What the worker links with.
#[unsafe(export_name = "driver")]
pub static DRIVER: Driver = Driver {
    library: c"rustls".as_ptr(),
    version,
    prepare: Some(prepare),
    open: Some(open),
    out,
    r#in: take_in,
    done,
    facts,
    keep,
    close,
    ways: WAYS.as_ptr(),
};
