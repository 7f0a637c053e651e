//! Makes a column of texts without checking once more that they are UTF-8.
//!
//! The core checks each text as it arrives. Checking the whole column again would read every byte
//! of it a second time.

use arrow_array::StringArray;
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};

/// A column of texts. Only for `MessageColumns::with_texts`, and only where every message comes from a
/// `Capture`.
pub(crate) fn trusted_texts(
    ends: OffsetBuffer<i32>,
    bytes: Buffer,
    nulls: Option<NullBuffer>,
) -> StringArray {
    debug_assert!(std::str::from_utf8(&bytes).is_ok());
    // SAFETY: `MessageColumns` makes `ends` from the lengths of the texts that `bytes` consists of, so
    // they lie inside `bytes` and at the borders of texts; `nulls` has a bit for each row. Each text is
    // the whole content of a text message with the status `Ok`, which the core gives only to valid
    // UTF-8 while the rule is enforced; where it is not, `MessageColumns` checked the text itself.
    unsafe { StringArray::new_unchecked(ends, bytes, nulls) }
}
