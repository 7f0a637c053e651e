//! Captured packets in, WebSocket messages out: the capture half of wsdefrag.
//!
//! ```text
//! bytes of a capture file
//!   file        -> records
//!   packet      -> TCP segments
//!   tcp         -> one stream per direction
//!   tls         -> one stream of application data per direction
//!   http        -> the handshake
//!   websocket   -> messages and connections
//!   sink        the caller, the Arrow tables of columns, or an output: lines of text or JSON
//! ```
//!
//! [`Capture`] runs all stages. The crate does no I/O: it opens no file, and its only clock is the
//! time of the packets.

#![forbid(unsafe_code)]
// Memory for what strangers send is asked for in ways that can fail: see clippy.toml.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_macros))]

pub mod account;
pub mod archive;
pub mod capture;
mod checkpoint;
#[cfg(feature = "tables")]
pub mod columns;
pub mod connection;
pub mod connection_facts;
mod conversation;
pub mod event;
pub mod file;
#[cfg(feature = "tables")]
pub mod files;
mod filtered_sink;
mod http;
mod http2;
pub mod lines;
pub mod message;
pub mod options;
pub mod output;
mod owned_thread;
pub mod packet;
pub mod protocol;
mod recorded;
pub mod report;
pub mod selection;
pub mod share;
pub mod sink;
pub mod stats;
mod stream_part;
pub mod table;
pub mod tally;
mod tcp;
pub mod threads;
#[allow(dead_code, reason = "some of it is for tests and for what comes next")]
pub mod tls;
pub mod tls_counts;
pub mod tls_facts;
mod uid;
mod websocket;

pub use account::Account;
pub use capture::Capture;
pub use checkpoint::error::CheckpointError;
pub use connection::{CloseSeen, Connection, Ended};
pub use event::CaptureEvent;
pub use message::{Message, Status};
pub use options::{Filter, Options};
pub use packet::{Origin, Packet, Payload, Segment};
pub use sink::Sink;
pub use tls::keys::{KeyCounts, KeySource};
