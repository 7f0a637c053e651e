//! What the two sides of a connection have agreed on, from their hellos: whatever keys are derived
//! from, besides the secrets of the log.
//!
//! A renegotiation (TLS 1.2) replaces it; each direction goes on with its old keys until its
//! ChangeCipherSpec.
//!
//! RFC 8446 section 4.1 (hellos), 4.2.10 (early data); RFC 5246 section 7.4.1 (hellos), 7.3 and F.1.4
//! (resumption).

use serde::{Deserialize, Serialize};
use wsdefrag_core::fallible::{TryGrow, copied};

use crate::checkpoint::side;
use crate::tls::hello::{ClientHello, EncryptedExtensions, Random, ServerHello, TLS12, TLS13};
use crate::tls::keylog::Label;
use crate::tls::keys::{KeySource, Keys};
use crate::tls::opener::Opener;
use crate::tls::secret::Secret;
use crate::tls::suite::{self, Suite};
use crate::tls_facts::{TlsFacts, TlsStatus};

/// What became of the data that the client sent before the server had answered (TLS 1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum EarlyData {
    /// None were announced.
    #[default]
    None,
    /// The server has not answered yet.
    Undecided,
    Accepted,
    /// They are not part of the application's stream.
    Refused,
}

/// What the hellos said.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Negotiation {
    /// The sender of the ClientHello.
    #[serde(deserialize_with = "side::known")]
    pub(super) client: Option<usize>,
    pub(super) client_random: Option<Random>,
    server_random: Option<Random>,
    /// The agreed suite, if it is one that is read.
    #[serde(deserialize_with = "suite::read_optional")]
    pub(super) suite: Option<&'static Suite>,
    encrypt_then_mac: bool,
    /// How many times a client has said hello, but for answers to a HelloRetryRequest.
    pub(super) asked: u32,
    /// How many times a server has answered a `ClientHello`.
    pub(super) round: u32,
    pub(super) early: EarlyData,
    /// Whether the client offered TLS 1.3. `None` without its hello.
    offers_tls13: Option<bool>,
    /// By what the client asked to resume a session, and what the server answered (TLS 1.2).
    #[serde(with = "serde_bytes")]
    session_id: Vec<u8>,
    #[serde(with = "serde_bytes")]
    ticket: Vec<u8>,
    #[serde(with = "serde_bytes")]
    server_session_id: Vec<u8>,
    #[serde(with = "serde_bytes")]
    new_ticket: Vec<u8>,
    /// Whether the server proved who it is, which it does not when a session is resumed.
    is_full_handshake: bool,
    /// Losses after which the search for a record's number was given up.
    searches_given_up: u64,
    pub(super) facts: TlsFacts,
}

impl Negotiation {
    /// Before any hello. `client` is the sender that opened the connection, if that is known.
    pub(super) fn new(client: Option<usize>) -> Self {
        Self { client, ..Self::default() }
    }

    /// Memory besides this value, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        let names = [&self.session_id, &self.ticket, &self.server_session_id, &self.new_ticket];
        let texts = [&self.facts.server_name, &self.facts.alpn];
        names.iter().map(|name| name.capacity()).sum::<usize>()
            + texts.iter().filter_map(|text| text.as_ref()).map(String::capacity).sum::<usize>()
    }

    /// Whether a side is the client, if that is known.
    pub(super) fn is_client(&self, sender: usize) -> Option<bool> {
        self.client.map(|client| client == sender)
    }

    pub(super) const fn is_tls13(&self) -> bool {
        matches!(self.facts.version, Some(TLS13))
    }

    pub(super) const fn is_tls12(&self) -> bool {
        matches!(self.facts.version, Some(TLS12))
    }

    /// Whether no hello has been captured.
    pub(super) const fn is_unknown(&self) -> bool {
        self.client_random.is_none() && self.facts.version.is_none()
    }

    /// Whether the version or the suite is one that is not read.
    pub(super) const fn is_foreign(&self) -> bool {
        match self.facts.version {
            Some(TLS12 | TLS13) => self.suite.is_none(),
            Some(_) => true,
            None => false,
        }
    }

    /// Why records are not read, if no record of the connection has been.
    pub(super) fn failure(&self, keys: &mut Keys) -> TlsStatus {
        if self.is_foreign() {
            return TlsStatus::UnknownCipher;
        }
        if keys.is_empty() {
            return TlsStatus::NoKeys;
        }
        let random = self.client_random;
        let master = random.and_then(|random| keys.find(&random, Label::Master));
        if self.is_unknown() {
            TlsStatus::NoHandshake
        } else if self.facts.version.is_none()
            && (master.is_some() || self.offers_tls13 == Some(false))
        {
            TlsStatus::NoServerHello
        } else if let Some(random) = random
            && !self.has_secrets(&random, keys)
        {
            TlsStatus::NoKeys
        } else {
            TlsStatus::Undecryptable
        }
    }

    /// Whether the keys have the secrets of both sides.
    pub(super) fn has_all_secrets(&self, keys: &mut Keys) -> bool {
        let Some(random) = &self.client_random else { return false };
        let mut has = |label| keys.find(random, label).is_some();
        let has_both = has(Label::ClientTraffic) && has(Label::ServerTraffic);
        has_both || has(Label::Master) || self.resumed_master(keys).is_some()
    }

    fn has_secrets(&self, random: &Random, keys: &mut Keys) -> bool {
        let labels = [Label::Master, Label::ClientTraffic, Label::ServerTraffic];
        labels.into_iter().any(|label| keys.find(random, label).is_some())
            || self.resumed_master(keys).is_some()
    }

    /// Takes the body of a ClientHello, as far as it was captured.
    pub(super) fn client_hello(&mut self, sender: usize, body: &[u8]) {
        let Some(hello) = ClientHello::parse(body).filter(|_| is_version(body)) else { return };
        let again = self.client_random == Some(hello.random);
        self.asked += u32::from(!again);
        self.client = Some(sender);
        self.client_random = Some(hello.random);
        self.offers_tls13 = Some(hello.offers_tls13);
        self.session_id = copied(hello.session_id).unwrap_or_default();
        self.ticket = copied(hello.ticket).unwrap_or_default();
        self.is_full_handshake = false;
        if let Some(name) = hello.server_name {
            self.facts.server_name = Some(owned(name));
        }
        // After a HelloRetryRequest there are no early data.
        self.early = match self.early {
            _ if hello.early_data && !again => EarlyData::Undecided,
            EarlyData::Undecided if again => EarlyData::Refused,
            early => early,
        };
    }

    /// Takes the body of a ServerHello, as far as it was captured.
    pub(super) fn server_hello(&mut self, sender: usize, body: &[u8]) {
        let Some(hello) = ServerHello::parse(body).filter(|_| is_version(body)) else { return };
        self.client = Some(1 - sender);
        let suite = Suite::of(hello.suite);
        let is_tls13 = hello.version == TLS13 || suite.is_some_and(|suite| suite.is_tls13);
        self.facts.version = Some(if is_tls13 { TLS13 } else { hello.version });
        self.facts.cipher = Some(hello.suite);
        self.suite = suite.filter(|suite| suite.is_tls13 == is_tls13);
        if self.early == EarlyData::Undecided && (hello.is_retry() || !is_tls13) {
            self.decide_early(false);
        }
        if hello.is_retry() {
            return;
        }
        self.round += 1;
        self.server_random = Some(hello.random);
        self.encrypt_then_mac = hello.encrypt_then_mac;
        self.server_session_id = copied(hello.session_id).unwrap_or_default();
        self.new_ticket = Vec::new();
        if is_tls13 {
            self.facts.resumed = Some(hello.pre_shared_key);
        }
        self.agree_on_protocol(hello.alpn);
    }

    /// Takes the body of EncryptedExtensions.
    pub(super) fn encrypted_extensions(&mut self, body: &[u8]) {
        let extensions = EncryptedExtensions::parse(body);
        self.agree_on_protocol(extensions.alpn);
        if self.early == EarlyData::Undecided {
            self.decide_early(extensions.early_data);
        }
    }

    fn agree_on_protocol(&mut self, name: Option<&[u8]>) {
        if let Some(name) = name.and_then(|name| std::str::from_utf8(name).ok()) {
            self.facts.alpn = Some(owned(name));
        }
    }

    /// Decides whether early data belong to the application's stream.
    pub(super) fn decide_early(&mut self, accepted: bool) {
        self.early = if accepted { EarlyData::Accepted } else { EarlyData::Refused };
        self.facts.early_data = accepted;
    }

    /// Notes where the secrets of the connection came from.
    pub(super) fn note_source(&mut self, source: KeySource) {
        self.facts.key_source.get_or_insert(match source {
            KeySource::KeyLog(_) => "key_log",
            KeySource::SecretsBlock => "secrets_block",
        });
    }

    /// Notes that the search for the number of a record was given up.
    pub(super) const fn note_search_given_up(&mut self) {
        self.searches_given_up += 1;
    }

    /// Reports the searches that were given up.
    #[expect(clippy::disallowed_macros, reason = "a number")]
    pub(super) fn report_searches(&mut self) {
        let count = std::mem::take(&mut self.searches_given_up);
        if count > 0 {
            let problem =
                format!("the next record was not found after {count} losses, in the time for it");
            let _ = self.facts.problems.try_push(problem);
        }
    }

    /// Notes a message that only a full handshake has.
    pub(super) fn note_full_handshake(&mut self) {
        self.is_full_handshake = true;
    }

    /// Notes that a side changes to the agreed keys (TLS 1.2).
    pub(super) fn note_change(&mut self) {
        self.facts.resumed.get_or_insert(!self.is_full_handshake);
    }

    /// Takes the ticket that the server gave the client (TLS 1.2).
    pub(super) fn ticket(&mut self, ticket: &[u8]) {
        self.new_ticket = copied(ticket).unwrap_or_default();
    }

    /// The master secret of the session that the server resumes.
    fn resumed_master(&self, keys: &Keys) -> Option<Secret> {
        let by_id = || keys.resumption.master(&self.session_id);
        let is_echoed = !self.session_id.is_empty() && self.session_id == self.server_session_id;
        by_id().filter(|_| is_echoed).or_else(|| keys.resumption.master(&self.ticket))
    }

    /// The master secret of the connection.
    pub(super) fn master(&self, keys: &mut Keys) -> Option<(Secret, Option<KeySource>)> {
        let stored = self.client_random.and_then(|random| keys.find(&random, Label::Master));
        match stored {
            Some(stored) => Some((stored.secret, Some(stored.source))),
            None => Some((self.resumed_master(keys)?, None)),
        }
    }

    /// What opens records of TLS 1.2 with this master secret, and the random of the client.
    pub(super) fn tls12_opener(
        &self,
        master: &Secret,
        client_random: &Random,
        from_client: bool,
    ) -> Option<Opener> {
        let (suite, server_random) = (self.suite?, self.server_random.as_ref()?);
        let with_mac = self.encrypt_then_mac;
        Opener::tls12(suite, master, client_random, server_random, from_client, with_mac)
    }

    /// Remembers by what the client may resume the session with this master secret.
    pub(super) fn remember_session(&self, master: Secret, keys: &mut Keys) {
        keys.resumption.remember(&self.server_session_id, master);
        keys.resumption.remember(&self.new_ticket, master);
    }
}

/// Whether a hello begins with a version, as each hello of TLS does. What is read as a hello by
/// mistake hardly does.
fn is_version(hello: &[u8]) -> bool {
    matches!(hello, [3, 0..=3, ..])
}

/// A copy of a text; empty where there is no memory.
fn owned(text: &str) -> String {
    copied(text.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}
