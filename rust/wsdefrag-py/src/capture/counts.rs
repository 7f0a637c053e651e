//! Converts the counters of packets.

#![expect(
    clippy::disallowed_methods,
    reason = "a short text for each kind of packet that is not read"
)]

use pyo3::prelude::*;
use pyo3::types::PyDict;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::protocol::Protocol;
use wsdefrag_capture::tls_facts::TlsStatus;

/// The arguments of `wsdefrag.capture.PacketCounts`.
pub(super) fn packet_counts<'py>(py: Python<'py>, counts: &Counts) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    for (name, value) in [
        ("packets", counts.packets),
        ("tcp", counts.tcp),
        ("cut", counts.cut),
        ("exported", counts.exported),
        ("other", counts.other),
        ("malformed", counts.malformed),
        ("unknown_link", counts.unknown_link),
        ("unread", counts.unread),
        ("fragments", counts.fragments),
        ("fragments_dropped", counts.fragments_dropped),
        ("fragments_waiting", counts.fragments_waiting),
        ("evicted_connections", counts.evicted_connections),
        ("evicted_packets", counts.evicted_packets),
        ("rows_left_out", counts.rows_left_out),
    ] {
        values.set_item(name, value)?;
    }
    for (name, value) in [
        ("http2_unread_blocks", counts.http2_unread_blocks),
        ("http2_dropped_streams", counts.http2_dropped_streams),
        ("keys", counts.keys.secrets),
        ("malformed_keys", counts.keys.malformed),
        ("dropped_keys", counts.keys.dropped),
        ("bad_tags", counts.tls.bad_tags),
        ("found_by_trial", counts.tls.found_by_trial),
        ("bytes_before_keys", counts.tls.before_keys + counts.keys.too_late_for),
    ] {
        values.set_item(name, value)?;
    }
    let (connections, packets) = (PyDict::new(py), PyDict::new(py));
    for status in TlsStatus::ALL {
        connections.set_item(status.name(), counts.tls.connections(status))?;
        packets.set_item(status.name(), counts.tls.packets(status))?;
    }
    values.set_item("tls_connections", connections)?;
    values.set_item("tls_packets", packets)?;
    values.set_item("tls_servers", &counts.tls.servers)?;
    let links = PyDict::new(py);
    for (link, packets) in &counts.unknown_links {
        links.set_item(link, packets)?;
    }
    values.set_item("unknown_links", links)?;
    let kinds = PyDict::new(py);
    for (kind, packets) in &counts.unread_kinds {
        kinds.set_item(kind.to_string(), packets)?;
    }
    values.set_item("unread_kinds", kinds)?;
    let (connections, packets) = (PyDict::new(py), PyDict::new(py));
    for protocol in Protocol::ALL {
        connections.set_item(protocol.name(), counts.protocols.connections(protocol))?;
        packets.set_item(protocol.name(), counts.protocols.packets(protocol))?;
    }
    values.set_item("tcp_connections", connections)?;
    values.set_item("tcp_packets", packets)?;
    values.set_item("first_ns", counts.first_time)?;
    values.set_item("last_ns", counts.last_time)?;
    Ok(values)
}
