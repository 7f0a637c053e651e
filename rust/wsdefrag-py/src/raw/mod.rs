//! The only unsafe code: Python objects written and read in place.
//!
//! Each of these is worth a factor that PyO3's safe interface cannot give; the
//! numbers are in `benches/NOTES.md`.
//!
//! - `bytes` writes a payload, or frames, once, into the `bytes` object that the
//!   caller will get, without filling it with zeros first;
//! - `message` makes a message without calling its class, as an object that the
//!   garbage collector need not know of; `storage` is its memory, `storage_type`
//!   its class, `fields` its Python side;
//! - `instance` makes an object of a frozen dataclass without calling its
//!   constructor;
//! - `text` does the same for a `str`, where it is ASCII;
//! - `buffer` reads what the caller passes without copying it.

pub(crate) mod buffer;
pub(crate) mod bytes;
pub(crate) mod fields;
pub(crate) mod instance;
pub(crate) mod message;
mod storage;
pub(crate) mod storage_type;
pub(crate) mod text;
