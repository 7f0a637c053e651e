//! Connections that another program has recorded: mitmproxy's flow files and HTTP archives (HAR) in,
//! connections and messages out.
//!
//! ```text
//! bytes of a file -> an entry (a flow, or an entry of the archive) -> its connection and its messages
//! ```
//!
//! There are no packets: numbers of packets, counts of frames and bytes on the wire are 0. Entries that
//! are no WebSockets are counted as HTTP.

mod entry;
mod flow;
mod flow_rows;
mod giving;
mod har;
mod har_entry;
mod har_scanner;
mod moment;
mod netstring;
pub(crate) mod reader;
pub(crate) mod surroundings;
