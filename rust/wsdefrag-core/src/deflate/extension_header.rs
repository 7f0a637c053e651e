//! The syntax of a `Sec-WebSocket-Extensions` header.
//!
//! A header is a comma-separated list of extensions. Each has parameters after semicolons, with
//! bare or quoted values. Names are not case-sensitive, values may be quoted, white space may
//! surround `=`, and list elements may be empty. Everything is read in place and nothing is copied but
//! quoted values with backslashes, because a header may be long and is a stranger's.
//!
//! It implements RFC 6455 section 9.1 and RFC 9110 section 5.6.

use std::borrow::Cow;

use crate::handshake::list::{elements, split_outside_quotes, trim, unescaped};

/// The elements of a header, without the spaces around them.
pub(super) fn extensions(header: &str) -> impl Iterator<Item = &str> {
    elements(header)
}

/// The name of an element.
pub(super) fn name(extension: &str) -> &str {
    trim(split_outside_quotes(extension, ';').next().unwrap_or(""))
}

/// The parameters of an element: each one's name, and its value without quotes.
pub(super) fn parameters(extension: &str) -> impl Iterator<Item = (&str, Option<Cow<'_, str>>)> {
    split_outside_quotes(extension, ';').skip(1).map(|parameter| match parameter.split_once('=') {
        Some((name, value)) => (trim(name), Some(unquote(trim(value)))),
        None => (trim(parameter), None),
    })
}

/// Whether `text` contains `part`, whatever the case of its letters.
pub(super) fn contains(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|bytes| bytes.eq_ignore_ascii_case(part.as_bytes()))
}

fn unquote(value: &str) -> Cow<'_, str> {
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        #[expect(clippy::disallowed_methods, reason = "at most the header, which has a bound")]
        Some(quoted) if quoted.contains('\\') => Cow::Owned(unescaped(quoted).collect()),
        Some(quoted) => Cow::Borrowed(quoted),
        None => Cow::Borrowed(value),
    }
}
