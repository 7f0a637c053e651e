//! WebSocket bytes in, whole messages out: the protocol half of wsdefrag.
//!
//! The crate is sans-I/O: it opens nothing, reads no clock, draws no random
//! numbers and knows no caller. Bytes of one direction go into a
//! [`Reassembler`] (or a [`FrameDecoder`]); what is complete comes out through
//! a [`Sink`], which also owns the memory that payloads are written into. The
//! other way round, an [`Encoder`] lays out frames and an [`Output`] has the
//! memory that they are written into, and the masking keys.
//!
//! It follows RFC 6455 (frames, fragmentation, closing) and RFC 7692
//! (permessage-deflate).

#![forbid(unsafe_code)]

pub mod deflate;
pub mod error;
pub mod frame;
pub mod limits;
pub mod read;
pub mod relay;
pub mod strictness;
pub mod text;
pub mod write;

pub use deflate::params::DeflateParams;
pub use error::{Error, Kind, OutOfMemory};
pub use frame::mask::Mask;
pub use frame::opcode::Opcode;
pub use limits::Limits;
pub use read::event::{Damage, Event, Extent, Incomplete};
pub use read::fragment_stream::{FragmentEvent, FragmentStream, TextMemory};
pub use read::frame_decoder::{Frame, FrameDecoder};
pub use read::memory::{Content, Memory, VecMemory};
pub use read::passive::Passive;
pub use read::reassembler::Reassembler;
pub use read::settings::Settings;
pub use read::sink::{Events, Sink};
pub use strictness::Strictness;
pub use write::encoder::Encoder;
pub use write::fragmenter::Fragmenter;
pub use write::layout::{Layout, Output};
pub use write::refusal::Refusal;
