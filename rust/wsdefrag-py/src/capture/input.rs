//! Inputs of a run: files by path and Python file objects, opened, decompressed and counted.
//!
//! Any number of files may be merged, so a regular file does not keep its handle: at most
//! [`MAX_HANDLES`] are open, and one that was closed for room is opened again. Each read names its
//! offset: the offset of an open file is shared with forked processes.

#![expect(
    clippy::disallowed_methods,
    reason = "a small object for each open file, of which there are at most `MAX_HANDLES`, and the names of files"
)]

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyAttributeError, PyRuntimeError, PyStopIteration};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_capture::file::compression::Decompressor;
use wsdefrag_capture::file::first_time::first_time;
use wsdefrag_capture::file::secrets_scan::{scan_secrets, scan_stream};

use crate::raw::python;

/// Regular files that are open at a time. Systems allow 256 or more.
const MAX_HANDLES: usize = 128;

/// Decompressed bytes in which a file's first packet is looked for before the file is read.
const PEEKED: u64 = 1 << 20;

/// What a pcapng file that is not compressed starts with.
const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// A source of bytes.
pub(crate) enum Input {
    Path(PathBuf),
    /// A Python file object, shared with its reader, and its name.
    Object(Arc<Py<PyAny>>, String),
}

/// Gives each block of TLS secrets in a file, which may be compressed, to `found`.
fn scan_file(path: &Path, found: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut start = [0; SECTION_HEADER.len()];
    let is_pcapng = file.read_exact(&mut start).is_ok() && start == SECTION_HEADER;
    file.rewind()?;
    if is_pcapng {
        scan_secrets(&mut file, found)
    } else {
        scan_stream(Decompressor::new(file), found)
    }
}

impl Input {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Object(_, name) => name.clone(),
        }
    }

    /// The path, unless this is a file object.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Path(path) => Some(path.clone()),
            Self::Object(..) => None,
        }
    }

    /// When the first packet of a regular file was captured. `None` if it cannot be told beforehand:
    /// then the file has to be read.
    pub(crate) fn first_time(&self) -> Option<i64> {
        let Self::Path(path) = self else { return None };
        // A pipe gives its bytes only once.
        if !path.metadata().ok()?.is_file() {
            return None;
        }
        first_time(&mut Decompressor::new(File::open(path).ok()?).take(PEEKED))
    }

    /// Whether it is a regular file, which can be read more than once.
    pub(crate) fn is_regular(&self) -> bool {
        match self {
            Self::Path(path) => path.metadata().is_ok_and(|metadata| metadata.is_file()),
            Self::Object(..) => false,
        }
    }

    /// Gives each block of TLS secrets in a regular file to `found`. What cannot be read is reported
    /// when the file is read.
    pub(crate) fn scan_secrets(&self, found: &mut dyn FnMut(&[u8])) {
        if let Self::Path(path) = self
            && self.is_regular()
        {
            let _ = scan_file(path, found);
        }
    }

    /// Opens the input.
    ///
    /// `number` tells it from others with the same handles; `read` counts the bytes of all.
    pub(crate) fn open(
        &self,
        number: u64,
        handles: &Handles,
        read: &Arc<AtomicU64>,
    ) -> io::Result<Opened> {
        let (raw, size): (Box<dyn Read + Send>, u64) = match self {
            Self::Path(path) => {
                let file = File::open(path)?;
                let metadata = file.metadata()?;
                if metadata.is_file() {
                    handles.put(number, file);
                    let (path, handles) = (path.clone(), handles.clone());
                    let file = PooledFile { number, path, position: 0, handles };
                    (Box::new(file), metadata.len())
                } else {
                    (Box::new(file), 0)
                }
            }
            Self::Object(object, _) => (Box::new(FileObject(Arc::clone(object))), 0),
        };
        let own = Arc::<AtomicU64>::default();
        let counted = Counted { raw, own: Arc::clone(&own), all: Arc::clone(read) };
        Ok(Opened { reader: Decompressor::new(counted), size, own })
    }
}

/// An input that is being read.
pub(crate) struct Opened {
    reader: Decompressor<Counted>,
    /// The size of a regular file in bytes; 0 for others.
    size: u64,
    /// Bytes of this input that were read, as stored.
    own: Arc<AtomicU64>,
}

impl Opened {
    /// Bytes that were read, as stored.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.own.load(Ordering::Relaxed)
    }

    /// Bytes of the file that were not read.
    pub(crate) fn left(&self) -> u64 {
        self.size.saturating_sub(self.stored_bytes())
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// The open handles of regular files by their number, the one used last at the end.
#[derive(Clone, Default)]
pub(crate) struct Handles(Arc<Mutex<VecDeque<(u64, File)>>>);

impl Handles {
    fn open(&self) -> MutexGuard<'_, VecDeque<(u64, File)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the handle of a file out, if it is open.
    fn take(&self, number: u64) -> Option<File> {
        let mut open = self.open();
        let index = open.iter().rposition(|(other, _)| *other == number)?;
        open.remove(index).map(|(_, file)| file)
    }

    /// Keeps the handle of a file open, and closes the one that was not used for longest if there
    /// are too many.
    fn put(&self, number: u64, file: File) {
        let mut open = self.open();
        open.push_back((number, file));
        if open.len() > MAX_HANDLES {
            open.pop_front();
        }
    }
}

/// A regular file whose handle may be closed between reads.
struct PooledFile {
    /// Tells it from other files of the pool.
    number: u64,
    path: PathBuf,
    position: u64,
    handles: Handles,
}

impl Read for PooledFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let file = match self.handles.take(self.number) {
            Some(file) => file,
            None => File::open(&self.path)?,
        };
        let length = read_at(&file, buffer, self.position)?;
        self.position += length as u64;
        self.handles.put(self.number, file);
        Ok(length)
    }
}

/// Reads at an offset, in bytes, without the offset of the open file.
#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

/// Reads at an offset, in bytes.
#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

impl Drop for PooledFile {
    fn drop(&mut self) {
        self.handles.take(self.number);
    }
}

/// Counts the bytes that are read.
struct Counted {
    raw: Box<dyn Read + Send>,
    /// Of this input.
    own: Arc<AtomicU64>,
    /// Of all inputs.
    all: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.raw.read(buffer)?;
        self.own.fetch_add(length as u64, Ordering::Relaxed);
        self.all.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// A binary Python file object.
struct FileObject(Arc<Py<PyAny>>);

impl FileObject {
    /// What `read1` or `read` returns for at most `length` bytes.
    fn next<'py>(&self, py: Python<'py>, length: usize) -> PyResult<Bound<'py, PyAny>> {
        let file = self.0.bind(py);
        // `read1` returns the available bytes; `read` waits for all of them.
        let read = match python::attribute(file, intern!(py, "read1")) {
            Err(error) if error.is_instance_of::<PyAttributeError>(py) => {
                python::attribute(file, intern!(py, "read"))?
            }
            read => read?,
        };
        python::call(&read, &(length,).into_pyobject(py)?, None)
    }
}

/// The error itself; `RuntimeError` for `StopIteration`, which would end the iteration over the
/// capture (PEP 479 does the same for generators).
fn not_the_end(py: Python<'_>, error: PyErr) -> PyErr {
    if !error.is_instance_of::<PyStopIteration>(py) {
        return error;
    }
    let raised = PyRuntimeError::new_err("the file object raised StopIteration");
    raised.set_cause(py, Some(error));
    raised
}

impl Read for FileObject {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let data = self.next(py, buffer.len()).map_err(|error| not_the_end(py, error))?;
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
