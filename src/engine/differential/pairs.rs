//! Connections that were made alike, and the secrets of their peers.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::author::Author;
use crate::engine::{ClientSetup, ClientWish, Handshake, ServerSetup, Settled};
use crate::record::own::Own;
use crate::record::traffic::{EngineTraffic, Flow, Outcome, Traffic};
use crate::setup::builder::Builder;
use crate::setup::context::{Context, Role};

/// A cipher suite, and whose receiver is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub suite: u16,
    pub is_client: bool,
}

impl Kind {
    pub(super) fn is_tls13(self) -> bool {
        self.suite >> 8 == 0x13
    }
}

const fn both(suite: u16) -> [Kind; 2] {
    [Kind { suite, is_client: false }, Kind { suite, is_client: true }]
}

pub(super) const KINDS: [Kind; 12] = {
    let [a, b] = both(0x1301);
    let [c, d] = both(0x1302);
    let [e, f] = both(0x1303);
    let [g, h] = both(0xc02b);
    let [i, j] = both(0xc02c);
    let [k, l] = both(0xcca9);
    [a, b, c, d, e, f, g, h, i, j, k, l]
};

/// One receiver, and who sends to it.
pub(super) struct Pair {
    pub receiver: Box<dyn Traffic>,
    pub author: Author,
}

impl Pair {
    pub(super) fn new(kind: Kind, own: bool) -> Self {
        let (client, server) = established(kind.suite);
        let (receiver, peer) = if kind.is_client { (client, server) } else { (server, client) };
        let mut out = Vec::new();
        let receiver: Box<dyn Traffic> =
            if own { Box::new(Own::new(receiver.settle(&mut out).unwrap()).unwrap()) } else { receiver };
        let peer = peer.prepare_hand_over(&mut out).unwrap();
        assert!(out.is_empty());
        let author = Author::new(peer.hand_over().unwrap());
        Self { receiver, author }
    }
}

pub(crate) fn pki(name: &str) -> Vec<u8> {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let directory = root.join("target/pki");
        let status = Command::new(root.join("tests/pki/make.sh")).arg(&directory).status();
        assert!(status.is_ok_and(|status| status.success()), "tests/pki/make.sh failed");
        directory
    });
    std::fs::read(directory.join(name)).unwrap()
}

/// Contexts of each suite, made once.
fn contexts(suite: u16) -> &'static (Context, Context) {
    static MADE: Mutex<Vec<(u16, &'static (Context, Context))>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, contexts)) = made.iter().find(|(of, _)| *of == suite) {
        return contexts;
    }
    let builder = || {
        let mut builder = Builder::default();
        builder.suites(&[suite]).unwrap();
        builder.secret_extraction(1).unwrap();
        builder
    };
    let mut client = builder();
    client.trust_pem(&pki("ecdsa/ca.pem")).unwrap();
    client.sessions(0).unwrap();
    let mut server = builder();
    server.identity_pem(&pki("ecdsa/server-chain.pem"), &pki("ecdsa/server.key")).unwrap();
    let both = (Context::client(&client).unwrap(), Context::server(&server).unwrap());
    let both = Box::leak(Box::new(both));
    made.push((suite, both));
    both
}

fn established(suite: u16) -> (Box<dyn EngineTraffic>, Box<dyn EngineTraffic>) {
    let (client, server) = contexts(suite);
    let mut to_server = Vec::new();
    let mut client = Side::Handshake(open_client(client, &mut to_server));
    let mut server = Side::Handshake(open_server(server));
    let mut to_client = Vec::new();
    while !to_server.is_empty() || !to_client.is_empty() {
        server = server.take_in(&mut to_server, &mut to_client);
        client = client.take_in(&mut to_client, &mut to_server);
    }
    match (client, server) {
        (Side::Traffic(client), Side::Traffic(server)) => (client, server),
        _ => panic!("the handshake is not done"),
    }
}

enum Side {
    Handshake(Box<dyn Handshake>),
    Traffic(Box<dyn EngineTraffic>),
}

impl Side {
    /// Takes what came, and goes on with what carries the traffic.
    fn take_in(mut self, wire: &mut Vec<u8>, out: &mut Vec<u8>) -> Self {
        let sink = &mut |_: Range<usize>, _: &[u8]| Flow::More;
        let Outcome { used, result } = match &mut self {
            Self::Handshake(handshake) => handshake.receive(wire, out, sink),
            Self::Traffic(traffic) => traffic.receive(wire, out, sink),
        };
        result.unwrap();
        assert_eq!(used, wire.len());
        wire.clear();
        match self {
            Self::Handshake(handshake) => match handshake.settle(&[], out) {
                Settled::Same(handshake) | Settled::Other(handshake) => Self::Handshake(handshake),
                Settled::Done(traffic, _) => Self::Traffic(traffic),
            },
            traffic => traffic,
        }
    }
}

fn open_client(context: &Context, out: &mut Vec<u8>) -> Box<dyn Handshake> {
    let Role::Client(setup) = &context.role else { unreachable!() };
    let setup: &ClientSetup = setup;
    let name = pki_types::ServerName::try_from("localhost").unwrap();
    let wish = ClientWish {
        sent: None,
        verified: Some(name.to_owned()),
        alpn: None,
        groups: None,
        ech: None,
        sessions: None,
    };
    setup.open(setup.parameters(wish).unwrap(), out).unwrap()
}

fn open_server(context: &Context) -> Box<dyn Handshake> {
    let Role::Server(setup) = &context.role else { unreachable!() };
    let setup: &ServerSetup = setup;
    setup.open().unwrap()
}
