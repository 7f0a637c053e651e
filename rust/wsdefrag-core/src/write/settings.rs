//! What the caller of an encoder chooses: for a direction, for a call, and for a single frame.

use crate::deflate::params::DeflateParams;
use crate::frame::opcode::Opcode;

/// Settings of one direction's encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which side sends: clients mask, servers do not.
    pub from_client: bool,
    /// The agreed permessage-deflate parameters.
    pub deflate: Option<DeflateParams>,
    /// Smallest content that is compressed, in bytes, unless the caller chooses per call.
    pub compress_from: u64,
    /// The compression level, from 0 (stored) to 9 (smallest output).
    pub level: u8,
    /// Whether a text that is not UTF-8 is refused.
    pub check_utf8: bool,
}

/// The caller's choices for one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Whether to compress; `None` compresses by the settings.
    pub compress: Option<bool>,
    /// The masking key of all frames of the call; `None` uses a new random key for each frame.
    pub masking_key: Option<[u8; 4]>,
}

/// The header fields of a frame that the caller chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The frame's opcode.
    pub opcode: Opcode,
    /// FIN: whether the frame is the last of its message.
    pub fin: bool,
    /// The three reserved bits as a number; RSV1 counts 4.
    pub rsv: u8,
}
