//! The WebSocket protocol: reads the bytes of one direction into messages, and writes messages as
//! frames.
//!
//! The crate is sans-I/O: it opens no socket or file, reads no clock, draws no random numbers and
//! does not know its caller. The caller feeds the bytes of one direction to a [`Reassembler`] or a
//! [`FrameDecoder`]. Complete messages and frames go to the caller's [`Sink`], which also owns the
//! memory for payloads. To write, an [`Encoder`] lays out frames; the caller's [`Output`] supplies
//! the memory for them and the masking keys.
//!
//! It implements RFC 6455 (frames, fragmentation, closing) and RFC 7692 (permessage-deflate).

#![forbid(unsafe_code)]
// Memory for what strangers send is asked for in ways that can fail: see clippy.toml.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_macros))]

#[cfg(feature = "serde")]
mod bounded;
pub mod deflate;
pub mod error;
pub mod fallible;
pub mod frame;
pub mod handshake;
pub mod limits;
pub mod read;
pub mod relay;
pub mod strictness;
pub mod text;
pub mod write;

pub use deflate::params::DeflateParams;
pub use deflate::pool::InflaterPool;
pub use error::{Error, Kind, OutOfMemory};
pub use frame::mask::Mask;
pub use frame::opcode::Opcode;
pub use limits::Limits;
pub use read::event::{Damage, Event, Extent, Incomplete};
pub use read::fragment_event::{FragmentEvent, TextMemory};
pub use read::fragment_stream::FragmentStream;
pub use read::frame_decoder::{Frame, FrameDecoder};
pub use read::memory::{Content, Memory, VecMemory};
pub use read::passive::Passive;
pub use read::reassembler::Reassembler;
pub use read::settings::Settings;
pub use read::sink::{Events, Sink};
pub use read::uncollected::Collection;
pub use strictness::Strictness;
pub use write::encoder::Encoder;
pub use write::fragmenter::Fragmenter;
pub use write::layout::{Layout, Output};
pub use write::refusal::Refusal;
