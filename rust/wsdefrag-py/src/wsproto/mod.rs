//! The engines of `wsdefrag.compat.wsproto`.

mod buffered;
pub(crate) mod event_reader;
pub(crate) mod event_writer;
