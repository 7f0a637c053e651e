//! What a relay is made with, as the Python classes pass it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use wsdefrag_core::relay::{Outbound, Pace};
use wsdefrag_core::write::encoder::Settings as Sending;
use wsdefrag_core::{Fragmenter, Settings, Strictness};

use crate::budget::Budget;
use crate::params::{PyDeflateParams, PyFragmenter, PyLimits, PyStrictness};

/// The items of the dict that Python passes.
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
    pub(crate) budget: Option<Bound<'py, Budget>>,
}

/// How one direction is read and sent.
pub(crate) struct Leg {
    pub(crate) settings: Settings,
    pub(crate) outbound: Outbound,
}

impl Options<'_> {
    /// The direction from the client, and the one from the server.
    pub(crate) fn legs(self) -> [Leg; 2] {
        let client = self.deflate.map(Into::into);
        let server = self.server_deflate.map(Into::into);
        let strictness = Strictness::from(self.strictness);
        let fragmenter = Fragmenter::from(self.fragmenter);
        [(true, client, server, self.client_limits), (false, server, client, self.server_limits)]
            .map(|(from_client, agreed, agreed_out, limits)| {
                let settings = Settings {
                    from_client,
                    deflate: agreed,
                    foreign_extension: false,
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
                let outbound = Outbound::new(sending, agreed, fragmenter, self.fresh_keys);
                Leg { settings, outbound }
            })
    }
}

/// The pace that a mode of `PassThroughRelay` names.
pub(crate) fn parse_mode(mode: &str) -> PyResult<Pace> {
    match mode {
        "frames" => Ok(Pace::Frames),
        "bytes" => Ok(Pace::Bytes),
        _ => Err(PyValueError::new_err(format!(
            "mode must be \"frames\" or \"bytes\", not {mode:?}"
        ))),
    }
}

/// Refuses legs that do not fit.
pub(crate) fn require_fit(mode: &str, legs: &[Leg]) -> PyResult<()> {
    if legs.iter().any(|leg| leg.outbound.recompresses()) {
        return Err(PyValueError::new_err(format!(
            "mode {mode:?} passes compressed messages on as they come, which the parameters of the \
             other side do not allow"
        )));
    }
    Ok(())
}
