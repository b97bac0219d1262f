//! What records and idle connections cost on Rust's heap.
//!
//! The allocator counts what this library and the engine allocate. The C test `memory` counts what the
//! cryptographic library takes from malloc as well.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live slices")]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{Conn, Context, Recipe};
use tlsbio::status::*;

mod support;

#[cfg(tlsbio_wipes)]
compile_error!("the library brings its allocator in optimised builds: run this test without --release");

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The bars for an established idle connection of each role, with a chain of one certificate that
/// holds nothing but key, name and signature.
const IDLE_CLIENT_LIMIT: isize = if VALIDATED { 2700 } else { 1500 };
const IDLE_SERVER_LIMIT: isize = if VALIDATED { 1800 } else { 900 };

/// In such a build connections keep rustls's records, and its state.
const VALIDATED: bool = cfg!(feature = "fips");

fn live() -> isize {
    let stats = HEAP.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize + stats.bytes_reallocated
}

fn calls() -> usize {
    let stats = HEAP.stats();
    stats.allocations + stats.reallocations
}

fn contexts(
    version: i64,
    verify: i32,
    chain: (&'static str, &'static str),
    trust: &'static str,
) -> (Context, Context) {
    let recipe = Recipe { version: Some(version as u16), verify, trust: Some(trust), ..Recipe::default() };
    (Context::client(&recipe), Context::server(&Recipe { chain: Some(chain), trust: None, ..recipe }))
}

fn established(client: &Context, server: &Context) -> (Conn, Conn) {
    let (client, server) = (client.connect("localhost"), server.accept());
    server.feed(&client.drain()).unwrap();
    loop {
        support::pump(&client, &server);
        match client.advance() {
            TLS_ASK_VERIFY => assert_eq!(client.answer_verify(-1), TLS_OK),
            TLS_OK if server.advance() == TLS_OK => break,
            _ => {
                server.advance();
            }
        }
    }
    support::pump(&client, &server);
    (client, server)
}

fn exchange(from: &Conn, to: &Conn, plain: &[u8], wire: &mut [u8], received: &mut [u8]) {
    let mut sent = 0;
    while sent < plain.len() {
        sent += from.write(&plain[sent..]).unwrap();
        let length = unsafe { tlsbio::ffi::tls_drain_into(from.0, wire.as_mut_ptr().cast(), wire.len()) };
        let mut fed = 0;
        while fed < length as usize {
            fed += to.feed(&wire[fed..length as usize]).unwrap();
            while to.read_into(received).is_ok() {}
        }
    }
}

/// The heap that one connection gives back when it is freed: of a client, and of a server.
fn idle(
    version: i64,
    verify: i32,
    chain: (&'static str, &'static str),
    trust: &'static str,
) -> (isize, isize) {
    const COUNT: isize = 200;
    let (client, server) = contexts(version, verify, chain, trust);
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    let (mut wire, mut received) = (vec![0; 70_000], vec![0; 20_000]);
    for _ in 0..COUNT {
        let (client, server) = established(&client, &server);
        exchange(&client, &server, &[1; 16_384], &mut wire, &mut received);
        exchange(&server, &client, &[2; 16_384], &mut wire, &mut received);
        clients.push(client);
        servers.push(server);
    }
    let full = live();
    clients.iter_mut().for_each(|client| *client = Conn(std::ptr::null_mut()));
    let without_clients = live();
    servers.iter_mut().for_each(|server| *server = Conn(std::ptr::null_mut()));
    ((full - without_clients) / COUNT, (without_clients - live()) / COUNT)
}

fn records_allocate_nothing_and_idle_connections_are_small() {
    for version in [TLS_VERSION_1_2, TLS_VERSION_1_3] {
        for verify in [TLS_VERIFY_PEER, TLS_VERIFY_ASK] {
            let chain = ("ecdsa/server-chain.pem", "ecdsa/server.key");
            let (client, server) = contexts(version, verify, chain, "trust/all.pem");
            let (client, server) = established(&client, &server);
            let (mut wire, mut received) = (vec![0; 70_000], vec![0; 20_000]);
            for length in [64, 1024, 16_384, 65_536] {
                let plain = vec![7; length];
                let mut before = 0;
                for round in 0..23 {
                    if round == 3 {
                        before = calls();
                    }
                    exchange(&client, &server, &plain, &mut wire, &mut received);
                    exchange(&server, &client, &plain, &mut wire, &mut received);
                }
                assert_eq!(calls() - before, 0, "version {version:#x}, {length} bytes");
            }
        }

        let minimal = ("minimal/server.pem", "minimal/server.key");
        for verify in [TLS_VERIFY_PEER, TLS_VERIFY_ASK] {
            let (client, server) = idle(version, verify, minimal, "minimal/ca.pem");
            println!(
                "idle, version {version:#x}, verify mode {verify}: client {client}, server {server} bytes"
            );
            assert!(client <= IDLE_CLIENT_LIMIT && server <= IDLE_SERVER_LIMIT);
        }
        let (client, server) =
            idle(version, TLS_VERIFY_PEER, ("rsa/server-chain.pem", "rsa/server.key"), "trust/all.pem");
        println!("  with an RSA chain of two certificates: client {client}, server {server} bytes");
    }
}

/// Without the test harness (Cargo.toml): the thread that it waits in for a test has memory of its own.
fn main() {
    records_allocate_nothing_and_idle_connections_are_small();
}
