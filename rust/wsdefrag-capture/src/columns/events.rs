//! The events table: one row per control frame, gap and violation, in the order in which they became
//! certain.
//!
//! Columns that only one kind of event has are null in the rows of the others.

use std::mem;
use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray, UInt16Array, UInt64Array};
use arrow_schema::DataType;
use wsdefrag_core::Error;

use super::table::{Column, OpenConnections, RowFacts};
use super::{
    Choice, FileNames, Table, dictionary, distinct, flags, name_type, names, optional, required,
    text_name_type, text_names, time_type, timestamps, uid_type,
};
use crate::connection::Connection;
use crate::event::{CaptureEvent, Detail, GapCost, GapEffect};
use crate::packet::Origin;

static KIND_NAMES: LazyLock<ArrayRef> = LazyLock::new(|| dictionary(Detail::NAMES));

static EFFECT_NAMES: LazyLock<ArrayRef> =
    LazyLock::new(|| dictionary(GapEffect::ALL.map(GapEffect::name)));

/// The rows of a batch.
pub(super) struct Batch {
    rows: Vec<CaptureEvent>,
    facts: RowFacts,
    files: FileNames,
}

/// A column of counts.
fn count(name: &str, of: fn(&CaptureEvent) -> u64) -> Column<Batch> {
    Column::new(required(name, DataType::UInt64), move |batch: &mut Batch| {
        Arc::new(UInt64Array::from_iter_values(batch.rows.iter().map(of)))
    })
}

/// A column of counts that may be null.
fn optional_count(name: &str, of: fn(&CaptureEvent) -> Option<u64>) -> Column<Batch> {
    Column::new(optional(name, DataType::UInt64), move |batch: &mut Batch| {
        Arc::new(batch.rows.iter().map(of).collect::<UInt64Array>())
    })
}

/// A column of times that may be null.
fn optional_time(name: &str, of: fn(&CaptureEvent) -> Option<Origin>) -> Column<Batch> {
    Column::new(optional(name, time_type()), move |batch: &mut Batch| {
        let times = batch.rows.iter().map(|row| of(row).map(|origin| origin.time));
        timestamps(times.collect::<Vec<_>>())
    })
}

const fn cost(row: &CaptureEvent) -> Option<&GapCost> {
    if let Detail::Gap(cost) = &row.detail { Some(cost) } else { None }
}

const fn violation(row: &CaptureEvent) -> Option<&Error> {
    if let Detail::Violation(error) = &row.detail { Some(error) } else { None }
}

pub(super) static COLUMNS: LazyLock<Vec<Column<Batch>>> = LazyLock::new(|| {
    vec![
        Column::new(required("uid", uid_type()), |batch: &mut Batch| batch.facts.uids()),
        count("connection", |row| row.connection),
        Column::new(required("from_client", DataType::Boolean), |batch: &mut Batch| {
            flags(&batch.rows, |row| row.from_client)
        }),
        count("event", |row| row.event),
        count("seq", |row| row.seq),
        Column::new(required("kind", name_type()), |batch: &mut Batch| {
            #[expect(clippy::cast_possible_truncation, reason = "there are five kinds")]
            let keys = batch.rows.iter().map(|row| row.detail.number() as i8);
            names(keys.collect::<Vec<_>>(), &KIND_NAMES)
        }),
        count("offset", |row| row.offset),
        count("length", |row| row.length),
        count("missing_bytes", |row| row.missing_bytes),
        optional_time("timestamp", |row| row.last),
        optional_time("first_timestamp", |row| row.first),
        Column::new(required("resynced", DataType::Boolean), |batch: &mut Batch| {
            flags(&batch.rows, |row| row.resynced)
        }),
        optional_count("first_packet", |row| Some(row.first?.packet)),
        optional_count("last_packet", |row| Some(row.last?.packet)),
        Column::new(optional("file", text_name_type()), |batch: &mut Batch| {
            let origins = batch.rows.iter().map(|row| row.last.or(row.first));
            batch.files.column(origins.map(|origin| origin.map(|origin| origin.file)))
        }),
        Column::new(optional("payload", DataType::Binary), |batch: &mut Batch| {
            let payloads = batch.rows.iter().map(|row| row.detail.payload());
            Arc::new(payloads.collect::<BinaryArray>())
        }),
        Column::new(optional("close_code", DataType::UInt16), |batch: &mut Batch| {
            let codes = batch.rows.iter().map(|row| match row.detail {
                Detail::Close { code, .. } => code,
                _ => None,
            });
            Arc::new(codes.collect::<UInt16Array>())
        }),
        Column::new(optional("close_reason", DataType::Utf8), |batch: &mut Batch| {
            let reasons = batch.rows.iter().map(|row| match &row.detail {
                Detail::Close { reason, .. } => Some(reason.as_str()),
                _ => None,
            });
            Arc::new(reasons.collect::<StringArray>())
        }),
        Column::new(optional("effect", name_type()), |batch: &mut Batch| {
            let keys = batch.rows.iter().map(|row| Some(cost(row)?.effect as i8));
            names(keys.collect::<Vec<_>>(), &EFFECT_NAMES)
        }),
        optional_count("incomplete", |row| Some(cost(row)?.incomplete)),
        optional_count("undecodable", |row| Some(cost(row)?.undecodable)),
        optional_count("lost", |row| Some(cost(row)?.lost)),
        Column::new(optional("rule", text_name_type()), |batch: &mut Batch| {
            let rules = batch.rows.iter().map(|row| Some(violation(row)?.kind.name()));
            let (keys, values) = distinct(rules);
            text_names(keys.into_iter(), &values)
        }),
        Column::new(optional("error", DataType::Utf8), |batch: &mut Batch| {
            let errors = batch.rows.iter().map(|row| Some(violation(row)?.to_string()));
            Arc::new(errors.collect::<StringArray>())
        }),
        Column::new(optional("host", text_name_type()), |batch: &mut Batch| {
            batch.facts.texts(|facts| facts.host.as_deref())
        }),
        Column::new(optional("path", text_name_type()), |batch: &mut Batch| {
            batch.facts.texts(|facts| facts.path.as_deref())
        }),
    ]
});

/// Collects events for a record batch.
///
/// ```
/// use wsdefrag_capture::columns::{Choice, EventColumns, Table};
///
/// let mut columns = EventColumns::new(Choice::all(Table::Events));
/// let batch = columns.finish();
/// assert_eq!(batch.schema(), Table::Events.schema());
/// assert_eq!(batch.num_rows(), 0);
/// ```
#[derive(Debug)]
pub struct EventColumns {
    choice: Choice,
    files: FileNames,
    connections: OpenConnections,
    rows: Vec<CaptureEvent>,
}

impl EventColumns {
    /// Rows at which a batch is full. A control frame has at most 125 bytes.
    pub const FULL_ROWS: usize = 1 << 12;

    /// An empty batch of the chosen columns of the events table.
    #[must_use]
    pub fn new(choice: Choice) -> Self {
        debug_assert_eq!(choice.table(), Table::Events);
        let (files, connections) = (FileNames::default(), OpenConnections::default());
        Self { choice, files, connections, rows: Vec::new() }
    }

    /// Sets what the column `file` names.
    #[must_use]
    pub fn with_files(mut self, files: FileNames) -> Self {
        self.files = files;
        self
    }

    /// Whether the current batch is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether the current batch should be [finished](Self::finish).
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.rows.len() >= Self::FULL_ROWS || self.connections.is_full()
    }

    /// Takes a connection that has opened, before its first event.
    pub fn opened(&mut self, connection: &Connection) {
        self.connections.opened(connection);
    }

    /// Takes a connection that has ended, after its last event.
    pub fn ended(&mut self, connection: &Connection) {
        self.connections.ended(connection.connection);
        if self.is_empty() {
            self.connections.forget_ended();
        }
    }

    /// Appends a row.
    pub fn push(&mut self, event: CaptureEvent) {
        self.rows.push(event);
    }

    /// Returns the current batch and starts an empty one.
    ///
    /// # Panics
    ///
    /// Never: all columns have the same length and the types of the schema.
    #[must_use]
    pub fn finish(&mut self) -> RecordBatch {
        let rows = mem::take(&mut self.rows);
        let facts = self.connections.of_rows(rows.iter().map(|row| row.connection));
        self.connections.forget_ended();
        let length = rows.len();
        let mut batch = Batch { rows, facts, files: self.files.clone() };
        self.choice.batch(&COLUMNS, length, &mut batch)
    }
}
