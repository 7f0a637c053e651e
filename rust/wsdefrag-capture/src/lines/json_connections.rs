//! A connection as a JSON object on one line.
//!
//! The keys are the columns of the connections table; the counters of the two accounts begin with
//! `client_` and `server_`.

use std::borrow::Cow;

use wsdefrag_core::{OutOfMemory, Strictness};

use super::connection_row::{AccountRow, ConnectionRow, Endpoint, Headers, TlsRow};
use super::json::{
    Line, bool, hex, integer, optional, optional_integer, optional_string, raw, seconds, string,
};
use crate::account::Account;
use crate::connection::lossy;
use crate::tls_facts::TlsAccount;

type Written = Result<(), OutOfMemory>;

/// The prefixes of the accounts.
const SIDES: [&str; 2] = ["client", "server"];

/// Appends a line.
///
/// # Errors
///
/// If memory is refused. Then the line is cut.
pub fn connection_line(line: &mut Vec<u8>, row: &ConnectionRow<'_>) -> Result<(), OutOfMemory> {
    raw(line, b"{\"uid\": ")?;
    hex(line, &row.uid)?;
    number(line, "connection", Some(row.connection))?;
    number(line, "stream_id", row.stream_id)?;
    text(line, "http_version", Some(&row.http_version))?;
    end(line, ("client_address", "client_port"), Some(&row.client))?;
    end(line, ("server_address", "server_port"), Some(&row.server))?;
    end(line, ("original_client_address", "original_client_port"), row.original_client.as_ref())?;
    end(line, ("original_server_address", "original_server_port"), row.original_server.as_ref())?;
    text(line, "method", row.method.as_ref())?;
    text(line, "host", row.host.as_ref())?;
    text(line, "path", row.path.as_ref())?;
    text(line, "subprotocol", row.subprotocol.as_ref())?;
    text(line, "extensions", row.extensions.as_ref())?;
    number(line, "response_status", row.response_status)?;
    headers(line, "request_headers", row.request_headers.as_ref())?;
    headers(line, "response_headers", row.response_headers.as_ref())?;
    flag(line, "accept_key_ok", row.accept_key_ok)?;
    flag(line, "midstream", Some(row.midstream))?;
    time(line, "opened", Some(row.opened))?;
    time(line, "started", Some(row.started))?;
    time(line, "last", Some(row.last))?;
    time(line, "duration", Some(row.duration))?;
    number(line, "first_packet", Some(row.first_packet))?;
    number(line, "last_packet", Some(row.last_packet))?;
    text(line, "file", row.file.as_ref())?;
    let close = row.close.as_ref();
    number(line, "close_code", close.and_then(|close| close.code))?;
    text(line, "close_reason", close.map(|close| &close.reason))?;
    flag(line, "close_from_client", close.map(|close| close.from_client))?;
    time(line, "close_time", close.map(|close| close.time))?;
    text(line, "ended", row.ended.as_ref())?;
    counts(line, &row.accounts)?;
    texts(line, "encapsulation", &row.encapsulation)?;
    texts(line, "problems", &row.problems)?;
    tls(line, row.tls.as_ref())?;
    for (side, account) in SIDES.into_iter().zip(&row.accounts) {
        account_members(line, side, account)?;
    }
    raw(line, b"}\n")
}

/// Appends the name of a member that is not the first.
fn key(line: &mut Line, name: &str) -> Written {
    raw(line, b", \"")?;
    raw(line, name.as_bytes())?;
    raw(line, b"\": ")
}

fn number(line: &mut Line, name: &str, value: Option<impl itoa::Integer>) -> Written {
    key(line, name)?;
    optional_integer(line, value)
}

fn text(line: &mut Line, name: &str, value: Option<&Cow<'_, str>>) -> Written {
    key(line, name)?;
    optional_string(line, value.map(AsRef::as_ref))
}

fn flag(line: &mut Line, name: &str, value: Option<bool>) -> Written {
    key(line, name)?;
    optional(line, value, bool)
}

fn time(line: &mut Line, name: &str, value: Option<i64>) -> Written {
    key(line, name)?;
    optional(line, value, seconds)
}

fn end(line: &mut Line, (address, port): (&str, &str), end: Option<&Endpoint<'_>>) -> Written {
    text(line, address, end.map(|(address, _)| address))?;
    number(line, port, end.map(|(_, port)| *port))
}

/// Appends a member that is a list.
fn list<T>(
    line: &mut Line,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut Line, T) -> Written,
) -> Written {
    raw(line, b"[")?;
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            raw(line, b", ")?;
        }
        write(line, item)?;
    }
    raw(line, b"]")
}

fn texts(line: &mut Line, name: &str, texts: &[String]) -> Written {
    key(line, name)?;
    list(line, texts, |line, text| string(line, text.as_bytes()))
}

fn headers(line: &mut Line, name: &str, fields: Option<&Headers<'_>>) -> Written {
    key(line, name)?;
    optional(line, fields, |line, fields| {
        list(line, fields.iter(), |line, (name, value)| {
            raw(line, b"{\"name\": ")?;
            string(line, name.as_bytes())?;
            raw(line, b", \"value\": ")?;
            string(line, lossy(value).as_bytes())?;
            raw(line, b"}")
        })
    })
}

/// Appends the messages by sender, type and status.
fn counts(line: &mut Line, accounts: &[AccountRow<'_>; 2]) -> Written {
    key(line, "counts")?;
    let senders = [true, false].into_iter().zip(accounts);
    let items = senders.flat_map(|(from_client, account)| {
        account.counts.iter().map(move |count| (from_client, count))
    });
    list(line, items, |line, (from_client, count)| {
        raw(line, b"{\"from_client\": ")?;
        bool(line, from_client)?;
        raw(line, b", \"type\": ")?;
        string(line, count.opcode.as_bytes())?;
        raw(line, b", \"status\": ")?;
        string(line, count.status.as_bytes())?;
        raw(line, b", \"messages\": ")?;
        integer(line, count.messages)?;
        raw(line, b", \"bytes\": ")?;
        integer(line, count.bytes)?;
        raw(line, b"}")
    })
}

/// Appends what is known of a connection's TLS; null where there is none.
fn tls(line: &mut Line, tls: Option<&TlsRow<'_>>) -> Written {
    text(line, "tls_status", tls.map(|tls| &tls.status))?;
    text(line, "tls_version", tls.and_then(|tls| tls.version.as_ref()))?;
    text(line, "tls_cipher", tls.and_then(|tls| tls.cipher.as_ref()))?;
    text(line, "sni", tls.and_then(|tls| tls.server_name.as_ref()))?;
    text(line, "alpn", tls.and_then(|tls| tls.alpn.as_ref()))?;
    flag(line, "resumed", tls.and_then(|tls| tls.resumed))?;
    flag(line, "early_data", tls.map(|tls| tls.early_data))?;
    number(line, "key_updates", tls.map(|tls| tls.key_updates))?;
    text(line, "key_source", tls.and_then(|tls| tls.key_source.as_ref()))?;
    number(line, "bad_tags", tls.map(|tls| tls.bad_tags))?;
    number(line, "found_by_trial", tls.map(|tls| tls.found_by_trial))
}

/// Appends the name of a member of an account.
fn account_key(line: &mut Line, side: &str, group: &str, name: &str) -> Written {
    raw(line, b", \"")?;
    for part in [side, group, name] {
        raw(line, part.as_bytes())?;
    }
    raw(line, b"\": ")
}

fn account_members(line: &mut Line, side: &str, account: &AccountRow<'_>) -> Written {
    for ((name, _), value) in Account::GETTERS.iter().zip(account.counters) {
        account_key(line, side, "_", name)?;
        integer(line, value)?;
    }
    for (name, value) in Strictness::NAMES.iter().zip(account.tolerated) {
        account_key(line, side, "_tolerated_", name)?;
        integer(line, value)?;
    }
    account_key(line, side, "_", "violation")?;
    optional_string(line, account.violation.as_deref())?;
    for (index, (name, _)) in TlsAccount::default().counters().into_iter().enumerate() {
        account_key(line, side, "_tls_", name)?;
        optional_integer(line, account.tls.map(|tls| tls.counters()[index].1))?;
    }
    Ok(())
}
