//! Damage inside a capture file that was passed over.

#![expect(clippy::disallowed_methods, reason = "at most `MAX_REPORTED` places of damage")]

use std::fmt;

use crate::file::error::{FileError, FileErrorKind};
use serde::{Deserialize, Serialize};

/// Places of a file that are reported one by one.
pub(crate) const MAX_REPORTED: u64 = 16;

/// Damage inside a capture file that was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// The number of the damaged record, its offset, and what is wrong with it.
    pub error: FileError,
    /// Bytes that were skipped to find the next record; 0 where the record itself was read.
    pub skipped: u64,
    /// Where there are too many places to report each: how many more there are. `skipped` is then
    /// their sum, and `error` the first of them.
    pub more: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.more > 0 {
            let (more, offset) = (self.more, self.error.offset);
            write!(f, "{more} more damaged places from byte {offset} on")?;
        } else {
            self.error.fmt(f)?;
        }
        match (self.error.kind, self.skipped) {
            (FileErrorKind::Time, 0) => f.write_str("; that of the packet before is used"),
            (_, skipped) => write!(f, "; {skipped} bytes were skipped"),
        }
    }
}

/// The damage found so far and not fetched yet.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Damages {
    waiting: Vec<Damage>,
    /// How often there was damage.
    count: u64,
    /// The damage after the first [`MAX_REPORTED`], as one.
    rest: Option<Damage>,
}

impl Damages {
    /// Adds damage after which `skipped` bytes were skipped.
    #[cold]
    pub(crate) fn add(&mut self, error: FileError, skipped: u64) {
        self.count += 1;
        if self.count <= MAX_REPORTED {
            self.waiting.push(Damage { error, skipped, more: 0 });
            return;
        }
        let rest = self.rest.get_or_insert(Damage { error, skipped: 0, more: 0 });
        rest.skipped += skipped;
        rest.more += 1;
    }

    /// Reports what was not reported one by one.
    pub(crate) fn end(&mut self) {
        self.waiting.extend(self.rest.take());
    }

    /// Removes and returns the damage that is to be reported.
    pub(crate) fn take(&mut self) -> Vec<Damage> {
        std::mem::take(&mut self.waiting)
    }
}
