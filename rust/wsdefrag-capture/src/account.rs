//! The account of one direction of a connection: where each of its bytes went.

use wsdefrag_core::Error;
use wsdefrag_core::strictness::Tolerated;

/// What became of the bytes of one direction after the handshake, and what else there is to say
/// of it.
///
/// `bytes == emitted + control + skipped + lost + trailing` when the connection has ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Bytes on the stream, whether they were captured or not.
    pub bytes: u64,
    /// Bytes of the frames of messages that are whole on the wire, headers included.
    pub emitted: u64,
    /// Bytes of control frames.
    pub control: u64,
    /// Bytes of frames that are known but were not delivered whole: those of incomplete messages
    /// and of messages over a limit.
    pub skipped: u64,
    /// Bytes that cannot be told apart into frames, because some of them were not captured.
    pub lost: u64,
    /// Bytes after a Close, and from a broken rule on.
    pub trailing: u64,
    /// Messages, of any status, those included that a filter holds back.
    pub messages: u64,
    /// Bytes of their contents, decoded.
    pub content: u64,
    /// Payload bytes of compressed messages that were inflated whole.
    pub compressed: u64,
    /// What those were inflated to, in bytes.
    pub inflated: u64,
    /// Pings and pongs.
    pub pings: u64,
    /// Gaps: runs of bytes that were not captured.
    pub gaps: u64,
    /// Bytes in them.
    pub missing: u64,
    /// Segments with bytes that had come before; unlike all else those of the handshake count, too.
    pub retransmissions: u64,
    /// Those whose bytes differed from what had come before, which was kept.
    pub overlaps: u64,
    /// How often rules that are switched off were broken.
    pub tolerated: Tolerated,
    /// The broken rule that ended the direction.
    pub violation: Option<Error>,
}

impl Account {
    /// How many counters there are.
    pub const COUNTERS: usize = 15;

    /// Every counter with its name, in the order of the fields. Columns, JSON and Python take the
    /// names from here.
    ///
    /// ```
    /// use wsdefrag_capture::Account;
    ///
    /// let account = Account { bytes: 12, ..Account::default() };
    /// assert_eq!(account.counters()[0], ("bytes", 12));
    /// ```
    #[must_use]
    pub const fn counters(&self) -> [(&'static str, u64); Self::COUNTERS] {
        macro_rules! counters {
            ($($name:ident),*) => {{
                // Without `..`, so that a field that is not named here does not compile.
                let Self { $($name,)* tolerated: _, violation: _ } = self;
                [$((stringify!($name), *$name)),*]
            }};
        }
        counters!(
            bytes,
            emitted,
            control,
            skipped,
            lost,
            trailing,
            messages,
            content,
            compressed,
            inflated,
            pings,
            gaps,
            missing,
            retransmissions,
            overlaps
        )
    }

    /// Whether every byte is accounted for.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.bytes == self.emitted + self.control + self.skipped + self.lost + self.trailing
    }

    /// Whether anything on this direction was not handed out as it was sent.
    #[must_use]
    pub const fn has_losses(&self) -> bool {
        self.skipped != 0 || self.lost != 0 || self.missing != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_cover_every_field() {
        let account = Account {
            bytes: 1,
            emitted: 2,
            control: 3,
            skipped: 4,
            lost: 5,
            trailing: 6,
            messages: 7,
            content: 8,
            compressed: 9,
            inflated: 10,
            pings: 11,
            gaps: 12,
            missing: 13,
            retransmissions: 14,
            overlaps: 15,
            tolerated: Tolerated::default(),
            violation: None,
        };
        let expected = [
            ("bytes", 1),
            ("emitted", 2),
            ("control", 3),
            ("skipped", 4),
            ("lost", 5),
            ("trailing", 6),
            ("messages", 7),
            ("content", 8),
            ("compressed", 9),
            ("inflated", 10),
            ("pings", 11),
            ("gaps", 12),
            ("missing", 13),
            ("retransmissions", 14),
            ("overlaps", 15),
        ];
        assert_eq!(account.counters(), expected);
    }
}
