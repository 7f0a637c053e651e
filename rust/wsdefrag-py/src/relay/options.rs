//! The options of a relay, as the Python classes pass them.

#![expect(clippy::disallowed_macros, reason = "a short text")]

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use wsdefrag_core::relay::{Outbound, Pace, Timeouts};
use wsdefrag_core::write::settings::Settings as Sending;
use wsdefrag_core::{Fragmenter, Settings, Strictness};

use crate::budget::Budget;
use crate::params::{PyDeflateParams, PyFragmenter, PyLimits, PyStrictness};

/// The items of the dict of options.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options<'py> {
    deflate: Option<PyDeflateParams>,
    server_deflate: Option<PyDeflateParams>,
    client_limits: PyLimits,
    server_limits: PyLimits,
    strictness: PyStrictness,
    fresh_keys: bool,
    fragmenter: PyFragmenter,
    compress_from: u64,
    compression_level: u8,
    pub(crate) timeouts: PyTimeouts,
    pub(crate) extension: Option<Py<PyString>>,
    pub(crate) budget: Option<Bound<'py, Budget>>,
}

/// How long to wait, in seconds.
#[derive(Clone, Copy, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct PyTimeouts {
    idle: Option<f64>,
    ping_interval: Option<f64>,
    ping: Option<f64>,
    write: Option<f64>,
    close: Option<f64>,
}

impl From<PyTimeouts> for Timeouts {
    fn from(timeouts: PyTimeouts) -> Self {
        let PyTimeouts { idle, ping_interval, ping, write, close } = timeouts;
        Self { idle, ping_interval, ping, write, close }
    }
}

/// How one direction is read and written.
pub(crate) struct DirectionOptions {
    pub(crate) settings: Settings,
    pub(crate) outbound: Outbound,
    /// The name of an agreed extension that is not known.
    pub(crate) extension: Option<Py<PyString>>,
}

impl Options<'_> {
    /// The options of the direction from the client and of that from the server.
    pub(crate) fn directions(self, py: Python<'_>) -> [DirectionOptions; 2] {
        let client = self.deflate.map(Into::into);
        let server = self.server_deflate.map(Into::into);
        let strictness = Strictness::from(self.strictness);
        let fragmenter = Fragmenter::from(self.fragmenter);
        [(true, client, server, self.client_limits), (false, server, client, self.server_limits)]
            .map(|(from_client, agreed, agreed_out, limits)| {
                let settings = Settings {
                    from_client,
                    deflate: agreed,
                    foreign_extension: self.extension.is_some(),
                    limits: limits.into(),
                    strictness,
                };
                let sending = Sending {
                    from_client,
                    deflate: agreed_out,
                    compress_from: self.compress_from,
                    level: self.compression_level,
                    check_utf8: strictness.utf8,
                };
                let outbound = Outbound::new(sending, agreed, fragmenter, self.fresh_keys)
                    .with_foreign_extension(self.extension.is_some());
                let extension = self.extension.as_ref().map(|name| name.clone_ref(py));
                DirectionOptions { settings, outbound, extension }
            })
    }
}

/// The pace for a mode of `PassThroughRelay`.
pub(crate) fn parse_mode(mode: &str) -> PyResult<Pace> {
    match mode {
        "frames" => Ok(Pace::Frames),
        "bytes" => Ok(Pace::Bytes),
        _ => Err(PyValueError::new_err(format!(
            "mode must be \"frames\" or \"bytes\", not {mode:?}"
        ))),
    }
}

/// Raises unless compressed messages can be forwarded verbatim in both directions.
pub(crate) fn require_fit(mode: &str, directions: &[DirectionOptions]) -> PyResult<()> {
    if directions.iter().any(|direction| direction.outbound.recompresses()) {
        return Err(PyValueError::new_err(format!(
            "mode {mode:?} forwards compressed messages unchanged, which the parameters of the \
             other side do not allow"
        )));
    }
    Ok(())
}
