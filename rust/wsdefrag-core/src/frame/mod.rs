//! One frame: its header, its mask, its control payload.

pub mod close;
pub mod header;
pub mod mask;
pub mod opcode;
pub mod parser;
