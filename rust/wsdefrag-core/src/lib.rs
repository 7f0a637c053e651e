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

pub mod close;
pub mod deflate;
pub mod deflater;
pub mod encoder;
pub mod error;
pub mod fragmenter;
pub mod frame;
pub mod frame_decoder;
pub mod growth;
pub mod header;
pub mod layout;
pub mod limits;
pub mod mask;
mod message;
pub mod opcode;
pub mod params;
pub mod pieces;
pub mod reassembler;
pub mod refusal;
pub mod relay;
pub mod sink;
pub mod strictness;
pub mod utf8;

pub use encoder::Encoder;
pub use error::{Error, Kind};
pub use fragmenter::Fragmenter;
pub use frame_decoder::{Frame, FrameDecoder};
pub use layout::{Layout, Output};
pub use limits::Limits;
pub use mask::Mask;
pub use opcode::Opcode;
pub use params::DeflateParams;
pub use pieces::{Piece, PieceDecoder, PieceMemory};
pub use reassembler::{Incomplete, Reassembler, Settings};
pub use refusal::Refusal;
pub use sink::{Content, Event, Events, Memory, OutOfMemory, Sink, VecMemory};
pub use strictness::Strictness;
