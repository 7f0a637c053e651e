//! Why a checkpoint cannot be made or read.

use std::fmt;

use wsdefrag_core::OutOfMemory;

/// Why a checkpoint cannot be made or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointError {
    /// The bytes are no checkpoint.
    Foreign,
    /// The bytes are a checkpoint that was damaged.
    Damaged(String),
    /// A later version of the program wrote it.
    Newer {
        /// The number of its format.
        version: u32,
        /// The highest number that is read.
        newest: u32,
    },
    /// It is of another capture point; its name.
    CapturePoint(String),
    /// It was made with another value of this option.
    Option(&'static str),
    /// The capture cannot be written now; why.
    NotResumable(&'static str),
    /// There is no memory for it.
    OutOfMemory,
}

impl CheckpointError {
    /// The name of the kind of error.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Damaged(_) => "damaged",
            Self::Newer { .. } => "newer",
            Self::CapturePoint(_) => "capture_point",
            Self::Option(_) => "option",
            Self::NotResumable(_) => "not_resumable",
            Self::OutOfMemory => "out_of_memory",
        }
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => {
                f.write_str("not the state of a capture; give what checkpoint() returned")
            }
            Self::Damaged(why) => {
                write!(f, "the state is damaged ({why}); take an earlier one, or begin anew")
            }
            Self::Newer { version, newest } => write!(
                f,
                "the state has format {version}, and this program reads up to {newest}; use a newer wsdefrag"
            ),
            Self::CapturePoint(name) => {
                write!(f, "the state is of capture point {name:?}; resume it with that name")
            }
            Self::Option(name) => {
                write!(f, "the state was made with another {name}; resume it with the same value")
            }
            Self::NotResumable(why) => f.write_str(why),
            Self::OutOfMemory => f.write_str("no memory for the state"),
        }
    }
}

impl std::error::Error for CheckpointError {}

impl From<OutOfMemory> for CheckpointError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}
