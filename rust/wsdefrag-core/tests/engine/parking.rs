//! A parked inflater reads on as if it had never been parked, and costs only what its window holds.

use crate::common;
use crate::contract::journal::{self, Seen};
use crate::contract::writer::{Deflater, Wire};
use proptest::prelude::*;
use wsdefrag_core::limits::Excess;
use wsdefrag_core::read::event::Damage;
use wsdefrag_core::read::passive::Passive;
use wsdefrag_core::{Event, Events, Kind, Limits, Reassembler, Settings, Strictness};
use zlib_rs::Strategy as Matching;

/// What is left of a parked inflater besides the window, in bytes, at most.
const SMALL: usize = 256;
const WINDOW: usize = 1 << 15;

/// `length` bytes that never repeat within a window, and whose far past is worth a reference.
fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 56) as u8
    };
    std::iter::repeat_with(byte).take(length).collect()
}

#[test]
fn every_size_of_window_reads_on_after_parking() {
    for window_bits in 8..=15 {
        for takeover in [true, false] {
            // Each message repeats the start of the last one, which lies as far back as it can.
            let window = 1_usize << window_bits;
            let sizes = [1, 2, 257, 258, 259, window - 1, window, 3, 100, window - 200, window, 9];
            let block = content(window + 259, u64::from(window_bits));
            let contents: Vec<_> = sizes.iter().map(|size| block[..*size].to_vec()).collect();
            let deflater = Deflater::new(9, window_bits, Matching::Default, takeover);
            let frames = common::compressed(&contents, deflater);
            let chunks = || frames.iter().map(Vec::as_slice);
            let (plain, _) = journal::read(common::strict_takeover(takeover), chunks());
            let (parked, _) = journal::read_parking(common::strict_takeover(takeover), chunks());
            assert_eq!(plain, parked, "{window_bits} bits");
            let seen = plain.events.into_iter().map(|(_, seen)| match seen {
                Seen::Message(_, content) => content,
                other => panic!("{other:?}"),
            });
            assert!(seen.eq(contents), "{window_bits} bits");
        }
    }
}

proptest! {
    #![proptest_config(common::times(400))]

    /// Messages of any shape, fragmented, with control frames between, and damaged ones.
    #[test]
    fn parking_after_any_chunk_changes_nothing(
        script in common::script(70_000),
        size in 1_usize..5000,
        damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let mut wire = script.write().wire;
        if let Some((at, byte)) = damage {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        let limits = Limits { max_message_size: Some(1 << 17), ..Limits::default() };
        for strictness in [Strictness::default(), Strictness::NONE] {
            let settings = Settings { limits, strictness, ..script.settings() };
            let (plain, _) = journal::read(settings, wire.chunks(size));
            let (parked, _) = journal::read_parking(settings, wire.chunks(size));
            prop_assert_eq!(plain, parked);
        }
    }
}

/// A sender that breaks its agreement refers to content from before the inflater was parked.
#[test]
fn sender_that_keeps_its_window_is_read_on_after_parking() {
    let contents = vec![content(3000, 1), content(3000, 1), content(40_000, 2), content(3000, 2)];
    let frames = common::compressed(&contents, Deflater::new(9, 15, Matching::Default, true));
    let strictness = Strictness { no_context_takeover: false, ..Strictness::default() };
    let settings = Settings { strictness, ..common::strict_takeover(false) };
    let chunks = || frames.iter().map(Vec::as_slice);
    let (plain, _) = journal::read(settings, chunks());
    let (parked, _) = journal::read_parking(settings, chunks());
    assert_eq!((plain.events.len(), plain.error), (4, None));
    assert!(plain.tolerated.no_context_takeover > 0);
    assert_eq!(plain, parked);
}

#[test]
fn distance_beyond_the_window_stays_an_error() {
    // RFC 7692 section 7.2.3.2: "Hello" as a distance of 5. After one byte it reaches too far.
    let mut wire = Vec::new();
    for payload in [&b"\x4a\x04\x00"[..], b"\xf2\x00\x11\x00\x00"] {
        Wire { rsv: 4, ..Wire::new(2) }.write(payload, &mut wire);
    }
    let frames = [&wire[..5], &wire[5..]];
    let (parked, _) = journal::read_parking(common::strict_deflate(), frames);
    assert_eq!(parked.events.len(), 1);
    assert_eq!(parked.error.map(|error| error.kind), Some(Kind::InvalidDeflateData));
    assert_eq!(journal::read(common::strict_deflate(), frames).0, parked);
}

#[test]
fn parked_inflater_costs_what_its_window_holds() {
    for (sizes, window) in [
        (&[1_usize, 2, 3][..], 6),
        (&[1000, 0, 1000], 2000),
        (&[WINDOW - 1], WINDOW - 1),
        (&[WINDOW, 1], WINDOW),
        (&[20_000, 20_000, 100_000], WINDOW),
    ] {
        let contents: Vec<_> = sizes.iter().map(|size| content(*size, 7)).collect();
        let frames = common::compressed(&contents, Deflater::new(6, 15, Matching::Default, true));
        let mut reassembler = Reassembler::new(common::strict_deflate());
        let fresh = reassembler.bytes_held();
        let mut sink = Events::to(|_, _| ());
        for frame in &frames {
            reassembler.receive_data(frame, &mut sink);
        }
        let live = reassembler.bytes_held();
        assert!(live > fresh + WINDOW, "{live} bytes");
        let given_back = reassembler.park_inflater();
        let parked = reassembler.bytes_held();
        assert_eq!(parked + given_back, live);
        assert!((window..=window + SMALL).contains(&(parked - fresh)), "{} bytes", parked - fresh);
    }
}

#[test]
fn nothing_is_kept_of_an_empty_window() {
    let frames =
        common::compressed(&[content(5000, 3)], Deflater::new(6, 15, Matching::Default, false));
    let strict = Strictness { no_context_takeover: true, ..Strictness::default() };
    let mut reassembler =
        Reassembler::new(Settings { strictness: strict, ..common::strict_takeover(false) });
    let fresh = reassembler.bytes_held();
    reassembler.receive_data(&frames[0], &mut Events::to(|_, _| ()));
    assert!(reassembler.park_inflater() > WINDOW);
    assert_eq!(reassembler.bytes_held(), fresh);
}

#[test]
fn inflater_is_not_parked_inside_a_compressed_message() {
    let frames =
        common::compressed(&[content(5000, 3)], Deflater::new(6, 15, Matching::Default, true));
    let mut reassembler = Reassembler::new(common::strict_deflate());
    let mut sink = Events::to(|_, _| ());
    reassembler.receive_data(&frames[0][..3000], &mut sink);
    assert_eq!(reassembler.park_inflater(), 0);
    reassembler.receive_data(&frames[0][3000..], &mut sink);
    assert!(reassembler.park_inflater() > 0);
    // An open message that is not compressed needs no inflater.
    reassembler.receive_data(&frames[0], &mut Events::to(|_, _| ()));
    reassembler.receive_data(b"\x01\x02he", &mut Events::to(|_, _| ()));
    assert!(reassembler.park_inflater() > 0);
}

/// What a passive direction gives, in short.
fn watch(settings: Settings, chunks: &[&[u8]], abandon_after: usize) -> (Vec<String>, [u64; 4]) {
    let mut seen = Vec::new();
    let how = Passive { contents: true, from_the_start: true };
    let mut direction = Reassembler::passive(settings, how);
    let mut extents = 0;
    let mut sink = Events::to(|offset, event: Event<'_, Vec<u8>>| match event {
        Event::Message { content, extent, .. } => {
            extents += extent.wire_length;
            seen.push(format!("{offset} {}", content.escape_ascii()));
        }
        Event::Damaged { content, extent, damage, missing, .. } => {
            extents += extent.wire_length;
            let damage = match damage {
                Damage::Fault(Kind::Limit(excess)) => excess.name().to_owned(),
                other => format!("{other:?}"),
            };
            seen.push(format!("{offset} {damage} {missing} {}", content.escape_ascii()));
        }
        other => seen.push(format!("{offset} {other:?}")),
    });
    for (index, chunk) in chunks.iter().enumerate() {
        direction.receive_data(chunk, &mut sink);
        if index + 1 == abandon_after {
            let held = direction.bytes_held();
            let excess = Excess::Budget { limit: 10, requested: 11 };
            let given_back = direction.abandon_message(excess);
            assert_eq!(direction.bytes_held() + given_back, held);
            assert_eq!(direction.bytes_buffered(), 0, "the content is gone");
        }
    }
    direction.finish(&mut sink);
    let counts = [
        direction.bytes_received(),
        direction.control_bytes(),
        direction.bytes_skipped(),
        direction.bytes_discarded(),
    ];
    assert_eq!(counts[0], extents + counts[1..].iter().sum::<u64>(), "every byte is accounted for");
    (seen, counts)
}

#[test]
fn abandoned_message_is_skipped_and_the_next_is_read() {
    let chunks: [&[u8]; 4] = [b"\x81\x02hi\x01\x03abc", b"\x00\x02de", b"\x80\x01f", b"\x81\x02yo"];
    let expected = ["0 hi", "4 budget 0 ", "16 yo"];
    assert_eq!(watch(common::strict(), &chunks, 1).0, expected);
    assert_eq!(watch(common::strict(), &chunks, 2).0, expected);
    // Nothing is open any more.
    assert_eq!(watch(common::strict(), &chunks, 3).0, ["0 hi", "4 abcdef", "16 yo"]);
    // The end comes first.
    assert_eq!(watch(common::strict(), &chunks[..2], 1).0, ["0 hi", "4 budget 0 "]);
}

/// Later messages refer to what the abandoned one inflates to.
#[test]
fn abandoned_compressed_message_keeps_the_window() {
    let contents = [content(900, 4), content(900, 5), content(900, 5)];
    let frames = common::compressed(&contents, Deflater::new(6, 15, Matching::Default, true));
    assert!(frames[2].len() < 100, "the third refers to the second");
    let (first, rest) = frames[1].split_at(500);
    let chunks = [&frames[0][..], first, rest, &frames[2]];
    let (whole, counts) = watch(common::strict_deflate(), &chunks, 0);
    let (abandoned, same) = watch(common::strict_deflate(), &chunks, 2);
    assert_eq!((abandoned.len(), counts), (3, same));
    assert_eq!((&abandoned[0], &abandoned[2]), (&whole[0], &whole[2]));
    assert_eq!(abandoned[1], format!("{} budget 0 ", frames[0].len()));
}

#[test]
fn abandoned_message_counts_like_one_over_a_limit() {
    let contents = [content(50, 4), content(900, 5), content(60, 6)];
    let frames = common::compressed(&contents, Deflater::new(6, 15, Matching::Default, true));
    let (first, rest) = frames[1].split_at(500);
    let chunks = [&frames[0][..], first, rest, &frames[2]];
    let limits = Limits { max_message_size: Some(100), ..Limits::default() };
    let (over, counts) = watch(Settings { limits, ..common::strict_deflate() }, &chunks, 0);
    let (abandoned, same) = watch(common::strict_deflate(), &chunks, 2);
    assert_eq!(counts, same);
    assert!(over[1].starts_with(&format!("{} max_message_size 0 ", frames[0].len())), "{over:?}");
    assert_eq!((&over[0], &over[2]), (&abandoned[0], &abandoned[2]));
}

/// An endpoint has no use for a connection with a hole in it.
#[test]
fn endpoint_abandons_nothing() {
    let mut reassembler = Reassembler::<Vec<u8>>::new(common::strict());
    reassembler.receive_data(b"\x01\x02he", &mut Events::to(|_, _| ()));
    let excess = Excess::Budget { limit: 1, requested: 2 };
    assert_eq!((reassembler.abandon_message(excess), reassembler.bytes_buffered()), (0, 2));
}
