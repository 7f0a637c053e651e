//! What to read and how; created once, and read any number of times.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "it copies the caller's arguments"
)]

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::columns::SCHEMA_VERSION;
use wsdefrag_capture::files::partitions::Partitions;
use wsdefrag_capture::files::table_files::TableFiles;
use wsdefrag_capture::files::table_sink::TableSink;
use wsdefrag_capture::lines::json_lines::JsonLines;
use wsdefrag_capture::lines::line_output::{LineOutput, LineRows};
use wsdefrag_capture::lines::per_table::PerTable;
use wsdefrag_capture::options::ConnectionKey;
use wsdefrag_capture::packet::tunnel::udp_tunnel::DecodeAs;
use wsdefrag_capture::share::{MOST_SHARES, Share};
use wsdefrag_capture::table::Table;
use wsdefrag_capture::{Account, Filter, Options};
use wsdefrag_core::Strictness;

use crate::capture::arrow::{ArrowStream, for_tables};
use crate::capture::arrow_pass::{SharedResults, filled};
use crate::capture::choices::Choices;
use crate::capture::conditions::PyConditions;
use crate::capture::formats::{AnyOutput, OutputOptions, make_output};
use crate::capture::input::Input;
use crate::capture::key_logs::KeyLogs;
use crate::capture::objects::OBJECT_MEMORY;
use crate::capture::output_pass::OutputPass;
use crate::capture::reader::CaptureReader;
use crate::capture::source::{Files, Source};
use crate::capture::table_file::{compression_of, format_of, new_file};
use crate::opcodes::parse_opcode;
use crate::panics;
use crate::params::{PyDeflateParams, PyLimits, PyStrictness};
use crate::raw::interpreter;

/// The value of ``key`` with this name; raises `ValueError` if there is none.
fn connection_key(name: &str) -> PyResult<ConnectionKey> {
    let known = ConnectionKey::NAMES.iter().find(|(known, _)| *known == name);
    known.map(|(_, key)| *key).ok_or_else(|| {
        let names = ConnectionKey::NAMES.map(|(name, _)| format!("'{name}'")).join(", ");
        PyValueError::new_err(format!("key must be one of {names}, not {name:?}"))
    })
}

/// The table with this name; raises `ValueError` if there is none.
fn table_of(name: &str) -> PyResult<Table> {
    let table = Table::ALL.into_iter().find(|known| known.name() == name);
    table.ok_or_else(|| PyValueError::new_err(format!("{name:?} is no table")))
}

/// The share of the connections with this index of so many; raises `ValueError` if there is none.
fn share_of(index: u8, of: u8) -> PyResult<Share> {
    Share::new(index, of).ok_or_else(|| {
        PyValueError::new_err(format!("there is no share {index} of {of}; at most {MOST_SHARES}"))
    })
}

/// The engine of ``wsdefrag.capture.Capture``: which files to read, and how.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct CapturePlan {
    source: Source,
    options: Options,
    choices: Choices,
}

#[pymethods]
impl CapturePlan {
    #[new]
    #[pyo3(signature = (
        *, paths, file, name, hosts, request_paths, connections, ports, addresses, from_client,
        types, since_ns, until_ns, conditions, content, deflate, limits, strictness, resync, max_connections,
        memory, idle_timeout_ns, key, capture_point, decode_as, columns, key_log_paths, key_log_contents,
        threads, state, continues, share
    ))]
    #[expect(clippy::too_many_arguments, reason = "all of them have names where it is called")]
    #[expect(clippy::needless_pass_by_value, reason = "arguments from Python are owned")]
    fn new(
        paths: Vec<PathBuf>,
        file: Option<Py<PyAny>>,
        name: String,
        hosts: Vec<String>,
        request_paths: Vec<String>,
        connections: Vec<(u64, u64)>,
        ports: Vec<u16>,
        addresses: Vec<String>,
        from_client: Option<bool>,
        types: Vec<Bound<'_, PyAny>>,
        since_ns: Option<i64>,
        until_ns: Option<i64>,
        conditions: PyConditions,
        content: bool,
        deflate: Option<PyDeflateParams>,
        limits: PyLimits,
        strictness: PyStrictness,
        resync: bool,
        max_connections: usize,
        memory: usize,
        idle_timeout_ns: Option<i64>,
        key: String,
        capture_point: String,
        decode_as: Vec<String>,
        columns: [Option<Vec<String>>; 3],
        key_log_paths: Vec<PathBuf>,
        key_log_contents: Vec<Bound<'_, PyBytes>>,
        threads: usize,
        state: Option<Bound<'_, PyBytes>>,
        continues: bool,
        share: Option<(u8, u8)>,
    ) -> PyResult<Self> {
        let files = match file {
            Some(file) => Files::Object(file, name, Arc::new(AtomicBool::new(false))),
            None => Files::Paths(paths),
        };
        let contents = key_log_contents.iter().map(|content| content.as_bytes().to_vec());
        let key_logs = KeyLogs { paths: key_log_paths, contents: Arc::new(contents.collect()) };
        let state = state.map(|state| Arc::new(state.as_bytes().to_vec()));
        let source = Source { files, key_logs, threads, state, continues };
        let address = |text: &String| {
            text.parse::<IpAddr>()
                .map_err(|_| PyValueError::new_err(format!("{text:?} is not an IP address")))
        };
        let tunnel = |text: &String| {
            text.parse::<DecodeAs>().map_err(|error| PyValueError::new_err(error.to_string()))
        };
        let filter = Filter {
            hosts,
            request_paths,
            connections: connections.into_iter().map(|(first, last)| first..=last).collect(),
            ports,
            addresses: addresses.iter().map(address).collect::<PyResult<_>>()?,
            from_client,
            opcodes: types.iter().map(parse_opcode).collect::<PyResult<_>>()?,
            since: since_ns,
            until: until_ns,
            share: share.map(|(index, of)| share_of(index, of)).transpose()?,
        };
        let options = Options {
            limits: limits.into(),
            strictness: strictness.into(),
            contents: content,
            deflate: deflate.map(Into::into),
            resync,
            max_connections,
            memory,
            object_memory: 0,
            tables: 0,
            idle_timeout: idle_timeout_ns,
            key: connection_key(&key)?,
            capture_point,
            resumable: continues,
            decode_as: decode_as.iter().map(tunnel).collect::<PyResult<_>>()?,
            filter,
            conditions: conditions.try_into()?,
        };
        let names = columns.each_ref().map(Option::as_deref);
        let choices = Choices::new(names, &options)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self { source, options, choices })
    }

    /// Return the default of each option that has one.
    #[staticmethod]
    fn defaults(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let options = Options::default();
        let values = PyDict::new(py);
        values.set_item("content", options.contents)?;
        values.set_item("resync", options.resync)?;
        values.set_item("max_connections", options.max_connections)?;
        values.set_item("memory", options.memory)?;
        Ok(values)
    }

    /// Return when the first packet of a file was captured.
    ///
    /// Returns:
    ///     Nanoseconds since the epoch; None if that cannot be told without reading the file.
    #[staticmethod]
    fn first_packet_ns(py: Python<'_>, path: PathBuf) -> Option<i64> {
        py.detach(|| Input::Path(path).first_time())
    }

    /// Return the version of the tables' schemas.
    #[staticmethod]
    const fn schema_version() -> &'static str {
        SCHEMA_VERSION
    }

    /// Return the names of an account's counters, in order.
    #[staticmethod]
    fn account_counters() -> Vec<&'static str> {
        Account::default().counters().map(|(name, _)| name).to_vec()
    }

    /// Return the names of the rules that can be switched off, in order.
    #[staticmethod]
    fn tolerated_rules() -> Vec<&'static str> {
        Strictness::NAMES.to_vec()
    }

    /// Start a pass over the capture.
    ///
    /// Raises:
    ///     ValueError: If the source is a file object that was already read.
    fn read(&self, py: Python<'_>) -> PyResult<CaptureReader> {
        panics::caught(py, || {
            let options = Options { object_memory: OBJECT_MEMORY, ..self.options.clone() };
            let run = self.source.run(py, options)?;
            let names = run.names();
            Ok(CaptureReader::new(run, names, self.source.stays_attached(py)))
        })
    }

    /// Return the tables of messages, connections and events.
    fn to_arrow(&self, py: Python<'_>) -> (ArrowStream, ArrowStream, ArrowStream) {
        let shared = SharedResults::default();
        let [messages, connections, events] =
            Table::ALL.map(|table| self.table(py, table, Some(shared.clone())));
        (messages, connections, events)
    }

    /// Return the table of messages alone, whose passes keep no other table.
    fn messages_table(&self, py: Python<'_>) -> ArrowStream {
        self.table(py, Table::Messages, None)
    }

    /// Start a pass over the capture that makes the bytes of an output file.
    ///
    /// Args:
    ///     format: ``"jsonl"``, ``"text"``, ``"follow"``, ``"follow-hex"``, ``"follow-raw"`` or
    ///         ``"report"``.
    ///     table: The table of a format with rows: ``"messages"``, ``"connections"`` or ``"events"``.
    ///     content: Whether to write the contents of messages.
    ///     events: Whether events stand between the messages, each in its place.
    ///     control_frames: Whether pings, pongs and closes are among these events.
    ///     width: The most columns of a line of text; 0 for no limit.
    ///     colours: Whether lines of text have a terminal's colours.
    ///     title: The heading of a report.
    ///     selection: What a report says of what was chosen of the capture; None for nothing.
    ///     id: The JSON member that a request and its response have in common, for statistics.
    ///
    /// Raises:
    ///     ValueError: If there is no such format or table, or the source is a file object that was
    ///         already read.
    ///     MemoryError: If there is no memory for a pass.
    #[pyo3(signature = (
        format, *, table = "messages", content = true, events = true, control_frames = true,
        width = 0, colours = false, title = "", selection = None, id = "id"
    ))]
    #[expect(
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        reason = "they have names"
    )]
    fn output(
        &self,
        py: Python<'_>,
        format: &str,
        table: &str,
        content: bool,
        events: bool,
        control_frames: bool,
        width: usize,
        colours: bool,
        title: &str,
        selection: Option<Vec<String>>,
        id: &str,
    ) -> PyResult<OutputPass> {
        let table = table_of(table)?;
        panics::caught(py, || {
            let options = OutputOptions {
                table,
                content,
                events,
                control_frames,
                width,
                colours,
                title: title.to_owned(),
                selection: selection.unwrap_or_default(),
                id: id.to_owned(),
            };
            // What rows say of their connection is kept while that is open.
            let run_options = Options { tables: 1, ..self.options.clone() };
            let run = self.source.run(py, run_options)?;
            let output = make_output(py, format, options, run.names())?;
            // A detached thread can only come back to the main interpreter.
            let stays_attached = !interpreter::is_main(py);
            OutputPass::new(run, output, &self.options.filter, stays_attached)
        })
    }

    /// Start a pass over the capture that makes the bytes of a file for each of these tables.
    ///
    /// Args:
    ///     format: ``"parquet"``, ``"arrow"`` or ``"jsonl"``.
    ///     tables: The names of the tables; ``next_part`` numbers their files.
    ///     compression: How columns are compressed: ``"zstd"``, ``"lz4"`` or None.
    ///     compression_level: The level of zstd, from 1 to 22; None for 1.
    ///
    /// Raises:
    ///     ValueError: If an argument has none of its values, or the source is a file object that was
    ///         already read.
    ///     MemoryError: If there is no memory for a pass.
    #[pyo3(signature = (format, tables, *, compression, compression_level))]
    #[expect(clippy::needless_pass_by_value, reason = "arguments from Python are owned")]
    fn table_files(
        &self,
        py: Python<'_>,
        format: &str,
        tables: Vec<String>,
        compression: Option<&str>,
        compression_level: Option<i32>,
    ) -> PyResult<OutputPass> {
        let tables = tables.iter().map(|name| table_of(name)).collect::<PyResult<Vec<_>>>()?;
        let is_filled = |table| tables.contains(&table);
        let compression = compression_of(compression, compression_level)?;
        panics::caught(py, || {
            let options = for_tables(&self.options, is_filled);
            let run = self.source.run(py, options)?;
            let names = run.names();
            let output: AnyOutput = if format == "jsonl" {
                let content = self.options.contents;
                Box::new(PerTable(Table::ALL.map(|table| {
                    let rows = LineRows { table, events: false, control_frames: false };
                    let lines = JsonLines::new(content);
                    is_filled(table).then(|| LineOutput::new(lines, rows, names.clone()))
                })))
            } else {
                let format = format_of(format)?;
                let threads = self.source.threads(&self.options);
                let mut files = [None, None, None];
                for table in Table::ALL.into_iter().filter(|table| is_filled(*table)) {
                    let schema = self.choices.of(table).schema();
                    let file = new_file(format, &schema, compression)?;
                    let file = if threads > 1 { file.in_thread() } else { file };
                    files[table as usize] = Some(file);
                }
                Box::new(TableFiles::new(filled(&self.choices, &names, is_filled), files))
            };
            OutputPass::new(run, output, &self.options.filter, self.source.stays_attached(py))
        })
    }

    /// Start a pass over the capture that makes the bytes of a Parquet file for each hour of each table.
    ///
    /// Files are read in turn, each to its end, with the rows and the state of passes over one file
    /// each. One that cannot be read ends the pass.
    ///
    /// Args:
    ///     compression: How columns are compressed: ``"zstd"``, ``"lz4"`` or None.
    ///     compression_level: The level of zstd, from 1 to 22; None for 1.
    ///
    /// Raises:
    ///     CheckpointError: If the state that the capture goes on with cannot be read.
    ///     ValueError: If an argument has none of its values, or the source is a file object that was
    ///         already read.
    ///     MemoryError: If there is no memory for a pass.
    #[pyo3(signature = (*, compression, compression_level))]
    fn lake_files(
        &self,
        py: Python<'_>,
        compression: Option<&str>,
        compression_level: Option<i32>,
    ) -> PyResult<OutputPass> {
        let compression = compression_of(compression, compression_level)?;
        panics::caught(py, || {
            let run = self.source.run_in_turn(py, for_tables(&self.options, |_| true))?;
            let rows = filled(&self.choices, &run.names(), |_| true);
            let output: AnyOutput = Box::new(TableSink::new(rows, Partitions::new(compression)));
            OutputPass::new(run, output, &self.options.filter, self.source.stays_attached(py))
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.source.traverse(&visit)
    }
}

impl CapturePlan {
    fn table(&self, py: Python<'_>, table: Table, shared: Option<SharedResults>) -> ArrowStream {
        let (source, options) = (self.source.clone_ref(py), self.options.clone());
        ArrowStream::new(source, options, self.choices.clone(), table, shared)
    }
}
