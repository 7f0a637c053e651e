//! What `wsdefrag.compat.wsproto` is made with.

pub(crate) mod event_reader;
pub(crate) mod event_writer;
