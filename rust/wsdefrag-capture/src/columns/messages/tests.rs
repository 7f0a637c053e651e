//! The batches of the messages table.

use super::*;
use crate::connection::Request;
use crate::message::type_name;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type, TimestampNanosecondType, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayAccessor, BinaryArray, StringArray};

/// Messages with different values in every field and every row.
fn messages(rows: usize) -> Vec<Message> {
    let opcodes = [Opcode::Text, Opcode::Binary, Opcode::Continuation];
    let message = |i: usize| {
        let row = i as u64;
        Message {
            connection: u64::MAX - row,
            seq: row,
            from_client: i.is_multiple_of(2),
            opcode: opcodes[i % 3],
            content: "é\0€".repeat(i % 5).into_bytes(),
            timestamp: i64::MAX - row.cast_signed(),
            first_timestamp: i64::MIN + row.cast_signed(),
            dropped: i.is_multiple_of(5),
            injected: i.is_multiple_of(11),
            frames: u32::MAX - u32::try_from(i).unwrap(),
            wire_length: 1000 + row,
            payload_length: 2000 + row,
            compressed: i.is_multiple_of(3),
            status: Status::ALL[i % 6],
            missing_bytes: 3000 + row,
            resynced: i.is_multiple_of(5),
            unauthenticated: i.is_multiple_of(7),
            first_packet: 4000 + row,
            last_packet: 5000 + row,
            file: u32::try_from(i % 2).unwrap(),
        }
    };
    (0..rows).map(message).collect()
}

fn push_each(columns: &mut MessageColumns, messages: &[Message]) {
    for message in messages {
        columns.push(message).unwrap();
    }
}

/// Columns for messages of two files, with their connections.
fn columns(messages: &[Message]) -> MessageColumns {
    let files = FileNames::new(&["first.pcap".into(), "second.pcap".into()]);
    let mut columns = MessageColumns::new(Choice::all(Table::Messages)).with_files(files);
    for message in messages {
        columns.opened(&connection(message.connection));
    }
    columns
}

/// A connection whose identity, host and path depend on its number.
fn connection(number: u64) -> Connection {
    let host = format!("host-{}.example", number % 2).into_bytes();
    let request = Request {
        target: format!("/{}", number % 3),
        fields: vec![("Host".into(), host)],
        ..Request::default()
    };
    Connection {
        connection: number,
        uid: [number.to_be_bytes()[7]; 16],
        request: (!number.is_multiple_of(4)).then_some(request),
        ..Connection::of(["192.0.2.1:50000", "192.0.2.2:80"])
    }
}

fn assert_rows(batch: &RecordBatch, messages: &[Message]) {
    let column = |name| batch.column_by_name(name).unwrap();
    let flags = |name| column(name).as_boolean();
    let numbers = |name| column(name).as_primitive::<UInt64Type>();
    let times = |name| column(name).as_primitive::<TimestampNanosecondType>();
    let types = column("type").as_dictionary::<Int8Type>();
    let types = types.downcast_dict::<StringArray>().unwrap();
    let (text, content) = (column("text").as_string::<i32>(), column("content").as_binary());
    let content: &BinaryArray = content;
    let uids = column("uid").as_fixed_size_binary();
    let names = |name| {
        let names = column(name).as_dictionary::<Int32Type>();
        names.downcast_dict::<StringArray>().unwrap().into_iter().collect::<Vec<_>>()
    };
    let (hosts, paths, files) = (names("host"), names("path"), names("file"));
    let frames = column("frames").as_primitive::<UInt32Type>();
    let status = column("status").as_dictionary::<Int8Type>();
    let status = status.downcast_dict::<StringArray>().unwrap();
    assert_eq!(batch.num_rows(), messages.len());
    for (i, message) in messages.iter().enumerate() {
        assert_eq!(numbers("connection").value(i), message.connection);
        assert_eq!(numbers("seq").value(i), message.seq);
        assert_eq!(flags("from_client").value(i), message.from_client);
        assert_eq!(types.value(i), type_name(message.opcode));
        let is_text = message.opcode == Opcode::Text && message.status == Status::Ok;
        assert_eq!((text.is_null(i), content.is_null(i)), (!is_text, is_text));
        let found = if is_text { text.value(i).as_bytes() } else { content.value(i) };
        assert_eq!(found, message.content);
        assert_eq!(numbers("length").value(i), message.content.len() as u64);
        let connection = connection(message.connection);
        assert_eq!(uids.value(i), connection.uid);
        assert_eq!(hosts[i], connection.host().as_deref());
        assert_eq!(paths[i], connection.path());
        assert_eq!(files[i], Some(["first.pcap", "second.pcap"][message.file as usize]));
        assert_eq!(times("timestamp").value(i), message.timestamp);
        assert_eq!(times("first_timestamp").value(i), message.first_timestamp);
        assert_eq!(flags("dropped").value(i), message.dropped);
        assert_eq!(flags("injected").value(i), message.injected);
        assert_eq!(frames.value(i), message.frames);
        assert_eq!(numbers("wire_length").value(i), message.wire_length);
        assert_eq!(numbers("payload_length").value(i), message.payload_length);
        assert_eq!(flags("compressed").value(i), message.compressed);
        assert_eq!(status.value(i), message.status.name());
        assert_eq!(numbers("missing_bytes").value(i), message.missing_bytes);
        assert_eq!(flags("resynced").value(i), message.resynced);
        assert_eq!(flags("unauthenticated").value(i), message.unauthenticated);
        assert_eq!(numbers("first_packet").value(i), message.first_packet);
        assert_eq!(numbers("last_packet").value(i), message.last_packet);
    }
}

#[test]
fn batch_of_one_equals_a_pushed_row() {
    for message in messages(18) {
        let mut columns = columns(std::slice::from_ref(&message));
        columns.push(&message).unwrap();
        let pushed = columns.finish();
        assert_eq!(columns.batch_of_one(message), pushed);
    }
}

#[test]
fn rows_have_the_values_of_the_messages_in_order() {
    for rows in [1, 2, 7, 8, 9, 63, 64, 65, 200] {
        let messages = messages(rows);
        let mut columns = columns(&messages);
        push_each(&mut columns, &messages);
        assert_eq!(columns.len(), rows);
        assert_rows(&columns.finish(), &messages);
    }
}

#[test]
fn rows_of_one_batch_do_not_change_another() {
    let messages = messages(300);
    let mut columns = columns(&messages);
    let batches: Vec<_> = messages
        .chunks(130)
        .map(|chunk| {
            push_each(&mut columns, chunk);
            let batch = columns.finish();
            assert!(columns.is_empty());
            batch
        })
        .collect();
    for (batch, chunk) in batches.iter().zip(messages.chunks(130)) {
        assert_rows(batch, chunk);
    }
}

#[test]
fn empty_batch_has_all_columns() {
    let mut columns = columns(&[]);
    for _ in 0..2 {
        let batch = columns.finish();
        assert_eq!(batch.schema(), Table::Messages.schema());
        assert_rows(&batch, &[]);
    }
}

#[test]
fn dictionary_has_every_status_even_in_an_empty_batch() {
    let batch = columns(&[]).finish();
    let status = batch.column_by_name("status").unwrap().as_dictionary::<Int8Type>();
    let names: Vec<_> = status.values().as_string::<i32>().iter().flatten().collect();
    assert_eq!(names, Status::ALL.map(Status::name));
}

#[test]
fn batch_is_full_at_either_bound() {
    let mut columns = columns(&[]);
    let [mut message] = messages(1).try_into().unwrap();
    for _ in 1..MessageColumns::FULL_ROWS {
        columns.push(&message).unwrap();
    }
    assert!(!columns.is_full());
    columns.push(&message).unwrap();
    assert!(columns.is_full());

    assert_eq!(columns.finish().num_rows(), MessageColumns::FULL_ROWS);
    message.content = vec![0; MessageColumns::FULL_CONTENT - 1];
    columns.push(&message).unwrap();
    assert!(!columns.is_full());
    message.content = vec![0; 1];
    columns.push(&message).unwrap();
    assert!(columns.is_full());
}

#[test]
fn text_is_checked_where_the_rule_is_off() {
    let [mut message] = messages(1).try_into().unwrap();
    message.content = b"\xff".to_vec();
    let mut columns = columns(&[]).with_reading(true, false);
    columns.push(&message).unwrap();
    message.content = b"ok".to_vec();
    columns.push(&message).unwrap();
    let batch = columns.finish();
    let text: Vec<_> = batch.column_by_name("text").unwrap().as_string::<i32>().iter().collect();
    assert_eq!(text, [None, Some("ok")]);
}

#[test]
fn contents_that_are_not_read_are_null() {
    let mut columns = columns(&[]).with_reading(false, true);
    push_each(&mut columns, &messages(6));
    let batch = columns.finish();
    for name in ["text", "content"] {
        assert_eq!(batch.column_by_name(name).unwrap().null_count(), 6);
    }
}

#[test]
fn chosen_columns_come_in_their_order_and_others_are_not_made() {
    let names = ["last_packet", "text", "seq"].map(String::from);
    let choice = Table::Messages.choose(Some(&names)).unwrap();
    let mut columns = MessageColumns::new(choice);
    push_each(&mut columns, &messages(200));
    assert!(columns.content.is_empty());
    let batch = columns.finish();
    let found: Vec<_> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(found, names);
    assert_eq!(batch.num_rows(), 200);
    let seqs = batch.column(2).as_primitive::<UInt64Type>();
    assert!(seqs.values().iter().copied().eq(0..200));

    let mut none = MessageColumns::new(Table::Messages.choose(Some(&[])).unwrap());
    push_each(&mut none, &messages(3));
    assert_eq!(none.finish().num_rows(), 3);
}

#[test]
fn rows_of_an_ended_connection_keep_its_facts() {
    let messages = messages(2);
    let mut columns = columns(&messages);
    columns.push(&messages[0]).unwrap();
    columns.ended(&connection(messages[0].connection));
    columns.push(&messages[1]).unwrap();
    assert_rows(&columns.finish(), &messages);
    columns.ended(&connection(messages[1].connection));
    assert!(columns.connections.is_empty());
}
