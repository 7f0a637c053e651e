//! One pass over a capture's files: opened one after the other, decompressed, and fed in pieces.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::file::compression;
use wsdefrag_capture::file::error::FileError;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::{Capture, Options, Sink};

/// Bytes read at a time: a part of the second-level cache.
const PIECE: usize = 256 << 10;

/// Where bytes come from.
pub(crate) enum Input {
    Path(PathBuf),
    /// A Python file object, which its reader has too, and the name that it is called by.
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

/// Why a run ended early.
pub(crate) enum Failure {
    /// A file could not be opened or read.
    Io(io::Error, Option<PathBuf>),
    /// A file is not, or not any more, a capture.
    Broken(FileError, String),
    /// Compressed data is damaged.
    Compressed(Place, io::Error, String),
}

/// What came of reading a piece.
pub(crate) enum Step {
    /// There is more to come.
    More,
    /// A file object has nothing yet; the next step asks it again.
    Paused(io::Error),
    /// That was all.
    Ended,
}

/// How far a run has come.
pub(crate) struct Place {
    /// Packets so far.
    pub(crate) packets: u64,
    /// Bytes of the files so far, as they are stored.
    pub(crate) bytes: u64,
}

/// A pass over files.
pub(crate) struct Run {
    waiting: VecDeque<Input>,
    current: Option<(Box<dyn Read + Send>, Input)>,
    capture: Capture,
    piece: Vec<u8>,
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
            piece: vec![0; PIECE],
            read: Arc::default(),
            warnings: Vec::new(),
            failure: None,
            finished: false,
        }
    }

    /// Counts bytes of the files, as they are stored, while they are read.
    pub(crate) fn bytes_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) const fn counts(&self) -> &Counts {
        self.capture.counts()
    }

    /// Why it ended early, once all that was complete has been given out.
    pub(crate) fn failure(&mut self) -> Option<Failure> {
        self.failure.take().filter(|_| self.finished)
    }

    /// Reads a piece and gives out what it completes.
    pub(crate) fn step(&mut self, sink: &mut impl Sink) -> Step {
        if self.finished {
            return Step::Ended;
        }
        match self.piece(sink) {
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

    /// Reads no further; the next step ends it.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure);
        self.waiting.clear();
        self.current = None;
    }

    /// Shows the garbage collector what it holds.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let current = self.current.iter().map(|(_, input)| input);
        self.waiting.iter().chain(current).try_for_each(|input| match input {
            Input::Path(_) => Ok(()),
            Input::Object(object, _) => visit.call(&**object),
        })
    }

    fn place(&self) -> Place {
        Place { packets: self.counts().packets, bytes: self.read.load(Ordering::Relaxed) }
    }

    fn piece(&mut self, sink: &mut impl Sink) -> Result<Step, Failure> {
        let (mut reader, input) = match self.current.take() {
            Some(current) => current,
            None => match self.waiting.pop_front() {
                Some(input) => (open(&input, &self.read)?, input),
                None => return Ok(Step::Ended),
            },
        };
        let length = match reader.read(&mut self.piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.current = Some((reader, input));
                return Ok(Step::More);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.current = Some((reader, input));
                return Ok(Step::Paused(error));
            }
            // A compressed file that was cut; all that it held so far counts.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                self.warnings.push(format!("{}: the compressed data ends too early", input.name()));
                0
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData) =>
            {
                return Err(Failure::Compressed(self.place(), error, input.name()));
            }
            Err(error) => return Err(Failure::of(error, &input)),
            Ok(length) => length,
        };
        let named = |error| Failure::Broken(error, input.name());
        if length > 0 {
            self.capture.receive_data(&self.piece[..length], sink).map_err(named)?;
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

/// A file, inflated if it starts like a compressed one, which is looked at when it is first read.
enum Decompressed {
    /// The start of the file, as far as it is there: a file that does not block may take its time.
    /// The rest is `None` only after an error.
    Unknown(Vec<u8>, Option<Counted>),
    Known(Box<dyn Read + Send>),
}

/// Bytes that tell what a file is.
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

/// Counts what is read.
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

/// A binary file object of Python's.
struct FileObject(Arc<Py<PyAny>>);

impl Read for FileObject {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let file = self.0.bind(py);
            // `read1` gives what there is, where `read` waits for all of it.
            let name = if file.hasattr("read1")? { "read1" } else { "read" };
            let data = file.call_method1(name, (buffer.len(),))?;
            // A file that does not block says None where nothing has come yet.
            if data.is_none() {
                return Err(ErrorKind::WouldBlock.into());
            }
            let data = data.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
            let Some(space) = buffer.get_mut(..data.len()) else {
                return Err(io::Error::other(format!("{name}() gave more than it was asked for")));
            };
            space.copy_from_slice(data);
            Ok(data.len())
        })
    }
}
