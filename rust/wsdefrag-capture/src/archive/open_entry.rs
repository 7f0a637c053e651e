//! The rows of a connection until it has ended, and the entry that is made of them.
//!
//! A gap whose cost is not certain in its place is left out there, and put in when the entry is made.

use wsdefrag_core::fallible::TryGrow;

use super::entry_row::EntryRow;
use super::message_entry::MessageEntry;
use super::pieces::{Inserted, Part, Pieces};
use super::row_stream::{RowStream, RowWriter};
use super::spool_file::SpoolFile;
use crate::connection_facts::ConnectionFacts;
use crate::event::{CaptureEvent, Detail};
use crate::lines::event_row::EventRow;
use crate::message::Status;
use crate::output::OutputError;

/// Kinds of rows that an entry has in places of their own, at most.
pub(super) const STREAMS: usize = 3;

/// What is known of the rows of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Bytes of each stream.
    pub(super) lengths: [u64; STREAMS],
    /// Messages that are complete and valid.
    pub(super) whole: u64,
    /// Other messages.
    pub(super) not_whole: u64,
    /// Whole messages that were found by a search.
    pub(super) resynced: u64,
    /// Whole messages that no tag confirms.
    pub(super) unauthenticated: u64,
}

/// How rows and entries of a format are written.
pub(super) trait ArchiveFormat {
    /// Appends what stands before the first entry.
    fn start(&self, out: &mut Vec<u8>) -> Result<(), OutputError>;

    /// What stands before an entry.
    fn separator(&self, is_first: bool) -> &'static [u8];

    /// What stands after the last entry.
    fn end(&self) -> &'static [u8];

    /// The stream of a message.
    fn message_stream(&self, message: &MessageEntry<'_>) -> usize;

    /// The streams that an event has a row in.
    fn event_streams(&self, kind: &str) -> &'static [usize];

    /// Appends a message to its stream. `before` is the number of whole messages before it.
    fn message(
        &mut self,
        row: &mut RowWriter<'_>,
        is_first: bool,
        before: u64,
        message: &MessageEntry<'_>,
    ) -> Result<(), OutputError>;

    /// Appends the row of an event in this stream.
    fn event(
        &mut self,
        row: &mut Vec<u8>,
        stream: usize,
        is_first: bool,
        before: u64,
        event: &EventRow<'_>,
    ) -> Result<(), OutputError>;

    /// Lays out the entry of a connection.
    fn entry(&mut self, row: &EntryRow<'_>, totals: &Totals) -> Result<Vec<Part>, OutputError>;
}

/// The rows of a connection.
#[derive(Debug, Default)]
pub(super) struct OpenEntry {
    streams: [RowStream; STREAMS],
    totals: Totals,
    left_out: Vec<LeftOut>,
}

/// A gap that is put in later.
#[derive(Debug)]
struct LeftOut {
    gap: CaptureEvent,
    /// Whole messages before it.
    before: u64,
    /// For each stream that it has a row in, where, and whether it is the first row.
    places: [Option<(u64, bool)>; STREAMS],
}

impl OpenEntry {
    /// The memory that its rows take, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.streams.iter().map(RowStream::memory).sum()
    }

    /// Gaps that wait.
    pub(super) const fn waiting(&self) -> usize {
        self.left_out.len()
    }

    pub(super) const fn streams_mut(&mut self) -> &mut [RowStream; STREAMS] {
        &mut self.streams
    }

    /// Adds a message.
    pub(super) fn message(
        &mut self,
        format: &mut (impl ArchiveFormat + ?Sized),
        file: &mut SpoolFile,
        message: &MessageEntry<'_>,
    ) -> Result<(), OutputError> {
        let stream = &mut self.streams[format.message_stream(message)];
        let (mut row, is_first) = RowWriter::new(stream, file);
        format.message(&mut row, is_first, self.totals.whole, message)?;
        row.end()?;
        if message.status == Status::Ok {
            self.totals.whole += 1;
            self.totals.resynced += u64::from(message.resynced);
            self.totals.unauthenticated += u64::from(message.unauthenticated);
        } else {
            self.totals.not_whole += 1;
        }
        Ok(())
    }

    /// Adds an event.
    pub(super) fn event(
        &mut self,
        format: &mut (impl ArchiveFormat + ?Sized),
        file: &mut SpoolFile,
        event: &EventRow<'_>,
    ) -> Result<(), OutputError> {
        for number in format.event_streams(event.kind) {
            let stream = &mut self.streams[*number];
            let (mut row, is_first) = RowWriter::new(stream, file);
            format.event(row.bytes(), *number, is_first, self.totals.whole, event)?;
            row.end()?;
        }
        Ok(())
    }

    /// Adds a gap whose cost is not certain.
    pub(super) fn leave_out(
        &mut self,
        format: &(impl ArchiveFormat + ?Sized),
        gap: &CaptureEvent,
    ) -> Result<(), OutputError> {
        let mut places = [None; STREAMS];
        for number in format.event_streams(gap.detail.name()) {
            places[*number] = Some(self.streams[*number].leave_out());
        }
        let left_out = LeftOut { gap: gap.clone(), before: self.totals.whole, places };
        Ok(self.left_out.try_push(left_out)?)
    }

    /// Takes the cost of a gap that was left out, if there is one with this number.
    pub(super) fn become_certain(&mut self, gap: CaptureEvent) {
        let waits = |one: &&mut LeftOut| {
            one.gap.event == gap.event && one.gap.from_client == gap.from_client
        };
        if let Some(one) = self.left_out.iter_mut().rev().find(waits) {
            one.gap = gap;
        }
    }

    /// Appends the entry to `pieces`. `facts` are what its events say of the connection, and `files` the
    /// names of the capture's files.
    pub(super) fn end(
        self,
        format: &mut (impl ArchiveFormat + ?Sized),
        row: &EntryRow<'_>,
        facts: &ConnectionFacts,
        files: &[String],
        pieces: &mut Pieces,
        file: &mut SpoolFile,
    ) -> Result<(), OutputError> {
        let Self { streams, mut totals, left_out } = self;
        let mut inserted: [Vec<Inserted>; STREAMS] = Default::default();
        for LeftOut { gap, before, places } in &left_out {
            let origin = gap.last.or(gap.first);
            let name = origin.and_then(|origin| files.get(origin.file as usize));
            let event = EventRow::of(gap, facts, name.map(String::as_str));
            for (number, place) in places.iter().enumerate() {
                let Some((place, is_first)) = *place else { continue };
                let mut row = Vec::new();
                format.event(&mut row, number, is_first, *before, &event)?;
                totals.lengths[number] += row.len() as u64;
                inserted[number].try_push(Inserted { place, row })?;
            }
        }
        for (length, stream) in totals.lengths.iter_mut().zip(&streams) {
            *length += stream.length();
        }
        let mut rows = streams.map(Some);
        for part in format.entry(row, &totals)? {
            match part {
                Part::Bytes(bytes) => pieces.bytes(bytes)?,
                Part::Rows(number) => {
                    if let Some(stream) = rows[number].take() {
                        let inserted = std::mem::take(&mut inserted[number]);
                        pieces.stream(stream, inserted, file)?;
                    }
                }
            }
        }
        // Streams that the format left out have no rows; their extents would count as used.
        for stream in rows.into_iter().flatten() {
            stream.into_parts(file)?;
        }
        Ok(())
    }
}

/// Whether the cost of a gap may still change.
pub(super) const fn is_open(event: &CaptureEvent) -> bool {
    matches!(&event.detail, Detail::Gap(cost) if !cost.is_final)
}
