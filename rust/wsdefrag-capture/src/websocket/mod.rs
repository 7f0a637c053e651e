//! A WebSocket: the two streams of a connection in, messages and connections out.

mod candidate;
mod direction;
mod direction_gaps;
mod direction_output;
mod evidence;
pub(crate) mod frame_search;
mod gap_costs;
mod gap_test;
pub(crate) mod handshake;
pub(crate) mod midstream;
pub(crate) mod open_websocket;
mod problems;
mod well_known_ports;

#[cfg(test)]
mod gap_tests;
