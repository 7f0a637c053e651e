//! Frames that go on by themselves while they are read.
//!
//! A [`Passing`] stands between a reassembler and its sink. What the
//! reassembler has accepted goes out at once, by whole frames or as it comes;
//! a control frame always goes as a whole. The way out is in one of three
//! places, and what the caller puts in waits for the right one:
//!
//! ```text
//! between messages    anything can be put in
//! between frames      control frames can (RFC 6455 section 5.4)
//! inside a frame      nothing can; only where bytes go as they come
//! ```
//!
//! What is found wrong with a range keeps that range back. What is found wrong
//! with the end of a message keeps its last frame back, if frames go as wholes.
//! Behind it nothing goes on, and the place stays what it is.
//!
//! - `inside` is `Some` from a message's first header to its last byte
//! - `begun` is only true while it is
//! - `frame` is empty unless frames go as wholes, and behind a Close

use crate::error::{Kind, OutOfMemory};
use crate::frame::header::{Header, RSV1};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::read::event::Event;
use crate::read::memory::Memory;
use crate::read::sink::Sink;
use crate::relay::frame_log::{self, FrameLog};
use crate::relay::outbound::{Control, Outbound};
use crate::write::layout::{Layout, Output};
use crate::write::refusal::Refusal;

/// How soon frames go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// When they are whole.
    Frames,
    /// As their bytes come.
    Bytes,
}

/// An output that also takes bytes of frames, as they come.
pub trait ByteOutput: Output<Bytes = ()> {
    /// Takes bytes, unmasked with `mask`, which may be that of two keys.
    fn append(&mut self, bytes: &[u8], mask: Mask) -> Result<(), OutOfMemory>;
}

/// The data frame that is passing.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Payload bytes to come.
    left: u64,
    fin: bool,
    /// From the key that it came with to the one that it goes with.
    turn: Mask,
    /// Whether it goes on, which it does not behind a Close.
    goes: bool,
}

/// Where the way out stands.
#[derive(Debug)]
pub struct PassThrough {
    pace: Pace,
    /// The message that is passing, at its frame at hand.
    inside: Option<Frame>,
    /// Whether anything of that message went out.
    begun: bool,
    /// The frame at hand, where frames go as wholes.
    frame: Vec<u8>,
    control: Option<(Header, Vec<u8>)>,
    /// Encoded messages that wait until the one that is passing has passed.
    messages: Vec<u8>,
    /// Encoded control frames that wait until the frame that is passing has passed.
    controls: Vec<u8>,
    over: bool,
}

impl PassThrough {
    /// At the start of a direction.
    #[must_use]
    pub const fn new(pace: Pace) -> Self {
        Self {
            pace,
            inside: None,
            begun: false,
            frame: Vec::new(),
            control: None,
            messages: Vec::new(),
            controls: Vec::new(),
            over: false,
        }
    }

    /// Bytes that are held until they can go on.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.frame.len() + self.messages.len() + self.controls.len()
    }

    /// Says that no more comes in.
    pub fn end(&mut self) {
        self.over = true;
        self.frame = Vec::new();
        self.control = None;
        if self.inside_frame() {
            // Their place will never come.
            self.controls = Vec::new();
        }
    }

    /// Whether the message that is passing will never be whole.
    #[must_use]
    pub const fn is_broken_off(&self) -> bool {
        self.over && self.begun
    }

    /// Whether nothing at all can be put in any more.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.over && self.inside_frame()
    }

    /// Whether the last byte that went out was not the last of its frame.
    const fn inside_frame(&self) -> bool {
        match (self.pace, &self.inside) {
            (Pace::Bytes, Some(frame)) => frame.goes && frame.left > 0,
            _ => false,
        }
    }

    /// Whether the message that is passing will be whole with the frame at hand.
    #[must_use]
    pub fn is_finishing(&self) -> bool {
        self.inside.is_some_and(|frame| frame.goes && frame.fin)
    }

    /// Whether messages wait for their place.
    #[must_use]
    pub const fn has_waiting(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Gives up the messages that wait; whether there were any.
    pub fn drop_waiting(&mut self) -> bool {
        !std::mem::take(&mut self.messages).is_empty()
    }

    /// Puts a message in, as soon as one can be; whether it has to wait.
    pub fn inject<O: ByteOutput>(
        &mut self,
        outbound: &mut Outbound,
        opcode: Opcode,
        content: &[u8],
        compress: Option<bool>,
        output: &mut O,
    ) -> Result<bool, Refusal> {
        if compress == Some(true) && !outbound.takes_compressed() {
            return Err(Refusal::WindowsWouldDiffer);
        }
        if self.is_broken_off() && !outbound.is_closed() {
            return Err(Refusal::BehindUnfinished);
        }
        let waits = self.begun;
        if waits {
            let mut later = Later { bytes: &mut self.messages, keys: output };
            outbound.inject(opcode, content, compress, &mut later)?;
        } else {
            outbound.inject(opcode, content, compress, output)?;
        }
        outbound.forget_window();
        Ok(waits)
    }

    /// Puts a control frame in, as soon as one can be.
    pub fn put<O: ByteOutput>(
        &mut self,
        outbound: &mut Outbound,
        control: Control<'_>,
        output: &mut O,
    ) -> Result<(), Refusal> {
        if self.is_blocked() && !outbound.is_closed() {
            return Err(Refusal::BehindUnfinished);
        }
        if self.inside_frame() {
            outbound.control(control, &mut Later { bytes: &mut self.controls, keys: output })?;
        } else {
            outbound.control(control, output)?;
        }
        if outbound.is_closed() && self.pace == Pace::Frames {
            // The frame at hand would come behind it.
            self.frame = Vec::new();
            if let Some(frame) = &mut self.inside {
                frame.goes = false;
            }
        }
        Ok(())
    }

    /// Bytes on their way, to the output or to the frame that is not whole.
    fn pass<O: ByteOutput>(
        &mut self,
        bytes: &[u8],
        mask: Mask,
        output: &mut O,
    ) -> Result<(), OutOfMemory> {
        match self.pace {
            Pace::Frames => frame_log::keep(&mut self.frame, bytes, mask),
            Pace::Bytes => output.append(bytes, mask),
        }
    }

    /// The end of a data frame, and maybe of its message, with what waited for it.
    fn end_frame<O: ByteOutput>(&mut self, output: &mut O) -> Result<(), OutOfMemory> {
        let whole = std::mem::take(&mut self.frame);
        output.append(&whole, Mask::NONE)?;
        self.begun |= !whole.is_empty();
        if self.inside.is_some_and(|frame| frame.fin) {
            self.inside = None;
            self.begun = false;
            flush(&mut self.messages, output)?;
        }
        Ok(())
    }
}

/// Writes what waited.
fn flush<O: ByteOutput>(waiting: &mut Vec<u8>, output: &mut O) -> Result<(), OutOfMemory> {
    if waiting.is_empty() {
        return Ok(());
    }
    output.append(&std::mem::take(waiting), Mask::NONE)
}

/// Frames that go out later.
struct Later<'a, O> {
    bytes: &'a mut Vec<u8>,
    keys: &'a mut O,
}

impl<O: Output> Output for Later<'_, O> {
    type Bytes = ();

    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        self.keys.masking_key()
    }

    fn write(&mut self, layout: &Layout<'_>) -> Result<(), OutOfMemory> {
        let start = self.bytes.len();
        self.bytes.try_reserve(layout.size())?;
        self.bytes.resize(start + layout.size(), 0);
        layout.write(&mut self.bytes[start..]);
        Ok(())
    }
}

/// A sink before `sink`, which passes frames on to `output`.
pub struct Passing<'a, S, O> {
    /// Takes the events.
    pub sink: &'a mut S,
    /// Where the way out stands.
    pub pass_through: &'a mut PassThrough,
    /// The way out.
    pub outbound: &'a mut Outbound,
    /// What goes out.
    pub output: &'a mut O,
}

/// What kept a frame from going on.
fn kind(refusal: Refusal) -> Kind {
    debug_assert!(matches!(refusal, Refusal::OutOfMemory | Refusal::NoMaskingKey), "{refusal}");
    Kind::OutOfMemory
}

impl<S: Sink, O: ByteOutput> Sink for Passing<'_, S, O> {
    type Memory = S::Memory;

    #[inline]
    fn memory(&mut self) -> &mut S::Memory {
        self.sink.memory()
    }

    #[inline]
    fn event(&mut self, offset: u64, event: Event<'_, <S::Memory as Memory>::Content>) {
        self.sink.event(offset, event);
    }

    fn frame(&mut self, header: &Header) -> Result<(), Kind> {
        self.sink.memory().admit(header.size, header.size)?;
        let mut header = *header;
        if header.opcode.is_control() {
            self.pass_through.control = Some((header, Vec::new()));
            return Ok(());
        }
        let mut turn = Mask::NONE;
        if self.outbound.masks_anew()
            && let Some(key) = &mut header.masking_key
        {
            let fresh = self.output.masking_key().map_err(kind)?;
            let both = u32::from_ne_bytes(*key) ^ u32::from_ne_bytes(fresh);
            turn = Mask::new(both.to_ne_bytes());
            *key = fresh;
        }
        if self.outbound.clears_rsv1() && header.opcode != Opcode::Continuation {
            header.rsv &= !RSV1;
        }
        let goes = !self.outbound.is_closed();
        let (left, fin) = (header.length, header.fin);
        if goes {
            self.pass_through.pass(&header.to_bytes()[..header.size], Mask::NONE, self.output)?;
            self.pass_through.begun |= self.pass_through.pace == Pace::Bytes;
        }
        self.pass_through.inside = Some(Frame { left, fin, turn, goes });
        Ok(())
    }

    fn payload(&mut self, wire: &[u8], mask: Mask, decoded: usize) -> Result<(), Kind> {
        let _ = decoded;
        self.sink.memory().admit(wire.len(), wire.len())?;
        if let Some((_, payload)) = &mut self.pass_through.control {
            return Ok(frame_log::keep(payload, wire, mask)?);
        }
        let Some(Frame { left, fin, turn, goes }) = self.pass_through.inside else { return Ok(()) };
        if goes {
            self.pass_through.pass(wire, turn, self.output)?;
        }
        // Not before: what was refused did not get out, and its frame is not finished.
        let (left, turn) = (left - wire.len() as u64, turn.advance(wire.len()));
        self.pass_through.inside = Some(Frame { left, fin, turn, goes });
        if left == 0 && self.pass_through.pace == Pace::Bytes {
            // Its last byte went out, whatever is found wrong with the message that it ends.
            flush(&mut self.pass_through.controls, self.output)?;
        }
        Ok(())
    }

    fn frame_end(&mut self) -> Result<(), Kind> {
        let Some((header, payload)) = self.pass_through.control.take() else {
            return Ok(self.pass_through.end_frame(self.output)?);
        };
        if self.outbound.is_closed() {
            return Ok(());
        }
        let mut control = FrameLog::control(header, payload);
        self.outbound.forward(&mut control, &[], self.output).map_err(kind)
    }
}
