//! Tests of whole TLS connections: what a peer seals comes out again.

mod connections;
mod early_data;
mod hellos;
mod key_changes;
mod late_keys;
mod partial_records;
mod records;
