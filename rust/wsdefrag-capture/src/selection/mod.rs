//! Which messages are wanted by what they contain: patterns, JSON, sizes, statuses; and the rows around
//! them.
//!
//! ```text
//! capture -> Filter (addresses, times, types) -> Selection (contents) -> the sink
//! ```
//!
//! Matching comes before anything is formatted. Without conditions it costs one test a row.

pub mod conditions;
mod json;
pub mod pattern;
pub(crate) mod selected;

pub(crate) use json::member_hash as json_member_hash;
pub use json::{JsonCondition, JsonConditionError};
