//! The relay, for Python.

pub(crate) mod direction;
pub(crate) mod pair;
mod unsent;
