//! The key logs of a capture: read before the first packet, and again while a live capture goes on.
//!
//! Nothing here has a text with keys in it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "one for each log of the caller, their names, and a buffer of `CHUNK` bytes"
)]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use wsdefrag_capture::file::key_log_file::no_key_log;
use wsdefrag_capture::{Capture, KeySource};

use crate::capture::failure::Failure;

/// Bytes that are read at a time. The first ones tell what is no key log.
const CHUNK: usize = 64 << 10;

/// Key logs by path, and contents of key logs.
#[derive(Clone, Default)]
pub(crate) struct KeyLogs {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) contents: Arc<Vec<Vec<u8>>>,
}

/// A key log of a run.
struct KeyLog {
    source: KeySource,
    /// `None` for contents.
    path: Option<PathBuf>,
    /// Bytes that were read.
    position: u64,
    /// Whether a secret was found.
    has_secrets: bool,
    /// What it is, if it is no key log. Then nothing of it is used.
    is_other: Option<&'static str>,
}

/// The key logs of a run.
pub(super) struct OpenKeyLogs {
    logs: Vec<KeyLog>,
}

impl KeyLogs {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.contents.is_empty()
    }

    /// Reads all of them.
    pub(super) fn open(&self, capture: &mut Capture) -> Result<OpenKeyLogs, Failure> {
        let paths = self.paths.iter().map(|path| (Some(path.clone()), None));
        let contents = self.contents.iter().map(|content| (None, Some(content)));
        let mut logs = Vec::new();
        for ((path, content), number) in paths.chain(contents).zip(0..) {
            let source = KeySource::KeyLog(number);
            let mut log = KeyLog { source, path, position: 0, has_secrets: false, is_other: None };
            match content {
                Some(content) => log.add(content, capture),
                None => log.read(capture)?,
            }
            logs.push(log);
        }
        Ok(OpenKeyLogs { logs })
    }
}

impl OpenKeyLogs {
    /// Reads what was added to the files. One that cannot be read any more stays as it is.
    pub(super) fn read_again(&mut self, capture: &mut Capture) {
        for log in &mut self.logs {
            let is_file = |path: &PathBuf| path.metadata().is_ok_and(|metadata| metadata.is_file());
            if log.path.as_ref().is_some_and(is_file) {
                let _ = log.read(capture);
            }
        }
    }

    /// A warning for each one without a secret.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        self.logs.iter().filter(|log| !log.has_secrets).map(|log| {
            let name = log.name();
            match (log.is_other, log.position) {
                (Some(what), _) => format!("{name}: is {what}, not a key log"),
                (None, 0) => format!("{name}: the key log is empty"),
                (None, _) => format!("{name}: the key log has no secret of TLS"),
            }
        })
    }
}

impl KeyLog {
    fn name(&self) -> String {
        let path = self.path.as_ref().map(|path| path.display().to_string());
        path.unwrap_or_else(|| "<keylog>".to_owned())
    }

    /// Reads the rest of the file.
    fn read(&mut self, capture: &mut Capture) -> Result<(), Failure> {
        let Some(path) = self.path.clone() else { return Ok(()) };
        let failed = |error: io::Error| Failure::Io(error, Some(path.clone()));
        let mut file = File::open(&path).map_err(failed)?;
        if self.position > 0 {
            file.seek(SeekFrom::Start(self.position)).map_err(failed)?;
        }
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = read_whole(&mut file, &mut chunk).map_err(failed)?;
            self.add(&chunk[..length], capture);
            if length < chunk.len() || self.is_other.is_some() {
                return Ok(());
            }
        }
    }

    /// Adds the next bytes.
    fn add(&mut self, bytes: &[u8], capture: &mut Capture) {
        if self.position == 0 {
            self.is_other = no_key_log(&bytes[..bytes.len().min(512)]);
        }
        if self.is_other.is_some() {
            return;
        }
        self.position += bytes.len() as u64;
        let known = |capture: &Capture| {
            let counts = capture.counts().keys;
            counts.secrets + counts.repeated
        };
        let before = known(capture);
        capture.add_keylog(bytes, self.source);
        self.has_secrets |= known(capture) > before;
    }
}

/// Fills the buffer as far as the file has bytes.
fn read_whole(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
