//! The keys of TLS that a capture gets: from key logs, and from blocks of secrets in its files.

use super::Capture;
use crate::conversation::context::Scan;
use crate::file::secrets::TLS_KEY_LOG;
use crate::tls::keys::KeySource;

impl Capture {
    /// Adds the next bytes of a key log. Lines may be cut anywhere; `source` tells its lines from those
    /// of others. Whether the bytes are a key log is not checked.
    pub fn add_keylog(&mut self, bytes: &[u8], source: KeySource) {
        self.connections.keys.add(bytes, source);
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.add_keys(bytes, source);
        }
        self.update_counts();
    }

    /// Says that the key logs are given again from their start, to a capture that was resumed.
    pub fn restart_keylogs(&mut self) {
        self.connections.keys.restart_logs();
    }

    /// Says that keys may still be added while packets are read. Then records whose keys are not there
    /// yet are held for some time, until so many bytes of them came without a single key.
    pub const fn expect_keys(&mut self, patience: u64) {
        self.connections.keys.may_grow = true;
        self.connections.keys.patience = patience;
    }

    /// Whether a secret was looked for in vain since the last [`add_keylog`](Self::add_keylog), so that
    /// a growing log is worth reading again.
    #[must_use]
    pub const fn wants_keys(&self) -> bool {
        self.connections.keys.wanted()
    }

    /// Says that the files can be [scanned](crate::file::secrets_scan) for secrets where there is TLS.
    /// Reading then stops at the first connection with TLS that has no keys until
    /// [`end_scan`](Self::end_scan).
    pub const fn offer_scan(&mut self) {
        self.connections.scan = Scan::Possible;
        self.connections.keys.may_grow = true;
        self.connections.keys.patience = u64::MAX;
    }

    /// Whether the files have to be scanned for secrets before more is read.
    #[must_use]
    pub fn wants_scan(&self) -> bool {
        self.connections.scan == Scan::Wanted
    }

    /// Says that the secrets of all files that can be scanned were added.
    pub fn end_scan(&mut self) {
        self.connections.end_scan();
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.end_scan();
        }
    }

    /// Gives the secrets of new blocks to the connections.
    pub(super) fn take_secrets(&mut self) {
        for (kind, secrets) in self.packets.secrets_mut().take_new() {
            if *kind == TLS_KEY_LOG {
                self.connections.keys.add(secrets, KeySource::SecretsBlock);
                if let Some(dispatcher) = &mut self.dispatcher {
                    dispatcher.add_keys(secrets, KeySource::SecretsBlock);
                }
                // More may follow, unless all were found by a scan.
                if self.connections.scan == Scan::None {
                    self.connections.keys.may_grow = true;
                }
            }
        }
    }
}
