//! Tells connections apart that have the same addresses and ports.
//!
//! Packets of one connection may come under several tags: a mirror adds one, a tag stands on one side
//! of a switch only, both ends of a tunnel are captured. And packets of several connections may have
//! the same addresses and ports: tenants reuse them, under tags of their own. Sequence numbers tell
//! which it is:
//!
//! ```text
//! known      the tags of the packet have been seen in the connection: it is a packet of it
//! fits       other tags, and the sequence or acknowledgment number is near: a copy from elsewhere
//! unknown    other tags, and nothing to compare with: a copy
//! conflicts  other tags, and another SYN, or all numbers are far: a packet of another tenant
//! ```
//!
//! A packet that conflicts with all connections of its addresses and ports opens a new one, which is
//! a tenant with a number of its own in its [`Key`]. A direction's tags are compared with those of
//! that direction only, since many ids differ between directions. So the packets of a connection
//! under tags that it has had are never given to another one, whatever their numbers are.
//!
//! - the tags of a direction belong to one connection of a key
//! - at most [`MAX_TENANTS`] connections have the same addresses and ports at a time

#![expect(
    clippy::disallowed_methods,
    reason = "at most `MAX_TAGS` for each connection, one for each connection, and `MAX_HASHES`"
)]

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::checkpoint::sorted_map;
use crate::packet::Segment;
use crate::tcp::key::Key;
use crate::tcp::stream::Stream;
use serde::{Deserialize, Serialize};

/// Connections that may have the same addresses and ports at a time. Packets of further ones go to
/// the first.
pub(super) const MAX_TENANTS: usize = 64;

/// Hashes of tags that are remembered for a connection, besides the last of each direction.
const MAX_TAGS: usize = 32;

/// Hashes that get a number of their own.
const MAX_HASHES: usize = 1 << 20;

/// Bytes from the expected position at which a number is near: more than a window is (RFC 7323 allows
/// 1 GiB, and systems use some MiB).
const NEAR: u32 = 16 << 20;

/// Bytes that may have been captured before the SYN of their direction.
const MAX_LATE_SYN: u32 = 64 << 10;

/// The tags under which the packets of a connection came, by their hashes. A sender is an index of an
/// endpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
// Fields in the order of their use: those of every packet share cache lines.
#[repr(C)]
pub(super) struct TagsSeen {
    /// By sender: the hash of the last packet. Valid where `has_last`.
    last: [u64; 2],
    has_last: [bool; 2],
    /// The hashes of earlier packets, with their senders.
    earlier: Vec<(usize, u64)>,
}

impl TagsSeen {
    /// Whether the last packet of this sender had these tags.
    #[inline]
    pub(super) const fn last_was(&self, sender: usize, hash: u64) -> bool {
        self.has_last[sender] && self.last[sender] == hash
    }

    /// Whether this sender has sent nothing yet.
    pub(super) const fn is_first(&self, sender: usize) -> bool {
        !self.has_last[sender]
    }

    /// Whether a packet of this sender has had these tags.
    pub(super) fn has(&self, sender: usize, hash: u64) -> bool {
        self.last_was(sender, hash) || self.earlier.contains(&(sender, hash))
    }

    /// The memory that is allocated besides this value, in bytes.
    #[inline]
    pub(super) const fn bytes_held(&self) -> usize {
        self.earlier.capacity() * size_of::<(usize, u64)>()
    }

    /// Notes the tags of a packet. Returns whether they are new for its sender.
    pub(super) fn note(&mut self, sender: usize, hash: u64) -> bool {
        let is_new = !self.has(sender, hash);
        if self.has_last[sender] && self.last[sender] != hash {
            let before = (sender, self.last[sender]);
            if !self.earlier.contains(&before) {
                if self.earlier.len() == MAX_TAGS {
                    self.earlier.remove(0);
                }
                self.earlier.push(before);
            }
        }
        (self.last[sender], self.has_last[sender]) = (hash, true);
        is_new
    }
}

/// How well a packet fits to a connection, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Its tags are known.
    Known,
    /// Its sequence and its acknowledgment number are near.
    Both,
    /// One of the two is.
    One,
    /// There is nothing to compare with.
    Unknown,
    /// It cannot belong to the connection.
    Conflicts,
}

/// Where the directions of a connection are: for each sender, the sequence number of its SYN and that
/// after its last byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Positions {
    pub(super) initial: [Option<u32>; 2],
    pub(super) next: [Option<u32>; 2],
}

impl Positions {
    pub(super) fn of(streams: &[Stream; 2]) -> Self {
        let [first, second] = streams;
        Self {
            initial: [first.initial_sequence(), second.initial_sequence()],
            next: [first.next_sequence(), second.next_sequence()],
        }
    }

    /// How well a segment under other tags fits.
    pub(super) fn fit(&self, sender: usize, segment: &Segment<'_>) -> Fit {
        let near = |known: Option<u32>, number: u32| {
            known.map(|known| number.wrapping_sub(known).cast_signed().unsigned_abs() <= NEAR)
        };
        let sequence = match self.initial[sender] {
            // It may be before the first byte that was captured.
            Some(initial) if segment.syn => {
                Some(initial.wrapping_sub(segment.sequence) <= MAX_LATE_SYN)
            }
            _ => near(self.next[sender], segment.sequence),
        };
        let acknowledgment = segment.acknowledgment.and_then(|it| near(self.next[1 - sender], it));
        match (sequence, acknowledgment) {
            (Some(true), Some(true)) => Fit::Both,
            // The sequence number of a SYN is random, so another one is another connection.
            (Some(false), _) if segment.syn => Fit::Conflicts,
            (Some(true), _) | (_, Some(true)) => Fit::One,
            (None, None) => Fit::Unknown,
            (Some(false) | None, Some(false) | None) => Fit::Conflicts,
        }
    }
}

/// The tenants of addresses and ports that several connections have.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Tenants {
    /// The numbers of the connections of a key besides the first, which has number 0.
    #[serde(with = "sorted_map")]
    others: HashMap<Key, Vec<u32>, RandomState>,
    /// The entries of `others` at which those are removed that have no connection any more.
    clean_at: usize,
    /// For [`ConnectionKey::Tagged`](crate::options::ConnectionKey::Tagged): a number for each hash.
    #[serde(with = "sorted_map")]
    by_hash: HashMap<u64, u32, RandomState>,
}

impl Tenants {
    /// Whether no key has more than one connection.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.others.is_empty()
    }

    /// The number of the tenant with this hash of tags. After [`MAX_HASHES`], two may have the same.
    pub(super) fn number_of(&mut self, hash: u64) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "a number of at most 30 bits")]
        let next = match self.by_hash.len() {
            MAX_HASHES.. => {
                return self.by_hash.get(&hash).copied().unwrap_or(hash as u32 | 1 << 29);
            }
            length => length as u32 + 1,
        };
        *self.by_hash.entry(hash).or_insert(next)
    }

    /// The keys of the other connections with the addresses and ports of `key`.
    pub(super) fn others(&self, key: &Key) -> impl Iterator<Item = Key> {
        let numbers = self.others.get(key).map_or(&[][..], Vec::as_slice);
        let key = *key;
        numbers.iter().map(move |number| key.of_tenant(*number))
    }

    /// Adds the tenants of other addresses and ports.
    pub(super) fn join(&mut self, other: Self) {
        self.others.extend(other.others);
        self.clean_at = 0;
    }

    /// Adds a tenant, and returns its key; `None` if there are too many. `is_used` tells whether a key
    /// has a connection.
    pub(super) fn add(&mut self, key: Key, is_used: impl Fn(&Key) -> bool) -> Option<Key> {
        if self.others.len() >= self.clean_at {
            self.others.retain(|key, numbers| {
                numbers.retain(|number| is_used(&key.of_tenant(*number)));
                !numbers.is_empty()
            });
            self.clean_at = 2 * self.others.len().max(512);
        }
        let numbers = self.others.entry(key).or_default();
        numbers.retain(|number| is_used(&key.of_tenant(*number)));
        if numbers.len() + 1 >= MAX_TENANTS {
            return None;
        }
        let number = (1..).take(MAX_TENANTS).find(|number| !numbers.contains(number))?;
        numbers.push(number);
        Some(key.of_tenant(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: Segment<'_> = Segment {
        sequence: 0,
        acknowledgment: None,
        syn: false,
        fin: false,
        rst: false,
        bytes: b"abc",
        cut: 0,
    };

    #[test]
    fn numbers_tell_copies_from_tenants() {
        let known = Positions {
            initial: [Some(99), Some(0x7fff_ffff)],
            next: [Some(1_000), Some(0x8000_0000)],
        };
        let half = Positions { initial: [Some(99), None], next: [Some(1_000), None] };
        let none = Positions::default();
        let data = |sequence, acknowledgment| Segment { sequence, acknowledgment, ..SEGMENT };
        let syn =
            |sequence, acknowledgment| Segment { syn: true, ..data(sequence, acknowledgment) };
        let far = 0x4000_0000;
        for (positions, sender, segment, expected) in [
            (known, 0, data(1_000, Some(0x8000_0000)), Fit::Both),
            (known, 0, data(0, Some(0x7fff_0000)), Fit::Both),
            (known, 0, data(5_000_000, Some(far)), Fit::One),
            (known, 0, data(far, Some(0x8000_0000)), Fit::One),
            (known, 0, data(far, Some(far)), Fit::Conflicts),
            (known, 0, data(far, None), Fit::Conflicts),
            (known, 1, data(far, Some(far)), Fit::Conflicts),
            (half, 1, data(far, Some(1_000)), Fit::One),
            (half, 1, data(far, Some(far)), Fit::Conflicts),
            (half, 1, data(far, None), Fit::Unknown),
            (half, 0, data(1_000, Some(far)), Fit::One),
            (none, 0, data(far, Some(far)), Fit::Unknown),
            // A SYN begins another connection unless it is the same.
            (known, 0, syn(99, None), Fit::One),
            (known, 0, syn(100, None), Fit::Conflicts),
            (known, 1, syn(0x7fff_f000, None), Fit::One),
            (known, 1, syn(5, Some(100)), Fit::Conflicts),
            (half, 1, syn(5, Some(100)), Fit::One),
            (half, 1, syn(5, Some(far)), Fit::Conflicts),
        ] {
            assert_eq!(
                positions.fit(sender, &segment),
                expected,
                "{positions:?} {sender} {segment:?}"
            );
        }
    }

    #[test]
    fn tags_are_known_for_their_sender() {
        let mut seen = TagsSeen::default();
        assert!(!seen.has(0, 0));
        assert!(seen.note(0, 0));
        assert!(seen.note(0, 7));
        assert!(!seen.note(0, 0));
        assert!(seen.last_was(0, 0) && seen.has(0, 7) && !seen.has(1, 7) && !seen.has(1, 0));
        for hash in 100..200 {
            assert!(seen.note(0, hash));
        }
        assert!(seen.has(0, 199) && seen.has(0, 170) && !seen.has(0, 100));
    }

    #[test]
    fn tags_take_memory_once_there_are_several() {
        let mut seen = TagsSeen::default();
        assert!(seen.is_first(0) && seen.is_first(1));
        seen.note(0, 5);
        assert!(!seen.is_first(0) && seen.is_first(1));
        // The other sender's tags, and the same ones again, are none before.
        seen.note(1, 6);
        seen.note(0, 5);
        assert_eq!(seen.bytes_held(), 0);
        for hash in 0..5 {
            seen.note(0, hash);
        }
        let one = size_of::<(usize, u64)>();
        assert!((4 * one..=16 * one).contains(&seen.bytes_held()));
    }

    #[test]
    fn numbers_are_free_again_when_their_connections_are_gone() {
        let mut tenants = Tenants::default();
        let first = tenants.add(Key::of_port(1), |_| true).unwrap();
        let second = tenants.add(Key::of_port(1), |_| true).unwrap();
        assert!(first != second && first != Key::of_port(1));
        assert_eq!(tenants.others(&Key::of_port(1)).collect::<Vec<_>>(), [first, second]);
        assert_eq!(tenants.add(Key::of_port(1), |used| *used == second), Some(first));
        for _ in 0..MAX_TENANTS - 3 {
            assert!(tenants.add(Key::of_port(1), |_| true).is_some());
        }
        assert_eq!(tenants.add(Key::of_port(1), |_| true), None);
        // Keys without connections do not stay for ever.
        for port in 0..10_000 {
            tenants.add(Key::of_port(port), |_| false);
        }
        assert!(tenants.others.len() <= 1_024);
        assert!(tenants.clean_at >= 1_024, "not with each tenant");
    }

    #[test]
    fn hashes_have_numbers_of_their_own() {
        let mut tenants = Tenants::default();
        assert_eq!([5, 6, 5].map(|hash| tenants.number_of(hash)), [1, 2, 1]);
        for hash in 0..MAX_HASHES as u64 {
            tenants.number_of(hash << 32);
        }
        // Further ones have numbers of the second half, which depend on the hash alone.
        assert_eq!([5, 6].map(|hash| tenants.number_of(hash)), [1, 2]);
        let large = [7, 1 << 29 | 7, 9].map(|hash| tenants.number_of(hash));
        assert_eq!(large, [1 << 29 | 7, 1 << 29 | 7, 1 << 29 | 9]);
    }
}
