//! Buffers of the host's cross threads while connections, contexts and threads come and go: no byte is lost, and nothing
//! is left.

#![allow(clippy::undocumented_unsafe_blocks, reason = "each is a C call with pointers into live memory")]

use std::ptr::{null, null_mut};
use std::sync::mpsc;
use std::thread;

use support::{Context, Recipe, pump};
use tlsbio::ffi::*;
use tlsbio::status::*;

mod support;

/// A handle that goes to another thread.
struct Buffer(*mut tls_buffer_t);

unsafe impl Send for Buffer {}

/// A context may be used from any number of threads.
struct Everywhere(Context);

unsafe impl Sync for Everywhere {}

impl Everywhere {
    fn get(&self) -> &Context {
        &self.0
    }
}

impl Buffer {
    fn bytes(&self) -> Vec<u8> {
        let (mut memory, mut length) = (null_mut(), 0);
        assert_eq!(unsafe { tls_buffer_memory(self.0, &mut memory, &mut length) }, TLS_OK);
        unsafe { std::slice::from_raw_parts(memory.cast::<u8>(), length) }.to_vec()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        tls_buffer_free(self.0);
    }
}

fn take(conn: &support::Conn) -> Option<Buffer> {
    let (mut wire, mut length) = (null(), 0);
    let taken = unsafe { tls_drain_take(conn.0, &mut wire, &mut length) };
    (!taken.is_null()).then_some(Buffer(taken))
}

fn feed(conn: &support::Conn, context: &Context, wire: &[u8]) {
    let buffer = tls_buffer_new(context.handle(), wire.len());
    let (mut memory, mut length) = (null_mut(), 0);
    assert_eq!(unsafe { tls_buffer_memory(buffer, &mut memory, &mut length) }, TLS_OK);
    assert_eq!(length, wire.len());
    unsafe { memory.cast::<u8>().copy_from_nonoverlapping(wire.as_ptr(), length) };
    assert_eq!(tls_feed_buffer(conn.0, buffer, length), TLS_OK);
}

fn in_flight(context: &Context) -> (u64, u64) {
    let mut seen =
        tls_buffers_t { size: size_of::<tls_buffers_t>(), in_flight: 9, in_flight_bytes: 9, unused_bytes: 9 };
    assert_eq!(unsafe { tls_context_buffers(context.handle(), &mut seen) }, TLS_OK);
    (seen.in_flight, seen.in_flight_bytes)
}

//
#[test]
fn buffers_pass_between_threads_and_nothing_is_left() {
    const THREADS: usize = 10;
    const MESSAGES: usize = 40;
    let client = Everywhere(Context::client(&Recipe::default()));
    let server = Everywhere(Context::server(&Recipe {
        chain: Some(("ecdsa/server-chain.pem", "ecdsa/server.key")),
        pool: Some(200_000),
        ..Recipe::default()
    }));
    let (done, finished) = mpsc::channel::<Buffer>();
    thread::scope(|scope| {
        // What was sent is freed elsewhere, late, and in an order of its own.
        scope.spawn(move || {
            let mut late = Vec::new();
            for buffer in finished {
                late.push(buffer);
                if late.len() > 20 {
                    drop(late.swap_remove(late.len() / 2));
                }
            }
        });
        for number in 0..THREADS {
            let (done, client, server) = (done.clone(), &client, &server);
            scope.spawn(move || {
                let (client, server) = (client.get(), server.get());
                let (ours, peer) = (client.connect("localhost"), server.accept());
                while ours.advance() != TLS_OK || peer.advance() != TLS_OK {
                    pump(&ours, &peer);
                }
                pump(&ours, &peer);
                let longest = 40_000;
                for message in 0..MESSAGES {
                    let length = 1 + (number * 7919 + message * 104_729) % longest;
                    let sent: Vec<u8> = (0..length).map(|at| (at * 31 + message) as u8).collect();
                    for (from, to, context) in [(&ours, &peer, server), (&peer, &ours, client)] {
                        assert_eq!(from.write(&sent), Ok(length));
                        let buffer = take(from).unwrap();
                        assert!(take(from).is_none());
                        let wire = buffer.bytes();
                        // In pieces that cut records.
                        for piece in wire.chunks(1 + wire.len() / (1 + message % 3)) {
                            feed(to, context, piece);
                        }
                        let mut got = Vec::new();
                        assert_eq!(to.read_all(&mut got), TLS_WANT_FEED);
                        assert!(got == sent, "{number} {message}");
                        done.send(buffer).unwrap();
                    }
                }
            });
        }
        drop(done);
    });
    assert_eq!(in_flight(client.get()), (0, 0));
    assert_eq!(in_flight(server.get()), (0, 0));
}

#[test]
fn two_threads_that_end_one_buffer_end_it_once() {
    let client = Context::client(&Recipe::default());
    for _ in 0..300 {
        let buffer = tls_buffer_new(client.handle(), 100) as usize;
        let free = move || tls_buffer_free(buffer as *mut tls_buffer_t);
        let (first, second) = (thread::spawn(free), thread::spawn(free));
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(in_flight(&client), (0, 0));
    }
}
