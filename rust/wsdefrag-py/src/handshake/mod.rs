//! Opening handshakes, for Python.

pub(crate) mod client;
pub(crate) mod functions;
mod heads;
pub(crate) mod server;
pub(crate) mod tap;
