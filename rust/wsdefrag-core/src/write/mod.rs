//! Writing one direction: encodes messages and control frames as frames.

pub mod encoder;
pub mod fragmenter;
pub mod layout;
mod order;
pub mod refusal;
pub mod settings;
