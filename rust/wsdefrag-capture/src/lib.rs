//! Captured packets in, WebSocket messages out: the capture half of wsdefrag.
//!
//! ```text
//! bytes of a capture file
//!   -> records -> packets -> one stream a direction -> upgrade -> WebSocket direction x 2 -> sink
//! ```
//!
//! The crate is sans-I/O: it opens nothing, and its only clock is the packets'.

#![forbid(unsafe_code)]

pub mod broken;
pub mod capture;
mod clock;
pub mod columns;
mod conversation;
pub mod counts;
mod direction;
pub mod event;
pub mod exported_pdu;
mod flows;
pub mod fragments;
mod held;
mod http;
pub mod input;
pub mod ip;
pub mod link;
pub mod options;
pub mod packet;
pub mod packets;
pub mod pcapng;
pub mod records;
mod report;
mod search;
pub mod secrets;
mod table;
mod tcp;
mod upgrade;

pub use capture::Capture;
pub use event::{Account, CloseSeen, Connection, Ended, Message, Sink, Status};
pub use options::{Filter, Options};
pub use packet::{Packet, Payload, Segment};
