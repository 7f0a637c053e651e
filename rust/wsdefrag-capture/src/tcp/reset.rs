//! A RST, which ends a connection only if nothing follows.
//!
//! RFC 9293 sections 3.5.3 and 3.10.7, RFC 5961 section 3 (forged ones).

use crate::checkpoint::side;
use crate::packet::Segment;
use serde::{Deserialize, Serialize};

/// A RST whose sender has sent nothing since.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Reset {
    #[serde(deserialize_with = "side::side")]
    pub(super) sender: usize,
    /// For each direction, the sequence number up to which it was captured by then.
    pub(super) next: [Option<u32>; 2],
}

impl Reset {
    /// Whether a segment shows that the RST did not end the connection: its sender has sent more, or
    /// has received more.
    pub(super) fn is_refuted_by(self, sender: usize, segment: &Segment<'_>) -> bool {
        let is_after = |next: Option<u32>, sequence: u32| {
            next.is_none_or(|next| sequence.wrapping_sub(next).cast_signed() > 0)
        };
        let [own, other] = [self.next[sender], self.next[1 - sender]];
        let length =
            u32::try_from(segment.bytes.len()).unwrap_or(u32::MAX).wrapping_add(segment.cut);
        let sent = length > 0 && is_after(own, segment.sequence.wrapping_add(length));
        let received = segment.acknowledgment.is_some_and(|received| is_after(other, received));
        sender == self.sender && (sent || received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_more_from_its_sender_or_to_it_refutes_a_reset() {
        let reset = Reset { sender: 0, next: [Some(100), Some(u32::MAX)] };
        let unknown = Reset { sender: 0, next: [None; 2] };
        let data = |sequence, bytes, cut| Segment { sequence, bytes, cut, ..Segment::default() };
        let answer =
            |acknowledgment| Segment { acknowledgment: Some(acknowledgment), ..Segment::default() };
        for (reset, sender, segment, expected) in [
            (reset, 0, data(97, &b"abc"[..], 0), false),
            (reset, 0, data(98, b"abc", 0), true),
            (reset, 0, data(98, b"", 2), false),
            (reset, 0, data(98, b"", 3), true),
            (reset, 0, data(97, b"abc", 1), true),
            (reset, 0, data(5_000, b"", 0), false),
            (reset, 0, answer(u32::MAX), false),
            (reset, 0, answer(u32::MAX - 1), false),
            (reset, 0, answer(0), true),
            // The other side may still send what was on the way.
            (reset, 1, data(98, b"abc", 0), false),
            (reset, 1, answer(101), false),
            (unknown, 0, data(5, b"a", 0), true),
            (unknown, 0, answer(5), true),
            (unknown, 0, data(5, b"", 0), false),
        ] {
            assert_eq!(reset.is_refuted_by(sender, &segment), expected, "{sender} {segment:?}");
        }
    }
}
