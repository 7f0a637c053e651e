//! The agreed permessage-deflate parameters (RFC 7692 section 7.1).
//!
//! They are read from the server's answer, the `Sec-WebSocket-Extensions` of
//! the 101 response: a comma-separated list of extensions, each with parameters
//! behind semicolons, values bare or quoted (RFC 6455 section 9.1). A server
//! makes that answer from the client's offers, which are written alike, the most
//! wanted one first (RFC 7692 section 5).
//!
//! An endpoint refuses an answer that breaks a rule. A bystander gains nothing by
//! that: the two sides go on. [`DeflateParams::from_header_tolerant`] reads such
//! an answer as far as it says anything, and says what was odd:
//!
//! ```text
//! an empty parameter, as a trailing semicolon makes       passed over
//! an unknown parameter                                    passed over
//! window bits without a value, or one that is no number   15, which reads every window
//! window bits out of range, or with leading zeros         the nearest that exists, 8 to 15
//! no_context_takeover with a value                        taken as without
//! a parameter twice                                       the later one holds
//! permessage-deflate twice                                the first one holds
//! another extension whose name is no token                passed over
//! ```
//!
//! Names are compared without regard to case, values may be quoted, white space
//! may stand around `=`, and list elements may be empty: none of that is odd.
//! A quoted string that does not end, or a name that begins like that of
//! permessage-deflate and is no token, is refused by both.

use std::fmt;

const EXTENSION: &str = "permessage-deflate";
const WINDOW_BITS: std::ops::RangeInclusive<u8> = 8..=15;

/// What both sides agreed on. `server_*` rules what the server sends, `client_*` what the client
/// sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateParams {
    /// The server empties its window after each message.
    pub server_no_context_takeover: bool,
    /// The client empties its window after each message.
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

/// Why an answer is not one that a server may give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAnswer(String);

impl fmt::Display for InvalidAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {EXTENSION} answer: {} (RFC 7692 section 7.1)", self.0)
    }
}

impl std::error::Error for InvalidAnswer {}

/// Why a client's offers cannot even be told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOffers(String);

impl fmt::Display for InvalidOffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid extension offers: {} (RFC 6455 section 9.1)", self.0)
    }
}

impl std::error::Error for InvalidOffers {}

impl DeflateParams {
    /// Whether what this side sends starts each message with an empty window.
    #[must_use]
    pub const fn no_context_takeover(&self, from_client: bool) -> bool {
        if from_client { self.client_no_context_takeover } else { self.server_no_context_takeover }
    }

    /// The base-2 logarithm of this side's window in bytes, 8 to 15.
    #[must_use]
    pub const fn max_window_bits(&self, from_client: bool) -> u8 {
        if from_client { self.client_max_window_bits } else { self.server_max_window_bits }
    }

    /// Reads the server's `Sec-WebSocket-Extensions`; `None` if deflate was not agreed.
    pub fn from_header(value: &str) -> Result<Option<Self>, InvalidAnswer> {
        Self::from_answer(value, &mut Err).map_err(InvalidAnswer)
    }

    /// Reads it as a bystander; also gives what was odd in it, each in a few words.
    pub fn from_header_tolerant(value: &str) -> Result<(Option<Self>, Vec<String>), InvalidAnswer> {
        let mut oddities = Vec::new();
        let agreed = Self::from_answer(value, &mut |oddity| {
            oddities.push(oddity);
            Ok(())
        });
        agreed.map(|agreed| (agreed, oddities)).map_err(InvalidAnswer)
    }

    /// `odd` decides whether what breaks a rule is refused.
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

    /// What a server says to a client's `Sec-WebSocket-Extensions`: the parameters that hold from
    /// then on and the header of its answer; `None` if it declines.
    ///
    /// The first offer that is valid is taken as it stands (RFC 7692 section 5.1). Offers that are
    /// not are passed over, not refused (section 7).
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
                // Only says that the client could be asked for less (RFC 7692 section 7.1.2.2).
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

/// The names of the other extensions in a `Sec-WebSocket-Extensions`, which are not known here; none
/// where the header cannot be taken apart.
#[must_use]
pub fn foreign_extensions(header: &str) -> Vec<String> {
    let elements = split_outside_quotes(header, ',').unwrap_or_default();
    let names = elements.into_iter().map(|element| trim(element.split(';').next().unwrap_or("")));
    let foreign = |name: &&str| is_token(name) && !name.eq_ignore_ascii_case(EXTENSION);
    names.filter(foreign).map(str::to_owned).collect()
}

/// The answer that takes an offer as it stands. What has no value in an offer and needs one in an
/// answer is left out: nothing less is asked for.
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

/// The parameters of each element of a header that is permessage-deflate's.
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

/// A parameter's name in lower case and its value, without the quotes that may be around it.
fn split_parameter(parameter: &str) -> (String, Option<&str>) {
    let (name, value) = match parameter.split_once('=') {
        Some((name, value)) => (name, Some(unquote(trim(value)))),
        None => (parameter, None),
    };
    (trim(name).to_ascii_lowercase(), value)
}

/// The parts of `text` between separators that stand outside quoted strings.
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

/// Whether this is a token (RFC 9110 section 5.6.2), as names have to be.
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
    // What is too large for a byte is too large anyway.
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
