//! Comma-separated lists in header fields, and what else quoted strings hide.
//!
//! Everything is read in place and nothing is copied, because a field may be long and is a stranger's.
//!
//! RFC 9110 section 5.6.

/// The elements of a list, without the spaces around them; some may be empty (RFC 9110 section
/// 5.6.1.2).
pub fn elements(list: &str) -> impl Iterator<Item = &str> {
    split_outside_quotes(list, ',').map(trim)
}

/// The parts of `text` between separators outside quoted strings.
pub fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quotes = Quotes::default();
    text.split(move |c| {
        let separates = c == separator && !quotes.inside;
        quotes.pass(c);
        separates
    })
}

/// Whether every quoted string of a text ends.
#[must_use]
pub fn is_balanced(text: &str) -> bool {
    let mut quotes = Quotes::default();
    text.chars().for_each(|c| quotes.pass(c));
    !quotes.inside
}

/// Whether a name is a token (RFC 9110 section 5.6.2).
#[must_use]
pub fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().copied().all(is_token_byte)
}

/// Whether a byte may stand in a token (RFC 9110 section 5.6.2).
#[must_use]
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Without optional white space (RFC 9110 section 5.6.3).
#[must_use]
pub fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Where a scan of a field stands: inside a quoted string, and after a backslash in it.
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

/// Whether an element is a token with parameters after semicolons, each a token, perhaps with a value:
/// a token or a quoted string (RFC 6455 section 9.1). What a quoted string may hold is the business of
/// whoever knows the extension.
#[must_use]
pub fn parameters_are_valid(element: &str) -> bool {
    let mut parts = split_outside_quotes(element, ';').map(trim);
    let name = parts.next().unwrap_or_default();
    is_token(name.as_bytes())
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) => is_token(trim(name).as_bytes()) && is_value(trim(value)),
            None => is_token(parameter.as_bytes()),
        })
}

/// Whether a value is a token or one quoted string.
fn is_value(value: &str) -> bool {
    let mut quotes = Quotes::default();
    let ends = value.char_indices().filter(|(_, c)| {
        let was_inside = quotes.inside;
        quotes.pass(*c);
        was_inside && !quotes.inside
    });
    match value.strip_prefix('"') {
        Some(_) => ends.map(|(index, _)| index + 1).eq([value.len()]),
        None => is_token(value.as_bytes()),
    }
}

/// The characters that the content of a quoted string stands for (RFC 9110 section 5.6.4).
pub fn unescaped(content: &str) -> impl Iterator<Item = char> {
    let mut escaped = false;
    content.chars().filter(move |c| {
        let is_escape = *c == '\\' && !escaped;
        escaped = is_escape;
        !is_escape
    })
}
