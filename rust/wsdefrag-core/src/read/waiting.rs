//! Compressed frames that are inflated as a whole, where many directions share inflaters.
//!
//! A direction inside a compressed message cannot do without its inflater. Most messages are short,
//! and are cut only because a segment ended. So what has come of a short frame waits for its rest,
//! and needs the inflater for one call. What came before a gap or the end is inflated there.
//!
//! - `waiting` has only bytes of the current frame, and at most `MOST`

use crate::deflate::pool::InflaterPool;
use crate::deflate::slot::Slot;
use crate::error::Kind;
use crate::fallible;
use crate::frame::mask::Mask;
use crate::read::memory::Content;
use crate::read::message::OpenMessage;
use crate::read::reassembler::Reassembler;
use crate::read::sink::SinkFor;
use crate::read::walker::Range;

/// The largest payload of a frame that waits for its last byte, in bytes.
const MOST: u64 = 4096;

impl<C: Content> Reassembler<C> {
    /// Has a passive direction share its inflater with others. To be called before the first byte.
    #[must_use]
    pub fn with_inflaters(mut self, pool: InflaterPool) -> Self {
        self.inflation = Slot::of(pool);
        self
    }

    /// Has a direction whose state was read share its inflater with others.
    pub fn share_inflaters(&mut self, pool: InflaterPool) {
        self.inflation.share(pool);
    }

    /// Whether the current frame, of a compressed message, is inflated as a whole.
    #[inline]
    pub(super) const fn waits_for_frame(&self) -> bool {
        self.inflation.is_shared() && self.walker.header.length <= MOST
    }

    /// Whether bytes of the open message are inflated, so that its inflater is needed.
    pub(super) fn is_inflating(&self) -> bool {
        let is_first = |message: &OpenMessage<C>| {
            message.account.is_first_frame()
                && self.walker.parser.remaining() > 0
                && !self.walker.header.opcode.is_control()
                && self.waits_for_frame()
        };
        self.message.as_ref().is_some_and(|message| message.is_inflated() && !is_first(message))
    }

    /// Takes a range of a frame that waits for its last byte, and inflates the frame with it.
    pub(super) fn wait_for_frame<S: SinkFor<C>>(
        &mut self,
        range: &Range<'_>,
        sink: &mut S,
    ) -> Result<(), Kind> {
        let Range { wire, mask, frame_left, ends_frame, .. } = *range;
        let start = self.waiting.len();
        if start == 0 {
            // Nothing has come but what is in this range.
            let length = usize::try_from(frame_left).unwrap_or(usize::MAX);
            self.waiting.try_reserve_exact(length).map_err(|_| Kind::OutOfMemory)?;
        }
        fallible::lengthen(&mut self.waiting, wire.len(), 0)?;
        mask.unmask(wire, &mut self.waiting[start..]);
        if ends_frame { self.inflate_waiting(true, sink) } else { Ok(()) }
    }

    /// Inflates what has come of a frame.
    pub(super) fn inflate_waiting<S: SinkFor<C>>(
        &mut self,
        ends_frame: bool,
        sink: &mut S,
    ) -> Result<(), Kind> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        self.inflate(&waiting, Mask::NONE, ends_frame, sink)
    }

    /// Inflates what has come of a frame whose next bytes are missing.
    pub(super) fn inflate_cut_off<S: SinkFor<C>>(&mut self, sink: &mut S) {
        if let Err(kind) = self.inflate_waiting(false, sink) {
            // What cannot be inflated damages the message.
            let _ = self.content_fault(kind);
        }
    }
}
