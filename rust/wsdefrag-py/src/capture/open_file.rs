//! A file that is being read, and the chunk that was read of it last.
//!
//! - `start <= end <= chunk.len()`
//! - once `ended` is true, nothing is read any more

use std::io::{self, ErrorKind, Read};

use crate::capture::input::Opened;

/// Bytes per read of a file that is read alone; they fit in a part of the second-level cache.
const CHUNK: usize = 256 << 10;

/// Bytes per read of a file among very many, at least.
const SMALL_CHUNK: usize = 16 << 10;

/// Memory for the chunks of all files that are merged at a time, in bytes, as long as each has its
/// least.
const ALL_CHUNKS: usize = 32 << 20;

/// A file that is being read.
pub(super) struct OpenFile {
    opened: Opened,
    chunk: Vec<u8>,
    /// The bytes of `chunk` that were read and not taken yet.
    start: usize,
    end: usize,
    /// Whether there are no more bytes.
    ended: bool,
    /// Why there are no more, if the compressed data is damaged.
    damage: Option<io::Error>,
}

impl OpenFile {
    /// A file from its first byte on, beside this many open ones; `buffer` is reused for its chunks.
    #[expect(clippy::disallowed_methods, reason = "one chunk of at most 256 KiB")]
    pub(super) fn new(opened: Opened, mut buffer: Vec<u8>, others: usize) -> Self {
        buffer.resize((ALL_CHUNKS / (others + 1)).clamp(SMALL_CHUNK, CHUNK), 0);
        Self { opened, chunk: buffer, start: 0, end: 0, ended: false, damage: None }
    }

    /// The bytes that were read and not taken yet; empty also at the end of the file.
    pub(super) fn data(&self) -> &[u8] {
        &self.chunk[self.start..self.end]
    }

    /// Notes that the first bytes of [`data`](Self::data) were taken.
    pub(super) const fn took(&mut self, length: usize) {
        self.start += length;
    }

    /// Reads the next chunk, unless there is data or the file has ended. Returns the
    /// error of a file object that has no data yet, or of a read that a signal interrupted.
    pub(super) fn fill(&mut self) -> io::Result<Option<io::Error>> {
        if self.start < self.end || self.ended {
            return Ok(None);
        }
        (self.start, self.end) = (0, 0);
        match self.opened.read(&mut self.chunk) {
            Ok(length) => {
                self.end = length;
                self.ended = length == 0;
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Ok(Some(error));
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData) =>
            {
                self.damage = Some(error);
                self.ended = true;
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    /// Takes the error that ended a file whose compressed data is damaged.
    pub(super) const fn take_damage(&mut self) -> Option<io::Error> {
        self.damage.take()
    }

    /// Bytes that were read, as stored (compressed).
    pub(super) fn stored_bytes(&self) -> u64 {
        self.opened.stored_bytes()
    }

    /// Bytes of the file that were not read, as stored (compressed).
    pub(super) fn bytes_left(&self) -> u64 {
        self.opened.left()
    }

    /// The buffer, for the next file.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.chunk
    }
}
