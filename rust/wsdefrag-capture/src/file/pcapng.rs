//! pcapng files: their blocks.
//!
//! A Section Header Block starts a section: it sets the byte order and removes the interfaces of the
//! last section. An Interface Description Block adds an interface. A packet block refers to its
//! interface by index. Decryption Secrets Blocks are stored, and all other blocks are ignored.
//!
//! `pcap-parser` parses only the options. It would collect the options of every packet in a vector,
//! and does not support the obsolete Packet Block.
//!
//! draft-ietf-opsawg-pcapng.
//!
//! - `interfaces.len() <= MAX_INTERFACES`
//! - every block has `MIN_BLOCK <= length <= MAX_RECORD`, and its two lengths are equal

#![expect(clippy::disallowed_methods, reason = "at most `MAX_INTERFACES`")]

use pcap_parser::nom::error::Error as OptionError;
use pcap_parser::pcapng::{OptionCode, PcapNGOption, parse_option_be, parse_option_le};

use crate::file::clock::Clock;
use crate::file::error::FileErrorKind;
use crate::file::record::{MAX_RECORD, Progress, Record};
use crate::file::secrets::Secrets;

/// The type of a Section Header Block, the same in either byte order.
pub(crate) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Interfaces that a section may have; the others are ignored.
pub const MAX_INTERFACES: usize = 65_536;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// The size of a block without a body, in bytes: its type, and its length twice.
const MIN_BLOCK: u32 = 12;

/// The current section.
#[derive(Debug, Default)]
pub(crate) struct Section {
    order: Order,
    interfaces: Vec<Interface>,
    /// The time of the last packet, in nanoseconds since the epoch. Used for packets without a time.
    time: i64,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: u32,
    /// The snap length: bytes captured per packet at most; 0 if there is no limit.
    snap: u32,
    clock: Clock,
}

impl Section {
    /// Reads the block at the start of `bytes`, if it is complete. A packet in it goes to `sink`.
    #[inline]
    pub(crate) fn next_block(
        &mut self,
        bytes: &[u8],
        secrets: &mut Secrets,
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<Progress, FileErrorKind> {
        let Some(start) = bytes.first_chunk::<12>() else { return Ok(Progress::Needs(12)) };
        if start[..4] == SECTION_HEADER {
            self.order = Order::of(&start[8..])?;
        }
        let order = self.order;
        let length = order.u32(start, 4);
        if length < MIN_BLOCK {
            return Err(FileErrorKind::TooShort(length));
        }
        if length > MAX_RECORD {
            return Err(FileErrorKind::TooLong(length));
        }
        let size = length as usize;
        let Some(block) = bytes.get(..size) else { return Ok(Progress::Needs(size)) };
        let last = order.u32(block, size - 4);
        if last != length {
            return Err(FileErrorKind::LengthsDiffer { first: length, last });
        }
        self.block(order.u32(start, 0), &block[8..size - 4], secrets, sink)?;
        Ok(Progress::Consumed(size))
    }

    /// Takes the body of a block: the bytes between its two lengths.
    #[inline]
    fn block(
        &mut self,
        kind: u32,
        body: &[u8],
        secrets: &mut Secrets,
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<(), FileErrorKind> {
        let order = self.order;
        match kind {
            // Enhanced Packet
            6 => {
                let head = head::<20>(body)?;
                self.packet(order.u32(head, 0), head, &body[20..], sink)
            }
            // Simple Packet
            3 => self.simple_packet(body, sink),
            // Packet (obsolete): the interface takes 16 bits, and a count of dropped packets 16 more.
            2 => {
                let head = head::<20>(body)?;
                self.packet(u32::from(order.u16(head, 0)), head, &body[20..], sink)
            }
            1 => self.interface(body),
            0x0a0d_0d0a => {
                let head = head::<16>(body)?;
                self.interfaces.clear();
                match (order.u16(head, 4), order.u16(head, 6)) {
                    (1, _) => Ok(()),
                    (major, minor) => Err(FileErrorKind::Version { major, minor }),
                }
            }
            // Decryption Secrets
            10 => {
                let head = head::<8>(body)?;
                secrets.keep(order.u32(head, 0), range(&body[8..], order.u32(head, 4), body)?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes an Enhanced Packet Block or a Packet Block, which differ only in the interface field.
    #[inline]
    fn packet(
        &mut self,
        interface: u32,
        head: &[u8; 20],
        rest: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<(), FileErrorKind> {
        let order = self.order;
        let content = order.u32(head, 12);
        let Some(bytes) = rest.get(..content as usize) else {
            return Err(overrun(content, rest.len() + 20));
        };
        let interface = self.interfaces.get(interface as usize);
        if let Some(interface) = interface {
            let ticks = u64::from(order.u32(head, 4)) << 32 | u64::from(order.u32(head, 8));
            self.time = interface.clock.time(ticks);
        }
        sink(&Record {
            time: self.time,
            link: interface.map(|interface| interface.link),
            bytes,
            length: order.u32(head, 16),
        });
        Ok(())
    }

    /// Takes a Simple Packet Block. Its packet is of the first interface and cut at that interface's
    /// snap length. It has no time, so it gets the time of the last packet.
    fn simple_packet(
        &self,
        body: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<(), FileErrorKind> {
        let length = self.order.u32(head::<4>(body)?, 0);
        let interface = self.interfaces.first();
        let snap = interface.map_or(0, |interface| interface.snap);
        let content = if snap == 0 { length } else { length.min(snap) };
        sink(&Record {
            time: self.time,
            link: interface.map(|interface| interface.link),
            bytes: range(&body[4..], content, body)?,
            length,
        });
        Ok(())
    }

    fn interface(&mut self, body: &[u8]) -> Result<(), FileErrorKind> {
        let order = self.order;
        let head = head::<8>(body)?;
        let (mut resolution, mut offset) = (6, 0);
        let mut rest = &body[8..];
        while let Some((after, option)) = order.option(rest) {
            rest = after;
            let value = option.as_bytes().unwrap_or_default();
            match (option.code, value) {
                (OptionCode::EndOfOpt, _) => break,
                (OptionCode::IfTsresol, [value]) => resolution = *value,
                (OptionCode::IfTsoffset, value) => {
                    if let Ok(value) = <[u8; 8]>::try_from(value) {
                        offset = order.i64(value);
                    }
                }
                _ => {}
            }
        }
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(Interface {
                link: u32::from(order.u16(head, 0)),
                snap: order.u32(head, 4),
                clock: Clock::new(resolution, offset),
            });
        }
        Ok(())
    }
}

/// The fixed fields at the start of a block's body.
#[inline]
fn head<const N: usize>(body: &[u8]) -> Result<&[u8; N], FileErrorKind> {
    body.first_chunk().ok_or_else(|| FileErrorKind::TooShort(block_length(body.len())))
}

/// The first `content` bytes of `rest`, which is the end of `body`.
fn range<'a>(rest: &'a [u8], content: u32, body: &[u8]) -> Result<&'a [u8], FileErrorKind> {
    rest.get(..content as usize).ok_or_else(|| overrun(content, body.len()))
}

#[cold]
fn overrun(content: u32, body: usize) -> FileErrorKind {
    FileErrorKind::Overrun { holds: content, length: block_length(body) }
}

/// The length of a block with a body of this length, in bytes.
fn block_length(body: usize) -> u32 {
    u32::try_from(body).unwrap_or(MAX_RECORD).saturating_add(MIN_BLOCK)
}

/// A section's byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Little,
    Big,
}

impl Order {
    /// The byte order shown by the byte-order magic of a Section Header Block.
    fn of(magic: &[u8]) -> Result<Self, FileErrorKind> {
        match Self::Little.u32(magic, 0) {
            BYTE_ORDER_MAGIC => Ok(Self::Little),
            magic if magic.swap_bytes() == BYTE_ORDER_MAGIC => Ok(Self::Big),
            magic => Err(FileErrorKind::ByteOrder(magic)),
        }
    }

    /// The number at index `at`.
    #[inline]
    fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let number = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        match self {
            Self::Little => u32::from_le_bytes(number),
            Self::Big => u32::from_be_bytes(number),
        }
    }

    #[inline]
    fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let number = [bytes[at], bytes[at + 1]];
        match self {
            Self::Little => u16::from_le_bytes(number),
            Self::Big => u16::from_be_bytes(number),
        }
    }

    const fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }

    /// The bytes after the option at the start of `bytes`, and the option, if it is complete.
    fn option(self, bytes: &[u8]) -> Option<(&[u8], PcapNGOption<'_>)> {
        match self {
            Self::Little => parse_option_le::<OptionError<_>>(bytes).ok(),
            Self::Big => parse_option_be::<OptionError<_>>(bytes).ok(),
        }
    }
}
