//! WebSocket conversations: the two streams of a connection in, messages and connections out.

pub(crate) mod conversation;
mod direction;
mod direction_output;
mod frame_search;
mod gap_costs;
mod handshake;
mod midstream;
mod open_websocket;
mod problems;
