//! Outputs: sinks that make the bytes of a file of the rows they receive.
//!
//! ```text
//! capture -> (a choice of rows) -> Counted (the tally) -> an output -> blocks of bytes
//! ```
//!
//! An output writes nothing itself. It collects the bytes that are ready; whoever drives the capture
//! [takes](Output::take) them whenever the sink [is full](Sink::is_full), and writes them.
//!
//! - bytes that were taken are final: the blocks, joined, are the file
//! - `finish` is called once, after the capture has ended, also if it ended with a failure; then `take`
//!   is called until it gives nothing

use std::error::Error;
use std::fmt;
use std::io;

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use crate::sink::Sink;

/// Bytes that are ready at which an output is full.
pub const FULL: usize = 256 << 10;

/// Why an output cannot go on.
#[derive(Debug)]
pub enum OutputError {
    /// Memory for a row was refused. The rows from this one on are lost.
    OutOfMemory,
    /// A temporary file could not be written or read.
    Spool(io::Error),
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("no memory for a row"),
            Self::Spool(error) => write!(f, "temporary file: {error}"),
        }
    }
}

impl Error for OutputError {}

impl From<OutOfMemory> for OutputError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        Self::Spool(error)
    }
}

/// Moves bytes that are ready to the end of a block, or swaps the two if the block is empty. Nothing is
/// ready afterwards.
pub(crate) fn move_ready(ready: &mut Vec<u8>, block: &mut Vec<u8>) -> Result<(), OutOfMemory> {
    if block.is_empty() {
        std::mem::swap(block, ready);
    } else {
        block.try_append(ready)?;
        ready.clear();
    }
    Ok(())
}

/// Does the part of an output's work on a message that depends on nothing else, so that any thread can:
/// writes bytes, and returns whether it did. The message's content is then replaced by them, and the
/// message goes to [`Sink::prepared`].
pub type Prepare = fn(&Message, &mut Vec<u8>) -> Result<bool, OutOfMemory>;

/// A sink that makes the bytes of a file of the rows.
///
/// After an error of a row, the sink is full, ignores further rows, and `take` returns the error.
pub trait Output: Sink {
    /// Moves the bytes that are ready to the end of `block`, or swaps the buffers if it is empty. About
    /// [`FULL`] bytes are ready when the sink is full. A sink that is full again afterwards has more of
    /// the rows that it got; at the end of the file, it is asked until it gives nothing.
    ///
    /// # Errors
    ///
    /// If a row could not be written. `block` has the bytes of all rows before it.
    fn take(&mut self, block: &mut Vec<u8>) -> Result<(), OutputError>;

    /// Does what [`take`](Self::take) does for one file of an output that has several, and sets `part`
    /// to the number of the file. An output of one file leaves it.
    ///
    /// # Errors
    ///
    /// As `take`.
    fn take_part(&mut self, block: &mut Vec<u8>, part: &mut usize) -> Result<(), OutputError> {
        let _ = part;
        self.take(block)
    }

    /// For an output whose number of files depends on its rows: the folder of each file so far, by its
    /// number, and how many rows it has.
    fn part_names(&self) -> &[(String, u64)] {
        &[]
    }

    /// Makes the rest of the file ready, after the last row.
    ///
    /// # Errors
    ///
    /// If it could not be written.
    fn finish(&mut self) -> Result<(), OutputError>;

    /// What other threads may do for it.
    fn prepare(&self) -> Option<Prepare> {
        None
    }

    /// Takes a sentence about the whole capture, such as what of it was not read. Most formats have no
    /// place for it.
    fn note(&mut self, sentence: String) {
        let _ = sentence;
    }

    /// Rows written: lines, entries, flows.
    fn rows(&self) -> u64;

    /// Bytes that it holds and that are not ready.
    fn bytes_held(&self) -> usize {
        0
    }
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn opened(&mut self, connection: &Connection) {
        (**self).opened(connection);
    }

    #[inline]
    fn message(&mut self, message: Message) {
        (**self).message(message);
    }

    #[inline]
    fn prepared(&mut self, message: Message, length: usize) {
        (**self).prepared(message, length);
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        (**self).spare()
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        (**self).gap(gap);
    }

    fn event(&mut self, event: CaptureEvent) {
        (**self).event(event);
    }

    fn ended(&mut self, connection: Connection) {
        (**self).ended(connection);
    }

    #[inline]
    fn is_full(&self) -> bool {
        (**self).is_full()
    }
}
