//! An open message: its account and its content so far.
//!
//! The content is one buffer that grows in place. Payloads are appended to it, unmasked or
//! inflated, and a text is validated as it grows. Neither wire bytes nor a list of fragments are
//! kept.
//!
//! - `content.len() <= max_message_size`
//! - if UTF-8 is enforced, `content` of a text contains no byte that UTF-8 does not allow at its
//!   position

use crate::deflate::inflation::DeflateBreaches;
use crate::error::{Kind, OutOfMemory};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::read::account::{Account, Decoding};
use crate::read::event::Damage;
use crate::read::growth::{self, Outlook};
use crate::read::memory::{Content, Memory};
use crate::read::uncollected::Uncollected;
use crate::strictness::Tolerated;
use crate::text::{NotUtf8, Utf8Progress};

/// What is done with the next payload bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum PayloadUse {
    Kept,
    /// Inflated only to update the window, and then dropped.
    Drained,
    PassedOver,
    /// Checked, and then dropped.
    Checked,
}

/// How a message's content is checked.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::struct_excessive_bools, reason = "they are independent")]
pub(crate) struct ContentRules {
    /// Whether a text that is not UTF-8 is rejected; otherwise it is only counted.
    pub(crate) utf8: bool,
    /// Whether an invalid content is only noted, and does not end the direction.
    pub(crate) lenient: bool,
    pub(crate) payload_use: PayloadUse,
    /// Whether a message that exceeds a limit is only checked from then on.
    pub(crate) optional: bool,
    /// Whether the content of a compressed message has to be remembered for later ones.
    pub(crate) remembers: bool,
}

/// A message whose first header has arrived.
#[derive(Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "C: serde_bytes::Serialize",
        deserialize = "C: serde_bytes::Deserialize<'de>"
    ))
)]
pub(crate) struct OpenMessage<C> {
    pub(crate) account: Account,
    pub(crate) payload_use: PayloadUse,
    pub(crate) damage: Option<Damage>,
    /// Payload bytes that were not captured.
    pub(crate) missing: u64,
    pub(super) content_rules: ContentRules,
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    pub(super) content: Option<C>,
    /// `None` if bytes are not validated, or no longer.
    utf8: Option<Utf8Progress>,
    /// Whether the text was found not to be UTF-8, if that is only counted.
    not_utf8: bool,
    pub(crate) deflate_breaches: DeflateBreaches,
    /// Set if the message is not collected.
    pub(crate) uncollected: Option<Uncollected>,
}

impl<C: Content> OpenMessage<C> {
    pub(crate) fn new(account: Account, content_rules: ContentRules) -> Self {
        let checked = account.opcode == Opcode::Text && account.decoding != Decoding::Opaque;
        Self {
            account,
            payload_use: content_rules.payload_use,
            damage: (account.decoding == Decoding::Opaque).then_some(Damage::Undecodable),
            missing: 0,
            content_rules,
            content: None,
            utf8: checked.then(Utf8Progress::default),
            not_utf8: false,
            deflate_breaches: DeflateBreaches::default(),
            uncollected: None,
        }
    }

    /// From here on the message is only checked. Returns how many bytes were dropped.
    #[cold]
    pub(crate) fn stop_collecting(&mut self) -> Result<usize, OutOfMemory> {
        if self.uncollected.is_some() {
            return Ok(0);
        }
        let content = self.content();
        let checked = self.utf8.map_or(content.len(), Utf8Progress::checked);
        let remembers = self.content_rules.remembers && self.account.decoding == Decoding::Deflate;
        let uncollected = Uncollected::after(content, checked, remembers)?;
        let dropped = content.len();
        self.uncollected = Some(uncollected);
        self.content = None;
        if self.payload_use == PayloadUse::Kept {
            self.payload_use = PayloadUse::Checked;
        }
        Ok(dropped)
    }

    /// Takes a range of the payload of a message that is not collected.
    #[inline(never)]
    pub(crate) fn check(&mut self, wire: &[u8], mask: Mask) -> Result<(), Kind> {
        let is_checked = self.utf8.is_some();
        let Some(uncollected) = &mut self.uncollected else { return Ok(()) };
        match uncollected.append(wire, mask, is_checked) {
            Ok(()) => Ok(()),
            Err(NotUtf8) => self.not_utf8(),
        }
    }

    /// Takes inflated bytes of a message that is not collected.
    pub(crate) fn check_inflated(&mut self, content: &[u8]) -> Result<(), Kind> {
        if let Some(uncollected) = &mut self.uncollected {
            uncollected.recent.append(content)?;
        }
        self.check(content, Mask::NONE)
    }

    /// The end of the content, as far as later messages may refer to it.
    pub(crate) fn end_of_content(&self) -> &[u8] {
        match &self.uncollected {
            Some(uncollected) => uncollected.recent.as_slice(),
            None => self.content(),
        }
    }

    /// Notes that a frame belongs to an unknown extension; returns whether the message was inflated
    /// until now.
    #[cold]
    pub(crate) fn becomes_foreign(&mut self) -> bool {
        let was_inflated = self.is_inflated();
        self.account.foreign = true;
        self.account.decoding = Decoding::Opaque;
        self.utf8 = None;
        self.damaged(Damage::Undecodable);
        if was_inflated && self.account.is_begun() {
            // The content is not the payload as sent, and the payload was not kept.
            self.content = None;
            self.payload_use = PayloadUse::PassedOver;
        }
        was_inflated
    }

    /// Subtracts announced bytes that were never sent.
    pub(crate) const fn cut_off(&mut self, unsent: u64) {
        self.account.cut_off(unsent);
        self.missing += unsent;
    }

    /// Notes damage. The first damage stays, unless it was one of a complete message.
    pub(crate) fn damaged(&mut self, damage: Damage) {
        let whole = matches!(
            self.damage,
            None | Some(Damage::Undecodable | Damage::Fault(Kind::InvalidUtf8))
        );
        if whole {
            self.damage = Some(damage);
        }
    }

    /// Drops the content: the message breaks `kind`, whatever else is wrong with it.
    pub(crate) fn abandon(&mut self, kind: Kind) {
        self.damage = Some(Damage::Fault(kind));
        self.content = None;
    }

    /// Number of bytes allocated for the content.
    pub(crate) fn capacity(&self) -> usize {
        self.content.as_ref().map_or(0, C::capacity)
    }

    /// Number of content bytes held.
    pub(crate) fn len(&self) -> usize {
        self.content().len()
    }

    /// The content so far.
    pub(crate) fn content(&self) -> &[u8] {
        self.content.as_ref().map_or(&[], C::as_slice)
    }

    /// Whether its payload is being inflated.
    pub(crate) fn is_inflated(&self) -> bool {
        self.account.decoding == Decoding::Deflate && self.payload_use != PayloadUse::PassedOver
    }

    /// Appends a range of an uncompressed payload.
    #[inline]
    pub(crate) fn append<M: Memory<Content = C>>(
        &mut self,
        wire: &[u8],
        mask: Mask,
        outlook: Outlook,
        memory: &mut M,
    ) -> Result<(), Kind> {
        let start = self.len();
        memory.admit(wire.len(), wire.len())?;
        let any = growth::append(&mut self.content, wire, mask, outlook, memory)?;
        self.check_from(start, any)
    }

    /// Validates the text from `start` on; `any` is the OR of its bytes, or 0xFF if unknown.
    #[inline]
    pub(super) fn check_from(&mut self, start: usize, any: u8) -> Result<(), Kind> {
        let (Some(utf8), Some(content)) = (&mut self.utf8, &self.content) else { return Ok(()) };
        match utf8.appended(content.as_slice(), start, any) {
            Ok(()) => Ok(()),
            Err(NotUtf8) => self.not_utf8(),
        }
    }

    #[cold]
    fn not_utf8(&mut self) -> Result<(), Kind> {
        if self.content_rules.utf8 && !self.content_rules.lenient {
            return Err(Kind::InvalidUtf8);
        }
        self.utf8 = None;
        if self.content_rules.utf8 {
            self.damaged(Damage::Fault(Kind::InvalidUtf8));
        } else {
            self.not_utf8 = true;
        }
        Ok(())
    }

    /// The last check of a text, after its last frame.
    pub(crate) fn finish(&mut self) -> Result<(), Kind> {
        let Some(utf8) = &self.utf8 else { return Ok(()) };
        let finished = match (&self.uncollected, self.payload_use) {
            (None, PayloadUse::Kept) => utf8.finish(self.len()),
            (Some(uncollected), PayloadUse::Checked) => uncollected.finish(),
            _ => Ok(()),
        };
        finished.or_else(|NotUtf8| self.not_utf8())
    }

    /// Counts the violations that were tolerated in the message.
    pub(crate) fn count_breaches(&self, tolerated: &mut Tolerated) {
        tolerated.utf8 += u64::from(self.not_utf8);
        self.deflate_breaches.count(tolerated);
    }

    /// Takes the content so far.
    pub(crate) fn take_content<M: Memory<Content = C>>(
        &mut self,
        memory: &mut M,
    ) -> Result<C, OutOfMemory> {
        match self.content.take() {
            Some(content) => Ok(content),
            None => memory.allocate(0),
        }
    }
}
