//! The two kinds of forwarding in one type: by decision, or pass-through.

use pyo3::prelude::*;
use pyo3::types::PyList;
use wsdefrag_core::relay::{Control, Held, Message, Outbound, Pace, PassThrough, Relay};
use wsdefrag_core::{Opcode, Refusal};

use crate::raw::message::message_state;
use crate::read::event::opaque_content;
use crate::relay::held::PyHeld;
use crate::relay::unsent::Appending;

/// How a direction forwards frames.
pub(crate) enum Forwarding {
    Deciding(Relay<PyHeld>),
    PassThrough(PassThrough<PyHeld>),
}

impl Forwarding {
    pub(crate) fn held(&self) -> usize {
        match self {
            Self::Deciding(relay) => relay.held(),
            Self::PassThrough(pass_through) => pass_through.held(),
        }
    }

    pub(crate) const fn outbound(&self) -> &Outbound {
        match self {
            Self::Deciding(relay) => relay.outbound(),
            Self::PassThrough(pass_through) => pass_through.outbound(),
        }
    }

    /// The mode of a pass-through; `None` if the caller decides.
    pub(crate) const fn mode(&self) -> Option<&'static str> {
        match self {
            Self::Deciding(_) => None,
            Self::PassThrough(pass_through) => match pass_through.pace() {
                Pace::Frames => Some("frames"),
                Pace::Bytes => Some("bytes"),
            },
        }
    }

    /// Updates the state after a read. `events` are the delivered events, if they could be
    /// delivered; `over` says that no more will be read.
    pub(crate) fn received(
        &mut self,
        events: Option<&Bound<'_, PyList>>,
        over: bool,
        output: &mut Appending<'_, '_>,
    ) -> PyResult<()> {
        match self {
            Self::Deciding(relay) => {
                if over {
                    relay.end();
                }
                let held = events.map_or(Ok(()), |events| hold(relay, events));
                relay.release();
                held
            }
            Self::PassThrough(pass_through) => {
                pass_through.settle(over, output);
                Ok(())
            }
        }
    }

    pub(crate) fn control(
        &mut self,
        control: Control<'_>,
        output: &mut Appending<'_, '_>,
    ) -> Result<(), Refusal> {
        match self {
            Self::Deciding(relay) => relay.control(control, output),
            Self::PassThrough(pass_through) => pass_through.control(control, output),
        }
    }

    pub(crate) fn close(
        &mut self,
        code: Option<u16>,
        reason: &str,
        output: &mut Appending<'_, '_>,
    ) -> Result<bool, Refusal> {
        match self {
            Self::Deciding(relay) => relay.close(code, reason, output),
            Self::PassThrough(pass_through) => pass_through.close(code, reason, output),
        }
    }

    pub(crate) fn inject(
        &mut self,
        held: PyHeld,
        opcode: Opcode,
        compress: Option<bool>,
        output: &mut Appending<'_, '_>,
    ) -> Result<(), Refusal> {
        match self {
            Self::Deciding(relay) => {
                relay.inject(Message { opcode, content: held.content() }, compress, output)
            }
            Self::PassThrough(pass_through) => pass_through.inject(held, opcode, compress, output),
        }
    }
}

/// Queues the delivered events until the caller decides on them.
fn hold(relay: &mut Relay<PyHeld>, events: &Bound<'_, PyList>) -> PyResult<()> {
    for event in events.iter() {
        let content = match message_state(&event)? {
            Some(message) => Some(message.content.unbind()),
            None => opaque_content(&event),
        };
        relay.hold(PyHeld { event: event.unbind(), content });
    }
    Ok(())
}
