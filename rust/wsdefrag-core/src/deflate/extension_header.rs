//! The syntax of a `Sec-WebSocket-Extensions` header.
//!
//! A header is a comma-separated list of extensions. Each has parameters after semicolons, with
//! bare or quoted values. Names are not case-sensitive, values may be quoted, white space may
//! surround `=`, and list elements may be empty. Everything is read in place and nothing is copied,
//! because a header may be long and is a stranger's.
//!
//! It implements RFC 6455 section 9.1 and RFC 9110 section 5.6.

/// The elements of a header, without the spaces around them.
pub(super) fn extensions(header: &str) -> impl Iterator<Item = &str> {
    split_outside_quotes(header, ',').map(trim)
}

/// The name of an element.
pub(super) fn name(extension: &str) -> &str {
    trim(split_outside_quotes(extension, ';').next().unwrap_or(""))
}

/// The parameters of an element: each one's name, and its value without quotes.
pub(super) fn parameters(extension: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    split_outside_quotes(extension, ';').skip(1).map(|parameter| match parameter.split_once('=') {
        Some((name, value)) => (trim(name), Some(unquote(trim(value)))),
        None => (trim(parameter), None),
    })
}

/// Whether every quoted string of a header ends.
pub(super) fn is_balanced(header: &str) -> bool {
    let mut quotes = Quotes::default();
    header.chars().for_each(|c| quotes.pass(c));
    !quotes.inside
}

/// Whether a name is a token (RFC 9110 section 5.6.2).
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Whether `text` contains `part`, whatever the case of its letters.
pub(super) fn contains(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|bytes| bytes.eq_ignore_ascii_case(part.as_bytes()))
}

/// The parts of `text` between separators outside quoted strings.
fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quotes = Quotes::default();
    text.split(move |c| {
        let separates = c == separator && !quotes.inside;
        quotes.pass(c);
        separates
    })
}

/// Where a scan of a header stands: inside a quoted string, and after a backslash in it.
#[derive(Default)]
struct Quotes {
    inside: bool,
    escaped: bool,
}

impl Quotes {
    fn pass(&mut self, c: char) {
        let literal = std::mem::take(&mut self.escaped);
        match c {
            _ if literal => {}
            '"' => self.inside = !self.inside,
            '\\' => self.escaped = self.inside,
            _ => {}
        }
    }
}

/// Without optional white space (RFC 9110 section 5.6.3).
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}
