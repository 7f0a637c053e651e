//! Captures, for Python: a plan says what to read and how, a run reads it.
//!
//! Everything happens without the GIL but the reading of Python's file objects and the making of
//! Python objects, a batch at a time.

mod arrow;
mod connection;
mod message;
mod plan;
mod reader;
mod run;

pub(crate) use arrow::ArrowStream;
pub(crate) use message::CapturedMessage;
pub(crate) use plan::CapturePlan;
pub(crate) use reader::CaptureReader;
pub(crate) use run::Failure;
