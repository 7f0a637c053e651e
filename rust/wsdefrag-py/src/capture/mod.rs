//! Captures, for Python: a plan says what to read, and a run reads it.
//!
//! Everything runs without the GIL except reading Python file objects and creating Python objects,
//! one batch at a time.

pub(crate) mod arrow;
mod arrow_pass;
mod attributes;
mod block;
mod capture_part;
mod choices;
mod conditions;
mod connection;
mod connection_row;
mod counts;
pub(crate) mod entry_writer;
pub(crate) mod event;
pub(crate) mod failure;
mod formats;
mod given;
mod guarded_run;
mod input;
pub(crate) mod items;
pub(crate) mod json_line;
mod key_logs;
mod local_time;
pub(crate) mod message;
mod objects;
mod open_file;
pub(crate) mod output_pass;
pub(crate) mod plan;
pub(crate) mod reader;
mod reading;
pub(crate) mod run;
mod source;
mod spread_reading;
mod table_file;
pub(crate) mod table_pass;
mod tally_values;
mod temporary_file;
mod waiting;
