//! Reads a flow file or an HTTP archive from chunks of any size.
//!
//! ```text
//! Start     nothing was read
//! Other     it is something else; its first bytes are waited for, which the error names
//! Flows     between flows, or inside one
//! Har       between entries, or inside one
//! ```
//!
//! An entry is collected in `buffer`, which grows only with the bytes that arrive: an announced length
//! alone takes no memory. When it is complete its connection opens, and its messages are given out one by
//! one, until the sink is full. An entry that is over `most` bytes is passed over.
//!
//! - `position` is the offset in the file of the first byte that is not in `buffer` or was not passed over
//! - while rows are given out, `buffer` is the whole entry, and no bytes are taken

#![expect(
    clippy::disallowed_methods,
    reason = "a sentence, the first bytes of a file, and places of damage, which are few"
)]

mod flow_file;
mod har_file;

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use crate::connection::Connection;
use crate::file::damage::{Damage, Damages};
use crate::file::error::{FileError, FileErrorKind};
use crate::file::looks::START;
use crate::protocol::Protocol;
use crate::recorded::giving::{Giving, Rows};
use crate::recorded::har_scanner::HarScanner;
use crate::recorded::netstring::{Length, length};
use crate::recorded::surroundings::Surroundings;
use crate::sink::Sink;

/// Reads the entries of a file.
#[derive(Debug, Default)]
pub(crate) struct ArchiveReader {
    format: Format,
    /// The first bytes of the file, for an error.
    start: Vec<u8>,
    buffer: Vec<u8>,
    /// Bytes of an entry that are passed over.
    skipped: u64,
    position: u64,
    /// Entries that have begun.
    entries: u64,
    giving: Option<Giving>,
    damages: Damages,
}

#[derive(Debug, Default)]
enum Format {
    #[default]
    Start,
    Other,
    Flows {
        /// Bytes of a flow, which is passed over, that have not come.
        passed_over: u64,
    },
    Har {
        scanner: HarScanner,
        /// Whether the entry is passed over, because it is too long.
        is_too_long: bool,
    },
}

/// Whether a file that starts with this byte may be a flow file or an HTTP archive.
pub(crate) const fn may_be_archive(first: u8) -> bool {
    matches!(first, b'0'..=b'9' | b'{')
}

impl ArchiveReader {
    /// Takes the next bytes of the file. The rows that they complete go to `sink`, until it is full.
    ///
    /// Returns how many bytes were taken. The others must be given again.
    ///
    /// # Errors
    ///
    /// If the file is no archive. It has ended then.
    pub(crate) fn receive_data(
        &mut self,
        data: &[u8],
        around: &mut Surroundings<'_>,
        sink: &mut impl Sink,
    ) -> Result<usize, FileError> {
        let mut taken = 0;
        loop {
            if !self.give(around, sink) {
                return Ok(taken);
            }
            let rest = &data[taken..];
            if rest.is_empty() {
                return Ok(taken);
            }
            self.keep_start(rest);
            let count = match self.format {
                Format::Start => {
                    self.format = start(rest);
                    0
                }
                Format::Other if self.start.len() >= START => return Err(self.not_an_archive()),
                Format::Other => rest.len(),
                Format::Flows { .. } => self.take_flow(rest, around, sink)?,
                Format::Har { .. } => self.take_entry(rest, around, sink)?,
            };
            taken += count;
            self.position += count as u64;
        }
    }

    /// Says that the file has no more bytes.
    ///
    /// Returns whether it has ended. If not, the sink is full, and the call must be repeated.
    ///
    /// # Errors
    ///
    /// If the file ended inside an entry, or is no archive.
    pub(crate) fn receive_eof(
        &mut self,
        around: &mut Surroundings<'_>,
        sink: &mut impl Sink,
    ) -> Result<bool, FileError> {
        if !self.give(around, sink) {
            return Ok(false);
        }
        self.damages.end();
        let left = self.buffer.len() as u64 + self.skipped;
        let is_closed = match &self.format {
            Format::Start | Format::Other => return Err(self.not_an_archive()),
            Format::Flows { .. } => left == 0,
            Format::Har { scanner, .. } => {
                if !scanner.has_log() {
                    return Err(self.not_an_archive());
                }
                scanner.is_closed()
            }
        };
        if is_closed {
            return Ok(true);
        }
        if self.entries == 0 && matches!(self.format, Format::Flows { .. }) && !self.is_begun() {
            return Err(self.not_an_archive());
        }
        if self.entries > 0 && matches!(self.format, Format::Flows { .. }) && self.is_lost() {
            return Err(self.error(FileErrorKind::Entry("no flow starts here"), left));
        }
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        Err(self.error(FileErrorKind::CutShort { left }, left as u64))
    }

    /// The damage that was passed over since the last call.
    pub(crate) fn take_damages(&mut self) -> Vec<Damage> {
        self.damages.take()
    }

    /// Whether the length of a flow was read.
    fn is_begun(&self) -> bool {
        self.skipped > 0 || matches!(length(&self.buffer), Length::Known(..))
    }

    /// Whether the bytes after the last flow begin none; how they were cut into chunks decides whether that
    /// was noticed before the end.
    fn is_lost(&self) -> bool {
        self.skipped == 0 && matches!(length(&self.buffer), Length::Wrong)
    }

    /// An error in the current entry, of which `back` bytes were taken.
    fn error(&self, kind: FileErrorKind, back: u64) -> FileError {
        FileError { record: self.entries + 1, offset: self.position.saturating_sub(back), kind }
    }

    fn not_an_archive(&self) -> FileError {
        FileError { record: 1, offset: 0, kind: FileErrorKind::not_a_capture(&self.start) }
    }

    /// Keeps the first bytes of the file; `data` begins at the position.
    fn keep_start(&mut self, data: &[u8]) {
        let kept = self.start.len();
        if kept < START
            && let Some(skipped) = (kept as u64).checked_sub(self.position)
            && let Ok(skipped) = usize::try_from(skipped)
            && let Some(new) = data.get(skipped..)
        {
            self.start.extend_from_slice(&new[..new.len().min(START - kept)]);
        }
    }

    /// Notes an entry that was passed over. It ends `ahead` bytes after the position.
    fn damaged(&mut self, kind: FileErrorKind, size: u64, ahead: usize) {
        let mut error = self.error(kind, 0);
        error.offset = (self.position + ahead as u64).saturating_sub(size);
        self.damages.add(error, size);
    }

    /// Appends bytes of an entry.
    fn collect(&mut self, data: &[u8]) -> Result<usize, FileError> {
        match self.buffer.try_append(data) {
            Ok(()) => Ok(data.len()),
            Err(OutOfMemory) => {
                Err(self.error(FileErrorKind::Entry("there is no memory for it"), 0))
            }
        }
    }

    /// Opens the connection of the entry in the buffer.
    fn begin(
        &mut self,
        read: Result<Option<(Connection, Rows)>, &'static str>,
        count: usize,
        around: &mut Surroundings<'_>,
        sink: &mut impl Sink,
    ) {
        match read {
            Ok(Some((connection, rows))) => {
                self.giving = Some(Giving::open(connection, rows, around, sink));
            }
            other => {
                if let Err(what) = other {
                    let size = self.buffer.len() as u64;
                    self.damaged(FileErrorKind::Entry(what), size, count);
                } else {
                    around.protocols.connection(Protocol::Http, 0);
                }
                self.buffer.clear();
            }
        }
        self.entries += 1;
    }

    /// Gives rows out. Returns whether all were; if not, the sink is full.
    fn give(&mut self, around: &mut Surroundings<'_>, sink: &mut impl Sink) -> bool {
        let Some(giving) = &mut self.giving else { return true };
        if !giving.give(&self.buffer, around, sink) {
            return false;
        }
        if let Some(giving) = self.giving.take() {
            giving.end(around, sink);
        }
        self.buffer.clear();
        true
    }
}

/// The format of a file that starts like this.
fn start(bytes: &[u8]) -> Format {
    match bytes.first() {
        Some(b'0'..=b'9') => Format::Flows { passed_over: 0 },
        Some(b'{') => Format::Har { scanner: HarScanner::default(), is_too_long: false },
        _ => Format::Other,
    }
}
