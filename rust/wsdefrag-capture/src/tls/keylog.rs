//! The lines of a key log, which programs write for whoever may decrypt their TLS.
//!
//! ```text
//! LABEL random secret      the random of the ClientHello; both in hexadecimal digits of either case
//! ```
//!
//! Lines end with LF, CRLF or CR. Comments, empty lines, and labels of no use here are ignored; so
//! is whatever does not have this form, and it is counted.
//!
//! RFC 9850 (the format and the labels of TLS 1.2 and 1.3).

use crate::tls::hello::Random;
use crate::tls::secret::{MAX_SECRET, Secret};
use serde::{Deserialize, Serialize};

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Label {
    /// The master secret of TLS 1.2.
    Master,
    /// What the client sends before the server has answered (TLS 1.3).
    ClientEarly,
    /// The client's part of the handshake (TLS 1.3).
    ClientHandshake,
    /// The server's part of the handshake (TLS 1.3).
    ServerHandshake,
    /// The client's application data, up to the first KeyUpdate (TLS 1.3).
    ClientTraffic,
    /// The server's application data, up to the first KeyUpdate (TLS 1.3).
    ServerTraffic,
}

impl Label {
    const ALL: [(&'static [u8], Self); 6] = [
        (b"CLIENT_RANDOM", Self::Master),
        (b"CLIENT_EARLY_TRAFFIC_SECRET", Self::ClientEarly),
        (b"CLIENT_HANDSHAKE_TRAFFIC_SECRET", Self::ClientHandshake),
        (b"SERVER_HANDSHAKE_TRAFFIC_SECRET", Self::ServerHandshake),
        (b"CLIENT_TRAFFIC_SECRET_0", Self::ClientTraffic),
        (b"SERVER_TRAFFIC_SECRET_0", Self::ServerTraffic),
    ];

    /// Whether a secret of this label may have `length` bytes.
    const fn allows(self, length: usize) -> bool {
        length == 48 || length == 32 && !matches!(self, Self::Master)
    }
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A secret of a connection.
    Secret(Label, Random, Secret),
    /// An empty line, a comment, or a line with a label of no use here.
    Ignored,
    /// Something else, such as a secret of a wrong length.
    Malformed,
}

impl Line {
    /// Reads a line without its end.
    #[must_use]
    pub fn parse(line: &[u8]) -> Self {
        if line.is_empty() || line[0] == b'#' {
            return Self::Ignored;
        }
        let mut words = line.split(|&byte| byte == b' ');
        let (Some(name), Some(random), Some(secret), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Self::Malformed;
        };
        let Some(&(_, label)) = Label::ALL.iter().find(|(known, _)| *known == name) else {
            let is_name = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
            let is_hex = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_hexdigit);
            let has_form = name.iter().all(is_name) && is_hex(random) && is_hex(secret);
            return if has_form && !name.is_empty() { Self::Ignored } else { Self::Malformed };
        };
        let (mut random_bytes, mut secret_bytes) = ([0; 32], [0; MAX_SECRET]);
        if decode(random, &mut random_bytes) == Some(32)
            && let Some(length) = decode(secret, &mut secret_bytes)
            && label.allows(length)
            && let Some(secret) = Secret::new(&secret_bytes[..length])
        {
            Self::Secret(label, random_bytes, secret)
        } else {
            Self::Malformed
        }
    }
}

/// Decodes hexadecimal digits into the start of `bytes`; returns the number of bytes. `None` if
/// they are no pairs of digits or too many.
fn decode(digits: &[u8], bytes: &mut [u8]) -> Option<usize> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let length = digits.len() / 2;
    if !digits.len().is_multiple_of(2) || length > bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_their_format_says() {
        let random = "0102030405060708090a0B0C0D0e0f101112131415161718191a1b1c1d1e1f20";
        let secret = |length: usize| "aB".repeat(length);
        let read = |line: &str| Line::parse(line.as_bytes());
        for (name, label) in Label::ALL {
            let name = str::from_utf8(name).unwrap();
            for length in [0, 16, 31, 32, 33, 47, 48, 49, 64] {
                let line = read(&format!("{name} {random} {}", secret(length)));
                if length == 48 || length == 32 && label != Label::Master {
                    let Line::Secret(read, random, secret) = line else { panic!("{line:?}") };
                    assert_eq!(read, label);
                    assert_eq!(random, *(1..=32).collect::<Vec<u8>>());
                    assert_eq!(secret.bytes(), vec![0xab; length]);
                } else {
                    assert_eq!(line, Line::Malformed, "{name} {length}");
                }
            }
        }
        let good = format!("CLIENT_RANDOM {random} {}", secret(48));
        for (line, expected) in [
            (String::new(), Line::Ignored),
            ("# SSL/TLS secrets log file".into(), Line::Ignored),
            (format!("EXPORTER_SECRET {random} {}", secret(32)), Line::Ignored),
            (format!("RSA 0123456789abcdef {}", secret(48)), Line::Ignored),
            (format!("ECH_SECRET {random} {}", secret(32)), Line::Ignored),
            (format!("{good} "), Line::Malformed),
            (format!(" {good}"), Line::Malformed),
            (good.replace(' ', "  "), Line::Malformed),
            (good.replace(' ', "\t"), Line::Malformed),
            (good.replace('B', "g"), Line::Malformed),
            (good.replacen('1', "", 1), Line::Malformed),
            (good.to_ascii_lowercase(), Line::Malformed),
            ("GET / HTTP/1.1".into(), Line::Malformed),
            ("A \u{b2}\u{b2} 00".into(), Line::Malformed),
        ] {
            assert_eq!(read(&line), expected, "{line}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let line = format!("SERVER_TRAFFIC_SECRET_0 {} {}", "00".repeat(32), "41".repeat(32));
        let shown = format!("{:?}", Line::parse(line.as_bytes()));
        assert!(
            shown.contains("Secret") && !shown.contains("65") && !shown.contains("41"),
            "{shown}"
        );
    }
}
