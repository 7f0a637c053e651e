//! The events table: one row per control frame, gap and violation, in the order in which they became
//! certain.
//!
//! Columns that only one kind of event has are null in the rows of the others.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a batch has at most `FULL_ROWS` rows"
)]

use std::mem;
use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray, UInt16Array, UInt64Array};
use arrow_schema::DataType;
use wsdefrag_core::Error;

use super::choice::{Choice, Column};
use super::open_connections::{OpenConnections, RowFacts};
use super::{
    FileNames, dictionary, distinct, flags, name_type, names, optional, required, text_name_type,
    text_names, time_type, timestamps, uid_type,
};
use crate::connection::Connection;
use crate::event::{CaptureEvent, Detail, GapCost, GapEffect};
use crate::packet::Origin;
use crate::table::Table;

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
            text_names(keys, &values)
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
/// use wsdefrag_capture::columns::{Choice, EventColumns};
/// use wsdefrag_capture::table::Table;
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
        let facts = self.connections.of_rows(rows.iter().map(|row| &row.connection));
        self.connections.forget_ended();
        let length = rows.len();
        let mut batch = Batch { rows, facts, files: self.files.clone() };
        self.choice.batch(&COLUMNS, length, &mut batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{
        Int8Type, Int32Type, TimestampNanosecondType, UInt16Type, UInt64Type,
    };
    use wsdefrag_core::Kind;

    /// An event of each kind.
    fn events() -> Vec<CaptureEvent> {
        let origin =
            |packet: u64| Some(Origin { packet, file: 1, time: packet.cast_signed() * 10 });
        let error = Error { kind: Kind::ReservedOpcode(3), offset: 40 };
        let cost = GapCost {
            effect: GapEffect::Search,
            incomplete: 1,
            undecodable: 2,
            lost: 300,
            is_final: true,
        };
        let details = [
            Detail::Ping(b"ping".to_vec()),
            Detail::Pong(Vec::new()),
            Detail::Close { payload: b"\x03\xe8x".to_vec(), code: Some(1000), reason: "x".into() },
            Detail::Gap(cost),
            Detail::Violation(error),
        ];
        let event = |(number, detail): (u64, Detail)| CaptureEvent {
            connection: 7,
            from_client: number.is_multiple_of(2),
            event: number,
            seq: 10 + number,
            offset: 20 + number,
            length: 30 + number,
            missing_bytes: 40 + number,
            first: if number == 3 { None } else { origin(number) },
            last: if number == 1 { None } else { origin(100 + number) },
            resynced: number == 2,
            detail,
        };
        (0..).zip(details).map(event).collect()
    }

    #[test]
    fn rows_have_the_values_of_the_events() {
        let files = FileNames::new(&["first.pcap".into(), "second.pcap".into()]);
        let mut columns = EventColumns::new(Choice::all(Table::Events)).with_files(files);
        let connection = Connection {
            connection: 7,
            uid: [9; 16],
            ..Connection::of(["192.0.2.1:50000", "192.0.2.2:80"])
        };
        columns.opened(&connection);
        for event in events() {
            columns.push(event);
        }
        columns.ended(&connection);
        let batch = columns.finish();
        assert!(columns.is_empty());
        let column = |name| batch.column_by_name(name).unwrap();
        let numbers = |name| column(name).as_primitive::<UInt64Type>().iter().collect::<Vec<_>>();
        let times = |name| {
            column(name).as_primitive::<TimestampNanosecondType>().iter().collect::<Vec<_>>()
        };
        let names = |name| {
            let names = column(name).as_dictionary::<Int8Type>();
            names.downcast_dict::<StringArray>().unwrap().into_iter().collect::<Vec<_>>()
        };
        let texts = |name| column(name).as_string::<i32>().iter().collect::<Vec<_>>();
        let some = |first: u64| (first..first + 5).map(Some).collect::<Vec<_>>();

        assert_eq!(column("uid").as_fixed_size_binary().value(4), [9; 16]);
        assert_eq!(numbers("connection"), [Some(7); 5]);
        assert_eq!(names("kind"), Detail::NAMES.map(Some));
        for (name, first) in [("event", 0), ("seq", 10), ("offset", 20), ("length", 30)] {
            assert_eq!(numbers(name), some(first), "{name}");
        }
        assert_eq!(numbers("missing_bytes"), some(40));
        assert_eq!(numbers("first_packet"), [Some(0), Some(1), Some(2), None, Some(4)]);
        assert_eq!(numbers("last_packet"), [Some(100), None, Some(102), Some(103), Some(104)]);
        assert_eq!(times("first_timestamp"), [Some(0), Some(10), Some(20), None, Some(40)]);
        assert_eq!(times("timestamp")[..2], [Some(1000), None]);
        let flags = |name| column(name).as_boolean().iter().flatten().collect::<Vec<_>>();
        assert_eq!(flags("from_client"), [true, false, true, false, true]);
        assert_eq!(flags("resynced"), [false, false, true, false, false]);
        let files = column("file").as_dictionary::<Int32Type>();
        let files = files.downcast_dict::<StringArray>().unwrap();
        assert!(files.into_iter().all(|name| name == Some("second.pcap")));
        let payloads: Vec<_> = column("payload").as_binary::<i32>().iter().collect();
        assert_eq!(payloads, [Some(&b"ping"[..]), Some(b""), Some(b"\x03\xe8x"), None, None]);
        let codes = column("close_code").as_primitive::<UInt16Type>().iter().collect::<Vec<_>>();
        assert_eq!(codes, [None, None, Some(1000), None, None]);
        assert_eq!(texts("close_reason"), [None, None, Some("x"), None, None]);
        assert_eq!(names("effect"), [None, None, None, Some("search"), None]);
        for (name, value) in [("incomplete", 1), ("undecodable", 2), ("lost", 300)] {
            assert_eq!(numbers(name), [None, None, None, Some(value), None], "{name}");
        }
        let rules = column("rule").as_dictionary::<Int32Type>();
        let rules = rules.downcast_dict::<StringArray>().unwrap();
        let expected = [None, None, None, None, Some("reserved_opcode")];
        assert_eq!(rules.into_iter().collect::<Vec<_>>(), expected);
        assert!(texts("error")[4].unwrap().contains("RFC 6455 section 5.2"));
        assert!(column("host").is_null(0) && column("path").is_null(0));
    }
}
