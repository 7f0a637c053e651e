//! The stored bytes of a file, buffered for decoders that take as many as they need.
//!
//! - `start <= end <= buffer.len()`; the bytes between them were read and not taken

#![expect(clippy::disallowed_methods, reason = "a buffer of fixed size")]

use std::io::{self, BufRead, Read};

/// Bytes that are read at a time.
const BUFFER: usize = 64 << 10;

/// Bytes that are read first. They show the format, and most often the first packet.
const FIRST: usize = 4 << 10;

/// A buffered reader whose next bytes can be looked at before they are taken.
pub(crate) struct Source<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Whether the reader has returned its end.
    exhausted: bool,
    /// Whether the reader has failed.
    failed: bool,
    must_block: bool,
}

impl<R: Read> Source<R> {
    pub(crate) const fn new(reader: R) -> Self {
        let buffer = Vec::new();
        Self {
            reader,
            buffer,
            start: 0,
            end: 0,
            exhausted: false,
            failed: false,
            must_block: false,
        }
    }

    /// Whether a read without bytes yet (`WouldBlock`) is an error that ends the file.
    pub(crate) const fn must_block(&mut self, must: bool) {
        self.must_block = must;
    }

    /// Whether more bytes were asked for than the file has.
    pub(crate) const fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Whether the reader has failed, and not the decoder.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed
    }

    /// The next `count` bytes, or fewer at the end of the file.
    pub(crate) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.end - self.start < count && !self.exhausted {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end.min(self.start + count)])
    }

    /// Reads once, after the bytes that were not taken.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.resize(if self.buffer.is_empty() { FIRST } else { BUFFER }, 0);
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let count = match self.reader.read(&mut self.buffer[self.end..]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.must_block => {
                self.failed = true;
                let text = "a non-blocking file can be compressed with gzip only";
                return Err(io::Error::new(io::ErrorKind::Unsupported, text));
            }
            Err(error) => {
                self.failed =
                    !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted);
                return Err(error);
            }
            Ok(count) => count,
        };
        self.exhausted |= count == 0;
        self.end += count;
        Ok(())
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.start < self.end {
            let count = buffer.len().min(self.end - self.start);
            buffer[..count].copy_from_slice(&self.buffer[self.start..][..count]);
            self.start += count;
            return Ok(count);
        }
        if buffer.len() >= BUFFER {
            // Large reads need no buffer.
            let count = self.reader.read(buffer)?;
            self.exhausted |= count == 0;
            return Ok(count);
        }
        self.fill()?;
        let count = buffer.len().min(self.end);
        buffer[..count].copy_from_slice(&self.buffer[..count]);
        self.start = count;
        Ok(count)
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }
}
