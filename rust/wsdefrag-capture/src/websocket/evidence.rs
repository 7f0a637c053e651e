//! The evidence that a stream is a WebSocket, where no handshake says so.
//!
//! Three valid frame headers in a row are no proof: Modbus, MQTT, HART-IP, `MySQL` and SMB have them,
//! too. So each sign for or against frames has a weight: how much more often it is seen in a WebSocket
//! than in other protocols, as a logarithm to base 2. A sum of 10 bits says that the frames are
//! 1,000 times more likely.
//!
//! Signs of one kind are not independent: a protocol whose messages begin with the same byte always
//! begins with it. So each kind has a limit, and no kind alone is a proof. What a type byte and a
//! length before each message explain (MQTT and many others) stays below the threshold, even on a port
//! of the web.

use serde::{Deserialize, Serialize};

/// A weight, in tenths of a bit.
pub(super) type Weight = i32;

/// The sum that proves a WebSocket. Of 1,000 connections without a handshake maybe one is a WebSocket
/// (10 bits), and of 1,000 decisions at most one may be wrong (10 bits).
pub(super) const THRESHOLD: Weight = 200;

/// A sign for or against frames, with its weight and the limit for all signs of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// A segment starts with a valid header: 10 of 256 first bytes.
    Start,
    /// A frame begins where the frame before ends, with the same first byte.
    SameKind,
    /// A frame begins where the frame before ends, with another first byte.
    OtherKind,
    /// A frame ends with its segment, and its length is another than the last one's.
    Length,
    /// A frame ends with its segment.
    SameLength,
    /// A length of 16 or 64 bits in its shortest form leads to a header or the end of a segment.
    Extended,
    /// Characters of a text without a mask: printable and valid UTF-8.
    Text,
    /// Characters of a text that a mask uncovers.
    MaskedText,
    /// A Close with a code that exists.
    Close,
    /// A masking key that differs in all four bytes from the key before.
    Key,
    /// A fragment: most messages have one frame.
    Fragment,
    /// A fragment without payload that does not end its message.
    EmptyFragment,
    /// A message without payload.
    Empty,
    /// A masking key that shares a byte in its place with the key before: chance is 1 of 64.
    KeyShared,
    /// The masking key of the frame before.
    KeyRepeated,
    /// A masking key with two zeros, or printable characters alone: chance is 1 of 50 or less.
    KeyPlain,
    /// A text that is not UTF-8.
    NotUtf8,
    /// A text with control characters.
    ControlCharacter,
    /// A Close with a code that does not exist.
    InvalidClose,
}

const SIGNS: usize = 19;

impl Sign {
    /// The weight of one sign, and the limit of the sum.
    #[expect(clippy::match_same_arms, reason = "a line for each sign, in their order")]
    const fn weight(self) -> (Weight, Weight) {
        match self {
            Self::Start => (45, 45),
            Self::SameKind => (10, 60),
            Self::OtherKind => (30, 90),
            Self::Length => (20, 60),
            Self::SameLength => (5, 10),
            Self::Extended => (60, 120),
            Self::Text => (5, 150),
            Self::MaskedText => (10, 300),
            Self::Close => (50, 50),
            Self::Key => (15, 60),
            Self::Fragment => (-15, -60),
            Self::EmptyFragment => (-80, -400),
            Self::Empty => (-10, -40),
            Self::KeyShared => (-40, -400),
            Self::KeyRepeated => (-50, -150),
            Self::KeyPlain => (-40, -200),
            Self::NotUtf8 => (-120, -400),
            Self::ControlCharacter => (-80, -400),
            Self::InvalidClose => (-120, -400),
        }
    }
}

/// The weights of one direction's signs.
///
/// - `|sums[sign]| <= |limit of the sign|`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Evidence {
    sums: [Weight; SIGNS],
}

impl Evidence {
    pub(super) const fn new() -> Self {
        Self { sums: [0; SIGNS] }
    }

    pub(super) fn add(&mut self, sign: Sign) {
        self.add_times(sign, 1);
    }

    /// Adds a sign that was seen so many times.
    pub(super) fn add_times(&mut self, sign: Sign, times: usize) {
        let (weight, limit) = sign.weight();
        let times = Weight::try_from(times).unwrap_or(Weight::MAX);
        let sum = &mut self.sums[sign as usize];
        *sum = sum.saturating_add(weight.saturating_mul(times));
        *sum = if limit < 0 { (*sum).max(limit) } else { (*sum).min(limit) };
    }

    /// The sum of all weights.
    pub(super) fn total(&self) -> Weight {
        self.sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::well_known_ports;

    #[test]
    fn type_and_length_before_each_message_are_no_proof() {
        let mut evidence = Evidence::default();
        evidence.add(Sign::Start);
        for _ in 0..1000 {
            evidence.add(Sign::SameKind);
            evidence.add(Sign::Length);
            evidence.add(Sign::SameLength);
        }
        let ports = well_known_ports::weight([50_000, 80]);
        assert!(evidence.total() + ports < THRESHOLD);
    }

    #[test]
    fn what_speaks_against_frames_has_a_limit_too() {
        let mut evidence = Evidence::default();
        evidence.add_times(Sign::NotUtf8, usize::MAX);
        evidence.add_times(Sign::MaskedText, usize::MAX);
        assert_eq!(evidence.total(), -100);
    }
}
