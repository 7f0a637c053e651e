//! The values of a connection's entry, from the capture or from an object that a caller holds.

use std::borrow::Cow;

use crate::connection::{Connection, Ended, Field};
use crate::lines::connection_row::{CloseRow, Endpoint, endpoint};

/// The values of a connection's entry. What was not captured is `None`.
#[derive(Clone, Debug)]
pub struct EntryRow<'a> {
    /// The number of the connection.
    pub connection: u64,
    /// The stream of HTTP/2.
    pub stream_id: Option<u32>,
    /// The client.
    pub client: Endpoint<'a>,
    /// The server.
    pub server: Endpoint<'a>,
    /// The request.
    pub request: Option<RequestRow<'a>>,
    /// The response.
    pub response: Option<ResponseRow<'a>>,
    /// The request's host, mostly UTF-8.
    pub host: Option<Cow<'a, [u8]>>,
    /// The request's path and query, mostly UTF-8.
    pub path: Option<Cow<'a, [u8]>>,
    /// Whether the server refused the WebSocket.
    pub refused: bool,
    /// The time of the first packet; as all times, in nanoseconds since the epoch.
    pub opened: i64,
    /// The time of the last packet.
    pub last: i64,
    /// The first close frame.
    pub close: Option<CloseRow<'a>>,
    /// Whether the TCP connection was seen to end.
    pub torn_down: bool,
    /// What went wrong, in sentences.
    pub problems: Cow<'a, [String]>,
    /// The end of a live connection, whose record this is.
    pub record: Option<RecordRow<'a>>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct RequestRow<'a> {
    /// The method.
    pub method: Cow<'a, str>,
    /// The header fields.
    pub fields: Cow<'a, [Field]>,
    /// When its last byte was captured.
    pub time: i64,
}

/// A response.
#[derive(Clone, Debug)]
pub struct ResponseRow<'a> {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: Cow<'a, str>,
    /// The header fields.
    pub fields: Cow<'a, [Field]>,
    /// When its last byte was captured.
    pub time: i64,
}

/// How a live connection ended, as its record says.
#[derive(Clone, Debug, Default)]
pub struct RecordRow<'a> {
    /// Whether the client closed it; `None` if it was not closed.
    pub closed_by_client: Option<bool>,
    /// The close code.
    pub close_code: Option<i64>,
    /// The close reason.
    pub close_reason: Option<Cow<'a, str>>,
    /// When it ended, in seconds since the epoch.
    pub ended: Option<f64>,
}

impl<'a> EntryRow<'a> {
    /// The values of a connection of a capture.
    #[must_use]
    pub fn of(connection: &'a Connection) -> Self {
        Self {
            connection: connection.connection,
            stream_id: connection.stream_id,
            client: endpoint(connection.client_address),
            server: endpoint(connection.server_address),
            request: connection.request.as_ref().map(|request| RequestRow {
                method: request.method.as_str().into(),
                fields: request.fields.as_slice().into(),
                time: request.time,
            }),
            response: connection.response.as_ref().map(|response| ResponseRow {
                status: response.status,
                reason: response.reason.as_str().into(),
                fields: response.fields.as_slice().into(),
                time: response.time,
            }),
            host: connection.host().map(bytes_of),
            path: connection.path().map(|path| path.as_bytes().into()),
            refused: connection.refused(),
            opened: connection.first.time,
            last: connection.last.time,
            close: connection.close.as_ref().map(CloseRow::of),
            torn_down: matches!(connection.ended, Some(Ended::Fin | Ended::Rst)),
            problems: connection.problems.as_slice().into(),
            record: None,
        }
    }

    /// The version of HTTP, as a browser names it.
    pub(super) const fn http_version(&self) -> &'static str {
        if self.stream_id.is_some() { "HTTP/2" } else { "HTTP/1.1" }
    }
}

fn bytes_of(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}
