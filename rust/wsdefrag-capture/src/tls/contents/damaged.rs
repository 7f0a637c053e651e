//! The contents of a record of which bytes are missing: what was captured of it is given out without a tag,
//! or counted, and the rest is a gap.
//!
//! RFC 8446 section 5.2.

use crate::packet::Origin;
use crate::stream_part::{Gap, StreamPart};
use crate::tls::contents::Contents;
use crate::tls::key_search::Opening;
use crate::tls::partial_record::PartialRecord;
use crate::tls::record::{ContentType, HEADER, Header};
use crate::tls::tools::Tools;

impl Contents {
    /// Begins to take a record of which bytes are missing. `start` is what was captured of its body
    /// before them.
    pub(crate) fn begin_damaged(&mut self, header: &Header, start: &[u8], tools: &mut Tools<'_>) {
        self.partial = None;
        if !self.is_encrypted(header, tools.negotiation) {
            self.reader.has_begun = true;
            self.account.handshake += (HEADER + start.len()) as u64;
            if header.content_type == ContentType::Handshake {
                self.handshake_content(start, tools);
            }
            return self.end_messages(tools);
        }
        self.end_messages(tools);
        self.reader.prepare(&mut Opening {
            sender: self.sender,
            negotiation: tools.negotiation,
            keys: tools.keys,
            scratch: tools.scratch,
        });
        self.partial = self.reader.certain().and_then(|(opener, sequence)| {
            PartialRecord::new(opener, sequence, header, start, tools.scratch)
        });
        let is_read = self.partial.is_some();
        let account = &mut self.account;
        *if is_read { &mut account.overhead } else { &mut account.undecryptable } += HEADER as u64;
        self.damaged(header, 0, start, self.last.unwrap_or_default(), tools);
    }

    /// Takes captured bytes of the body of a record of which others are missing.
    pub(crate) fn damaged(
        &mut self,
        header: &Header,
        position: usize,
        part: &[u8],
        origin: Origin,
        tools: &mut Tools<'_>,
    ) {
        let length = part.len() as u64;
        let before = self.partial.map_or(0, |partial| partial.held) as u64;
        if let Some((partial, (opener, _))) = self.partial.as_mut().zip(self.reader.certain())
            && let Some(content) = partial.open(opener, header, position, part, tools.scratch)
        {
            let content = &tools.scratch[content];
            self.account.application += content.len() as u64;
            // What is held counts as undecryptable until it is given out.
            self.account.undecryptable += partial.held as u64;
            self.account.undecryptable -= before;
            self.account.overhead += length + before - content.len() as u64 - partial.held as u64;
            if content.is_empty() {
                return;
            }
            self.has_given = true;
            if let Some(gap) = self.gap.take() {
                (tools.out)(self.sender, StreamPart::Gap(gap));
            }
            (tools.out)(self.sender, StreamPart::Unauthenticated(content, origin));
        } else if self.is_encrypted(header, tools.negotiation) {
            self.account.undecryptable += length;
        } else {
            self.account.handshake += length;
        }
    }

    /// Notes that bytes of the body of the current record are missing.
    pub(crate) fn missing_part(&mut self, position: usize, length: usize, gap: Gap) {
        let Some(partial) = &mut self.partial else { return };
        let (length, kind) = partial.missing(position..position + length);
        if length > 0 {
            self.add_gap(Some(Gap { length, kind, ..gap }));
        }
    }

    /// Ends the current record, of which bytes are missing.
    pub(crate) fn end_damaged(
        &mut self,
        header: &Header,
        after: Option<Origin>,
        tools: &Tools<'_>,
    ) {
        if let Some(mut partial) = self.partial.take() {
            let (length, kind) = partial.missing(0..0);
            if length > 0 {
                self.add_gap(Some(Gap { length, kind, before: self.last, after }));
            }
            self.reader.skip();
        } else if self.is_encrypted(header, tools.negotiation) {
            let gap = self.reader.pass_over(header, [self.last, after]);
            self.add_gap(gap);
        }
    }

    /// Ends the current record in a gap that is longer. Returns how many of its bytes count as lost.
    pub(crate) fn leave_damaged(&mut self, header: &Header, tools: &Tools<'_>) -> u64 {
        if self.partial.is_some() {
            self.end_damaged(header, None, tools);
            return 0;
        }
        header.whole() as u64
    }
}
