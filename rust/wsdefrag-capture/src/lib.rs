//! Captured packets in, WebSocket messages out: the capture half of wsdefrag.
//!
//! ```text
//! bytes of a capture file
//!   -> records -> packets -> one stream a direction -> upgrade -> WebSocket direction x 2 -> sink
//! ```
//!
//! The crate is sans-I/O: it opens nothing, and its only clock is the packets'.

#![forbid(unsafe_code)]

pub mod account;
pub mod capture;
pub mod columns;
pub mod connection;
pub mod file;
mod http;
pub mod message;
pub mod options;
pub mod packet;
pub mod sink;
mod stream_part;
mod tcp;
mod websocket;

pub use account::Account;
pub use capture::Capture;
pub use connection::{CloseSeen, Connection, Ended};
pub use message::{Message, Status};
pub use options::{Filter, Options};
pub use packet::{Packet, Payload, Segment};
pub use sink::Sink;
