//! What may be sent after what (RFC 6455 sections 5.4 and 5.5).
//!
//! Between two calls an encoder is in one of four states:
//!
//! - *between messages*: any frame or message may follow;
//! - *inside fragments*: a message is open, and the caller gives the content of its fragments; the
//!   next fragment or a control frame may follow;
//! - *inside frames*: a message is open, and the caller gives the payloads of its frames; the next
//!   frame or a control frame may follow;
//! - *closed*: a Close was encoded, and nothing may follow.

use crate::frame::header::MAX_CONTROL;
use crate::frame::opcode::Opcode;
use crate::text::Utf8Ranges;
use crate::write::refusal::Refusal;

/// The state of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Between,
    Fragments { compressed: bool, text: Option<Utf8Ranges> },
    Frames,
    Closed,
}

impl State {
    /// Refuses a whole message of this opcode if it may not follow.
    #[inline]
    pub(super) const fn check_whole(self, opcode: Opcode) -> Result<(), Refusal> {
        match self {
            Self::Between => Ok(()),
            Self::Closed => Err(Refusal::AfterClose),
            _ => Err(Refusal::InsideMessage(opcode)),
        }
    }

    /// Whether the open message that a fragment of this opcode continues is compressed, and the
    /// check of its text so far; `None` if the fragment is the first.
    pub(super) const fn open_message(
        self,
        opcode: Opcode,
    ) -> Result<Option<(bool, Option<Utf8Ranges>)>, Refusal> {
        match (self, opcode) {
            (Self::Closed, _) => Err(Refusal::AfterClose),
            (_, Opcode::Close | Opcode::Ping | Opcode::Pong) => Err(Refusal::NotAFragment(opcode)),
            (Self::Between, Opcode::Continuation) => Err(Refusal::NoMessage),
            (Self::Frames, Opcode::Continuation) => Err(Refusal::MixedFramesAndFragments),
            (Self::Fragments { compressed, text }, Opcode::Continuation) => {
                Ok(Some((compressed, text)))
            }
            (Self::Between, Opcode::Text | Opcode::Binary) => Ok(None),
            (_, Opcode::Text | Opcode::Binary) => Err(Refusal::InsideMessage(opcode)),
        }
    }

    /// The state after a frame with this opcode and FIN bit, and a payload of `length` bytes.
    #[inline]
    pub(super) const fn after_frame(
        self,
        opcode: Opcode,
        fin: bool,
        length: usize,
    ) -> Result<Self, Refusal> {
        match (self, opcode) {
            (Self::Closed, _) => Err(Refusal::AfterClose),
            (_, Opcode::Close | Opcode::Ping | Opcode::Pong) if !fin => {
                Err(Refusal::FragmentedControl(opcode))
            }
            (_, Opcode::Close | Opcode::Ping | Opcode::Pong) if length > MAX_CONTROL => {
                Err(Refusal::ControlTooLong(opcode, length))
            }
            (_, Opcode::Close) => Ok(Self::Closed),
            (state, Opcode::Ping | Opcode::Pong) => Ok(state),
            (Self::Between, Opcode::Continuation) => Err(Refusal::NoMessage),
            (Self::Fragments { .. }, Opcode::Continuation) => Err(Refusal::MixedFramesAndFragments),
            (Self::Between, Opcode::Text | Opcode::Binary)
            | (Self::Frames, Opcode::Continuation) => {
                Ok(if fin { Self::Between } else { Self::Frames })
            }
            (_, Opcode::Text | Opcode::Binary) => Err(Refusal::InsideMessage(opcode)),
        }
    }

    /// The state after a whole message or a control frame, which another endpoint encoded.
    #[inline]
    pub(super) const fn after_whole(self, opcode: Opcode) -> Result<Self, Refusal> {
        match (self, opcode) {
            (Self::Closed, _) => Err(Refusal::AfterClose),
            (_, Opcode::Close) => Ok(Self::Closed),
            (state, Opcode::Ping | Opcode::Pong) => Ok(state),
            (Self::Between, _) => Ok(Self::Between),
            (_, opcode) => Err(Refusal::InsideMessage(opcode)),
        }
    }
}
