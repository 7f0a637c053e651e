//! Finds the keys of a record, where they are not certain.
//!
//! ```text
//! TLS 1.3   the current keys, later generations of them, later epochs, at last all secrets of the log
//! TLS 1.2   the current keys, then those that were agreed on last
//! ```
//!
//! Whatever opens the record is right, since its tag or its MAC proves it. If a hello was not
//! captured, it is not known which connection of the log this is, so the secrets of all are tried.
//!
//! RFC 8446 section 7.2 and 7.3, RFC 5246 section 6.3.

use std::ops::RangeInclusive;

use crate::tls::keylog::Label;
use crate::tls::keys::{Keys, Stored};
use crate::tls::negotiation::Negotiation;
use crate::tls::opener::Opener;
use crate::tls::record::Header;
use crate::tls::suite::Suite;
use crate::tls::trial::{self, Budget, Hit, Trial};
use serde::{Deserialize, Serialize};

/// Numbers that are tried for a record in the middle of a connection, where they cannot be read.
const MAX_NUMBER: u64 = 4096;

/// Which keys records have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Epoch {
    Plain,
    Early,
    Handshake,
    Application,
}

/// What it takes to open a record.
pub(super) struct Opening<'a> {
    pub(super) sender: usize,
    pub(super) negotiation: &'a mut Negotiation,
    pub(super) keys: &'a mut Keys,
    /// Takes the opened record.
    pub(super) scratch: &'a mut Vec<u8>,
}

/// The keys that opened a record.
pub(super) enum FoundKeys {
    Current,
    /// Those of an epoch, after `generation` updates.
    New {
        epoch: Epoch,
        generation: u64,
        opener: Box<Opener>,
    },
}

impl FoundKeys {
    /// The first keys of an epoch.
    fn first(epoch: Epoch, opener: Opener) -> Self {
        Self::New { epoch, generation: 0, opener: boxed(opener) }
    }
}

/// Why a record was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotFound {
    /// Its keys are not in the log.
    NoKeys,
    Failed,
}

type Result = std::result::Result<(Hit, FoundKeys), NotFound>;

/// A record, and what is known of its keys and its number.
pub(super) struct KeySearch<'a> {
    /// The epoch of the current keys, or of the keys that have yet to be found.
    pub(super) epoch: Epoch,
    pub(super) current: Option<&'a Opener>,
    /// Whether other keys have been agreed on since the current ones (TLS 1.2).
    pub(super) may_change: bool,
    /// Whether the current keys or the number are not certain.
    pub(super) has_loss: bool,
    /// The number that the record's nonce suggests (TLS 1.2).
    pub(super) likely: Option<u64>,
    /// The numbers that the record may have under the current keys.
    pub(super) numbers: RangeInclusive<u64>,
    /// The numbers that it may have under later keys.
    pub(super) first_numbers: RangeInclusive<u64>,
    pub(super) budget: &'a mut Budget,
    /// The budget for trials of all secrets in the log, and how many they were.
    pub(super) all_secrets: &'a mut (Budget, usize),
    pub(super) header: &'a Header,
    /// What follows the header.
    pub(super) body: &'a [u8],
}

impl KeySearch<'_> {
    /// Opens a record of TLS 1.3.
    pub(super) fn tls13(self, opening: &mut Opening<'_>) -> Result {
        let Opening { sender, negotiation, keys, scratch } = opening;
        let Self { header, body, .. } = self;
        let mut trial = Trial { header, body, scratch, budget: self.budget };
        if let Some(opener) = self.current {
            if self.has_loss
                && let Some(hit) = trial.attempt(opener, &self.numbers)
            {
                return Ok((hit, FoundKeys::Current));
            }
            if self.epoch == Epoch::Application
                && let Some(found) = trial.attempt_later(opener, &self.first_numbers)
            {
                return Ok(later(found));
            }
        }
        let from_client = negotiation.is_client(*sender);
        let mut has_secret = false;
        if let (Some(random), Some(from_client)) = (negotiation.client_random, from_client) {
            for (epoch, label) in later_epochs(self.epoch, self.current.is_some(), from_client) {
                let Some(stored) = keys.find(&random, label) else { continue };
                has_secret |= epoch == Epoch::Application;
                for suite in suites(negotiation, stored.secret.bytes().len()) {
                    let Some(opener) = Opener::tls13(suite, &stored.secret) else { continue };
                    let found = match trial.attempt(&opener, &self.first_numbers) {
                        Some(hit) => (hit, FoundKeys::first(epoch, opener)),
                        None if epoch == Epoch::Application && self.has_loss => {
                            let found = trial.attempt_later(&opener, &self.first_numbers);
                            let Some(found) = found else { continue };
                            later(found)
                        }
                        None => continue,
                    };
                    negotiation.note_source(stored.source);
                    return Ok(found);
                }
            }
        }
        if has_secret || self.current.is_some() {
            return Err(NotFound::Failed);
        }
        let first_numbers = self.first_numbers;
        let budget = budget_for_all(self.all_secrets, negotiation, keys);
        let trial = Trial { budget, ..trial };
        try_all_secrets(trial, self.epoch, &first_numbers, *sender, negotiation, keys)
            .ok_or(NotFound::NoKeys)
    }

    /// Opens a record of TLS 1.2.
    pub(super) fn tls12(self, opening: &mut Opening<'_>) -> Result {
        let Opening { sender, negotiation, keys, scratch } = opening;
        let Self { header, body, .. } = self;
        if let Some(opener) = self.current.filter(|_| self.has_loss) {
            let is_gcm = opener.has_explicit_nonce();
            let by_nonce = self
                .likely
                .filter(|_| is_gcm)
                .and_then(|number| trial::open(opener, number, header, body, scratch));
            let mut trial = Trial { header, body, scratch, budget: self.budget };
            if let Some(hit) = by_nonce.or_else(|| trial.attempt(opener, &self.numbers)) {
                return Ok((hit, FoundKeys::Current));
            }
        }
        let may_change = self.current.is_none() || (self.has_loss && self.may_change);
        let from_client = negotiation.is_client(*sender).filter(|_| may_change);
        let from_client = from_client.ok_or(NotFound::Failed)?;
        let epoch = Epoch::Application;
        if let Some(random) = negotiation.client_random {
            let (master, source) = negotiation.master(keys).ok_or(NotFound::NoKeys)?;
            let opener = negotiation.tls12_opener(&master, &random, from_client);
            let opener = opener.ok_or(NotFound::Failed)?;
            let mut trial = Trial { header, body, scratch, budget: self.budget };
            let hit = trial.attempt(&opener, &self.first_numbers).ok_or(NotFound::Failed)?;
            negotiation.remember_session(master, keys);
            if let Some(source) = source {
                negotiation.note_source(source);
            }
            return Ok((hit, FoundKeys::first(epoch, opener)));
        }
        let budget = budget_for_all(self.all_secrets, negotiation, keys);
        let mut trial = Trial { header, body, scratch, budget };
        let found = keys.since(0).iter().filter(|stored| stored.label == Label::Master);
        let found = found.map_while(|stored| {
            let Stored { secret, random, .. } = stored;
            let opener = negotiation.tls12_opener(secret, random, from_client)?;
            trial.budget.make_opener().then(|| {
                let hit = trial.attempt(&opener, &self.first_numbers)?;
                Some((*stored, hit, opener))
            })
        });
        let (stored, hit, opener) = found.flatten().next().ok_or(NotFound::NoKeys)?;
        negotiation.client_random = Some(stored.random);
        negotiation.note_source(stored.source);
        negotiation.remember_session(stored.secret, keys);
        Ok((hit, FoundKeys::first(epoch, opener)))
    }
}

/// The budget for trials of all secrets, which begins anew when there are more of them.
fn budget_for_all<'a>(
    (budget, secrets): &'a mut (Budget, usize),
    negotiation: &Negotiation,
    keys: &Keys,
) -> &'a mut Budget {
    if *secrets != keys.len() {
        let random_is_known = negotiation.client_random.is_some();
        (*budget, *secrets) = (Budget::for_all_secrets(random_is_known), keys.len());
    }
    budget
}

/// Tries the secrets of all connections, for a record of this epoch or a later one.
fn try_all_secrets(
    mut trial: Trial<'_>,
    least: Epoch,
    numbers: &RangeInclusive<u64>,
    sender: usize,
    negotiation: &mut Negotiation,
    keys: &Keys,
) -> Option<(Hit, FoundKeys)> {
    let is_client = negotiation.is_client(sender);
    for (pass, low, high) in PASSES {
        for stored in keys.since(0) {
            let (epoch, from_client) = match stored.label {
                Label::Master => continue,
                Label::ClientEarly => (Epoch::Early, true),
                Label::ClientHandshake => (Epoch::Handshake, true),
                Label::ServerHandshake => (Epoch::Handshake, false),
                Label::ClientTraffic => (Epoch::Application, true),
                Label::ServerTraffic => (Epoch::Application, false),
            };
            if is_client.is_some_and(|is_client| is_client != from_client) || epoch < least {
                continue;
            }
            for suite in suites(negotiation, stored.secret.bytes().len()) {
                if !pass.is_for(suite, epoch) {
                    continue;
                }
                if !trial.budget.make_opener() {
                    return None;
                }
                let Some(opener) = Opener::tls13(suite, &stored.secret) else { continue };
                let numbers = low..=high.min(*numbers.end());
                if numbers.is_empty() {
                    continue;
                }
                let found = if pass == Pass::Updated {
                    trial.attempt_later(&opener, &numbers).map(later)
                } else {
                    let hit = trial.attempt(&opener, &numbers);
                    hit.map(|hit| (hit, FoundKeys::first(epoch, opener)))
                };
                let Some(found) = found else { continue };
                negotiation.client = Some(if from_client { sender } else { 1 - sender });
                negotiation.client_random = Some(stored.random);
                negotiation.note_source(stored.source);
                return Some(found);
            }
        }
    }
    None
}

/// What is done with all secrets, one pass after the other, and the numbers that are tried. Trials of
/// many numbers with one secret would leave no budget for those at the end of a log.
const PASSES: [(Pass, u64, u64); 5] = [
    (Pass::Read, 0, u64::MAX),
    (Pass::Updated, 0, u64::MAX),
    (Pass::Tried, 0, 7),
    (Pass::Tried, 8, 127),
    (Pass::Tried, 128, MAX_NUMBER),
];

/// What is done with a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Open with the number that the tag gives.
    Read,
    /// The same with the keys that follow after updates.
    Updated,
    /// Open with each number in turn.
    Tried,
}

impl Pass {
    fn is_for(self, suite: &Suite, epoch: Epoch) -> bool {
        let is_read = suite.reads_sequence();
        match self {
            Self::Read => is_read,
            Self::Updated => is_read && epoch == Epoch::Application,
            Self::Tried => !is_read,
        }
    }
}

fn later((hit, generation, opener): (Hit, u64, Opener)) -> (Hit, FoundKeys) {
    (hit, FoundKeys::New { epoch: Epoch::Application, generation, opener: boxed(opener) })
}

/// The first keys of application data in TLS 1.3.
pub(super) fn first_keys(opening: &mut Opening<'_>) -> Option<Box<Opener>> {
    let Opening { sender, negotiation, keys, .. } = opening;
    let is_client = negotiation.is_client(*sender)?;
    let label = if is_client { Label::ClientTraffic } else { Label::ServerTraffic };
    let stored = keys.find(&negotiation.client_random?, label)?;
    let opener = Opener::tls13(negotiation.suite?, &stored.secret)?;
    negotiation.note_source(stored.source);
    Some(boxed(opener))
}

/// The epochs that may follow, and the labels of their secrets; the current one is among them if its
/// keys have yet to be found.
fn later_epochs(
    current: Epoch,
    has_keys: bool,
    from_client: bool,
) -> impl Iterator<Item = (Epoch, Label)> {
    const CLIENT: &[(Epoch, Label)] = &[
        (Epoch::Early, Label::ClientEarly),
        (Epoch::Handshake, Label::ClientHandshake),
        (Epoch::Application, Label::ClientTraffic),
    ];
    const SERVER: &[(Epoch, Label)] =
        &[(Epoch::Handshake, Label::ServerHandshake), (Epoch::Application, Label::ServerTraffic)];
    let epochs = if from_client { CLIENT } else { SERVER };
    epochs
        .iter()
        .copied()
        .filter(move |(epoch, _)| *epoch > current || (*epoch == current && !has_keys))
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
pub(super) fn boxed(opener: Opener) -> Box<Opener> {
    Box::new(opener)
}
