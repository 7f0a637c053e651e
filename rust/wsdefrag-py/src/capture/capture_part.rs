//! What a reading is of its capture: all of it, or a part, with files before or after its own.
//!
//! - the files before it have the indexes below `earlier`, and its own follow

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "names, one for each file"
)]

use wsdefrag_capture::{Capture, CheckpointError, Sink};

use crate::capture::input::Input;

/// The part of a capture that is read.
#[derive(Default)]
pub(super) struct CapturePart {
    /// Files of the capture before the inputs.
    earlier: u32,
    /// The names of those that rows may still have.
    earlier_names: Vec<(u32, String)>,
    /// Whether the sink has yet to learn of the connections that are open.
    announces: bool,
    /// Whether the capture goes on after the inputs.
    pub(super) continues: bool,
    /// The state of the capture after the inputs.
    checkpoint: Option<Vec<u8>>,
}

impl CapturePart {
    /// After so many files.
    pub(super) fn after(earlier: u32) -> Self {
        Self { earlier, ..Self::default() }
    }

    /// A part that goes on with a state, or one after which the capture continues, so that there is a
    /// checkpoint at its end.
    pub(super) fn with(
        self,
        earlier_names: Vec<(u32, String)>,
        is_resumed: bool,
        continues: bool,
    ) -> Self {
        Self { earlier_names, announces: is_resumed, continues, ..self }
    }

    /// The input with this index in the capture.
    pub(super) const fn place(&self, file: u32) -> usize {
        (file - self.earlier) as usize
    }

    /// The names of all files, by their indexes. Those that no row can have any more are empty.
    pub(super) fn names(&self, inputs: &[Input]) -> Vec<String> {
        let mut names = vec![String::new(); self.earlier as usize];
        for (file, name) in &self.earlier_names {
            if let Some(place) = names.get_mut(*file as usize) {
                place.clone_from(name);
            }
        }
        names.extend(inputs.iter().map(Input::name));
        names
    }

    /// Tells the sink once of the connections that are open, if there were files before these.
    pub(super) fn announce(&mut self, capture: &mut Capture, sink: &mut impl Sink) {
        if std::mem::take(&mut self.announces) {
            capture.announce(sink);
        }
    }

    /// Writes the state after the inputs.
    pub(super) fn write_checkpoint(
        &mut self,
        capture: &mut Capture,
        inputs: &[Input],
    ) -> Result<(), CheckpointError> {
        let inputs = (self.earlier..).zip(inputs.iter().map(Input::name));
        let names: Vec<_> = self.earlier_names.iter().cloned().chain(inputs).collect();
        self.checkpoint = Some(capture.checkpoint(&names)?);
        Ok(())
    }

    /// The state of the capture after the inputs, once they were read; `None` before, and where the
    /// capture does not continue.
    pub(super) fn take_checkpoint(&mut self) -> Option<Vec<u8>> {
        self.checkpoint.take()
    }
}
