//! The keys of the opening handshake: the client's, and the accept key, by which a server shows that it
//! understood a request for a WebSocket.
//!
//! RFC 6455 sections 1.3, 4.1 and 4.2.2.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest, Sha1};

/// The string that the server appends to the client's key (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The length of a key in base64, in bytes.
const ENCODED_KEY: usize = 24;

/// Base64 whose unused last bits may be set: peers write such keys, and others accept them.
const KEYS: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The accept key of a client's key (RFC 6455 section 4.2.2).
#[must_use]
pub fn accept_key(key: &[u8]) -> String {
    let mut digest = Sha1::new();
    digest.update(key);
    digest.update(GUID);
    STANDARD.encode(digest.finalize())
}

/// A client's key of 16 random bytes (RFC 6455 section 4.1).
#[must_use]
pub fn encode_key(random: [u8; 16]) -> String {
    STANDARD.encode(random)
}

/// Whether a client's key is 16 bytes in base64 (RFC 6455 section 4.1).
#[must_use]
pub fn is_key(key: &[u8]) -> bool {
    let mut decoded = [0; 18];
    key.len() == ENCODED_KEY && KEYS.decode_slice(key, &mut decoded) == Ok(16)
}
