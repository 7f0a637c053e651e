//! Where one frame ends and the next begins.
//!
//! The parser stands either between frames (`remaining == 0`, `spilled` header
//! bytes kept) or inside a payload (`remaining > 0` bytes to come). It hands out
//! payloads as ranges of the caller's bytes and copies nothing but a header
//! that the end of a chunk cut in two.
//!
//! - `spilled < MAX_HEADER`, and `spilled == 0` inside a payload
//! - `start <= position`, both counted from the start of the direction

use crate::error::{Error, Kind};
use crate::frame::header::{self, Header, MAX_HEADER, Order, Rules};
use crate::frame::mask::Mask;

/// The frame layer of one direction.
#[derive(Clone, Debug)]
pub struct FrameParser {
    rules: Rules,
    spill: [u8; MAX_HEADER],
    spilled: usize,
    position: u64,
    start: u64,
    remaining: u64,
    mask: Mask,
}

impl FrameParser {
    /// A parser at the start of a direction.
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

    /// Bytes taken so far, from the start of the direction.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The first byte of the frame at hand, from the start of the direction.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Payload bytes of the frame at hand that have not come.
    #[inline]
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The bytes of a header that is not complete yet.
    #[must_use]
    pub fn cut_header(&self) -> &[u8] {
        &self.spill[..self.spilled]
    }

    /// What its headers have to keep to.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// An error in the frame at hand.
    #[cold]
    #[must_use]
    pub const fn error(&self, kind: Kind) -> Error {
        Error { kind, offset: self.start }
    }

    /// Takes the next header from the front of `data`; `None` when all of `data` went into a
    /// header that is still too short.
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

    /// [`header`](Self::header) where an earlier chunk ended inside one.
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

    /// Passes over bytes of the payload at hand that did not come; `length <= remaining()`.
    pub fn skip(&mut self, length: u64) {
        self.position += length;
        self.remaining -= length;
        self.mask = self.mask.advance((length % 4) as usize);
    }

    /// Takes as much of the payload at hand as stands at the front of `data`, with the mask that
    /// fits its first byte.
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
