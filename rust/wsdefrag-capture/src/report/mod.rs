//! A report: one HTML page with all rows and the program that shows them. It needs no network and no
//! other file.
//!
//! ```text
//! rows        -> columns of up to 16,384 rows -> packed -> an element
//! contents    -> blocks of 256 KiB            -> packed -> an element
//! connections -> JSON lines                   -> packed -> an element
//! ```
//!
//! The page is written from front to back: the program and the skeleton, the elements as they become
//! full, the summary. The program decodes the rows and the connections when the page opens, and a
//! block of contents when it is looked at. `page/` has its sources.
//!
//! Nothing of a capture becomes markup: it is in elements whose alphabet has no `<` (`base85`), and
//! the program sets texts only. The one exception is the title, which is escaped.
//!
//! - the content of a row is in the page after those of all rows before it
//! - contents that are long wait in `waiting` and are packed a part at each [`take`](Output::take), so
//!   what is ready stays small

#![expect(
    clippy::disallowed_methods,
    reason = "the title, names of files, and notes of the caller"
)]

mod base85;
mod contents;
mod document;
mod event_text;
mod packer;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow as _;

use crate::connection::Connection;
use crate::event::{CaptureEvent, Detail};
use crate::lines::connection_line;
use crate::lines::connection_row::ConnectionRow;
use crate::lines::json;
use crate::message::Message;
use crate::output::{FULL, Output, OutputError, move_ready};
use crate::report::contents::{BLOCK, Contents};
use crate::report::packer::Packer;
use crate::report::rows::Rows;
use crate::sink::Sink;

/// Bytes of contents that are packed by a call of `take`, beside those of one message.
const STEP: usize = 4 * BLOCK;

/// The largest content that is packed at once, and most bytes of a buffer that is used again.
const SHORT: usize = BLOCK;

/// The version of the page's data; `FORMAT` in `page/store.js`.
const FORMAT: u64 = 1;

/// What the page says of itself.
#[derive(Clone, Debug, Default)]
pub struct ReportOptions {
    /// The heading.
    pub title: String,
    /// The names of the capture's files, in order.
    pub files: Vec<String>,
    /// Whether contents are in the report.
    pub content: bool,
    /// What was chosen of the capture, in words; empty for everything.
    pub selection: Vec<String>,
}

/// Makes the page.
pub struct Report {
    options: ReportOptions,
    packer: Packer,
    rows: Rows,
    contents: Contents,
    /// Connections that have ended, as JSON lines.
    connections: Vec<u8>,
    /// Contents that are not packed yet, and bytes of the first of them that are.
    waiting: VecDeque<Vec<u8>>,
    packed: usize,
    ready: Vec<u8>,
    notes: Vec<String>,
    /// The text of an event, and the content of the last message: buffers that are used again.
    text: Vec<u8>,
    spare: Vec<u8>,
    failed: bool,
    stage: Stage,
}

/// How far the page is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Rows may come.
    Open,
    /// None come any more, but contents may wait.
    Ending,
    /// The end is written.
    Ended,
}

impl Report {
    /// A page without rows.
    #[must_use]
    pub fn new(options: ReportOptions) -> Self {
        Self {
            packer: Packer::new(),
            rows: Rows::default(),
            contents: Contents::default(),
            connections: Vec::new(),
            waiting: VecDeque::new(),
            packed: 0,
            ready: document::start(&options.title).into_bytes(),
            notes: Vec::new(),
            text: Vec::new(),
            spare: Vec::new(),
            failed: false,
            stage: Stage::Open,
            options,
        }
    }

    /// Notes whether a step failed. Rows after it would have their contents in wrong places.
    #[inline]
    fn keep(&mut self, written: Result<(), OutOfMemory>) {
        self.failed |= written.is_err();
    }

    /// Adds the next content of the stream. Returns its buffer if it is not needed any more.
    #[inline]
    fn content(&mut self, content: Vec<u8>) -> Result<Vec<u8>, OutOfMemory> {
        if self.waiting.is_empty() && content.len() <= SHORT {
            self.contents.push(&content, &mut self.packer, &mut self.ready)?;
            return Ok(content);
        }
        self.waiting.try_push(content)?;
        Ok(Vec::new())
    }

    /// Packs contents that wait, up to about `most` bytes.
    fn pack_waiting(&mut self, mut most: usize) -> Result<(), OutOfMemory> {
        while let Some(content) = self.waiting.front()
            && most > 0
        {
            let part = &content[self.packed..];
            let part = &part[..part.len().min(most)];
            self.contents.push(part, &mut self.packer, &mut self.ready)?;
            self.packed += part.len();
            most -= part.len();
            if self.packed == content.len() {
                self.waiting.pop_front();
                self.packed = 0;
            }
        }
        Ok(())
    }

    #[inline]
    fn flush_rows_if_full(&mut self) -> Result<(), OutOfMemory> {
        if self.rows.is_full() {
            self.rows.flush(&mut self.packer, &mut self.ready)
        } else {
            Ok(())
        }
    }

    fn write_event(&mut self, event: &CaptureEvent, is_cost: bool) -> Result<(), OutOfMemory> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        event_text::event_text(&mut text, event)?;
        self.rows.event(event, text.len(), is_cost);
        self.text = self.content(text)?;
        self.flush_rows_if_full()
    }

    fn write_connection(&mut self, connection: &Connection) -> Result<(), OutOfMemory> {
        let file = self.options.files.get(connection.last.file as usize).map(String::as_str);
        connection_line(&mut self.connections, &ConnectionRow::of(connection, file))?;
        if self.connections.len() >= BLOCK { self.flush_connections() } else { Ok(()) }
    }

    fn flush_connections(&mut self) -> Result<(), OutOfMemory> {
        if !self.connections.is_empty() {
            self.packer.element("connections", &[], &self.connections, &mut self.ready)?;
            self.connections.clear();
        }
        Ok(())
    }

    /// Writes the end of the page, if it is wanted and all contents are packed.
    fn end_if_packed(&mut self) {
        if self.stage == Stage::Ending && self.waiting.is_empty() && !self.failed {
            self.stage = Stage::Ended;
            let written = self.write_end();
            self.keep(written);
        }
    }

    fn write_end(&mut self) -> Result<(), OutOfMemory> {
        self.contents.finish(&mut self.packer, &mut self.ready)?;
        self.rows.flush(&mut self.packer, &mut self.ready)?;
        self.flush_connections()?;
        let mut summary = Vec::new();
        self.write_summary(&mut summary)?;
        self.packer.element("summary", &[], &summary, &mut self.ready)?;
        self.ready.try_append(document::END.as_bytes())
    }

    fn write_summary(&self, text: &mut Vec<u8>) -> Result<(), OutOfMemory> {
        json::raw(text, b"{\"format\": ")?;
        json::integer(text, FORMAT)?;
        json::raw(text, b", \"rows\": ")?;
        json::integer(text, self.rows.total())?;
        json::raw(text, b", \"content\": ")?;
        json::bool(text, self.options.content)?;
        json::raw(text, b", \"title\": ")?;
        json::string(text, self.options.title.as_bytes())?;
        json::raw(text, b", \"producer\": ")?;
        json::string(text, concat!("wsdefrag ", env!("CARGO_PKG_VERSION")).as_bytes())?;
        for (name, texts) in [
            ("files", &self.options.files),
            ("selection", &self.options.selection),
            ("notes", &self.notes),
        ] {
            json::raw(text, b", \"")?;
            json::raw(text, name.as_bytes())?;
            json::raw(text, b"\": [")?;
            for (index, one) in texts.iter().enumerate() {
                json::raw(text, if index > 0 { b", " } else { b"" })?;
                json::string(text, one.as_bytes())?;
            }
            json::raw(text, b"]")?;
        }
        json::raw(text, b"}")
    }
}

impl Sink for Report {
    fn opened(&mut self, _: &Connection) {}

    #[inline]
    fn message(&mut self, message: Message) {
        if self.failed {
            return;
        }
        let mut message = message;
        let content = std::mem::take(&mut message.content);
        let length = if self.options.content { content.len() } else { 0 };
        self.rows.message(&message, length);
        let written = if self.options.content { self.content(content) } else { Ok(content) };
        match written.and_then(|spare| self.flush_rows_if_full().map(|()| spare)) {
            Ok(spare) if spare.capacity() <= SHORT => self.spare = spare,
            other => self.keep(other.map(drop)),
        }
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        if !self.failed {
            let written = self.write_event(gap, false);
            self.keep(written);
        }
    }

    fn event(&mut self, event: CaptureEvent) {
        if !self.failed {
            let written = self.write_event(&event, matches!(event.detail, Detail::Gap(_)));
            self.keep(written);
        }
    }

    fn ended(&mut self, connection: Connection) {
        self.rows.ended(connection.connection);
        if !self.failed {
            let written = self.write_connection(&connection);
            self.keep(written);
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.failed || self.ready.len() >= FULL || !self.waiting.is_empty()
    }
}

impl Output for Report {
    fn take(&mut self, block: &mut Vec<u8>) -> Result<(), OutputError> {
        if !self.failed {
            let packed = self.pack_waiting(STEP);
            self.keep(packed);
            self.end_if_packed();
        }
        move_ready(&mut self.ready, block)?;
        if self.failed { Err(OutputError::OutOfMemory) } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.stage = Stage::Ending;
        self.end_if_packed();
        if self.failed { Err(OutputError::OutOfMemory) } else { Ok(()) }
    }

    fn note(&mut self, sentence: String) {
        self.notes.push(sentence);
    }

    fn rows(&self) -> u64 {
        self.rows.total()
    }

    fn bytes_held(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(Vec::capacity).sum();
        waiting + self.contents.bytes_held() + self.rows.bytes_held() + self.connections.capacity()
    }
}
