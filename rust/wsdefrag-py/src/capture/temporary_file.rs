//! An anonymous temporary file for rows that do not fit into memory.
//!
//! It has no name, so nothing is left of it however the process ends. It is made when it is first needed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::process;

use wsdefrag_capture::archive::spool::Spool;

/// A temporary file, and the process that made it.
#[derive(Default)]
pub(crate) struct TemporaryFile(Option<(File, u32)>);

impl TemporaryFile {
    /// The file at this position.
    ///
    /// A process that is forked shares the file and its offset, and would write into the other one's
    /// rows.
    fn at(&mut self, position: u64) -> io::Result<&mut File> {
        let (file, process) = match &mut self.0 {
            Some(file) => file,
            none => none.insert((tempfile::tempfile()?, process::id())),
        };
        if *process != process::id() {
            return Err(io::Error::other("the pass belongs to the process that was forked"));
        }
        file.seek(SeekFrom::Start(position))?;
        Ok(file)
    }
}

impl Spool for TemporaryFile {
    fn append(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.at(position)?.write_all(bytes)
    }

    fn read(&mut self, position: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.at(position)?.read_exact(bytes)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.at(0)?.set_len(0)
    }
}
