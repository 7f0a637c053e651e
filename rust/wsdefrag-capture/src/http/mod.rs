//! HTTP/1.1 before the upgrade, and the WebSocket handshake.

pub(crate) mod head;
pub(crate) mod upgrade;
