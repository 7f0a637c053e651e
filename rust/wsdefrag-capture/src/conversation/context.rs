//! The state of the capture that a conversation reads and changes.

use serde::{Deserialize, Serialize};
use wsdefrag_core::InflaterPool;

use crate::options::Options;
use crate::tls::keys::Keys;

/// The state of the capture that the protocol on top of a connection needs.
pub(crate) struct Context<'a, S> {
    pub(crate) options: &'a Options,
    /// The inflaters of all directions.
    pub(crate) inflaters: &'a InflaterPool,
    /// Whether there are keys for TLS, or some may come.
    pub(crate) reads_tls: bool,
    /// The number of the next connection.
    pub(crate) next_number: &'a mut u64,
    pub(crate) sink: &'a mut S,
}

/// Whether the files can be scanned for secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scan {
    /// They cannot: secrets come as the files are read.
    #[default]
    None,
    /// They can, where there is TLS.
    Possible,
    /// There is TLS without keys.
    Wanted,
    /// It was done.
    Over,
}

/// The state of the capture that a TCP connection needs.
pub(crate) struct CaptureState<'a, S> {
    /// The secrets for TLS.
    pub(crate) keys: &'a mut Keys,
    pub(crate) scan: &'a mut Scan,
    pub(crate) context: Context<'a, S>,
}
