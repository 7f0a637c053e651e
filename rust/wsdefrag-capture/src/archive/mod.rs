//! Connections with all of their messages in one place: HTTP archives and mitmproxy's flows.
//!
//! An entry can only be written when its connection has ended. Until then its messages and events are
//! kept as they will be written. An [output](archive_output) does so for the rows of a pass, and a
//! [writer](entry_writer) makes entries of what a caller holds.

pub mod archive_output;
pub mod entry_row;
pub mod entry_writer;
mod flow;
mod flow_ends;
mod flow_heads;
mod flow_metadata;
mod handshake;
mod har;
mod har_heads;
pub mod message_entry;
mod open_entry;
mod pieces;
mod row_stream;
pub mod spool;
mod spool_file;
mod tnetstring;

#[cfg(test)]
mod tests;
