//! Splits the bytes of one direction into frame headers and payload ranges.
//!
//! The parser is in one of two states: between frames (`remaining == 0`), or inside a payload
//! (`remaining` bytes are missing). It returns payloads as ranges of the caller's chunk. It copies
//! bytes only for a header that two chunks share: it keeps the first `spilled` bytes of such a
//! header.
//!
//! It implements RFC 6455 section 5.2.
//!
//! - `spilled < MAX_HEADER`, and `spilled == 0` inside a payload
//! - `start <= position`, both counted from the start of the direction

use crate::error::{Error, Kind};
use crate::frame::header::{self, Header, MAX_HEADER, Order, Rules};
use crate::frame::mask::Mask;

/// The frame layer of one direction.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
// Fields in the order of their use: those of every read share cache lines.
#[repr(C)]
pub struct FrameParser {
    remaining: u64,
    position: u64,
    start: u64,
    #[cfg_attr(
        feature = "serde",
        serde(deserialize_with = "crate::bounded::below::<_, MAX_HEADER>")
    )]
    spilled: usize,
    mask: Mask,
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    spill: [u8; MAX_HEADER],
    rules: Rules,
}

impl FrameParser {
    /// Creates a parser at the start of a direction.
    #[must_use]
    pub const fn new(rules: Rules) -> Self {
        Self {
            rules,
            spill: [0; MAX_HEADER],
            spilled: 0,
            position: 0,
            start: 0,
            remaining: 0,
            mask: Mask::NONE,
        }
    }

    /// Position of the next byte to read, in bytes from the start of the direction.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Position of the current frame's first byte, in bytes from the start of the direction.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Payload bytes of the current frame that have not arrived.
    #[inline]
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The bytes of an incomplete header.
    #[must_use]
    pub fn cut_header(&self) -> &[u8] {
        &self.spill[..self.spilled]
    }

    /// The rules that headers are checked against.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// An error of this kind in the current frame.
    #[cold]
    #[must_use]
    pub const fn error(&self, kind: Kind) -> Error {
        Error { kind, offset: self.start }
    }

    /// Removes the next header from the front of `data`; returns `None` if all of `data` was used
    /// and the header is still incomplete.
    #[inline]
    pub fn header(&mut self, data: &mut &[u8], order: Order) -> Result<Option<Header>, Error> {
        if self.spilled != 0 {
            return self.spilled_header(data, order);
        }
        self.start = self.position;
        match header::parse(data, &self.rules, order) {
            Ok(Some(header)) => {
                *data = &data[header.size..];
                self.enter(&header, header.size as u64);
                Ok(Some(header))
            }
            Ok(None) => {
                self.spill[..data.len()].copy_from_slice(data);
                self.spilled = data.len();
                self.position += data.len() as u64;
                *data = &[];
                Ok(None)
            }
            Err(kind) => Err(self.error(kind)),
        }
    }

    /// Completes a header whose first bytes came in an earlier chunk.
    #[cold]
    fn spilled_header(&mut self, data: &mut &[u8], order: Order) -> Result<Option<Header>, Error> {
        let before = self.spilled;
        let taken = data.len().min(MAX_HEADER - before);
        self.spill[before..before + taken].copy_from_slice(&data[..taken]);
        let spilled = before + taken;
        match header::parse(&self.spill[..spilled], &self.rules, order) {
            Ok(Some(header)) => {
                let fresh = header.size - before;
                *data = &data[fresh..];
                self.spilled = 0;
                self.enter(&header, fresh as u64);
                Ok(Some(header))
            }
            Ok(None) => {
                self.spilled = spilled;
                self.position += taken as u64;
                *data = &[];
                Ok(None)
            }
            Err(kind) => Err(self.error(kind)),
        }
    }

    #[inline]
    fn enter(&mut self, header: &Header, fresh: u64) {
        self.position += fresh;
        self.remaining = header.length;
        self.mask = header.masking_key.map_or(Mask::NONE, Mask::new);
    }

    /// Skips bytes of the current payload that were not captured; `length <= remaining()`.
    pub fn skip(&mut self, length: u64) {
        self.position += length;
        self.remaining -= length;
        self.mask = self.mask.advance((length % 4) as usize);
    }

    /// Removes the current payload's bytes from the front of `data`; returns them with the mask for
    /// their first byte.
    #[inline]
    pub fn payload<'a>(&mut self, data: &mut &'a [u8]) -> (&'a [u8], Mask) {
        let taken = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(data.len());
        let (range, rest) = data.split_at(taken);
        let mask = self.mask;
        *data = rest;
        self.position += taken as u64;
        self.remaining -= taken as u64;
        self.mask = mask.advance(taken);
        (range, mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strictness::Strictness;

    /// RFC 6455 section 5.3: the key goes on with the position in the payload, captured or not.
    #[test]
    fn bytes_that_were_not_captured_count_for_the_mask() {
        let key = [1, 2, 3, 4];
        let rules = Rules {
            from_client: true,
            deflate: false,
            foreign_extension: false,
            strictness: Strictness::DEFAULT,
        };
        for missing in 0..20 {
            let mut parser = FrameParser::new(rules);
            let mut data = &b"\x82\xff\0\0\0\0\0\x01\0\0\x01\x02\x03\x04"[..];
            assert!(parser.header(&mut data, Order::Start).unwrap().is_some());
            parser.skip(missing);
            let (range, mask) = parser.payload(&mut &b"abc"[..]);
            let taken = usize::try_from(missing).unwrap();
            assert_eq!((range, mask), (&b"abc"[..], Mask::new(key).advance(taken)), "{missing}");
            assert_eq!(parser.remaining(), (1 << 16) - missing - 3);
            assert_eq!(parser.position(), 14 + missing + 3);
        }
    }
}
