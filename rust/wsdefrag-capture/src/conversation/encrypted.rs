//! The TLS of a connection, below its application.
//!
//! What proxies and their clients send before the first record of a direction is skipped. Where there
//! are no keys, only the hello is read, for the name of the server.

#![expect(clippy::disallowed_methods, reason = "a box of a few hundred bytes")]

use crate::conversation::transport::Transport;
use crate::http::parser::starts_like;
use crate::http::preamble::Preamble;
use crate::http::preamble_message::Parsed;
use crate::stream_part::StreamPart;
use crate::tls::record::starts_like_record;
use crate::tls::session::Session;
use crate::tls_facts::TlsFacts;
use serde::{Deserialize, Serialize};

/// Bytes after which no hello is waited for: those of the longest record.
const MAX_HELLO: u64 = 1 << 14;

/// The TLS of a connection.
#[derive(Serialize, Deserialize)]
pub(super) struct Encrypted {
    pub(super) session: Session,
    /// For each sender, whether its first record has come.
    has_begun: [bool; 2],
    /// Bytes of both directions.
    bytes: u64,
}

impl Encrypted {
    /// TLS before its first byte.
    pub(super) fn new(client: Option<usize>) -> Self {
        Self { session: Session::new(client), has_begun: [false; 2], bytes: 0 }
    }

    /// The memory that it takes, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        size_of::<Self>() + self.session.bytes_held()
    }

    /// The part without what stands before the first record of the sender.
    pub(super) fn begin<'a>(
        &mut self,
        sender: usize,
        part: StreamPart<'a>,
        transport: &Transport,
    ) -> Option<StreamPart<'a>> {
        self.bytes += part.length();
        if self.has_begun[sender] {
            return Some(part);
        }
        let StreamPart::Data(mut bytes, origin) = part else {
            self.has_begun[sender] = true;
            return Some(part);
        };
        let is_client = transport.client.is_none_or(|client| client == sender);
        let mut preamble = Preamble::new();
        while let Parsed::Message(_, length) = preamble.next(bytes, is_client) {
            bytes = &bytes[length..];
        }
        let is_http = starts_like(bytes, is_client) && starts_like_record(bytes) == Some(false);
        if bytes.is_empty() || is_http {
            return None;
        }
        self.has_begun[sender] = true;
        Some(StreamPart::Data(bytes, origin))
    }

    /// Whether nothing more can be learnt without keys.
    pub(super) fn hello_is_over(&self, transport: &Transport) -> bool {
        let facts = self.session.facts();
        let server_has_begun = transport.client.is_some_and(|client| self.has_begun[1 - client]);
        facts.server_name.is_some()
            || facts.version.is_some()
            || server_has_begun
            || self.bytes > MAX_HELLO
    }

    /// Updates what the transport knows of the session.
    pub(super) fn tell(&self, transport: &mut Transport) {
        transport.client = transport.client.or(self.session.client());
        let facts = self.session.facts();
        match &mut transport.tls {
            Some(known) if **known == *facts => {}
            Some(known) => (**known).clone_from(facts),
            None => transport.tls = Some(Box::new(facts.clone())),
        }
    }

    /// What is known of the connection at its end, with the accounts.
    pub(super) fn facts(&self, client: usize) -> TlsFacts {
        let accounts = [*self.session.account(client), *self.session.account(1 - client)];
        TlsFacts { accounts, ..self.session.facts().clone() }
    }
}
