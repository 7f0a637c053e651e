//! Decryption Secrets Blocks: what a file holds for decrypting what it holds.
//!
//! They are kept as they are, for those who can read them.
//!
//! - `bytes <= MAX_SECRETS`, which is what all that is kept takes

/// The most bytes of secrets that are kept.
pub const MAX_SECRETS: usize = 16 << 20;

/// What programs need to decrypt what a file holds.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    kept: Vec<(u32, Vec<u8>)>,
    bytes: usize,
    dropped: u64,
}

impl Secrets {
    /// The secrets blocks: what kind of secrets they hold, and these.
    #[must_use]
    pub fn kept(&self) -> &[(u32, Vec<u8>)] {
        &self.kept
    }

    /// Blocks that were not kept, because all of them would have taken more than [`MAX_SECRETS`].
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes the secrets of a block.
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
