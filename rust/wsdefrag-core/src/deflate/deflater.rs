//! Compresses one direction (RFC 7692 section 7.2.1).
//!
//! Each fragment is flushed to a byte boundary. A receiver that inflates each fragment separately
//! gets the fragment's whole content, and the windows of both sides are equal between calls. The
//! four bytes `00 00 ff ff` are removed from the last fragment of a message.
//!
//! zlib does not write raw streams with an 8-bit window, so it gets 9 bits instead. Its matches
//! stay 262 bytes (the longest match and the lookahead) below the window size, so the longest
//! distance is 250, within the agreed 256. The tests inflate such streams with an 8-bit window.
//!
//! - the stream is at a byte boundary between calls
//! - `compressed[..used]` is the output of the current call; `used == 0` between calls

use std::panic;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Method, Status, Strategy, compress_bound};

use crate::error::OutOfMemory;
use crate::fallible::{TryGrow, lengthen};

/// The bytes that are removed from the end of a compressed message.
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
/// First size of the output buffer, in bytes.
const ROOM: usize = 4096;
/// Room that a flush needs at once, in bytes; with less, zlib repeats the flush.
const FLUSH: usize = 16;
/// Largest output buffer that is kept for the next message, in bytes.
const KEPT: usize = 1 << 18;
/// Size of the state that zlib-rs allocates, without what depends on the window, in bytes; the tests
/// measure it.
const FIXED_SIZE: usize = 256 << 10;
/// The part of the state's size that depends on the window, per byte of the window.
const SIZE_PER_BYTE: usize = 4;
/// The smallest window of zlib's raw streams, in bits.
const SMALLEST_WINDOW_BITS: u8 = 9;

/// One direction's compressor. Its state is allocated with the first compressed message.
pub struct Deflater {
    deflate: Option<Deflate>,
    level: u8,
    window_bits: u8,
    no_context_takeover: bool,
    /// Whether the window has to be reset before more is compressed.
    reset_due: bool,
    compressed: Vec<u8>,
    used: usize,
}

impl Deflater {
    /// Creates a compressor with an empty window of `window_bits`, 8 to 15, and a level of 0 to 9.
    #[must_use]
    pub const fn new(level: u8, window_bits: u8, no_context_takeover: bool) -> Self {
        Self {
            deflate: None,
            level,
            window_bits,
            no_context_takeover,
            reset_due: false,
            compressed: Vec::new(),
            used: 0,
        }
    }

    /// The output of the last call.
    pub(crate) fn compressed(&self) -> &[u8] {
        &self.compressed[..self.used]
    }

    /// Resets the window, so that the next message does not refer to earlier ones. The receiver's
    /// window may still contain older bytes; no distance reaches them.
    pub(crate) const fn reset_window(&mut self) {
        self.reset_due = true;
    }

    /// Ends a call. If its output was not delivered, the receiver's window differs, and the window
    /// is reset.
    pub(crate) fn end(&mut self, fin: bool, delivered: bool) {
        if !delivered || (fin && self.no_context_takeover) {
            self.reset_window();
        }
        self.used = 0;
        if self.compressed.len() > KEPT {
            self.compressed = Vec::new();
        }
    }

    /// Compresses the next fragment; returns the length of its payload.
    fn append(&mut self, part: &[u8], fin: bool) -> Result<usize, OutOfMemory> {
        let start = self.used;
        if !part.is_empty() {
            self.flush(part)?;
            if fin {
                self.used -= TAIL.len();
                debug_assert_eq!(self.compressed[self.used..][..TAIL.len()], TAIL);
            }
        } else if fin {
            // The first byte of an empty block, whose other bytes are the tail (section 7.2.3.6).
            self.make_room(1, FLUSH)?;
            self.compressed[self.used] = 0;
            self.used += 1;
        }
        Ok(self.used - start)
    }

    fn flush(&mut self, mut part: &[u8]) -> Result<(), OutOfMemory> {
        let mut deflate = match self.deflate.take() {
            Some(deflate) => deflate,
            None => self.new_state()?,
        };
        if std::mem::take(&mut self.reset_due) {
            deflate.reset();
        }
        let result = loop {
            if let Err(refused) = self.make_room(part.len(), ROOM) {
                break Err(refused);
            }
            let before = (deflate.total_in(), deflate.total_out());
            let room = &mut self.compressed[self.used..];
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
        // After a refusal zlib still holds a part of the content and of the output, which the
        // receiver never gets. The next call starts with a new state.
        if result.is_ok() {
            self.deflate = Some(deflate);
        }
        result
    }

    /// The state of a compressor with an empty window.
    #[cold]
    fn new_state(&self) -> Result<Deflate, OutOfMemory> {
        let window_bits = self.window_bits.max(SMALLEST_WINDOW_BITS);
        let config = DeflateConfig {
            level: i32::from(self.level),
            method: Method::Deflated,
            window_bits: -i32::from(window_bits),
            mem_level: 8,
            strategy: Strategy::Default,
        };
        // zlib-rs panics if its one allocation is refused. So the same size is tried first, which
        // leaves the panic to a race with other threads.
        Vec::<u8>::new().try_reserve_exact(FIXED_SIZE + (SIZE_PER_BYTE << window_bits))?;
        panic::catch_unwind(|| Deflate::new_with_config(config)).map_err(|_| OutOfMemory)
    }

    /// Makes room for at least `least` bytes. Doubles the buffer, but not beyond the most that
    /// `input` bytes can compress to.
    fn make_room(&mut self, input: usize, least: usize) -> Result<(), OutOfMemory> {
        if self.compressed.len() - self.used >= FLUSH {
            return Ok(());
        }
        let most = self.used + compress_bound(input) + FLUSH;
        let size =
            (2 * self.compressed.len()).min(most).max(self.compressed.len() + least.max(FLUSH));
        self.compressed.try_reserve_exact(size - self.compressed.len())?;
        let more = size - self.compressed.len();
        lengthen(&mut self.compressed, more, 0)
    }
}

/// A content to be compressed, fragment by fragment.
pub struct Compression<'a> {
    pub(crate) deflater: &'a mut Deflater,
    pub(crate) content: &'a [u8],
    pub(crate) sizes: &'a [usize],
    pub(crate) fin: bool,
}

impl Compression<'_> {
    /// Size of the content, in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.content.len()
    }

    /// Compresses the content; returns the lengths of the fragments' payloads.
    pub fn run(self) -> Result<Vec<usize>, OutOfMemory> {
        let Self { deflater, mut content, sizes, fin } = self;
        let last = sizes.len() - 1;
        let mut lengths = Vec::new();
        lengths.try_reserve_exact(sizes.len())?;
        for (index, size) in sizes.iter().enumerate() {
            let (part, rest) = content.split_at(*size);
            lengths.try_push(deflater.append(part, fin && index == last)?)?;
            content = rest;
        }
        Ok(lengths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The payloads of a message with these fragments.
    fn message(deflater: &mut Deflater, parts: &[&[u8]]) -> Vec<Vec<u8>> {
        let content = parts.concat();
        let sizes: Vec<_> = parts.iter().map(|part| part.len()).collect();
        let work = Compression { deflater, content: &content, sizes: &sizes, fin: true };
        let mut lengths = work.run().unwrap().into_iter();
        let mut compressed = deflater.compressed();
        let payloads = lengths
            .by_ref()
            .map(|length| {
                let (payload, rest) = compressed.split_at(length);
                compressed = rest;
                payload.to_vec()
            })
            .collect();
        assert!(compressed.is_empty());
        deflater.end(true, true);
        payloads
    }

    /// RFC 7692 sections 7.2.3.1 (one block), 7.2.3.2 (the shared window), 7.2.3.5 (two blocks),
    /// and 7.2.3.6 (an empty message).
    #[test]
    fn rfc_examples_are_compressed_as_listed() {
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
    fn empty_fragments_have_empty_payloads_except_the_last() {
        let mut deflater = Deflater::new(6, 15, false);
        let payloads = message(&mut deflater, &[b"", b"Hello", b"", b""]);
        assert_eq!(
            payloads,
            [&b""[..], b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", b"", b"\x00"]
        );
    }

    #[test]
    fn large_buffer_is_released() {
        let mut deflater = Deflater::new(0, 15, false);
        message(&mut deflater, &[&[7; 1000]]);
        assert_eq!(deflater.compressed.len(), ROOM);
        message(&mut deflater, &[&vec![7; 2 * KEPT]]);
        assert_eq!(deflater.compressed.capacity(), 0);
    }

    #[test]
    fn undelivered_output_is_not_referred_to() {
        let mut deflater = Deflater::new(6, 15, false);
        let sizes = [5];
        let work =
            Compression { deflater: &mut deflater, content: b"Hello", sizes: &sizes, fin: true };
        work.run().unwrap();
        deflater.end(true, false);
        assert_eq!(message(&mut deflater, &[b"Hello"]), [b"\xf2\x48\xcd\xc9\xc9\x07\x00"]);
    }
}
