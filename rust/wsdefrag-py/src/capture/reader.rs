//! A pass over a capture that gives Python objects.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyLookupError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use wsdefrag_capture::{Connection, Message, Sink};

use super::connection::{end_connection, new_connection};
use super::message::CapturedMessage;
use super::run::Run;
use crate::errors;

/// What a piece of the capture completed.
enum Item {
    Opened(Box<Connection>),
    Message(Box<Message>),
    Ended(Box<Connection>),
}

/// Keeps what a piece completes until the GIL is held.
#[derive(Default)]
struct Items(Vec<Item>);

impl Sink for Items {
    fn opened(&mut self, connection: &Connection) {
        self.0.push(Item::Opened(Box::new(connection.clone())));
    }

    fn message(&mut self, message: Message) {
        self.0.push(Item::Message(Box::new(message)));
    }

    fn ended(&mut self, connection: Connection) {
        self.0.push(Item::Ended(Box::new(connection)));
    }
}

/// A pass over a capture, a batch at a time.
#[pyclass(module = "wsdefrag._native")]
pub(crate) struct CaptureReader {
    /// Never locked by two; what it reads from may not be shared between threads.
    run: Mutex<Run>,
    items: Items,
    /// The objects of connections that have not ended.
    open: HashMap<u64, Py<PyAny>>,
}

impl CaptureReader {
    pub(crate) fn new(run: Run) -> Self {
        Self { run: Mutex::new(run), items: Items::default(), open: HashMap::new() }
    }

    fn connection(&self, py: Python<'_>, id: u64) -> PyResult<Py<PyAny>> {
        let connection = self.open.get(&id).map(|connection| connection.clone_ref(py));
        connection.ok_or_else(|| PyLookupError::new_err(id))
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl CaptureReader {
    /// Read on until something is complete.
    ///
    /// Returns:
    ///     Messages, and connections that have ended, in order; None at the end.
    ///
    /// Raises:
    ///     CaptureError: If a file is no capture, or not readable any more; all that was complete
    ///         before has been given out.
    ///     OSError: If a file cannot be opened or read.
    fn next_batch<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        while self.items.0.is_empty() {
            let Self { run, items, .. } = self;
            let run = run.get_mut().unwrap_or_else(PoisonError::into_inner);
            if !py.detach(|| run.step(items)) && items.0.is_empty() {
                return match run.failure() {
                    Some(failure) => Err(errors::raise_capture(py, failure)),
                    None => Ok(None),
                };
            }
            py.check_signals()?;
        }
        let batch = PyList::empty(py);
        let mut last: Option<(u64, Py<PyAny>)> = None;
        for item in std::mem::take(&mut self.items.0) {
            match item {
                Item::Opened(connection) => {
                    self.open.insert(connection.id, new_connection(py, &connection)?);
                }
                Item::Message(message) => {
                    let connection = match &last {
                        Some((id, connection)) if *id == message.connection => {
                            connection.clone_ref(py)
                        }
                        _ => {
                            let connection = self.connection(py, message.connection)?;
                            last = Some((message.connection, connection.clone_ref(py)));
                            connection
                        }
                    };
                    batch.append(Py::new(py, CapturedMessage::new(py, connection, &message))?)?;
                }
                Item::Ended(connection) => {
                    let object = self.connection(py, connection.id)?;
                    self.open.remove(&connection.id);
                    end_connection(object.bind(py), &connection)?;
                    batch.append(object)?;
                }
            }
        }
        Ok(Some(batch))
    }

    /// Bytes of the files read so far, as they are stored.
    #[getter]
    fn bytes_read(&self) -> u64 {
        self.run().bytes_read()
    }

    /// What is to be said of the files, though they could be read.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.run().warnings().to_vec()
    }

    /// What became of the packets so far, by name.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let run = self.run();
        let counts = run.counts();
        let values = PyDict::new(py);
        for (name, value) in [
            ("packets", counts.packets),
            ("tcp", counts.tcp),
            ("cut", counts.cut),
            ("exported", counts.exported),
            ("other", counts.other),
            ("malformed", counts.malformed),
            ("unknown_link", counts.unknown_link),
            ("fragments", counts.fragments),
            ("fragments_dropped", counts.fragments_dropped),
            ("fragments_waiting", counts.fragments_waiting),
        ] {
            values.set_item(name, value)?;
        }
        let links: HashMap<u32, u64> = counts.unknown_links.iter().copied().collect();
        values.set_item("unknown_links", links)?;
        values.set_item("first_ns", counts.first_time)?;
        values.set_item("last_ns", counts.last_time)?;
        Ok(values)
    }
}
