//! Typed netstrings, the encoding of flow files, as slices of their bytes.
//!
//! A value is `LENGTH:DATA` and a tag; see `archive/tnetstring.rs`.

use super::moment::nanoseconds;

/// Digits of a length at most; more would count more bytes than there are.
const MAX_DIGITS: usize = 19;

/// A value: its data and its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    pub(super) data: &'a [u8],
    pub(super) tag: u8,
}

/// How a length starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// The length, and the bytes of its digits and the colon.
    Known(u64, usize),
    /// More bytes are needed.
    Needs,
    /// These bytes are no length.
    Wrong,
}

/// Reads the length at the start of `bytes`.
pub(super) fn length(bytes: &[u8]) -> Length {
    let mut length = 0_u64;
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' if index < MAX_DIGITS => length = length * 10 + u64::from(byte - b'0'),
            b':' if index > 0 => return Length::Known(length, index + 1),
            _ => return Length::Wrong,
        }
    }
    Length::Needs
}

/// Reads the value at the start of `bytes`; returns it and the bytes after it.
pub(super) fn value(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let Length::Known(length, start) = length(bytes) else { return None };
    let rest = &bytes[start..];
    let length = usize::try_from(length).ok()?;
    let (data, rest) = rest.split_at_checked(length)?;
    let (tag, rest) = rest.split_first()?;
    Some((Value { data, tag: *tag }, rest))
}

impl<'a> Value<'a> {
    /// The values of a list.
    pub(super) fn list(self) -> Option<Items<'a>> {
        (self.tag == b']').then_some(Items(self.data))
    }

    /// The keys and values of a dict.
    pub(super) fn dict(self) -> Option<Pairs<'a>> {
        (self.tag == b'}').then_some(Pairs(Items(self.data)))
    }

    /// A text, or bytes that are one.
    pub(super) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// Bytes, or those of a text.
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        matches!(self.tag, b',' | b';').then_some(self.data)
    }

    pub(super) fn boolean(self) -> Option<bool> {
        match (self.tag, self.data) {
            (b'!', b"true") => Some(true),
            (b'!', b"false") => Some(false),
            _ => None,
        }
    }

    pub(super) fn integer<T: std::str::FromStr>(self) -> Option<T> {
        if self.tag != b'#' {
            return None;
        }
        std::str::from_utf8(self.data).ok()?.parse().ok()
    }

    /// A time in seconds, as nanoseconds since the epoch.
    pub(super) fn time(self) -> Option<i64> {
        if !matches!(self.tag, b'^' | b'#') {
            return None;
        }
        nanoseconds(std::str::from_utf8(self.data).ok()?)
    }

    pub(super) const fn is_null(self) -> bool {
        self.tag == b'~'
    }
}

/// The values of a list. They end at the first one that cannot be read; `rest` has the bytes from there.
#[derive(Clone, Debug)]
pub(super) struct Items<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let (value, rest) = value(self.0)?;
        self.0 = rest;
        Some(value)
    }
}

/// The keys and values of a dict.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'a>(Items<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.0.next()?.bytes()?;
        Some((key, self.0.next()?))
    }
}

impl Pairs<'_> {
    /// Whether all bytes were read.
    pub(super) const fn is_at_end(&self) -> bool {
        self.0.0.is_empty()
    }
}

/// The value of a key.
pub(super) fn find<'a>(pairs: &Pairs<'a>, key: &[u8]) -> Option<Value<'a>> {
    pairs.clone().find(|(name, _)| *name == key).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_decimal_digits_and_a_colon() {
        for (bytes, expected) in [
            (&b"12:hello world!,"[..], Length::Known(12, 3)),
            (b"0:~", Length::Known(0, 2)),
            (b"12", Length::Needs),
            (b"", Length::Needs),
            (b":", Length::Wrong),
            (b"1a:", Length::Wrong),
            (b"-1:", Length::Wrong),
            (b"99999999999999999999999999:", Length::Wrong),
        ] {
            assert_eq!(length(bytes), expected);
        }
    }

    #[test]
    fn values_have_the_types_of_their_tags() {
        let of = |bytes: &'static str| value(bytes.as_bytes()).unwrap().0;
        assert_eq!(of("2:hi,").bytes(), Some(&b"hi"[..]));
        assert_eq!(of("2:hi;").text(), Some("hi"));
        assert_eq!(of("2:-7#").integer::<i64>(), Some(-7));
        assert_eq!(of("3:1.5^").time(), Some(1_500_000_000));
        assert_eq!(of("4:true!").boolean(), Some(true));
        assert!(of("0:~").is_null());
        assert_eq!(of("8:1:1#1:2#]").list().unwrap().count(), 2);
        assert_eq!(of("8:1:a;1:2#}").dict().unwrap().next().unwrap().0, b"a");
        assert_eq!(of("4:true,").boolean(), None);
        assert_eq!(value(b"5:hi,"), None);
        assert_eq!(value(b"2:hi"), None);
    }
}
