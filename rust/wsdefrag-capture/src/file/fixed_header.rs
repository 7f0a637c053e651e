//! Files of records with a header of fixed size, one after the other: pcap and snoop.
//!
//! Nothing in such a file shows where a record starts but the length of the one before. So a header
//! that is unlike those before it is compared with the headers that follow:
//!
//! - a length that no packet of this file should have
//! - a fraction of a second that is a second or more
//! - a time more than a day from that of the record before
//! - only zeros
//!
//! If the next header is plausible, the record is right; if only its time disagrees with both
//! neighbours, it gets the time of the one before. Otherwise the record is damaged, and the next one
//! is where three plausible headers follow each other, or where the last records end exactly with
//! the file.

use crate::file::error::FileErrorKind;
use crate::file::record::{MAX_FOUND, MAX_RECORD, Parsed, Plausible, Record, is_near};
use crate::file::start::starts_capture;

/// Packets of at most this many bytes are nothing unusual, whatever the file's snap length.
const USUAL_PACKET: u32 = 262_144;

/// Records that have to be plausible after damage.
const CHAIN: u32 = 3;

/// Most bytes after a snoop packet that fill its record up.
const MAX_PAD: u32 = 64;

/// The layout of a record's header.
#[derive(Clone, Copy, Debug)]
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
    const fn size(self) -> usize {
        match self {
            Self::Little | Self::Big => 16,
            Self::Modified | Self::Snoop => 24,
        }
    }
}

/// The records of a file whose header has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records {
    layout: Layout,
    link: u32,
    /// The unit of the fraction of a second in a record's time, in nanoseconds.
    unit: u32,
    /// Longer packets are unusual in this file, in bytes.
    usual: u32,
}

/// A record's header.
#[derive(Clone, Copy, Debug)]
struct Head {
    seconds: u32,
    fraction: u32,
    /// Captured bytes.
    captured: u32,
    /// Bytes on the wire.
    length: u32,
    /// Bytes after the packet that fill its record up.
    pad: u32,
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
        Self { layout, link, unit, usual: snap.clamp(USUAL_PACKET, MAX_RECORD) }
    }

    #[inline]
    fn head(&self, bytes: &[u8]) -> Option<Head> {
        let bytes = bytes.get(..self.layout.size())?;
        let little = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let big = |at| little(at).swap_bytes();
        Some(match self.layout {
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
        })
    }

    #[inline]
    fn size(&self, head: &Head) -> usize {
        self.layout.size() + head.captured as usize + head.pad as usize
    }

    #[inline]
    fn time(&self, head: &Head) -> i64 {
        // The largest values, 2^32 - 1 seconds and microseconds, fit an `i64`.
        i64::from(head.seconds) * 1_000_000_000 + i64::from(head.fraction) * i64::from(self.unit)
    }

    /// Whether a packet of this file may have these lengths and this fraction of a second.
    #[inline]
    fn is_usual(&self, head: &Head) -> bool {
        head.captured <= self.usual
            && !head.is_zero()
            && u64::from(head.fraction) * u64::from(self.unit) < 1_000_000_000
            && head.pad <= MAX_PAD
    }

    /// The record at the start of `bytes`. `before` is the time of the record before, and `end` says
    /// that the file ends with `bytes`.
    #[inline]
    pub(crate) fn parse<'a>(&self, bytes: &'a [u8], before: Option<i64>, end: bool) -> Parsed<'a> {
        let Some(head) = self.head(bytes) else { return Parsed::Needs(self.layout.size()) };
        let mut time = self.time(&head);
        let is_near = before.is_none_or(|before| is_near(time, before));
        let mut retimed = false;
        if !is_near || !self.is_usual(&head) || before.is_none() {
            match self.verify(bytes, &head, before, end) {
                Verdict::Right => {}
                Verdict::WrongTime => {
                    retimed = true;
                    time = before.unwrap_or(time);
                }
                Verdict::Other(parsed) => return parsed,
            }
        }
        let (start, size) = (self.layout.size(), self.size(&head));
        if bytes.len() < size {
            return Parsed::Needs(size);
        }
        let packet = &bytes[start..start + head.captured as usize];
        let record = Record { time, link: Some(self.link), bytes: packet, length: head.length };
        if retimed { Parsed::Retimed(record, size) } else { Parsed::Packet(record, size) }
    }

    /// Compares an unusual header, or the first one, with what follows.
    #[cold]
    fn verify(&self, bytes: &[u8], head: &Head, before: Option<i64>, end: bool) -> Verdict {
        match starts_capture(bytes) {
            Plausible::Yes => return Verdict::Other(Parsed::NewFile),
            Plausible::Needs(needed) if !end => return Verdict::Other(Parsed::Needs(needed)),
            _ => {}
        }
        if self.is_usual(head) && before.is_none() {
            return Verdict::Right;
        }
        let damaged = Verdict::Other(Parsed::Damaged(if head.captured > self.usual {
            FileErrorKind::TooLong(head.captured)
        } else {
            FileErrorKind::Implausible
        }));
        let time = self.time(head);
        // Small numbers in packets look like headers with other times, so those must fit better.
        let jumps = before.is_some_and(|before| !is_near(time, before));
        if head.captured > MAX_RECORD
            || head.pad > MAX_PAD
            || jumps && !self.is_plausible(head, None)
        {
            return damaged;
        }
        let mut at = self.size(head);
        let mut far = false;
        // The next header shows it, and where its time is far from this one, the one after that.
        for _ in 1..CHAIN {
            if at >= bytes.len() && end {
                let incomplete = Verdict::Other(Parsed::Needs(at));
                return if at == bytes.len() { Verdict::Right } else { incomplete };
            }
            let rest = bytes.get(at..).unwrap_or_default();
            match starts_capture(rest) {
                Plausible::Yes => return Verdict::Right,
                Plausible::Needs(more) if !end => return Verdict::Other(Parsed::Needs(at + more)),
                _ => {}
            }
            let Some(next) = self.head(rest) else {
                let needed = Verdict::Other(Parsed::Needs(at + self.layout.size()));
                return if end { Verdict::Right } else { needed };
            };
            if !self.is_usual(&next) || jumps && !self.is_plausible(&next, None) {
                return damaged;
            }
            if !far && is_near(self.time(&next), time) {
                return Verdict::Right;
            }
            if !far && before.is_some_and(|before| is_near(self.time(&next), before)) {
                return Verdict::WrongTime;
            }
            far = true;
            at += self.size(&next);
        }
        Verdict::Right
    }

    /// Whether `bytes`, found after damage, start with records, or with another capture. `before` is
    /// the time of the last packet, and `end` says that the file ends with `bytes`.
    #[inline]
    pub(crate) fn plausible(&self, bytes: &[u8], before: Option<i64>, end: bool) -> Plausible {
        match starts_capture(bytes) {
            Plausible::No => {}
            Plausible::Needs(_) if end => {}
            other => return other,
        }
        match self.head(bytes) {
            Some(head) if !self.is_plausible(&head, None) => Plausible::No,
            Some(_) => self.chain(bytes, before, end),
            None if end => Plausible::No,
            None => Plausible::Needs(self.layout.size()),
        }
    }

    fn chain(&self, bytes: &[u8], last: Option<i64>, end: bool) -> Plausible {
        let mut at = 0;
        let mut before = None;
        for _ in 0..CHAIN {
            if before.is_some() {
                if at >= bytes.len() && end {
                    // One or two headers are believed only with the time of the packets before.
                    let near = last.zip(before).is_some_and(|(last, before)| is_near(last, before));
                    let whole = at == bytes.len() && near;
                    return if whole { Plausible::Yes } else { Plausible::No };
                }
                match starts_capture(bytes.get(at..).unwrap_or_default()) {
                    Plausible::Yes => return Plausible::Yes,
                    Plausible::Needs(more) if !end => return Plausible::Needs(at + more),
                    _ => {}
                }
            }
            let Some(head) = self.head(bytes.get(at..).unwrap_or_default()) else {
                let needed = Plausible::Needs(at + self.layout.size());
                return if end { Plausible::No } else { needed };
            };
            if !self.is_plausible(&head, before) {
                return Plausible::No;
            }
            before = Some(self.time(&head));
            at += self.size(&head);
        }
        Plausible::Yes
    }

    /// Whether a header found after damage may be one. This is stricter than what a file may hold.
    #[inline]
    fn is_plausible(&self, head: &Head, before: Option<i64>) -> bool {
        head.captured != 0
            && head.captured <= head.length
            && head.captured <= MAX_FOUND
            && head.length <= MAX_RECORD
            && self.is_usual(head)
            && before.is_none_or(|before| is_near(self.time(head), before))
    }
}

/// What the headers that follow say about a header.
enum Verdict {
    Right,
    /// The time is wrong, and the rest is right.
    WrongTime,
    /// It is no packet, is damaged, or cannot be told yet.
    Other(Parsed<'static>),
}
