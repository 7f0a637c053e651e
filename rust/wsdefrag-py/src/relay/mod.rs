//! The relays for Python.

pub(crate) mod deciding;
pub(crate) mod direction;
mod forwarding;
mod held;
mod options;
pub(crate) mod pair;
pub(crate) mod pump;
pub(crate) mod socket_reader;
pub(crate) mod socket_writer;
pub(crate) mod state;
mod timed_out;
mod unsent;
