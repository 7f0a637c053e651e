//! Request and response of an entry of an HTTP archive.

#![expect(clippy::disallowed_methods, reason = "parts of a head of at most `MAX_HEAD` bytes")]

use std::io::Write;

use chrono::{DateTime, Datelike, Timelike};
use wsdefrag_core::OutOfMemory;

use super::entry_row::EntryRow;
use super::handshake::{field_text, url};
use crate::connection::{Field, field};
use crate::lines::json::{bool, integer, raw, string};

/// Appends a time in ISO 8601, in UTC and with milliseconds, as HAR requires. It is in nanoseconds since
/// the epoch.
pub(super) fn date(out: &mut Vec<u8>, nanoseconds: i64) -> Result<(), OutOfMemory> {
    let date = DateTime::from_timestamp_nanos(nanoseconds);
    out.try_reserve(32)?;
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        date.month(),
        date.day(),
        date.hour(),
        date.minute(),
        date.second(),
        date.nanosecond() / 1_000_000,
    );
    Ok(())
}

/// Appends a duration in milliseconds, without rounding. It is in nanoseconds.
pub(super) fn milliseconds(out: &mut Vec<u8>, nanoseconds: u64) -> Result<(), OutOfMemory> {
    integer(out, nanoseconds / 1_000_000)?;
    out.try_reserve(8)?;
    let _ = write!(out, ".{:06}", nanoseconds % 1_000_000);
    let zeros = out.iter().rev().take(5).take_while(|digit| **digit == b'0').count();
    out.truncate(out.len() - zeros);
    Ok(())
}

/// Appends the request.
pub(super) fn request(out: &mut Vec<u8>, row: &EntryRow<'_>) -> Result<(), OutOfMemory> {
    let address = url(row);
    let request = row.request.as_ref();
    let fields = request.map_or(&[][..], |request| &request.fields);
    raw(out, b"{\"method\": ")?;
    string(out, request.map_or("GET", |request| &request.method).as_bytes())?;
    raw(out, b", \"url\": ")?;
    string(out, address.as_bytes())?;
    raw(out, b", \"httpVersion\": ")?;
    string(out, row.http_version().as_bytes())?;
    raw(out, b", \"cookies\": ")?;
    cookies(out, fields)?;
    raw(out, b", \"headers\": ")?;
    headers(out, fields)?;
    raw(out, b", \"queryString\": ")?;
    query(out, &address)?;
    raw(out, b", \"headersSize\": -1, \"bodySize\": 0")?;
    comment(out, request.is_none())
}

/// Appends the response.
pub(super) fn response(out: &mut Vec<u8>, row: &EntryRow<'_>) -> Result<(), OutOfMemory> {
    let response = row.response.as_ref();
    let fields = response.map_or(&[][..], |response| &response.fields);
    raw(out, b"{\"status\": ")?;
    integer(out, response.map_or(0, |response| response.status))?;
    raw(out, b", \"statusText\": ")?;
    string(out, response.map_or("", |response| &response.reason).as_bytes())?;
    raw(out, b", \"httpVersion\": ")?;
    string(out, response.map_or("", |_| row.http_version()).as_bytes())?;
    raw(out, b", \"cookies\": [")?;
    let cookies = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    for (index, (_, value)) in cookies.enumerate() {
        raw(out, if index > 0 { b", " } else { b"" })?;
        set_cookie(out, &field_text(value))?;
    }
    raw(out, b"], \"headers\": ")?;
    headers(out, fields)?;
    raw(out, b", \"content\": {\"size\": 0, \"mimeType\": ")?;
    if row.refused {
        let kind = field(fields, "content-type").filter(|kind| !kind.is_empty());
        string(out, kind.as_deref().unwrap_or("x-unknown").as_bytes())?;
        raw(out, b", \"comment\": \"the body is not kept\"")?;
    } else {
        raw(out, b"\"x-unknown\"")?;
    }
    raw(out, b"}, \"redirectURL\": ")?;
    string(out, field(fields, "location").unwrap_or_default().as_bytes())?;
    raw(out, b", \"headersSize\": -1, \"bodySize\": ")?;
    integer(out, if response.is_some() && !row.refused { 0 } else { -1 })?;
    comment(out, response.is_none())
}

/// Ends a head.
fn comment(out: &mut Vec<u8>, is_missing: bool) -> Result<(), OutOfMemory> {
    raw(out, if is_missing { b", \"comment\": \"not captured\"}" } else { b"}" })
}

/// Appends pairs of a name and a value.
fn pairs<N: AsRef<str>, V: AsRef<str>>(
    out: &mut Vec<u8>,
    pairs: impl Iterator<Item = (N, V)>,
) -> Result<(), OutOfMemory> {
    raw(out, b"[")?;
    for (index, (name, value)) in pairs.enumerate() {
        raw(out, if index > 0 { b", {\"name\": " } else { b"{\"name\": " })?;
        string(out, name.as_ref().as_bytes())?;
        raw(out, b", \"value\": ")?;
        string(out, value.as_ref().as_bytes())?;
        raw(out, b"}")?;
    }
    raw(out, b"]")
}

fn headers(out: &mut Vec<u8>, fields: &[Field]) -> Result<(), OutOfMemory> {
    pairs(out, fields.iter().map(|(name, value)| (name, field_text(value))))
}

/// Appends the names and values of a URL's query.
fn query(out: &mut Vec<u8>, url: &str) -> Result<(), OutOfMemory> {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let query = url.split_once('?').map_or("", |(_, query)| query);
    pairs(out, form_urlencoded::parse(query.as_bytes()))
}

/// Appends the cookies of a request (RFC 6265 section 4.2.1).
fn cookies(out: &mut Vec<u8>, fields: &[Field]) -> Result<(), OutOfMemory> {
    let fields = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let mut found: Vec<(String, String)> = Vec::new();
    for (_, value) in fields {
        for pair in field_text(value).split(';') {
            let (name, value) = pair.trim().split_once('=').unwrap_or((pair.trim(), ""));
            if !name.is_empty() {
                found.try_reserve(1)?;
                found.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    pairs(out, found.iter().map(|(name, value)| (name, value)))
}

/// Appends the cookie of a response (RFC 6265 section 4.1.1), with the attributes that HAR has.
fn set_cookie(out: &mut Vec<u8>, value: &str) -> Result<(), OutOfMemory> {
    let mut parts = value.split(';').map(str::trim);
    let pair = parts.next().unwrap_or("");
    let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
    let (mut path, mut domain, mut http_only, mut secure) = (None, None, false, false);
    for attribute in parts {
        let (key, setting) = attribute.split_once('=').unwrap_or((attribute, ""));
        match key {
            _ if key.eq_ignore_ascii_case("path") => path = Some(setting),
            _ if key.eq_ignore_ascii_case("domain") => domain = Some(setting),
            _ if key.eq_ignore_ascii_case("httponly") => http_only = true,
            _ if key.eq_ignore_ascii_case("secure") => secure = true,
            _ => {}
        }
    }
    raw(out, b"{\"name\": ")?;
    string(out, name.as_bytes())?;
    raw(out, b", \"value\": ")?;
    string(out, text.as_bytes())?;
    raw(out, b", \"httpOnly\": ")?;
    bool(out, http_only)?;
    raw(out, b", \"secure\": ")?;
    bool(out, secure)?;
    for (key, setting) in [(&b", \"path\": "[..], path), (b", \"domain\": ", domain)] {
        if let Some(setting) = setting {
            raw(out, key)?;
            string(out, setting.as_bytes())?;
        }
    }
    raw(out, b"}")
}
