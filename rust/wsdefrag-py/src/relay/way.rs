//! How frames get from the one side to the other: which of the core's two machines does it.

use pyo3::prelude::*;
use pyo3::types::PyList;
use wsdefrag_core::relay::{Control, Held, Message, Outbound, Pace, PassThrough, Relay};
use wsdefrag_core::{Opcode, Refusal};

use crate::raw::message::message_state;
use crate::relay::held::PyHeld;
use crate::relay::unsent::Appending;

/// How frames get from the one side to the other.
pub(crate) enum Way {
    Deciding(Relay<PyHeld>),
    Passing(PassThrough<PyHeld>),
}

impl Way {
    pub(crate) fn held(&self) -> usize {
        match self {
            Self::Deciding(relay) => relay.held(),
            Self::Passing(pass_through) => pass_through.held(),
        }
    }

    pub(crate) const fn outbound(&self) -> &Outbound {
        match self {
            Self::Deciding(relay) => relay.outbound(),
            Self::Passing(pass_through) => pass_through.outbound(),
        }
    }

    /// The mode that frames go on by themselves in.
    pub(crate) const fn mode(&self) -> Option<&'static str> {
        match self {
            Self::Deciding(_) => None,
            Self::Passing(pass_through) => match pass_through.pace() {
                Pace::Frames => Some("frames"),
                Pace::Bytes => Some("bytes"),
            },
        }
    }

    /// Brings the books up to date when something has come in: `events`, unless they were kept
    /// back. `over` says that no more will be read.
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
            Self::Passing(pass_through) => {
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
            Self::Passing(pass_through) => pass_through.control(control, output),
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
            Self::Passing(pass_through) => pass_through.close(code, reason, output),
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
            Self::Passing(pass_through) => pass_through.inject(held, opcode, compress, output),
        }
    }
}

/// Has the events that were delivered wait for decisions.
fn hold(relay: &mut Relay<PyHeld>, events: &Bound<'_, PyList>) -> PyResult<()> {
    for event in events.iter() {
        let content = message_state(&event)?.map(|message| message.content.unbind());
        relay.hold(PyHeld { event: event.unbind(), content });
    }
    Ok(())
}
