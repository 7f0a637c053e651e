//! Reading one direction: bytes in; messages, fragments or frames out.

mod account;
mod completion;
mod content_target;
mod decoded;
pub mod event;
mod footprint;
pub mod fragment_event;
pub mod fragment_stream;
pub mod frame_decoder;
pub mod growth;
pub mod memory;
mod message;
mod opening;
pub mod passive;
mod passive_state;
pub mod reassembler;
mod recent;
pub mod settings;
pub mod sink;
pub mod uncollected;
mod waiting;
mod walker;
