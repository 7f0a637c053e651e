//! What the engine promises about any input, as functions that panic where it does not hold.
//!
//! Each function takes the bytes that a fuzzer would hand it. The fuzz targets call them with
//! what the fuzzer makes up, the replay test with the inputs that are kept as files, and the
//! property tests use the parts: a writer that shares no code with the engine, a recorder of
//! what the engine says, and a memory that watches what the engine asks for.

#![allow(dead_code, reason = "each crate that includes this uses a part of it")]

pub(crate) mod agreement;
pub(crate) mod arbitrary_bytes;
pub(crate) mod deflate;
pub(crate) mod encoder;
pub(crate) mod fragments;
pub(crate) mod frames;
pub(crate) mod input;
pub(crate) mod journal;
pub(crate) mod ledger;
pub(crate) mod outcomes;
pub(crate) mod output;
pub(crate) mod relay;
pub(crate) mod relay_incoming;
pub(crate) mod relay_messages;
pub(crate) mod relay_pass_through;
pub(crate) mod script;
pub(crate) mod split_feeding;
pub(crate) mod window;
pub(crate) mod writer;

/// Panics unless what it promises holds for these bytes.
pub(crate) type Contract = fn(&[u8]);

/// Each target's name, which is that of its folders of inputs, and its contract.
pub(crate) const TARGETS: [(&str, Contract); 5] = [
    ("arbitrary_bytes", arbitrary_bytes::check),
    ("split_feeding", split_feeding::check),
    ("deflate", deflate::check),
    ("encoder", encoder::check),
    ("relay", relay::check),
];
