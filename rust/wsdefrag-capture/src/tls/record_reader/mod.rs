//! Opens the records of one direction in order: which keys they have, and which numbers.
//!
//! ```text
//! Plain         records without encryption
//! Early         TLS 1.3: what a client sends before the server has answered
//! Handshake     TLS 1.3: the rest of the handshake
//! Application   from then on; in TLS 1.2 from the ChangeCipherSpec on
//! ```
//!
//! Each epoch has keys of its own, and the first record under them has the number 0. While nothing is
//! missing, keys and number are certain. After a loss the record may have any number that the missing
//! bytes allow, or be of a later epoch or generation of keys; whatever opens it is right, since the
//! tag proves it. If the hellos were not captured, the secrets of the log are tried.
//!
//! RFC 8446 sections 5.3, 7.2 and 7.3; RFC 5246 sections 6.1 and 7.1.
//!
//! - `loss` is `None` while the next record has the number `next`

mod loss;

use std::ops::Range;

use crate::packet::Origin;
use crate::stream_part::Gap;
use crate::tls::hello::TLS13;
use crate::tls::key_search::{Epoch, FoundKeys, KeySearch, NotFound, Opening, boxed, first_keys};
use crate::tls::negotiation::{EarlyData, Negotiation};
use crate::tls::opener::{Opened, Opener, explicit_nonce};
use crate::tls::record::{ContentType, Header};
use crate::tls::trial::{self, Budget, Hit};
use crate::tls_facts::TlsStatus;
use serde::{Deserialize, Serialize};

/// Bytes after the last record that was opened, of which nothing is known but their number.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Loss {
    bytes: u64,
    before: Option<Origin>,
    after: Option<Origin>,
    /// Whether they are more than whole records that did not open.
    has_gap: bool,
    /// Whether the search for the next number was given up.
    is_given_up: bool,
}

/// A record that was opened.
pub(super) struct Read {
    pub(super) content_type: ContentType,
    /// Where its content stands in the scratch buffer.
    pub(super) content: Range<usize>,
    /// The epoch that its keys are of.
    pub(super) epoch: Epoch,
    /// Bytes of the application that are missing before it.
    pub(super) gap: Option<Gap>,
    /// Whether it is the first record under its keys.
    pub(super) is_first: bool,
}

/// What became of a record.
pub(super) enum Outcome {
    Opened(Read),
    /// Its keys are not in the log, and may still come.
    NoKeys,
    Failed,
}

/// Opens the records of one direction.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RecordReader {
    pub(super) epoch: Epoch,
    /// Whether a record without encryption was read, so that the first encrypted one has yet to come.
    pub(super) has_begun: bool,
    opener: Option<Box<Opener>>,
    /// The number of the ServerHello that `opener` follows from (TLS 1.2).
    round: u32,
    /// The number of the next record, if nothing is missing.
    next: u64,
    loss: Option<Loss>,
    /// Records that were passed over since the last one that was opened; keys may have changed among
    /// them.
    passed: u64,
    /// Records in a row that did not open.
    failures: u32,
    /// The nonce of the last record that was opened (GCM of TLS 1.2).
    last_nonce: Option<u64>,
    budget: Budget,
    /// The budget for trials of all secrets in the log, and how many they were.
    all_secrets: (Budget, usize),
}

impl RecordReader {
    pub(super) const fn new() -> Self {
        Self {
            epoch: Epoch::Plain,
            has_begun: false,
            opener: None,
            round: 0,
            next: 0,
            loss: None,
            passed: 0,
            failures: 0,
            last_nonce: None,
            budget: Budget::per_loss(),
            all_secrets: (Budget::per_loss(), 0),
        }
    }

    /// The memory that it takes besides this value, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.opener.as_ref().map_or(0, |_| size_of::<Opener>())
    }

    /// Whether the keys and the number of the next record are certain.
    pub(super) fn is_certain(&self) -> bool {
        // Early data may end without a word.
        self.opener.is_some() && self.loss.is_none() && self.epoch != Epoch::Early
    }

    /// The keys and the number of the next record of application data, if they are certain.
    pub(super) fn certain(&self) -> Option<(&Opener, u64)> {
        let opener = self.opener.as_deref().filter(|_| self.loss.is_none())?;
        (self.epoch == Epoch::Application).then_some((opener, self.next))
    }

    /// Takes the first keys of the epoch, if the next record is the first one under them: to read it in
    /// parts. A whole record finds its keys by opening.
    pub(super) fn prepare(&mut self, opening: &mut Opening<'_>) {
        let is_first = self.opener.is_none() && self.loss.is_none() && self.next == 0;
        if is_first && self.epoch == Epoch::Application && self.passed == 0 {
            self.opener = first_keys(opening);
            self.round = opening.negotiation.round;
        }
    }

    /// Goes on after a record that was read in parts.
    pub(super) const fn skip(&mut self) {
        self.next += 1;
        self.passed += 1;
    }

    /// Whether anything is missing since the last record that was opened.
    pub(super) const fn has_loss(&self) -> bool {
        self.loss.is_some()
    }

    /// Whether the next record is the first one after a ChangeCipherSpec, and a hello that its keys come
    /// from has not been captured yet (TLS 1.2).
    pub(super) fn lacks_hello(&self, negotiation: &Negotiation) -> bool {
        let is_first = self.epoch == Epoch::Application && self.opener.is_none() && self.next == 0;
        let has_both = negotiation.round > self.round && negotiation.round == negotiation.asked;
        is_first && self.loss.is_none() && !has_both
    }

    /// Changes to the keys of another epoch, which begin with the next record.
    pub(super) fn begin(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.opener = None;
        self.next = 0;
        self.last_nonce = None;
        self.loss = None;
    }

    /// Changes to the next generation of keys (RFC 8446 section 4.6.3).
    pub(super) fn update_keys(&mut self) {
        let next = self.opener.as_ref().and_then(|opener| opener.next_generation());
        self.opener = next.map(boxed);
        self.next = 0;
    }

    /// Notes that a record did not open, although nothing of it is missing.
    pub(super) fn note_failure(&mut self) {
        self.failures += 1;
    }

    /// Opens a record into the scratch buffer. `body` is what follows the header.
    pub(super) fn open(
        &mut self,
        header: &Header,
        body: &[u8],
        opening: &mut Opening<'_>,
    ) -> Outcome {
        if opening.negotiation.is_foreign() {
            return self.failed(opening);
        }
        // The usual case.
        if let Some(opener) = &self.opener
            && self.loss.is_none()
            && let Some(hit) = trial::open(opener, self.next, header, body, opening.scratch)
        {
            return self.opened(hit, body, FoundKeys::Current, opening);
        }
        self.search(header, body, opening)
    }

    /// Opens a record with whatever keys and number it may have.
    #[cold]
    fn search(&mut self, header: &Header, body: &[u8], opening: &mut Opening<'_>) -> Outcome {
        let (numbers, first_numbers) = (self.numbers(), self.first_numbers());
        // Most senders of TLS 1.2 count the nonces as they count the records.
        let likely = self.last_nonce.zip(explicit_nonce(body)).and_then(|(last, nonce)| {
            let lost = nonce.checked_sub(last)?.checked_sub(1)?;
            self.next.checked_add(lost)
        });
        let search = KeySearch {
            epoch: self.epoch,
            current: self.opener.as_deref(),
            may_change: self.opener.is_none() || self.round != opening.negotiation.round,
            has_loss: self.loss.is_some(),
            likely: likely.filter(|number| numbers.contains(number)),
            numbers,
            first_numbers,
            budget: &mut self.budget,
            all_secrets: &mut self.all_secrets,
            header,
            body,
        };
        let found = if opening.negotiation.is_tls12() {
            search.tls12(opening)
        } else {
            search.tls13(opening)
        };
        match found {
            Ok((hit, keys)) => self.opened(hit, body, keys, opening),
            Err(NotFound::NoKeys) => {
                self.failed(opening);
                Outcome::NoKeys
            }
            Err(NotFound::Failed) => self.failed(opening),
        }
    }

    /// Goes on after a record that was opened, with other keys than before if they come with it.
    fn opened(
        &mut self,
        Hit { sequence, opened }: Hit,
        body: &[u8],
        keys: FoundKeys,
        opening: &mut Opening<'_>,
    ) -> Outcome {
        let negotiation = &mut *opening.negotiation;
        let has_gap = self.loss.as_ref().is_some_and(|loss| loss.has_gap);
        let gap = match self.loss.take() {
            None => None,
            Some(loss) => {
                negotiation.facts.found_by_trial += 1;
                self.missing(&loss, sequence, &keys, negotiation)
            }
        };
        if let FoundKeys::New { epoch, generation, opener } = keys {
            negotiation.facts.key_updates += generation;
            // Only early data that were accepted have an end, which leads to the next epoch.
            let had_early_data = self.epoch == Epoch::Early && epoch > Epoch::Early;
            if had_early_data && negotiation.early == EarlyData::Undecided && !has_gap {
                negotiation.decide_early(false);
            }
            if opener.suite().is_tls13 && negotiation.suite.is_none() {
                negotiation.suite = Some(opener.suite());
                negotiation.facts.cipher = Some(opener.suite().number);
                negotiation.facts.version = Some(TLS13);
            }
            self.epoch = epoch;
            self.round = negotiation.round;
            self.opener = Some(opener);
        }
        if self.epoch == Epoch::Application {
            negotiation.facts.status = TlsStatus::Ok;
        }
        self.next = sequence.saturating_add(1);
        self.failures = 0;
        self.passed = 0;
        let is_tls13 = self.opener.as_ref().is_some_and(|opener| opener.suite().is_tls13);
        self.last_nonce = if is_tls13 { None } else { explicit_nonce(body) };
        let Opened { content_type, content } = opened;
        Outcome::Opened(Read {
            content_type,
            content,
            epoch: self.epoch,
            gap,
            is_first: sequence == 0,
        })
    }

    /// Notes that a record was not opened.
    fn failed(&mut self, opening: &mut Opening<'_>) -> Outcome {
        let Opening { negotiation, keys, .. } = opening;
        if negotiation.facts.status != TlsStatus::Ok {
            negotiation.facts.status = negotiation.failure(keys);
        }
        if let Some(loss) = self.loss.as_mut().filter(|loss| !loss.is_given_up)
            && self.opener.is_some()
            && self.budget.is_spent()
        {
            loss.is_given_up = true;
            negotiation.note_search_given_up();
        }
        Outcome::Failed
    }
}
