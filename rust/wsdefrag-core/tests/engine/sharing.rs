//! Directions that share inflaters read what each reads with its own, and wait with short frames
//! instead of keeping an inflater.

use crate::common;
use crate::contract::writer::Deflater;
use proptest::prelude::*;
use proptest::sample::Index;
use wsdefrag_core::read::passive::Passive;
use wsdefrag_core::{Event, Events, InflaterPool, Limits, Reassembler, Settings, Strictness};
use zlib_rs::Strategy as Matching;

const HOW: Passive = Passive { contents: true, from_the_start: true };

/// A chunk, or the number of bytes that are missing instead.
type Part<'a> = Result<&'a [u8], u64>;

/// One observed direction, and what it gave out.
struct Observed {
    direction: Reassembler<Vec<u8>>,
    seen: Vec<String>,
}

impl Observed {
    fn new(settings: Settings, pool: Option<&InflaterPool>) -> Self {
        let direction = Reassembler::passive(settings, HOW);
        let direction = match pool {
            Some(pool) => direction.with_inflaters(pool.clone()),
            None => direction,
        };
        Self { direction, seen: Vec::new() }
    }

    fn take(&mut self, part: Part<'_>) {
        let Self { direction, seen } = self;
        let mut sink = Events::to(|offset, event: Event<'_, Vec<u8>>| {
            seen.push(format!("{offset} {event:?}"));
        });
        match part {
            Ok(chunk) => direction.receive_data(chunk, &mut sink),
            Err(missing) => direction.receive_gap(missing, &mut sink),
        }
    }

    /// What came out, and the counters.
    fn end(mut self) -> (Vec<String>, String) {
        let Self { direction, seen } = &mut self;
        direction.finish(&mut Events::to(|offset, event: Event<'_, Vec<u8>>| {
            seen.push(format!("{offset} {event:?}"));
        }));
        let counts = [
            direction.bytes_received(),
            direction.control_bytes(),
            direction.bytes_skipped(),
            direction.bytes_discarded(),
        ];
        let rest = format!("{counts:?} {:?} {:?}", direction.tolerated(), direction.error());
        (self.seen, rest)
    }
}

/// Cuts a stream into chunks; some of its bytes are missing.
fn parts<'a>(wire: &'a [u8], size: usize, gap: Option<(usize, usize)>) -> Vec<Part<'a>> {
    let chunks = |wire: &'a [u8]| wire.chunks(size).map(Ok);
    let Some((start, length)) = gap else { return chunks(wire).collect() };
    let (before, rest) = wire.split_at(start);
    let (lost, after) = rest.split_at(length.min(rest.len()));
    chunks(before).chain([Err(lost.len() as u64)]).chain(chunks(after)).collect()
}

fn compressed(contents: &[&[u8]]) -> Vec<Vec<u8>> {
    common::compressed(contents, Deflater::new(6, 15, Matching::Default, true))
}

proptest! {
    #![proptest_config(common::times(400))]

    /// Two directions take turns with one inflater, which is parked after each part.
    #[test]
    fn sharing_changes_nothing(
        script in common::script(9_000),
        size in 1_usize..3000,
        damage in prop::option::of((any::<Index>(), any::<u8>())),
        gap in prop::option::of((any::<Index>(), 1_usize..3000)),
    ) {
        let mut wire = script.write().wire;
        if let Some((at, byte)) = damage {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        let gap = gap.map(|(at, length)| (at.index(wire.len()), length));
        let limits = Limits { max_message_size: Some(1 << 13), ..Limits::default() };
        for strictness in [Strictness::default(), Strictness::NONE] {
            let settings = Settings { limits, strictness, ..script.settings() };
            let pool = InflaterPool::default();
            let mut plain = Observed::new(settings, None);
            let mut sharing = [(); 2].map(|()| Observed::new(settings, Some(&pool)));
            for part in parts(&wire, size, gap) {
                plain.take(part);
                for one in &mut sharing {
                    one.take(part);
                    one.direction.park_inflater();
                }
            }
            let expected = plain.end();
            for one in sharing {
                prop_assert_eq!(&one.end(), &expected);
            }
            prop_assert_eq!(pool.lent(), 0);
        }
    }
}

/// What waits of a frame is counted, and so is an inflater until it is given up.
#[test]
fn memory_of_a_direction_is_that_of_what_it_holds() {
    let pool = InflaterPool::default();
    let frames = compressed(&[&[7; 5000], b"a second message"]);
    let mut one = Observed::new(common::strict_deflate(), Some(&pool));
    let empty = one.direction.bytes_held();
    assert!(!one.direction.has_inflater());
    one.take(Ok(&frames[0][..10]));
    let waiting = frames[0].len() - 2;
    assert!(one.direction.bytes_held() >= empty + waiting, "{waiting} bytes wait");
    assert!(!one.direction.has_inflater());
    one.take(Ok(&frames[0][10..]));
    assert!(one.direction.has_inflater());
    let inflating = one.direction.bytes_held();
    let given_back = one.direction.park_inflater();
    assert!(given_back > 0 && !one.direction.has_inflater());
    assert_eq!(one.direction.bytes_held(), inflating - given_back);
    // The window of the first message is kept, until nothing can refer to it any more.
    assert!(one.direction.bytes_held() >= empty + 100);
    one.direction.finish(&mut Events::to(|_, _| ()));
    one.direction.drop_inflater();
    assert_eq!(one.direction.bytes_held(), empty);
}

#[test]
fn direction_can_be_told_to_share_its_inflater() {
    let pool = InflaterPool::default();
    let mut one = Observed::new(common::strict_deflate(), None);
    one.direction.share_inflaters(pool.clone());
    one.take(Ok(&compressed(&[b"a first message"])[0]));
    assert_eq!(pool.lent(), 1);
    one.direction.drop_inflater();
    assert_eq!(pool.lent(), 0);
}

#[test]
fn inflater_is_dropped_at_the_end_of_a_direction() {
    let frames = compressed(&[b"a first message"]);
    let mut one = Observed::new(common::strict_deflate(), None);
    let empty = one.direction.bytes_held();
    one.take(Ok(&frames[0]));
    assert!(one.direction.has_inflater() && one.direction.bytes_held() > empty);
    one.direction.drop_inflater();
    assert!(!one.direction.has_inflater());
    assert_eq!(one.direction.bytes_held(), empty);
}

#[test]
fn direction_inside_a_short_frame_needs_no_inflater() {
    let pool = InflaterPool::default();
    let frames = compressed(&[b"a first message", b"a second message", b"a third message"]);
    let mut one = Observed::new(common::strict_deflate(), Some(&pool));
    one.take(Ok(&frames[0]));
    assert_eq!(pool.lent(), 1);
    one.take(Ok(&frames[1][..5]));
    let waiting = one.direction.bytes_buffered();
    assert_eq!(waiting, 3, "the payload so far");
    assert!(one.direction.park_inflater() > 0);
    assert_eq!((pool.lent(), one.direction.bytes_buffered()), (0, waiting));
    one.take(Ok(&frames[1][5..]));
    assert_eq!(pool.lent(), 1);
    one.take(Ok(&frames[2]));
    let seen = one.end().0;
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|event| event.contains("Message {")), "{seen:?}");
}

#[test]
fn content_before_a_gap_in_a_waiting_frame_is_kept() {
    let text = b"what came before the gap is inflated as far as it goes".repeat(3);
    let frames = compressed(&[&text]);
    for end in [false, true] {
        let results = [None, Some(InflaterPool::default())].map(|pool| {
            let mut one = Observed::new(common::strict_deflate(), pool.as_ref());
            one.take(Ok(&frames[0][..40]));
            if end {
                one.take(Err(5));
                one.take(Ok(&frames[0][45..]));
            }
            one.end()
        });
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0].0.len(), 1);
    }
}

#[test]
fn long_frames_are_inflated_as_they_come() {
    let pool = InflaterPool::default();
    let noise =
        (0..9_000_u32).map(|n| n.wrapping_mul(0x9E37_79B9).wrapping_mul(n).to_be_bytes()[0]);
    let noise: Vec<u8> = noise.collect();
    let frames = compressed(&[&noise]);
    assert!(frames[0].len() > 5000);
    let mut one = Observed::new(common::strict_deflate(), Some(&pool));
    one.take(Ok(&frames[0][..2000]));
    assert_eq!((pool.lent(), one.direction.park_inflater()), (1, 0));
    drop(one);
    assert_eq!(pool.lent(), 0);
    assert!(pool.idle_bytes() > 0, "it is there for the next");
}
