//! HTTP/2: the frames of both sides in, the streams that are WebSockets out.
//!
//! ```text
//! beginning       where a side begins
//! frame_reader    one side's stream with gaps -> frames; frame_search finds them after a loss
//! hpack           header blocks -> fields, also after a loss
//! streams         requests and responses matched; streams that are no WebSockets are not kept
//! request_numbers which streams the client opened, or may have opened in a gap
//! connection      both sides together; sender tells them apart where nothing else does
//! ```
//!
//! RFC 9113 (HTTP/2), RFC 7541 (HPACK), RFC 8441 (WebSockets over HTTP/2).

pub(crate) mod beginning;
pub(crate) mod connection;
pub(crate) mod event;
mod fields;
mod frame;
mod frame_event;
mod frame_reader;
pub(crate) mod frame_search;
mod header_block;
mod hpack;
pub(crate) mod problems;
mod request_numbers;
pub(crate) mod sender;
mod stream;
mod streams;
