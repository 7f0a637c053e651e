//! One direction of a relay whose caller decides on whole messages.
//!
//! Each event that a reassembler gives waits in a queue, in the order they came,
//! with how it stood on the wire. The caller decides on events by their place
//! in the queue:
//!
//! ```text
//! forward    writes it, and drops what waits before it
//! discard    drops it, and what waits before it
//! a mark     an event that the caller has marked as dropped is let go, without a call, as
//!            soon as it is the first of the queue
//! ```
//!
//! A message that the caller left as it was goes on as the frames that came, one
//! that was edited is encoded again ([`outbound`](crate::relay::outbound)). Once a
//! Close was sent, forwarding drops. A forward that is refused changes nothing:
//! the event waits as before, and so does what waits before it.
//!
//! Messages and control frames of the caller's own are written at once. Nothing
//! of a message is sent before it is whole, so there is no message they could
//! stand inside.
//!
//! - `logs` has one for each event that was recorded and is not in the queue yet
//! - `queued` is the sum of what the events in the queue hold
//!
//! RFC 6455 sections 5.4 and 5.5.
//!
//! ```
//! use wsdefrag_core::relay::{Message, Outbound, Relay};
//! use wsdefrag_core::write::encoder;
//! use wsdefrag_core::{
//!     Event, Events, Fragmenter, Layout, Limits, Opcode, OutOfMemory, Output, Reassembler, Refusal,
//!     Settings, Strictness,
//! };
//!
//! /// Where frames are written to.
//! struct Out(Vec<u8>);
//!
//! impl Output for Out {
//!     type Bytes = ();
//!     fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
//!         Err(Refusal::NoMaskingKey) // a server masks nothing
//!     }
//!     fn write(&mut self, layout: &Layout<'_>) -> Result<(), OutOfMemory> {
//!         let start = self.0.len();
//!         self.0.resize(start + layout.size(), 0);
//!         layout.write(&mut self.0[start..]);
//!         Ok(())
//!     }
//! }
//!
//! let settings = Settings {
//!     from_client: false,
//!     deflate: None,
//!     foreign_extension: false,
//!     limits: Limits::default(),
//!     strictness: Strictness::default(),
//! };
//! let sending = encoder::Settings {
//!     from_client: false,
//!     deflate: None,
//!     compress_from: 0,
//!     level: 6,
//!     check_utf8: true,
//! };
//! let outbound = Outbound::new(sending, None, Fragmenter::default(), false);
//! let mut relay = Relay::new(&settings, outbound);
//! let mut reassembler = Reassembler::new(settings);
//!
//! // Three texts of a server: the first is passed over, the second edited, the third dropped.
//! let mut messages = Vec::new();
//! let mut sink = Events::to(|_, event| {
//!     if let Event::Message { content, .. } = event {
//!         messages.push(content);
//!     }
//! });
//! reassembler.receive_data(b"\x81\x01a\x81\x01b\x81\x01c", &mut relay.recording(&mut sink));
//! for content in messages {
//!     relay.hold(content);
//! }
//! let mut out = Out(Vec::new());
//! let second = relay.place(|content| content == b"b").unwrap();
//! let edited = Message { opcode: Opcode::Text, content: b"B" };
//! relay.forward(second, Some(edited), &mut out)?;
//! relay.discard(0);
//! assert_eq!(out.0, b"\x81\x01B");
//! assert_eq!(relay.held(), 0);
//! # Ok::<(), Refusal>(())
//! ```

use std::collections::VecDeque;
use std::ptr;

use crate::frame::opcode::Opcode;
use crate::read::settings::Settings;
use crate::relay::frame_log::{FrameLog, Recorder, Recording};
use crate::relay::held::Held;
use crate::relay::outbound::{Control, Edit, Outbound};
use crate::write::layout::Output;
use crate::write::refusal::Refusal;

/// A message as the caller leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Text or binary.
    pub opcode: Opcode,
    /// What it says.
    pub content: &'a [u8],
}

/// An event that waits for a decision.
#[derive(Debug)]
struct Undecided<H> {
    event: H,
    log: FrameLog,
    /// Bytes that are held for it.
    bytes: usize,
}

/// One direction whose events wait for decisions.
pub struct Relay<H> {
    outbound: Outbound,
    recorder: Recorder,
    logs: VecDeque<FrameLog>,
    queue: VecDeque<Undecided<H>>,
    queued: usize,
}

impl<H: Held> Relay<H> {
    /// At the start of a direction that is read with these settings and sent by `outbound`.
    #[must_use]
    pub fn new(settings: &Settings, outbound: Outbound) -> Self {
        Self {
            outbound,
            recorder: Recorder::new(settings),
            logs: VecDeque::new(),
            queue: VecDeque::new(),
            queued: 0,
        }
    }

    /// A sink to read with: it hands events to `sink` and notes how they stood on the wire.
    pub const fn recording<'a, S>(&'a mut self, sink: &'a mut S) -> Recording<'a, S> {
        Recording { sink, recorder: &mut self.recorder, logs: &mut self.logs }
    }

    /// Has the next event that the sink took wait for a decision. An event that came in no frame,
    /// which is a last one, waits for none.
    pub fn hold(&mut self, event: H) {
        let Some(log) = self.logs.pop_front() else { return };
        let bytes = log.held() + event.content().len();
        self.queued += bytes;
        self.queue.push_back(Undecided { event, log, bytes });
    }

    /// How many events the sink took that are not held yet.
    #[must_use]
    pub fn recorded(&self) -> usize {
        self.logs.len()
    }

    /// Gives up one of the events that are not held yet: it was lost, and will never be.
    pub fn lose(&mut self, place: usize) {
        let log = self.logs.remove(place);
        self.outbound.altered(log.iter());
    }

    /// Gives up all events that are not held yet but the last `left`.
    pub fn lose_all_but(&mut self, left: usize) {
        for _ in left..self.logs.len() {
            self.lose(0);
        }
    }

    /// Says that no more is read: what is not complete never will be.
    pub fn end(&mut self) {
        self.recorder.forget();
    }

    /// The place of the event that `is` finds, counted from 0; the first event is the oldest.
    pub fn place(&self, mut is: impl FnMut(&H) -> bool) -> Option<usize> {
        self.queue.iter().position(|waiting| is(&waiting.event))
    }

    /// Sends the event at `place` on, and drops those before it.
    ///
    /// `now` is a message as the caller left it; `None` for one that was not touched, and for a
    /// control frame. An event that is marked as dropped is dropped, and so is everything once a
    /// Close was sent.
    ///
    /// # Panics
    ///
    /// If nothing waits at that place.
    pub fn forward<O: Output<Bytes = ()>>(
        &mut self,
        place: usize,
        now: Option<Message<'_>>,
        output: &mut O,
    ) -> Result<(), Refusal> {
        if self.outbound.is_closed() || self.queue[place].event.is_dropped() {
            self.discard(place);
            return Ok(());
        }
        let before = self.outbound.recompresses();
        self.outbound.altered(self.queue.range(..place).map(|waiting| &waiting.log));
        let Undecided { event, log, .. } = &mut self.queue[place];
        let came = event.content();
        let edited = now.filter(|now| now.opcode != log.opcode() || !is_same(now.content, came));
        let written = match edited {
            None => self.outbound.forward(log, came, output),
            Some(Message { opcode, content }) => {
                let edit = Edit { opcode, content, length: came.len() };
                self.outbound.forward_edited(log, edit, output)
            }
        };
        if let Err(refusal) = written {
            self.outbound.set_recompresses(before);
            return Err(refusal);
        }
        self.drop_first(place);
        if let Some(sent) = self.queue.pop_front() {
            self.queued -= sent.bytes;
        }
        self.release();
        Ok(())
    }

    /// Drops the event at `place` and those before it.
    pub fn discard(&mut self, place: usize) {
        self.outbound.altered(self.queue.range(..=place).map(|waiting| &waiting.log));
        self.drop_first(place + 1);
        self.release();
    }

    /// Lets go the first events that the caller has marked as dropped. Whoever calls the relay for
    /// anything else has this called too.
    #[inline]
    pub fn release(&mut self) {
        while let Some(Undecided { event, log, bytes }) = self.queue.front_mut() {
            if !event.is_dropped() {
                return;
            }
            event.set_released();
            self.outbound.altered([&*log]);
            self.queued -= *bytes;
            self.queue.pop_front();
        }
    }

    /// Drops the first `count` events.
    fn drop_first(&mut self, count: usize) {
        for mut waiting in self.queue.drain(..count) {
            self.queued -= waiting.bytes;
            waiting.event.set_dropped();
        }
    }

    /// Sends a message of the caller's; `compress` leaves it to us if it is `None`.
    pub fn inject<O: Output>(
        &mut self,
        message: Message<'_>,
        compress: Option<bool>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        self.outbound.inject(message.opcode, message.content, compress, output)
    }

    /// Sends a control frame of the caller's.
    pub fn control<O: Output>(
        &mut self,
        control: Control<'_>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        self.outbound.control(control, output)
    }

    /// Sends a Close of the caller's, unless one was sent before; whether it does.
    pub fn close<O: Output>(
        &mut self,
        code: Option<u16>,
        reason: &str,
        output: &mut O,
    ) -> Result<bool, Refusal> {
        if self.outbound.is_closed() {
            return Ok(false);
        }
        self.outbound.control(Control::Close(code, reason), output)?;
        Ok(true)
    }

    /// Bytes that are held: for events that wait, and of what is not complete, contents aside.
    #[must_use]
    pub fn held(&self) -> usize {
        self.recorder.held() + self.queued
    }

    /// The way out.
    #[must_use]
    pub const fn outbound(&self) -> &Outbound {
        &self.outbound
    }
}

/// Whether two contents are the same. Most were not touched, and are the same memory.
fn is_same(now: &[u8], came: &[u8]) -> bool {
    ptr::eq(now, came) || now == came
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::params::DeflateParams;
    use crate::read::reassembler::Reassembler;
    use crate::read::sink::Events;
    use crate::write::encoder;
    use crate::write::fragmenter::Fragmenter;
    use crate::{Limits, Strictness};

    /// "Hello" twice, of which the second refers to the first (RFC 7692 section 7.2.3.2).
    const HELLO_TWICE: &[u8] = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00";

    #[test]
    fn event_that_was_lost_did_not_go_on_as_it_came() {
        let settings = Settings {
            from_client: false,
            deflate: Some(DeflateParams::default()),
            foreign_extension: false,
            limits: Limits::default(),
            strictness: Strictness::default(),
        };
        let sending = encoder::Settings {
            from_client: false,
            deflate: settings.deflate,
            compress_from: 0,
            level: 6,
            check_utf8: true,
        };
        for (lost, left) in [(Some(0), 2), (Some(1), 2), (None, 1), (None, 0)] {
            let fragmenter = Fragmenter::default();
            let outbound = Outbound::new(sending, settings.deflate, fragmenter, false);
            let mut relay = Relay::<Vec<u8>>::new(&settings, outbound);
            let mut sink = Events::to(|_, _| {});
            Reassembler::new(settings).receive_data(HELLO_TWICE, &mut relay.recording(&mut sink));
            assert_eq!((relay.recorded(), relay.outbound().recompresses()), (2, false));
            if let Some(place) = lost {
                relay.lose(place);
            } else {
                relay.lose_all_but(left);
            }
            assert_eq!(relay.recorded(), if lost.is_some() { 1 } else { left });
            assert!(relay.outbound().recompresses());
        }
    }
}
