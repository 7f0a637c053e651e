//! Entries of archives of what Python holds: connections with all of their messages.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "it copies what the caller holds"
)]

use std::borrow::Cow;

use pyo3::exceptions::{PyMemoryError, PyOSError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use wsdefrag_capture::Status;
use wsdefrag_capture::archive::archive_output::Archive;
use wsdefrag_capture::archive::entry_row::{EntryRow, RecordRow, RequestRow, ResponseRow};
use wsdefrag_capture::archive::entry_writer::EntryWriter as Writer;
use wsdefrag_capture::archive::message_entry::{MessageEntry, Time};
use wsdefrag_capture::lines::connection_row::CloseRow;
use wsdefrag_capture::output::OutputError;

use crate::capture::event::CapturedEvent;
use crate::capture::message::CapturedMessage;
use crate::exclusive::Exclusive;
use crate::opcodes::parse_opcode;
use crate::raw::bytes::copied_bytes;
use crate::raw::python;

/// Makes the entries of an archive, one after the other.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct EntryWriter(Exclusive<Writer>);

/// The archive with this name; raises `ValueError` if there is none.
fn archive(format: &str) -> PyResult<Archive> {
    match format {
        "har" => Ok(Archive::Har),
        "mitm" => Ok(Archive::Flows),
        _ => Err(PyValueError::new_err(format!("{format:?} is no format of an archive"))),
    }
}

/// The exception for what stops a writer.
fn raised(error: OutputError) -> PyErr {
    match error {
        OutputError::OutOfMemory => PyMemoryError::new_err("no memory for an entry"),
        OutputError::Spool(error) => PyOSError::new_err(error.to_string()),
    }
}

/// An address and a port.
type Address = (String, u16);

/// Header fields.
type Fields = Vec<(String, Vec<u8>)>;

/// The end of a live connection: whether the client closed it, code, reason, time.
type End = (Option<bool>, Option<i64>, Option<String>, Option<f64>);

/// What an entry says of its connection, as plain values.
#[derive(FromPyObject)]
struct Values {
    #[pyo3(item)]
    connection: u64,
    #[pyo3(item)]
    stream_id: Option<u32>,
    #[pyo3(item)]
    client: Address,
    #[pyo3(item)]
    server: Address,
    /// Method, fields, time.
    #[pyo3(item)]
    request: Option<(String, Fields, i64)>,
    /// Status, reason, fields, time.
    #[pyo3(item)]
    response: Option<(u16, String, Fields, i64)>,
    #[pyo3(item)]
    host: Option<Vec<u8>>,
    #[pyo3(item)]
    path: Option<Vec<u8>>,
    #[pyo3(item)]
    refused: bool,
    #[pyo3(item)]
    opened: i64,
    #[pyo3(item)]
    last: i64,
    /// Whether the client sent it, code, reason, time.
    #[pyo3(item)]
    close: Option<(bool, Option<u16>, String, i64)>,
    #[pyo3(item)]
    torn_down: bool,
    #[pyo3(item)]
    problems: Vec<String>,
    #[pyo3(item)]
    record: Option<End>,
}

impl Values {
    fn row(&self) -> EntryRow<'_> {
        let endpoint = |(host, port): &'_ Address| (host.clone().into(), *port);
        EntryRow {
            connection: self.connection,
            stream_id: self.stream_id,
            client: endpoint(&self.client),
            server: endpoint(&self.server),
            request: self.request.as_ref().map(|(method, fields, time)| RequestRow {
                method: method.into(),
                fields: fields.into(),
                time: *time,
            }),
            response: self.response.as_ref().map(|(status, reason, fields, time)| ResponseRow {
                status: *status,
                reason: reason.into(),
                fields: fields.into(),
                time: *time,
            }),
            host: self.host.as_ref().map(Cow::from),
            path: self.path.as_ref().map(Cow::from),
            refused: self.refused,
            opened: self.opened,
            last: self.last,
            close: self.close.as_ref().map(|(from_client, code, reason, time)| CloseRow {
                from_client: *from_client,
                code: *code,
                reason: reason.into(),
                time: *time,
            }),
            torn_down: self.torn_down,
            problems: (&self.problems).into(),
            record: self.record.as_ref().map(|(by_client, code, reason, ended)| RecordRow {
                closed_by_client: *by_client,
                close_code: *code,
                close_reason: reason.as_ref().map(Cow::from),
                ended: *ended,
            }),
        }
    }
}

/// Adds a message.
fn write_message(writer: &mut Writer, message: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(captured) = message.cast::<CapturedMessage>() {
        return writer.message(&captured.get().entry()).map_err(raised);
    }
    let (py, nothing) = (message.py(), PyTuple::empty(message.py()));
    let state = python::call_method(message, intern!(py, "get_state"), &nothing)?;
    let (opcode, from_client, content, time, dropped, injected): (
        Bound<'_, PyAny>,
        bool,
        Bound<'_, PyBytes>,
        f64,
        bool,
        bool,
    ) = state.extract()?;
    let entry = MessageEntry {
        opcode: parse_opcode(&opcode)?,
        from_client,
        content: content.as_bytes(),
        time: Time::Seconds(time),
        dropped,
        injected,
        status: Status::Ok,
        missing_bytes: 0,
        resynced: false,
        unauthenticated: false,
    };
    writer.message(&entry).map_err(raised)
}

/// Adds the rows of an entry: events before the messages with the numbers in `places`.
fn write_rows(
    writer: &mut Writer,
    messages: &Bound<'_, PyList>,
    events: &Bound<'_, PyList>,
    places: &[usize],
) -> PyResult<()> {
    if events.len() != places.len() {
        return Err(PyValueError::new_err("each event has one place"));
    }
    let mut next = 0;
    for (event, place) in events.iter().zip(places) {
        while next < *place && next < messages.len() {
            write_message(writer, &messages.get_item(next)?)?;
            next += 1;
        }
        let event = event.cast::<CapturedEvent>().map_err(|_| {
            PyTypeError::new_err("an event of a conversation must be a CapturedEvent")
        })?;
        event.get().with_row(event.py(), |row| writer.event(row))?.map_err(raised)?;
    }
    // The list may change while a message gives its state.
    while next < messages.len() {
        write_message(writer, &messages.get_item(next)?)?;
        next += 1;
    }
    Ok(())
}

#[pymethods]
impl EntryWriter {
    /// Args:
    ///     format: ``"har"`` or ``"mitm"``.
    ///
    /// Raises:
    ///     ValueError: If there is no such format.
    #[new]
    fn new(format: &str) -> PyResult<Self> {
        Ok(Self(Exclusive::new("EntryWriter", Writer::new(archive(format)?))))
    }

    /// Return what stands before the first entry.
    fn start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.0.with(py, |writer| {
            let mut out = Vec::new();
            writer.start(&mut out).map_err(raised)?;
            copied_bytes(py, &out)
        })
    }

    /// Return what stands after the last entry.
    fn end<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.0.with(py, |writer| copied_bytes(py, writer.end()))
    }

    /// Return the entry of a connection.
    ///
    /// Args:
    ///     values: What the entry says of the connection, by name.
    ///     messages: The messages, captured or not.
    ///     events: The events.
    ///     places: For each event, how many of the messages come before it.
    ///
    /// Raises:
    ///     TypeError: If a value has the wrong type.
    ///     ValueError: If a value is out of range.
    ///     MemoryError: If memory is refused.
    fn entry<'py>(
        &self,
        py: Python<'py>,
        values: &Bound<'py, PyDict>,
        messages: &Bound<'py, PyList>,
        events: &Bound<'py, PyList>,
        places: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (values, places): (Values, Vec<usize>) = (values.extract()?, places.extract()?);
        self.0.with(py, |writer| {
            let mut out = Vec::new();
            let made = write_rows(writer, messages, events, &places)
                .and_then(|()| writer.entry(&values.row(), &mut out).map_err(raised));
            if made.is_err() {
                writer.discard();
            }
            made?;
            copied_bytes(py, &out)
        })
    }
}
