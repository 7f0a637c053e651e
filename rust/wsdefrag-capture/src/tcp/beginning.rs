//! The first segments of a connection, while earlier ones may still be captured.
//!
//! Captures reorder first packets, too: a SYN, or the first bytes of a direction, may come after later
//! bytes. So a direction whose SYN was not captured does not begin with the first segment that comes,
//! but with the earliest of those that come while a hole would be waited for (see
//! [`patience`](crate::tcp::patience)). Meanwhile all segments of the connection wait here, so that the
//! conversation gets those of both directions in the order in which they were captured.
//!
//! - `bytes` is the sum of `bytes.len()` over `segments`
//! - `segments.len() <= MAX_SEGMENTS + 1` and `bytes <= MAX_BYTES` and one segment

#![expect(clippy::disallowed_methods, reason = "at most `MAX_SEGMENTS` and one, in one box")]

use crate::checkpoint::side;
use crate::packet::{Origin, Segment};
use crate::tcp::patience::Confirmation;
use crate::tcp::stream::Stream;
use serde::{Deserialize, Serialize};

/// Payload bytes that may wait.
const MAX_BYTES: usize = 1 << 20;
/// Segments that may wait.
const MAX_SEGMENTS: usize = 1024;

/// A segment that waits.
#[derive(Serialize, Deserialize)]
pub(super) struct WaitingSegment {
    /// An index of an endpoint.
    #[serde(deserialize_with = "side::side")]
    pub(super) sender: usize,
    /// The segment without its payload.
    head: Segment<'static>,
    #[serde(with = "serde_bytes")]
    bytes: Box<[u8]>,
    pub(super) origin: Origin,
    /// The capture's clock when it came, in nanoseconds since the epoch.
    pub(super) now: i64,
}

impl WaitingSegment {
    pub(super) fn segment(&self) -> Segment<'_> {
        Segment { bytes: &self.bytes, ..self.head }
    }
}

/// The first segments of a connection, in the order in which they were captured.
#[derive(Serialize, Deserialize)]
pub(super) struct Beginning {
    segments: Vec<WaitingSegment>,
    bytes: usize,
    /// By sender: when its first segment with payload came, in nanoseconds since the epoch.
    since: [Option<i64>; 2],
    /// By sender: how many segments with payload wait.
    with_payload: [u32; 2],
}

impl Beginning {
    pub(super) fn boxed() -> Box<Self> {
        let segments = Vec::new();
        Box::new(Self { segments, bytes: 0, since: [None; 2], with_payload: [0; 2] })
    }

    /// The memory that it takes, in bytes.
    pub(super) const fn memory(&self) -> usize {
        self.bytes + self.segments.capacity() * size_of::<WaitingSegment>()
    }

    /// Adds a segment that was captured at `now` (nanoseconds since the epoch).
    pub(super) fn push(&mut self, sender: usize, segment: &Segment<'_>, origin: Origin, now: i64) {
        if segment.has_payload() {
            self.since[sender].get_or_insert(now);
            self.with_payload[sender] += 1;
        }
        self.bytes += segment.bytes.len();
        let head = Segment { bytes: &[], ..*segment };
        let bytes = segment.bytes.into();
        self.segments.push(WaitingSegment { sender, head, bytes, origin, now });
    }

    /// Whether nothing is waited for any more at `now` (nanoseconds since the epoch): each direction
    /// has begun, or was waited for.
    pub(super) fn is_over(&self, now: i64, streams: &[Stream; 2]) -> bool {
        let is_full = self.bytes > MAX_BYTES || self.segments.len() > MAX_SEGMENTS;
        let is_over = |sender: usize| {
            let first = self.since[sender].map(|time| Confirmation { time, segments: 1 });
            first.is_none_or(|first| first.is_over(now, self.with_payload[sender]))
        };
        is_full || [0, 1].into_iter().all(|sender| streams[sender].has_begun() || is_over(sender))
    }

    /// The segments, to be read now. The directions that have some begin.
    pub(super) fn end(self, streams: &mut [Stream; 2]) -> Vec<WaitingSegment> {
        for (stream, since) in streams.iter_mut().zip(self.since) {
            if since.is_some() {
                stream.begin();
            }
        }
        self.segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::patience::MAX_WAIT;

    const DATA: Segment<'_> = Segment {
        sequence: 100,
        acknowledgment: None,
        syn: false,
        fin: false,
        rst: false,
        bytes: b"abc",
        cut: 0,
    };

    #[test]
    fn beginning_is_waited_for_as_long_as_a_hole() {
        let streams = [Stream::default(), Stream::default()];
        let mut beginning = Beginning::boxed();
        beginning.push(0, &DATA, Origin::default(), 5);
        assert!(!beginning.is_over(5 + MAX_WAIT - 1, &streams));
        assert!(beginning.is_over(5 + MAX_WAIT, &streams));
        for _ in 0..64 {
            beginning.push(0, &DATA, Origin::default(), 6);
        }
        assert!(!beginning.is_over(5 + MAX_WAIT / 10 - 1, &streams));
        assert!(beginning.is_over(5 + MAX_WAIT / 10, &streams));
        beginning.push(1, &DATA, Origin::default(), 7);
        assert!(!beginning.is_over(5 + MAX_WAIT, &streams), "the other direction");
        for _ in 0..MAX_SEGMENTS {
            beginning.push(1, &Segment { bytes: b"", ..DATA }, Origin::default(), 7);
        }
        assert!(beginning.is_over(7, &streams), "no room");
    }

    #[test]
    fn waiting_segments_take_memory_up_to_a_bound() {
        let streams = [Stream::default(), Stream::default()];
        let mut beginning = Beginning::boxed();
        assert_eq!(beginning.memory(), 0);
        let part = vec![0; MAX_BYTES / 16];
        for number in 1..=16 {
            beginning.push(0, &Segment { bytes: &part, ..DATA }, Origin::default(), 5);
            let least = number * (part.len() + size_of::<WaitingSegment>());
            assert!(beginning.memory() >= least && beginning.memory() <= least + 16 * 1024);
        }
        assert!(!beginning.is_over(5, &streams), "as many bytes as may wait");
        beginning.push(0, &Segment { bytes: b"a", ..DATA }, Origin::default(), 5);
        assert!(beginning.is_over(5, &streams), "too many bytes");

        let mut beginning = Beginning::boxed();
        for _ in 0..MAX_SEGMENTS {
            beginning.push(0, &DATA, Origin::default(), 5);
        }
        assert!(!beginning.is_over(5, &streams), "as many segments as may wait");
        beginning.push(0, &DATA, Origin::default(), 5);
        assert!(beginning.is_over(5, &streams), "too many segments");
    }

    #[test]
    fn syn_ends_the_waiting() {
        let mut streams = [Stream::default(), Stream::default()];
        let mut beginning = Beginning::boxed();
        beginning.push(0, &DATA, Origin::default(), 5);
        streams[0].await_beginning(&DATA);
        assert!(!beginning.is_over(5, &streams));
        streams[0].start_with_syn(90);
        assert!(beginning.is_over(5, &streams));
        let first = beginning.end(&mut streams).remove(0);
        assert_eq!(first.segment(), DATA);
        assert_eq!(streams[0].position(100), Some(9));
    }
}
