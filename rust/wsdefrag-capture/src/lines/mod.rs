//! Rows as lines: JSON lines for programs, text lines for people.
//!
//! Rows are formatted by functions of plain values, which come from the capture or from an object that
//! a caller holds. An output calls them for the rows of a pass and collects the lines.
//!
//! - a line contains exactly one line feed, its last character, but for those of a conversation

pub mod clock;
pub mod connection_row;
pub mod event_row;
mod event_text;
pub mod follow_lines;
pub mod json;
mod json_connections;
mod json_events;
pub mod json_lines;
mod json_messages;
pub mod line_output;
pub mod message_row;
mod open_connections;
pub mod per_table;
mod printable;
pub mod shown;
mod text_head;
pub mod text_lines;

pub use event_text::event_text;
pub use json_connections::connection_line;
pub use json_events::event_line;
pub use json_messages::{MessageAffixes, content_members, message_line};
