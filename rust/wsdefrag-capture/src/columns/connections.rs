//! The connections table: one row per connection, in the order in which they ended.
//!
//! The counters of the two accounts have the prefixes `client_` and `server_`. A value is null if it
//! was not captured or does not exist.
//!
//! - `bytes == emitted + control + skipped + lost + trailing` in each direction of a connection that
//!   has ended

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a batch has at most `FULL_ROWS` rows, and `FULL_BYTES` besides its last row"
)]

use std::mem;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{ArrayBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, DurationNanosecondArray, ListArray, RecordBatch, StructArray,
    UInt32Array, UInt64Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use wsdefrag_core::Strictness;
use wsdefrag_core::strictness::Tolerated;

use super::choice::{Choice, Column};
use super::connection_values::{
    Batch, address, count, optional_flag, optional_number, optional_text, port, text, texts, time,
};
use super::tls_values;
use super::{
    FileNames, dictionary, flags, name_type, names, optional, required, text_name_type, time_type,
    timestamps, uid_type, uids,
};
use crate::account::Account;
use crate::connection::{CloseSeen, Connection, Ended, Field as HeaderField, lossy};
use crate::message::type_name;
use crate::table::Table;

static ENDED_NAMES: LazyLock<ArrayRef> = LazyLock::new(|| dictionary(Ended::ALL.map(Ended::name)));

/// The fields of a pair in a list of header fields.
static HEADER: LazyLock<Fields> = LazyLock::new(|| {
    vec![required("name", DataType::Utf8), required("value", DataType::Utf8)].into()
});

/// The fields of an item of `counts`.
static COUNT: LazyLock<Fields> = LazyLock::new(|| {
    vec![
        required("from_client", DataType::Boolean),
        required("type", DataType::Utf8),
        required("status", DataType::Utf8),
        required("messages", DataType::UInt64),
        required("bytes", DataType::UInt64),
    ]
    .into()
});

/// The type of a list of structs.
fn list_of(fields: &Fields) -> DataType {
    DataType::List(Arc::new(item_of(fields)))
}

/// The field of a list's items.
fn item_of(fields: &Fields) -> Field {
    required("item", DataType::Struct(fields.clone()))
}

/// The lists of structs of a column: the number of items so far at the end of each list.
fn lists(
    fields: &Fields,
    ends: Vec<i32>,
    items: Vec<ArrayRef>,
    present: Option<Vec<bool>>,
) -> ArrayRef {
    let items = StructArray::new(fields.clone(), items, None);
    let nulls = present.map(NullBuffer::from).filter(|nulls| nulls.null_count() > 0);
    let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
    Arc::new(ListArray::new(Arc::new(item_of(fields)), ends, Arc::new(items), nulls))
}

/// The number of items so far, for [`lists`].
fn end(items: usize) -> i32 {
    i32::try_from(items).expect("a batch has far fewer items")
}

/// A column of lists of header fields.
fn headers(name: &str, of: fn(&Connection) -> Option<&[HeaderField]>) -> Column<Batch> {
    Column::new(optional(name, list_of(&HEADER)), move |batch: &mut Batch| {
        let (mut names, mut values) = (StringBuilder::new(), StringBuilder::new());
        let (mut ends, mut present) = (vec![0], Vec::new());
        for row in &batch.rows {
            let fields = of(row);
            for (name, value) in fields.unwrap_or_default() {
                names.append_value(name);
                values.append_value(lossy(value));
            }
            ends.push(end(names.len()));
            present.push(fields.is_some());
        }
        let items: Vec<ArrayRef> = vec![Arc::new(names.finish()), Arc::new(values.finish())];
        lists(&HEADER, ends, items, Some(present))
    })
}

/// The column of the messages by sender, type and status.
fn counts() -> Column<Batch> {
    Column::new(required("counts", list_of(&COUNT)), |batch: &mut Batch| {
        let (mut types, mut statuses) = (StringBuilder::new(), StringBuilder::new());
        let (mut senders, mut numbers, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        let mut ends = vec![0];
        for row in &batch.rows {
            for from_client in [true, false] {
                for (opcode, status, messages, bytes) in row.account(from_client).counts.iter() {
                    senders.push(from_client);
                    types.append_value(type_name(opcode));
                    statuses.append_value(status.name());
                    numbers.push(messages);
                    lengths.push(bytes);
                }
            }
            ends.push(end(senders.len()));
        }
        let items: Vec<ArrayRef> = vec![
            Arc::new(BooleanArray::from(senders)),
            Arc::new(types.finish()),
            Arc::new(statuses.finish()),
            Arc::new(UInt64Array::from(numbers)),
            Arc::new(UInt64Array::from(lengths)),
        ];
        lists(&COUNT, ends, items, None)
    })
}

fn close<T>(of: impl Fn(&CloseSeen) -> T) -> impl Fn(&Connection) -> Option<T> {
    move |connection| connection.close.as_ref().map(&of)
}

pub(super) static COLUMNS: LazyLock<Vec<Column<Batch>>> = LazyLock::new(|| {
    let mut columns = vec![
        Column::new(required("uid", uid_type()), |batch: &mut Batch| {
            uids(batch.rows.iter().map(|row| &row.uid))
        }),
        count("connection", |row| row.connection),
        Column::new(optional("stream_id", DataType::UInt32), |batch: &mut Batch| {
            Arc::new(batch.rows.iter().map(|row| row.stream_id).collect::<UInt32Array>())
        }),
        text("http_version", |row| row.http_version().to_owned()),
        address("client_address", |row| row.client_address.ip()),
        port("client_port", |row| row.client_address.port()),
        address("server_address", |row| row.server_address.ip()),
        port("server_port", |row| row.server_address.port()),
        optional_text("original_client_address", |row| {
            Some(row.original_client_address?.ip().to_string())
        }),
        optional_number("original_client_port", |row| Some(row.original_client_address?.port())),
        optional_text("original_server_address", |row| {
            Some(row.original_server_address?.ip().to_string())
        }),
        optional_number("original_server_port", |row| Some(row.original_server_address?.port())),
        optional_text("method", |row| Some(row.request.as_ref()?.method.clone())),
        optional_text("host", |row| row.host().map(Into::into)),
        optional_text("path", |row| row.path().map(Into::into)),
        optional_text("subprotocol", |row| row.subprotocol().map(Into::into)),
        optional_text("extensions", Connection::extensions),
        optional_number("response_status", |row| Some(row.response.as_ref()?.status)),
        headers("request_headers", |row| Some(&row.request.as_ref()?.fields)),
        headers("response_headers", |row| Some(&row.response.as_ref()?.fields)),
        optional_flag("accept_key_ok", |row| row.accept_key_ok),
        Column::new(required("midstream", DataType::Boolean), |batch: &mut Batch| {
            flags(&batch.rows, |row| row.midstream)
        }),
        time("opened", |row| row.first.time),
        time("started", Connection::started),
        time("last", |row| row.last.time),
        Column::new(
            required("duration", DataType::Duration(TimeUnit::Nanosecond)),
            |batch: &mut Batch| {
                let durations = batch.rows.iter().map(Connection::duration);
                Arc::new(DurationNanosecondArray::from_iter_values(durations))
            },
        ),
        count("first_packet", |row| row.first.packet),
        count("last_packet", |row| row.last.packet),
        Column::new(optional("file", text_name_type()), |batch: &mut Batch| {
            batch.files.column(batch.rows.iter().map(|row| Some(row.last.file)))
        }),
        optional_number("close_code", |row| row.close.as_ref()?.code),
        optional_text("close_reason", close(|close| close.reason.clone())),
        optional_flag("close_from_client", |row| Some(row.close.as_ref()?.from_client)),
        Column::new(optional("close_time", time_type()), |batch: &mut Batch| {
            timestamps(batch.rows.iter().map(close(|close| close.time)).collect::<Vec<_>>())
        }),
        Column::new(optional("ended", name_type()), |batch: &mut Batch| {
            let keys = batch.rows.iter().map(|row| row.ended.map(|ended| ended as i8));
            names(keys.collect::<Vec<_>>(), &ENDED_NAMES)
        }),
        counts(),
        texts("encapsulation", |row| &row.encapsulation),
        texts("problems", |row| &row.problems),
    ];
    columns.extend(tls_values::facts());
    for (side, from_client) in [("client", true), ("server", false)] {
        for (name, of) in Account::GETTERS {
            let name = format!("{side}_{name}");
            columns.push(count(name, move |row| of(row.account(from_client))));
        }
        for (name, of) in Strictness::NAMES.iter().zip(Tolerated::GETTERS) {
            let name = format!("{side}_tolerated_{name}");
            columns.push(count(name, move |row| of(&row.account(from_client).tolerated)));
        }
        columns.push(optional_text(format!("{side}_violation"), move |row| {
            row.account(from_client).violation.as_ref().map(ToString::to_string)
        }));
        columns.extend(tls_values::account(side, from_client));
    }
    columns
});

/// Collects connections for a record batch.
///
/// ```
/// use wsdefrag_capture::columns::{Choice, ConnectionColumns};
/// use wsdefrag_capture::table::Table;
///
/// let mut columns = ConnectionColumns::new(Choice::all(Table::Connections));
/// let batch = columns.finish();
/// assert_eq!(batch.schema(), Table::Connections.schema());
/// assert_eq!(batch.num_rows(), 0);
/// ```
#[derive(Debug)]
pub struct ConnectionColumns {
    choice: Choice,
    rows: Vec<Connection>,
    files: FileNames,
    /// Bytes of the rows' handshakes and problems.
    bytes: usize,
}

impl ConnectionColumns {
    /// Rows at which a batch is full. Each column is made by a pass over the rows, which have 1 KiB, so
    /// as many as fit in the second-level cache.
    pub const FULL_ROWS: usize = 1 << 10;

    /// Bytes of handshakes and problems at which a batch is full. A row has some hundred KiB at most,
    /// so no column of a batch reaches the 2 GiB that its offsets can address.
    pub const FULL_BYTES: usize = 1 << 20;

    /// An empty batch of the chosen columns of the connections table.
    #[must_use]
    pub fn new(choice: Choice) -> Self {
        debug_assert_eq!(choice.table(), Table::Connections);
        Self { choice, rows: Vec::new(), files: FileNames::default(), bytes: 0 }
    }

    /// Sets what the column `file` names.
    #[must_use]
    pub fn with_files(mut self, files: FileNames) -> Self {
        self.files = files;
        self
    }

    /// The number of rows in the current batch.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the current batch is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether the current batch should be [finished](Self::finish).
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len() >= Self::FULL_ROWS || self.bytes >= Self::FULL_BYTES
    }

    /// Appends a row.
    pub fn push(&mut self, connection: Connection) {
        let fields = |fields: &[HeaderField]| -> usize {
            fields.iter().map(|(name, value)| name.len() + value.len()).sum()
        };
        let request = connection.request.as_ref();
        let response = connection.response.as_ref();
        self.bytes += request.map_or(0, |request| fields(&request.fields) + request.target.len())
            + response.map_or(0, |response| fields(&response.fields))
            + connection.problems.iter().map(String::len).sum::<usize>();
        self.rows.push(connection);
    }

    /// Returns the current batch and starts an empty one.
    ///
    /// # Panics
    ///
    /// Never: all columns have the same length and the types of the schema.
    #[must_use]
    pub fn finish(&mut self) -> RecordBatch {
        self.bytes = 0;
        let mut batch = Batch { rows: mem::take(&mut self.rows), files: self.files.clone() };
        let made = self.choice.batch(&COLUMNS, batch.rows.len(), &mut batch);
        batch.rows.clear();
        // Their room is for the next rows.
        self.rows = batch.rows;
        made
    }
}

#[cfg(test)]
mod tests;
