//! Encoded rows of one kind of one connection, which may be longer than memory.
//!
//! The last rows are in the stream; earlier ones may be in the [`SpoolFile`]. A spooled extent is a range of
//! its bytes, followed by a link to the extent before it, so that a stream takes the same room however
//! long it is.
//!
//! - `length` = bytes of all extents (without links) + `tail.len()`

#![expect(
    clippy::disallowed_methods,
    reason = "an extent in memory for each one that an ended connection has, which were written 1 MiB at a time on average"
)]

use super::spool_file::SpoolFile;
use crate::output::OutputError;

/// Bytes of a link: the position and the length of the extent before, or of nothing.
const LINK: usize = 16;

/// Bytes of a tail over which it is spooled alone.
const LONG_TAIL: usize = 2 << 20;

/// Bytes that a part of a row has, as a rule at most.
const PART: usize = 128 << 10;

/// A range of spooled bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    position: u64,
    length: u64,
}

/// Encoded rows.
#[derive(Debug, Default)]
pub(super) struct RowStream {
    /// The last bytes.
    tail: Vec<u8>,
    /// The last extent that was spooled.
    last: Option<Extent>,
    length: u64,
    /// Rows, also those that are put in later.
    rows: u64,
}

impl RowStream {
    /// Bytes of all rows.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// The memory that it takes, in bytes.
    pub(super) const fn memory(&self) -> usize {
        self.tail.capacity()
    }

    /// Begins a row that is put in later. Returns where, and whether it is the first row.
    pub(super) const fn leave_out(&mut self) -> (u64, bool) {
        self.rows += 1;
        (self.length, self.rows == 1)
    }

    /// Moves the tail to the spool, and gives its memory back.
    pub(super) fn spool(&mut self, file: &mut SpoolFile) -> Result<(), OutputError> {
        if self.tail.is_empty() {
            self.tail = Vec::new();
            return Ok(());
        }
        if !file.is_there() {
            return Ok(());
        }
        let length = self.tail.len() as u64;
        let before = self.last.unwrap_or(Extent { position: 0, length: 0 });
        self.tail.try_reserve(LINK).map_err(|_| OutputError::OutOfMemory)?;
        self.tail.extend_from_slice(&before.position.to_le_bytes());
        self.tail.extend_from_slice(&before.length.to_le_bytes());
        let position = file.append(std::mem::take(&mut self.tail))?;
        if self.last.is_none() {
            file.begin_stream();
        }
        self.last = Some(Extent { position, length });
        Ok(())
    }

    /// The extents in their order, and the bytes in memory.
    pub(super) fn into_parts(
        self,
        file: &mut SpoolFile,
    ) -> Result<(Vec<Extent>, Vec<u8>), OutputError> {
        if self.last.is_some() {
            file.end_stream();
        }
        let mut extents = Vec::new();
        let mut next = self.last;
        while let Some(extent) = next {
            let mut link = Vec::new();
            file.read(extent.position + extent.length, LINK, &mut link)?;
            let [position, length] = [0, 8].map(|at| {
                let number = link.get(at..).and_then(<[u8]>::first_chunk);
                u64::from_le_bytes(number.copied().unwrap_or_default())
            });
            extents.try_reserve(1).map_err(|_| OutputError::OutOfMemory)?;
            extents.push(extent);
            next = (length > 0).then_some(Extent { position, length });
        }
        extents.reverse();
        Ok((extents, self.tail))
    }
}

impl Extent {
    /// Bytes of the extent.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Removes the first `length` bytes, which it must have, and returns them.
    pub(super) const fn split_off_start(&mut self, length: u64) -> Self {
        let start = Self { position: self.position, length };
        self.position += length;
        self.length -= length;
        start
    }

    /// Appends the first `most` bytes to `out`, and removes them.
    pub(super) fn take(
        &mut self,
        most: usize,
        file: &mut SpoolFile,
        out: &mut Vec<u8>,
    ) -> Result<(), OutputError> {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX).min(most);
        file.read(self.split_off_start(length as u64).position, length, out)
    }
}

/// Writes a row to the end of a stream.
///
/// A row is written in parts, so that a long one can be spooled in between: [`relieve`](Self::relieve)
/// after each part of more than some 100 KiB.
pub(super) struct RowWriter<'a> {
    stream: &'a mut RowStream,
    file: &'a mut SpoolFile,
    start: usize,
}

impl<'a> RowWriter<'a> {
    /// Begins a row. Also returns whether it is the first one.
    pub(super) const fn new(stream: &'a mut RowStream, file: &'a mut SpoolFile) -> (Self, bool) {
        stream.rows += 1;
        let is_first = stream.rows == 1;
        let start = stream.tail.len();
        (Self { stream, file, start }, is_first)
    }

    /// The bytes that are in memory.
    pub(super) const fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.stream.tail
    }

    /// Spools what was written, if it is long.
    pub(super) fn relieve(&mut self) -> Result<(), OutputError> {
        if self.stream.tail.len() > LONG_TAIL {
            self.settle();
            self.stream.spool(self.file)?;
            if self.stream.tail.is_empty() {
                // As much follows, as a rule; growing would leave half of the room unused.
                let room = self.stream.tail.try_reserve_exact(LONG_TAIL + PART);
                room.map_err(|_| OutputError::OutOfMemory)?;
            }
            self.start = self.stream.tail.len();
        }
        Ok(())
    }

    /// Counts the bytes that were written.
    fn settle(&mut self) {
        self.stream.length += (self.stream.tail.len() - self.start) as u64;
        self.start = self.stream.tail.len();
    }

    /// Ends the row.
    pub(super) fn end(mut self) -> Result<(), OutputError> {
        self.settle();
        self.relieve()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::tests::Bytes;

    #[test]
    fn stream_that_was_long_once_gives_its_room_back() {
        let mut file = SpoolFile::new(Some(Box::<Bytes>::default()));
        let mut stream = RowStream::default();
        let (mut row, _) = RowWriter::new(&mut stream, &mut file);
        row.bytes().resize(LONG_TAIL + 1, 0);
        row.end().unwrap();
        assert!(stream.memory() > LONG_TAIL);
        stream.spool(&mut file).unwrap();
        assert_eq!(stream.memory(), 0);
        assert_eq!(stream.length(), LONG_TAIL as u64 + 1);
    }
}
