//! One direction of a relay that forwards frames while it reads them.
//!
//! Accepted frames are written at once ([`passing`](crate::relay::passing)). Only injected messages
//! and frames wait:
//!
//! ```text
//! a message          for the end of a message that is partly written
//! a control frame    for the end of a frame that is partly written
//! ```
//!
//! Injected messages that wait are dropped if a Close is sent, or if the current message will never
//! be complete. If a partly written frame will never be complete, the outgoing direction is
//! blocked: nothing more can be sent, and only the end of the connection can follow.
//!
//! - `waiting` is empty if `schedule` has no messages
//! - `waiting` is empty after a Close, and if the current message will never be complete
//!
//! It implements RFC 6455 sections 5.4 and 5.5.1.

use crate::error::OutOfMemory;
use crate::fallible::TryGrow;
use crate::frame::opcode::Opcode;
use crate::relay::held::Held;
use crate::relay::outbound::{Control, Outbound};
use crate::relay::passing::Passing;
use crate::relay::schedule::{ByteOutput, Pace, Schedule};
use crate::write::refusal::Refusal;

/// One direction whose frames are forwarded without the caller's decision.
pub struct PassThrough<H> {
    schedule: Schedule,
    outbound: Outbound,
    /// Injected messages that wait.
    waiting: Vec<H>,
}

/// Tells which of the messages that complete in one chunk are forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Completing {
    closed: bool,
    /// Messages that are completely written although a Close was sent.
    whole: usize,
}

impl Completing {
    /// Whether all messages are forwarded.
    #[must_use]
    pub const fn all_go_on(&self) -> bool {
        !self.closed
    }

    /// Whether the next message is completely forwarded. Counts that message.
    pub const fn goes_on(&mut self) -> bool {
        if self.closed && self.whole == 0 {
            return false;
        }
        self.whole = self.whole.saturating_sub(1);
        true
    }
}

impl<H: Held> PassThrough<H> {
    /// Creates a relay at the start of a direction.
    #[must_use]
    pub const fn new(pace: Pace, outbound: Outbound) -> Self {
        Self { schedule: Schedule::new(pace), outbound, waiting: Vec::new() }
    }

    /// Has frames with more than so many payload bytes forwarded as they arrive, with any pace, so
    /// that they need not be held.
    #[must_use]
    pub const fn with_longest_held(mut self, longest: Option<u64>) -> Self {
        self.schedule.longest_held = longest;
        self
    }

    /// A sink to read with: it passes events to `sink` and forwards frames to `output`.
    pub const fn passing<'a, S, O>(
        &'a mut self,
        sink: &'a mut S,
        output: &'a mut O,
    ) -> Passing<'a, S, O> {
        let Self { schedule, outbound, .. } = self;
        Passing { sink, schedule, outbound, output }
    }

    /// Tells which of the messages that complete next are forwarded, until the caller's next call.
    ///
    /// An injected Close may wait for the end of a frame. The message that ends with this frame is
    /// still forwarded.
    #[must_use]
    pub fn completing(&self) -> Completing {
        let closed = self.outbound.is_closed();
        Completing { closed, whole: usize::from(closed && self.schedule.is_finishing()) }
    }

    /// Updates the waiting messages after a read. `over` says that no more will be read.
    pub fn settle<O: ByteOutput>(&mut self, over: bool, output: &mut O) {
        if !self.schedule.has_messages() {
            self.waiting.clear();
        }
        if over {
            self.schedule.end(output);
        }
        if self.outbound.is_closed() || self.schedule.is_broken_off() {
            self.drop_waiting();
        }
    }

    fn drop_waiting(&mut self) {
        self.schedule.drop_messages();
        for mut message in self.waiting.drain(..) {
            message.set_dropped();
        }
    }

    /// Injects a message, at once or when it may be written; `held` is the caller's object for it.
    /// With `compress` `None`, the relay decides whether to compress.
    pub fn inject<O: ByteOutput>(
        &mut self,
        held: H,
        opcode: Opcode,
        compress: Option<bool>,
        output: &mut O,
    ) -> Result<(), Refusal> {
        if compress == Some(true) && !self.outbound.takes_compressed() {
            return Err(Refusal::WindowsWouldDiffer);
        }
        if self.schedule.is_broken_off() && !self.outbound.is_closed() {
            return Err(Refusal::AfterUnfinished);
        }
        let content = held.content();
        if self.schedule.is_inside_message() {
            self.waiting.try_reserve(1).map_err(OutOfMemory::from)?;
            let mut later = self.schedule.deferred_message(output);
            self.outbound.inject(opcode, content, compress, &mut later)?;
            self.waiting.try_push(held)?;
        } else {
            self.outbound.inject(opcode, content, compress, output)?;
        }
        self.outbound.reset_window();
        Ok(())
    }

    /// Injects a control frame, at once or when it may be written. A Close drops the messages that
    /// wait.
    pub fn control<O: ByteOutput>(
        &mut self,
        control: Control<'_>,
        output: &mut O,
    ) -> Result<(), Refusal> {
        let Self { schedule, outbound, .. } = self;
        if schedule.is_blocked() && !outbound.is_closed() {
            return Err(Refusal::AfterUnfinished);
        }
        if schedule.inside_frame() {
            outbound.control(control, &mut schedule.deferred_control(output))?;
        } else {
            outbound.control(control, output)?;
        }
        if outbound.is_closed() {
            schedule.close(output);
            self.drop_waiting();
        }
        Ok(())
    }

    /// Injects a Close, at once or when it may be written. Returns false, and sends nothing, if a
    /// Close was already sent or the direction is blocked.
    pub fn close<O: ByteOutput>(
        &mut self,
        code: Option<u16>,
        reason: &str,
        output: &mut O,
    ) -> Result<bool, Refusal> {
        if self.schedule.is_blocked() || self.outbound.is_closed() {
            return Ok(false);
        }
        self.control(Control::Close(code, reason), output)?;
        Ok(true)
    }

    /// Bytes of injected frames that wait, without the bytes that the output holds back.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.schedule.held()
    }

    /// When data frames are forwarded.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.schedule.pace()
    }

    /// Whether the current message will never be complete.
    #[must_use]
    pub const fn is_broken_off(&self) -> bool {
        self.schedule.is_broken_off()
    }

    /// Whether nothing more can be sent.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.schedule.is_blocked()
    }

    /// The outgoing side.
    #[must_use]
    pub const fn outbound(&self) -> &Outbound {
        &self.outbound
    }
}
