//! Opens a record whose sequence number is not certain.
//!
//! With AES-GCM of TLS 1.3 the number is read from the tag. Otherwise the numbers are tried in order:
//! few records are missing more often than many. Work is estimated and has a limit, because each
//! number costs as much as decryption.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use wsdefrag_core::fallible::TryGrow;

use crate::tls::opener::{Opened, Opener};
use crate::tls::record::Header;
use crate::tls::suite::Cipher;

/// Work for one loss, in nanoseconds.
const PER_LOSS: u64 = 4_000_000;
/// Less work than this is as good as none, in nanoseconds.
const LEAST: u64 = 100_000;
/// Generations of keys after the current one that are tried after a loss.
const GENERATIONS: u64 = 2;
/// Making an opener, in nanoseconds.
const MAKE_OPENER: u64 = 2_000;

/// What may still be done, in nanoseconds, as measured on usual machines.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Budget(u64);

impl Budget {
    pub(super) const fn per_loss() -> Self {
        Self(PER_LOSS)
    }

    /// For a trial of all secrets. If the random of the client is known, only an encrypted
    /// `ClientHello` has another one in the log, which is rare.
    pub(super) const fn for_all_secrets(random_is_known: bool) -> Self {
        Self(if random_is_known { PER_LOSS / 16 } else { PER_LOSS })
    }

    /// Whether nothing more may be done.
    pub(super) const fn is_spent(self) -> bool {
        self.0 < LEAST
    }

    /// Whether there was budget for this much work, which it is taken for.
    fn spend(&mut self, work: u64) -> bool {
        let is_left = self.0 >= work;
        self.0 = self.0.saturating_sub(work);
        is_left
    }

    /// Whether there was budget to make an opener.
    pub(super) fn make_opener(&mut self) -> bool {
        self.spend(MAKE_OPENER)
    }
}

/// A record that was opened.
pub(super) struct Hit {
    pub(super) sequence: u64,
    pub(super) opened: Opened,
}

/// Opens a record into a scratch buffer, with several keys or numbers. `body` is what follows the
/// header.
pub(super) struct Trial<'a> {
    pub(super) header: &'a Header,
    pub(super) body: &'a [u8],
    pub(super) scratch: &'a mut Vec<u8>,
    pub(super) budget: &'a mut Budget,
}

impl Trial<'_> {
    /// Opens the record as one of the numbers, while there is budget. A single number is always
    /// tried.
    pub(super) fn attempt(
        &mut self,
        opener: &Opener,
        numbers: &RangeInclusive<u64>,
    ) -> Option<Hit> {
        let Self { header, body, .. } = *self;
        let first = *numbers.start();
        if first == *numbers.end() {
            return open(opener, first, header, body, self.scratch);
        }
        if self.budget.is_spent() {
            return None;
        }
        let work = work(opener, body.len());
        if opener.reads_sequence() {
            if !self.budget.spend(work) {
                return None;
            }
            let sequence = opener.read_sequence(header, body)?;
            let is_possible = numbers.contains(&sequence);
            return if is_possible {
                open(opener, sequence, header, body, self.scratch)
            } else {
                None
            };
        }
        // Half of it is left for other keys, and for later records.
        let mut share = Budget(self.budget.0 / 2);
        let before = share.0;
        let mut tried = numbers.clone().take_while(|&number| share.spend(work) || number == first);
        let hit = tried.find_map(|sequence| open(opener, sequence, header, body, self.scratch));
        self.budget.spend(before - share.0);
        hit
    }

    /// Opens the record with the keys that follow after up to [`GENERATIONS`] updates. Returns the
    /// number of updates with it.
    pub(super) fn attempt_later(
        &mut self,
        opener: &Opener,
        numbers: &RangeInclusive<u64>,
    ) -> Option<(Hit, u64, Opener)> {
        let mut later = opener.next_generation();
        for generation in 1..=GENERATIONS {
            let opener = later.filter(|_| self.budget.make_opener())?;
            if let Some(hit) = self.attempt(&opener, numbers) {
                return Some((hit, generation, opener));
            }
            later = opener.next_generation();
        }
        None
    }
}

/// Opens a record into `scratch` as the one with this number.
pub(super) fn open(
    opener: &Opener,
    sequence: u64,
    header: &Header,
    body: &[u8],
    scratch: &mut Vec<u8>,
) -> Option<Hit> {
    scratch.clear();
    scratch.try_append(body).ok()?;
    opener.open(sequence, header, scratch).map(|opened| Hit { sequence, opened })
}

/// What it costs to try one number, in nanoseconds.
fn work(opener: &Opener, length: usize) -> u64 {
    let (once, per_byte) = match opener.suite().cipher {
        Cipher::Aes128Gcm | Cipher::Aes256Gcm => (200, 2),
        Cipher::ChaCha20Poly1305 => (250, 1),
        Cipher::Aes128Cbc | Cipher::Aes256Cbc => (500, 3),
    };
    let per_byte = length as u64 * per_byte;
    once + if opener.suite().cipher == Cipher::ChaCha20Poly1305 { per_byte } else { per_byte / 4 }
}
