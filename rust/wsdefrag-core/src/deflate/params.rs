//! The agreed permessage-deflate parameters (RFC 7692 section 7.1).
//!
//! They are parsed from the server's answer, the `Sec-WebSocket-Extensions` header of the 101
//! response. What a server answers to a client's offers is in `offer`.
//!
//! An endpoint rejects an answer that breaks a rule. An observer gains nothing by rejecting it,
//! because both sides continue. [`DeflateParams::from_header_tolerant`] uses the valid parts of
//! such an answer and lists what it tolerated:
//!
//! ```text
//! an empty parameter, such as after a trailing semicolon  ignored
//! an unknown parameter                                    ignored
//! window bits without a value, or not a number            15, which reads every window
//! window bits out of range, or with leading zeros         the nearest valid value, 8 to 15
//! no_context_takeover with a value                        the value is ignored
//! a repeated parameter                                    the last one is used
//! a repeated permessage-deflate                           the first one is used
//! another extension whose name is not a token             ignored
//! ```
//!
//! Both parsers reject an unterminated quoted string, an invalid token that begins with the name of
//! permessage-deflate, and more than `MAX_PARAMETERS` parameters.
//!
//! - `8 <= *_max_window_bits <= 15`

use std::borrow::Cow;
use std::fmt;

use crate::deflate::extension_header::{contains, extensions, name, parameters};
use crate::handshake::list::{is_balanced, is_token};

pub(super) const EXTENSION: &str = "permessage-deflate";
/// Most parameters of one extension. Each is compared with all earlier ones.
const MAX_PARAMETERS: usize = 64;
/// Most faults that a tolerant parser names.
const MAX_ODDITIES: usize = 32;
/// Most bytes of a header that a text quotes at a time.
const MAX_QUOTED: usize = 64;
const WINDOW_BITS: std::ops::RangeInclusive<u8> = 8..=15;

/// The agreed parameters. `server_*` applies to messages from the server, `client_*` to those from
/// the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeflateParams {
    /// The server resets its window after each message.
    pub server_no_context_takeover: bool,
    /// The client resets its window after each message.
    pub client_no_context_takeover: bool,
    /// The base-2 logarithm of the server's window in bytes, 8 to 15.
    pub server_max_window_bits: u8,
    /// The base-2 logarithm of the client's window in bytes, 8 to 15.
    pub client_max_window_bits: u8,
}

impl Default for DeflateParams {
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

/// Why a server's answer is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAnswer(pub(super) String);

impl InvalidAnswer {
    /// What is wrong with it.
    pub(crate) fn reason(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InvalidAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {EXTENSION} answer: {} (RFC 7692 section 7.1)", self.0)
    }
}

impl std::error::Error for InvalidAnswer {}

/// Why a client's offers cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOffers(pub(super) String);

impl fmt::Display for InvalidOffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid extension offers: {} (RFC 6455 section 9.1)", self.0)
    }
}

impl std::error::Error for InvalidOffers {}

impl DeflateParams {
    /// Whether this side starts each message with an empty window.
    #[must_use]
    pub const fn no_context_takeover(&self, from_client: bool) -> bool {
        if from_client { self.client_no_context_takeover } else { self.server_no_context_takeover }
    }

    /// The base-2 logarithm of this side's window in bytes, 8 to 15.
    #[must_use]
    pub const fn max_window_bits(&self, from_client: bool) -> u8 {
        if from_client { self.client_max_window_bits } else { self.server_max_window_bits }
    }

    /// Parses the server's `Sec-WebSocket-Extensions`; `None` if permessage-deflate was not agreed.
    pub fn from_header(value: &str) -> Result<Option<Self>, InvalidAnswer> {
        Self::from_answer(value, &mut Err).map_err(InvalidAnswer)
    }

    /// Parses an answer for an observer; also returns a short text for each fault that it tolerated,
    /// at most 32.
    pub fn from_header_tolerant(value: &str) -> Result<(Option<Self>, Vec<String>), InvalidAnswer> {
        let mut oddities = Vec::new();
        let agreed = Self::from_answer(value, &mut |oddity| {
            if oddities.len() < MAX_ODDITIES {
                #[expect(clippy::disallowed_methods, reason = "at most `MAX_ODDITIES`")]
                oddities.push(oddity);
            }
            Ok(())
        });
        agreed.map(|agreed| (agreed, oddities)).map_err(InvalidAnswer)
    }

    /// `odd` decides whether a violation of a rule is rejected.
    fn from_answer(
        value: &str,
        odd: &mut dyn FnMut(String) -> Result<(), String>,
    ) -> Result<Option<Self>, String> {
        check_names(value, odd)?;
        let mut elements = extensions(value).filter(|element| is_deflate(element));
        let Some(first) = elements.next() else { return Ok(None) };
        if elements.next().is_some() {
            odd(String::from("agreed twice"))?;
        }
        Self::from_parameters(first, false, odd).map(Some)
    }

    pub(super) fn from_parameters(
        extension: &str,
        offered: bool,
        odd: &mut dyn FnMut(String) -> Result<(), String>,
    ) -> Result<Self, String> {
        let mut params = Self::default();
        for (index, (name, value)) in parameters(extension).enumerate() {
            let value = value.as_deref();
            if index == MAX_PARAMETERS {
                return Err(reason(format_args!("more than {MAX_PARAMETERS} parameters")));
            }
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("server_no_context_takeover") {
                params.server_no_context_takeover = no_value(name, value, odd)?;
            } else if is("client_no_context_takeover") {
                params.client_no_context_takeover = no_value(name, value, odd)?;
            } else if is("server_max_window_bits") {
                params.server_max_window_bits = window_bits(name, value, odd)?;
            } else if is("client_max_window_bits") {
                // Without a value it only says that the server may limit the client's window (RFC
                // 7692 section 7.1.2.2).
                if !offered || value.is_some() {
                    params.client_max_window_bits = window_bits(name, value, odd)?;
                }
            } else if name.is_empty() && value.is_none() {
                odd(reason(format_args!("empty parameter")))?;
            } else {
                odd(reason(format_args!("unknown parameter {:?}", lower_case(&quoted(name)))))?;
            }
            let repeats =
                |(earlier, _): (&str, Option<Cow<'_, str>>)| earlier.eq_ignore_ascii_case(name);
            if !name.is_empty() && parameters(extension).take(index).any(repeats) {
                odd(reason(format_args!("{} given twice", lower_case(&quoted(name)))))?;
            }
        }
        Ok(params)
    }
}

/// The names of all other extensions in a `Sec-WebSocket-Extensions` header; empty if it cannot be
/// parsed.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "at most the header, which its reader has bounded")]
pub fn foreign_extensions(header: &str) -> Vec<String> {
    if !is_balanced(header) {
        return Vec::new();
    }
    let foreign = |name: &&str| is_token(name.as_bytes()) && !name.eq_ignore_ascii_case(EXTENSION);
    extensions(header).map(name).filter(foreign).map(str::to_owned).collect()
}

/// Whether an element is named permessage-deflate.
pub(super) fn is_deflate(extension: &str) -> bool {
    name(extension).eq_ignore_ascii_case(EXTENSION)
}

/// Checks what does not depend on parameters: quotes and the names of extensions.
pub(super) fn check_names(
    header: &str,
    odd: &mut dyn FnMut(String) -> Result<(), String>,
) -> Result<(), String> {
    if !is_balanced(header) {
        return Err(reason(format_args!("a quoted string does not end")));
    }
    // A list may hold empty elements (RFC 9110 section 5.6.1.2).
    for name in
        extensions(header).map(name).filter(|name| !name.is_empty() && !is_token(name.as_bytes()))
    {
        let reason = reason(format_args!("{:?} is no extension name", quoted(name)));
        if contains(name, EXTENSION) {
            return Err(reason);
        }
        odd(reason)?;
    }
    Ok(())
}

/// A part of a header in a text about it; a long part is cut, and ends with three dots.
#[expect(clippy::disallowed_methods, reason = "at most `MAX_QUOTED` bytes and the dots")]
fn quoted(part: &str) -> String {
    if part.len() <= MAX_QUOTED {
        return part.to_owned();
    }
    let end = (0..=MAX_QUOTED).rev().find(|at| part.is_char_boundary(*at)).unwrap_or(0);
    [&part[..end], "..."].concat()
}

/// A text about a header.
#[expect(clippy::disallowed_methods, reason = "at most a few times `MAX_QUOTED`")]
fn reason(text: fmt::Arguments<'_>) -> String {
    text.to_string()
}

#[expect(clippy::disallowed_methods, reason = "a known name, or at most `MAX_QUOTED` bytes")]
fn lower_case(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn no_value(
    name: &str,
    value: Option<&str>,
    odd: &mut dyn FnMut(String) -> Result<(), String>,
) -> Result<bool, String> {
    if let Some(value) = value {
        odd(reason(format_args!("{} takes no value, got {:?}", lower_case(name), quoted(value))))?;
    }
    Ok(true)
}

fn window_bits(
    name: &str,
    value: Option<&str>,
    odd: &mut dyn FnMut(String) -> Result<(), String>,
) -> Result<u8, String> {
    let (smallest, largest) = (*WINDOW_BITS.start(), *WINDOW_BITS.end());
    let Some(value) = value else {
        odd(reason(format_args!("{} needs a value", lower_case(name))))?;
        return Ok(largest);
    };
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // A number that exceeds a byte is out of range too.
    let bits = if is_number { value.parse().unwrap_or(u8::MAX) } else { largest };
    if !is_number || value.starts_with('0') || !WINDOW_BITS.contains(&bits) {
        odd(reason(format_args!(
            "{} has to be 8 to 15, got {:?}",
            lower_case(name),
            quoted(value)
        )))?;
    }
    Ok(bits.clamp(smallest, largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_parameters_are_refused_and_many_faults_are_not_all_named() {
        let header = |count| format!("permessage-deflate{}", "; a".repeat(count));
        let (_, oddities) = DeflateParams::from_header_tolerant(&header(64)).unwrap();
        assert_eq!(oddities.len(), MAX_ODDITIES);
        let error = DeflateParams::from_header_tolerant(&header(65)).unwrap_err();
        assert!(error.to_string().contains("more than 64 parameters"), "{error}");
        // A head of the largest size is read in one pass.
        assert!(DeflateParams::from_header_tolerant(&header(80_000)).is_err());
        let names = "permessage-deflate, a b, ".repeat(10_000);
        assert_eq!(DeflateParams::from_header_tolerant(&names).unwrap().1.len(), MAX_ODDITIES);
    }

    #[test]
    fn texts_quote_the_start_of_a_long_part() {
        let long = "ö".repeat(1 << 20);
        for part in [format!("; {long}"), format!("; server_no_context_takeover={long}")] {
            let header = format!("permessage-deflate{part}");
            let (_, oddities) = DeflateParams::from_header_tolerant(&header).unwrap();
            let [oddity] = &oddities[..] else { panic!("{oddities:?}") };
            assert!(oddity.ends_with("öö...\""), "{oddity}");
            assert_eq!(oddity.matches('ö').count(), MAX_QUOTED / 2);
            let error = DeflateParams::from_header(&header).unwrap_err();
            assert_eq!(error, InvalidAnswer(oddity.clone()));
        }
    }

    #[test]
    fn other_extensions_are_named() {
        let named = |header| foreign_extensions(header).join(" ");
        assert_eq!(named("permessage-deflate; a, x-one; b=\"1,2\" , , X-Two"), "x-one X-Two");
        assert_eq!(named("PerMessage-Deflate, a b"), "");
        assert_eq!(named("x-one; a=\"b"), "");
    }
}
