//! The end of a message's content, for later messages that may refer to it against the agreement.
//!
//! - `bytes` is all of the content, or ends with its last `WINDOW` bytes

use crate::deflate::window::WINDOW;
use crate::error::OutOfMemory;
use crate::fallible::TryGrow;

/// The end of the content of the open message; empty unless it has to be remembered.
#[derive(Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Recent {
    pub(crate) is_wanted: bool,
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    bytes: Vec<u8>,
}

impl Recent {
    /// The end of a message's content, if it `is_wanted`.
    pub(crate) const fn new(is_wanted: bool) -> Self {
        Self { is_wanted, bytes: Vec::new() }
    }

    /// The end of the content.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the content of a message that has ended.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes the next bytes of the content.
    pub(crate) fn append(&mut self, content: &[u8]) -> Result<(), OutOfMemory> {
        if !self.is_wanted {
            return Ok(());
        }
        let content = &content[content.len().saturating_sub(WINDOW)..];
        if content.len() == WINDOW {
            self.bytes.clear();
        } else if self.bytes.len() + content.len() > 2 * WINDOW {
            self.bytes.drain(..self.bytes.len() - WINDOW);
        }
        self.bytes.try_append(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_window_of_the_content_is_kept() {
        let mut recent = Recent::new(true);
        let mut all = Vec::new();
        for (size, byte) in [
            (5, 1),
            (10, 2),
            (WINDOW - 20, 3),
            (5000, 4),
            (WINDOW - 1, 5),
            (WINDOW - 1, 6),
            (100_000, 7),
            (7, 8),
        ] {
            let content = vec![byte; size];
            recent.append(&content).unwrap();
            all.extend(content);
            let kept = recent.as_slice();
            assert!(all.ends_with(kept) && kept.len() >= all.len().min(WINDOW));
            assert!(kept.len() <= 2 * WINDOW);
        }
    }
}
