//! Writes the outgoing direction of a relay: forwards, re-encodes and injects.
//!
//! A message that the caller did not change is forwarded verbatim, compressed bytes included, as
//! long as the receiver's window matches the sender's. An edited message is encoded again. If the
//! sender uses context takeover, the two windows differ as soon as one compressed message is not
//! forwarded verbatim; from then on every compressed message of the direction is compressed again:
//!
//! ```text
//! verbatim     the parameters of both connections fit, and no compressed message was
//!              changed, dropped or injected; or the sender uses no context takeover
//! recompress   otherwise; and a message whose payload was too long to be kept
//! ```
//!
//! Uncompressed messages do not use a window, so the caller can always change, drop and inject
//! them. While the direction is forwarded verbatim, injected messages are not compressed unless the
//! caller asks for it.
//!
//! A tolerated frame of a client without a mask is sent with one, and a tolerated frame of a server
//! with a mask is sent without: its receiver would have to fail the connection (RFC 6455 section
//! 5.1).
//!
//! A tolerated RSV1 bit without a meaning is cleared if the receiver would take it to mean
//! "compressed".
//!
//! It implements RFC 6455 sections 5.4 and 5.5.1, and RFC 7692 sections 6 and 7.

use crate::deflate::params::DeflateParams;
use crate::frame::header::Header;
use crate::frame::opcode::Opcode;
use crate::relay::frame_log::FrameLog;
use crate::write::encoder::Encoder;
use crate::write::fragmenter::Fragmenter;
use crate::write::layout::Output;
use crate::write::refusal::Refusal;
use crate::write::settings::{Choice, Settings};

/// An edited message.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// Text or binary.
    pub opcode: Opcode,
    /// The content to send.
    pub content: &'a [u8],
    /// Length of the received content, in bytes.
    pub length: usize,
}

/// A control frame to inject.
#[derive(Clone, Copy, Debug)]
pub enum Control<'a> {
    /// A ping with its payload.
    Ping(&'a [u8]),
    /// A pong with its payload.
    Pong(&'a [u8]),
    /// A Close with a code and a reason, or with neither.
    Close(Option<u16>, &'a str),
}

/// What the sending endpoint may compress.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Incoming {
    /// Nothing.
    Plain,
    /// Messages that do not refer to earlier ones (no context takeover).
    NoContext,
    /// Messages that may refer to earlier ones.
    Context,
}

/// The outgoing side of one direction.
pub struct Outbound {
    encoder: Encoder,
    fragmenter: Fragmenter,
    fresh_keys: bool,
    incoming: Incoming,
    /// Whether compressed messages can be forwarded verbatim.
    verbatim: bool,
    /// Whether reserved bits belong to an extension that is not known.
    foreign_extension: bool,
}

impl Outbound {
    /// Creates the outgoing side of a direction that is received with the parameters `agreed` and
    /// sent with `settings`.
    #[must_use]
    pub fn new(
        settings: Settings,
        agreed: Option<DeflateParams>,
        fragmenter: Fragmenter,
        fresh_keys: bool,
    ) -> Self {
        let from = settings.from_client;
        let incoming = match agreed {
            None => Incoming::Plain,
            Some(agreed) if agreed.no_context_takeover(from) => Incoming::NoContext,
            Some(_) => Incoming::Context,
        };
        let context = incoming == Incoming::Context;
        let fits = |agreed: DeflateParams, sent: DeflateParams| {
            let window = agreed.max_window_bits(from) <= sent.max_window_bits(from);
            window && !(context && sent.no_context_takeover(from))
        };
        let verbatim = match (agreed, settings.deflate) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(agreed), Some(sent)) => fits(agreed, sent),
        };
        Self {
            encoder: Encoder::new(settings),
            fragmenter,
            fresh_keys,
            incoming,
            verbatim,
            foreign_extension: false,
        }
    }

    /// The same, where reserved bits belong to an extension that is not known if one was `agreed`.
    #[must_use]
    pub const fn with_foreign_extension(mut self, agreed: bool) -> Self {
        self.foreign_extension = agreed;
        self
    }

    /// Whether received compressed messages are compressed again or sent uncompressed.
    #[must_use]
    pub const fn recompresses(&self) -> bool {
        !self.verbatim
    }

    /// Restores an earlier value of `recompresses`; only valid if nothing was written since.
    pub const fn set_recompresses(&mut self, recompresses: bool) {
        self.verbatim = !recompresses;
    }

    /// Whether a Close was sent.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.encoder.is_closed()
    }

    /// Whether a received frame gets a new masking key, or loses the one that it has.
    pub(crate) const fn remasks(&self, header: &Header) -> bool {
        (self.fresh_keys && self.masks()) || header.masking_key.is_some() != self.masks()
    }

    /// Whether frames are sent masked.
    pub(crate) const fn masks(&self) -> bool {
        self.encoder.masks()
    }

    /// Whether RSV1 has a meaning for the receiver but not for the sender.
    pub(crate) fn clears_rsv1(&self) -> bool {
        self.incoming == Incoming::Plain && self.encoder.can_compress() && !self.foreign_extension
    }

    /// Whether a received compressed message may refer to earlier ones.
    const fn has_context(&self) -> bool {
        matches!(self.incoming, Incoming::Context)
    }

    /// Whether a compressed message can be injected while the others stay verbatim.
    pub(crate) const fn takes_compressed(&self) -> bool {
        !(self.has_context() && self.verbatim)
    }

    /// Notes messages that are dropped or not forwarded verbatim.
    pub fn altered<'a>(&mut self, logs: impl IntoIterator<Item = &'a FrameLog>) {
        if self.has_context() && logs.into_iter().any(FrameLog::is_compressed) {
            self.verbatim = false;
        }
    }

    /// Writes a message or control frame that the caller did not change.
    #[inline]
    pub fn forward<O: Output>(
        &mut self,
        log: &mut FrameLog,
        content: &[u8],
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        if log.is_opaque() {
            if log.is_compressed() && !log.has_payload() {
                return Err(Refusal::WindowsWouldDiffer);
            }
        } else if log.is_compressed() && !(self.verbatim && log.has_payload()) {
            let edit = Edit { opcode: log.opcode(), content, length: content.len() };
            return self.forward_edited(log, edit, output);
        }
        if self.clears_rsv1() {
            log.clear_rsv1();
        }
        let masks = self.masks();
        if (self.fresh_keys && masks) || !log.is_masked_as(masks) {
            log.remask(masks, || output.masking_key())?;
        }
        let moves_window = log.is_compressed() || log.is_opaque();
        self.encoder.pass(&log.layout(content)?, moves_window, output)
    }

    /// Writes an edited message.
    pub fn forward_edited<O: Output>(
        &mut self,
        log: &FrameLog,
        edit: Edit<'_>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let written = self.encode(log, edit, output)?;
        self.altered([log]);
        Ok(written)
    }

    /// Encodes the edited message. It keeps the received fragment sizes if the length is the same,
    /// and is compressed if it was received compressed.
    fn encode<O: Output>(
        &mut self,
        log: &FrameLog,
        edit: Edit<'_>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let Edit { opcode, content, length } = edit;
        let sizes = log.fragments(opcode, content, length, &self.fragmenter)?;
        let compress = Some(log.is_compressed() && self.encoder.can_compress());
        let choice = Choice { compress, masking_key: None };
        self.encoder.message(opcode, content, Some(&sizes), choice, output)
    }

    /// Injects a message. With `compress` `None`, the relay decides whether to compress.
    pub fn inject<O: Output>(
        &mut self,
        opcode: Opcode,
        content: &[u8],
        compress: Option<bool>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let plain = !self.takes_compressed();
        let choice = Choice { compress: compress.or(plain.then_some(false)), masking_key: None };
        let sizes = self.fragmenter.sizes(opcode, content, &[])?;
        let written = self.encoder.message(opcode, content, Some(&sizes), choice, output)?;
        if compress == Some(true) && self.has_context() {
            self.verbatim = false;
        }
        Ok(written)
    }

    /// Injects a control frame.
    pub fn control<O: Output>(
        &mut self,
        control: Control<'_>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        match control {
            Control::Ping(payload) => self.encoder.control(Opcode::Ping, payload, None, output),
            Control::Pong(payload) => self.encoder.control(Opcode::Pong, payload, None, output),
            Control::Close(code, reason) => self.encoder.close(code, reason, None, output),
        }
    }

    /// Resets the compressor, so that its next message does not refer to earlier ones.
    pub(crate) fn reset_window(&mut self) {
        self.encoder.reset_window();
    }
}
