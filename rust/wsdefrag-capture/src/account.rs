//! The account of one direction: what became of each of its bytes.

use serde::{Deserialize, Serialize};
use wsdefrag_core::strictness::Tolerated;
use wsdefrag_core::{Error, Opcode};

use crate::message::Status;

/// How many messages there are, and how many bytes their contents have.
type Count = (u64, u64);

/// How many messages there are of each type and status, and how many bytes their contents have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCounts {
    /// Texts and binaries that are complete. Most connections have no others.
    complete: [Count; 2],
    /// All others, by type and status.
    others: Option<Box<OtherCounts>>,
}

type OtherCounts = [[Count; Status::ALL.len()]; MessageCounts::TYPES.len()];

impl MessageCounts {
    /// The types of messages, in the order of the counters.
    pub const TYPES: [Opcode; 3] = [Opcode::Continuation, Opcode::Text, Opcode::Binary];

    /// Counts a message with a content of this many bytes.
    #[inline]
    pub(crate) fn add(&mut self, opcode: Opcode, status: Status, bytes: u64) {
        let (messages, total) = match (opcode, status) {
            (Opcode::Text, Status::Ok) => &mut self.complete[0],
            (Opcode::Binary, Status::Ok) => &mut self.complete[1],
            _ => self.other(opcode, status),
        };
        *messages += 1;
        *total += bytes;
    }

    #[cold]
    fn other(&mut self, opcode: Opcode, status: Status) -> &mut Count {
        let row = Self::TYPES.iter().position(|of| *of == opcode).unwrap_or(0);
        &mut self.others.get_or_insert_default()[row][status as usize]
    }

    /// The count of the type with this index.
    fn count(&self, row: usize, status: Status) -> Count {
        match (row, status) {
            (1 | 2, Status::Ok) => self.complete[row - 1],
            _ => self.others.as_ref().map_or((0, 0), |others| others[row][status as usize]),
        }
    }

    /// The messages of this status, of any type.
    #[must_use]
    pub fn of_status(&self, status: Status) -> u64 {
        (0..Self::TYPES.len()).map(|row| self.count(row, status).0).sum()
    }

    /// The type, the status, the number of messages and the bytes of their contents, for each type
    /// and status of which there is a message.
    pub fn iter(&self) -> impl Iterator<Item = (Opcode, Status, u64, u64)> {
        let cells = Self::TYPES.into_iter().enumerate().flat_map(move |(row, opcode)| {
            Status::ALL.into_iter().map(move |status| (opcode, status, self.count(row, status)))
        });
        cells.filter_map(|(opcode, status, (messages, bytes))| {
            (messages > 0).then_some((opcode, status, messages, bytes))
        })
    }
}

/// Counters of one direction after the handshake.
///
/// - `bytes == emitted + control + skipped + lost + trailing` when the connection has ended
/// - `missing + late <= bytes`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
// What each message changes shares cache lines.
#[repr(C)]
pub struct Account {
    /// Bytes of the stream, captured or not.
    pub bytes: u64,
    /// Bytes of the frames of complete messages, headers included.
    pub emitted: u64,
    /// Bytes of control frames.
    pub control: u64,
    /// Bytes of frames that were recognised but not delivered whole: those of incomplete messages
    /// and of messages over a limit.
    pub skipped: u64,
    /// Bytes that cannot be assigned to frames, because bytes before them were not captured.
    pub lost: u64,
    /// Bytes after a Close, or from a broken rule on.
    pub trailing: u64,
    /// Messages of any status, including those that a filter drops.
    pub messages: u64,
    /// Bytes of the messages' decoded contents.
    pub content: u64,
    /// Payload bytes of compressed messages that were inflated whole.
    pub compressed: u64,
    /// Bytes that those payloads were inflated to.
    pub inflated: u64,
    /// Pings and pongs.
    pub pings: u64,
    /// Gaps: runs of bytes that were not captured, or too late.
    pub gaps: u64,
    /// Bytes in gaps that no packet of the capture has.
    pub missing: u64,
    /// Bytes in gaps that a packet had which came too late to be read.
    pub late: u64,
    /// Segments that repeated bytes captured before. Unlike all other counters this includes the
    /// handshake.
    pub retransmissions: u64,
    /// Retransmissions whose bytes differed from those captured before, which were kept.
    pub overlaps: u64,
    /// How often each rule that is switched off was broken.
    pub tolerated: Tolerated,
    /// The messages and the bytes of their contents by type and status.
    pub counts: MessageCounts,
    /// The RSV bits of messages that belong to an agreed extension which is not known; RSV1 counts
    /// 4.
    pub foreign_bits: u8,
    /// The broken rule that ended the direction.
    pub violation: Option<Error>,
}

/// The name of a counter, and how it is read.
type Getter = (&'static str, fn(&Account) -> u64);

impl Account {
    /// The number of counters.
    pub const COUNTERS: usize = 16;

    /// The name and the value of every counter, in the order of the fields. Columns, JSON and Python
    /// take the names from here.
    ///
    /// ```
    /// use wsdefrag_capture::Account;
    ///
    /// let account = Account { bytes: 12, ..Account::default() };
    /// assert_eq!(account.counters()[0], ("bytes", 12));
    /// ```
    #[must_use]
    pub fn counters(&self) -> [(&'static str, u64); Self::COUNTERS] {
        Self::GETTERS.map(|(name, of)| (name, of(self)))
    }

    /// The name of every counter and how it is read, in the order of the fields.
    pub(crate) const GETTERS: [Getter; Self::COUNTERS] = {
        macro_rules! getters {
            ($($name:ident),*) => {{
                // Without `..`, so that a new field that is missing here fails to compile.
                const fn _all(account: &Account) {
                    let Account { $($name: _,)* tolerated: _, counts: _, foreign_bits: _, violation: _ } =
                        account;
                }
                [$((stringify!($name), |account: &Account| account.$name)),*]
            }};
        }
        getters!(
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
            late,
            retransmissions,
            overlaps
        )
    };

    /// Whether every byte is in exactly one of the five counters that make up `bytes`.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.bytes == self.emitted + self.control + self.skipped + self.lost + self.trailing
    }

    /// Whether any byte was skipped, lost, or not captured in time.
    #[must_use]
    pub const fn has_losses(&self) -> bool {
        // A gap inside TLS may be of unknown length, and counts no bytes.
        self.skipped != 0 || self.lost != 0 || self.missing != 0 || self.late != 0 || self.gaps != 0
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
            late: 14,
            retransmissions: 15,
            overlaps: 16,
            tolerated: Tolerated::default(),
            counts: MessageCounts::default(),
            foreign_bits: 0,
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
            ("late", 14),
            ("retransmissions", 15),
            ("overlaps", 16),
        ];
        assert_eq!(account.counters(), expected);
    }
}
