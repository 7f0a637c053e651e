//! Finds the entries of an HTTP archive in chunks of any size: the objects in the array `entries` of the
//! object `log`.
//!
//! ```text
//! {"log": {..., "entries": [ <entry>, <entry>, ... ], ...}}
//!  ^ depth 1                ^ depth 3
//! ```
//!
//! Only braces, brackets and strings are told apart here. What is inside an entry is parsed when the entry
//! is complete.

use memchr::memchr2;

/// Bytes of a key that are kept: as many as the longest that counts has, and one more.
const KEPT: usize = 8;

/// A state between two bytes.
#[expect(clippy::struct_excessive_bools, reason = "answers about a position")]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HarScanner {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// The last string outside of `entries`, as far as it is kept, and its length.
    key: [u8; KEPT],
    key_length: usize,
    /// Whether the object `log` is open.
    in_log: bool,
    /// Whether the array `entries` is open.
    in_entries: bool,
    /// Whether the object `log` was found.
    has_log: bool,
    /// Whether the next byte is one of an entry.
    in_entry: bool,
}

/// What ended a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The bytes before belong to no entry. An entry starts with the next byte.
    Start,
    /// The entry has ended.
    End,
    /// All bytes were taken.
    Needs,
    /// It is no archive: another key comes first.
    Other,
}

impl HarScanner {
    /// Whether the next byte is one of an entry.
    pub(super) const fn in_entry(&self) -> bool {
        self.in_entry
    }

    /// Whether the object `log` was found.
    pub(super) const fn has_log(&self) -> bool {
        self.has_log
    }

    /// Whether everything that was opened was closed.
    pub(super) const fn is_closed(&self) -> bool {
        self.depth == 0 && self.has_log
    }

    /// Takes bytes up to the start or the end of an entry. Returns how many were taken.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> (usize, Found) {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                at += self.string(&bytes[at..]);
                continue;
            }
            let byte = bytes[at];
            match byte {
                b'"' => {
                    self.in_string = true;
                    self.key_length = 0;
                }
                b'{' | b'[' => {
                    let is_element = self.in_entries && self.depth == 3;
                    if byte == b'{' && is_element && !self.in_entry {
                        self.in_entry = true;
                        return (at, Found::Start);
                    }
                    self.open(byte);
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.in_entry && self.depth == 3 {
                        self.in_entry = false;
                        return (at + 1, Found::End);
                    }
                    self.in_entries &= self.depth > 2;
                    self.in_log &= self.depth > 1;
                }
                b':' if self.depth == 1 && !self.has_log && self.key() != b"log" => {
                    return (at, Found::Other);
                }
                b',' if self.depth < 3 => self.key_length = 0,
                _ => {}
            }
            at += 1;
        }
        (at, Found::Needs)
    }

    fn open(&mut self, byte: u8) {
        self.depth += 1;
        match (self.depth, byte) {
            (2, b'{') if self.key() == b"log" => {
                self.in_log = true;
                self.has_log = true;
            }
            (3, b'[') if self.in_log && self.key() == b"entries" => self.in_entries = true,
            _ => {}
        }
    }

    fn key(&self) -> &[u8] {
        self.key.get(..self.key_length).unwrap_or_default()
    }

    /// Takes bytes of a string. Returns how many.
    fn string(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        if self.escaped {
            self.escaped = false;
            at = 1;
        }
        while at < bytes.len() {
            let end = memchr2(b'"', b'\\', &bytes[at..]).map_or(bytes.len(), |length| at + length);
            if self.depth < 3 {
                self.keep(&bytes[at..end]);
            }
            match bytes.get(end) {
                None => return bytes.len(),
                Some(b'"') => {
                    self.in_string = false;
                    return end + 1;
                }
                Some(_) if end + 1 == bytes.len() => {
                    self.escaped = true;
                    return bytes.len();
                }
                Some(_) => at = end + 2,
            }
        }
        bytes.len()
    }

    fn keep(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(kept) = self.key.get_mut(self.key_length) {
                *kept = *byte;
            }
            self.key_length = self.key_length.saturating_add(1).min(KEPT + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str, chunk: usize) -> Vec<String> {
        let mut scanner = HarScanner::default();
        let (mut found, mut entry) = (Vec::new(), Vec::new());
        for part in text.as_bytes().chunks(chunk) {
            let mut rest = part;
            loop {
                let inside = scanner.in_entry();
                let (taken, what) = scanner.scan(rest);
                if inside {
                    entry.extend(&rest[..taken]);
                }
                rest = &rest[taken..];
                match what {
                    Found::Needs => break,
                    Found::Start => {}
                    Found::End => {
                        found.push(String::from_utf8(std::mem::take(&mut entry)).unwrap());
                    }
                    Found::Other => return vec!["other".to_owned()],
                }
            }
        }
        assert!(scanner.is_closed());
        found
    }

    #[test]
    fn entries_are_found_in_chunks_of_any_size() {
        let text = r#" {"log": {"version": "1.2", "creator": {"entries": [{"no": 1}]}, "pages": [{}],
            "entries": [ [{}], {"a": "}]\"{[\\"}, {"b": [{"c": {}}, []], "entries": []} , {} ], "comment": ""}} "#;
        let expected = [r#"{"a": "}]\"{[\\"}"#, r#"{"b": [{"c": {}}, []], "entries": []}"#, "{}"];
        for chunk in 1..text.len() {
            assert_eq!(entries(text, chunk), expected, "{chunk}");
        }
    }

    #[test]
    fn other_objects_are_told_from_archives() {
        for text in
            [r#"{"kind": "gap", "log": {}}"#, r#"{"logs": {}}"#, r#"{"longer than a key": 1}"#]
        {
            assert_eq!(entries(text, 1000), ["other"]);
        }
    }
}
