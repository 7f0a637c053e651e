//! What holds of any segments in any order.

use proptest::prelude::*;

use super::*;

proptest! {
    /// Each segment is captured at most 64 places late, and acknowledged at once.
    #[test]
    fn displaced_segments_lose_nothing(
        start in any::<u32>(),
        places in prop::collection::vec(0_usize..=64, 1..300),
        milliseconds in 0_i64..=15,
    ) {
        let mut order: Vec<_> = places.iter().enumerate().map(|(n, late)| (n + late, n)).collect();
        order.sort_unstable();
        let mut receiver = Receiver::starting_at(start.wrapping_sub(1));
        for (index, (_, number)) in order.into_iter().enumerate() {
            // A segment comes at most 128 segments after the next one, which is less than 2 s.
            let now = index as i64 * milliseconds * MILLISECOND;
            let sequence = start.wrapping_add(number as u32);
            receiver.segment_at(now, &part(sequence, &[b'a' + (number % 26) as u8]));
            receiver.stream.acknowledge(start.wrapping_add(places.len() as u32), now);
            receiver.settle(now);
        }
        let sent: String = (0..places.len()).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
        prop_assert_eq!(text(&receiver.received), sent);
    }

    /// Segments of one stream arrive in any order, any number of times or never, and their
    /// sequence numbers wrap. Every byte is given out once at its position, or is in a gap.
    #[test]
    fn bytes_are_given_out_at_their_position(
        start in any::<u32>(),
        length in 1_usize..200,
        parts in prop::collection::vec((0_usize..200, 0_usize..40, any::<bool>()), 0..60),
        acknowledge in prop::collection::vec((0_usize..60, 0_usize..200), 0..8),
    ) {
        let sent: Vec<u8> = (0..length).map(|n| b'a' + (n % 26) as u8).collect();
        let mut came = vec![false; length];
        let mut acknowledged = 0;
        let mut receiver = Receiver::starting_at(start.wrapping_sub(1));
        for (index, &(from, size, cut)) in parts.iter().enumerate() {
            let from = from.min(length);
            let until = (from + size).min(length);
            let seen = if cut { until - (until - from) / 3 } else { until };
            receiver.segment(&Segment {
                sequence: start.wrapping_add(from as u32),
                bytes: &sent[from..seen],
                cut: (until - seen) as u32,
                ..Segment::default()
            });
            came[from..seen].fill(true);
            for &(_, upto) in acknowledge.iter().filter(|(at, _)| *at == index) {
                let upto = upto.min(length);
                acknowledged = acknowledged.max(upto);
                receiver.stream.acknowledge(start.wrapping_add(upto as u32), index as i64);
            }
            receiver.settle(index as i64);
        }
        receiver.finish();
        prop_assert!(receiver.received.len() <= length);
        for (index, byte) in receiver.received.iter().enumerate() {
            if let Some(byte) = byte {
                prop_assert_eq!(*byte, sent[index]);
                prop_assert!(came[index]);
            }
        }
        prop_assert_eq!(receiver.stream.repeats.overlaps, 0);
        let last = came.iter().rposition(|came| *came).map_or(0, |last| last + 1);
        prop_assert!(receiver.received.len() >= last);
    }
}
