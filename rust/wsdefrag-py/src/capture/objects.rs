//! The Python objects of a pass, which are made of the items that wait.
//!
//! Memory for an object may be refused at any time. An item therefore leaves the queue only when its
//! object is in the batch. A connection's object changes to "ended" only with the batch that starts
//! with it, and a gap's cost becomes certain only between two batches.
//!
//! - `open` has the objects of connections that have not ended, `gaps` those of gaps whose cost is not
//!   certain

#![expect(
    clippy::disallowed_methods,
    reason = "room in a table is reserved just before; a name for each file"
)]

use std::collections::{HashMap, TryReserveError};

use pyo3::exceptions::{PyLookupError, PyMemoryError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::CaptureEvent;
use wsdefrag_capture::event::Detail;

use crate::capture::connection::{end_connection, new_connection};
use crate::capture::event::CapturedEvent;
use crate::capture::message::CapturedMessage;
use crate::capture::waiting::{Item, Items};
use crate::raw::text::copied_text;

/// Bytes that a connection's object takes with all it refers to, besides the request and the response:
/// its attributes, two accounts, addresses, lists. Measured with `tracemalloc`.
pub(crate) const OBJECT_MEMORY: usize = 3_584;

/// The objects that a pass still refers to.
pub(super) struct Objects {
    open: Open,
    gaps: OpenGaps,
    /// The names of the files, as Python strings once they are needed.
    files: FileNames,
}

impl Objects {
    /// No objects yet, of files with these names.
    pub(super) fn new(files: Vec<String>) -> Self {
        let files = FileNames(files.into_iter().map(|name| (name, None)).collect());
        Self { open: Open::default(), gaps: OpenGaps::default(), files }
    }

    /// Creates objects of the items up to the next connection that has ended.
    pub(super) fn fill(&mut self, items: &mut Items, batch: &Bound<'_, PyList>) -> PyResult<()> {
        let (py, Self { open, gaps, files }) = (batch.py(), self);
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

    /// Visits the objects for the garbage collector.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.open.0.values().try_for_each(|connection| visit.call(connection))?;
        self.gaps.values().try_for_each(|gap| visit.call(gap))
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

/// What identifies a gap.
const fn gap_key(event: &CaptureEvent) -> (u64, bool, u64) {
    (event.connection, event.from_client, event.event)
}

/// The exception for a table that cannot grow.
fn no_memory(_: TryReserveError) -> PyErr {
    PyMemoryError::new_err(NO_ROOM)
}

/// The text of the exception for refused memory.
pub(super) const NO_ROOM: &str = "no memory to read the capture on; the next call tries again";
