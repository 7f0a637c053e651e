//! Reading one direction, for Python.

pub(crate) mod buffered;
pub(crate) mod chunk_decoder;
mod chunk_memory;
mod chunk_state;
pub(crate) mod connection;
pub(crate) mod direction;
pub(crate) mod ending;
pub(crate) mod event;
pub(crate) mod event_docs;
pub(crate) mod event_value;
pub(crate) mod frame;
pub(crate) mod frame_decoder;
pub(crate) mod pair;
pub(crate) mod reading;
pub(crate) mod reassembler;
pub(crate) mod record;
pub(crate) mod state;
