//! The time of a file's first packet, looked up before the file is read.

use std::io::{ErrorKind, Read};

use crate::file::reader::RecordReader;
use crate::file::record::{Record, Taken};
use crate::file::secrets::Secrets;

/// Bytes that are read at a time; most files have their first packet in these.
const CHUNK: usize = 4 << 10;

/// When the first packet in `reader` was captured, in nanoseconds since the epoch; `None` if there is
/// none or it cannot be read.
pub fn first_time(reader: &mut impl Read) -> Option<i64> {
    let (mut records, mut secrets) = (RecordReader::new(), Secrets::default());
    let mut chunk = [0; CHUNK];
    let mut first = None;
    loop {
        let length = match reader.read(&mut chunk) {
            Ok(0) => return None,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        let mut sink = |record: &Record<'_>| {
            first = Some(record.time);
            Taken::No
        };
        records.receive_data(&chunk[..length], &mut secrets, &mut sink).ok()?;
        if first.is_some() {
            return first;
        }
    }
}
