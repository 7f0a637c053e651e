//! The bytes that a reader of frames takes.

use crate::packet::Origin;
use crate::stream_part::StreamPart;

/// The bytes of a part that have not been taken.
pub(super) struct Input<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) origin: Origin,
    pub(super) is_authenticated: bool,
}

impl<'a> Input<'a> {
    /// Takes at most `most` bytes.
    pub(super) fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(most.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    /// Whether a head of HTTP/1.1 follows: an upper-case letter, other than the first of the preface.
    pub(super) fn starts_head(&self, preface: u8) -> bool {
        self.bytes.first().is_some_and(|&first| first.is_ascii_uppercase() && first != preface)
    }

    pub(super) fn part(&self, bytes: &'a [u8]) -> StreamPart<'a> {
        if self.is_authenticated {
            StreamPart::Data(bytes, self.origin)
        } else {
            StreamPart::Unauthenticated(bytes, self.origin)
        }
    }
}
