//! Typed netstrings, the encoding of mitmproxy's flow files.
//!
//! A value is `LENGTH:DATA` followed by a tag. LENGTH is the number of bytes of DATA in decimal digits.
//! The tag is the type: `,` bytes, `;` a text in UTF-8, `#` an integer, `^` a float, `!` true or false,
//! `~` null, `]` a list of values, `}` a dict: key, value, key, value...

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use super::message_entry::Time;
use super::pieces::Part;
use crate::lines::json::integer as digits;

/// A list or a dict: values, one after the other.
#[derive(Debug, Default)]
pub(super) struct Values {
    parts: Vec<Part>,
    /// Bytes of `parts`.
    length: u64,
    /// The last values.
    bytes: Vec<u8>,
}

impl Values {
    /// Where values are appended.
    pub(super) const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Appends the rows of a stream, which are values; `length` is their bytes.
    fn rows(mut self, stream: usize, length: u64) -> Result<Self, OutOfMemory> {
        self.settle()?;
        self.length += length;
        self.parts.try_push(Part::Rows(stream))?;
        Ok(self)
    }

    /// Appends a list or a dict of values.
    pub(super) fn add(&mut self, values: Self, tag: u8) -> Result<(), OutOfMemory> {
        let length = values.length + values.bytes.len() as u64;
        digits(&mut self.bytes, length)?;
        self.bytes.try_push(b':')?;
        if values.parts.is_empty() {
            self.bytes.try_append(&values.bytes)?;
        } else {
            self.settle()?;
            self.length += values.length;
            for part in values.parts {
                self.parts.try_push(part)?;
            }
            self.bytes = values.bytes;
        }
        self.bytes.try_push(tag)
    }

    /// Appends a list of the rows of a stream.
    pub(super) fn add_rows(&mut self, stream: usize, length: u64) -> Result<(), OutOfMemory> {
        self.add(Self::default().rows(stream, length)?, LIST)
    }

    fn settle(&mut self) -> Result<(), OutOfMemory> {
        let bytes = std::mem::take(&mut self.bytes);
        self.length += bytes.len() as u64;
        self.parts.try_push(Part::Bytes(bytes))
    }

    /// The parts, with the last values.
    pub(super) fn into_parts(mut self) -> Result<Vec<Part>, OutOfMemory> {
        self.settle()?;
        Ok(self.parts)
    }
}

/// The tag of a list.
pub(super) const LIST: u8 = b']';

/// The tag of a dict.
pub(super) const DICT: u8 = b'}';

/// Appends data of this type.
pub(super) fn value(out: &mut Vec<u8>, data: &[u8], tag: u8) -> Result<(), OutOfMemory> {
    start(out, data.len() as u64)?;
    out.try_append(data)?;
    out.try_push(tag)
}

/// Appends the length and the colon of a value.
pub(super) fn start(out: &mut Vec<u8>, length: u64) -> Result<(), OutOfMemory> {
    digits(out, length)?;
    out.try_push(b':')
}

/// Appends bytes.
pub(super) fn bytes(out: &mut Vec<u8>, data: &[u8]) -> Result<(), OutOfMemory> {
    value(out, data, b',')
}

/// Appends a text.
pub(super) fn text(out: &mut Vec<u8>, text: &str) -> Result<(), OutOfMemory> {
    value(out, text.as_bytes(), b';')
}

/// Appends an integer.
pub(super) fn integer(out: &mut Vec<u8>, number: impl itoa::Integer) -> Result<(), OutOfMemory> {
    value(out, itoa::Buffer::new().format(number).as_bytes(), b'#')
}

/// Appends a bool.
pub(super) fn boolean(out: &mut Vec<u8>, value: bool) -> Result<(), OutOfMemory> {
    out.try_append(bool_value(value))
}

/// A bool.
pub(super) const fn bool_value(value: bool) -> &'static [u8] {
    if value { b"4:true!" } else { b"5:false!" }
}

/// Appends null.
pub(super) fn null(out: &mut Vec<u8>) -> Result<(), OutOfMemory> {
    out.try_append(b"0:~")
}

/// Appends a time in seconds since the epoch, as a float.
pub(super) fn time(out: &mut Vec<u8>, time: Time) -> Result<(), OutOfMemory> {
    let mut number = Vec::new();
    time.write(&mut number)?;
    value(out, &number, b'^')
}

/// Appends a value, or null.
pub(super) fn optional<T>(
    out: &mut Vec<u8>,
    value: Option<T>,
    write: impl FnOnce(&mut Vec<u8>, T) -> Result<(), OutOfMemory>,
) -> Result<(), OutOfMemory> {
    match value {
        Some(value) => write(out, value),
        None => null(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl FnOnce(&mut Vec<u8>) -> Result<(), OutOfMemory>, expected: &str) {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn values_are_written_as_they_should_be() {
        check(null, "0:~");
        check(|out| boolean(out, true), "4:true!");
        check(|out| boolean(out, false), "5:false!");
        check(|out| integer(out, 0), "1:0#");
        check(|out| integer(out, -12), "3:-12#");
        check(|out| time(out, Time::Seconds(1.5)), "3:1.5^");
        check(|out| time(out, Time::Seconds(1e-9)), "4:1e-9^");
        let exact = Time::Nanoseconds(1_700_000_000_123_456_789);
        check(|out| time(out, exact), "20:1700000000.123456789^");
        check(|out| time(out, Time::Nanoseconds(0).or_least()), "11:0.000000001^");
        check(|out| bytes(out, b""), "0:,");
        check(|out| text(out, "größe"), "7:größe;");
    }

    #[test]
    fn lists_and_dicts_contain_values() {
        let list = |values: Values, tag| {
            let mut whole = Values::default();
            whole.add(values, tag).unwrap();
            whole
        };
        check(
            |out| {
                let mut inner = Values::default();
                null(inner.out())?;
                let mut outer = Values::default();
                integer(outer.out(), 1)?;
                outer.add(inner, LIST)?;
                out.try_append(list(outer, LIST).out())
            },
            "10:1:1#3:0:~]]",
        );
        check(
            |out| {
                let mut inner = Values::default();
                text(inner.out(), "b")?;
                bytes(inner.out(), b"c")?;
                let mut outer = Values::default();
                text(outer.out(), "a")?;
                outer.add(inner, DICT)?;
                out.try_append(list(outer, DICT).out())
            },
            "15:1:a;8:1:b;1:c,}}",
        );
    }

    #[test]
    fn rows_count_in_the_lengths_around_them() {
        let mut websocket = Values::default();
        text(websocket.out(), "messages").unwrap();
        websocket.add_rows(2, 1000).unwrap();
        null(websocket.out()).unwrap();
        let mut flow = Values::default();
        text(flow.out(), "websocket").unwrap();
        flow.add(websocket, DICT).unwrap();
        let mut whole = Values::default();
        whole.add(flow, DICT).unwrap();
        let mut shown = String::new();
        for part in whole.into_parts().unwrap() {
            match part {
                Part::Bytes(bytes) => shown += std::str::from_utf8(&bytes).unwrap(),
                Part::Rows(number) => shown.push_str(&["<", &number.to_string(), ">"].concat()),
            }
        }
        assert_eq!(shown, "1038:9:websocket;1020:8:messages;1000:<2>]0:~}}");
    }
}
