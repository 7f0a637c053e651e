//! The engine's contracts for any input, as functions that panic on a violation.
//!
//! Each function takes the bytes of one fuzz input. The fuzz targets call it with generated inputs,
//! and the replay test with those kept as files. The property tests use the parts: a writer that
//! shares no code with the engine, a recorder of the engine's results, and a memory that checks its
//! requests.

#![allow(dead_code, reason = "each crate that includes this uses a part of it")]

pub(crate) mod agreement;
pub(crate) mod arbitrary_bytes;
pub(crate) mod collection;
pub(crate) mod deflate;
pub(crate) mod encoder;
pub(crate) mod fragments;
pub(crate) mod frames;
pub(crate) mod handshake;
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

/// A function that panics if an input breaks the contract.
pub(crate) type Contract = fn(&[u8]);

/// Each target's name, which its folder of inputs has too, and its contract.
pub(crate) const TARGETS: [(&str, Contract); 6] = [
    ("arbitrary_bytes", arbitrary_bytes::check),
    ("split_feeding", split_feeding::check),
    ("deflate", deflate::check),
    ("encoder", encoder::check),
    ("relay", relay::check),
    ("handshake", handshake::check),
];
