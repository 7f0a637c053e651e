//! Files of records with a header of fixed size, one after the other: pcap and snoop.
//!
//! Nothing in such a file shows where a record starts but the length of the one before. So a header
//! that is unlike those before it is compared with the headers that follow; see
//! [`verdict`](crate::file::verdict).

use crate::file::fixed_header::Records;
use crate::file::record::{Parsed, Record, is_near};
use crate::file::verdict::{Verdict, verify};

/// The record at the start of `bytes`. `before` is the time of the record before, and `end` says
/// that the file ends with `bytes`.
#[inline]
pub(crate) fn parse<'a>(
    records: &Records,
    bytes: &'a [u8],
    before: Option<i64>,
    end: bool,
) -> Parsed<'a> {
    let Some(head) = records.head(bytes) else { return Parsed::Needs(records.layout.size()) };
    let mut time = records.time(&head);
    let is_near = before.is_none_or(|before| is_near(time, before));
    let mut retimed = false;
    if !is_near || !records.is_usual(&head) || before.is_none() {
        match verify(records, bytes, &head, before, end) {
            Verdict::Right => {}
            Verdict::WrongTime => {
                retimed = true;
                time = before.unwrap_or(time);
            }
            Verdict::Other(parsed) => return parsed,
        }
    }
    let (start, size) = (records.layout.size(), records.size(&head));
    if bytes.len() < size {
        return Parsed::Needs(size);
    }
    let packet = &bytes[start..start + head.captured as usize];
    let record = Record { time, link: Some(records.link), bytes: packet, length: head.length };
    if retimed { Parsed::Retimed(record, size) } else { Parsed::Packet(record, size) }
}
