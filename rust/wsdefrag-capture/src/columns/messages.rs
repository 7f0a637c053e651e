//! The messages table: one row per message, in the order in which they were completed.
//!
//! `text` is set exactly where the message is whole, valid text; `content` is set where `text` is
//! null. Without contents ([`Options::contents`](crate::Options::contents)) both are null, and so is `length`. `dropped`
//! and `injected` exist because mitmproxy's messages have them; a capture of packets cannot show either.
//!
//! - a content has at most [`MAX_CONTENT`](MessageColumns::MAX_CONTENT) bytes: the offsets of a column
//!   cannot address more than `i32::MAX`
//! - `text.len()` and `content.len()` are the sums of the rows' lengths
//! - texts are UTF-8: the core checked them, or `push` did

#![expect(
    clippy::disallowed_methods,
    reason = "a batch has at most `FULL_ROWS` rows, and `FULL_CONTENT` bytes besides its last content"
)]

use std::mem;

use arrow_array::RecordBatch;
use wsdefrag_core::{Opcode, OutOfMemory};

use super::FileNames;
use super::choice::Choice;
use super::message_rows::{MessageRows, Place};
use super::message_table::{Batch, COLUMNS, MakeTexts, checked_texts};
use super::open_connections::{OpenConnections, RowFacts};
use crate::connection::Connection;
use crate::message::{Message, Status};
use crate::table::Table;

/// What the chosen columns need.
struct Wants {
    text: bool,
    content: bool,
    /// What the connections have.
    facts: bool,
}

/// Collects messages for a record batch.
///
/// ```
/// use wsdefrag_capture::columns::{Choice, MessageColumns};
/// use wsdefrag_capture::table::Table;
///
/// let mut columns = MessageColumns::new(Choice::all(Table::Messages));
/// let batch = columns.finish();
/// assert_eq!(batch.schema(), Table::Messages.schema());
/// assert_eq!(batch.num_rows(), 0);
/// ```
pub struct MessageColumns {
    choice: Choice,
    files: FileNames,
    make_texts: MakeTexts,
    /// Whether contents are read.
    contents: bool,
    /// Whether the core has checked that texts are UTF-8.
    texts_are_checked: bool,
    wants: Wants,
    connections: OpenConnections,
    rows: MessageRows,
    text: Vec<u8>,
    content: Vec<u8>,
}

impl MessageColumns {
    /// Rows at which a batch is full.
    pub const FULL_ROWS: usize = super::MOST_ROWS;

    /// Bytes of content at which a batch is full. Allocators return blocks of more than 32 MiB to the
    /// system, and new pages would cost several times as much as filling them.
    pub const FULL_CONTENT: usize = 1 << 20;

    /// The longest content, in bytes, that always fits into a batch that is not full.
    pub const MAX_CONTENT: usize = i32::MAX as usize - Self::FULL_CONTENT;

    /// An empty batch of the chosen columns of the messages table. Contents are read, and the rule
    /// for UTF-8 is enforced.
    #[must_use]
    pub fn new(choice: Choice) -> Self {
        debug_assert_eq!(choice.table(), Table::Messages);
        let has = |names: [&str; 3]| names.iter().any(|name| choice.has(name));
        let wants = Wants {
            text: choice.has("text"),
            content: choice.has("content"),
            facts: has(["uid", "host", "path"]),
        };
        Self {
            choice,
            files: FileNames::default(),
            make_texts: checked_texts,
            contents: true,
            texts_are_checked: true,
            wants,
            connections: OpenConnections::default(),
            rows: MessageRows::with_capacity(0),
            text: Vec::new(),
            content: Vec::new(),
        }
    }

    /// Sets what the column `file` names.
    #[must_use]
    pub fn with_files(mut self, files: FileNames) -> Self {
        self.files = files;
        self
    }

    /// Sets how the capture is read: whether contents are read, and whether the rule for UTF-8 is
    /// enforced, so that a whole text needs no check here.
    #[must_use]
    pub const fn with_reading(mut self, contents: bool, utf8_is_enforced: bool) -> Self {
        self.contents = contents;
        self.texts_are_checked = utf8_is_enforced;
        self
    }

    /// Sets how columns of texts are made. The function may rely on the bytes being UTF-8 if every
    /// message comes from a [`Capture`](crate::Capture) with the options that
    /// [`with_reading`](Self::with_reading) names.
    #[must_use]
    pub fn with_texts(mut self, make_texts: MakeTexts) -> Self {
        self.make_texts = make_texts;
        self
    }

    /// The number of rows in the current batch.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the current batch is empty.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the current batch should be [finished](Self::finish).
    #[inline]
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len() >= Self::FULL_ROWS
            || self.text.len() + self.content.len() >= Self::FULL_CONTENT
            || self.connections.is_full()
    }

    /// Whether a message is so large that a [batch of its own](Self::batch_of_one) is cheaper.
    #[inline]
    #[must_use]
    pub const fn needs_own_batch(message: &Message) -> bool {
        message.content.len() >= Self::FULL_CONTENT / 2
    }

    /// Takes a connection that has opened, before its first message.
    pub fn opened(&mut self, connection: &Connection) {
        if self.wants.facts {
            self.connections.opened(connection);
        }
    }

    /// Takes a connection that has ended, after its last message.
    pub fn ended(&mut self, connection: &Connection) {
        if self.wants.facts {
            self.connections.ended(connection.connection);
            if self.is_empty() {
                self.connections.forget_ended();
            }
        }
    }

    /// Makes a batch of one row without copying the content. The current batch must be empty.
    ///
    /// # Panics
    ///
    /// If the content is longer than [`MAX_CONTENT`](Self::MAX_CONTENT).
    #[must_use]
    pub fn batch_of_one(&mut self, mut message: Message) -> RecordBatch {
        debug_assert!(self.is_empty());
        let content = mem::take(&mut message.content);
        let place = self.place(&message, &content);
        let length = length(&content);
        match place {
            Place::Text if self.wants.text => self.text = content,
            Place::Content if self.wants.content => self.content = content,
            _ => {}
        }
        self.rows.push(&message, place, length);
        self.finish_with(0)
    }

    /// Appends a row.
    ///
    /// # Errors
    ///
    /// If there is no memory for the content; the batch is unchanged.
    ///
    /// # Panics
    ///
    /// If the content is longer than [`MAX_CONTENT`](Self::MAX_CONTENT).
    #[inline]
    pub fn push(&mut self, message: &Message) -> Result<(), OutOfMemory> {
        let content = &message.content[..];
        let place = self.place(message, content);
        let (wanted, column) = match place {
            Place::Text => (self.wants.text, &mut self.text),
            Place::Content => (self.wants.content, &mut self.content),
            Place::Nowhere => (false, &mut self.content),
        };
        if wanted {
            column.try_reserve(content.len())?;
            column.extend_from_slice(content);
        }
        self.rows.push(message, place, length(content));
        Ok(())
    }

    /// Where a message's content belongs.
    #[inline]
    fn place(&self, message: &Message, content: &[u8]) -> Place {
        if !self.contents {
            return Place::Nowhere;
        }
        let is_text = message.opcode == Opcode::Text
            && message.status == Status::Ok
            && (self.texts_are_checked || std::str::from_utf8(content).is_ok());
        if is_text { Place::Text } else { Place::Content }
    }

    /// Returns the current batch and starts an empty one with capacity for as much content.
    ///
    /// # Panics
    ///
    /// Never: all columns have the same length and the types of the schema.
    #[must_use]
    pub fn finish(&mut self) -> RecordBatch {
        self.finish_with(Self::FULL_CONTENT)
    }

    /// Returns the current batch and starts one with capacity for as much content, at most `most`
    /// bytes: contents over the bound may be due to one large message.
    fn finish_with(&mut self, most: usize) -> RecordBatch {
        // The contents of the next batch may be longer, so its capacity is an eighth larger.
        let next = |bytes: &Vec<u8>| Vec::with_capacity(bytes.len().min(most) * 9 / 8);
        let (text, content) = (next(&self.text), next(&self.content));
        self.rows.spread();
        let length = self.len();
        let facts = if self.wants.facts {
            self.connections.of_rows(&self.rows.connection)
        } else {
            RowFacts::default()
        };
        let mut batch = Batch {
            length,
            rows: mem::replace(&mut self.rows, MessageRows::with_capacity(length)),
            text: mem::replace(&mut self.text, text),
            content: mem::replace(&mut self.content, content),
            contents: self.contents,
            facts,
            files: self.files.clone(),
            make_texts: self.make_texts,
        };
        let made = self.choice.batch(&COLUMNS, length, &mut batch);
        self.connections.forget_ended();
        made
    }
}

/// The length of a content in the offsets of a column.
#[inline]
fn length(content: &[u8]) -> i32 {
    let length = i32::try_from(content.len()).ok();
    length
        .filter(|_| content.len() <= MessageColumns::MAX_CONTENT)
        .expect("a content fits a column")
}

#[cfg(test)]
mod tests;
