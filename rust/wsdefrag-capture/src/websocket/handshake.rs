//! The captured part of a handshake, and the connection that it describes.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "at most `MAX_PROBLEMS`, each shorter than a few heads"
)]

use std::net::SocketAddr;

use wsdefrag_core::DeflateParams;

use crate::connection::{Connection, MAX_PROBLEMS, Request, Response, field};
use crate::http::accept_key::accept_key_is_right;
use crate::packet::Origin;

/// The captured part of a handshake.
#[derive(Default)]
pub(crate) struct CapturedHandshake {
    pub(crate) request: Option<Box<Request>>,
    pub(crate) response: Option<Box<Response>>,
    /// Whether the server's acceptance was not captured.
    pub(crate) midstream: bool,
    /// The stream of HTTP/2 that it is about.
    pub(crate) stream: Option<CapturedStream>,
}

/// A stream of HTTP/2, as far as its header fields were captured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CapturedStream {
    pub(crate) number: u32,
    /// The packet with the first of its header fields, or of its bytes.
    pub(crate) first: Origin,
    /// How many header fields of the request and of the response were not captured.
    pub(crate) unknown_fields: [u32; 2],
}

impl CapturedHandshake {
    /// Whether the extensions that the server accepted are known, if the response was captured.
    pub(crate) fn extensions_are_known(&self) -> bool {
        let fields = self.response.as_ref().map(|response| &response.fields[..]);
        let names_some = field(fields.unwrap_or_default(), "sec-websocket-extensions").is_some();
        names_some || self.stream.is_none_or(|stream| stream.unknown_fields[1] == 0)
    }

    /// The connection with this number and identity between a client and a server, in that order.
    pub(crate) fn connection(
        self,
        number: u64,
        uid: [u8; 16],
        ends: [SocketAddr; 2],
    ) -> Connection {
        let accept_key_ok = match (&self.request, &self.response) {
            (Some(request), Some(response)) if self.stream.is_none() => {
                accept_key_is_right(request, response)
            }
            // HTTP/2 has no such keys (RFC 8441 section 5).
            _ => None,
        };
        let mut connection = Connection {
            request: self.request.map(|request| *request),
            response: self.response.map(|response| *response),
            accept_key_ok,
            midstream: self.midstream,
            stream_id: self.stream.map(|stream| stream.number),
            ..Connection::new(number, uid, ends)
        };
        match DeflateParams::from_header_tolerant(&connection.extensions().unwrap_or_default()) {
            Ok((deflate, oddities)) => {
                connection.deflate = deflate;
                let odd = |oddity| format!("odd permessage-deflate answer: {oddity}");
                connection.problems.extend(oddities.into_iter().take(MAX_PROBLEMS).map(odd));
            }
            Err(reason) => connection.problems.push(reason.to_string()),
        }
        let unknown = self.stream.map_or([0; 2], |stream| stream.unknown_fields);
        for (head, unknown) in ["request", "response"].into_iter().zip(unknown) {
            if unknown > 0 {
                connection.problems.push(format!(
                    "{unknown} header fields of the {head} refer to what was not captured"
                ));
            }
        }
        connection
    }
}
