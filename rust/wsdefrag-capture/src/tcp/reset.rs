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
