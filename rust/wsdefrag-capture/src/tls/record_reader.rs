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

use std::ops::{Range, RangeInclusive};

use crate::packet::Origin;
use crate::stream_part::{Gap, GapKind};
use crate::tls::hello::TLS13;
use crate::tls::keylog::Label;
use crate::tls::keys::Keys;
use crate::tls::negotiation::{EarlyData, Negotiation};
use crate::tls::opener::{Opened, Opener, explicit_nonce};
use crate::tls::record::{ContentType, Header};
use crate::tls::suite::{Cipher, Suite};
use crate::tls::trial::{self, Budget, Hit};
use crate::tls_facts::TlsStatus;

/// The fewest bytes of a record around its content, in any suite that is read.
const MIN_OVERHEAD: u64 = 21;
/// Generations of keys after the current one that are tried after a loss.
const GENERATIONS: usize = 2;
/// Records in a row that do not open, after which the number counts as uncertain.
const MAX_FAILURES: u32 = 2;
/// Numbers that are tried for a record in the middle of a connection, where they cannot be read.
const MAX_NUMBER: u64 = 4096;

/// Which keys records have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Epoch {
    Plain,
    Early,
    Handshake,
    Application,
}

/// Bytes after the last record that was opened, of which nothing is known but their number.
#[derive(Clone, Copy, Debug, Default)]
struct Loss {
    bytes: u64,
    before: Option<Origin>,
    after: Option<Origin>,
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
}

/// What became of a record.
pub(super) enum Outcome {
    Opened(Read),
    /// Its keys are not in the log, and may still come.
    NoKeys,
    Failed,
}

/// What it takes to open a record.
pub(super) struct Opening<'a> {
    pub(super) sender: usize,
    pub(super) negotiation: &'a mut Negotiation,
    pub(super) keys: &'a mut Keys,
    /// Takes the opened record.
    pub(super) scratch: &'a mut Vec<u8>,
}

/// Opens the records of one direction.
#[derive(Debug)]
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
    pub(super) const fn is_certain(&self) -> bool {
        self.opener.is_some() && self.loss.is_none()
    }

    /// Whether anything is missing since the last record that was opened.
    pub(super) const fn has_loss(&self) -> bool {
        self.loss.is_some()
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

    /// Notes bytes that were not captured, or not opened, before the next record.
    pub(super) fn lose(&mut self, bytes: u64, before: Option<Origin>, after: Option<Origin>) {
        if self.loss.is_none() {
            self.budget = Budget::per_loss();
        }
        let loss = self.loss.get_or_insert(Loss { before, ..Loss::default() });
        loss.bytes = loss.bytes.saturating_add(bytes);
        loss.after = after;
    }

    /// Notes that a gap follows, after which more work may be done.
    pub(super) fn note_gap(&mut self) {
        self.budget = Budget::per_loss();
    }

    /// Notes that a record did not open, although nothing of it is missing.
    pub(super) fn note_failure(&mut self) {
        self.failures += 1;
    }

    /// Passes over a record that was not opened. Returns the application's bytes that are missing
    /// because of it, if that is certain.
    pub(super) fn pass_over(
        &mut self,
        header: &Header,
        [before, after]: [Option<Origin>; 2],
    ) -> Option<Gap> {
        let suite = self.opener.as_ref().map(|opener| opener.suite());
        let Some(suite) = suite.filter(|_| self.loss.is_none() && self.failures <= MAX_FAILURES)
        else {
            self.lose(header.whole() as u64, before, after);
            return None;
        };
        self.next += 1;
        let has_data =
            self.epoch != Epoch::Handshake && header.content_type == ContentType::ApplicationData;
        let overhead = suite.overhead();
        let length = overhead.map_or(0, |overhead| header.whole().saturating_sub(overhead)) as u64;
        let kind = match overhead {
            Some(_) if suite.is_tls13 => GapKind::Likely,
            Some(_) => GapKind::Exact,
            None => GapKind::Unknown,
        };
        let is_gap = has_data && (length > 0 || kind == GapKind::Unknown);
        is_gap.then_some(Gap { length, kind, before, after })
    }

    /// The gap of what is missing, at the end.
    pub(super) fn take_loss(&mut self) -> Option<Gap> {
        let Loss { before, after, .. } = self.loss.take()?;
        Some(Gap { length: 0, kind: GapKind::Unknown, before, after })
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
            return self.opened(hit, body, None, opening);
        }
        if opening.negotiation.is_tls12() {
            self.open_tls12(header, body, opening)
        } else {
            self.open_tls13(header, body, opening)
        }
    }

    /// The numbers that a record may have under the current keys.
    fn numbers(&self) -> RangeInclusive<u64> {
        let lost = match &self.loss {
            _ if self.opener.is_none() && !self.has_begun => return 0..=u64::MAX,
            Some(loss) => loss.bytes / MIN_OVERHEAD + 1,
            None => 0,
        };
        self.next..=self.next.saturating_add(lost)
    }

    /// The numbers that a record may have under later keys.
    fn first_numbers(&self) -> RangeInclusive<u64> {
        let current = self.numbers();
        0..=*current.end() - *current.start()
    }

    #[cold]
    fn open_tls13(&mut self, header: &Header, body: &[u8], opening: &mut Opening<'_>) -> Outcome {
        let (numbers, first_numbers) = (self.numbers(), self.first_numbers());
        if let Some(opener) = &self.opener {
            let budget = &mut self.budget;
            if self.loss.is_some()
                && let Some(hit) =
                    trial::attempt(opener, &numbers, header, body, opening.scratch, budget)
            {
                return self.opened(hit, body, None, opening);
            }
            if self.epoch == Epoch::Application && self.loss.is_some() {
                let mut later = opener.next_generation();
                for _ in 0..GENERATIONS {
                    let Some(opener) = later.filter(|_| budget.make_opener()) else { break };
                    let hit = trial::attempt(
                        &opener,
                        &first_numbers,
                        header,
                        body,
                        opening.scratch,
                        budget,
                    );
                    if let Some(hit) = hit {
                        opening.negotiation.facts.key_updates += 1;
                        return self.opened(hit, body, Some((Epoch::Application, opener)), opening);
                    }
                    later = opener.next_generation();
                }
            }
        }
        let is_client = opening.negotiation.is_client(opening.sender);
        let mut has_secret = false;
        if let (Some(random), Some(from_client)) = (opening.negotiation.client_random, is_client) {
            for (epoch, label) in self.later_epochs(from_client) {
                let Some(stored) = opening.keys.find(&random, label) else { continue };
                has_secret |= epoch == Epoch::Application;
                for suite in suites(opening.negotiation, stored.secret.bytes().len()) {
                    let Some(opener) = Opener::tls13(suite, &stored.secret) else { continue };
                    let budget = &mut self.budget;
                    let scratch = &mut *opening.scratch;
                    if let Some(hit) =
                        trial::attempt(&opener, &first_numbers, header, body, scratch, budget)
                    {
                        opening.negotiation.note_source(stored.source);
                        return self.opened(hit, body, Some((epoch, opener)), opening);
                    }
                }
            }
        }
        if !has_secret && self.opener.is_none() {
            if let Some(outcome) = self.try_all_secrets(header, body, opening) {
                return outcome;
            }
            self.failed(opening);
            return Outcome::NoKeys;
        }
        self.failed(opening)
    }

    /// The epochs that may follow, and whose keys are not those of `opener`.
    fn later_epochs(&self, from_client: bool) -> impl Iterator<Item = (Epoch, Label)> + use<> {
        const CLIENT: [(Epoch, Label); 3] = [
            (Epoch::Early, Label::ClientEarly),
            (Epoch::Handshake, Label::ClientHandshake),
            (Epoch::Application, Label::ClientTraffic),
        ];
        const SERVER: [(Epoch, Label); 2] = [
            (Epoch::Handshake, Label::ServerHandshake),
            (Epoch::Application, Label::ServerTraffic),
        ];
        let (current, has_opener) = (self.epoch, self.opener.is_some());
        let epochs = if from_client { &CLIENT[..] } else { &SERVER[..] };
        epochs
            .iter()
            .copied()
            .filter(move |(epoch, _)| *epoch > current || (*epoch == current && !has_opener))
    }

    /// Tries the secrets of all connections: the hellos were not captured, or the log has the random
    /// of an encrypted ClientHello.
    fn try_all_secrets(
        &mut self,
        header: &Header,
        body: &[u8],
        opening: &mut Opening<'_>,
    ) -> Option<Outcome> {
        let count = opening.keys.len();
        if self.all_secrets.1 != count {
            self.all_secrets = (Budget::per_loss(), count);
        }
        let numbers = self.first_numbers();
        let is_client = opening.negotiation.is_client(opening.sender);
        for index in 0..count {
            let (budget, _) = &mut self.all_secrets;
            let stored = *opening.keys.since(index).first()?;
            let (epoch, from_client) = match stored.label {
                Label::Master => continue,
                Label::ClientEarly => (Epoch::Early, true),
                Label::ClientHandshake => (Epoch::Handshake, true),
                Label::ServerHandshake => (Epoch::Handshake, false),
                Label::ClientTraffic => (Epoch::Application, true),
                Label::ServerTraffic => (Epoch::Application, false),
            };
            if is_client.is_some_and(|is_client| is_client != from_client) || epoch < self.epoch {
                continue;
            }
            for suite in suites(opening.negotiation, stored.secret.bytes().len()) {
                if !budget.make_opener() {
                    return None;
                }
                let Some(opener) = Opener::tls13(suite, &stored.secret) else { continue };
                let most = if opener.reads_sequence() { u64::MAX } else { MAX_NUMBER };
                let numbers = 0..=most.min(*numbers.end());
                let scratch = &mut *opening.scratch;
                let hit = trial::attempt(&opener, &numbers, header, body, scratch, budget);
                let Some(hit) = hit else { continue };
                let client = if from_client { opening.sender } else { 1 - opening.sender };
                let negotiation = &mut *opening.negotiation;
                negotiation.client = Some(client);
                negotiation.client_random = Some(stored.random);
                negotiation.note_source(stored.source);
                return Some(self.opened(hit, body, Some((epoch, opener)), opening));
            }
        }
        None
    }

    #[cold]
    fn open_tls12(&mut self, header: &Header, body: &[u8], opening: &mut Opening<'_>) -> Outcome {
        let (numbers, first_numbers) = (self.numbers(), self.first_numbers());
        if let Some(opener) = self.opener.as_ref().filter(|_| self.loss.is_some()) {
            // Most senders count the nonces as they count the records.
            let likely = self.last_nonce.zip(explicit_nonce(body)).and_then(|(last, nonce)| {
                let lost = nonce.checked_sub(last)?.checked_sub(1)?;
                self.next.checked_add(lost)
            });
            let is_gcm = matches!(opener.suite().cipher, Cipher::Aes128Gcm | Cipher::Aes256Gcm);
            let likely = likely.filter(|number| is_gcm && numbers.contains(number));
            let scratch = &mut *opening.scratch;
            let by_nonce =
                likely.and_then(|number| trial::open(opener, number, header, body, scratch));
            let budget = &mut self.budget;
            let hit = by_nonce
                .or_else(|| trial::attempt(opener, &numbers, header, body, scratch, budget));
            if let Some(hit) = hit {
                return self.opened(hit, body, None, opening);
            }
        }
        let may_change = self.opener.is_none()
            || (self.loss.is_some() && self.round != opening.negotiation.round);
        let Some(from_client) =
            opening.negotiation.is_client(opening.sender).filter(|_| may_change)
        else {
            return self.failed(opening);
        };
        let Some(random) = opening.negotiation.client_random else {
            return self.try_all_masters(header, body, from_client, opening);
        };
        let Some((master, source)) = opening.negotiation.master(opening.keys) else {
            self.failed(opening);
            return Outcome::NoKeys;
        };
        let opener = opening.negotiation.tls12_opener(&master, &random, from_client);
        let Some(opener) = opener else { return self.failed(opening) };
        let (scratch, budget) = (&mut *opening.scratch, &mut self.budget);
        match trial::attempt(&opener, &first_numbers, header, body, scratch, budget) {
            Some(hit) => {
                opening.negotiation.remember_session(master, opening.keys);
                if let Some(source) = source {
                    opening.negotiation.note_source(source);
                }
                self.opened(hit, body, Some((Epoch::Application, opener)), opening)
            }
            None => self.failed(opening),
        }
    }

    /// Tries the master secrets of all connections: the ClientHello was not captured.
    fn try_all_masters(
        &mut self,
        header: &Header,
        body: &[u8],
        from_client: bool,
        opening: &mut Opening<'_>,
    ) -> Outcome {
        let count = opening.keys.len();
        if self.all_secrets.1 != count {
            self.all_secrets = (Budget::per_loss(), count);
        }
        let numbers = self.first_numbers();
        for index in 0..count {
            let (budget, _) = &mut self.all_secrets;
            let Some(stored) = opening.keys.since(index).first().copied() else { break };
            if stored.label != Label::Master {
                continue;
            }
            let (master, random) = (&stored.secret, &stored.random);
            let opener = opening.negotiation.tls12_opener(master, random, from_client);
            let Some(opener) = opener.filter(|_| budget.make_opener()) else { break };
            let scratch = &mut *opening.scratch;
            if let Some(hit) = trial::attempt(&opener, &numbers, header, body, scratch, budget) {
                opening.negotiation.client_random = Some(*random);
                opening.negotiation.note_source(stored.source);
                opening.negotiation.remember_session(*master, opening.keys);
                return self.opened(hit, body, Some((Epoch::Application, opener)), opening);
            }
        }
        self.failed(opening);
        Outcome::NoKeys
    }

    /// Goes on after a record that was opened, with other keys than before if they come with it.
    fn opened(
        &mut self,
        Hit { sequence, opened }: Hit,
        body: &[u8],
        changed: Option<(Epoch, Opener)>,
        opening: &mut Opening<'_>,
    ) -> Outcome {
        let negotiation = &mut *opening.negotiation;
        let gap = match self.loss.take() {
            None => None,
            Some(loss) => {
                negotiation.facts.found_by_trial += 1;
                self.missing(
                    &loss,
                    sequence,
                    changed.as_ref().map(|(epoch, _)| *epoch),
                    negotiation,
                )
            }
        };
        if let Some((epoch, opener)) = changed {
            negotiation.facts.status = TlsStatus::Ok;
            if opener.suite().is_tls13 && negotiation.suite.is_none() {
                negotiation.suite = Some(opener.suite());
                negotiation.facts.cipher = Some(opener.suite().number);
                negotiation.facts.version = Some(TLS13);
            }
            self.epoch = epoch;
            self.round = negotiation.round;
            self.opener = Some(boxed(opener));
        }
        self.next = sequence.saturating_add(1);
        self.failures = 0;
        let is_tls13 = self.opener.as_ref().is_some_and(|opener| opener.suite().is_tls13);
        self.last_nonce = if is_tls13 { None } else { explicit_nonce(body) };
        let Opened { content_type, content } = opened;
        Outcome::Opened(Read { content_type, content, epoch: self.epoch, gap })
    }

    /// The application's bytes that are missing before the record with this number. `changed` is the
    /// epoch of its keys, if they are other keys than before.
    fn missing(
        &self,
        loss: &Loss,
        sequence: u64,
        changed: Option<Epoch>,
        negotiation: &Negotiation,
    ) -> Option<Gap> {
        let Loss { bytes, before, after, .. } = *loss;
        let gap = |length, kind| Some(Gap { length, kind, before, after });
        let Some(epoch) = changed else {
            if self.epoch == Epoch::Handshake {
                return None;
            }
            let overhead = self.opener.as_ref().and_then(|opener| opener.suite().overhead());
            let length = overhead.and_then(|overhead| {
                let records = sequence.checked_sub(self.next).filter(|records| *records > 0)?;
                bytes.checked_sub(records.checked_mul(overhead as u64)?)
            });
            return match length {
                Some(length) => gap(length, GapKind::Likely),
                None => gap(0, GapKind::Unknown),
            };
        };
        // The first record under the last keys of a handshake of TLS 1.2 is Finished.
        let first = u64::from(!negotiation.is_tls13());
        let begins_here = match (self.epoch, epoch) {
            (Epoch::Early, _) => false,
            (Epoch::Plain, _) if negotiation.early != EarlyData::None => false,
            (_, Epoch::Handshake) => true,
            (Epoch::Application, Epoch::Application) if self.opener.is_some() => false,
            _ => sequence <= first,
        };
        if begins_here { None } else { gap(0, GapKind::Unknown) }
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

/// The suites of TLS 1.3 that a secret of `length` bytes may be for.
fn suites(
    negotiation: &Negotiation,
    length: usize,
) -> impl Iterator<Item = &'static Suite> + use<> {
    let agreed = negotiation.suite;
    Suite::tls13_of_secret(length)
        .filter(move |suite| agreed.is_none_or(|agreed| agreed.number == suite.number))
}

#[expect(clippy::disallowed_methods, reason = "some hundred bytes")]
fn boxed(opener: Opener) -> Box<Opener> {
    Box::new(opener)
}
