//! What is wrong with a head, and what a server answers to it.
//!
//! A [`HandshakeError`] holds a [`Fault`], a text, and an offset in the head: that of the offending
//! byte or line, or the end of the fields if one is missing. It does not depend on how the head was
//! split into chunks.

use std::borrow::Cow;
use std::fmt;

/// Most characters of a head that a text quotes, but for the last one's escape.
const MAX_QUOTED: usize = 40;
/// Most bytes of a text that quotes more.
const MAX_CUT: usize = 80;

/// The rule that a head breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The first line is not that of a request, or else of a response.
    NotHttp,
    /// A version other than HTTP/1.1 and later ones of HTTP/1.
    HttpVersion,
    /// The head exceeds the limit.
    HeadTooLarge,
    /// The first line alone exceeds the limit.
    TargetTooLong,
    /// A control character, or a CR that no LF follows.
    ControlCharacter,
    /// An LF without CR before it.
    BareLineFeed,
    /// A line that continues the one before it.
    LineFolding,
    /// White space between a field's name and the colon.
    SpaceBeforeColon,
    /// A field without colon, or whose name is not a token.
    InvalidFieldName,
    /// A request target that a WebSocket cannot have.
    RequestTarget,
    /// A method other than GET.
    Method,
    /// `Host` is missing, repeated or invalid.
    Host,
    /// `Content-Length` is repeated or invalid.
    ContentLength,
    /// A head that must not have content announces some.
    Content,
    /// A head that must not have content has `Transfer-Encoding`.
    TransferEncoding,
    /// `Upgrade` does not name the WebSocket protocol.
    Upgrade,
    /// `Connection` does not name `Upgrade`.
    Connection,
    /// `Sec-WebSocket-Key` is missing, repeated, or not 16 bytes.
    Key,
    /// `Sec-WebSocket-Version` is missing or repeated.
    Version,
    /// `Sec-WebSocket-Version` is not 13.
    UnsupportedVersion,
    /// `Sec-WebSocket-Accept` is missing, repeated, or does not fit the key.
    AcceptKey,
    /// A subprotocol that is not a token, is repeated, or was not offered.
    Subprotocol,
    /// Extensions that are malformed, or were not offered.
    Extensions,
    /// An answer about permessage-deflate that breaks a rule, or that no offer allows.
    DeflateAnswer,
    /// More responses before the final one than anybody sends.
    TooManyResponses,
    /// The bytes ended inside the head.
    Incomplete,
    /// The system refused memory.
    OutOfMemory,
}

/// Each fault.
pub const FAULTS: [Fault; 27] = [
    Fault::NotHttp,
    Fault::HttpVersion,
    Fault::HeadTooLarge,
    Fault::TargetTooLong,
    Fault::ControlCharacter,
    Fault::BareLineFeed,
    Fault::LineFolding,
    Fault::SpaceBeforeColon,
    Fault::InvalidFieldName,
    Fault::RequestTarget,
    Fault::Method,
    Fault::Host,
    Fault::ContentLength,
    Fault::Content,
    Fault::TransferEncoding,
    Fault::Upgrade,
    Fault::Connection,
    Fault::Key,
    Fault::Version,
    Fault::UnsupportedVersion,
    Fault::AcceptKey,
    Fault::Subprotocol,
    Fault::Extensions,
    Fault::DeflateAnswer,
    Fault::TooManyResponses,
    Fault::Incomplete,
    Fault::OutOfMemory,
];

impl Fault {
    /// The fault's name, stable across releases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotHttp => "not_http",
            Self::HttpVersion => "http_version",
            Self::HeadTooLarge => "head_too_large",
            Self::TargetTooLong => "target_too_long",
            Self::ControlCharacter => "control_character",
            Self::BareLineFeed => "bare_line_feed",
            Self::LineFolding => "line_folding",
            Self::SpaceBeforeColon => "space_before_colon",
            Self::InvalidFieldName => "invalid_field_name",
            Self::RequestTarget => "request_target",
            Self::Method => "method",
            Self::Host => "host",
            Self::ContentLength => "content_length",
            Self::Content => "content",
            Self::TransferEncoding => "transfer_encoding",
            Self::Upgrade => "upgrade",
            Self::Connection => "connection",
            Self::Key => "key",
            Self::Version => "version",
            Self::UnsupportedVersion => "unsupported_version",
            Self::AcceptKey => "accept_key",
            Self::Subprotocol => "subprotocol",
            Self::Extensions => "extensions",
            Self::DeflateAnswer => "deflate_answer",
            Self::TooManyResponses => "too_many_responses",
            Self::Incomplete => "incomplete_head",
            Self::OutOfMemory => "out_of_memory",
        }
    }

    /// The RFC section that states the rule, for a request or a response.
    #[must_use]
    pub const fn rfc_section(self, is_request: bool) -> &'static str {
        match self {
            Self::NotHttp if is_request => "RFC 9112 section 3",
            Self::NotHttp => "RFC 9112 section 4",
            Self::HeadTooLarge => "RFC 6585 section 5",
            Self::TargetTooLong => "RFC 9110 section 15.5.15",
            Self::ControlCharacter => "RFC 9110 section 5.5",
            Self::BareLineFeed => "RFC 9112 section 2.2",
            Self::LineFolding => "RFC 9112 section 5.2",
            Self::SpaceBeforeColon => "RFC 9112 section 5.1",
            Self::InvalidFieldName => "RFC 9110 section 5.1",
            Self::Host => "RFC 9112 section 3.2",
            Self::ContentLength | Self::Content => "RFC 9112 section 6.3",
            Self::TransferEncoding => "RFC 9112 section 6.1",
            Self::UnsupportedVersion => "RFC 6455 section 4.4",
            Self::Extensions => "RFC 6455 section 9.1",
            Self::DeflateAnswer => "RFC 7692 section 7.1",
            Self::TooManyResponses => "RFC 9110 section 15.2",
            Self::Incomplete => "RFC 9112 section 8",
            Self::OutOfMemory => "RFC 6455 section 10.4",
            Self::HttpVersion
            | Self::Method
            | Self::RequestTarget
            | Self::Upgrade
            | Self::Connection
            | Self::Key
            | Self::Version
            | Self::AcceptKey
            | Self::Subprotocol
                if is_request =>
            {
                "RFC 6455 section 4.2.1"
            }
            _ => "RFC 6455 section 4.1",
        }
    }

    /// The status that a server answers a faulty request with, or a gateway a faulty response of its
    /// server.
    #[must_use]
    pub const fn status(self, is_request: bool) -> u16 {
        match self {
            Self::OutOfMemory => 503,
            _ if !is_request => 502,
            Self::HttpVersion => 505,
            Self::HeadTooLarge => 431,
            Self::TargetTooLong => 414,
            Self::Method => 405,
            Self::Upgrade | Self::UnsupportedVersion => 426,
            _ => 400,
        }
    }
}

/// What is wrong with a head, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeError {
    /// The rule that was broken.
    pub fault: Fault,
    /// Position in the head, in bytes.
    pub offset: usize,
    /// Whether it is the head of a request.
    pub is_request: bool,
    pub(crate) reason: Cow<'static, str>,
}

impl HandshakeError {
    /// The RFC section that states the rule.
    #[must_use]
    pub const fn rfc_section(&self) -> &'static str {
        self.fault.rfc_section(self.is_request)
    }

    /// The status that a server answers a faulty request with, or a gateway a faulty response of its
    /// server.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.fault.status(self.is_request)
    }
}

impl fmt::Display for HandshakeError {
    /// Writes what is wrong, the offset and the RFC section.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} ({})", self.reason, self.offset, self.rfc_section())
    }
}

impl std::error::Error for HandshakeError {}

/// A part of a head in a text about it, escaped to printable ASCII; a long part is cut, and ends with
/// three dots.
#[expect(clippy::disallowed_methods, reason = "at most `MAX_QUOTED` bytes, and a few more")]
pub(crate) fn quoted(part: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in part {
        if text.len() > MAX_QUOTED {
            text.push_str("...");
            break;
        }
        text.extend(byte.escape_ascii().map(char::from));
    }
    text.push('"');
    text
}

/// The start of a text that quotes more.
pub(crate) fn cut(text: &str) -> &str {
    let end = (0..=MAX_CUT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    if text.len() <= MAX_CUT { text } else { &text[..end] }
}
