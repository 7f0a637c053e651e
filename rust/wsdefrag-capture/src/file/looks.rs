//! What a file that is no capture looks like, by its first bytes, for an error that helps.

/// Bytes that decide; the longest is that of a tar archive.
pub(crate) const START: usize = 512;

/// The first bytes of other files, and their names.
const KNOWN: [(&[u8], &str); 26] = [
    (b"PK\x03\x04", "a ZIP archive; extract it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; extract it first"),
    (b"Rar!", "a RAR archive; extract it first"),
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ", "a program (Windows)"),
    (b"\xcf\xfa\xed\xfe", "a program (Mach-O)"),
    (b"RTSS", "a Network Monitor 1 capture; convert it with editcap"),
    (b"GMBU", "a Network Monitor 2 capture; convert it with editcap"),
    (b"TRSNIFF data    \x1a", "a Sniffer capture; convert it with editcap"),
    (b"XCP\0", "a NetXRay capture; convert it with editcap"),
    (b"\x7fver", "an EtherPeek capture; convert it with editcap"),
    (b"btsnoop\0", "a Bluetooth capture (btsnoop)"),
    (b"PMAN", "a Pacman capture"),
    (b"# Configuration file for Wireshark", "Wireshark's preferences"),
    (b"# TLS secrets log", "a file of TLS keys"),
    (b"CLIENT_RANDOM ", "a file of TLS keys"),
    (b"SERVER_HANDSHAKE_TRAFFIC_SECRET ", "a file of TLS keys"),
    (b"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "a file of TLS keys"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"{\"log\"", "a HAR archive or other JSON"),
    (b"\x1f\x9d", "compressed with compress; use gzip, zstd, lz4, xz or bzip2"),
    (b"LZIP", "compressed with lzip; use gzip, zstd, lz4, xz or bzip2"),
];

/// Names the format that a file's first bytes belong to, if it is known. Bytes after the first [`START`]
/// do not count, so that the name does not depend on how many were read at once.
pub(crate) fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    let bytes = &bytes[..bytes.len().min(START)];
    let known = KNOWN.iter().find(|(start, _)| bytes.starts_with(start));
    if let Some((_, name)) = known {
        return Some(name);
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Some("a tar archive; extract it first");
    }
    // The header of a trace buffer, whose size stands in its first four bytes.
    if let Some(head) = bytes.first_chunk::<8>()
        && matches!(u32::from_le_bytes([head[0], head[1], head[2], head[3]]), 0x400..=0x10_0000)
        && head[0] == 0
        && bytes.len() >= START
        && bytes[4..8] == bytes[48..52]
        && bytes[4..8] != [0; 4]
    {
        return Some("an event trace of Windows (ETL); convert it with etl2pcapng");
    }
    // An ERF record: an Ethernet type, no flags that do not exist, and a length that fits.
    if is_erf(bytes) {
        return Some("an ERF capture; convert it with editcap");
    }
    is_text(bytes).then_some("text")
}

fn is_erf(bytes: &[u8]) -> bool {
    let Some(head) = bytes.first_chunk::<16>() else { return false };
    let (record, wire) =
        (u16::from_be_bytes([head[10], head[11]]), u16::from_be_bytes([head[14], head[15]]));
    matches!(head[8], 2 | 11 | 16)
        && (34..=9_000).contains(&record)
        && (18..=u32::from(record)).contains(&u32::from(wire))
        && head[4..8] > [0x30, 0, 0, 0][..]
}

/// Whether bytes are printable ASCII.
fn is_text(bytes: &[u8]) -> bool {
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    !bytes.is_empty() && bytes.iter().all(printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_files_are_named() {
        let mut tar = vec![b'a'; 257];
        tar.extend(b"ustar\0 00");
        let mut binary_after_text = vec![b'a'; START];
        binary_after_text.push(0);
        for (bytes, expected) in [
            (&tar[..], Some("a tar archive; extract it first")),
            (b"PK\x03\x04\x14\0", Some("a ZIP archive; extract it first")),
            (b"GET / HTTP/1.1\r\n", Some("text")),
            (&binary_after_text, Some("text")),
            (&binary_after_text[1..], None),
            (b"# Configuration file for Wireshark 4.0", Some("Wireshark's preferences")),
            (b"\x81\x05hello", None),
            (&[0; 64], None),
            (b"", None),
        ] {
            assert_eq!(looks_like(bytes), expected);
        }
    }
}
