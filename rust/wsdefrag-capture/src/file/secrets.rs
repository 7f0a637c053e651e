//! The contents of pcapng's Decryption Secrets Blocks, such as TLS keys. They are stored unread.
//!
//! - `bytes <= MAX_SECRETS`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_SECRETS` bytes")]

/// Memory that stored secrets may take, in bytes.
pub const MAX_SECRETS: usize = 16 << 20;

/// The secrets of all files of a capture.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    kept: Vec<(u32, Vec<u8>)>,
    /// The memory that `kept` takes, in bytes.
    bytes: usize,
    dropped: u64,
}

impl Secrets {
    /// The type of secrets and the secrets of each stored block.
    #[must_use]
    pub fn kept(&self) -> &[(u32, Vec<u8>)] {
        &self.kept
    }

    /// Blocks that were dropped because of [`MAX_SECRETS`].
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes note of a block that is too long to be stored.
    pub(crate) const fn drop_block(&mut self) {
        self.dropped += 1;
    }

    /// Stores the secrets of a block, if they fit.
    pub(crate) fn keep(&mut self, kind: u32, secrets: &[u8]) {
        let size = secrets.len() + size_of::<(u32, Vec<u8>)>();
        if size > MAX_SECRETS - self.bytes {
            self.dropped += 1;
        } else {
            self.bytes += size;
            self.kept.push((kind, secrets.to_vec()));
        }
    }
}
