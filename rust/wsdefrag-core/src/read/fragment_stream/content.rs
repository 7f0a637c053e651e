//! Decodes the ranges of a message's payload into its parts: unmasks or inflates them, and checks texts.
//!
//! RFC 6455 sections 5.6 and 8.1, RFC 7692 section 7.2.2.

use crate::deflate::target::Ceiling;
use crate::error::Kind;
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::read::account::{Account, Decoding};
use crate::read::decoded::DecodedTarget;
use crate::read::fragment_event::{Ends, TextMemory};
use crate::read::fragment_stream::{Found, FragmentStream};
use crate::read::memory::Content;
use crate::text::Utf8Ranges;

impl FragmentStream {
    /// Decodes a range of the open message's payload.
    #[inline]
    pub(super) fn content<M: TextMemory>(
        &mut self,
        wire: &[u8],
        mask: Mask,
        ends: Ends,
        memory: &mut M,
    ) -> Result<Found<M::Text, M::Content>, Kind> {
        let Some(message) = self.message else { return Ok(Found::Nothing) };
        let (is_text, decoding) = (message.opcode == Opcode::Text, message.decoding);
        self.last = message;
        if ends.message {
            self.message = None;
        }
        if is_text && (self.cuts_characters || !self.strictness.utf8) {
            return self.cut_text(wire, mask, ends, memory);
        }
        if decoding == Decoding::Plain && !is_text {
            return Ok(Found::Binary(memory.whole(wire, mask)?.0, ends));
        }
        if decoding == Decoding::Plain
            && self.ascii
            && self.decoded.waiting().is_empty()
            && let Some(text) = memory.ascii(wire, mask)?
        {
            return Ok(Found::Text(text, ends));
        }
        self.decoded.forget_given();
        if decoding == Decoding::Deflate {
            self.inflate(wire, mask, message.announced, ends)?;
        } else {
            self.decoded.append(wire, mask)?;
        }
        if is_text {
            let text = self.decoded.whole_characters(ends)?;
            self.ascii = text.is_ascii();
            return Ok(Found::Text(memory.text(text)?, ends));
        }
        let (content, _) = memory.whole(self.decoded.give(), Mask::NONE)?;
        Ok(Found::Binary(content, ends))
    }

    /// Decodes a range of a text whose parts may end inside a character.
    fn cut_text<M: TextMemory>(
        &mut self,
        wire: &[u8],
        mask: Mask,
        ends: Ends,
        memory: &mut M,
    ) -> Result<Found<M::Text, M::Content>, Kind> {
        let Account { decoding, announced, .. } = self.last;
        let (content, any) = if decoding == Decoding::Deflate {
            self.decoded.forget_given();
            self.inflate(wire, mask, announced, ends)?;
            memory.whole(self.decoded.give(), Mask::NONE)?
        } else {
            memory.whole(wire, mask)?
        };
        let checked = match &mut self.text {
            Some(text) if any >= 0x80 || !text.is_between_characters() => {
                text.append(content.as_slice())
            }
            _ => Ok(()),
        };
        let checked = match &self.text {
            Some(text) if ends.message => checked.and_then(|()| text.finish()),
            _ => checked,
        };
        if checked.is_err() {
            if self.strictness.utf8 {
                return Err(Kind::InvalidUtf8);
            }
            self.text = None;
        }
        if ends.message && self.text.replace(Utf8Ranges::default()).is_none() {
            self.walker.tolerated.utf8 += 1;
        }
        Ok(Found::Binary(content, ends))
    }

    /// Inflates a range of a compressed frame.
    fn inflate(&mut self, wire: &[u8], mask: Mask, announced: u64, ends: Ends) -> Result<(), Kind> {
        let (alone, start) = (self.is_alone(), self.decoded.filled());
        let inflation = self.inflation.live(alone, self.strictness)?;
        let ceiling = Ceiling::new(&self.limits, announced);
        let (decoded, inflated) = (&mut self.decoded, &mut self.inflated);
        let mut target = DecodedTarget { decoded, inflated, ceiling };
        inflation.range(wire, mask, ends.frame, &mut target)?;
        if ends.message {
            if inflation.is_holding() {
                inflation.finish_held(&mut target)?;
            } else {
                inflation.finish(announced == 0)?;
            }
            let breaches = inflation.end_message();
            self.recent.append(self.decoded.since(start))?;
            inflation.remember(self.recent.as_slice())?;
            self.recent.clear();
            breaches.count(&mut self.walker.tolerated);
            self.inflated = 0;
            return Ok(());
        }
        Ok(self.recent.append(self.decoded.since(start))?)
    }
}
