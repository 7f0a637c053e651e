//! Properties of connections whose TCP streams are cut anywhere and lose anything.

use proptest::prelude::*;

use crate::stream_part::GapKind;
use crate::tls::testing::*;

/// What one side sends in a record.
#[derive(Clone, Debug)]
enum Action {
    Data { from_client: bool, length: usize, padding: usize },
    Ticket,
    Update { from_client: bool },
}

fn action() -> impl Strategy<Value = Action> {
    let length = prop_oneof![4 => 1..300_usize, 1 => 1000..5000_usize, 1 => 16_000..16_384_usize];
    let padding = prop_oneof![9 => Just(0_usize), 1 => 1..100_usize];
    prop_oneof![
        12 => (any::<bool>(), length, padding).prop_map(|(from_client, length, padding)| {
            Action::Data { from_client, length, padding: padding.min(16_384 - length) }
        }),
        1 => Just(Action::Ticket),
        1 => any::<bool>().prop_map(|from_client| Action::Update { from_client }),
    ]
}

/// The records of one side: where each begins in the stream, and the application data in it.
#[derive(Default)]
struct Side {
    stream: Vec<u8>,
    records: Vec<(usize, usize, Vec<u8>)>,
    /// Records that hold something else than data without padding.
    others: Vec<usize>,
}

impl Side {
    fn push(&mut self, record: &[u8], content: &[u8], is_other: bool) {
        if is_other {
            self.others.push(self.records.len());
        }
        self.records.push((self.stream.len(), record.len(), content.to_vec()));
        self.stream.extend_from_slice(record);
    }
}

/// Bytes that no other record has.
fn content(number: usize, length: usize) -> Vec<u8> {
    let mut state = number as u64 + 1;
    let mut byte = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| byte()).collect()
}

/// The streams of a connection that does all this, in the order of sending.
fn connection(suite: u16, length: usize, actions: &[Action]) -> ([Side; 2], Vec<usize>, String) {
    let secrets = |first: u8| [vec![first; length], vec![first + 1; length]];
    let (handshake, traffic) = (secrets(2), secrets(4));
    let mut sides = [Side::default(), Side::default()];
    let mut order = vec![CLIENT, SERVER, SERVER, SERVER, SERVER, CLIENT];
    let mut sealers = [SERVER, CLIENT].map(|side| Sealer::tls13(suite, &handshake[side]));
    let hello = record(HANDSHAKE, 0x0301, &client_hello(&[7; 32], &[]));
    sides[CLIENT].push(&hello, b"", true);
    for record in [
        record(HANDSHAKE, 0x0303, &server_hello(suite, &[7; 32], &[])),
        record(20, 0x0303, &[1]),
        sealers[SERVER].seal(HANDSHAKE, &encrypted_extensions(&[])),
        sealers[SERVER].seal(HANDSHAKE, &[message(11, &[9; 3000]), message(20, &[9; 32])].concat()),
    ] {
        sides[SERVER].push(&record, b"", true);
    }
    let finished = sealers[CLIENT].seal(HANDSHAKE, &message(20, &[9; 32]));
    sides[CLIENT].push(&finished, b"", true);
    let mut sealers = [SERVER, CLIENT].map(|side| Sealer::tls13(suite, &traffic[side]));
    for (number, action) in actions.iter().enumerate() {
        match *action {
            Action::Data { from_client, length, padding } => {
                let sender = usize::from(from_client);
                let content = content(number, length);
                let record = sealers[sender].seal_padded(DATA, &content, padding);
                sides[sender].push(&record, &content, padding > 0);
                order.push(sender);
            }
            Action::Ticket => {
                let record = sealers[SERVER].seal(HANDSHAKE, &message(4, &[9; 200]));
                sides[SERVER].push(&record, b"", true);
                order.push(SERVER);
            }
            Action::Update { from_client } => {
                let sender = usize::from(from_client);
                let record = sealers[sender].seal(HANDSHAKE, &message(24, &[0]));
                sides[sender].push(&record, b"", true);
                sealers[sender].update();
                order.push(sender);
            }
        }
    }
    let names = ["SERVER", "CLIENT"];
    let lines = [SERVER, CLIENT].map(|side| {
        line(&format!("{}_HANDSHAKE_TRAFFIC_SECRET", names[side]), &handshake[side])
            + &line(&format!("{}_TRAFFIC_SECRET_0", names[side]), &traffic[side])
    });
    (sides, order, lines.concat())
}

/// The streams as segments of these lengths, of which some are lost, and the ranges that were.
fn segments(
    sides: &[Side; 2],
    order: &[usize],
    lengths: &[usize],
    mut is_lost: impl FnMut() -> bool,
) -> (Vec<Sent>, [Vec<(usize, usize)>; 2]) {
    let mut sent = Vec::new();
    let mut lost = [Vec::new(), Vec::new()];
    let (mut taken, mut records) = ([0; 2], [0; 2]);
    let mut lengths = lengths.iter().cycle();
    for &sender in order {
        let (start, length, _) = sides[sender].records[records[sender]];
        records[sender] += 1;
        while taken[sender] < start + length {
            let size = *lengths.next().unwrap();
            let end = (taken[sender] + size).min(start + length);
            let range = taken[sender]..end;
            taken[sender] = end;
            if is_lost() {
                lost[sender].push((range.start, range.end));
                match sent.last_mut() {
                    Some(Sent::Lost(of, before)) if *of == sender => *before += range.len() as u64,
                    _ => sent.push(Sent::Lost(sender, range.len() as u64)),
                }
            } else {
                sent.push(Sent::Bytes(sender, sides[sender].stream[range].to_vec()));
            }
        }
    }
    (sent, lost)
}

fn is_whole(&(start, length, _): &(usize, usize, Vec<u8>), lost: &[(usize, usize)]) -> bool {
    lost.iter().all(|&(from, to)| to <= start || from >= start + length)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_segments_of_the_streams_never_show(
        actions in prop::collection::vec(action(), 0..12),
        lengths in prop::collection::vec(1..3000_usize, 1..6),
        suite in prop::sample::select(vec![(0x1301, 32), (0x1303, 32)]),
    ) {
        let (sides, order, log) = connection(suite.0, suite.1, &actions);
        let (sent, _) = segments(&sides, &order, &lengths, || false);
        let received = receive(&sent, &mut keys(&log));
        for (sender, side) in sides.iter().enumerate() {
            let expected: Vec<_> =
                side.records.iter().map(|(.., content)| content.clone()).collect();
            prop_assert_eq!(&received.bytes[sender], &expected.concat());
            let lengths: Vec<_> = expected.iter().map(Vec::len).filter(|len| *len > 0).collect();
            prop_assert_eq!(&received.parts[sender], &lengths);
            prop_assert!(received.gaps[sender].is_empty());
            prop_assert_eq!(received.accounts[sender].undecryptable, 0);
        }
    }

    #[test]
    fn every_whole_record_after_a_loss_is_read_and_nothing_else(
        actions in prop::collection::vec(action(), 0..20),
        lengths in prop::collection::vec(100..2000_usize, 1..6),
        losses in prop::collection::vec(prop::bool::weighted(0.1), 1..40),
        suite in prop::sample::select(vec![(0x1301, 32), (0x1302, 48)]),
    ) {
        let (sides, order, log) = connection(suite.0, suite.1, &actions);
        let mut losses = losses.iter().cycle();
        let (sent, lost) = segments(&sides, &order, &lengths, || *losses.next().unwrap());
        let received = receive(&sent, &mut keys(&log));
        for (sender, side) in sides.iter().enumerate() {
            let whole: Vec<_> =
                side.records.iter().filter(|record| is_whole(record, &lost[sender])).collect();
            let expected: Vec<_> = whole.iter().map(|(.., content)| content.clone()).collect();
            prop_assert_eq!(&received.bytes[sender], &expected.concat());
            check_gaps(side, &received, sender, &lost[sender]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn changed_bytes_and_losses_never_give_what_was_not_sent(
        actions in prop::collection::vec(action(), 0..12),
        lengths in prop::collection::vec(1..2000_usize, 1..6),
        losses in prop::collection::vec(prop::bool::weighted(0.1), 1..40),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        suite in prop::sample::select(vec![(0x1301, 32), (0x1303, 32)]),
    ) {
        let (sides, order, log) = connection(suite.0, suite.1, &actions);
        let mut losses = losses.iter().cycle();
        let (mut sent, _) = segments(&sides, &order, &lengths, || *losses.next().unwrap());
        for (place, byte) in changes {
            let index = place.index(sent.len());
            if let Sent::Bytes(_, bytes) = &mut sent[index] {
                let index = place.index(bytes.len());
                bytes[index] ^= byte;
            }
        }
        let received = receive(&sent, &mut keys(&log));
        for (sender, side) in sides.iter().enumerate() {
            let mut rest = &received.bytes[sender][..];
            for (.., content) in &side.records {
                rest = rest.strip_prefix(&content[..]).unwrap_or(rest);
            }
            prop_assert!(rest.is_empty());
        }
    }
}

/// Whether the gaps are where records are missing, and have their lengths where these are known; and
/// whether what no tag confirms is what was sent.
fn check_gaps(side: &Side, received: &Received, sender: usize, lost: &[(usize, usize)]) {
    // The position in the output; the content of the records that are missing before it, and whether
    // others are.
    let (mut position, mut missing, mut other) = (0, Vec::new(), false);
    for (number, record) in side.records.iter().enumerate() {
        if !is_whole(record, lost) {
            missing.push(&record.2);
            other |= side.others.contains(&number);
        } else if !record.2.is_empty() {
            let here = |at: usize| at == position;
            let gaps: Vec<_> = received.gaps[sender].iter().filter(|(at, ..)| here(*at)).collect();
            let guessed: u64 = gaps.iter().map(|(_, length, _)| length).sum();
            let mut length = missing.iter().map(|content| content.len()).sum::<usize>();
            for (at, bytes) in &received.unauthenticated[sender] {
                if here(*at) {
                    length -= bytes.len();
                    let is_of = |content: &&Vec<u8>| {
                        content.windows(bytes.len()).any(|window| window == bytes)
                    };
                    assert!(missing.iter().any(is_of));
                }
            }
            let is_known = gaps.iter().all(|(_, _, kind)| *kind != GapKind::Unknown);
            assert!(other || !is_known || guessed == length as u64, "{gaps:?}: {length}");
            assert!(length == 0 || !gaps.is_empty(), "at {position} of {sender}");
            position += record.2.len();
            (missing, other) = (Vec::new(), false);
        }
    }
}
