//! All unsafe code: reads and writes Python objects in place, and calls Python.
//!
//! `benches/NOTES.md` has the numbers of the modules that are here for speed.
//!
//! - `bytes` writes payloads and frames directly into a new `bytes` object, without filling it with
//!   zeros first;
//! - `message` creates a message without calling its class, as an object that the garbage collector
//!   does not track; `storage` is its memory, `storage_type` its class, and `fields` its attributes
//!   in Python;
//! - `event` does the same for other events; `event_storage` is their memory, `event_fields` reads and
//!   writes it, `event_type` are their classes, `event_slots` the functions of these, and `event_kind`
//!   tells which class an object has;
//! - `flags` reads and changes the flags of these classes;
//! - `instance` creates an object of a dataclass without its constructor;
//! - `text` unmasks an ASCII payload directly into a new `str`;
//! - `arrow_text` makes a column of texts that the core has checked;
//! - `arrow_stream` takes the stream of another library's table;
//! - `buffer` reads the caller's input without a copy;
//! - `socket` receives from and sends to a socket of a transport;
//! - `entry` is the way of the interpreter into the types made here;
//! - `list` and `number` create lists and numbers, where PyO3 panics if memory is refused;
//! - `interpreter` tells interpreters apart, and keeps values for each;
//! - `python` calls Python code so that its thread may be ended there.

pub(crate) mod arrow_stream;
pub(crate) mod arrow_text;
pub(crate) mod buffer;
pub(crate) mod bytes;
mod entry;
pub(crate) mod event;
pub(crate) mod event_fields;
pub(crate) mod event_kind;
mod event_slots;
mod event_storage;
pub(crate) mod event_type;
pub(crate) mod fields;
mod flags;
pub(crate) mod instance;
pub(crate) mod interpreter;
pub(crate) mod list;
pub(crate) mod message;
pub(crate) mod number;
pub(crate) mod python;
pub(crate) mod socket;
mod storage;
pub(crate) mod storage_type;
pub(crate) mod text;
