//! A thread that ends with the value that owns it.

use std::io;
use std::mem;
use std::thread::{Builder, JoinHandle};

/// A thread. To drop it waits for its end, so what tells it to end has to be dropped before.
#[derive(Debug)]
pub(crate) struct OwnedThread<T> {
    /// `None` once it has ended.
    handle: Option<JoinHandle<T>>,
    /// The process that has the thread; one that was forked has none to wait for.
    process: u32,
}

impl<T: Send + 'static> OwnedThread<T> {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// If the system has no more threads.
    pub(crate) fn new(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "a name in this program")]
        let handle = Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Self { handle: Some(handle), process: std::process::id() })
    }

    /// Waits for its end, and returns its result, the first time.
    ///
    /// # Panics
    ///
    /// If it has panicked.
    #[cfg(feature = "tables")]
    pub(crate) fn join(&mut self) -> Option<T> {
        match self.handle.take()?.join() {
            Ok(result) => Some(result),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl<T> Drop for OwnedThread<T> {
    fn drop(&mut self) {
        match self.handle.take() {
            // Whether it has failed matters to nobody any more.
            Some(handle) if self.process == std::process::id() => drop(handle.join()),
            handle => mem::forget(handle),
        }
    }
}
