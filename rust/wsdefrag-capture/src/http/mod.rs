//! HTTP/1.1 before the upgrade, and the WebSocket handshake.

pub(crate) mod accept_key;
mod body;
pub(crate) mod buffered;
pub(crate) mod head;
mod http2_upgrade;
pub(crate) mod outcome;
pub(crate) mod parser;
mod pending_request;
pub(crate) mod preamble;
pub(crate) mod preamble_message;
mod proxy_header;
mod socks;
pub(crate) mod upgrade;
