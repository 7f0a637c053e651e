//! What was published and what OpenSSL sent, against this module.

mod published;
mod recorded;

use crate::tls::opener::{Opened, Opener};
use crate::tls::record::{ContentType, HEADER, Header};

/// The bytes of hexadecimal digits; white space does not count.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    let pair = |start| u8::from_str_radix(&digits[start..start + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}

/// Opens a record with its header.
fn open(opener: &Opener, sequence: u64, record: &[u8]) -> Option<(ContentType, Vec<u8>)> {
    let header = Header::parse(record)?;
    let mut rest = record[HEADER..].to_vec();
    assert_eq!(header.length, rest.len());
    let Opened { content_type, content } = opener.open(sequence, &header, &mut rest)?;
    Some((content_type, rest[content].to_vec()))
}
