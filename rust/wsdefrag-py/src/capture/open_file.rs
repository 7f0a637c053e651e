//! A file that is being read, and the chunk that was read of it last.
//!
//! - `start <= end <= chunk.len()`
//! - once `ended` is true, nothing is read any more

use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::sync::Arc;

use crate::capture::input::Opened;

/// Bytes per read of a file that is read alone; they fit in a part of the second-level cache.
const CHUNK: usize = 256 << 10;

/// Bytes per read of a file among very many, at least.
const SMALL_CHUNK: usize = 16 << 10;

/// Memory for the chunks of all files that are merged at a time, in bytes, as long as each has its
/// least.
const ALL_CHUNKS: usize = 32 << 20;

/// Buffers for chunks. Threads may still read those that were given out.
#[derive(Default)]
pub(super) struct Chunks(Vec<Arc<Vec<u8>>>);

/// Buffers that are kept at most.
const MOST_CHUNKS: usize = 64;

impl Chunks {
    /// Gives a buffer back, and returns one of this length that nobody reads.
    #[expect(clippy::disallowed_methods, reason = "one chunk of at most 256 KiB for each in use")]
    fn exchange(&mut self, used: Arc<Vec<u8>>, length: usize) -> Arc<Vec<u8>> {
        let mut free = self.0.iter_mut().position(|chunk| Arc::get_mut(chunk).is_some());
        let mut next = free.take().map(|index| self.0.swap_remove(index)).unwrap_or_default();
        if let Some(chunk) = Arc::get_mut(&mut next) {
            chunk.resize(length, 0);
        }
        self.keep(used);
        next
    }

    /// Keeps a buffer.
    #[expect(clippy::disallowed_methods, reason = "at most `MOST_CHUNKS`")]
    pub(super) fn keep(&mut self, chunk: Arc<Vec<u8>>) {
        if self.0.len() < MOST_CHUNKS && chunk.capacity() > 0 {
            self.0.push(chunk);
        }
    }
}

/// A file that is being read.
pub(super) struct OpenFile {
    opened: Opened,
    chunk: Arc<Vec<u8>>,
    /// Bytes of a chunk.
    length: usize,
    /// The bytes of `chunk` that were read and not taken yet.
    start: usize,
    end: usize,
    /// Whether there are no more bytes.
    ended: bool,
    /// Why there are no more, if the compressed data is damaged.
    damage: Option<io::Error>,
}

impl OpenFile {
    /// A file from its first byte on, beside this many open ones.
    pub(super) fn new(opened: Opened, others: usize) -> Self {
        let length = (ALL_CHUNKS / (others + 1)).clamp(SMALL_CHUNK, CHUNK);
        let chunk = Arc::default();
        Self { opened, chunk, length, start: 0, end: 0, ended: false, damage: None }
    }

    /// The bytes that were read and not taken yet, as a range of a chunk; empty also at the end of the
    /// file.
    pub(super) const fn data(&self) -> (&Arc<Vec<u8>>, Range<usize>) {
        (&self.chunk, self.start..self.end)
    }

    /// Notes that the first bytes of [`data`](Self::data) were taken.
    pub(super) const fn took(&mut self, length: usize) {
        self.start += length;
    }

    /// Reads the next chunk, unless there is data or the file has ended. Returns the
    /// error of a file object that has no data yet, or of a read that a signal interrupted.
    pub(super) fn fill(&mut self, chunks: &mut Chunks) -> io::Result<Option<io::Error>> {
        if self.start < self.end || self.ended {
            return Ok(None);
        }
        (self.start, self.end) = (0, 0);
        let is_free = Arc::get_mut(&mut self.chunk).is_some_and(|chunk| chunk.len() == self.length);
        if !is_free {
            self.chunk = chunks.exchange(std::mem::take(&mut self.chunk), self.length);
        }
        let Some(chunk) = Arc::get_mut(&mut self.chunk) else { return Ok(None) };
        match self.opened.read(chunk) {
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
    pub(super) fn into_buffer(self) -> Arc<Vec<u8>> {
        self.chunk
    }
}
