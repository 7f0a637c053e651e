//! Capture files: pcap and pcapng in, records out.

mod clock;
pub mod compression;
pub mod error;
pub mod pcapng;
pub mod reader;
pub mod secrets;
