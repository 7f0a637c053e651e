//! pcapng files: their blocks.
//!
//! A Section Header Block starts a section: it sets the byte order and removes the interfaces of the
//! last section. An Interface Description Block adds an interface. A packet block refers to its
//! interface by index. Decryption Secrets Blocks are stored, and all other blocks are ignored.
//!
//! A block without a packet is not buffered whole if it is longer than `MAX_FOUND`: its start is read,
//! and the rest is passed over, up to its second length. Of secrets as much is buffered as would be kept.
//!
//! `pcap-parser` parses only the options. It would collect the options of every packet in a vector,
//! and does not support the obsolete Packet Block.
//!
//! draft-ietf-opsawg-pcapng.
//!
//! - `interfaces.len() <= MAX_INTERFACES`
//! - every block has `MIN_BLOCK <= length`, and its two lengths are equal
//! - `length <= MAX_RECORD` if it has a packet, `<= MAX_BLOCK` if it has none

#![expect(clippy::disallowed_methods, reason = "at most `MAX_INTERFACES`")]

use crate::file::block::{self, MIN_BLOCK, check_packet_length, head, is_known, overrun, range};
use crate::file::byte_order::Order;
use crate::file::error::FileErrorKind;
use crate::file::interface::Interface;
use crate::file::record::{MAX_BLOCK, MAX_FOUND, MAX_RECORD, Parsed, Plausible, Record, is_near};
use crate::file::secrets::{MAX_SECRETS, Secrets};
use crate::file::start::{SECTION_HEADER, starts_capture};
use serde::{Deserialize, Serialize};

/// Interfaces that a section may have; the others are ignored.
pub const MAX_INTERFACES: usize = 65_536;

/// The type of a Decryption Secrets Block.
const SECRETS: u32 = 10;

/// The current section.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Section {
    order: Order,
    interfaces: Vec<Interface>,
    /// The time of the last packet, in nanoseconds since the epoch. Used for packets without a time.
    time: i64,
    /// A long block that is being passed over.
    passed: Option<Passed>,
}

/// A block of which the rest is passed over.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Passed {
    /// The block's length, in bytes.
    length: u32,
    /// Bytes before its second length that have yet to come.
    left: usize,
}

impl Section {
    /// The block at the start of `bytes`. `before` is the time of the packet before, and `end` says
    /// that the file ends with `bytes`.
    #[inline]
    pub(crate) fn parse<'a>(
        &mut self,
        bytes: &'a [u8],
        before: Option<i64>,
        end: bool,
        secrets: &mut Secrets,
    ) -> Parsed<'a> {
        if let Some(passed) = self.passed {
            return self.pass(passed, bytes);
        }
        let Some(start) = bytes.first_chunk::<12>() else { return Parsed::Needs(12) };
        let order = if start[..4] == SECTION_HEADER {
            match Order::of(&start[8..]) {
                Ok(order) => order,
                Err(kind) => return Parsed::Damaged(kind),
            }
        } else {
            self.order
        };
        let length = order.u32(start, 4);
        let kind = order.u32(start, 0);
        if !is_known(kind) {
            match starts_capture(bytes) {
                Plausible::Yes => return Parsed::NewFile,
                Plausible::Needs(needed) if !end => return Parsed::Needs(needed),
                _ => {}
            }
        }
        if length < MIN_BLOCK {
            return Parsed::Damaged(FileErrorKind::TooShort(length));
        }
        let has_packet = matches!(kind, 2 | 3 | 6);
        if length > if has_packet { MAX_RECORD } else { MAX_BLOCK } {
            return Parsed::Damaged(FileErrorKind::TooLong(length));
        }
        if !has_packet && length > MAX_FOUND {
            return self.long_block(order, kind, length, bytes, secrets);
        }
        if let Some(stop) = check_packet_length(order, kind, length, bytes) {
            return stop;
        }
        let size = length as usize;
        let Some(block) = bytes.get(..size) else { return Parsed::Needs(size) };
        let last = order.u32(block, size - 4);
        if last != length {
            return Parsed::Damaged(FileErrorKind::LengthsDiffer { first: length, last });
        }
        self.order = order;
        match self.block(kind, &block[8..size - 4], secrets) {
            Ok(Some(record)) => self.packet_in_time(record, bytes, size, before, end),
            Ok(None) => Parsed::Other(size),
            Err(kind) => Parsed::Damaged(kind),
        }
    }

    /// A long block without a packet: takes its start.
    #[cold]
    fn long_block(
        &mut self,
        order: Order,
        kind: u32,
        length: u32,
        bytes: &[u8],
        secrets: &mut Secrets,
    ) -> Parsed<'static> {
        // The length of every block is a multiple of 4. Where the type is unknown too, it is damage.
        if !is_known(kind) || !length.is_multiple_of(4) {
            return Parsed::Damaged(FileErrorKind::TooLong(length));
        }
        let size = length as usize;
        let keeps = kind == SECRETS && size <= MAX_SECRETS;
        let start = if keeps { size - 4 } else { MAX_FOUND as usize - 4 };
        let Some(start_of_block) = bytes.get(..start) else { return Parsed::Needs(start) };
        self.order = order;
        let taken = match kind {
            SECRETS if !keeps => {
                secrets.drop_block();
                Ok(None)
            }
            _ => self.block(kind, &start_of_block[8..], secrets),
        };
        if let Err(kind) = taken {
            return Parsed::Damaged(kind);
        }
        self.passed = Some(Passed { length, left: size - 4 - start });
        Parsed::Part(start)
    }

    /// Passes over bytes of a long block, and compares its second length.
    #[cold]
    fn pass(&mut self, Passed { length, left }: Passed, bytes: &[u8]) -> Parsed<'static> {
        if left > 0 && !bytes.is_empty() {
            let count = left.min(bytes.len());
            self.passed = Some(Passed { length, left: left - count });
            return Parsed::Part(count);
        }
        let Some(end) = bytes.first_chunk::<4>() else { return Parsed::Needs(4) };
        self.passed = None;
        match self.order.u32(end, 0) {
            last if last == length => Parsed::Other(4),
            last => Parsed::Damaged(FileErrorKind::LengthsDiffer { first: length, last }),
        }
    }

    /// Whether the rest of a long block has yet to come.
    pub(crate) const fn is_inside_block(&self) -> bool {
        self.passed.is_some()
    }

    /// A packet, after its time was compared with those before and after it.
    #[inline]
    fn packet_in_time<'a>(
        &mut self,
        mut record: Record<'a>,
        bytes: &[u8],
        size: usize,
        before: Option<i64>,
        end: bool,
    ) -> Parsed<'a> {
        if let Some(before) = before
            && !is_near(record.time, before)
        {
            let rest = &bytes[size..];
            let packet = 20;
            if rest.len() < packet && !end {
                return Parsed::Needs(size + packet);
            }
            if let Some(next) = self.time_of(rest)
                && !is_near(next, record.time)
                && is_near(next, before)
            {
                record.time = before;
                return Parsed::Retimed(record, size);
            }
        }
        self.time = record.time;
        Parsed::Packet(record, size)
    }

    /// The time of the packet block at the start of `bytes`, if there is one.
    #[cold]
    fn time_of(&self, bytes: &[u8]) -> Option<i64> {
        let start = bytes.get(..20)?;
        let order = self.order;
        let interface = match order.u32(start, 0) {
            6 => order.u32(start, 8),
            2 => u32::from(order.u16(start, 8)),
            _ => return None,
        };
        let ticks = u64::from(order.u32(start, 12)) << 32 | u64::from(order.u32(start, 16));
        Some(self.interfaces.get(interface as usize)?.clock.time(ticks))
    }

    /// Whether `bytes`, found after damage, start with a block, or with another capture.
    #[inline]
    pub(crate) fn plausible(&self, bytes: &[u8], end: bool) -> Plausible {
        block::plausible(self.order, bytes, end)
    }

    /// Takes the body of a block: the bytes between its two lengths. Returns its packet.
    #[inline]
    fn block<'a>(
        &mut self,
        kind: u32,
        body: &'a [u8],
        secrets: &mut Secrets,
    ) -> Result<Option<Record<'a>>, FileErrorKind> {
        let order = self.order;
        match kind {
            // Enhanced Packet
            6 => {
                let head = head::<20>(body)?;
                self.packet(order.u32(head, 0), head, &body[20..]).map(Some)
            }
            // Simple Packet
            3 => self.simple_packet(body).map(Some),
            // Packet (obsolete): the interface takes 16 bits, and a count of dropped packets 16 more.
            2 => {
                let head = head::<20>(body)?;
                self.packet(u32::from(order.u16(head, 0)), head, &body[20..]).map(Some)
            }
            1 => self.interface(body).map(|()| None),
            0x0a0d_0d0a => {
                let head = head::<16>(body)?;
                self.interfaces.clear();
                match (order.u16(head, 4), order.u16(head, 6)) {
                    (1, _) => Ok(None),
                    (major, minor) => Err(FileErrorKind::Version { major, minor }),
                }
            }
            // Decryption Secrets
            SECRETS => {
                let head = head::<8>(body)?;
                secrets.keep(order.u32(head, 0), range(&body[8..], order.u32(head, 4), body)?);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// The packet of an Enhanced Packet Block or a Packet Block, which differ only in the interface
    /// field.
    #[inline]
    fn packet<'a>(
        &self,
        interface: u32,
        head: &[u8; 20],
        rest: &'a [u8],
    ) -> Result<Record<'a>, FileErrorKind> {
        let order = self.order;
        let content = order.u32(head, 12);
        let Some(bytes) = rest.get(..content as usize) else {
            return Err(overrun(content, rest.len() + 20));
        };
        let interface = self.interfaces.get(interface as usize);
        let ticks = u64::from(order.u32(head, 4)) << 32 | u64::from(order.u32(head, 8));
        Ok(Record {
            time: interface.map_or(self.time, |interface| interface.clock.time(ticks)),
            link: interface.map(|interface| interface.link),
            bytes,
            length: order.u32(head, 16),
        })
    }

    /// The packet of a Simple Packet Block. It is of the first interface and cut at that interface's
    /// snap length. It has no time, so it gets the time of the last packet.
    fn simple_packet<'a>(&self, body: &'a [u8]) -> Result<Record<'a>, FileErrorKind> {
        let length = self.order.u32(head::<4>(body)?, 0);
        let interface = self.interfaces.first();
        let snap = interface.map_or(0, |interface| interface.snap);
        let content = if snap == 0 { length } else { length.min(snap) };
        Ok(Record {
            time: self.time,
            link: interface.map(|interface| interface.link),
            bytes: range(&body[4..], content, body)?,
            length,
        })
    }

    fn interface(&mut self, body: &[u8]) -> Result<(), FileErrorKind> {
        let interface = Interface::of(self.order, body)?;
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(interface);
        }
        Ok(())
    }
}
