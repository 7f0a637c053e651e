//! An Arrow IPC file (<https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format>), written
//! from front to back, which readers can map into memory.
//!
//! ```text
//! "ARROW1", schema, then for each batch: what is new in the dictionaries, and the columns; footer
//! ```
//!
//! The library's writer keeps the dictionaries that it has written, to compare the next ones with, so
//! it would take as much memory as all of them. Here the dictionary of each column grows by
//! `GrowingDictionary`, and the columns are encoded with their keys as numbers, which gives the same
//! bytes.
//!
//! - the blocks of the footer are in the order of the file; each takes 24 bytes

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "there is room for copies of a batch: `TableFile` asks for it"
)]

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_ipc::convert::IpcSchemaEncoder;
use arrow_ipc::writer::{
    DictionaryHandling, DictionaryTracker, EncodedData, IpcDataGenerator, IpcWriteContext,
    IpcWriteOptions, write_message,
};
use arrow_ipc::{Block, CompressionType, FooterBuilder, MetadataVersion};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use flatbuffers::FlatBufferBuilder;

use super::blocks::Blocks;
use super::dictionary::GrowingDictionary;
use super::{Compression, EncodeError};

/// What a file begins with and ends with.
const MAGIC: &[u8; 6] = b"ARROW1";

/// What stands after the last message.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// The alignment of messages and of the buffers in them, in bytes, which suits vector instructions.
const ALIGNMENT: usize = 64;

/// Encodes batches as an Arrow file.
#[derive(Debug)]
pub struct ArrowFile {
    blocks: Blocks,
    options: IpcWriteOptions,
    generator: IpcDataGenerator,
    context: IpcWriteContext,
    schema: SchemaRef,
    /// The schema with keys in place of dictionaries.
    keys: SchemaRef,
    /// The columns with a dictionary.
    dictionary_schema: SchemaRef,
    /// The dictionary of each column that has one, in the order of the columns.
    dictionaries: Vec<Option<GrowingDictionary>>,
    /// Whether the dictionaries were written once.
    has_dictionaries: bool,
    dictionary_blocks: Vec<Block>,
    record_blocks: Vec<Block>,
    /// Bytes of the file so far.
    length: i64,
}

impl ArrowFile {
    pub(super) fn new(schema: &SchemaRef, compression: Compression) -> Result<Self, EncodeError> {
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?
            .with_dictionary_handling(DictionaryHandling::Delta);
        let options = match compression {
            Compression::None => options,
            Compression::Lz4 => options.try_with_compression(Some(CompressionType::LZ4_FRAME))?,
            Compression::Zstd(level) => options
                .try_with_compression(Some(CompressionType::ZSTD))?
                .try_with_compression_level(Some(level))?,
        };
        let dictionaries: Vec<_> =
            schema.fields().iter().map(|field| GrowingDictionary::of(field.data_type())).collect();
        let fields = schema.fields().iter().zip(&dictionaries);
        let keys = fields.clone().map(|(field, dictionary)| match dictionary {
            None => Field::clone(field),
            Some(dictionary) => Field::new(field.name(), dictionary.key().clone(), true),
        });
        let with = fields.filter(|(_, dictionary)| dictionary.is_some());
        let with = with.map(|(field, _)| Field::clone(field)).collect::<Vec<_>>();
        let mut file = Self {
            blocks: Blocks::default(),
            options,
            generator: IpcDataGenerator::default(),
            context: IpcWriteContext::default(),
            keys: Arc::new(Schema::new(keys.collect::<Vec<_>>())),
            dictionary_schema: Arc::new(Schema::new(with)),
            schema: Arc::clone(schema),
            dictionaries,
            has_dictionaries: false,
            dictionary_blocks: Vec::new(),
            record_blocks: Vec::new(),
            length: 0,
        };
        file.refuse_nested()?;
        let mut begin = [0; ALIGNMENT];
        begin[..MAGIC.len()].copy_from_slice(MAGIC);
        file.write_bytes(&begin)?;
        let mut tracker = DictionaryTracker::new(false);
        let message = file.generator.schema_to_bytes_with_dictionary_tracker(
            schema,
            &mut tracker,
            &file.options,
        );
        file.write_message(message)?;
        Ok(file)
    }

    /// Refuses dictionaries inside of columns: only those of whole columns grow.
    fn refuse_nested(&self) -> Result<(), EncodeError> {
        fn has_dictionary(data_type: &DataType) -> bool {
            match data_type {
                DataType::Dictionary(..) => true,
                DataType::List(item)
                | DataType::LargeList(item)
                | DataType::ListView(item)
                | DataType::LargeListView(item)
                | DataType::FixedSizeList(item, _)
                | DataType::RunEndEncoded(_, item)
                | DataType::Map(item, _) => has_dictionary(item.data_type()),
                DataType::Struct(fields) => {
                    fields.iter().any(|field| has_dictionary(field.data_type()))
                }
                DataType::Union(fields, _) => {
                    fields.iter().any(|(_, field)| has_dictionary(field.data_type()))
                }
                _ => false,
            }
        }
        for field in self.schema.fields() {
            let inner = match field.data_type() {
                DataType::Dictionary(_, value) => value,
                other => other,
            };
            if has_dictionary(inner) {
                return Err(EncodeError::Unsupported(format!(
                    "the column {:?} has a dictionary inside",
                    field.name()
                )));
            }
        }
        Ok(())
    }

    /// Encodes a batch.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        let mut columns = Vec::with_capacity(batch.num_columns());
        let mut new = Vec::new();
        for (dictionary, column) in self.dictionaries.iter_mut().zip(batch.columns()) {
            columns.push(match dictionary {
                None => Arc::clone(column),
                Some(dictionary) => {
                    let (keys, values) = dictionary.add(column)?;
                    new.push(dictionary.column(values)?);
                    keys
                }
            });
        }
        self.write_dictionaries(new)?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let keys = RecordBatch::try_new_with_options(Arc::clone(&self.keys), columns, &options)?;
        let mut tracker = DictionaryTracker::new(false);
        let (_, message) =
            self.generator.encode(&keys, &mut tracker, &self.options, &mut self.context)?;
        let block = self.write_message(message)?;
        self.record_blocks.push(block);
        Ok(())
    }

    /// Encodes what is new in the dictionaries: columns without rows that have the new values.
    fn write_dictionaries(&mut self, new: Vec<ArrayRef>) -> Result<(), EncodeError> {
        if new.is_empty() {
            return Ok(());
        }
        let mut tracker = DictionaryTracker::new(false);
        for dictionary in self.dictionaries.iter().flatten() {
            let id = tracker.next_dict_id();
            // What follows an empty dictionary is a delta; the first is none.
            if self.has_dictionaries {
                tracker.insert_column(id, &dictionary.empty()?, DictionaryHandling::Delta)?;
            }
        }
        self.has_dictionaries = true;
        let batch = RecordBatch::try_new(Arc::clone(&self.dictionary_schema), new)?;
        let (messages, _) =
            self.generator.encode(&batch, &mut tracker, &self.options, &mut self.context)?;
        for message in messages {
            let block = self.write_message(message)?;
            self.dictionary_blocks.push(block);
        }
        Ok(())
    }

    /// Encodes the footer.
    pub(super) fn finish(&mut self) -> Result<(), EncodeError> {
        self.write_bytes(&END)?;
        let mut builder = FlatBufferBuilder::new();
        let dictionaries = builder.create_vector(&self.dictionary_blocks);
        let records = builder.create_vector(&self.record_blocks);
        let mut tracker = DictionaryTracker::new(false);
        let schema = IpcSchemaEncoder::new()
            .with_dictionary_tracker(&mut tracker)
            .schema_to_fb_offset(&mut builder, &self.schema);
        let mut footer = FooterBuilder::new(&mut builder);
        footer.add_version(MetadataVersion::V5);
        footer.add_schema(schema);
        footer.add_dictionaries(dictionaries);
        footer.add_recordBatches(records);
        let root = footer.finish();
        builder.finish(root, None);
        let footer = builder.finished_data();
        let length = i32::try_from(footer.len())
            .map_err(|_| EncodeError::Unsupported("the footer is longer than 2 GiB".to_owned()))?;
        let end = [footer, &length.to_le_bytes(), MAGIC].concat();
        self.write_bytes(&end)
    }

    pub(super) fn blocks(&mut self) -> &mut Blocks {
        &mut self.blocks
    }

    pub(super) fn is_full(&self) -> bool {
        self.blocks.is_full()
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.blocks.write_all(bytes).map_err(|_| EncodeError::OutOfMemory)?;
        self.length += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    fn write_message(&mut self, message: EncodedData) -> Result<Block, EncodeError> {
        let begin = self.length;
        let (metadata, body) = write_message(&mut self.blocks, message, &self.options)?;
        let body = i64::try_from(body).unwrap_or(i64::MAX);
        let metadata = i32::try_from(metadata).unwrap_or(i32::MAX);
        self.length += i64::from(metadata) + body;
        Ok(Block::new(begin, metadata, body))
    }
}
