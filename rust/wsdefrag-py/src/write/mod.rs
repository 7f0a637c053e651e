//! Writing one direction, for Python.

pub(crate) mod arguments;
pub(crate) mod encoder;
pub(crate) mod fragmenter;
pub(crate) mod output;
