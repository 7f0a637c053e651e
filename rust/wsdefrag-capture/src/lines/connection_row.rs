//! The values of a connection's line, from the capture or from an object that a caller holds.

#![expect(clippy::disallowed_methods, reason = "addresses, names and sentences of one connection")]

use std::borrow::Cow;
use std::net::SocketAddr;

use wsdefrag_core::Strictness;
use wsdefrag_core::strictness::Tolerated;

use crate::account::Account;
use crate::connection::{CloseSeen, Connection, Ended, Field};
use crate::message::type_name;
use crate::tls_facts::{TlsAccount, TlsFacts};

/// An address and a port.
pub type Endpoint<'a> = (Cow<'a, str>, u16);

/// The header fields of a request or a response, with their names.
pub type Headers<'a> = Cow<'a, [Field]>;

/// The values of a connection's line. What was not captured is `None`.
#[derive(Clone, Debug)]
pub struct ConnectionRow<'a> {
    /// Its identity.
    pub uid: Cow<'a, [u8]>,
    /// Its number.
    pub connection: u64,
    /// The stream of HTTP/2.
    pub stream_id: Option<u32>,
    /// The version of HTTP.
    pub http_version: Cow<'a, str>,
    /// The client.
    pub client: Endpoint<'a>,
    /// The server.
    pub server: Endpoint<'a>,
    /// The client before a proxy.
    pub original_client: Option<Endpoint<'a>>,
    /// The server that this client connected to.
    pub original_server: Option<Endpoint<'a>>,
    /// The request's method.
    pub method: Option<Cow<'a, str>>,
    /// The request's host.
    pub host: Option<Cow<'a, str>>,
    /// The request's path and query.
    pub path: Option<Cow<'a, str>>,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<Cow<'a, str>>,
    /// The extensions that the server accepted.
    pub extensions: Option<Cow<'a, str>>,
    /// The response's status code.
    pub response_status: Option<u16>,
    /// The request's header fields.
    pub request_headers: Option<Headers<'a>>,
    /// The response's header fields.
    pub response_headers: Option<Headers<'a>>,
    /// Whether the accept key is right.
    pub accept_key_ok: Option<bool>,
    /// Whether the server's acceptance was not captured.
    pub midstream: bool,
    /// The time of the first packet; as all times, in nanoseconds since the epoch.
    pub opened: i64,
    /// When the WebSocket began.
    pub started: i64,
    /// The time of the last packet.
    pub last: i64,
    /// How long it lasted, in nanoseconds.
    pub duration: i64,
    /// The number of the first packet.
    pub first_packet: u64,
    /// The number of the last packet.
    pub last_packet: u64,
    /// The name of the file with the last packet.
    pub file: Option<Cow<'a, str>>,
    /// The first close frame.
    pub close: Option<CloseRow<'a>>,
    /// How it ended.
    pub ended: Option<Cow<'a, str>>,
    /// Its tags and tunnels.
    pub encapsulation: Cow<'a, [String]>,
    /// What went wrong, in sentences.
    pub problems: Cow<'a, [String]>,
    /// What is known of its TLS.
    pub tls: Option<TlsRow<'a>>,
    /// The accounts of the client and of the server.
    pub accounts: [AccountRow<'a>; 2],
}

/// A close frame.
#[derive(Clone, Debug)]
pub struct CloseRow<'a> {
    /// Whether the client sent it.
    pub from_client: bool,
    /// The close code.
    pub code: Option<u16>,
    /// The close reason.
    pub reason: Cow<'a, str>,
    /// When its last byte was captured.
    pub time: i64,
}

impl<'a> CloseRow<'a> {
    /// The values of a close frame of a capture.
    pub(crate) fn of(close: &'a CloseSeen) -> Self {
        Self {
            from_client: close.from_client,
            code: close.code,
            reason: close.reason.as_str().into(),
            time: close.time,
        }
    }
}

/// What is known of a connection's TLS.
#[derive(Clone, Debug)]
pub struct TlsRow<'a> {
    /// Whether it was read, or why not.
    pub status: Cow<'a, str>,
    /// The negotiated version.
    pub version: Option<Cow<'a, str>>,
    /// The cipher suite.
    pub cipher: Option<Cow<'a, str>>,
    /// The server's name in the `ClientHello`.
    pub server_name: Option<Cow<'a, str>>,
    /// The protocol that was agreed upon.
    pub alpn: Option<Cow<'a, str>>,
    /// Whether a session was resumed.
    pub resumed: Option<bool>,
    /// Whether early data were accepted.
    pub early_data: bool,
    /// `KeyUpdate` messages of both sides.
    pub key_updates: u64,
    /// Where the secrets came from.
    pub key_source: Option<Cow<'a, str>>,
    /// Records with a wrong tag.
    pub bad_tags: u64,
    /// Records whose number or key was found by trial.
    pub found_by_trial: u64,
}

/// Messages of a type and a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountRow<'a> {
    /// The name of the type.
    pub opcode: Cow<'a, str>,
    /// The name of the status.
    pub status: Cow<'a, str>,
    /// Messages.
    pub messages: u64,
    /// Bytes of their contents.
    pub bytes: u64,
}

/// The account of a direction.
#[derive(Clone, Debug)]
pub struct AccountRow<'a> {
    /// The counters, in the order of [`Account::counters`].
    pub counters: [u64; Account::COUNTERS],
    /// How often each rule that is switched off was broken, in the order of [`Strictness::NAMES`].
    pub tolerated: [u64; Strictness::NAMES.len()],
    /// The messages by type and status.
    pub counts: Vec<CountRow<'a>>,
    /// The broken rule that ended the direction.
    pub violation: Option<Cow<'a, str>>,
    /// The account of its TLS.
    pub tls: Option<TlsAccount>,
}

impl<'a> AccountRow<'a> {
    fn of(account: &'a Account, tls: Option<&TlsAccount>) -> Self {
        let counts = account.counts.iter().map(|(opcode, status, messages, bytes)| CountRow {
            opcode: type_name(opcode).into(),
            status: status.name().into(),
            messages,
            bytes,
        });
        let mut tolerated = [0; Strictness::NAMES.len()];
        for (count, of) in tolerated.iter_mut().zip(Tolerated::GETTERS) {
            *count = of(&account.tolerated);
        }
        Self {
            counters: account.counters().map(|(_, value)| value),
            tolerated,
            counts: counts.collect(),
            violation: account.violation.as_ref().map(|error| error.to_string().into()),
            tls: tls.copied(),
        }
    }
}

impl<'a> TlsRow<'a> {
    fn of(facts: &'a TlsFacts) -> Self {
        Self {
            status: facts.status.name().into(),
            version: facts.version_name(),
            cipher: facts.cipher_name(),
            server_name: facts.server_name.as_deref().map(Into::into),
            alpn: facts.alpn.as_deref().map(Into::into),
            resumed: facts.resumed,
            early_data: facts.early_data,
            key_updates: facts.key_updates,
            key_source: facts.key_source.map(Into::into),
            bad_tags: facts.bad_tags,
            found_by_trial: facts.found_by_trial,
        }
    }
}

/// The address and the port of an end.
pub(crate) fn endpoint<'a>(end: SocketAddr) -> Endpoint<'a> {
    (end.ip().to_string().into(), end.port())
}

impl<'a> ConnectionRow<'a> {
    /// The values of a connection of a capture.
    #[must_use]
    pub fn of(connection: &'a Connection, file: Option<&'a str>) -> Self {
        let (request, response) = (connection.request.as_ref(), connection.response.as_ref());
        let tls = connection.tls.as_deref();
        Self {
            uid: (&connection.uid[..]).into(),
            connection: connection.connection,
            stream_id: connection.stream_id,
            http_version: connection.http_version().into(),
            client: endpoint(connection.client_address),
            server: endpoint(connection.server_address),
            original_client: connection.original_client_address.map(endpoint),
            original_server: connection.original_server_address.map(endpoint),
            method: request.map(|request| request.method.as_str().into()),
            host: connection.host(),
            path: connection.path().map(Into::into),
            subprotocol: connection.subprotocol(),
            extensions: connection.extensions().map(Into::into),
            response_status: response.map(|response| response.status),
            request_headers: request.map(|request| request.fields.as_slice().into()),
            response_headers: response.map(|response| response.fields.as_slice().into()),
            accept_key_ok: connection.accept_key_ok,
            midstream: connection.midstream,
            opened: connection.first.time,
            started: connection.started(),
            last: connection.last.time,
            duration: connection.duration(),
            first_packet: connection.first.packet,
            last_packet: connection.last.packet,
            file: file.map(Into::into),
            close: connection.close.as_ref().map(CloseRow::of),
            ended: connection.ended.map(Ended::name).map(Into::into),
            encapsulation: connection.encapsulation.as_slice().into(),
            problems: connection.problems.as_slice().into(),
            tls: tls.map(TlsRow::of),
            accounts: [true, false].map(|from_client| {
                let tls = tls.map(|facts| facts.account(from_client));
                AccountRow::of(connection.account(from_client), tls)
            }),
        }
    }
}
