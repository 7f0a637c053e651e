//! Captures, for Python: a plan says what to read and how, a run reads it.
//!
//! Everything happens without the GIL but the reading of Python's file objects and the making of
//! Python objects, a batch at a time.

pub(crate) mod arrow;
mod connection;
pub(crate) mod message;
pub(crate) mod plan;
pub(crate) mod reader;
pub(crate) mod run;
mod source;
