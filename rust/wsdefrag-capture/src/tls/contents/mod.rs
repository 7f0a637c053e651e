//! What the records of one direction hold: opens them, gives out application data, and takes handshake
//! messages.
//!
//! ```text
//! plain or encrypted record -> application data   given out
//!                              handshake message  changes the negotiation, or the keys
//!                              anything else      counted
//! ```
//!
//! Early data are held until it is known whether the server accepts them (`early_data`). Records of which
//! bytes are missing are taken part by part (`damaged`).
//!
//! RFC 8446 sections 4 and 5, RFC 5246 sections 6 and 7.

mod damaged;
mod early_data;

use crate::checkpoint::side;
use crate::packet::Origin;
use crate::stream_part::{Gap, StreamPart};
use crate::tls::early_records::EarlyRecords;
use crate::tls::handshake::MessageType;
use crate::tls::key_changes::take_message;
use crate::tls::key_search::{Epoch, Opening};
use crate::tls::keylog::Label;
use crate::tls::messages::Messages;
use crate::tls::negotiation::{EarlyData, Negotiation};
use crate::tls::partial_record::PartialRecord;
use crate::tls::record::{ContentType, Header};
use crate::tls::record_reader::{Outcome, Read, RecordReader};
use crate::tls::tools::{Tools, Waiting};
use crate::tls_facts::{TlsAccount, TlsStatus};
use serde::{Deserialize, Serialize};

/// What became of a record.
pub(super) enum Verdict {
    Taken,
    /// A candidate that is no record.
    Rejected,
    Waits(Waiting),
}

/// Takes the records of one direction.
#[derive(Serialize, Deserialize)]
pub(super) struct Contents {
    #[serde(deserialize_with = "side::side")]
    sender: usize,
    pub(super) reader: RecordReader,
    messages: Messages,
    pub(super) account: TlsAccount,
    /// The application's bytes that are missing before those that are given out next.
    gap: Option<Gap>,
    /// Whether anything was given out.
    pub(super) has_given: bool,
    /// The packet with the last byte taken.
    pub(super) last: Option<Origin>,
    /// The current record, if bytes of it are missing and the others are given out.
    partial: Option<PartialRecord>,
    /// Records of early data, until it is known whether they count.
    early: EarlyRecords,
    /// Bytes of records that did not open and may be of the handshake.
    unopened_handshake: u64,
}

impl Contents {
    pub(super) fn new(sender: usize) -> Self {
        Self {
            sender,
            reader: RecordReader::new(),
            messages: Messages::default(),
            account: TlsAccount::default(),
            gap: None,
            has_given: false,
            last: None,
            partial: None,
            early: EarlyRecords::default(),
            unopened_handshake: 0,
        }
    }

    /// Bytes of records that are held and not counted.
    pub(super) const fn held(&self) -> u64 {
        self.early.bytes()
    }

    /// The memory that it takes besides this value, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.messages.bytes_held() + self.reader.bytes_held() + self.early.bytes_held()
    }

    /// Whether a record is encrypted.
    pub(super) fn is_encrypted(&self, header: &Header, negotiation: &Negotiation) -> bool {
        header.content_type == ContentType::ApplicationData
            || (self.reader.epoch > Epoch::Early && !negotiation.is_tls13())
    }

    /// Takes a whole record; `body` is what follows its header. A record that is not certain has to
    /// prove that it is one.
    pub(super) fn record(
        &mut self,
        header: &Header,
        body: &[u8],
        origin: Origin,
        is_certain: bool,
        tools: &mut Tools<'_>,
    ) -> Verdict {
        let is_encrypted = self.is_encrypted(header, tools.negotiation);
        // The ChangeCipherSpec of TLS 1.2 may be missing.
        let may_be_encrypted = tools.negotiation.is_tls12() && self.reader.has_loss();
        if tools.may_wait.for_hello && self.lacks_hello(header, tools) {
            return Verdict::Waits(Waiting::Hello);
        }
        if !is_encrypted && !may_be_encrypted {
            return self.plain_record(header, body, is_certain, tools);
        }
        if self.must_wait_for_client(tools) {
            return Verdict::Waits(Waiting::Client);
        }
        let mut opening = Opening {
            sender: self.sender,
            negotiation: tools.negotiation,
            keys: tools.keys,
            scratch: tools.scratch,
        };
        match self.reader.open(header, body, &mut opening) {
            Outcome::Opened(read) => {
                self.opened(header, read, origin, tools);
                Verdict::Taken
            }
            _ if !is_encrypted => self.plain_record(header, body, is_certain, tools),
            Outcome::NoKeys if tools.may_wait.for_keys => Verdict::Waits(Waiting::Keys),
            _ if !is_certain => Verdict::Rejected,
            Outcome::NoKeys | Outcome::Failed => {
                self.unopened(header, origin, tools);
                Verdict::Taken
            }
        }
    }

    /// Whether a record cannot be opened whatever it is: it is encrypted, and there are no keys at all.
    pub(super) fn is_closed(&self, header: &Header, tools: &mut Tools<'_>) -> bool {
        let Tools { negotiation, keys, .. } = tools;
        let is_closed = keys.is_empty() && !keys.may_grow && self.is_encrypted(header, negotiation);
        if is_closed && negotiation.facts.status != TlsStatus::Ok {
            negotiation.facts.status = negotiation.failure(keys);
        }
        is_closed
    }

    /// Whether the server's answer to early data cannot be read.
    fn must_wait_for_client(&self, tools: &mut Tools<'_>) -> bool {
        let Tools { negotiation, keys, .. } = tools;
        let random = negotiation.client_random;
        negotiation.early == EarlyData::Undecided
            && negotiation.is_client(self.sender) == Some(false)
            && random.is_some_and(|random| keys.find(&random, Label::ServerHandshake).is_none())
    }

    /// Whether the keys of this record, or those that begin after it, come from a hello that has not
    /// been captured yet (TLS 1.2).
    fn lacks_hello(&self, header: &Header, tools: &mut Tools<'_>) -> bool {
        let Tools { negotiation, keys, .. } = tools;
        if self.reader.epoch == Epoch::Plain {
            // The change to the first keys.
            let random = negotiation.client_random;
            return header.content_type == ContentType::ChangeCipherSpec
                && !self.reader.has_loss()
                && negotiation.facts.version.is_none()
                && random.is_some_and(|random| keys.find(&random, Label::Master).is_some());
        }
        negotiation.is_tls12() && self.reader.lacks_hello(negotiation)
    }

    /// Takes a record without encryption.
    fn plain_record(
        &mut self,
        header: &Header,
        body: &[u8],
        is_certain: bool,
        tools: &mut Tools<'_>,
    ) -> Verdict {
        if !is_certain && !is_plausible(header, body) {
            return Verdict::Rejected;
        }
        self.reader.has_begun = true;
        let whole = header.whole() as u64;
        match header.content_type {
            ContentType::Handshake => {
                self.account.handshake += whole;
                self.handshake_content(body, tools);
            }
            ContentType::ChangeCipherSpec => {
                self.account.handshake += whole;
                self.change_cipher(tools);
            }
            _ => self.account.handshake += whole,
        }
        Verdict::Taken
    }

    /// Passes over a record that does not open.
    fn unopened(&mut self, header: &Header, origin: Origin, tools: &mut Tools<'_>) {
        self.account.undecryptable += header.whole() as u64;
        if self.reader.epoch < Epoch::Application {
            self.unopened_handshake += header.whole() as u64;
        }
        if self.reader.is_certain() {
            let facts = &mut tools.negotiation.facts;
            facts.bad_tags += 1;
            facts.first_bad_tag.get_or_insert(origin);
        }
        self.reader.note_failure();
        let gap = self.reader.pass_over(header, [self.last, Some(origin)]);
        self.add_gap(gap);
    }

    /// Takes the content of a record.
    fn opened(&mut self, header: &Header, read: Read, origin: Origin, tools: &mut Tools<'_>) {
        let Read { content_type, content, epoch, gap, is_first } = read;
        self.add_gap(gap);
        if epoch == Epoch::Application && self.unopened_handshake > 0 {
            // Without secrets for it, only its end tells what was the handshake.
            let handshake = std::mem::take(&mut self.unopened_handshake);
            if is_first {
                self.account.undecryptable -= handshake;
                self.account.handshake += handshake;
            }
        }
        let whole = header.whole() as u64;
        let scratch = std::mem::take(tools.scratch);
        let content = &scratch[content];
        match content_type {
            ContentType::ApplicationData if epoch == Epoch::Early => {
                self.early_data(content, origin, whole, tools);
            }
            ContentType::ApplicationData => self.give(content, origin, whole, tools),
            ContentType::Handshake => {
                self.account.handshake += whole;
                self.handshake_content(content, tools);
            }
            ContentType::ChangeCipherSpec => {
                self.account.handshake += whole;
                self.change_cipher(tools);
            }
            ContentType::Alert | ContentType::Other(_) => self.account.handshake += whole,
        }
        *tools.scratch = scratch;
    }

    /// Gives out bytes of the application, of a record of `whole` bytes.
    fn give(&mut self, content: &[u8], origin: Origin, whole: u64, tools: &mut Tools<'_>) {
        self.account.application += content.len() as u64;
        self.account.overhead += whole - content.len() as u64;
        if content.is_empty() {
            return;
        }
        self.has_given = true;
        if let Some(gap) = self.gap.take() {
            (tools.out)(self.sender, StreamPart::Gap(gap));
        }
        (tools.out)(self.sender, StreamPart::Data(content, origin));
    }

    pub(super) fn add_gap(&mut self, gap: Option<Gap>) {
        if let Some(gap) = gap {
            self.gap = Some(self.gap.map_or(gap, |before| before.join(gap)));
        }
    }

    /// Changes to the agreed keys (TLS 1.2). In TLS 1.3 a ChangeCipherSpec means nothing.
    fn change_cipher(&mut self, tools: &mut Tools<'_>) {
        if tools.negotiation.is_tls12() {
            tools.negotiation.note_change();
            self.reader.begin(Epoch::Application);
        }
    }

    /// Takes the content of a record with handshake messages.
    pub(super) fn handshake_content(&mut self, mut content: &[u8], tools: &mut Tools<'_>) {
        let mut messages = std::mem::take(&mut self.messages);
        while let Some(message) = messages.next(&mut content) {
            take_message(&message, self.sender, &mut self.reader, tools.negotiation);
        }
        self.messages = messages;
    }

    /// Takes what was captured of a handshake message whose end was not.
    pub(super) fn end_messages(&mut self, tools: &mut Tools<'_>) {
        let mut messages = std::mem::take(&mut self.messages);
        if self.reader.epoch == Epoch::Plain
            && let Some(message) = messages.unfinished()
            && matches!(message.message_type, MessageType::ClientHello | MessageType::ServerHello)
        {
            take_message(&message, self.sender, &mut self.reader, tools.negotiation);
        }
        messages.reset();
        self.messages = messages;
    }

    /// Ends the stream. `gives` tells whether the application gets to know what is missing at the
    /// end.
    pub(super) fn finish(&mut self, gives: bool, tools: &mut Tools<'_>) {
        let gap = self.reader.take_loss();
        self.add_gap(gap);
        if let Some(gap) = self.gap.take().filter(|_| gives) {
            (tools.out)(self.sender, StreamPart::Gap(Gap { after: None, ..gap }));
        }
    }
}

/// Whether a candidate may be a record without encryption: a hello, or a ChangeCipherSpec.
fn is_plausible(header: &Header, body: &[u8]) -> bool {
    matches!(
        (header.content_type, body),
        (ContentType::ChangeCipherSpec, [1])
            | (ContentType::Handshake, [1 | 2, 0, _, _, 3, 0..=3, ..])
    )
}
