//! Records, handshake messages and hellos of TLS of any bytes.
//!
//! The contract lists the outcomes allowed. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-capture/tests/tls/messages_contract.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::check(input));
