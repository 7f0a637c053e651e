//! The law of checkpoints: a capture that is cut anywhere, written, and read again has exactly the rows
//! of one that is read in one go.

mod dictionary;
mod law;
mod mutation;
mod recordings;
mod states;
mod talk;
