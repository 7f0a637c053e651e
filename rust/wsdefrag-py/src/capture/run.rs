//! One pass over a capture's files: opens, decompresses and feeds them in
//! order.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::PyAttributeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::file::compression;
use wsdefrag_capture::file::error::FileError;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::{Capture, Options, Sink};

use crate::raw::python;

/// Bytes per read; they fit in a part of the second-level cache.
const CHUNK: usize = 256 << 10;

/// A source of bytes.
pub(crate) enum Input {
    Path(PathBuf),
    /// A Python file object, shared with its reader, and its name.
    Object(Arc<Py<PyAny>>, String),
}

impl Input {
    fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Object(_, name) => name.clone(),
        }
    }
}

/// Why a run failed.
pub(crate) enum Failure {
    /// A file could not be opened or read.
    Io(io::Error, Option<PathBuf>),
    /// A file is not a capture, or is damaged.
    Broken(FileError, String),
    /// Compressed data is damaged.
    Compressed(Progress, io::Error, String),
}

/// The result of reading a chunk.
pub(crate) enum Step {
    /// There is more to read.
    More,
    /// A file object has no data yet; the next step reads it again.
    Paused(io::Error),
    /// The run has ended.
    Ended,
}

/// How much a run has read.
pub(crate) struct Progress {
    /// Number of packets.
    pub(crate) packets: u64,
    /// Bytes of the files, as stored (compressed).
    pub(crate) bytes: u64,
}

/// A pass over files.
pub(crate) struct Run {
    waiting: VecDeque<Input>,
    current: Option<(Box<dyn Read + Send>, Input)>,
    capture: Capture,
    chunk: Vec<u8>,
    read: Arc<AtomicU64>,
    warnings: Vec<String>,
    failure: Option<Failure>,
    finished: bool,
}

impl Run {
    pub(crate) fn new(inputs: impl IntoIterator<Item = Input>, options: Options) -> Self {
        Self {
            waiting: inputs.into_iter().collect(),
            current: None,
            capture: Capture::new(options),
            chunk: vec![0; CHUNK],
            read: Arc::default(),
            warnings: Vec::new(),
            failure: None,
            finished: false,
        }
    }

    /// A counter of the bytes of the files, as stored (compressed), updated while they are read.
    pub(crate) fn bytes_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) const fn counts(&self) -> &Counts {
        self.capture.counts()
    }

    /// Why the run failed. `Some` only after everything complete was given to the sink.
    pub(crate) fn failure(&mut self) -> Option<Failure> {
        self.failure.take().filter(|_| self.finished)
    }

    /// Reads a chunk and gives what it completes to `sink`.
    pub(crate) fn step(&mut self, sink: &mut impl Sink) -> Step {
        if self.finished {
            return Step::Ended;
        }
        match self.read_chunk(sink) {
            Ok(step @ Step::Paused(_)) => return step,
            Ok(_) => {}
            Err(failure) => self.fail(failure),
        }
        if self.waiting.is_empty() && self.current.is_none() {
            self.capture.finish(sink);
            self.finished = true;
            return Step::Ended;
        }
        Step::More
    }

    /// Stops reading; the next step ends the run.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure);
        self.waiting.clear();
        self.current = None;
    }

    /// Visits the file objects for the garbage collector.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let current = self.current.iter().map(|(_, input)| input);
        self.waiting.iter().chain(current).try_for_each(|input| match input {
            Input::Path(_) => Ok(()),
            Input::Object(object, _) => visit.call(&**object),
        })
    }

    fn progress(&self) -> Progress {
        Progress { packets: self.counts().packets, bytes: self.read.load(Ordering::Relaxed) }
    }

    fn read_chunk(&mut self, sink: &mut impl Sink) -> Result<Step, Failure> {
        let (mut reader, input) = match self.current.take() {
            Some(current) => current,
            None => match self.waiting.pop_front() {
                Some(input) => (open(&input, &self.read)?, input),
                None => return Ok(Step::Ended),
            },
        };
        let length = match reader.read(&mut self.chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.current = Some((reader, input));
                return Ok(Step::More);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.current = Some((reader, input));
                return Ok(Step::Paused(error));
            }
            // A truncated compressed file; what was read before its end counts.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                self.warnings.push(format!("{}: the compressed data ends too early", input.name()));
                0
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData) =>
            {
                return Err(Failure::Compressed(self.progress(), error, input.name()));
            }
            Err(error) => return Err(Failure::of(error, &input)),
            Ok(length) => length,
        };
        let named = |error| Failure::Broken(error, input.name());
        if length > 0 {
            self.capture.receive_data(&self.chunk[..length], sink).map_err(named)?;
            self.current = Some((reader, input));
            return Ok(Step::More);
        }
        match self.capture.receive_eof() {
            Err(error) if error.is_cut_short() => {
                self.warnings.push(format!("{}: {error}", input.name()));
            }
            result => result.map_err(named)?,
        }
        Ok(Step::More)
    }
}

impl Failure {
    fn of(error: io::Error, input: &Input) -> Self {
        let path = match input {
            Input::Path(path) => Some(path.clone()),
            Input::Object(..) => None,
        };
        Self::Io(error, path)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error, Some(path)) => write!(f, "{}: {error}", path.display()),
            Self::Io(error, None) => error.fmt(f),
            Self::Broken(error, name) => write!(f, "{name}: {error}"),
            Self::Compressed(place, error, name) => {
                let (packets, bytes) = (place.packets, place.bytes);
                write!(f, "{name}: {error} before byte {bytes}, after packet {packets}")
            }
        }
    }
}

fn open(input: &Input, read: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>, Failure> {
    let raw: Box<dyn Read + Send> = match input {
        Input::Path(path) => Box::new(File::open(path).map_err(|error| Failure::of(error, input))?),
        Input::Object(object, _) => Box::new(FileObject(Arc::clone(object))),
    };
    let counted = Counted { raw, read: Arc::clone(read) };
    Ok(Box::new(Decompressed::Unknown(Vec::new(), Some(counted))))
}

/// A file that is decompressed if its first bytes say so; they are examined at the first read.
enum Decompressed {
    /// The first bytes read so far (a non-blocking file may need several reads), and the rest,
    /// which is `None` only after an error.
    Unknown(Vec<u8>, Option<Counted>),
    Known(Box<dyn Read + Send>),
}

/// Number of bytes that identify a compressed file.
const START: usize = 2;

impl Read for Decompressed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Known(reader) => return reader.read(buffer),
                Self::Unknown(start, rest) => {
                    let Some(raw) = rest else { return Ok(0) };
                    let mut more = [0; START];
                    let length = raw.read(&mut more[start.len()..])?;
                    start.extend_from_slice(&more[start.len()..][..length]);
                    if (length == 0 || start.len() == START)
                        && let Some(raw) = rest.take()
                    {
                        let whole = Cursor::new(std::mem::take(start)).chain(raw);
                        *self = Self::Known(compression::decompressed(whole)?);
                    }
                }
            }
        }
    }
}

/// Counts the bytes that are read.
struct Counted {
    raw: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.raw.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// A binary Python file object.
struct FileObject(Arc<Py<PyAny>>);

impl Read for FileObject {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let file = self.0.bind(py);
            // `read1` returns the available bytes; `read` waits for all of them.
            let read = match python::attribute(file, intern!(py, "read1")) {
                Err(error) if error.is_instance_of::<PyAttributeError>(py) => {
                    python::attribute(file, intern!(py, "read"))?
                }
                read => read?,
            };
            let data = python::call(&read, &(buffer.len(),).into_pyobject(py)?, None)?;
            // A non-blocking file returns None if no data is available yet.
            if data.is_none() {
                return Err(ErrorKind::WouldBlock.into());
            }
            let data = data.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
            let Some(space) = buffer.get_mut(..data.len()) else {
                return Err(io::Error::other("the file object gave more than it was asked for"));
            };
            space.copy_from_slice(data);
            Ok(data.len())
        })
    }
}
