//! A message while its frames arrive.
//!
//! Its content is one buffer that grows in place; frames are appended to it,
//! unmasked or inflated, and a text is checked as it grows. Nothing else is
//! kept: no list of fragments, no wire bytes.
//!
//! - `content.len() <= max_message_size`, always
//! - for a text under strict checking, `content` never holds a byte that UTF-8
//!   does not allow at its place

use crate::deflate::inflater::{PIECE, Progress, Stream};
use crate::deflate::inflation::{Ceiling, DeflateBreaches, Room, Target};
use crate::error::{Kind, OutOfMemory};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::limits::Excess;
use crate::read::account::{Account, Coding};
use crate::read::event::Damage;
use crate::read::growth::{self, Outlook};
use crate::read::memory::{Content, Memory};
use crate::strictness::Tolerated;
use crate::text::{NotUtf8, Utf8Progress};

/// The least room made for inflated output, in bytes.
const LEAST_INFLATED: usize = 256;

/// What is done with the payload that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    /// Inflated to nowhere, for the sake of the window.
    Drained,
    PassedOver,
}

/// How a message is to be read, beyond what its header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Care {
    /// Whether a text that is not UTF-8 is refused, and not only counted.
    pub(crate) utf8: bool,
    /// Whether what is wrong with the content is noted and does not end the direction.
    pub(crate) lenient: bool,
    pub(crate) fate: Fate,
}

/// A message of which at least the first header has come.
#[derive(Debug)]
pub(crate) struct OpenMessage<C> {
    pub(crate) account: Account,
    pub(crate) fate: Fate,
    pub(crate) damage: Option<Damage>,
    /// Payload bytes that did not come.
    pub(crate) missing: u64,
    care: Care,
    content: Option<C>,
    /// `None` where bytes are not checked, or not any more.
    utf8: Option<Utf8Progress>,
    /// Whether it was found not to be UTF-8, where that is only counted.
    not_utf8: bool,
    pub(crate) deflate_breaches: DeflateBreaches,
}

impl<C: Content> OpenMessage<C> {
    pub(crate) fn new(account: Account, care: Care) -> Self {
        let checked = account.opcode == Opcode::Text && account.coding != Coding::Opaque;
        Self {
            account,
            fate: care.fate,
            damage: (account.coding == Coding::Opaque).then_some(Damage::Undecodable),
            missing: 0,
            care,
            content: None,
            utf8: checked.then(Utf8Progress::default),
            not_utf8: false,
            deflate_breaches: DeflateBreaches::default(),
        }
    }

    /// Says that a frame of it belongs to an extension that is not known; whether it was inflated so
    /// far.
    #[cold]
    pub(crate) fn becomes_foreign(&mut self) -> bool {
        let was_inflated = self.is_inflated();
        self.account.foreign = true;
        self.account.coding = Coding::Opaque;
        self.utf8 = None;
        self.damaged(Damage::Undecodable);
        if was_inflated && self.account.is_begun() {
            // What was inflated is not what was sent, and of that nothing was kept.
            self.content = None;
            self.fate = Fate::PassedOver;
        }
        was_inflated
    }

    /// Takes back the last bytes that its headers announced: they were never sent.
    pub(crate) const fn cut_off(&mut self, unsent: u64) {
        self.account.cut_off(unsent);
        self.missing += unsent;
    }

    /// Notes what is wrong with it. What was wrong first stays, unless that still claimed to be
    /// whole.
    pub(crate) fn damaged(&mut self, damage: Damage) {
        let whole = matches!(
            self.damage,
            None | Some(Damage::Undecodable | Damage::Fault(Kind::InvalidUtf8))
        );
        if whole {
            self.damage = Some(damage);
        }
    }

    /// Bytes of content held.
    pub(crate) fn len(&self) -> usize {
        self.content().len()
    }

    /// The content so far.
    pub(crate) fn content(&self) -> &[u8] {
        self.content.as_ref().map_or(&[], C::as_slice)
    }

    /// Whether it is being inflated.
    pub(crate) fn is_inflated(&self) -> bool {
        self.account.coding == Coding::Deflate && self.fate != Fate::PassedOver
    }

    /// Appends a range of a plain frame.
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

    /// Checks the text from `start` on; `any` is the OR of its bytes, or 0xFF if not known.
    #[inline]
    fn check_from(&mut self, start: usize, any: u8) -> Result<(), Kind> {
        let (Some(utf8), Some(content)) = (&mut self.utf8, &self.content) else { return Ok(()) };
        match utf8.appended(content.as_slice(), start, any) {
            Ok(()) => Ok(()),
            Err(NotUtf8) => self.not_utf8(),
        }
    }

    #[cold]
    fn not_utf8(&mut self) -> Result<(), Kind> {
        if self.care.utf8 && !self.care.lenient {
            return Err(Kind::InvalidUtf8);
        }
        self.utf8 = None;
        if self.care.utf8 {
            self.damaged(Damage::Fault(Kind::InvalidUtf8));
        } else {
            self.not_utf8 = true;
        }
        Ok(())
    }

    /// The last check of a text whose last frame is complete.
    pub(crate) fn finish(&mut self) -> Result<(), Kind> {
        match &self.utf8 {
            Some(utf8) if self.fate == Fate::Kept => match utf8.finish(self.len()) {
                Ok(()) => Ok(()),
                Err(NotUtf8) => self.not_utf8(),
            },
            _ => Ok(()),
        }
    }

    /// Counts what a message that is handed over was read in spite of.
    pub(crate) fn count_breaches(&self, tolerated: &mut Tolerated) {
        let DeflateBreaches { no_context_takeover, empty_compressed_payload, deflate_tail } =
            self.deflate_breaches;
        tolerated.utf8 += u64::from(self.not_utf8);
        tolerated.no_context_takeover += u64::from(no_context_takeover);
        tolerated.empty_compressed_payload += u64::from(empty_compressed_payload);
        tolerated.deflate_tail += u64::from(deflate_tail);
    }

    /// What there is of the content.
    pub(crate) fn into_content<M: Memory<Content = C>>(
        self,
        memory: &mut M,
    ) -> Result<C, OutOfMemory> {
        match self.content {
            Some(content) => Ok(content),
            None => memory.allocate(0),
        }
    }
}

/// A message's content, as what inflated bytes go to.
pub(crate) struct ContentTarget<'a, C, M> {
    pub(crate) message: &'a mut OpenMessage<C>,
    pub(crate) memory: &'a mut M,
    pub(crate) ceiling: Ceiling,
    /// A guess at the whole message's length, in bytes.
    pub(crate) expected: usize,
    /// Whether the window is of use to later messages.
    pub(crate) window_matters: bool,
}

impl<C: Content, M: Memory<Content = C>> ContentTarget<'_, C, M> {
    /// Bytes that may be inflated now, with memory for them; 0 at the ceiling.
    fn make_room(&mut self) -> Result<usize, OutOfMemory> {
        let held = self.message.len();
        let most = self.ceiling.bytes.saturating_sub(held);
        if most == 0 {
            return Ok(0);
        }
        let within = |wanted: usize| wanted.min(self.ceiling.bytes);
        let content = match &mut self.message.content {
            Some(content) => {
                if content.capacity() == held {
                    self.memory.grow(content, within(held.saturating_mul(2)))?;
                }
                content
            }
            none => {
                let expected = within(self.expected.max(LEAST_INFLATED));
                none.insert(self.memory.allocate(expected)?)
            }
        };
        Ok(most.min(content.capacity() - held))
    }
}

impl<C: Content, M: Memory<Content = C>> Target for ContentTarget<'_, C, M> {
    #[inline]
    fn room(&mut self) -> Result<Room, OutOfMemory> {
        if self.message.fate == Fate::Drained {
            return Ok(Room::Bytes(PIECE));
        }
        let wanted = self.make_room()?;
        Ok(match self.memory.admit(wanted, wanted.min(1)) {
            Ok(0) => Room::Full(self.ceiling.exceeded),
            Ok(room) => Room::Bytes(room),
            Err(excess) => Room::Full(excess),
        })
    }

    #[inline]
    fn inflate(&mut self, room: usize, stream: &mut Stream, input: &[u8]) -> Progress {
        match &mut self.message.content {
            Some(content) if self.message.fate != Fate::Drained => {
                self.memory.inflate(content, room, stream, input)
            }
            _ => stream.inflate(input, &mut [0; PIECE]),
        }
    }

    #[inline]
    fn took(&mut self, room: usize, produced: usize) -> Result<(), Kind> {
        if self.message.fate == Fate::Drained {
            return Ok(());
        }
        self.memory.forgo(room - produced);
        if produced == 0 {
            return Ok(());
        }
        self.message.check_from(self.message.len() - produced, 0xFF)
    }

    #[cold]
    fn exceeded(&mut self, excess: Excess) -> Result<(), Kind> {
        let exceeded = Kind::Limit(excess);
        if !self.message.care.lenient || !self.window_matters {
            return Err(exceeded);
        }
        self.message.damaged(Damage::Fault(exceeded));
        self.message.fate = Fate::Drained;
        Ok(())
    }
}
