//! What is written is read, and nothing else is.

use super::*;

fn tls13() -> Moved<'static> {
    let direction =
        Direction { secret: &[3; 32], sequence: 7, most_records: 1 << 24, ..Direction::default() };
    Moved {
        id: *b"0123456789abcdef",
        moves: 3,
        flags: Flags { is_client: true, eof: true, clocked: true, ..Flags::default() },
        facts: MovedFacts {
            version: TLS13,
            suite: 0x1301,
            group: 29,
            kind: 1,
            alpn: b"h2",
            name: b"a.test",
            chain: &[0, 0, 2, 8, 9, 0, 0, 1, 7],
            ..MovedFacts::default()
        },
        receive: direction,
        send: Direction { secret: &[4; 32], ..direction },
        exporter: &[5; 32],
        sender: SenderState { queued: b"answer", answered: true, unanswered: 2, ..SenderState::default() },
        receiver: ReceiverState { flood: [1, 2, 3, 1], tickets: 2, waiting: 5..9, opened: 11, closed: false },
        counters: [100, 2, 3, 4, 5, MOST_COUNT - 1],
        left_in_place: 0,
        times: [1, NEVER, 0],
        record_size: UNSET,
        ramp: 1000,
        plain: b"plain",
        wire: b"wire bytes here",
        outbound: b"out",
        held: b"",
    }
}

fn tls12() -> Moved<'static> {
    let direction = Direction { key: &[3; 16], iv: &[1; 12], ..Direction::default() };
    let facts =
        MovedFacts { version: TLS12, suite: 0xc02f, kind: 4, raw_key: b"key", ..MovedFacts::default() };
    Moved {
        flags: Flags { resumed: true, ..Flags::default() },
        facts,
        receive: direction,
        send: direction,
        exporter: &[5; TLS12_EXPORTER],
        record_size: 64,
        ramp: UNSET,
        ..Moved::default()
    }
}

fn written(moved: &Moved<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(moved, &mut bytes).unwrap();
    assert_eq!(length(moved), Some(bytes.len()));
    bytes
}

#[test]
fn what_is_written_is_read() {
    for moved in [tls13(), tls12()] {
        let bytes = written(&moved);
        assert_eq!(read(&bytes), Some(moved));
    }
}

#[test]
fn what_is_cut_off_or_longer_is_not() {
    for moved in [tls13(), tls12()] {
        let mut bytes = written(&moved);
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), None, "{length}");
        }
        bytes.push(0);
        assert_eq!(read(&bytes), None);
    }
}

/// The byte and the bit in which builds said that answers to KeyUpdates leave at once.
const ANSWERS_AT_ONCE: (usize, u8) = (MOVE_ID + size_of::<u64>(), 6);

/// There is one way to write a connection: whatever is read is written as it was, but for what is not looked at any more.
#[test]
fn every_other_byte_is_another_connection_or_none() {
    for moved in [tls13(), tls12()] {
        let bytes = written(&moved);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                if (at, bit) == ANSWERS_AT_ONCE {
                    assert_eq!(read(&other).as_ref(), Some(&moved));
                } else if let Some(read) = read(&other) {
                    assert_ne!(read, moved, "{at}");
                    assert_eq!(written(&read), other, "{at}");
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    type Change = fn(&mut Moved<'static>);
    let wrong: [(&str, Change); 26] = [
        ("a version", |moved| moved.facts.version = 0x0302),
        ("a secret of TLS 1.3 in TLS 1.2", |moved| moved.facts.version = TLS12),
        ("no secret", |moved| moved.send.secret = &[]),
        ("secret and key", |moved| moved.send.key = &[1; 16]),
        ("no exporter", |moved| moved.exporter = &[]),
        ("a message that ends before it begins", |moved| moved.receiver.waiting.start = 10),
        ("a message behind what was opened", |moved| moved.receiver.waiting.end = 12),
        ("opened bytes that are not there", |moved| moved.receiver.opened = 16),
        ("records that are too small", |moved| moved.record_size = 63),
        ("records that are too large", |moved| moved.record_size = MAX_PLAIN as u32 + 1),
        ("a name that is no text", |moved| moved.facts.name = &[0xff]),
        ("a chain that is cut off", |moved| moved.facts.chain = &[0, 0, 2, 8]),
        ("a count that is at its end", |moved| moved.counters[1] = MOST_COUNT),
        ("a sequence that is at its end", |moved| moved.send.sequence = u64::MAX),
        ("more bytes than have come", |moved| moved.counters[0] = 19),
        ("held bytes without a cork", |moved| moved.held = b"held"),
        ("records that can not be sent, and no word of it", |moved| moved.sender.closed = true),
        ("a chain and a raw key", |moved| moved.facts.raw_key = &[1]),
        ("a certificate without a byte", |moved| moved.facts.chain = &[0, 0, 0]),
        ("one behind another", |moved| moved.facts.chain = &[0, 0, 1, 7, 0, 0, 0]),
        ("a handshake that is not done", |moved| moved.facts.kind = 0),
        ("a handshake of no kind", |moved| moved.facts.kind = 5),
        ("a full handshake that resumed", |moved| moved.flags.resumed = true),
        ("a resumption that was none", |moved| moved.facts.kind = 3),
        ("bytes with the host, and others here", |moved| moved.left_in_place = 11),
        ("more bytes with the host than are noted", |moved| {
            (moved.plain, moved.wire) = (&[], &[]);
            moved.left_in_place = MOST_LEFT_IN_PLACE + 1;
        }),
    ];
    for (what, change) in wrong {
        let mut moved = tls13();
        change(&mut moved);
        assert!(!moved.is_consistent(), "{what}");
        assert_eq!(read(&written(&moved)), None, "{what}");
    }
    // In place the host has the bytes.
    for left_in_place in [11, MOST_LEFT_IN_PLACE] {
        let moved = Moved { plain: &[], wire: &[], left_in_place, ..tls13() };
        assert_eq!(read(&written(&moved)), Some(moved));
    }
}

#[test]
fn certificates_stand_behind_their_lengths() {
    let mut chain = Vec::new();
    assert!(append_certificate(&mut chain, b"own") && append_certificate(&mut chain, &[7; 300]));
    assert_eq!(certificates(&chain), Some(vec![&b"own"[..], &[7; 300]]));
    assert_eq!(certificates(&[]), Some(vec![]));
    assert!(!append_certificate(&mut chain, &vec![0; 1 << 24]) && !append_certificate(&mut chain, &[]));
    assert_eq!(certificates(&chain[..chain.len() - 1]), None);
}
