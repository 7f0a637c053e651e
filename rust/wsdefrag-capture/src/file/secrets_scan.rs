//! Looks for the secrets of a pcapng file before it is read to its end: they should stand before the
//! packets that they decrypt, but tools also write them after them.
//!
//! Only the lengths of blocks are looked at, and the reader jumps over the rest; what was decompressed
//! is read. Where a length cannot be right, the scan ends.
//!
//! pcapng (draft-ietf-opsawg-pcapng) section 4.8 (Decryption Secrets Block).

#![expect(clippy::disallowed_macros, reason = "a block of at most `MAX_SECRETS` bytes")]

use std::io::{self, BufRead, BufReader, Read, Seek};

use crate::file::secrets::{MAX_SECRETS, TLS_KEY_LOG};

/// Bytes that are read at a time. Shorter blocks are jumped over in memory.
const BUFFER: usize = 64 << 10;
/// The type of a section header, which reads the same in both byte orders.
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
/// The type of a block of secrets.
const SECRETS: u32 = 10;

/// Gives the contents of each block of TLS secrets to `found`. A file of another format has none.
///
/// # Errors
///
/// If the file cannot be read.
pub fn scan_secrets(file: &mut (impl Read + Seek), found: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut file = BufReader::with_capacity(BUFFER, file);
    scan(&mut file, |file, bytes| file.seek_relative(i64::from(bytes)), found)
}

/// Gives the contents of each block of TLS secrets in a stream that cannot jump, such as a decompressed
/// file, to `found`.
///
/// # Errors
///
/// If the stream cannot be read.
pub fn scan_stream(stream: impl Read, found: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(BUFFER, stream);
    let pass_over = |stream: &mut BufReader<_>, bytes: u32| {
        io::copy(&mut stream.take(bytes.into()), &mut io::sink()).map(drop)
    };
    scan(&mut stream, pass_over, found)
}

fn scan<F: BufRead>(
    file: &mut F,
    pass_over: impl Fn(&mut F, u32) -> io::Result<()>,
    found: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    let mut big_endian = false;
    let mut head = [0; 12];
    let mut is_first = true;
    loop {
        match file.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            result => result?,
        }
        let mut kind = number(&head[..4], big_endian);
        if kind == SECTION_HEADER {
            big_endian = match &head[8..] {
                [0x1a, 0x2b, 0x3c, 0x4d] => true,
                [0x4d, 0x3c, 0x2b, 0x1a] => false,
                _ => return Ok(()),
            };
        } else if is_first {
            return Ok(());
        }
        is_first = false;
        let length = number(&head[4..8], big_endian);
        let Some(mut rest) = length.checked_sub(12).filter(|_| length.is_multiple_of(4)) else {
            return Ok(());
        };
        if kind == SECRETS && number(&head[8..], big_endian) != TLS_KEY_LOG {
            kind = 0;
        }
        if kind == SECRETS && rest >= 8 && rest as usize <= MAX_SECRETS {
            let mut size = [0; 4];
            file.read_exact(&mut size)?;
            rest -= 4;
            let size = number(&size, big_endian).min(rest);
            let mut body = vec![0; size as usize];
            if file.read_exact(&mut body).is_err() {
                return Ok(());
            }
            found(&body);
            rest -= size;
        }
        pass_over(file, rest)?;
    }
}

fn number(bytes: &[u8], big_endian: bool) -> u32 {
    let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
    if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn block(kind: u32, body: &[u8], big_endian: bool) -> Vec<u8> {
        let number = |value: u32| {
            if big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
        };
        let padding = vec![0; (4 - body.len() % 4) % 4];
        let length = number(u32::try_from(12 + body.len() + padding.len()).unwrap());
        [&number(kind)[..], &length, body, &padding, &length].concat()
    }

    fn secrets(kind: u32, text: &[u8], big_endian: bool) -> Vec<u8> {
        let number = |value: u32| {
            if big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
        };
        let body = [&number(kind)[..], &number(u32::try_from(text.len()).unwrap()), text].concat();
        block(10, &body, big_endian)
    }

    fn section(big_endian: bool) -> Vec<u8> {
        let order =
            if big_endian { 0x1a2b_3c4d_u32.to_be_bytes() } else { 0x1a2b_3c4d_u32.to_le_bytes() };
        block(SECTION_HEADER, &[&order[..], &[1, 0, 0, 0], &[0xff; 8]].concat(), big_endian)
    }

    fn found(file: &[u8]) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        scan_secrets(&mut Cursor::new(file), &mut |text| all.push(text.to_vec())).unwrap();
        let mut of_stream = Vec::new();
        scan_stream(file, &mut |text| of_stream.push(text.to_vec())).unwrap();
        assert_eq!(of_stream, all);
        all
    }

    #[test]
    fn secrets_are_found_after_packets_and_in_both_byte_orders() {
        let mut file = Vec::new();
        for big_endian in [false, true] {
            file.extend(section(big_endian));
            file.extend(block(6, &vec![1; 100_000], big_endian));
            file.extend(secrets(TLS_KEY_LOG, b"CLIENT_RANDOM 1", big_endian));
            file.extend(secrets(7, b"others", big_endian));
            file.extend(block(6, &[1; 60], big_endian));
            file.extend(secrets(TLS_KEY_LOG, b"", big_endian));
        }
        let expected = [&b"CLIENT_RANDOM 1"[..], b"", b"CLIENT_RANDOM 1", b""];
        assert_eq!(found(&file), expected);
        // However it is cut, what was found before stays.
        for end in 0..file.len().min(300) {
            assert!(
                expected.starts_with(
                    &found(&file[..end]).iter().map(Vec::as_slice).collect::<Vec<_>>()
                )
            );
        }
    }

    #[test]
    fn other_files_and_wrong_lengths_have_none() {
        let whole = secrets(TLS_KEY_LOG, b"CLIENT_RANDOM 1", false);
        assert_eq!(found(&whole), [b""; 0]);
        assert_eq!(found(b"CLIENT_RANDOM 00 11\n"), [b""; 0]);
        let bad = [&section(false)[..], &[6, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0], &whole].concat();
        assert_eq!(found(&bad), [b""; 0]);
        // The length inside the block says more than the block has.
        let mut long = [section(false), whole].concat();
        let at = section(false).len() + 12;
        long[at..at + 4].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
        assert_eq!(found(&long).len(), 1);
    }
}
