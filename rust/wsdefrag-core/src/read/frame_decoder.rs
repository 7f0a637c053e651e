//! Reads one direction as single frames, without reassembly.
//!
//! Only the rules for a single frame apply: its header, masking and size. The order of frames,
//! Close payloads, UTF-8 and deflate are not checked, and frames after a Close are returned too.

use crate::error::{Error, OutOfMemory};
use crate::frame::header::{Header, Order, Rules};
use crate::limits::Limits;
use crate::read::event::Incomplete;
use crate::read::growth::{self, Outlook};
use crate::read::memory::{Content, Memory};
use crate::read::walker::Walker;
use crate::strictness::{Strictness, Tolerated};

/// A complete frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<C> {
    /// Its header.
    pub header: Header,
    /// Its payload, unmasked but not inflated.
    pub payload: C,
    /// Position of its first byte, in bytes from the start of the direction.
    pub offset: u64,
}

/// The frame decoder of one direction.
pub struct FrameDecoder<C> {
    walker: Walker,
    limits: Limits,
    payload: Option<C>,
    received: u64,
    error: Option<Error>,
}

impl<C: Content> FrameDecoder<C> {
    /// Creates a decoder for a direction, from its first byte after the handshake.
    #[must_use]
    pub fn new(rules: Rules, limits: Limits) -> Self {
        Self { walker: Walker::new(rules), limits, payload: None, received: 0, error: None }
    }

    /// The violation that ended this direction, if any.
    #[must_use]
    pub const fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Number of bytes received.
    #[must_use]
    pub const fn bytes_received(&self) -> u64 {
        self.received
    }

    /// Bytes from the first byte of the offending frame on.
    #[must_use]
    pub fn bytes_discarded(&self) -> u64 {
        self.error.map_or(0, |error| self.received - error.offset)
    }

    /// Bytes held for an incomplete frame.
    #[must_use]
    pub fn bytes_buffered(&self) -> usize {
        let payload = self.payload.as_ref().map_or(0, |payload| payload.as_slice().len());
        self.walker.parser.cut_header().len() + payload
    }

    /// Which rules are enforced.
    #[must_use]
    pub const fn strictness(&self) -> Strictness {
        self.walker.parser.rules().strictness
    }

    /// How often switched-off rules were broken.
    #[must_use]
    pub const fn tolerated(&self) -> &Tolerated {
        &self.walker.tolerated
    }

    /// Receives the next bytes of the direction; calls `frame` with each frame that they complete.
    /// A violation is kept in [`error`](Self::error); so is a frame for which `frame` had no memory.
    pub fn receive_data<M: Memory<Content = C>>(
        &mut self,
        data: &[u8],
        memory: &mut M,
        frame: impl FnMut(Frame<C>) -> Result<(), OutOfMemory>,
    ) {
        self.received += data.len() as u64;
        if self.error.is_some() {
            return;
        }
        if let Err(error) = self.run(data, memory, frame) {
            self.fail(error);
        }
    }

    #[cold]
    fn fail(&mut self, error: Error) {
        self.error = Some(error);
        self.forget();
    }

    /// Drops the bytes of an incomplete frame.
    fn forget(&mut self) {
        self.payload = None;
        self.walker.forget();
    }

    fn run<M: Memory<Content = C>>(
        &mut self,
        mut data: &[u8],
        memory: &mut M,
        mut frame: impl FnMut(Frame<C>) -> Result<(), OutOfMemory>,
    ) -> Result<(), Error> {
        while let Some(range) = self.walker.next(&mut data, Order::Any)? {
            let header = self.walker.header;
            let failed = |kind| self.walker.parser.error(kind);
            if range.starts_frame && !header.opcode.is_control() {
                self.limits.check_frame(header.length).map_err(|excess| failed(excess.into()))?;
            }
            let outlook = Outlook { frame_left: range.frame_left, last_frame: true, most: None };
            growth::append(&mut self.payload, range.wire, range.mask, outlook, memory)
                .map_err(|refused| failed(refused.into()))?;
            if !range.ends_frame {
                return Ok(());
            }
            let payload = match self.payload.take() {
                Some(payload) => payload,
                None => memory.allocate(0).map_err(|refused| failed(refused.into()))?,
            };
            let offset = self.walker.parser.start();
            frame(Frame { header, payload, offset })
                .map_err(|refused| Error { kind: refused.into(), offset })?;
        }
        Ok(())
    }

    /// Ends the direction; returns the violation that ended it, or the incomplete frame. If memory for
    /// that is refused, the direction has not ended, and the call can be repeated.
    pub fn receive_eof<M: Memory<Content = C>>(
        &mut self,
        memory: &mut M,
    ) -> Result<Option<Incomplete<C>>, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let Some(opcode) = self.walker.cut_opcode() else { return Ok(None) };
        let offset = self.walker.parser.start();
        let refused = |refused: OutOfMemory| self.walker.parser.error(refused.into());
        let content = if let Some(payload) = self.payload.take() {
            payload
        } else {
            memory.allocate(0).map_err(refused)?
        };
        self.forget();
        Ok(Some(Incomplete { opcode, content, offset }))
    }
}
