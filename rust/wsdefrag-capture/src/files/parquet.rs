//! A Parquet file (<https://parquet.apache.org/docs/file-format/>), written from front to back.
//!
//! Batches are encoded at once into the pages of a row group, and its pages become ready when it ends.
//! A group ends at `GROUP_HELD` bytes of pages and dictionaries, at `GROUP_CONTENT` bytes of values
//! before encoding, or at `GROUP_ROWS` rows, so memory does not grow with the table; only the footer
//! has some kilobytes for each group.
//!
//! The schema is stored as Arrow writes it, so that readers get the dictionaries and time zones back.
//!
//! - a row group has less than `GROUP_HELD` bytes of pages beside those of its last batch

#![expect(
    clippy::disallowed_methods,
    reason = "there is room for a batch: `TableFile` asks for it"
)]

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression as Codec, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, SchemaDescriptor};
use wsdefrag_core::fallible::filled;

use super::blocks::Blocks;
use super::column_thread::{ColumnThread, ColumnValues};
use super::name_column::NameColumn;
use super::{Compression, EncodeError};

/// Bytes of pages and dictionaries at which a row group ends.
const GROUP_HELD: usize = 16 << 20;

/// Bytes of values at which a row group ends, before they are encoded.
const GROUP_CONTENT: usize = 64 << 20;

/// Rows at which a row group ends: that of other writers.
const GROUP_ROWS: usize = 1 << 20;

/// Columns of numbers that grow from row to row. Their differences are stored, which is shorter and
/// faster than a dictionary.
const GROWING: [&str; 10] = [
    "seq",
    "event",
    "offset",
    "timestamp",
    "first_timestamp",
    "opened",
    "started",
    "last",
    "first_packet",
    "last_packet",
];

/// Columns of contents. Dictionaries would seldom help, and their least and greatest value tell nobody
/// anything, but would be copied. So only their nulls are counted.
const CONTENTS: [&str; 2] = ["text", "content"];

/// Encodes batches as a Parquet file.
pub struct ParquetFile {
    writer: SerializedFileWriter<Blocks>,
    groups: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    descriptor: SchemaDescriptor,
    /// The columns of the row group that is being written; none between two. Those of names are in
    /// `names`. Within a batch, those of contents are with `contents`, if it is there.
    columns: Vec<Option<ArrowColumnWriter>>,
    /// Encodes contents, which take as long as all other columns, beside them.
    contents: Option<ColumnThread>,
    /// The columns of names: one for each field, or `None` if it has other values.
    names: Vec<Option<NameColumn>>,
    compression: Compression,
    /// The nulls of each field, in this group.
    nulls: Vec<u64>,
    /// How many columns of the file a field has.
    leaves: Vec<usize>,
    rows: usize,
    content: usize,
}

impl std::fmt::Debug for ParquetFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetFile").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl ParquetFile {
    pub(super) fn new(schema: &SchemaRef, compression: Compression) -> Result<Self, EncodeError> {
        let mut properties = properties(schema, compression)?.build();
        add_encoded_arrow_schema_to_metadata(schema, &mut properties);
        let descriptor = ArrowSchemaConverter::new().convert(schema)?;
        let writer = SerializedFileWriter::new(
            Blocks::default(),
            descriptor.root_schema_ptr(),
            Arc::new(properties),
        )?;
        let groups = ArrowRowGroupWriterFactory::new(&writer, Arc::clone(schema));
        Ok(Self {
            writer,
            groups,
            schema: Arc::clone(schema),
            descriptor,
            columns: Vec::new(),
            contents: None,
            names: Vec::new(),
            compression,
            nulls: Vec::new(),
            leaves: Vec::new(),
            rows: 0,
            content: 0,
        })
    }

    /// Has another thread encode contents from now on, if there are any, unless the system has no more.
    pub(super) fn contents_in_thread(&mut self) {
        if self.schema.fields().iter().any(|field| is_content(field)) {
            self.contents = ColumnThread::new();
        }
    }

    /// Encodes a batch whose values have `size` bytes.
    pub(super) fn write(&mut self, batch: &RecordBatch, size: usize) -> Result<(), EncodeError> {
        if self.columns.is_empty() {
            self.begin_group()?;
        }
        let has_thread = self.begin_contents(batch)?;
        let mut next = 0;
        for (index, (field, values)) in self.schema.fields().iter().zip(batch.columns()).enumerate()
        {
            if let Some(names) = &mut self.names[index] {
                names.add(values)?;
                self.leaves[index] = 1;
                next += 1;
                continue;
            }
            self.nulls[index] += values.null_count() as u64;
            if has_thread && is_content(field) {
                self.leaves[index] = 1;
                next += 1;
                continue;
            }
            let leaves = compute_leaves(field, values)?;
            self.leaves[index] = leaves.len();
            for leaf in leaves {
                if let Some(Some(column)) = self.columns.get_mut(next) {
                    column.write(&leaf)?;
                }
                next += 1;
            }
        }
        if let Some(thread) = self.contents.as_mut().filter(|_| has_thread) {
            for (index, column) in thread.wait()? {
                self.columns[index] = Some(column);
            }
        }
        self.rows += batch.num_rows();
        self.content += size;
        let is_full = self.rows >= GROUP_ROWS || self.content >= GROUP_CONTENT;
        if is_full || self.held() >= GROUP_HELD {
            self.end_group()?;
        }
        Ok(())
    }

    /// Has the thread of contents, if there is one, encode those of a batch. Returns whether it does.
    fn begin_contents(&mut self, batch: &RecordBatch) -> Result<bool, EncodeError> {
        let Some(thread) = &mut self.contents else { return Ok(false) };
        // Tables of a capture have no nested columns, so a field is a column.
        if self.columns.len() != self.schema.fields().len() {
            return Ok(false);
        }
        let mut contents = Vec::new();
        for (index, (field, values)) in self.schema.fields().iter().zip(batch.columns()).enumerate()
        {
            if !is_content(field) {
                continue;
            }
            for values in compute_leaves(field, values)? {
                let column = self.columns[index].take();
                contents.extend(column.map(|column| ColumnValues { index, column, values }));
            }
        }
        thread.begin(contents)?;
        Ok(true)
    }

    /// Encodes the last row group and the footer.
    pub(super) fn finish(&mut self) -> Result<(), EncodeError> {
        self.end_group()?;
        self.writer.finish()?;
        Ok(())
    }

    pub(super) fn blocks(&mut self) -> &mut Blocks {
        self.writer.inner_mut()
    }

    pub(super) fn is_full(&self) -> bool {
        self.writer.inner().is_full()
    }

    /// Bytes of the row group that is being written.
    pub(super) fn held(&self) -> usize {
        let columns =
            self.columns.iter().flatten().map(ArrowColumnWriter::memory_size).sum::<usize>();
        columns + self.names.iter().flatten().map(NameColumn::held).sum::<usize>()
    }

    fn begin_group(&mut self) -> Result<(), EncodeError> {
        let columns = self.groups.create_column_writers(self.writer.flushed_row_groups().len())?;
        self.columns = columns.into_iter().map(Some).collect();
        self.names = self.schema.fields().iter().map(|field| NameColumn::of(field)).collect();
        let fields = self.schema.fields().len();
        (self.nulls, self.leaves) = (filled(0, fields)?, filled(0, fields)?);
        (self.rows, self.content) = (0, 0);
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), EncodeError> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let codec = codec(self.compression)?;
        let mut group = self.writer.next_row_group()?;
        let mut columns = self.columns.drain(..);
        let mut place = 0;
        for (index, field) in self.schema.fields().iter().enumerate() {
            let leaves = self.leaves[index];
            if let Some(names) = self.names[index].take() {
                columns.next();
                let (bytes, closed) =
                    names.close(self.descriptor.column(place), self.compression, codec)?;
                group.append_column(&bytes, closed)?;
                place += leaves;
                continue;
            }
            place += leaves;
            for column in columns.by_ref().take(leaves).flatten() {
                let mut chunk = column.close()?;
                if is_content(field) {
                    let closed = chunk.close_mut();
                    let nulls = Some(self.nulls[index]);
                    let counted = Statistics::byte_array(None, None, None, nulls, false);
                    closed.metadata =
                        closed.metadata.clone().into_builder().set_statistics(counted).build()?;
                }
                chunk.append_to_row_group(&mut group)?;
            }
        }
        group.close()?;
        self.writer
            .flush()
            .map_err(|error| EncodeError::from(parquet::errors::ParquetError::from(error)))
    }
}

fn is_content(field: &arrow_schema::Field) -> bool {
    let is_bytes = matches!(field.data_type(), DataType::Utf8 | DataType::Binary);
    is_bytes && CONTENTS.contains(&field.name().as_str())
}

fn is_growing(field: &arrow_schema::Field) -> bool {
    let is_number = matches!(field.data_type(), DataType::UInt64 | DataType::Timestamp(..));
    is_number && GROWING.contains(&field.name().as_str())
}

fn codec(compression: Compression) -> Result<Codec, EncodeError> {
    Ok(match compression {
        Compression::None => Codec::UNCOMPRESSED,
        Compression::Lz4 => Codec::LZ4_RAW,
        Compression::Zstd(level) => Codec::ZSTD(ZstdLevel::try_new(level)?),
    })
}

fn properties(
    schema: &SchemaRef,
    compression: Compression,
) -> Result<WriterPropertiesBuilder, EncodeError> {
    let metadata = schema.metadata().iter();
    let metadata = metadata.map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("wsdefrag ", env!("CARGO_PKG_VERSION")).into())
        .set_key_value_metadata(Some(metadata.collect()))
        // In pages of this version, values that zstd makes no smaller are not compressed.
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(codec(compression)?)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        // It would grow with the table.
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(None);
    for field in schema.fields() {
        let path = ColumnPath::from(field.name().as_str());
        if is_content(field) {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::PLAIN)
                .set_column_statistics_enabled(path, EnabledStatistics::None);
        } else if is_growing(field) {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    Ok(properties)
}
