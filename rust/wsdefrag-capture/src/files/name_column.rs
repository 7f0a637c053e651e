//! The column of a row group whose values are names of a short list.
//!
//! The library's writer would look up the text of each row. Here the keys of the rows are kept, and the
//! dictionary has the names in the order in which the table has them, also those that no row has.
//!
//! - a key is an index into `names`, or [`NULL`]

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a few bytes for each row of a batch: `TableFile` asks for room; short names"
)]

use arrow_array::cast::AsArray;
use arrow_array::types::Int8Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field};
use bytes::Bytes;
use parquet::basic::{Compression as Codec, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::{Compression, EncodeError};

/// The key of a null.
const NULL: u16 = u16::MAX;

/// Most names; the keys of a table have eight bits.
const MOST_NAMES: usize = 1 << 8;

/// Rows of a page.
const PAGE_ROWS: usize = 1 << 16;

/// Values that are packed together.
const GROUP: usize = 8;

/// Most groups after one header, which is one byte then.
const MOST_GROUPS: usize = 63;

/// The rows of a column.
#[derive(Debug, Default)]
pub(super) struct NameColumn {
    names: Vec<String>,
    keys: Vec<u16>,
    nulls: u64,
}

impl NameColumn {
    /// An empty column for this field, or `None` if it is of another kind.
    pub(super) fn of(field: &Field) -> Option<Self> {
        match field.data_type() {
            DataType::Dictionary(key, value)
                if (&**key, &**value) == (&DataType::Int8, &DataType::Utf8) =>
            {
                Some(Self::default())
            }
            _ => None,
        }
    }

    /// Bytes that the rows take.
    pub(super) const fn held(&self) -> usize {
        self.keys.len() * size_of::<u16>()
    }

    /// Adds the rows of a batch.
    pub(super) fn add(&mut self, column: &ArrayRef) -> Result<(), EncodeError> {
        let column = column.as_dictionary::<Int8Type>();
        let mut places = Vec::with_capacity(column.values().len());
        for name in column.values().as_string::<i32>() {
            places.push(name.map_or(Ok(NULL), |name| self.place(name))?);
        }
        let place = |key: i8| usize::try_from(key).ok().and_then(|key| places.get(key).copied());
        let before = self.keys.len();
        let keys = column.keys();
        if keys.nulls().is_none() {
            self.keys.extend(keys.values().iter().map(|key| place(*key).unwrap_or(NULL)));
        } else {
            self.keys.extend(keys.iter().map(|key| key.and_then(place).unwrap_or(NULL)));
        }
        self.nulls += self.keys[before..].iter().filter(|key| **key == NULL).count() as u64;
        Ok(())
    }

    /// The index of a name, which is added if it is new.
    fn place(&mut self, name: &str) -> Result<u16, EncodeError> {
        let known = self.names.iter().position(|known| known == name);
        let place = known.unwrap_or(self.names.len());
        if known.is_none() {
            if place == MOST_NAMES {
                let text = "a dictionary has more values than its keys can number";
                return Err(EncodeError::Unsupported(text.to_owned()));
            }
            self.names.push(name.to_owned());
        }
        Ok(u16::try_from(place).unwrap_or(NULL))
    }

    /// The encoded column, and what the footer says of it.
    pub(super) fn close(
        self,
        descriptor: ColumnDescPtr,
        compression: Compression,
        codec: Codec,
    ) -> Result<(Bytes, ColumnCloseResult), EncodeError> {
        let mut sink = TrackedWrite::new(Vec::new());
        let mut pages = SerializedPageWriter::new(&mut sink);
        let dictionary = self.dictionary();
        let length = dictionary.len();
        let page = Page::DictionaryPage {
            buf: compressed(dictionary, compression)?.into(),
            num_values: u32::try_from(self.names.len()).unwrap_or(u32::MAX),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        let first = pages.write_page(CompressedPage::new(page, length))?;
        let (mut stored, mut plain) = (first.compressed_size, first.uncompressed_size);
        let is_nullable = descriptor.max_def_level() > 0;
        for keys in self.keys.chunks(PAGE_ROWS) {
            let (page, length) = self.page(keys, is_nullable, compression)?;
            let written = pages.write_page(CompressedPage::new(page, length))?;
            stored += written.compressed_size;
            plain += written.uncompressed_size;
        }
        let signed = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        let metadata = ColumnChunkMetaData::builder(descriptor)
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY])
            .set_compression(codec)
            .set_num_values(signed(self.keys.len()))
            .set_total_compressed_size(signed(stored))
            .set_total_uncompressed_size(signed(plain))
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(signed(first.compressed_size))
            .set_statistics(self.statistics())
            .build()?;
        let closed = ColumnCloseResult {
            bytes_written: stored as u64,
            rows_written: self.keys.len() as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((sink.into_inner()?.into(), closed))
    }

    /// The names, each after its length.
    fn dictionary(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        for name in &self.names {
            plain.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
            plain.extend_from_slice(name.as_bytes());
        }
        plain
    }

    fn statistics(&self) -> Statistics {
        let mut is_used = [false; MOST_NAMES];
        for key in &self.keys {
            if let Some(used) = is_used.get_mut(usize::from(*key)) {
                *used = true;
            }
        }
        let used = self.names.iter().zip(is_used).filter(|(_, is_used)| *is_used);
        let used = used.map(|(name, _)| name.as_bytes());
        let value = |bytes: &[u8]| ByteArray::from(bytes.to_vec());
        let (least, greatest) = (used.clone().min().map(value), used.max().map(value));
        Statistics::byte_array(least, greatest, None, Some(self.nulls), false)
    }

    /// A page of rows, and its length before compression.
    fn page(
        &self,
        keys: &[u16],
        is_nullable: bool,
        compression: Compression,
    ) -> Result<(Page, usize), EncodeError> {
        let mut levels = Vec::new();
        if is_nullable {
            let present = keys.iter().map(|key| u16::from(*key != NULL)).collect::<Vec<_>>();
            pack(&present, 1, &mut levels);
        }
        let some = keys.iter().copied().filter(|key| *key != NULL).collect::<Vec<_>>();
        let last = self.names.len().saturating_sub(1);
        let width = (usize::BITS - last.leading_zeros()).max(1);
        let mut values = vec![u8::try_from(width).unwrap_or(u8::MAX)];
        pack(&some, width, &mut values);
        let length = levels.len() + values.len();
        let smaller = compressed(values.clone(), compression)?;
        let is_compressed = compression != Compression::None && smaller.len() < values.len();
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let levels_length = count(levels.len());
        levels.extend_from_slice(if is_compressed { &smaller } else { &values });
        let page = Page::DataPageV2 {
            buf: levels.into(),
            num_values: count(keys.len()),
            encoding: Encoding::RLE_DICTIONARY,
            num_nulls: count(keys.len() - some.len()),
            num_rows: count(keys.len()),
            def_levels_byte_len: levels_length,
            rep_levels_byte_len: 0,
            is_compressed,
            statistics: None,
        };
        Ok((page, length))
    }
}

/// Bytes as the codec of the column stores them.
fn compressed(bytes: Vec<u8>, compression: Compression) -> Result<Vec<u8>, EncodeError> {
    match compression {
        Compression::None => Ok(bytes),
        Compression::Lz4 => Ok(lz4_flex::block::compress(&bytes)),
        Compression::Zstd(level) => zstd::bulk::compress(&bytes, level)
            .map_err(|error| EncodeError::from(ParquetError::from(error))),
    }
}

/// Appends values in Parquet's hybrid encoding: runs of equal values, and values of `width` bits.
fn pack(values: &[u16], width: u32, into: &mut Vec<u8>) {
    let (mut literals, mut next) = (0, 0);
    while next < values.len() {
        let value = values[next];
        let run = values[next..].iter().take_while(|other| **other == value).count();
        if run < GROUP {
            next = (next + GROUP).min(values.len());
            continue;
        }
        pack_literals(&values[literals..next], width, into);
        write_header(run << 1, into);
        into.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
        next += run;
        literals = next;
    }
    pack_literals(&values[literals..], width, into);
}

/// Appends groups of packed values; the last group is filled with zeros.
fn pack_literals(values: &[u16], width: u32, into: &mut Vec<u8>) {
    for part in values.chunks(MOST_GROUPS * GROUP) {
        let groups = part.len().div_ceil(GROUP);
        write_header(groups << 1 | 1, into);
        for group in part.chunks(GROUP) {
            let mut bits = 0_u128;
            for (index, value) in (0..).zip(group) {
                bits |= u128::from(*value) << (index * width);
            }
            into.extend_from_slice(&bits.to_le_bytes()[..width as usize]);
        }
    }
}

/// Appends a number in base 128, least digit first.
fn write_header(mut number: usize, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    into.push(u8::try_from(number).unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the format's documentation: the numbers 0 to 7 in three bits each.
    /// <https://parquet.apache.org/docs/file-format/data-pages/encodings/#run-length-encoding--bit-packing-hybrid-rle--3>
    #[test]
    fn values_are_packed_as_documented() {
        let mut packed = Vec::new();
        pack(&[0, 1, 2, 3, 4, 5, 6, 7], 3, &mut packed);
        assert_eq!(packed, [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010]);
    }

    #[test]
    fn runs_are_a_number_and_a_value() {
        let mut packed = Vec::new();
        pack(&[5; 200], 3, &mut packed);
        assert_eq!(packed, [0x90, 0x03, 5]);
        packed.clear();
        pack(&[&[1, 0][..], &[1; 20]].concat(), 1, &mut packed);
        // A group of eight values, then fourteen more ones.
        assert_eq!(packed, [0b11, 0b1111_1101, 28, 1]);
    }
}
