//! One direction of a relay whose caller decides on each message.
//!
//! Each event of the reassembler waits in a queue, in the order of arrival, with the log of its
//! frames. The caller decides on events by their index:
//!
//! ```text
//! forward    writes the event, and drops the events before it
//! discard    drops the event and the events before it
//! a mark     the caller marks an event as dropped; the relay releases it, without
//!            a call, when it is the first of the queue
//! ```
//!
//! An unchanged message is forwarded in the received frames; an edited message is encoded again
//! ([`outbound`](crate::relay::outbound)). After a Close was sent, `forward` only drops events. A
//! refused `forward` changes nothing: the event and those before it stay in the queue.
//!
//! Injected messages and control frames are written at once. A message is only written when it is
//! complete, so none can be injected into the middle of another.
//!
//! - `logs` has one entry for each recorded event that is not in the queue yet
//! - `queued` is the sum of `bytes` over the queue
//!
//! It implements RFC 6455 sections 5.4 and 5.5.
//!
//! ```
//! use wsdefrag_core::relay::{Message, Outbound, Relay};
//! use wsdefrag_core::write::settings::Settings as Sending;
//! use wsdefrag_core::{
//!     Event, Events, Fragmenter, Layout, Limits, Opcode, OutOfMemory, Output, Reassembler, Refusal,
//!     Settings, Strictness,
//! };
//!
//! /// Collects the written frames.
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
//! let sending = Sending {
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
//! // Three texts of a server: the first is skipped, the second edited, the third dropped.
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
//! let second = relay.index(|content| content == b"b").unwrap();
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
use crate::relay::frame_log::FrameLog;
use crate::relay::held::Held;
use crate::relay::outbound::{Control, Edit, Outbound};
use crate::relay::recording::{Recorder, Recording};
use crate::write::layout::Output;
use crate::write::refusal::Refusal;

/// A message to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Text or binary.
    pub opcode: Opcode,
    /// The content to send.
    pub content: &'a [u8],
}

/// An event that waits for a decision.
#[derive(Debug)]
struct Undecided<H> {
    event: H,
    log: FrameLog,
    /// Bytes held for the event.
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
    /// Creates a relay at the start of a direction that is read with these settings and written by
    /// `outbound`.
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

    /// A sink to read with: it passes events to `sink` and records their frames.
    pub fn recording<'a, S>(&'a mut self, sink: &'a mut S) -> Recording<'a, S> {
        let Self { recorder, logs, queue, .. } = self;
        let room = queue.capacity() - queue.len();
        Recording { sink, recorder, logs, queue, room }
    }

    /// Queues the next recorded event, for which there is room since it was recorded. An event
    /// without frames, which only the end of a direction produces, is not queued.
    pub fn hold(&mut self, event: H) {
        let Some(log) = self.logs.pop_front() else { return };
        let bytes = log.held() + event.content().len();
        self.queued += bytes;
        #[expect(clippy::disallowed_methods, reason = "recording the event made room for it")]
        self.queue.push_back(Undecided { event, log, bytes });
    }

    /// Number of recorded events that are not queued yet.
    #[must_use]
    pub fn recorded(&self) -> usize {
        self.logs.len()
    }

    /// Notes that no more is read, and drops the logs of incomplete events.
    pub fn end(&mut self) {
        self.recorder.discard_incomplete();
    }

    /// Index of the first event for which `is` returns true; index 0 is the oldest event.
    pub fn index(&self, mut is: impl FnMut(&H) -> bool) -> Option<usize> {
        self.queue.iter().position(|waiting| is(&waiting.event))
    }

    /// Forwards the event at `index`, and drops the events before it.
    ///
    /// `now` is the message as the caller changed it; `None` for an unchanged message or a control
    /// frame. The event is dropped instead if it is marked as dropped or a Close was sent.
    ///
    /// # Panics
    ///
    /// If there is no event at that index.
    pub fn forward<O: Output<Bytes = ()>>(
        &mut self,
        index: usize,
        now: Option<Message<'_>>,
        output: &mut O,
    ) -> Result<(), Refusal> {
        if self.outbound.is_closed() || self.queue[index].event.is_dropped() {
            self.discard(index);
            return Ok(());
        }
        let before = self.outbound.recompresses();
        self.outbound.altered(self.queue.range(..index).map(|waiting| &waiting.log));
        let Undecided { event, log, .. } = &mut self.queue[index];
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
        self.drop_first(index);
        if let Some(sent) = self.queue.pop_front() {
            self.queued -= sent.bytes;
        }
        self.release();
        Ok(())
    }

    /// Drops the event at `index` and the events before it.
    pub fn discard(&mut self, index: usize) {
        self.outbound.altered(self.queue.range(..=index).map(|waiting| &waiting.log));
        self.drop_first(index + 1);
        self.release();
    }

    /// Releases the events at the front of the queue that the caller has marked as dropped.
    /// `forward` and `discard` call it too.
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

    /// Injects a message. With `compress` `None`, the relay decides whether to compress.
    pub fn inject<O: Output>(
        &mut self,
        message: Message<'_>,
        compress: Option<bool>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        self.outbound.inject(message.opcode, message.content, compress, output)
    }

    /// Injects a control frame.
    pub fn control<O: Output>(
        &mut self,
        control: Control<'_>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        self.outbound.control(control, output)
    }

    /// Injects a Close. Returns false, and sends nothing, if a Close was already sent.
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

    /// Bytes held for queued events, and for incomplete events without their contents.
    #[must_use]
    pub fn held(&self) -> usize {
        self.recorder.held() + self.queued
    }

    /// The outgoing side.
    #[must_use]
    pub const fn outbound(&self) -> &Outbound {
        &self.outbound
    }
}

/// Whether two contents are equal. Most are unchanged and share their memory.
fn is_same(now: &[u8], came: &[u8]) -> bool {
    ptr::eq(now, came) || now == came
}
