//! Reads messages of a sender that agreed to no context takeover but does not keep to it.
//!
//! A message is first inflated with an empty window, as agreed. If that fails because the data
//! refers to earlier messages, the payload is inflated again with the last 32 KiB of earlier
//! content as its window. The start of the payload is kept for this until the data can no longer
//! refer to earlier messages, or until it exceeds `MAX_KEPT`.
//!
//! It implements RFC 7692 section 7.1.1.
//!
//! - `history.len() <= WINDOW`; empty before the first compressed message
//! - `kept` is the start of the open message's payload; `kept.len() <= MAX_KEPT`

use std::collections::VecDeque;

use crate::deflate::window::WINDOW;
use crate::error::OutOfMemory;
use crate::fallible::TryGrow;
#[cfg(feature = "serde")]
use crate::fallible::copied;

/// Most payload bytes that are kept. Data that has not inflated to a whole window by then consists
/// mainly of empty blocks.
const MAX_KEPT: usize = 1 << 16;

/// The last content of one direction, and the start of its open message's payload.
#[derive(Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Context {
    #[cfg_attr(feature = "serde", serde(with = "crate::deflate::queue"))]
    history: VecDeque<u8>,
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    kept: Vec<u8>,
    /// Whether the open message is never inflated again.
    is_final: bool,
}

impl Context {
    /// Whether the open message's payload is being kept.
    #[inline]
    pub(crate) fn is_keeping(&self) -> bool {
        !self.is_final && !self.history.is_empty()
    }

    /// Keeps the next bytes of the payload; returns those that exceed `MAX_KEPT`.
    #[inline]
    pub(crate) fn keep<'i>(&mut self, input: &'i [u8]) -> Result<&'i [u8], OutOfMemory> {
        let (kept, rest) = input.split_at(input.len().min(MAX_KEPT - self.kept.len()));
        self.kept.try_append(kept)?;
        Ok(rest)
    }

    /// Notes how many bytes the payload has inflated to.
    #[inline]
    pub(crate) fn inflated(&mut self, produced: usize) {
        if produced >= WINDOW {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.is_final = true;
        self.kept = Vec::new();
    }

    /// Takes the kept start of the payload; at most once per message. `None` if the data, which has
    /// inflated to `produced` bytes, cannot refer to earlier messages.
    pub(crate) fn take_kept(&mut self, produced: usize) -> Option<Vec<u8>> {
        let kept = std::mem::take(&mut self.kept);
        self.settle();
        (produced < WINDOW).then_some(kept)
    }

    /// The last bytes of earlier messages' content.
    pub(crate) fn dictionary(&mut self) -> &[u8] {
        self.history.make_contiguous()
    }

    /// Ends a message whose content is `content`.
    #[inline]
    pub(crate) fn remember(&mut self, content: &[u8]) -> Result<(), OutOfMemory> {
        let last = &content[content.len().saturating_sub(WINDOW)..];
        let length = (self.history.len() + last.len()).min(WINDOW);
        if length > self.history.capacity() {
            // Doubled, but never larger than the window.
            let capacity = length.max(2 * self.history.capacity()).min(WINDOW);
            self.history.try_reserve_exact(capacity - self.history.len())?;
        }
        let over = (self.history.len() + last.len()).saturating_sub(WINDOW);
        self.history.drain(..over);
        self.history.try_append(last)?;
        self.kept.clear();
        self.is_final = false;
        Ok(())
    }

    /// Whether there is content that later messages may refer to.
    pub(crate) fn is_needed(&self) -> bool {
        !self.history.is_empty()
    }

    /// Gives back memory that is not needed between messages.
    pub(crate) fn trim(&mut self) {
        self.kept = Vec::new();
        let mut history = VecDeque::new();
        // Without memory for the smaller copy, the larger original stays.
        if history.try_reserve_exact(self.history.len()).is_ok()
            && history.try_append(self.history.make_contiguous()).is_ok()
        {
            self.history = history;
        }
    }

    /// A copy.
    #[cfg(feature = "serde")]
    pub(crate) fn copied(&self) -> Result<Self, OutOfMemory> {
        let mut history = VecDeque::new();
        let (first, second) = self.history.as_slices();
        history.try_append(first)?;
        history.try_append(second)?;
        Ok(Self { history, kept: copied(&self.kept)?, is_final: self.is_final })
    }

    /// Number of bytes allocated.
    pub(crate) fn bytes_held(&self) -> usize {
        self.history.capacity() + self.kept.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_window_of_all_messages_is_remembered() {
        let mut context = Context::default();
        let mut all = Vec::new();
        for (size, byte) in
            [(3, 1), (0, 2), (20_000, 3), (20_000, 4), (WINDOW, 5), (90_000, 6), (7, 7)]
        {
            let message = vec![byte; size];
            context.remember(&message).unwrap();
            all.extend(message);
            assert_eq!(context.dictionary(), &all[all.len().saturating_sub(WINDOW)..]);
            assert!(context.bytes_held() <= WINDOW, "{} bytes held", context.bytes_held());
        }
    }

    #[test]
    fn payload_is_kept_up_to_a_window_of_output_or_a_bound() {
        let mut context = Context::default();
        assert!(!context.is_keeping(), "there is nothing to refer to yet");
        context.remember(b"earlier").unwrap();
        assert!(context.is_keeping());
        assert_eq!(context.keep(&[1; 10]).unwrap(), b"");
        assert_eq!(context.keep(&vec![2; MAX_KEPT]).unwrap().len(), 10);
        context.inflated(WINDOW - 1);
        assert!(context.is_keeping());
        assert_eq!(context.take_kept(WINDOW - 1).unwrap().len(), MAX_KEPT);
        assert!(!context.is_keeping(), "once a message");
        context.remember(b"that one").unwrap();
        context.keep(&[1; 10]).unwrap();
        context.inflated(WINDOW);
        assert!(!context.is_keeping());
        assert_eq!(context.kept.capacity(), 0);
    }
}
