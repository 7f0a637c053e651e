//! Writing one direction: messages and control frames in; frames out.

pub mod encoder;
pub mod fragmenter;
pub mod layout;
pub mod refusal;
