//! Decides when injected frames may be written while frames are forwarded.
//!
//! The outgoing direction is at one of three positions:
//!
//! ```text
//! between messages    any frame may be written
//! between frames      a control frame may be written (RFC 6455 section 5.4)
//! inside a frame      nothing else may be written; only if its bytes are forwarded as they arrive
//! ```
//!
//! With `Pace::Frames` the output holds an incomplete data frame back, and injected frames are
//! written before it. A frame that is too long to be held is forwarded as with `Pace::Bytes`.
//!
//! - `inside` is `Some` from the first header of a message to its last byte
//! - `begun` implies that `inside` is `Some`
//! - the output holds bytes back only inside a data frame that is `held`

use crate::error::OutOfMemory;
use crate::fallible::lengthen;
use crate::frame::header::Header;
use crate::frame::mask::Mask;
use crate::write::layout::{Layout, Output};
use crate::write::refusal::Refusal;

/// When a data frame is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// When the frame is complete, unless it is too long to be held.
    Frames,
    /// As each chunk arrives.
    Bytes,
}

/// An output that also accepts the bytes of forwarded frames.
///
/// It can hold back the bytes of one incomplete frame. Everything else that is written goes before
/// these bytes.
pub trait ByteOutput: Output<Bytes = ()> {
    /// Writes bytes, XORed with `mask`. The mask may combine two keys: one unmasks, the other masks
    /// again.
    fn append(&mut self, bytes: &[u8], mask: Mask) -> Result<(), OutOfMemory>;

    /// Like `append`, but holds the bytes back; `left` more bytes of the frame are announced.
    fn hold_back(&mut self, bytes: &[u8], mask: Mask, left: u64) -> Result<(), OutOfMemory>;

    /// Writes the bytes that were held back.
    fn release_held_back(&mut self);

    /// Discards the bytes that were held back.
    fn discard_held_back(&mut self);
}

/// The data frame that is being forwarded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Payload bytes that have not arrived.
    pub(crate) left: u64,
    pub(crate) fin: bool,
    /// The received masking key XORed with the key to send with.
    pub(crate) remask: Mask,
    /// Whether the frame is forwarded; false after a Close.
    pub(crate) forwarded: bool,
    /// Whether the frame is held until it is complete.
    pub(crate) held: bool,
}

/// The position of the outgoing direction, and the injected frames that wait.
#[derive(Debug)]
pub(crate) struct Schedule {
    pace: Pace,
    /// The longest payload, in bytes, of a frame that is held.
    pub(crate) longest_held: Option<u64>,
    /// The current frame of the message that is being forwarded.
    inside: Option<Frame>,
    /// Whether a part of that message was written.
    begun: bool,
    /// The control frame that is being read, and its payload so far.
    pub(crate) control: Option<(Header, Vec<u8>)>,
    /// Encoded messages that wait for the end of the current message.
    messages: Vec<u8>,
    /// Encoded control frames that wait for the end of the current frame.
    controls: Vec<u8>,
    over: bool,
}

impl Schedule {
    pub(crate) const fn new(pace: Pace) -> Self {
        Self {
            pace,
            longest_held: None,
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

    /// Whether a frame with a payload of `length` bytes is held until it is complete.
    pub(crate) fn holds(&self, length: u64) -> bool {
        self.pace == Pace::Frames && self.longest_held.is_none_or(|longest| length <= longest)
    }

    /// Bytes of injected frames that wait.
    pub(crate) const fn held(&self) -> usize {
        self.messages.len() + self.controls.len()
    }

    /// Notes that no more bytes will arrive.
    pub(crate) fn end<O: ByteOutput>(&mut self, output: &mut O) {
        self.over = true;
        self.control = None;
        output.discard_held_back();
        if self.inside_frame() {
            // The current frame will never end, so these can never be written.
            self.controls = Vec::new();
        }
    }

    /// Whether a part of a message was written, but not its end.
    pub(crate) const fn is_inside_message(&self) -> bool {
        self.begun
    }

    /// Whether the current message will never be complete.
    pub(crate) const fn is_broken_off(&self) -> bool {
        self.over && self.begun
    }

    /// Whether nothing more can be written, because a frame will never be complete.
    pub(crate) const fn is_blocked(&self) -> bool {
        self.over && self.inside_frame()
    }

    /// Whether the last byte written was not the last of its frame.
    pub(crate) const fn inside_frame(&self) -> bool {
        match &self.inside {
            Some(frame) => !frame.held && frame.forwarded && frame.left > 0,
            None => false,
        }
    }

    /// Whether the current frame completes the current message.
    pub(crate) fn is_finishing(&self) -> bool {
        self.inside.is_some_and(|frame| frame.forwarded && frame.fin)
    }

    /// Whether injected messages wait.
    pub(crate) const fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Drops the injected messages that wait.
    pub(crate) fn drop_messages(&mut self) {
        self.messages = Vec::new();
    }

    /// An output for a message that has to wait.
    pub(crate) const fn deferred_message<'a, O>(&'a mut self, keys: &'a mut O) -> Deferred<'a, O> {
        Deferred { bytes: &mut self.messages, keys }
    }

    /// An output for a control frame that has to wait.
    pub(crate) const fn deferred_control<'a, O>(&'a mut self, keys: &'a mut O) -> Deferred<'a, O> {
        Deferred { bytes: &mut self.controls, keys }
    }

    /// Stops the rest of the current frame from being written after a Close.
    pub(crate) fn close<O: ByteOutput>(&mut self, output: &mut O) {
        if let Some(frame) = self.inside.as_mut().filter(|frame| frame.held) {
            output.discard_held_back();
            frame.forwarded = false;
        }
    }

    /// Starts to forward a data frame.
    pub(crate) fn begin<O: ByteOutput>(
        &mut self,
        header: &Header,
        frame: Frame,
        output: &mut O,
    ) -> Result<(), OutOfMemory> {
        if frame.forwarded {
            pass(frame, &header.to_bytes()[..header.size], Mask::NONE, output)?;
            self.begun |= !frame.held;
        }
        self.inside = Some(frame);
        Ok(())
    }

    /// Forwards a range of the current data frame's payload.
    pub(crate) fn payload<O: ByteOutput>(
        &mut self,
        wire: &[u8],
        output: &mut O,
    ) -> Result<(), OutOfMemory> {
        let Some(mut frame) = self.inside else { return Ok(()) };
        let remask = frame.remask;
        frame.left -= wire.len() as u64;
        frame.remask = remask.advance(wire.len());
        if frame.forwarded {
            pass(frame, wire, remask, output)?;
        }
        // Only now: if the output refused the range, the frame has not advanced.
        self.inside = Some(frame);
        if frame.left == 0 && !frame.held {
            // The frame's last byte was written, even if its message turns out to be invalid.
            flush(&mut self.controls, output)?;
        }
        Ok(())
    }

    /// Ends a data frame, and its message if it is final; then writes the frames that waited.
    pub(crate) fn end_frame<O: ByteOutput>(&mut self, output: &mut O) -> Result<(), OutOfMemory> {
        let Some(Frame { fin, forwarded, held, .. }) = self.inside else { return Ok(()) };
        if held {
            output.release_held_back();
            self.begun |= forwarded;
        }
        if fin {
            self.inside = None;
            self.begun = false;
            flush(&mut self.messages, output)?;
        }
        Ok(())
    }
}

/// Forwards bytes of a frame, of which `frame.left` more payload bytes follow.
fn pass<O: ByteOutput>(
    frame: Frame,
    bytes: &[u8],
    mask: Mask,
    output: &mut O,
) -> Result<(), OutOfMemory> {
    if frame.held { output.hold_back(bytes, mask, frame.left) } else { output.append(bytes, mask) }
}

/// Writes the frames that waited.
fn flush<O: ByteOutput>(waiting: &mut Vec<u8>, output: &mut O) -> Result<(), OutOfMemory> {
    if !waiting.is_empty() {
        output.append(waiting, Mask::NONE)?;
        *waiting = Vec::new();
    }
    Ok(())
}

/// An output for frames that are written later.
pub(crate) struct Deferred<'a, O> {
    bytes: &'a mut Vec<u8>,
    keys: &'a mut O,
}

impl<O: Output> Output for Deferred<'_, O> {
    type Bytes = ();

    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        self.keys.masking_key()
    }

    fn write(&mut self, layout: &Layout<'_>) -> Result<(), OutOfMemory> {
        let start = self.bytes.len();
        lengthen(self.bytes, layout.size(), 0)?;
        layout.write(&mut self.bytes[start..]);
        Ok(())
    }
}
