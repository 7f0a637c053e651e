//! Reads the parameter classes of the Python package, attribute by attribute.

#![expect(clippy::disallowed_methods, reason = "a text that quotes at most 64 bytes of a header")]

use std::num::NonZeroUsize;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};
use wsdefrag_core::deflate::offer::{ClientWindow, DeflateOffer, filter_offers, limit_offers};
use wsdefrag_core::strictness::Tolerated;
use wsdefrag_core::{DeflateParams, Fragmenter, Limits, Strictness};

use crate::panics;

/// `wsdefrag.deflate.DeflateParams`.
#[derive(FromPyObject)]
pub(crate) struct PyDeflateParams {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: u8,
    client_max_window_bits: u8,
}

impl From<PyDeflateParams> for DeflateParams {
    fn from(params: PyDeflateParams) -> Self {
        Self {
            server_no_context_takeover: params.server_no_context_takeover,
            client_no_context_takeover: params.client_no_context_takeover,
            server_max_window_bits: params.server_max_window_bits,
            client_max_window_bits: params.client_max_window_bits,
        }
    }
}

/// `wsdefrag.deflate.DeflateOffer`.
#[derive(FromPyObject)]
pub(crate) struct PyDeflateOffer {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: OfferedWindow,
}

/// Whether the client lets the server limit its window, or to what it limits it by itself.
#[derive(FromPyObject)]
enum OfferedWindow {
    May(bool),
    Bits(u8),
}

impl From<PyDeflateOffer> for DeflateOffer {
    fn from(offer: PyDeflateOffer) -> Self {
        Self {
            server_no_context_takeover: offer.server_no_context_takeover,
            client_no_context_takeover: offer.client_no_context_takeover,
            server_max_window_bits: offer.server_max_window_bits,
            client_max_window_bits: match offer.client_max_window_bits {
                OfferedWindow::May(true) => ClientWindow::Limitable,
                OfferedWindow::May(false) => ClientWindow::Fixed,
                OfferedWindow::Bits(bits) => ClientWindow::AtMost(bits),
            },
        }
    }
}

/// `wsdefrag.limits.Limits`.
#[derive(FromPyObject)]
#[expect(clippy::struct_field_names, reason = "it has the fields of the Python class")]
pub(crate) struct PyLimits {
    max_frame_size: Option<u64>,
    max_message_size: Option<u64>,
    max_fragments: Option<u64>,
    max_inflate_ratio: Option<f64>,
}

impl From<PyLimits> for Limits {
    fn from(limits: PyLimits) -> Self {
        Self {
            max_frame_size: limits.max_frame_size,
            max_message_size: limits.max_message_size,
            max_fragments: limits.max_fragments,
            max_inflate_ratio: limits.max_inflate_ratio,
        }
    }
}

/// `wsdefrag.strictness.Strictness`.
pub(crate) struct PyStrictness(Strictness);

impl<'py> FromPyObject<'_, 'py> for PyStrictness {
    type Error = PyErr;

    fn extract(strictness: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Strictness::from_names(|name| strictness.getattr(name)?.extract()).map(Self)
    }
}

impl From<PyStrictness> for Strictness {
    fn from(PyStrictness(strictness): PyStrictness) -> Self {
        strictness
    }
}

/// `wsdefrag.fragmenter.Fragmenter`.
#[derive(FromPyObject)]
pub(crate) struct PyFragmenter {
    max_size: Option<NonZeroUsize>,
    cut_characters: bool,
}

impl From<PyFragmenter> for Fragmenter {
    fn from(fragmenter: PyFragmenter) -> Self {
        Self { max_size: fragmenter.max_size, cut_characters: fragmenter.cut_characters }
    }
}

/// How often each switched-off rule was broken, by the name of its field.
pub(crate) fn tolerated<'py>(
    py: Python<'py>,
    strictness: Strictness,
    counts: &Tolerated,
) -> PyResult<Bound<'py, PyDict>> {
    counts.of(strictness).into_py_dict(py)
}

/// Parse the permessage-deflate parameters of a server's answer (RFC 7692 section 7.1).
///
/// Args:
///     value: The header's value.
///     strict: Whether to reject an answer that breaks the RFC; otherwise its valid parts are
///         used.
///
/// Returns:
///     The fields ``server_no_context_takeover``, ``client_no_context_takeover``,
///     ``server_max_window_bits`` and ``client_max_window_bits``, and a list of the faults that
///     were tolerated; None if permessage-deflate was not agreed.
///
/// Raises:
///     ValueError: If the header is invalid; the text says why.
#[pyfunction]
#[pyo3(signature = (value, *, strict))]
pub(crate) fn parse_deflate_header(
    py: Python<'_>,
    value: &str,
    strict: bool,
) -> PyResult<Option<(DeflateFields, Vec<String>)>> {
    panics::caught(py, || parse(value, strict))
}

fn parse(value: &str, strict: bool) -> PyResult<Option<(DeflateFields, Vec<String>)>> {
    let read = if strict {
        DeflateParams::from_header(value).map(|agreed| (agreed, Vec::new()))
    } else {
        DeflateParams::from_header_tolerant(value)
    };
    let (agreed, oddities) = read.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(agreed.map(|params| (deflate_fields(params), oddities)))
}

/// Answer a client's offers of permessage-deflate (RFC 7692 section 5).
///
/// Returns:
///     The parameters, in the form of ``parse_deflate_header``, and the header to answer with; None
///     if no offer can be accepted.
///
/// Raises:
///     ValueError: If the header is malformed; the text says why.
#[pyfunction]
pub(crate) fn choose_deflate(
    py: Python<'_>,
    offers: &str,
    preferred: PyDeflateParams,
) -> PyResult<Option<(DeflateFields, String)>> {
    panics::caught(py, || {
        let agreed = DeflateParams::choose(offers, preferred.into()).map_err(invalid)?;
        Ok(agreed.map(|(params, answer)| (deflate_fields(params), answer)))
    })
}

/// Check a server's answer against a client's offers (RFC 7692 section 7.1).
///
/// Returns:
///     The parameters, in the form of ``parse_deflate_header``, or None.
///
/// Raises:
///     ValueError: If the answer is invalid, or no offer allows it; the text says why.
#[pyfunction]
pub(crate) fn check_deflate_answer(
    py: Python<'_>,
    answer: &str,
    offers: &str,
) -> PyResult<Option<DeflateFields>> {
    panics::caught(py, || {
        let agreed = DeflateParams::check_answer(answer, offers).map_err(invalid)?;
        Ok(agreed.map(deflate_fields))
    })
}

/// Keep the offers of some extensions, or of all others; None if none are left.
///
/// Raises:
///     ValueError: If the header is malformed; the text says why.
#[pyfunction]
#[pyo3(signature = (offers, names, *, keep))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 makes the vector")]
pub(crate) fn filter_extension_offers(
    py: Python<'_>,
    offers: &str,
    names: Vec<String>,
    keep: bool,
) -> PyResult<Option<String>> {
    panics::caught(py, || {
        let is_named = |name: &str| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        filter_offers(offers, |name| is_named(name) == keep).map_err(invalid)
    })
}

/// Ask for more in offers of permessage-deflate; None if none are left.
///
/// Raises:
///     ValueError: If the header is malformed; the text says why.
#[pyfunction]
pub(crate) fn limit_deflate_offers(
    py: Python<'_>,
    offers: &str,
    most: PyDeflateParams,
) -> PyResult<Option<String>> {
    panics::caught(py, || limit_offers(offers, most.into()).map_err(invalid))
}

/// The exception for a header that breaks a rule.
#[expect(clippy::needless_pass_by_value, reason = "it is a function for `map_err`")]
fn invalid(error: impl ToString) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Give the ``Sec-WebSocket-Extensions`` that makes an offer (RFC 7692 section 7.1).
#[pyfunction]
#[pyo3(signature = (offer, /))]
pub(crate) fn deflate_offer_header(py: Python<'_>, offer: PyDeflateOffer) -> PyResult<String> {
    panics::caught(py, || Ok(DeflateOffer::from(offer).header()))
}

/// The fields of the Python class, in order.
pub(crate) type DeflateFields = (bool, bool, u8, u8);

pub(crate) const fn deflate_fields(params: DeflateParams) -> DeflateFields {
    (
        params.server_no_context_takeover,
        params.client_no_context_takeover,
        params.server_max_window_bits,
        params.client_max_window_bits,
    )
}
