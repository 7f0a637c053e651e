//! How HTTP/1.1 leads to HTTP/2: by the preface of a client that knows that the server speaks it, or by
//! an upgrade.
//!
//! RFC 9113 section 3.3 and 3.4, RFC 7540 section 3.2 (which RFC 9113 deprecates, and servers speak).

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use wsdefrag_core::handshake::fields::has_token;

use crate::connection::{Request, Response, field};

/// The encoding of `HTTP2-Settings`, with or without padding.
const SETTINGS: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a request is the start of the preface.
pub(super) fn is_preface(request: &Request) -> bool {
    request.method == "PRI" && request.target == "*" && request.version == "HTTP/2.0"
}

/// The SETTINGS of a request that asks for an upgrade to HTTP/2.
pub(super) fn http2_settings(request: &Request) -> Option<Vec<u8>> {
    let settings = field(&request.fields, "http2-settings")?;
    if !has_token(&request.fields, "upgrade", "h2c") {
        return None;
    }
    Some(SETTINGS.decode(settings.trim()).unwrap_or_default())
}

/// Whether a 101 switches to HTTP/2.
pub(super) fn accepts_http2(response: &Response) -> bool {
    has_token(&response.fields, "upgrade", "h2c")
}
