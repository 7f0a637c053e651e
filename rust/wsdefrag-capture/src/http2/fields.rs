//! The header fields of one block, as far as somebody wants them.
//!
//! - `bytes <= MAX_HEAD`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_HEAD` bytes")]

use crate::connection::{Field, Request, Response, field};
use crate::http::head::MAX_HEAD;
use crate::http2::event::names_websocket;
use crate::http2::hpack::table::Field as HpackField;

/// What a block is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A request, if it may ask for a WebSocket.
    Request,
    /// A response.
    Response,
    /// Only the dynamic table.
    Nothing,
}

/// Whether a request asks for a WebSocket (RFC 8441 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Yes,
    No,
    /// The fields that tell were not captured.
    Maybe,
}

/// The fields of a block.
#[derive(Debug)]
pub(super) struct Fields {
    wanted: Wanted,
    list: Vec<Field>,
    /// Bytes of the fields, and of what keeping one takes.
    bytes: usize,
    /// Fields that were not captured, or are too many.
    pub(super) unknown: u32,
}

impl Fields {
    pub(super) const fn new(wanted: Wanted) -> Self {
        Self { wanted, list: Vec::new(), bytes: 0, unknown: 0 }
    }

    /// Takes the next field.
    pub(super) fn take(&mut self, field: HpackField<'_>) {
        if self.wanted == Wanted::Nothing {
            return;
        }
        let HpackField { name: Some(name), value: Some(value) } = field else {
            self.unknown = self.unknown.saturating_add(1);
            return;
        };
        if self.wanted == Wanted::Request && name == b":method" && value != b"CONNECT" {
            // Nearly all requests, and this is nearly always their first field.
            *self = Self::new(Wanted::Nothing);
            return;
        }
        self.bytes += name.len() + value.len() + size_of::<Field>();
        if self.bytes > MAX_HEAD {
            self.unknown = self.unknown.saturating_add(1);
            self.bytes = MAX_HEAD;
            return;
        }
        self.list.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
    }

    /// Takes note that the rest of the block was not captured.
    pub(super) fn cut(&mut self) {
        self.unknown = self.unknown.saturating_add(1);
    }

    /// Whether a request asks for a WebSocket.
    pub(super) fn ask_for_websocket(&self) -> Asks {
        let is_connect = field(&self.list, ":method").is_some();
        match field(&self.list, ":protocol") {
            _ if self.wanted == Wanted::Nothing => Asks::No,
            Some(protocol) if !protocol.eq_ignore_ascii_case("websocket") => Asks::No,
            Some(_) if is_connect || self.unknown > 0 => Asks::Yes,
            None if self.unknown > 0 => Asks::Maybe,
            _ => Asks::No,
        }
    }

    /// Whether a response has fields that only answers to WebSockets have.
    pub(super) fn name_websocket(&self) -> bool {
        names_websocket(&self.list)
    }

    /// The status of a response, if it was captured and is valid.
    pub(super) fn status(&self) -> Option<u16> {
        field(&self.list, ":status")?.parse().ok().filter(|status| (100..1000).contains(status))
    }

    /// The request, captured at `time`, in nanoseconds since the epoch.
    pub(super) fn into_request(self, time: i64) -> Request {
        let target = field(&self.list, ":path").map(Into::into).unwrap_or_default();
        let (method, version) = ("CONNECT".to_owned(), "HTTP/2".to_owned());
        Request { method, target, version, fields: self.list, time }
    }

    /// The response, captured at `time`, in nanoseconds since the epoch.
    pub(super) fn into_response(self, status: u16, time: i64) -> Response {
        Response { status, reason: String::new(), fields: self.list, time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&str, &str)]) -> Fields {
        let mut found = Fields::new(Wanted::Request);
        for (name, value) in fields {
            let known = |part: &'static str| (part != "?").then_some(part.as_bytes());
            let [name, value] = [name, value].map(|part| known(String::leak(part.to_string())));
            found.take(HpackField { name, value });
        }
        found
    }

    #[test]
    fn only_extended_connect_asks_for_a_websocket() {
        let (connect, websocket) = ((":method", "CONNECT"), (":protocol", "websocket"));
        for (fields, expected) in [
            (vec![connect, websocket], Asks::Yes),
            (vec![websocket, connect], Asks::Yes),
            (vec![("?", "?"), websocket], Asks::Yes),
            (vec![connect, (":protocol", "WebSocket")], Asks::Yes),
            (vec![connect], Asks::No),
            (vec![connect, (":protocol", "connect-udp")], Asks::No),
            (vec![(":method", "GET"), websocket], Asks::No),
            (vec![(":method", "GET"), ("?", "?")], Asks::No),
            (vec![websocket], Asks::No),
            (vec![connect, ("?", "?")], Asks::Maybe),
            (vec![("?", "?"), ("?", "?")], Asks::Maybe),
        ] {
            assert_eq!(request(&fields).ask_for_websocket(), expected, "{fields:?}");
        }
    }

    #[test]
    fn fields_have_a_bound() {
        let mut fields = Fields::new(Wanted::Response);
        let value = [b'x'; 4096];
        for _ in 0..1000 {
            fields.take(HpackField { name: Some(b"name"), value: Some(&value) });
        }
        assert!(fields.list.len() < 64);
        assert_eq!(fields.list.len() + fields.unknown as usize, 1000);
    }
}
