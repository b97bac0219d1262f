//! Two connections of ours that talk with each other, under keys that are made up.

use zeroize::Zeroizing;

use super::content::{ALERT, APPLICATION_DATA};
use super::fault::Fault;
use super::layout::{KEY_UPDATE, MAX_PLAIN};
use super::own::Own;
use super::secrets::{TrafficSecret, TrafficSecrets};
use super::sizing::{Sizing, wire_bound};
use super::traffic::{
    Flow, HandedOver, HandshakeFacts, KeySchedule, Outcome, OwnStart, Remembered, Straight, Traffic,
};
use crate::facts::Facts;
use crate::failure::Failure;
use crate::status::TLS_REASON_KEYS_EXHAUSTED;
use crate::uninitialised::{Memory, append};

/// IANA numbers of the suites, and how long their keys are.
pub(super) const SUITES: [(u16, usize); 6] =
    [(0x1301, 16), (0x1302, 32), (0x1303, 32), (0xc02b, 16), (0xc030, 32), (0xcca8, 32)];

/// Both sides derive what follows from what is there.
struct Schedule {
    suite: (u16, usize),
    /// How often each direction was changed, the inbound one first, and from which key on.
    changed: [u8; 2],
    first: [u8; 2],
    most_records: u64,
}

impl Schedule {
    fn secret(&self, inbound: bool) -> TrafficSecret {
        let direction = usize::from(!inbound);
        let (suite, length) = self.suite;
        TrafficSecret {
            version: if suite >> 8 == 0x13 { 0x0304 } else { 0x0303 },
            suite,
            key: Zeroizing::new(vec![self.first[direction] + self.changed[direction]; length]),
            iv: Zeroizing::new([7; TrafficSecret::IV]),
            sequence: 0,
            most_records: self.most_records,
        }
    }
}

impl KeySchedule for Schedule {
    fn next_secret(&mut self, inbound: bool) -> Result<Option<TrafficSecret>, Failure> {
        self.changed[usize::from(!inbound)] += 1;
        Ok(Some(self.secret(inbound)))
    }

    fn keep_ticket(&mut self, _: &[u8]) -> Result<bool, Failure> {
        Ok(true)
    }

    fn explain(&self, fault: Fault) -> Failure {
        let reason = if fault == Fault::Exhausted { TLS_REASON_KEYS_EXHAUSTED } else { 0 };
        Failure::peer(reason, format!("{fault:?}"))
    }
}

struct Nothing;

impl HandshakeFacts for Nothing {
    fn facts(&self) -> Facts<'_> {
        Facts::default()
    }

    fn tickets(&self) -> u32 {
        0
    }

    fn export(&mut self, _: &[u8], _: Option<&[u8]>, _: usize) -> Option<Zeroizing<Vec<u8>>> {
        None
    }
}

/// A client and its server, which may seal so many records with one key.
pub(super) fn pair(suite: (u16, usize), most_records: u64) -> (Own, Own) {
    let side = |first, is_client| {
        let schedule = Schedule { suite, changed: [0; 2], first, most_records };
        let secrets = TrafficSecrets { receive: schedule.secret(true), send: schedule.secret(false) };
        let remembered = Remembered { handshake: Box::new(Nothing), tickets: 0 };
        let handed_over = HandedOver { secrets, schedule: Box::new(schedule), remembered };
        Own::new(OwnStart { handed_over, is_client, outstanding: 0 }).unwrap()
    };
    (side([1, 101], true), side([101, 1], false))
}

/// What `to` reads of `wire`, and what it answers.
pub(super) fn read(to: &mut Own, wire: &mut [u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut plain, mut answer) = (Vec::new(), Vec::new());
    let Outcome { used, result } = to.receive(wire, &mut answer, &mut |_, bytes| {
        plain.extend_from_slice(bytes);
        Flow::More
    });
    result.unwrap();
    assert_eq!(used, wire.len());
    (plain, answer)
}

#[test]
fn what_is_sealed_opens() {
    let bytes: Vec<u8> = (0..3 * MAX_PLAIN + 5).map(|at| at as u8).collect();
    for suite in SUITES {
        let (mut client, mut server) = pair(suite, u64::MAX);
        for length in (1..200).chain([MAX_PLAIN - 1, MAX_PLAIN, MAX_PLAIN + 1, bytes.len()]) {
            for block in [0, 64] {
                let mut wire = Vec::new();
                let (front, back) = bytes[..length].split_at(length / 3);
                client.write(&[front, &[], back], block, &mut wire).unwrap();
                assert!(block > 0 || wire.len() <= wire_bound(length));
                assert_eq!(read(&mut server, &mut wire), (bytes[..length].to_vec(), vec![]));
            }
        }
    }
}

fn is_tls13((suite, _): (u16, usize)) -> bool {
    suite >> 8 == 0x13
}

//
#[test]
fn what_fits_opens_into_other_memory_and_nothing_else_does() {
    let bytes: Vec<u8> = (0..MAX_PLAIN).map(|at| at as u8).collect();
    for suite in SUITES {
        let (mut client, mut server) = pair(suite, u64::MAX);
        for length in [1, 4, 5, 6, 7, 16, 100, 5000, MAX_PLAIN - 1, MAX_PLAIN] {
            for block in [0, 64] {
                // As many bytes are written: the content type is behind the plain ones, and padding behind that.
                let inner = match (is_tls13(suite), block) {
                    (false, _) => length,
                    (true, 0) => length + 1,
                    (true, block) => (length + 1).next_multiple_of(block),
                };
                for room in [1, length, inner - 1, inner, inner + 1, 3 * MAX_PLAIN] {
                    let mut wire = Vec::new();
                    client.write(&[&bytes[..length]], block, &mut wire).unwrap();
                    let mut memory = Memory::new(room);
                    // A record with more bytes than the padding leaves room for is two.
                    let first = wire.len().min(5 + usize::from(u16::from_be_bytes([wire[3], wire[4]])));
                    let done = server.open_into(&wire[..first], &mut memory);
                    let fits = first == wire.len() && inner <= room && inner > KEY_UPDATE + 1;
                    let expected = Straight { used: first, plain: length, records: 1 };
                    if first == wire.len() {
                        assert_eq!(
                            done,
                            if fits { expected } else { Straight::default() },
                            "{length} of {room}"
                        );
                    }
                    let mut after = vec![Memory::BEFORE; room];
                    after[..done.plain].copy_from_slice(&bytes[..done.plain]);
                    if block == 0 {
                        assert_eq!(memory.bytes(), after);
                    }
                    let (rest, _) = read(&mut server, &mut wire[done.used..]);
                    assert_eq!(rest, bytes[done.plain..length]);
                }
            }
        }
    }
}

//
#[test]
fn a_record_that_does_not_authenticate_is_not_opened_into_other_memory() {
    for suite in SUITES {
        for altered in [0, 2, 5, 30, 505] {
            let (mut client, mut server) = pair(suite, u64::MAX);
            let mut wire = Vec::new();
            client.write(&[&[0x55; 500]], 0, &mut wire).unwrap();
            client.write(&[&[0x55; 500]], 0, &mut wire).unwrap();
            let second = wire.len() / 2;
            wire[second + altered] ^= 1;
            let mut memory = Memory::new(3000);
            let done = server.open_into(&wire, &mut memory);
            assert_eq!((done.used, done.plain, done.records), (second, 500, 1));
            assert!(!memory.bytes()[500..].contains(&0x55));
            let mut sink = |_, _: &[u8]| panic!("plain bytes of an altered record");
            let Outcome { result, .. } = server.receive(&mut wire[second..], &mut Vec::new(), &mut sink);
            result.unwrap_err();
        }
    }
}

/// What a server may send in front of its data is not tried: it would overwrite what is not its.
#[test]
fn a_client_opens_straight_behind_data() {
    for suite in SUITES {
        let (mut client, mut server) = pair(suite, u64::MAX);
        let mut round = |server: &mut Own, expected: usize| {
            let mut wire = Vec::new();
            server.write(&[b"some data"], 0, &mut wire).unwrap();
            let done = client.open_into(&wire, &mut Memory::new(100));
            assert_eq!(done.plain, expected);
            read(&mut client, &mut wire[done.used..]);
        };
        round(&mut server, if is_tls13(suite) { 0 } else { 9 });
        round(&mut server, 9);
        round(&mut server, 9);
    }
}

#[test]
fn key_updates_between_records_are_left_to_the_other_way() {
    for suite in SUITES.into_iter().filter(|&suite| is_tls13(suite)) {
        let (mut client, mut server) = pair(suite, u64::MAX);
        for _ in 0..5 {
            let mut wire = Vec::new();
            client.write(&[b"before it"], 0, &mut wire).unwrap();
            client.update_keys(&mut wire).unwrap();
            client.write(&[b"behind it"], 0, &mut wire).unwrap();
            let mut memory = Memory::new(100);
            let before = server.open_into(&wire, &mut memory);
            assert_eq!(memory.pieces, [b"before it"]);
            assert_eq!(memory.bytes()[9..], [Memory::BEFORE; 91]);
            let mut plain = Vec::new();
            let outcome =
                server.receive(&mut wire[before.used..], &mut Vec::new(), &mut |_, bytes: &[u8]| {
                    plain.extend_from_slice(bytes);
                    Flow::Stop
                });
            outcome.result.unwrap();
            assert_eq!(plain, b"behind it");
            let mut wire = Vec::new();
            client.write(&[b"under the next key"], 0, &mut wire).unwrap();
            let mut memory = Memory::new(100);
            server.open_into(&wire, &mut memory);
            assert_eq!(memory.pieces, [b"under the next key"]);
            let mut answer = Vec::new();
            server.write(&[b"x"], 0, &mut answer).unwrap();
            read(&mut client, &mut answer);
        }
    }
}

//
#[test]
fn keys_at_rest_come_back_with_the_next_record() {
    for suite in SUITES {
        let (mut client, mut server) = pair(suite, u64::MAX);
        let at_rest = |own: &Own| (own.sender.is_at_rest(), own.receiver.is_at_rest());
        assert_eq!(at_rest(&client), (true, true), "nothing is expanded before it is used");
        for round in 0..6 {
            let (mut wire, sent) = (Vec::new(), [round; 100]);
            client.write(&[&sent], 0, &mut wire).unwrap();
            if round == 3 && is_tls13(suite) {
                client.update_keys(&mut wire).unwrap();
            }
            assert_eq!(read(&mut server, &mut wire).0, sent);
            if round != 3 {
                assert_eq!((at_rest(&client), at_rest(&server)), ((false, true), (true, false)));
            }
            client.rest();
            server.rest();
            assert_eq!((at_rest(&client), at_rest(&server)), ((true, true), (true, true)));
        }
        // The answer to the KeyUpdate is in front of this.
        let mut wire = Vec::new();
        server.write(&[b"back"], 0, &mut wire).unwrap();
        assert_eq!(read(&mut client, &mut wire).0, b"back");
    }
}

#[test]
fn halves_rest_each_for_itself() {
    let (client, mut server) = pair(SUITES[0], u64::MAX);
    let halves = Box::new(client).split().unwrap();
    let (mut receiving, mut sending) = (halves.receiving, halves.sending);
    for _ in 0..3 {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        sending.write(&[b"up"], 0, &mut up).unwrap();
        sending.rest();
        assert_eq!(read(&mut server, &mut up).0, b"up");
        server.write(&[b"down"], 0, &mut down).unwrap();
        let mut plain = Vec::new();
        let mut sink = |_, bytes: &[u8]| {
            plain.extend_from_slice(bytes);
            Flow::More
        };
        receiving.receive(&mut down, &mut sink).result.unwrap();
        receiving.rest();
        assert_eq!(plain, b"down");
    }
}

#[test]
fn a_write_allocates_once_at_most() {
    for suite in SUITES {
        let (mut client, _) = pair(suite, u64::MAX);
        let mut wire = Vec::with_capacity(wire_bound(5 * MAX_PLAIN));
        let capacity = wire.capacity();
        client.write(&[&[1; 5 * MAX_PLAIN]], 0, &mut wire).unwrap();
        assert_eq!(wire.capacity(), capacity);
    }
}

#[test]
fn keys_change_before_their_limit() {
    for suite in SUITES.into_iter().filter(|(suite, _)| suite >> 8 == 0x13) {
        let (mut client, mut server) = pair(suite, 5);
        for _ in 0..40 {
            let mut wire = Vec::new();
            client.write(&[b"some data"], 0, &mut wire).unwrap();
            assert_eq!(read(&mut server, &mut wire).0, b"some data");
            // The answers, which are many, are no flood.
            let mut answers = Vec::new();
            server.write(&[b"x"], 0, &mut answers).unwrap();
            assert_eq!(read(&mut client, &mut answers).0, b"x");
        }
        // Many records of one write are under several keys.
        let mut wire = Vec::new();
        let many = vec![9; 12 * MAX_PLAIN];
        client.write(&[&many], 0, &mut wire).unwrap();
        assert_eq!(read(&mut server, &mut wire).0, many);
    }
}

#[test]
fn without_key_updates_the_limit_is_the_end() {
    for suite in SUITES.into_iter().filter(|(suite, _)| suite >> 8 != 0x13) {
        let (mut client, mut server) = pair(suite, 5);
        for _ in 0..5 {
            let mut wire = Vec::new();
            client.write(&[b"data"], 0, &mut wire).unwrap();
            assert_eq!(read(&mut server, &mut wire).0, b"data");
        }
        let mut wire = Vec::new();
        let failure = client.write(&[b"data"], 0, &mut wire).unwrap_err();
        assert_eq!(failure.reason, TLS_REASON_KEYS_EXHAUSTED);
        assert_eq!(wire[0], ALERT);
        assert_eq!(read(&mut server, &mut wire).0, b"");
        assert!(server.peer_closed());
        assert!(client.write(&[b"data"], 0, &mut wire).is_err());
    }
}

#[test]
fn of_a_record_that_does_not_authenticate_nothing_is_left() {
    for suite in SUITES {
        let (mut client, mut server) = pair(suite, u64::MAX);
        let mut wire = Vec::new();
        client.write(&[&[0x55; 500]], 0, &mut wire).unwrap();
        *wire.last_mut().unwrap() ^= 1;
        let mut sink = |_, _: &[u8]| panic!("plain bytes of an altered record");
        let Outcome { result, .. } = server.receive(&mut wire, &mut Vec::new(), &mut sink);
        assert_eq!(&*result.unwrap_err().message, "Decrypt");
        assert!(!wire.windows(8).any(|bytes| bytes == [0x55; 8]));
    }
}

#[test]
fn nothing_follows_a_close_notify() {
    for suite in SUITES {
        let (mut client, mut server) = pair(suite, u64::MAX);
        let mut wire = Vec::new();
        client.close_notify(&mut wire).unwrap();
        let closed = wire.len();
        client.close_notify(&mut wire).unwrap();
        assert!(client.write(&[b"late"], 0, &mut wire).is_err());
        let Outcome { result, .. } = client.receive(&mut [1; 9], &mut wire, &mut |_, _| Flow::More);
        assert_eq!(result.unwrap_err().alert_sent, None);
        assert_eq!(wire.len(), closed);
        read(&mut server, &mut wire);
        assert!(server.peer_closed());
    }
}

#[test]
fn both_halves_use_one_sender() {
    let (client, mut server) = pair(SUITES[0], 100);
    let halves = Box::new(client).split().unwrap();
    let (mut receiving, mut sending) = (halves.receiving, halves.sending);
    let mut wire = Vec::new();
    server.update_keys(&mut wire).unwrap();
    server.write(&[b"down"], 0, &mut wire).unwrap();
    let mut plain = Vec::new();
    let mut sink = |_, bytes: &[u8]| {
        plain.extend_from_slice(bytes);
        Flow::More
    };
    receiving.receive(&mut wire, &mut sink).result.unwrap();
    assert_eq!(plain, b"down");
    assert!(receiving.take_owed());
    let mut wire = Vec::new();
    sending.flush(&mut wire);
    sending.write(&[b"up"], 0, &mut wire).unwrap();
    assert_eq!(wire[0], APPLICATION_DATA);
    assert_eq!(read(&mut server, &mut wire).0, b"up");
}

/// Cut in every way that a host may ask for.
#[test]
fn what_is_sealed_where_it_is_to_lie_opens() {
    let bytes: Vec<u8> = (0..2 * MAX_PLAIN + 5).map(|at| at as u8).collect();
    let own = Sizing { most: MAX_PLAIN, small: MAX_PLAIN, ramp: 0, block: 0 };
    let small = Sizing { most: 1400, small: 100, ramp: 1000, block: 0 };
    for suite in SUITES {
        let (mut client, mut server) = pair(suite, u64::MAX);
        for length in (1..200).chain([1023, 1024, 1025, MAX_PLAIN - 1, MAX_PLAIN, MAX_PLAIN + 1, bytes.len()])
        {
            let block = if is_tls13(suite) { 64 } else { 0 };
            for sizing in [own, small, own.padded(block), small.padded(block)] {
                for cut in [0, 1, length / 2, length] {
                    let (front, back) = bytes[..length].split_at(cut);
                    let records = sizing.most_records(length);
                    assert!(client.is_clear_for(records));
                    let mut wire = Vec::with_capacity(3 + sizing.wire(length));
                    wire.extend_from_slice(b"xyz");
                    let made = append(&mut wire, |out| {
                        client.write_clear(&[front, &[], back], length, &sizing, out).unwrap()
                    });
                    assert!((1..=records).contains(&made), "{made} of {records} records");
                    let (plain, answer) = read(&mut server, &mut wire[3..]);
                    assert!(plain == bytes[..length] && answer.is_empty(), "{length} bytes by {sizing:?}");
                }
            }
        }
    }
}

/// What has to leave in front, or between two records, or instead, does not wait for a record that comes by this way.
#[test]
fn it_is_clear_only_where_nothing_else_leaves() {
    let (mut client, mut server) = pair(SUITES[0], 100);
    assert!(client.is_clear_for(99) && !client.is_clear_for(100), "the key changes before its limit");
    let mut wire = Vec::new();
    server.update_keys(&mut wire).unwrap();
    read(&mut client, &mut wire);
    assert!(!client.is_clear_for(1), "an answer waits");
    let mut wire = Vec::new();
    client.write(&[b"x"], 0, &mut wire).unwrap();
    assert!(client.is_clear_for(1));
    read(&mut server, &mut wire);
    client.close_notify(&mut wire).unwrap();
    assert!(!client.is_clear_for(1), "nothing follows a close_notify");
}
