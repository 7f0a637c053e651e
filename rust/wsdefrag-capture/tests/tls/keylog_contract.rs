//! The rules for key logs of any bytes, shared with the fuzz target `tls_keylog`.
//!
//! The input is a byte that says how the log is cut, then the log.
//!
//! - nothing panics
//! - how the log is cut changes nothing
//! - a secret is found exactly if a line has it, and the first line counts
//! - every line is counted once
//! - no text of ours shows a secret

use std::collections::HashMap;

use wsdefrag_capture::tls::hello::Random;
use wsdefrag_capture::tls::keylog::{Label, Line};
use wsdefrag_capture::tls::keys::{KeyCounts, KeySource, Keys};
use wsdefrag_capture::tls::secret::Secret;

/// Bytes of a line from which on it is not looked at.
const TOO_LONG: usize = 513;

/// Checks the rules for one input.
///
/// # Panics
///
/// If a rule is broken.
pub(crate) fn check(input: &[u8]) {
    let Some((&size, log)) = input.split_first() else { return };
    let (expected, counts) = expected(log);
    for size in [usize::from(size) + 1, log.len() + 1] {
        let mut keys = Keys::default();
        for chunk in log.chunks(size) {
            keys.add(chunk, KeySource::KeyLog(0));
        }
        check_keys(&mut keys, &expected, counts);
    }
    // What is in a block is whole, so its last line may be counted that is not in a log.
    let mut keys = Keys::default();
    keys.add(log, KeySource::SecretsBlock);
    for (&(random, label), secret) in &expected {
        assert_eq!(keys.find(&random, label).map(|stored| stored.secret), Some(*secret));
    }
    assert_eq!(keys.counts().secrets, counts.secrets);
}

fn check_keys(keys: &mut Keys, expected: &HashMap<(Random, Label), Secret>, counts: KeyCounts) {
    assert_eq!(keys.counts(), counts);
    for (&(random, label), secret) in expected {
        assert_eq!(keys.find(&random, label).map(|stored| stored.secret), Some(*secret));
    }
    assert!(!keys.wanted());
    assert!(keys.len() >= expected.len());
    assert!(keys.generation() >= expected.len() as u64);
    for stored in keys.since(0).to_vec().into_iter().take(20) {
        let found = keys.find(&stored.random, stored.label).map(|found| found.secret);
        assert_eq!(found, expected.get(&(stored.random, stored.label)).copied());
        assert!(!format!("{stored:?}").contains(&format!("{:?}", stored.secret.bytes())[1..100]));
    }
    assert!(!format!("{keys:?}").contains("bytes"));
    keys.find(&[0x5c; 32], Label::Master);
}

/// What a log has, line by line.
fn expected(log: &[u8]) -> (HashMap<(Random, Label), Secret>, KeyCounts) {
    let mut secrets = HashMap::new();
    let mut counts = KeyCounts::default();
    let mut lines: Vec<_> = log.split(|byte| matches!(byte, b'\n' | b'\r')).collect();
    let unended = lines.pop().unwrap_or_default();
    for (line, has_ended) in lines.into_iter().map(|line| (line, true)).chain([(unended, false)]) {
        let is_long = line.len() >= TOO_LONG;
        match Line::parse(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)) {
            Line::Secret(label, random, secret) if !is_long => {
                let is_new = !secrets.contains_key(&(random, label));
                secrets.entry((random, label)).or_insert(secret);
                counts.secrets += u64::from(is_new);
                counts.repeated += u64::from(!is_new && has_ended);
            }
            _ if line.is_empty() || !has_ended => {}
            Line::Malformed if !is_long => counts.malformed += 1,
            _ => counts.ignored += 1,
        }
    }
    (secrets, counts)
}
