//! `wsdefrag._native`: the Python binding of the engine.
//!
//! The binding makes no protocol decisions. It supplies Python memory
//! (`content`)
//! and the operating system's random numbers (`random`) to the engine, turns
//! its
//! output into Python objects (`read`) and its errors into exceptions
//! (`errors`).
//! All `unsafe` code is in `raw`.

#![deny(unsafe_code)]
#![allow(
    clippy::doc_markdown,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "doc comments of Python objects are docstrings"
)]

mod budget;
mod capture;
mod classes;
mod content;
mod errors;
mod opcodes;
mod params;
mod random;
#[allow(unsafe_code, reason = "the one place for it")]
mod raw;
mod read;
mod relay;
mod shown;
mod write;
mod wsproto;

/// The engine of `wsdefrag`; import `wsdefrag` instead.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::budget::Budget;
    #[pymodule_export]
    use crate::capture::arrow::ArrowStream;
    #[pymodule_export]
    use crate::capture::message::CapturedMessage;
    #[pymodule_export]
    use crate::capture::plan::CapturePlan;
    #[pymodule_export]
    use crate::capture::reader::CaptureReader;
    #[pymodule_export]
    use crate::params::{accept_deflate_offers, parse_deflate_header};
    #[pymodule_export]
    use crate::raw::storage_type::untracked;
    #[pymodule_export]
    use crate::read::connection::Connection;
    #[pymodule_export]
    use crate::read::direction::WebSocketDirection;
    #[pymodule_export]
    use crate::read::frame::{Frame, FrameDecoder};
    #[pymodule_export]
    use crate::read::reassembler::MessageReassembler;
    #[pymodule_export]
    use crate::read::state::DirectionState;
    #[pymodule_export]
    use crate::relay::deciding::DecidingRelay;
    #[pymodule_export]
    use crate::relay::direction::RelayDirection;
    #[pymodule_export]
    use crate::relay::pair::Relay;
    #[pymodule_export]
    use crate::write::encoder::FrameEncoder;
    #[pymodule_export]
    use crate::write::fragmenter::fragment_sizes;
    #[pymodule_export]
    use crate::wsproto::event_reader::EventReader;
    #[pymodule_export]
    use crate::wsproto::event_writer::EventWriter;

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name is Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::random::forget_after_forks(module)?;
        let py = module.py();
        module.add("MessageStorage", crate::raw::storage_type::storage_type(py)?)?;
        for class in crate::raw::event_type::event_types(py)? {
            let class = class.bind(py);
            module.add(class.name()?, class)?;
        }
        Ok(())
    }
}
