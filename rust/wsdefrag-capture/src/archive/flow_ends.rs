//! The connections of a flow to its client and to its server.

use sha1::{Digest, Sha1};
use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use super::entry_row::EntryRow;
use super::message_entry::Time;
use super::tnetstring::{LIST, Values, boolean, integer, null, optional, text, time};
use crate::lines::connection_row::Endpoint;

/// Namespace of our ids (UUID version 5), so that they differ from those of other programs. Any constant
/// value works.
const IDS: [u8; 16] = [
    0x6f, 0x5a, 0x4b, 0x0e, 0x3a, 0x53, 0x5c, 0x0e, 0x9d, 0x3d, 0x0c, 0x7c, 0x3f, 0x1f, 0x1f, 0x6b,
];

/// The values of the connection to the client.
pub(super) fn client(row: &EntryRow<'_>) -> Result<Values, OutOfMemory> {
    let mut values = half(row, "client", [&row.client, &row.server])?;
    text(values.out(), "mitmcert")?;
    null(values.out())?;
    text(values.out(), "proxy_mode")?;
    text(values.out(), "transparent")?;
    Ok(values)
}

/// The values of the connection to the server.
pub(super) fn server(row: &EntryRow<'_>) -> Result<Values, OutOfMemory> {
    let mut values = half(row, "server", [&row.server, &row.client])?;
    text(values.out(), "address")?;
    address(&mut values, &row.server)?;
    text(values.out(), "timestamp_tcp_setup")?;
    null(values.out())?;
    text(values.out(), "via")?;
    null(values.out())?;
    Ok(values)
}

/// The values that both connections of a flow share. TLS is off, because the bytes are plain.
fn half(
    row: &EntryRow<'_>,
    name: &str,
    [peer, own]: [&Endpoint<'_>; 2],
) -> Result<Values, OutOfMemory> {
    const NOTHING: &[u8] = b"0:~";
    const EMPTY: &[u8] = b"0:]";
    let mut values = Values::default();
    text(values.out(), "id")?;
    text(values.out(), &id(row, name))?;
    text(values.out(), "peername")?;
    address(&mut values, peer)?;
    text(values.out(), "sockname")?;
    address(&mut values, own)?;
    let out = values.out();
    text(out, "transport_protocol")?;
    text(out, "tcp")?;
    text(out, "error")?;
    null(out)?;
    text(out, "tls")?;
    boolean(out, false)?;
    for (key, value) in [
        ("certificate_list", EMPTY),
        ("alpn", NOTHING),
        ("alpn_offers", EMPTY),
        ("cipher", NOTHING),
        ("cipher_list", EMPTY),
        ("tls_version", NOTHING),
        ("sni", NOTHING),
    ] {
        text(out, key)?;
        out.try_append(value)?;
    }
    text(out, "timestamp_start")?;
    time(out, Time::moment(row.opened))?;
    text(out, "timestamp_end")?;
    optional(out, row.torn_down.then(|| Time::moment(row.last)), time)?;
    text(out, "timestamp_tls_setup")?;
    null(out)?;
    Ok(values)
}

fn address(values: &mut Values, (host, port): &Endpoint<'_>) -> Result<(), OutOfMemory> {
    let mut pair = Values::default();
    text(pair.out(), host)?;
    integer(pair.out(), *port)?;
    values.add(pair, LIST)
}

/// A UUID of version 5 (RFC 9562 section 5.5) of what identifies the connection, and the name of a part.
#[expect(clippy::disallowed_macros, reason = "two addresses and two numbers")]
pub(super) fn id(row: &EntryRow<'_>, name: &str) -> String {
    let [client, server] =
        [&row.client, &row.server].map(|(host, port)| format!("('{host}', {port})"));
    let parts = format!("('{name}', {}, {client}, {server}, {})", row.connection, row.opened);
    let hash = Sha1::new().chain_update(IDS).chain_update(parts).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    id[6] = id[6] & 0x0f | 0x50;
    id[8] = id[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(id);
    let group = |low: u32, bits: u32| number >> low & ((1 << bits) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        group(96, 32),
        group(80, 16),
        group(64, 16),
        group(48, 16),
        group(0, 48)
    )
}
