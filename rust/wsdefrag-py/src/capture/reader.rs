//! A pass over a capture that returns Python objects.
//!
//! The results of a chunk of the capture wait in `items` until the GIL is held, and then become
//! objects one by one. Memory for an object may be refused at any time. An item therefore leaves the
//! queue only when its object is in `batch`, and `batch` is kept until it is returned: the next call
//! continues where the one that raised stopped.
//!
//! A step begins only if there is room for it. If memory for what waits is refused in the middle of a
//! step all the same, that item and those after it are lost: the pass ends with `MemoryError` after
//! the items before it.
//!
//! A connection's object changes to "ended" only with the batch that starts with it, and a gap's
//! cost becomes certain only between two batches. What a caller sees therefore does not depend on
//! how the files were split into chunks.
//!
//! `state` is locked and unlocked with the GIL held, so its lock cannot change during a garbage
//! collection. `progress` can be read during a pass, also by the file object that is being read: it
//! is locked only briefly, and no holder of it waits for the GIL.

#![expect(
    clippy::disallowed_methods,
    reason = "there is room: it was asked for just before, or is a text for each file or place of damage"
)]

use std::collections::{HashMap, TryReserveError, VecDeque};
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyLookupError, PyMemoryError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::event::Detail;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::{CaptureEvent, Connection, Message, Sink};
use wsdefrag_core::fallible::{TryBox, TryGrow};

use crate::capture::connection::{end_connection, new_connection};
use crate::capture::counts::packet_counts;
use crate::capture::event::CapturedEvent;
use crate::capture::failure::Failure;
use crate::capture::message::CapturedMessage;
use crate::capture::run::{Run, Step};
use crate::errors;
use crate::exclusive::Exclusive;
use crate::panics;
use crate::raw::list::empty_list;
use crate::raw::text::copied_text;
use crate::room;

/// What a chunk of the capture completed.
enum Item {
    Opened(TryBox<Connection>),
    Message(TryBox<Message>),
    /// A gap in its place, or another event.
    Event(TryBox<CaptureEvent>),
    /// A gap that was given before. Its cost is certain now.
    Certain(TryBox<CaptureEvent>),
    Ended(TryBox<Connection>),
}

/// Contents that may wait to become Python objects, in bytes. What one packet completes may exceed
/// it.
const MOST_WAITING: usize = 32 << 20;

/// Bytes that a connection's object takes with all it refers to, besides the request and the response:
/// its attributes, two accounts, addresses, lists. Measured with `tracemalloc`.
pub(crate) const OBJECT_MEMORY: usize = 3_584;

/// Items that may wait to become Python objects. What one packet completes may exceed it.
const MOST_ROWS: usize = 1 << 12;

/// Keeps what a chunk completes until it becomes Python objects.
#[derive(Default)]
struct Items {
    queue: VecDeque<Item>,
    /// The contents in the queue, in bytes.
    bytes: usize,
    /// Whether memory for an item was refused. Nothing is kept after it.
    out_of_memory: bool,
}

impl Items {
    fn keep<T>(&mut self, value: T, item: impl FnOnce(TryBox<T>) -> Item) {
        if self.out_of_memory {
            return;
        }
        let kept = TryBox::new(value).and_then(|value| self.queue.try_push(item(value)));
        self.out_of_memory = kept.is_err();
    }
}

impl Sink for Items {
    fn opened(&mut self, connection: &Connection) {
        self.keep(connection.clone(), Item::Opened);
    }

    fn message(&mut self, message: Message) {
        self.bytes += message.content.len();
        self.keep(message, Item::Message);
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.keep(gap.clone(), Item::Event);
    }

    fn event(&mut self, event: CaptureEvent) {
        let is_gap = matches!(&event.detail, Detail::Gap(_));
        self.keep(event, if is_gap { Item::Certain } else { Item::Event });
    }

    fn ended(&mut self, connection: Connection) {
        self.keep(connection, Item::Ended);
    }

    fn is_full(&self) -> bool {
        self.out_of_memory || self.bytes >= MOST_WAITING || self.queue.len() >= MOST_ROWS
    }
}

/// The objects of open connections, by connection number.
#[derive(Default)]
struct Open(HashMap<u64, Py<PyAny>>);

impl Open {
    fn find(&self, py: Python<'_>, id: u64) -> PyResult<Py<PyAny>> {
        let connection = self.0.get(&id).map(|connection| connection.clone_ref(py));
        connection.ok_or_else(|| PyLookupError::new_err(id))
    }
}

/// Gaps whose cost is not certain yet, by connection, sender and event number.
type OpenGaps = HashMap<(u64, bool, u64), Py<CapturedEvent>>;

/// The state of a pass.
struct State {
    run: Run,
    items: Items,
    open: Open,
    gaps: OpenGaps,
    /// The names of the files, as Python strings once they are needed.
    files: FileNames,
    /// Objects that were not returned yet.
    batch: Option<Py<PyList>>,
}

impl State {
    /// Creates objects of the items up to the next connection that has ended.
    fn fill(&mut self, batch: &Bound<'_, PyList>) -> PyResult<()> {
        let (py, Self { items, open, gaps, files, .. }) = (batch.py(), self);
        let mut last: Option<(u64, Py<PyAny>)> = None;
        while let Some(item) = items.queue.front() {
            match item {
                Item::Opened(connection) => {
                    let file = files.get(py, connection.last.file)?;
                    open.0.try_reserve(1).map_err(no_memory)?;
                    open.0.insert(connection.connection, new_connection(py, connection, file)?);
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
                    let file = files.get(py, message.file)?;
                    batch.append(Py::new(
                        py,
                        CapturedMessage::new(py, connection, message, file)?,
                    )?)?;
                }
                Item::Event(event) => {
                    let connection = open.find(py, event.connection)?;
                    let origin = event.last.or(event.first);
                    let file = origin.map(|origin| files.get(py, origin.file)).transpose()?;
                    let made = CapturedEvent::new(py, connection, event, file.flatten())?;
                    let object = Py::new(py, made)?;
                    if matches!(&event.detail, Detail::Gap(cost) if !cost.is_final) {
                        gaps.try_reserve(1).map_err(no_memory)?;
                        gaps.insert(gap_key(event), object.clone_ref(py));
                    }
                    batch.append(object)?;
                }
                Item::Certain(event) => {
                    if let Some(gap) = gaps.get(&gap_key(event)) {
                        if !batch.is_empty() {
                            break;
                        }
                        gap.get().become_certain(event);
                        gaps.remove(&gap_key(event));
                    }
                }
                Item::Ended(_) if !batch.is_empty() => break,
                Item::Ended(connection) => {
                    let object = open.find(py, connection.connection)?;
                    let file = files.get(py, connection.last.file)?;
                    end_connection(object.bind(py), connection, file)?;
                    batch.append(object)?;
                    open.0.remove(&connection.connection);
                }
            }
            if let Some(Item::Message(message)) = items.queue.pop_front() {
                items.bytes -= message.content.len();
            }
        }
        Ok(())
    }
}

/// The exception for a table that cannot grow.
fn no_memory(_: TryReserveError) -> PyErr {
    PyMemoryError::new_err(NO_ROOM)
}

/// The text of the exception for refused memory.
const NO_ROOM: &str = "no memory to read the capture on; the next call tries again";

/// What identifies a gap.
const fn gap_key(event: &CaptureEvent) -> (u64, bool, u64) {
    (event.connection, event.from_client, event.event)
}

/// The names of the files. Each is made a Python string once.
#[derive(Default)]
struct FileNames(Vec<(String, Option<Py<PyString>>)>);

impl FileNames {
    fn get(&mut self, py: Python<'_>, file: u32) -> PyResult<Option<Py<PyString>>> {
        let Some((name, object)) = self.0.get_mut(file as usize) else { return Ok(None) };
        if object.is_none() {
            *object = Some(copied_text(py, name)?.unbind());
        }
        Ok(object.as_ref().map(|object| object.clone_ref(py)))
    }
}

/// The counts and warnings after the last step.
#[derive(Default)]
struct Progress {
    counts: Counts,
    warnings: Vec<String>,
}

/// A pass over a capture that returns batches.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct CaptureReader {
    state: Exclusive<State>,
    bytes_read: Arc<AtomicU64>,
    progress: Mutex<Progress>,
    /// Whether the GIL is kept also while a chunk is read.
    stays_attached: bool,
}

impl CaptureReader {
    pub(crate) fn new(run: Run, files: Vec<String>, stays_attached: bool) -> Self {
        let bytes_read = run.bytes_counter();
        let (items, open) = (Items::default(), Open::default());
        let files = FileNames(files.into_iter().map(|name| (name, None)).collect());
        let gaps = OpenGaps::default();
        let state = State { run, items, open, gaps, files, batch: None };
        let state = Exclusive::new("CaptureReader", state);
        Self { state, bytes_read, progress: Mutex::default(), stays_attached }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a chunk.
    fn step(&self, run: &mut Run, items: &mut Items) -> Step {
        let step = run.step(items);
        let mut progress = self.progress();
        let known = progress.warnings.len();
        progress.counts.clone_from(run.counts());
        progress.warnings.extend_from_slice(&run.warnings()[known..]);
        step
    }
}

impl CaptureReader {
    /// The next batch; what an exception kept back comes first.
    fn next<'py>(
        &self,
        py: Python<'py>,
        state: &mut State,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        if state.batch.is_none() {
            state.batch = Some(empty_list(py)?.unbind());
        }
        let Some(batch) = &state.batch else { return Ok(None) };
        let batch = batch.clone_ref(py).into_bound(py);
        while batch.is_empty() {
            let State { run, items, .. } = state;
            if items.queue.is_empty() {
                room::ensure(run.room()).map_err(|_| PyMemoryError::new_err(NO_ROOM))?;
                let step = if self.stays_attached {
                    self.step(run, items)
                } else {
                    py.detach(|| self.step(run, items))
                };
                if items.out_of_memory {
                    run.fail(Failure::OutOfMemory);
                }
                match step {
                    Step::Paused(error) if error.kind() != ErrorKind::Interrupted => {
                        return Err(error.into());
                    }
                    Step::Ended if items.queue.is_empty() => {
                        return match run.failure() {
                            Some(failure) => Err(errors::raise_capture(py, failure)),
                            None => Ok(None),
                        };
                    }
                    Step::More | Step::Paused(_) | Step::Ended => {}
                }
            }
            // PyO3 panics where it cannot make a number or a name; its item stays in the queue.
            panics::caught(py, || state.fill(&batch))?;
            // An exception here loses nothing; after the return it would lose the batch.
            py.check_signals()?;
        }
        state.batch = None;
        Ok(Some(batch))
    }
}

#[pymethods]
impl CaptureReader {
    /// Read until something is complete.
    ///
    /// After an exception, or if a file object had no data yet, the next call continues.
    ///
    /// Returns:
    ///     Messages, events, and connections that have ended, in order; None at the end. A connection that
    ///     has ended is the first of its batch.
    ///
    /// Raises:
    ///     CaptureError: If no file is a capture.
    ///     OSError: If no file can be opened or read.
    ///     BlockingIOError: If a non-blocking file object has no data yet.
    ///     RuntimeError: If another call is reading the pass.
    ///     MemoryError: If memory is refused; the next call continues, or raises it again if
    ///         something was lost.
    fn next_batch<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        self.state.with(py, |state| self.next(py, state))
    }

    /// Bytes of the files read so far, as stored (compressed).
    #[getter]
    fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Warnings about files that could be read.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.progress().warnings.clone()
    }

    /// Number of packets so far by outcome.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        packet_counts(py, &self.progress().counts)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // During a read, the reader refers to everything in the state.
        let visited = self.state.visit(|state| {
            state.run.traverse(&visit)?;
            state.open.0.values().try_for_each(|connection| visit.call(connection))?;
            state.gaps.values().try_for_each(|gap| visit.call(gap))?;
            visit.call(&state.batch)
        });
        visited.unwrap_or(Ok(()))
    }
}
