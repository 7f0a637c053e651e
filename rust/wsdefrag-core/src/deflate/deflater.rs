//! Deflating one direction (RFC 7692 section 7.2.1).
//!
//! Each fragment is flushed to a byte boundary, so a receiver that inflates
//! fragment by fragment gets the sizes that were put in, and the window stands
//! at the same place on both sides between any two calls. The last fragment of
//! a message loses the four bytes that the receiver puts back.
//!
//! zlib makes no raw stream for a window of 8 bits. It is given 9 for it: its
//! matches stay 262 bytes short of its window, the longest match and what it
//! looks ahead, so the furthest distance is 250, within the 256 that were agreed
//! on. The tests read such streams through a window of exactly 8 bits.
//!
//! - the stream stands at a byte boundary between calls
//! - `packed[..used]` is what the current call compressed; `used == 0` between calls

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Method, Status, Strategy, compress_bound};

use crate::error::OutOfMemory;

/// What is taken off the end of a compressed message.
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
/// Bytes of output at a time in the beginning.
const ROOM: usize = 4096;
/// A flush needs this much room at once, or zlib writes it again.
const FLUSH: usize = 16;
/// Bytes of output that are kept for the next message; more is given back.
const KEPT: usize = 1 << 18;
/// The smallest window that zlib writes raw streams for.
const SMALLEST_WINDOW_BITS: u8 = 9;

/// One direction's compressor, whose state is made with its first compressed message.
pub struct Deflater {
    deflate: Option<Deflate>,
    level: u8,
    window_bits: u8,
    no_context_takeover: bool,
    /// Whether the window is to be emptied before anything more is compressed.
    forgotten: bool,
    packed: Vec<u8>,
    used: usize,
}

impl Deflater {
    /// A compressor with an empty window of `window_bits`, 8 to 15, and a level of 0 to 9.
    #[must_use]
    pub const fn new(level: u8, window_bits: u8, no_context_takeover: bool) -> Self {
        Self {
            deflate: None,
            level,
            window_bits,
            no_context_takeover,
            forgotten: false,
            packed: Vec::new(),
            used: 0,
        }
    }

    /// What the last call compressed.
    pub(crate) fn packed(&self) -> &[u8] {
        &self.packed[..self.used]
    }

    /// Forgets the window, so that the next message does not refer to anything before it. The
    /// receiver's window may hold more: distances count backwards, and never reach that far.
    pub(crate) const fn forget(&mut self) {
        self.forgotten = true;
    }

    /// Ends a call. What did not get out is not in the receiver's window either.
    pub(crate) fn end(&mut self, fin: bool, got_out: bool) {
        if !got_out || (fin && self.no_context_takeover) {
            self.forget();
        }
        self.used = 0;
        if self.packed.len() > KEPT {
            self.packed = Vec::new();
        }
    }

    /// Appends the payload of the next fragment; its length.
    fn append(&mut self, part: &[u8], fin: bool) -> Result<usize, OutOfMemory> {
        let start = self.used;
        if !part.is_empty() {
            self.flush(part)?;
            if fin {
                self.used -= TAIL.len();
                debug_assert_eq!(self.packed[self.used..][..TAIL.len()], TAIL);
            }
        } else if fin {
            // The header of an empty block, whose rest is the tail (section 7.2.3.6).
            self.make_room(1, FLUSH)?;
            self.packed[self.used] = 0;
            self.used += 1;
        }
        Ok(self.used - start)
    }

    fn flush(&mut self, mut part: &[u8]) -> Result<(), OutOfMemory> {
        let (level, window_bits) = (i32::from(self.level), i32::from(self.window_bits));
        let mut deflate = self.deflate.take().unwrap_or_else(|| {
            Deflate::new_with_config(DeflateConfig {
                level,
                method: Method::Deflated,
                window_bits: -window_bits.max(i32::from(SMALLEST_WINDOW_BITS)),
                mem_level: 8,
                strategy: Strategy::Default,
            })
        });
        if std::mem::take(&mut self.forgotten) {
            deflate.reset();
        }
        let result = loop {
            if let Err(refused) = self.make_room(part.len(), ROOM) {
                break Err(refused);
            }
            let before = (deflate.total_in(), deflate.total_out());
            let room = &mut self.packed[self.used..];
            let status = deflate.compress(part, room, DeflateFlush::SyncFlush);
            assert!(matches!(status, Ok(Status::Ok | Status::BufError)), "zlib takes any input");
            #[expect(clippy::cast_possible_truncation, reason = "bounded by the lengths of slices")]
            let within = |after: u64, before: u64| (after - before) as usize;
            part = &part[within(deflate.total_in(), before.0)..];
            let full = within(deflate.total_out(), before.1) == room.len();
            self.used += within(deflate.total_out(), before.1);
            if part.is_empty() && !full {
                break Ok(());
            }
        };
        self.deflate = Some(deflate);
        result
    }

    /// Makes room for at least a flush, and for as much more as `input` bytes are likely to take:
    /// twice what there was, but not beyond what they can take at most.
    fn make_room(&mut self, input: usize, least: usize) -> Result<(), OutOfMemory> {
        if self.packed.len() - self.used >= FLUSH {
            return Ok(());
        }
        let most = self.used + compress_bound(input) + FLUSH;
        let size = (2 * self.packed.len()).min(most).max(self.packed.len() + least.max(FLUSH));
        self.packed.try_reserve_exact(size - self.packed.len())?;
        self.packed.resize(size, 0);
        Ok(())
    }
}

/// A content to be compressed, part by part.
pub struct Work<'a> {
    pub(crate) deflater: &'a mut Deflater,
    pub(crate) content: &'a [u8],
    pub(crate) sizes: &'a [usize],
    pub(crate) fin: bool,
}

impl Work<'_> {
    /// Bytes of content.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.content.len()
    }

    /// Compresses it; the lengths of the parts' payloads.
    pub fn run(self) -> Result<Vec<usize>, OutOfMemory> {
        let Self { deflater, mut content, sizes, fin } = self;
        let last = sizes.len() - 1;
        let mut lengths = Vec::with_capacity(sizes.len());
        for (index, size) in sizes.iter().enumerate() {
            let (part, rest) = content.split_at(*size);
            lengths.push(deflater.append(part, fin && index == last)?);
            content = rest;
        }
        Ok(lengths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The payloads of a message in these parts.
    fn message(deflater: &mut Deflater, parts: &[&[u8]]) -> Vec<Vec<u8>> {
        let content = parts.concat();
        let sizes: Vec<_> = parts.iter().map(|part| part.len()).collect();
        let work = Work { deflater, content: &content, sizes: &sizes, fin: true };
        let mut lengths = work.run().unwrap().into_iter();
        let mut packed = deflater.packed();
        let payloads = lengths
            .by_ref()
            .map(|length| {
                let (payload, rest) = packed.split_at(length);
                packed = rest;
                payload.to_vec()
            })
            .collect();
        assert!(packed.is_empty());
        deflater.end(true, true);
        payloads
    }

    /// RFC 7692 sections 7.2.3.1 (one block), 7.2.3.2 (the shared window), 7.2.3.5 (two blocks),
    /// and 7.2.3.6 (an empty message).
    #[test]
    fn examples_of_the_rfc_are_written_as_it_says() {
        let mut deflater = Deflater::new(6, 15, false);
        assert_eq!(message(&mut deflater, &[b"Hello"]), [b"\xf2\x48\xcd\xc9\xc9\x07\x00"]);
        assert_eq!(message(&mut deflater, &[b"Hello"]), [b"\xf2\x00\x11\x00\x00"]);
        assert_eq!(message(&mut deflater, &[b""]), [b"\x00"]);
        let mut alone = Deflater::new(6, 15, true);
        for _ in 0..2 {
            assert_eq!(message(&mut alone, &[b"Hello"]), [b"\xf2\x48\xcd\xc9\xc9\x07\x00"]);
            assert_eq!(
                message(&mut alone, &[b"He", b"llo"]).concat(),
                b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"
            );
        }
    }

    /// RFC 7692 section 7.2.3.3.
    #[test]
    fn level_0_stores() {
        let stored = message(&mut Deflater::new(0, 15, false), &[b"Hello"]);
        assert_eq!(stored, [b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"]);
    }

    #[test]
    fn empty_parts_have_empty_payloads_but_for_the_last() {
        let mut deflater = Deflater::new(6, 15, false);
        let payloads = message(&mut deflater, &[b"", b"Hello", b"", b""]);
        assert_eq!(
            payloads,
            [&b""[..], b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", b"", b"\x00"]
        );
    }

    #[test]
    fn a_large_buffer_is_given_back() {
        let mut deflater = Deflater::new(0, 15, false);
        message(&mut deflater, &[&[7; 1000]]);
        assert_eq!(deflater.packed.len(), ROOM);
        message(&mut deflater, &[&vec![7; 2 * KEPT]]);
        assert_eq!(deflater.packed.capacity(), 0);
    }

    #[test]
    fn what_did_not_get_out_is_not_referred_to() {
        let mut deflater = Deflater::new(6, 15, false);
        let sizes = [5];
        let work = Work { deflater: &mut deflater, content: b"Hello", sizes: &sizes, fin: true };
        work.run().unwrap();
        deflater.end(true, false);
        assert_eq!(message(&mut deflater, &[b"Hello"]), [b"\xf2\x48\xcd\xc9\xc9\x07\x00"]);
    }
}
