//! The header of a record, of fixed size: pcap and snoop.

use crate::file::record::{MAX_FOUND, MAX_RECORD, is_near};
use serde::{Deserialize, Serialize};

/// Packets of at most this many bytes are nothing unusual, whatever the file's snap length.
const USUAL_PACKET: u32 = 262_144;

/// Most bytes after a snoop packet that fill its record up.
pub(crate) const MAX_PAD: u32 = 64;

/// The layout of a record's header.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Layout {
    /// pcap, little-endian.
    Little,
    /// pcap, big-endian.
    Big,
    /// pcap in the format of Kuznetzov's libpcap: little-endian, and 8 bytes longer.
    Modified,
    /// snoop.
    Snoop,
}

impl Layout {
    #[inline]
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::Little | Self::Big => 16,
            Self::Modified | Self::Snoop => 24,
        }
    }
}

/// In which order a record's header has its two lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Lengths {
    /// Captured bytes first.
    CapturedFirst,
    /// Bytes on the wire first: pcap before version 2.3.
    WireFirst,
    /// The smaller one is that of the captured bytes: pcap 2.3, which programs wrote either way.
    Either,
}

/// The records of a file whose header has been read.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Records {
    pub(crate) layout: Layout,
    pub(crate) link: u32,
    /// The unit of the fraction of a second in a record's time, in nanoseconds.
    unit: u32,
    /// Longer packets are unusual in this file, in bytes.
    pub(crate) usual: u32,
    lengths: Lengths,
}

/// A record's header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    seconds: u32,
    fraction: u32,
    /// Captured bytes.
    pub(crate) captured: u32,
    /// Bytes on the wire.
    pub(crate) length: u32,
    /// Bytes after the packet that fill its record up.
    pub(crate) pad: u32,
}

impl Head {
    /// Whether it may be a part of a file that was never written.
    #[inline]
    const fn is_zero(&self) -> bool {
        self.seconds | self.fraction | self.captured | self.length == 0
    }
}

impl Records {
    /// `unit` is that of the fraction of a second, in nanoseconds; `snap` is the snap length.
    pub(crate) fn new(layout: Layout, link: u32, unit: u32, snap: u32) -> Self {
        let usual = snap.clamp(USUAL_PACKET, MAX_RECORD);
        Self { layout, link, unit, usual, lengths: Lengths::CapturedFirst }
    }

    /// The same records with their lengths in another order.
    pub(crate) const fn with_lengths(self, lengths: Lengths) -> Self {
        Self { lengths, ..self }
    }

    #[inline]
    pub(crate) fn head(&self, bytes: &[u8]) -> Option<Head> {
        let bytes = bytes.get(..self.layout.size())?;
        let little = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let big = |at| little(at).swap_bytes();
        let head = match self.layout {
            Layout::Little | Layout::Modified => Head {
                seconds: little(0),
                fraction: little(4),
                captured: little(8),
                length: little(12),
                pad: 0,
            },
            Layout::Big => Head {
                seconds: big(0),
                fraction: big(4),
                captured: big(8),
                length: big(12),
                pad: 0,
            },
            Layout::Snoop => Head {
                seconds: big(16),
                fraction: big(20),
                captured: big(4),
                length: big(0),
                // A length that is too short gives a pad that is too long.
                pad: big(8).wrapping_sub(24).wrapping_sub(big(4)),
            },
        };
        let swaps = match self.lengths {
            Lengths::CapturedFirst => false,
            Lengths::WireFirst => true,
            Lengths::Either => head.captured > head.length,
        };
        let (captured, length) = (head.captured, head.length);
        Some(if swaps { Head { captured: length, length: captured, ..head } } else { head })
    }

    #[inline]
    pub(crate) fn size(&self, head: &Head) -> usize {
        self.layout.size() + head.captured as usize + head.pad as usize
    }

    #[inline]
    pub(crate) fn time(&self, head: &Head) -> i64 {
        // The largest values, 2^32 - 1 seconds and microseconds, fit an `i64`.
        i64::from(head.seconds) * 1_000_000_000 + i64::from(head.fraction) * i64::from(self.unit)
    }

    /// Whether a packet of this file may have these lengths and this fraction of a second.
    #[inline]
    pub(crate) fn is_usual(&self, head: &Head) -> bool {
        head.captured <= self.usual
            && !head.is_zero()
            && self.is_fraction(head)
            && head.pad <= MAX_PAD
    }

    /// Whether the fraction of a second is less than a second.
    #[inline]
    pub(crate) fn is_fraction(&self, head: &Head) -> bool {
        u64::from(head.fraction) * u64::from(self.unit) < 1_000_000_000
    }

    /// Whether a record may have these lengths, whatever its time. The length is bounded because the
    /// records after it are compared.
    pub(crate) fn has_length(&self, head: &Head) -> bool {
        head.captured <= self.usual.min(MAX_FOUND) && head.pad <= MAX_PAD && !head.is_zero()
    }

    /// Whether a header found after damage may be one. This is stricter than what a file may hold.
    #[inline]
    pub(crate) fn is_plausible(&self, head: &Head, before: Option<i64>) -> bool {
        head.captured != 0
            && head.captured <= head.length
            && head.captured <= MAX_FOUND
            && head.length <= MAX_RECORD
            && self.is_usual(head)
            && before.is_none_or(|before| is_near(self.time(head), before))
    }
}
