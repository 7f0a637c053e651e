//! WebSocket conversations: the two streams of a connection in, messages and connections out.

mod candidate;
pub(crate) mod conversation;
mod direction;
mod direction_output;
mod evidence;
mod frame_search;
mod gap_costs;
mod handshake;
mod midstream;
mod open_websocket;
mod problems;
mod well_known_ports;
