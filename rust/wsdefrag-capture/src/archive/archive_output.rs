//! An output with one entry for each connection, which is written when the connection has ended.
//!
//! ```text
//! a message    -> encoded at once -> the stream of its connection -> the spool file, if it is long
//! a connection -> its entry: its own values, and its rows in their places -> `pieces` -> `ready`
//! ```
//!
//! - the streams take `held` bytes, at most `most_held` after each row, if there is a spool
//! - entries are made ready piece by piece: as long as `pieces` has some, the output is full

#![expect(
    clippy::disallowed_methods,
    reason = "connections that are open, which are charged elsewhere, and the output itself"
)]

use std::collections::HashMap;

use super::entry_row::EntryRow;
use super::flow::Flows;
use super::har::Har;
use super::message_entry::MessageEntry;
use super::open_entry::{ArchiveFormat, OpenEntry, is_open};
use super::pieces::Pieces;
use super::spool::Spool;
use super::spool_file::SpoolFile;
use crate::connection::Connection;
use crate::connection_facts::ConnectionFacts;
use crate::event::{CaptureEvent, Detail};
use crate::lines::event_row::EventRow;
use crate::message::Message;
use crate::output::{FULL, Output, OutputError, move_ready};
use crate::sink::Sink;

/// Bytes that the streams of open connections take at most.
const MOST_HELD: usize = 16 << 20;

/// Gaps that wait for their cost at most. What later ones cost is left out, if it is not certain in
/// their place.
const MOST_LEFT_OUT: usize = 16 << 10;

/// Most bytes of a buffer that is used again.
const MOST_SPARE: usize = 1 << 20;

/// A format of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archive {
    /// An HTTP archive (HAR 1.2).
    Har,
    /// Flows of mitmproxy.
    Flows,
}

impl Archive {
    /// An output of this format. `files` are the names of the capture's files, in order. Without a spool,
    /// all rows of open connections stay in memory.
    #[must_use]
    pub fn output(
        self,
        files: Vec<String>,
        spool: Option<Box<dyn Spool>>,
    ) -> Box<dyn Output + Send> {
        match self {
            Self::Har => Box::new(ArchiveOutput::new(Har, files, spool)),
            Self::Flows => Box::new(ArchiveOutput::new(Flows::default(), files, spool)),
        }
    }
}

/// Writes entries of a format.
struct ArchiveOutput<F> {
    format: F,
    files: Vec<String>,
    open: HashMap<u64, (ConnectionFacts, OpenEntry), foldhash::fast::FixedState>,
    file: SpoolFile,
    held: usize,
    /// Most bytes of it.
    most_held: usize,
    /// Gaps that were left out.
    waiting: usize,
    pieces: Pieces,
    ready: Vec<u8>,
    entries: u64,
    /// The content of the last message.
    spare: Vec<u8>,
    /// Why no more is written.
    failure: Option<OutputError>,
    failed: bool,
}

impl<F: ArchiveFormat> ArchiveOutput<F> {
    fn new(format: F, files: Vec<String>, spool: Option<Box<dyn Spool>>) -> Self {
        let mut output = Self {
            format,
            files,
            open: HashMap::default(),
            file: SpoolFile::new(spool),
            held: 0,
            most_held: MOST_HELD,
            waiting: 0,
            pieces: Pieces::default(),
            ready: Vec::new(),
            entries: 0,
            spare: Vec::new(),
            failure: None,
            failed: false,
        };
        let started = output.format.start(&mut output.ready);
        output.check(started);
        output
    }

    /// Keeps the first failure.
    fn check(&mut self, result: Result<(), OutputError>) {
        if let Err(failure) = result
            && !self.failed
        {
            self.failed = true;
            self.failure = Some(failure);
        }
    }

    /// Adds a row to the entry of a connection.
    #[inline]
    fn add(
        &mut self,
        connection: u64,
        row: impl FnOnce(
            &mut OpenEntry,
            &ConnectionFacts,
            &mut F,
            &mut SpoolFile,
        ) -> Result<(), OutputError>,
    ) {
        if self.failed {
            return;
        }
        let Some((facts, entry)) = self.open.get_mut(&connection) else { return };
        let before = entry.memory();
        let result = row(entry, facts, &mut self.format, &mut self.file);
        self.held = self.held - before + entry.memory();
        self.check(result);
        if self.held > self.most_held && self.file.is_there() {
            let relieved = self.relieve();
            self.check(relieved);
        }
    }

    /// Spools rows, the longest streams first, until half of the memory is free.
    fn relieve(&mut self) -> Result<(), OutputError> {
        let mut streams = Vec::new();
        streams.try_reserve_exact(self.open.len()).map_err(|_| OutputError::OutOfMemory)?;
        streams.extend(self.open.iter().map(|(number, entry)| (entry.1.memory(), *number)));
        streams.sort_unstable_by(|one, other| other.cmp(one));
        for (_, number) in streams {
            if self.held <= self.most_held / 2 {
                break;
            }
            let Some((_, entry)) = self.open.get_mut(&number) else { continue };
            let before = entry.memory();
            for stream in entry.streams_mut() {
                stream.spool(&mut self.file)?;
            }
            self.held = self.held - before + entry.memory();
        }
        Ok(())
    }

    fn write_event(&mut self, event: &CaptureEvent) {
        let origin = event.last.or(event.first);
        let files = std::mem::take(&mut self.files);
        let name = origin.and_then(|origin| files.get(origin.file as usize)).map(String::as_str);
        self.add(event.connection, |entry, facts, format, file| {
            entry.event(format, file, &EventRow::of(event, facts, name))
        });
        self.files = files;
    }

    /// Makes the next bytes ready.
    fn advance(&mut self) -> Result<(), OutputError> {
        self.pieces.take(&mut self.ready, FULL, &mut self.file)?;
        if self.pieces.is_empty() {
            self.file.clear_unused()?;
        }
        Ok(())
    }

    fn end_entry(&mut self, connection: &Connection) -> Result<(), OutputError> {
        let Some((_, entry)) = self.open.remove(&connection.connection) else { return Ok(()) };
        self.held -= entry.memory();
        self.waiting -= entry.waiting();
        let separator = self.format.separator(self.entries == 0);
        self.pieces.bytes(wsdefrag_core::fallible::copied(separator)?)?;
        let Self { format, files, pieces, file, .. } = self;
        let facts = ConnectionFacts::of(connection);
        entry.end(format, &EntryRow::of(connection), &facts, files, pieces, file)?;
        self.entries += 1;
        self.advance()
    }
}

impl<F: ArchiveFormat> Sink for ArchiveOutput<F> {
    fn opened(&mut self, connection: &Connection) {
        let entry = (ConnectionFacts::of(connection), OpenEntry::default());
        self.open.insert(connection.connection, entry);
    }

    #[inline]
    fn message(&mut self, message: Message) {
        self.add(message.connection, |entry, _, format, file| {
            entry.message(format, file, &MessageEntry::of(&message))
        });
        if message.content.capacity() <= MOST_SPARE {
            self.spare = message.content;
        }
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        if !is_open(gap) || self.waiting >= MOST_LEFT_OUT {
            self.write_event(gap);
            return;
        }
        self.waiting += 1;
        self.add(gap.connection, |entry, _, format, _| entry.leave_out(format, gap));
    }

    fn event(&mut self, event: CaptureEvent) {
        if !matches!(event.detail, Detail::Gap(_)) {
            self.write_event(&event);
        } else if let Some((_, entry)) = self.open.get_mut(&event.connection) {
            // It was there already, in its place.
            entry.become_certain(event);
        }
    }

    fn ended(&mut self, connection: Connection) {
        if !self.failed {
            let ended = self.end_entry(&connection);
            self.check(ended);
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.failed || self.ready.len() >= FULL || !self.pieces.is_empty()
    }
}

impl<F: ArchiveFormat> Output for ArchiveOutput<F> {
    fn take(&mut self, block: &mut Vec<u8>) -> Result<(), OutputError> {
        move_ready(&mut self.ready, block)?;
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if self.failed {
            return Ok(());
        }
        let advanced = self.advance();
        self.failed |= advanced.is_err();
        advanced
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        if self.failed {
            return Ok(());
        }
        self.pieces.bytes(wsdefrag_core::fallible::copied(self.format.end())?)?;
        self.advance()
    }

    fn rows(&self) -> u64 {
        self.entries
    }

    fn bytes_held(&self) -> usize {
        self.held + self.file.memory()
    }
}
