//! What a worker gives out for a batch: rows in the order in which they became certain, and what shows
//! whether a limit of all connections may have been met.

#![expect(clippy::disallowed_methods, reason = "the rows of a batch, whose contents are bounded")]

use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use crate::output::Prepare;
use crate::sink::Sink;
use wsdefrag_core::fallible::TryGrow;

/// A row, or a step of a connection.
pub(crate) enum WorkerRow {
    Opened(Box<Connection>),
    Message(Copied),
    /// A message that was prepared for the sink, and the length of its content.
    Prepared(Copied, usize),
    Gap(Box<CaptureEvent>),
    Event(Box<CaptureEvent>),
    Ended(Box<Connection>),
    /// The number has no more rows.
    Closed(u64),
}

/// A message, and how many bytes of the report's contents are its content. If none are, it has its content
/// itself.
pub(crate) struct Copied {
    message: Message,
    length: u32,
}

/// The place of rows among all: the packet that made them certain, and 0 to `u64::MAX - 1` for what its
/// time ended, in that order, before what it completes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) packet: u64,
    pub(crate) order: u64,
}

/// Rows of one place.
pub(crate) struct Unit {
    pub(crate) place: Place,
    /// Connections that took a number.
    pub(crate) numbers: u32,
    pub(crate) rows: u32,
}

/// The most that a worker had of what has a limit for all connections together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peaks {
    /// Live connections.
    pub(crate) live: usize,
    /// Bytes of memory.
    pub(crate) memory: usize,
    /// Bytes of memory of held segments.
    pub(crate) held: usize,
}

/// What a worker gives out for a batch.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) units: Vec<Unit>,
    pub(crate) rows: Vec<WorkerRow>,
    pub(crate) peaks: Peaks,
    /// Whether the worker met a limit by itself.
    pub(crate) has_met_limit: bool,
    /// The first packet after which the files have to be scanned for secrets.
    pub(crate) scan_after: Option<u64>,
    /// Sessions of TLS that were remembered, and that were looked for.
    pub(crate) sessions: Sessions,
    /// Whether there was no memory for the batch.
    pub(crate) out_of_memory: bool,
    /// The contents of short messages, one after another, so that whoever takes them reads on where it is.
    contents: Vec<u8>,
    /// Buffers for the contents of messages.
    pub(crate) spare: Vec<Vec<u8>>,
    /// Bytes of the contents of all messages, and of the largest.
    pub(crate) content: usize,
    pub(crate) largest: usize,
    /// What is done of the sink's work.
    pub(crate) prepare: Option<Prepare>,
}

/// Sessions of TLS by the digests of their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    pub(crate) remembered: Vec<[u8; 32]>,
    pub(crate) looked_up: Vec<[u8; 32]>,
}

/// Most bytes of a content that is copied. Longer ones are handed over in their buffers.
const MOST_COPIED: usize = 4 << 10;
/// Most buffers that are kept.
const MOST_SPARE: usize = 1 << 12;
/// Most bytes of a buffer that is kept.
const MOST_SPARE_BYTES: usize = 1 << 20;

impl Report {
    /// Empties a report whose rows were taken.
    pub(crate) fn reset(&mut self) {
        let Self { units, rows, contents, spare, .. } = std::mem::take(self);
        *self = Self { units, rows, contents, spare, ..Self::default() };
        self.units.clear();
        self.rows.clear();
        self.contents.clear();
    }

    /// Keeps a buffer for a later message.
    #[inline]
    pub(crate) fn keep(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() > 0
            && buffer.capacity() <= MOST_SPARE_BYTES
            && self.spare.len() < MOST_SPARE
        {
            self.spare.push(buffer);
        }
    }

    /// Moves the content of a short message to those of the report, if there is memory.
    #[inline]
    fn copied(&mut self, mut message: Message) -> Copied {
        let bytes = message.content.len();
        if bytes > MOST_COPIED || self.contents.try_append(&message.content).is_err() {
            return Copied { message, length: 0 };
        }
        self.keep(std::mem::take(&mut message.content));
        #[expect(clippy::cast_possible_truncation, reason = "at most `MOST_COPIED`")]
        Copied { message, length: bytes as u32 }
    }

    /// A message whose content is at this place among those of short messages, if it was copied. It gets a
    /// buffer of the receiver, to which it goes.
    #[inline]
    pub(crate) fn whole(
        &mut self,
        Copied { mut message, length }: Copied,
        place: &mut usize,
        sink: &mut impl Sink,
    ) -> Message {
        let spare = sink.spare();
        if length == 0 {
            self.keep(spare);
            return message;
        }
        let content = &self.contents[*place..][..length as usize];
        *place += content.len();
        message.content = spare;
        message.content.clear();
        message.content.extend_from_slice(content);
        message
    }

    /// Replaces the content of a message by what is prepared for the sink, if something is.
    #[inline]
    fn prepare(&mut self, message: &mut Message) -> bool {
        let Some(prepare) = self.prepare else { return false };
        let mut prepared = self.spare.pop().unwrap_or_default();
        prepared.clear();
        // Without memory the sink meets the same.
        let is_prepared = prepare(message, &mut prepared).unwrap_or(false);
        if is_prepared {
            std::mem::swap(&mut message.content, &mut prepared);
        }
        self.keep(prepared);
        is_prepared
    }

    /// Ends the rows of a place, which are those from `start` on.
    #[inline]
    pub(crate) fn end_unit(&mut self, place: Place, start: usize, numbers: u64) {
        let rows = self.rows.len() - start;
        if rows > 0 || numbers > 0 {
            #[expect(clippy::cast_possible_truncation, reason = "those of one packet")]
            self.units.push(Unit { place, numbers: numbers as u32, rows: rows as u32 });
        }
    }
}

impl Sink for Report {
    fn opened(&mut self, connection: &Connection) {
        self.rows.push(WorkerRow::Opened(Box::new(connection.clone())));
    }

    #[inline]
    fn message(&mut self, mut message: Message) {
        let length = message.content.len();
        let is_prepared = self.prepare(&mut message);
        let bytes = message.content.len();
        self.content += bytes;
        self.largest = self.largest.max(bytes);
        let message = self.copied(message);
        self.rows.push(if is_prepared {
            WorkerRow::Prepared(message, length)
        } else {
            WorkerRow::Message(message)
        });
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.rows.push(WorkerRow::Gap(Box::new(gap.clone())));
    }

    fn event(&mut self, event: CaptureEvent) {
        self.rows.push(WorkerRow::Event(Box::new(event)));
    }

    fn ended(&mut self, connection: Connection) {
        self.rows.push(WorkerRow::Ended(Box::new(connection)));
    }

    fn closed(&mut self, number: u64) {
        self.rows.push(WorkerRow::Closed(number));
    }
}
