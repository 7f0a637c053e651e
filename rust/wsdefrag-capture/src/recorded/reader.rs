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

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use super::entry::{Item, problem};
use super::flow::{FlowRows, flow};
use super::har::{HarRows, entry};
use super::har_scanner::{Found, HarScanner};
use super::netstring::{Length, length, value};
use crate::connection::{Connection, Ended};
use crate::event::{CaptureEvent, Detail};
use crate::file::damage::{Damage, Damages};
use crate::file::error::{FileError, FileErrorKind};
use crate::file::looks::START;
use crate::message::Message;
use crate::options::Options;
use crate::protocol::{Protocol, ProtocolCounts};
use crate::sink::Sink;

/// What a reader needs of its surroundings.
pub(crate) struct Surroundings<'a> {
    pub(crate) options: &'a Options,
    /// The number of the next connection.
    pub(crate) next_number: &'a mut u64,
    pub(crate) protocols: &'a mut ProtocolCounts,
    /// The index of the file.
    pub(crate) file: u32,
}

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

/// An entry whose rows are given out.
#[derive(Debug)]
struct Giving {
    connection: Connection,
    rows: Rows,
    /// Messages of the client and the server that were given out.
    seq: [u64; 2],
    is_wanted: bool,
}

#[derive(Debug)]
enum Rows {
    Flow(FlowRows),
    Har(HarRows),
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

    /// Takes bytes of a flow, and reads it when it is complete. Returns how many were taken.
    fn take_flow(
        &mut self,
        data: &[u8],
        around: &mut Surroundings<'_>,
        sink: &mut impl Sink,
    ) -> Result<usize, FileError> {
        let most = around.options.memory;
        if let Format::Flows { passed_over } = &mut self.format
            && *passed_over > 0
        {
            let count = usize::try_from(*passed_over).unwrap_or(usize::MAX).min(data.len());
            *passed_over -= count as u64;
            self.skipped += count as u64;
            if *passed_over == 0 {
                let size = std::mem::take(&mut self.skipped);
                self.damaged(FileErrorKind::Entry("it is longer than `memory`"), size, count);
                self.entries += 1;
            }
            return Ok(count);
        }
        // The length comes first; then all that is missing.
        let whole = match length(&self.buffer) {
            Length::Known(length, start) => length.saturating_add(start as u64 + 1),
            Length::Needs => {
                return match data.iter().position(|byte| *byte == b':') {
                    Some(at) if at < 20 => self.collect(&data[..=at]),
                    None if data.len() < 20 => self.collect(data),
                    _ => self.lost(),
                };
            }
            Length::Wrong => return self.lost(),
        };
        if whole > most as u64 {
            let begun = self.buffer.len() as u64;
            self.skipped = begun;
            self.buffer = Vec::new();
            self.format = Format::Flows { passed_over: whole - begun };
            return Ok(0);
        }
        let missing = usize::try_from(whole).unwrap_or(usize::MAX) - self.buffer.len();
        let count = missing.min(data.len());
        self.collect(&data[..count])?;
        if count == missing {
            self.read_flow(count, around, sink);
        }
        Ok(count)
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

    /// What follows the flows is no flow.
    fn lost(&mut self) -> Result<usize, FileError> {
        if self.entries == 0 {
            self.format = Format::Other;
            return Ok(0);
        }
        Err(self.error(FileErrorKind::Entry("no flow starts here"), self.buffer.len() as u64))
    }

    /// Reads the flow in the buffer. Its last `count` bytes are not counted yet.
    fn read_flow(&mut self, count: usize, around: &mut Surroundings<'_>, sink: &mut impl Sink) {
        let read = match value(&self.buffer) {
            Some((value, _)) => flow(
                &self.buffer,
                value,
                *around.next_number,
                u32::try_from(self.entries).unwrap_or(u32::MAX),
                around.file,
                &around.options.capture_point,
            ),
            None => Err("it is no dict"),
        };
        let read = read.map(|flow| flow.map(|flow| (flow.connection, Rows::Flow(flow.rows))));
        self.begin(read, count, around, sink);
    }

    /// Takes bytes of an archive up to the start or the end of an entry. Returns how many were taken.
    fn take_entry(
        &mut self,
        data: &[u8],
        around: &mut Surroundings<'_>,
        sink: &mut impl Sink,
    ) -> Result<usize, FileError> {
        let most = around.options.memory;
        let Format::Har { scanner, is_too_long } = &mut self.format else { return Ok(0) };
        let inside = scanner.in_entry();
        let (count, found) = scanner.scan(data);
        if inside && !*is_too_long && self.buffer.len() + count > most {
            *is_too_long = true;
            self.skipped = self.buffer.len() as u64;
            self.buffer = Vec::new();
        }
        let is_too_long = *is_too_long;
        if inside && is_too_long {
            self.skipped += count as u64;
        } else if inside {
            self.collect(&data[..count])?;
        }
        match found {
            Found::Needs | Found::Start => {}
            Found::Other => self.format = Format::Other,
            Found::End if is_too_long => {
                if let Format::Har { is_too_long, .. } = &mut self.format {
                    *is_too_long = false;
                }
                let size = std::mem::take(&mut self.skipped);
                self.damaged(FileErrorKind::Entry("it is longer than `memory`"), size, count);
                self.entries += 1;
            }
            Found::End => {
                let read = entry(
                    &self.buffer,
                    *around.next_number,
                    u32::try_from(self.entries).unwrap_or(u32::MAX),
                    around.file,
                    &around.options.capture_point,
                );
                let read =
                    read.map(|read| read.map(|read| (read.connection, Rows::Har(read.rows))));
                self.begin(read, count, around, sink);
            }
        }
        Ok(count)
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
                let filter = &around.options.filter;
                let is_wanted = filter.wants_connection(connection.connection)
                    && filter
                        .wants_endpoints([connection.client_address, connection.server_address])
                    && filter.wants_request(connection.host().as_deref(), connection.path());
                if is_wanted {
                    sink.opened(&connection);
                }
                *around.next_number += 1;
                self.giving = Some(Giving { connection, rows, seq: [0; 2], is_wanted });
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
        let (number, file) = (giving.connection.connection, around.file);
        while giving.is_wanted {
            if sink.is_full() {
                return false;
            }
            let item = match &mut giving.rows {
                Rows::Flow(rows) => rows.next(&self.buffer, number, file),
                Rows::Har(rows) => rows.next(&self.buffer, number, file),
            };
            match item {
                Some(Item::Message(message)) => {
                    let side = usize::from(!message.from_client);
                    let has_content = around.options.contents;
                    let length = message.content.len() as u64;
                    let row = message.row(number, giving.seq[side], file, has_content);
                    giving.seq[side] += 1;
                    count_message(&mut giving.connection, &row, length);
                    sink.message(row);
                }
                Some(Item::Event(event)) => {
                    count_event(&mut giving.connection, &event);
                    if matches!(event.detail, Detail::Gap(_)) {
                        sink.gap(&event);
                    }
                    sink.event(event);
                }
                Some(Item::Problem(text)) => problem(&mut giving.connection, &text),
                None => break,
            }
        }
        if let Some(Giving { mut connection, is_wanted, .. }) = self.giving.take() {
            around.protocols.connection(Protocol::WebSocket, 0);
            connection.ended.get_or_insert(Ended::EndOfCapture);
            if is_wanted {
                sink.ended(connection);
            }
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

fn count_message(connection: &mut Connection, row: &Message, length: u64) {
    connection.last.time = connection.last.time.max(row.timestamp);
    let account =
        if row.from_client { &mut connection.from_client } else { &mut connection.from_server };
    account.messages += 1;
    account.content += length;
    account.counts.add(row.opcode, row.status, length);
}

fn count_event(connection: &mut Connection, event: &CaptureEvent) {
    let account =
        if event.from_client { &mut connection.from_client } else { &mut connection.from_server };
    match &event.detail {
        Detail::Ping(_) | Detail::Pong(_) => account.pings += 1,
        Detail::Gap(_) => {
            account.gaps += 1;
            account.missing += event.missing_bytes;
            // Nothing else is known of the stream.
            account.bytes += event.missing_bytes;
            account.lost += event.missing_bytes;
        }
        Detail::Close { .. } | Detail::Violation(_) => {}
    }
}
