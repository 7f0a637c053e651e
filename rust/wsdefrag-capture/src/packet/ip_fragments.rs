//! IP fragments put together again.
//!
//! Datagrams wait in the order in which their first fragment came. A fragment joins the datagram
//! of its key; the one that completes it takes it out. Bytes that have come once may come again,
//! but a fragment that contradicts what is there (other bytes in a place, another end) starts a
//! new datagram in the place of the old one: identifications are used again, and bytes of two
//! datagrams must not mix.
//!
//! What cannot be completed is dropped whole, never filled up: a datagram that waited for
//! `TIMEOUT`, the oldest where there are too many or too many bytes of them, and every fragment
//! that a snap length cut, which is malformed here.
//!
//! It follows RFC 791 (section 3.2) and RFC 8200 (section 4.5).
//!
//! - `waiting.len() <= MAX_DATAGRAMS`, `bytes <= MAX_BYTES`
//! - `bytes` is the room that the waiting datagrams take, `pieces` is how many they are made of
//! - a waiting datagram has at most `MAX_FRAGMENTS` fragments

use std::collections::VecDeque;
use std::net::IpAddr;

use etherparse::defrag::{IpDefragBuf, MAX_IP_DEFRAG_LEN};
use etherparse::{IpFragOffset, IpNumber};

use crate::packet::datagram::Part;

/// The most datagrams that wait at a time.
pub const MAX_DATAGRAMS: usize = 1_024;

/// The most room that waiting datagrams take, in bytes.
pub const MAX_BYTES: usize = 32 << 20;

/// The most fragments of a datagram: enough for 64 KiB in packets of 576 bytes, twice over.
pub const MAX_FRAGMENTS: u64 = 256;

/// How long a datagram waits, in nanoseconds of capture time: what RFC 791 and Linux give it.
pub const TIMEOUT: i64 = 30_000_000_000;

/// What the fragments of a datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it comes from, and where it goes to.
    pub addresses: (IpAddr, IpAddr),
    /// What the sender numbered it with.
    pub identification: u32,
    /// The protocol, which is part of the key in IPv4; 0 in IPv6.
    pub protocol: u8,
}

/// A piece of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Which datagram.
    pub key: Key,
    /// What the datagram's payload starts with, if this is its first piece.
    pub next: IpNumber,
    /// Where in the payload it stands.
    pub offset: IpFragOffset,
    /// Whether there are others behind it.
    pub more: bool,
    /// The piece.
    pub part: Part<'a>,
}

impl Fragment<'_> {
    /// Whether it was captured whole, fits a datagram, and leaves the next one a place to start at.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let length = self.part.bytes.len();
        length == self.part.length
            && self.start() + length <= MAX_IP_DEFRAG_LEN
            && (!self.more || length.is_multiple_of(8))
    }

    fn start(&self) -> usize {
        usize::from(self.offset.byte_offset())
    }
}

/// The payload of a datagram that was put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// What it starts with.
    pub next: IpNumber,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// The datagrams that wait for the rest of their fragments.
#[derive(Debug, Default)]
pub struct Fragments {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    pieces: u64,
    dropped: u64,
}

#[derive(Debug)]
struct Waiting {
    key: Key,
    since: i64,
    /// What the first piece says that the payload starts with; any piece's, before that came.
    next: IpNumber,
    pieces: u64,
    buffer: IpDefragBuf,
}

impl Fragments {
    /// Fragments of datagrams that may still be completed.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.pieces
    }

    /// Fragments of datagrams that were given up.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes a sound fragment; returns the datagram that it completes.
    pub fn receive(&mut self, fragment: &Fragment<'_>, time: i64) -> Option<Whole> {
        while self.waiting.front().is_some_and(|it| time.saturating_sub(it.since) > TIMEOUT) {
            self.drop(0);
        }
        let index = self.place(fragment, time);
        let waiting = &mut self.waiting[index];
        let room = waiting.buffer.data().capacity();
        let part = fragment.part.bytes;
        let added = waiting.buffer.add(fragment.offset, fragment.more, part);
        self.bytes += waiting.buffer.data().capacity() - room;
        waiting.pieces += 1;
        self.pieces += 1;
        if fragment.start() == 0 {
            waiting.next = fragment.next;
        }
        if added.is_err() {
            // Only the allocator's no: a sound fragment that contradicts nothing fits.
            self.drop(index);
        } else if waiting.buffer.is_complete() {
            return self
                .take(index)
                .map(|waiting| Whole { next: waiting.next, bytes: waiting.buffer.take_bufs().0 });
        }
        while self.bytes > MAX_BYTES {
            self.drop(0);
        }
        None
    }

    /// Where the datagram of this fragment waits, from now on if it did not.
    fn place(&mut self, fragment: &Fragment<'_>, time: i64) -> usize {
        if let Some(index) = self.waiting.iter().position(|it| it.key == fragment.key) {
            if self.waiting[index].takes(fragment) {
                return index;
            }
            self.drop(index);
        }
        if self.waiting.len() == MAX_DATAGRAMS {
            self.drop(0);
        }
        self.waiting.push_back(Waiting {
            key: fragment.key,
            since: time,
            next: fragment.next,
            pieces: 0,
            buffer: IpDefragBuf::new(fragment.next, Vec::new(), Vec::new()),
        });
        self.waiting.len() - 1
    }

    fn take(&mut self, index: usize) -> Option<Waiting> {
        let waiting = self.waiting.remove(index)?;
        self.bytes -= waiting.buffer.data().capacity();
        self.pieces -= waiting.pieces;
        Some(waiting)
    }

    fn drop(&mut self, index: usize) {
        if let Some(waiting) = self.take(index) {
            self.dropped += waiting.pieces;
        }
    }
}

impl Waiting {
    /// Whether this fragment agrees with those before it.
    fn takes(&self, fragment: &Fragment<'_>) -> bool {
        let bytes = fragment.part.bytes;
        let (start, end) = (fragment.start(), fragment.start() + bytes.len());
        let last = self.buffer.end().map(usize::from);
        let ends_alike = if fragment.more {
            last.is_none_or(|last| end <= last)
        } else {
            last.is_none_or(|last| end == last)
                && self.buffer.sections().iter().all(|it| usize::from(it.end) <= end)
        };
        ends_alike
            && self.pieces < MAX_FRAGMENTS
            && self.buffer.sections().iter().all(|section| {
                let from = start.max(section.start.into());
                let to = end.min(section.end.into());
                from >= to || self.buffer.data()[from..to] == bytes[from - start..to - start]
            })
    }
}
