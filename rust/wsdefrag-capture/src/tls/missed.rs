//! Connections that ended without keys, so that keys that come after them are not taken for none.
//!
//! - `bytes.len() <= MAX_CONNECTIONS`

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::checkpoint::sorted_map;
use crate::tls::hello::Random;
use serde::{Deserialize, Serialize};

/// Connections that are remembered, in about 300 KB. More are not.
const MAX_CONNECTIONS: usize = 1 << 12;

/// What was not read for want of keys.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Missed {
    /// Bytes of a connection, by the random of its ClientHello.
    #[serde(with = "sorted_map")]
    bytes: HashMap<Random, u64, RandomState>,
    /// Bytes of those whose keys have come.
    pub(crate) came_late: u64,
}

impl Missed {
    /// Takes note of a connection that ended without keys.
    #[expect(clippy::disallowed_methods, reason = "room was asked for before")]
    pub(crate) fn note(&mut self, random: Random, bytes: u64) {
        if self.bytes.len() < MAX_CONNECTIONS && self.bytes.try_reserve(1).is_ok() {
            self.bytes.insert(random, bytes);
        }
    }

    /// Adds those of other threads.
    pub(crate) fn join(&mut self, other: Self) {
        self.came_late += other.came_late;
        for (random, bytes) in other.bytes {
            self.note(random, bytes);
        }
    }

    /// Takes note of keys.
    pub(crate) fn keys_came(&mut self, random: &Random) {
        self.came_late += self.bytes.remove(random).unwrap_or(0);
    }
}
