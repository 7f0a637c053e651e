//! A pass over a capture that gives Python objects.
//!
//! What a piece of the capture completes waits as `items` until the GIL is held, and becomes
//! objects one by one. Making them runs Python code, which an interrupt may end at any time: an
//! item leaves the queue when its object is in `batch`, and `batch` is kept until it is handed out,
//! so the next call goes on where that one stopped.
//!
//! An object says that its connection has ended only from the batch on that begins with it. What a
//! caller sees therefore does not depend on how the files were cut into pieces.
//!
//! `state` is locked and unlocked with the GIL held, so it is locked during the whole of a garbage
//! collection or not at all. How far the pass is can be asked for while it goes on, also by the
//! file object it reads: `told` is locked for a moment only, in which nobody waits for the GIL.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use pyo3::exceptions::{PyLookupError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::{Connection, Message, Sink};

use crate::capture::connection::{end_connection, new_connection};
use crate::capture::message::CapturedMessage;
use crate::capture::run::{Run, Step};
use crate::errors;

/// What a piece of the capture completed.
enum Item {
    Opened(Box<Connection>),
    Message(Box<Message>),
    Ended(Box<Connection>),
}

/// Keeps what a piece completes until it has become Python objects.
#[derive(Default)]
struct Items(VecDeque<Item>);

impl Sink for Items {
    fn opened(&mut self, connection: &Connection) {
        self.0.push_back(Item::Opened(Box::new(connection.clone())));
    }

    fn message(&mut self, message: Message) {
        self.0.push_back(Item::Message(Box::new(message)));
    }

    fn ended(&mut self, connection: Connection) {
        self.0.push_back(Item::Ended(Box::new(connection)));
    }
}

/// The objects of connections that have not ended.
#[derive(Default)]
struct Open(HashMap<u64, Py<PyAny>>);

impl Open {
    fn find(&self, py: Python<'_>, id: u64) -> PyResult<Py<PyAny>> {
        let connection = self.0.get(&id).map(|connection| connection.clone_ref(py));
        connection.ok_or_else(|| PyLookupError::new_err(id))
    }
}

/// What a pass works on.
struct State {
    run: Run,
    items: Items,
    open: Open,
    /// What has not been handed out yet.
    batch: Option<Py<PyList>>,
}

impl State {
    /// Makes objects of what waits, up to the next connection that has ended.
    fn fill(&mut self, batch: &Bound<'_, PyList>) -> PyResult<()> {
        let (py, Self { items: Items(items), open, .. }) = (batch.py(), self);
        let mut last: Option<(u64, Py<PyAny>)> = None;
        while let Some(item) = items.front() {
            match item {
                Item::Opened(connection) => {
                    open.0.insert(connection.connection, new_connection(py, connection)?);
                }
                Item::Message(message) => {
                    let connection = match &last {
                        Some((id, connection)) if *id == message.connection => {
                            connection.clone_ref(py)
                        }
                        _ => {
                            let connection = open.find(py, message.connection)?;
                            last = Some((message.connection, connection.clone_ref(py)));
                            connection
                        }
                    };
                    batch.append(Py::new(py, CapturedMessage::new(py, connection, message))?)?;
                }
                Item::Ended(_) if !batch.is_empty() => break,
                Item::Ended(connection) => {
                    let object = open.find(py, connection.connection)?;
                    end_connection(object.bind(py), connection)?;
                    batch.append(object)?;
                    open.0.remove(&connection.connection);
                }
            }
            items.pop_front();
        }
        Ok(())
    }
}

/// How far a pass was after its last step.
#[derive(Default)]
struct Told {
    counts: Counts,
    warnings: Vec<String>,
}

/// A pass over a capture, a batch at a time.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct CaptureReader {
    state: Mutex<State>,
    bytes_read: Arc<AtomicU64>,
    told: Mutex<Told>,
}

impl CaptureReader {
    pub(crate) fn new(run: Run) -> Self {
        let bytes_read = run.bytes_counter();
        let (items, open) = (Items::default(), Open::default());
        let state = Mutex::new(State { run, items, open, batch: None });
        Self { state, bytes_read, told: Mutex::default() }
    }

    fn state(&self) -> PyResult<MutexGuard<'_, State>> {
        self.state.try_lock().map_err(|error| {
            PyRuntimeError::new_err(match error {
                TryLockError::WouldBlock => {
                    "this pass is being read already, by another thread or by the read() that it \
                     is in"
                }
                TryLockError::Poisoned(_) => "an internal error has ended this pass",
            })
        })
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a piece.
    fn step(&self, run: &mut Run, items: &mut Items) -> Step {
        let step = run.step(items);
        let mut told = self.told();
        let known = told.warnings.len();
        told.counts.clone_from(run.counts());
        told.warnings.extend_from_slice(&run.warnings()[known..]);
        step
    }
}

#[pymethods]
impl CaptureReader {
    /// Read on until something is complete.
    ///
    /// What an exception kept back, or a file object that had nothing yet, comes with the next
    /// call.
    ///
    /// Returns:
    ///     Messages, and connections that have ended, in order; None at the end. A connection that
    ///     has ended is the first of its batch.
    ///
    /// Raises:
    ///     CaptureError: If a file is no capture, or not readable any more; all that was complete
    ///         before has been given out.
    ///     OSError: If a file cannot be opened or read.
    ///     BlockingIOError: If a file object does not block and has nothing yet.
    ///     RuntimeError: If the pass is being read already.
    fn next_batch<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let mut state = self.state()?;
        let batch = state.batch.get_or_insert_with(|| PyList::empty(py).unbind());
        let batch = batch.clone_ref(py).into_bound(py);
        while batch.is_empty() {
            let State { run, items, .. } = &mut *state;
            if items.0.is_empty() {
                match py.detach(|| self.step(run, items)) {
                    Step::Paused(error) => return Err(error.into()),
                    Step::Ended if items.0.is_empty() => {
                        return match run.failure() {
                            Some(failure) => Err(errors::raise_capture(py, failure)),
                            None => Ok(None),
                        };
                    }
                    Step::More | Step::Ended => {}
                }
            }
            state.fill(&batch)?;
            // Here nothing is lost by it; behind the return, the batch would be.
            py.check_signals()?;
        }
        state.batch = None;
        Ok(Some(batch))
    }

    /// Bytes of the files read so far, as they are stored.
    #[getter]
    fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// What is to be said of the files, though they could be read.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.told().warnings.clone()
    }

    /// What became of the packets so far, by name.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.told().counts.clone();
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
        let links = PyDict::new(py);
        for (link, packets) in counts.unknown_links {
            links.set_item(link, packets)?;
        }
        values.set_item("unknown_links", links)?;
        values.set_item("first_ns", counts.first_time)?;
        values.set_item("last_ns", counts.last_time)?;
        Ok(values)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // While it is read, whoever reads it needs all that it holds.
        let Ok(state) = self.state.try_lock() else { return Ok(()) };
        state.run.traverse(&visit)?;
        state.open.0.values().try_for_each(|connection| visit.call(connection))?;
        visit.call(&state.batch)
    }
}
