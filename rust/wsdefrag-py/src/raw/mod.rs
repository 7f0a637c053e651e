//! All unsafe code: reads and writes Python objects in place.
//!
//! Each module is several times faster than PyO3's safe interface;
//! `benches/NOTES.md` has the numbers.
//!
//! - `bytes` writes payloads and frames directly into a new `bytes` object,
//!   without filling it with zeros first;
//! - `message` creates a message without calling its class, as an object that
//!   the garbage collector does not track; `storage` is its memory,
//!   `storage_type` its class, and `fields` its attributes in Python;
//! - `instance` creates an object of a frozen dataclass without its
//!   constructor;
//! - `text` unmasks an ASCII payload directly into a new `str`;
//! - `arrow_text` makes a column of texts that the core has checked;
//! - `buffer` reads the caller's input without a copy.

pub(crate) mod arrow_text;
pub(crate) mod buffer;
pub(crate) mod bytes;
pub(crate) mod fields;
pub(crate) mod instance;
pub(crate) mod message;
mod storage;
pub(crate) mod storage_type;
pub(crate) mod text;
