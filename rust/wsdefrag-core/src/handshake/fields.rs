//! The fields of an HTTP head.
//!
//! RFC 9110 sections 5.1 to 5.3 and 5.6.1.

use std::borrow::Cow;

use crate::handshake::list::{elements, is_balanced, trim};

/// A field: its name, unchanged, and its value without the spaces around it.
pub type Field = (String, Vec<u8>);

/// The numbers and the values of the fields of this name. Case is ignored.
pub(crate) fn numbered<'a>(
    fields: &'a [Field],
    name: &str,
) -> impl Iterator<Item = (usize, &'a [u8])> {
    let named = move |(_, (other, _)): &(usize, &Field)| other.eq_ignore_ascii_case(name);
    fields.iter().enumerate().filter(named).map(|(number, (_, value))| (number, value.as_slice()))
}

/// The texts of the fields of this name; those that are not UTF-8 have a character for each byte. Case
/// is ignored.
fn texts<'a>(fields: &'a [Field], name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    numbered(fields, name).map(|(_, value)| {
        std::str::from_utf8(value).map_or_else(|_| Cow::Owned(latin1(value)), Cow::Borrowed)
    })
}

/// Whether there is a field of this name.
#[must_use]
pub fn has_field(fields: &[Field], name: &str) -> bool {
    numbered(fields, name).next().is_some()
}

/// Whether the fields of this name, which are lists of tokens, contain this token. Case is ignored.
#[must_use]
pub fn has_token(fields: &[Field], name: &str, token: &str) -> bool {
    has_member(fields, name, |member| member.eq_ignore_ascii_case(token))
}

/// Whether the fields of this name, which are lists, have a member that `is_it` accepts.
pub fn has_member(fields: &[Field], name: &str, is_it: impl Fn(&str) -> bool) -> bool {
    texts(fields, name).any(|text| members(&text).any(&is_it))
}

/// The members of one field's list that are not empty. Where a quoted string does not end, quotes
/// mean nothing.
pub fn members(value: &str) -> impl Iterator<Item = &str> {
    let quoted = is_balanced(value);
    let within = quoted.then(|| elements(value));
    let plain = (!quoted).then(|| value.split(',').map(trim));
    within
        .into_iter()
        .flatten()
        .chain(plain.into_iter().flatten())
        .filter(|member| !member.is_empty())
}

/// The values of the fields of this name as one list (RFC 9110 section 5.3).
#[must_use]
#[expect(clippy::disallowed_methods, reason = "at most a head, which its reader has bounded")]
pub fn joined(fields: &[Field], name: &str) -> Option<String> {
    let values = numbered(fields, name).map(|(_, value)| latin1(value));
    values.reduce(|mut all, value| {
        all.extend([", ", &value]);
        all
    })
}

/// The text of bytes, a character for each (ISO 8859-1), which loses none.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "at most a head, which its reader has bounded")]
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
