//! HTTP/2: the frames of both directions in, the streams that are WebSockets out.
//!
//! RFC 9113 (HTTP/2), RFC 7541 (HPACK), RFC 8441 (WebSockets over HTTP/2).

pub(crate) mod hpack;
