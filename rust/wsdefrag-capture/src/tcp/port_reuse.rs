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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Origin;

    /// A direction with this SYN that has given out some bytes.
    fn stream(syn: u32, given: usize) -> Stream {
        let mut stream = Stream::default();
        stream.start_with_syn(syn);
        let bytes = vec![0; given];
        let segment = Segment { sequence: syn + 1, bytes: &bytes, ..Segment::default() };
        stream.segment(&segment, Origin::default(), 0, &mut 0, &mut |_| {});
        stream
    }

    const FAR: u32 = 0x4000_0000;

    fn syn(acknowledgment: Option<u32>) -> OtherSyn {
        OtherSyn { sender: 0, client: 0, sequence: FAR, acknowledgment }
    }

    #[test]
    fn opener_of_a_connection_is_who_sent_a_syn_that_acknowledges_nothing() {
        for (sender, acknowledgment, client) in
            [(0, None, 0), (1, None, 1), (0, Some(7), 1), (1, Some(7), 0)]
        {
            let segment = Segment { sequence: 5, acknowledgment, syn: true, ..Segment::default() };
            let expected = OtherSyn { sender, client, sequence: 5, acknowledgment };
            assert_eq!(OtherSyn::of(sender, &segment), expected);
        }
    }

    #[test]
    fn answer_acknowledges_the_syn_of_the_other_direction() {
        let streams = [Stream::default(), stream(99, 10)];
        assert!(syn(Some(100)).is_answer(&streams));
        assert!(!syn(Some(99)).is_answer(&streams) && !syn(Some(110)).is_answer(&streams));
        assert!(!syn(None).is_answer(&streams));
        let [first, second] = streams;
        let other = OtherSyn { sender: 1, ..syn(Some(100)) };
        assert!(other.is_answer(&[second, first]));
        // Nothing is known of the other direction.
        let nothing = [Stream::default(), Stream::default()];
        assert!(!syn(None).is_answer(&nothing) && !syn(Some(0)).is_answer(&nothing));
    }

    #[test]
    fn syn_is_confirmed_by_its_answer_or_by_what_follows_it() {
        let next = FAR + 1;
        let running = [stream(99, 1_000), stream(4_999, 1_000)];
        let data = |sequence| Segment { sequence, bytes: b"abc", ..Segment::default() };
        let answer = |number| Segment { acknowledgment: Some(number), ..data(6_000) };
        for (sender, segment, expected) in [
            (0, data(next), true),
            (0, data(next + 1), false),
            (0, data(FAR), false),
            (0, Segment { syn: true, ..data(next) }, false),
            (0, Segment { rst: true, ..data(next) }, false),
            // An acknowledgment of its own sender answers nothing.
            (0, answer(next), false),
            (1, answer(next), true),
            (1, answer(FAR), false),
            (1, answer(next + 3), false),
            (1, data(next), false),
            (1, Segment { rst: true, ..answer(next) }, false),
            (1, Segment { syn: true, ..answer(next) }, true),
            (1, Segment { syn: true, ..answer(FAR) }, false),
            (1, Segment { syn: true, rst: true, ..answer(next) }, false),
            (1, Segment { syn: true, ..data(6_000) }, false),
        ] {
            let found = syn(None).is_confirmed_by(sender, &segment, &running);
            assert_eq!(found, expected, "{sender} {segment:?}");
        }
    }

    /// A packet that the running connection expects too confirms nothing.
    #[test]
    fn what_goes_on_with_the_running_connection_confirms_no_syn() {
        let next = FAR + 1;
        let near = [stream(FAR - 500, 400), stream(4_999, 1_000)];
        let data = Segment { sequence: next, bytes: b"abc", ..Segment::default() };
        let answer = Segment { sequence: 6_000, acknowledgment: Some(next), ..Segment::default() };
        assert!(!syn(None).is_confirmed_by(0, &data, &near));
        assert!(!syn(None).is_confirmed_by(1, &answer, &near));
        // But an answering SYN does, unless both go on exactly where the connection stands.
        let answering = Segment { syn: true, ..answer };
        assert!(syn(None).is_confirmed_by(1, &answering, &near));
        assert!(!syn(Some(5)).is_confirmed_by(1, &answering, &near), "it was an answer itself");
        let stands = [stream(FAR - 400, 400), stream(4_999, 1_000)];
        assert!(syn(None).is_confirmed_by(1, &answering, &stands), "the answer is elsewhere");
        let both = Segment { sequence: 5_999, ..answering };
        assert!(!syn(None).is_confirmed_by(1, &both, &stands));
        assert!(syn(None).is_confirmed_by(1, &both, &near), "the SYN is elsewhere");
        let first = [stream(FAR, 0), stream(4_999, 1_000)];
        assert!(!syn(None).is_confirmed_by(0, &data, &first), "the first byte");
    }
}
