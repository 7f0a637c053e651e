//! The dictionary of a column of an Arrow file, which only grows.
//!
//! Each batch of a table has dictionaries of its own. A file may add to a dictionary, but not replace
//! it. So the texts of a batch that are new are added, and its keys are changed.
//!
//! - at most [`KNOWN`] bytes of texts are remembered; one that is not is added again, so memory does
//!   not grow with the table

#![expect(
    clippy::disallowed_methods,
    reason = "there is room for copies of a batch: `TableFile` asks for it; the rest has a bound"
)]

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, DictionaryArray, PrimitiveArray, StringArray, new_empty_array};
use arrow_buffer::ArrowNativeType;
use arrow_schema::DataType;

use super::EncodeError;

/// Bytes of texts that are remembered, and what the table of them takes for each.
const KNOWN: usize = 4 << 20;
const ENTRY: usize = 64;

/// Adds the values of batches to the dictionary of a column.
#[derive(Debug)]
pub(super) struct GrowingDictionary {
    key: DataType,
    /// Without values.
    empty: ArrayRef,
    /// The values of the last batch, and where they begin, if texts cannot be looked up.
    last: Option<(ArrayRef, usize)>,
    /// The position of each text that is remembered.
    known: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    /// Bytes of `known`.
    bytes: usize,
    /// Values in the dictionary.
    length: usize,
}

impl GrowingDictionary {
    /// An empty dictionary of a column of this type, or `None` if it has none.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        let DataType::Dictionary(key, value) = data_type else { return None };
        Some(Self {
            key: DataType::clone(key),
            empty: new_empty_array(value),
            last: None,
            known: HashMap::default(),
            bytes: 0,
            length: 0,
        })
    }

    /// The type of the keys.
    pub(super) const fn key(&self) -> &DataType {
        &self.key
    }

    /// A column without rows whose dictionary has these values.
    pub(super) fn column(&self, values: ArrayRef) -> Result<ArrayRef, EncodeError> {
        fn empty<K: ArrowDictionaryKeyType>(values: ArrayRef) -> Result<ArrayRef, EncodeError> {
            let keys = PrimitiveArray::<K>::from_iter_values([]);
            Ok(Arc::new(DictionaryArray::try_new(keys, values)?))
        }
        match self.key {
            DataType::Int8 => empty::<Int8Type>(values),
            DataType::Int16 => empty::<Int16Type>(values),
            DataType::Int32 => empty::<Int32Type>(values),
            DataType::Int64 => empty::<Int64Type>(values),
            DataType::UInt8 => empty::<UInt8Type>(values),
            DataType::UInt16 => empty::<UInt16Type>(values),
            DataType::UInt32 => empty::<UInt32Type>(values),
            _ => empty::<UInt64Type>(values),
        }
    }

    /// A column without rows and values.
    pub(super) fn empty(&self) -> Result<ArrayRef, EncodeError> {
        self.column(Arc::clone(&self.empty))
    }

    /// Adds the values of a column. Returns the keys of its rows in the grown dictionary, and the values
    /// that are new.
    pub(super) fn add(&mut self, column: &ArrayRef) -> Result<(ArrayRef, ArrayRef), EncodeError> {
        let dictionary = column.as_any_dictionary();
        let values = dictionary.values();
        let (positions, new) = match values.as_string_opt::<i32>() {
            Some(texts) if texts.null_count() == 0 => self.add_texts(texts),
            _ => self.add_values(values),
        };
        let is_same = positions.iter().enumerate().all(|(index, position)| index == *position);
        let keys = dictionary.keys();
        if is_same {
            return Ok((keys.slice(0, keys.len()), new));
        }
        let moved = match self.key {
            DataType::Int8 => moved::<Int8Type>(keys, &positions),
            DataType::Int16 => moved::<Int16Type>(keys, &positions),
            DataType::Int32 => moved::<Int32Type>(keys, &positions),
            DataType::Int64 => moved::<Int64Type>(keys, &positions),
            DataType::UInt8 => moved::<UInt8Type>(keys, &positions),
            DataType::UInt16 => moved::<UInt16Type>(keys, &positions),
            DataType::UInt32 => moved::<UInt32Type>(keys, &positions),
            _ => moved::<UInt64Type>(keys, &positions),
        };
        let too_many = || {
            let text = "a dictionary has more values than its keys can number";
            EncodeError::Unsupported(text.to_owned())
        };
        Ok((moved.ok_or_else(too_many)?, new))
    }

    fn add_texts(&mut self, texts: &StringArray) -> (Vec<usize>, ArrayRef) {
        let mut new = Vec::new();
        let mut positions = Vec::with_capacity(texts.len());
        for text in texts.iter().flatten() {
            let known = self.known.get(text).copied();
            positions.push(known.unwrap_or_else(|| {
                let position = self.length;
                new.push(text);
                self.length += 1;
                if self.bytes < KNOWN {
                    self.bytes += text.len() + ENTRY;
                    self.known.insert(text.into(), position);
                }
                position
            }));
        }
        let new: ArrayRef = match new[..] {
            [] => Arc::clone(&self.empty),
            _ => Arc::new(StringArray::from_iter_values(new)),
        };
        (positions, new)
    }

    /// Adds values that cannot be looked up, unless they are those of the last batch.
    fn add_values(&mut self, values: &ArrayRef) -> (Vec<usize>, ArrayRef) {
        let (begin, new) = match &self.last {
            Some((last, begin)) if last == values => (*begin, Arc::clone(&self.empty)),
            _ => {
                let begin = self.length;
                self.length += values.len();
                self.last = Some((Arc::clone(values), begin));
                (begin, Arc::clone(values))
            }
        };
        ((begin..begin + values.len()).collect(), new)
    }
}

/// The keys that stand at these positions in the grown dictionary; `None` if one is too large.
fn moved<K: ArrowDictionaryKeyType>(keys: &dyn Array, positions: &[usize]) -> Option<ArrayRef> {
    let keys = keys.as_primitive_opt::<K>()?;
    let mut moved = Vec::with_capacity(keys.len());
    for key in keys {
        let position = key.map_or(Some(0), |key| positions.get(key.as_usize()).copied())?;
        moved.push(K::Native::from_usize(position)?);
    }
    Some(Arc::new(PrimitiveArray::<K>::new(moved.into(), keys.nulls().cloned())))
}
