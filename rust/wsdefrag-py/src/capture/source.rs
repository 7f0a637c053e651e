//! The files, or the Python file object, of a capture, and its key logs.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "it copies the caller's paths"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::threads::spread::may_spread;
use wsdefrag_capture::{Capture, Options};

use crate::capture::input::Input;
use crate::capture::key_logs::KeyLogs;
use crate::capture::reading::Reading;
use crate::capture::run::Run;
use crate::errors::raise_checkpoint;
use crate::raw::interpreter;

/// What a capture is read from.
pub(crate) struct Source {
    pub(crate) files: Files,
    pub(crate) key_logs: KeyLogs,
    /// The threads that follow connections.
    pub(crate) threads: usize,
    /// The state of the capture before these files, if they are not its first.
    pub(crate) state: Option<Arc<Vec<u8>>>,
    /// Whether the capture goes on after these files.
    pub(crate) continues: bool,
}

/// Files by path, or one file object.
pub(crate) enum Files {
    Paths(Vec<PathBuf>),
    /// A Python file object, its name, and whether it was read.
    Object(Py<PyAny>, String, Arc<AtomicBool>),
}

impl Source {
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        let files = match &self.files {
            Files::Paths(paths) => Files::Paths(paths.clone()),
            Files::Object(object, name, used) => {
                Files::Object(object.clone_ref(py), name.clone(), Arc::clone(used))
            }
        };
        Self {
            files,
            key_logs: self.key_logs.clone(),
            state: self.state.clone(),
            continues: self.continues,
            threads: self.threads,
        }
    }

    /// The name of the first file.
    pub(crate) fn name(&self) -> String {
        match &self.files {
            Files::Paths(paths) => {
                paths.first().map(|path| path.display().to_string()).unwrap_or_default()
            }
            Files::Object(_, name, _) => name.clone(),
        }
    }

    /// The capture before its next file, and the names of earlier files that rows may still have;
    /// raises `CheckpointError` if the state cannot be read.
    pub(crate) fn capture(
        &self,
        py: Python<'_>,
        options: Options,
    ) -> PyResult<(Capture, Vec<(u32, String)>)> {
        let options = Options { resumable: self.continues, ..options };
        match &self.state {
            None => Ok((Capture::new(options), Vec::new())),
            Some(state) => py
                .detach(|| Capture::resume(state, options))
                .map_err(|error| raise_checkpoint(py, &error)),
        }
    }

    /// A run over the source; raises `ValueError` for a file object that was already read, and
    /// `CheckpointError` if the state cannot be read.
    pub(crate) fn run(&self, py: Python<'_>, options: Options) -> PyResult<Run> {
        let threads = self.threads(&options);
        Ok(Run::new(self.reading(py, options)?, threads))
    }

    /// A run by one thread that reads the files in turn ([`Reading::in_turn`]); raises as
    /// [`run`](Self::run).
    pub(crate) fn run_in_turn(&self, py: Python<'_>, options: Options) -> PyResult<Run> {
        Ok(Run::new(self.reading(py, options)?.in_turn(), 1))
    }

    fn reading(&self, py: Python<'_>, options: Options) -> PyResult<Reading> {
        let inputs: Vec<_> = match &self.files {
            Files::Paths(paths) => paths.iter().cloned().map(Input::Path).collect(),
            Files::Object(object, name, used) => {
                if used.swap(true, Ordering::AcqRel) {
                    return Err(PyValueError::new_err(
                        "the file object has been read; open the capture by its path to read it \
                         twice",
                    ));
                }
                vec![Input::Object(Arc::new(object.clone_ref(py)), name.clone())]
            }
        };
        let (capture, names) = self.capture(py, options.clone())?;
        let is_resumed = self.state.is_some();
        let reading = Reading::new(inputs, capture, options, self.key_logs.clone());
        let is_part = is_resumed || self.continues;
        Ok(if is_part { reading.part(names, is_resumed, self.continues) } else { reading })
    }

    /// The threads that may follow connections: 1 where files cannot be read again, where the capture has a
    /// state before or after them, or where a choice needs one thread.
    pub(crate) fn threads(&self, options: &Options) -> usize {
        let Files::Paths(paths) = &self.files else { return 1 };
        let is_part = self.state.is_some() || self.continues;
        // What is not there is reported when it is read.
        let is_regular = |path: &PathBuf| path.metadata().map_or(true, |it| it.is_file());
        if is_part || !may_spread(&options.filter) || !paths.iter().all(is_regular) {
            return 1;
        }
        self.threads
    }

    /// Whether reading must not leave the interpreter. A detached thread can only come back to the
    /// main interpreter, where the methods of another one's file object do not belong.
    pub(crate) fn stays_attached(&self, py: Python<'_>) -> bool {
        matches!(self.files, Files::Object(..)) && !interpreter::is_main(py)
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.files {
            Files::Paths(_) => Ok(()),
            Files::Object(object, ..) => visit.call(object),
        }
    }
}
