//! What is kept for a sender that agreed to empty its window and may not do so.
//!
//! A message is inflated with an empty window first, as agreed. If that fails
//! because its data refers to what came before the message, its payload is
//! inflated once more, with the last 32 KiB of earlier messages as the window.
//! For that the payload is kept until no distance can reach before the message
//! any more, or until there is too much of it.
//!
//! RFC 7692 section 7.1.1.
//!
//! - `history.len() <= WINDOW`; a direction without a compressed message has none
//! - `kept` is what the open message's payload begins with; `kept.len() <= MOST_KEPT`

use std::collections::VecDeque;

/// The furthest that deflate data refers back, in bytes.
const WINDOW: usize = 1 << 15;
/// The most payload that is kept, in bytes. Data that has not inflated to a window by then
/// consists of little but empty blocks.
const MOST_KEPT: usize = 1 << 16;

/// The history of one direction, and the payload of its open message.
#[derive(Debug, Default)]
pub(crate) struct Context {
    history: VecDeque<u8>,
    kept: Vec<u8>,
    /// Whether the open message is not inflated once more, whatever comes.
    is_settled: bool,
}

impl Context {
    /// Whether the open message's payload is to be kept.
    #[inline]
    pub(crate) fn is_keeping(&self) -> bool {
        !self.is_settled && !self.history.is_empty()
    }

    /// Keeps the next bytes of the payload; those that are too many.
    #[inline]
    pub(crate) fn keep<'i>(&mut self, input: &'i [u8]) -> &'i [u8] {
        let (kept, rest) = input.split_at(input.len().min(MOST_KEPT - self.kept.len()));
        self.kept.extend_from_slice(kept);
        rest
    }

    /// Says how much the payload has inflated to.
    #[inline]
    pub(crate) fn inflated(&mut self, produced: usize) {
        if produced >= WINDOW {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.is_settled = true;
        self.kept = Vec::new();
    }

    /// What the payload begins with, once a message; `None` where its data cannot refer to what
    /// came before it, as it has inflated to `produced` bytes.
    pub(crate) fn take_kept(&mut self, produced: usize) -> Option<Vec<u8>> {
        let kept = std::mem::take(&mut self.kept);
        self.settle();
        (produced < WINDOW).then_some(kept)
    }

    /// The last of what earlier messages inflated to.
    pub(crate) fn dictionary(&mut self) -> &[u8] {
        self.history.make_contiguous()
    }

    /// Takes note of the end of a message that inflated to `content`.
    #[inline]
    pub(crate) fn remember(&mut self, content: &[u8]) {
        let last = &content[content.len().saturating_sub(WINDOW)..];
        let over = (self.history.len() + last.len()).saturating_sub(WINDOW);
        self.history.drain(..over);
        self.history.extend(last);
        self.kept.clear();
        self.is_settled = false;
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
            context.remember(&message);
            all.extend(message);
            assert_eq!(context.dictionary(), &all[all.len().saturating_sub(WINDOW)..]);
        }
    }

    #[test]
    fn payload_is_kept_up_to_a_window_of_output_or_a_bound() {
        let mut context = Context::default();
        assert!(!context.is_keeping(), "there is nothing to refer to yet");
        context.remember(b"earlier");
        assert!(context.is_keeping());
        assert_eq!(context.keep(&[1; 10]), b"");
        assert_eq!(context.keep(&vec![2; MOST_KEPT]).len(), 10);
        context.inflated(WINDOW - 1);
        assert!(context.is_keeping());
        assert_eq!(context.take_kept(WINDOW - 1).unwrap().len(), MOST_KEPT);
        assert!(!context.is_keeping(), "once a message");
        context.remember(b"that one");
        context.keep(&[1; 10]);
        context.inflated(WINDOW);
        assert!(!context.is_keeping());
        assert_eq!(context.kept.capacity(), 0);
    }
}
