//! Capture files: pcap and pcapng in, records out.

mod clock;
pub mod compression;
pub mod error;
mod pcap;
pub mod pcapng;
pub mod reader;
pub mod record;
pub mod secrets;
