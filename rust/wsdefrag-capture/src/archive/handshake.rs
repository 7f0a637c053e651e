//! URL, scheme and header text of a handshake.
//!
//! A request target of the form `/path` contains neither scheme nor host. The host is the request's
//! `Host` field, or else the server's address. The scheme is `wss` or `https` for port 443, because
//! readable bytes on that port were decrypted. For other ports a capture does not tell whether the bytes
//! were encrypted, so the scheme is `ws` or `http`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "parts of a head of at most `MAX_HEAD` bytes"
)]

use std::borrow::Cow;

use super::entry_row::EntryRow;
use crate::lines::connection_row::Endpoint;

const HTTPS_PORT: u16 = 443;

/// Whether the WebSocket went through TLS.
pub(super) const fn is_secure(row: &EntryRow<'_>) -> bool {
    row.server.1 == HTTPS_PORT
}

/// The URL of a WebSocket. Without a `Host` field, its host is the server's address and port; if the
/// request was not captured, its path is `/`.
pub(super) fn url(row: &EntryRow<'_>) -> String {
    let scheme = if is_secure(row) { "wss" } else { "ws" };
    let host = row.host.as_deref().filter(|host| !host.is_empty()).map(String::from_utf8_lossy);
    let authority = host.unwrap_or_else(|| address_text(&row.server).into());
    format!("{scheme}://{authority}{}", String::from_utf8_lossy(path(row)))
}

/// The path and query of the request; `/` if it was not captured.
pub(super) fn path<'a>(row: &'a EntryRow<'_>) -> &'a [u8] {
    row.path.as_deref().filter(|path| !path.is_empty()).unwrap_or(b"/")
}

/// An address and a port as in a URL.
fn address_text((host, port): &Endpoint<'_>) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The text of a field's value: UTF-8, or else Latin-1 (RFC 9110 section 5.5).
pub(super) fn field_text(value: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(value) {
        Ok(text) => text.into(),
        Err(_) => value.iter().copied().map(char::from).collect::<String>().into(),
    }
}

/// The Latin-1 bytes of a text, with `?` for other characters.
pub(super) fn latin1(text: &str) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return text.as_bytes().into();
    }
    let byte = |character| u8::try_from(u32::from(character)).unwrap_or(b'?');
    text.chars().map(byte).collect::<Vec<_>>().into()
}
