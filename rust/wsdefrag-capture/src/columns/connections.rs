//! The connections table: one row per connection, in the order in which they ended.
//!
//! | column | type | meaning |
//! | --- | --- | --- |
//! | `connection` | u64 | number of the connection, from 0, in the order in which they were recognised |
//! | `client_address` | utf8 | the client's IP address |
//! | `client_port` | u16 | the client's TCP port |
//! | `server_address` | utf8 | the server's IP address |
//! | `server_port` | u16 | the server's TCP port |
//! | `host` | utf8, null | the request's `Host` |
//! | `path` | utf8, null | the request's target without scheme and authority |
//! | `subprotocol` | utf8, null | the subprotocol that the server chose |
//! | `extensions` | utf8, null | the response's `Sec-WebSocket-Extensions`: what the server accepted |
//! | `response_status` | u16, null | the response's HTTP status code; other than 101 if the server refused |
//! | `accept_key_ok` | bool, null | whether the response's accept key is right |
//! | `midstream` | bool | whether the server's acceptance was not captured |
//! | `opened` | timestamp\[ns, UTC\] | when the connection's first packet was captured |
//! | `last` | timestamp\[ns, UTC\] | when the connection's last packet was captured |
//! | `close_code` | u16, null | the code of the first close frame; 1005 if it had none |
//! | `close_reason` | utf8, null | the reason in the first close frame |
//! | `close_from_client` | bool, null | whether the client sent the first close frame |
//! | `close_time` | timestamp\[ns, UTC\], null | when the first close frame was captured |
//! | `ended` | dictionary\[i8, utf8\], null | how the connection ended: a name of [`Ended::ALL`] |
//! | `problems` | list\[utf8\] | what went wrong, in sentences |
//!
//! The following columns exist twice: with the prefix `client_` for the client's bytes, and with
//! `server_` for the server's.
//!
//! | column | type | meaning |
//! | --- | --- | --- |
//! | `bytes` | u64 | bytes after the handshake, whether they were captured or not |
//! | `emitted` | u64 | bytes of the frames of complete messages, headers included |
//! | `control` | u64 | bytes of control frames |
//! | `skipped` | u64 | bytes of frames that were recognised but not delivered whole |
//! | `lost` | u64 | bytes that cannot be assigned to frames |
//! | `trailing` | u64 | bytes after a Close, or from a broken rule on |
//! | `messages` | u64 | messages of any status |
//! | `content` | u64 | bytes of the messages' decoded contents |
//! | `compressed` | u64 | payload bytes of compressed messages that were inflated whole |
//! | `inflated` | u64 | bytes that those payloads were inflated to |
//! | `pings` | u64 | pings and pongs |
//! | `gaps` | u64 | runs of bytes that were not captured, or too late |
//! | `missing` | u64 | bytes in gaps that no packet has |
//! | `late` | u64 | bytes in gaps that a packet had which came too late |
//! | `retransmissions` | u64 | segments that repeated bytes captured before, the handshake's included |
//! | `overlaps` | u64 | retransmissions whose bytes differed from those captured before |
//! | `tolerated_mask_direction` | u64 | frames masked, or not masked, against the rule for their sender |
//! | `tolerated_minimal_length` | u64 | frames whose length has a longer form than it needs |
//! | `tolerated_reserved_bits` | u64 | frames with RSV bits that no extension uses |
//! | `tolerated_close_codes` | u64 | close frames with a code that may not be sent |
//! | `tolerated_utf8` | u64 | text messages that are not UTF-8 |
//! | `tolerated_no_context_takeover` | u64 | compressed messages that refer to earlier ones against the agreement |
//! | `tolerated_empty_compressed_payload` | u64 | compressed messages without any payload |
//! | `tolerated_deflate_tail` | u64 | compressed messages that end with `00 00 ff ff` |
//! | `violation` | utf8, null | the broken rule that ended the direction |
//!
//! The `tolerated_` columns count breaches of rules that are switched off. A breach of an enforced
//! rule is a violation.
//!
//! A value is null if it was not captured or does not exist.
//!
//! - `bytes == emitted + control + skipped + lost + trailing` in each direction of a connection that
//!   has ended

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a batch has at most `FULL_ROWS` rows"
)]

use std::fmt::{Display, Write};
use std::mem;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt16Array, UInt64Array};
use arrow_schema::{DataType, Schema, SchemaRef};
use wsdefrag_core::Strictness;

use super::{dictionary, name_type, names, optional, required, time_type, timestamps};
use crate::account::Account;
use crate::connection::{Connection, Ended};

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let mut fields = vec![
        required("connection", DataType::UInt64),
        required("client_address", DataType::Utf8),
        required("client_port", DataType::UInt16),
        required("server_address", DataType::Utf8),
        required("server_port", DataType::UInt16),
        optional("host", DataType::Utf8),
        optional("path", DataType::Utf8),
        optional("subprotocol", DataType::Utf8),
        optional("extensions", DataType::Utf8),
        optional("response_status", DataType::UInt16),
        optional("accept_key_ok", DataType::Boolean),
        required("midstream", DataType::Boolean),
        required("opened", time_type()),
        required("last", time_type()),
        optional("close_code", DataType::UInt16),
        optional("close_reason", DataType::Utf8),
        optional("close_from_client", DataType::Boolean),
        optional("close_time", time_type()),
        optional("ended", name_type()),
        required("problems", DataType::new_list(DataType::Utf8, true)),
    ];
    for side in ["client", "server"] {
        for (name, _) in Account::default().counters() {
            fields.push(required(format!("{side}_{name}"), DataType::UInt64));
        }
        for name in Strictness::NAMES {
            fields.push(required(format!("{side}_tolerated_{name}"), DataType::UInt64));
        }
        fields.push(optional(format!("{side}_violation"), DataType::Utf8));
    }
    Arc::new(Schema::new(fields))
});

static ENDED_NAMES: LazyLock<ArrayRef> = LazyLock::new(|| dictionary(Ended::ALL.map(Ended::name)));

/// The columns of one direction.
#[derive(Debug, Default)]
struct AccountColumns {
    counters: [Vec<u64>; Account::COUNTERS],
    tolerated: [Vec<u64>; Strictness::NAMES.len()],
    violation: StringBuilder,
}

impl AccountColumns {
    fn push(&mut self, account: &Account) {
        for (column, (_, count)) in self.counters.iter_mut().zip(account.counters()) {
            column.push(count);
        }
        for (column, (_, count)) in self.tolerated.iter_mut().zip(account.tolerated.counters()) {
            column.push(count);
        }
        match &account.violation {
            Some(error) => append_display(&mut self.violation, error),
            None => self.violation.append_null(),
        }
    }

    fn finish(mut self) -> impl Iterator<Item = ArrayRef> {
        let violation: ArrayRef = Arc::new(self.violation.finish());
        let counters = self.counters.into_iter().chain(self.tolerated);
        let counters = counters.map(|column| Arc::new(UInt64Array::from(column)) as _);
        counters.chain([violation])
    }
}

/// Appends the text that `value` is displayed as.
fn append_display(column: &mut StringBuilder, value: impl Display) {
    write!(column, "{value}").expect("a string takes everything");
    column.append_value("");
}

/// Collects connections for a record batch.
///
/// ```
/// use wsdefrag_capture::columns::ConnectionColumns;
///
/// let mut columns = ConnectionColumns::new();
/// let batch = columns.finish();
/// assert_eq!(batch.schema(), ConnectionColumns::schema());
/// assert_eq!(batch.num_rows(), 0);
/// ```
#[derive(Debug, Default)]
pub struct ConnectionColumns {
    connection: Vec<u64>,
    client_address: StringBuilder,
    client_port: Vec<u16>,
    server_address: StringBuilder,
    server_port: Vec<u16>,
    host: StringBuilder,
    path: StringBuilder,
    subprotocol: StringBuilder,
    extensions: StringBuilder,
    response_status: Vec<Option<u16>>,
    accept_key_ok: Vec<Option<bool>>,
    midstream: Vec<bool>,
    opened: Vec<i64>,
    last: Vec<i64>,
    close_code: Vec<Option<u16>>,
    close_reason: StringBuilder,
    close_from_client: Vec<Option<bool>>,
    close_time: Vec<Option<i64>>,
    ended: Vec<Option<i8>>,
    problems: ListBuilder<StringBuilder>,
    from_client: AccountColumns,
    from_server: AccountColumns,
}

impl ConnectionColumns {
    /// Rows at which a batch is full. A text comes from an HTTP head of at most 64 KiB, so no column
    /// of a batch reaches the 2 GiB that its offsets can address.
    pub const FULL_ROWS: usize = 1 << 12;

    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The schema of the table.
    #[must_use]
    pub fn schema() -> SchemaRef {
        Arc::clone(&SCHEMA)
    }

    /// The number of rows in the current batch.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.connection.len()
    }

    /// Whether the current batch is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.connection.is_empty()
    }

    /// Whether the current batch should be [finished](Self::finish).
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len() >= Self::FULL_ROWS
    }

    /// Appends a row.
    pub fn push(&mut self, connection: &Connection) {
        let close = connection.close.as_ref();
        self.connection.push(connection.connection);
        append_display(&mut self.client_address, connection.client_address.ip());
        self.client_port.push(connection.client_address.port());
        append_display(&mut self.server_address, connection.server_address.ip());
        self.server_port.push(connection.server_address.port());
        self.host.append_option(connection.host());
        self.path.append_option(connection.path());
        self.subprotocol.append_option(connection.subprotocol());
        self.extensions.append_option(connection.extensions());
        self.response_status.push(connection.response.as_ref().map(|response| response.status));
        self.accept_key_ok.push(connection.accept_key_ok);
        self.midstream.push(connection.midstream);
        self.opened.push(connection.opened);
        self.last.push(connection.last);
        self.close_code.push(close.and_then(|close| close.code));
        self.close_reason.append_option(close.map(|close| close.reason.as_str()));
        self.close_from_client.push(close.map(|close| close.from_client));
        self.close_time.push(close.map(|close| close.time));
        self.ended.push(connection.ended.map(|ended| ended as i8));
        for problem in &connection.problems {
            self.problems.values().append_value(problem);
        }
        self.problems.append(true);
        self.from_client.push(&connection.from_client);
        self.from_server.push(&connection.from_server);
    }

    /// Returns the current batch and starts an empty one.
    ///
    /// # Panics
    ///
    /// Never: all columns have the same length and the types of the schema.
    #[must_use]
    pub fn finish(&mut self) -> RecordBatch {
        let mut done = mem::take(self);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(done.connection)),
            Arc::new(done.client_address.finish()),
            Arc::new(UInt16Array::from(done.client_port)),
            Arc::new(done.server_address.finish()),
            Arc::new(UInt16Array::from(done.server_port)),
            Arc::new(done.host.finish()),
            Arc::new(done.path.finish()),
            Arc::new(done.subprotocol.finish()),
            Arc::new(done.extensions.finish()),
            Arc::new(UInt16Array::from(done.response_status)),
            Arc::new(BooleanArray::from(done.accept_key_ok)),
            Arc::new(BooleanArray::from(done.midstream)),
            timestamps(done.opened),
            timestamps(done.last),
            Arc::new(UInt16Array::from(done.close_code)),
            Arc::new(done.close_reason.finish()),
            Arc::new(BooleanArray::from(done.close_from_client)),
            timestamps(done.close_time),
            names(done.ended, &ENDED_NAMES),
            Arc::new(done.problems.finish()),
        ];
        columns.extend(done.from_client.finish());
        columns.extend(done.from_server.finish());
        RecordBatch::try_new(Self::schema(), columns)
            .expect("the columns are those of the schema and equally long")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::MessageCounts;
    use crate::connection::{CloseSeen, Request, Response};
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Int8Type, TimestampNanosecondType, UInt16Type, UInt64Type};
    use arrow_array::{Array, ArrayAccessor, StringArray};
    use wsdefrag_core::strictness::Tolerated;
    use wsdefrag_core::{Error, Kind};

    /// A connection whose handshake was not captured.
    fn midstream() -> Connection {
        Connection {
            connection: 7,
            client_address: "192.0.2.1:50000".parse().unwrap(),
            server_address: "[2001:db8::1]:443".parse().unwrap(),
            original_client_address: None,
            original_server_address: None,
            request: None,
            response: None,
            deflate: None,
            accept_key_ok: None,
            midstream: true,
            opened: 1,
            last: 2,
            close: None,
            from_client: Account::default(),
            from_server: Account::default(),
            ended: None,
            problems: Vec::new(),
        }
    }

    /// A connection with a value for every column.
    fn complete() -> Connection {
        let field = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        Connection {
            request: Some(Request {
                method: "GET".into(),
                version: "HTTP/1.1".into(),
                target: "ws://example.com/chat?größe=1".into(),
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
            midstream: false,
            close: Some(CloseSeen {
                from_client: true,
                code: Some(1001),
                reason: "tschüß".into(),
                time: 1_700_000_000_123_456_789,
                packet: 3,
            }),
            from_client: account(100),
            from_server: account(200),
            ended: Some(Ended::EndOfCapture),
            problems: vec!["erstens".into(), "größtenteils".into()],
            ..midstream()
        }
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
            counts: MessageCounts::default(),
            foreign_bits: 0,
            violation: Some(Error { kind: Kind::ReservedOpcode(3), offset: first }),
        }
    }

    fn batch(connections: &[Connection]) -> RecordBatch {
        let mut columns = ConnectionColumns::new();
        for connection in connections {
            columns.push(connection);
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
        assert_eq!(short("response_status"), 101);
        assert_eq!(short("close_code"), 1001);
        assert!(flag("accept_key_ok"));
        assert!(!flag("midstream"));
        assert!(flag("close_from_client"));
        assert_eq!(time("opened"), 1);
        assert_eq!(time("last"), 2);
        assert_eq!(time("close_time"), 1_700_000_000_123_456_789);
        let ended = column("ended").as_dictionary::<Int8Type>();
        assert_eq!(ended.downcast_dict::<StringArray>().unwrap().value(0), "end_of_capture");
        let problems = column("problems").as_list::<i32>().value(0);
        let problems: Vec<_> = problems.as_string::<i32>().iter().collect();
        assert_eq!(problems, [Some("erstens"), Some("größtenteils")]);
        assert!(batch.columns().iter().all(|column| column.null_count() == 0));
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
        assert_eq!(batch.schema(), ConnectionColumns::schema());
        assert_eq!(batch.num_rows(), 0);
    }
}
