//! The batches of the connections table.

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
