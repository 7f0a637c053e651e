//! Single frames: headers, masking, and the payloads of Close frames.

pub mod close;
pub mod header;
pub mod mask;
pub mod opcode;
pub mod parser;
