//! HTTP/1.1 before the upgrade, and the WebSocket handshake.

mod body;
pub(crate) mod head;
pub(crate) mod parser;
pub(crate) mod upgrade;
