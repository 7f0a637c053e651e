//! Capture files: pcap, pcapng and snoop in, records out; several files are merged by time.

mod block;
mod byte_order;
mod clock;
pub mod compression;
pub mod damage;
pub mod error;
pub mod first_time;
mod fixed_header;
mod fixed_record;
mod format;
mod interface;
pub mod key_log_file;
pub(crate) mod looks;
pub mod merge;
mod partial;
mod pcap;
pub mod pcapng;
pub mod reader;
pub mod record;
pub mod secrets;
pub mod secrets_scan;
mod snoop;
mod source;
mod start;
mod verdict;
