//! Makes entries of connections that a caller holds with all of their messages.

#![expect(clippy::disallowed_methods, reason = "the format")]

use super::archive_output::Archive;
use super::entry_row::EntryRow;
use super::flow::Flows;
use super::har::Har;
use super::message_entry::MessageEntry;
use super::open_entry::{ArchiveFormat, OpenEntry};
use super::pieces::Pieces;
use super::spool_file::SpoolFile;
use crate::connection_facts::ConnectionFacts;
use crate::lines::event_row::EventRow;
use crate::output::OutputError;

/// Makes the entries of a file, one after the other: the rows of an entry first, then its connection.
pub struct EntryWriter {
    format: Box<dyn ArchiveFormat + Send>,
    rows: OpenEntry,
    file: SpoolFile,
    entries: u64,
}

impl EntryWriter {
    /// Begins a file.
    #[must_use]
    pub fn new(archive: Archive) -> Self {
        let format: Box<dyn ArchiveFormat + Send> = match archive {
            Archive::Har => Box::new(Har),
            Archive::Flows => Box::new(Flows::default()),
        };
        Self { format, rows: OpenEntry::default(), file: SpoolFile::new(None), entries: 0 }
    }

    /// Appends what stands before the first entry.
    ///
    /// # Errors
    ///
    /// If memory is refused; this is true of all methods.
    pub fn start(&self, out: &mut Vec<u8>) -> Result<(), OutputError> {
        self.format.start(out)
    }

    /// What stands after the last entry.
    #[must_use]
    pub fn end(&self) -> &'static [u8] {
        self.format.end()
    }

    /// Adds the next message of the entry.
    pub fn message(&mut self, message: &MessageEntry<'_>) -> Result<(), OutputError> {
        self.rows.message(&mut *self.format, &mut self.file, message)
    }

    /// Adds the next event of the entry, in its place among the messages.
    pub fn event(&mut self, event: &EventRow<'_>) -> Result<(), OutputError> {
        self.rows.event(&mut *self.format, &mut self.file, event)
    }

    /// Appends the entry, and begins the next one.
    pub fn entry(&mut self, row: &EntryRow<'_>, out: &mut Vec<u8>) -> Result<(), OutputError> {
        let rows = std::mem::take(&mut self.rows);
        let mut pieces = Pieces::default();
        pieces.bytes(wsdefrag_core::fallible::copied(self.format.separator(self.entries == 0))?)?;
        let facts = ConnectionFacts::default();
        rows.end(&mut *self.format, row, &facts, &[], &mut pieces, &mut self.file)?;
        self.entries += 1;
        pieces.take(out, usize::MAX, &mut self.file)
    }

    /// Drops the rows of an entry that was not written.
    pub fn discard(&mut self) {
        self.rows = OpenEntry::default();
    }
}
