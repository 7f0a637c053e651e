//! A stream that is a WebSocket, or may be one.
//!
//! ```text
//! Requested   it asked for a WebSocket; the client's bytes are buffered until the server answers
//! Answered    the answer was captured before the request, as packets may be; the server's bytes are
//!             buffered until the request has come
//! Open        a WebSocket
//! Unknown     its beginning was not captured; it may be a WebSocket
//! ```

use crate::http::buffered::Buffered;
use crate::http2::event::{StreamEnd, StreamHeads};
use crate::packet::Origin;
use serde::{Deserialize, Serialize};

/// The state of a stream.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum State {
    Requested(StreamHeads),
    Answered(StreamHeads),
    Open,
    Unknown,
}

/// A stream.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) state: State,
    pub(super) buffered: Buffered,
    /// Whether each side has ended it, indexed by `from_client`.
    pub(super) ended: [bool; 2],
    pub(super) is_reset: bool,
    /// The last packet with something of it.
    pub(super) last: Origin,
    /// The memory that was counted for it, in bytes.
    pub(super) counted: usize,
}

impl Stream {
    pub(super) const fn new(state: State, origin: Origin) -> Self {
        Self {
            state,
            buffered: Buffered::new(),
            ended: [false; 2],
            is_reset: false,
            last: origin,
            counted: 0,
        }
    }

    /// Whether its parts are given out.
    pub(super) const fn is_given_out(&self) -> bool {
        matches!(self.state, State::Open | State::Unknown)
    }

    /// The memory that it takes, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        let heads = match &self.state {
            State::Requested(heads) | State::Answered(heads) => heads.bytes_held(),
            State::Open | State::Unknown => 0,
        };
        // Twice, for the room that a map has to spare.
        2 * size_of::<Self>() + heads + self.buffered.bytes_held()
    }

    /// How it ends, once both sides have.
    pub(super) const fn end(&self) -> StreamEnd {
        if self.is_reset { StreamEnd::Reset } else { StreamEnd::Closed }
    }
}
