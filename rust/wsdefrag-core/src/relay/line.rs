//! Where the way out stands while frames go on by themselves.
//!
//! It is in one of three places:
//!
//! ```text
//! between messages    anything can be put in
//! between frames      control frames can (RFC 6455 section 5.4)
//! inside a frame      nothing can; only where bytes go as they come
//! ```
//!
//! Where frames go as wholes, a frame that is not whole is kept back by the
//! output, and what the caller puts in goes before it.
//!
//! - `inside` is `Some` from a message's first header to its last byte
//! - `begun` is only true while it is
//! - the output keeps something back only between a data frame's header and its
//!   end, and only where frames go as wholes

use crate::error::OutOfMemory;
use crate::frame::header::Header;
use crate::frame::mask::Mask;
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
///
/// It may keep the bytes of one frame back. They are the last of what it has, and
/// whatever else is written goes before them.
pub trait ByteOutput: Output<Bytes = ()> {
    /// Takes bytes, unmasked with `mask`, which may be that of two keys.
    fn append(&mut self, bytes: &[u8], mask: Mask) -> Result<(), OutOfMemory>;

    /// Takes bytes likewise, and keeps them back; `left` more are announced to follow.
    fn keep_back(&mut self, bytes: &[u8], mask: Mask, left: u64) -> Result<(), OutOfMemory>;

    /// Lets go out what was kept back.
    fn let_out(&mut self);

    /// Gives up what was kept back.
    fn take_back(&mut self);
}

/// The data frame that is passing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Payload bytes to come.
    pub(crate) left: u64,
    pub(crate) fin: bool,
    /// From the key that it came with to the one that it goes with.
    pub(crate) turn: Mask,
    /// Whether it goes on, which it does not after a Close.
    pub(crate) goes: bool,
}

/// Where the way out stands.
#[derive(Debug)]
pub(crate) struct Line {
    pace: Pace,
    /// The message that is passing, at its frame at hand.
    inside: Option<Frame>,
    /// Whether anything of that message went out.
    begun: bool,
    /// The control frame at hand, and its payload so far.
    pub(crate) control: Option<(Header, Vec<u8>)>,
    /// Encoded messages that wait until the one that is passing has passed.
    messages: Vec<u8>,
    /// Encoded control frames that wait until the frame that is passing has passed.
    controls: Vec<u8>,
    over: bool,
}

impl Line {
    pub(crate) const fn new(pace: Pace) -> Self {
        Self {
            pace,
            inside: None,
            begun: false,
            control: None,
            messages: Vec::new(),
            controls: Vec::new(),
            over: false,
        }
    }

    pub(crate) const fn pace(&self) -> Pace {
        self.pace
    }

    /// Bytes that wait for their place.
    pub(crate) const fn held(&self) -> usize {
        self.messages.len() + self.controls.len()
    }

    /// Says that no more comes in.
    pub(crate) fn end<O: ByteOutput>(&mut self, output: &mut O) {
        self.over = true;
        self.control = None;
        output.take_back();
        if self.inside_frame() {
            // Their place will never come.
            self.controls = Vec::new();
        }
    }

    /// Whether a message has begun to go out that is not whole yet.
    pub(crate) const fn is_inside_message(&self) -> bool {
        self.begun
    }

    /// Whether the message that is passing will never be whole.
    pub(crate) const fn is_broken_off(&self) -> bool {
        self.over && self.begun
    }

    /// Whether nothing at all can be put in any more.
    pub(crate) const fn is_blocked(&self) -> bool {
        self.over && self.inside_frame()
    }

    /// Whether the last byte that went out was not the last of its frame.
    pub(crate) const fn inside_frame(&self) -> bool {
        match (self.pace, &self.inside) {
            (Pace::Bytes, Some(frame)) => frame.goes && frame.left > 0,
            _ => false,
        }
    }

    /// Whether the message that is passing will be whole with the frame at hand.
    pub(crate) fn is_finishing(&self) -> bool {
        self.inside.is_some_and(|frame| frame.goes && frame.fin)
    }

    /// Whether messages wait for their place.
    pub(crate) const fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Gives up the messages that wait for their place.
    pub(crate) fn drop_messages(&mut self) {
        self.messages = Vec::new();
    }

    /// Where a message goes that has to wait for its place.
    pub(crate) const fn later_message<'a, O>(&'a mut self, keys: &'a mut O) -> Later<'a, O> {
        Later { bytes: &mut self.messages, keys }
    }

    /// Where a control frame goes that has to wait for its place.
    pub(crate) const fn later_control<'a, O>(&'a mut self, keys: &'a mut O) -> Later<'a, O> {
        Later { bytes: &mut self.controls, keys }
    }

    /// Keeps what is left of the frame at hand from following a Close.
    pub(crate) fn close<O: ByteOutput>(&mut self, output: &mut O) {
        if self.pace == Pace::Frames {
            output.take_back();
            if let Some(frame) = &mut self.inside {
                frame.goes = false;
            }
        }
    }

    /// A data frame begins to pass.
    pub(crate) fn begin<O: ByteOutput>(
        &mut self,
        header: &Header,
        frame: Frame,
        output: &mut O,
    ) -> Result<(), OutOfMemory> {
        if frame.goes {
            self.pass(&header.to_bytes()[..header.size], Mask::NONE, frame.left, output)?;
            self.begun |= self.pace == Pace::Bytes;
        }
        self.inside = Some(frame);
        Ok(())
    }

    /// A range of the payload of the data frame at hand passes.
    pub(crate) fn payload<O: ByteOutput>(
        &mut self,
        wire: &[u8],
        output: &mut O,
    ) -> Result<(), OutOfMemory> {
        let Some(mut frame) = self.inside else { return Ok(()) };
        let turn = frame.turn;
        frame.left -= wire.len() as u64;
        frame.turn = turn.advance(wire.len());
        if frame.goes {
            self.pass(wire, turn, frame.left, output)?;
        }
        // Not before: what was refused did not get out, and its frame is not finished.
        self.inside = Some(frame);
        if frame.left == 0 && self.pace == Pace::Bytes {
            // Its last byte went out, whatever is found wrong with the message that it ends.
            flush(&mut self.controls, output)?;
        }
        Ok(())
    }

    /// Bytes of the frame at hand, of which `left` more are to come.
    fn pass<O: ByteOutput>(
        &self,
        bytes: &[u8],
        mask: Mask,
        left: u64,
        output: &mut O,
    ) -> Result<(), OutOfMemory> {
        match self.pace {
            Pace::Frames => output.keep_back(bytes, mask, left),
            Pace::Bytes => output.append(bytes, mask),
        }
    }

    /// The end of a data frame, and maybe of its message, with what waited for it.
    pub(crate) fn end_frame<O: ByteOutput>(&mut self, output: &mut O) -> Result<(), OutOfMemory> {
        let Some(Frame { fin, goes, .. }) = self.inside else { return Ok(()) };
        if self.pace == Pace::Frames {
            output.let_out();
            self.begun |= goes;
        }
        if fin {
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
pub(crate) struct Later<'a, O> {
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
