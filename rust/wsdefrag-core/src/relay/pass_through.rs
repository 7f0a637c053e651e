//! One direction of a relay whose frames go on by themselves.
//!
//! Nothing waits for a decision: what the reassembler has accepted goes out
//! while it is read ([`passing`](crate::relay::passing)). What waits is what the
//! caller puts in, until its place comes:
//!
//! ```text
//! a message          after the message of which a part went out already
//! a control frame    after the frame of which a part went out already
//! ```
//!
//! A message whose place will never come is dropped: because a Close was sent,
//! or because the message before it was broken off. If a frame is broken off of
//! which a part went out, the way out is blocked: nothing at all can follow but
//! the end of the connection.
//!
//! - `waiting` is empty where no message waits for its place
//! - `waiting` is empty once a Close was sent, or the message before it was broken off
//!
//! RFC 6455 sections 5.4 and 5.5.1.

use crate::frame::opcode::Opcode;
use crate::relay::held::Held;
use crate::relay::line::{ByteOutput, Line, Pace};
use crate::relay::outbound::{Control, Outbound};
use crate::relay::passing::Passing;
use crate::write::refusal::Refusal;

/// One direction whose frames go on by themselves.
pub struct PassThrough<H> {
    line: Line,
    outbound: Outbound,
    /// Messages of the caller's that wait for their place.
    waiting: Vec<H>,
}

/// The messages that complete while one chunk is read: which of them went on.
#[derive(Clone, Copy, Debug)]
pub struct Completing {
    closed: bool,
    /// How many are whole on the way out although it is closed.
    whole: usize,
}

impl Completing {
    /// Whether all of them went on.
    #[must_use]
    pub const fn all_go_on(&self) -> bool {
        !self.closed
    }

    /// Whether the next message went on, and not too late after a Close.
    pub const fn goes_on(&mut self) -> bool {
        if self.closed && self.whole == 0 {
            return false;
        }
        self.whole = self.whole.saturating_sub(1);
        true
    }
}

impl<H: Held> PassThrough<H> {
    /// At the start of a direction.
    #[must_use]
    pub const fn new(pace: Pace, outbound: Outbound) -> Self {
        Self { line: Line::new(pace), outbound, waiting: Vec::new() }
    }

    /// A sink to read with: it hands events to `sink`, and frames to `output`.
    pub const fn passing<'a, S, O>(
        &'a mut self,
        sink: &'a mut S,
        output: &'a mut O,
    ) -> Passing<'a, S, O> {
        let Self { line, outbound, .. } = self;
        Passing { sink, line, outbound, output }
    }

    /// Which of the messages go on that complete from now on, up to the next call of the caller's.
    ///
    /// A Close of the caller's may wait for the end of a frame: then the message that ends with
    /// this frame is still whole on the way out.
    #[must_use]
    pub fn completing(&self) -> Completing {
        let closed = self.outbound.is_closed();
        Completing { closed, whole: usize::from(closed && self.line.is_finishing()) }
    }

    /// Brings the books up to date when something was read; `over` says that no more will be.
    pub fn settle<O: ByteOutput>(&mut self, over: bool, output: &mut O) {
        if !self.line.has_messages() {
            self.waiting.clear();
        }
        if over {
            self.line.end(output);
        }
        if self.outbound.is_closed() || self.line.is_broken_off() {
            self.drop_waiting();
        }
    }

    fn drop_waiting(&mut self) {
        self.line.drop_messages();
        for mut message in self.waiting.drain(..) {
            message.set_dropped();
        }
    }

    /// Sends a message of the caller's when its place comes; `held` is it, as the caller holds it.
    /// `compress` leaves it to us if it is `None`.
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
        if self.line.is_broken_off() && !self.outbound.is_closed() {
            return Err(Refusal::BehindUnfinished);
        }
        let content = held.content();
        if self.line.is_inside_message() {
            let mut later = self.line.later_message(output);
            self.outbound.inject(opcode, content, compress, &mut later)?;
            self.waiting.push(held);
        } else {
            self.outbound.inject(opcode, content, compress, output)?;
        }
        self.outbound.forget_window();
        Ok(())
    }

    /// Sends a control frame of the caller's when its place comes. A Close drops the messages that
    /// wait.
    pub fn control<O: ByteOutput>(
        &mut self,
        control: Control<'_>,
        output: &mut O,
    ) -> Result<(), Refusal> {
        let Self { line, outbound, .. } = self;
        if line.is_blocked() && !outbound.is_closed() {
            return Err(Refusal::BehindUnfinished);
        }
        if line.inside_frame() {
            outbound.control(control, &mut line.later_control(output))?;
        } else {
            outbound.control(control, output)?;
        }
        if outbound.is_closed() {
            line.close(output);
            self.drop_waiting();
        }
        Ok(())
    }

    /// Sends a Close of the caller's when its place comes, unless one was sent before or the way
    /// out is blocked; whether it does.
    pub fn close<O: ByteOutput>(
        &mut self,
        code: Option<u16>,
        reason: &str,
        output: &mut O,
    ) -> Result<bool, Refusal> {
        if self.line.is_blocked() || self.outbound.is_closed() {
            return Ok(false);
        }
        self.control(Control::Close(code, reason), output)?;
        Ok(true)
    }

    /// Bytes that wait for their place. What the output keeps back is the output's to count.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.line.held()
    }

    /// How soon frames go on.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.line.pace()
    }

    /// Whether the message that is passing will never be whole.
    #[must_use]
    pub const fn is_broken_off(&self) -> bool {
        self.line.is_broken_off()
    }

    /// Whether nothing at all can be sent any more.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.line.is_blocked()
    }

    /// The way out.
    #[must_use]
    pub const fn outbound(&self) -> &Outbound {
        &self.outbound
    }
}
