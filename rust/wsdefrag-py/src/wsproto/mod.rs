//! The engines of `wsdefrag.compat.wsproto`.

pub(crate) mod event_reader;
pub(crate) mod event_writer;
