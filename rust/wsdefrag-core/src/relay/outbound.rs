//! What goes out of one direction of a relay.
//!
//! A message that nobody touched goes on as it came, compressed bytes included,
//! for as long as the receiver's window is what the sender takes it for. One
//! that was edited is encoded anew. From the moment that a compressed message
//! does not go on as it came, the two windows differ, and where the sender
//! takes its context over, that direction is compressed anew for good:
//!
//! ```text
//! as it came    the agreed parameters of the two legs fit, and nothing compressed was
//!               changed, dropped or put in; or the sender empties its window anyway
//! anew          everything else; and a message whose payload was too long to be kept
//! ```
//!
//! Messages that are not compressed touch no window, so they are changed,
//! dropped and put in without it. What is put in is therefore not compressed
//! while the direction goes on as it came, unless the caller asks for it.
//!
//! An RSV1 that was tolerated where it means nothing is taken off on its way to
//! a side that would read "compressed" in it.
//!
//! RFC 6455 sections 5.4 and 5.5.1, RFC 7692 sections 6 and 7.

use crate::deflate::params::DeflateParams;
use crate::frame::opcode::Opcode;
use crate::relay::frame_log::FrameLog;
use crate::write::encoder::{Choice, Encoder, Settings};
use crate::write::fragmenter::Fragmenter;
use crate::write::layout::Output;
use crate::write::refusal::Refusal;

/// A message as the caller left it.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// Text or binary.
    pub opcode: Opcode,
    /// What it says.
    pub content: &'a [u8],
    /// Bytes of content that it had when it came.
    pub length: usize,
}

/// A control frame of the caller's.
#[derive(Clone, Copy, Debug)]
pub enum Control<'a> {
    /// A ping with its payload.
    Ping(&'a [u8]),
    /// A pong with its payload.
    Pong(&'a [u8]),
    /// A Close with a code and a reason, or with neither.
    Close(Option<u16>, &'a str),
}

/// What the side that sends may compress.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Incoming {
    /// Nothing.
    Plain,
    /// Messages that refer to themselves only.
    Alone,
    /// Messages that may refer to earlier ones.
    Context,
}

/// The way out of one direction.
pub struct Outbound {
    encoder: Encoder,
    fragmenter: Fragmenter,
    fresh_keys: bool,
    incoming: Incoming,
    /// Whether what comes compressed can go on as it came.
    as_it_came: bool,
}

impl Outbound {
    /// The way out for what is read with the parameters `agreed`, and sent with `settings`.
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
            Some(agreed) if agreed.no_context_takeover(from) => Incoming::Alone,
            Some(_) => Incoming::Context,
        };
        let context = incoming == Incoming::Context;
        let fits = |agreed: DeflateParams, sent: DeflateParams| {
            let window = agreed.max_window_bits(from) <= sent.max_window_bits(from);
            window && !(context && sent.no_context_takeover(from))
        };
        let as_it_came = match (agreed, settings.deflate) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(agreed), Some(sent)) => fits(agreed, sent),
        };
        Self { encoder: Encoder::new(settings), fragmenter, fresh_keys, incoming, as_it_came }
    }

    /// Whether what comes compressed is compressed anew, or not at all.
    #[must_use]
    pub const fn recompresses(&self) -> bool {
        !self.as_it_came
    }

    /// Takes back that it does, or does not, where nothing was written since.
    pub const fn set_recompresses(&mut self, recompresses: bool) {
        self.as_it_came = !recompresses;
    }

    /// Whether a Close went out.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.encoder.is_closed()
    }

    /// Whether frames are given other masking keys.
    pub(crate) const fn masks_anew(&self) -> bool {
        self.fresh_keys
    }

    /// Whether RSV1 of a message means nothing where it comes from, and something where it goes.
    pub(crate) fn clears_rsv1(&self) -> bool {
        self.incoming == Incoming::Plain && self.encoder.can_compress()
    }

    /// Whether a compressed message may refer to the sender's earlier ones.
    const fn has_context(&self) -> bool {
        matches!(self.incoming, Incoming::Context)
    }

    /// Whether a compressed message can be put in without changing how the others go on.
    pub(crate) const fn takes_compressed(&self) -> bool {
        !(self.has_context() && self.as_it_came)
    }

    /// Notes messages that do not go on, or not as they came.
    pub fn altered<'a>(&mut self, logs: impl IntoIterator<Item = &'a FrameLog>) {
        if self.has_context() && logs.into_iter().any(FrameLog::is_compressed) {
            self.as_it_came = false;
        }
    }

    /// Writes a message, or a control frame, that nobody touched.
    #[inline]
    pub fn forward<O: Output>(
        &mut self,
        log: &mut FrameLog,
        content: &[u8],
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        if log.is_opaque() {
            if log.is_compressed() && !log.is_kept() {
                return Err(Refusal::WindowsWouldDiffer);
            }
        } else if log.is_compressed() && !(self.as_it_came && log.is_kept()) {
            let edit = Edit { opcode: log.opcode(), content, length: content.len() };
            return self.forward_edited(log, edit, output);
        }
        if self.clears_rsv1() {
            log.clear_rsv1();
        }
        if self.fresh_keys {
            log.mask_anew(|| output.masking_key())?;
        }
        let moves_window = log.is_compressed() || log.is_opaque();
        self.encoder.pass(&log.layout(content), moves_window, output)
    }

    /// Writes a message that was edited.
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

    /// Encodes what came in `log`: in as many fragments where the length is the same, compressed
    /// if it came compressed.
    fn encode<O: Output>(
        &mut self,
        log: &FrameLog,
        edit: Edit<'_>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let Edit { opcode, content, length } = edit;
        let sizes = log.fragments(opcode, content, length, &self.fragmenter);
        let compress = Some(log.is_compressed() && self.encoder.can_compress());
        let choice = Choice { compress, masking_key: None };
        self.encoder.message(opcode, content, Some(&sizes), choice, output)
    }

    /// Writes a message of the caller's; `compress` leaves it to us if it is `None`.
    pub fn inject<O: Output>(
        &mut self,
        opcode: Opcode,
        content: &[u8],
        compress: Option<bool>,
        output: &mut O,
    ) -> Result<O::Bytes, Refusal> {
        let plain = !self.takes_compressed();
        let choice = Choice { compress: compress.or(plain.then_some(false)), masking_key: None };
        let sizes = self.fragmenter.sizes(opcode, content, &[]);
        let written = self.encoder.message(opcode, content, Some(&sizes), choice, output)?;
        if compress == Some(true) && self.has_context() {
            self.as_it_came = false;
        }
        Ok(written)
    }

    /// Writes a control frame of the caller's.
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

    /// Has the next message that is compressed here refer to nothing before it.
    pub(crate) fn forget_window(&mut self) {
        self.encoder.forget_window();
    }
}
