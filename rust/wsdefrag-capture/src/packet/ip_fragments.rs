//! Reassembles IP datagrams from fragments, and CAPWAP frames, which are cut in the same way.
//!
//! A fragment is added to the incomplete datagram with its key, and the datagram is handed out when
//! it is complete. A fragment may repeat bytes. A fragment that contradicts the datagram (other
//! bytes at a position, another end) replaces it: senders reuse identifications, and bytes of two
//! datagrams must not mix.
//!
//! An incomplete datagram is dropped after [`TIMEOUT`]; the oldest is dropped when there are too
//! many or they take too much memory. Missing bytes are never filled in. A fragment that a snap
//! length cut is malformed.
//!
//! RFC 791 section 3.2, RFC 8200 section 4.5.
//!
//! - `incomplete` is ordered by the time of the first fragment
//! - `incomplete.len() <= MAX_DATAGRAMS`
//! - `memory <= MAX_MEMORY`; it is the sum of the buffers' capacities, in bytes
//! - `fragments` is the sum of `fragments` over `incomplete`
//! - every datagram has `fragments <= MAX_FRAGMENTS`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_DATAGRAMS`")]

use std::collections::VecDeque;
use std::net::IpAddr;

use etherparse::defrag::{IpDefragBuf, MAX_IP_DEFRAG_LEN};
use etherparse::{IpFragOffset, IpNumber, ip_number};

use crate::packet::datagram::Rest;
use crate::packet::header::Header;
use crate::packet::tags::Tag;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Incomplete datagrams at a time.
pub const MAX_DATAGRAMS: usize = 1_024;

/// Memory that incomplete datagrams may take together, in bytes.
pub const MAX_MEMORY: usize = 32 << 20;

/// Fragments per datagram: twice as many as 64 KiB need in packets of 576 bytes.
pub const MAX_FRAGMENTS: u64 = 256;

/// How long a datagram may stay incomplete, in nanoseconds of capture time: as in Linux.
pub const TIMEOUT: i64 = 30_000_000_000;

/// The header fields that all fragments of a datagram share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The source and the destination address.
    pub addresses: (IpAddr, IpAddr),
    /// The sender's number for the datagram.
    pub identification: u32,
    /// The protocol in IPv4; 0 in IPv6, where it is not part of the key.
    pub protocol: u8,
    /// The [hash](crate::packet::tags::Tags::hash) of the tags and tunnels around the packet.
    pub encapsulation: u64,
}

/// As an [`IpNumber`] is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "IpNumber")]
struct IpNumberByte(u8);

/// What the payload of a reassembled datagram starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    /// The header of a protocol that IP carries.
    Ip(#[serde(with = "IpNumberByte")] IpNumber),
    /// The payload of a tunnel whose fragments these are.
    Tunnel(Tag, Header),
}

/// A fragment of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// The key of its datagram.
    pub key: Key,
    /// What the datagram's payload starts with. Only the first fragment's counts.
    pub next: After,
    /// The position of the fragment in the datagram's payload.
    pub offset: IpFragOffset,
    /// Whether further fragments follow it.
    pub more: bool,
    /// The fragment's payload.
    pub rest: Rest<'a>,
}

impl Fragment<'_> {
    /// Whether it was captured whole, fits into a datagram, and ends at a multiple of 8 bytes unless
    /// it is the last.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let length = self.rest.bytes.len();
        length == self.rest.length
            && self.start() + length <= MAX_IP_DEFRAG_LEN
            && (!self.more || length.is_multiple_of(8))
    }

    fn start(&self) -> usize {
        usize::from(self.offset.byte_offset())
    }
}

/// The payload of a complete datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReassembledDatagram {
    /// What the payload starts with.
    pub next: After,
    /// The whole payload.
    pub bytes: Vec<u8>,
}

/// The incomplete datagrams.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Defragmenter {
    incomplete: VecDeque<IncompleteDatagram>,
    memory: usize,
    fragments: u64,
    dropped: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct IncompleteDatagram {
    key: Key,
    /// When the first fragment was captured, in nanoseconds since the epoch.
    since: i64,
    /// What the payload starts with, as in the fragment at position 0. Until that arrives, as in the
    /// first fragment captured.
    next: After,
    fragments: u64,
    #[serde(with = "ranges")]
    buffer: IpDefragBuf,
}

impl Defragmenter {
    /// The number of fragments of incomplete datagrams.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.fragments
    }

    /// The number of fragments of dropped datagrams.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes a [sound](Fragment::is_sound) fragment, captured at `time` (nanoseconds since the
    /// epoch). Returns the datagram that it completes.
    pub fn receive(&mut self, fragment: &Fragment<'_>, time: i64) -> Option<ReassembledDatagram> {
        while self.incomplete.front().is_some_and(|it| time.saturating_sub(it.since) > TIMEOUT) {
            self.drop(0);
        }
        let index = self.slot_for(fragment, time);
        let datagram = &mut self.incomplete[index];
        let before = datagram.buffer.data().capacity();
        let rest = fragment.rest.bytes;
        let added = datagram.buffer.add(fragment.offset, fragment.more, rest);
        self.memory += datagram.buffer.data().capacity() - before;
        datagram.fragments += 1;
        self.fragments += 1;
        if fragment.start() == 0 {
            datagram.next = fragment.next;
        }
        if added.is_err() {
            // Only an allocation can fail: an accepted fragment fits into the datagram.
            self.drop(index);
        } else if datagram.buffer.is_complete() {
            return self.take(index).map(|datagram| ReassembledDatagram {
                next: datagram.next,
                bytes: datagram.buffer.take_bufs().0,
            });
        }
        while self.memory > MAX_MEMORY {
            self.drop(0);
        }
        None
    }

    /// The index of the datagram that this fragment belongs to, which is added if there is none.
    fn slot_for(&mut self, fragment: &Fragment<'_>, time: i64) -> usize {
        if let Some(index) = self.incomplete.iter().position(|it| it.key == fragment.key) {
            if self.incomplete[index].accepts(fragment) {
                return index;
            }
            self.drop(index);
        }
        if self.incomplete.len() == MAX_DATAGRAMS {
            self.drop(0);
        }
        self.incomplete.push_back(IncompleteDatagram {
            key: fragment.key,
            since: time,
            next: fragment.next,
            fragments: 0,
            buffer: IpDefragBuf::new(ip_number::TCP, Vec::new(), Vec::new()),
        });
        self.incomplete.len() - 1
    }

    fn take(&mut self, index: usize) -> Option<IncompleteDatagram> {
        let datagram = self.incomplete.remove(index)?;
        self.memory -= datagram.buffer.data().capacity();
        self.fragments -= datagram.fragments;
        Some(datagram)
    }

    fn drop(&mut self, index: usize) {
        if let Some(datagram) = self.take(index) {
            self.dropped += datagram.fragments;
        }
    }
}

impl IncompleteDatagram {
    /// Whether this fragment agrees with those before it, and there are not too many.
    fn accepts(&self, fragment: &Fragment<'_>) -> bool {
        let bytes = fragment.rest.bytes;
        let (start, end) = (fragment.start(), fragment.start() + bytes.len());
        let last = self.buffer.end().map(usize::from);
        let end_agrees = if fragment.more {
            last.is_none_or(|last| end <= last)
        } else {
            last.is_none_or(|last| end == last)
                && self.buffer.sections().iter().all(|it| usize::from(it.end) <= end)
        };
        end_agrees
            && self.fragments < MAX_FRAGMENTS
            && self.buffer.sections().iter().all(|section| {
                let from = start.max(section.start.into());
                let to = end.min(section.end.into());
                from >= to || self.buffer.data()[from..to] == bytes[from - start..to - start]
            })
    }
}

/// How an incomplete datagram is written: its end, if it is known, and the ranges that have arrived.
mod ranges {
    use super::{
        Deserialize, Deserializer, IpDefragBuf, IpFragOffset, Serialize, Serializer, ip_number,
    };
    use serde::de::Error;

    #[derive(Serialize, Deserialize)]
    struct Written {
        end: Option<u16>,
        ranges: Vec<(u16, serde_bytes::ByteBuf)>,
    }

    #[expect(clippy::disallowed_methods, reason = "a copy of at most 64 KiB")]
    pub(super) fn serialize<S: Serializer>(
        buffer: &IpDefragBuf,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let ranges = buffer.sections().iter().map(|range| {
            let bytes = &buffer.data()[usize::from(range.start)..usize::from(range.end)];
            (range.start, serde_bytes::ByteBuf::from(bytes))
        });
        Written { end: buffer.end(), ranges: ranges.collect() }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<IpDefragBuf, D::Error> {
        let Written { end, ranges } = Written::deserialize(deserializer)?;
        let mut buffer = IpDefragBuf::new(ip_number::TCP, Vec::new(), Vec::new());
        for (start, bytes) in ranges {
            let invalid = || D::Error::custom("fragments that do not fit each other");
            if start % 8 != 0 {
                return Err(invalid());
            }
            let offset = IpFragOffset::try_new(start / 8).map_err(|_| invalid())?;
            let is_last =
                end.is_some_and(|end| usize::from(start) + bytes.len() == usize::from(end));
            buffer.add(offset, !is_last, &bytes).map_err(|_| invalid())?;
        }
        Ok(buffer)
    }
}
