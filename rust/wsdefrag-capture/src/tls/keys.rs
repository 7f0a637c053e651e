//! The secrets of a capture: from key logs, which may grow while the capture is read, and from the
//! secrets blocks of pcapng, which hold the same text.
//!
//! The end of a log may be half a line, so it is kept until the rest of it comes. If it is a whole
//! line but for its end, its secret counts at once, and is taken back if the line goes on. So the
//! chunks that a log comes in change nothing. Of several secrets for the same connection and label
//! the first one counts.
//!
//! - `secrets.len() <= MAX_SECRETS`
//! - `indexes` has an entry for each connection and label; `secrets` also has what was taken back
//! - `Tail::line.len() <= MAX_LINE`

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use crate::tls::hello::Random;
use crate::tls::keylog::{Label, Line};
use crate::tls::missed::Missed;
use crate::tls::resumption::Resumption;
use crate::tls::secret::Secret;

/// Secrets that are stored: those of 260,000 connections of TLS 1.3, in 180 MB. A log takes about
/// as much memory as its file has bytes.
const MAX_SECRETS: u32 = 1 << 20;
/// Bytes of a line that are looked at; the longest line of use has 177.
const MAX_LINE: usize = 512;
/// The mark at the start of a text that some programs write.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where secrets came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeySource {
    /// A key log, by its number among those that were given.
    KeyLog(u16),
    /// A secrets block of a pcapng file.
    SecretsBlock,
}

/// What key logs and secrets blocks had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCounts {
    /// Lines whose secret was stored.
    pub secrets: u64,
    /// Lines with a secret for a connection and label that already had one.
    pub repeated: u64,
    /// Comments, empty lines, and lines with labels that are of no use for decryption.
    pub ignored: u64,
    /// Lines that are no lines of a key log, or whose secret has a wrong length.
    pub malformed: u64,
    /// Lines whose secret was dropped, for want of memory.
    pub dropped: u64,
    /// Bytes of connections that had ended when their secrets came.
    pub too_late_for: u64,
}

/// A stored secret.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// The random of the ClientHello of its connection.
    #[serde(with = "serde_bytes")]
    pub random: Random,
    /// The secret itself.
    pub secret: Secret,
    /// What it is for.
    pub label: Label,
    /// Where it came from.
    pub source: KeySource,
}

/// The end of a log that has no end of line yet.
#[derive(Clone, Serialize, Deserialize)]
struct Tail {
    source: KeySource,
    #[serde(with = "serde_bytes")]
    line: Vec<u8>,
    /// The line is longer than any of use, and the rest of it is skipped.
    too_long: bool,
    /// What was stored for the line before its end came.
    stored: Option<Stored>,
}

impl Tail {
    /// Reads the line as far as it is there. A mark of the byte order may stand before the first.
    fn parse(&self) -> Line {
        Line::parse(self.line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.line))
    }
}

/// All secrets of a capture.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Keys {
    secrets: Vec<Stored>,
    #[serde(skip)]
    indexes: HashMap<(Random, Label), u32, RandomState>,
    /// Indexes of secrets that were taken back.
    taken_back: Vec<u32>,
    tails: Vec<Tail>,
    counts: KeyCounts,
    generation: u64,
    wanted: bool,
    /// The masters of sessions that may be resumed.
    pub(crate) resumption: Resumption,
    pub(crate) missed: Missed,
    /// Whether secrets may still come, so that it is worth holding records for them.
    pub(crate) may_grow: bool,
    /// Bytes of records that are held for the first secret.
    pub(crate) patience: u64,
    #[serde(skip)]
    pub(crate) buffers: Buffers,
}

/// Memory that all connections use in turn.
#[derive(Clone, Default)]
pub(crate) struct Buffers {
    /// For the content of a record.
    pub(crate) scratch: Vec<u8>,
    /// For the next record that is not whole yet.
    pub(crate) spare: Vec<u8>,
}

impl Keys {
    /// Adds the next bytes of a key log, or a whole secrets block.
    pub fn add(&mut self, bytes: &[u8], source: KeySource) {
        self.wanted = false;
        let mut tail = match self.tails.iter().position(|tail| tail.source == source) {
            Some(position) => self.tails.swap_remove(position),
            None => Tail { source, line: Vec::new(), too_long: false, stored: None },
        };
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.append(&mut tail, &rest[..end]);
            self.end_line(&mut tail);
            rest = &rest[end + 1..];
        }
        self.append(&mut tail, rest);
        if source == KeySource::SecretsBlock {
            self.end_line(&mut tail);
        } else {
            self.store_unended(&mut tail);
            // As many as there are sources; without memory the line's start is lost.
            let _ = self.tails.try_push(tail);
        }
    }

    fn append(&mut self, tail: &mut Tail, bytes: &[u8]) {
        if tail.too_long || tail.line.len() + bytes.len() > MAX_LINE {
            tail.too_long = true;
            tail.line.clear();
        } else if tail.line.try_append(bytes).is_err() {
            self.counts.dropped += 1;
        }
    }

    /// Takes the line of `tail` as whole.
    fn end_line(&mut self, tail: &mut Tail) {
        let line = tail.parse();
        let is_stored = self.keep_or_take_back(tail, line);
        match line {
            _ if is_stored => tail.stored = None,
            // Such as the configuration of Encrypted ClientHello.
            _ if tail.too_long => self.counts.ignored += 1,
            Line::Secret(label, random, secret) => {
                self.store(Stored { random, secret, label, source: tail.source });
            }
            // Each CRLF has an empty line between its two bytes.
            Line::Ignored if tail.line.is_empty() => {}
            Line::Ignored => self.counts.ignored += 1,
            Line::Malformed => self.counts.malformed += 1,
        }
        tail.line.clear();
        tail.too_long = false;
    }

    /// Stores the secret of a line that may be whole.
    fn store_unended(&mut self, tail: &mut Tail) {
        let line = tail.parse();
        if !self.keep_or_take_back(tail, line)
            && let Line::Secret(label, random, secret) = line
            && !self.indexes.contains_key(&(random, label))
        {
            let stored = Stored { random, secret, label, source: tail.source };
            tail.stored = self.store(stored).then_some(stored);
        }
    }

    /// Whether the secret of `line` was stored before its end came. Takes back the one that was
    /// stored for its start, if it is another one.
    fn keep_or_take_back(&mut self, tail: &mut Tail, line: Line) -> bool {
        let Some(stored) = &tail.stored else { return false };
        let key = (stored.random, stored.label);
        if line == Line::Secret(stored.label, stored.random, stored.secret) {
            return true;
        }
        if let Some(index) = self.indexes.remove(&key) {
            // One for each log at most, and for each time that it is cut inside a secret.
            let _ = self.taken_back.try_push(index);
        }
        self.counts.secrets -= 1;
        tail.stored = None;
        false
    }

    /// Stores a secret, unless there is one for the connection and label; whether it did.
    #[expect(clippy::disallowed_methods, reason = "room was asked for before")]
    fn store(&mut self, stored: Stored) -> bool {
        let key = (stored.random, stored.label);
        if self.indexes.contains_key(&key) {
            self.counts.repeated += 1;
            return false;
        }
        let index = u32::try_from(self.secrets.len()).unwrap_or(MAX_SECRETS);
        if index == MAX_SECRETS
            || self.indexes.try_reserve(1).is_err()
            || self.secrets.try_push(stored).is_err()
        {
            self.counts.dropped += 1;
            return false;
        }
        self.indexes.insert(key, index);
        self.counts.secrets += 1;
        self.generation += 1;
        self.missed.keys_came(&key.0);
        true
    }

    /// Says that logs are given again from their start, after a checkpoint was read. A secret whose line
    /// had no end yet is taken back, because the whole line comes.
    pub(crate) fn restart_logs(&mut self) {
        for tail in std::mem::take(&mut self.tails) {
            let Some(stored) = tail.stored else { continue };
            if let Some(index) = self.indexes.remove(&(stored.random, stored.label)) {
                // One for each log at most; without memory for it, it counts as long as this process.
                let _ = self.taken_back.try_push(index);
                self.counts.secrets = self.counts.secrets.saturating_sub(1);
            }
        }
    }

    /// Finds the secrets again, after they were read from a checkpoint. Fails without memory.
    #[expect(clippy::disallowed_methods, reason = "room was asked for before")]
    pub(crate) fn index(&mut self) -> Result<(), OutOfMemory> {
        self.indexes.try_reserve(self.secrets.len()).map_err(|_| OutOfMemory)?;
        for (index, stored) in (0..).zip(&self.secrets) {
            if !self.taken_back.contains(&index) {
                self.indexes.entry((stored.random, stored.label)).or_insert(index);
            }
        }
        Ok(())
    }

    /// The secret of a connection, by the random of its ClientHello. If it is not there, the logs
    /// are worth reading again.
    pub fn find(&mut self, random: &Random, label: Label) -> Option<Stored> {
        let found = self.indexes.get(&(*random, label));
        self.wanted |= found.is_none();
        found.map(|&index| self.secrets[index as usize])
    }

    /// All secrets, in the order in which they came, but for the first `skipped`.
    #[must_use]
    pub fn since(&self, skipped: usize) -> &[Stored] {
        self.secrets.get(skipped..).unwrap_or_default()
    }

    /// The number of secrets; for [`Self::since`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// Whether there is no secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Adds what the connections of another thread, which has the same secrets, have left here.
    pub(crate) fn join(&mut self, other: Self) {
        self.wanted |= other.wanted;
        self.resumption.join(other.resumption);
        self.missed.join(other.missed);
    }

    /// A number that changes when secrets come.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes note that bytes of records are held for secrets. If there were too many of them without a
    /// single secret, none is expected any more.
    pub(crate) const fn note_held(&mut self, bytes: u64) {
        if self.secrets.is_empty() {
            self.patience = self.patience.saturating_sub(bytes);
            self.may_grow &= self.patience > 0;
        }
    }

    /// Whether a secret was looked for in vain since the last [`Self::add`].
    #[must_use]
    pub const fn wanted(&self) -> bool {
        self.wanted
    }

    /// What the logs had.
    #[must_use]
    pub const fn counts(&self) -> KeyCounts {
        KeyCounts { too_late_for: self.missed.came_late, ..self.counts }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keys").field("counts", &self.counts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: KeySource = KeySource::KeyLog(0);

    /// A line of a key log, for the connection and with the secret of these bytes.
    fn line(label: &str, connection: u8, secret: u8, length: usize) -> String {
        let hex = |byte: u8, times: usize| format!("{byte:02x}").repeat(times);
        format!("{label} {} {}", hex(connection, 32), hex(secret, length))
    }

    fn found(keys: &mut Keys, connection: u8, label: Label) -> Option<Vec<u8>> {
        keys.find(&[connection; 32], label).map(|stored| stored.secret.bytes().to_vec())
    }

    #[test]
    fn secrets_are_found_whatever_the_chunks_and_the_ends_of_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let text = [
                "# a comment",
                &line("CLIENT_RANDOM", 1, 2, 48),
                "",
                &line("CLIENT_TRAFFIC_SECRET_0", 3, 4, 32),
                &"ECH_CONFIG ".repeat(300),
                "what is this",
                &line("SERVER_TRAFFIC_SECRET_0", 3, 5, 32),
                &line("EXPORTER_SECRET", 3, 5, 32),
                "",
            ]
            .join(end);
            let text = format!("\u{feff}{text}");
            for size in [3, 7, 64, text.len()] {
                let mut keys = Keys::default();
                for chunk in text.as_bytes().chunks(size) {
                    keys.add(chunk, LOG);
                }
                assert_eq!(found(&mut keys, 1, Label::Master), Some(vec![2; 48]));
                assert_eq!(found(&mut keys, 3, Label::ClientTraffic), Some(vec![4; 32]));
                assert_eq!(found(&mut keys, 3, Label::ServerTraffic), Some(vec![5; 32]));
                assert_eq!(found(&mut keys, 3, Label::Master), None);
                let counts =
                    KeyCounts { secrets: 3, ignored: 3, malformed: 1, ..KeyCounts::default() };
                assert_eq!(keys.counts(), counts, "{size} {end:?}");
            }
        }
    }

    #[test]
    fn first_valid_line_wins() {
        let mut keys = Keys::default();
        for text in [
            line("CLIENT_TRAFFIC_SECRET_0", 1, 2, 31),
            line("CLIENT_TRAFFIC_SECRET_0", 1, 3, 32),
            line("CLIENT_TRAFFIC_SECRET_0", 1, 4, 32),
            line("CLIENT_TRAFFIC_SECRET_0", 1, 5, 20),
        ] {
            keys.add(format!("{text}\n").as_bytes(), LOG);
        }
        assert_eq!(found(&mut keys, 1, Label::ClientTraffic), Some(vec![3; 32]));
        let counts = keys.counts();
        assert_eq!((counts.secrets, counts.repeated, counts.malformed), (1, 1, 2));
        assert_eq!(keys.since(0).len(), 1);
    }

    #[test]
    fn a_last_line_without_an_end_counts_as_soon_as_it_is_whole() {
        let text = line("CLIENT_RANDOM", 1, 2, 48);
        let mut keys = Keys::default();
        for (index, byte) in text.as_bytes().iter().enumerate() {
            keys.add(&[*byte], LOG);
            assert_eq!(found(&mut keys, 1, Label::Master).is_some(), index + 1 == text.len());
        }
        keys.add(b"\r\n", LOG);
        assert_eq!(keys.counts(), KeyCounts { secrets: 1, ..KeyCounts::default() });
    }

    #[test]
    fn the_rest_of_a_line_replaces_what_its_start_was_taken_for() {
        let text = line("SERVER_TRAFFIC_SECRET_0", 1, 2, 48);
        let (start, rest) = text.split_at(text.len() - 32);
        let mut keys = Keys::default();
        keys.add(start.as_bytes(), LOG);
        assert_eq!(found(&mut keys, 1, Label::ServerTraffic), Some(vec![2; 32]));
        let (generation, seen) = (keys.generation(), keys.len());
        keys.add(&rest.as_bytes()[..10], LOG);
        keys.add(&rest.as_bytes()[10..], LOG);
        keys.add(b"\n", LOG);
        assert_eq!(found(&mut keys, 1, Label::ServerTraffic), Some(vec![2; 48]));
        assert!(keys.generation() > generation);
        assert_eq!(keys.since(seen)[0].secret.bytes(), [2; 48]);
        assert_eq!(keys.counts().secrets, 1);
    }

    #[test]
    fn sources_do_not_share_half_lines() {
        let text = line("CLIENT_RANDOM", 1, 2, 48);
        let (start, rest) = text.split_at(50);
        let mut keys = Keys::default();
        keys.add(start.as_bytes(), LOG);
        keys.add(line("CLIENT_RANDOM", 3, 4, 48).as_bytes(), KeySource::SecretsBlock);
        keys.add(line("CLIENT_RANDOM", 5, 6, 48).as_bytes(), KeySource::SecretsBlock);
        keys.add(rest.as_bytes(), LOG);
        for connection in [1, 3, 5] {
            assert!(found(&mut keys, connection, Label::Master).is_some());
        }
        assert_eq!(keys.since(0)[0].source, KeySource::SecretsBlock);
        assert_eq!(keys.find(&[1; 32], Label::Master).unwrap().source, LOG);
    }

    #[test]
    fn a_log_is_wanted_again_if_a_connection_is_missing() {
        let mut keys = Keys::default();
        assert!(!keys.wanted());
        found(&mut keys, 1, Label::Master);
        assert!(keys.wanted());
        keys.add(b"", LOG);
        assert!(!keys.wanted());
    }

    #[test]
    fn what_is_no_key_log_is_counted() {
        let mut keys = Keys::default();
        let mut bytes = Vec::new();
        let mut state = 1_u32;
        for _ in 0..100_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.push((state >> 24) as u8);
        }
        keys.add(&bytes, LOG);
        let counts = keys.counts();
        assert_eq!((counts.secrets, counts.dropped), (0, 0));
        assert!(counts.malformed > 100);
    }
}
