//! Describes the problems of a connection in sentences: gaps, broken rules, a wrong accept key.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "at most `MAX_PROBLEMS`, each shorter than a few heads"
)]

use wsdefrag_core::deflate::params::foreign_extensions;

use crate::connection::{Connection, MAX_PROBLEMS, Request, field};
use crate::http2::problems::Http2Problems;
use crate::tls_facts::TlsFacts;

/// Characters of a request's target that a sentence shows.
const MAX_SHOWN: usize = 80;

/// Adds a sentence for each problem of a connection that has ended. `lost_to_gap` tells of each
/// direction whether a gap ended it, and `unauthenticated` how many of its messages may hold bytes that
/// no tag of TLS confirms; both are indexed by `from_client`.
pub(crate) fn add_problems(
    connection: &mut Connection,
    lost_to_gap: [bool; 2],
    [server_unauthenticated, client_unauthenticated]: [u64; 2],
) {
    let mut problems = std::mem::take(&mut connection.problems);
    if connection.midstream {
        problems.push("the handshake was not captured whole".to_owned());
    }
    if connection.accept_key_ok == Some(false) {
        problems.push("the accept key is wrong (RFC 6455 section 4.2.2)".to_owned());
    }
    if connection.stream_id.is_none() {
        add_oddities(connection, &mut problems);
    }
    if let Some(tls) = &connection.tls {
        add_tls(tls, &mut problems);
    }
    let foreign = foreign_extensions(&connection.extensions().unwrap_or_default()).join(", ");
    let [server_is_lost, client_is_lost] = lost_to_gap;
    for (name, account, is_lost, unauthenticated) in [
        ("client", &connection.from_client, client_is_lost, client_unauthenticated),
        ("server", &connection.from_server, server_is_lost, server_unauthenticated),
    ] {
        if unauthenticated > 0 {
            problems.push(format!(
                "{name}: {unauthenticated} messages have bytes of TLS records that were captured in part, \
                 so that no tag confirms them"
            ));
        }
        let bits = [(4, "RSV1"), (2, "RSV2"), (1, "RSV3")].into_iter();
        // Where deflate was agreed, RSV1 is its own.
        let owned = if connection.deflate.is_some() { 4 } else { 0 };
        let bits = bits.filter(|(bit, _)| account.foreign_bits & !owned & bit != 0);
        let bits: Vec<_> = bits.map(|(_, name)| name).collect();
        if !bits.is_empty() {
            let bits = bits.join(" and ");
            problems.push(format!(
                "{name}: messages with {bits} are of the extension {foreign}, which is not decoded"
            ));
        }
        if let Some(error) = &account.violation {
            problems.push(format!("{name}: {error}"));
        }
        let gaps = account.gaps;
        if account.missing > 0 {
            let missing = account.missing;
            problems.push(format!("{name}: {missing} bytes in {gaps} gaps were not captured"));
        }
        if account.late > 0 {
            let late = account.late;
            problems.push(format!("{name}: {late} bytes in {gaps} gaps were captured too late"));
        }
        if account.lost > 0 {
            let lost = account.lost;
            let hint =
                if is_lost { "; resync (--resync) searches for frames after a gap" } else { "" };
            problems.push(format!("{name}: {lost} bytes could not be assigned to frames{hint}"));
        }
        if account.overlaps > 0 {
            let overlaps = account.overlaps;
            problems.push(format!("{name}: {overlaps} retransmissions differ from the original"));
        }
    }
    problems.truncate(MAX_PROBLEMS);
    connection.problems = problems;
}

/// Adds a sentence for each problem of a connection of HTTP/2.
pub(crate) fn add_http2_problems(connection: &mut Connection, problems: Http2Problems) {
    let Http2Problems { long_blocks, wrong_blocks, dropped_streams } = problems;
    for (count, what) in [
        (long_blocks, "header blocks over 64 KiB were read in part"),
        (wrong_blocks, "header blocks break the rules of HPACK (RFC 7541)"),
        (dropped_streams, "streams were not read, because there were too many"),
    ] {
        if count > 0 && connection.problems.len() < MAX_PROBLEMS {
            connection.problems.push(format!("HTTP/2: {count} {what}"));
        }
    }
}

/// Adds a sentence for each rule that the heads of a handshake break.
fn add_oddities(connection: &Connection, problems: &mut Vec<String>) {
    if let Some(request) = &connection.request {
        let Request { method, target, version, .. } = request;
        if method != "GET" {
            problems.push(format!("the request is a {method}, not a GET (RFC 6455 section 4.1)"));
        }
        if version != "HTTP/1.1" {
            problems.push(format!("the request is of {version} (RFC 6455 section 4.1)"));
        }
        let is_uri = ["http://", "https://"].iter().any(|scheme| target.starts_with(scheme));
        if !(target.starts_with('/') || is_uri) || target.contains(' ') {
            let shown: String = target.chars().take(MAX_SHOWN).collect();
            problems.push(format!("the request's target is {shown:?} (RFC 6455 section 4.1)"));
        }
    }
    if let Some(response) = connection.response.as_ref().filter(|response| response.status == 101)
        && field(&response.fields, "upgrade").is_none()
    {
        problems.push("the response has no Upgrade (RFC 6455 section 4.2.2)".to_owned());
    }
}

/// Adds a sentence for each thing that went wrong in TLS.
fn add_tls(tls: &TlsFacts, problems: &mut Vec<String>) {
    if tls.bad_tags > 0 {
        let records = tls.bad_tags;
        let first = tls.first_bad_tag.map_or(0, |packet| packet.packet);
        problems
            .push(format!("TLS: {records} records with a wrong tag, the first in packet {first}"));
    }
    for (name, from_client) in [("client", true), ("server", false)] {
        let account = tls.account(from_client);
        if account.undecryptable > 0 {
            let bytes = account.undecryptable;
            problems.push(format!("{name}: {bytes} bytes of TLS could not be decrypted"));
        }
    }
    if tls.before_keys > 0 {
        let bytes = tls.before_keys;
        problems.push(format!("TLS: {bytes} bytes were given up before their keys came"));
    }
    problems.extend(tls.problems.iter().map(|problem| format!("TLS: {problem}")));
}
