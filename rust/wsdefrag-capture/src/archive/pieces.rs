//! The bytes of an entry in their order: its frame in memory, and its rows, of which some may be
//! spooled.

use std::collections::VecDeque;

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::{TryGrow, copied};

use super::row_stream::{Extent, RowStream};
use super::spool_file::SpoolFile;
use crate::output::OutputError;

/// Part of an entry as a format lays it out.
#[derive(Debug)]
pub(super) enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The rows of the stream with this number.
    Rows(usize),
}

/// Bytes that are written one after the other.
#[derive(Debug)]
enum Piece {
    Memory(Vec<u8>),
    Spooled(Extent),
}

/// A row that is put into a stream.
#[derive(Debug)]
pub(super) struct Inserted {
    /// The bytes of the stream before it.
    pub(super) place: u64,
    /// Its bytes.
    pub(super) row: Vec<u8>,
}

/// Pieces that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Pieces(VecDeque<Piece>);

impl Pieces {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends bytes.
    pub(super) fn bytes(&mut self, bytes: Vec<u8>) -> Result<(), OutOfMemory> {
        if bytes.is_empty() { Ok(()) } else { self.0.try_push(Piece::Memory(bytes)) }
    }

    /// Appends a stream with the rows that are put into it, in the order of their places.
    pub(super) fn stream(
        &mut self,
        stream: RowStream,
        inserted: Vec<Inserted>,
        file: &mut SpoolFile,
    ) -> Result<(), OutputError> {
        let (extents, tail) = stream.into_parts(file)?;
        let mut inserted = inserted.into_iter().peekable();
        let mut at = 0;
        for mut extent in extents {
            let end = at + extent.length();
            while let Some(next) = inserted.next_if(|next| next.place < end) {
                let before = extent.split_off_start(next.place - at);
                at = next.place;
                if before.length() > 0 {
                    self.0.try_push(Piece::Spooled(before))?;
                }
                self.bytes(next.row)?;
            }
            self.0.try_push(Piece::Spooled(extent))?;
            at = end;
        }
        let mut taken = 0;
        for next in inserted {
            let place = usize::try_from(next.place - at).unwrap_or(usize::MAX).min(tail.len());
            self.bytes(copied(&tail[taken..place])?)?;
            self.bytes(next.row)?;
            taken = place;
        }
        if taken == 0 {
            self.bytes(tail)?;
        } else {
            self.bytes(copied(&tail[taken..])?)?;
        }
        Ok(())
    }

    /// Appends the next bytes to `ready` until that has `most` of them, or a piece more.
    pub(super) fn take(
        &mut self,
        ready: &mut Vec<u8>,
        most: usize,
        file: &mut SpoolFile,
    ) -> Result<(), OutputError> {
        while ready.len() < most
            && let Some(next) = self.0.front_mut()
        {
            match next {
                Piece::Memory(bytes) if ready.is_empty() => std::mem::swap(ready, bytes),
                Piece::Memory(bytes) => ready.try_append(bytes)?,
                Piece::Spooled(extent) => {
                    extent.take(most - ready.len(), file, ready)?;
                    if extent.length() > 0 {
                        continue;
                    }
                }
            }
            self.0.pop_front();
        }
        Ok(())
    }
}
