//! What is said of a connection: what its handshake told, and in words what went wrong.

use std::net::SocketAddr;

use wsdefrag_core::DeflateParams;

use crate::account::Account;
use crate::connection::{Connection, MAX_PROBLEMS, Request, Response};
use crate::http::upgrade::accept_key_is_right;

/// What was found out of a handshake.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) request: Option<Box<Request>>,
    pub(crate) response: Option<Box<Response>>,
    pub(crate) midstream: bool,
}

impl Known {
    /// A connection between a client and a server, in that order.
    pub(crate) fn describe(self, id: u64, [client, server]: [SocketAddr; 2]) -> Connection {
        let accept_key_ok = match (&self.request, &self.response) {
            (Some(request), Some(response)) => accept_key_is_right(request, response),
            _ => None,
        };
        let mut connection = Connection {
            connection: id,
            client_address: client,
            server_address: server,
            request: self.request.map(|request| *request),
            response: self.response.map(|response| *response),
            deflate: None,
            accept_key_ok,
            midstream: self.midstream,
            opened: 0,
            last: 0,
            close: None,
            from_client: Account::default(),
            from_server: Account::default(),
            ended: None,
            problems: Vec::new(),
        };
        match DeflateParams::from_header(&connection.extensions().unwrap_or_default()) {
            Ok(deflate) => connection.deflate = deflate,
            Err(reason) => connection.problems.push(reason.to_string()),
        }
        connection
    }
}

/// Says in words what went wrong.
pub(crate) fn note_problems(connection: &mut Connection) {
    let mut problems = std::mem::take(&mut connection.problems);
    if connection.midstream {
        problems.push("the handshake was not captured whole".to_owned());
    }
    if connection.accept_key_ok == Some(false) {
        problems.push("the accept key is wrong (RFC 6455 section 4.2.2)".to_owned());
    }
    for (name, account) in
        [("client", &connection.from_client), ("server", &connection.from_server)]
    {
        if let Some(error) = &account.violation {
            problems.push(format!("{name}: {error}"));
        }
        if account.missing > 0 {
            let (missing, gaps) = (account.missing, account.gaps);
            problems.push(format!("{name}: {missing} bytes in {gaps} gaps were not captured"));
        }
        if account.lost > 0 {
            let lost = account.lost;
            problems.push(format!("{name}: {lost} bytes could not be told apart into frames"));
        }
        if account.overlaps > 0 {
            let overlaps = account.overlaps;
            problems.push(format!("{name}: {overlaps} retransmissions differ from the original"));
        }
    }
    problems.truncate(MAX_PROBLEMS);
    connection.problems = problems;
}
