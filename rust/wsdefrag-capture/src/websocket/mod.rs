//! WebSocket conversations: the streams of two ends in, messages and connections out.

pub(crate) mod conversation;
mod direction;
mod frame_search;
mod problems;
