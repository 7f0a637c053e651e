//! The request and the response of a flow.

use wsdefrag_core::OutOfMemory;

use super::entry_row::EntryRow;
use super::handshake::{is_secure, latin1, path};
use super::message_entry::Time;
use super::tnetstring::{LIST, Values, bytes, integer, null, optional, text, time};
use crate::connection::Field;

/// The values of the request.
pub(super) fn request(row: &EntryRow<'_>) -> Result<Values, OutOfMemory> {
    let mut values = Values::default();
    let request = row.request.as_ref();
    // Only the time of a request's last byte is known.
    let moment = Time::moment(request.map_or(row.opened, |request| request.time));
    head(&mut values, row, request.map_or(&[], |request| &request.fields), Some(b""), moment)?;
    let out = values.out();
    text(out, "host")?;
    text(out, &row.server.0)?;
    text(out, "port")?;
    integer(out, row.server.1)?;
    text(out, "method")?;
    bytes(out, request.map_or("GET", |request| &request.method).as_bytes())?;
    text(out, "scheme")?;
    bytes(out, if is_secure(row) { b"https" } else { b"http" })?;
    text(out, "authority")?;
    // The `:authority` of HTTP/2; mitmproxy keeps it apart from the header fields.
    let authority = row.host.as_deref().filter(|_| row.stream_id.is_some());
    bytes(out, authority.unwrap_or_default())?;
    text(out, "path")?;
    bytes(out, path(row))?;
    Ok(values)
}

/// The values of the response, if there is one.
pub(super) fn response(row: &EntryRow<'_>) -> Result<Option<Values>, OutOfMemory> {
    let Some(response) = &row.response else { return Ok(None) };
    let mut values = Values::default();
    // The body of a refusal is not kept.
    let content = (!row.refused).then_some(&b""[..]);
    head(&mut values, row, &response.fields, content, Time::moment(response.time))?;
    let out = values.out();
    text(out, "status_code")?;
    integer(out, response.status)?;
    text(out, "reason")?;
    bytes(out, &latin1(&response.reason))?;
    Ok(Some(values))
}

/// The values that request and response share.
fn head(
    values: &mut Values,
    row: &EntryRow<'_>,
    fields: &[Field],
    content: Option<&[u8]>,
    moment: Time,
) -> Result<(), OutOfMemory> {
    text(values.out(), "http_version")?;
    bytes(values.out(), if row.stream_id.is_some() { b"HTTP/2.0" } else { b"HTTP/1.1" })?;
    text(values.out(), "headers")?;
    let mut list = Values::default();
    for (name, value) in fields {
        // The pseudo-header fields of HTTP/2 have keys of their own.
        if !name.starts_with(':') {
            let mut pair = Values::default();
            bytes(pair.out(), &latin1(name))?;
            bytes(pair.out(), value)?;
            list.add(pair, LIST)?;
        }
    }
    values.add(list, LIST)?;
    text(values.out(), "content")?;
    optional(values.out(), content, bytes)?;
    text(values.out(), "trailers")?;
    null(values.out())?;
    for key in ["timestamp_start", "timestamp_end"] {
        text(values.out(), key)?;
        time(values.out(), moment)?;
    }
    Ok(())
}
