//! A message of a capture, made of a row, and as the values that outputs take.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use wsdefrag_capture::Message;
use wsdefrag_capture::archive::message_entry::{MessageEntry, Time};

use crate::capture::message::CapturedMessage;
use crate::raw::bytes::{bytes_of, copied_bytes};

impl CapturedMessage {
    pub(crate) fn new(
        py: Python<'_>,
        connection: Py<PyAny>,
        message: &Message,
        file: Option<Py<PyString>>,
    ) -> PyResult<Self> {
        Ok(Self {
            connection,
            seq: message.seq,
            from_client: message.from_client,
            opcode: message.opcode,
            content: copied_bytes(py, &message.content)?.unbind(),
            timestamp_ns: message.timestamp,
            first_timestamp_ns: message.first_timestamp,
            dropped: message.dropped,
            injected: message.injected,
            frames: message.frames,
            wire_length: message.wire_length,
            payload_length: message.payload_length,
            compressed: message.compressed,
            status: message.status,
            missing_bytes: message.missing_bytes,
            resynced: message.resynced,
            unauthenticated: message.unauthenticated,
            first_packet: message.first_packet,
            last_packet: message.last_packet,
            file,
        })
    }

    /// The connection of the message.
    pub(crate) fn connection<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.connection.bind(py)
    }

    /// Its values in an archive.
    pub(crate) fn entry(&self) -> MessageEntry<'_> {
        MessageEntry {
            opcode: self.opcode,
            from_client: self.from_client,
            content: bytes_of(&self.content),
            time: Time::Nanoseconds(self.timestamp_ns),
            dropped: self.dropped,
            injected: self.injected,
            status: self.status,
            missing_bytes: self.missing_bytes,
            resynced: self.resynced,
            unauthenticated: self.unauthenticated,
        }
    }

    /// The payload.
    pub(crate) const fn content(&self) -> &Py<PyBytes> {
        &self.content
    }

    /// The name of the file.
    pub(crate) fn file(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.file.as_ref().map(|file| file.bind(py).extract()).transpose()
    }

    /// The message without its content.
    pub(crate) fn numbers(&self, py: Python<'_>) -> PyResult<Message> {
        Ok(Message {
            connection: self.connection.bind(py).getattr("connection")?.extract()?,
            seq: self.seq,
            from_client: self.from_client,
            opcode: self.opcode,
            content: Vec::new(),
            timestamp: self.timestamp_ns,
            first_timestamp: self.first_timestamp_ns,
            dropped: self.dropped,
            injected: self.injected,
            frames: self.frames,
            wire_length: self.wire_length,
            payload_length: self.payload_length,
            compressed: self.compressed,
            status: self.status,
            missing_bytes: self.missing_bytes,
            resynced: self.resynced,
            unauthenticated: self.unauthenticated,
            first_packet: self.first_packet,
            last_packet: self.last_packet,
            // The name is known, not the number.
            file: 0,
        })
    }

    /// The time in seconds since the epoch, as mitmproxy stores it.
    #[expect(clippy::cast_precision_loss, reason = "a float of seconds has no more digits")]
    pub(super) fn seconds(&self) -> f64 {
        const SECOND: i64 = 1_000_000_000;
        let (whole, rest) =
            (self.timestamp_ns.div_euclid(SECOND), self.timestamp_ns.rem_euclid(SECOND));
        whole as f64 + rest as f64 / SECOND as f64
    }
}
