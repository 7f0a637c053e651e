//! What a message must be and contain to be wanted.

use super::JsonCondition;
use super::pattern::Pattern;
use crate::event::CaptureEvent;
use crate::message::{Message, Status};

/// Conditions for messages. A message is wanted if it meets all of them; an empty list demands nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Patterns, each of which occurs in the content.
    pub patterns: Vec<Pattern>,
    /// Patterns, none of which occurs in the content.
    pub without: Vec<Pattern>,
    /// Conditions that the content meets as JSON.
    pub json: Vec<JsonCondition>,
    /// The statuses, one of which it has.
    pub statuses: Vec<Status>,
    /// Bytes that its content has at least.
    pub min_size: Option<u64>,
    /// Bytes that its content has at most.
    pub max_size: Option<u64>,
    /// Rows of the same connection that are shown before and after each wanted one, whatever they are.
    pub around: usize,
}

impl Conditions {
    /// Whether they demand anything.
    #[must_use]
    pub fn are_empty(&self) -> bool {
        *self == Self { around: self.around, ..Self::default() }
    }

    /// Whether a message is wanted.
    #[must_use]
    pub fn want(&self, message: &Message) -> bool {
        let size = message.content.len() as u64;
        (self.statuses.is_empty() || self.statuses.contains(&message.status))
            && self.min_size.is_none_or(|least| size >= least)
            && self.max_size.is_none_or(|most| size <= most)
            && self.contents_match(&message.content)
            && self.json.iter().all(|condition| condition.holds(&message.content))
    }

    /// Whether an event is wanted: a control frame whose payload the patterns want, if no condition is
    /// about messages alone.
    #[must_use]
    pub fn want_event(&self, event: &CaptureEvent) -> bool {
        let is_about_messages = !self.json.is_empty()
            || !self.statuses.is_empty()
            || self.min_size.is_some()
            || self.max_size.is_some();
        !is_about_messages
            && !self.patterns.is_empty()
            && event.detail.payload().is_some_and(|payload| self.contents_match(payload))
    }

    fn contents_match(&self, content: &[u8]) -> bool {
        self.patterns.iter().all(|pattern| pattern.occurs_in(content))
            && !self.without.iter().any(|pattern| pattern.occurs_in(content))
    }
}
