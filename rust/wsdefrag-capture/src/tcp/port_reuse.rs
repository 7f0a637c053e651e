//! Recognises a new connection on the addresses and ports of one that goes on.
//!
//! A SYN alone proves nothing: it may be forged, or a late packet of an earlier connection, and the
//! peer would not reset the connection because of it. So it is only remembered, and a later packet
//! has to confirm it: the answer that acknowledges it, or the segment that follows it. A packet
//! that the running connection expects confirms nothing, unless it is the answering SYN, or the
//! first one of a direction. Then the SYN before it may have been the stray one. Nor does an answering
//! SYN where both go on exactly where the running connection stands: then both are forged.
//!
//! RFC 9293 section 3.10.7.4.

use crate::checkpoint::side;
use crate::packet::Segment;
use crate::tcp::stream::Stream;
use serde::{Deserialize, Serialize};

/// Whether a segment opens a new connection on the ports of a running one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PortReuse {
    No,
    /// A later packet has to confirm it. The segment does not belong to the running connection.
    Possible,
    /// It does. Contains the SYN if that was an earlier segment, and `None` if this segment is the SYN.
    Confirmed(Option<OtherSyn>),
}

/// A SYN that the running connection did not begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OtherSyn {
    /// An index of an endpoint, as are all senders.
    #[serde(deserialize_with = "side::side")]
    pub(super) sender: usize,
    /// The endpoint that opens the connection.
    #[serde(deserialize_with = "side::side")]
    pub(super) client: usize,
    /// The sequence number of the SYN.
    pub(super) sequence: u32,
    /// What it acknowledges.
    acknowledgment: Option<u32>,
}

impl OtherSyn {
    /// The SYN of a segment.
    pub(super) const fn of(sender: usize, segment: &Segment<'_>) -> Self {
        let client = if segment.acknowledgment.is_some() { 1 - sender } else { sender };
        let Segment { sequence, acknowledgment, .. } = *segment;
        Self { sender, client, sequence, acknowledgment }
    }

    /// Whether it answers the SYN that the running connection began with.
    pub(super) fn is_answer(self, streams: &[Stream; 2]) -> bool {
        let answered = self.acknowledgment.map(|number| number.wrapping_sub(1));
        answered.is_some() && answered == streams[1 - self.sender].initial_sequence()
    }

    /// Whether a later segment shows that the SYN opened a connection. `streams` are those of the
    /// running connection.
    pub(super) fn is_confirmed_by(
        self,
        sender: usize,
        segment: &Segment<'_>,
        streams: &[Stream; 2],
    ) -> bool {
        let next = self.sequence.wrapping_add(1);
        if sender == self.sender {
            let follows = !segment.syn && !segment.rst && segment.sequence == next;
            return follows && !streams[sender].expects(next);
        }
        let answers = segment.acknowledgment == Some(next) && !segment.rst;
        if !segment.syn {
            return answers && !streams[self.sender].expects(next);
        }
        // Two SYNs that go on exactly where the running connection stands are both forged.
        let goes_on = streams[self.sender].next_sequence() == Some(next)
            && streams[sender].next_sequence() == Some(segment.sequence.wrapping_add(1));
        // A SYN that acknowledges is answered by none.
        answers && self.acknowledgment.is_none() && !goes_on
    }
}
