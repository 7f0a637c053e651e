//! The captured part of a handshake, and the connection that it describes.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "at most `MAX_PROBLEMS`, each shorter than a few heads"
)]

use std::net::SocketAddr;

use wsdefrag_core::DeflateParams;

use crate::connection::{Connection, MAX_PROBLEMS, Request, Response};
use crate::http::accept_key::accept_key_is_right;

/// The captured part of a handshake.
#[derive(Default)]
pub(crate) struct CapturedHandshake {
    pub(crate) request: Option<Box<Request>>,
    pub(crate) response: Option<Box<Response>>,
    /// Whether the server's acceptance was not captured.
    pub(crate) midstream: bool,
}

impl CapturedHandshake {
    /// The connection with this number and identity between a client and a server, in that order.
    pub(crate) fn connection(
        self,
        number: u64,
        uid: [u8; 16],
        ends: [SocketAddr; 2],
    ) -> Connection {
        let accept_key_ok = match (&self.request, &self.response) {
            (Some(request), Some(response)) => accept_key_is_right(request, response),
            _ => None,
        };
        let mut connection = Connection {
            request: self.request.map(|request| *request),
            response: self.response.map(|response| *response),
            accept_key_ok,
            midstream: self.midstream,
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
        connection
    }
}
