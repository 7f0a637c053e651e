//! The master secrets of TLS 1.2 sessions that may be resumed, by session id and by ticket.
//!
//! A key log has no line for a resumed handshake if the program that wrote it logs only full ones.
//! RFC 5246 section 7.4.1.2 (session ids), RFC 5077 (tickets).
//!
//! - `masters.len() <= MAX_SESSIONS`

#![expect(
    clippy::disallowed_methods,
    reason = "room was asked for before; what one batch looks up; as many as threads had"
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use foldhash::fast::RandomState;
use sha2::{Digest, Sha256};

use crate::checkpoint::sorted_map;
use crate::threads::report::Sessions;
use crate::tls::secret::Secret;
use serde::{Deserialize, Serialize};

/// Sessions that are remembered, in about 9 MB. More are dropped.
pub(crate) const MAX_SESSIONS: usize = 1 << 16;

/// The masters of sessions, by what a client resumes them with.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Resumption {
    /// By the SHA-256 of a session id or a ticket, because tickets are long.
    #[serde(with = "sorted_map")]
    masters: HashMap<[u8; 32], Secret, RandomState>,
    /// What was remembered and looked up, if that is logged.
    #[serde(skip)]
    log: Option<RefCell<Sessions>>,
}

impl Resumption {
    /// Remembers the master of the session with this id or ticket; an empty one means none.
    pub(crate) fn remember(&mut self, name: &[u8], master: Secret) {
        let has_room = self.masters.len() < MAX_SESSIONS && self.masters.try_reserve(1).is_ok();
        if !name.is_empty() && has_room {
            let digest = Sha256::digest(name).into();
            self.masters.insert(digest, master);
            if let Some(log) = &mut self.log {
                log.get_mut().remembered.push(digest);
            }
        }
    }

    /// Begins to log what is remembered and looked up.
    pub(crate) fn begin_log(&mut self) {
        self.log = Some(RefCell::default());
    }

    /// What was logged since the last call.
    pub(crate) fn take_log(&mut self) -> Sessions {
        self.log.as_mut().map(RefCell::get_mut).map(std::mem::take).unwrap_or_default()
    }

    /// Adds the sessions of other connections.
    pub(crate) fn join(&mut self, other: Self) {
        self.masters.extend(other.masters);
    }

    /// The master of the session with this id or ticket.
    pub(crate) fn master(&self, name: &[u8]) -> Option<Secret> {
        if name.is_empty() {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(name).into();
        if let Some(log) = &self.log {
            log.borrow_mut().looked_up.push(digest);
        }
        self.masters.get(&digest).copied()
    }
}

impl fmt::Debug for Resumption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Resumption")
    }
}
