//! The master secrets of TLS 1.2 sessions that may be resumed, by session id and by ticket.
//!
//! A key log has no line for a resumed handshake if the program that wrote it logs only full ones.
//! RFC 5246 section 7.4.1.2 (session ids), RFC 5077 (tickets).
//!
//! - `masters.len() <= MAX_SESSIONS`

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::RandomState;
use sha2::{Digest, Sha256};

use crate::checkpoint::sorted_map;
use crate::tls::secret::Secret;
use serde::{Deserialize, Serialize};

/// Sessions that are remembered, in about 9 MB. More are dropped.
const MAX_SESSIONS: usize = 1 << 16;

/// The masters of sessions, by what a client resumes them with.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Resumption {
    /// By the SHA-256 of a session id or a ticket, because tickets are long.
    #[serde(with = "sorted_map")]
    masters: HashMap<[u8; 32], Secret, RandomState>,
}

impl Resumption {
    /// Remembers the master of the session with this id or ticket; an empty one means none.
    #[expect(clippy::disallowed_methods, reason = "room was asked for before")]
    pub(crate) fn remember(&mut self, name: &[u8], master: Secret) {
        let has_room = self.masters.len() < MAX_SESSIONS && self.masters.try_reserve(1).is_ok();
        if !name.is_empty() && has_room {
            self.masters.insert(Sha256::digest(name).into(), master);
        }
    }

    /// The master of the session with this id or ticket.
    pub(crate) fn master(&self, name: &[u8]) -> Option<Secret> {
        if name.is_empty() {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(name).into();
        self.masters.get(&digest).copied()
    }
}

impl fmt::Debug for Resumption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Resumption")
    }
}
