//! The agreed permessage-deflate parameters (RFC 7692 section 7.1).
//!
//! They are parsed from the server's answer, the `Sec-WebSocket-Extensions`
//! header
//! of the 101 response: a comma-separated list of extensions. Each has
//! parameters
//! after semicolons, with bare or quoted values (RFC 6455 section 9.1). A
//! server
//! derives its answer from the client's offers, which have the same syntax and
//! are in
//! order of preference (RFC 7692 section 5).
//!
//! An endpoint rejects an answer that breaks a rule. An observer gains
//! nothing by rejecting it, because both sides continue.
//! [`DeflateParams::from_header_tolerant`]
//! uses the valid parts of such an answer and lists what it tolerated:
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
//! Names are not case-sensitive, values may be quoted, white space may surround
//! `=`, and list elements may be empty: these are valid. Both parsers reject an
//! unterminated quoted string, and an invalid token that begins with the name
//! of
//! permessage-deflate.
//!
//! - `8 <= *_max_window_bits <= 15`

use std::fmt;

const EXTENSION: &str = "permessage-deflate";
const WINDOW_BITS: std::ops::RangeInclusive<u8> = 8..=15;

/// The agreed parameters. `server_*` applies to messages from the server, `client_*` to those from
/// the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
pub struct InvalidAnswer(String);

impl fmt::Display for InvalidAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {EXTENSION} answer: {} (RFC 7692 section 7.1)", self.0)
    }
}

impl std::error::Error for InvalidAnswer {}

/// Why a client's offers cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOffers(String);

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

    /// Parses an answer for an observer; also returns a short text for each fault that it
    /// tolerated.
    pub fn from_header_tolerant(value: &str) -> Result<(Option<Self>, Vec<String>), InvalidAnswer> {
        let mut oddities = Vec::new();
        let agreed = Self::from_answer(value, &mut |oddity| {
            oddities.push(oddity);
            Ok(())
        });
        agreed.map(|agreed| (agreed, oddities)).map_err(InvalidAnswer)
    }

    /// `odd` decides whether a violation of a rule is rejected.
    fn from_answer(
        value: &str,
        odd: &mut dyn FnMut(String) -> Result<(), String>,
    ) -> Result<Option<Self>, String> {
        let elements = deflate_elements(value, odd)?;
        let Some(parameters) = elements.first() else { return Ok(None) };
        if elements.len() > 1 {
            odd("agreed twice".to_owned())?;
        }
        Self::from_parameters(parameters, false, odd).map(Some)
    }

    /// A server's answer to a client's `Sec-WebSocket-Extensions`: the agreed parameters and the
    /// header to answer with; `None` if no offer is accepted.
    ///
    /// The first valid offer is accepted unchanged (RFC 7692 section 5.1). Invalid offers are
    /// skipped (section 7).
    pub fn accept(offers: &str) -> Result<Option<(Self, String)>, InvalidOffers> {
        let offers = deflate_elements(offers, &mut Err).map_err(InvalidOffers)?;
        Ok(offers.iter().find_map(|parameters| {
            let params = Self::from_parameters(parameters, true, &mut Err).ok()?;
            Some((params, answer(parameters)))
        }))
    }

    fn from_parameters(
        parameters: &[&str],
        offered: bool,
        odd: &mut dyn FnMut(String) -> Result<(), String>,
    ) -> Result<Self, String> {
        let mut params = Self::default();
        let mut seen = Vec::new();
        for (name, value) in parameters.iter().copied().map(split_parameter) {
            match name.as_str() {
                "server_no_context_takeover" => {
                    params.server_no_context_takeover = no_value(&name, value, odd)?;
                }
                "client_no_context_takeover" => {
                    params.client_no_context_takeover = no_value(&name, value, odd)?;
                }
                "server_max_window_bits" => {
                    params.server_max_window_bits = window_bits(&name, value, odd)?;
                }
                // Without a value it only says that the server may limit the client's window (RFC
                // 7692 section 7.1.2.2).
                "client_max_window_bits" if offered && value.is_none() => {}
                "client_max_window_bits" => {
                    params.client_max_window_bits = window_bits(&name, value, odd)?;
                }
                "" if value.is_none() => odd("empty parameter".to_owned())?,
                _ => odd(format!("unknown parameter {name:?}"))?,
            }
            if !name.is_empty() && seen.contains(&name) {
                odd(format!("{name} given twice"))?;
            }
            seen.push(name);
        }
        Ok(params)
    }
}

/// The names of all other extensions in a `Sec-WebSocket-Extensions` header; empty if it cannot be
/// parsed.
#[must_use]
pub fn foreign_extensions(header: &str) -> Vec<String> {
    let elements = split_outside_quotes(header, ',').unwrap_or_default();
    let names = elements.into_iter().map(|element| trim(element.split(';').next().unwrap_or("")));
    let foreign = |name: &&str| is_token(name) && !name.eq_ignore_ascii_case(EXTENSION);
    names.filter(foreign).map(str::to_owned).collect()
}

/// The answer that accepts an offer unchanged. A parameter that has no value in the offer but needs
/// one in an answer is omitted.
fn answer(offered: &[&str]) -> String {
    let mut answer = EXTENSION.to_owned();
    for (name, value) in offered.iter().copied().map(split_parameter) {
        match value {
            Some(value) => answer.extend(["; ", &name, "=", value]),
            None if name == "client_max_window_bits" => {}
            None => answer.extend(["; ", &name]),
        }
    }
    answer
}

/// The parameters of each permessage-deflate element of a header.
fn deflate_elements<'h>(
    header: &'h str,
    odd: &mut dyn FnMut(String) -> Result<(), String>,
) -> Result<Vec<Vec<&'h str>>, String> {
    let mut elements = Vec::new();
    for extension in split_outside_quotes(header, ',')? {
        let parts = split_outside_quotes(extension, ';')?;
        let name = trim(parts[0]);
        // A list may hold empty elements (RFC 9110 section 5.6.1.2).
        if !name.is_empty() && !is_token(name) {
            let reason = format!("{name:?} is no extension name");
            if name.to_ascii_lowercase().contains(EXTENSION) {
                return Err(reason);
            }
            odd(reason)?;
        }
        if name.eq_ignore_ascii_case(EXTENSION) {
            elements.push(parts[1..].to_vec());
        }
    }
    Ok(elements)
}

/// A parameter's name in lower case, and its value without quotes.
fn split_parameter(parameter: &str) -> (String, Option<&str>) {
    let (name, value) = match parameter.split_once('=') {
        Some((name, value)) => (name, Some(unquote(trim(value)))),
        None => (parameter, None),
    };
    (trim(name).to_ascii_lowercase(), value)
}

/// The parts of `text` between separators outside quoted strings.
fn split_outside_quotes(text: &str, separator: char) -> Result<Vec<&str>, String> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text
        .split(|c| {
            let literal = std::mem::take(&mut escaped);
            match c {
                _ if literal => {}
                '"' => quoted = !quoted,
                '\\' => escaped = quoted,
                _ => return c == separator && !quoted,
            }
            false
        })
        .collect();
    if quoted { Err("a quoted string does not end".to_owned()) } else { Ok(parts) }
}

/// Whether a name is a token (RFC 9110 section 5.6.2).
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Without optional white space (RFC 9110 section 5.6.3).
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

fn no_value(
    name: &str,
    value: Option<&str>,
    odd: &mut dyn FnMut(String) -> Result<(), String>,
) -> Result<bool, String> {
    if let Some(value) = value {
        odd(format!("{name} takes no value, got {value:?}"))?;
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
        odd(format!("{name} needs a value"))?;
        return Ok(largest);
    };
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // A number that exceeds a byte is out of range too.
    let bits = if is_number { value.parse().unwrap_or(u8::MAX) } else { largest };
    if !is_number || value.starts_with('0') || !WINDOW_BITS.contains(&bits) {
        odd(format!("{name} has to be 8 to 15, got {value:?}"))?;
    }
    Ok(bits.clamp(smallest, largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_extensions_are_named() {
        let named = |header| foreign_extensions(header).join(" ");
        assert_eq!(named("permessage-deflate; a, x-one; b=\"1,2\" , , X-Two"), "x-one X-Two");
        assert_eq!(named("PerMessage-Deflate, a b"), "");
        assert_eq!(named("x-one; a=\"b"), "");
    }
}
