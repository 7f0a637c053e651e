//! `wsdefrag._native`: the Python binding of the engine.
//!
//! The binding makes no protocol decisions. It supplies Python memory (`content`) and the operating
//! system's random numbers (`random`) to the engine, turns its output into Python objects (`read`)
//! and its errors into exceptions (`errors`). All `unsafe` code is in `raw`.

#![deny(unsafe_code)]
// Memory for what strangers send is asked for in ways that can fail: see clippy.toml.
#![warn(clippy::disallowed_methods, clippy::disallowed_macros)]
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
mod exclusive;
mod handshake;
mod opcodes;
mod panics;
mod params;
mod random;
#[allow(unsafe_code, reason = "the one place for it")]
mod raw;
mod read;
mod relay;
mod room;
mod shown;
mod write;
mod wsproto;

/// The engine of `wsdefrag`; import `wsdefrag` instead.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;
    use pyo3::wrap_pyfunction;

    use crate::budget::Budget;
    use crate::capture::arrow::ArrowStream;
    use crate::capture::entry_writer::EntryWriter;
    use crate::capture::event::CapturedEvent;
    use crate::capture::items::CaptureItems;
    use crate::capture::json_line::{
        event_text, json_content, json_line, shown_binary, shown_text,
    };
    use crate::capture::message::CapturedMessage;
    use crate::capture::output_pass::OutputPass;
    use crate::capture::plan::CapturePlan;
    use crate::capture::reader::CaptureReader;
    use crate::capture::table_pass::TablePass;
    use crate::handshake::client::ClientHandshake;
    use crate::handshake::functions::{accept_key_of, list_members, random_key};
    use crate::handshake::server::ServerHandshake;
    use crate::handshake::tap::HandshakeTap;
    use crate::params::{
        check_deflate_answer, choose_deflate, deflate_offer_header, filter_extension_offers,
        limit_deflate_offers, parse_deflate_header,
    };
    use crate::raw::event_type::event_types;
    use crate::raw::interpreter;
    use crate::raw::storage_type::{storage_type, untracked};
    use crate::read::chunk_decoder::{ChunkDecoder, ChunkEvents};
    use crate::read::connection::Connection;
    use crate::read::direction::WebSocketDirection;
    use crate::read::frame::Frame;
    use crate::read::frame_decoder::FrameDecoder;
    use crate::read::reassembler::{MessageReassembler, panic_inside};
    use crate::read::state::DirectionState;
    use crate::relay::deciding::DecidingRelay;
    use crate::relay::direction::RelayDirection;
    use crate::relay::pair::Relay;
    use crate::relay::pump::RelayPump;
    use crate::relay::socket_reader::SocketReader;
    use crate::relay::socket_writer::SocketWriter;
    use crate::write::encoder::FrameEncoder;
    use crate::write::fragmenter::fragment_sizes;
    use crate::wsproto::event_reader::EventReader;
    use crate::wsproto::event_writer::EventWriter;

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name is Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_macros,
        reason = "one list of classes for each import"
    )]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        interpreter::check(py)?;
        crate::panics::quiet();
        let classes = interpreter::in_main(py, |py| {
            let mut classes = vec![
                py.get_type::<ArrowStream>(),
                py.get_type::<Budget>(),
                py.get_type::<CaptureItems>(),
                py.get_type::<CapturePlan>(),
                py.get_type::<CaptureReader>(),
                py.get_type::<CapturedEvent>(),
                py.get_type::<CapturedMessage>(),
                py.get_type::<ChunkDecoder>(),
                py.get_type::<ChunkEvents>(),
                py.get_type::<ClientHandshake>(),
                py.get_type::<Connection>(),
                py.get_type::<DecidingRelay>(),
                py.get_type::<DirectionState>(),
                py.get_type::<EntryWriter>(),
                py.get_type::<EventReader>(),
                py.get_type::<EventWriter>(),
                py.get_type::<Frame>(),
                py.get_type::<FrameDecoder>(),
                py.get_type::<FrameEncoder>(),
                py.get_type::<HandshakeTap>(),
                py.get_type::<MessageReassembler>(),
                py.get_type::<OutputPass>(),
                py.get_type::<Relay>(),
                py.get_type::<RelayDirection>(),
                py.get_type::<RelayPump>(),
                py.get_type::<ServerHandshake>(),
                py.get_type::<SocketReader>(),
                py.get_type::<SocketWriter>(),
                py.get_type::<TablePass>(),
                py.get_type::<WebSocketDirection>(),
                crate::panics::internal_error_type(py)?,
                storage_type(py)?.clone(),
            ];
            classes.extend(event_types(py)?.iter().map(|class| class.bind(py).clone()));
            PyResult::Ok(classes.into_iter().map(Bound::unbind).collect::<Vec<_>>())
        })?;
        for class in classes {
            let class = class.into_bound(py);
            module.add(class.name()?, class)?;
        }
        module.add_function(wrap_pyfunction!(accept_key_of, module)?)?;
        module.add_function(wrap_pyfunction!(check_deflate_answer, module)?)?;
        module.add_function(wrap_pyfunction!(choose_deflate, module)?)?;
        module.add_function(wrap_pyfunction!(deflate_offer_header, module)?)?;
        module.add_function(wrap_pyfunction!(event_text, module)?)?;
        module.add_function(wrap_pyfunction!(filter_extension_offers, module)?)?;
        module.add_function(wrap_pyfunction!(fragment_sizes, module)?)?;
        module.add_function(wrap_pyfunction!(json_content, module)?)?;
        module.add_function(wrap_pyfunction!(json_line, module)?)?;
        module.add_function(wrap_pyfunction!(limit_deflate_offers, module)?)?;
        module.add_function(wrap_pyfunction!(list_members, module)?)?;
        module.add_function(wrap_pyfunction!(panic_inside, module)?)?;
        module.add_function(wrap_pyfunction!(parse_deflate_header, module)?)?;
        module.add_function(wrap_pyfunction!(random_key, module)?)?;
        module.add_function(wrap_pyfunction!(shown_binary, module)?)?;
        module.add_function(wrap_pyfunction!(shown_text, module)?)?;
        module.add_function(wrap_pyfunction!(untracked, module)?)?;
        crate::random::forget_after_forks(module)
    }
}
