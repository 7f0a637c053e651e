//! The connections table: one row per connection, in the order in which they ended.
//!
//! The counters of the two accounts have the prefixes `client_` and `server_`. A value is null if it
//! was not captured or does not exist.
//!
//! - `bytes == emitted + control + skipped + lost + trailing` in each direction of a connection that
//!   has ended

use std::mem;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{
    BooleanBuilder, ListBuilder, StringBuilder, StructBuilder, UInt64Builder,
};
use arrow_array::{
    ArrayRef, BooleanArray, DurationNanosecondArray, RecordBatch, StringArray, UInt16Array,
    UInt64Array,
};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use wsdefrag_core::Strictness;

use super::table::Column;
use super::{
    Choice, Table, dictionary, flags, name_type, names, optional, required, time_type, timestamps,
    uid_type, uids,
};
use crate::account::Account;
use crate::connection::{CloseSeen, Connection, Ended, Field as HeaderField};
use crate::message::type_name;

static ENDED_NAMES: LazyLock<ArrayRef> = LazyLock::new(|| dictionary(Ended::ALL.map(Ended::name)));

/// The rows of a batch.
type Batch = Vec<Connection>;

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

/// A column of texts.
fn text(name: &str, of: impl Fn(&Connection) -> String + Send + Sync + 'static) -> Column<Batch> {
    Column::new(required(name, DataType::Utf8), move |rows: &mut Batch| {
        Arc::new(StringArray::from_iter_values(rows.iter().map(&of)))
    })
}

/// A column of texts that may be null.
fn optional_text(
    name: impl Into<String>,
    of: impl Fn(&Connection) -> Option<String> + Send + Sync + 'static,
) -> Column<Batch> {
    Column::new(optional(name, DataType::Utf8), move |rows: &mut Batch| {
        Arc::new(rows.iter().map(&of).collect::<StringArray>())
    })
}

/// A column of counts.
fn count(
    name: impl Into<String>,
    of: impl Fn(&Connection) -> u64 + Send + Sync + 'static,
) -> Column<Batch> {
    Column::new(required(name, DataType::UInt64), move |rows: &mut Batch| {
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(&of)))
    })
}

/// A column of ports or codes that may be null.
fn optional_number(name: &str, of: fn(&Connection) -> Option<u16>) -> Column<Batch> {
    Column::new(optional(name, DataType::UInt16), move |rows: &mut Batch| {
        Arc::new(rows.iter().map(of).collect::<UInt16Array>())
    })
}

/// A column of bools that may be null.
fn optional_flag(name: &str, of: fn(&Connection) -> Option<bool>) -> Column<Batch> {
    Column::new(optional(name, DataType::Boolean), move |rows: &mut Batch| {
        Arc::new(rows.iter().map(of).collect::<BooleanArray>())
    })
}

/// A column of times.
fn time(name: &str, of: fn(&Connection) -> i64) -> Column<Batch> {
    Column::new(required(name, time_type()), move |rows: &mut Batch| {
        timestamps(rows.iter().map(of).collect::<Vec<_>>())
    })
}

/// A column of lists of header fields.
fn headers(name: &str, of: fn(&Connection) -> Option<&[HeaderField]>) -> Column<Batch> {
    Column::new(optional(name, list_of(&HEADER)), move |rows: &mut Batch| {
        let mut list = list_builder(
            &HEADER,
            vec![Box::new(StringBuilder::new()), Box::new(StringBuilder::new())],
        );
        for row in rows {
            let fields = of(row);
            for (name, value) in fields.unwrap_or_default() {
                let pair = list.values();
                append_text(pair, 0, name);
                append_text(pair, 1, &String::from_utf8_lossy(value));
                pair.append(true);
            }
            list.append(fields.is_some());
        }
        Arc::new(list.finish())
    })
}

/// The column of the messages by sender, type and status.
fn counts() -> Column<Batch> {
    Column::new(required("counts", list_of(&COUNT)), |rows: &mut Batch| {
        let mut list = list_builder(
            &COUNT,
            vec![
                Box::new(BooleanBuilder::new()),
                Box::new(StringBuilder::new()),
                Box::new(StringBuilder::new()),
                Box::new(UInt64Builder::new()),
                Box::new(UInt64Builder::new()),
            ],
        );
        for row in rows {
            for from_client in [true, false] {
                for (opcode, status, messages, bytes) in row.account(from_client).counts.iter() {
                    let item = list.values();
                    if let Some(column) = item.field_builder::<BooleanBuilder>(0) {
                        column.append_value(from_client);
                    }
                    append_text(item, 1, type_name(opcode));
                    append_text(item, 2, status.name());
                    for (index, value) in [(3, messages), (4, bytes)] {
                        if let Some(column) = item.field_builder::<UInt64Builder>(index) {
                            column.append_value(value);
                        }
                    }
                    item.append(true);
                }
            }
            list.append(true);
        }
        Arc::new(list.finish())
    })
}

fn list_builder(
    fields: &Fields,
    builders: Vec<Box<dyn arrow_array::builder::ArrayBuilder>>,
) -> ListBuilder<StructBuilder> {
    ListBuilder::new(StructBuilder::new(fields.clone(), builders)).with_field(item_of(fields))
}

fn append_text(item: &mut StructBuilder, index: usize, text: &str) {
    if let Some(column) = item.field_builder::<StringBuilder>(index) {
        column.append_value(text);
    }
}

fn close<T>(of: impl Fn(&CloseSeen) -> T) -> impl Fn(&Connection) -> Option<T> {
    move |connection| connection.close.as_ref().map(&of)
}

pub(super) static COLUMNS: LazyLock<Vec<Column<Batch>>> = LazyLock::new(|| {
    let mut columns = vec![
        Column::new(required("uid", uid_type()), |rows: &mut Batch| {
            uids(rows.iter().map(|row| row.uid))
        }),
        count("connection", |row| row.connection),
        text("client_address", |row| row.client_address.ip().to_string()),
        port("client_port", |row| row.client_address.port()),
        text("server_address", |row| row.server_address.ip().to_string()),
        port("server_port", |row| row.server_address.port()),
        optional_text("host", |row| row.host().map(Into::into)),
        optional_text("path", |row| row.path().map(Into::into)),
        optional_text("subprotocol", |row| row.subprotocol().map(Into::into)),
        optional_text("extensions", Connection::extensions),
        optional_number("response_status", |row| Some(row.response.as_ref()?.status)),
        headers("request_headers", |row| Some(&row.request.as_ref()?.fields)),
        headers("response_headers", |row| Some(&row.response.as_ref()?.fields)),
        optional_flag("accept_key_ok", |row| row.accept_key_ok),
        Column::new(required("midstream", DataType::Boolean), |rows: &mut Batch| {
            flags(rows, |row| row.midstream)
        }),
        time("opened", |row| row.opened),
        time("started", Connection::started),
        time("last", |row| row.last),
        Column::new(
            required("duration", DataType::Duration(TimeUnit::Nanosecond)),
            |rows: &mut Batch| {
                let durations = rows.iter().map(Connection::duration);
                Arc::new(DurationNanosecondArray::from_iter_values(durations))
            },
        ),
        optional_number("close_code", |row| row.close.as_ref()?.code),
        optional_text("close_reason", close(|close| close.reason.clone())),
        optional_flag("close_from_client", |row| Some(row.close.as_ref()?.from_client)),
        Column::new(optional("close_time", time_type()), |rows: &mut Batch| {
            timestamps(rows.iter().map(close(|close| close.time)).collect::<Vec<_>>())
        }),
        Column::new(optional("ended", name_type()), |rows: &mut Batch| {
            let keys = rows.iter().map(|row| row.ended.map(|ended| ended as i8));
            names(keys.collect::<Vec<_>>(), &ENDED_NAMES)
        }),
        counts(),
        Column::new(
            required("problems", DataType::new_list(DataType::Utf8, true)),
            |rows: &mut Batch| {
                let mut list = ListBuilder::new(StringBuilder::new());
                for row in rows {
                    for problem in &row.problems {
                        list.values().append_value(problem);
                    }
                    list.append(true);
                }
                Arc::new(list.finish())
            },
        ),
    ];
    for (side, from_client) in [("client", true), ("server", false)] {
        for (index, (name, _)) in Account::default().counters().into_iter().enumerate() {
            columns.push(count(format!("{side}_{name}"), move |row| {
                row.account(from_client).counters()[index].1
            }));
        }
        for (index, name) in Strictness::NAMES.into_iter().enumerate() {
            columns.push(count(format!("{side}_tolerated_{name}"), move |row| {
                let mut counters = row.account(from_client).tolerated.counters();
                counters.nth(index).map_or(0, |(_, count)| count)
            }));
        }
        columns.push(optional_text(format!("{side}_violation"), move |row| {
            row.account(from_client).violation.as_ref().map(ToString::to_string)
        }));
    }
    columns
});

/// A column of ports.
fn port(name: &str, of: fn(&Connection) -> u16) -> Column<Batch> {
    Column::new(required(name, DataType::UInt16), move |rows: &mut Batch| {
        Arc::new(UInt16Array::from_iter_values(rows.iter().map(of)))
    })
}

/// Collects connections for a record batch.
///
/// ```
/// use wsdefrag_capture::columns::{Choice, ConnectionColumns, Table};
///
/// let mut columns = ConnectionColumns::new(Choice::all(Table::Connections));
/// let batch = columns.finish();
/// assert_eq!(batch.schema(), Table::Connections.schema());
/// assert_eq!(batch.num_rows(), 0);
/// ```
#[derive(Debug)]
pub struct ConnectionColumns {
    choice: Choice,
    rows: Batch,
    /// Bytes of the rows' handshakes and problems.
    bytes: usize,
}

impl ConnectionColumns {
    /// Rows at which a batch is full.
    pub const FULL_ROWS: usize = 1 << 12;

    /// Bytes of handshakes and problems at which a batch is full. A row has some hundred KiB at most,
    /// so no column of a batch reaches the 2 GiB that its offsets can address.
    pub const FULL_BYTES: usize = 1 << 20;

    /// An empty batch of the chosen columns of the connections table.
    #[must_use]
    pub fn new(choice: Choice) -> Self {
        debug_assert_eq!(choice.table(), Table::Connections);
        Self { choice, rows: Vec::new(), bytes: 0 }
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
        let mut rows = mem::take(&mut self.rows);
        self.bytes = 0;
        let length = rows.len();
        self.choice.batch(&COLUMNS, length, &mut rows)
    }
}
