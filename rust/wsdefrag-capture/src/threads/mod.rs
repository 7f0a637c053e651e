//! Threads that share the work of one capture.
//!
//! ```text
//! Capture     reads: files, packets; deals each packet to the worker that has its connection, in batches
//! worker      follows the connections of some buckets: TCP, TLS, HTTP, frames, messages
//! Crew        has the workers, what each is to do, and what it has done; says which thread does it
//! Spread      takes the rows of all workers, in the order of the packets that made them certain
//! ```
//!
//! Which worker has a connection follows from its addresses and ports alone (its bucket), so that all tenants
//! of them are together. Each worker has connections of its own, and shares nothing with the others but the
//! batches, which do not change. What depends on all connections, or on the order of packets of several
//! workers, is decided elsewhere:
//!
//! ```text
//! the clock              by the reader: each packet carries the time of the clock
//! numbers of connections by the receiver of the rows, which sees them open in the order of their packets
//! the end by silence     by the worker, in the place of the packet whose time ended it
//! secrets for TLS        each worker has all of them; the reader sends new ones between batches
//! limits of all          supposed not to be met, and checked batch by batch, before its rows are given out
//! the end of the capture by the capture, which takes the connections back
//! ```
//!
//! Where a limit may have been met, or memory was refused, the rows of that batch and all later ones are
//! dropped, and the capture has to be read again by one thread, without the rows that were given out already
//! ([`Step::Again`](crate::threads::spread::Step)). So the rows never depend on the threads.

pub(crate) mod batch;
pub(crate) mod crew;
pub(crate) mod dispatcher;
pub(crate) mod report;
pub mod spread;
pub(crate) mod worker;
