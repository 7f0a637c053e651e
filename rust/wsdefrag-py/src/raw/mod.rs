//! The only unsafe code: Python objects written and read in place.
//!
//! Each of these is worth a factor that PyO3's safe interface cannot give; the
//! numbers are in `benches/NOTES.md`.
//!
//! - `bytes` writes a payload, or frames, once, into the `bytes` object that the
//!   caller will get, without filling it with zeros first;
//! - `storage` makes a message without calling its class, as an object that the
//!   garbage collector need not know of, and `fields` is its Python side;
//! - `buffer` reads what the caller passes without copying it.

mod buffer;
mod bytes;
mod fields;
mod storage;

pub(crate) use buffer::with_bytes;
pub(crate) use bytes::{Gil, Writer, framed_bytes, unmasked_bytes};
pub(crate) use fields::{mark_dropped, mark_injected, message_state};
pub(crate) use storage::{MessageClass, new_message, storage_type, untracked};
