//! TLS: records, the messages that lead to keys, and the keys that open records.
//!
//! ```text
//! record      the header of a record, and where one may start
//! messages    handshake messages out of the contents of records
//! hello       what ClientHello and ServerHello say; handshake for the other messages
//! keylog      the lines of a key log; keys stores the secrets of a capture, missed what came too late
//! suite       the cipher suites that are read; schedule derives keys for them
//! opener      opens the records of one direction and one generation of keys
//!   aead        AES-GCM and ChaCha20-Poly1305
//!   cbc         AES-CBC with a MAC
//!   sequence    the number of an AES-GCM record, read from its tag
//!   partial     parts of a record, without its tag
//! session     a connection: both TCP streams in, both streams of the application out
//!   direction     one stream: where its records are; contents: what they hold
//!   tools         what a direction shares with the other one, and what it may wait for
//!   key_changes   what handshake messages change
//!   partial_record a record of which bytes are missing; early_records wait for the server's answer
//!   record_reader the keys and the number of each record; key_search and trial find them
//!   negotiation   what the hellos of both sides said
//! ```
//!
//! What reads bytes that were not authenticated is public, so that it is fuzzed by itself. Secrets
//! and keys have no text: what holds one is shown by its name alone.

pub(crate) mod aead;
pub(crate) mod cbc;
pub(crate) mod contents;
pub(crate) mod cursor;
pub(crate) mod direction;
pub(crate) mod early_records;
pub mod handshake;
pub mod hello;
pub(crate) mod key_changes;
pub(crate) mod key_search;
pub mod keylog;
pub mod keys;
pub mod messages;
pub(crate) mod missed;
pub(crate) mod negotiation;
pub(crate) mod opener;
pub(crate) mod partial;
pub(crate) mod partial_record;
pub mod record;
pub(crate) mod record_reader;
pub(crate) mod resumption;
pub(crate) mod schedule;
pub mod secret;
pub(crate) mod sequence;
pub(crate) mod session;
pub(crate) mod suite;
pub(crate) mod tools;
pub(crate) mod trial;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
