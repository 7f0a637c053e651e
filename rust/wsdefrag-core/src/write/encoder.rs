//! One direction, the other way round: messages and control frames in, bytes out.
//!
//! Between two calls a direction is in one of four states:
//!
//! - *between messages*: anything may follow;
//! - *inside fragments*: a message is written as its content comes; its next
//!   fragment or a control frame may follow;
//! - *inside frames*: the same, of a message whose payloads are written as the
//!   caller gives them;
//! - *closed*: a Close was encoded, and nothing follows it.
//!
//! A call that is refused changes nothing. One that fails when everything was
//! checked, for want of memory or randomness, empties the compressor's window:
//! it may hold what the receiver will never see. For the same reason a frame
//! that the caller compressed empties it.
//!
//! It implements RFC 6455 sections 5 (framing) and 7.4 (close codes), and RFC
//! 7692 sections 6 and 7.2.1 (compression). Randomness is the caller's
//! ([`Output::masking_key`]).

use crate::deflate::deflater::{Deflater, Work};
use crate::deflate::params::DeflateParams;
use crate::frame::close;
use crate::frame::header::{Header, MAX_CONTROL, RSV1};
use crate::frame::opcode::Opcode;
use crate::text::{self, Utf8Pieces};
use crate::write::layout::{Layout, Output};
use crate::write::refusal::Refusal;

/// How one direction is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which side sends: clients mask, servers do not.
    pub from_client: bool,
    /// The agreed permessage-deflate parameters.
    pub deflate: Option<DeflateParams>,
    /// Bytes of content from which on a message is compressed, unless the caller chooses.
    pub compress_from: u64,
    /// How hard the compressor tries, from 0 (it stores) to 9.
    pub level: u8,
    /// Whether texts that are not UTF-8 are refused.
    pub check_utf8: bool,
}

/// What a caller may choose for each call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Whether to compress; `None` leaves it to the settings.
    pub compress: Option<bool>,
    /// The key of all frames of the call; `None` for a fresh one each.
    pub masking_key: Option<[u8; 4]>,
}

/// A frame but for its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What the frame is.
    pub opcode: Opcode,
    /// Whether it is the last of its message.
    pub fin: bool,
    /// The three reserved bits as a number; RSV1 counts 4.
    pub rsv: u8,
}

/// Where a direction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    Fragments { compressed: bool, text: Option<Utf8Pieces> },
    Frames,
    Closed,
}

/// Encodes one direction.
pub struct Encoder {
    settings: Settings,
    deflater: Option<Deflater>,
    state: State,
}

impl Encoder {
    /// An encoder at the start of a direction.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let deflater = settings.deflate.map(|params| {
            let window_bits = params.max_window_bits(settings.from_client);
            let no_takeover = params.no_context_takeover(settings.from_client);
            Deflater::new(settings.level, window_bits, no_takeover)
        });
        Self { settings, deflater, state: State::Between }
    }

    /// Whether a message was begun and not ended.
    #[must_use]
    pub const fn is_inside_message(&self) -> bool {
        matches!(self.state, State::Fragments { .. } | State::Frames)
    }

    /// Whether permessage-deflate was agreed on.
    #[must_use]
    pub const fn can_compress(&self) -> bool {
        self.deflater.is_some()
    }

    /// Whether a Close was encoded.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Encodes a whole message, in one frame or in fragments of these many bytes of content.
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

    /// A text [`message`](Self::message) whose content is known to be UTF-8.
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
        match self.state {
            State::Between => {}
            State::Closed => return Err(Refusal::AfterClose),
            _ => return Err(Refusal::InsideMessage(opcode)),
        }
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

    /// Encodes the next fragment of a message that is written as its content comes. What is chosen
    /// for the first fragment, or left to its size, is so for the whole message.
    pub fn fragment<O: Output>(
        &mut self,
        opcode: Opcode,
        content: &[u8],
        fin: bool,
        choice: Choice,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let (compressed, mut text) = match (self.state, opcode) {
            (State::Closed, _) => return Err(Refusal::AfterClose),
            (_, Opcode::Close | Opcode::Ping | Opcode::Pong) => {
                return Err(Refusal::NotAFragment(opcode));
            }
            (State::Between, Opcode::Continuation) => return Err(Refusal::NoMessage),
            (State::Frames, Opcode::Continuation) => return Err(Refusal::BegunOtherwise),
            (State::Fragments { compressed, text }, Opcode::Continuation) => {
                if choice.compress.is_some() {
                    return Err(Refusal::CompressInsideMessage);
                }
                (compressed, text)
            }
            (State::Between, Opcode::Text | Opcode::Binary) => {
                let checked = opcode == Opcode::Text && self.settings.check_utf8;
                let compressed = self.compresses(choice.compress, content)?;
                (compressed, checked.then(Utf8Pieces::default))
            }
            (_, Opcode::Text | Opcode::Binary) => return Err(Refusal::InsideMessage(opcode)),
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

    /// Encodes a frame whose payload is written as it is: not checked, not compressed. Only the
    /// order of frames and the rules of control frames are kept to (RFC 6455 sections 5.4, 5.5).
    pub fn frame<O: Output>(
        &mut self,
        head: Head,
        payload: &[u8],
        masking_key: Option<[u8; 4]>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let Head { opcode, fin, rsv } = head;
        let next = match (self.state, opcode) {
            (State::Closed, _) => return Err(Refusal::AfterClose),
            (state, Opcode::Close | Opcode::Ping | Opcode::Pong) => {
                if !fin {
                    return Err(Refusal::FragmentedControl(opcode));
                }
                if payload.len() > MAX_CONTROL {
                    return Err(Refusal::ControlTooLong(opcode, payload.len()));
                }
                if opcode == Opcode::Close { State::Closed } else { state }
            }
            (State::Between, Opcode::Continuation) => return Err(Refusal::NoMessage),
            (State::Fragments { .. }, Opcode::Continuation) => return Err(Refusal::BegunOtherwise),
            (State::Between, Opcode::Text | Opcode::Binary)
            | (State::Frames, Opcode::Continuation) => {
                if fin {
                    State::Between
                } else {
                    State::Frames
                }
            }
            (_, Opcode::Text | Opcode::Binary) => return Err(Refusal::InsideMessage(opcode)),
        };
        let key = self.key(masking_key, output)?;
        let header = Header::new(opcode, fin, rsv, key, payload.len() as u64);
        let bytes = output.write(&Layout::new(header, Vec::new(), payload))?;
        if rsv & RSV1 != 0 && !opcode.is_control() {
            self.forget_window();
        }
        self.state = next;
        Ok(bytes)
    }

    /// Writes a whole message, or a control frame, with these headers and this payload, all of which
    /// came from elsewhere and are in order; `compressed` says whether the payload is.
    pub(crate) fn pass<O: Output>(
        &mut self,
        layout: &Layout<'_>,
        compressed: bool,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let next = match (self.state, layout.opcode()) {
            (State::Closed, _) => return Err(Refusal::AfterClose),
            (_, Opcode::Close) => State::Closed,
            (state, Opcode::Ping | Opcode::Pong) => state,
            (State::Between, _) => State::Between,
            (_, opcode) => return Err(Refusal::InsideMessage(opcode)),
        };
        let bytes = output.write(layout)?;
        if compressed {
            self.forget_window();
        }
        self.state = next;
        Ok(bytes)
    }

    /// Encodes a ping, a pong, or a Close with this payload.
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

    /// Encodes a Close, with a code and a reason or with neither.
    pub fn close<O: Output>(
        &mut self,
        code: Option<u16>,
        reason: &str,
        masking_key: Option<[u8; 4]>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let mut payload = Vec::new();
        match code {
            Some(code) if !close::may_be_sent(code) => {
                return Err(Refusal::InvalidCloseCode(code));
            }
            Some(code) => payload.extend(code.to_be_bytes()),
            None if !reason.is_empty() => return Err(Refusal::ReasonWithoutCode),
            None => {}
        }
        payload.extend(reason.as_bytes());
        self.control(Opcode::Close, &payload, masking_key, output)
    }

    /// Empties the compressor's window: what it holds is not in the receiver's.
    pub(crate) const fn forget_window(&mut self) {
        if let Some(deflater) = &mut self.deflater {
            deflater.forget();
        }
    }

    /// Whether a message that begins with `content` is compressed.
    #[inline]
    fn compresses(&self, chosen: Option<bool>, content: &[u8]) -> Result<bool, Refusal> {
        match (chosen, &self.deflater) {
            (Some(true), None) => Err(Refusal::DeflateNotAgreed),
            (Some(chosen), _) => Ok(chosen),
            (None, None) => Ok(false),
            (None, Some(_)) => Ok(content.len() as u64 >= self.settings.compress_from),
        }
    }

    /// The key of the next frame.
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

    /// Encodes content in fragments of these sizes, which add up to it.
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
        let work = Work { deflater, content, sizes, fin: head.fin };
        let written = output.compress(work).map_err(Refusal::from).and_then(|lengths| {
            let packed = self.deflater.as_ref().map_or(&[][..], Deflater::packed);
            let layout = self.lay_out(head, key, packed, &lengths, choice, output)?;
            Ok(output.write(&layout)?)
        });
        if let Some(deflater) = &mut self.deflater {
            deflater.end(head.fin, written.is_ok());
        }
        written
    }

    /// Frames of these lengths, the first of which has this key.
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
        let mut headers = Vec::with_capacity(rest.len());
        for (index, length) in rest.iter().enumerate() {
            let fin = head.fin && index + 1 == rest.len();
            let key = self.key(choice.masking_key, output)?;
            headers.push(Header::new(Opcode::Continuation, fin, 0, key, *length as u64));
        }
        Ok(Layout::new(first, headers, payload))
    }
}
