//! Why a file, or a whole run, could not be read.

use std::fmt;
use std::io;
use std::path::PathBuf;

use wsdefrag_capture::CheckpointError;
use wsdefrag_capture::file::error::FileError;

/// Why a file could not be read.
pub(crate) enum Failure {
    /// It could not be opened or read.
    Io(io::Error, Option<PathBuf>),
    /// It is not a capture.
    Broken(FileError, String),
    /// Memory was refused in the middle of a step.
    OutOfMemory,
    /// The state of the capture could not be written.
    Checkpoint(CheckpointError),
    /// The reader of a share of the connections has held more than this, in bytes, which is its part of
    /// the memory.
    Outgrown(usize),
    /// Compressed data is damaged.
    Compressed(Progress, io::Error, String),
}

/// How much has been read.
pub(crate) struct Progress {
    /// Number of packets, of all files.
    pub(crate) packets: u64,
    /// Bytes of the file, as stored (compressed).
    pub(crate) bytes: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error, Some(path)) => write!(f, "{}: {error}", path.display()),
            Self::Io(error, None) => error.fmt(f),
            Self::Checkpoint(error) => error.fmt(f),
            Self::OutOfMemory => f.write_str("no memory to read the capture on"),
            Self::Outgrown(bytes) => write!(
                f,
                "the connections of a share hold more than {bytes} bytes, their part of the memory, so \
                 it is not known whether those of all shares keep to it; allow more memory, or read \
                 fewer shares"
            ),
            Self::Broken(error, name) => write!(f, "{name}: {error}"),
            Self::Compressed(place, error, name) => {
                let (packets, bytes) = (place.packets, place.bytes);
                write!(f, "{name}: {error} before byte {bytes}, after packet {packets}")
            }
        }
    }
}
