//! Files of tables, read back by the libraries' readers.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int8Array, Int32Array, RecordBatch, StringArray, UInt32Array,
};
use arrow_ipc::reader::FileReader;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Encoding;
use parquet::file::metadata::ParquetMetaData;
use wsdefrag_capture::columns::{
    Choice, ConnectionColumns, EventColumns, FileNames, MessageColumns, SCHEMA_VERSION, TableRows,
};
use wsdefrag_capture::connection::Request;
use wsdefrag_capture::files::table_file::{Format, TableFile};
use wsdefrag_capture::files::table_files::TableFiles;
use wsdefrag_capture::files::{Compression, EncodeError};
use wsdefrag_capture::output::Output;
use wsdefrag_capture::table::Table;
use wsdefrag_capture::{Capture, CaptureEvent, Connection, Message, Options, Sink, Status};
use wsdefrag_core::Opcode;

const FORMATS: [Format; 2] = [Format::Parquet, Format::Arrow];

const COMPRESSIONS: [Compression; 4] =
    [Compression::None, Compression::Lz4, Compression::Zstd(1), Compression::Zstd(19)];

/// A recorded capture with text and binary messages, pings and closes of five connections.
fn demo() -> Vec<u8> {
    let path = "../../vectors/captures/demo.pcapng";
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A sink that fills all tables.
fn all_tables() -> TableRows {
    let files = FileNames::new(&["demo.pcapng".into()]);
    let mut rows = TableRows::default();
    let [messages, connections, events] = Table::ALL.map(Choice::all);
    rows.messages = Some(MessageColumns::new(messages).with_files(files.clone()));
    rows.connections = Some(ConnectionColumns::new(connections).with_files(files.clone()));
    rows.events = Some(EventColumns::new(events).with_files(files));
    rows
}

/// Reads a capture to its end; calls `full` whenever the sink is full.
fn read<S: Sink>(data: &[u8], sink: &mut S, mut full: impl FnMut(&mut S)) {
    let mut capture = Capture::new(Options { tables: 2, ..Options::default() });
    capture.add_file(None);
    let mut rest = data;
    while !rest.is_empty() {
        rest = &rest[capture.receive_data(rest, sink).unwrap()..];
        if sink.is_full() {
            full(sink);
        }
    }
    while !capture.receive_eof(sink).unwrap() {
        full(sink);
    }
    while !capture.finish(sink) {
        full(sink);
    }
}

/// The bytes of a file.
fn bytes(file: &mut TableFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !file.blocks().is_empty() {
        file.blocks().take(&mut bytes).unwrap();
    }
    bytes
}

/// A file of batches.
fn written(
    format: Format,
    compression: Compression,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Vec<u8> {
    let mut file = TableFile::new(format, schema, compression).unwrap();
    for batch in batches {
        file.write(batch).unwrap();
    }
    file.finish().unwrap();
    bytes(&mut file)
}

/// The schema and the rows of a file, in one batch.
fn read_back(format: Format, bytes: Vec<u8>) -> (SchemaRef, Vec<RecordBatch>) {
    match format {
        Format::Parquet => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes));
            let reader = reader.unwrap();
            let schema = Arc::clone(reader.schema());
            (schema, reader.build().unwrap().map(Result::unwrap).collect())
        }
        Format::Arrow => {
            let reader = FileReader::try_new(Cursor::new(bytes), None).unwrap();
            (reader.schema(), reader.map(Result::unwrap).collect())
        }
    }
}

/// The texts of a column with a dictionary; other columns are left as they are.
fn plain(column: &ArrayRef) -> ArrayRef {
    fn texts<K: arrow_array::types::ArrowDictionaryKeyType>(column: &ArrayRef) -> ArrayRef {
        let texts = column.as_dictionary::<K>().downcast_dict::<StringArray>().unwrap();
        Arc::new(texts.into_iter().collect::<StringArray>())
    }
    match column.data_type() {
        DataType::Dictionary(key, _) if **key == DataType::Int8 => texts::<Int8Type>(column),
        DataType::Dictionary(..) => texts::<Int32Type>(column),
        _ => Arc::clone(column),
    }
}

/// Each column, in pieces of one row, so that batches of any lengths are comparable.
fn rows(batches: &[RecordBatch]) -> Vec<Vec<ArrayRef>> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch.columns().iter().map(plain).collect();
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| column.slice(row, 1)).collect());
        }
    }
    rows
}

#[test]
fn files_have_the_rows_and_the_schema_of_the_tables() {
    let demo = demo();
    let mut expected = Table::ALL.map(|_| Vec::new());
    let mut sink = all_tables();
    let mut collect = |sink: &mut TableRows| {
        while let Some((table, batch)) = sink.next_batch() {
            expected[table as usize].push(batch);
        }
    };
    read(&demo, &mut sink, &mut collect);
    sink.finish();
    collect(&mut sink);
    assert_eq!(expected[0].iter().map(RecordBatch::num_rows).sum::<usize>(), 502);
    for format in FORMATS {
        let files = Table::ALL.map(|table| {
            Some(TableFile::new(format, &table.schema(), Compression::default()).unwrap())
        });
        let mut sink = TableFiles::new(all_tables(), files);
        let mut written = Table::ALL.map(|_| Vec::new());
        let mut take = |sink: &mut TableFiles| {
            let mut block = Vec::new();
            loop {
                let mut table = 0;
                sink.take_part(&mut block, &mut table).unwrap();
                if block.is_empty() {
                    break;
                }
                written[table].append(&mut block);
            }
        };
        read(&demo, &mut sink, &mut take);
        sink.finish().unwrap();
        take(&mut sink);
        let total = expected.iter().flatten().map(RecordBatch::num_rows).sum::<usize>();
        assert_eq!(sink.rows(), total as u64);
        for (table, bytes) in Table::ALL.into_iter().zip(written) {
            let (schema, batches) = read_back(format, bytes);
            assert_eq!(schema, table.schema());
            assert_eq!(schema.metadata()["wsdefrag.schema_version"], SCHEMA_VERSION);
            assert_eq!(rows(&batches), rows(&expected[table as usize]), "{table:?} {format:?}");
        }
    }
}

#[test]
fn one_table_is_an_output() {
    let (demo, choice) = (demo(), Choice::all(Table::Connections));
    let file = TableFile::new(Format::Arrow, &choice.schema(), Compression::None).unwrap();
    let mut rows = TableRows::default();
    rows.connections = Some(ConnectionColumns::new(choice));
    let mut sink = TableFiles::new(rows, [None, Some(file), None]);
    let mut written = Vec::new();
    read(&demo, &mut sink, |sink| sink.take(&mut written).unwrap());
    sink.finish().unwrap();
    let mut block = Vec::new();
    loop {
        sink.take(&mut block).unwrap();
        if block.is_empty() {
            break;
        }
        written.append(&mut block);
    }
    assert_eq!(sink.rows(), 5);
    let (_, batches) = read_back(Format::Arrow, written);
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 5);
}

#[test]
fn tables_without_rows_have_their_schema() {
    for format in FORMATS {
        for compression in COMPRESSIONS {
            for table in Table::ALL {
                let (schema, batches) =
                    read_back(format, written(format, compression, &table.schema(), &[]));
                assert_eq!((schema, batches.len()), (table.schema(), 0));
            }
        }
    }
}

/// A message with this content.
fn message(seq: u64, content: Vec<u8>) -> Message {
    Message {
        connection: seq % 3,
        seq,
        from_client: false,
        opcode: Opcode::Text,
        payload_length: content.len() as u64,
        wire_length: content.len() as u64 + 4,
        content,
        timestamp: 1_700_000_000_000_000_000 + seq.cast_signed() * 1_000_003,
        first_timestamp: 1_700_000_000_000_000_000 + seq.cast_signed() * 1_000_003,
        dropped: false,
        injected: false,
        frames: 1,
        compressed: false,
        status: Status::Ok,
        missing_bytes: 0,
        resynced: false,
        unauthenticated: false,
        first_packet: seq,
        last_packet: seq,
        file: 0,
    }
}

/// Keeps the last connection.
struct LastConnection(Option<Connection>);

impl Sink for LastConnection {
    fn opened(&mut self, connection: &Connection) {
        self.0 = Some(connection.clone());
    }

    fn message(&mut self, _: Message) {}

    fn event(&mut self, _: CaptureEvent) {}

    fn ended(&mut self, _: Connection) {}
}

/// The batches of messages.
fn batches(messages: impl IntoIterator<Item = Message>) -> Vec<RecordBatch> {
    let mut sink = TableRows::default();
    sink.messages = Some(MessageColumns::new(Choice::all(Table::Messages)));
    let mut batches = Vec::new();
    for message in messages {
        sink.message(message);
        while let Some((_, batch)) = sink.next_batch() {
            batches.push(batch);
        }
    }
    sink.finish();
    batches.extend(std::iter::from_fn(|| Some(sink.next_batch()?.1)));
    batches
}

fn metadata(bytes: Vec<u8>) -> Arc<ParquetMetaData> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    Arc::clone(reader.metadata())
}

#[test]
fn row_groups_end_by_bytes_and_memory_is_bounded() {
    // Each byte of noise has six random bits. It fills a group sooner than contents that vanish.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 58) as u8 | 0x40
    });
    let noise: Vec<u8> = noise.take(1 << 20).collect();
    for (content, megabytes, expected) in [(vec![b'x'; 1 << 20], 64, 2), (noise, 21, 4)] {
        let schema = Table::Messages.schema();
        let mut file = TableFile::new(Format::Parquet, &schema, Compression::default()).unwrap();
        let mut whole = Vec::new();
        let mut most = 0;
        for seq in 0..80 {
            for batch in batches([message(seq, content.clone())]) {
                file.write(&batch).unwrap();
            }
            most = most.max(file.held());
            while file.is_full() {
                file.blocks().take(&mut whole).unwrap();
            }
        }
        file.finish().unwrap();
        whole.extend(bytes(&mut file));
        assert!(most < (18 << 20), "{most}");
        let metadata = metadata(whole);
        let groups = metadata.row_groups();
        assert_eq!(groups.len(), expected);
        assert!((megabytes - 1..=megabytes + 1).contains(&groups[0].num_rows()));
    }
}

#[test]
fn columns_have_statistics_dictionaries_and_the_arrow_schema() {
    let messages = (0..20_000).map(|seq| message(seq, format!("{{\"n\": {seq}}}").into_bytes()));
    let batches = batches(messages);
    let schema = Table::Messages.schema();
    let metadata = metadata(written(Format::Parquet, Compression::default(), &schema, &batches));
    let [group] = metadata.row_groups() else { panic!("one row group") };
    for (field, column) in schema.fields().iter().zip(group.columns()) {
        let statistics = column.statistics().unwrap();
        let name = field.name().as_str();
        let is_null = ["content", "file", "host", "path"].contains(&name);
        assert_eq!(statistics.null_count_opt(), Some(if is_null { 20_000 } else { 0 }), "{name}");
        let has_range = statistics.min_bytes_opt().is_some();
        assert_eq!(has_range, !is_null && name != "text", "{name}");
        let has_dictionary = column.dictionary_page_offset().is_some();
        let is_repeated = ["uid", "type", "status", "connection"].contains(&name);
        assert!(has_dictionary || !is_repeated, "{name}");
        assert!(name != "text" || column.encodings().any(|it| it == Encoding::PLAIN));
    }
    let pairs = metadata.file_metadata().key_value_metadata().unwrap();
    let pairs: HashMap<_, _> =
        pairs.iter().map(|it| (it.key.as_str(), it.value.as_deref())).collect();
    assert_eq!(pairs["wsdefrag.schema_version"], Some(SCHEMA_VERSION));
    assert!(pairs["ARROW:schema"].is_some());
}

#[test]
fn large_messages_are_written() {
    let text = "€".repeat(4 << 20).into_bytes();
    let batches = batches([message(0, b"a".to_vec()), message(1, text), message(2, Vec::new())]);
    for format in FORMATS {
        let bytes = written(format, Compression::default(), &Table::Messages.schema(), &batches);
        let (_, read) = read_back(format, bytes);
        assert_eq!(rows(&read), rows(&batches), "{format:?}");
    }
}

#[test]
fn dictionaries_of_arrow_files_grow_and_forget() {
    // 9,000 paths of 1 KiB are more than is remembered, and the first ones come back at the end.
    let mut sink = TableRows::default();
    sink.messages = Some(MessageColumns::new(Choice::all(Table::Messages)));
    let mut any = LastConnection(None);
    read(&demo(), &mut any, |_| {});
    let mut connection = any.0.unwrap();
    let mut expected = Vec::new();
    for number in (0..9_000).chain([0, 1, 2, 8_999]) {
        let target = format!("/{number}/{}", "p".repeat(1024));
        connection.request = Some(Request { target, ..Request::default() });
        connection.connection = number;
        sink.opened(&connection);
        sink.message(Message { connection: number, ..message(0, b"x".to_vec()) });
        sink.ended(connection.clone());
        expected.extend(std::iter::from_fn(|| Some(sink.next_batch()?.1)));
    }
    sink.finish();
    expected.extend(std::iter::from_fn(|| Some(sink.next_batch()?.1)));
    assert!(expected.len() > 2);
    for format in FORMATS {
        let bytes = written(format, Compression::None, &Table::Messages.schema(), &expected);
        let (_, read) = read_back(format, bytes);
        assert_eq!(rows(&read), rows(&expected), "{format:?}");
    }
}

#[test]
fn dictionaries_of_other_producers_are_kept_where_the_format_can() {
    let key = Box::new(DataType::Int32);
    let numbers = DataType::Dictionary(key, Box::new(DataType::UInt32));
    let schema = Arc::new(Schema::new(vec![Field::new("n", numbers, true)]));
    let column = |keys: Vec<Option<i32>>, values: Vec<u32>| {
        let keys = Int32Array::from(keys);
        let column = DictionaryArray::<Int32Type>::new(keys, Arc::new(UInt32Array::from(values)));
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(column)]).unwrap()
    };
    let given = [
        column(vec![Some(1), None, Some(0)], vec![7, 8]),
        column(vec![Some(0)], vec![7, 8]),
        column(vec![Some(0), Some(1)], vec![9, 7]),
    ];
    for format in FORMATS {
        let (_, read) = read_back(format, written(format, Compression::None, &schema, &given));
        let mut found = Vec::new();
        for batch in &read {
            let column = batch.column(0).as_dictionary::<Int32Type>();
            let numbers = column.downcast_dict::<UInt32Array>().unwrap();
            found.extend(numbers);
        }
        assert_eq!(found, [Some(8), None, Some(7), Some(7), Some(9), Some(7)], "{format:?}");
    }
}

#[test]
fn keys_that_cannot_number_a_dictionary_are_an_error() {
    let field = Field::new_dictionary("name", DataType::Int8, DataType::Utf8, false);
    let schema = Arc::new(Schema::new(vec![field]));
    let mut file = TableFile::new(Format::Arrow, &schema, Compression::None).unwrap();
    let mut result = Ok(());
    for first in [0, 100] {
        let values = (first..first + 100).map(|number| number.to_string());
        let values = StringArray::from_iter_values(values);
        let keys = Int8Array::from_iter_values(0..100);
        let column = Arc::new(DictionaryArray::new(keys, Arc::new(values)));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();
        result = file.write(&batch);
    }
    assert!(matches!(result, Err(EncodeError::Unsupported(text)) if text.contains("keys")));
}
