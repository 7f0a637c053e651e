//! Encodes one direction: messages and control frames in, bytes of frames out.
//!
//! What may follow what is in `order.rs`.
//!
//! A refused call changes nothing. If a call fails after compressing, for lack of memory or
//! randomness, the compressor's window is reset, because it may contain bytes that the receiver
//! never gets. It is reset for the same reason after a frame that the caller compressed.
//!
//! It implements RFC 6455 sections 5 (framing) and 7.4 (close codes), and RFC 7692 sections 6 and
//! 7.2.1 (compression). The caller supplies random masking keys ([`Output::masking_key`]).

use crate::deflate::deflater::{Compression, Deflater};
use crate::error::OutOfMemory;
use crate::fallible::TryGrow;
use crate::frame::close;
use crate::frame::header::{Header, MAX_CONTROL, RSV1};
use crate::frame::opcode::Opcode;
use crate::text::{self, Utf8Ranges};
use crate::write::layout::{Layout, Output};
use crate::write::order::State;
use crate::write::refusal::Refusal;
use crate::write::settings::{Choice, Head, Settings};

/// Encodes one direction.
pub struct Encoder {
    settings: Settings,
    deflater: Option<Deflater>,
    state: State,
}

impl Encoder {
    /// Creates an encoder at the start of a direction.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let deflater = settings.deflate.map(|params| {
            let window_bits = params.max_window_bits(settings.from_client);
            let no_takeover = params.no_context_takeover(settings.from_client);
            Deflater::new(settings.level, window_bits, no_takeover)
        });
        Self { settings, deflater, state: State::Between }
    }

    /// Whether a message is open.
    #[must_use]
    pub const fn is_inside_message(&self) -> bool {
        matches!(self.state, State::Fragments { .. } | State::Frames)
    }

    /// Whether permessage-deflate was agreed.
    #[must_use]
    pub const fn can_compress(&self) -> bool {
        self.deflater.is_some()
    }

    /// Whether frames are masked, as a client's are (RFC 6455 section 5.1).
    #[must_use]
    pub const fn masks(&self) -> bool {
        self.settings.from_client
    }

    /// Whether a Close was encoded.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Encodes a whole message in one frame, or in fragments of the given sizes, in bytes of
    /// content.
    #[inline]
    pub fn message<O: Output>(
        &mut self,
        opcode: Opcode,
        content: &[u8],
        fragments: Option<&[usize]>,
        choice: Choice,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        match opcode {
            Opcode::Text if self.settings.check_utf8 && !text::is_valid(content) => {
                Err(Refusal::NotUtf8)
            }
            Opcode::Text | Opcode::Binary => self.whole(opcode, content, fragments, choice, output),
            other => Err(Refusal::NotAMessage(other)),
        }
    }

    /// Encodes a text [`message`](Self::message) whose content is known to be UTF-8.
    #[inline]
    pub fn text<O: Output>(
        &mut self,
        content: &[u8],
        fragments: Option<&[usize]>,
        choice: Choice,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        self.whole(Opcode::Text, content, fragments, choice, output)
    }

    #[inline]
    fn whole<O: Output>(
        &mut self,
        opcode: Opcode,
        content: &[u8],
        fragments: Option<&[usize]>,
        choice: Choice,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        self.state.check_whole(opcode)?;
        let sizes = match fragments {
            None => &[content.len()],
            Some([]) => return Err(Refusal::NoFragments),
            Some(sizes) => {
                let sum = sizes.iter().try_fold(0_usize, |sum, size| sum.checked_add(*size));
                if sum != Some(content.len()) {
                    return Err(Refusal::FragmentSizes(content.len()));
                }
                sizes
            }
        };
        let compressed = self.compresses(choice.compress, content)?;
        let rsv = if compressed { RSV1 } else { 0 };
        let head = Head { opcode, fin: true, rsv };
        self.content(head, compressed, content, sizes, choice, output)
    }

    /// Encodes the next fragment of a message. The first fragment decides whether the whole message
    /// is compressed.
    pub fn fragment<O: Output>(
        &mut self,
        opcode: Opcode,
        content: &[u8],
        fin: bool,
        choice: Choice,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let (compressed, mut text) = if let Some(open) = self.state.open_message(opcode)? {
            if choice.compress.is_some() {
                return Err(Refusal::CompressInsideMessage);
            }
            open
        } else {
            let checked = opcode == Opcode::Text && self.settings.check_utf8;
            let compressed = self.compresses(choice.compress, content)?;
            (compressed, checked.then(Utf8Ranges::default))
        };
        if let Some(text) = &mut text {
            let appended = text.append(content);
            let ended = if fin { text.finish() } else { Ok(()) };
            appended.and(ended).map_err(|_| Refusal::NotUtf8)?;
        }
        let rsv = if compressed && opcode != Opcode::Continuation { RSV1 } else { 0 };
        let head = Head { opcode, fin, rsv };
        let bytes = self.content(head, compressed, content, &[content.len()], choice, output)?;
        self.state = if fin { State::Between } else { State::Fragments { compressed, text } };
        Ok(bytes)
    }

    /// Encodes a frame without compressing or checking its payload. Only the order of frames and
    /// the rules for control frames are enforced (RFC 6455 sections 5.4, 5.5).
    pub fn frame<O: Output>(
        &mut self,
        head: Head,
        payload: &[u8],
        masking_key: Option<[u8; 4]>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let Head { opcode, fin, rsv } = head;
        let next = self.state.after_frame(opcode, fin, payload.len())?;
        let key = self.key(masking_key, output)?;
        let header = Header::new(opcode, fin, rsv, key, payload.len() as u64);
        let bytes = output.write(&Layout::new(header, Vec::new(), payload))?;
        if rsv & RSV1 != 0 && !opcode.is_control() {
            self.reset_window();
        }
        self.state = next;
        Ok(bytes)
    }

    /// Writes the valid frames of a whole message, or one control frame, which another endpoint
    /// encoded. `compressed` says whether the payload is compressed.
    pub(crate) fn pass<O: Output>(
        &mut self,
        layout: &Layout<'_>,
        compressed: bool,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let next = self.state.after_whole(layout.opcode())?;
        let bytes = output.write(layout)?;
        if compressed {
            self.reset_window();
        }
        self.state = next;
        Ok(bytes)
    }

    /// Encodes a control frame with this payload.
    #[inline]
    pub fn control<O: Output>(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        masking_key: Option<[u8; 4]>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        self.frame(Head { opcode, fin: true, rsv: 0 }, payload, masking_key, output)
    }

    /// Encodes a Close with a code and a reason, or with neither.
    pub fn close<O: Output>(
        &mut self,
        code: Option<u16>,
        reason: &str,
        masking_key: Option<[u8; 4]>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let mut payload = [0; MAX_CONTROL];
        let length = match code {
            Some(code) if !close::may_be_sent(code) => {
                return Err(Refusal::InvalidCloseCode(code));
            }
            Some(code) => {
                let (front, rest) = payload.split_at_mut(size_of_val(&code));
                front.copy_from_slice(&code.to_be_bytes());
                let length = front.len() + reason.len();
                match rest.get_mut(..reason.len()) {
                    Some(rest) => rest.copy_from_slice(reason.as_bytes()),
                    None if self.is_closed() => return Err(Refusal::AfterClose),
                    None => return Err(Refusal::ControlTooLong(Opcode::Close, length)),
                }
                length
            }
            None if !reason.is_empty() => return Err(Refusal::ReasonWithoutCode),
            None => 0,
        };
        self.control(Opcode::Close, &payload[..length], masking_key, output)
    }

    /// Resets the compressor's window, because its content differs from the receiver's.
    pub(crate) const fn reset_window(&mut self) {
        if let Some(deflater) = &mut self.deflater {
            deflater.reset_window();
        }
    }

    /// Whether to compress a message that begins with `content`.
    #[inline]
    fn compresses(&self, chosen: Option<bool>, content: &[u8]) -> Result<bool, Refusal> {
        match (chosen, &self.deflater) {
            (Some(true), None) => Err(Refusal::DeflateNotAgreed),
            (Some(chosen), _) => Ok(chosen),
            (None, None) => Ok(false),
            (None, Some(_)) => Ok(content.len() as u64 >= self.settings.compress_from),
        }
    }

    /// The masking key of the next frame.
    #[inline]
    fn key<O: Output>(
        &self,
        given: Option<[u8; 4]>,
        output: &mut O,
    ) -> Result<Option<[u8; 4]>, Refusal> {
        match (self.settings.from_client, given) {
            (false, Some(_)) => Err(Refusal::ServerMasks),
            (false, None) => Ok(None),
            (true, Some(key)) => Ok(Some(key)),
            (true, None) => output.masking_key().map(Some),
        }
    }

    /// Encodes content in fragments of these sizes, whose sum is its length.
    #[inline]
    fn content<O: Output>(
        &mut self,
        head: Head,
        compressed: bool,
        content: &[u8],
        sizes: &[usize],
        choice: Choice,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let key = self.key(choice.masking_key, output)?;
        let Some(deflater) = self.deflater.as_mut().filter(|_| compressed) else {
            let layout = self.lay_out(head, key, content, sizes, choice, output)?;
            return Ok(output.write(&layout)?);
        };
        let work = Compression { deflater, content, sizes, fin: head.fin };
        let written = output.compress(work).map_err(Refusal::from).and_then(|lengths| {
            let compressed = self.deflater.as_ref().map_or(&[][..], Deflater::compressed);
            let layout = self.lay_out(head, key, compressed, &lengths, choice, output)?;
            Ok(output.write(&layout)?)
        });
        if let Some(deflater) = &mut self.deflater {
            deflater.end(head.fin, written.is_ok());
        }
        written
    }

    /// Lays out frames with these payload lengths; `key` masks the first.
    #[inline]
    fn lay_out<'a, O: Output>(
        &self,
        head: Head,
        key: Option<[u8; 4]>,
        payload: &'a [u8],
        lengths: &[usize],
        choice: Choice,
        output: &mut O,
    ) -> Result<Layout<'a>, Refusal> {
        let Some((first, rest)) = lengths.split_first() else { return Err(Refusal::NoFragments) };
        let fin = head.fin && rest.is_empty();
        let first = Header::new(head.opcode, fin, head.rsv, key, *first as u64);
        let mut headers = Vec::new();
        headers.try_reserve_exact(rest.len()).map_err(OutOfMemory::from)?;
        for (index, length) in rest.iter().enumerate() {
            let fin = head.fin && index + 1 == rest.len();
            let key = self.key(choice.masking_key, output)?;
            headers.try_push(Header::new(Opcode::Continuation, fin, 0, key, *length as u64))?;
        }
        Ok(Layout::new(first, headers, payload))
    }
}
