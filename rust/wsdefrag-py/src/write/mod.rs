//! Writing one direction, for Python.

pub(crate) mod encoder;
pub(crate) mod fragmenter;
