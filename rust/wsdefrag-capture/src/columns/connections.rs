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

use super::connection_values::{
    Batch, address, count, optional_flag, optional_number, optional_text, port, text, texts, time,
};
use super::table::{Choice, Column, Table};
use super::tls_values;
use super::{
    FileNames, dictionary, flags, name_type, names, optional, required, text_name_type, time_type,
    timestamps, uid_type, uids,
};
use crate::account::Account;
use crate::connection::{CloseSeen, Connection, Ended, Field as HeaderField, lossy};
use crate::message::type_name;

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
mod tests {
    use super::*;
    use crate::connection::{CloseSeen, Request, Response};
    use crate::message::Status;
    use crate::packet::Origin;
    use crate::tls_facts::{TlsAccount, TlsFacts, TlsStatus};
    use arrow_array::cast::AsArray;
    use arrow_array::types::{
        DurationNanosecondType, Int8Type, TimestampNanosecondType, UInt16Type, UInt64Type,
    };
    use arrow_array::{Array, ArrayAccessor, StringArray};
    use wsdefrag_core::strictness::Tolerated;
    use wsdefrag_core::{Error, Kind, Opcode};

    /// A connection whose handshake was not captured.
    fn midstream() -> Connection {
        Connection {
            connection: 7,
            uid: [9; 16],
            midstream: true,
            first: Origin { packet: 5, file: 0, time: 1 },
            // A file without a name.
            last: Origin { packet: 6, file: 2, time: 2 },
            ..Connection::of(["192.0.2.1:50000", "[2001:db8::1]:443"])
        }
    }

    /// What is known of TLS, with a value for every column; the counters are numbered.
    fn tls() -> TlsFacts {
        let account = |first| TlsAccount {
            application: first,
            overhead: first + 1,
            handshake: first + 2,
            undecryptable: first + 3,
            missing: first + 4,
        };
        TlsFacts {
            status: TlsStatus::Ok,
            version: Some(0x0304),
            cipher: Some(0x1301),
            server_name: Some("example.com".into()),
            alpn: Some("h2".into()),
            resumed: Some(false),
            early_data: true,
            key_updates: 1,
            key_source: Some("key_log"),
            bad_tags: 2,
            found_by_trial: 3,
            accounts: [account(300), account(400)],
            ..TlsFacts::default()
        }
    }

    /// A connection with a value for every column.
    fn complete() -> Connection {
        let field = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        Connection {
            tls: Some(Box::new(tls())),
            request: Some(Request {
                method: "GET".into(),
                version: "HTTP/1.1".into(),
                target: "/chat?größe=1".into(),
                fields: vec![field("Host", "example.com")],
                time: 1,
            }),
            response: Some(Response {
                status: 101,
                reason: "Switching Protocols".into(),
                fields: vec![
                    field("Sec-WebSocket-Protocol", "graphql-ws"),
                    field("Sec-WebSocket-Extensions", "permessage-deflate"),
                ],
                time: 2,
            }),
            accept_key_ok: Some(true),
            stream_id: Some(5),
            midstream: false,
            first: Origin { packet: 3, file: 0, time: 1 },
            last: Origin { packet: 4, file: 1, time: 2 },
            original_client_address: "203.0.113.1:1000".parse().ok(),
            original_server_address: "203.0.113.2:2000".parse().ok(),
            close: Some(CloseSeen {
                from_client: true,
                code: Some(1001),
                reason: "tschüß".into(),
                time: 1_700_000_000_123_456_789,
                packet: 3,
            }),
            from_client: with_count(account(100), Opcode::Text, Status::Incomplete, 5),
            from_server: with_count(account(200), Opcode::Binary, Status::Ok, 7),
            ended: Some(Ended::EndOfCapture),
            problems: vec!["erstens".into(), "größtenteils".into()],
            ..midstream()
        }
    }

    fn with_count(mut account: Account, opcode: Opcode, status: Status, bytes: u64) -> Account {
        account.counts.add(opcode, status, bytes);
        account
    }

    /// An account with the counters `first`, `first + 1` and so on.
    fn account(first: u64) -> Account {
        Account {
            bytes: first,
            emitted: first + 1,
            control: first + 2,
            skipped: first + 3,
            lost: first + 4,
            trailing: first + 5,
            messages: first + 6,
            content: first + 7,
            compressed: first + 8,
            inflated: first + 9,
            pings: first + 10,
            gaps: first + 11,
            missing: first + 12,
            late: first + 13,
            retransmissions: first + 14,
            overlaps: first + 15,
            tolerated: Tolerated { utf8: first, deflate_tail: 1, ..Tolerated::default() },
            violation: Some(Error { kind: Kind::ReservedOpcode(3), offset: first }),
            ..Account::default()
        }
    }

    fn batch(connections: &[Connection]) -> RecordBatch {
        let files = FileNames::new(&["first.pcap".into(), "second.pcap".into()]);
        let mut columns = ConnectionColumns::new(Choice::all(Table::Connections)).with_files(files);
        for connection in connections {
            columns.push(connection.clone());
        }
        assert_eq!(columns.len(), connections.len());
        let batch = columns.finish();
        assert!(columns.is_empty());
        batch
    }

    /// The values of a column of texts; `None` for null.
    fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Vec<Option<&'a str>> {
        batch.column_by_name(name).unwrap().as_string::<i32>().iter().collect()
    }

    /// The header fields in a row.
    fn pairs(column: &ArrayRef) -> Vec<(&str, &str)> {
        let pairs = column.as_list::<i32>().values().as_struct();
        let texts = |index: usize| pairs.column(index).as_string::<i32>().iter().flatten();
        texts(0).zip(texts(1)).collect()
    }

    #[test]
    fn row_has_the_values_of_the_connection() {
        let batch = batch(&[complete()]);
        let column = |name| batch.column_by_name(name).unwrap();
        let number = |name| column(name).as_primitive::<UInt64Type>().value(0);
        let short = |name| column(name).as_primitive::<UInt16Type>().value(0);
        let time = |name| column(name).as_primitive::<TimestampNanosecondType>().value(0);
        let flag = |name| column(name).as_boolean().value(0);
        for (name, text) in [
            ("client_address", "192.0.2.1"),
            ("server_address", "2001:db8::1"),
            ("original_client_address", "203.0.113.1"),
            ("original_server_address", "203.0.113.2"),
            ("http_version", "2"),
            ("tls_version", "TLS 1.3"),
            ("sni", "example.com"),
            ("alpn", "h2"),
            ("key_source", "key_log"),
            ("method", "GET"),
            ("host", "example.com"),
            ("path", "/chat?größe=1"),
            ("subprotocol", "graphql-ws"),
            ("extensions", "permessage-deflate"),
            ("close_reason", "tschüß"),
        ] {
            assert_eq!(texts(&batch, name), [Some(text)], "{name}");
        }
        assert_eq!(number("connection"), 7);
        assert_eq!(short("client_port"), 50000);
        assert_eq!(short("server_port"), 443);
        assert_eq!(short("original_client_port"), 1000);
        assert_eq!(short("original_server_port"), 2000);
        assert_eq!(short("response_status"), 101);
        assert_eq!(short("close_code"), 1001);
        assert!(flag("accept_key_ok"));
        assert!(!flag("midstream"));
        assert!(flag("close_from_client"));
        assert_eq!(time("opened"), 1);
        assert_eq!(time("started"), 2);
        let duration = column("duration").as_primitive::<DurationNanosecondType>();
        assert_eq!(duration.value(0), 0);
        assert_eq!(column("uid").as_fixed_size_binary().value(0), [9; 16]);
        assert_eq!(pairs(column("request_headers")), [("Host", "example.com")]);
        assert_eq!(
            pairs(column("response_headers")),
            [
                ("Sec-WebSocket-Protocol", "graphql-ws"),
                ("Sec-WebSocket-Extensions", "permessage-deflate"),
            ]
        );
        let counts = column("counts").as_list::<i32>().value(0);
        let counts = counts.as_struct();
        assert_eq!(counts.len(), 2);
        let part = |name| counts.column_by_name(name).unwrap();
        let words = |name| part(name).as_string::<i32>().iter().flatten().collect::<Vec<_>>();
        assert_eq!(
            part("from_client").as_boolean().iter().collect::<Vec<_>>(),
            [Some(true), Some(false)]
        );
        assert_eq!(words("type"), ["text", "binary"]);
        assert_eq!(words("status"), ["incomplete", "ok"]);
        assert_eq!(part("messages").as_primitive::<UInt64Type>().values()[..], [1, 1]);
        assert_eq!(part("bytes").as_primitive::<UInt64Type>().values()[..], [5, 7]);
        assert_eq!(time("last"), 2);
        assert_eq!(time("close_time"), 1_700_000_000_123_456_789);
        let ended = column("ended").as_dictionary::<Int8Type>();
        assert_eq!(ended.downcast_dict::<StringArray>().unwrap().value(0), "end_of_capture");
        let problems = column("problems").as_list::<i32>().value(0);
        let problems: Vec<_> = problems.as_string::<i32>().iter().collect();
        assert_eq!(problems, [Some("erstens"), Some("größtenteils")]);
        assert!(batch.columns().iter().all(|column| column.null_count() == 0));
        let packet = |name: &'static str| column(name).as_primitive::<UInt64Type>().value(0);
        assert_eq!((packet("first_packet"), packet("last_packet")), (3, 4));
        let file = column("file").as_any_dictionary();
        let names = file.values().as_string::<i32>();
        assert_eq!(names.value(file.normalized_keys()[0]), "second.pcap");
    }

    #[test]
    fn each_direction_has_its_own_counters() {
        let batch = batch(&[complete()]);
        for (side, first) in [("client", 100), ("server", 200)] {
            for ((name, _), expected) in Account::default().counters().iter().zip(first..) {
                let column = batch.column_by_name(&format!("{side}_{name}")).unwrap();
                assert_eq!(column.as_primitive::<UInt64Type>().value(0), expected, "{side}_{name}");
            }
            for (name, expected) in account(first).tolerated.counters() {
                let column = batch.column_by_name(&format!("{side}_tolerated_{name}")).unwrap();
                assert_eq!(column.as_primitive::<UInt64Type>().value(0), expected, "{side}_{name}");
            }
            let violation = account(first).violation.unwrap().to_string();
            let name = format!("{side}_violation");
            assert_eq!(texts(&batch, &name), [Some(violation.as_str())]);
        }
    }

    #[test]
    fn tls_has_its_names_and_counters() {
        let batch = batch(&[complete()]);
        for (name, expected) in [
            ("tls_version", "TLS 1.3"),
            ("tls_cipher", "TLS_AES_128_GCM_SHA256"),
            ("sni", "example.com"),
            ("alpn", "h2"),
            ("key_source", "key_log"),
        ] {
            assert_eq!(texts(&batch, name), [Some(expected)]);
        }
        let number =
            |name: &str| batch.column_by_name(name).unwrap().as_primitive::<UInt64Type>().value(0);
        assert_eq!(["key_updates", "bad_tags", "found_by_trial"].map(number), [1, 2, 3]);
        for (side, first) in [("client", 300), ("server", 400)] {
            for ((name, _), expected) in TlsAccount::default().counters().iter().zip(first..) {
                assert_eq!(number(&format!("{side}_tls_{name}")), expected);
            }
        }
    }

    #[test]
    fn values_that_were_not_captured_are_null() {
        let batch = batch(&[complete(), midstream(), complete()]);
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            assert_eq!(column.null_count(), usize::from(field.is_nullable()), "{field}");
            assert_eq!(column.is_null(1), field.is_nullable(), "{field}");
        }
        assert_eq!(batch.column_by_name("problems").unwrap().as_list::<i32>().value_length(1), 0);
        assert_eq!(texts(&batch, "host"), [Some("example.com"), None, Some("example.com")]);
    }

    #[test]
    fn incomplete_close_frame_has_no_code() {
        let mut connection = complete();
        connection.close.as_mut().unwrap().code = None;
        let batch = batch(&[connection]);
        assert!(batch.column_by_name("close_code").unwrap().is_null(0));
        assert_eq!(texts(&batch, "close_reason"), [Some("tschüß")]);
    }

    #[test]
    fn every_end_has_its_name() {
        let connections = Ended::ALL.map(|ended| Connection { ended: Some(ended), ..midstream() });
        let batch = batch(&connections);
        let ended = batch.column_by_name("ended").unwrap().as_dictionary::<Int8Type>();
        let names: Vec<_> = ended.downcast_dict::<StringArray>().unwrap().into_iter().collect();
        assert_eq!(names, Ended::ALL.map(|ended| Some(ended.name())));
    }

    #[test]
    fn empty_batch_has_all_columns() {
        let batch = batch(&[]);
        assert_eq!(batch.schema(), Table::Connections.schema());
        assert_eq!(batch.num_rows(), 0);
    }
}
